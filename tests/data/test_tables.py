"""from_frame and from_csv: every record where it belongs, nothing learnt from the records, every fault by column and row."""

import csv
import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fldp_lib import Plan, data, models, train
from fldp_lib.data import _dealt

KINDS = ["a", "b", "c"]
pytestmark = pytest.mark.filterwarnings("ignore:column .* of its records beyond its bounds")
RULES = dict(client="who", target="y", bounds={"age": (18, 90), "pay": (10, 1000)}, levels={"kind": KINDS}, log=["pay"],
             classes=["no", "yes"], ignore=["note"])  # fmt: skip


def table(n=24, clients=6, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "note": ["as said, yes"] * n,
        "who": (rng.permutation(n) % clients).tolist(),
        "age": rng.uniform(10, 100, n).tolist(),  # some beyond the bounds
        "kind": rng.choice(KINDS, n).tolist(),
        "pay": np.exp(rng.uniform(1, 8, n)).tolist(),
        "y": rng.choice(["no", "yes"], n).tolist(),
    }


def by_hand(record):
    """One record's features, number by number."""
    age = min(max(record["age"], 18), 90)
    pay = math.log10(min(max(record["pay"], 10), 1000))  # 1 … 3
    return [(age - 54) / 36, *(float(record["kind"] == kind) for kind in KINDS), pay - 2]


def written(columns, path, delimiter=",", **settings):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return data.from_csv(path, delimiter=delimiter, **RULES | settings)


class Frame:
    """What a pandas DataFrame answers to the questions that from_frame asks, columns of one name included."""

    def __init__(self, names, columns):
        self.columns, self.kept, self.iloc = names, columns, self

    def __getitem__(self, place):
        assert place[0] == slice(None)
        return np.array(self.kept[place[1]])


def same(one, other):
    parts = ("x", "y", "mask", "x_test", "y_test")
    assert all(torch.equal(getattr(one, part), getattr(other, part)) for part in parts) and one.task == other.task
    assert np.array_equal(one.owners, other.owners)


# What becomes of a record -----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 40), st.integers(2, 8), st.integers(0, 99), st.sampled_from(["clients", "records"]),
    st.floats(0.01, 0.99),
)  # fmt: skip
def test_every_record_is_where_its_client_is(n, clients, seed, test, share):
    n = max(n, 2 * clients)
    columns = table(n, clients, seed)
    try:
        fed = data.from_frame(columns, test=test, test_share=share, seed=seed, **RULES)
    except ValueError as error:
        assert test == "clients" and "test_share must hold out one client at least" in str(error)
        return
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    ids = list(range(fed.clients)) if fed.owners is None else fed.owners.tolist()
    left = [(*by_hand(record), record["y"] == "yes") for record in records]
    for k, who in enumerate(ids):
        x, y = fed.client(k)
        own = [by_hand(record) for record in records if record["who"] == who]
        held = math.ceil(share * len(own))
        assert len(x) == (len(own) if test == "clients" else len(own) - min(held, len(own) - 1))
        for row, target in zip(x.tolist(), y.tolist(), strict=True):
            near = [r for r in left if np.allclose(r[:-1], row, atol=1e-6) and r[-1] == target and list(r[:-1]) in own]
            left.remove(near[0])  # each record once
    assert sorted(map(tuple, np.round(fed.x_test.tolist(), 4))) == sorted(tuple(np.round(r[:-1], 4)) for r in left)
    if test == "clients":
        assert len({record["who"] for record in records}) == clients and 0 < fed.clients < clients


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 99), st.sampled_from(["clients", "records"]), st.sampled_from([None, 2]), st.integers(0, 11),
    st.sampled_from(["{}", "P{:02d}"]),
)  # fmt: skip
def test_whoever_leaves_the_file_moves_nobody_else(seed, test, most, one, form):
    """So the guarantee is the file's: its neighbours are dealt to federations that are neighbours."""
    whole = table(60, 12, seed)
    whole["who"] = [form.format(who) for who in whole["who"]]
    rows = [row for row, who in enumerate(whole["who"]) if who != form.format(one)]
    without = {name: [column[row] for row in rows] for name, column in whole.items()}
    rules = RULES | dict(test=test, most=most, seed=seed, test_share=0.4)
    try:
        both = [data.from_frame(columns, **rules) for columns in (whole, without)]
    except ValueError as error:
        assert "test_share must" in str(error)
        return
    gone = int(form.format(one)) if form == "{}" else form.format(one)
    found = [
        {
            who: fed.client(k)
            for k, who in enumerate(range(fed.clients) if fed.owners is None else fed.owners.tolist())
            if who != gone
        }
        for fed in both
    ]
    assert found[0].keys() == found[1].keys()
    for who in found[0]:
        assert all(torch.equal(mine, same) for mine, same in zip(found[0][who], found[1][who], strict=True))
    if test == "clients":
        assert len(both[0].x_test) - len(both[1].x_test) == (0 if both[0].clients > both[1].clients else 5)


