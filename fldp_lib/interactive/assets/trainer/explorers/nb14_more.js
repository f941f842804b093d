// Notebook 14, second part: the attacker one fears.
fldp.part(fldp => {
  const { line, dots, cloud } = fldp.plots, { linspace, geomspace } = fldp.numbers
  const f = fldp.format, DRAWS = 8, GRID = Array.from(geomspace(0.1, 30, 60))
  const PEOPLE = Array.from(linspace(50.5, 97, 60))
  const muOf = people => 2 * fldp.normal.ppf(people / 100)
  const spentOf = fldp.kept(1, () =>
    PEOPLE.map(people => fldp.accounting.gaussian.epsilon(muOf(people), fldp.singles.DELTA)))

  fldp.explorers["nb14.attackers"] = {
    compute({ people, clients }, data) {
      const { singles } = fldp, mu = muOf(people), epsilon = fldp.accounting.gaussian.epsilon(mu, singles.DELTA)
      return {
        people, clients, epsilon, can: fldp.accounting.attacker({ mu, delta: singles.DELTA, epsilon }),
        curve: singles.knee(data, clients), clean: singles.ceiling(data, clients),
        here: singles.ends(data, clients, Math.sqrt(singles.ROUNDS) / mu, singles.CLIP, DRAWS),
      }
    },
    marks({ people, epsilon, can, curve, clean, here }) {
      const { BUDGETS, turned } = fldp.singles, panel = 1
      return [
        line(GRID, GRID.map(e => 100 / (1 + Math.exp(-e))), { style: "bound", label: "bound" }),
        line(spentOf(), PEOPLE, { style: "attacker", label: "exact" }),
        dots([epsilon], [people], { style: "attacker", size: 5 }),
        dots([epsilon], [100 * can.bound], { style: "bound", size: 5 }),
        line([0.1, 30], [clean, clean], { style: "no privacy", label: "no privacy", panel }),
        ...cloud(BUDGETS, turned(curve), { style: "private", label: "private", panel }),
        dots(here.map(() => epsilon), here, { style: "private", panel, size: 3.5 }),
      ]
    },
    say({ people, clients, epsilon, can, here }) {
      return `Let ${people} of 100 who guess whether a client was in be right, and 20 Gaussian rounds may spend a total ` +
        `ε = ${f(epsilon, ".3g")} (δ = 1e-5); the bound over all mechanisms with that ε says ` +
        `${f(100 * can.bound, ".0f")}. The test that raises 1% false alarms finds ` +
        `${f(100 * can.tpr, ".1f")} of 100 members. ${f(clients, ",.0f")} clients: ` +
        `the private model reads ${fldp.singles.spread(here)} of 100 digits right.`
    },
  }
})
