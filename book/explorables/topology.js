// Sublevel-set persistence of a sequence by union-find, and persistence images.
explorables.topology = (function () {
  "use strict";

  // Finite pairs of x in the order in which they die: {birth, death, at, meets}; `at` is the minimum that ends at `meets`.
  function pairs(x) {
    const order = Array.from(x, (_, i) => i).sort((i, j) => x[i] - x[j] || i - j);
    const parent = new Int32Array(x.length).fill(-1); // -1: still dry; a root is the lowest sample of its piece
    const root = (i) => {
      while (parent[i] !== i) i = parent[i] = parent[parent[i]];
      return i;
    };
    const result = [];
    for (const i of order) {
      parent[i] = i;
      for (const j of [i - 1, i + 1]) {
        if (j < 0 || j >= x.length || parent[j] < 0) continue;
        const [one, other] = [root(i), root(j)];
        if (one === other) continue;
        const first = x[one] < x[other] || (x[one] === x[other] && one < other);
        const [older, younger] = first ? [one, other] : [other, one];
        if (x[younger] < x[i]) result.push({ birth: x[younger], death: x[i], at: younger, meets: i });
        parent[younger] = older;
      }
    }
    return result;
  }

  // Pieces of x at or below a level: the lowest sample of each.
  function pieces(x, level) {
    const result = [];
    for (let i = 0; i < x.length; i++) {
      if (x[i] > level) continue;
      if (i === 0 || x[i - 1] > level) result.push(i);
      else if (x[i] < x[result[result.length - 1]]) result[result.length - 1] = i;
    }
    return result;
  }

  // Sum of Gaussians at the centres of n x n pixels, each weighted by its persistence; row: persistence, column: birth.
  function image(points, { birth: [low, high], top, n, spread }) {
    const out = new Float64Array(n * n);
    const profile = (at) => {
      const first = Math.max(0, Math.trunc(at - 5 * spread));
      const last = Math.min(n, Math.trunc(at + 5 * spread) + 1);
      const values = new Float64Array(n);
      for (let i = first; i < last; i++) values[i] = Math.exp(-0.5 * ((i + 0.5 - at) / spread) ** 2) / (spread * Math.sqrt(2 * Math.PI));
      return values;
    };
    for (const { birth, death } of points) {
      const length = death - birth;
      const across = profile(((Math.min(Math.max(birth, low), high) - low) / (high - low)) * n);
      const up = profile((Math.min(length, top) / top) * n);
      for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) out[j * n + i] += length * up[j] * across[i];
    }
    return out;
  }

  // The pixels of an image as squares; `most` is the value of full colour.
  function pixels(values, n, { x, y, size, most }) {
    let out = "";
    const side = size / n;
    for (let j = 0; j < n; j++)
      for (let i = 0; i < n; i++) {
        const share = most > 0 ? Math.min(1, values[j * n + i] / most) : 0;
        if (share > 0.004) out += `<rect x="${(x + i * side).toFixed(2)}" y="${(y + (n - 1 - j) * side).toFixed(2)}" width="${(side + 0.3).toFixed(2)}" height="${(side + 0.3).toFixed(2)}" fill-opacity="${Math.sqrt(share).toFixed(3)}"/>`;
      }
    return `<g class="ex-pixels">${out}</g>`;
  }

  return { pairs, pieces, image, pixels };
})();
