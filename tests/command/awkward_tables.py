"""Tables as people have them, awkward in one way or another, each with what should become of it."""

import gzip
from dataclasses import dataclass, field

import numpy as np

M = 24
RNG = np.random.default_rng(5)
A = RNG.standard_normal(M).round(3)
B = RNG.standard_normal(M).round(3)
Y = (A + B).round(3)
KIND = ["cat" if a > 0 else "dog" for a in A]


@dataclass(frozen=True)
class Trains:
    """It trains on these features; `labels` are the classes, `said` is part of what is told, `first` the first sample."""

    features: tuple
    labels: tuple = ()
    said: str = ""
    first: tuple = ()
    samples: int = M


@dataclass(frozen=True)
class Refused:
    """It is refused in these words, which name the place and the remedy."""

    words: str


@dataclass(frozen=True)
class Awkward:
    """A file's name, its content, what the user said, what becomes of it."""

    file: str
    content: object
    expected: object
    options: dict = field(default_factory=dict)


def rows(names, *columns, sep=",", end="\n", decimal="."):
    """A table's text: numbers with the decimal sign, texts as they are."""
    lines = [names.split(","), *([cell if isinstance(cell, str) else str(cell).replace(".", decimal) for cell in line]
                                 for line in zip(*columns, strict=True))]
    return end.join(sep.join(line) for line in lines) + end


def cycled(*cells, count=M):
    """The cells again and again."""
    return [cells[i % len(cells)] for i in range(count)]


def hole(cells, row, cell=""):
    """The cells with another one in a row."""
    return [*map(str, cells[:row]), cell, *map(str, cells[row + 1:])]


DAYS = [f"2024-{1 + i // 12:02d}-{1 + i % 12:02d}" for i in range(M)]
NAMES = [f"Smith, {chr(65 + i)}." for i in range(M)]
THOUSANDS = [f'"{1000 + 137 * i:,}"' for i in range(M)]
PLAIN = rows("a,b,y", A, B, Y)

