// Notebook 21: what a client gets under a total ε, from the shared private model and from its own steps at home.
fldp.part(fldp => {
  const { line, dots } = fldp.plots, f = fldp.format, { homes, right, tuned, alone, zero } = fldp.homes
  const BUDGETS = [0.3, 1, 3, 10], ROUNDS = 12, STEPS = 5, LR = 1, CLIP = 2, DELTA = 1e-5, FEATURES = 64, PARAMETERS = 650

  const unit = fldp.kept(1, () => { // rounds of unit noise as the notebook draws them, in rows of θ's form
    const stream = fldp.torch(2), { SIZE, WIDE, SEEN, OUT } = fldp.walks
    return Array.from({ length: ROUNDS }, () => {
      const drawn = stream.normal(PARAMETERS), row = new Float64Array(SIZE)
      for (let j = 0; j < SEEN; j++) {
        for (let o = 0; o < OUT; o++) row[j * WIDE + o] = drawn[j < FEATURES ? o * FEATURES + j : OUT * FEATURES + o]
      }
      return row
    })
  })
  const priced = epsilon => fldp.kit.calibrated(epsilon, ROUNDS, DELTA)
  const shared = fldp.kept(64, (data, clients, alpha, epsilon) => { // θ of the private model
    const { train } = homes(data, clients, alpha), std = CLIP * priced(epsilon).multiplier
    let theta = zero()
    for (let t = 0; t < ROUNDS; t++) {
      const sum = fldp.walks.clipped(train, theta, STEPS, LR, CLIP), drawn = unit()[t]
      theta = theta.map((value, j) => value + (sum[j] + std * drawn[j]) / clients)
    }
    return theta
  })
  const promised = fldp.kept(256, (data, clients, alpha, epsilon, steps) => { // of 100 own test images: as it is, and tuned
    const home = homes(data, clients, alpha), theta = shared(data, clients, alpha, epsilon)
    return [right(home, theta), right(home, tuned(home, theta, steps))]
  })

  fldp.explorers["nb21.promise"] = {
    compute({ epsilon, clients, alpha, steps }, data) {
      const budgets = [...new Set([...BUDGETS, epsilon])].sort((a, b) => a - b)
      return { epsilon, clients, steps, budgets, curve: budgets.map(own => promised(data, clients, alpha, own, steps)),
        here: promised(data, clients, alpha, epsilon, steps), alone: alone(data, clients, alpha),
        kinds: homes(data, clients, alpha).kinds }
    },
    marks({ epsilon, budgets, curve, here, alone }) {
      const [shared, own] = [0, 1].map(k => curve.map(row => row[k]))
      return [
        line([BUDGETS[0], BUDGETS.at(-1)], [alone, alone], { style: "alone", label: "alone" }),
        line(budgets, shared, { style: "private", label: "shared" }), dots(budgets, shared, { style: "private", size: 2.5 }),
        line(budgets, own, { style: 8, label: "+ own steps", width: 2.4 }),
        line([epsilon, epsilon], [0, 100], { style: 5, width: 1 }),
        dots([epsilon], [here[0]], { style: "private", size: 4.5 }), dots([epsilon], [here[1]], { style: 8, size: 4.5 }),
      ]
    },
    say({ epsilon, clients, steps, here, alone, kinds }) {
      const [shared, own] = here.map(value => f(value, ".0f"))
      return `${clients} clients with ${f(kinds, ".1f")} digits each, total ε = ${f(epsilon, ".3g")} (δ = 1e-5, a client ` +
        `comes or goes): of 100 own test images they read ${shared} right with the shared private model, ${own} after ` +
        `${fldp.count(steps, "own step", "own steps")} from it that stay at home, ${f(alone, ".0f")} alone.`
    },
    attacker: r => priced(r.epsilon).attacker(),
  }
})