def test_each_client_is_held_out_with_the_share_as_its_probability():
    """20,000 ids under three seeds: each count within 4.5 standard deviations, a false alarm once in 50,000 runs."""
    for seed, share in ((0, 0.2), (1, 0.5), (2, 0.03)):
        out = (~_dealt.clients(range(20_000), share, seed)).sum()
        assert abs(out - 20_000 * share) < 4.5 * math.sqrt(20_000 * share * (1 - share))
    first, second = (_dealt.clients(range(20_000), 0.5, seed) for seed in (3, 4))
    assert abs((first == second).mean() - 0.5) < 4.5 / math.sqrt(4 * 20_000)  # another seed, another choice


def test_each_record_is_held_out_as_often_as_another():
    """2,000 clients of five records, two of them out: 800 at each place, within 4.5 deviations of a fair draw."""
    number = np.tile(np.arange(2000), 5)
    stay = _dealt.records(range(2000), number, np.full(2000, 2), 0, "test").reshape(5, 2000)
    assert (stay.sum(0) == 3).all()
    assert (abs((~stay).sum(1) - 800) < 4.5 * math.sqrt(2000 * 0.4 * 0.6)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.sampled_from(["clients", "records"]), st.integers(0, 5))
def test_no_client_learns_anything_from_another_ones_values(seed, test, one):
    """Nothing is a statistic of the records: whatever one client's values are, all other rows stay as they are."""
    before, rng = table(seed=seed), np.random.default_rng(seed)
    after = {name: list(column) for name, column in before.items()}
    for row in (row for row, who in enumerate(before["who"]) if who == one):
        after["age"][row], after["pay"][row] = rng.uniform(-1e9, 1e9), rng.uniform(0, 1e9)
        after["kind"][row], after["y"][row] = rng.choice(KINDS), rng.choice(["no", "yes"])
    first, second = (data.from_frame(columns, test=test, **RULES) for columns in (before, after))
    ids = np.arange(first.clients) if first.owners is None else first.owners
    others = torch.from_numpy(ids != one)
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.x[others], second.x[others]) and torch.equal(first.y[others], second.y[others])
    if test == "clients":  # nor does anybody's record stand on both sides
        assert (first.x_test == second.x_test).all() or one not in ids


def test_the_order_of_lines_decides_nothing_where_whole_clients_are_held_out():
    columns, order = table(), np.random.default_rng(1).permutation(24)
    mixed = {name: [column[row] for row in order] for name, column in columns.items()}
    first, second = data.from_frame(columns, **RULES), data.from_frame(mixed, **RULES)
    assert np.array_equal(first.owners, second.owners) and torch.equal(first.sizes, second.sizes)
    assert torch.allclose(first.x.sum(1), second.x.sum(1), atol=1e-5)


def test_a_file_a_frame_and_a_dict_are_one(tmp_path):
    columns = table()
    fed = data.from_frame(columns, **RULES)
    same(fed, data.from_frame(Frame(list(columns), list(columns.values())), **RULES))
    same(fed, written(columns, tmp_path / "mine.csv"))
    for delimiter in ";\t":
        same(fed, written(columns, tmp_path / "mine.csv", delimiter))
    text = (tmp_path / "mine.csv").read_text()
    (tmp_path / "mine.csv").write_text("\ufeff" + text.replace("\t", "\t  ") + "\n\n", encoding="utf-8")
    same(fed, data.from_csv(tmp_path / "mine.csv", delimiter="\t", **RULES))


def test_a_data_frame_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table())
    same(data.from_frame(table(), **RULES), data.from_frame(frame.set_index(frame.index[::-1]), **RULES))
    frame.loc[3, "age"] = pandas.NA
    with pytest.raises(ValueError, match=r"row 3 has .*nothing there"):
        data.from_frame(frame, **RULES)


def test_ids_that_are_written_as_numbers_are_numbers_and_others_stay_text(tmp_path):
    columns = table(clients=12)
    assert written(columns, tmp_path / "a.csv").owners.dtype == np.int64
    columns["who"] = [f"{who:02d}" for who in columns["who"]]  # "07" is another id than "7"
    assert written(columns, tmp_path / "a.csv").owners.dtype.kind == "U"
    columns["who"] = [float(who) for who in table()["who"]]  # as pandas has them once one was missing
    same(data.from_frame(table(), **RULES), data.from_frame(columns, **RULES))


