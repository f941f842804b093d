// Notebook 08: a program that drops its noise beside one that uses it, and one wild record in a clipped mean.
fldp.part(fldp => {
  const { line, dots, bars, text, cloud } = fldp.plots, { range, geomspace, median, quantile } = fldp.numbers
  const f = fldp.format, DELTA = 1e-5, { SEEN, dealt, tests } = fldp.dealing, DRAWS = 15, LR = 1

  // What runs learn in one round of one step: adds all clients' updates of each run, cut at the clip, to sums (runs × 31).
  const added = ({ clients, starts, x, y }, theta, runs, clip, sums) => {
    const sent = new Float64Array(SEEN)
    for (let client = 0; client < clients; client++) {
      const first = starts[client], last = starts[client + 1], rate = LR / (last - first)
      for (let at = 0, run = 0; run < runs; run++, at += SEEN) {
        sent.fill(0)
        for (let k = first, row = first * SEEN; k < last; k++, row += SEEN) {
          let odds = 0, more = 0 // two sums, so that neither waits for the other
          for (let j = 0; j < SEEN - 1; j += 2) {
            odds += theta[at + j] * x[row + j]
            more += theta[at + j + 1] * x[row + j + 1]
          }
          const error = rate * (y[k] - 1 / (1 + Math.exp(-(odds + more + theta[at + SEEN - 1]))))
          for (let j = 0; j < SEEN; j++) sent[j] += error * x[row + j]
        }
        let square = 0
        for (let j = 0; j < SEEN; j++) square += sent[j] * sent[j]
        const share = square > clip * clip ? clip / Math.sqrt(square) : 1
        for (let j = 0; j < SEEN; j++) sums[at + j] += share * sent[j]
      }
    }
  }

  // Models after each round (rounds × runs × 31), in one row: so many draws of a private run, then `exact` of the
  // clip alone. plan: { rounds, clip, std }; noise: t → unit noise of a round (15 × 31), or null.
  const many = (patients, { rounds, clip = Infinity, std = 0 }, { draws = DRAWS, noise = null, exact = 0 } = {}) => {
    const runs = draws + exact, size = runs * SEEN, found = new Float64Array(rounds * size), sums = new Float64Array(size)
    let theta = new Float64Array(size)
    for (let t = 0; t < rounds; t++) {
      sums.fill(0)
      added(patients, theta, runs, clip, sums)
      const next = found.subarray(t * size, (t + 1) * size), drawn = noise?.(t)
      for (let k = 0; k < size; k++) {
        next[k] = theta[k] + (sums[k] + (drawn && k < draws * SEEN ? std * drawn[k] : 0)) / patients.clients
      }
      theta = next
    }
    return Object.assign(found, { runs, rounds })
  }

  // Of the test patients the share that is right, and the mean log loss, run by run, each a row over the rounds.
  const scores = (found, data) => {
    const x = tests(data), { y } = data.test, { runs, rounds } = found
    const right = range(runs).map(() => new Float64Array(rounds)), loss = range(runs).map(() => new Float64Array(rounds))
    for (let t = 0, at = 0; t < rounds; t++) {
      for (let run = 0; run < runs; run++, at += SEEN) {
        let told = 0, total = 0
        for (let k = 0, row = 0; k < y.length; k++, row += SEEN) {
          let odds = 0
          for (let j = 0; j < SEEN; j++) odds += found[at + j] * x[row + j]
          told += odds > 0 === y[k] > 0
          const wrong = y[k] ? -odds : odds
          total += wrong > 20 ? wrong : Math.log1p(Math.exp(wrong))
        }
        right[run][t] = told / y.length
        loss[run][t] = total / y.length
      }
    }
    return { right, loss }
  }
  const exact = fldp.kept(64, (data, clients) => { // 40 rounds without clip and noise
    const { right, loss } = scores(many(dealt(data, clients), { rounds: 40 }, { draws: 1 }), data)
    return [right[0], loss[0]]
  })
  fldp.programs = { many, scores, exact, DRAWS }

  fldp.explorers["nb08.two_programs"] = {
    compute({ epsilon, clients }, data) {
      const priced = fldp.kit.calibrated(epsilon, 20, DELTA), plan = { rounds: 20, clip: 1, std: priced.multiplier }
      const noise = t => data.noise.subarray(t * DRAWS * SEEN, (t + 1) * DRAWS * SEEN)
      const { right } = scores(many(dealt(data, clients), plan, { noise }), data)
      return { epsilon, clients, right, flat: exact(data, clients)[0].slice(0, 20), attacker: priced.attacker() }
    },
    marks(r) {
      const rounds = range(20, 1), times = row => Array.from(row, value => 100 * value)
      const marks = cloud(rounds, r.right.map(times), { style: "private", label: "noise used" })
      marks.push(line(rounds, times(r.flat), { style: "article", label: "noise dropped", width: 2.2 }))
      for (const [place, even, style] of [[0, 1, "article"], [1, r.attacker.evenOdds, "private"]]) {
        marks.push(bars([place], [100 * even - 50], { style, panel: 1, width: 0.6, base: [50] }))
        marks.push(text(place - 0.15, Math.min(100 * even + 3, 104), f(100 * even, ".0f"), { style, panel: 1 }))
      }
      return marks
    },
    say(r) {
      const last = r.right.map(row => 100 * row[19])
      return `Both are told: total ε = ${f(r.epsilon, ".3g")}, ${r.clients} clients, 20 rounds. Right are, of 100 test ` +
        `patients: noise dropped ${f(100 * r.flat[19], ".0f")}, whatever ε; noise used ${f(median(last), ".0f")} (nine ` +
        `draws of ten: ${f(quantile(last, 0.05), ".0f")} to ${f(quantile(last, 0.95), ".0f")}). Who sees all models and ` +
        `guesses whether one client was in is right for 100 of 100, and for ${r.attacker.people} of 100.`
    },
    attacker: r => r.attacker,
  }

  // How far the mean of so many gradients (ŷ − y)·x, at weights of 0.1, moves as record 0 becomes `wild` in every feature:
  // clipped after averaging, and record by record. Records are drawn apart from each other and normalised by themselves.
  const INPUTS = 10, MOST = 30000, WILD = geomspace(0.1, 1e5, 60)
  const drawn = fldp.kept(1, data => fldp.guesses.uniforms(data.stream, MOST * (INPUTS + 1)))
  const normal = values => {
    let total = 0, square = 0
    for (let k = 0; k < values.length; k++) total += values[k]
    const middle = total / values.length
    for (let k = 0; k < values.length; k++) square += (values[k] - middle) ** 2
    return [middle, Math.sqrt(square / values.length)]
  }
  const gradients = fldp.kept(64, (data, count) => { // the first record's, and the mean
    const x = drawn(data).subarray(0, count * INPUTS), y = drawn(data).subarray(count * INPUTS, count * (INPUTS + 1))
    const [middle, spread] = normal(x), [centre, width] = normal(y), first = [], mean = new Float64Array(INPUTS)
    for (let k = 0, at = 0; k < count; k++, at += INPUTS) {
      let lack = (centre - y[k]) / width
      for (let j = 0; j < INPUTS; j++) lack += (0.1 * (x[at + j] - middle)) / spread
      for (let j = 0; j < INPUTS; j++) {
        const own = (lack * (x[at + j] - middle)) / spread
        mean[j] += own / count
        if (!k) first.push(own)
      }
    }
    return [first, mean]
  })
  const clipped = row => row.map(value => value / Math.max(Math.hypot(...row), 1))
  const apart = (one, other) => Math.hypot(...one.map((value, j) => value - other[j]))
  const moved = (data, count, wild) => {
    const [first, mean] = gradients(data, count), after = Array(INPUTS).fill((INPUTS * wild * 0.1 + 10 * wild) * wild)
    const whole = apart(clipped(mean), clipped(mean.map((value, j) => value + (after[j] - first[j]) / count)))
    return [whole, apart(clipped(after), clipped(first)) / count]
  }
  const small = value => f(value, `.${Math.max(2, 1 - Math.floor(Math.log10(value)))}f`) // two digits, no exponent

  fldp.explorers["nb08.each_or_mean"] = {
    compute({ clients, wild }, data) {
      const [whole, each] = moved(data, clients, wild), curves = Array.from(WILD, own => moved(data, clients, own))
      return { clients, wild, whole, each, curves }
    },
    marks(r) {
      return [
        line(WILD, r.curves.map(both => both[0]), { style: "article", label: "clip the mean", width: 2.2 }),
        line(WILD, r.curves.map(both => both[1]), { style: "private", label: "clip each", width: 2.2 }),
        line(WILD, r.curves.map(() => 2 / r.clients), { style: "bound", label: "2/n" }),
        dots([r.wild, r.wild], [r.whole, r.each], { style: 0, size: 4 }),
      ]
    },
    say(r) {
      return `One of ${f(r.clients, ",d")} records becomes one that is ${f(r.wild, ",.1f")} in every feature. With clip ` +
        `the mean, the released mean moves by ${f(r.whole, ".2f")}; with clip each, by ${small(r.each)}, and nothing that ` +
        `a record can be moves it by more than 2/n = ${small(2 / r.clients)}.`
    },
  }
})
