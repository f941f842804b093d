// Notebook 04's last explorer: one query on real patients, three mechanisms.
fldp.part(fldp => {
  const { line, dots, bars } = fldp.plots, f = fldp.format, { geomspace, range, quantile, clip } = fldp.numbers
  const { laplace, laplaces, response, gaussian } = fldp.guesses
  const LOW = 6, HIGH = 30, DELTA = 1e-5, TRIALS = 400, MOST = 455, AXIS = geomspace(0.01, 10, 25)
  const STYLES = { laplace: "private", gaussian: 1, local: "alone" }, NAMES = { laplace: "Laplace", gaussian: "Gaussian", local: "local" }
  const QUERIES = { // public range, numbers d, and n times the L1 and the L2 sensitivity
    count: { low: 0, high: 1, d: 1, l1: 1, l2: 1 },
    mean: { low: LOW, high: HIGH, d: 1, l1: HIGH - LOW, l2: HIGH - LOW },
    histogram: { low: 0, high: 1, d: 8, l1: 2, l2: Math.SQRT2 },
  }
  const multiplier = fldp.kept(512, epsilon => fldp.accounting.gaussian.multiplier(epsilon, 1, DELTA))
  const keeps = (epsilon, k) => 1 / (1 + (k - 1) * Math.exp(-epsilon))
  const category = (query, j, data) =>
    query === "count" ? data.benign[j] : clip(Math.floor((data.radius[j] - LOW) / 3), 0, 7)

  // The same numbers as NumPy draws; of Laplace noise at every patient only sums over neighbours in the row are needed.
  const drawn = fldp.kept(1, data => {
    const stream = fldp.numpy(data.seed)
    return Float64Array.from({ length: TRIALS * MOST }, () => stream.uniform())
  })
  const sums = fldp.kept(1, data => {
    const totals = new Float64Array(TRIALS * MOST + 1)
    drawn(data).forEach((u, k) => (totals[k + 1] = totals[k] + (u >= 0.5 ? -Math.log(2 - 2 * u) : Math.log(2 * u))))
    return totals
  })

  const reported = (query, epsilon, n, data) => { // randomised response, estimates trial by trial
    const k = query === "histogram" ? 8 : 2, keep = keeps(epsilon, k), other = (1 - keep) / (k - 1), u = drawn(data)
    const truth = range(n).map(j => category(query, j, data)), answers = new Float64Array(TRIALS * (k === 2 ? 1 : k))
    for (let trial = 0, at = 0; trial < TRIALS; trial++) {
      const seen = new Float64Array(k)
      for (let j = 0; j < n; j++, at++)
        seen[u[at] < keep ? truth[j] : (truth[j] + 1 + Math.min(k - 2, Math.floor((u[at] - keep) / other))) % k]++
      const estimate = seen.map(number => (number / n - other) / (keep - other))
      answers.set(k === 2 ? estimate.subarray(1) : estimate, trial * (k === 2 ? 1 : k))
    }
    return answers
  }
  const truthOf = (query, n, data) => {
    const truth = new Float64Array(QUERIES[query].d)
    for (let j = 0; j < n; j++)
      if (query === "histogram") truth[category(query, j, data)] += 1 / n
      else truth[0] += (query === "mean" ? data.radius[j] : data.benign[j]) / n
    return truth
  }
  const released = (query, mechanism, epsilon, n, truth, data) => { // 400 releases, d numbers each
    const { d, l1, l2 } = QUERIES[query]
    if (mechanism === "local" && query !== "mean") return reported(query, epsilon, n, data)
    let noise
    if (mechanism === "local") noise = range(TRIALS).map(t => ((sums(data)[(t + 1) * n] - sums(data)[t * n]) * l1) / epsilon / n)
    else if (mechanism === "laplace") noise = data.laplace.subarray(0, TRIALS * d).map(z => (z * l1) / n / epsilon)
    else noise = data.normal.subarray(0, TRIALS * d).map(z => (z * multiplier(epsilon) * l2) / n)
    return Float64Array.from(noise, (z, k) => truth[k % d] + z)
  }
  const expected = (query, mechanism, epsilon, n) => { // deviation in public ranges, root mean square over the bins
    const { low, high, l1, l2 } = QUERIES[query], width = high - low
    if (mechanism === "gaussian") return (multiplier(epsilon) * l2) / n / width
    if (mechanism === "laplace") return (Math.SQRT2 * l1) / n / epsilon / width
    if (query === "mean") return Math.SQRT2 / epsilon / Math.sqrt(n)
    const k = query === "histogram" ? 8 : 2, keep = keeps(epsilon, k), other = (1 - keep) / (k - 1)
    return Math.sqrt((keep * (1 - keep) + (k - 1) * other * (1 - other)) / k / n) / (keep - other)
  }
  const found = r => {
    if (r.mechanism === "gaussian") return gaussian(multiplier(r.epsilon))
    if (r.mechanism === "local") return r.query === "mean" ? laplace(r.epsilon) : response(r.epsilon, r.query === "histogram" ? 8 : 2)
    return r.query === "histogram" ? laplaces(r.epsilon / 2, 2) : laplace(r.epsilon)
  }

  fldp.explorers["nb04.mechanisms_compared"] = {
    compute({ query, mechanism, epsilon, clients }, data) {
      const { low, high, d } = QUERIES[query], truth = truthOf(query, clients, data)
      const answers = released(query, mechanism, epsilon, clients, truth, data)
      const square = answers.reduce((total, answer, k) => total + (answer - truth[k % d]) ** 2, 0) / answers.length
      const places = answers.map(answer => (answer - low) / (high - low))
      return { query, mechanism, epsilon, n: clients, truth, places, error: Math.sqrt(square) / (high - low), width: high - low, low }
    },
    marks(r, data) {
      const { d } = QUERIES[r.query], style = STYLES[r.mechanism], half = 0.36 / d, at = range(d).map(k => (k + 0.5) / d)
      const x = [], y = [], column = k => r.places.filter((_, i) => i % d === k)
      for (let i = 0; i < 120 * d; i++)
        if (r.places[i] >= -0.5 && r.places[i] <= 1.5) x.push(at[i % d] + half * (2 * data.jitter[i] - 1)), y.push(r.places[i])
      const marks = [dots(x, y, { style, size: 1.3, opacity: 0.5 })]
      for (const [low, high] of [[0.05, 0.95], [0.25, 0.75]]) {
        const ends = q => at.map((_, k) => clip(quantile(column(k), q), -0.5, 1.5)), base = ends(low)
        marks.push(bars(at, ends(high).map((end, k) => end - base[k]), { style, width: 2 * half, base, opacity: 0.2 }))
      }
      at.forEach((a, k) => {
        const t = (r.truth[k] - r.low) / r.width
        marks.push(line([a - half, a + half], [t, t], { width: 2.4 }))
      })
      for (const [name, own] of Object.entries(STYLES))
        marks.push(line(AXIS, AXIS.map(e => expected(r.query, name, e, r.n)),
          { style: own, label: NAMES[name], panel: 1, width: name === r.mechanism ? 2.8 : 1.4 }))
      return [...marks, dots([r.epsilon], [r.error], { style, panel: 1, size: 5 })]
    },
    say(r) {
      const { three } = fldp.kit, { l1, l2 } = QUERIES[r.query], unit = r.query === "count" ? r.n : 1, k = r.query === "histogram" ? 8 : 2
      const most = unit * Math.max(...r.truth), local = r.mechanism === "local"
      const what = {
        count: `Benign tumours: ${f(most, ".0f")} of ${r.n} patients`, mean: `Mean radius of ${r.n} patients: ${f(most, ".2f")}`,
        histogram: `Shares of ${r.n} patients in 8 bins, fullest ${f(most, ".2f")}`,
      }[r.query]
      const noise = {
        laplace: () => `Laplace noise of scale ${three((unit * l1) / r.n / r.epsilon)}`,
        gaussian: () => `Gaussian noise of deviation ${three((unit * multiplier(r.epsilon) * l2) / r.n)}`,
        local: () => (r.query === "mean" ? `Each patient's own Laplace report, scale ${three(l1 / r.epsilon)}`
          : `Randomised response, true with probability ${f(keeps(r.epsilon, k), ".3f")}`),
      }[r.mechanism]()
      const beyond = r.places.filter(place => place < -0.5 || place > 1.5).length
      return `${what} (black). ${noise} (${NAMES[r.mechanism]}); error of 400 simulated releases ` +
        `${three(unit * r.width * r.error)}. One release: ε = ${f(r.epsilon, ".3g")}, ` +
        `δ = ${f(r.mechanism === "gaussian" ? DELTA : 0, "g")}; ${local ? "nobody is trusted" : "a curator is trusted"}; who guesses ` +
        `which of two records a patient has is right for ${found(r).people} of 100.` +
        (beyond ? ` ${beyond} answers lie beyond the edges.` : "")
    },
    attacker: found,
  }
})
