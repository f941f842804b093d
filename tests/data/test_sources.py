"""sources: the online set on a file in its real format, made here; what is wrong is refused and not kept."""

import hashlib
import io
import urllib.error
import zipfile

import numpy as np
import pytest
import torch

from fldp_lib import data
from fldp_lib.data import sources


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    return tmp_path


def test_without_a_connection_one_sentence_says_what_to_do(home, monkeypatch):
    def no_connection(address, timeout):
        raise urllib.error.URLError("no connection")

    monkeypatch.setattr("urllib.request.urlopen", no_connection)
    with pytest.raises(OSError, match=r"connect to the internet once and call again, .*needs no connection") as info:
        data.load("movielens")
    assert "\n" not in str(info.value)


def movielens(users=30, films=240):
    """A zip file with u.data and u.item in the format of MovieLens 100K, and the table in it."""
    rng = np.random.default_rng(1)
    pairs = np.array([(u, f) for u in range(1, users + 1) for f in rng.choice(films, 20, replace=False) + 1])
    pairs = pairs[rng.permutation(len(pairs))]
    table = np.column_stack([pairs, rng.integers(1, 6, len(pairs)), 880_000_000 + np.arange(len(pairs))])
    titles = [f"Film {k} (1995)" for k in range(1, films)] + ["Été (1996)"]
    items = "".join(f"{k}|{t}|01-Jan-1995||http://us.imdb.com/M/title-exact|0|1|0\n" for k, t in enumerate(titles, 1))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ml-100k/u.data", "".join("\t".join(map(str, row)) + "\n" for row in table))
        archive.writestr("ml-100k/u.item", items.encode("latin-1"))
    return file.getvalue(), table, titles


@pytest.fixture
def grouplens(home, monkeypatch):
    content, table, titles = movielens()
    asked = []

    def urlopen(address, timeout):
        asked.append(address)
        return io.BytesIO(content)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    address = sources._MOVIELENS[0]
    monkeypatch.setattr(sources, "_MOVIELENS", (address, hashlib.md5(content).hexdigest()))
    return table, titles, asked, home


def test_movielens_in_its_real_format(grouplens):
    table, titles, asked, home = grouplens
    loaded = data.load("movielens")
    kept = table[table[:, 1] <= 200]
    assert len(loaded.x_train) + len(loaded.x_test) == len(kept) and loaded.features == tuple(titles[:200])
    found = [
        (int(owner) + 1, int(row.argmax()) + 1, round(4 * float(y)) + 1)
        for x, ys, owners in (
            (loaded.x_train, loaded.y_train, loaded.owner_train), (loaded.x_test, loaded.y_test, loaded.owner_test)
        )
        for row, y, owner in zip(x, ys, owners, strict=True)
    ]  # fmt: skip
    assert sorted(found) == sorted(map(tuple, kept[:, :3].tolist()))
    assert (loaded.x_train.sum(1) == 1).all()
    data.load("movielens")
    assert len(asked) == 1 and (home / "ml-100k.zip").exists()


def test_a_users_ratings_are_one_client(grouplens):
    loaded = data.load("movielens")
    federation = data.split(loaded, how="natural")
    assert federation.clients == 30 and int(federation.sizes.sum()) == len(loaded.x_train)
    x, y = federation.client(4)
    mine = loaded.owner_train == 4
    assert torch.equal(x, loaded.x_train[mine]) and torch.equal(y, loaded.y_train[mine])
    with pytest.raises(ValueError, match="number of owners, 30"):
        data.split(loaded, 29, how="natural")
    with pytest.raises(ValueError, match="name no owner"):
        data.split(data.load("digits"), how="natural")


def test_films_can_be_chosen_by_title(grouplens):
    table, titles, *_ = grouplens
    loaded = data.load("movielens", features=["Été (1996)", titles[2]])
    assert len(loaded.x_train) + len(loaded.x_test) == np.isin(table[:, 1], [240, 3]).sum()
    with pytest.raises(ValueError, match="features must be one of"):
        data.load("movielens", features=["No such film"])


def test_a_file_with_another_sum_is_refused_and_not_kept(grouplens, monkeypatch):
    *_, home = grouplens
    monkeypatch.setattr(sources, "_MOVIELENS", (sources._MOVIELENS[0], "0" * 32))
    with pytest.raises(ValueError, match="MD5"):
        data.load("movielens")
    assert not list(home.glob("ml-100k*"))
    (home / "ml-100k.zip").write_bytes(b"damaged")  # what an earlier copy left behind
    with pytest.raises(ValueError, match="MD5"):
        data.load("movielens")
    assert not list(home.glob("ml-100k*"))
