#!/usr/bin/env python
"""From key press to pixels, in JupyterLab on this machine: notebook 05's explorer, and the way most courses do it.

    .venv/bin/python tests/benchmarks/latency.py [--json] [--presses 40]
    .venv/bin/python tests/benchmarks/latency.py --all [--notebook 05] [--json] [--presses 20]

With --all: every slider and menu of every explorer of every notebook (or of one), and the seconds from *Run All* to the
first explorer, kernel already started. It exits with 1 where a median is above 80 ms, a 90% quantile above 150 ms or an
explorer later than 3 s.

Both panels stand in one notebook and train the same federation (100 clients, 20 rounds) on each move. The second one uses
`ipywidgets.interactive_output` and a fresh matplotlib figure. Nothing else should run on the machine.
"""

import argparse
import json
import math
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "browser"))
import pages
from lab import CHROMIUM, FLAGS, ROOT, STOP, chromium, kernel_of, lab, missing, open_notebook, run_all

MEDIAN, P90, HERO = 80, 150, 3  # milliseconds, milliseconds, seconds
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOK = "05_private_federated_learning.ipynb"
USUAL = """
import ipywidgets
import matplotlib.pyplot as plt
from fldp_lib.interactive import drawing as artists
def fresh(epsilon, clip):
    result = explorer.compute(epsilon, 100, clip, "gaussian", "server", 1, 20)
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.8), layout="constrained")
    for ax, panel in zip(axes, explorer.chart.panels):
        ax.set(title=panel.title, xlabel=panel.xlabel, xlim=panel.x, ylim=panel.y, yscale="log" if panel.ylog else "linear")
    for mark in explorer.draw(result):
        artists.draw(axes[mark.panel], mark)
    plt.show()
    print(explorer.say(result))
sliders = {
    "epsilon": ipywidgets.FloatLogSlider(value=2, min=-1, max=1.7, step=0.05, description="ε"),
    "clip": ipywidgets.FloatLogSlider(value=6, min=-1, max=2, step=0.05, description="clip"),
}
usual = ipywidgets.VBox([*sliders.values(), ipywidgets.interactive_output(fresh, sliders)])
usual.add_class("usual-panel")
usual
"""
QUICK = pages.TIMER.replace("30000", "5000")
EPSILON = "print(explorer.state['epsilon'])"
# Until the frame that shows the next new picture in an output.
IMAGE = """panel => new Promise((resolve, reject) => {
  let pressed = 0
  const old = panel.querySelector('img')
  const watch = new MutationObserver(async () => {
    const image = panel.querySelector('img')
    if (!pressed || !image || image === old) return
    watch.disconnect()
    await image.decode()
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - pressed)))
  })
  window.addEventListener('keydown', () => { pressed = performance.now() }, {once: true, capture: true})
  watch.observe(panel, {childList: true, subtree: true, attributes: true})
  setTimeout(() => reject(new Error('no new picture within 30 s')), 30000)
})"""


