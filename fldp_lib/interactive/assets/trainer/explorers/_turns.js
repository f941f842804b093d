// Runs on the digits whose rounds ask a part of the clients, one image each: what fldp_lib/course/exhibits/_cohorts.py does.
//
// Clients are dealt into groups that take turns, by the notebook's own permutations. Matrices have a row a client or a
// feature, and a column a class (12, two empty), in single precision as in the notebook.
fldp.part(fldp => {
  const { range } = fldp.numbers, { WIDE } = fldp.matrices, { fround } = Math
  const FEATURES = 64, SEEN = FEATURES + 1, OUT = 10, PARAMETERS = 650, ROUNDS = 200, LR = 0.5, DELTA = 1e-5, LOOK = 10
  const CLIENTS = 1437, DRAWS = 3, four = rows => rows + ((4 - (rows % 4)) % 4)

  const permuted = (stream, count) => { // torch.randperm
    const found = Int32Array.from(range(count))
    for (let k = 0; k < count - 1; k++) {
      const other = k + (stream.word() % (count - k)), here = found[k]
      found[k] = found[other]
      found[other] = here
    }
    return found
  }
  const chosen = clients => (clients === CLIENTS ? range(CLIENTS) : permuted(fldp.torch(1), CLIENTS).subarray(0, clients))

  // Who is in each group, dealt alike in every run.
  const seats = (data, clients, groups) => {
    const stream = Object.assign(fldp.torch(0), { state: Uint32Array.from(data.deal) }), found = range(groups).map(() => [])
    const group = new Int32Array(clients)
    permuted(stream, clients).forEach((client, place) => { group[client] = place % groups })
    group.forEach((own, client) => { found[own].push(client) })
    return found
  }

  const prepared = fldp.kept(8, (data, clients, groups) => { // images in the order of the groups
    const { train, test } = data, who = chosen(clients), rows = seats(data, clients, groups), m = test.y.length
    const starts = [0], y = new Int32Array(clients), square = new Float32Array(clients)
    for (const members of rows) starts.push(starts.at(-1) + members.length)
    const most = four(Math.max(...rows.map(members => members.length)))
    const room = fldp.matrices.room({
      x: four(clients) * SEEN, across: four(SEEN) * clients, test: four(m) * SEEN, theta: four(SEEN) * WIDE,
      moved: four(SEEN) * WIDE, lack: most * WIDE, guess: four(m) * WIDE,
    })
    const seen = (x, row, j) => (j < FEATURES ? x[row * FEATURES + j] / 16 : 1) // the bias sees a 1
    rows.flat().forEach((client, at) => {
      let total = 0
      for (let j = 0; j < SEEN; j++) {
        total += (room.x[at * SEEN + j] = room.across[j * clients + at] = seen(train.x, who[client], j)) ** 2
      }
      y[at] = train.y[who[client]]
      square[at] = total
    })
    for (let k = 0; k < m * SEEN; k++) room.test[k] = seen(test.x, Math.floor(k / SEEN), k % SEEN)
    return { clients, groups, starts, y, square, m, truth: test.y, room }
  })

  // The outputs of a group in `lack` become what they lack, each client's shortened until its update is within the clip.
  const lacks = ({ y, square, room: { lack } }, first, last, clip) => {
    const { exp } = fldp.numbers
    for (let k = first, at = 0; k < last; k++, at += WIDE) {
      const end = at + OUT
      let most = lack[at], total = 0, squares = 0
      for (let o = at + 1; o < end; o++) if (lack[o] > most) most = lack[o]
      for (let o = at; o < end; o++) total += lack[o] = exp(lack[o] - most)
      for (let o = at, share = 1 / total; o < end; o++) lack[o] *= share
      lack[at + y[k]] -= 1
      for (let o = at; o < end; o++) squares += lack[o] * lack[o]
      const share = clip / (LR * Math.sqrt(square[k] * squares))
      if (share < 1) for (let o = at; o < end; o++) lack[o] *= share
    }
  }
  const score = ({ m, truth, room: { product, test, theta, guess } }) => { // of 100, as single precision has it
    let right = 0
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      const own = guess[at + truth[k]]
      let best = true
      for (let o = at; o < at + OUT; o++) best &&= own >= guess[o]
      right += best
    }
    return fround(100 * fround(right / m))
  }
  // One run, a group a round: of 100 test images, how many are right after every tenth round. noise: what the sum gets, in
  // units of std, a row of `theta`'s form a round.
  const train = (told, clip, std, noise) => {
    const { clients, groups, starts, room } = told, { product, x, across, theta, moved, lack } = room, found = []
    const divisor = clients / groups, size = SEEN * WIDE
    theta.fill(0)
    for (let t = 0, from = 0; t < ROUNDS; t++, from += size) {
      const first = starts[t % groups], last = starts[(t % groups) + 1], count = last - first
      product(lack.byteOffset, x.byteOffset + 4 * SEEN * first, theta.byteOffset, four(count), SEEN, 4 * SEEN)
      lacks(told, first, last, clip)
      product(moved.byteOffset, across.byteOffset + 4 * first, lack.byteOffset, four(SEEN), count, 4 * clients)
      for (let k = 0; k < size; k++) theta[k] += (std * noise[from + k] - LR * moved[k]) / divisor
      if ((t + 1) % LOOK === 0) found.push(score(told))
    }
    return found
  }

  // C⁻¹·Z of a strategy, Z the standard normal numbers of a seed, in rows of `theta`'s form.
  const drawn = fldp.kept(DRAWS, seed => {
    const stream = fldp.torch(3 * seed + 2), found = new Float64Array(ROUNDS * SEEN * WIDE)
    for (let t = 0, from = 0; t < ROUNDS; t++, from += SEEN * WIDE) {
      const row = stream.normal(PARAMETERS)
      for (let j = 0; j < SEEN; j++) {
        for (let o = 0; o < OUT; o++) found[from + j * WIDE + o] = row[j < FEATURES ? o * FEATURES + j : OUT * FEATURES + o]
      }
    }
    return found
  })
  const told = fldp.kept(12, ({ name, coefficients, scale }, seed) => {
    if (name === "independent") return drawn(seed)
    const found = drawn(seed).slice(), size = SEEN * WIDE
    for (let t = 0; t < ROUNDS; t++) {
      for (let back = 1, at = t * size; back < coefficients.length && back <= t; back++) {
        const share = coefficients[back], before = at - back * size
        for (let k = 0; k < size; k++) found[at + k] -= share * found[before + k]
      }
    }
    for (let t = 0, k = 0; t < ROUNDS; t++) for (const end = k + size; k < end; k++) found[k] *= scale[t]
    return found
  })

  // Some draws of one way to train at a total ε, each a row over `looks`; "independent", or "optimised" with a band.
  const curves = fldp.kept(64, (data, kind, epsilon, clients, clip, groups, band) => {
    const visits = Math.ceil(ROUNDS / groups), strategy = fldp.strategies.strategy(data, kind, band)
    const alone = kind === "independent", priced = fldp.kit.calibrated(epsilon, alone ? visits : 1, DELTA)
    const std = clip * priced.multiplier * (alone ? 1 : fldp.strategies.sensitivity(strategy, groups))
    const dealt = prepared(data, clients, groups)
    return range(DRAWS).map(seed => train(dealt, clip, std, told(strategy, seed)))
  })
  const looks = range(ROUNDS / LOOK, 1).map(k => k * LOOK)
  fldp.turns = { curves, looks, ROUNDS, DELTA }
})
