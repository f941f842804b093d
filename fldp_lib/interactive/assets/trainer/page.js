// The page of one explorer: controls, the picture that follows them, the sentence; sweep, pin, predict, play.
;(() => {
  const about = JSON.parse(document.getElementById("about").textContent)
  const engine = fldp.engine(about.name, fldp.data[about.data])
  const find = id => document.getElementById(id), { draw, format } = fldp, { make, slider, choice, player, whole } = fldp.controls
  const state = Object.fromEntries(about.controls.map(control => [control.name, control.start]))
  const followers = {} // by control: what shows a value where it has been set
  let shown = null, kept = [], busy = false, stale = false, dimming = null

  // Computing: one state at a time; while it runs, only the last move is kept.
  const LATE = 300 // milliseconds after which what is seen is dimmed
  const jobs = [] // what is to be computed besides, such as the values of a sweep
  const turn = async () => {
    if (busy) return
    busy = true
    while (stale || jobs.length) {
      if (stale) {
        stale = false
        dimming ??= setTimeout(() => find("said").setAttribute("aria-busy", "true"), LATE)
        const answer = await engine({ ...state })
        if (!stale) {
          clearTimeout(dimming)
          dimming = null
          find("said").setAttribute("aria-busy", "false")
        }
        show(answer)
      } else {
        const [wanted, done] = jobs.shift()
        done(await engine(wanted))
      }
    }
    busy = false
  }
  const update = () => {
    stale = true
    return turn()
  }
  const computed = wanted => new Promise(done => {
    jobs.push([wanted, done])
    turn()
  })

  const alert = error => `<b role="alert">${draw.escape(error)}</b>`
  function show(answer) {
    const said = find("said")
    if (answer.error) { // a dead slider would hide it
      said.innerHTML = alert(answer.error)
      return
    }
    shown = answer
    const html = draw.sentence(answer.words, answer.marks)
    if (said.innerHTML !== html) said.innerHTML = html
    paint()
    find("crowd").innerHTML = answer.attacker ? draw.crowd(answer.attacker, about.unit) : ""
  }
  const pictures = [...document.querySelectorAll(".fldp-field svg")].filter(picture => picture.querySelector(".fldp-marks"))
  const seen = picture => picture.checkVisibility?.() ?? picture.getClientRects().length > 0
  function paint() {
    if (!shown) return
    const marks = [...draw.changed(kept, shown.marks), ...shown.marks]
    pictures.forEach((picture, k) => {
      if (!seen(picture)) return // drawn when it is
      picture.querySelector(".fldp-marks").innerHTML = draw.overlay(about.layouts[k], marks)
      picture.setAttribute("aria-label", `${about.title}. ${shown.words}`)
    })
  }

  const set = (control, value) => {
    state[control.name] = value
    followers[control.name](value)
  }
  const moved = (control, value) => {
    if (value === state[control.name]) return followers[control.name](value)
    set(control, value)
    update()
  }
  const desk = { state, followers, moved, busy: () => busy }

  // Six values of one control, side by side: the panel that changes most.
  const SIX = 6
  const spread = control => {
    if (control.values) return control.values
    const all = (control.log ? fldp.numbers.geomspace : fldp.numbers.linspace)(control.low, control.high, SIX)
    const values = Array.from(all, value => fldp.numbers.clip(Number(value.toPrecision(3)), control.low, control.high))
    return control.whole ? [...new Set(values.map(whole))].sort((a, b) => a - b) : values
  }
  let sweeping = 0
  const sweep = async control => {
    const turn = ++sweeping, place = find("swept")
    place.textContent = control ? "computing …" : ""
    if (!control) return
    const base = { ...state }, values = spread(control), answers = []
    for (const value of values) {
      answers.push(await computed({ ...base, [control.name]: value }))
      if (turn !== sweeping) return
    }
    const failed = answers.find(answer => answer.error)
    if (failed) {
      place.innerHTML = alert(failed.error)
      return
    }
    const drawn = answers.map(answer => answer.marks)
    const changes = about.small.map((panel, k) =>
      draw.change({ ylog: panel.panels[0].ylog, y: panel.limits }, k, drawn))
    const chosen = changes.indexOf(Math.max(...changes)), panel = about.small[chosen]
    place.replaceChildren(...answers.map((answer, k) => {
      const words = `${control.label} = ${control.words?.[k] ?? format(values[k], "g")}`, id = `${panel.id}-${k}`
      const marks = answer.marks.filter(mark => mark.panel === chosen).map(mark => ({ ...mark, panel: 0 }))
      const figure = make("figure", {}, make("figcaption", {}, words))
      figure.insertAdjacentHTML("beforeend", `<svg viewBox="0 0 ${panel.width} ${panel.height}" role="img" `
        + `font-family="DejaVu Sans, Verdana, sans-serif" aria-label="${draw.escape(`${words}: ${answer.words}`)}">`
        + panel.axes.replaceAll(`${panel.id}-`, `${id}-`) + draw.overlay({ ...panel, id }, marks) + "</svg>")
      return figure
    }))
  }

  // The prediction comes first; then what is right, and why.
  const ask = ({ question, options, right, because }) => {
    find("shown").hidden = true
    const asked = find("asked"), buttons = make("div", { class: "buttons" }, ...options.map(option =>
      make("button", { type: "button", click: () => {
        const told = option === right ? `Right: ${because}` : `Not so; it is “${right}”: ${because}`
        const note = make("p", { role: "note", tabindex: "-1" }, "Your prediction: ", make("b", {}, option), `. ${told}`)
        asked.replaceChildren(note)
        find("shown").hidden = false
        note.focus() // the keyboard goes on from here
        paint()
      } }, option)))
    asked.replaceChildren(make("p", {}, make("b", {}, "Predict first:"), ` ${question}`), buttons)
    asked.hidden = false
  }

  const form = find("controls"), play = about.controls.find(control => control.name === about.play)
  form.addEventListener("submit", event => event.preventDefault())
  form.append(...about.controls.map(control => (control.values ? choice(control, desk) : slider(control, desk))))
  const button = (words, click) => make("button", { type: "button", click }, words)
  const swept = () => sweep(about.controls[menu.value])
  const menu = make("select", { id: "sweep", change: swept }, make("option", { value: "" }, "–"), ...about.controls.map((control, k) => make("option", { value: k }, control.label)))
  const reset = () => {
    kept = []
    about.controls.forEach(control => set(control, control.start))
    update()
  }
  const pin = () => {
    if (shown) kept = draw.pinned(shown.marks)
    paint()
  }
  form.append(make("div", { class: "buttons" }, ...(play ? [player(play, desk)] : []), button("Reset", reset), button("Pin", pin),
    make("label", { for: menu.id }, "six values of ", menu)))
  about.controls.forEach(control => followers[control.name](control.start))
  if (about.predict) ask(about.predict)
  new ResizeObserver(paint).observe(document.querySelector(".fldp-field"))
  addEventListener("beforeprint", paint)
  update()
  if (parent !== window) { // in a frame: it can be as high as the page
    const tell = () => parent.postMessage({ height: document.documentElement.offsetHeight }, "*")
    new ResizeObserver(tell).observe(document.body)
    addEventListener("message", event => {
      if (event.data.theme) document.documentElement.dataset.theme = event.data.theme // light, dark or auto
      if (event.data.ask === "height") tell()
    })
  }
  fldp.page = { engine, state, get shown() { return shown }, get idle() { return !busy && !stale } } // for who looks in
})()
