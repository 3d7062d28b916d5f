// Shared by all explorables: elements, scales, axes, a live region. Plain JavaScript, no other file is loaded.
(function () {
  "use strict";
  if (window.explorables) return; // two explorables on one page
  const data = {};
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  const waiting = {};

  // Data of an explorable that are loaded when they are asked for: `name.part.js` calls `arrive`.
  function later(name, part) {
    const key = `${name}.${part}`;
    waiting[key] = waiting[key] || {};
    waiting[key].promise =
      waiting[key].promise ||
      new Promise((done, fail) => {
        waiting[key].done = done;
        document.head.append(element("script", { src: `${folder}${key}.js`, error: () => fail(new Error(`${key}.js is missing`)) }));
      });
    return waiting[key].promise;
  }
  const arrive = (key, value) => waiting[key]?.done(value);

  // Element `name` with attributes (functions are event handlers) and children.
  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(key, value);
      else if (value === true) node.setAttribute(key, "");
      else if (value !== false && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }

  let count = 0;
  function control(label, node, ...after) {
    node.id = node.id || `explorable-${++count}`;
    return element("div", { class: "ex-control" }, element("label", { for: node.id }, label), node, ...after);
  }

  // A slider; `text` writes its value for readers of the screen and in the box beside it.
  function slider(label, { min, max, step, value, text = String, input }) {
    const shown = element("output", { class: "ex-value" });
    const node = element("input", { type: "range", min, max, step, value });
    const tell = () => {
      shown.textContent = text(+node.value);
      node.setAttribute("aria-valuetext", shown.textContent);
    };
    node.addEventListener("input", () => (tell(), input(+node.value)));
    tell();
    const box = control(label, node, shown);
    return {
      box,
      node,
      get value() {
        return +node.value;
      },
      set value(to) {
        node.value = to;
        tell();
      },
      tell,
    };
  }

  // A list of choices: [value, text, group] each.
  function select(label, choices, change) {
    const node = element("select", { change: () => change(node.value) });
    fill(node, choices);
    return { box: control(label, node), node };
  }

  function fill(node, choices, chosen = node.value) {
    const groups = new Map();
    for (const [value, text, group = ""] of choices) {
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(element("option", { value }, text));
    }
    node.replaceChildren();
    for (const [group, options] of groups) node.append(...(group ? [element("optgroup", { label: group }, ...options)] : options));
    node.value = chosen;
    if (node.selectedIndex < 0) node.selectedIndex = 0;
  }

  function button(text, click, attributes = {}) {
    return element("button", { type: "button", click, ...attributes }, text);
  }

  // Values for readers of the screen: said when the hand rests, not at each step of a slider.
  function announcer() {
    const node = element("p", { class: "ex-message", role: "status", "aria-live": "polite" });
    let timer;
    return {
      node,
      say(text, now = false) {
        clearTimeout(timer);
        if (now) node.textContent = text;
        else timer = setTimeout(() => (node.textContent = text), 150);
      },
    };
  }

  // A drawing as wide as its box: `draw(width)` returns [height, markup]; text keeps its size on a phone.
  function picture(label, draw) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", label);
    const box = element("div", { class: "ex-picture" });
    box.append(node);
    let seen = 0;
    const redraw = () => {
      const width = Math.round(box.clientWidth);
      if (!width) return;
      const [height, markup] = draw(width);
      node.setAttribute("viewBox", `0 0 ${width} ${height}`);
      node.setAttribute("width", width);
      node.setAttribute("height", height);
      node.innerHTML = markup;
      seen = width;
    };
    new ResizeObserver(() => Math.round(box.clientWidth) !== seen && redraw()).observe(box);
    return { box, node, redraw, label: (text) => node.setAttribute("aria-label", text) };
  }

  function scale([a, b], [from, to]) {
    const to_pixels = (x) => from + ((x - a) / (b - a)) * (to - from);
    to_pixels.invert = (y) => a + ((y - from) / (to - from)) * (b - a);
    to_pixels.domain = [a, b];
    return to_pixels;
  }

  // Round values inside [a, b], about n of them.
  function ticks([a, b], n = 5) {
    const raw = (b - a) / n;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 2.5, 5, 10].find((s) => s * power >= raw * 0.999);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0));
    const result = [];
    for (let i = Math.ceil(a / step - 1e-9); i * step <= b + 1e-9 * step; i++) result.push([i * step, signed((i * step).toFixed(digits))]);
    return result;
  }

  const signed = (text) => text.replace(/^-(0(?:\.0+)?)$/, "$1").replace("-", "−");
  const number = (x, digits = 2) => signed(x.toFixed(digits));
  const plus = (x, digits = 1) => (+x.toFixed(digits) > 0 ? "+" : "") + number(x, digits);
  const clean = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

  // Axes below and to the left of a plot, with their titles; each may be left out.
  function axes({ x, y, left, bottom, top, right, xTitle = "", yTitle = "", xTicks = 5, yTicks = 4 }) {
    let out = "";
    if (x) {
      out += `<path class="ex-axis" d="M${left} ${bottom}H${right}"/>`;
      for (const [value, text] of ticks(x.domain, xTicks))
        out += `<path class="ex-axis" d="M${x(value)} ${bottom}v4"/><text x="${x(value)}" y="${bottom + 17}" text-anchor="middle">${text}</text>`;
      out += `<text x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${clean(xTitle)}</text>`;
    }
    if (y) {
      out += `<path class="ex-axis" d="M${left} ${top}V${bottom}"/>`;
      for (const [value, text] of ticks(y.domain, yTicks))
        out += `<path class="ex-axis" d="M${left} ${y(value)}h-4"/><text x="${left - 7}" y="${y(value) + 4}" text-anchor="end">${text}</text>`;
      out += `<text x="${left}" y="${top - 8}" text-anchor="start">${clean(yTitle)}</text>`;
    }
    return out;
  }

  const line = (points, attributes = "") => `<path ${attributes} d="M${points.map((p) => p.map((v) => +v.toFixed(2)).join(" ")).join("L")}"/>`;

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const floats = (text) => new Float32Array(bytes(text).buffer);

  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function style(css) {
    if (!document.getElementById("ex-style")) document.head.append(element("style", { id: "ex-style" }, css));
  }

  // Start `name` in every box that asks for it.
  function define(name, start) {
    for (const root of document.querySelectorAll(`[data-explorable="${name}"]`)) {
      root.replaceChildren();
      start(root, data[name]);
    }
  }

  window.explorables = { data, element, control, slider, select, fill, button, announcer, picture, scale, ticks, number, plus, clean, axes, line, bytes, floats, later, arrive, still, style, define };
})();
