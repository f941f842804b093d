"""The same explorers in Notebook 7, the other page that ipywidgets 8 are moved in: run, moved by key, light and dark."""

import contextlib
import importlib.util

import pages
import pytest
from lab import STOP, chromium, lab, missing, run_all

if missing:
    pytest.skip(missing, allow_module_level=True)
if importlib.util.find_spec("notebook") is None:
    pytest.skip("no Notebook 7 in this environment: pip install -r tests/requirements-peers.txt", allow_module_level=True)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_first_explorer_moves_in_notebook_7(tmp_path, dark):
    with lab(tmp_path) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}/notebooks/notebooks/02_core_concepts.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        with contextlib.suppress(Exception):
            page.get_by_role("button", name="Select", exact=True).click(timeout=2_000)
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)
        if dark:
            page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
            page.wait_for_selector('[data-jp-theme-light="false"]', state="attached", timeout=30_000)
        wrong.clear()  # what Notebook 7 says of itself while it starts
        run_all(page)
        page.wait_for_selector(".fldp-panel .fldp-stage svg[role=img]", timeout=120_000)
        panel = pages.explorers(page)[0]
        pages.named(panel)
        before = pages.shown(panel)
        handle = panel.locator(".noUi-handle").first
        pages.press(panel, handle, "ArrowRight")
        picture, sentence = pages.settled(panel, before)
        assert picture != before[0] and sentence != before[1] and not pages.aside(panel)
        menu = pages.explorers(page)[1].locator("select").first
        chosen = menu.input_value()
        menu.focus()
        page.keyboard.press("ArrowDown")
        assert menu.input_value() != chosen
        paper = panel.evaluate("panel => getComputedStyle(panel).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") is not dark
        assert not wrong
        page.evaluate(STOP)
