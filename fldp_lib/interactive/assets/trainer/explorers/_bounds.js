// What counts of right and wrong verdicts prove: Clopper and Pearson's confidence bounds, and the ε that they need.
fldp.part(fldp => {
  // ln Γ of x > 0, by Stirling's series from 10 on, to which smaller ones are lifted.
  const logGamma = x => {
    let lift = 1
    for (; x < 10; x++) lift *= x
    const s = 1 / (x * x)
    const series = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - (s * 691) / 360360))))) / x
    return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series - Math.log(lift)
  }

  // The regularised incomplete beta function I_x(a, b), for x below about a/(a + b), is xᵃ(1 − x)ᵇ/(a·B(a, b)) times this
  // continued fraction (Abramowitz & Stegun 1964, 26.5.8), by Lentz's method.
  const fraction = (a, b, x) => {
    let c = 1, d = 1 / (1 - ((a + b) * x) / (a + 1)), found = d
    for (let m = 1; m < 20000; m++) {
      const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
      const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / (1 + even * d)
      c = 1 + even / c
      const first = c * d
      d = 1 / (1 + odd * d)
      c = 1 + odd / c
      const both = first * c * d
      found *= both
      if (Math.abs(both - 1) < 1e-15) break
    }
    return found
  }

  // The largest rate at which at most so many of n events still happen with probability `error`: where the lower tail of
  // the binomial law, I_{1−x}(n − count, count + 1), has sunk to it. Its logarithm is concave in ln(x/(1 − x)) and falls, so
  // that Newton's steps come from above after the first one, wherever that began: at Abramowitz & Stegun's 26.5.22.
  const quantile = fldp.kept(16, error => fldp.normal.ppf(error))
  const root = (count, n, error) => {
    if (count >= n) return 1
    if (count === 0) return -Math.expm1(Math.log(error) / n)
    const a = count + 1, b = n - count, y = quantile(error), goal = Math.log(error)
    const beta = logGamma(a) + logGamma(b) - logGamma(a + b)
    const r = (y * y - 3) / 6, s = 1 / (2 * a - 1), t = 1 / (2 * b - 1), h = 2 / (s + t)
    const w = h + r > 0 ? (y * Math.sqrt(h + r)) / h - (t - s) * (r + 5 / 6 - 2 / (3 * h)) : y
    let z = Math.log(a / b) - 2 * w
    for (let k = 0; k < 60; k++) {
      const x = 1 / (1 + Math.exp(z)), part = fraction(b, a, x) // x: of the others
      const step = ((b * Math.log(x) + a * Math.log1p(-x) - beta + Math.log(part / b) - goal) * part) / b
      z += step
      if (Math.abs(step) < 1e-9) break // the next one would be as small as its square
    }
    return 1 / (1 + Math.exp(-z))
  }

  // The same, kept by count: most counts come again, at other thresholds and in other audits.
  const known = fldp.kept(32, () => new Map())
  const most = (count, n, error) => {
    const rows = known(n, error)
    let found = rows.get(count)
    if (found === undefined) rows.set(count, (found = root(count, n, error)))
    return found
  }

  // An upper bound on the false-positive rate and a lower one on the true, each wrong with this error.
  const rates = (wrong, right, runs, error) => [most(wrong, runs, error), 1 - most(runs - right, runs, error)]

  // The ε that such rates need: TPR ≤ e^ε·FPR + δ, and the same for the complements.
  const needed = ([fpr, tpr], delta = 0) =>
    Math.max(0, Math.log(Math.max(tpr - delta, 1e-300) / fpr), Math.log(Math.max(1 - fpr - delta, 1e-300) / (1 - tpr)))

  fldp.bounds = { logGamma, most, rates, needed }
})
