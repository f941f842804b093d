// Notebook 14: what an ε buys, what more clients do, where a clip's error comes from, which attacker one fears.
fldp.part(fldp => {
  const { line, dots, cloud } = fldp.plots, { range, geomspace, median } = fldp.numbers, f = fldp.format, DRAWS = 8

  fldp.explorers["nb14.knee"] = {
    compute({ epsilon, clients }, data) {
      const { singles } = fldp, priced = fldp.kit.calibrated(epsilon, singles.ROUNDS, singles.DELTA)
      return {
        epsilon, clients, priced, curve: singles.knee(data, clients), clean: singles.ceiling(data, clients),
        here: singles.ends(data, clients, priced.multiplier, singles.CLIP, DRAWS),
      }
    },
    marks({ epsilon, curve, here, clean }) {
      const { BUDGETS, turned } = fldp.singles
      return [
        line([0.1, 20], [clean, clean], { style: "no privacy", label: "no privacy" }),
        ...cloud(BUDGETS, turned(curve), { style: "private", label: "private" }),
        line([epsilon, epsilon], [0, 100], { style: 5, width: 1 }),
        dots(here.map(() => epsilon), here, { style: "private", size: 3 }),
      ]
    },
    say({ epsilon, clients, here, clean }) {
      return `${f(clients, ",.0f")} clients, total ε = ${f(epsilon, ".3g")} (δ = 1e-5, a client comes or goes): of 100 ` +
        `test digits the private model reads ${fldp.singles.spread(here)} right, ${f(clean, ".0f")} with no privacy.`
    },
    attacker: r => r.priced.attacker(),
  }

  // Noise multipliers of 20 rounds, and the total ε of each: a table to draw curves from, on a logarithmic scale.
  const spent = times => fldp.accounting.gaussian.epsilon(Math.sqrt(fldp.singles.ROUNDS) / times, fldp.singles.DELTA)
  const exchange = fldp.kept(1, () =>
    Array.from(geomspace(0.3, 400, 60), times => [Math.log(times), Math.log(spent(times))]))
  const exchanged = times => {
    const table = exchange(), at = Math.log(times), next = table.findIndex(([known]) => known >= at)
    if (next <= 0) return Math.exp(next ? table.at(-1)[1] : table[0][1])
    const [[a, low], [b, high]] = table.slice(next - 1, next + 1)
    return Math.exp(low + ((high - low) * (at - a)) / (b - a))
  }
  fldp.explorers["nb14.trade"] = {
    compute({ clients, epsilon }, data) {
      const { singles } = fldp, half = Math.floor(clients / 2), times = singles.multiplier(epsilon), { CLIP } = singles
      const runs = (count, multiplier) => range(6).map(seed =>
        singles.train(data, count, { clip: CLIP, std: multiplier * CLIP, seed, every: true }))
      const others = Array.from(geomspace(Math.max(100, clients / 3), Math.min(1437, 3 * clients), 40))
      return {
        clients, half, epsilon, other: spent((times * half) / clients), others,
        curve: others.map(count => exchanged((times * count) / clients)),
        runs: [runs(clients, times), runs(half, (times * half) / clients), runs(half, times)],
        noise: (times * CLIP * Math.sqrt(singles.PARAMETERS)) / clients,
      }
    },
    marks({ clients, half, epsilon, other, others, curve, runs }) {
      const rounds = range(20, 1), panel = 1, { turned } = fldp.singles
      const [a, b, c] = [[clients, epsilon], [half, other], [half, epsilon]].map(([count, e]) =>
        `${f(count, ",.0f")}, ε ${f(e, ".3g")}`)
      return [
        line(others, curve, { style: 0, label: "same noise" }),
        dots([clients], [epsilon], { style: "private", size: 6 }), dots([half], [other], { style: 1, size: 6 }),
        dots([half], [epsilon], { style: 2, size: 6 }),
        ...cloud(rounds, runs[0], { style: "private", label: a, panel }),
        ...cloud(rounds, runs[1], { style: 1, label: b, panel }),
        line(rounds, turned(runs[2]).map(median), { style: 2, label: c, panel }),
      ]
    },
    say({ clients, half, epsilon, other, noise, runs }) {
      const right = runs.map(draws => f(median(draws.map(run => run.at(-1))), ".0f")), few = f(half, ",.0f")
      return `At total ε = ${f(epsilon, ".3g")} the noise in the mean of ${f(clients, ",.0f")} clients is ` +
        `${f(noise, ".3g")} long; ${few} have the same noise at ε = ${f(other, ".3g")}. Right of 100 after 20 rounds ` +
        `(medians of 6 draws): ${right[0]} and ${right[1]}; ${few} clients that stay at ε = ${f(epsilon, ".3g")} read ` +
        `${right[2]}.`
    },
  }

  const CLIPS = Array.from(geomspace(0.2, 60, 7), clip => Math.round(1000 * clip) / 1000)
  const FINE = Array.from(geomspace(0.2, 60, 40))
  const byClip = fldp.kept(16, (data, clients, epsilon) =>
    CLIPS.map(clip => fldp.singles.ends(data, clients, fldp.singles.multiplier(epsilon), clip, 3)))
  const single = fldp.kept(64, clip => [clip])
  fldp.explorers["nb14.clip"] = {
    compute({ clip, epsilon, clients }, data) {
      const { singles } = fldp, times = singles.multiplier(epsilon), fine = singles.clipErrors(data, clients, FINE)
      return {
        clip, epsilon, clients, perClip: (times * Math.sqrt(singles.PARAMETERS)) / clients, ...fine,
        bias: singles.clipErrors(data, clients, single(clip)).biases[0], curve: byClip(data, clients, epsilon),
        here: singles.ends(data, clients, times, clip, DRAWS),
      }
    },
    marks({ clip, perClip, biases, bias, curve, here }) {
      const noise = clip * perClip, panel = 1
      return [
        line(FINE, biases.map(one => (one > 1e-3 ? one : NaN)), { style: 2, label: "bias" }),
        line(FINE, FINE.map(one => one * perClip), { style: "private", label: "noise" }),
        line(FINE, FINE.map((one, k) => Math.hypot(biases[k], one * perClip)), { style: 0, label: "together" }),
        ...cloud(CLIPS, fldp.singles.turned(curve), { style: "private", label: "private", panel }),
        dots(here.map(() => clip), here, { style: "private", panel, size: 3 }),
        ...[[bias, 2], [noise, 4], [Math.hypot(bias, noise), 0]].filter(([y]) => y > 1e-3)
          .map(([y, style]) => dots([clip], [y], { style, size: 4 })),
        line([clip, clip], [1e-3, 1e3], { style: 5, width: 1 }), line([clip, clip], [0, 100], { style: 5, panel, width: 1 }),
      ]
    },
    say({ clip, epsilon, clients, perClip, biases, bias, mean, curve, here }) {
      const noise = clip * perClip, together = FINE.map((one, k) => Math.hypot(biases[k], one * perClip))
      const best = curve.map(median), least = FINE[together.indexOf(Math.min(...together))], most = Math.max(...best)
      return `Clip ${f(clip, ".3g")}, total ε = ${f(epsilon, ".3g")}, ${f(clients, ",.0f")} clients: the mean update is ` +
        `${f(mean, ".2f")} long, its bias ${f(bias, ".2f")}, its noise ${f(noise, ".3g")}, together ` +
        `${f(Math.hypot(bias, noise), ".3g")}: least at a clip of ${f(least, ".2g")}. After 20 rounds the private model ` +
        `reads ${fldp.singles.spread(here)} of 100 digits right; of seven clips ` +
        `${f(CLIPS[best.indexOf(most)], ".2g")} does best, ${f(most, ".0f")}.`
    },
  }
})
