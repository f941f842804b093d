"""The page as which an explorer is exported: it needs neither a kernel nor a network."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>{theme}
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem;
  color: var(--fldp-ink); background: var(--fldp-paper) }}
h1 {{ font-size: 1.4rem }}
label {{ display: grid; grid-template-columns: 11rem 18rem 6rem; gap: .8rem; align-items: center; margin: .3rem 0 }}
select + output {{ display: none }}
{along}
.note {{ color: var(--fldp-soft); font-size: .9rem }}
@media (max-width: 40rem) {{
  label {{ grid-template-columns: 1fr 5rem; gap: 0 .8rem }}
  input, select {{ grid-column: 1; min-width: 0 }}
}}
</style></head><body><main>
<h1>{title}</h1>
{predict}<form>{controls}</form>
<p id="said" role="status" aria-live="polite"></p>
<div class="fldp-field">{picture}{near}</div>
<p class="note">{note}</p>
</main><script>
const grid = {grid}, shapes = {shapes}, pieces = {pieces}, runs = {runs}
const inputs = [...document.querySelectorAll("[data-control]")]
  .sort((a, b) => a.dataset.control - b.dataset.control)
const stops = inputs.map(input => JSON.parse(input.dataset.stops ?? "null")) // on an axis: where each value stands
const place = (k, at) => {{ inputs[k].value = stops[k][Math.min(Math.max(at, 0), stops[k].length - 1)] }}
const at = k => stops[k] ? stops[k].reduce(
  (best, stop, j) => Math.abs(stop - inputs[k].value) < Math.abs(stops[k][best] - inputs[k].value) ? j : best, 0)
  : Number(inputs[k].value)
const starts = {starts}, together = {together}, moves = starts.map((_, k) => k) // the control moved last comes first
const put = (k, at) => {{ if (stops[k]) place(k, at); else inputs[k].value = at }}
function show(moved = 0) {{
  let index = 0
  moves.unshift(...moves.splice(moves.indexOf(moved), 1))
  moves.filter(k => at(k) !== starts[k]).slice(together).forEach(k => put(k, starts[k]))
  inputs.forEach((input, k) => {{
    const value = grid[k][at(k)]
    index = index * shapes[k] + at(k)
    document.getElementById("now" + k).textContent = value
    if (input.type === "range") input.setAttribute("aria-valuetext", value)
    if (stops[k]) place(k, at(k))
  }})
  const [drawn, sentence] = runs[index]
  document.getElementById("said").innerHTML = sentence
  document.querySelectorAll("svg[role=img]").forEach((picture, layout) => {{
    picture.querySelector(".fldp-marks").innerHTML = drawn[layout].map(piece => pieces[piece]).join("")
    picture.setAttribute("aria-label", document.getElementById("said").textContent)
  }})
}}
const KEYS = {{ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -1e9, End: 1e9}}
inputs.forEach((input, k) => {{
  input.addEventListener("input", () => show(k))
  if (stops[k]) input.addEventListener("keydown", event => {{
    if (!KEYS[event.key]) return
    event.preventDefault()
    place(k, at(k) + KEYS[event.key])
    show(k)
  }})
}})
show()
if (parent !== window) {{ // in a frame: it can be as high as the page
  const tell = () => parent.postMessage({{height: document.documentElement.offsetHeight}}, "*")
  new ResizeObserver(tell).observe(document.body)
  addEventListener("message", event => event.data.ask === "height" && tell())
}}
</script></body></html>
"""
