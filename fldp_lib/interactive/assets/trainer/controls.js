// Controls as elements of a page: sliders with a number box, on an axis where they stand there, menus, buttons, play.
fldp.part(fldp => {
  const { format } = fldp
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag)
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value)
      else if (value !== false) element.setAttribute(name, value === true ? "" : value)
    }
    element.append(...children)
    return element
  }
  // Controls. A slider moves over places: its values, their logarithms, or points of the axis on which it stands.
  const interp = (value, from, to) => {
    if (value <= from[0]) return to[0]
    if (value >= from.at(-1)) return to.at(-1)
    const k = from.findIndex(end => end > value)
    return to[k - 1] + ((to[k] - to[k - 1]) * (value - from[k - 1])) / (from[k] - from[k - 1])
  }
  const places = control => {
    if (!control.table) {
      const to = control.log ? Math.log10 : value => value, back = control.log ? place => 10 ** place : place => place
      return { to, back, low: to(control.low), high: to(control.high), step: control.step }
    }
    const logs = control.table[0].map(Math.log), points = control.table[1], [low, high] = [points[0], points.at(-1)]
    return {
      to: value => interp(Math.log(value), logs, points), back: point => Math.exp(interp(point, points, logs)),
      low, high, step: (high - low) / control.stops,
    }
  }
  const whole = value => { // ties to the even number, as in Python
    const low = Math.floor(value)
    return value - low === 0.5 ? low + (low % 2 ? 1 : 0) : Math.round(value)
  }
  const tidy = (control, value) => fldp.numbers.clip(
    control.whole ? whole(value) : Number(value.toPrecision(control.log ? 3 : 9)), control.low, control.high)
  // Each is called with a desk: { state, followers (by control: what shows a value that was set), moved(control, value), busy() }.
  const slider = (control, { state, followers, moved }) => {
    const place = places(control), words = value => format(value, "g")
    const near = at => (at >= place.high - 1e-9 ? place.high
      : Math.min(place.low + whole((at - place.low) / place.step) * place.step, place.high))
    const go = at => { // to the stop nearest to a place; a step too short for a whole number goes on to the next one
      const now = state[control.name], exact = place.back(at)
      let value = tidy(control, place.back(near(fldp.numbers.clip(at, place.low, place.high))))
      if (control.whole && value === now && exact !== now && Math.abs(at - place.to(now)) > place.step / 2)
        value = tidy(control, value + (exact > value ? 1 : -1))
      moved(control, value)
    }
    const range = make("input", {
      type: "range", min: place.low, max: place.high, step: "any", "aria-label": control.spoken ?? `${control.label}, slider`,
      input: () => go(Number(range.value)),
      keydown: event => {
        const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key]
        const end = { Home: place.low, End: place.high }[event.key]
        if (steps === undefined && end === undefined || event.altKey || event.ctrlKey || event.metaKey) return
        event.preventDefault()
        const from = place.to(state[control.name])
        go(end ?? fldp.numbers.clip(near(from) + steps * place.step, place.low, place.high))
      },
    })
    const box = make("input", {
      type: "number", id: `box-${control.name}`, min: control.low, max: control.high,
      step: control.whole ? 1 : control.log || control.table ? "any" : control.step,
      change: () => moved(control, box.value === "" || Number.isNaN(Number(box.value)) ? state[control.name]
        : fldp.numbers.clip(control.whole ? whole(Number(box.value)) : Number(box.value), control.low, control.high)),
    })
    followers[control.name] = value => {
      range.value = place.to(value)
      range.setAttribute("aria-valuetext", words(value))
      box.value = value
    }
    const on = document.querySelector(`[data-along="${control.name}"]`)
    if (on) on.append(range)
    return make("div", { class: on ? "row far" : "row" },
      make("label", { for: box.id }, control.label, ...(on ? [" ", make("b", { "aria-hidden": "true" }, "●")] : [])),
      box, ...(on ? [] : [range]))
  }
  const choice = (control, { followers, moved }) => {
    const at = value => control.values.findIndex(one => one === value)
    if (!control.buttons) {
      const change = () => moved(control, control.values[select.value])
      const select = make("select", { id: `box-${control.name}`, change },
        ...control.words.map((words, k) => make("option", { value: k }, words)))
      followers[control.name] = value => { select.value = at(value) }
      return make("div", { class: "row" }, make("label", { for: select.id }, control.label), select)
    }
    const buttons = control.words.map((words, k) =>
      make("button", { type: "button", click: () => moved(control, control.values[k]) }, words))
    followers[control.name] = value =>
      buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(k === at(value))))
    const group = { class: "buttons", role: "group", "aria-label": control.label }
    document.getElementById("picked").append(make("div", group, control.label, ...buttons))
    return ""
  }

  // Play: a control moves from end to end; a step at a time where motion is unwelcome.
  const player = (control, { state, moved, busy }) => {
    const step = Math.max(control.step, Math.ceil((control.high - control.low) / 40)), INTERVAL = 200
    const still = matchMedia("(prefers-reduced-motion: reduce)")
    const further = () => moved(control, Math.min(state[control.name] + step, control.high))
    let timer = null
    const name = () => { button.textContent = still.matches ? "Next" : timer === null ? "Play" : "Pause" }
    const stop = () => {
      clearInterval(timer)
      timer = null
      name()
    }
    const button = make("button", {
      type: "button", "aria-label": `play ${control.label}`,
      click: () => {
        if (timer !== null) return stop()
        if (state[control.name] >= control.high) moved(control, control.low)
        else if (still.matches) further()
        if (still.matches) return
        timer = setInterval(() => {
          if (busy()) return
          if (state[control.name] >= control.high) stop()
          else further()
        }, INTERVAL)
        name()
      },
    })
    still.addEventListener("change", stop)
    name()
    button.setAttribute("aria-label", `${button.textContent}: ${control.label}`)
    new MutationObserver(() => button.setAttribute("aria-label", `${button.textContent}: ${control.label}`))
      .observe(button, { childList: true })
    return button
  }
  fldp.controls = { make, slider, choice, player, whole }
})
