// Of each text and mark of an explorable: kind, what it is, contrast with what lies behind (WCAG 2), size of the text.
(() => {
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const result = [];
  for (const node of document.querySelectorAll(".explorable *")) {
    const style = getComputedStyle(node);
    if (!node.getClientRects().length || ["OPTION", "OPTGROUP", "title"].includes(node.tagName)) continue;
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    const colour = node.closest("svg") ? style.fill : style.color;
    if (own || node.tagName === "SELECT")
      result.push(["text", node.textContent.slice(0, 20), ratio(colour, behind(node)), parseFloat(style.fontSize)]);
    if (node.matches("svg :is(circle, path, rect)") && !node.matches(".ex-band, .ex-water, .ex-pixels rect")) {
      const colours = [style.fill, style.stroke].filter((c) => c !== "none");
      result.push(["mark", node.getAttribute("class"), Math.max(...colours.map((c) => ratio(c, behind(node)))), Infinity]);
    }
  }
  return result.map(([kind, what, contrast, size]) => [kind, what, contrast, Math.min(size, 99)]);
})();
