"""A real JupyterLab on a copy of the course, and the system's Chromium in front of it."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def lab(folder):
    """Copy the course into the folder and serve it by JupyterLab; yields the server's address."""
    course = folder / "course"
    for part in ("fldp_lib", "figures", "notebooks"):
        shutil.copytree(ROOT / part, course / part, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = {
        name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={course}",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]  # fmt: skip
    environment = {**os.environ, **places, "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "TQDM_DISABLE": "1"}
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api", timeout=1).read()
                break
            if server.poll() is not None:
                raise RuntimeError((folder / "lab.log").read_text())
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def open_notebook(page, address, path):
    """Open a notebook in a workspace of its own and wait for its kernel."""
    page.goto(f"{address}/lab/workspaces/{path.stem}/tree/{path.as_posix()}?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    with contextlib.suppress(Exception):
        page.get_by_role("button", name="Select Kernel", exact=True).click(timeout=2_000)
    page.wait_for_selector(
        '.jp-NotebookPanel [data-status="idle"], .jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000
    )


def run_all(page, timeout=120):
    """Run all cells and wait until the kernel rests."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_timeout(1_000)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        busy = page.locator(".jp-InputPrompt", has_text="[*]").count()
        if not busy and page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').count():
            return
        page.wait_for_timeout(300)
    raise TimeoutError("cells are still running")