def timed(page, panel, handle, script, presses):
    """Milliseconds of each press, to and fro, once everything has come to rest after the one before."""
    times = []
    for number in range(presses + 2):
        handle.focus()
        page.evaluate(f"panel => {{ window.timed = ({script})(panel) }}", panel.element_handle())
        page.keyboard.press("ArrowRight" if number // 10 % 2 else "ArrowLeft")
        times.append(page.evaluate("() => window.timed"))
        page.wait_for_timeout(250)
    times = sorted(times[2:])  # the first ones warm up
    return {"median_ms": round(statistics.median(times)), "p90_ms": round(times[int(0.9 * len(times))])}


# A control's name and how many keys it is away from its upper end and from its lower one.
PLACE = """control => {
  const name = control.getAttribute('aria-label') ?? control.labels?.[0]?.textContent ?? control.title
  if (control.tagName === 'SELECT')
    return [name, control.options.length - 1 - control.selectedIndex, control.selectedIndex]
  const [low, high, now] = ['min', 'max', 'now'].map(end => Number(control.getAttribute('aria-value' + end)))
  return [name, high > now ? 1 : 0, now > low ? 1 : 0]
}"""


def swept(page, panel, control, presses):
    """The control's name and its milliseconds, press by press, from where it stands to an end and back.

    A step that is new to the explorer is what counts, since what it has computed may be kept: no step is taken to and fro.
    """
    name, up, _ = control.evaluate(PLACE)
    keys = (
        ("ArrowDown", "ArrowUp")
        if control.evaluate("control => control.tagName") == "SELECT"
        else ("ArrowRight", "ArrowLeft")
    )
    times, ahead = [], bool(up)
    for _ in range(presses + 2):
        _, up, down = control.evaluate(PLACE)
        ahead = bool(up) if ahead else not down
        control.focus()
        page.evaluate(f"panel => {{ window.timed = ({QUICK})(panel).catch(() => null) }}", panel.element_handle())
        page.keyboard.press(keys[0 if ahead else 1])
        times.append(page.evaluate("() => window.timed"))  # None where the picture stays as it was
        page.wait_for_timeout(150)
    return name.removesuffix(", slider"), sorted(time for time in times[2:] if time is not None)


def everything(names, presses):
    """Rows (notebook, panel, control, median, p90) of all explorers, and the seconds to the first one of each notebook."""
    rows, heroes = [], {}
    with tempfile.TemporaryDirectory() as folder, lab(pathlib.Path(folder)) as address, chromium() as browser:
        for path in (path for path in LESSONS if not names or path.stem.split("_")[0] in names):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            open_notebook(page, address, path.relative_to(ROOT))
            pages.watch(page)
            run_all(page)
            heroes[path.stem.split("_")[0]] = round(pages.hero(page)["seconds"], 1)
            for number, panel in enumerate(pages.explorers(page)):
                pages.named(panel)
                for control in (*panel.locator(".noUi-handle").all(), *panel.locator("select").all()[:-1]):
                    name, times = swept(page, panel, control, presses)
                    found = (statistics.median(times), times[int(0.9 * len(times))]) if times else (math.inf, math.inf)
                    rows.append((path.stem.split("_")[0], number, name, *found))
                    print(row(rows[-1]), file=sys.stderr, flush=True)
            page.evaluate(STOP)
            page.close()
    return rows, heroes


def row(one):
    """A row of the table, marked where it is over a limit."""
    notebook, panel, name, median, p90 = one
    return f"{notebook}  {panel}  {name[:40]:40} {median:6.0f} {p90:6.0f}  {'over' * (median > MEDIAN or p90 > P90)}"


def report(rows, heroes):
    """Print the table."""
    print(f"notebook, panel, control {'':16} median   p90 ms")
    for one in rows:
        print(row(one))
    print("seconds from Run All to the first explorer:")
    for notebook, seconds in heroes.items():
        print(f"{notebook} {seconds:6.1f}  {'over' * (seconds > HERO)}")
    late, slow = over(rows, heroes)
    print(f"{len(rows)} controls, {len(late)} over {MEDIAN}/{P90} ms; {len(heroes)} notebooks, {len(slow)} over {HERO} s")


def over(rows, heroes):
    """What is over a limit: rows, and seconds; both must be empty."""
    late = [one for one in rows if not (one[3] <= MEDIAN and one[4] <= P90)]
    return late, [seconds for seconds in heroes.values() if not seconds <= HERO]


def measure(presses):
    from playwright.sync_api import sync_playwright

    found = {}
    with tempfile.TemporaryDirectory() as folder, lab(pathlib.Path(folder)) as address, sync_playwright() as play:
        path = pathlib.Path(folder) / "course" / "notebooks" / NOTEBOOK
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = {"cell_type": "code", "id": "usual", "metadata": {}, "outputs": [], "execution_count": None, "source": USUAL}
        notebook["cells"].append(cell)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        open_notebook(page, address, pathlib.Path("notebooks") / NOTEBOOK)
        run_all(page)
        panel = pages.explorers(page)[-1]  # the big one
        pages.named(panel)
        with kernel_of(ROOT / "notebooks" / NOTEBOOK) as run:
            run("explorer.reset(); explorer.set(clients=100)")
        handles = panel.locator(".noUi-handle")
        for name, number in (("epsilon", 0), ("clip", 2)):
            found[f"explorer, {name}"] = timed(page, panel, handles.nth(number), pages.TIMER, presses)
        presses_held, late = pages.hold(panel, handles.first, seconds=5)
        with kernel_of(ROOT / "notebooks" / NOTEBOOK) as run:
            right = f"Total ε = {float(run(EPSILON)):.3g} " in pages.shown(panel)[1]
        found["held for 5 s"] = {"key_events": presses_held, "late_ms": round(late), "last_picture_right": right}
        usual = page.locator(".usual-panel")
        usual.scroll_into_view_if_needed()
        page.wait_for_timeout(2_000)
        for name, number in (("epsilon", 0), ("clip", 1)):
            handle = usual.locator(".noUi-handle").nth(number)
            found[f"interactive_output, {name}"] = timed(page, usual, handle, IMAGE, presses)
            ratio = found[f"interactive_output, {name}"]["median_ms"] / found[f"explorer, {name}"]["median_ms"]
            found[f"times slower, {name}"] = round(ratio, 1)
        browser.close()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--presses", type=int)
    parser.add_argument("--all", action="store_true", help="every control of every explorer, held to the limits")
    parser.add_argument("--notebook", nargs="*", default=[], help="with --all: of these notebooks, such as 05")
    options = parser.parse_args()
    if missing:
        sys.exit(missing)
    if options.all:
        found = everything(options.notebook, options.presses or 20)
        print(json.dumps(found, indent=1)) if options.json else report(*found)
        sys.exit(any(over(*found)))
    results = measure(options.presses or 40)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        for name, value in results.items():
            print(f"{name:<30}", value if isinstance(value, float) else ", ".join(f"{k} {v}" for k, v in value.items()))
