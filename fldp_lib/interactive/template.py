"""The pages as which an explorer is exported: PAGE shows what was computed beforehand, LIVE computes."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>{title}</title>
<style>{theme}
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem;
  color: var(--fldp-ink); background: var(--fldp-paper) }}
h1 {{ font-size: 1.4rem }}
label {{ display: grid; grid-template-columns: 11rem 18rem 6rem; gap: .8rem; align-items: center; margin: .3rem 0 }}
select + output {{ display: none }}
[type=range] {{ accent-color: var(--fldp-t4) }} :focus-visible {{ outline: 2px solid var(--fldp-t1); outline-offset: 2px }}
#said {{ min-height: 2.9em }}
{along}
.note {{ color: var(--fldp-soft); font-size: .9rem }}
@media (max-width: 40rem) {{
  label {{ grid-template-columns: 1fr 5rem; gap: 0 .8rem }}
  input, select {{ grid-column: 1; min-width: 0 }}
}}
@media print {{ label > [type=range] {{ display: none }} label {{ grid-template-columns: 11rem 1fr; margin: 0 }}
  body {{ max-width: none; margin: 0 auto }} }}
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
  addEventListener("message", event => {{
    if (event.data.theme) document.documentElement.dataset.theme = event.data.theme // light, dark or auto
    if (event.data.ask === "height") tell()
  }})
}}
</script></body></html>
"""

LIVE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>{title}</title>
<style>{theme}
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 68rem; margin: 1rem auto; padding: 0 1rem;
  color: var(--fldp-ink); background: var(--fldp-paper) }}
h1 {{ font-size: 1.2rem; margin: 0 }}
[hidden] {{ display: none !important }}
#said {{ min-height: 2.9em; margin: .3rem 0 .6rem; transition: opacity .1s }}
#said[aria-busy=true] {{ opacity: .5 }}
.body {{ display: grid; grid-template-columns: minmax(0, 17rem) minmax(0, 1fr); gap: .5rem 1.25rem; align-items: start }}
.across {{ grid-template-columns: minmax(0, 1fr) }}
.across > form {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0 1.5rem;
  align-items: end }}
form, .row {{ min-width: 0 }}
.row {{ display: grid; grid-template-columns: minmax(0, 1fr) 6.5rem; gap: 0 .6rem; align-items: center; margin: 0 0 .5rem }}
.row select, .row > [type=range] {{ grid-column: 1 / -1; width: 100%; margin: .2rem 0; min-width: 0 }}
input, select, button {{ font: inherit; color: inherit }}
[type=number], select, button {{ background: var(--fldp-paper); border: 1px solid var(--fldp-c5); border-radius: 4px;
  padding: .15rem .4rem; box-sizing: border-box }}
[type=number] {{ width: 100% }} [type=range] {{ accent-color: var(--fldp-t4) }}
button {{ cursor: pointer; min-height: 1.9rem }}
button[aria-pressed=true] {{ background: var(--fldp-card); border-color: var(--fldp-t1);
  box-shadow: inset 0 0 0 1px var(--fldp-t1) }}
.buttons {{ display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: .2rem 0 .4rem }}
.buttons label {{ flex: 1 1 9rem; min-width: 0 }} .buttons select {{ max-width: 100%; width: 100% }}
:focus-visible {{ outline: 2px solid var(--fldp-t1); outline-offset: 2px }}
.ask {{ background: var(--fldp-card); border-radius: 8px; padding: .5rem .75rem; margin: .4rem 0 }}
.ask p {{ margin: 0 0 .3rem }}
.fldp-crowd {{ display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; margin: 4px 0 0; font-size: .9rem }}
.fldp-crowd svg {{ display: block; flex: 0 0 270px; width: 270px; max-width: 100%; height: auto }}
.fldp-crowd span {{ flex: 1 1 16em; max-width: 34em }}
.fldp-crowd .coin {{ fill: var(--fldp-c5) }} .fldp-crowd .rest {{ fill: var(--fldp-grid) }}
.fldp-crowd .edge {{ fill: none; stroke: var(--fldp-c7); stroke-width: 1.6 }}
.field {{ container-type: inline-size; min-width: 0 }}
{along}
.note {{ color: var(--fldp-soft); font-size: .9rem; max-width: 60rem }}
#swept {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  gap: .5rem 1rem; margin-top: .6rem }}
#swept figure {{ margin: 0; max-width: 24rem }} #swept figcaption {{ font-size: .9rem; font-weight: 600 }}
#swept svg {{ display: block; width: 100%; height: auto }}
@media (max-width: 699px) {{ .body {{ grid-template-columns: minmax(0, 1fr) }} }}
@media print {{ #shown .buttons, .row > [type=range], #said:empty {{ display: none }} body {{ max-width: none }} }}
</style></head><body><main>
<h1>{title}</h1>
<div id="asked" class="ask" hidden></div>
<div id="shown">
<p id="said" role="status" aria-live="polite">{said}</p>
<div class="body{across}"><form id="controls" novalidate></form>
<div class="field"><div id="picked"></div><div class="fldp-field">{picture}{near}</div><div id="crowd"></div></div></div>
<div id="swept"></div>
<p class="note">{note}</p>
</div>
<noscript><p>The picture is computed by this page itself, which needs JavaScript.</p></noscript>
</main><script type="application/json" id="about">{about}</script>
{scripts}</body></html>
"""
