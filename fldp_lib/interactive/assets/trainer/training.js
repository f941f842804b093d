// Federated training of the package's small models, with clipping and noise: what fldp_lib/training does in Python.
//
// With given noise, cohorts and data the parameters are Python's, to its single precision (tests/browser/test_trainer.py);
// here all is added up in double precision. It takes any federation; the book's explorers run narrower loops of their own
// (explorers/_clouds.js, _runs.js), which tests/browser/test_live.py holds to the exhibits. Parameters are flat as in
// Python: weights (out × features) row by row, biases.
fldp.part(fldp => {
  const TASKS = ["classification", "regression"], KINDS = ["gaussian", "laplace"], PLACES = ["server", "client", "shares"]
  const oneOf = (name, value, allowed) => {
    if (!allowed.includes(value)) throw new Error(`${name} must be one of ${allowed.join(", ")}, got ${value}`)
    return value
  }
  const whole = (name, value, least) => {
    if (!Number.isInteger(value) || value < least)
      throw new Error(`${name} must be a whole number from ${least}, got ${value}`)
    return value
  }
  const sized = (name, array, length) => {
    if (array.length !== length) throw new Error(`${name} must hold ${length} numbers, got ${array.length}`)
    return array
  }

  const linear = (features, out) => ({ kind: "linear", features, out, parameters: (features + 1) * out })
  const mlp = (features, hidden, out) =>
    ({ kind: "mlp", features, hidden, out, parameters: (features + 1) * hidden + (hidden + 1) * out })

  // A federation: x (clients × samples × features), y (clients × samples), and of how many records each client's are.
  const federation = ({ x, y, sizes = null, task = "classification", clients, samples, features }) => {
    clients ??= x.shape?.[0], features ??= x.shape?.at(-1), samples ??= x.shape?.length === 3 ? x.shape[1] : 1
    whole("clients", clients, 1), whole("samples", samples, 1), whole("features", features, 1), oneOf("task", task, TASKS)
    sized("x", x, clients * samples * features), sized("y", y, clients * samples)
    sizes = sizes ? Int32Array.from(sized("sizes", sizes, clients)) : new Int32Array(clients).fill(samples)
    const single = samples === 1 && sizes.every(size => size === 1)
    return { x: Float64Array.from(x), y: Float64Array.from(y), sizes, task, clients, samples, features, single }
  }

  // Both products below go by blocks of four records and two outputs, so that a number is read for eight multiplications;
  // what is left over at the edges is done one by one.
  const affine = (theta, at, x, from, count, features, out, z) => { // z (count × out) = x·Wᵀ + b, W and b from theta[at] on
    const bias = at + features * out, rows = count - (count % 4), pairs = out - (out % 2)
    for (let i = 0; i < rows; i += 4) {
      const r = from + i * features, s = r + features, t = s + features, u = t + features
      for (let o = 0; o < pairs; o += 2) {
        const w = at + o * features, v = w + features, k = i * out + o
        let a = theta[bias + o], b = theta[bias + o + 1], a1 = a, b1 = b, a2 = a, b2 = b, a3 = a, b3 = b
        for (let j = 0; j < features; j++) {
          const p = theta[w + j], q = theta[v + j], x0 = x[r + j], x1 = x[s + j], x2 = x[t + j], x3 = x[u + j]
          a += x0 * p, b += x0 * q, a1 += x1 * p, b1 += x1 * q, a2 += x2 * p, b2 += x2 * q, a3 += x3 * p, b3 += x3 * q
        }
        z[k] = a, z[k + 1] = b, z[k + out] = a1, z[k + out + 1] = b1
        z[k + 2 * out] = a2, z[k + 2 * out + 1] = b2, z[k + 3 * out] = a3, z[k + 3 * out + 1] = b3
      }
    }
    for (let i = 0; i < count; i++)
      for (let o = i < rows ? pairs : 0; o < out; o++) {
        const w = at + o * features, row = from + i * features
        let total = theta[bias + o]
        for (let j = 0; j < features; j++) total += x[row + j] * theta[w + j]
        z[i * out + o] = total
      }
  }

  const slope = (z, at, out, y, task) => { // the outputs of one record become the derivative of its loss
    if (task === "regression") z[at] = 2 * (z[at] - y)
    else if (out === 1) z[at] = 1 / (1 + Math.exp(-z[at])) - y
    else {
      let most = -Infinity, total = 0
      for (let o = at; o < at + out; o++) if (z[o] > most) most = z[o]
      for (let o = at; o < at + out; o++) total += z[o] = Math.exp(z[o] - most)
      for (let o = at; o < at + out; o++) z[o] /= total
      z[at + y] -= 1
    }
  }

  const outer = (d, count, out, x, from, features, weights, sum, at) => { // adds Σ weights·d⊗(x, 1) to sum[at …]
    const bias = at + features * out, rows = count - (count % 4), pairs = out - (out % 2)
    for (let i = 0; i < rows; i += 4) {
      const r = from + i * features, s = r + features, t = s + features, u = t + features
      const w0 = weights[i], w1 = weights[i + 1], w2 = weights[i + 2], w3 = weights[i + 3]
      for (let o = 0; o < pairs; o += 2) {
        const k = i * out + o, w = at + o * features, v = w + features
        const a = w0 * d[k], a1 = w1 * d[k + out], a2 = w2 * d[k + 2 * out], a3 = w3 * d[k + 3 * out]
        const b = w0 * d[k + 1], b1 = w1 * d[k + out + 1], b2 = w2 * d[k + 2 * out + 1], b3 = w3 * d[k + 3 * out + 1]
        for (let j = 0; j < features; j++) {
          const x0 = x[r + j], x1 = x[s + j], x2 = x[t + j], x3 = x[u + j]
          sum[w + j] += a * x0 + a1 * x1 + a2 * x2 + a3 * x3
          sum[v + j] += b * x0 + b1 * x1 + b2 * x2 + b3 * x3
        }
        sum[bias + o] += a + a1 + a2 + a3
        sum[bias + o + 1] += b + b1 + b2 + b3
      }
    }
    for (let i = 0; i < count; i++)
      for (let o = i < rows ? pairs : 0; o < out; o++) {
        const a = weights[i] * d[i * out + o]
        for (let j = 0, w = at + o * features, row = from + i * features; j < features; j++) sum[w + j] += a * x[row + j]
        sum[bias + o] += a
      }
  }

  const bench = (model, fed) => { // what is written again and again while a client trains
    const { out, parameters, hidden = 0 } = model, n = fed.samples
    const numbers = size => new Float64Array(size)
    return { z: numbers(n * out), h: numbers(n * hidden), e: numbers(n * hidden), weights: numbers(n),
             here: numbers(parameters), gradient: numbers(parameters) }
  }
  const gradient = (model, theta, fed, client, { z, h, e, weights, gradient: sum }) => { // of the mean loss of its records
    const { features, hidden, out } = model, count = fed.sizes[client], from = client * fed.samples * features
    sum.fill(0), weights.fill(1 / Math.max(count, 1))
    const second = model.kind === "mlp" ? (features + 1) * hidden : 0
    if (second) {
      affine(theta, 0, fed.x, from, count, features, hidden, h)
      for (let k = 0; k < count * hidden; k++) if (!(h[k] > 0)) h[k] = 0
      affine(theta, second, h, 0, count, hidden, out, z)
    } else affine(theta, 0, fed.x, from, count, features, out, z)
    for (let i = 0; i < count; i++) slope(z, i * out, out, fed.y[client * fed.samples + i], fed.task)
    if (!second) return outer(z, count, out, fed.x, from, features, weights, sum, 0)
    for (let i = 0; i < count; i++)
      for (let k = 0; k < hidden; k++) {
        let total = 0
        if (h[i * hidden + k] > 0) for (let o = 0; o < out; o++) total += z[i * out + o] * theta[second + o * hidden + k]
        e[i * hidden + k] = total
      }
    outer(e, count, hidden, fed.x, from, features, weights, sum, 0)
    outer(z, count, out, h, 0, hidden, weights, sum, second)
  }
  // How far a client comes in its local steps.
  const update = (model, theta, fed, client, { localSteps = 1, lr }, room, into, at) => {
    const { here, gradient: moved } = room
    here.set(theta)
    for (let step = 0; step < localSteps; step++) {
      gradient(model, here, fed, client, room)
      for (let k = 0; k < here.length; k++) here[k] -= lr * moved[k]
    }
    for (let k = 0; k < here.length; k++) into[at + k] = here[k] - theta[k]
  }
  const updates = (model, theta, fed, { localSteps = 1, lr, members = fldp.numbers.range(fed.clients) }) => {
    const rows = new Float64Array(members.length * model.parameters), room = bench(model, fed)
    members.forEach((client, k) => update(model, theta, fed, client, { localSteps, lr }, room, rows, k * model.parameters))
    return rows
  }

  const clip = (rows, parameters, bound, norm = 2) => { // in place; the norms before it; a row that is not finite becomes 0
    const norms = new Float64Array(rows.length / parameters)
    for (let k = 0; k < norms.length; k++) {
      let total = 0
      for (let j = k * parameters; j < (k + 1) * parameters; j++) total += norm === 1 ? Math.abs(rows[j]) : rows[j] * rows[j]
      norms[k] = norm === 1 ? total : Math.sqrt(total)
      const share = Number.isFinite(norms[k]) ? Math.min(1, bound / norms[k]) : 0
      if (share < 1) for (let j = k * parameters; j < (k + 1) * parameters; j++) rows[j] = share ? rows[j] * share : 0
    }
    return norms
  }

  fldp.training = { ...fldp.training, linear, mlp, federation, updates, clip, affine, slope, outer, bench, update, oneOf,
                    whole, sized, KINDS, PLACES }
})
