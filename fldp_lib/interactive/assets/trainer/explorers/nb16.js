// Notebook 16: a threshold between the outputs of two worlds, an honest program that is audited a hundred times.
fldp.part(fldp => {
  const { line, dots, bars, text, cloud } = fldp.plots, { range, linspace, geomspace, median } = fldp.numbers
  const f = fldp.format, { rates, needed } = fldp.bounds, thousandths = value => Number(f(1000 * value, ".0f"))

  // Laplace noise of scale 1, so many numbers, as torch's stream has them.
  const laplace = (stream, runs) => Float64Array.from({ length: runs }, () => {
    const u = stream.uniform() - 0.5
    return -Math.sign(u) * Math.log1p(-2 * Math.min(Math.abs(u), 0.5 - 2 ** -54))
  })

  const CLIP = 4, THRESHOLDS = linspace(-16, 20, 73), LOW = -20, BINS = 44
  const MADE = { honest: 1, "half the noise": 2, "clip forgotten": 4 } // how much too little noise
  // Without and with the client: the outputs' shares by bin, and how many lie above each threshold.
  const clouds = fldp.kept(8, (program, claimed, runs) => {
    const stream = fldp.torch(thousandths(claimed)), scale = CLIP / claimed / MADE[program]
    return [0, CLIP].map(sum => {
      const shares = new Float64Array(BINS), above = new Int32Array(THRESHOLDS.length)
      for (const drawn of laplace(stream, runs)) {
        const score = sum + scale * drawn, passed = Math.ceil(2 * (score + 16)) // as many thresholds lie below it
        shares[Math.min(Math.max(Math.floor(score) - LOW, 0), BINS - 1)] += 1 / runs
        if (passed > 0) above[Math.min(passed, above.length) - 1]++
      }
      for (let k = above.length - 2; k >= 0; k--) above[k] += above[k + 1]
      return { shares, above }
    })
  })

  fldp.explorers["nb16.attack"] = {
    compute({ threshold, epsilon, program }, { runs }) {
      const found = clouds(program, epsilon, runs), at = Math.round(2 * (threshold + 16))
      const [wrong, right] = found.map(world => world.above[at])
      // two rates at each of 73 thresholds, 5% for all of them together
      const proved = needed(rates(wrong, right, runs, 0.05 / (2 * THRESHOLDS.length)))
      return { threshold, epsilon, program, wrong, right, proved, shares: found.map(world => world.shares),
        attacker: fldp.guesses.laplace(epsilon * MADE[program]) }
    },
    marks(r) {
      const top = Math.max(...r.shares[0], ...r.shares[1]), middle = range(BINS, LOW).map(edge => edge + 0.5)
      return [
        ...r.shares.map((row, k) => bars(middle, row.map(share => share / top), { style: k + 1, width: 1, opacity: 0.5 })),
        text(-19.5, 1.12, "without the client", { style: 1 }), text(9, 1.12, "with the client", { style: 2 }),
        line([r.threshold, r.threshold], [0, 1.05], { style: 0 }),
        ...[[0, r.epsilon, 5], [1, r.proved, "attacker"]].flatMap(([x, value, style]) => [
          bars([x], [Math.max(0, value - 0.1)], { style, panel: 1, width: 0.6, base: [0.1] }),
          text(x - 0.2, 1.2 * Math.max(value, 0.1), f(value, ".2f"), { style, panel: 1 }),
        ]),
      ]
    },
    say(r) {
      return `${r.program[0].toUpperCase()}${r.program.slice(1)}: above ${f(r.threshold, "g")} lie ${f(r.right, ",d")} of ` +
        `20,000 outputs with the client and ${f(r.wrong, ",d")} of 20,000 without. So ε is at least ${f(r.proved, ".2f")} ` +
        `(95% confidence, for all 73 thresholds together); claimed is ${f(r.epsilon, ".3g")}: the claim is ` +
        `${r.proved > r.epsilon ? "refuted" : "not refuted here"}.`
    },
    attacker: r => r.attacker,
  }

  const laws = claimed => fldp.bounds.laplaceLaws(claimed, linspace(-7, 7 + claimed, 31))
  const many = fldp.kept(32, (claimed, { grid }) => { // 20 audits at each of seven numbers of runs
    const stream = fldp.numpy(thousandths(claimed)), found = grid.map(n => fldp.bounds.halves(laws(claimed), n, 20, stream))
    return ["bare", "proved"].map(name => range(20).map(audit => found.map(each => each[name][audit] / claimed)))
  })

  fldp.explorers["nb16.chance"] = {
    compute({ runs, epsilon }, data) {
      const stream = fldp.numpy(runs, thousandths(epsilon))
      const found = fldp.bounds.halves(laws(epsilon), runs, data.audits, stream)
      return { runs, epsilon, ...found, many: many(epsilon, data), attacker: fldp.guesses.laplace(epsilon) }
    },
    marks(r, { grid, audits }) {
      const [bare, proved] = r.many, share = value => value / r.epsilon
      const here = far => geomspace(0.93, 1.07, audits).map(own => own * far * r.runs), at = here(0.9)
      const shown = range(audits).filter(k => share(r.bare[k]) <= 3), rest = audits - shown.length
      return [
        ...(rest ? [text(Math.min(r.runs, 3e5), 3.15, `${rest} higher`, { style: 0 })] : []),
        line([100, 1e6], [1, 1], { style: 5, label: "claimed" }),
        ...cloud(grid, bare, { style: 0, label: "bare ratio" }),
        ...cloud(grid, proved, { style: "attacker", label: "proved" }),
        dots(shown.map(k => at[k]), shown.map(k => share(r.bare[k])), { style: 0, size: 1.5 }),
        dots(here(1.1), r.proved.map(share), { style: "attacker", size: 1.5 }),
      ]
    },
    say(r) {
      const above = found => found.filter(own => own > r.epsilon).length
      return `An honest program, ε = ${f(r.epsilon, ".3g")}, audited 100 times by ${f(r.runs, ",d")} runs each way. Bare ` +
        `ratio: ${above(r.bare)} of 100 audits above the claim, median ${f(median(r.bare), ".2f")}. Proved with 95% ` +
        `confidence: ${above(r.proved)} of 100 above it (5 would be allowed), median ${f(median(r.proved), ".2f")}.`
    },
    attacker: r => r.attacker,
  }
})
