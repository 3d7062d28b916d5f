// The statistics of chapter 11 for one contrast: analysis of variance over folds and seeds, t intervals, verdicts.
explorables.statistics = (function () {
  "use strict";
  const LEVEL = 0.05;
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = (values) => {
    const m = mean(values);
    return values.reduce((sum, v) => sum + (v - m) ** 2, 0) / (values.length - 1);
  };

  // Logarithm of the gamma function (Lanczos, g = 7).
  function log_gamma(x) {
    const c = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
    const z = x - 1;
    let sum = c[0];
    for (let i = 1; i < 9; i++) sum += c[i] / (z + i);
    const t = z + 7.5;
    return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
  }

  // Regularised incomplete beta function by its continued fraction (Lentz).
  function beta(x, a, b) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    if (x > (a + 1) / (a + b + 2)) return 1 - beta(1 - x, b, a);
    const front = Math.exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
    const tiny = 1e-300;
    let c = 1, d = 1 / Math.max(1 - ((a + b) * x) / (a + 1), tiny), h = d;
    for (let m = 1; m < 500; m++) {
      for (const step of [(m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)), (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))]) {
        d = 1 / (1 + step * d || tiny);
        c = 1 + step / c || tiny;
        h *= c * d;
      }
      if (Math.abs(c * d - 1) < 1e-16) break;
    }
    return front * h;
  }

  // Probability that Student's t with df degrees of freedom is at most t.
  function below(t, df) {
    if (!Number.isFinite(t)) return t > 0 ? 1 : t < 0 ? 0 : NaN;
    const tail = 0.5 * beta(df / (df + t * t), df / 2, 0.5);
    return t > 0 ? 1 - tail : tail;
  }

  // The t that is exceeded with probability p < 0.5, by halving.
  function beyond(p, df) {
    let low = 0, high = 1;
    while (1 - below(high, df) > p && high < 1e12) high *= 2;
    for (let i = 0; i < 200 && high - low > 1e-14 * high; i++) {
      const middle = (low + high) / 2;
      if (below(-middle, df) > p) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }

  // Mean squares of folds, of seeds and of the rest, of differences[fold][seed].
  function spread(differences) {
    const [folds, seeds] = [differences.length, differences[0].length];
    const by_fold = differences.map(mean);
    const of_folds = seeds * variance(by_fold);
    if (seeds === 1) return { folds: of_folds, seeds: 0, rest: 0 };
    const by_seed = differences[0].map((_, s) => mean(differences.map((row) => row[s])));
    const whole = mean(by_fold);
    let rest = 0;
    differences.forEach((row, f) => row.forEach((v, s) => (rest += (v - by_fold[f] - by_seed[s] + whole) ** 2)));
    return { folds: of_folds, seeds: folds * variance(by_seed), rest: rest / ((folds - 1) * (seeds - 1)) };
  }

  // The average effect over data sets, each differences[fold][seed]; its standard error, degrees of freedom, interval.
  function average(sets) {
    const effect = mean(sets.map((d) => mean(d.map(mean))));
    if (Math.min(...sets.map((d) => d.length)) < 2) return { effect, se: NaN, df: NaN, low: NaN, high: NaN };
    let of_folds = 0, of_seeds = 0, squares = 0, df_seeds = 0;
    for (const d of sets) {
      const [folds, seeds] = [d.length, d[0].length];
      const s = spread(d), share = 1 / (folds * seeds * sets.length ** 2);
      of_folds += share * s.folds;
      squares += (share * s.folds) ** 2 / (folds - 1);
      of_seeds += share * (s.seeds - s.rest);
      df_seeds += seeds - 1;
    }
    of_seeds = Math.max(of_seeds, 0);
    squares += of_seeds ** 2 / Math.max(df_seeds, 1);
    const total = of_folds + of_seeds;
    const df = squares > 0 ? total ** 2 / squares : 1;
    const se = Math.sqrt(total), half = beyond(LEVEL / 2, df) * se;
    return { effect, se, df, low: effect - half, high: effect + half };
  }

  // The verdict on "the effect is above zero", or "below": one of four words, as for a claim tested alone.
  function verdict({ effect, se, df }, direction, margin) {
    const gain = direction === "below" ? -effect : effect;
    const above = (bound) => below((gain - bound) / se, df);
    const shown = Math.min(1, 2 * (1 - above(0))), opposite = Math.min(1, 2 * above(0));
    const excluded = above(margin), small = 1 - above(-margin);
    const toward = shown <= opposite;
    const clear = Math.min(shown, opposite) < LEVEL, too_small = (toward ? excluded : small) < LEVEL;
    if (clear && !too_small) return toward ? "supported" : "opposite";
    return excluded < LEVEL ? "no relevant effect" : "undecided";
  }

  return { mean, below, beyond, average, verdict };
})();
