// Notebook 16, second part: a clip in the wrong place, and audits through μ.
fldp.part(fldp => {
  const { line, dots, cloud } = fldp.plots, { range, linspace, median } = fldp.numbers
  const f = fldp.format, { rates, needed, throughMu, laplaceLaws, halves } = fldp.bounds
  const thousandths = value => Number(f(1000 * value, ".0f")), DELTA = 1e-5

  // What 20 audits by 20,000 runs each way prove of one Laplace release with this ε.
  const AROUND = linspace(-6, 6, 15)
  const proved = fldp.kept(64, ({ runs, audits }, epsilon, seed) => {
    const laws = laplaceLaws(epsilon, [...AROUND, ...AROUND.map(at => epsilon + at)].map(at => Number(at.toFixed(9))))
    return halves(laws.map(law => law.sort().reverse()), runs, audits, fldp.numpy(seed, thousandths(epsilon))).proved
  })

  fldp.explorers["nb16.crowd"] = {
    compute({ clients, epsilon }, data) {
      return {
        clients, epsilon, each: proved(data, epsilon, clients), mean: proved(data, epsilon * clients, clients),
        curves: [0, 1].map(power => data.sizes.map(size => proved(data, power ? epsilon * size : epsilon, 0))),
        attacker: fldp.guesses.laplace(epsilon * clients),
      }
    },
    marks(r, { audits, sizes }) {
      const shown = value => Math.max(value, 0.03), here = Array(audits).fill(r.clients)
      const [each, mean] = r.curves.map(curve => range(audits).map(k => curve.map(found => shown(found[k]))))
      return [
        line([2, 400], [r.epsilon, r.epsilon], { style: 5, label: "claimed" }),
        ...cloud(sizes, mean, { style: "attacker", label: "clip on the mean" }),
        ...cloud(sizes, each, { style: "private", label: "clip on each" }),
        dots(here, r.mean.map(shown), { style: "attacker", size: 2.5 }),
        dots(here, r.each.map(shown), { style: "private", size: 2.5 }),
      ]
    },
    say(r) {
      return `${r.clients} clients, claimed ε = ${f(r.epsilon, ".3g")}, 20 audits by 20,000 runs each way. A clip on each ` +
        `update: at least ${f(median(r.each), ".2f")} is proved (median). A clip on the mean, with noise as if a client ` +
        `moved it by 1/${r.clients} of the clip: ${f(median(r.mean), ".2f")}; its true ε is ${r.clients} × ` +
        `${f(r.epsilon, ".3g")} = ${f(r.clients * r.epsilon, ",.4g")}.`
    },
    attacker: r => r.attacker,
  }

  // ε proved by (ε, δ) and through μ at each threshold, fixed beforehand: of Gaussian noise, then of Laplace noise.
  const OFF = linspace(-3, 3, 13), { cdf } = fldp.normal
  const normal = (epsilon, off) => {
    const half = 0.5 / fldp.kit.calibrated(epsilon, 1, DELTA).multiplier
    return [off.map(at => 1 - cdf(half + at)), off.map(at => 1 - cdf(at - half))]
  }
  const laplace = (epsilon, off) => laplaceLaws(epsilon, off.map(at => epsilon / 2 + Math.SQRT2 * at))
  const audited = (epsilon, runs, off, audits) => {
    const stream = fldp.numpy(runs, thousandths(epsilon), off.length)
    return [[normal, DELTA], [laplace, 0]].map(([law, delta]) => {
      const [wrong, right] = law(epsilon, off).map(shares =>
        range(audits).map(() => Array.from(shares, share => stream.binomial(runs, share))))
      const each = told => wrong.map((row, audit) => row.map((count, k) => told(count, right[audit][k])))
      return [
        each((a, b) => needed(rates(a, b, runs, 0.025), delta)), each((a, b) => throughMu(a + runs - b, 2 * runs)),
      ]
    })
  }
  const curves = fldp.kept(32, (epsilon, runs, audits) => audited(epsilon, runs, OFF, audits))

  fldp.explorers["nb16.through_mu"] = {
    compute({ threshold, epsilon, runs }, { audits }) {
      const here = audited(epsilon, runs, [threshold], audits).map(both => both.map(rows => rows.map(row => row[0])))
      return { threshold, epsilon, runs, here, curves: curves(epsilon, runs, audits),
        attacker: fldp.kit.calibrated(epsilon, 1, DELTA).attacker() }
    },
    marks(r) {
      const share = value => value / r.epsilon
      return [0, 1].flatMap(panel => [
        line([-3, 3], [1, 1], { style: 5, label: panel ? "claimed" : "", panel }),
        ...[[2, "by (ε, δ)"], ["attacker", "through μ"]].flatMap(([style, name], k) => [
          ...cloud(OFF, r.curves[panel][k].map(row => row.map(share)), { style, label: panel ? name : "", panel }),
          dots(r.here[panel][k].map(() => r.threshold), r.here[panel][k].map(share), { style, panel, size: 2.5 }),
        ]),
      ])
    },
    say(r) {
      const [[plain, mu], [plainL, muL]] = r.here.map(both => both.map(found => f(median(found), ".2f")))
      return `ε = ${f(r.epsilon, ".3g")}, ${f(r.runs, ",d")} runs each way, threshold ${f(r.threshold, "g")} standard ` +
        `deviations off the middle; medians of 30 audits. Gaussian noise (δ = 1e-5): ${plain} proved by (ε, δ), ${mu} ` +
        `through μ (${r.here[0][1].filter(own => own > r.epsilon).length} of 30 above ε; 5% are allowed). Honest Laplace ` +
        `noise: ${plainL} by (ε, 0), “${muL}” through μ, which does not hold for it.`
    },
    attacker: r => r.attacker,
  }
})
