// Runs on the digits whose rounds ask a part of the clients, one image each: what fldp_lib/course/exhibits/_cohorts.py does.
//
// Clients are dealt into groups that take turns, by the notebook's own permutations. Matrices have a row a client or a
// feature, and a column a class (12, two empty), in single precision as in the notebook.
fldp.part(fldp => {
  const { range } = fldp.numbers, { WIDE } = fldp.matrices, { fround } = Math
  const FEATURES = 64, SEEN = FEATURES + 1, OUT = 10, PARAMETERS = 650, ROUNDS = 200, LR = 0.5, DELTA = 1e-5
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

  // Who takes part in each round, clients in ascending order: turns are dealt alike in every run, secret coins by a seed.
  const groupsOf = (data, clients, groups) => {
    const stream = Object.assign(fldp.torch(0), { state: Uint32Array.from(data.deal) }), found = range(groups).map(() => [])
    const group = new Int32Array(clients)
    permuted(stream, clients).forEach((client, place) => { group[client] = place % groups })
    group.forEach((own, client) => { found[own].push(client) })
    return found
  }
  const tossed = (clients, groups) => { // by 24 bits of a word each, as torch has single precision
    const stream = fldp.torch(0), least = Math.floor(2 ** 24 / groups)
    return range(ROUNDS).map(() => range(clients).filter(() => (stream.word() & 0xffffff) < least))
  }
  const cohorts = fldp.kept(16, (data, kind, clients, groups) => {
    if (kind === "all") return Array(Math.ceil(ROUNDS / groups)).fill(range(clients))
    if (kind === "poisson") return tossed(clients, groups)
    const seats = groupsOf(data, clients, groups)
    return range(ROUNDS).map(t => seats[t % groups])
  })

  const prepared = fldp.kept(4, (data, clients) => {
    const { train, test } = data, who = chosen(clients), m = test.y.length
    const x = new Float32Array(clients * SEEN), y = new Int32Array(clients), square = new Float32Array(clients)
    const room = fldp.matrices.room({
      rows: four(clients) * SEEN, across: four(SEEN) * clients, test: four(m) * SEEN, moved: four(SEEN) * WIDE,
      lack: four(clients) * WIDE, guess: four(m) * WIDE, theta: DRAWS * four(SEEN) * WIDE,
    })
    const seen = (from, row, j) => (j < FEATURES ? from[row * FEATURES + j] / 16 : 1) // the bias sees a 1
    for (let k = 0; k < clients; k++) {
      let total = 0
      for (let j = 0; j < SEEN; j++) total += (x[k * SEEN + j] = seen(train.x, who[k], j)) ** 2
      y[k] = train.y[who[k]]
      square[k] = total
    }
    for (let k = 0; k < m * SEEN; k++) room.test[k] = seen(test.x, Math.floor(k / SEEN), k % SEEN)
    return { clients, x, y, square, m, truth: test.y, room }
  })
  const seat = ({ x, room: { rows, across } }, members) => { // their images, row by row and feature by feature
    const count = members.length
    for (let k = 0; k < count; k++) {
      for (let j = 0, from = members[k] * SEEN, at = k * SEEN, to = k; j < SEEN; j++, to += count) {
        rows[at + j] = across[to] = x[from + j]
      }
    }
  }

  // The outputs of a cohort in `lack` become what they lack, each client's shortened until its update is within the clip.
  const lacks = ({ y, square, room: { lack } }, members, clip) => {
    const { exp } = fldp.numbers
    for (let k = 0, at = 0; k < members.length; k++, at += WIDE) {
      const end = at + OUT
      let most = lack[at], total = 0, squares = 0
      for (let o = at + 1; o < end; o++) if (lack[o] > most) most = lack[o]
      for (let o = at; o < end; o++) total += lack[o] = exp(lack[o] - most)
      for (let o = at, share = 1 / total; o < end; o++) lack[o] *= share
      lack[at + y[members[k]]] -= 1
      for (let o = at; o < end; o++) squares += lack[o] * lack[o]
      const share = clip / (LR * Math.sqrt(square[members[k]] * squares))
      if (share < 1) for (let o = at; o < end; o++) lack[o] *= share
    }
  }
  const score = ({ m, truth, room: { product, test, guess } }, theta) => { // of 100, as single precision has it
    let right = 0
    product(guess.byteOffset, test.byteOffset, theta, four(m), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      const own = guess[at + truth[k]]
      let best = true
      for (let o = at; o < at + OUT; o++) best &&= own >= guess[o]
      right += best
    }
    return fround(100 * fround(right / m))
  }
  // Runs side by side, one local step a round: of 100 test images, how many are right whenever one looks (runs × looks).
  //   plan: { clip, std, divisor, looks }; noises: by run, what the sums get in units of std, as `told` has it.
  const train = (told, cohorts, { clip, std, divisor, looks }, noises) => {
    const { room } = told, { product, rows, across, theta, moved, lack } = room, wide = four(SEEN) * WIDE
    const share = fround(1 / divisor), found = noises.map(() => [])
    theta.fill(0)
    cohorts.forEach((members, t) => {
      const count = members.length, look = looks.includes(t + 1)
      if (count && members !== cohorts[t - 1]) seat(told, members)
      noises.forEach((noise, run) => {
        const at = theta.byteOffset + 4 * run * wide
        if (count) {
          product(lack.byteOffset, rows.byteOffset, at, four(count), SEEN, 4 * SEEN)
          lacks(told, members, clip)
          product(moved.byteOffset, across.byteOffset, lack.byteOffset, four(SEEN), count, 4 * count)
        } else moved.fill(0)
        for (let j = 0, from = t * PARAMETERS; j < SEEN; j++) {
          for (let k = j * WIDE, own = run * wide; k < j * WIDE + OUT; k++) {
            const added = fround(std * noise[from++]) // rounded where the notebook rounds
            theta[own + k] += share * fround(added - LR * moved[k])
          }
        }
        if (look) found[run].push(score(told, at))
      })
    })
    return found
  }

  // C⁻¹·Z of a strategy, Z the standard normal numbers of a seed: in each round a feature's ten classes, feature by feature.
  const drawn = fldp.kept(DRAWS, seed => {
    const stream = fldp.torch(3 * seed + 2), found = new Float64Array(ROUNDS * PARAMETERS)
    for (let t = 0, at = 0; t < ROUNDS; t++) {
      const row = stream.normal(PARAMETERS)
      for (let j = 0; j < SEEN; j++) {
        for (let o = 0; o < OUT; o++) found[at++] = row[j < FEATURES ? o * FEATURES + j : OUT * FEATURES + o]
      }
    }
    return found
  })
  const told = fldp.kept(12, ({ name, coefficients, scale }, seed) => {
    if (name === "independent") return drawn(seed)
    const found = drawn(seed).slice(), size = PARAMETERS
    for (let t = 1; t < ROUNDS; t++) {
      const at = t * size
      for (let back = 1; back < coefficients.length && back <= t; back += 4) { // four rounds in one pass
        const [a, b, c, d] = [0, 1, 2, 3].map(k => (back + k <= t ? (coefficients[back + k] ?? 0) : 0))
        const one = at - back * size, two = b ? one - size : 0, three = c ? two - size : 0, last = d ? three - size : 0
        for (let k = 0; k < size; k++) {
          found[at + k] -= a * found[one + k] + b * found[two + k] + c * found[three + k] + d * found[last + k]
        }
      }
    }
    for (let t = 0, k = 0; t < ROUNDS; t++) for (const end = k + size; k < end; k++) found[k] *= scale[t]
    return found
  })

  // The multiplier with which secret coins cost ε by RDP: halving, then a straight line in logarithms.
  const secret = fldp.kept(64, (data, epsilon, groups) => {
    const { sampled, bySampled, multiplier } = fldp.prices
    const price = log => bySampled(sampled(Math.exp(log), 1 / groups), ROUNDS, DELTA)
    let low = Math.log(0.2), high = Math.log(3 * multiplier(epsilon, ROUNDS, "RDP", data.orders) + 3)
    for (let step = 0; step < 12; step++) {
      const middle = (low + high) / 2
      if (price(middle) > epsilon) low = middle
      else high = middle
    }
    const [above, below] = [low, high].map(log => Math.log(Math.max(price(log), 1e-12)))
    const share = (above - Math.log(epsilon)) / Math.max(above - below, 1e-12)
    return Math.exp(low + fldp.numbers.clip(share, 0, 1) * (high - low))
  })

  // Some draws of one way to train at a total ε: rounds at which one looked, and of 100 what was right there, draw by draw.
  // kind: "independent" or "optimised", with a band, take turns; "poisson" tosses coins; "all" has fewer rounds.
  const curves = fldp.kept(64, (data, kind, epsilon, clients, clip, groups, band) => {
    const name = kind === "optimised" ? kind : "independent", strategy = fldp.strategies.strategy(data, name, band)
    const members = cohorts(data, kind, clients, groups), rounds = members.length, visits = Math.ceil(ROUNDS / groups)
    const sigma = times => fldp.kit.calibrated(epsilon, times, DELTA).multiplier
    const multiplier = kind === "poisson" ? secret(data, epsilon, groups)
      : kind === "optimised" ? sigma(1) * fldp.strategies.sensitivity(strategy, groups) : sigma(visits)
    const every = Math.max(1, Math.floor(rounds / 20)), looks = range(rounds, 1).filter(t => t % every === 0 || t === rounds)
    const plan = { clip, std: clip * multiplier, divisor: kind === "all" ? clients : clients / groups, looks }
    return { looks, draws: train(prepared(data, clients), members, plan, range(DRAWS).map(seed => told(strategy, seed))) }
  })
  fldp.turns = { curves, ROUNDS, DELTA }
})
