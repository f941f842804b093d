"""The house style: colours for light and dark, dashes, the type scale, and where an explorer's parts stand on a page.

Pictures carry the light colours in their attributes, so that they are right without a style sheet; where one is there, it
wins: `s1` strokes in style 1, `f1` fills, `t1` is text, which is darker than a line may be, since letters are thinner.
"""

LIGHT = {
    "paper": "#ffffff", "ink": "#1b1f24", "soft": "#57606a", "axis": "#444444", "grid": "#e4e4e4", "card": "#f6f7f9",
    "c0": "#000000", "c1": "#0072b2", "c2": "#c46a00", "c3": "#009e73", "c4": "#b0398f",
    "c5": "#767676", "c6": "#c03221", "c7": "#7a4f2a", "c8": "#5e3c99", "c9": "#5b7083",
    "t0": "#000000", "t1": "#0069a5", "t2": "#985200", "t3": "#00785a", "t4": "#a8358a",
    "t5": "#5f666d", "t6": "#b32d1d", "t7": "#7a4f2a", "t8": "#5e3c99", "t9": "#4f6375",
}  # fmt: skip
DARK = {
    "paper": "#111418", "ink": "#e6e9ec", "soft": "#a8b0b8", "axis": "#9aa3ab", "grid": "#2e343b", "card": "#1e2229",
    "c0": "#f2f4f6", "c1": "#56b4e9", "c2": "#f0a35a", "c3": "#2fc59b", "c4": "#e37fc8",
    "c5": "#9aa3ab", "c6": "#ff7b6b", "c7": "#cda57c", "c8": "#b9a1e6", "c9": "#9db0c1",
    "t0": "#f2f4f6", "t1": "#6cc0f0", "t2": "#f3b071", "t3": "#45d0a9", "t4": "#ec98d3",
    "t5": "#a8b0b8", "t6": "#ff9285", "t7": "#d8b591", "t8": "#c6b2ec", "t9": "#adbdcb",
}  # fmt: skip
STYLES = 10
COLOURS = tuple(LIGHT[f"c{style}"] for style in range(STYLES))
DASHES = ((), (6, 3), (2, 2), (10, 3), (), (1, 2), (), (5, 3), (8, 2, 2, 2), (8, 3, 2, 3))
MARKERS = ("o", "s", "^", "D", "v", "x", "x", "^", "s", "D")
LABEL_SIZE = 10  # points, of words in a picture
PINNED = 5  # the style of a pinned curve
# One look for one thing in the whole course; 1 and 2 are the two classes of records.
ROLES = {
    "centralised": 0, "no privacy": 3, "private": 4, "attacker": 6, "bound": 7, "article": 8, "alone": 9,
}  # fmt: skip
RC = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "fldp",
}
# In a text that takes the keyboard's focus as it appears, since the button that had it is gone.
FOCUS = """<style onload="this.parentElement.querySelector('[tabindex]').focus()"></style>"""
# A page is dark where JupyterLab, Notebook, Colab or VS Code says so; a page of its own follows the reader's system.
DARK_PAGES = ('[data-jp-theme-light="false"]', 'html[theme="dark"]', ".vscode-dark", 'body[data-theme="dark"]')


def variables(colours):
    """The colours as CSS variables."""
    return "".join(f"--fldp-{name}:{value};" for name, value in colours.items())


def marked(names):
    """CSS that gives marks their colours from the variables."""
    parts = [("s", "stroke", "c"), ("f", "fill", "c"), ("t", "fill", "t")]
    return "".join(
        f"{names} .{kind}{k}{{{attribute}:var(--fldp-{colour}{k})}}"
        for kind, attribute, colour in parts
        for k in range(STYLES)
    )


