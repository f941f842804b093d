// What computes an explorer: a worker, made of the sources of all parts that were handed in, so that the page never stalls; or
// the page itself, where a browser does not let it have a worker.
fldp.part(fldp => {
  const FIELDS = ["kind", "x", "y", "y2", "style", "label", "panel", "size", "opacity", "icon"]

  // What an explorer shows and says for a state: { marks, words, attacker }, or { error }.
  fldp.answer = (name, state, data) => {
    try {
      const found = fldp.explorers[name], result = found.compute(state, data)
      const marks = found.marks(result, data).map(mark => Object.fromEntries(FIELDS.map(field => [field, mark[field] ?? null])))
      const attacker = found.attacker?.(result, data)
      return {
        marks, words: found.say(result, data),
        attacker: attacker ? { people: attacker.people, bound: attacker.bound } : null,
      }
    } catch (error) {
      return { error: `${error.name}: ${error.message}` }
    }
  }

  // In a worker: the data first, then state after state.
  fldp.serve = name => {
    let data = null
    globalThis.onmessage = event => {
      if ("data" in event.data) data = fldp.unpack(event.data.data)
      else globalThis.postMessage(fldp.answer(name, event.data.state, data))
    }
  }

  const BASE = "const fldp = globalThis.fldp = { explorers: {}, data: {}, sources: [], part: run => run(fldp) }"
  const made = name => {
    const text = [BASE, ...fldp.sources.map(source => `;(${source})(fldp)`), `;fldp.serve(${JSON.stringify(name)})`]
    const address = URL.createObjectURL(new Blob([text.join("\n")], { type: "text/javascript" }))
    try {
      return new Worker(address)
    } finally {
      setTimeout(() => URL.revokeObjectURL(address), 60000)
    }
  }

  // Return what computes states one at a time: engine(state) → a promise of the answer. `packed` is the data as it came.
  fldp.engine = (name, packed) => {
    let worker = null, data = null, waiting = null
    const here = state => new Promise(done => setTimeout(() => {
      data ??= fldp.unpack(packed)
      done(fldp.answer(name, state, data))
    }, 0))
    const lost = () => { // such as by a policy that allows no worker: the page computes
      if (worker) worker.terminate()
      worker = null
      if (waiting) here(waiting.state).then(waiting.done)
      waiting = null
    }
    try {
      worker = made(name)
      worker.onerror = event => {
        event.preventDefault()
        lost()
      }
      worker.onmessage = event => {
        const { done } = waiting
        waiting = null
        done(event.data)
      }
      worker.postMessage({ data: packed })
    } catch {
      worker = null
    }
    const engine = state => worker
      ? new Promise(done => {
          waiting = { state, done }
          worker.postMessage({ state })
        })
      : here(state)
    return Object.assign(engine, { inWorker: () => worker !== null })
  }
})
