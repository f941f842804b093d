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


STOP = """async () => {
  const token = document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? ''
  const root = location.origin + '/api/sessions'
  for (const session of await (await fetch(root)).json())
    await fetch(root + '/' + session.id, {method: 'DELETE', headers: {'X-XSRFToken': token}})
}"""  # ends all kernels, in the page
SERVED = []  # (address, folder) of the servers that run


def lacking():
    """Why the browser tests cannot run here; an empty string where they can."""
    if CHROMIUM is None:
        return "no Chromium on this machine: install Debian's package chromium"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "no Playwright in this environment: pip install -r tests/requirements-peers.txt"
    return ""


missing = lacking()
if missing and os.environ.get("FLDP_REQUIRE_BROWSER"):
    raise RuntimeError(missing)


@contextlib.contextmanager
def chromium():
    """The system's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def lab(folder):
    """Copy the course into the folder and serve it by JupyterLab; yields the server's address."""
    course = folder / "course"
    for part in ("fldp_lib", "figures", "notebooks"):
        shutil.copytree(ROOT / part, course / part, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for plugin, chosen in (
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
        ("docmanager-extension/plugin", {"autosave": False}),  # each test opens the notebook as it is committed
    ):
        settings = folder / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(chosen))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = {
        name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={course}",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
               "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"]  # fmt: skip
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
        SERVED.append((address, folder))
        yield address
    finally:
        SERVED[:] = [(at, where) for at, where in SERVED if at != address]
        server.terminate()
        server.wait(20)


def trust(path):
    """Sign the served copy of a notebook, as running it does."""
    where = {"JUPYTER_DATA_DIR": str(SERVED[-1][1] / "JUPYTER_DATA_DIR")}
    command = [sys.executable, "-m", "nbformat.sign", str(SERVED[-1][1] / "course" / path.relative_to(ROOT))]
    subprocess.run(command, env={**os.environ, **where}, check=True, capture_output=True)


@contextlib.contextmanager
def kernel_of(path):
    """Yield a function that runs code in an open notebook's kernel and returns what it prints."""
    from jupyter_client import BlockingKernelClient

    sessions = json.loads(urllib.request.urlopen(f"{SERVED[-1][0]}/api/sessions", timeout=10).read())
    kernel = next(s["kernel"]["id"] for s in sessions if s["path"].endswith(path.name))
    client = BlockingKernelClient(connection_file=str(SERVED[-1][1] / "JUPYTER_RUNTIME_DIR" / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)

        def run(code):
            printed = []
            reply = client.execute_interactive(
                code, output_hook=lambda m: printed.append(m["content"].get("text", "")), timeout=300, store_history=False
            )
            assert reply["content"]["status"] == "ok", reply["content"]
            return "".join(printed)

        yield run
    finally:
        client.stop_channels()


def open_notebook(page, address, path):
    """Open a notebook in a workspace of its own and wait for its kernel."""
    page.goto(f"{address}/lab/workspaces/{path.stem}/tree/{path.as_posix()}?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    with contextlib.suppress(Exception):
        page.get_by_role("button", name="Select Kernel", exact=True).click(timeout=2_000)
    page.wait_for_selector(
        '.jp-NotebookPanel [data-status="idle"], .jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000
    )


def run_all(page, timeout=300):
    """Run all cells, as the menu's *Run All Cells* does, and wait until they have run."""
    page.evaluate(
        """async seconds => {
          const context = jupyterapp.shell.currentWidget.context
          await context.ready
          await context.sessionContext.ready
          await context.sessionContext.session?.kernel?.info // it has answered once
          window.begun = performance.now()
          const late = new Promise((_, fail) => setTimeout(() => fail(new Error('cells are still running')), 1000 * seconds))
          await Promise.race([late, jupyterapp.commands.execute('notebook:run-all-cells')])
        }""",
        timeout,
    )
