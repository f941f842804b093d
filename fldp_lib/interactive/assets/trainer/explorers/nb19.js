// Notebook 19: what the notebooks hold, and two explorers of numbers: one release's ε, δ and σ, and what releases add up to.
fldp.part(fldp => {
  const { line, bars, dots, text } = fldp.plots, f = fldp.format, { linspace, geomspace, range } = fldp.numbers
  const GREY = 5

  fldp.explorers["nb19.errors"] = {
    compute: ({ error }, data) => ({ error, ...data.errors[error] }),
    marks: (r, data) => [
      line([r.error, r.error], [-0.8, data.notebooks - 0.2], { style: GREY, width: 0.8 }),
      dots(data.every.map(pair => pair[0]), data.every.map(pair => pair[1]), { style: GREY, size: 2.2 }),
      dots(r.places.map(() => r.error), r.places, { style: "article", size: 5 }),
      text(Math.min(r.error, 45) - 0.3, data.notebooks + 1.2, `E${r.error}`, { style: "article" }),
    ],
    say: r => `E${r.error}, ${r.title}. The article: ${r.claim} Put right in ${r.names.join(" and ")}.`,
  }

  fldp.explorers["nb19.works"] = {
    compute({ topic, year }, data) {
      const order = (one, two) => one[0] - two[0] || (one[1] < two[1] ? -1 : 1), shelf = data.shelves[topic]
      return { topic, year, chosen: shelf.filter(work => work[0] >= year).sort(order), of: shelf.length }
    },
    marks(r, data) {
      const topics = Object.keys(data.shelves), row = topics.indexOf(r.topic), since = Math.max(r.year, 1985)
      const there = topics.flatMap((topic, k) => data.shelves[topic].map(([year]) => [Math.max(year, 1985), k]))
      const drawn = [
        line([since, since], [-1, topics.length], { style: GREY, width: 0.8 }),
        dots(there.map(pair => pair[0]), there.map(pair => pair[1]), { style: GREY, size: 2.2 }),
        text(2028, row, [...r.topic].slice(0, 22).join(""), { style: 1 }),
      ]
      if (!r.chosen.length) return drawn
      return [...drawn, dots(r.chosen.map(([year]) => Math.max(year, 1985)), r.chosen.map(() => row), { style: 1, size: 4 })]
    },
    say(r) {
      const newest = r.chosen.slice(-2).map(work => work[1]).join("; ")
      return `${r.topic}, from ${r.year} on: ${r.chosen.length} of ${r.of} works. ` + (newest ? `The newest: ${newest}.` : "None is so new.")
    },
  }

  fldp.explorers["nb19.terms"] = {
    compute: ({ term }, data) => ({ term, ...data.terms[term] }),
    marks(r) {
      const at = range(r.counts.length), of = where => at.filter(where)
      const drawn = [[GREY, k => k !== r.home], [1, k => k === r.home]].map(([style, where]) =>
        bars(of(where), of(where).map(k => Math.min(r.counts[k], 40)), { style }))
      const cut = of(k => r.counts[k] > 40).map(k => text(k - 0.45, 42, `${r.counts[k]} ↑`, { style: GREY }))
      return [...drawn, ...cut, text(-0.4, 47, r.term, { style: 1 })]
    },
    say(r, data) {
      const said = r.counts.filter(number => number > 0).length, most = r.counts.indexOf(Math.max(...r.counts))
      return `${r.term} · ${r.chinese}: ${r.meaning}. Explained in ${data.numbers[r.home]}; ${said} of ${r.counts.length} notebooks say ` +
        `it, ${data.numbers[most]} most often.`
    },
  }

  // A dot, or where it lies below the axis an arrow with its number.
  const marked = (x, y, style, floor) =>
    y >= floor ? dots([x], [y], { style, size: 4 }) : text(x, 2 * floor, y >= 1e-300 ? `↓ ${f(y, ".0e")}` : "↓", { style })

  const AT = linspace(0.1, 6, 60), { gaussian, bestGuess } = fldp.accounting
  const exact = (epsilon, delta) => fldp.normal.cdf(gaussian.mu(epsilon, delta) / 2)
  const deltas = fldp.kept(64, sigma => AT.map(epsilon => gaussian.delta(epsilon, 1 / sigma)))
  const exacts = fldp.kept(64, delta => AT.map(epsilon => 100 * exact(epsilon, delta)))
  fldp.explorers["nb19.noise"] = {
    compute: ({ epsilon, delta, sigma }) =>
      ({ epsilon, delta, sigma, here: gaussian.delta(epsilon, 1 / sigma), bound: bestGuess(epsilon, delta), exact: exact(epsilon, delta) }),
    marks: r => [
      line(AT, deltas(r.sigma).map(delta => (delta > 1e-12 ? delta : NaN)), { style: "private", label: "Gaussian" }),
      line([0, 6], [r.delta, r.delta], { label: "asked for" }), marked(r.epsilon, r.here, "private", 1e-12),
      line(AT, AT.map(epsilon => 100 * bestGuess(epsilon, r.delta)), { style: "bound", label: "bound", panel: 1 }),
      line(AT, exacts(r.delta), { style: "attacker", label: "attacker", panel: 1 }),
      dots([r.epsilon], [100 * r.bound], { style: "bound", panel: 1, size: 4 }),
      dots([r.epsilon], [100 * r.exact], { style: "attacker", panel: 1, size: 4 }),
    ],
    say: r => `σ 噪声乘数 = ${f(r.sigma, ".3g")}: the Gaussian's δ 失败概率 at ε 隐私参数 = ${f(r.epsilon, ".3g")} is ${fldp.kit.chance(r.here)} ` +
      `and ${r.here <= r.delta ? "keeps" : "misses"} the ${f(r.delta, ".2g")} asked for. Of 100 guesses at even odds (ε, δ) allows ` +
      `${f(100 * r.bound, ".1f")} right, the bound, whatever σ is; an attacker on a Gaussian with just this (ε, δ) has ` +
      `${f(100 * r.exact, ".1f")}. Laplace noise would have scale b 尺度 = ${f(1 / r.epsilon, ".3g")}.`,
  }

  const ROUNDS = Array.from(geomspace(1, 1000, 25)), ROLES = ["bound", "private", 1]
  const three = (r, rounds) => [
    rounds * r.epsilon, rounds * r.one, Math.sqrt(2 * rounds * Math.log(1e5)) * r.one + rounds * r.one * Math.expm1(r.one),
  ]
  fldp.explorers["nb19.totals"] = {
    compute: ({ epsilon, q, rounds }) => ({ epsilon, q, rounds, one: Math.log1p(q * Math.expm1(epsilon)) }),
    marks: r => ["added up", "sampled", "advanced"].flatMap((label, k) => [
      line(ROUNDS, ROUNDS.map(rounds => three(r, rounds)[k]), { style: ROLES[k], label }),
      marked(r.rounds, three(r, r.rounds)[k], ROLES[k], 1e-3),
    ]),
    say(r) {
      const now = three(r, r.rounds), [a, b, c] = now.map(value => f(value, value >= 9999.5 ? ",.0f" : ".4g"))
      return `T 轮数 = ${r.rounds} releases of ε = ${f(r.epsilon, ".3g")} each: ${a} added up 串行组合. Each on a hidden cohort, ` +
        `q 采样率 = ${f(r.q, ".3g")}, costs ${f(r.one, ".3g")}: sampled ${b}; advanced 高级组合, at δ = 1e-5, ${c}, ` +
        `${now[2] < now[1] ? "the smaller of the two" : "worse than adding up"}.`
    },
  }
})
