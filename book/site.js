// What each page does beside the theme: boxes that scroll can be reached by keyboard; buttons to copy have a name.
"use strict";
(() => {
  const BOXES = "pre, div.math, table.dataframe, .text_html, .pst-scrollable-table-container, .provenance, .scrolls";
  const reach = () => {
    document.querySelectorAll(BOXES).forEach((box) => {
      const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight + 1;
      const clipped = getComputedStyle(box).overflowX !== "visible";
      if (scrolls && clipped) box.tabIndex = 0;
      else if (box.tabIndex === 0 && box.localName !== "a") box.removeAttribute("tabindex");
    });
  };
  let timer = 0;
  const soon = () => { clearTimeout(timer); timer = setTimeout(reach, 200); };
  addEventListener("load", () => {
    reach();
    document.querySelectorAll("button.copybtn:not([aria-label])").forEach((button) => button.setAttribute("aria-label", "Copy"));
  });
  addEventListener("resize", soon);
  document.addEventListener("toggle", soon, true);
  reach();
})();

// The index of claims can be filtered by verdict and by words; without this script it is a plain table.
addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".claims-index table").forEach((table) => {
    const rows = [...table.tBodies[0].rows];
    const bar = document.createElement("div");
    bar.className = "claims-filter";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Filter the claims");
    const words = Object.assign(document.createElement("input"), { type: "search", placeholder: "Filter by words" });
    words.setAttribute("aria-label", "Filter by words");
    const count = document.createElement("span");
    count.setAttribute("aria-live", "polite");
    let verdict = "";
    const show = () => {
      rows.forEach((row) => {
        const verdicts = [...row.querySelectorAll(".verdict")].map((one) => one.textContent);
        const fits = (!verdict || verdicts.includes(verdict)) && row.textContent.toLowerCase().includes(words.value.toLowerCase());
        row.hidden = !fits;
      });
      count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
    };
    const kinds = ["", ...new Set([...table.querySelectorAll(".verdict")].map((one) => one.textContent))];
    const buttons = kinds.map((kind) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: kind || "all" });
      button.addEventListener("click", () => {
        verdict = kind;
        buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        show();
      });
      return button;
    });
    buttons[0].setAttribute("aria-pressed", "true");
    words.addEventListener("input", show);
    bar.append(...buttons, words, count);
    table.closest(".claims-index").before(bar);
    show();
  });
});

// A person under the pointer stands out in all drawings of the page, and after a click or tap until the next one; see `people.py`.
addEventListener("DOMContentLoaded", () => {
  const all = '.drawing [id*="person-"]';
  const nameOf = (one) => decodeURIComponent(one.id.slice(one.id.indexOf("person-") + 7));
  const people = new Map();
  document.querySelectorAll(all).forEach((one) => {
    const name = nameOf(one);
    people.set(name, [...(people.get(name) ?? []), one]);
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = `held-out person ${name}`;
    one.prepend(title);
    one.closest(".drawing").classList.add("of-people");
  });
  let shown, pinned;
  const show = (name) => {
    if (name === shown) return;
    people.get(shown)?.forEach((one) => one.classList.remove("followed"));
    people.get(name)?.forEach((one) => one.classList.add("followed"));
    document.documentElement.classList.toggle("follows", people.has(name));
    shown = name;
  };
  const under = (event) => {
    const one = event.target.closest?.(all);
    return one ? nameOf(one) : undefined;
  };
  if (!people.size) return;
  addEventListener("pointerover", (event) => show(under(event) ?? pinned));
  addEventListener("click", (event) => {
    if (!event.target.closest?.(".drawing.of-people")) return; // links and buttons do what they did
    pinned = under(event) === pinned ? undefined : under(event);
    show(pinned);
  });
});

// Where versions of the book lie side by side (`make release`), the foot of the sidebar leads to the others.
addEventListener("DOMContentLoaded", () => {
  const own = location.pathname.match(/\/(v\d+\.\d+)\/([^/]+\/[^/]+)$/);
  const foot = document.querySelector(".colophon");
  if (!own || !foot || !location.protocol.startsWith("http")) return;
  fetch("../../versions.json").then((reply) => (reply.ok ? reply.json() : [])).then((names) => {
    const others = names.filter((name) => name !== own[1]).map((name) => {
      const link = Object.assign(document.createElement("a"), { href: `../../${name}/`, textContent: name });
      return [" ", link];
    });
    if (others.length) foot.append(document.createElement("br"), "Other versions:", ...others.flat());
  }).catch(() => {});
});
