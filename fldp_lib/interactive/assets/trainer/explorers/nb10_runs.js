// Notebook 10: the German applicants dealt to banks, and many private runs at once, as fldp_lib/course/exhibits/nb10_runs.py
// has them.
//
// Whoever is held out for the test, it is always the same thousand applicants. So one product says what twelve runs' models
// make of everybody, whichever choice each run belongs to, and who is held out of a run counts nothing in its gradient. What
// the other files of this notebook take from here they look up when they compute: this one is loaded after them.
fldp.part(fldp => {
  const { kit, kept } = fldp, { range, geomspace } = fldp.numbers, { WIDE } = fldp.matrices
  const WIDTH = 64, PEOPLE = 1000, TRAINING = 800, TESTED = PEOPLE - TRAINING, DELTA = 1e-4, CLIP = 2, ROUNDS = 20
  const SPLITS = range(6), LIMIT = -Math.log(5) // the log-odds from which on to deny

  // 1/(1 + e^−z) to single precision: near one of 64 points a unit a parabola is exact enough, and quicker than e^z.
  const FINE = 64, END = 20 * FINE
  const TABLE = Float64Array.from({ length: 2 * END + 1 }, (_, k) => 1 / (1 + Math.exp((END - k) / FINE)))
  const sigmoid = z => {
    const at = z * FINE
    if (!(at > -END)) return 0
    if (at >= END) return 1
    const near = Math.floor(at + 0.5), far = (at - near) / FINE, here = TABLE[near + END]
    return here + far * here * (1 - here) * (1 + far * (0.5 - here))
  }

  // Everybody as rows of 64, a 1 at the end, the 800 of the first choice first; their lengths; who is held out, by choice.
  const people = kept(2, ({ numbers, answers, columns, held }) => {
    const room = fldp.matrices.room({
      x: PEOPLE * WIDTH, across: WIDTH * PEOPLE, theta: WIDTH * WIDE, moved: WIDTH * WIDE, z: PEOPLE * WIDE,
    })
    const length = new Float64Array(PEOPLE), counts = columns.numbers.length, asked = columns.answers.length
    for (let i = 0; i < PEOPLE; i++) {
      const row = room.x.subarray(i * WIDTH, (i + 1) * WIDTH)
      columns.numbers.forEach((column, k) => { row[column] = numbers[i * counts + k] })
      columns.answers.forEach((first, k) => { row[first + answers[i * asked + k]] = 1 }) // one box a question
      row[WIDTH - 1] = 1
      row.forEach((value, j) => { room.across[j * PEOPLE + i] = value })
      length[i] = Math.sqrt(row.reduce((total, value) => total + value * value, 0))
    }
    const tests = SPLITS.map(split => Int32Array.from(range(PEOPLE).filter(i => held[split * PEOPLE + i])))
    return { room, length, tests }
  })

  // Runs from zero along the clipped sum of all gradients, with noise; the columns of z are runs, its rows people.
  //   plan: { rounds, clip = ∞, std = 0 }; ways: [{ noises, lr }], so many banks' noises in the sum and the step;
  //   splits: choices of the test applicants; draws: how many runs of each way and choice.
  //   seen(z, runs, first, round): called with log-odds of everybody after the last round, or after each.
  const train = (data, { rounds, clip = Infinity, std = 0 }, { ways, splits = SPLITS, draws }, seen, each = false) => {
    const { room: { product, x, across, theta, moved, z }, length } = people(data), { y, held, noise } = data
    const places = { z: z.byteOffset, x: x.byteOffset, theta: theta.byteOffset, across: across.byteOffset,
                     moved: moved.byteOffset }
    const runs = ways.flatMap(way => splits.flatMap((split, at) => range(draws).map(draw => (
      { split, far: way.lr / TRAINING, wide: std * Math.sqrt(way.noises), from: at * WIDTH * draws + draw }))))
    const part = new Float32Array(PEOPLE * WIDE)
    for (let first = 0; first < runs.length; first += WIDE) {
      const own = runs.slice(first, first + WIDE)
      part.fill(0)
      own.forEach(({ split }, c) => { for (let i = 0; i < PEOPLE; i++) part[i * WIDE + c] = 1 - held[split * PEOPLE + i] })
      theta.fill(0)
      for (let t = 0; t <= rounds; t++) {
        product(places.z, places.x, places.theta, PEOPLE, WIDTH, 4 * WIDTH)
        if (t === rounds || (each && t)) seen(z, own, first, t)
        if (t === rounds) break
        for (let i = 0, k = 0; i < PEOPLE; i++) { // a gradient is as long as what the model lacks, times the record's length
          const most = clip / length[i], truth = y[i]
          for (let c = 0; c < WIDE; c++, k++) {
            const lack = sigmoid(z[k]) - truth
            z[k] = part[k] * (lack > most ? most : lack < -most ? -most : lack)
          }
        }
        product(places.moved, places.across, places.z, WIDTH, PEOPLE, 4 * PEOPLE)
        own.forEach(({ far, wide, from }, c) => {
          const at = t * splits.length * WIDTH * draws + from
          for (let j = 0; j < WIDTH; j++) {
            theta[j * WIDE + c] -= far * (moved[j * WIDE + c] + (wide && wide * noise[at + j * draws]))
          }
        })
      }
    }
  }

  // What a decision costs, in good customers lost, in single precision as in the notebook, where costs are compared.
  const paid = (data, odds, split) => {
    let total = 0
    for (const i of people(data).tests[split]) total += odds(i) >= LIMIT ? 1 - data.y[i] : 5 * data.y[i]
    return Math.fround(total / TESTED)
  }
  const costs = (data, plan, about, each = false) => { // by run; or by round, and then by run
    const found = range(each ? plan.rounds : 1).map(() => [])
    train(data, plan, about, (z, own, first, t) => {
      own.forEach(({ split }, c) => { found[each ? t - 1 : 0][first + c] = paid(data, i => z[i * WIDE + c], split) })
    }, each)
    return each ? found : found[0]
  }

  // Noise inside the banks for every applicant, and the step where so many noises end up in the sum.
  const protection = epsilon => {
    const priced = kit.calibrated(epsilon, ROUNDS, DELTA)
    return { priced, rounds: ROUNDS, clip: CLIP, std: priced.multiplier * CLIP }
  }
  const way = (epsilon, noises) => ({ noises, lr: 0.5 * Math.min(1, epsilon / Math.sqrt(noises)) })
  const OPEN = [{ rounds: ROUNDS }, { ways: [{ noises: 0, lr: 1 }], draws: 1 }] // without privacy
  const clean = kept(4, data => costs(data, ...OPEN, true)) // rounds × choices

  // Banks of the first choice, the largest with some twenty times the smallest's customers: whose customer each of 800 is.
  const dealt = kept(64, (data, banks) => {
    const shares = geomspace(20, 1, banks), all = fldp.numbers.sum(shares)
    const sizes = Array.from(shares, share => Math.max(2, Math.floor((share / all) * TRAINING)))
    sizes[0] += TRAINING - fldp.numbers.sum(sizes)
    const seats = sizes.flatMap((size, bank) => Array(size).fill(bank))
    return { sizes, owner: Int32Array.from(data.seat, seat => seats[seat]) }
  })

  // What each bank's own model costs, from 40 steps along the mean gradients of its own customers.
  const alone = kept(64, (data, banks) => {
    const { sizes, owner } = dealt(data, banks), { room: { x } } = people(data)
    const theta = new Float64Array(banks * WIDTH), moved = new Float64Array(banks * WIDTH)
    const odds = (bank, i) => {
      let total = 0
      for (let j = 0; j < WIDTH; j++) total += theta[bank * WIDTH + j] * x[i * WIDTH + j]
      return total
    }
    for (let step = 0; step < 40; step++) {
      moved.fill(0)
      for (let i = 0; i < TRAINING; i++) {
        const bank = owner[i], lack = (0.25 * (sigmoid(odds(bank, i)) - data.y[i])) / sizes[bank]
        for (let j = 0; j < WIDTH; j++) moved[bank * WIDTH + j] += lack * x[i * WIDTH + j]
      }
      for (let k = 0; k < theta.length; k++) theta[k] -= moved[k]
    }
    return range(banks).map(bank => paid(data, i => odds(bank, i), 0))
  })

  fldp.applicants = { train, costs, protection, way, OPEN, clean, dealt, alone, sigmoid, people, WIDTH }
})
