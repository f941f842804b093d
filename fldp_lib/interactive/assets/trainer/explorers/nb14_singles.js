// Notebook 14's runs: clients with one image each, a linear model on the digits, everybody in each round.
//
// An update of such a client is what its outputs lack times its pixels, as long as the product of both lengths, so that a
// round is two products of matrices. They have a row an image or a pixel, and a column a digit (12, two empty), in single
// precision as in the notebook. Images come in the order in which the notebook takes them: so many clients are the first.
fldp.part(fldp => {
  const { WIDE } = fldp.matrices, DIGITS = 10, PIXELS = 64, SEEN = PIXELS + 1, PARAMETERS = 650, LR = 2, ROUNDS = 20
  const { range, median } = fldp.numbers, { fround } = Math, DELTA = 1e-5, CLIP = 6
  const four = rows => rows + ((4 - (rows % 4)) % 4)

  const prepared = fldp.kept(1, ({ train, test }) => {
    const n = train.y.length, m = test.y.length, lengths = new Float64Array(n)
    const room = fldp.matrices.room({
      x: four(n) * SEEN, across: four(SEEN) * n, test: four(m) * SEEN, theta: four(SEEN) * WIDE, moved: four(SEEN) * WIDE,
      lack: four(n) * WIDE, cut: four(n) * WIDE, guess: four(m) * WIDE,
    })
    const seen = (x, row, j) => (j < PIXELS ? x[row * PIXELS + j] / 16 : 1) // the bias sees a 1
    for (let k = 0; k < n; k++) {
      let square = 0
      for (let j = 0; j < SEEN; j++) square += (room.x[k * SEEN + j] = room.across[j * n + k] = seen(train.x, k, j)) ** 2
      lengths[k] = LR * Math.sqrt(square)
    }
    for (let k = 0; k < m * SEEN; k++) room.test[k] = seen(test.x, Math.floor(k / SEEN), k % SEEN)
    return { n, m, lengths, room, y: train.y, truth: test.y }
  })

  // e^x for x ≤ 0, to ten digits: of so many 64ths of a power of two, and a short series around the middle of each. Below
  // e^−60 it is 0, since processors take a hundred times as long for the tiniest numbers.
  const PARTS = 64, STEP = Math.LN2 / PARTS
  const STEPS = Float64Array.from({ length: 88 * PARTS }, (_, k) => 2 ** (-(k + 0.5) / PARTS))
  const exp = x => {
    if (!(x > -60)) return 0
    const steps = (-x / STEP) | 0, y = x + (steps + 0.5) * STEP
    return STEPS[steps] * (1 + y * (1 + y * (1 / 2 + y / 6)))
  }

  // What the outputs of the first clients lack at theta, each shortened until its update is no longer than the clip.
  const lacks = ({ lengths, y, room: { product, x, theta, lack } }, clients, clip) => {
    product(lack.byteOffset, x.byteOffset, theta.byteOffset, four(clients), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < clients; k++, at += WIDE) {
      const end = at + DIGITS, hot = at + y[k]
      let most = lack[at], total = 0, square = 0
      for (let o = at + 1; o < end; o++) if (lack[o] > most) most = lack[o]
      for (let o = at; o < end; o++) {
        const one = exp(lack[o] - most)
        lack[o] = one
        total += one
        square += one * one
      }
      const own = lack[hot], missing = 1 - own / total, others = Math.max(square - own * own, 0) / (total * total)
      const share = Math.min(clip / (lengths[k] * Math.sqrt(others + missing * missing) + 1e-300), 1)
      for (let o = at, scale = share / total; o < end; o++) lack[o] *= scale
      lack[hot] = -share * missing
    }
  }
  const score = ({ m, truth, room: { product, test, theta, guess } }) => { // of 100 test images, how many are right
    let right = 0
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      const own = guess[at + truth[k]]
      let best = true
      for (let o = at; o < at + DIGITS; o++) best &&= own >= guess[o]
      right += best
    }
    return (100 * right) / m
  }
  const sums = ({ n, room: { product, moved, across } }, lack, clients) =>
    product(moved.byteOffset, across.byteOffset, lack.byteOffset, four(SEEN), clients, 4 * n)

  // Standard normal numbers as the notebook draws them with a seed: a round's after another.
  const noises = fldp.kept(16, seed => {
    const stream = fldp.torch(3 * seed + 2), rounds = []
    return t => {
      while (rounds.length <= t) rounds.push(Float32Array.from(stream.normal(PARAMETERS)))
      return rounds[t]
    }
  })

  // One run; theta stays in the room.
  //   plan: { rounds, clip = ∞, std = 0, seed, every: whether each round is scored or the last alone }. Returns the scores.
  const train = (data, clients, plan) => {
    const { rounds = ROUNDS, clip = Infinity, std = 0, seed = null, every = false } = plan, told = prepared(data)
    const { theta, moved, lack } = told.room, right = []
    theta.fill(0)
    for (let t = 0; t < rounds; t++) {
      const unit = std ? noises(seed)(t) : null
      lacks(told, clients, clip)
      sums(told, lack, clients)
      for (let j = 0; j < SEEN; j++) {
        for (let o = 0; o < DIGITS; o++) {
          const drawn = unit ? fround(std * unit[j < PIXELS ? o * PIXELS + j : DIGITS * PIXELS + o]) : 0
          theta[j * WIDE + o] += fround(fround(drawn - LR * moved[j * WIDE + o]) / clients)
        }
      }
      if (every || t === rounds - 1) right.push(score(told))
    }
    return right
  }

  // What 20 rounds end at, draw by draw of so much noise, and without privacy.
  const multiplier = (epsilon, rounds = ROUNDS) => fldp.kit.calibrated(epsilon, rounds, DELTA).multiplier
  const ends = (data, clients, times, clip, draws) =>
    range(draws).map(seed => train(data, clients, { clip, std: times * clip, seed })[0])
  const ceiling = fldp.kept(32, (data, clients) => train(data, clients, {})[0])
  const BUDGETS = Array.from(fldp.numbers.geomspace(0.1, 20, 9), budget => Math.round(1000 * budget) / 1000)
  const knee = fldp.kept(16, (data, clients) => BUDGETS.map(epsilon => ends(data, clients, multiplier(epsilon), CLIP, 3)))
  const turned = rows => range(rows[0].length).map(k => rows.map(row => row[k]))

  // Lengths of the mean update's bias after three rounds without privacy, clip by clip, and of the mean.
  const clipErrors = fldp.kept(64, (data, clients, clips) => {
    const told = prepared(data), { lack, cut, moved } = told.room, takes = new Float64Array(clients)
    train(data, clients, { rounds: 3 })
    lacks(told, clients, Infinity)
    for (let k = 0; k < clients; k++) {
      let square = 0
      for (let o = 0; o < DIGITS; o++) square += lack[k * WIDE + o] ** 2
      takes[k] = told.lengths[k] * Math.sqrt(square)
    }
    const long = clip => { // of what the clip takes of each update; all of it where the clip is 0
      for (let k = 0; k < clients; k++) {
        const lost = 1 - Math.min(clip / takes[k], 1)
        for (let at = k * WIDE; at < k * WIDE + DIGITS; at++) cut[at] = lost * lack[at]
      }
      sums(told, cut, clients)
      let square = 0
      for (let j = 0; j < SEEN; j++) for (let o = 0; o < DIGITS; o++) square += moved[j * WIDE + o] ** 2
      return (LR * Math.sqrt(square)) / clients
    }
    return { biases: Array.from(clips, long), mean: long(0) }
  })
  const spread = draws => // median, lowest and highest of some draws, as a sentence says them
    `${fldp.format(median(draws), ".0f")} (8 draws of the noise: ${fldp.format(Math.min(...draws), ".0f")} to ` +
    `${fldp.format(Math.max(...draws), ".0f")})`
  fldp.singles = {
    train, ends, ceiling, knee, turned, clipErrors, multiplier, spread, BUDGETS, CLIP, ROUNDS, DELTA, PARAMETERS,
  }
})
