"""Excel's workbooks and Parquet files are read as the same table of text is."""

import datetime
import sys

import numpy as np
import pytest

from engine.command.tables.data import Choices, read_data, read_features
from engine.command.tables.read_table import read_table
from engine.command.tables.table import Reading

M = 12
SIZE = [0.5 + 0.25 * (i * 5 % 7) for i in range(M)]
COLUMNS = {"id": list(range(M)), "size": SIZE, "rooms": [2 + i % 3 for i in range(M)], "new": [i % 2 == 0 for i in range(M)],
           "colour": ["red", "blue", "green"] * 4, "price": [2 * size for size in SIZE]}


def save(path, columns):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl" if path.suffix == ".xlsx" else "pyarrow")
    frame = pandas.DataFrame(columns)
    frame.to_excel(path, index=False) if path.suffix == ".xlsx" else frame.to_parquet(path)
    return str(path)


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_the_same_table_in_another_format(tmp_path, ending):
    path = save(tmp_path / f"t.{ending}", COLUMNS)
    (tmp_path / "t.csv").write_text("\n".join(",".join(map(str, line)) for line in [COLUMNS, *zip(*COLUMNS.values())]) + "\n")
    found, expected = (read_data(name, "price") for name in (path, str(tmp_path / "t.csv")))
    assert found.columns == expected.columns and np.array_equal(found.X, expected.X) and np.array_equal(found.y, expected.y)
    assert found.place(0) == f"{path}, row {2 if ending == 'xlsx' else 1}"
    assert read_features(path, expected.columns).X.tolist() == expected.X.tolist()
    assert read_features(path, expected.columns).identity == {"id": [str(i) for i in range(M)]}


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_missing_cells_dates_and_numbers_in_text(tmp_path, ending):
    holes = save(tmp_path / f"t.{ending}", COLUMNS | {"rooms": [None, *COLUMNS["rooms"][1:]], "new": [None, *COLUMNS["new"][1:]]})
    with pytest.raises(ValueError, match=r"column 'rooms'.*\(empty\).*rooms 1, new 1.*--missing drop"):
        read_data(holes, "price")
    data = read_data(holes, choices=Choices("price", missing="drop"))
    assert len(data.X) == M - 1 and data.columns.names == ("size", "rooms", "new", "colour=blue", "colour=green", "colour=red")
    days = save(tmp_path / f"d.{ending}", COLUMNS | {"day": [datetime.datetime(2024, 1, 1 + i) for i in range(M)]})
    with pytest.raises(ValueError, match="column 'day'.*dates, such as '2024-01-01'.*--drop 'day'"):
        read_data(days, "price")


def test_a_workbooks_sheets_and_empty_rows(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "data"
    for row in ([], ["a", None, "y"], *([size, None, 2 * size] for size in SIZE), [None, None, None]):
        sheet.append(row)
    book.create_sheet("notes").append(["nothing", "here"])
    path = str(tmp_path / "t.xlsx")
    book.save(path)
    data = read_data(path, "y")
    assert data.columns.names == ("a",) and len(data.X) == M and "sheet data of 2" in data.described
    assert data.place(0).endswith("row 3")
    with pytest.raises(ValueError, match="--sheet must be a sheet.*data, notes, but is 'note'; did you mean 'notes'"):
        read_table(path, Reading(sheet="note"))
    with pytest.raises(ValueError, match="at least one line of data"):
        read_table(path, Reading(sheet="notes"))


def test_cells_that_hold_lists_are_refused(tmp_path):
    path = save(tmp_path / "t.parquet", COLUMNS | {"words": [["a", "b"]] * M})
    with pytest.raises(ValueError, match="row 1: column 'words' must hold one number or text"):
        read_data(path, "price")


@pytest.mark.parametrize("ending, package", [("xlsx", "openpyxl"), ("parquet", "pyarrow")])
def test_what_lacks_or_is_broken_is_named(tmp_path, monkeypatch, ending, package):
    pytest.importorskip("pandas")
    path = tmp_path / f"t.{ending}"
    path.write_bytes(b"no such thing")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'needs {package}: python -m pip install "gammachain\[tables\]"'):
        read_data(str(path), "y")
    monkeypatch.undo()
    pytest.importorskip(package)
    with pytest.raises(ValueError, match="must be (an Excel workbook|a Parquet file), as its name says"):
        read_data(str(path), "y")
