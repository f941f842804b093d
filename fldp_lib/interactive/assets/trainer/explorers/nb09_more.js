// Notebook 09: who gains by the private model, how much noise is in it, what the settings do, whom the ε protects.
fldp.part(fldp => {
  const { kit, wards, plots, format: f, count: counted } = fldp, { range, mean, median, quantile, geomspace } = fldp.numbers
  const { PATIENTS, SEEN, DELTA, ROUNDS, DRAWS, lossOf } = wards, HIGH = 1.3
  const noisesOf = ({ sharing, clients }) => (sharing === "own" ? clients : 1)
  const by = ({ sharing }) => (sharing === "own" ? "each adding its own noise" : "the noise added in shares")
  const hospitals = ({ clients }) => counted(clients, "hospital", "hospitals")
  const lowerMedian = values => Float64Array.from(values).sort()[(values.length - 1) >> 1] // as torch.median
  const attacker = ({ epsilon }) => kit.calibrated(epsilon, ROUNDS, DELTA).attacker()

  // Each hospital's place on the axis of sizes, and its loss alone and without privacy, the largest first.
  const atHome = fldp.kept(64, (data, clients) => {
    const fed = wards.dealt(data, 0, clients), { sizes, mix } = fed
    const own = wards.alone(fed).map((found, k) => lossOf(found, 0, mix[k])), last = wards.plain(fed).at(-1)
    const x = sizes.map((n, k) => {
      const same = sizes.filter(size => size === n).length, before = sizes.slice(0, k).filter(size => size === n).length
      return n * (1 + (0.25 * (before - (same - 1) / 2)) / same)
    })
    const order = range(clients).sort((a, b) => x[a] - x[b])
    return { sizes, x, order, own, clean: mix.map(share => lossOf(last, 0, share)) }
  })
  const lastRound = fldp.kept(64, (data, epsilon, clients, noises) =>
    wards.runs(wards.dealt(data, 0, clients), wards.protection(epsilon, noises), data.stream, DRAWS, true).at(-1))

  fldp.explorers["nb09.hospitals"] = {
    compute(state, data) {
      const found = lastRound(data, state.epsilon, state.clients, noisesOf(state)), home = atHome(data, state.clients)
      const { mix } = wards.dealt(data, 0, state.clients)
      const spread = range(DRAWS).map(d => mix.map(share => lossOf(found, d, share)))
      return { ...state, ...home, spread, private: mix.map((_, k) => lowerMedian(spread.map(row => row[k]))) }
    },
    marks(r) {
      const sorted = row => r.order.map(k => row[k]), size = r.clients <= 20 ? 7 : 4
      const gains = r.own.map((loss, k) => r.private[k] < loss), beyond = r.own.filter(loss => loss > HIGH).length
      const marks = plots.cloud(sorted(r.x), r.spread.map(sorted), { label: "private" })
      marks.push(plots.line(sorted(r.x), sorted(r.clean), { style: "no privacy", label: "no privacy", width: 1.2 }))
      for (const [joins, style, words, height] of [
        [true, "private", "gains by joining", 1.05], [false, "alone", "better alone", 0.82],
      ]) {
        const own = range(r.clients).filter(k => gains[k] === joins)
        marks.push(plots.text(40, height, words, { style }))
        if (!own.length) continue
        marks.push(plots.places(own.map(k => r.x[k]), own.map(k => Math.min(r.own[k], HIGH)), { style, size }))
      }
      if (beyond) marks.push(plots.text(40, 0.64, `${beyond} above the edge`, { style: 0 }))
      return marks
    },
    say(r) {
      const gain = losses => losses.filter((loss, k) => loss < r.own[k]).length, end = r.clients - 1
      return `Total ε = ${f(r.epsilon, ".3g")} a patient, ${hospitals(r)}, ${by(r)}: ${gain(r.private)} of ${r.clients} ` +
        `gain by joining; with no privacy it would be ${gain(r.clean)}. Log loss on patients like its own at the ` +
        `largest (${r.sizes[0]} patients): private ${f(r.private[0], ".2f")}, alone ${f(r.own[0], ".2f")}; at the ` +
        `smallest (${r.sizes[end]}): private ${f(r.private[end], ".2f")}, alone ${f(r.own[end], ".2f")}.`
    },
    attacker,
  }

  // The first round's weighted mean of clipped gradients, which no dealing changes, and its two largest numbers.
  const gradient = fldp.kept(1, data => {
    const { y, reach, room: { x } } = wards.dealt(data, 0, 12), exact = new Float64Array(SEEN)
    for (let k = 0; k < PATIENTS; k++) {
      const lack = 0.5 - y[k], share = (lack * Math.min(1, 0.5 / (Math.abs(lack) * reach[k]))) / PATIENTS
      for (let j = 0; j < SEEN; j++) exact[j] += share * x[k * SEEN + j]
    }
    const [first, second] = range(SEEN).sort((a, b) => Math.abs(exact[b]) - Math.abs(exact[a]))
    return { exact, first, second, size: Math.sqrt(mean(exact.map(value => value * value))) }
  })
  const noiseInMean = (epsilon, noises) => wards.protection(epsilon, noises).std / PATIENTS

  fldp.explorers["nb09.noise"] = {
    compute: state => {
      const { epsilon, clients } = state, own = noiseInMean(epsilon, clients), shared = noiseInMean(epsilon, 1)
      return { ...state, own, shared, std: state.sharing === "own" ? own : shared }
    },
    marks(r, data) {
      const { exact, first, second, size } = gradient(data), counts = geomspace(1, 400, 30), panel = 1
      const drawn = range(data.draws.length / SEEN).map(d =>
        [first, second].map(j => exact[j] + r.std * data.draws[d * SEEN + j]))
      const inside = drawn.filter(([x, y]) => Math.abs(x) < 0.5 && Math.abs(y) < 0.5), out = drawn.length - inside.length
      const faint = sharing => ({ style: "private", panel, opacity: r.sharing === sharing ? 1 : 0.35 })
      return [
        plots.dots(inside.map(([x]) => x), inside.map(([, y]) => y), { style: "private", size: 1.8, opacity: 0.5 }),
        plots.dots([exact[first]], [exact[second]], { style: "no privacy", size: 5 }),
        plots.text(-0.47, 0.61, "what the server sees, 200 draws", { style: "private" }),
        plots.text(-0.47, 0.54, "the exact gradient", { style: "no privacy" }),
        ...(out ? [plots.text(-0.47, -0.46, `${out} of 200 beyond the edge`, { style: "private" })] : []),
        plots.line(counts, counts.map(n => r.shared * Math.sqrt(n)), { label: "own noise", ...faint("own") }),
        plots.line(counts, counts.map(() => r.shared), { label: "in shares", ...faint("shares") }),
        plots.line(counts, counts.map(() => size), { style: "no privacy", label: "gradient", panel }),
        plots.dots([r.clients], [r.std], { style: "private", panel, size: 5 }),
      ]
    },
    say: (r, data) =>
      `Total ε = ${f(r.epsilon, ".3g")} a patient, ${hospitals(r)}, ${by(r)}: the noise in each of the 31 numbers of the ` +
      `weighted mean gradient has deviation ${f(r.std, ".3f")}; the exact numbers are about ` +
      `${f(gradient(data).size, ".3f")}. With one hospital, or in shares, it is ${f(r.shared, ".3f")}.`,
    attacker,
  }

  // Log loss of the median hospital alone, and after each of 20 rounds without privacy; means over splits.
  const reference = fldp.kept(64, (data, clients) => {
    const feds = range(data.order.length / data.y.length).map(split => wards.dealt(data, split, clients))
    const clean = feds.map(fed => wards.plain(fed).map(found => lossOf(found, 0, fed.common)))
    return {
      alone: mean(feds.map(fed => median(wards.alone(fed).map(found => lossOf(found, 0, fed.common))))),
      clean: range(ROUNDS).map(t => mean(clean.map(row => row[t]))),
    }
  })
  const rowsOf = (found, share) => // a row a draw, a column a round
    range(found[0].ill.length).map(d => found.map(after => lossOf(after, d, share)))
  const ends = rows => rows.map(row => row.at(-1))

  // The cloud of private runs, one without privacy and the median hospital alone; a model that is done stays.
  const curves = (rows, { alone, clean }, last) => {
    const rounds = rows[0].length, held = (from, loss, style) =>
      plots.line([from, last], [loss, loss], { style, label: style, width: 1.2, opacity: 0.5 })
    return [
      held(rounds, median(ends(rows)), "private"),
      held(clean.length, clean.at(-1), "no privacy"),
      ...(rounds > 1 ? plots.cloud(range(rounds, 1), rows) : plots.cloud([1, 1.06], rows.map(([loss]) => [loss, loss]))),
      plots.line(range(clean.length, 1), clean, { style: "no privacy", width: 2.2 }),
      plots.line([1, last], [alone, alone], { style: "alone", label: "alone" }),
    ]
  }
  const roundsOf = rows => counted(rows[0].length, "round", "rounds")

  const settings = fldp.kept(32, (data, epsilon, rounds, clip, lr) => {
    const std = kit.calibrated(epsilon, rounds, DELTA).multiplier * clip * Math.sqrt(12), splits = data.streams.shape[0]
    const long = data.streams.length / splits
    return range(splits).flatMap(split => {
      const fed = wards.dealt(data, split, 12), at = (split * data.tails.shape[1] + rounds - 1) * 16
      const stream = data.streams.subarray(split * long, (split + 1) * long), draws = 5
      const unit = wards.drawn(stream, rounds, draws, data.tails.subarray(at, at + 16))
      return rowsOf(wards.runs(fed, { rounds, lr, clip, std }, unit, draws), fed.common)
    })
  })
  fldp.explorers["nb09.levers"] = {
    compute: ({ epsilon, rounds, clip, lr }, data) => {
      const priced = kit.calibrated(epsilon, rounds, DELTA)
      return { epsilon, rounds, clip, lr, priced, rows: settings(data, epsilon, rounds, clip, lr), ...reference(data, 12) }
    },
    marks: r => curves(r.rows, r, 80),
    say(r) {
      const [low, middle, high] = [0.05, 0.5, 0.95].map(q => quantile(ends(r.rows), q))
      const noise = (r.priced.multiplier * r.clip * Math.sqrt(12)) / PATIENTS
      return `Total ε = ${f(r.epsilon, ".3g")} a patient in ${roundsOf(r.rows)}, clip ${f(r.clip, ".3g")}, step ` +
        `${f(r.lr, ".3g")}: noise of deviation ${f(noise, ".3f")} in each number of the mean gradient. Log loss at the ` +
        `end, 6 splits with 5 draws each: private ${f(middle, ".3f")} (nine of ten: ${f(low, ".2f")} to ` +
        `${f(high, ".2f")}), no privacy ${f(r.clean.at(-1), ".3f")}, the median hospital alone ${f(r.alone, ".3f")}.`
    },
    attacker: r => r.priced.attacker(),
  }

  // Private runs for either unit, and the accountant's μ where a change moves a sum by so many clips.
  const either = fldp.kept(64, (data, epsilon, clients, unit) => {
    const fed = wards.dealt(data, 0, clients)
    if (unit === "record")
      return rowsOf(wards.runs(fed, wards.protection(epsilon, clients), data.stream, DRAWS), fed.common)
    const plan = wards.hospitalLevel(epsilon), draws = 10
    const drawn = wards.drawn(data.stream, plan.rounds, draws, data.tails[plan.rounds])
    return rowsOf(wards.hospitalRuns(fed, plan, drawn, draws), fed.common)
  })
  const against = fldp.kept(512, (epsilon, clips) => {
    const { gaussian, attacker } = fldp.accounting, mu = clips * gaussian.mu(epsilon, DELTA)
    const found = gaussian.epsilon(mu, DELTA)
    return { ...attacker({ mu, delta: DELTA, epsilon: found }), epsilon: found }
  })
  const number = value => f(value, value >= 100 ? ",.0f" : ".3g")
  fldp.explorers["nb09.units"] = {
    compute({ epsilon, clients, unit }, data) {
      const largest = wards.dealt(data, 0, clients).sizes[0], [patient, hospital] = unit === "record" ? [1, largest] : [2, 1]
      return {
        epsilon, clients, unit, largest, rows: either(data, epsilon, clients, unit), ...reference(data, clients),
        patient: against(epsilon, patient), hospital: against(epsilon, hospital),
      }
    },
    marks: r => [
      ...curves(r.rows, r, ROUNDS),
      ...[r.patient, r.hospital].flatMap((found, place) => {
        const right = 100 * found.evenOdds, style = "attacker", panel = 1
        return [plots.bars([place], [right - 50], { style, panel, width: 0.6, base: [50] }),
          plots.text(place - 0.12, Math.min(right + 3, 104), f(right, ".0f"), { style, panel })]
      }),
    ],
    say(r) {
      const promised = r.unit === "record" ? "a patient, noise at each hospital" : "a hospital, noise at a trusted server"
      return `Total ε = ${f(r.epsilon, ".3g")} for ${promised}; ${hospitals(r)}, ${roundsOf(r.rows)}. Log loss: private ` +
        `${f(median(ends(r.rows)), ".3f")} (median of ${r.rows.length} draws), no privacy ${f(r.clean.at(-1), ".3f")}, ` +
        `the median hospital alone ${f(r.alone, ".3f")}. The attacker is right on one patient for ` +
        `${f(100 * r.patient.evenOdds, ".0f")} of 100, on the largest hospital (${r.largest} patients) for ` +
        `${f(100 * r.hospital.evenOdds, ".0f")}: by the same noise ε = ${number(r.patient.epsilon)} for the one and ` +
        `${number(r.hospital.epsilon)} for the other.`
    },
    attacker: r => r.patient,
  }
})
