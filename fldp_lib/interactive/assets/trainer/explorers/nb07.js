// Notebook 07: a run's price as the tail of a random walk, δ as a part of that tail, four accountants.
fldp.part(fldp => {
  const { line, band, dots, text, cloud } = fldp.plots, { geomspace, linspace, range, median } = fldp.numbers
  const f = fldp.format
  const LAST = 100

  fldp.explorers["nb07.walk"] = {
    compute({ epsilon: each, round: t }, { laplace }) {
      const { noise, exact, attacked } = fldp.prices, runs = laplace.shape[0]
      const walks = range(runs).map(run => {
        const lost = new Float64Array(t + 1)
        for (let k = 0; k < t; k++) {
          const z = laplace[run * LAST + k]
          lost[k + 1] = lost[k] + (Math.abs(each + z) - Math.abs(z)) / each
        }
        return lost
      })
      const mechanism = noise("laplace", each)
      return { each, t, walks, price: exact(mechanism, t), attacker: attacked(mechanism, t) }
    },
    marks({ each, t, walks, price }) {
      return [
        line([0, LAST], [0, LAST], { style: 5, label: "worst case" }),
        ...cloud(range(t + 1), walks, { style: "private", label: "200 runs" }),
        line([t, t], [-12, price / each], { style: 5, width: 0.8 }),
        dots([t], [price / each], { style: "bound", label: "price", size: 5 }),
      ]
    },
    say({ each, t, walks, price }) {
      const losses = walks.map(walk => walk[t] * each)
      return `${fldp.count(t, "round", "rounds")} of ε = ${f(each, ".3g")}: in the worst case the loss is `
        + `${f(t * each, ".3g")}; of 200 runs half lost less than ${f(median(losses), ".3g")}, the unluckiest `
        + `${f(Math.max(...losses), ".3g")}. The price of the run at δ = 1e-5 is ε = ${f(price, ".4g")}.`
    },
    attacker: result => result.attacker,
  }

  fldp.explorers["nb07.orders"] = {
    compute({ epsilon: each, rounds, delta }) {
      const { ORDERS, noise, renyi, converted, exact } = fldp.prices, mechanism = noise("laplace", each)
      const curve = renyi(mechanism).map(value => rounds * value)
      const old = curve.map((value, k) => value - Math.log(delta) / (ORDERS[k] - 1))
      return { each, rounds, delta, old, new: converted(curve, delta), exact: exact(mechanism, rounds, delta) }
    },
    marks(r) {
      const { ORDERS } = fldp.prices, x = ORDERS.map(a => a - 1), shown = []
      for (const [name, style, label] of [["old", 2, "classical"], ["new", "private", "improved"]]) {
        const y = r[name].map(value => value / r.exact), best = y.indexOf(fldp.prices.least(y))
        shown.push(line(x, y.map(value => (value < 1.62 && value > 0 ? value : NaN)), { style }))
        shown.push(dots([x[best]], [y[best]], { style, label, size: 4 }))
      }
      return [...shown, line([0.02, 1000], [1, 1], { style: 5, label: "exact" })]
    },
    say(r) {
      const { ORDERS, least } = fldp.prices, at = r.new.indexOf(least(r.new)) // at the end the best one may lie beyond
      const best = at < ORDERS.length - 1 ? f(ORDERS[at], ".3g") : `${f(ORDERS.at(-1), ",.0f")}, the largest tried`
      return `${fldp.count(r.rounds, "round", "rounds")} of Laplace noise at ε = ${f(r.each, ".3g")}, δ = `
        + `${f(r.delta, ".2g")}: the best `
        + `order is α = ${best}. There the improved conversion charges ${f(least(r.new), ".4g")}, the `
        + `classical one at its `
        + `own best order ${f(least(r.old), ".4g")}; exact is ${f(r.exact, ".4g")}.`
    },
  }

  fldp.explorers["nb07.tail"] = {
    compute({ epsilon, rounds, sigma }) {
      const mu = Math.sqrt(rounds) / sigma, at = linspace(0, 12, 97), { gaussian, attacker } = fldp.accounting
      const z = linspace(-4, 4, 241)
      return {
        epsilon, rounds, sigma, at, x: z.map(v => (mu * mu) / 2 + mu * v), height: z.map(v => Math.exp((-v * v) / 2)),
        curve: at.map(e => gaussian.delta(e, mu)), over: fldp.normal.cdf((mu * mu / 2 - epsilon) / mu),
        delta: gaussian.delta(epsilon, mu), attacker: attacker({ mu, delta: 1e-5 }),
      }
    },
    marks({ x, height, epsilon: e, at, curve, delta }) {
      const none = x.map(() => 0), counted = height.map((h, k) => h * Math.max(0, -Math.expm1(e - Math.max(x[k], e))))
      const drawn = [
        band(x, none, height, { style: "private", opacity: 0.15 }), line(x, height, { style: "private" }),
        band(x, none, counted, { style: "bound", opacity: 0.7 }), line([e, e], [0, 1.03], { style: 5, width: 1.2 }),
        text(4.4, 0.9, "filled: what δ counts", { style: "bound" }),
        line(at, curve.map(d => (d >= 1e-10 ? d : NaN)), { style: "bound", panel: 1 }),
      ]
      if (delta >= 1e-10) return [...drawn, dots([e], [delta], { style: "bound", panel: 1, size: 5 })]
      return [...drawn, text(e * 0.8, 2e-10, "↓", { style: "bound", panel: 1 })]
    },
    say: ({ epsilon, rounds, sigma, over, delta }) =>
      `${fldp.count(rounds, "round", "rounds")} of Gaussian noise, σ = ${f(sigma, ".3g")}: the loss exceeds ε = `
      + `${f(epsilon, ".3g")} with probability ${fldp.kit.chance(over)}, and δ is ${fldp.kit.chance(delta)}, since a loss just above `
      + `ε counts for little.`,
    attacker: result => result.attacker,
  }

  const ROUNDS = [...new Set([...geomspace(1, 1000, 25)].map(t => Number(f(t, ".0f"))))], DOTS = [1, 4, 15, 60, 250, 1000]
  const STYLES = { basic: 0, advanced: 2, RDP: 3, exact: "private" }

  fldp.explorers["nb07.prices"] = {
    compute({ mechanism: kind, epsilon: each, rounds, delta }) {
      const { noise, basic, advanced, byRenyi, exact, attacked } = fldp.prices, mechanism = noise(kind, each)
      const priced = (at, some) => ({
        basic: at.map(t => basic(mechanism, t, delta)), advanced: at.map(t => advanced(mechanism, t, delta)),
        RDP: byRenyi(mechanism, at, delta), exact: some.map(t => exact(mechanism, t, delta)),
      })
      const here = Object.fromEntries(Object.entries(priced([rounds], [rounds])).map(([name, [value]]) => [name, value]))
      return { kind, each, rounds, delta, curves: priced(ROUNDS, DOTS), here, attacker: attacked(mechanism, rounds, delta) }
    },
    marks({ rounds, curves, here }) {
      const drawn = [line([rounds, rounds], [1e-2, 1e4], { style: 5, width: 0.8 })], inside = y => y >= 1e-2 && y <= 1e4
      for (const [name, y] of Object.entries(curves)) {
        const style = STYLES[name]
        drawn.push(line(name === "exact" ? DOTS : ROUNDS, y.map(v => (inside(v) ? v : NaN)), { style, label: name }))
        if (inside(here[name])) drawn.push(dots([rounds], [here[name]], { style, size: 4 }))
      }
      return drawn
    },
    say({ kind, each, rounds, delta, here }) {
      const { short } = fldp.prices
      return `${fldp.count(rounds, "round", "rounds")} of ${kind === "laplace" ? "Laplace" : "Gaussian"} noise, ε = `
        + `${f(each, ".3g")} each${kind === "laplace" ? "" : " at δ = 1e-5; all of them"}, at `
        + `δ = ${f(delta, ".2g")}: basic ${short(here.basic)}, advanced ${short(here.advanced)}, RDP `
        + `${short(here.RDP)}, exact `
        + `${short(here.exact)}. The noise is the same in all four.`
    },
    attacker: result => result.attacker,
  }

  fldp.explorers["nb07.promise"] = {
    compute({ epsilon, rounds, clients }, { orders }) {
      const multiplier = name => fldp.prices.multiplier(epsilon, rounds, name, orders)
      const sigma = Object.fromEntries(Object.keys(STYLES).map(name => [name, multiplier(name)]))
      const attacker = fldp.prices.attacked({ kind: "gaussian", sigma: sigma.exact }, rounds)
      return { epsilon, rounds, clients, sigma, attacker }
    },
    marks({ clients, sigma }) {
      const drawn = [line([10, 10_000], [1, 1], { style: 5, width: 1, label: "the clip" })]
      for (const [name, value] of Object.entries(sigma)) {
        drawn.push(line([10, 10_000], [value / 10, value / 10_000], { style: STYLES[name], label: name }))
        drawn.push(dots([clients], [value / clients], { style: STYLES[name], size: 4 }))
      }
      return drawn
    },
    say({ epsilon, rounds, clients, sigma }) {
      const { short } = fldp.prices, left = name => short(sigma[name] / clients)
      return `Total ε = ${f(epsilon, ".3g")} over ${fldp.count(rounds, "round", "rounds")}, ${f(clients, ",")} clients: the `
        + `average of their `
        + `updates carries noise of ${left("exact")} clips if the run is priced exactly, ${left("RDP")} by RDP, `
        + `${left("advanced")} by `
        + `advanced, ${left("basic")} by basic composition. Without an accountant of losses one needs `
        + `${f(Math.min(sigma.basic, sigma.advanced) / sigma.exact, ".3g")} times the clients for the same average.`
    },
    attacker: result => result.attacker,
  }
})
