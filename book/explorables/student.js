// A student of the book at work in the page: on held-out recordings, on a CSV file, on the motion sensor of a phone.
explorables.define("student", (root, data) => {
  "use strict";
  const ex = explorables;
  const { channels, units, rate, window: size, classes } = data;
  const half = Math.floor(size / 2), width_of = channels.length;
  const speech = ex.announcer();
  let student, recordings, now, live; // now: {name, signal (row by row), n, windows: [{start, p}], milliseconds}

  async function load() {
    if (student) return;
    speech.say("Loading the weights …", true);
    const network = await ex.later("student", "network");
    student = MixkdStudent(network.student);
    recordings = network.recordings.map((r) => {
      const steps = new Int16Array(ex.bytes(r.samples).buffer);
      return { name: r.label, truth: r.label, signal: Float32Array.from(steps, (v, i) => v * r.scale[i % width_of]) };
    });
    root.student = student; // tests compare it with ONNX
    ex.fill(list.node, recordings.map((r, i) => [i, r.name]));
  }

  // Labels of windows half a window apart, and the time that one takes.
  function label(recording) {
    const n = recording.signal.length / width_of, windows = [];
    const start = performance.now();
    for (let at = 0; at + size <= n; at += half) {
      windows.push({ start: at, p: student.probabilities(recording.signal.subarray(at * width_of, (at + size) * width_of)) });
    }
    return { ...recording, n, windows, milliseconds: (performance.now() - start) / windows.length };
  }
  function show(recording) {
    now = label(recording);
    Object.assign(time.node, { min: 1, max: now.windows.length, step: 1 });
    time.value = recording.last ? now.windows.length : 1;
    draw();
  }
  // Runs an action; what goes wrong is said in the page.
  const guarded = (action) => async (...about) => {
    try {
      await load();
      await action(...about);
    } catch (error) {
      speech.say(error.message, true);
    }
  };

  // Samples of a CSV file: a column for each channel, in the units of the student.
  function parsed(name, text) {
    const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
    const mark = [";", "\t", ","].find((m) => lines[0].includes(m)) || ",";
    const head = lines[0].split(mark).map((word) => word.trim().replace(/^"|"$/g, ""));
    const at = channels.map((channel) => head.indexOf(channel));
    if (at.includes(-1)) throw new Error(`${name}, line 1: found columns ${head.join(", ")}, expected ${channels.join(", ")}; rename the columns of the file.`);
    const signal = [];
    lines.slice(1).forEach((line, i) => {
      if (!line.trim()) return;
      const words = line.split(mark);
      for (const column of at) {
        const word = (words[column] ?? "").trim(), value = Number(word);
        if (!word || !Number.isFinite(value)) throw new Error(`${name}, line ${i + 2}: found “${word}” in column ${head[column]}, expected a number with a decimal point.`);
        signal.push(value);
      }
    });
    const n = signal.length / width_of;
    if (n < size) throw new Error(`${name}: found ${n} rows, expected at least ${size}: one window of ${size / rate} s at ${rate} Hz.`);
    return { name, signal: Float32Array.from(signal) };
  }
  const read = guarded(async (file) => file && show(parsed(file.name, await file.text())));

  // The motion sensor: acceleration with gravity in g, turning in rad/s, resampled to the rate of the student.
  const movable = units.join() === "g,g,g,rad/s,rad/s,rad/s";
  const sense = guarded(async () => {
    if (live) return stop();
    if (!window.DeviceMotionEvent) throw new Error("This browser has no motion sensor.");
    if (DeviceMotionEvent.requestPermission && (await DeviceMotionEvent.requestPermission()) !== "granted") throw new Error("The motion sensor was not allowed.");
    live = { samples: [], last: null };
    window.addEventListener("devicemotion", moved);
    sensor.textContent = "Stop the sensor";
    speech.say(`Waiting for ${size / rate} s of movement …`, true);
    const own = live;
    setTimeout(() => own === live && !own.last && (stop(), speech.say("Found no movement in 3 s: this device seems to have no motion sensor.", true)), 3000);
  });
  function stop() {
    window.removeEventListener("devicemotion", moved);
    live = null;
    sensor.textContent = "Use the motion sensor";
  }
  function moved(event) {
    const g = event.accelerationIncludingGravity, turn = event.rotationRate;
    if (!live || !g || g.x === null || !turn || turn.alpha === null) return;
    const values = [g.x / 9.80665, g.y / 9.80665, g.z / 9.80665, ...[turn.beta, turn.gamma, turn.alpha].map((v) => (v * Math.PI) / 180)];
    const at = (event.timeStamp / 1000) * rate; // in samples
    if (live.last) {
      const { at: before, values: old } = live.last;
      for (let k = Math.ceil(before); k < at; k++) live.samples.push(values.map((v, i) => old[i] + ((v - old[i]) * (k - before)) / (at - before)));
    }
    live.last = { at, values };
    live.samples.splice(0, Math.max(0, live.samples.length - 5 * size));
    live.fresh = live.samples.length >= size ? (live.fresh ?? half) + 1 : 0;
    if (live.fresh >= half) {
      live.fresh = 1;
      show({ name: "motion sensor", signal: Float32Array.from(live.samples.flat()), last: true });
    }
  }

  const list = ex.select(`Recording of person ${data.person}, who trained nothing`, [["", "press the button first"]], guarded(() => (live && stop(), show(recordings[+list.node.value]))));
  const begin = ex.button(`Run the student (loads ${data.megabytes} MB)`, guarded(() => (live && stop(), show(recordings[+list.node.value || 0]))));
  const file = ex.element("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", change: () => read(file.files[0]) });
  const sensor = ex.button("Use the motion sensor", sense);
  const time = ex.slider("Window", { min: 1, max: 1, step: 1, value: 1, text: (v) => (now ? `${ex.number(now.windows[v - 1].start / rate, 1)} s` : "–"), input: draw });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });

  const signals = ex.picture("The recording", (width) => {
    if (!now) return [60, `<text x="0" y="34">The recording and its labels are drawn here.</text>`];
    const left = 44, right = width - 10, kinds = [...new Set(units)], tall = 90;
    const t = ex.scale([0, (now.n - 1) / rate], [left, right]), chosen = now.windows[time.value - 1].start;
    let out = "", top = 26;
    const marks = ["ex-blue", "ex-orange", "ex-green"], bottom = top + kinds.length * (tall + 30) - 30;
    out += `<rect class="ex-band" x="${t(chosen / rate)}" y="${top}" width="${t((chosen + size) / rate) - t(chosen / rate)}" height="${bottom - top + 58}"/>`;
    kinds.forEach((unit, row) => {
      const own = channels.map((_, i) => i).filter((i) => units[i] === unit);
      const step = Math.max(1, Math.floor(now.n / 600)), rows = [...Array(Math.ceil(now.n / step)).keys()].map((r) => r * step);
      const values = own.map((i) => rows.map((r) => now.signal[r * width_of + i]));
      const y = ex.scale([Math.min(...values.flat()), Math.max(...values.flat())], [top + tall, top]);
      const names = own.map((i) => channels[i]).join(", ");
      out += ex.axes({ y, left, top, bottom: top + tall, yTitle: `${unit}: ${names}`, yTicks: 3 });
      own.forEach((_, j) => (out += ex.line(values[j].map((v, r) => [t(rows[r] / rate), y(v)]), `class="${marks[j % 3]} ex-thin"`)));
      top += tall + 30;
    });
    const each = (t.domain[1] * half) / now.n, wide = t(each) - t(0);
    now.windows.forEach((w, i) => {
      const best = w.p.indexOf(Math.max(...w.p)), right_one = now.truth === undefined || classes[best] === now.truth;
      const x = t((w.start + half / 2) / rate);
      out += `<rect class="${right_one ? "ex-fill-blue" : "ex-fill-orange"}" x="${x + 1}" y="${bottom + 10}" width="${Math.max(1, wide - 2)}" height="12"/>`;
      if (wide > 34) out += `<text x="${x + wide / 2}" y="${bottom + 38}" text-anchor="middle">${ex.clean(classes[best].slice(0, Math.floor(wide / 7)))}</text>`;
    });
    return [bottom + 92, out + ex.axes({ x: t, left, right, top: 0, bottom: bottom + 54, xTitle: "time, s" })];
  });
  const bars = ex.picture("Probabilities of the chosen window", (width) => {
    if (!now) return [20, ""];
    const p = now.windows[time.value - 1].p, left = 84, x = ex.scale([0, 1], [left, width - 56]);
    let out = `<text class="ex-strong" x="0" y="12">Probability, window at ${ex.number(now.windows[time.value - 1].start / rate, 1)} s</text>`;
    p.forEach((value, c) => {
      const y = 24 + 26 * c, true_one = classes[c] === now.truth;
      out += `<text class="${true_one ? "ex-strong" : ""}" x="${left - 8}" y="${y + 14}" text-anchor="end">${ex.clean(classes[c].slice(0, 11))}</text>`;
      out += `<rect class="ex-fill-${now.truth === undefined || true_one ? "blue" : "orange"}" x="${left}" y="${y}" width="${Math.max(1, x(value) - left)}" height="19"/><text x="${x(value) + 6}" y="${y + 14}">${ex.number(value)}</text>`;
    });
    return [24 + 26 * classes.length, out];
  });
  function draw() {
    if (now) {
      const p = now.windows[time.value - 1].p, best = p.indexOf(Math.max(...p));
      time.tell();
      let text = `${now.name}, window at ${ex.number(now.windows[time.value - 1].start / rate, 1)} s: ${classes[best]}, probability ${ex.number(p[best])}.`;
      if (now.truth !== undefined) text += ` Right for ${now.windows.filter((w) => classes[w.p.indexOf(Math.max(...w.p))] === now.truth).length} of ${now.windows.length} windows.`;
      text += ` ${ex.number(now.milliseconds, 1)} ms a window on this device.`;
      speech.say(text, live);
      signals.label(`Signals of ${now.name} with the label of each window. ${text}`);
      bars.label(`Probabilities: ${classes.map((c, i) => `${c} ${ex.number(p[i])}`).join(", ")}.`);
    }
    signals.redraw();
    bars.redraw();
  }
  const mark = (inner) => `<svg width="26" height="14" aria-hidden="true">${inner}</svg>`;
  const legend = ex.element("ul", { class: "ex-legend" });
  legend.innerHTML = `<li>${mark('<rect class="ex-fill-blue" width="26" height="14"/>')}label right (or truth not known)</li><li>${mark('<rect class="ex-fill-orange" width="26" height="14"/>')}label wrong</li><li>${mark('<rect class="ex-band" width="26" height="14"/>')}chosen window</li>`;
  root.append(
    ex.element("div", { class: "ex-controls" }, list.box, begin),
    ex.element("div", { class: "ex-controls" }, ex.control(`Your CSV file with columns ${channels.join(", ")} (${[...new Set(units)].join(", ")}), ${rate} rows a second`, file), ...(movable ? [sensor] : [])),
    ex.element("div", { class: "ex-controls" }, time.box),
    ex.element("div", { class: "ex-pair" }, ex.element("div", {}, signals.box, legend), bars.box),
    speech.node,
    ex.element("p", {}, `The data stay in this page. ${movable ? "The labels mean something for a device that is worn at the wrist as the watch was. " : ""}Unlike mixkd predict, the page does not check whether a file is in the units of the training data.`),
  );
  draw();
});