def test_a_regressions_target_is_scaled_by_its_bounds():
    columns = table()
    columns["y"] = [float(row * 10) for row in range(24)]
    rules = RULES | {"classes": None, "bounds": {**RULES["bounds"], "y": (0, 100)}}
    fed = data.from_frame(columns, **rules)
    assert fed.task == "regression"
    found = sorted([*fed.pooled()[1].tolist(), *fed.y_test.tolist()])
    assert np.allclose(found, sorted(min(row / 10, 1) for row in range(24)))


def test_at_most_so_many_records_a_client_are_kept():
    fed = data.from_frame(table(60), most=3, **RULES)
    assert set(fed.sizes.tolist()) == {3}


def test_from_a_file_to_a_guarantee(tmp_path):
    fed = written(table(200, 100), tmp_path / "mine.csv")
    plan = Plan(rounds=2, delta=1e-3).calibrated(epsilon=1.0)
    history = train(models.Linear(5, 1), fed, plan, progress=False)
    assert 60 < fed.clients < 97 and len(fed.x_test) == 2 * (100 - fed.clients) and history.guarantee.startswith("(1")


# What is refused --------------------------------------------------------------------------------------------------------

FAULTS = {  # column, value: what the message must say beside column and row
    "a hole": ("age", "", "finite numbers.*nothing there"),
    "None": ("age", None, "nothing there"),
    "NaN": ("age", math.nan, "nothing there"),
    "NA": ("pay", "NA", "nothing there"),
    "infinite": ("age", math.inf, "finite numbers"),
    "infinite text": ("age", "-inf", "finite numbers"),
    "text": ("age", "forty", "finite numbers.*'forty'"),
    "a unit": ("pay", "12 kg", "finite numbers"),
    "a comma": ("pay", "12,5", "with a point"),
    "an underscore": ("pay", "1_000", "finite numbers"),
    "true": ("age", True, "finite numbers"),
    "too large": ("age", 10**400, "finite numbers"),
    "unknown level": ("kind", "d", r"levels\['kind'\] lists, \['a', 'b', 'c'\].*'d'"),
    "no level": ("kind", None, "nothing there"),
    "unknown class": ("y", "perhaps", "classes lists.*'perhaps'"),
    "no class": ("y", "", "nothing there"),
    "a fraction as class": ("y", 0.5, "classes lists"),
    "no id": ("who", None, "client's id.*nothing there"),
    "id is NaN": ("who", math.nan, "client's id"),
    "id is a fraction": ("who", 1.5, "client's id"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_value_at_fault_is_named_by_column_and_row(fault, tmp_path):
    name, value, said = FAULTS[fault]
    columns = table()
    columns[name][7] = value
    with pytest.raises(ValueError, match=rf"column '{name}' must hold .*{said}") as error:
        data.from_frame(columns, **RULES)
    assert "row 7 has" in str(error.value)
    if isinstance(value, str):  # in a file: the line that an editor shows
        with pytest.raises(ValueError, match=r"line 9 has") as error:
            written(columns, tmp_path / "mine.csv")


def test_the_line_is_the_editors_also_below_a_cell_of_two_lines(tmp_path):
    columns = table()
    columns["note"][0], columns["age"][7] = "two\nlines", "forty"
    with pytest.raises(ValueError, match="line 10 has 'forty'"):
        written(columns, tmp_path / "mine.csv")


def test_a_column_without_public_bounds_is_refused_and_told_why():
    for missing, argument in (("age", "bounds"), ("kind", "levels")):
        rules = RULES | {argument: {k: v for k, v in RULES[argument].items() if k != missing}}
        with pytest.raises(ValueError, match=f"got nothing for {missing}.*before anybody looks.*no ε"):
            data.from_frame(table(), **rules)
    with pytest.raises(ValueError, match=r"nothing for y \(the target; a classification has classes\)"):
        data.from_frame(table(), **RULES | {"classes": None})
    with pytest.raises(TypeError, match="no ε of the training pays for"):
        data.from_frame(table(), **RULES | {"bounds": "auto"})


def test_clients_too_few_for_a_test_are_refused():
    single = table(12, 12)
    assert 0 < data.from_frame(single, **RULES).clients < 12
    for share in (1e-9, 1 - 1e-9):
        with pytest.raises(ValueError, match="test_share must hold out one client at least and leave one"):
            data.from_frame(single, test_share=share, **RULES)
    with pytest.raises(ValueError, match=r"test must be 'clients'.*client 0 has one"):
        data.from_frame(single, test="records", **RULES)
    with pytest.raises(ValueError, match="two clients' ids at least, got the one id 0"):
        data.from_frame(table(12, 1), **RULES)


def test_one_column_has_one_part():
    for more, said in (
        (dict(client="y"), "target must be another column than client's, got 'y'"),
        (dict(ignore=["note", "y"]), "ignore must .*'y'"),
        (dict(ignore=["who"]), "ignore must .*'who'"),
        (dict(ignore=["note", "age"]), "ignore must .*'age'"),
        (dict(ignore=["kind"]), "ignore must .*'kind'"),
    ):
        with pytest.raises(ValueError, match=said):
            data.from_frame(table(), **RULES | more)


@pytest.mark.parametrize(
    ("one", "two"), [("7", "07"), ("ab", "AB"), ("Straße", "STRASSE"), ("7", "7.0"), ("a b", "a  b"), ("é", "e\u0301")]
)
def test_two_spellings_of_one_id_are_refused(one, two):
    """They would be two clients, and their owner's ε twice the one that is told."""
    columns = table()
    columns["who"] = [f"c{who}" for who in columns["who"]]
    columns["who"][2], columns["who"][7] = one, two
    with pytest.raises(
        ValueError, match=r"column 'who' must hold each client's id in one spelling.*\(row 2 has .*row 7 has"
    ):
        data.from_frame(columns, **RULES)


def test_ids_that_floats_merge_are_refused():
    columns = table()
    columns["who"][7] = float(2**53 + 2)
    with pytest.raises(ValueError, match=r"column 'who' must hold ids as text or as integers.*row 7"):
        data.from_frame(columns, **RULES)
    columns["who"][7] = 2**53 + 1  # an integer is itself
    assert 2**53 + 1 in [2**53 + 1, *columns["who"]] and data.from_frame(columns, **RULES).clients > 1


def test_a_tables_holder_is_told_what_share_lies_beyond_the_bounds(tmp_path):
    columns = table(400, 20)
    columns["age"] = [-999.0 if row % 10 == 0 else 40.0 for row in range(400)]
    columns["pay"] = [100.0] * 400
    for read in (lambda: data.from_frame(columns, **RULES), lambda: written(columns, tmp_path / "mine.csv")):
        with pytest.warns(
            UserWarning, match=r"'age' has 10\.0% of its records beyond its bounds, 18 … 90.*not for release"
        ) as all_:
            read()
        assert len(all_) == 1 and all_[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns["age"] = [200.0] * 4 + [40.0] * 396  # 1%, not more
        data.from_frame(columns, **RULES)


def test_columns_of_one_name_are_refused(tmp_path):
    columns = table()
    head = [*columns, "age"]
    with pytest.raises(ValueError, match="different names, got 'age' 2 times"):
        data.from_frame(Frame(head, [*columns.values(), columns["age"]]), **RULES)
    path = tmp_path / "mine.csv"
    path.write_text("who,age,age,y\n1,2,3,no\n")
    with pytest.raises(ValueError, match="different names, got 'age' 2 times"):
        data.from_csv(path, "who", "y", {"age": (0, 1)}, classes=["no", "yes"])


FILES = {
    "empty": (b"", "a line of names"),
    "names only": (b"who,age,y\n", "got 1 lines"),
    "no name": (b"who,,y\n1,2,no\n", "names of text"),
    "a short line": (b"who,age,y\n1,2,no\n1,2\n", "3 cells in every line, but line 3 has 2"),
    "semicolons": (b"who;age;y\n1;2;no\n", "delimiter must be .*';'"),
    "Latin-1": ("who,age,y\n1,2,größer\n".encode("latin-1"), "UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "UTF-8"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_table_is_refused(kind, tmp_path):
    content, said = FILES[kind]
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        data.from_csv(tmp_path / "mine.csv", "who", "y", {"age": (0, 99)}, classes=["no", "yes"])
    with pytest.raises(OSError, match=r"absent\.csv"):
        data.from_csv(tmp_path / "absent.csv", "who", "y", {"age": (0, 99)}, classes=["no", "yes"])


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.lists(st.integers(), max_size=2)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=6))
@example([(1, 2, "a", 0), (2, 3, "b", 1)])
def test_any_table_is_a_federation_or_refused_in_words(rows):
    columns = dict(zip(("who", "age", "kind", "y"), map(list, zip(*rows, strict=True)), strict=True))
    try:
        fed = data.from_frame(columns, "who", "y", {"age": (0, 10)}, {"kind": ["a", "b"]}, classes=[0, 1])
    except ValueError as error:
        assert " must " in str(error)
    else:
        assert fed.x.abs().max() <= 1 and int(fed.sizes.sum()) + len(fed.x_test) == len(rows)


def test_all_three_forms_of_a_level_are_one():
    for one, two in itertools.product([1, 1.0, "1", " 1"], [2, "2"]):
        columns = {"who": [1, 1, 2, 2], "kind": [one, two, one, two], "y": [0, 1, 1, 0]}
        fed = data.from_frame(columns, "who", "y", {}, {"kind": [1, 2]}, classes=["0", "1"], test="records")
        assert fed.clients == 2 and fed.x.sum() == 2
