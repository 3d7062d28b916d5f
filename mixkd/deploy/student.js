// A student of mixkd in plain JavaScript: classes of windows of a wearable sensor, without a library, in any browser
// (also from file://) and in node. Arithmetic: float32 weights, sums in double precision.
//
//   const student = MixkdStudent(json);         // the object or its text, as `mixkd export` writes it
//   student.probabilities(window)               // Float32Array or array: n_samples * n_channels numbers, sample by
//                                               // sample (x0 y0 z0 x1 y1 z1 ...), in student.units
//   student.classes, .channels, .units, .rate (Hz), .window (samples)
//
// Throws a RangeError for a window of another size, or with a value that is no finite number.
"use strict";

function MixkdStudent(json) {
  const about = typeof json === "string" ? JSON.parse(json) : json;
  const raw = atob(about.weights);
  const bytes = new DataView(Uint8Array.from(raw, (c) => c.charCodeAt(0)).buffer);
  const numbers = Float32Array.from({ length: raw.length / 4 }, (_, i) => bytes.getFloat32(4 * i, true));
  let at = 0;
  const take = (n) => numbers.subarray(at, (at += n));
  const nChannels = about.channels.length, nClasses = about.classes.length, nSamples = about.window;

  const mean = take(nChannels), std = take(nChannels);
  const stem = take(about.stem * 3 * nChannels);
  const blocks = about.blocks.map(([nIn, nOut]) => ({
    nIn, nOut, stride: nIn === nOut ? 1 : 2,
    scale: take(nIn), shift: take(nIn), first: take(nOut * 3 * nIn), bias: take(nOut),
    second: take(nOut * 3 * nOut), shortcut: nIn === nOut ? null : take(nOut * nIn),
  }));
  const nFeatures = blocks[blocks.length - 1].nOut;
  const last = { scale: take(nFeatures), shift: take(nFeatures) };
  const head = take(nClasses * nFeatures), headBias = take(nClasses);
  if (at !== numbers.length) throw new RangeError(`student: found ${numbers.length} weights, expected ${at}`);

  const relu = (v) => (v > 0 ? v : 0);

  // x: rows of nIn numbers, a row per sample; kernel 3, a row of zeros before and after
  function convolve(x, weight, nIn, { nOut, stride = 1, bias = null }) {
    const n = x.length / nIn, rows = Math.ceil(n / stride), y = new Float32Array(rows * nOut), width = 3 * nIn;
    for (let row = 0; row < rows; row++) {
      const start = (row * stride - 1) * nIn;
      const from = Math.max(0, -start), to = Math.min(width, x.length - start);
      for (let o = 0; o < nOut; o++) {
        let sum = bias ? bias[o] : 0;
        for (let j = from, w = o * width + from; j < to; j++, w++) sum += weight[w] * x[start + j];
        y[row * nOut + o] = sum;
      }
    }
    return y;
  }

  function rectified(x, { scale, shift }) {
    const n = scale.length;
    return x.map((v, i) => relu(v * scale[i % n] + shift[i % n]));
  }

  function residual(x, block) {
    const { nIn, nOut, stride } = block, h = rectified(x, block);
    const inner = convolve(h, block.first, nIn, block).map(relu);
    const y = convolve(inner, block.second, nOut, { nOut });
    if (!block.shortcut) return y.map((v, i) => v + x[i]);
    return y.map((v, i) => {
      const row = Math.floor(i / nOut) * stride * nIn, w = (i % nOut) * nIn;
      let sum = v;
      for (let c = 0; c < nIn; c++) sum += block.shortcut[w + c] * h[row + c];
      return sum;
    });
  }

  function logits(window) {
    if (window.length !== nSamples * nChannels)
      throw new RangeError(`window: found ${window.length} numbers, expected ${nSamples} x ${nChannels}`);
    const scaled = Float32Array.from(window, (v, i) => (v - mean[i % nChannels]) / std[i % nChannels]);
    const bad = scaled.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) throw new RangeError(`window: found ${window[bad]} at ${bad}, expected a finite number`);
    const maps = rectified(blocks.reduce(residual, convolve(scaled, stem, nChannels, { nOut: about.stem })), last);
    const features = new Float64Array(nFeatures);
    maps.forEach((v, i) => (features[i % nFeatures] += v));
    return Array.from(headBias, (bias, k) =>
      features.reduce((sum, v, i) => sum + (head[k * nFeatures + i] * v * nFeatures) / maps.length, bias));
  }

  function probabilities(window) {
    const z = logits(window), top = Math.max(...z), powers = z.map((v) => Math.exp(v - top));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((v) => v / sum);
  }

  const { classes, channels, units, rate } = about;
  return Object.freeze({ classes, channels, units, rate, window: nSamples, logits, probabilities });
}

if (typeof module !== "undefined") module.exports = MixkdStudent;