AWKWARD = {
    # how the text is written
    "excel in german": Awkward("t.csv", rows("a,b,y", A, B, Y, sep=";", decimal=",", end="\r\n").encode("utf-8-sig"),
                               Trains(("a", "b"), first=(A[0], B[0]))),
    "excel's unicode text": Awkward("t.txt", rows("größe,b,y", A, B, Y, sep="\t").encode("utf-16"), Trains(("größe", "b"))),
    "excel's hint": Awkward("t.csv", "sep=;\n" + rows("a,b,y", A, B, Y, sep=";"), Trains(("a", "b"))),
    "packed": Awkward("t.csv.gz", gzip.compress(PLAIN.encode()), Trains(("a", "b"))),
    "a name in capitals": Awkward("T.CSV", PLAIN, Trains(("a", "b"))),
    "tabs": Awkward("t.tsv", rows("a,b,y", A, B, Y, sep="\t"), Trains(("a", "b"))),
    "spaces in line": Awkward("t.dat", "".join(f"{a!s:>9}{b!s:>9}{y!s:>9}\n" for a, b, y in [("a", "b", "y"), *zip(A, B, Y)]),
                              Trains(("a", "b"))),
    "latin-1 unasked": Awkward("t.csv", rows("größe,b,y", A, B, Y).encode("latin-1"), Refused("byte 0xf6.*--encoding")),
    "latin-1": Awkward("t.csv", rows("größe,b,y", A, B, Y).encode("latin-1"), Trains(("größe", "b")), {"encoding": "latin-1"}),
    "commas in names and quotes": Awkward("t.csv", rows("x,b,y", A, B, Y).replace("x,", '"size, in ""cm""",', 1),
                                          Trains(('size, in "cm"', "b"))),
    "line breaks in a name": Awkward("t.csv", rows("x,b,y", A, B, Y).replace("x,", '"size\n(cm)",', 1),
                                     Trains(("size\n(cm)", "b"))),
    "comments above": Awkward("t.csv", "# made by a meter\n# on Monday\n" + PLAIN, Trains(("a", "b"), said="2 lines of comments")),
    "names in a comment": Awkward("t.txt", "# made by numpy\n# a b y\n" + "".join(f"{a} {b} {y}\n" for a, b, y in zip(A, B, Y)),
                                  Trains(("a", "b"), first=(A[0], B[0]))),
    "comments between": Awkward("t.csv", PLAIN.replace("\n", "\n# pause\n", 2), Refused("line 2: expected 3 cells.*found 1")),
    "a title above": Awkward("t.csv", "Results of 2024\n\n" + PLAIN, Refused("line 3: expected 1 cells.*stand in a lower line")),
    "a line too long": Awkward("t.csv", PLAIN + "1,2,3,4\n", Refused("line 26: expected 3 cells.*found 4")),
    "a line too short": Awkward("t.csv", PLAIN + "1,2\n", Refused("line 26: expected 3 cells.*found 2"), {"missing": "drop"}),
    "an open quote": Awkward("t.csv", PLAIN + '"1,2,3\n' * 3, Refused("line 28.*quote")),
    "a total below": Awkward("t.csv", PLAIN + "Total,,3\n", Refused("line 26: column 'a'.*'Total'.*most cells of it are numbers")),
    "empty": Awkward("t.csv", "", Refused("is empty")),
    "names alone": Awkward("t.csv", "a,b,y\n", Refused("at least one line of data")),
    "one sample": Awkward("t.csv", "a,b,y\n1,2,3\n", Refused("of 1 samples leaves")),
    "one column": Awkward("t.csv", "y\n1\n2\n", Refused("at least two columns.*--separator")),
    "binary": Awkward("t.csv", b"PK\x03\x04\x00\x00\x00", Refused("zero byte")),
    "another format": Awkward("t.xls", b"", Refused("save the sheet as .xlsx")),
    "a packed folder": Awkward("t.csv.zip", b"", Refused("unpack it first")),
    # names of columns
    "no names": Awkward("t.csv", PLAIN.split("\n", 1)[1], Refused("must name the columns, but holds numbers.*--no-header"),
                        {"target": "column 3"}),
    "no names, text too": Awkward("t.csv", rows("a,b,y", A, B, KIND).split("\n", 1)[1],
                                  Refused("seems to be a sample.*--no-header"), {"target": "column 3"}),
    "no names, text alone": Awkward("t.csv", rows("p,q,y", cycled("u", "v"), cycled("k", "l", "m"), KIND).split("\n", 1)[1],
                                    Refused("seems to be a sample.*--no-header"), {"target": "column 3"}),
    "no names, said so": Awkward("t.csv", PLAIN.split("\n", 1)[1], Trains(("column 1", "column 2"), first=(A[0], B[0])),
                                 {"target": "column 3", "header": False}),
    "years for names": Awkward("t.csv", rows("land,1990,1991,y", cycled("AT", "CH"), A, B, Y),
                               Trains(("land=AT", "land=CH", "1990", "1991"))),
    "names twice": Awkward("t.csv", rows("a,a,y", A, B, Y), Refused("both named 'a'; give each its own name")),
    "a name mistyped": Awkward("t.csv", rows("a,Price,y", A, B, Y), Refused("but is 'prise'; did you mean 'Price'"),
                               {"target": "prise"}),
    "an empty last column": Awkward("t.csv", PLAIN.replace("\n", ",\n"), Trains(("a", "b"))),
    # row numbers
    "pandas' index": Awkward("t.csv", rows(",a,b,y", range(M), A, B, Y), Trains(("a", "b"), said="column 1 .counts the lines")),
    "pandas' index, shuffled": Awkward("t.csv", rows(",a,b,y", RNG.permutation(M) + 7, A, B, Y),
                                       Trains(("a", "b"), said="column 1 .numbers the lines")),
    "pandas' index, written twice": Awkward("t.csv", rows(",Unnamed: 0,a,b,y", range(M), range(M), A, B, Y), Trains(("a", "b"))),
    "R's row names": Awkward("t.csv", rows('"",a,y', [f"car {i}x" for i in range(M)], A, Y),
                             Trains(("a",), said="names the lines")),
    "rownames": Awkward("t.csv", rows("rownames,a,y", range(1, M + 1), A, Y), Trains(("a",), said="--keep 'rownames'")),
    "an id": Awkward("t.csv", rows("PassengerId,a,y", np.arange(M) * 3 + 892, A, Y), Trains(("a",), said="PassengerId")),
    "a time that counts, kept": Awkward("t.csv", rows("t,a,y", range(M), A, Y), Trains(("t", "a")), {"keep": "t"}),
    "nothing but a count": Awkward("t.csv", rows("x,y", range(M), Y), Refused("none is left.*'x': counts the lines.*--keep 'x'")),
    "a year is no count": Awkward("t.csv", rows("year,a,y", np.arange(M) + 1990, A, Y), Trains(("year", "a"))),
    # text
    "colours": Awkward("t.csv", rows("colour,a,y", cycled("red", "blue"), A, KIND),
                       Trains(("colour=blue", "colour=red", "a"), ("cat", "dog"), "colour .2.")),
    "names of people": Awkward("t.csv", rows("name,a,y", [f'"{name}"' for name in NAMES], A, Y),
                               Refused("column 'name'.*24 different texts in 24 lines.*--drop 'name'")),
    "names of people, dropped": Awkward("t.csv", rows("name,a,y", [f'"{name}"' for name in NAMES], A, Y), Trains(("a",)),
                                        {"drop": "name"}),
    "names and notes": Awkward("t.csv", rows("name,note,a,y", [f'"{name}"' for name in NAMES], DAYS, A, Y),
                               Refused("2 columns.*'name' holds.*'note' holds dates.*--drop 'name,note'")),
    "dates": Awkward("t.csv", rows("day,a,y", DAYS, A, Y),
                     Refused("dates, such as '2024-01-01'; a date is no number.*--drop 'day'")),
    "dates in digits": Awkward("t.csv", rows("day,a,y", [20240101 + i for i in range(M)], A, Y),
                               Refused("dates, such as '20240101'.*--drop 'day'.*--keep 'day'")),
    "amounts that are no dates": Awkward("t.csv", rows("pay,a,y", [20240101 + 50 * i for i in range(M)], A, Y),
                                         Trains(("pay", "a"))),
    "months": Awkward("t.csv", rows("month,a,y", cycled("Jan 2020", "Feb 2020", "Mar 2020"), A, Y),
                      Refused("dates, such as 'Jan 2020'")),
    "dates among holes": Awkward("t.csv", rows("day,a,y", hole(hole(DAYS, 0), 1, "soon"), A, Y), Refused("dates, such as")),
    "yes and no": Awkward("t.csv", rows("smokes,a,y", cycled("yes", "no"), A, Y), Trains(("smokes=no", "smokes=yes", "a"))),
    "true and false": Awkward("t.csv", rows("smokes,a,y", cycled("TRUE", "FALSE"), A, Y), Trains(("smokes", "a"), first=(1, A[0]))),
    "true, false and nothing": Awkward("t.csv", rows("smokes,a,y", cycled("true", "false", ""), A, Y),
                                       Trains(("smokes", "a"), samples=16), {"missing": "drop"}),
    "one value alone": Awkward("t.csv", rows("land,zero,a,y", ["CH"] * M, [0] * M, A, Y),
                               Trains(("a",), said="land, zero .holds one")),
    # numbers as people write them
    "thousands": Awkward("t.csv", rows("pay,a,y", THOUSANDS, A, Y), Refused("'1,000'.*--thousands comma")),
    "thousands, said so": Awkward("t.csv", rows("pay,a,y", THOUSANDS, A, Y), Trains(("pay", "a"), first=(1000, A[0])),
                                  {"thousands": "comma"}),
    "thousands in swiss": Awkward("t.csv", rows("pay,a,y", [f"{1000 + 137 * i:,}".replace(",", "'") for i in range(M)], A, Y),
                                  Refused("--thousands apostrophe")),
    "percent": Awkward("t.csv", rows("share,a,y", [f"{i}.5%" for i in range(M)], A, Y), Refused("numbers without '%'")),
    "currency": Awkward("t.csv", rows("pay,a,y", [f"${i}.50" for i in range(M)], A, Y), Refused(r"numbers without '\$'")),
    "few prices": Awkward("t.csv", rows("pay,a,y", cycled("€ 5", "€ 7", "€ 9"), A, Y), Refused("numbers without '€'")),
    "units": Awkward("t.csv", rows("weight,a,y", cycled("5 kg", "7 kg", "12.5 kg"), A, Y), Refused("numbers without 'kg'")),
    "decimal commas in quotes": Awkward("t.csv", rows("a,b,y", [f'"{a}"'.replace(".", ",") for a in A], B, Y),
                                        Refused("--decimal comma")),
    "a limit of detection": Awkward("t.csv", rows("a,b,y", hole(A, 3, "<0.01"), B, Y), Refused("line 5: column 'a'.*'<0.01'")),
    "an infinity": Awkward("t.csv", rows("a,b,y", hole(A, 3, "inf"), B, Y), Refused("line 5: column 'a' must be finite")),
    "a dash for nothing": Awkward("t.csv", rows("a,b,y", hole(A, 3, "-"), B, Y), Refused("line 5.*--missing-marks='-'")),
    "a dash for nothing, said so": Awkward("t.csv", rows("a,b,y", hole(A, 3, "-"), B, Y), Trains(("a", "b"), samples=M - 1),
                                           {"missing": "drop", "marks": "-"}),
    "-999 for nothing, said so": Awkward("t.csv", rows("a,b,y", hole(A, 3, "-999"), B, Y), Trains(("a", "b"), samples=M - 1),
                                         {"missing": "drop", "marks": "-999"}),
    # missing cells
    "missing cells": Awkward("t.csv", rows("a,b,y", hole(A, 3), hole(B, 5, "NA"), Y),
                             Refused("line 5: column 'a'.*a 1, b 1.*--missing drop.*22 of 24 are whole.*--missing mean")),
    "missing cells, filled": Awkward("t.csv", rows("a,b,y", hole(A, 3), hole(B, 5, "NA"), Y),
                                     Trains(("a", "b"), said="2 missing cells filled by the column's mean in a, b"),
                                     {"missing": "mean"}),
    "missing targets": Awkward("t.csv", rows("a,b,y", A, B, hole(hole(Y, 2), 9)), Trains(("a", "b"), samples=M - 2,
                                                                                        said="2 of 24 lines left out"),
                               {"missing": "mean"}),
    "a hole in each line": Awkward("t.csv", rows("a,b,y", cycled(1.5, ""), cycled("", 2.5), Y), Refused("none of the 24.*--drop"),
                                   {"missing": "drop"}),
    "an empty column": Awkward("t.csv", rows("a,b,y", A, [""] * M, Y), Trains(("a",), said="b .holds no cell")),
    # targets
    "classes by number": Awkward("t.csv", rows("a,b,y", A, B, cycled(1, 2, 3)), Trains(("a", "b"), (1, 2, 3), "3 labels")),
    "dates to predict": Awkward("t.csv", rows("a,b,y", A, B, DAYS), Refused("the target 'y' holds.*dates|holds dates such as")),
    "names to predict": Awkward("t.csv", rows("a,y", A, [f"n{i}" for i in range(M)]),
                                Refused("24 different texts.*another --target")),
    "prices to predict": Awkward("t.csv", rows("a,y", A, cycled("$5", "$7", "$9.50")), Refused(r"written as '\$5'.*without '\$'")),
    "thousands to predict": Awkward("t.csv", rows("a,y", A, cycled('"1,200"', '"3,400"', '"5,600"')), Refused("--thousands")),
    "prices for classes": Awkward("t.csv", rows("a,y", A, cycled("$5", "$7", "$9")), Trains(("a",), ("$5", "$7", "$9")),
                                  {"task": "classes"}),
    "one class": Awkward("t.csv", rows("a,y", A, ["up"] * M), Refused("one class alone")),
    "no such target": Awkward("t.csv", PLAIN, Refused("--target must name.*a, b, y"), {"target": None}),
    "emoji and accents": Awkward("t.csv", rows("a,y", A, cycled("🐈", "cafe\u0301", "caf\u00e9")), Trains(("a",), ("café", "🐈"))),
}
