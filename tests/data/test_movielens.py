"""movielens: read where the package recbole keeps it, on files made here and on the real ones."""

import os
import sys

import numpy as np
import pytest
import torch

from fldp_lib import data
from fldp_lib.data import movielens

USERS, MANY = 30, 340
REAL = movielens.folder() is not None or bool(os.environ.get("FLDP_REQUIRE_PEERS"))
real = pytest.mark.skipif(not REAL, reason="recbole is not installed")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package of recbole's name, whose import fails, with files of its format; the table and the titles in them."""
    rng = np.random.default_rng(1)
    pairs = np.array([(u, f) for u in range(1, USERS + 1) for f in rng.choice(MANY, 20, replace=False) + 1])
    pairs = pairs[rng.permutation(len(pairs))]
    rows = np.column_stack([pairs, rng.integers(1, 6, len(pairs)), 880_000_000 + np.arange(len(pairs))])
    titles = [f"Film {k}" for k in range(1, MANY)] + ["Été"]
    titles[9] = "Film 3"  # in the catalogue twice
    place = tmp_path / "recbole" / movielens.FOLDER
    place.mkdir(parents=True)
    (tmp_path / "recbole" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    (place / "ml-100k.inter").write_text(head + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    items = "".join(f"{k}\t{title}\t1995\tDrama Thriller\n" for k, title in enumerate(titles, 1))
    head = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    (place / "ml-100k.item").write_text(head + items, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(movielens, "SHAPE", (len(rows), USERS, MANY))
    return rows, place


def told(dataset):
    """All records of both parts: (user, film, stars), counted from 1."""
    parts = (dataset.x_train, dataset.y_train, dataset.owner_train), (dataset.x_test, dataset.y_test, dataset.owner_test)
    for x, y, owner in parts:
        assert bool((x.sum(1) == 1).all())
        for row, stars, user in zip(x, y, owner, strict=True):
            yield int(user) + 1, int(row.argmax()) + 1, round(4 * float(stars)) + 1


def test_every_rating_stands_where_the_files_have_it(shelf):
    rows, _ = shelf
    loaded = data.load("movielens")
    assert len(loaded.features) == movielens.FILMS and loaded.features[0] == "Film 1 (1995)"
    assert sorted(told(loaded)) == sorted(map(tuple, rows[rows[:, 1] <= movielens.FILMS, :3].tolist()))
    assert "recbole" not in sys.modules and "Harper" in loaded.source and "commercial" in loaded.source


def test_a_users_ratings_are_one_client(shelf):
    loaded = data.load("movielens")
    federation = data.split(loaded, how="natural")
    assert federation.clients == USERS and int(federation.sizes.sum()) == len(loaded.x_train)
    x, y = federation.client(4)
    mine = loaded.owner_train == 4
    assert torch.equal(x, loaded.x_train[mine]) and torch.equal(y, loaded.y_train[mine])
    with pytest.raises(ValueError, match="number of owners, 30"):
        data.split(loaded, 29, how="natural")
    with pytest.raises(ValueError, match="name no owner"):
        data.split(data.load("digits"), how="natural")


def test_films_can_be_chosen_by_title_and_the_second_of_a_name_is_its_own(shelf):
    rows, _ = shelf
    loaded = data.load("movielens", features=["Été (1995)", "Film 3 (1995) [10]", "Film 3 (1995)"])
    counts = [int(loaded.x_train[:, k].sum() + loaded.x_test[:, k].sum()) for k in range(3)]
    assert counts == [int((rows[:, 1] == film).sum()) for film in (MANY, 10, 3)]
    with pytest.raises(ValueError, match="features must be one of"):
        data.load("movielens", features=["No such film"])


def test_owners_keep_their_numbers_where_not_everybody_has_seen_the_film(shelf):
    rows, _ = shelf
    loaded = data.load("movielens", features=["Film 5 (1995)", "Film 6 (1995)"])
    owners = torch.cat([loaded.owner_train, loaded.owner_test]) + 1
    assert sorted(owners.tolist()) == sorted(rows[np.isin(rows[:, 1], [5, 6]), 0].tolist())


def test_other_files_are_refused(shelf):
    _, place = shelf
    text = (place / "ml-100k.inter").read_text()
    for damaged in (text.rsplit("\n", 2)[0], text.replace("\t5\t88", "\t6\t88", 1)):
        (place / "ml-100k.inter").write_text(damaged)
        with pytest.raises(ValueError, match="ratings, users and films"):
            data.load("movielens")


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(movielens, "PACKAGE", "recbole_that_is_nowhere")
    with pytest.raises(OSError, match=r"pip install --no-deps recbole .*generators\.ratings") as info:
        data.load("movielens")
    assert "\n" not in str(info.value)


@real
def test_the_real_set_is_whole_and_recbole_is_not_imported():
    titles, rows = movielens.table()
    assert len(titles) == len(set(titles)) == 1_682 and titles[0] == "Toy Story (1995)"
    assert np.bincount(rows[:, 2]).tolist() == [0, 6_110, 11_370, 27_145, 34_174, 21_201]
    loaded = data.load("movielens")
    owners = torch.cat([loaded.owner_train, loaded.owner_test])
    assert owners.unique().tolist() == list(range(943)) and int(torch.bincount(owners).min()) == 2
    assert "recbole" not in sys.modules
