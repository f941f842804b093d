// Notebook 01: what the noise costs the model that two sums give.
fldp.part(fldp => {
  const { line, dots, cloud } = fldp.plots, f = fldp.format, { range, quantile, median } = fldp.numbers
  const SIZES = [2, 5, 10, 20, 50, 100, 200, 455], P = 31, DRAWS = 100, TESTS = 114

  // The model is one step along both sums, patient 8 in the first only: θ = 2·(sum over so many) − her step, in each of a
  // hundred orders. A score is linear in θ, so that noise only adds to it.
  const scores = (thetas, data) => { // draws × tests
    const out = new Float64Array(DRAWS * TESTS)
    for (let draw = 0, at = 0; draw < DRAWS; draw++)
      for (let k = 0; k < TESTS; k++, at++) {
        let total = thetas[draw * P + 30]
        for (let j = 0, a = draw * P, b = k * 30; j < 30; j++, a++, b++) total += thetas[a] * data.tests[b]
        out[at] = total
      }
    return out
  }
  const place = (data, draw, k) => data.orders[draw * 455 + k] + 256 * data.orders[(DRAWS + draw) * 455 + k]
  const clean = fldp.kept(64, (size, data) => {
    const rows = fldp.sums.clipped(data), thetas = new Float64Array(DRAWS * P)
    for (let draw = 0; draw < DRAWS; draw++)
      for (let k = 0; k < size; k++)
        for (let j = 0, at = place(data, draw, k) * P; j < P; j++) thetas[draw * P + j] += (k ? 2 : 1) * rows[at + j]
    return scores(thetas, data)
  })
  const noise = fldp.kept(1, data => scores(data.noise, data))
  const accuracy = fldp.kept(512, (size, std, data) => { // right, of 100 test patients, in each draw
    const own = clean(size, data), added = noise(data)
    return Float64Array.from(range(DRAWS), draw => {
      let right = 0
      for (let k = 0, at = draw * TESTS; k < TESTS; k++, at++) right += own[at] + Math.SQRT2 * std * added[at] > 0 === data.classes[k] > 0
      return (100 * right) / TESTS
    })
  })

  fldp.explorers["nb01.cost"] = {
    compute({ epsilon, clients }, data) {
      const std = fldp.sums.stdOf(epsilon)
      return {
        epsilon, clients, here: accuracy(clients, std, data), plain: median(accuracy(clients, 0, data)),
        private: SIZES.map(n => accuracy(n, std, data)), clear: SIZES.map(n => median(accuracy(n, 0, data))),
      }
    },
    marks: r => [
      line(SIZES, r.clear, { style: "no privacy", label: "no noise" }),
      ...cloud(SIZES, range(DRAWS).map(draw => r.private.map(shares => shares[draw])), { style: "private", label: "private" }),
      dots([r.clients], [r.plain], { style: "no privacy", size: 5 }), dots([r.clients], [median(r.here)], { style: "private", size: 5 }),
    ],
    say(r) {
      const [low, middle, high] = [0.05, 0.5, 0.95].map(q => f(quantile(r.here, q), ".0f"))
      return `${r.clients} patients, total ε = ${f(r.epsilon, ".3g")} for both sums. Right, of 100 test patients, after one step along ` +
        `the sums: private ${middle} (median of 100 groups and draws; nine in ten ${low} to ${high}), no noise ${f(r.plain, ".0f")}.`
    },
    attacker: r => fldp.sums.attackerOf(r.epsilon),
  }
})
