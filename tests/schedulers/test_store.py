"""The store of a sweep: values come back exactly, and distinct settings are distinct."""

import functools
import math
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedulers import claims, sweep
from schedulers.store import Store, key_of, name_of
from schedulers.values import from_text, to_text
from tests.schedulers import sweep_runs as runs

SIMPLE = (st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9)
          | st.complex_numbers(allow_nan=False))
NAMES = st.text(max_size=4) | st.sampled_from(["$tuple", "$float", "$", "$$array"])
VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple)
                      | st.dictionaries(NAMES, inner, max_size=3), max_leaves=9)


def alike(one, other):
    """Equal in value, type and sign of zero, NaN equal to itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other) or one != one and other != other
    if isinstance(one, complex):
        return alike(one.real, other.real) and alike(one.imag, other.imag)
    return one == other


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_values_come_back_exactly(value):
    assert alike(from_text(to_text(value, "value")), value)


@settings(max_examples=150, deadline=None)
@given(VALUES, VALUES)
def test_texts_are_equal_where_values_are_alike(one, other):
    assert (to_text(one, "one", sort_keys=True) == to_text(other, "other", sort_keys=True)) == alike(one, other)


def test_numbers_that_python_holds_equal_are_told_apart():
    texts = {to_text({"a": value}, "settings") for value in (1, 1.0, True, "1", (1,), [1], 0, 0.0, -0.0, False, None, "")}
    assert len(texts) == 12
    assert to_text({"a": 1, "b": 2}, "", sort_keys=True) == to_text({"b": 2, "a": 1}, "", sort_keys=True)
    for scalar, plain in ((np.float64(0.1), 0.1), (np.int8(3), 3), (np.bool_(True), True), (np.str_("x"), "x"),
                          (np.float32(0.5), 0.5), (np.float32(0.1), float(np.float32(0.1))), (np.complex64(1j), 1j)):
        assert to_text(scalar, "") == to_text(plain, "")
    assert to_text(float("nan"), "") == to_text(-np.float32("nan"), "")


@pytest.mark.parametrize("dtype", ["?", "u1", "<i8", ">f4", "f8", "c8", "U3"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 1), (2, 3)])
def test_arrays_come_back_exactly(dtype, shape):
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    for one in (array, array.copy(order="F")):
        found = from_text(to_text({"array": one}, "returned"))["array"]
        assert found.dtype == array.dtype and found.shape == shape and np.array_equal(found, array) and found.flags.writeable


@pytest.mark.parametrize("value", [object(), {1: 2}, {1, 2}, np.array([object()]), np.longdouble(1), np.datetime64("2020-01-01"),
                                   len])
def test_what_has_no_text_is_refused(value):
    with pytest.raises(TypeError, match=r"returned\['a'\]\[1\] must be made of None, bool, numbers"):
        to_text({"a": [0, value]}, "returned")


def test_rows_are_kept_by_function_and_settings(tmp_path):
    path = tmp_path / "sweep.sqlite"
    with Store(path, runs.product) as store:
        key = store.key({"a": 1, "b": 2})
        assert key == store.key({"b": np.int64(2), "a": 1}) != store.key({"a": 1.0, "b": 2})
        store.add(key, "{}", None)
        store.add(key, "other", "error")  # the first stays
        assert store.finished() == {key[0]: ("{}", None)}
        with sqlite3.connect(path) as reader:  # committed
            assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert reader.execute("SELECT settings, returned, error FROM runs").fetchall() == [('{"a":1,"b":2}', "{}", None)]
        reader.close()
    with Store(path, runs.drawn) as other:
        assert other.finished() == {}
    with Store(path, functools.partial(runs.product, b=1)) as bound:
        assert bound.finished() == {}
    with Store(path, runs.product) as again:
        assert len(again.finished()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["sweep.sqlite"]


def test_names_of_functions(tmp_path):
    class Call:
        def __call__(self):
            return {}

    assert name_of(runs.product) == "sweep_runs.product" and name_of(Call()).endswith("Call")
    script = tmp_path / "my_sweep.py"
    script.write_text("from schedulers.store import name_of\ndef run(): pass\nprint(name_of(run))")
    assert subprocess.run([sys.executable, script], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(sys.path)}).stdout == "my_sweep.run\n"


class Scaled:
    """A function that is an object, and one that is bound to it."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, a):
        return {"score": a * self.factor}

    method = __call__


def lambdas():
    return [lambda a: {"score": a + 1}, lambda a: {"score": a + 2}]


def test_functions_are_told_apart_by_code_and_by_what_they_are_bound_to(tmp_path):
    functions = [*lambdas(), Scaled(2), Scaled(3), Scaled(2).method, Scaled(3).method,
                 *(functools.partial(runs.product, b=b) for b in (2, 3))]
    assert len({key_of(function) for function in functions}) == len(functions)
    assert [key_of(function) for function in lambdas()] == [key_of(function) for function in lambdas()]
    assert key_of(Scaled(2)) == key_of(Scaled(2))
    for function in functions:
        row, = sweep(function, {"a": [10]}, store=tmp_path / "sweep.sqlite", executor="threads", progress=False)
        assert row["score"] == function(a=10)["score"]


def cached_number(second):
    """An object of one of two classes that differ in the body of a cached property alone."""
    if second:
        class Made:
            @functools.cached_property
            def number(self):
                return 2

            def __call__(self, a):
                return {"score": a * self.number}
    else:
        class Made:
            @functools.cached_property
            def number(self):
                return 1

            def __call__(self, a):
                return {"score": a * self.number}
    return Made()


