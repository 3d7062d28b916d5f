// Mixup of two windows: the mixture of their images beside the image of their mixture, and the mixed label.
explorables.define("mixup", (root, data) => {
  "use strict";
  const ex = explorables;
  const { pairs, image, pixels } = ex.topology;
  const { windows, channels, rate, grids, n, spread } = data;
  const names = windows.map((w, i) => [i, w.label]);
  const own = ex.select("Window", names, draw), partner = ex.select("Partner", names, draw);
  const channel = ex.select("Channel", channels.map((c, i) => [i, c.name]), draw);
  const share = ex.slider("Mixup coefficient λ: share of the window", { min: 0, max: 1, step: 0.01, value: 0.5, text: (v) => ex.number(v), input: draw });
  const speech = ex.announcer();
  let now;

  const signals = ex.picture("", (width) => {
    const box = { left: 44, right: width - 12, top: 26, bottom: 190 }, { a, b, mixture } = now;
    const all = [...a, ...b], t = ex.scale([0, (a.length - 1) / rate], [box.left, box.right]);
    const y = ex.scale([Math.min(...all), Math.max(...all)], [box.bottom, box.top]);
    const draw_line = (x, attributes) => ex.line(Array.from(x, (v, i) => [t(i / rate), y(v)]), attributes);
    let out = ex.axes({ x: t, y, ...box, xTitle: "time, s", yTitle: now.unit });
    out += draw_line(a, 'class="ex-blue ex-thin"') + draw_line(b, 'class="ex-orange ex-thin" stroke-dasharray="5 3"') + draw_line(mixture, 'class="ex-green ex-bold"');
    return [box.bottom + 40, out];
  });
  const images = ex.picture("", (width) => {
    const wide = width >= 560, gap = wide ? 50 : 28, left = 44;
    const size = Math.min(200, (width - left - gap - 8) / 2), top = 44;
    let out = "";
    [
      [now.linear, "Mixture of", "the two images"],
      [now.recomputed, "Image of", "the mixture"],
    ].forEach(([values, one, other], i) => {
      const x = left + i * (size + gap), box = { left: x, right: x + size, top, bottom: top + size };
      out += `<text class="ex-strong" x="${x}" y="14">${one}</text><text class="ex-strong" x="${x}" y="30">${other}</text>`;
      out += pixels(values, n, { x, y: top, size, most: now.most });
      out += `<rect class="ex-frame" x="${x}" y="${top}" width="${size}" height="${size}"/>`;
      out += ex.axes({ x: ex.scale(now.grid.birth, [x, x + size]), ...box, xTitle: `birth, ${now.unit}`, xTicks: 3 });
      if (!i) out += ex.axes({ y: ex.scale([0, now.grid.top], [top + size, top]), ...box });
    });
    return [top + size + 40, out];
  });
  const labels = ex.picture("", (width) => {
    const bar = ex.scale([0, 1], [90, width - 60]);
    let out = "";
    now.label.forEach(([name, value, kind], i) => {
      const y = 6 + 26 * i;
      out += `<text x="82" y="${y + 14}" text-anchor="end">${ex.clean(name)}</text><rect class="ex-fill-${kind}" x="90" y="${y}" width="${Math.max(bar(value) - 90, 1)}" height="20"/>`;
      out += `<text x="${bar(value) + 6}" y="${y + 14}">${ex.number(value)}</text>`;
    });
    return [6 + 26 * now.label.length, out];
  });

  function draw() {
    const c = +channel.node.value, [i, j] = [+own.node.value, +partner.node.value], weight = share.value;
    const [a, b] = [i, j].map((w) => ex.floats(windows[w].signals[c]));
    const grid = { ...grids[c], n, spread };
    const mixture = a.map((v, k) => Math.fround(weight * v + (1 - weight) * b[k]));
    const [one, other] = [a, b].map((x) => image(pairs(x), grid));
    const linear = one.map((v, k) => weight * v + (1 - weight) * other[k]);
    const found = pairs(mixture), recomputed = image(found, grid);
    const norm = (x) => Math.hypot(...x);
    const gap = norm(linear.map((v, k) => v - recomputed[k])) / (norm(recomputed) || 1);
    const [first, second] = [windows[i].label, windows[j].label];
    const label = i === j ? [[first, 1, "blue"]] : [[first, weight, "blue"], [second, 1 - weight, "orange"]];
    now = { a, b, mixture, linear, recomputed, grid, label, unit: channels[c].unit, most: Math.max(...one, ...other) };
    root.result = { linear: [...linear], recomputed: [...recomputed], gap };
    const text = `${ex.number(weight)} of ${first} and ${ex.number(1 - weight)} of ${second}: ${found.length} pairs; the windows alone have ${pairs(a).length} and ${pairs(b).length}. Relative distance of the two images: ${ex.number(gap)}.`;
    speech.say(text, !speech.node.textContent);
    signals.label(`The two windows and their mixture: ${text}`);
    images.label(`Mixture of the two images beside the image of the mixture: ${text}`);
    labels.label(`Mixed label: ${label.map(([name, value]) => `${name} ${ex.number(value)}`).join(", ")}.`);
    for (const one of [signals, images, labels]) one.redraw();
  }
  const mark = (inner) => `<svg width="26" height="14" aria-hidden="true">${inner}</svg>`;
  const legend = ex.element("ul", { class: "ex-legend" });
  legend.innerHTML =
    `<li>${mark('<path class="ex-blue" d="M0 7H26"/>')}window</li><li>${mark('<path class="ex-orange" stroke-dasharray="5 3" d="M0 7H26"/>')}partner</li>` +
    `<li>${mark('<path class="ex-green ex-bold" d="M0 7H26"/>')}mixture</li>`;
  root.append(
    ex.element("div", { class: "ex-controls" }, own.box, partner.box, channel.box),
    ex.element("div", { class: "ex-controls" }, share.box),
    ex.element("div", { class: "ex-pair ex-even" }, ex.element("div", {}, signals.box, legend, ex.element("p", { class: "ex-title" }, "Label of the mixture"), labels.box), images.box),
    speech.node,
  );
  partner.node.value = String(Math.min(4, windows.length - 1));
  channel.node.value = String(Math.min(1, channels.length - 1));
  draw();
});
