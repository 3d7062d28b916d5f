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