class Slotted:
    """A function that is an object without a dict of its own."""

    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, a):
        return {"score": a * self.factor}


@pytest.mark.parametrize("one, other", [
    [functools.partial(runs.product, b="x" * 500 + end) for end in "yz"],
    [functools.partial(runs.product, b=b"x" * 500 + end) for end in (b"y", b"z")],
    [functools.partial(runs.product, b=["x" * 500, end]) for end in "yz"],
    [functools.cache(function) for function in lambdas()],
    [eval("lambda a: {'score': a * factor}", {"factor": factor, "__name__": __name__}) for factor in (2, 3)],
    [cached_number(second) for second in (False, True)],
    [Slotted(factor) for factor in (2, 3)],
    [functools.partial(runs.product, b={"x", end}) for end in "yz"],
], ids=["texts", "bytes", "lists", "behind a cache", "a global", "a cached property", "slots", "sets"])
def test_functions_are_told_apart_wherever_they_differ(one, other):
    assert key_of(one) != key_of(other)
    assert key_of(one) == key_of(one) and key_of(other) == key_of(other)


def test_an_error_whose_text_no_encoding_takes_is_a_row(tmp_path):
    def run(a):
        raise OSError(f"no file {os.fsdecode(bytes([255]))}{a}")

    for store in (None, tmp_path / "sweep.sqlite", tmp_path / "sweep.sqlite"):
        rows = sweep(run, {"a": [1, 2]}, store=store, executor="threads", progress=False).rows
        assert [row["error"].splitlines()[-1] for row in rows] == [f"OSError: no file \\udcff{a}" for a in (1, 2)]


def test_a_damaged_store_is_said_to_be(tmp_path):
    path = tmp_path / "sweep.sqlite"
    sweep(runs.product, {"a": range(1, 60)}, store=path, executor="threads", progress=False)
    whole = path.read_bytes()
    for place in range(100, len(whole) - 64, 997):
        path.write_bytes(whole[:place] + bytes(64) + whole[place + 64:])
        try:
            with Store(path, runs.product) as store:
                store.finished()
                store.add(store.key({"a": 0}), "{}", None)
        except ValueError as error:
            assert str(path) in str(error)
    path.write_bytes(whole)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET returned = 'nothing' WHERE json_extract(settings, '$.a') = 7")
    connection.close()
    with pytest.raises(ValueError, match="holds a run whose text cannot be read .*DELETE FROM runs"):
        sweep(runs.product, {"a": range(1, 60)}, store=path, executor="threads", progress=False)


def test_a_locked_store_is_said_to_be(tmp_path, monkeypatch):
    path = tmp_path / "sweep.sqlite"
    monkeypatch.setattr("schedulers.store.PATIENCE", 0.05)
    with Store(path, runs.product) as store, sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RuntimeError, match="cannot be used now .*locked"):
            store.add(store.key({"a": 1}), "{}", None)
        other.rollback()
        store.add(store.key({"a": 1}), "{}", None)
    other.close()


def test_a_run_is_begun_by_one_sweep_alone(tmp_path, monkeypatch):
    path = tmp_path / "sweep.sqlite"
    with Store(path, runs.product) as one, Store(path, runs.product) as two:
        key, again = one.key({"a": 1}), two.key({"a": 2})
        assert one.claim(key) and one.claim(key) and not two.claim(key) and two.claim(again) and not one.claim(again)
        one.add(key, "{}", None)
        assert two.outcome(key) == ("{}", None) and two.outcome(again) is None
        monkeypatch.setattr(claims, "LEASE", -1.0)  # not renewed for longer than that
        assert one.claim(again) and two.claim(again)
        monkeypatch.setattr(claims, "LEASE", 100.0)
        monkeypatch.setattr(claims, "RENEWAL", 0.0)
        two.keep_claims()
        with sqlite3.connect(path) as reader:
            (renewed, process), = reader.execute("SELECT renewed, process FROM begun")
            assert abs(renewed - time.time()) < 5 and process == os.getpid()
            reader.execute("UPDATE begun SET process = 2147483647")  # a process that is gone
        reader.close()
        assert one.claim(again)
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT count(*) FROM begun").fetchone() == (0,)
    reader.close()


def test_files_that_are_no_store_are_refused(tmp_path):
    text, table = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("not a database, " * 100)
    with sqlite3.connect(table) as connection:
        connection.execute("CREATE TABLE runs (distance REAL)")
    connection.close()
    for path, word in ((text, "not a database"), (table, "no such column"), (tmp_path, "is a folder"),
                       (tmp_path / "none" / "sweep.sqlite", "no folder")):
        with pytest.raises(ValueError, match=word) as caught:
            Store(path, runs.product)
        assert str(path) in str(caught.value)
    with pytest.raises(TypeError, match="store must be the path of an SQLite file, but is 3"):
        Store(3, runs.product)
    assert text.read_text().startswith("not a database")
    with pytest.raises(TypeError, match="a setting"):
        runs.sweep(runs.product, {"a": [len]}, store=tmp_path / "sweep.sqlite")


def test_many_open_and_write_at_once(tmp_path):
    def write(k):
        with Store(tmp_path / "sweep.sqlite", runs.product) as store:
            for i in range(20):
                store.add(store.key({"k": k, "i": i}), "{}", None)
                store.add(store.key({"i": i}), "{}", None)

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(write, range(8)))
    with Store(tmp_path / "sweep.sqlite", runs.product) as store:
        assert len(store.finished()) == 8 * 20 + 20
