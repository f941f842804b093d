// Notebook 17: one run as each tool reports it, and one promise that four accountants keep with four amounts of noise.
fldp.part(fldp => {
  const { line, dots, bars } = fldp.plots, { range } = fldp.numbers, f = fldp.format, DELTA = 1e-5
  const ORDERS = [...range(99).map(k => 1.1 + 0.1 * k), ...range(53, 11), ...range(5, 6).map(k => 2 ** k)]
  const short = value => f(value, value < 100 ? ".3g" : ",.0f")
  const exact = (sigma, rounds, delta = DELTA) => fldp.accounting.gaussian.epsilon(Math.sqrt(rounds) / sigma, delta)

  // The ε of Gaussian rounds with everybody in all of them, from their Rényi curve by either conversion.
  const improved = (sigma, rounds, delta) => {
    let least = Infinity
    for (const a of ORDERS) {
      const own = (rounds * a) / (2 * sigma ** 2) + Math.log1p(-1 / a) - Math.log(delta * a) / (a - 1)
      if (own < least) least = own
    }
    return least
  }
  const old = (sigma, rounds, delta) => // at the best real order
    rounds / (2 * sigma ** 2) + Math.sqrt(-2 * rounds * Math.log(delta)) / sigma

  const TOOLS = [["exact", "private"], ["RDP", 1], ["old RDP", 2], ["limit", "article"], ["replace", "bound"]]
  fldp.explorers["nb17.reported"] = {
    compute({ sigma, rounds }) {
      const mu = Math.sqrt(rounds * Math.expm1(1 / sigma ** 2)) // by the central limit theorem
      const told = [exact(sigma, rounds), improved(sigma, rounds, DELTA), old(sigma, rounds, DELTA), exact(1 / mu, 1),
        exact(sigma / 2, rounds)]
      return { sigma, rounds, told, attacker: fldp.accounting.attacker({ mu: Math.sqrt(rounds) / sigma, delta: DELTA }) }
    },
    marks({ told }) {
      return [
        line([told[0], told[0]], [-0.7, 4.7], { style: "private", width: 1 }),
        ...TOOLS.map(([name, style], k) => dots([told[k]], [4 - k], { style, label: `${name} ${short(told[k])}`, size: 4 })),
      ]
    },
    say({ sigma, rounds, told }) {
      const [a, b, c, limit, replaced] = told.map(short)
      return `One run (multiplier ${f(sigma, ".3g")}, rounds: ${rounds}, δ = 1e-5) has many ε: exact ${a}, RDP ${b}, old ` +
        `RDP, as before 2020, ${c}; if a client's data are replaced ${replaced}. The limit that one tool offers, in ` +
        `general no bound, says ${limit}.`
    },
    attacker: r => r.attacker,
  }

  // The least noise that each of four accountants asks for.
  const multipliers = (epsilon, delta, rounds) => {
    const least = fldp.accounting.gaussian.multiplier(epsilon, rounds, delta), slack = -Math.log(delta)
    const over = log => epsilon - improved(Math.exp(log), rounds, delta)
    const byRenyi = Math.exp(fldp.accounting.root(over, Math.log(least / 2), Math.log(3 * least), 1e-9))
    const rho = (Math.sqrt(epsilon + slack) - Math.sqrt(slack)) ** 2 // the best real order
    return [least, byRenyi, Math.sqrt(rounds / (2 * rho)), 2 * least]
  }

  // A network of 30 inputs, 16 hidden units and 2 classes, a row of each layer's weights followed by its bias: the second
  // layer's rows come after the first's. `order` says where each parameter stands in Python's row, biases after weights.
  const HIDDEN = 16, CLASSES = 2, { SEEN } = fldp.dealing, BACK = HIDDEN + 1, SECOND = HIDDEN * SEEN
  const SIZE = SECOND + CLASSES * BACK, LR = 2, CLIP = 0.5
  const order = range(SIZE).map(at => {
    const [from, wide, rows] = at < SECOND ? [0, SEEN, HIDDEN] : [SECOND, BACK, CLASSES], own = at - from
    const row = Math.floor(own / wide), column = own % wide
    return from + (column === wide - 1 ? rows * (wide - 1) + row : row * (wide - 1) + column)
  })
  const hiddenOf = (theta, x, row, h) => { // four units at a time, which read a record once
    for (let i = 0, at = 0; i < HIDDEN; i += 4, at += 4 * SEEN) {
      let a = 0, b = 0, c = 0, d = 0
      for (let j = 0; j < SEEN; j++) {
        const own = x[row + j]
        a += theta[at + j] * own
        b += theta[at + SEEN + j] * own
        c += theta[at + 2 * SEEN + j] * own
        d += theta[at + 3 * SEEN + j] * own
      }
      h[i] = a > 0 ? a : 0
      h[i + 1] = b > 0 ? b : 0
      h[i + 2] = c > 0 ? c : 0
      h[i + 3] = d > 0 ? d : 0
    }
  }
  const lead = (theta, h) => { // of class 1's output
    let total = 0
    for (let i = 0; i < BACK; i++) total += (theta[SECOND + BACK + i] - theta[SECOND + i]) * h[i]
    return total
  }
  const gradient = ({ starts, x, y }, client, theta, h, own) => { // of the mean loss of a client's records
    const first = starts[client], last = starts[client + 1]
    own.fill(0)
    for (let k = first, row = first * SEEN; k < last; k++, row += SEEN) {
      hiddenOf(theta, x, row, h)
      const lack = (1 / (1 + Math.exp(-lead(theta, h))) - y[k]) / (last - first) // class 1's; class 0's is −lack
      for (let i = 0; i < BACK; i++) own[SECOND + BACK + i] += lack * h[i]
      for (let i = 0, at = 0; i < HIDDEN; i++, at += SEEN) {
        if (!h[i]) continue
        const back = lack * (theta[SECOND + BACK + i] - theta[SECOND + i])
        for (let j = 0; j < SEEN; j++) own[at + j] += back * x[row + j]
      }
    }
    for (let i = SECOND; i < SECOND + BACK; i++) own[i] = -own[i + BACK]
  }
  const accuracy = (theta, data, h) => {
    const x = fldp.dealing.tests(data), { y } = data.test
    let right = 0
    for (let k = 0; k < y.length; k++) {
      hiddenOf(theta, x, k * SEEN, h)
      right += lead(theta, h) > 0 === y[k] > 0
    }
    return right / y.length
  }
  // The test accuracy after each round of one run with a multiplier.
  const train = (data, clients, rounds, sigma) => {
    const patients = fldp.dealing.dealt(data, clients), theta = Float64Array.from(order, place => data.start[place])
    const h = new Float64Array(BACK).fill(1), own = new Float64Array(SIZE), sum = new Float64Array(SIZE), found = []
    for (let t = 0; t < rounds; t++) {
      sum.fill(0)
      for (let client = 0; client < clients; client++) {
        let square = 0
        gradient(patients, client, theta, h, own)
        for (let k = 0; k < SIZE; k++) square += own[k] * own[k]
        const share = Math.min(CLIP / (LR * Math.sqrt(square)), 1)
        for (let k = 0; k < SIZE; k++) sum[k] += share * own[k]
      }
      for (let k = 0; k < SIZE; k++) theta[k] += (sigma * CLIP * data.noise[t * SIZE + order[k]] - LR * sum[k]) / clients
      found.push(accuracy(theta, data, h))
    }
    return found
  }

  const NAMES = ["exact", "RDP", "old RDP", "replace"], STYLES = ["private", 1, 2, "bound"]
  fldp.explorers["nb17.dialects"] = {
    compute({ epsilon, clients, rounds, delta }, data) {
      const sigmas = multipliers(epsilon, delta, rounds), curves = sigmas.map(sigma => train(data, clients, rounds, sigma))
      const attacker = fldp.accounting.attacker({ mu: Math.sqrt(rounds) / sigmas[0], delta })
      return { epsilon, clients, rounds, delta, sigmas, curves, attacker,
        real: sigmas.map(sigma => exact(sigma, rounds, delta)) }
    },
    marks({ epsilon, rounds, curves, real }) {
      const x = range(rounds, 1)
      return [
        line([-0.6, 3.6], [epsilon, epsilon], { style: 0, label: "asked", panel: 1 }),
        ...STYLES.flatMap((style, k) => [
          line(x, curves[k], { style, label: NAMES[k] }), bars([k], [real[k]], { style, panel: 1, width: 0.6 }),
        ]),
      ]
    },
    say({ epsilon, clients, rounds, delta, sigmas, real, curves }) {
      const told = NAMES.map((name, k) => `${name}: multiplier ${f(sigmas[k], ".3g")}, worth ε = ${f(real[k], ".3g")}, ` +
        `accuracy ${f(curves[k].at(-1), ".2f")}`)
      return `Total ε = ${f(epsilon, ".3g")} asked at δ = ${f(delta, ".2g")}, ${rounds} rounds, ${clients} hospitals. ` +
        `${told.join("; ")}.`
    },
    attacker: r => r.attacker,
  }
})
