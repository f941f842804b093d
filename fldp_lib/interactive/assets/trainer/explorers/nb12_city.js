// Notebook 12's city, drawn as the notebook draws it, and what its sensors learn: lines under the squared loss.
//
// What a sensor learns needs only its means of z zᵀ and z·y, z a record and a 1: a local step is θ ↦ θ − 2·lr·(Gθ − h), so
// that all steps of a round are one map, known beforehand, and thirty draws of the noise are trained at once.
fldp.part(fldp => {
  const { range } = fldp.numbers, DAY = 24, SEEN = 9, FIRST = DAY + 1, CARS = 1000 // FIRST: the first hour with all lags
  const cut = (value, low, high) => (value < low ? low : value > high ? high : value)
  const bump = (hour, middle, width) => Math.exp(-0.5 * ((hour - middle) / width) ** 2)

  // Flows and what nobody can beat (sensors × hours), places, a day before and a test day beside the days.
  const drawn = fldp.kept(16, ({ seed }, sensors, days, noise) => {
    const random = fldp.numpy(seed), hours = DAY * (days + 2), many = draw => Array.from({ length: sensors }, draw)
    const radial = many(() => random.uniform() < 0.7), eighth = many(() => (random.half() >>> 29) * Math.PI / 4)
    const anywhere = many(() => 2 * Math.PI * random.uniform()), out = many(() => 0.6 + 9.4 * random.uniform())
    const ring = many(() => (random.half() >>> 31 ? 8 : 4)), place = range(sensors).map(k => {
      const angle = radial[k] ? eighth[k] : anywhere[k], radius = radial[k] ? out[k] : ring[k]
      return [radius * Math.cos(angle), radius * Math.sin(angle)]
    })
    const morning = many(() => 0.02 + 0.96 * random.uniform()), size = many(() => 0.5 + 0.5 * random.uniform())
    const began = Array.from({ length: sensors * hours }, () => random.uniform() < 0.005)
    const calm = new Float64Array(sensors * hours), flow = new Float64Array(sensors * hours), expected = flow.slice()
    const clock = range(DAY).map(hour => [1 / (1 + Math.exp(6 - hour)) / (1 + Math.exp(hour - 21)), bump(hour, 8, 1.4),
      bump(hour, 17.5, 1.8)])
    for (let k = 0, at = 0; k < sensors; k++) {
      for (let hour = 0; hour < hours; hour++, at++) {
        const [day, early, late] = clock[hour % DAY], rush = morning[k] * early + (1 - morning[k]) * late
        calm[at] = size[k] * (0.1 + 0.25 * day + 0.55 * rush) * (began[at] || (hour && began[at - 1]) ? 0.4 : 1)
      }
    }
    const disturbed = new Float64Array(sensors)
    for (let hour = 0; hour < hours; hour++) {
      for (let k = 0, at = hour; k < sensors; k++, at += hours) {
        const fading = 0.7 * disturbed[k]
        disturbed[k] = fading + noise * random.normal()
        expected[at] = calm[at] + fading
        flow[at] = cut(calm[at] + disturbed[k], 0, 1)
      }
    }
    return { sensors, hours, flow, expected, place }
  })

  // A record: what is known before an hour at a sensor, and a 1.
  const CLOCK = range(DAY).map(hour => [1, 2].flatMap(times =>
    [Math.sin, Math.cos].map(wave => Math.fround(wave(times * ((2 * Math.PI * hour) / DAY))))))
  const record = (flow, at, hour, z) => {
    const one = flow[at - 1], changes = [one - flow[at - 2], flow[at - DAY] - flow[at - DAY - 1], one - flow[at - DAY - 1]]
    z[0] = Math.fround(2 * one - 1)
    for (let k = 0; k < 3; k++) z[1 + k] = Math.fround(cut(4 * changes[k], -1, 1))
    for (let k = 0; k < 4; k++) z[4 + k] = CLOCK[hour % DAY][k]
    z[8] = 1
  }

  // Each sensor's means of z zᵀ (sensors × 9 × 9) and z·y (sensors × 9), and its records on the test day (sensors × 24 × 9).
  const moments = (flow, sensors, hours) => {
    const gram = new Float64Array(sensors * SEEN * SEEN), target = new Float64Array(sensors * SEEN)
    const z = new Float64Array(SEEN), count = hours - FIRST - DAY, known = new Float64Array(sensors * DAY * SEEN)
    for (let k = 0; k < sensors; k++) {
      for (let hour = FIRST; hour < hours; hour++) {
        const at = k * hours + hour, y = Math.fround(flow[at] - flow[at - 1])
        record(flow, at, hour, z)
        if (hour >= hours - DAY) known.set(z, (k * DAY + hour - hours + DAY) * SEEN)
        else {
          for (let i = 0; i < SEEN; i++) {
            target[k * SEEN + i] += (z[i] * y) / count
            for (let j = 0; j <= i; j++) gram[(k * SEEN + i) * SEEN + j] += (z[i] * z[j]) / count
          }
        }
      }
      for (let i = 0, own = k * SEEN; i < SEEN; i++) {
        for (let j = 0; j < i; j++) gram[(own + j) * SEEN + i] = gram[(own + i) * SEEN + j]
      }
    }
    return { sensors, gram, target, count, known }
  }

  // A round's local steps as affine maps, sensor by sensor: what an update is of θ (sensors × 9 × 9, sensors × 9).
  const turns = ({ sensors, gram, target }, lr, steps) => {
    const move = new Float64Array(gram.length), shift = new Float64Array(target.length), next = new Float64Array(SEEN + 1)
    for (let k = 0; k < sensors; k++) {
      for (let column = 0; column <= SEEN; column++) { // of the map, each unit vector's way; last the constant's
        const way = new Float64Array(SEEN)
        if (column < SEEN) way[column] = 1
        for (let step = 0; step < steps; step++) {
          for (let i = 0; i < SEEN; i++) {
            let slope = column < SEEN ? 0 : -target[k * SEEN + i]
            for (let j = 0; j < SEEN; j++) slope += gram[(k * SEEN + i) * SEEN + j] * way[j]
            next[i] = way[i] - 2 * lr * slope
          }
          for (let i = 0; i < SEEN; i++) way[i] = next[i]
        }
        for (let i = 0; i < SEEN; i++) {
          if (column < SEEN) move[(k * SEEN + i) * SEEN + column] = way[i] - (i === column ? 1 : 0)
          else shift[k * SEEN + i] = way[i]
        }
      }
    }
    return { sensors, move, shift }
  }

  // Lines by round, the first zero, of so many draws: a list of (draws × 9). noise: t → unit noise of a round, or null.
  const train = ({ sensors, move, shift }, rounds, { draws = 1, clip = Infinity, std = 0, noise = null } = {}) => {
    const past = [new Float64Array(draws * SEEN)], sent = new Float64Array(SEEN)
    for (let t = 0; t < rounds; t++) {
      const theta = past[t], next = theta.slice(), unit = noise?.(t)
      for (let draw = 0; draw < draws; draw++) {
        const from = draw * SEEN, total = new Float64Array(SEEN)
        for (let k = 0; k < sensors; k++) {
          let square = 0
          for (let i = 0; i < SEEN; i++) {
            const row = (k * SEEN + i) * SEEN
            let value = shift[k * SEEN + i]
            for (let j = 0; j < SEEN; j++) value += move[row + j] * theta[from + j]
            sent[i] = value
            square += value * value
          }
          const length = Math.sqrt(square), share = length > clip ? clip / length : 1
          for (let i = 0; i < SEEN; i++) total[i] += share * sent[i]
        }
        for (let i = 0; i < SEEN; i++) next[from + i] += (total[i] + (unit ? std * unit[from + i] : 0)) / sensors
      }
      past.push(next)
    }
    return past
  }

  // Every sensor's own line, by ridge regression (sensors × 9): elimination, its matrices being positive definite.
  const ridge = ({ sensors, gram, target, count }) => {
    const found = new Float64Array(sensors * SEEN)
    for (let k = 0; k < sensors; k++) {
      const rows = range(SEEN).map(i => Float64Array.from({ length: SEEN + 1 }, (_, j) =>
        j < SEEN ? gram[(k * SEEN + i) * SEEN + j] * count + (i === j ? 1 : 0) : target[k * SEEN + i] * count))
      for (let i = 0; i < SEEN; i++) {
        for (let below = i + 1; below < SEEN; below++) {
          const times = rows[below][i] / rows[i][i]
          for (let j = i; j <= SEEN; j++) rows[below][j] -= times * rows[i][j]
        }
      }
      for (let i = SEEN - 1; i >= 0; i--) {
        let rest = rows[i][SEEN]
        for (let j = i + 1; j < SEEN; j++) rest -= rows[i][j] * found[k * SEEN + j]
        found[k * SEEN + i] = rest / rows[i][i]
      }
    }
    return found
  }

  // Errors of forecasts on the test day (draws × sensors × 24): by shared lines (draws × 9), or by one line a sensor.
  const errors = (known, actual, lines, { draws = 1, own = false } = {}) => {
    const found = new Float64Array(draws * actual.length)
    for (let draw = 0, to = 0; draw < draws; draw++) {
      for (let at = 0; at < actual.length; at++, to++) {
        const from = own ? Math.floor(at / DAY) * SEEN : draw * SEEN
        let change = -actual[at]
        for (let j = 0; j < SEEN; j++) change += known[at * SEEN + j] * lines[from + j]
        found[to] = change
      }
    }
    return found
  }
  // Root mean square in cars: of all from a place on, each so far from the one before.
  const rms = (values, first = 0, count = values.length, step = 1) => {
    let total = 0
    for (let k = 0, at = first; k < count; k++, at += step) total += values[at] * values[at]
    return CARS * Math.sqrt(total / count)
  }

  // A city and what does not depend on privacy: errors on the test day as an hour ago, alone and at the noise floor.
  const town = fldp.kept(16, (data, sensors, days = 2) => {
    const city = drawn(data, sensors, days, 0.04), { hours, flow, expected } = city, known = moments(flow, sensors, hours)
    const actual = new Float64Array(sensors * DAY), floor = actual.slice()
    for (let k = 0, to = 0; k < sensors; k++) {
      for (let at = (k + 1) * hours - DAY; at < (k + 1) * hours; at++, to++) {
        actual[to] = flow[at] - flow[at - 1]
        floor[to] = flow[at] - expected[at]
      }
    }
    return { ...city, ...known, actual, floor, own: errors(known.known, actual, ridge(known), { own: true }) }
  })

  // The owners' federation: a plan's price, and its lines by round under thirty draws of the noise, or one without any.
  const DRAWS = 30, LR = 0.5, DELTA = 1e-4, CLIP = 0.05, STEPS = 5, ROUNDS = 10
  const unit = fldp.kept(1, () => { // as the notebook draws it, round by round
    const stream = fldp.torch(0), rounds = []
    return t => {
      while (rounds.length <= t) rounds.push(stream.normal(DRAWS * SEEN))
      return rounds[t]
    }
  })
  const turned = fldp.kept(16, (known, steps) => turns(known, LR, steps))
  const clean = fldp.kept(32, (known, steps = STEPS, rounds = ROUNDS) => train(turned(known, steps), rounds))
  const priced = (epsilon, rounds = ROUNDS) => fldp.kit.calibrated(epsilon, rounds, DELTA)
  const owners = fldp.kept(16, (known, epsilon, clip = CLIP, steps = STEPS, rounds = ROUNDS) =>
    train(turned(known, steps), rounds,
      { draws: DRAWS, clip, std: clip * priced(epsilon, rounds).multiplier, noise: unit() }))
  const lowest = values => Float64Array.from(values).sort()[(values.length - 1) >> 1] // of two middle ones, as torch.median
  fldp.city = {
    ...fldp.city, CARS, DAY, SEEN, DRAWS, LR, DELTA, CLIP, STEPS, ROUNDS, drawn, moments, turns, train, errors, rms, town,
    clean, priced, owners, lowest,
  }
})
