"""Environments of systems that cannot live beside the package: TensorFlow Federated's, and a Keras client's for Flower.

    python -m tests.systems.environments

makes those that are missing, in `.venv-systems` or where FLDP_SYSTEMS says: 4 GB, about three minutes, wheels only. Where
one cannot be made the reason is printed, and that is no failure; a pip that fails is one.

- tff: Python 3.10, for Linux on x86. `pip install tensorflow-federated` alone fails, since it pins a jaxlib that the index
  no longer has: what it needs is installed first, and then it without what it asks for.
- keras: this Python, with Flower and TensorFlow; neither torch nor the package.
"""

import contextlib
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("FLDP_SYSTEMS") or ROOT / ".venv-systems").resolve()
FREE = 5  # GB of disk that one takes on the way
LIMIT = 600  # seconds in which an environment must be made
NEEDED = [
    "tensorflow-cpu==2.14.1", "jax==0.4.18", "jaxlib==0.4.18", "numpy~=1.25", "attrs~=23.1", "cachetools", "dm-tree==0.1.8",
    "grpcio~=1.46", "ml_dtypes==0.2.*", "portpicker", "scipy~=1.9.3", "tqdm~=4.64", "typing-extensions==4.5.*", "absl-py",
    "googleapis-common-protos==1.61.0", "scikit-learn<1.5", "pandas", "packaging", "immutabledict", "sympy", "setuptools<70",
]  # fmt: skip
FEDERATED = [
    "tensorflow-federated==0.87.0", "dp-accounting==0.4.3", "google-vizier==0.1.11", "tensorflow-privacy==0.9.0",
    "tensorflow-model-optimization==0.7.5", "tensorflow-probability==0.22.1", "mpmath", "sortedcontainers", "cloudpickle",
    "decorator",
]  # fmt: skip


def installs():
    """What pip is asked for, call by call, by environment."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    flower = next(line for line in extras["flower"] if line.startswith("flwr")).replace("[simulation]", "")
    return {"tff": [NEEDED, ["--no-deps", *FEDERATED]], "keras": [[flower, "tensorflow-cpu>=2.20,<2.22"]]}


def base(name):
    """Return the path of the Python that environment `name` is made of, or None: on PATH, or among pyenv's versions."""
    if name == "keras":
        return pathlib.Path(sys.executable)
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv") / "versions"
    for path in [shutil.which("python3.10"), *sorted(map(str, pyenv.glob("3.10.*/bin/python")), reverse=True)]:
        check = "import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 10))"
        if path and subprocess.run([path, "-c", check], capture_output=True).returncode == 0:
            return pathlib.Path(path)
    return None


def python(name):
    """Return the path of the environment's Python if it has been made, else None."""
    made = FOLDER / name
    return made / "bin" / "python" if (made / "made").exists() else None


def obstacle(name):
    """Return why environment `name` cannot be made here, or an empty string."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"its wheels are for Linux on x86_64, and this is {sys.platform} on {platform.machine()}"
    if base(name) is None:
        return "there is no Python 3.10, neither on PATH nor among pyenv's versions"
    there = next(path for path in (FOLDER, *FOLDER.parents) if path.exists())
    if (free := shutil.disk_usage(there).free // 2**30) < FREE:
        return f"{free} GB of disk are free, and it takes {FREE} on the way"
    return ""


def make(name):
    """Make environment `name` unless it is there; return what is to be said about it.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    if python(name):
        return "there"
    if reason := obstacle(name):
        return f"left out: {reason}"
    shutil.rmtree(FOLDER / name, ignore_errors=True)  # begun and not finished
    subprocess.run([base(name), "-m", "venv", FOLDER / name], check=True)
    pip = [FOLDER / name / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]
    end = time.monotonic() + LIMIT
    for asked in installs()[name]:
        try:
            subprocess.run([*pip, *asked], check=True, timeout=max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            shutil.rmtree(FOLDER / name)
            return f"left out: the network did not bring its packages within {LIMIT // 60} minutes"
    (FOLDER / name / "made").touch()
    return "made"


def run(path, *arguments):
    """Run a program of an environment, and end what it leaves behind: TensorFlow Federated's worker outlives it.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen([path, *arguments], env=quiet, stdout=said, stderr=said, start_new_session=True)
        try:
            status = process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the session's, which the program leads
            process.wait()
        if status:
            said.seek(0)
            raise RuntimeError(f"{arguments[0]} failed in {path}: {said.read()[-2000:]}")


def versions(path, *packages):
    """Return the versions of an environment's packages by name, and its Python's."""
    code = "import json, sys; from importlib.metadata import version; "
    code += "print(json.dumps({name: version(name) for name in sys.argv[1:]} | {'Python': sys.version.split()[0]}))"
    return json.loads(subprocess.run([path, "-c", code, *packages], check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    for each in installs():
        print(f"environment {each}: {make(each)}", flush=True)