def sheet(panel):
    """CSS for explorers in a notebook; `panel` is the class of their outermost box."""
    at = f".{panel}"
    dark = ",".join(f"{page} {at}" for page in DARK_PAGES)
    return (
        f"{at}{{{variables(LIGHT)}container-type:inline-size;background:var(--fldp-paper);color:var(--fldp-ink);"
        f"padding:12px;border-radius:6px}}{dark}{{{variables(DARK)}}}{marked(at)}"
        f"{at} svg text{{fill:var(--fldp-ink)}}"
        f"{at} .widget-label,{at} .widget-html-content{{color:var(--fldp-ink)}}"
        f"{at}>.widget-html{{max-width:calc(100% - 4px)}}"  # its margins are 2 pixels
        f"{at} .fldp-title{{font-size:16px;font-weight:600;margin:0}}"
        f"{at} [role=status]{{font-size:14px;line-height:1.45;margin:2px 0 6px;max-width:75em}}"
        f"{at} [role=status] b{{font-weight:600}}"
        f"{at} .fldp-ask{{background:var(--fldp-card);border-radius:8px;padding:8px 12px;margin:4px 0 8px}}"
        f"{at} .fldp-ask p{{margin:0 0 4px}}"
        f"{at} .fldp-body{{display:grid;grid-template-columns:minmax(0,290px) minmax(0,1fr);gap:8px 20px;align-items:start;"
        f"overflow:visible;grid-template-rows:auto 1fr}}{at} .fldp-body>:first-child{{grid-row:1/span 2}}"
        f"{at} .fldp-wide{{grid-template:none/minmax(0,1fr)}}{at} .fldp-wide>:first-child{{grid-row:auto}}"
        f"{at} .fldp-wide>.widget-vbox{{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));"
        f"gap:2px 24px;align-items:start}}"
        f"@container (max-width:699px){{{at} .fldp-body{{grid-template:none/minmax(0,1fr)}}"
        f"{at} .fldp-body>:first-child{{grid-row:auto}}}}"
        f"{at} .fldp-body .slider-container{{margin:0 9px!important}}"  # half a handle, which is cut else
        f"{at} .fldp-row{{margin:0 0 4px;width:100%}}"
        f"{at} .fldp-body>.widget-vbox .widget-inline-hbox{{width:100%!important;max-width:280px!important;margin:1px 0}}"
        f"{at} .fldp-body .widget-label{{width:auto!important;flex:1 1 auto;text-align:left;white-space:normal}}"
        f"{at} .widget-text input{{flex:0 0 7em;width:7em}}"
        f"{at} .widget-dropdown{{flex-wrap:wrap;height:auto!important}}"
        f"{at} .fldp-body .widget-dropdown .widget-label{{flex:1 0 100%;height:auto;line-height:1.5}}"
        f"{at} .widget-dropdown select{{flex:1 1 100%;height:28px;text-overflow:ellipsis}}"
        f"{at} .widget-button{{width:auto;min-width:4.5em}}"
        f"{at} .fldp-stage{{justify-self:stretch;container-type:inline-size}}{at} .noUi-connect{{background:var(--fldp-t4)}}"
        f"{at} :focus-visible{{outline:2px solid var(--fldp-t1);outline-offset:2px}}"
        f"{at} .fldp-crowd{{display:flex;flex-wrap:wrap;align-items:center;gap:4px 16px;margin:4px 0 0;font-size:13px;"
        f"line-height:1.4}}{at} .fldp-crowd svg{{display:block;flex:0 0 270px;width:270px;max-width:100%;height:auto}}"
        f"{at} .fldp-crowd span{{flex:1 1 16em;max-width:34em}}"
        f"{at} .fldp-crowd .coin{{fill:var(--fldp-c5)}}{at} .fldp-crowd .rest{{fill:var(--fldp-grid)}}"
        f"{at} .fldp-crowd .edge{{fill:none;stroke:var(--fldp-c7);stroke-width:1.6}}"
        f"{at} .widget-play{{width:auto!important}}{at} .fldp-next{{display:none}}"
        f"{at} .fldp-field{{display:block;position:relative;justify-self:stretch;container-type:inline-size;"
        f"overflow:visible}}{at} .fldp-along{{display:block;position:absolute;margin:0;overflow:visible}}"
        f"{at} .fldp-along .widget-label{{position:absolute;width:1px!important;height:1px;min-width:0;margin:0;padding:0;"
        f"overflow:hidden;clip-path:inset(50%)}}"
        f"{at} .fldp-along .slider-container{{margin:0!important}}"
        f"{at} .fldp-along .noUi-target,{at} .fldp-along .ui-slider{{background:var(--fldp-grid);opacity:1;"
        f"border-color:var(--fldp-c5)}}{at} .fldp-along .noUi-connect{{background:none}}"
        f"{at} .fldp-along .noUi-handle,{at} .fldp-along .ui-slider-handle{{background:var(--fldp-t4)!important;"
        f"border:2px solid var(--fldp-paper)!important;border-radius:50%;box-shadow:0 0 0 1px var(--fldp-t4)}}"
        f"{at} .fldp-along .ui-slider-horizontal .ui-slider-handle{{margin-left:-8px!important}}"  # ipywidgets 7
        f"{at} .fldp-along .ui-slider-vertical .ui-slider-handle{{margin-bottom:-8px!important}}"
        f"{at} .fldp-along .noUi-handle::after{{content:'';display:block;position:absolute;inset:-8px;width:auto;"
        f"height:auto;background:none}}"  # as large as a finger
        f"{at} .fldp-far .widget-label::after{{content:' ●';content:' ●' / '';color:var(--fldp-t4)}}"  # a key to the handle
        f"{at} .fldp-pick{{flex-flow:row wrap;height:auto!important;margin:0 0 4px}}"
        f"{at} .fldp-pick .widget-label{{flex:0 0 auto!important;margin-right:8px}}"
        f"{at} .fldp-pick .widget-toggle-button{{min-width:0;padding:0 8px}}"
        f"@media (prefers-reduced-motion:reduce){{{at} .widget-play{{display:none}}{at} .fldp-next{{display:block}}}}"
    )


def page():
    """CSS for an exported page, which follows the reader's system, or the page around it where that says `data-theme`."""
    return (
        f":root{{color-scheme:light dark;{variables(LIGHT)}}}:root[data-theme=light]{{color-scheme:light}}"
        f"@media not print{{@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{variables(DARK)}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{variables(DARK)}}}}}@media print{{:root{{color-scheme:light}}}}"
        f"{marked('svg')}svg text{{fill:var(--fldp-ink)}}"
    )


