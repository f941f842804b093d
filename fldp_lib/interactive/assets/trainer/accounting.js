// What a run costs and what an attacker can do: the normal law, the Gaussian's exact curve, the guesses that they allow.
//
// The pages compute here what fldp_lib/privacy computes in Python; tests/browser/test_trainer.py holds the two together.
fldp.part(fldp => {
  // The normal law. erfc(x) = e^(−x²)·scaled(x): a series of positive terms below 2, a continued fraction from there on
  // (Abramowitz & Stegun 1964, 7.1.6 and 7.1.14), so that tails keep their digits where erfc itself is 0.
  const ROOT_PI = Math.sqrt(Math.PI), FALSE_RATE = 0.01
  const fraction = x => {
    let rest = x
    for (let k = Math.ceil(16 + 400 / (x * x)); k > 0; k--) rest = x + k / 2 / rest
    return 1 / (rest * ROOT_PI)
  }
  const series = x => {
    let term = x, total = x
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(total); k++) total += term *= (2 * x * x) / (2 * k + 1)
    return (2 / ROOT_PI) * Math.exp(-x * x) * total
  }
  const erf = x => (Math.abs(x) < 2 ? series(x) : Math.sign(x) * (1 - Math.exp(-x * x) * fraction(Math.abs(x))))
  const erfc = x => (x < 2 ? 1 - erf(x) : Math.exp(-x * x) * fraction(x))
  const pdf = x => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  const cdf = x => erfc(-x / Math.SQRT2) / 2
  const logcdf = x => {
    if (x > 0) return Math.log1p(-cdf(-x))
    const z = -x / Math.SQRT2
    return z < 2 ? Math.log(erfc(z) / 2) : Math.log(fraction(z) / 2) - z * z
  }
  const ppf = p => { // by Newton's method on ln Φ, which is concave: from a bound below the root it only rises
    if (!(p >= 0 && p <= 1)) return NaN
    if (p === 0 || p === 1) return p ? Infinity : -Infinity
    if (p > 0.5) return -ppf(1 - p)
    const goal = Math.log(p)
    let x = -Math.sqrt(Math.max(0, -2 * Math.log(2 * p)))
    for (let k = 0; k < 60; k++) {
      const told = logcdf(x), step = (goal - told) * Math.exp(told + (x * x) / 2) * Math.sqrt(2 * Math.PI)
      x += step
      if (Math.abs(step) < 1e-15 * Math.max(1, -x)) break
    }
    return Math.min(x, 0)
  }
  fldp.normal = { pdf, cdf, logcdf, ppf, erf, erfc }

  // Where an increasing function is 0 between two numbers, to a share of it: by the Illinois method, a secant that halves
  // the value at an end which stays (Dowell & Jarratt 1971); by halving where that is slow.
  const root = (f, low, high, share = 1e-14) => {
    let below = f(low), above = f(high), stayed = 0
    if (below >= 0) return low
    if (above <= 0) return high
    for (let k = 0; k < 200; k++) {
      const close = share * Math.max(Math.abs(low), Math.abs(high))
      if (high - low <= close) break
      const cut = low - (below * (high - low)) / (above - below), inside = cut > low && cut < high && k < 40
      const at = inside ? Math.min(Math.max(cut, low + close / 4), high - close / 4) : (low + high) / 2, value = f(at)
      if (value === 0) return at
      if (value < 0) {
        [low, below] = [at, value]
        above /= stayed > 0 ? 2 : 1
        stayed = 1
      } else {
        [high, above] = [at, value]
        below /= stayed < 0 ? 2 : 1
        stayed = -1
      }
    }
    return (low + high) / 2
  }

  // One Gaussian of sensitivity 1 and deviation 1/μ; so many rounds with noise multiplier σ are one of μ = √rounds/σ.
  // ln δ(ε) = ln(Φ(μ/2 − ε/μ) − e^ε·Φ(−μ/2 − ε/μ)), Balle & Wang 2018.
  const logDelta = (epsilon, mu) => {
    const inside = logcdf(mu / 2 - epsilon / mu)
    return inside + Math.log(-Math.expm1(Math.min(epsilon + logcdf(-mu / 2 - epsilon / mu) - inside, 0)))
  }
  const delta = (epsilon, mu) => {
    if (mu === 0) return 0
    if (mu === Infinity) return 1
    return epsilon === 0 ? erf(mu / Math.sqrt(8)) : Math.exp(logDelta(epsilon, mu))
  }
  const epsilon = (mu, delta) => { // Newton's method on ln δ(ε), from zCDP's ε, kept between too little and enough
    if (mu === 0 || erf(mu / Math.sqrt(8)) <= delta) return 0
    if (!(delta > 0) || mu === Infinity) return Infinity
    const goal = Math.log(delta), first = (mu * mu) / 2 + mu * Math.sqrt(-2 * goal)
    let low = 0, high = first, at = first
    for (let k = 0; k < 100; k++) {
      const told = logDelta(at, mu), excess = told - goal
      if (excess <= 0) high = at
      else low = at
      const slope = -Math.exp(at + logcdf(-mu / 2 - at / mu) - told) // of ln δ
      let next = at - excess / slope
      if (!(next > low && next < high)) next = (low + high) / 2
      if (Math.abs(next - at) <= 1e-14 * at || high - low <= 1e-15 * high) return next
      at = next
    }
    return at
  }
  const mu = (epsilon, delta) => { // the largest μ that keeps (ε, δ)
    if (!(delta > 0)) return 0
    if (epsilon === 0) return -2 * ppf((1 - delta) / 2)
    const tail = -2 * Math.log(delta), goal = Math.log(delta)
    const low = (2 * epsilon) / (Math.sqrt(tail + 2 * epsilon) + Math.sqrt(tail)) // by zCDP: kept
    let high = 2 * low
    while (logDelta(epsilon, high) < goal) high *= 2
    return root(at => logDelta(epsilon, at) - goal, low, high)
  }
  const multiplier = (epsilon, rounds, delta) => Math.sqrt(rounds) / mu(epsilon, delta)

  // How often a guess can be right that (ε, δ) allows, whatever the mechanism (Kairouz, Oh & Viswanath 2015).
  const bestGuess = (epsilon, delta = 0) => (1 + delta * Math.exp(-epsilon)) / (1 + Math.exp(-epsilon))

  // What an attacker can do who has seen all that a run released and knows everything but whether one client was in.
  //   { mu, delta, epsilon }: Gaussian rounds, exactly; ε only if it is known already. mu = 0: nothing was released.
  //   { each, rounds, delta, epsilon }: rounds of Laplace noise, ε = each in one.
  const attacker = run => {
    const told = (evenOdds, tpr, mu, epsilon) => {
      const bound = bestGuess(epsilon, run.delta)
      return { evenOdds, tpr, fpr: FALSE_RATE, mu, bound, people: Number(fldp.format(100 * evenOdds, ".0f")) }
    }
    if (run.mu === undefined) {
      const law = fldp.accounting.laplace.law(run.each, run.rounds)
      return told((1 + law.delta(0)) / 2, law.power(FALSE_RATE), null, run.epsilon ?? law.epsilon(run.delta))
    }
    if (run.mu === Infinity) return { ...told(1, 1, null, Infinity), bound: 1 }
    return told(cdf(run.mu / 2), cdf(ppf(FALSE_RATE) + run.mu), run.mu, run.epsilon ?? epsilon(run.mu, run.delta))
  }

  fldp.accounting = { ...fldp.accounting, gaussian: { delta, epsilon, mu, multiplier }, bestGuess, attacker, root }
})
