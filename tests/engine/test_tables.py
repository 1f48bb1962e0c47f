"""Tables as people write them: what is read, what is refused, and the line that is named."""

import gzip
import os
import re
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.command.tables.data import Choices, read_data, read_features
from engine.command.tables.read_table import read_table
from engine.command.tables.table import Reading

M = 12
X = np.stack([np.arange(M) + 0.5, np.arange(M) * 3 % 7 - 2.0], axis=1)
Y = np.arange(M) / 8
LINES = [[f"{a}", f"{int(b)}", f"{y}"] for (a, b), y in zip(X, Y)]


def table(separator=",", names="a,b,y", lines=LINES, end="\n", decimal=".", last=True):
    """A table as text."""
    rows = [names.split(","), *([cell.replace(".", decimal) for cell in line] for line in lines)]
    return end.join(separator.join(row) for row in rows) + (end if last else "")


def changed(row, column, cell):
    """The lines with another cell."""
    lines = [list(line) for line in LINES]
    lines[row][column] = cell
    return lines


READ = {  # the file's bytes or text, how it is read
    "plain": (table(), {}),
    "no line break at the end": (table(last=False), {}),
    "line breaks of Windows": (table(end="\r\n"), {}),
    "line breaks of old Macs": (table(end="\r"), {}),
    "line breaks of both kinds": (table().replace("\n", "\r\n", 3), {}),
    "a byte-order mark": ("\ufeff" + table(), {}),
    "a byte-order mark before a quoted name": ("\ufeff" + table(names='"a",b,y'), {}),
    "UTF-16 with its mark": (table().encode("utf-16"), {}),
    "UTF-16, big-endian, with its mark": (b"\xfe\xff" + table().encode("utf-16-be"), {}),
    "UTF-32 with its mark": (table().encode("utf-32"), {}),
    "UTF-16 without a mark": (table().encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "semicolons": (table(";"), {}),
    "tabs": (table("\t"), {}),
    "pipes": (table("|"), {}),
    "spaces": (table("  "), {}),
    "spaces, numbers in line": ("".join(f"{a:>8}{b:>8}{c:>8}\n" for a, b, c in [["a", "b", "y"], *LINES]), {}),
    "another sign": (table(":"), {"separator": ":"}),
    "a separator by name": (table(";"), {"separator": "semicolon"}),
    "decimal commas": (table(";", decimal=","), {}),
    "decimal commas and tabs": (table("\t", decimal=","), {}),
    "decimal commas by name": (table(";", decimal=","), {"decimal": "comma"}),
    "commas in names that tabs part": (
        "a\tb\ty\tz, in m, about\n" + table("\t", lines=[[*line, "1"] for line in LINES]).split("\n", 1)[1], {}),
    "every cell in quotes": ("\n".join(",".join(f'"{cell}"' for cell in row) for row in [["a", "b", "y"], *LINES]), {}),
    "spaces around cells": (table(" , "), {}),
    "spaces before quotes": (table().replace("0.5,", ' "0.5",', 1), {}),
    "names with spaces around them": (table(names=" a ,b , y"), {}),
    "an empty line first": ("\n\n" + table(), {}),
    "empty lines between": (table().replace("\n", "\n\n  \n", 3), {}),
    "empty lines at the end": (table() + "\n\n \n", {}),
    "lines of empty cells at the end": (table() + ",,\n,,\n", {}),
    "a comma at the end of each line": (table(end=",\n"), {}),
    "a comma at the end of each line but the first": (table(end=",\n").replace("y,\n", "y\n"), {}),
    "a column without a name or a cell": (table(names="a,,b,y", lines=[[a, "", b, y] for a, b, y in LINES]), {}),
    "what Excel writes first": ("sep=;\n" + table(";"), {}),
    "the end of a file of DOS": (table() + "\x1a", {}),
    "numbers with exponents": (table(lines=changed(0, 0, "5.0E-1")), {}),
    "numbers with signs": (table(lines=changed(0, 0, "+0.5")), {}),
    "numbers without a leading zero": (table(lines=changed(0, 0, ".5")), {}),
    "other column order": (table(names="b,a,y", lines=[[b, a, y] for a, b, y in LINES]), {}),
    "a first line longer than 64 KiB": (table(names=f"a,b,y,{'z' * 70000}", lines=[[*line, "7"] for line in LINES]), {}),
}


@pytest.mark.parametrize("name", READ)
def test_tables_are_read(name, tmp_path):
    content, reading = READ[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = read_table(str(path), Reading(**reading))
    assert np.array_equal(found.numbers("a"), X[:, 0])
    assert np.array_equal(found.numbers("b"), X[:, 1])
    assert np.array_equal(found.numbers("y"), Y)


REFUSED = {  # the file, what is said about it beside its name, choices
    "an empty cell": (table(lines=changed(4, 1, "")), r"line 6: column 'b'.*missing \(empty\)", {}),
    "an empty target": (table(lines=changed(4, 2, "")), r"line 6: column 'y'.*missing \(empty\)", {}),
    "NA for a target": (table(lines=changed(4, 2, "NA")), r"line 6: column 'y'.*missing \('NA'\)", {}),
    "? for a target": (table(lines=changed(4, 2, " ? ")), r"line 6: column 'y'.*missing \('\?'\)", {}),
    "nan for a target": (table(lines=changed(4, 2, "nan")), r"line 6: column 'y'.*missing", {}),
    "NULL in a column of text": (table(names="a,y,b", lines=[["1", "up", b] for _, b, _ in LINES[:5]] + [["1", "NULL", "2"]]),
                                 r"line 7: column 'y'.*'NULL'", {}),
    "a dash for a target": (table(lines=changed(4, 2, "-")), r"line 6: the target 'y' holds numbers, but here '-'", {}),
    "a point for a target": (table(lines=changed(4, 2, ".")), r"line 6: the target 'y' holds numbers, but here '\.'", {}),
    "several missing cells": (table(lines=[*LINES, ["1", "", "2"], ["1", "", "2"]]), r"line 14: column 'b'.*in 1 more", {}),
    "a missing cell behind empty lines": (table().replace("\n", "\n\n\n", 2) + "1,,2\n", r"line 18: column 'b'", {}),
    "a missing cell behind line breaks in quotes": ('t,b,y\n"one\n\ntwo",1,2\n"x",,3\n', r"line 5: column 'b'", {"drop": "t"}),
    "an infinity": (table(lines=changed(4, 1, "inf")), r"line 6: column 'b' must be finite, but is 'inf'", {}),
    "a number beyond float64": (table(lines=changed(4, 1, "1e400")), r"line 6: column 'b' must be finite, but is '1e400'", {}),
    "underscores": (table(lines=changed(4, 0, "1234_5678")), r"line 6: column 'a'.*'1234_5678'", {}),
    "a column of underscores": (table(lines=[[f"1_{i}", b, y] for i, (_, b, y) in enumerate(LINES)]), r"line 2: column "
                                                                                                       "'a'.*'1_0'", {}),
    "digits of another script": (table(lines=changed(4, 0, "٣")), r"line 6: column 'a'.*'٣'", {}),
    "a hexadecimal number": (table(lines=changed(4, 0, "0x1F")), r"line 6: column 'a'.*'0x1F'", {}),
    "thousands": (table(lines=changed(4, 0, '"1,234"')), r"line 6: column 'a'.*'1,234'", {}),
    "a decimal comma among points": (table(";", lines=changed(4, 0, "1,5")), r"line 6: column 'a'.*'1,5'; .*--decimal comma", {}),
    "a point among decimal commas": (table(";", lines=changed(4, 0, "1#5"), decimal=",").replace("#", "."), r"line 6.*'1\.5'",
                                     {"reading": Reading(decimal="comma")}),
    "percent": (table(lines=changed(4, 0, "5%")), r"line 6: column 'a'.*'5%'", {}),
    "dates": (table(lines=[[f"2024-01-{i + 1:02d}", b, y] for i, (_, b, y) in enumerate(LINES)]), r"'2024-01-01'; a date.*--drop "
                                                                                                   "'a'", {}),
    "times": (table(lines=[[f"12:{i:02d}", b, y] for i, (_, b, y) in enumerate(LINES)]), r"'12:00'; a date.*--drop 'a'", {}),
    "dates made categories": (table(lines=[["1/2/2024", b, y] for _, b, y in LINES]), "a date", {"categories": "one-hot"}),
    "dates for a target": (table(lines=[[a, b, f"2024-01-{i // 3 + 1:02d}"] for i, (a, b, _) in enumerate(LINES)]), "dates such "
                                                                                                                    "as", {}),
    "names for a target": (table(lines=[[a, b, f"n{i}"] for i, (a, b, _) in enumerate(LINES)]), "12 different texts in 12 "
                                                                                                "samples", {}),
    "one class alone": (table(lines=[[a, b, "up"] for a, b, _ in LINES]), "one class alone, 'up'", {}),
    "one number alone": (table(lines=[[a, b, "2.5"] for a, b, _ in LINES]), "nothing but 2.5", {}),
    "text that is no feature yet": (table(names="a,c,y", lines=[[a, f"red{y}", y] for a, _, y in LINES]),
                                    "column 'c'.*'red0.0'.*--drop 'c'", {}),
    "two columns of text": (table(names="d,c,y", lines=[[f"x{y}", f"red{y}", y] for _, _, y in LINES]),
                            "2 columns cannot be features.*'d' holds 12 different texts.*'c' holds.*--drop 'd,c'", {}),
    "one bad cell is no category": (table(lines=changed(4, 0, "12a")), "line 6: column 'a'.*'12a'; "
                                                                       "most", {"categories": "one-hot"}),
    "one bad cell drops no column": (table(lines=changed(4, 0, "12a")), "line 6: column 'a'.*'12a'; most", {"categories": "drop"}),
    "names made categories": (table(lines=[[f"n{i}", b, y] for i, (_, b, y) in enumerate(LINES * 3)]), "36 different texts in 36",
                              {"categories": "one-hot"}),
    "nothing left": (table(), "a column of features besides", {"drop": "a,b"}),
    "a short line": (table() + "1,2\n", "line 14: expected 3 cells, one a column, but found 2", {}),
    "a long line": (table() + "1,2,3,4\n", "line 14: expected 3 cells, one a column, but found 4", {}),
    "long lines throughout": (table(names="a,b,y", lines=[[*line, "9"] for line in LINES]), "line 2: expected 3 cells.*found "
                                                                                            "4", {}),
    "an open quote": ('a,y\n1,"2.5\n' + "1,2\n" * 20000, "line 2: a quote that opens in this line is never closed", {}),
    "an open quote late": (table() + '1,"2,3\n4,5,6\n', "line 14: a quote that opens in this line is never closed", {}),
    "a quote closed too late": ('a,y\n1,"2.5\n1,2\n3,"4\n', "line 2.*quote", {}),
    "twice the same name": (table(names="a,a,y"), "columns 1 and 2 are both named 'a'", {}),
    "twice the same name but for spaces": (table(names="a, a ,y"), "columns 1 and 2 are both named 'a'", {}),
    "a column that numbers the lines": (table(names=",b,y"), "column 1 has no name.*--drop 'column 1'", {}),
    "no names": (table().split("\n", 1)[1], r"must name the columns, but holds numbers \(0.5, -2, 0.0\)", {}),
    "one column": ("y\n1\n2\n", "--separator", {}),
    "a separator that is not found": (table("~"), "--separator", {}),
    "an empty file": ("", "is empty", {}),
    "empty lines alone": ("\n\n \n", "is empty", {}),
    "a header alone": ("a,b,y\n", "at least one line of data", {}),
    "a header and empty cells": ("a,b,y\n,,\n", "at least one line of data", {}),
    "no such target": (table(), "--target must be a column of .*a, b, y, but is 'z'", {"target": "z"}),
    "no target": (table(), "--target must name.*a, b, y", {"target": None}),
    "no such column to drop": (table(), "--drop must be a column", {"drop": "z"}),
    "not UTF-8": (b"a,b,y\n1,2,3\ncaf\xe9,2,3\n", "line 3: byte 0xe9 is not UTF-8; .*--encoding cp1252", {}),
    "not the encoding named": (b"a,b,y\n1,2,\x81\n", "line 2: byte 0x81 is not CP1252", {"reading": Reading(encoding="cp1252")}),
    "no encoding of that name": (table(), "--encoding.*'klingon'", {"reading": Reading(encoding="klingon")}),
    "an encoding of no text": (table(), "--encoding.*'hex'", {"reading": Reading(encoding="hex")}),
    "UTF-16 unasked": (table().encode("utf-16-le"), "line 1: a zero byte.*utf-16-le", {}),
    "a zero byte": (table() + "1,\0,3\n", "line 14: a zero byte", {}),
    "a separator of no sense": (table(), "--separator must be", {"reading": Reading(separator="a")}),
    "decimal and separating commas": (table(), "--decimal comma needs", {"reading": Reading(decimal="comma", separator="comma")}),
    "counts below 0": (table(lines=changed(4, 2, "-1")), "line 6: the target 'y' must be at least "
                                                         "0.*poisson.*-1", {"loss": "poisson"}),
    "three classes for one output": (table(lines=[[a, b, str(i % 3)] for i, (a, b, _) in enumerate(LINES)]), "line 4.*in \\[0, "
                                                                                                             "1\\]",
                                     {"loss": "binary_cross_entropy"}),
    "three texts for one output": (table(lines=[[a, b, "uvw"[i % 3]] for i, (a, b, _) in enumerate(LINES)]), "two classes.*u, v, w",
                                   {"loss": "hinge"}),
    "text predicted as a number": (table(lines=[[a, b, "uv"[i % 2]] for i, (a, b, _) in enumerate(LINES)]), "line 2.*'u'",
                                   {"task": "numbers"}),
    "text among several targets": (table(names="a,c,y", lines=[[a, "red", y] for a, _, y in LINES]), "line 2: the target "
                                                                                                     "'c'.*'red'",
                                   {"target": "c,y"}),
    "several targets for a softmax": (table(), "2 columns.*softmax", {"target": "b,y", "loss": "softmax_cross_entropy"}),
    "cosine of one target": (table(), "several targets", {"loss": "cosine"}),
    "classes by a loss for numbers": (table(), "--loss must be", {"task": "classes", "loss": "huber"}),
    "many numbers by a loss for classes": (table(), "12 different numbers in 12 samples", {"loss": "softmax_cross_entropy"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_tables_are_refused(name, tmp_path):
    content, words, choices = REFUSED[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=f"(?s){words}") as refusal:
        read_data(str(path), choices=Choices(**{"target": "y", **choices}))
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 500


def test_text_is_read_in_the_encoding_named(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("größe,y\n1,è\n3,é\n2,è\n4,é\n".encode("cp1252"))
    data = read_data(str(path), choices=Choices("y", reading=Reading(encoding="cp1252")))
    assert data.labels == ("è", "é") and data.columns.columns == ("größe",)


def test_reading_does_not_depend_on_the_locale(tmp_path, monkeypatch):
    import locale

    monkeypatch.setattr(locale, "getpreferredencoding", lambda *_: "ascii")
    (tmp_path / "table.csv").write_bytes("größe,y\n1,è\n3,é\n2,è\n4,é\n".encode())
    assert read_data(str(tmp_path / "table.csv"), "y").labels == ("è", "é")


def test_labels_that_look_alike_are_alike(tmp_path):
    (tmp_path / "table.csv").write_text("a,y\n0.5,up\n2,up \n3,caf\u00e9\n4,cafe\u0301\n5,\"up\"\n6,\u00a0up\n")
    assert read_data(str(tmp_path / "table.csv"), "y").labels == ("café", "up")


def test_a_packed_table_is_read_and_a_cut_one_refused(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(table().encode()))
    assert np.array_equal(read_data(str(path), "y").X, X)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match="gzip"):
        read_data(str(path), "y")
    path.write_bytes(table().encode())
    with pytest.raises(ValueError, match="gzip"):
        read_data(str(path), "y")


def test_what_is_packed_must_fit_in_memory(tmp_path, monkeypatch):
    from engine.command.tables import table_checks

    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(table().encode() + b"1,2,3\n" * 100000))
    monkeypatch.setattr(table_checks, "largest_text", lambda: 1000)
    with pytest.raises(MemoryError, match="unpacks to more than 1000 bytes"):
        read_data(str(path), "y")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["table.csv", "samples.npz"])
def test_a_pipe_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="pipe"):
        read_data(str(tmp_path / name), "y")


def test_without_pandas_the_error_says_what_to_install(tmp_path, monkeypatch):
    import sys

    (tmp_path / "table.csv").write_text(table())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=re.escape('needs pandas: python -m pip install "gammachain[demo]"')):
        read_data(str(tmp_path / "table.csv"), "y")


def test_categories(tmp_path):
    lines = [[" red" if i % 3 else "blue ", b, y] for i, (_, b, y) in enumerate(LINES)]
    (tmp_path / "table.csv").write_text(table(lines=lines))
    path = str(tmp_path / "table.csv")
    dropped = read_data(path, choices=Choices("y", categories="drop"))
    assert np.array_equal(dropped.X, X[:, 1:]) and dropped.columns.ignored == ("y", "a") and "left out: a" in dropped.described
    data = read_data(path, choices=Choices("y", categories="one-hot"))
    blue = np.arange(M) % 3 == 0
    assert np.array_equal(data.X, np.stack([blue, ~blue, X[:, 1]], axis=1))
    assert data.columns.names == ("a=blue", "a=red", "b")
    (tmp_path / "new.csv").write_text("b,a\n3,red\n4,blue\n")
    assert read_features(str(tmp_path / "new.csv"), data.columns).X.tolist() == [[0, 1, 3], [1, 0, 4]]
    (tmp_path / "new.csv").write_text("b,a\n3,red\n4,green\n")
    with pytest.raises(ValueError, match="line 3: column 'a'.*blue, red.*'green'"):
        read_features(str(tmp_path / "new.csv"), data.columns)


def test_columns_are_put_in_order_and_others_refused(tmp_path):
    (tmp_path / "table.csv").write_text(table())
    columns = read_data(str(tmp_path / "table.csv"), "y").columns
    new = tmp_path / "new.csv"
    new.write_text("y,b,a\n1,2,3\n")
    assert read_features(str(new), columns).X.tolist() == [[3, 2]]
    new.write_text("b,a\n2,3\n")
    assert read_features(str(new), columns).X.tolist() == [[3, 2]]
    new.write_text("b,c\n2,3\n")
    with pytest.raises(ValueError, match="a, b.* lacks a"):
        read_features(str(new), columns)
    new.write_text("b,c,a\n2,3,4\n")
    with pytest.raises(ValueError, match="has c too; .*--drop 'c'"):
        read_features(str(new), columns)
    assert read_features(str(new), columns, Choices(drop="c")).X.tolist() == [[4, 2]]


NAMES = st.text(string.ascii_letters + "äé ,;'\"\t|", min_size=1, max_size=6).filter(lambda name: name[0].isalpha())
CELLS = st.floats(allow_nan=False, allow_infinity=False)


def test_a_column_may_be_named_inf(tmp_path):
    (tmp_path / "table.csv").write_text("A,INF\n0.5,0.0\n1.5,2.0\n")
    assert read_table(str(tmp_path / "table.csv"), Reading()).names == ("A", "INF")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
       st.sampled_from(["\n", "\r\n"]))
def test_what_pandas_writes_is_read_as_it_was(tmp_path_factory, data, separator, encoding, end):
    pandas = pytest.importorskip("pandas")
    names = data.draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=lambda name: name.strip()))
    decimal = data.draw(st.sampled_from(".," if separator != "," else "."))
    frame = pandas.DataFrame({name: data.draw(st.lists(CELLS, min_size=6, max_size=6)) for name in names})
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    frame.to_csv(path, sep=separator, decimal=decimal, index=False, encoding=encoding, lineterminator=end)
    sign = {",": "comma", ".": "point"}[decimal]
    found = read_table(str(path), Reading(separator, sign, encoding if encoding == "cp1252" else None))
    assert found.names == tuple(name.strip() for name in names)
    for name in names:
        assert np.array_equal(found.numbers(name.strip()), frame[name].to_numpy())


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text('ay1,;\t|"\n\r .?-', max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    path.write_bytes(b"a,y\n" + content)
    try:
        read_data(str(path), "y")
    except ValueError as error:
        assert "\n" not in str(error)
