// Prices of runs for 07 and 07b, as fldp_lib/course/exhibits/_prices.py: Rényi, basic and advanced composition, exact.
fldp.part(fldp => {
  const { geomspace, range } = fldp.numbers, DELTA = 1e-5
  const ORDERS = geomspace(0.02, 1023, 120).map(x => 1 + x)
  const least = values => values.reduce((low, value) => (value < low ? value : low), Infinity)
  const logAdd = (a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))

  // The mechanism of which one round with every client costs ε = each: Laplace pure, Gaussian at δ = 1e-5.
  const noise = (kind, each) =>
    kind === "laplace" ? { kind, each } : { kind, sigma: fldp.accounting.gaussian.multiplier(each, 1, DELTA) }
  const exact = ({ kind, each, sigma }, rounds, delta = DELTA) => kind === "laplace"
    ? fldp.accounting.laplace.epsilon(each, rounds, delta)
    : fldp.accounting.gaussian.epsilon(Math.sqrt(rounds) / sigma, delta)
  const attacked = ({ kind, each, sigma }, rounds, delta = DELTA) =>
    fldp.accounting.attacker(kind === "laplace" ? { each, rounds, delta } : { mu: Math.sqrt(rounds) / sigma, delta })

  const renyi = ({ kind, each, sigma }, orders = ORDERS) => orders.map(a => {
    if (kind === "gaussian") return a / (2 * sigma ** 2)
    return logAdd(Math.log(a / (2 * a - 1)) + each * (a - 1), Math.log((a - 1) / (2 * a - 1)) - each * a) / (a - 1)
  })
  const converted = (curve, delta = DELTA, orders = ORDERS) => // ε at every order, by the improved conversion
    Float64Array.from(orders, (a, k) => curve[k] + Math.log1p(-1 / a) - Math.log(delta * a) / (a - 1))
  const byRenyi = (mechanism, rounds, delta = DELTA) => {
    const curve = renyi(mechanism)
    return Array.from(rounds, t => Math.max(0, least(converted(curve.map(c => t * c), delta))))
  }
  const byLibrary = (orders, curve, delta = DELTA) => { // dp_accounting knows that δ = √(1 − e^(−KL)) costs nothing
    const found = converted(curve, delta, orders)
    return Math.max(0, least(found.map((value, k) => (delta ** 2 + Math.expm1(-curve[k]) > 0 ? 0 : value))))
  }
  const basic = (mechanism, rounds, delta = DELTA) =>
    rounds * (mechanism.kind === "laplace" ? mechanism.each : exact(mechanism, 1, delta / rounds))
  const advanced = (mechanism, rounds, delta = DELTA) => {
    const laplace = mechanism.kind === "laplace", each = laplace ? mechanism.each : exact(mechanism, 1, delta / (2 * rounds))
    const slack = laplace ? delta : delta / 2
    return Math.sqrt(-2 * rounds * Math.log(slack)) * each + rounds * each * (each < 700 ? Math.expm1(each) : Infinity)
  }
  const multiplier = (epsilon, rounds, method, orders) => { // with which a run of Gaussian rounds costs ε by one accountant
    const { gaussian, root } = fldp.accounting
    if (method === "exact") return gaussian.multiplier(epsilon, rounds, DELTA)
    const price = method === "RDP" ? sigma => byLibrary(orders, Array.from(orders, a => (rounds * a) / (2 * sigma ** 2)))
      : sigma => (method === "basic" ? basic : advanced)({ kind: "gaussian", sigma }, rounds)
    return Math.exp(root(log => Math.min(1 - price(Math.exp(log)) / epsilon, 1e300), Math.log(0.02), Math.log(1e6), 1e-6))
  }

  // Gaussian rounds with Poisson samples at whole orders (Mironov, Talwar & Zhang 2019, section 3.3).
  const factorials = [0]
  const logFactorial = n => {
    while (factorials.length <= n) factorials.push(factorials.at(-1) + Math.log(factorials.length))
    return factorials[n]
  }
  const even = x => Number(fldp.format(x, ".0f")) // to the nearest whole number, as Python rounds
  const WHOLE = [...new Set([...geomspace(2, 400, 48)].map(even))]
  const binomials = [] // their logarithms, order by order
  const sampled = (sigma, rate) => WHOLE.map((order, row) => {
    binomials[row] ??= Float64Array.from(range(order + 1), k =>
      logFactorial(order) - logFactorial(k) - logFactorial(order - k))
    const chosen = binomials[row], terms = new Float64Array(order + 1), stay = Math.log1p(-rate), come = Math.log(rate)
    let most = -Infinity, total = 0
    for (let k = 0; k <= order; k++) {
      terms[k] = chosen[k] + (order - k) * stay + k * come + (k * (k - 1)) / (2 * sigma ** 2)
      if (terms[k] > most) most = terms[k]
    }
    for (let k = 0; k <= order; k++) if (terms[k] > most - 40) total += Math.exp(terms[k] - most)
    return (Math.log(total) + most) / (order - 1)
  })
  const bySampled = (curve, rounds, delta = DELTA) => Math.max(0, least(converted(curve.map(c => rounds * c), delta, WHOLE)))

  const sampledMultiplier = (epsilon, rounds, rate, whole, share = 1e-5) => { // whole: the one with everybody
    const over = log => Math.log(epsilon / Math.max(bySampled(sampled(Math.exp(log), rate), rounds), 1e-12))
    return Math.exp(fldp.accounting.root(over, Math.log(0.2), Math.log(3 * whole + 3), share))
  }

  const short = fldp.kit.three
  fldp.prices = { DELTA, ORDERS, WHOLE, advanced, attacked, basic, byLibrary, byRenyi, bySampled, converted, exact,
                  least, multiplier, noise, renyi, sampled, sampledMultiplier, short }
})
