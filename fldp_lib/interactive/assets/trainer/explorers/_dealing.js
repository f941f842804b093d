// The breast-cancer patients, dealt out to clients: what fldp_lib/course/exhibits/_dealing.py ships.
fldp.part(fldp => {
  const FEATURES = 30, SEEN = FEATURES + 1 // the bias sees a 1

  const withOne = x => Float64Array.from({ length: (x.length / FEATURES) * SEEN }, (_, k) =>
    k % SEEN < FEATURES ? x[Math.floor(k / SEEN) * FEATURES + (k % SEEN)] : 1)
  const tests = fldp.kept(2, data => withOne(data.test.x))

  // Client by client, each one's from starts[client] on: patient k goes to client owner[k] % clients.
  const dealt = fldp.kept(64, (data, clients) => {
    const { y, owner } = data.train, x = withOne(data.train.x), starts = new Int32Array(clients + 1)
    for (const k of owner) starts[(k % clients) + 1]++
    for (let k = 0; k < clients; k++) starts[k + 1] += starts[k]
    const next = starts.slice(), found = { clients, starts, x: new Float64Array(x.length), y: new Float64Array(y.length) }
    owner.forEach((k, patient) => {
      const at = next[k % clients]++
      found.x.set(x.subarray(patient * SEEN, (patient + 1) * SEEN), at * SEEN)
      found.y[at] = y[patient]
    })
    return found
  })
  fldp.dealing = { SEEN, dealt, tests }
})
