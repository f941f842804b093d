// Notebook 21: models of one's own, by how much each holds of the others'.
fldp.part(fldp => {
  const { bars, text } = fldp.plots, f = fldp.format, { count } = fldp, { homes, right, tuned, alone, zero } = fldp.homes
  const CLIENTS = 40, DITTO = 20, ROUNDS = 12, STEPS = 5, LR = 1

  const mean = rows => { // all clients count alike
    const found = zero()
    for (let j = 0; j < found.length; j++) {
      let total = 0
      for (const row of rows) total += row[j]
      found[j] = total / rows.length
    }
    return found
  }
  const shared = fldp.kept(16, (data, alpha, records) => {
    const { train } = homes(data, CLIENTS, alpha, records)
    let theta = zero()
    for (let t = 0; t < ROUNDS; t++) {
      const move = mean(fldp.walks.walks(train, theta, STEPS, LR))
      theta = theta.map((value, j) => value + move[j])
    }
    return theta
  })
  const biased = fldp.kept(16, (data, alpha, records) => { // weights shared, biases at home: right of 100
    const home = homes(data, CLIENTS, alpha, records), bias = (fldp.walks.SEEN - 1) * fldp.walks.WIDE
    let own = Array.from({ length: CLIENTS }, zero)
    for (let t = 0; t < ROUNDS; t++) {
      const moves = fldp.walks.walks(home.train, own, STEPS, LR), move = mean(moves)
      own = own.map((row, k) => row.map((value, j) => value + (j < bias ? move[j] : moves[k][j])))
    }
    return right(home, own)
  })

  fldp.explorers["nb21.personal"] = {
    compute({ alpha, records, steps, mu }, data) {
      const home = homes(data, CLIENTS, alpha, records), theta = shared(data, alpha, records)
      const found = [alone(data, CLIENTS, alpha, records), right(home, theta), right(home, tuned(home, theta, steps)),
        biased(data, alpha, records), right(home, tuned(home, theta, DITTO, 0.5, mu))]
      return { right: found, kinds: home.kinds, records, steps, mu }
    },
    marks(r) {
      const styles = ["alone", "no privacy", 1, 2, 8]
      return r.right.flatMap((height, place) => [
        bars([place], [height], { style: styles[place], width: 0.62, opacity: 0.75 }),
        text(place - 0.17, height + 4, f(height, ".0f"), { style: styles[place] }),
      ])
    },
    say(r) {
      const [own, shared, tuned, biases, ditto] = r.right.map(value => f(value, ".0f"))
      return `Forty clients with ${f(r.kinds, ".1f")} digits each, who train on at most ` +
        `${count(r.records, "image", "images")}. Of 100 own test images they read ${own} right alone, ${shared} with the ` +
        `shared model, ${tuned} after ${count(r.steps, "own step", "own steps")} from it, ${biases} with biases kept at ` +
        `home, ${ditto} with Ditto at λ = ${f(r.mu, ".2g")}, ${count(DITTO, "step", "steps")} from the shared model.`
    },
  }
})
