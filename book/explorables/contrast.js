// Any two settings of the campaign, person by person, with the reader's own margin and the verdict of chapter 11.
explorables.define("contrast", (root, data) => {
  "use strict";
  const ex = explorables;
  const { average, verdict, mean } = ex.statistics;
  const METRICS = {
    accuracy: { name: "Accuracy", unit: "points", scale: 100, digits: 1, better: "above", most: 5, step: 0.1 },
    nll: { name: "NLL (lower is better)", unit: "nats", scale: 1, digits: 3, better: "below", most: 0.3, step: 0.005 },
  };
  const WORDS = {
    supported: (m) => `A is better than B, and it may be by ${m} or more.`,
    opposite: (m) => `A is worse than B, and it may be by ${m} or more.`,
    "no relevant effect": (m) => `A gain of ${m} or more is excluded.`,
    undecided: (m) => `It is not clear whether A is better than B, nor whether a gain would be below ${m}.`,
  };
  const sets = {}; // by name, those that are here
  const looked = new Set(); // contrasts seen so far

  function unpack(set) {
    const raw = ex.bytes(set.cells), people = set.people.length;
    let at = 0;
    set.by_label = new Map();
    for (const [label, group, seeds] of set.settings) {
      set.by_label.set(label, { label, group, seeds, at });
      at += seeds * people * 5;
    }
    set.value = (setting, seed, person, metric) => {
      const i = setting.at + (seed * people + person) * 5;
      if (metric === "accuracy") return (raw[i] + 256 * raw[i + 1]) / set.windows[person];
      return ((raw[i + 2] + 256 * raw[i + 3] + 65536 * raw[i + 4]) / set.steps) * set.most;
    };
    sets[set.name] = set;
  }

  // A minus B in one data set: by fold and seed, and for each person A, B and the difference, seeds averaged.
  function compare(set, a, b, metric) {
    const [one, other] = [set.by_label.get(a), set.by_label.get(b)];
    const seeds = Math.min(one.seeds, other.seeds), people = set.people.map(([fold, name], i) => ({ fold, name, i, set: set.name }));
    const of = (setting, seed, i) => set.value(setting, seed, i, metric);
    for (const p of people) {
      const all = [...Array(seeds).keys()];
      p.a = mean(all.map((s) => of(one, s, p.i)));
      p.b = mean(all.map((s) => of(other, s, p.i)));
      p.difference = p.a - p.b;
    }
    const folds = [...new Set(people.map((p) => p.fold))];
    const differences = folds.map((fold) => {
      const own = people.filter((p) => p.fold === fold);
      return [...Array(seeds).keys()].map((s) => mean(own.map((p) => of(one, s, p.i) - of(other, s, p.i))));
    });
    return { people, differences, seeds };
  }

  function result(names, { a, b, metric, margin }) {
    const each = names.map((name) => compare(sets[name], a, b, metric));
    const found = average(each.map((one) => one.differences));
    return { ...found, people: each.flatMap((one) => one.people), seeds: each.map((one) => one.seeds), verdict: verdict(found, METRICS[metric].better, margin) };
  }
  root.result = result; // tests compare it with Python

  let names = [data.sets[0]];
  const settings = () => sets[names[0]].settings.filter(([label]) => names.every((name) => sets[name].by_label.has(label)));
  const choices = () => settings().map(([label, group]) => [label, label, group]);
  const title = (name) => `${name} (${data.people[name]} people)`;
  const where = ex.select("Data set", [...data.sets.map((s) => [s, title(s)]), ...(data.sets.length > 1 ? [["all", `average of ${data.sets.join(" and ")}`]] : [])], async (to) => {
    const next = to === "all" ? data.sets : [to];
    where.node.setAttribute("aria-busy", "true");
    for (const name of next) if (!sets[name]) unpack(await ex.later("contrast", name));
    where.node.removeAttribute("aria-busy");
    names = next;
    for (const list of [first, second]) ex.fill(list.node, choices());
    draw();
  });
  const first = ex.select("A", [], draw), second = ex.select("B, which A is compared with", [], draw);
  const measure = ex.select("Score", Object.entries(METRICS).map(([key, m]) => [key, m.name]), () => (limits(), draw()));
  const margin = ex.slider("Margin: the smallest difference that matters", { min: 0, max: 5, step: 0.1, value: 1, text: (v) => `${ex.number(v, metric().digits)} ${metric().unit}`, input: draw });
  function metric() {
    return METRICS[measure ? measure.node.value : "accuracy"];
  }
  const limits = () => {
    const m = metric();
    Object.assign(margin.node, { min: 0, max: m.most, step: m.step });
    margin.value = m.scale * data.margins[measure.node.value];
  };
  const swap = ex.button("Swap A and B", () => {
    [first.node.value, second.node.value] = [second.node.value, first.node.value];
    draw();
  });
  const speech = ex.announcer();
  const answer = ex.element("p", { class: "ex-answer", role: "status" });
  const table = ex.element("div", { class: "ex-scroll", tabindex: "0", role: "region", "aria-label": "Scores of each person" });
  let now;

  const plot = ex.picture("", (width) => {
    const m = metric(), people = [...now.people].sort((p, q) => p.difference - q.difference);
    const row = people.length > 20 ? 9 : 20, left = people.length > 20 ? 14 : 64, right = width - 14, top = 74;
    const bottom = top + row * people.length + 4;
    const ends = [...people.map((p) => p.difference), now.low || 0, now.high || 0].map((v) => m.scale * v), room = 1.3 * margin.value;
    const [low, high] = [Math.min(...ends, -room), Math.max(...ends, room)], edge = 0.05 * (high - low) || 1;
    const x = ex.scale([low - edge, high + edge], [left, right]), at = (v) => x(m.scale * v);
    let out = `<rect class="ex-band" x="${x(-margin.value)}" y="24" width="${x(+margin.value) - x(-margin.value)}" height="${bottom - 24}"/>`;
    out += `<path class="ex-zero" d="M${x(0)} 24V${bottom}"/>`;
    const better = m.better === "above" ? ["B better", "A better"] : ["A better", "B better"];
    out += `<text x="${left}" y="14">← ${better[0]}</text><text x="${right}" y="14" text-anchor="end">${better[1]} →</text>`;
    if (Number.isFinite(now.low)) out += `<path class="ex-green ex-thick" d="M${at(now.low)} 44H${at(now.high)}"/>`;
    out += `<path class="ex-fill-green" d="M${at(now.effect)} 35l8 9l-8 9l-8-9Z"/>`;
    people.forEach((p, i) => {
      const y = top + row * (i + 0.5), won = (m.better === "above" ? 1 : -1) * p.difference > 0;
      out += `<g><title>${p.set}, person ${p.name}: A ${ex.number(m.scale * p.a, m.digits)}, B ${ex.number(m.scale * p.b, m.digits)}</title>`;
      out += `<path class="ex-axis" d="M${x(0)} ${y}H${at(p.difference)}"/>`;
      out += `<circle class="${won ? "ex-fill-blue" : "ex-hollow"}" cx="${at(p.difference)}" cy="${y}" r="${row > 10 ? 5.5 : 3.5}"/></g>`;
      if (row > 10) out += `<text x="${left - 8}" y="${y + 4}" text-anchor="end">person ${p.name}</text>`;
    });
    out += ex.axes({ x, left, right, bottom, top, xTitle: `A minus B, ${m.unit}`, xTicks: width < 500 ? 4 : 7 });
    return [bottom + 40, out];
  });

  function draw() {
    const key = measure.node.value, m = metric(), [a, b] = [first.node.value, second.node.value];
    margin.tell();
    now = result(names, { a, b, metric: key, margin: margin.value / m.scale });
    if (a !== b) looked.add([names, key, ...[a, b].sort()].join("|"));
    const show = (v) => ex.plus(m.scale * v, m.digits);
    const won = now.people.filter((p) => (m.better === "above" ? p.difference > 0 : p.difference < 0)).length;
    const interval = Number.isFinite(now.low) ? `, 95 % interval [${show(now.low)}, ${show(now.high)}]` : "";
    const word = a === b ? "the same" : now.verdict;
    const said = `<span class="ex-verdict">${word}</span> ${a === b ? "Choose two different settings." : WORDS[now.verdict](`${ex.number(+margin.value, m.digits)} ${m.unit}`)}`;
    if (answer.innerHTML !== said) answer.innerHTML = said;
    const text = `A minus B: ${show(now.effect)} ${m.unit}${interval}. A is better for ${won} of ${now.people.length} people.`;
    speech.say(text, !speech.node.textContent);
    plot.label(`Differences of ${now.people.length} people. ${text}`);
    plot.redraw();
    count.textContent = `Contrasts you have looked at: ${looked.size}. The verdict is that of one test alone: of twenty contrasts without any effect, about one looks clear by chance. Chapter 11 corrects for its twelve claims.`;
    const cells = (tag, texts) => ex.element("tr", {}, ...texts.map((t) => ex.element(tag, {}, t)));
    table.replaceChildren(ex.element("table", {}, ex.element("thead", {}, cells("th", ["person", "A", "B", "difference"])), ex.element("tbody", {}, ...now.people.map((p) => cells("td", [`${names.length > 1 ? p.set + " " : ""}${p.name}`, ex.number(m.scale * p.a, m.digits), ex.number(m.scale * p.b, m.digits), show(p.difference)])))));
  }
  const count = ex.element("p", {});
  const mark = (inner) => `<svg width="26" height="14" aria-hidden="true">${inner}</svg>`;
  const legend = ex.element("ul", { class: "ex-legend" });
  legend.innerHTML =
    `<li>${mark('<path class="ex-green" d="M0 7H26"/><path class="ex-fill-green" d="M13 0l7 7l-7 7l-7-7Z"/>')}mean and 95 % interval</li>` +
    `<li>${mark('<circle class="ex-fill-blue" cx="13" cy="7" r="5"/>')}a person for whom A is better</li>` +
    `<li>${mark('<circle class="ex-hollow" cx="13" cy="7" r="5"/>')}a person for whom it is not</li>` +
    `<li>${mark('<rect class="ex-band" width="26" height="14"/>')}smaller than the margin</li>`;
  root.append(
    ex.element("div", { class: "ex-controls" }, where.box, measure.box),
    ex.element("div", { class: "ex-controls" }, first.box, second.box, swap),
    ex.element("div", { class: "ex-controls" }, margin.box),
    answer,
    speech.node,
    plot.box,
    legend,
    count,
    ex.element("details", {}, ex.element("summary", {}, "Scores of each person"), table),
  );
  unpack(data.set);
  ex.fill(first.node, choices(), data.start[0]);
  ex.fill(second.node, choices(), data.start[1]);
  measure.node.value = data.metric;
  limits();
  draw();
});
