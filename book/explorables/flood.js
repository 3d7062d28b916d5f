// The flood: the water rises through a window; pieces are born and die, and the persistence image fills.
explorables.define("flood", (root, data) => {
  "use strict";
  const ex = explorables;
  const { pairs, pieces, image, pixels } = ex.topology;
  const { windows, channels, rate, grids, n, spread } = data;
  let x, found, grid, most, level, unit, timer;

  const choose = () => {
    const channel = +channelList.node.value;
    x = ex.floats(windows[+windowList.node.value].signals[channel]);
    found = pairs(x);
    unit = channels[channel].unit;
    grid = { ...grids[channel], n, spread };
    most = Math.max(...image(found, grid));
    const [low, high] = [Math.min(...x), Math.max(...x)];
    const room = 0.06 * (high - low);
    Object.assign(water.node, { min: low - room, max: high + room, step: (high - low) / 200 });
    set(low + 0.6 * (high - low));
  };
  const set = (to) => {
    level = Math.min(Math.max(to, +water.node.min), +water.node.max);
    water.value = level;
    draw();
  };
  const stop = () => {
    cancelAnimationFrame(timer);
    timer = 0;
    play.textContent = "Raise the water";
  };
  // The next level at which a piece is born or two meet.
  const next = () => {
    stop();
    const events = [...found.flatMap((p) => [p.birth, p.death]), Math.min(...x)].sort((a, b) => a - b);
    set(events.find((e) => e > level + 1e-9) ?? +water.node.max);
  };
  const raise = () => {
    if (timer) return stop();
    play.textContent = "Stop";
    if (level >= +water.node.max) level = +water.node.min;
    let last;
    const step = (now) => {
      const span = water.node.max - water.node.min;
      set(level + (span * Math.min(now - (last ?? now), 100)) / 8000);
      last = now;
      if (level < +water.node.max) timer = requestAnimationFrame(step);
      else stop();
    };
    timer = requestAnimationFrame(step);
  };

  const windowList = ex.select("Window", windows.map((w, i) => [i, w.label]), () => (stop(), choose()));
  const channelList = ex.select("Channel", channels.map((c, i) => [i, c.name]), () => (stop(), choose()));
  const water = ex.slider("Water level", { min: 0, max: 1, step: "any", value: 0, text: (v) => `${ex.number(v)} ${unit ?? ""}`, input: (v) => (stop(), set(v)) });
  const play = ex.button("Raise the water", raise);
  const speech = ex.announcer();

  let y; // scale of the left plot, for dragging
  const left = ex.picture("", (width) => {
    const height = 270, box = { left: 44, right: width - 12, top: 26, bottom: height - 40 };
    const t = ex.scale([0, (x.length - 1) / rate], [box.left, box.right]);
    y = ex.scale([+water.node.min, +water.node.max], [box.bottom, box.top]);
    const at = (i) => [t(i / rate), y(x[i])];
    let out = "";
    for (const run of under()) out += `<path class="ex-water" d="M${run.map(([s, v]) => `${t(s)} ${y(v)}`).join("L")}Z"/>`;
    out += ex.axes({ x: t, y, ...box, xTitle: "time, s", yTitle: unit });
    out += ex.line(Array.from(x, (_, i) => at(i)), 'class="ex-signal"');
    for (const p of found) {
      if (p.death > level) continue;
      const [px, py] = at(p.at);
      out += `<path class="ex-orange ex-thick" d="M${px} ${py}V${y(p.death)}"/><circle class="ex-fill-orange" cx="${px}" cy="${py}" r="3.5"/>`;
    }
    for (const i of pieces(x, level)) out += `<circle class="ex-fill-blue" cx="${at(i)[0]}" cy="${at(i)[1]}" r="5.5"/>`;
    out += `<path class="ex-level" d="M${box.left} ${y(level)}H${box.right}"/><circle class="ex-grip" cx="${box.right}" cy="${y(level)}" r="9"/>`;
    return [height, out];
  });
  // The polygons between the signal and the level, in seconds and units.
  function under() {
    const result = [];
    let run = null;
    for (let i = 0; i < x.length; i++) {
      const crossing = (j) => [(j + (level - x[j]) / (x[j + 1] - x[j])) / rate, level];
      if (x[i] <= level) {
        if (!run) run = i ? [crossing(i - 1)] : [[0, level]];
        run.push([i / rate, x[i]]);
      } else if (run) {
        run.push(crossing(i - 1));
        result.push(run);
        run = null;
      }
    }
    if (run) result.push([...run, [(x.length - 1) / rate, level]]);
    return result;
  }
  const right = ex.picture("", (width) => {
    const size = Math.min(width - 60, 216), box = { left: 44, right: 44 + size, top: 26, bottom: 26 + size };
    const across = ex.scale(grid.birth, [box.left, box.right]), up = ex.scale([0, grid.top], [box.bottom, box.top]);
    const done = found.filter((p) => p.death <= level);
    let out = pixels(image(done, grid), n, { x: box.left, y: box.top, size, most });
    out += `<rect class="ex-frame" x="${box.left}" y="${box.top}" width="${size}" height="${size}"/>`;
    for (const p of done) {
      const [b, l] = [Math.min(Math.max(p.birth, grid.birth[0]), grid.birth[1]), Math.min(p.death - p.birth, grid.top)];
      out += `<circle class="ex-hollow" cx="${across(b)}" cy="${up(l)}" r="4"/>`;
    }
    out += ex.axes({ x: across, y: up, ...box, xTitle: `birth, ${unit}`, yTitle: `persistence, ${unit}`, xTicks: 4 });
    return [box.bottom + 40, out];
  });
  const drag = (event) => {
    if (event.type === "pointerdown") {
      stop();
      left.node.setPointerCapture(event.pointerId);
    }
    if (event.buttons) set(y.invert(event.clientY - left.node.getBoundingClientRect().top));
  };
  left.node.classList.add("ex-drag");
  left.node.addEventListener("pointerdown", drag);
  left.node.addEventListener("pointermove", drag);

  function draw() {
    left.redraw();
    right.redraw();
    const done = found.filter((p) => p.death <= level), open = pieces(x, level).length;
    const last = done[done.length - 1];
    let text = `Level ${ex.number(level)} ${unit}: ${open} piece${open === 1 ? "" : "s"} under water, ${done.length} of ${found.length} pairs complete.`;
    if (last) text += ` Last: born at ${ex.number(last.birth)}, died at ${ex.number(last.death)}, persistence ${ex.number(last.death - last.birth)}.`;
    speech.say(text, !speech.node.textContent);
    left.label(`Signal with the water at ${ex.number(level)} ${unit}; ${open} pieces under water.`);
    right.label(`Persistence image of ${done.length} pairs.`);
  }
  const mark = (inner) => `<svg width="22" height="14" aria-hidden="true">${inner}</svg>`;
  const legend = ex.element("ul", { class: "ex-legend" });
  legend.innerHTML =
    `<li>${mark('<circle class="ex-fill-blue" cx="11" cy="7" r="5"/>')}lowest point of a piece under water</li>` +
    `<li>${mark('<path class="ex-orange" d="M11 1V13"/>')}a complete pair, from birth to death</li>` +
    `<li>${mark('<circle class="ex-hollow" cx="11" cy="7" r="4"/>')}the same pair in the image</li>`;
  root.append(
    ex.element("div", { class: "ex-controls" }, windowList.box, channelList.box),
    ex.element("div", { class: "ex-controls" }, water.box, ex.element("div", { class: "ex-buttons" }, ex.button("Next event", next), ...(ex.still() ? [] : [play]))),
    ex.element("div", { class: "ex-pair" }, left.box, right.box),
    legend,
    speech.node,
  );
  // First the window and channel with most persistence, in units of the grid.
  const size = (w, c) => pairs(ex.floats(windows[w].signals[c])).reduce((sum, p) => sum + p.death - p.birth, 0) / grids[c].top;
  const all = windows.flatMap((_, w) => channels.map((_, c) => [size(w, c), w, c]));
  [, windowList.node.value, channelList.node.value] = all.reduce((a, b) => (b[0] > a[0] ? b : a));
  choose();
});
