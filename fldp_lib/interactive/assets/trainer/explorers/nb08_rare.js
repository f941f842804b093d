// Notebook 08: whom clip and noise cost. Softmax regression on the digits, an image a client, few of them nines.
//
// An image's gradient is what its outputs lack times its pixels, as long as the product of both lengths. Matrices have a row
// an image or a pixel, and a column a digit (12, two empty), in single precision as in the notebook.
fldp.part(fldp => {
  const { line, cloud } = fldp.plots, { range, median } = fldp.numbers, f = fldp.format, { WIDE } = fldp.matrices
  const DIGITS = 10, PIXELS = 64, SEEN = PIXELS + 1, DRAWS = 5, LR = 2, RARE = 9, LONGEST = 60, DELTA = 1e-5
  const four = rows => rows + ((4 - (rows % 4)) % 4), size = DRAWS * DIGITS * SEEN // of a round's noise

  const prepared = fldp.kept(1, ({ train, test }) => {
    const n = train.y.length, m = test.y.length, lengths = new Float64Array(n)
    const room = fldp.matrices.room({
      x: four(n) * SEEN, across: four(SEEN) * n, test: four(m) * SEEN, theta: four(SEEN) * WIDE, moved: four(SEEN) * WIDE,
      lack: four(n) * WIDE, guess: four(m) * WIDE,
    })
    const seen = (x, row, j) => (j < PIXELS ? x[row * PIXELS + j] / 16 : 1) // the bias sees a 1
    for (let k = 0; k < n; k++) {
      let square = 0
      for (let j = 0; j < SEEN; j++) {
        square += (room.x[k * SEEN + j] = room.across[j * n + k] = seen(train.x, k, j)) ** 2
      }
      lengths[k] = LR * Math.sqrt(square)
    }
    for (let k = 0; k < m * SEEN; k++) room.test[k] = seen(test.x, Math.floor(k / SEEN), k % SEEN)
    return { n, m, lengths, room, y: train.y, truth: test.y }
  })

  // The outputs in `lack` become what they lack, each image's shortened until its update is no longer than the clip.
  const lacks = ({ n, lengths, y, room: { lack } }, clip) => {
    const { exp } = fldp.numbers
    for (let k = 0, at = 0; k < n; k++, at += WIDE) {
      const end = at + DIGITS
      let most = lack[at], total = 0, square = 0
      for (let o = at + 1; o < end; o++) if (lack[o] > most) most = lack[o]
      for (let o = at; o < end; o++) total += lack[o] = exp(lack[o] - most)
      for (let o = at, share = 1 / total; o < end; o++) lack[o] *= share
      lack[at + y[k]] -= 1
      for (let o = at; o < end; o++) square += lack[o] * lack[o]
      const share = clip / (lengths[k] * Math.sqrt(square))
      if (share < 1) for (let o = at; o < end; o++) lack[o] *= share
    }
  }
  const scored = ({ m, truth, room: { guess } }) => { // shares that are right, of the nines and of the others
    const right = [0, 0], all = [0, 0]
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      const own = guess[at + truth[k]], other = truth[k] === RARE ? 0 : 1
      let best = true
      for (let o = at; o < at + DIGITS; o++) best &&= own >= guess[o]
      right[other] += best
      all[other]++
    }
    return right.map((number, k) => (100 * number) / all[k])
  }
  // One run: of 100 nines and of 100 others, how many are right after each round. noise: (t, o, j) → what the sum of updates
  // gets, or null.
  const train = (data, rounds, clip, noise = null) => {
    const told = prepared(data), { n, m, room } = told, { product, x, across, test, theta, moved, lack, guess } = room
    const found = [new Float64Array(rounds), new Float64Array(rounds)]
    theta.fill(0)
    for (let t = 0; t < rounds; t++) {
      product(lack.byteOffset, x.byteOffset, theta.byteOffset, four(n), SEEN, 4 * SEEN)
      lacks(told, clip)
      product(moved.byteOffset, across.byteOffset, lack.byteOffset, four(SEEN), n, 4 * n)
      for (let j = 0; j < SEEN; j++) {
        for (let o = 0; o < DIGITS; o++) {
          theta[j * WIDE + o] += ((noise ? noise(t, o, j) : 0) - LR * moved[j * WIDE + o]) / n
        }
      }
      product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
      scored(told).forEach((share, k) => { found[k][t] = share })
    }
    return found
  }
  const clean = fldp.kept(1, data => train(data, LONGEST, Infinity))
  const clipped = fldp.kept(8, train)
  const unit = fldp.kept(4, rounds => Float32Array.from(fldp.torch(0).normal(rounds * size))) // as the notebook draws it

  fldp.explorers["nb08.rare"] = {
    compute({ epsilon, rounds, clip }, data) {
      const priced = fldp.kit.calibrated(epsilon, rounds, DELTA), std = clip * priced.multiplier, drawn = unit(rounds)
      const runs = range(DRAWS).map(run => train(data, rounds, clip, (t, o, j) =>
        std * drawn[t * size + (run * DIGITS + o) * SEEN + j]))
      const kinds = [0, 1].map(kind => ({
        draws: runs.map(run => run[kind]), clean: clean(data)[kind].slice(0, rounds),
        clipped: clipped(data, rounds, clip)[kind],
      }))
      return { epsilon, rounds, clip, kinds, attacker: priced.attacker() }
    },
    marks({ rounds, kinds }) {
      const t = range(rounds, 1)
      return kinds.flatMap((kind, panel) => [
        ...cloud(t, kind.draws, { style: "private", label: "private", panel }),
        line(t, kind.clean, { style: "no privacy", label: "no privacy", panel }),
        line(t, kind.clipped, { style: 0, label: "clip alone", panel, width: 1.4 }),
      ])
    },
    say({ epsilon, rounds, clip, kinds }) {
      const [nines, others] = kinds.map(({ draws, clean, clipped }) =>
        [median(draws.map(run => run.at(-1))), clipped.at(-1), clean.at(-1)].map(value => f(value, ".0f")))
      return `Total ε = ${f(epsilon, ".3g")}, ${fldp.count(rounds, "round", "rounds")}, clip ${f(clip, ".3g")}; 46 nines ` +
        `among 1,339 clients. Of 100 nines are right: private ${nines[0]} (median of 5 draws), clip alone ${nines[1]}, no ` +
        `privacy ${nines[2]}; of 100 others: private ${others[0]}, clip alone ${others[1]}, no privacy ${others[2]}.`
    },
    attacker: r => r.attacker,
  }
})