def axes(drawn):
    """Finished axes, as matplotlib writes them, with their colours as variables that fall back on the light ones."""
    for name, written in (("paper", "#ffffff"), ("grid", "#e4e4e4"), ("axis", "#444444")):
        for attribute in ("fill", "stroke"):
            drawn = drawn.replace(f"{attribute}: {written}", f"{attribute}: var(--fldp-{name},{written})")
    return drawn.replace("stroke: #000000", "stroke: var(--fldp-axis,#444444)")


PARTS = (  # by these the page finds them
    "panel", "body", "wide", "row", "log", "stage", "quiz", "asked", "ask", "next", "field", "along", "turned",
    "far", "pick",
)  # fmt: skip
PANEL, BODY, ACROSS, ROW, LOG, STAGE, QUIZ, ASKED, ASK, NEXT, FIELD, ALONG, TURNED, FAR, PICK = (f"fldp-{p}" for p in PARTS)
# The parts of a stage lie on top of each other, and what changes inside does not move the page. ipywidgets' sliders have no
# accessible name, and a logarithmic one tells a screen reader its exponent: once the style sheet has loaded, each slider
# gets its box's label as its name, and its value in words, now and after each move. JupyterLab's keys, such as the arrows
# that go from cell to cell, are kept off the menus and choices, which need them.
SHEET = (
    """<style onload="(sheet => {
  let panel = null
  const sliders = () => [...panel.querySelectorAll('.fldp-row, .fldp-along')].map(
    row => [row, row.querySelector('.noUi-handle, .ui-slider-handle'), row.querySelector('label')])
  const ready = () => panel.matches('.fldp-quiz') || sliders().length && sliders().every(s => s[1] && s[2])
  const watch = () => {
    panel = sheet.closest('.fldp-panel, .fldp-quiz')
    if (!panel) return
    panel.addEventListener('keydown', event => event.target.matches('select, [type=radio]') && event.stopPropagation())
    if (document.body.dataset.notebook)  // Notebook 7 takes the arrows before anybody below it gets them
      panel.addEventListener('focusin', event => event.target.setAttribute('data-lm-suppress-shortcuts', 'true'))
    new MutationObserver(name).observe(panel, {childList: true})  // the controls, once a prediction is made
  }
  const boxed = (row, label) => row.querySelector('input') || [...panel.querySelectorAll('.widget-text')].filter(
    text => text.querySelector('label')?.textContent === label.textContent).map(text => text.querySelector('input'))[0]
  const name = async () => {
    for (let wait = 0; wait < 300 && !(panel && ready()); wait++) {
      if (!panel) watch()
      await new Promise(done => setTimeout(done, 100))
    }
    if (!panel) return
    const played = ['play and pause', 'back to the start', 'repeat']
    for (const play of panel.querySelectorAll('.widget-play'))
      play.querySelectorAll('button').forEach((button, k) => button.setAttribute('aria-label', played[k]))
    for (const pick of panel.querySelectorAll('.fldp-pick')) {
      const press = () => pick.querySelectorAll('button').forEach(
        button => button.setAttribute('aria-pressed', button.classList.contains('mod-active')))
      new MutationObserver(press).observe(pick, {subtree: true, childList: true, attributeFilter: ['class']})
      press()
    }
    for (const [row, handle, label] of sliders()) {
      if (!handle || !label || handle.hasAttribute('aria-label')) continue
      handle.setAttribute('role', 'slider')
      handle.setAttribute('aria-label', label.textContent + ', slider')
      const tell = words => handle.getAttribute('aria-valuetext') === words || handle.setAttribute('aria-valuetext', words)
      const say = () => {
        const slider = handle.parentElement.parentElement.parentElement.noUiSlider, field = boxed(row, label)
        if (!slider && !handle.hasAttribute('aria-valuenow')) { // ipywidgets 7: only the box knows, a moment later
          const way = () => Math.round(parseFloat(handle.style.left || handle.style.bottom)) + '% of the way'
          setTimeout(() => tell(field ? field.value : way()), 300)
          return
        }
        const now = slider ? Number(slider.get(true)) : Number(handle.getAttribute('aria-valuenow'))
        const log = row.classList.contains('fldp-log'), box = Number(field?.value)
        const off = Math.abs((log ? Math.log10(box) : box) - now), grid = slider ? slider.options.step : 0
        const tidy = Number((log ? 10 ** now : now).toPrecision(log ? 3 : row.classList.contains('fldp-turned') ? 4 : 9))
        tell(String(off <= grid / 2 + 1e-9 ? box : tidy))  // 300 stands at 302
      }
      new MutationObserver(say).observe(handle, {attributeFilter: ['aria-valuenow', 'aria-valuetext', 'style']})
      say()
    }
  }
  name()
})(this)">
.fldp-stage { display: grid; contain: layout paint; overflow: hidden }
.fldp-stage > * { grid-area: 1 / 1; margin: 0 }
"""
    + sheet(PANEL)
    + "</style>"
)
