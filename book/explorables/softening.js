// Temperature and mixup on the logits of real teachers: one target, the mean entropy, and the students that were measured.
explorables.define("softening", (root, data) => {
  "use strict";
  const ex = explorables;
  const { classes, truth, fine, people } = data;
  const teachers = data.teachers.map((t) => ({ ...t, logits: new Int16Array(ex.bytes(t.logits).buffer) }));
  const [k, n] = [classes.length, truth.length];
  const SCORES = { nll: ["NLL of the student, nats", (v) => ex.number(v)], accuracy: ["accuracy of the student, %", (v) => ex.number(100 * v, 1)] };

  function target(teacher, row, temperature) {
    const powers = Array.from(teacher.logits.subarray(row * k, row * k + k), (z) => Math.exp(z / fine / temperature));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((v) => v / sum);
  }
  const entropy = (p) => -p.reduce((sum, v) => sum + (v > 0 ? v * Math.log(v) : 0), 0);
  function mean_entropy(teacher, temperature) {
    let sum = 0;
    for (let row = 0; row < n; row++) sum += entropy(target(teacher, row, temperature));
    return sum / n;
  }
  root.result = (i, temperature) => mean_entropy(teachers[i], temperature); // tests compare it with Python

  const kinds = [...new Set(teachers.map((t) => t.modality))];
  const modality = ex.select("Teacher", kinds.map((m) => [m, `${m} teacher`]), () => (list(), draw()));
  const mixup = ex.select("Mixup in its training", [], draw);
  const score = ex.select("Score of the students", [["nll", "NLL (lower is better)"], ["accuracy", "accuracy"]], draw);
  const heat = ex.slider("Temperature", { min: 0, max: 3.3, step: 0.1, value: 2, text: (v) => `T = ${ex.number(2 ** v, 1)}`, input: draw });
  const window_ = ex.slider("Window shown", { min: 1, max: n, step: 1, value: 1, text: (v) => `${v} of ${n}`, input: draw });
  const speech = ex.announcer();
  const list = () => ex.fill(mixup.node, teachers.map((t, i) => [i, t]).filter(([, t]) => t.modality === modality.node.value).map(([i, t]) => [i, t.mixup]));
  let now;

  const bars = ex.picture("", (width) => {
    const left = 84, x = ex.scale([0, 1], [left, width - 56]), top = 24;
    let out = `<text class="ex-strong" x="0" y="12">Target for one window</text>`;
    now.target.forEach((value, c) => {
      const y = top + 26 * c, mine = c === truth[now.row];
      out += `<text class="${mine ? "ex-strong" : ""}" x="${left - 8}" y="${y + 14}" text-anchor="end">${ex.clean(classes[c])}${mine ? " (true)" : ""}</text>`;
      out += `<rect class="ex-fill-${mine ? "blue" : "orange"}" x="${left}" y="${y}" width="${Math.max(1, x(value) - left)}" height="19"/>`;
      out += `<text x="${x(value) + 6}" y="${y + 14}">${ex.number(value)}</text>`;
    });
    return [top + 26 * k, out];
  });
  const scatter = ex.picture("", (width) => {
    const box = { left: 44, right: width - 14, top: 26, bottom: 236 }, key = score.node.value, scale = key === "accuracy" ? 100 : 1;
    const own = teachers.filter((t) => t.modality === modality.node.value);
    const points = own.flatMap((t) => t.students.map((s) => ({ t, s, x: mean_entropy(t, s.temperature), y: scale * s[key] })));
    const ends = (values, room) => [Math.min(...values) - room * (Math.max(...values) - Math.min(...values)), Math.max(...values) + room * (Math.max(...values) - Math.min(...values))];
    const x = ex.scale([0, Math.log(k)], [box.left, box.right]), y = ex.scale(ends(points.map((p) => p.y), 0.12), [box.bottom, box.top]);
    let out = ex.axes({ x, y, ...box, xTitle: "mean entropy of the targets, nats", yTitle: SCORES[key][0], xTicks: 4 });
    for (const t of own) {
      const line = points.filter((p) => p.t === t).map((p) => [x(p.x), y(p.y)]);
      if (line.length > 1) out += ex.line(line, `class="${t.mixup === "no mixup" ? "ex-blue" : "ex-orange"} ex-thin"`);
    }
    out += `<path class="ex-green" d="M${x(now.entropy)} ${box.top}V${box.bottom}"/>`;
    let names = ""; // above all marks
    for (const p of points) {
      const [px, py] = [x(p.x), y(p.y)], about = `<title>${p.t.mixup}, T = ${p.s.temperature}</title>`;
      out += `<g>${about}` + (p.t.mixup === "no mixup" ? `<circle class="ex-fill-blue" cx="${px}" cy="${py}" r="5"/>` : `<path class="ex-fill-orange" d="M${px} ${py - 6}l6 6l-6 6l-6-6Z"/>`) + "</g>";
      if (p.s === now.student) out += `<circle class="ex-green" cx="${px}" cy="${py}" r="10"/>`;
      const below = p.t.students.indexOf(p.s) % 2;
      if (p.t.students.length > 1) names += `<text x="${Math.min(px, box.right - 20)}" y="${py + (below ? 20 : -10)}" text-anchor="middle">T = ${p.s.temperature}</text>`;
    }
    return [box.bottom + 40, out + names];
  });

  function draw() {
    const teacher = teachers[+mixup.node.value], temperature = 2 ** heat.value, row = window_.value - 1;
    const p = target(teacher, row, temperature);
    const student = teacher.students.find((s) => Math.abs(Math.log2(s.temperature) - heat.value) < 0.01);
    now = { target: p, row, entropy: mean_entropy(teacher, temperature), student };
    let text = `Mean entropy of the targets: ${ex.number(now.entropy)} nats of at most ${ex.number(Math.log(k))}; of this window: ${ex.number(entropy(p))}. `;
    text += student
      ? `The student trained at this setting: accuracy ${ex.number(100 * student.accuracy, 1)} %, NLL ${ex.number(student.nll)} (mean of ${people} people, one seed).`
      : `No student was trained at this setting; those of this teacher were at T = ${teacher.students.map((s) => s.temperature).join(", ")}.`;
    speech.say(text, !speech.node.textContent);
    bars.label(`Target of the teacher for one window: ${classes.map((c, i) => `${c} ${ex.number(p[i])}`).join(", ")}.`);
    scatter.label(`Scores of measured students over the mean entropy of their targets. ${text}`);
    bars.redraw();
    scatter.redraw();
  }
  const mark = (inner) => `<svg width="26" height="14" aria-hidden="true">${inner}</svg>`;
  const legend = ex.element("ul", { class: "ex-legend" });
  legend.innerHTML =
    `<li>${mark('<circle class="ex-fill-blue" cx="13" cy="7" r="5"/>')}student of a teacher without mixup</li>` +
    `<li>${mark('<path class="ex-fill-orange" d="M13 1l6 6l-6 6l-6-6Z"/>')}of a teacher with mixup</li>` +
    `<li>${mark('<path class="ex-green" d="M13 0V14"/>')}your setting</li>`;
  root.append(
    ex.element("div", { class: "ex-controls" }, modality.box, mixup.box, score.box),
    ex.element("div", { class: "ex-controls" }, heat.box, window_.box),
    ex.element("div", { class: "ex-pair ex-even" }, bars.box, ex.element("div", {}, scatter.box, legend)),
    speech.node,
  );
  list();
  // First the window that the teacher is least sure of.
  const sure = [...Array(n).keys()].map((row) => entropy(target(teachers[0], row, 1)));
  window_.value = 1 + sure.indexOf(Math.max(...sure));
  draw();
});
