// Clients who keep test images of their own: what fldp_lib/course/exhibits/_homes.py does.
fldp.part(fldp => {
  const { range, mean } = fldp.numbers, FEATURES = 64, HELD = 1 / 3 // of a client's images, for its own test

  // Images dealt out by uneven shares, client by client: the numbers of those that each trains on, and of its tests.
  const split = fldp.kept(16, (data, clients, alpha) => {
    const { owner, order } = fldp.numpy.spread(fldp.numpy(data.seed), data.y, clients, alpha)
    const held = range(clients).map(() => []), keys = fldp.numpy(data.seed)
    for (const image of order) held[owner[image]].push(image)
    const parts = held.map(images => {
      const least = images.map(() => keys.uniform()), rank = [...least.keys()].sort((a, b) => least[a] - least[b])
      const tests = new Set(rank.slice(0, Math.min(Math.floor(HELD * images.length + 0.5), Math.max(images.length - 1, 0))))
      return [images.filter((_, k) => !tests.has(k)), images.filter((_, k) => tests.has(k))]
    })
    return { train: parts.map(part => part[0]), test: parts.map(part => part[1]),
      kinds: mean(held.filter(images => images.length).map(images => new Set(images.map(k => data.y[k])).size)) }
  })
  const fleet = (data, rows) => { // of clients with these images
    const chosen = rows.flat(), x = new Uint8Array(chosen.length * FEATURES)
    chosen.forEach((image, k) => x.set(data.x.subarray(image * FEATURES, (image + 1) * FEATURES), k * FEATURES))
    const owner = rows.flatMap((own, k) => own.map(() => k)), none = { x: [], y: [] }
    return fldp.walks.deal({ train: { x, y: Uint8Array.from(chosen, k => data.y[k]) }, test: none }, owner, rows.length)
  }
  // Everybody's training images, at most so many, and test images, as `fldp.walks` has them.
  const homes = fldp.kept(8, (data, clients, alpha, most = Infinity) => {
    const { train, test, kinds } = split(data, clients, alpha)
    return { train: fleet(data, train.map(own => own.slice(0, most))), test: fleet(data, test), clients, kinds }
  })
  const right = (home, from) => 100 * fldp.walks.own(home.test, from) // of 100 own test images
  const tuned = (home, theta, steps, lr = 0.5, mu = 0) => // each client's model after own steps from θ, held back by μ
    steps ? fldp.walks.walks(home.train, theta, steps, lr, mu).map(move => move.map((value, j) => theta[j] + value)) : theta
  const zero = () => new Float32Array(fldp.walks.SIZE)
  const alone = fldp.kept(16, (data, clients, alpha, most) => {
    const home = homes(data, clients, alpha, most)
    return right(home, tuned(home, zero(), 50, 1))
  })
  fldp.homes = { homes, right, tuned, alone, zero }
})
