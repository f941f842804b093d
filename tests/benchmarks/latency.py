#!/usr/bin/env python
"""From key press to pixels, in JupyterLab on this machine: notebook 05's explorer, and the way most courses do it.

    .venv/bin/python tests/benchmarks/latency.py [--json] [--presses 40]

Both panels stand in one notebook and train the same federation (100 clients, 20 rounds) on each move. The second one uses
`ipywidgets.interactive_output` and a fresh matplotlib figure. Nothing else should run on the machine.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "browser"))
import pages
from lab import CHROMIUM, FLAGS, ROOT, kernel_of, lab, missing, open_notebook, run_all

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
    parser.add_argument("--presses", type=int, default=40)
    options = parser.parse_args()
    if missing:
        sys.exit(missing)
    results = measure(options.presses)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        for name, value in results.items():
            print(f"{name:<30}", value if isinstance(value, float) else ", ".join(f"{k} {v}" for k, v in value.items()))
