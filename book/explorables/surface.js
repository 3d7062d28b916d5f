// Loss and accuracy on the straight line between the weights of two students.
explorables.define("surface", (root, data) => {
  "use strict";
  const ex = explorables;
  const { at, lines, person } = data; // lines[i].values[batchnorm][split][score][point], null where there is none
  const SCORES = { loss: ["cross entropy, nats", 1, 2], accuracy: ["accuracy, %", 100, 1] };
  const pair = ex.select("From T & S to", lines.map((l, i) => [i, l.to]), draw);
  const batchnorm = ex.select("Statistics of BatchNorm", [["recomputed", "computed anew at each point"], ["interpolated", "mixed like the weights"]], draw);
  const score = ex.select("Score", [["loss", "loss (lower is better)"], ["accuracy", "accuracy"]], draw);
  const place = ex.slider("Position on the line", { min: 0, max: at.length - 1, step: 1, value: at.indexOf(0.5), text: (i) => ex.number(at[i]), input: draw });
  const speech = ex.announcer();
  const KINDS = { train: ["training windows", "blue"], test: [`person ${person} (held out)`, "orange"] };

  const plot = ex.picture("", (width) => {
    const box = { left: 44, right: width - 14, top: 40, bottom: 270 }, [title, scale, digits] = SCORES[score.node.value];
    const series = Object.keys(KINDS).map((split) => [split, values(split).map((v, i) => (v === null ? null : [at[i], scale * v])).filter(Boolean)]);
    const all = series.flatMap(([, points]) => points.map((p) => p[1])), room = 0.08 * (Math.max(...all) - Math.min(...all));
    const x = ex.scale([at[0], at[at.length - 1]], [box.left, box.right]), y = ex.scale([Math.min(...all) - room, Math.max(...all) + room], [box.bottom, box.top]);
    let out = ex.axes({ x, y, ...box, xTitle: "position: 0 is the first student, 1 the second", yTitle: "" });
    out += `<text x="${box.left}" y="12">${title}</text>`;
    for (const [end, name] of [[0, "T & S"], [1, lines[+pair.node.value].to]])
      out += `<path class="ex-zero" d="M${x(end)} ${box.top}V${box.bottom}"/><text class="ex-strong" x="${x(end)}" y="${box.top - 8}" text-anchor="middle">${ex.clean(name)}</text>`;
    out += `<path class="ex-green" d="M${x(at[place.value])} ${box.top}V${box.bottom}"/>`;
    for (const [split, points] of series) {
      const kind = KINDS[split][1], mark = (px, py, r) => (split === "train" ? `<circle class="ex-fill-${kind}" cx="${px}" cy="${py}" r="${r}"/>` : `<path class="ex-fill-${kind}" d="M${px} ${py - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}Z"/>`);
      out += ex.line(points.map(([a, b]) => [x(a), y(b)]), `class="ex-${kind}"`);
      for (const [a, b] of points) {
        const chosen = a === at[place.value];
        out += mark(x(a), y(b), chosen ? 7 : 4);
        if (chosen) out += `<text class="ex-strong" x="${x(a) + 11}" y="${y(b) + (split === "train" ? 14 : -6)}">${ex.number(b, digits)}</text>`;
      }
    }
    return [box.bottom + 40, out];
  });
  const values = (split) => lines[+pair.node.value].values[batchnorm.node.value][split][score.node.value];

  function draw() {
    const [title, scale, digits] = SCORES[score.node.value];
    const said = Object.entries(KINDS).map(([split, [name]]) => {
      const value = values(split)[place.value];
      return `${name}: ${value === null ? "none (a mixed variance is negative)" : ex.number(scale * value, digits)}`;
    });
    const text = `From T & S to ${lines[+pair.node.value].to}, position ${ex.number(at[place.value])}: ${title}: ${said.join("; ")}.`;
    speech.say(text, !speech.node.textContent);
    plot.label(`Scores on the line from T & S to ${lines[+pair.node.value].to}. ${text}`);
    plot.redraw();
  }
  const mark = (inner) => `<svg width="26" height="14" aria-hidden="true">${inner}</svg>`;
  const legend = ex.element("ul", { class: "ex-legend" });
  legend.innerHTML = `<li>${mark('<path class="ex-blue" d="M0 7H26"/><circle class="ex-fill-blue" cx="13" cy="7" r="4"/>')}${KINDS.train[0]}</li><li>${mark('<path class="ex-orange" d="M0 7H26"/><path class="ex-fill-orange" d="M13 2l5 5l-5 5l-5-5Z"/>')}${KINDS.test[0]}</li><li>${mark('<path class="ex-green" d="M13 0V14"/>')}your position</li>`;
  root.append(
    ex.element("div", { class: "ex-controls" }, pair.box, batchnorm.box, score.box),
    ex.element("div", { class: "ex-controls" }, place.box),
    plot.box,
    legend,
    speech.node,
  );
  draw();
});
