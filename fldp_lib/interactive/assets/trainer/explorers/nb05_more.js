// Notebook 05, on the digits: twenty private rounds, and the levers that few clients can pull.
fldp.part(fldp => {
  const { groups, kit, plots, format: f } = fldp, { range, median } = fldp.numbers
  const DELTA = 1e-5, ROUNDS = 20, CLIENTS = 300, LR = 2, DRAWS = 3, SIZE = groups.PARAMETERS

  // Noise of round t at this deviation, from the draws that the notebook makes: rounds × draws × 650, or rounds × 650.
  const drawn = (unit, std, draws = 1, draw = 0) => t => {
    const first = (t * draws + draw) * SIZE
    return unit.subarray(first, first + SIZE).map(value => std * value)
  }
  const plain = fldp.kept(64, (data, clients, localSteps) =>
    groups.train(groups.deal(data, clients), { rounds: ROUNDS, lr: LR, localSteps }).accuracy)

  // Twenty rounds at one clip: accuracy, and the two things a clip trades, what it cuts and what noise it brings.
  const run = fldp.kept(64, (data, epsilon, clip) => {
    const std = kit.calibrated(epsilon, ROUNDS, DELTA).multiplier * clip,
      plan = { rounds: ROUNDS, lr: LR, localSteps: 1, clip }
    return { ...groups.train(groups.deal(data, CLIENTS), plan, drawn(data.noise, std), true),
      noise: (std * Math.sqrt(SIZE)) / CLIENTS }
  })
  fldp.explorers["nb05.rounds"] = {
    compute({ clip, epsilon, round }, data) {
      const priced = kit.calibrated(epsilon, ROUNDS, DELTA)
      return { ...run(data, epsilon, clip), clip, epsilon, round, priced, spent: priced.spent(round),
        plain: plain(data, CLIENTS, 1) }
    },
    marks(r) {
      const at = range(r.round, 1), now = r.round - 1, all = range(ROUNDS, 1), panel = 1,
        until = row => row.slice(0, r.round)
      return [
        plots.line(all, r.plain, { style: "no privacy", label: "without" }),
        plots.line(at, until(r.accuracy), { style: "private", label: "private" }),
        plots.dots([r.round], [r.accuracy[now]], { style: "private", size: 4 }),
        plots.line(all, all.map(() => r.noise), { style: "private", label: "noise", panel }),
        plots.line(at, until(r.signal), { style: 0, label: "signal", panel }),
        plots.dots([r.round], [r.signal[now]], { style: 0, panel, size: 4 }),
      ]
    },
    say(r) {
      const now = r.round - 1
      return `Round ${r.round} of 20 at clip ${f(r.clip, ".3g")}: ${f(r.spent, ".2f")} of the total ε = ` +
        `${f(r.epsilon, ".3g")} ` +
        `(δ = 1e-5) is spent, accuracy ${f(r.accuracy[now], ".2f")}, ${f(r.plain[now], ".2f")} without privacy. ` +
        `${f(100 * r.cut[now], ".0f")} of 100 updates are cut, their sum keeps its direction by ` +
        `${f(r.cosine[now], ".2f")}; ` +
        `signal ${f(r.signal[now], ".2g")} against noise ${kit.short(r.noise)}.`
    },
    attacker: r => r.priced.attacker(r.round),
  }

  // Few clients at total ε = 2, and the levers with which they learn all the same.
  const few = fldp.kept(24, (data, clients, localSteps, clip) => {
    const std = kit.calibrated(2, ROUNDS, DELTA).multiplier * clip, plan = { rounds: ROUNDS, lr: LR, localSteps, clip }
    return range(DRAWS).map(draw => groups.train(groups.deal(data, clients), plan,
      drawn(data.few, std, DRAWS, draw)).accuracy)
  })
  fldp.explorers["nb05.few"] = {
    compute: ({ clients, steps, clip }, data) =>
      ({ clients, steps, clip, draws: few(data, clients, steps, clip), plain: plain(data, clients, steps) }),
    marks: r => [
      ...plots.cloud(range(ROUNDS, 1), r.draws, { style: "private", label: "private" }),
      plots.line(range(ROUNDS, 1), r.plain, { style: "no privacy", label: "without" }),
      plots.line([1, ROUNDS], [0.1, 0.1], { style: 5, label: "guessing" }),
    ],
    say: r =>
      `${r.clients} clients, ${fldp.count(r.steps, "local step", "local steps")}, clip ${f(r.clip, ".3g")}, total ε = 2 ` +
      `(δ = 1e-5): ` +
      `accuracy ${f(median(r.draws.map(row => row.at(-1))), ".2f")} (median of ${DRAWS} draws of the noise), ` +
      `${f(r.plain.at(-1), ".2f")} without privacy.`,
    attacker: () => kit.calibrated(2, ROUNDS, DELTA).attacker(),
  }
})
