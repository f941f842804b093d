// Notebook 07b: a hidden cohort, what a sample saves, and what a project spends.
fldp.part(fldp => {
  const { line, dots, people } = fldp.plots, { geomspace, linspace, range, sum } = fldp.numbers, f = fldp.format
  const AT = geomspace(0.01, 1, 60), RATES = [0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99]
  const amplified = (rate, each) => Math.log1p(rate * Math.expm1(each))

  fldp.explorers["nb07b.cohort"] = {
    compute({ clients: n, rate, epsilon: each }, { coins }) {
      const whole = fldp.accounting.attacker({ each, rounds: 1, delta: 0 }) // q of it is told, and the rest is a coin
      const evenOdds = 0.5 + rate * (whole.evenOdds - 0.5), bound = fldp.accounting.bestGuess(amplified(rate, each), 0)
      const attacker = { people: Number(f(100 * evenOdds, ".0f")), bound }
      return { n, rate, each, drawn: range(n).map(k => coins[k] < rate), amplified: amplified(rate, each), attacker }
    },
    marks({ n, rate, each, drawn, amplified: cost }) {
      const wide = Math.max(4, Math.ceil(Math.sqrt(1.6 * n))), high = Math.max(3, Math.ceil(n / wide))
      const size = n <= 60 ? 5.5 : 3.2, x = k => ((k % wide) + 0.5) / wide, y = k => 1 - (Math.floor(k / wide) + 0.5) / high
      const seats = come => range(n).filter(k => drawn[k] === come)
      const shown = [[false, 5], [true, "private"]].filter(([come]) => seats(come).length).map(([come, style]) =>
        people(seats(come).map(x), seats(come).map(y), { style, size }))
      return [
        ...shown,
        line([0.01, 1], [each, each], { style: 2, label: "seen", panel: 1 }),
        line(AT, AT.map(q => amplified(q, each)), { style: "private", label: "hidden", panel: 1 }),
        dots([rate], [cost], { style: "private", panel: 1, size: 5 }),
      ]
    },
    say: ({ n, rate, each, drawn, amplified: cost }) =>
      `${n} clients toss a coin each, heads with probability ${f(100 * rate, ".3g")}%: ${sum(drawn.map(Number))} came `
      + `this time. A round `
      + `of ε = ${f(each, ".3g")} costs a client ${f(cost, ".3g")} while the coins stay hidden, and ${f(each, ".3g")} `
      + `where it is seen `
      + "who came.",
    attacker: result => result.attacker,
  }

  fldp.explorers["nb07b.bargain"] = {
    compute({ epsilon, rounds, rate, clients }, { orders }) {
      const { multiplier, sampledMultiplier } = fldp.prices, whole = multiplier(epsilon, rounds, "RDP", orders)
      const at = (q, share) => (q === 1 ? whole : sampledMultiplier(epsilon, rounds, q, whole, share))
      return { epsilon, rounds, rate, clients, whole, here: at(rate), curve: [...RATES, 1].map(q => at(q, 1e-3)) }
    },
    marks({ clients: n, whole, curve, rate, here }) {
      const at = [...RATES, 1]
      return [
        line([0.005, 1], [whole / n, whole / n], { style: 5, label: "everybody", width: 1.2 }),
        line(at, curve.map((sigma, k) => sigma / at[k] / n), { style: "private", label: "a sample" }),
        dots([rate], [here / rate / n], { style: "private", size: 5 }),
      ]
    },
    say: ({ epsilon, rounds, rate: q, clients: n, whole, here }) =>
      `Total ε = ${f(epsilon, ".3g")} by RDP over ${fldp.count(rounds, "round", "rounds")}, ${f(n, ",")} clients, `
      + `${f(100 * q, ".3g")}% a `
      + `round: σ = ${fldp.kit.three(here)}, and the average carries noise of ${f(here / q / n, ".3g")} clips; with everybody σ = `
      + `${fldp.kit.three(whole)} and ${f(whole / n, ".3g")} clips. Updates sent: ${f(q * n * rounds, q * n * rounds >= 10 ? ",.0f" : ".2g")} of `
      + `${f(n * rounds, ",")}${q * n * rounds >= 10 ? "" : " on average"}.`,
  }

  // ε by RDP where a geometric number of runs is made, `mean` on average, and only the best is ever seen (Papernot & Steinke
  // 2022, theorem 2).
  const winner = (rho, mean, orders) => {
    const { ORDERS, converted, byLibrary, least } = fldp.prices
    if (mean === 1) return least(converted(ORDERS.map(a => a * rho)))
    const more = 2 * least(orders.map(a => (1 - 1 / a) * a * rho + Math.log(mean) / a))
    const curve = Array.from(orders, a => a * rho + Math.log(mean) / (a - 1) + more)
    for (let k = curve.length - 2; k >= 0; k--) curve[k] = Math.min(curve[k], curve[k + 1]) // it grows with its order
    return byLibrary(orders, curve)
  }
  const FEW = [1, 2, 4, 8, 16, 32], MANY = range(32, 1)

  fldp.explorers["nb07b.project"] = {
    compute({ epsilon, runs }, { orders }) {
      const { DELTA, ORDERS, converted, least, multiplier } = fldp.prices
      const rho = 0.5 / multiplier(epsilon, 1, "RDP", orders) ** 2
      return {
        epsilon, runs, every: MANY.map(k => Math.max(0, least(converted(ORDERS.map(a => k * rho * a))))),
        lucky: FEW.map(k => winner(rho, k, orders)), here: winner(rho, runs, orders),
        attacker: fldp.accounting.attacker({ mu: Math.sqrt(2 * rho * runs), delta: DELTA }),
      }
    },
    marks: ({ epsilon, runs, every, lucky, here }) => [
      line(MANY, MANY.map(() => epsilon), { style: 2, label: "reported" }),
      line(MANY, every, { style: "private", label: "all seen" }),
      line(FEW, lucky, { style: 3, label: "winner only" }),
      dots([runs], [every[runs - 1]], { style: "private", size: 5 }),
      dots([runs], [here], { style: 3, size: 4 }),
    ],
    say: ({ epsilon, runs, every, here }) =>
      `${fldp.count(runs, "run", "runs")} of ε = ${f(epsilon, ".3g")} each, the best one published. The paper `
      + `reports `
      + `${f(epsilon, ".3g")}. If all runs are seen they cost ${f(every[runs - 1], ".3g")}; if their number is drawn `
      + `at random, ${runs} on `
      + `average, and the winner only is ever seen, ${f(here, ".3g")}.`,
    attacker: result => result.attacker,
  }
})
