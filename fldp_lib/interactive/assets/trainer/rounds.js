// The rounds of a federated run: cohorts, clipped sums, noise at the server, at the clients or in shares, the server's step.
//
// A client with one record and a linear model sends a product of two vectors, its record and what its outputs lack, whatever
// its local steps: so its norm is known without writing it out, and a round is one pass over the records.
fldp.part(fldp => {
  const scaleOf = mechanism => { // of the noise in each coordinate, and whether there is any
    if (!mechanism) return 0
    const { kind, clip, at = "server" } = mechanism, { KINDS, PLACES, oneOf } = fldp.training
    oneOf("kind", kind, KINDS), oneOf("at", at, PLACES)
    if (!(clip > 0)) throw new Error(`clip must be positive, got ${clip}`)
    const share = kind === "gaussian" ? mechanism.multiplier : 1 / mechanism.epsilon
    const told = mechanism.multiplier ?? mechanism.epsilon
    if (!(share >= 0)) throw new Error(`multiplier must be at least 0, epsilon positive, got ${told}`)
    if (share && clip === Infinity) throw new Error("clip must be finite where noise is added, got Infinity")
    return share && share * clip * (at === "client" ? 2 : 1)
  }

  // Adds the members' clipped and weighed updates to sum; returns how many were clipped, and the weight of those that count.
  const added = (model, theta, fed, members, plan, room, sum) => {
    const { weights, bound, norm, isPrivate } = plan
    let clipped = 0, weight = 0
    for (let m = 0; m < members.length; m++) {
      fldp.training.update(model, theta, fed, members[m], plan, room, room.sent, 0)
      const long = fldp.training.clip(room.sent, model.parameters, bound, norm)[0]
      if (long > bound) clipped++
      const share = isPrivate ? Math.min(weights[members[m]], 1) : weights[members[m]]
      if (isPrivate || Number.isFinite(long)) weight += share
      for (let k = 0; k < sum.length; k++) sum[k] += share * room.sent[k]
    }
    return [clipped, weight]
  }
  const addedSingles = (model, theta, fed, members, plan, room, sum) => { // the same where each has one record
    const { features, out } = model, { affine, slope, outer } = fldp.training, { x, y, task } = fed
    const { weights, bound, norm, isPrivate, lr, localSteps } = plan, { z, lack, own, shares, square, length } = room
    let clipped = 0, weight = 0
    shares.fill(0)
    const everybody = members.length === fed.clients
    if (everybody) affine(theta, 0, x, 0, fed.clients, features, out, z)
    for (let m = 0; m < members.length; m++) {
      const client = members[m], at = client * out
      if (!everybody) affine(theta, 0, x, client * features, 1, features, out, own), z.set(own, at)
      for (let o = 0; o < out; o++) lack[at + o] = 0
      for (let step = 0; step < localSteps; step++) { // the record stays, so only its outputs move
        for (let o = 0; o < out; o++) own[o] = z[at + o]
        slope(own, 0, out, y[client], task)
        for (let o = 0; o < out; o++) lack[at + o] += own[o], z[at + o] -= lr * square[client] * own[o]
      }
      let long = 0
      for (let o = 0; o < out; o++) long += norm === 1 ? Math.abs(lack[at + o]) : lack[at + o] ** 2
      long = lr * length[client] * (norm === 1 ? long : Math.sqrt(long))
      if (long > bound) clipped++
      const share = isPrivate ? Math.min(weights[client], 1) : weights[client], finite = Number.isFinite(long)
      if (isPrivate || finite) weight += share
      shares[client] = finite ? -lr * share * Math.min(1, bound / long) : 0
      if (!finite) for (let o = 0; o < out; o++) lack[at + o] = 0
    }
    outer(lack, fed.clients, out, x, 0, features, shares, sum, 0)
    return [clipped, weight]
  }
  const prepared = (model, fed, norm) => { // tensors for a run, and how the one record's length enters
    const single = fed.single && model.kind === "linear", room = fldp.training.bench(model, fed)
    if (!single) return [added, { ...room, sent: new Float64Array(model.parameters) }]
    const { clients, features, x } = fed, square = new Float64Array(clients), length = new Float64Array(clients)
    for (let k = 0; k < clients; k++) {
      let squares = 1, sizes = 1 // the bias sees a 1
      for (let j = k * features; j < (k + 1) * features; j++) squares += x[j] * x[j], sizes += Math.abs(x[j])
      square[k] = squares, length[k] = norm === 1 ? sizes : Math.sqrt(squares)
    }
    const numbers = size => new Float64Array(size)
    return [addedSingles, { z: numbers(clients * model.out), lack: numbers(clients * model.out), own: numbers(model.out),
                            shares: numbers(clients), square, length }]
  }

  // What the noise of a round adds up to, in units of its scale: given, or drawn from the law of the sum.
  const noiseOf = (mechanism, given, generator, t, members, clients, drawn) => {
    const size = drawn.length, { kind, at = "server" } = mechanism
    if (!given) return at === "client" ? generator.sums(drawn, kind, members.length) : generator.fill(drawn, kind)
    if (at === "server") return given.subarray(t * size, (t + 1) * size)
    drawn.fill(0) // shares come from everybody, whoever sits out
    for (const client of at === "shares" ? fldp.numbers.range(clients) : members)
      for (let k = 0, from = (t * clients + client) * size; k < size; k++) drawn[k] += given[from + k]
    return drawn
  }

  // Trains one global model; see the head of each term.
  //   plan: { rounds, lr, localSteps, serverLr, start (parameters,), samplingRate, weights (clients,), mechanism }, where
  //     mechanism is null, { kind: "gaussian", multiplier, clip, at } or { kind: "laplace", epsilon, clip, at }: Gaussian
  //     noise beside an L2 clip, Laplace noise beside an L1 clip, at "server", "client" or "shares", as in Python.
  //   noise: unit noise (rounds × parameters) for the server, (rounds × clients × parameters) for clients and shares; else
  //     it is drawn with the seed. cohorts: client numbers, an array a round; else everybody, or drawn at the sampling rate.
  //   each: called after a round with (round from 1, theta); it ends the run by returning true.
  const train = (model, fed, plan, { noise = null, cohorts = null, seed = 0, each = null } = {}) => {
    const { rounds, lr, localSteps = 1, serverLr = 1, start = null, samplingRate = 1, mechanism = null } = plan
    const { whole, sized } = fldp.training, { parameters } = model, { clients } = fed
    whole("rounds", rounds, 1), whole("localSteps", localSteps, 1)
    if (!(lr > 0)) throw new Error(`lr must be positive, got ${lr}`)
    if (model.features !== fed.features) throw new Error(`model must take ${fed.features} features, got ${model.features}`)
    const scale = scaleOf(mechanism), isPrivate = scale > 0, generator = fldp.random(seed)
    const rows = (mechanism?.at ?? "server") === "server" ? rounds : rounds * clients // of given noise
    if (isPrivate && noise) sized("noise", noise, rows * parameters)
    const norm = mechanism?.kind === "laplace" ? 1 : 2, all = Int32Array.from({ length: clients }, (_, k) => k)
    const terms = { lr, localSteps, bound: mechanism?.clip ?? Infinity, norm, isPrivate,
                    weights: plan.weights ? sized("weights", plan.weights, clients) : new Float64Array(clients).fill(1) }
    const theta = start ? Float64Array.from(sized("start", start, parameters)) : new Float64Array(parameters)
    const path = Object.assign(new Float64Array(rounds * parameters), { shape: [rounds, parameters] })
    const clipped = new Int32Array(rounds)
    const sum = new Float64Array(parameters), drawn = new Float64Array(parameters), [add, room] = prepared(model, fed, norm)
    for (let t = 0; t < rounds; t++) {
      const members = cohorts ? cohorts[t] : samplingRate < 1 ? generator.cohort(clients, samplingRate) : all
      sum.fill(0)
      const [shortened, weight] = add(model, theta, fed, members, terms, room, sum)
      const divisor = isPrivate ? samplingRate * clients : weight
      if (isPrivate) {
        const added = noiseOf(mechanism, noise, generator, t, members, clients, drawn)
        for (let k = 0; k < parameters; k++) sum[k] += scale * added[k]
      }
      if (divisor > 0) for (let k = 0; k < parameters; k++) theta[k] += (serverLr * sum[k]) / divisor
      path.set(theta, t * parameters)
      clipped[t] = shortened
      if (each?.(t + 1, theta)) break
    }
    return { theta, path, clipped }
  }

  const outputs = (model, theta, x, count) => { // (count × out)
    const { features, hidden, out } = model, { affine } = fldp.training, z = new Float64Array(count * out)
    if (model.kind !== "mlp") return affine(theta, 0, x, 0, count, features, out, z), z
    const h = new Float64Array(count * hidden)
    affine(theta, 0, x, 0, count, features, hidden, h)
    for (let k = 0; k < h.length; k++) if (!(h[k] > 0)) h[k] = 0
    affine(theta, (features + 1) * hidden, h, 0, count, hidden, out, z)
    return z
  }
  const accuracy = (model, theta, x, y) => { // share of the records (count × features) that are told right
    const { out } = model, z = outputs(model, theta, x, y.length)
    let right = 0
    for (let i = 0; i < y.length; i++) {
      let best = 0
      if (out === 1) best = z[i] > 0 ? 1 : 0
      else for (let o = 1; o < out; o++) if (z[i * out + o] > z[i * out + best]) best = o
      if (best === y[i]) right++
    }
    return right / y.length
  }
  const right = (model, path, x, y) => // after each round
    Float64Array.from({ length: path.length / model.parameters }, (_, t) =>
      accuracy(model, path.subarray(t * model.parameters, (t + 1) * model.parameters), x, y))

  fldp.training = { ...fldp.training, train, outputs, accuracy, right }
})
