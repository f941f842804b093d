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

  // How probable at least so many of n events are, each with probability p.
  const tail = (count, n, p) => {
    if (count <= 0) return 1
    const a = count, b = n - count + 1
    const power = Math.exp(a * Math.log(p) + b * Math.log1p(-p) - logGamma(a) - logGamma(b) + logGamma(a + b))
    return p < (a + 1) / (a + b + 2) ? (power * fraction(a, b, p)) / a : 1 - (power * fraction(b, a, 1 - p)) / b
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
  const known = fldp.kept(32, (n, error) => ({ n, error, rows: new Map() }))
  let last = {}
  const most = (count, n, error) => {
    if (last.n !== n || last.error !== error) last = known(n, error)
    let found = last.rows.get(count)
    if (found === undefined) last.rows.set(count, (found = root(count, n, error)))
    return found
  }

  // An upper bound on the false-positive rate and a lower one on the true, each wrong with this error.
  const rates = (wrong, right, runs, error) => [most(wrong, runs, error), 1 - most(runs - right, runs, error)]

  // The ε that such rates need: TPR ≤ e^ε·FPR + δ, and the same for the complements.
  const needed = ([fpr, tpr], delta = 0) =>
    Math.max(0, Math.log(Math.max(tpr - delta, 1e-300) / fpr), Math.log(Math.max(1 - fpr - delta, 1e-300) / (1 - tpr)))

  // ε at δ = 1e-5 of so many wrong verdicts, if the mechanism is Gaussian: by a table of μ and its ε.
  const exchange = fldp.kept(1, () => {
    const at = [0, ...fldp.numbers.geomspace(1e-3, 12, 400)]
    return [at, at.map(mu => fldp.accounting.gaussian.epsilon(mu, 1e-5))]
  })
  const throughMu = (wrong, verdicts) => {
    const mu = Math.max(0, -2 * fldp.normal.ppf(most(wrong, verdicts, 0.05))), [at, told] = exchange()
    if (mu >= 12) return told.at(-1)
    const k = mu < at[1] ? 0 : Math.min(Math.floor((Math.log(mu / at[1]) * 399) / Math.log(12 / at[1])) + 1, 399)
    const low = mu < at[k] ? k - 1 : mu >= at[k + 1] ? k + 1 : k
    return told[low] + ((told[low + 1] - told[low]) * (mu - at[low])) / (at[low + 1] - at[low])
  }

  // Laplace noise of scale 1; the canary adds ε: the probability of a score above each threshold, without and with it.
  const laplaceLaws = (epsilon, thresholds) => [0, epsilon].map(shift => Float64Array.from(thresholds, at => {
    const x = at - shift, tail = Math.exp(-Math.abs(x)) / 2
    return x < 0 ? 1 - tail : tail
  }))

  // How many of an audit's runs lie above each threshold: of each world a list of audits, runs drawn anew for each.
  const counts = (laws, runs, audits, stream) => laws.map(above => {
    const shares = Float64Array.from({ length: above.length + 1 }, (_, k) => (above[k - 1] ?? 1) - (above[k] ?? 0))
    const total = fldp.numbers.sum(shares), cells = shares.map(share => share / total)
    return fldp.numbers.range(audits).map(() => {
      const found = stream.multinomial(runs, cells)
      for (let k = found.length - 2; k > 0; k--) found[k] += found[k + 1]
      return found.subarray(1)
    })
  })

  // What audits by (ε, 0) prove, the threshold chosen on one half of the runs and judged on the other; and the bare ratio of
  // frequencies, by all the runs at the threshold where it looks worst for the program.
  const halves = (laws, runs, audits, stream) => {
    const half = Math.floor(runs / 2), drawn = () => counts(laws, half, audits, stream), first = drawn(), second = drawn()
    const proved = new Float64Array(audits), bare = new Float64Array(audits)
    const finite = value => (Number.isFinite(value) ? value : 0)
    for (let audit = 0; audit < audits; audit++) {
      const [wrong, right] = first.map(world => world[audit]), [miss, hit] = second.map(world => world[audit])
      const found = Float64Array.from(wrong, (count, k) => needed(rates(count, right[k], half, 0.025)))
      const top = Math.max(...found), best = found.findIndex(own => own > top - 1e-9) // mirror images tie: the first
      for (let k = 0; k < wrong.length; k++) {
        const a = wrong[k] + miss[k], b = right[k] + hit[k]
        bare[audit] = Math.max(bare[audit], finite(Math.log(b / a)), finite(Math.log((2 * half - a) / (2 * half - b))))
      }
      proved[audit] = needed(rates(miss[best], hit[best], half, 0.025))
    }
    return { proved, bare }
  }

  fldp.bounds = { logGamma, tail, most, rates, needed, throughMu, laplaceLaws, halves }
})
