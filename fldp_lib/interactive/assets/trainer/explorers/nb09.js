// Notebook 09's patients, dealt to hospitals, and many private runs of one plan: what exhibits/nb09_runs.py does.
//
// A model is 30 weights and a bias; twelve models at most are the columns of one matrix, so that a round of all of them is
// two products. The two orders in which the sick and the healthy are dealt come with the data; who gets how many is
// computed. Hospitals' records lie in one row after another, hospital by hospital.
fldp.part(fldp => {
  const { kit } = fldp, { range, sum } = fldp.numbers, { WIDE } = fldp.matrices
  const SIZES = [110, 80, 60, 50, 40, 30, 25, 20, 14, 11, 8, 7], PATIENTS = 455
  const SHARE = [55, 30, 25, 40, 20, 45, 30, 15, 50, 30, 40, 30] // per cent malignant, wished
  const FEATURES = 30, SEEN = FEATURES + 1, DELTA = 1e-4, ROUNDS = 20, DRAWS = 30
  const SEARCHED = [[1, 1, 4], [8, 10, 2], [100, 10, 2]] // hospital-level ε: rounds and clip
  const four = rows => rows + ((4 - (rows % 4)) % 4)

  const between = (x, known, values) => { // along straight lines, flat beyond both ends
    if (x <= known[0]) return values[0]
    const k = known.findIndex(at => at >= x)
    if (k < 0) return values.at(-1)
    return ((values[k] - values[k - 1]) / (known[k] - known[k - 1])) * (x - known[k - 1]) + values[k - 1]
  }
  // Sizes and wished shares of malignant patients of so many hospitals, as unequal as the twelve.
  const profile = count => {
    if (count === SIZES.length) return [SIZES, SHARE]
    const at = range(count).map(k => (k + 0.5) / count), known = range(12).map(k => (k + 0.5) / 12)
    const logs = SIZES.map(Math.log), wished = at.map(x => Math.exp(between(x, known, logs))), all = sum(wished)
    const sizes = wished.map(size => Math.trunc(Math.max(2, (size / all) * PATIENTS)))
    for (let gap; (gap = PATIENTS - sum(sizes)) !== 0;) {
      for (let k = 0; k < Math.min(count, Math.abs(gap)); k++) sizes[k] += Math.sign(gap)
    }
    return [sizes, at.map(x => between(x, known, SHARE))]
  }
  // How many malignant patients each of them gets.
  const sickOf = (sizes, share, malignant) => {
    const parts = sizes.map((size, k) => size * share[k]), all = sum(parts)
    const wished = parts.map(part => (part / all) * malignant)
    const sick = wished.map(Math.floor), rest = malignant - sum(sick)
    const order = range(sizes.length).sort((a, b) => sick[a] - wished[a] - (sick[b] - wished[b])).slice(0, rest)
    if (sizes.length === SIZES.length) sick[0] += rest // of twelve, the largest gets what rounding left over
    else for (const k of order) sick[k]++
    return sick
  }

  // The training patients of one split, dealt. data: x (patients × 30), y (1: benign), and of each split `order`: its
  // malignant training patients, its benign ones, its test patients.
  const dealt = fldp.kept(16, (data, split, clients) => {
    const order = data.order.subarray(split * data.y.length, (split + 1) * data.y.length)
    const malignant = range(PATIENTS).filter(k => !data.y[order[k]]).length, m = order.length - PATIENTS
    const [sizes, share] = profile(clients), sick = sickOf(sizes, share, malignant), starts = [0]
    const room = fldp.matrices.room({
      x: four(PATIENTS) * SEEN + 3 * SEEN, across: four(SEEN) * PATIENTS, test: four(m) * SEEN, z: four(PATIENTS) * WIDE,
      theta: four(SEEN) * WIDE, here: four(SEEN) * WIDE, moved: four(SEEN) * WIDE, guess: four(m) * WIDE,
    })
    const y = new Uint8Array(PATIENTS), reach = new Float32Array(PATIENTS), records = []
    let ill = 0, well = malignant
    sizes.forEach((size, k) => {
      for (let i = 0; i < size; i++) records.push(order[i < sick[k] ? ill++ : well++])
      starts.push(starts[k] + size)
    })
    const seen = (patient, j) => (j < FEATURES ? data.x[patient * FEATURES + j] : 1) // the bias sees a 1
    records.forEach((patient, at) => {
      let square = 0
      for (let j = 0; j < SEEN; j++) {
        room.x[at * SEEN + j] = room.across[j * PATIENTS + at] = seen(patient, j)
        square += seen(patient, j) ** 2
      }
      y[at] = data.y[patient]
      reach[at] = Math.sqrt(square)
    })
    const tested = order.subarray(PATIENTS), truth = Uint8Array.from(tested, patient => data.y[patient])
    tested.forEach((patient, at) => { for (let j = 0; j < SEEN; j++) room.test[at * SEEN + j] = seen(patient, j) })
    const mix = sick.map((count, k) => count / sizes[k]) // shares of malignant patients; of the test patients: common
    return { clients, sizes, starts, y, reach, truth, room, mix, common: truth.filter(kind => !kind).length / m }
  })

  // Mean log loss of the first so many models of a matrix on the malignant and on the benign test patients.
  const scored = ({ truth, room: { product, test, guess } }, theta, draws) => {
    const m = truth.length, ill = new Float64Array(draws), healthy = new Float64Array(draws)
    let sick = 0
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    for (let k = 0; k < m; k++) {
      const found = truth[k] ? healthy : ill, sign = truth[k] ? -1 : 1
      sick += 1 - truth[k]
      for (let d = 0; d < draws; d++) {
        const odds = sign * guess[k * WIDE + d] // of what the patient does not have
        found[d] += Math.max(odds, 0) + Math.log1p(Math.exp(-Math.abs(odds)))
      }
    }
    return { ill: ill.map(total => total / sick), healthy: healthy.map(total => total / (m - sick)) }
  }
  const lossOf = ({ ill, healthy }, d, share) => share * ill[d] + (1 - share) * healthy[d]

  // What a stream of normal numbers holds for so many rounds and draws (rounds × draws × 31). The notebook draws sixteen
  // anew for the end of a row of numbers that sixteen does not divide: `tail`.
  const drawn = (stream, rounds, draws, tail) => {
    const size = rounds * draws * SEEN, unit = stream.slice(0, size)
    if (size % 16) unit.set(tail, size - 16)
    return unit
  }

  // Private runs with noise inside the hospitals: a record's gradient is (p − y)·[x, 1], which is as long as the clip
  // where |p − y| is the clip over the record's length. So many draws of the noise, `std` wide in the sum of all records.
  // Returns by round `scored`, for all draws; `last`: only of the last round.
  const runs = (fed, { rounds, lr, clip, std = 0 }, unit, draws, last = false) => {
    const { y, reach, room: { product, x, across, z, theta, moved } } = fed, most = reach.map(long => clip / long)
    const found = range(rounds).map(() => ({ ill: [], healthy: [] })), step = lr / PATIENTS
    for (let first = 0; first < draws; first += WIDE) { // as many as a matrix has columns
      const count = Math.min(WIDE, draws - first)
      theta.fill(0)
      for (let t = 0; t < rounds; t++) {
        product(z.byteOffset, x.byteOffset, theta.byteOffset, four(PATIENTS), SEEN, 4 * SEEN)
        for (let k = 0, at = 0; k < PATIENTS; k++, at += WIDE) {
          const top = most[k]
          for (let d = at; d < at + count; d++) {
            const lack = 1 / (1 + Math.exp(-z[d])) - y[k]
            z[d] = lack > top ? top : lack < -top ? -top : lack
          }
        }
        product(moved.byteOffset, across.byteOffset, z.byteOffset, four(SEEN), PATIENTS, 4 * PATIENTS)
        for (let d = 0, from = (t * draws + first) * SEEN; d < count; d++) {
          for (let j = 0; j < SEEN; j++, from++) {
            theta[j * WIDE + d] -= step * (moved[j * WIDE + d] + (std ? std * unit[from] : 0))
          }
        }
        if (last && t < rounds - 1) continue
        const { ill, healthy } = scored(fed, theta, count)
        found[t].ill.push(...ill)
        found[t].healthy.push(...healthy)
      }
    }
    return found
  }

  // A hospital's steps at home, of so many models at once, from those in `here`, which they move.
  const atHome = ({ starts, y, room: { product, x, across, z, here, moved } }, client, steps, lr, draws) => {
    const first = starts[client], size = starts[client + 1] - first, rate = lr / size
    for (let step = 0; step < steps; step++) { // rows beyond a hospital's are the next one's, and nobody reads them
      product(z.byteOffset, x.byteOffset + 4 * SEEN * first, here.byteOffset, four(size), SEEN, 4 * SEEN)
      for (let k = 0; k < size; k++) {
        for (let d = k * WIDE; d < k * WIDE + draws; d++) z[d] = 1 / (1 + Math.exp(-z[d])) - y[first + k]
      }
      product(moved.byteOffset, across.byteOffset + 4 * first, z.byteOffset, four(SEEN), size, 4 * PATIENTS)
      for (let k = 0; k < SEEN * WIDE; k++) here[k] -= rate * moved[k]
    }
  }
  // Private runs where each hospital is a client: steps at home, updates clipped and summed, noise once at the server.
  const hospitalRuns = (fed, { rounds, steps, lr, clip, std }, unit, draws) => {
    const { here, theta } = fed.room, total = new Float64Array(SEEN * WIDE), found = []
    theta.fill(0)
    for (let t = 0; t < rounds; t++) {
      total.fill(0)
      for (let client = 0; client < fed.clients; client++) {
        here.set(theta)
        atHome(fed, client, steps, lr, draws)
        for (let d = 0; d < draws; d++) {
          let square = 0
          for (let k = d; k < SEEN * WIDE; k += WIDE) square += (here[k] - theta[k]) ** 2
          const share = Math.min(1, clip / Math.max(Math.sqrt(square), 1e-12))
          for (let k = d; k < SEEN * WIDE; k += WIDE) total[k] += share * (here[k] - theta[k])
        }
      }
      for (let d = 0, from = t * draws * SEEN; d < draws; d++) {
        for (let k = d; k < SEEN * WIDE; k += WIDE, from++) theta[k] += (total[k] + std * unit[from]) / fed.clients
      }
      found.push(scored(fed, theta, draws))
    }
    return found
  }

  // Every hospital's own model, and one model without privacy after each round.
  const alone = fldp.kept(64, fed => range(fed.clients).map(client => {
    fed.room.here.fill(0)
    atHome(fed, client, 40, 6, 1)
    return scored(fed, fed.room.here, 1)
  }))
  const plain = fldp.kept(64, fed => runs(fed, { rounds: ROUNDS, lr: 20, clip: 1e9 }, null, 1))

  // The plan with noise inside the hospitals, `noises` of them in the sum; the plan that hides a hospital.
  const protection = (epsilon, noises) => {
    const std = kit.calibrated(epsilon, ROUNDS, DELTA).multiplier * 0.5 * Math.sqrt(noises)
    return { rounds: ROUNDS, lr: Math.min(20, 4 * epsilon * Math.sqrt(12 / noises)), clip: 0.5, std }
  }
  const hospitalLevel = epsilon => {
    const far = SEARCHED.map(([known]) => Math.abs(Math.log(known / epsilon)))
    const [, rounds, clip] = SEARCHED[far.indexOf(Math.min(...far))]
    return { rounds, steps: 20, lr: 6, clip, std: kit.calibrated(epsilon, rounds, DELTA).multiplier * clip }
  }
  fldp.wards = { dealt, runs, hospitalRuns, alone, plain, protection, hospitalLevel, lossOf, drawn, PATIENTS, SEEN, DELTA,
    ROUNDS, DRAWS }
})
