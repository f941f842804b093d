// Notebook 21: where unlike clients walk in a round, and how well the merged model reads test images.
fldp.part(fldp => {
  const { line, dots, places } = fldp.plots, { range, mean, clip } = fldp.numbers, f = fldp.format
  const ROUNDS = 10, LR = 0.5, CLIENTS = 10, FAR = 1.8, AVERAGE = "FedAvg" // what is longer is drawn so long
  const PLANS = { FedAvg: {}, FedProx: { mu: 0.1 }, SCAFFOLD: { scaffold: true }, FedAvgM: { momentum: 0.9 } }

  const unlike = fldp.kept(8, (data, alpha) =>
    fldp.walks.deal(data, fldp.numpy.spread(fldp.numpy(data.seed), data.train.y, CLIENTS, alpha).owner, CLIENTS))
  const together = fldp.kept(1, data => fldp.walks.deal(data, data.train.y.map(() => 0), 1))
  const ran = fldp.kept(24, (data, alpha, steps, algorithm) =>
    fldp.walks.federate(unlike(data, alpha), { rounds: ROUNDS, lr: LR, steps, ...PLANS[algorithm] }))
  const best = fldp.kept(32, (data, steps) =>
    fldp.walks.federate(together(data), { rounds: ROUNDS, lr: LR, steps }).accuracy)

  // Each client's walk of a round beside that of all records together: lengths in its units, angles to it; the merged
  // model's own comes last.
  const long = row => Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
  const towards = fldp.kept(64, (data, alpha, steps, algorithm, round) => {
    const { sizes } = unlike(data, alpha), { thetas, walks } = ran(data, alpha, steps, algorithm), before = thetas[round - 1]
    const [aim] = fldp.walks.walks(together(data), before, steps, LR), unit = long(aim)
    const moves = [...walks[round - 1].filter((_, k) => sizes[k]), thetas[round].map((value, j) => value - before[j])]
    return moves.map(move => {
      const dot = move.reduce((sum, value, j) => sum + value * aim[j], 0)
      const cosine = dot / Math.max(long(move) * unit, 1e-12)
      return { long: long(move) / unit, angle: (Math.acos(clip(cosine, -1, 1)) * 180) / Math.PI }
    })
  })

  fldp.explorers["nb21.drifting"] = {
    compute({ algorithm, alpha, local_steps: steps, round }, data) {
      return { mine: ran(data, alpha, steps, algorithm).accuracy, plain: ran(data, alpha, steps, AVERAGE).accuracy,
        best: best(data, steps), walk: towards(data, alpha, steps, algorithm, round), kinds: unlike(data, alpha).kinds,
        algorithm, steps, round }
    },
    marks({ mine, plain, best, walk, algorithm, round }) {
      const ends = walk.map(({ long, angle }, k) => {
        const far = Math.min(Math.sqrt(long), FAR), side = k < walk.length - 1 && k % 2 ? -1 : 1
        return [far * Math.cos((angle * Math.PI) / 180), far * Math.sin((angle * Math.PI) / 180) * side]
      })
      const [x, y] = ends.pop(), rounds = range(ROUNDS, 1), times = row => row.map(value => 100 * value)
      const marks = ends.map(([a, b]) => line([0, a], [0, b], { style: "alone", width: 1.2, opacity: 0.8 }))
      marks.push(
        places(ends.map(end => end[0]), ends.map(end => end[1]), { style: "alone", size: 5 }),
        line([0, 1], [0, 0], { style: "centralised", label: "all together", width: 3, opacity: 0.6 }),
        line([0, x], [0, y], { style: "no privacy", width: 3 }),
        dots([x], [y], { style: "no privacy", label: "merged", size: 4 }),
        line(rounds, times(best), { style: "centralised", label: "all in one place", panel: 1 }),
      )
      if (algorithm !== AVERAGE) marks.push(line(rounds, times(plain), { style: 5, label: AVERAGE, panel: 1 }))
      marks.push(line(rounds, times(mine), { style: "no privacy", label: algorithm, panel: 1, width: 2.4 }),
        dots([round], [100 * mine[round - 1]], { style: "no privacy", panel: 1, size: 4 }))
      return marks
    },
    say({ mine, plain, best, walk, kinds, algorithm, steps, round }) {
      const merged = walk.at(-1), off = mean(walk.slice(0, -1).map(one => one.angle))
      const right = value => f(100 * value, ".0f"), local = fldp.count(steps, "local step", "local steps")
      return `${algorithm}, ten clients with ${f(kinds, ".1f")} digits each, ${local} a round. In round ${round} they ` +
        `walk ${f(off, ".0f")}° off the way of all records together, on average; the merged model goes ` +
        `${f(merged.long, ".2f")} times as far, ${f(merged.angle, ".0f")}° off. Right of 100 test digits: ` +
        `${right(mine[round - 1])}, after round ${ROUNDS} ${right(mine.at(-1))}; FedAvg ${right(plain.at(-1))}, all in ` +
        `one place ${right(best.at(-1))}.`
    },
  }
})
