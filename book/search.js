// Ranking and excerpts of Sphinx's search: titles first, chapters before other pages, prose alone in excerpts.
"use strict";
var Scorer = {
  objNameMatch: 0,
  objPartialMatch: 0,
  objPrio: {},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  score: ([docname, title, anchor, , score]) => {
    const query = (new URLSearchParams(location.search).get("q") || "").toLowerCase().trim();
    const name = title.replace(/<[^>]*>/g, "").toLowerCase().trim().replace(/^\d+\. /, ""); // without its number
    const [whole, part] = name.split(" > ");
    if (whole === part) return 0; // the first heading of a page is the page
    let rank = score;
    if (anchor === "") {
      if (name === query) rank += 1000;
      else if (query && name.includes(query)) rank += 500;
      if (docname.startsWith("notebooks/")) rank += 1;
    } else if (query && name.endsWith("> " + query)) rank += 400;
    else if (query && name.includes(query)) rank += 100;
    return rank;
  },
};
document.addEventListener("DOMContentLoaded", () => {
  const NOT_PROSE = [".headerlink", "script", "style", ".bd-header-article", "#jb-print-docs-body", ".bd-sidebar-secondary",
    ".cell_input", ".cell_output", ".highlight", ".math", "math", ".provenance", "footer", ".prev-next-footer", "figure"];
  Search.htmlToText = (text, anchor) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    page.querySelectorAll(NOT_PROSE.join(",")).forEach((element) => element.remove());
    const part = (anchor && page.querySelector(`[role="main"] ${anchor}`)) || page.querySelector("article");
    return part ? part.textContent.replace(/\s+/g, " ") : "";
  };
});
