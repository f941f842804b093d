"""The looks of explorers on a page: colours for light and dark, and where controls and picture stand.

Pictures carry the light colours in their attributes, so that they are right without a style sheet; where one is there, it
wins: `s1` strokes in style 1, `f1` fills, `t1` is text, which is darker than a line may be, since letters are thinner.
"""

LIGHT = {
    "paper": "#ffffff", "ink": "#1b1f24", "soft": "#57606a", "axis": "#444444", "grid": "#e4e4e4",
    "c0": "#000000", "c1": "#0072b2", "c2": "#d55e00", "c3": "#009e73", "c4": "#cc79a7", "c5": "#767676",
    "t0": "#000000", "t1": "#0069a5", "t2": "#b34d00", "t3": "#00785a", "t4": "#a3507d", "t5": "#5f666d",
}  # fmt: skip
DARK = {
    "paper": "#111418", "ink": "#e6e9ec", "soft": "#a8b0b8", "axis": "#9aa3ab", "grid": "#2e343b",
    "c0": "#f2f4f6", "c1": "#56b4e9", "c2": "#f28e4b", "c3": "#2fc59b", "c4": "#e3a0c6", "c5": "#9aa3ab",
    "t0": "#f2f4f6", "t1": "#6cc0f0", "t2": "#f7a066", "t3": "#45d0a9", "t4": "#e9b1d0", "t5": "#a8b0b8",
}  # fmt: skip
STYLES = 6
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
        f"{at} .fldp-title{{font-size:16px;font-weight:600;margin:0}}"
        f"{at} [role=status]{{font-size:14px;line-height:1.45;margin:2px 0 6px;max-width:75em}}"
        f"{at} .fldp-body{{display:grid;grid-template-columns:minmax(0,290px) minmax(0,1fr);gap:8px 20px;align-items:start;"
        f"overflow:visible}}"
        f"{at} .fldp-wide{{grid-template-columns:minmax(0,1fr)}}"
        f"{at} .fldp-wide>.widget-vbox{{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));"
        f"gap:2px 24px;align-items:start}}"
        f"@container (max-width:699px){{{at} .fldp-body{{grid-template-columns:minmax(0,1fr)}}}}"
        f"{at} .fldp-row{{margin:0 0 4px;width:100%}}"
        f"{at} .fldp-body>.widget-vbox .widget-inline-hbox{{width:100%!important;max-width:280px!important;margin:1px 0}}"
        f"{at} .fldp-body .widget-label{{width:auto!important;flex:1 1 auto;text-align:left;white-space:normal}}"
        f"{at} .widget-text input{{flex:0 0 6em;width:6em}}"
        f"{at} .widget-dropdown{{flex-wrap:wrap;height:auto!important}}"
        f"{at} .fldp-body .widget-dropdown .widget-label{{flex:1 0 100%;height:auto;line-height:1.5}}"
        f"{at} .widget-dropdown select{{flex:1 1 100%;height:28px;text-overflow:ellipsis}}"
        f"{at} .widget-button{{width:auto;min-width:4.5em}}"
        f"{at} .fldp-stage{{justify-self:stretch}}{at} .noUi-connect{{background:var(--fldp-t4)}}"
        f"{at} :focus-visible{{outline:2px solid var(--fldp-t1);outline-offset:2px}}"
    )


def page():
    """CSS for an exported page, which follows the reader's system."""
    return (
        f":root{{color-scheme:light dark;{variables(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        f"{marked('svg')}svg text{{fill:var(--fldp-ink)}}"
    )


def axes(drawn):
    """Finished axes, as matplotlib writes them, with their colours as variables that fall back on the light ones."""
    for name, written in (("paper", "#ffffff"), ("grid", "#e4e4e4"), ("axis", "#444444")):
        for attribute in ("fill", "stroke"):
            drawn = drawn.replace(f"{attribute}: {written}", f"{attribute}: var(--fldp-{name},{written})")
    return drawn.replace("stroke: #000000", "stroke: var(--fldp-axis,#444444)")


PARTS = ("panel", "body", "wide", "row", "log", "stage", "quiz", "asked")  # by these classes the page finds them
PANEL, BODY, ACROSS, ROW, LOG, STAGE, QUIZ, ASKED = (f"fldp-{part}" for part in PARTS)
# The parts of a stage lie on top of each other, and what changes inside does not move the page. ipywidgets' sliders have no
# accessible name, and a logarithmic one tells a screen reader its exponent: once the style sheet has loaded, each slider
# gets its box's label as its name, and its value in words, now and after each move. JupyterLab's keys, such as the arrows
# that go from cell to cell, are kept off the menus and choices, which need them.
SHEET = (
    """<style onload="(async sheet => {
  const panel = () => sheet.closest('.fldp-panel, .fldp-quiz')
  const menus = () => panel() ? [...panel().querySelectorAll('select, [type=radio]')] : []
  const sliders = () => panel() ? [...panel().querySelectorAll('.fldp-row')].map(
    row => [row, row.querySelector('.noUi-handle, .ui-slider-handle'), row.querySelector('label')]) : []
  for (let wait = 0; wait < 100 && !(menus().length && sliders().every(s => s[1] && s[2])); wait++)
    await new Promise(done => setTimeout(done, 100))
  for (const menu of menus()) menu.addEventListener('keydown', event => event.stopPropagation())
  for (const [row, handle, label] of sliders()) {
    if (!handle || !label || handle.hasAttribute('aria-label')) continue
    handle.setAttribute('role', 'slider')
    handle.setAttribute('aria-label', label.textContent + ', slider')
    const say = () => {
      const slider = handle.parentElement.parentElement.parentElement.noUiSlider
      const now = slider ? Number(slider.get(true)) : Number(handle.getAttribute('aria-valuenow'))
      const log = row.classList.contains('fldp-log'), box = Number((row.querySelector('input') || {}).value)
      const off = Math.abs((log ? Math.log10(box) : box) - now), grid = slider ? slider.options.step : 0
      const value = off <= grid / 2 + 1e-9 ? box : log ? Number((10 ** now).toPrecision(3)) : now  // 300 stands at 302
      if (handle.getAttribute('aria-valuetext') !== String(value)) handle.setAttribute('aria-valuetext', value)
    }
    new MutationObserver(say).observe(handle, {attributes: true, attributeFilter: ['aria-valuenow', 'aria-valuetext']})
    say()
  }
})(this)">
.fldp-stage { display: grid; contain: layout paint; overflow: hidden }
.fldp-stage > * { grid-area: 1 / 1; margin: 0 }
"""
    + sheet(PANEL)
    + "</style>"
)
