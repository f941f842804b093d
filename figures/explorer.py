#!/usr/bin/env python
"""Make explorer.png: notebook 05's explorer in JupyterLab, as a reader sees it, with a pinned curve.

    .venv/bin/python figures/explorer.py

Needs what tests/browser needs: Chromium and tests/requirements-peers.txt.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "browser"))
import pages
from lab import CHROMIUM, FLAGS, ROOT, kernel_of, lab, open_notebook, run_all
from PIL import Image
from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
PATH = ROOT / "notebooks" / "05_private_federated_learning.ipynb"

with tempfile.TemporaryDirectory() as folder, lab(pathlib.Path(folder)) as address, sync_playwright() as play:
    page = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_page(viewport={"width": 1300, "height": 1000})
    open_notebook(page, address, PATH.relative_to(ROOT))
    run_all(page)
    panel = pages.explorers(page)[-1]  # the big one
    with kernel_of(PATH) as run:
        run("explorer.reset(); explorer.set(clients=1437, epsilon=0.5); explorer.pin(); explorer.set(epsilon=2)")
    page.wait_for_timeout(1_000)
    page.evaluate("document.activeElement.blur()")
    panel.screenshot(path=HERE / "explorer.png")
picture = Image.open(HERE / "explorer.png").convert("RGB")
picture.quantize(128, dither=Image.Dither.NONE).save(HERE / "explorer.png", optimize=True)
print("explorer.png", picture.size)
