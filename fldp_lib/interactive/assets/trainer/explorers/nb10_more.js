// Notebook 10, the rest on real applicants: one noise or one a bank, who is decided wrongly.
fldp.part(fldp => {
  const { plots, kept, format: f } = fldp, { range, median, sum } = fldp.numbers
  const DENY = 0.7, COUNTS = [1, 3, 10, 30, 80]
  const noises = count => fldp.count(count, "noise", "noises")

  const byCount = kept(64, (data, epsilon, banks) => { // 24 runs
    const { costs, protection, way } = fldp.applicants
    return costs(data, protection(epsilon), { ways: [way(epsilon, banks)], draws: 4 })
  })

  fldp.explorers["nb10.sums"] = {
    compute({ epsilon, clients: banks }, data) {
      const counts = COUNTS.map(count => byCount(data, epsilon, count))
      const { priced, std } = fldp.applicants.protection(epsilon)
      return { epsilon, banks, curve: range(24).map(run => counts.map(costs => costs[run])), shared: median(counts[0]),
               here: median(byCount(data, epsilon, banks)), priced, noise: std / 800 }
    },
    marks(r) {
      return [
        plots.line([1, 80], [DENY, DENY], { label: "deny all", width: 1.2 }),
        ...plots.cloud(COUNTS, r.curve, { label: "private, own noise" }),
        plots.line([1, 80], [r.shared, r.shared], { style: "private", label: "in shares", opacity: 0.5 }),
        plots.places([r.banks], [r.here], { style: "private", size: 8 }),
      ]
    },
    say(r) {
      return `ε = ${f(r.epsilon, ".3g")} in total an applicant: with ${fldp.count(r.banks, "bank", "banks")}, each with ` +
        `its own noise, a decision costs ${f(r.here, ".2f")} (median of 24 runs), in shares ${f(r.shared, ".2f")}, ` +
        `to deny all ${f(DENY, ".2f")}. The noise in each of the 64 numbers of the mean gradient has deviation ` +
        `${f(r.noise * Math.sqrt(r.banks), ".3f")}, in shares ${f(r.noise, ".3f")}.`
    },
    attacker: r => r.priced.attacker(),
  }

  // Who belongs to a group, by what the form says of age (18 … 80 is −1 … 1), sex and home.
  const NAMES = { young: "25 or younger", women: "women", rent: "who rent" }
  const members = kept(8, (data, group) => {
    const { people, WIDTH } = fldp.applicants, { x } = people(data).room, { age, ...boxes } = data.places
    return range(1000).map(i => (group === "young" ? x[i * WIDTH + age] <= (2 * (25 - 18)) / (80 - 18) - 1 + 1e-6
      : boxes[group].some(column => x[i * WIDTH + column] > 0)))
  })

  // By applicant, how many runs of each choice that holds her out deny her, and how many choices do.
  const denials = (data, plan, about) => {
    const { train, people } = fldp.applicants, denied = new Float64Array(1000), judged = new Float64Array(1000)
    train(data, plan, about, (z, own) => own.forEach(({ split }, c) => {
      for (const i of people(data).tests[split]) {
        judged[i]++
        denied[i] += z[i * fldp.matrices.WIDE + c] >= -Math.log(5)
      }
    }))
    return { denied, judged }
  }
  const bare = kept(2, data => denials(data, ...fldp.applicants.OPEN))
  const noisy = kept(64, (data, epsilon, banks) => {
    const { protection, way } = fldp.applicants
    return denials(data, protection(epsilon), { ways: [way(epsilon, banks)], draws: 5 })
  })
  const wrong = ({ denied, judged }, inside, data) => // of a group, of the others: good risks denied, bad ones approved
    [true, false].map(member => [0, 1].map(bad => {
      const those = range(1000).filter(i => inside[i] === member && data.y[i] === bad)
      const errors = those.map(i => (bad ? judged[i] - denied[i] : denied[i]))
      return (100 * sum(errors)) / sum(those.map(i => judged[i]))
    }))

  fldp.explorers["nb10.who"] = {
    compute({ epsilon, clients: banks, group }, data) {
      const inside = members(data, group)
      return { epsilon, banks, group, errors: [bare(data), noisy(data, epsilon, banks)].map(own => wrong(own, inside, data)),
               priced: fldp.applicants.protection(epsilon).priced }
    },
    marks(r) {
      return [["no privacy", 0], ["private", 1]].flatMap(([style, k]) => [
        plots.bars(range(4).map(x => x + 0.4 * k - 0.2), [0, 1].flatMap(kind => r.errors[k].map(own => own[kind])),
          { style, width: 0.36 }),
        plots.text(k - 0.4, 106, style, { style }),
      ])
    },
    say(r) {
      const [clean, noisy] = r.errors.map(errors => errors.map(own => own.map(share => f(share, ".0f"))))
      return `ε = ${f(r.epsilon, ".3g")} in total an applicant, ${noises(r.banks)} in the sum; the group: ` +
        `${NAMES[r.group]}. Of its 100 good risks ${noisy[0][0]} are denied, private, of the others' ${noisy[1][0]}; with ` +
        `no privacy ${clean[0][0]} and ${clean[1][0]}. Of its 100 bad risks ${noisy[0][1]} are approved, of the others' ` +
        `${noisy[1][1]}; with no privacy ${clean[0][1]} and ${clean[1][1]}.`
    },
    attacker: r => r.priced.attacker(),
  }
})
