"""The repository's address: what `.ci/set-address` leaves of the old one in a copy of what git keeps, and who calls it."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDRESS = (ROOT / ".github" / "repository").read_text(encoding="utf-8").strip()
PLACEHOLDER = "OWNER" + "/" + "REPOSITORY"  # not written out, so that it can be looked for


def git(*words, cwd=ROOT):
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A repository with the files that git keeps here, as they stand; those of other people's data are left out."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git repository")
    folder = tmp_path_factory.mktemp("fork")
    for name in filter(None, git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")):
        source = ROOT / name
        if source.is_file() and not source.is_symlink() and source.stat().st_size < 3_000_000:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(source.read_bytes())
    git("init", "-q", cwd=folder), git("add", "-A", cwd=folder)
    return folder


def set_address(folder, name):
    return subprocess.run([sys.executable, folder / ".ci" / "set-address", name], capture_output=True, text=True)


def holding(folder, text):
    """The files that hold a text, the folder's git aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return sorted(path.relative_to(folder).as_posix() for path in files if text.encode() in path.read_bytes())


def test_after_the_script_nothing_has_the_old_address_and_everything_that_had_it_the_new(copy):
    had = holding(copy, ADDRESS)
    assert {".github/repository", "README.md", "notebooks/00_start_here.ipynb"} <= set(had)
    done = set_address(copy, "some-body/a.course")
    assert done.returncode == 0 and f"{len(had)} files" in done.stdout
    assert holding(copy, ADDRESS) == holding(copy, PLACEHOLDER) == []
    assert set(holding(copy, "some-body/a.course")) == {*had, "tests/test_address.py"}  # which says it itself
    text = (copy / "notebooks" / "05_private_federated_learning.ipynb").read_text(encoding="utf-8")
    assert "colab.research.google.com/github/some-body/a.course/blob/main/notebooks/05_private" in text
    assert "mybinder.org/v2/gh/some-body/a.course/main?urlpath=lab/tree/notebooks/05_private" in text
    assert "https://github.com/some-body/a.course" in text


def test_a_second_address_replaces_the_first_and_no_fraction(copy):
    assert set_address(copy, "a/b").returncode == 0
    (copy / "prose.md").write_text("A ratio a/b; https://github.com/a/b, github.com/a/b.git, github.com/a/b-c.")
    git("add", "prose.md", cwd=copy)
    assert set_address(copy, "new/one").returncode == 0
    assert (copy / "prose.md").read_text() == (
        "A ratio a/b; https://github.com/new/one, github.com/new/one.git, github.com/a/b-c."
    )
    assert (copy / ".github" / "repository").read_text() == "new/one\n"
    assert "github.com/a/b" not in (copy / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", ["name", "a/b/c", "a b/c", "https://github.com/a/b", ""])
def test_what_is_no_address_is_refused_and_changes_nothing(copy, wrong):
    before = (copy / ".github" / "repository").read_text()
    done = set_address(copy, wrong)
    assert done.returncode == 1 and done.stderr.startswith("usage: .ci/set-address NAME/REPOSITORY; got")
    assert (copy / ".github" / "repository").read_text() == before


def test_the_workflows_ask_for_no_more_than_they_need():
    """What the host's token may do: by default read; one job pushes a commit, one publishes pages."""
    may = {}
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        assert re.search(r"^permissions:\n  contents: read\n(?! )", text, flags=re.M), path
        may[path.stem] = sorted(re.findall(r"^      ([\w-]+: write)", text, flags=re.M))
        assert all(owner == "actions" for owner in re.findall(r"uses: ([\w-]+)/", text)), path
    assert may == {"address": ["contents: write"], "ci": [], "pages": ["id-token: write", "pages: write"]}


def test_the_address_is_set_by_the_script_when_it_is_anothers():
    text = (ROOT / ".github" / "workflows" / "address.yml").read_text(encoding="utf-8")
    assert '.ci/set-address "$GITHUB_REPOSITORY"' in text and '= "$GITHUB_REPOSITORY" ]' in text
    command = re.search(r"^ *(if \[ .*)$", text, flags=re.M)[1].replace('"$GITHUB_OUTPUT"', "/dev/stdout")
    for name, differs in ((ADDRESS, "false"), ("some-body/else", "true")):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env={"GITHUB_REPOSITORY": name, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"differs={differs}\n"


def test_the_book_is_published_on_a_release():
    text = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    assert "release:\n    types: [published]" in text and "python -m fldp_lib.book book" in text
    assert "path: book" in text and "actions/deploy-pages@" in text
