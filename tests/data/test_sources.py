"""sources: the online sets on files in their real format, made here; what is wrong is refused and not kept."""

import gzip
import hashlib
import io
import json
import urllib.error
import zipfile

import numpy as np
import pytest
import sklearn.datasets
import torch

from fldp_lib import data
from fldp_lib.data import sources

NOMINAL = {
    "checking_status": ["'<0'", "'0<=X<200'", "'>=200'", "'no checking'"],
    "credit_history": ["'no credits/all paid'", "'all paid'", "'existing paid'", "'delayed previously'"],
    "purpose": ["'new car'", "'used car'", "furniture/equipment", "radio/tv"],
    "savings_status": ["'<100'", "'100<=X<500'", "'no known savings'"],
    "employment": ["unemployed", "'<1'", "'1<=X<4'"],
    "personal_status": ["'male div/sep'", "'female div/dep/mar'", "'male single'"],
    "other_parties": ["none", "'co applicant'", "guarantor"],
    "property_magnitude": ["'real estate'", "'life insurance'", "car"],
    "other_payment_plans": ["bank", "stores", "none"],
    "housing": ["rent", "own", "'for free'"],
    "job": ["'unskilled resident'", "skilled"],
    "own_telephone": ["none", "yes"],
    "foreign_worker": ["yes", "no"],
}
ORDER = ["checking_status", "duration", "credit_history", "purpose", "credit_amount", "savings_status", "employment",
         "installment_commitment", "personal_status", "other_parties", "residence_since", "property_magnitude", "age",
         "other_payment_plans", "housing", "existing_credits", "job", "num_dependents", "own_telephone",
         "foreign_worker"]  # fmt: skip


def german(bad=300, rows=1_000, gap=False):
    """An ARFF file with the header of credit-g and random rows."""
    rng = np.random.default_rng(0)
    lines = ["@relation german_credit"]
    lines += [f"@attribute {n} {'{' + ', '.join(NOMINAL[n]) + '}' if n in NOMINAL else 'real'}" for n in ORDER]
    lines += ["@attribute class {good, bad}", "@data"]
    for row in range(rows):
        cells = []
        for name in ORDER:
            if name in NOMINAL:
                cells.append(NOMINAL[name][rng.integers(len(NOMINAL[name]))])
            else:
                low, high = sources._GERMAN[name]
                cells.append("?" if gap and row == 5 and name == "age" else str(rng.integers(low, high + 1)))
        lines.append(",".join([*cells, "bad" if row < bad else "good"]))
    return "\n".join(lines).encode()


class Web:
    """Answers requests for OpenML's file 31 and counts them; without a file there is no connection."""

    def __init__(self, arff=None):
        self.arff, self.asked = arff, 0

    def __call__(self, request, *args, **kwargs):
        self.asked += 1
        if self.arff is None:
            raise urllib.error.URLError("no connection")
        url = getattr(request, "full_url", request)
        if "features" in url:
            feature = [{"index": str(k), "name": n, "data_type": "nominal" if n in NOMINAL else "numeric",
                        "is_target": "false", "is_ignore": "false", "is_row_identifier": "false",
                        "number_of_missing_values": "0"} for k, n in enumerate(ORDER)]  # fmt: skip
            feature.append(dict(feature[0], index="20", name="class", data_type="nominal", is_target="true"))
            content = json.dumps({"data_features": {"feature": feature}}).encode()
        elif "qualities" in url:
            quality = [{"name": "NumberOfInstances", "value": "1000"}, {"name": "NumberOfFeatures", "value": "21"}]
            content = json.dumps({"data_qualities": {"quality": quality}}).encode()
        elif "download" in url:
            content = self.arff
        else:
            about = {"id": "31", "name": "credit-g", "version": "1", "format": "ARFF", "status": "active", "file_id": "31",
                     "url": "https://www.openml.org/data/v1/download/31/credit-g.arff", "description": "German credit",
                     "default_target_attribute": "class", "md5_checksum": hashlib.md5(self.arff).hexdigest()}  # fmt: skip
            content = json.dumps({"data_set_description": about}).encode()
        answer = io.BytesIO(gzip.compress(content))
        answer.info = lambda: {"Content-Encoding": "gzip"}
        return answer


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def openml(home, monkeypatch):
    def serve(arff=None):
        web = Web(arff)
        monkeypatch.setattr(sklearn.datasets._openml, "urlopen", web)
        return web

    return serve


def test_german_credit_in_its_real_format(openml):
    openml(german())
    loaded = data.load("german_credit")
    columns = 7 + sum(map(len, NOMINAL.values()))
    assert loaded.x_train.shape == (800, columns) and loaded.x_test.shape == (200, columns)
    assert loaded.classes == ("good", "bad") and int(loaded.y_train.sum()) == 240
    assert loaded.x_train.min() >= -1 and loaded.x_train.max() <= 1 and "Hofmann" in loaded.source


def test_german_numbers_and_categories_stand_where_they_should(openml):
    openml(german())
    raw, plain = sources.raw("german_credit"), [line.split(",") for line in german().decode().splitlines()[23:]]
    age = np.array([float(row[ORDER.index("age")]) for row in plain])
    amount = np.array([float(row[ORDER.index("credit_amount")]) for row in plain])
    assert np.array_equal(raw.x[:, raw.features.index("age")], age)
    assert np.allclose(10 ** raw.x[:, raw.features.index("log10 credit_amount")], amount)
    renting = np.array([row[ORDER.index("housing")] == "rent" for row in plain])
    assert np.array_equal(raw.x[:, raw.features.index("housing: rent")], renting)
    assert np.array_equal(raw.y, [row[-1] == "bad" for row in plain])
    for name, categories in NOMINAL.items():  # one indicator each, exactly one of them set
        group = [k for k, feature in enumerate(raw.features) if feature.startswith(f"{name}: ")]
        assert len(group) == len(categories) and (raw.x[:, group].sum(1) == 1).all() and raw.unit[group].all()


def test_german_credit_is_fetched_once(openml):
    web = openml(german())
    first = data.load("german_credit")
    asked = web.asked
    assert asked and torch.equal(data.load("german_credit").x_train, first.x_train) and web.asked == asked


def test_german_columns_can_be_chosen(openml):
    openml(german())
    loaded = data.load("german_credit", features=["age", "housing: own"])
    assert loaded.features == ("age", "housing: own") and loaded.x_train.shape == (800, 2)
    with pytest.raises(ValueError, match="features must be one of"):
        data.load("german_credit", features=["shoe size"])


@pytest.mark.parametrize("wrong", [{"bad": 299}, {"rows": 999}, {"gap": True}])
def test_wrong_german_content_is_refused(openml, wrong):
    openml(german(**wrong))
    with pytest.raises(ValueError, match=r"german_credit must.*delete the folder"):
        data.load("german_credit")


def test_without_a_connection_one_sentence_says_what_to_do(openml, monkeypatch):
    openml(None)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(OSError, match="connect to the internet once and call again, or go on with") as info:
        data.load("german_credit")
    assert "\n" not in str(info.value)
    monkeypatch.setattr("urllib.request.urlopen", Web(None))
    with pytest.raises(OSError, match="needs no connection"):
        data.load("movielens")


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
