"""The committed hashes, in subprocesses: for threads, arrangements in memory and CPUs."""

import json
import os
import platform
import subprocess
import sys

import pytest

from engine.kernels.numba_internals import cpu_and_features
from tests.engine.bits_table import DTYPES, TABLE

pytestmark = pytest.mark.compiled
LAYOUTS = ("c", "fortran", "view", "unaligned", "read-only", "alone", "batches")
THREADS = (1, 2, 3, 7)
# each arrangement, and some on each number of threads; the robust tests have the other pairs
PAIRS = ("1:c", "1:fortran", "1:alone", "2:c", "2:read-only", "2:batches", "3:c", "3:view", "3:batches", "7:c", "7:unaligned")
WANTED = json.loads(TABLE.read_text())
# names that LLVM knows, what a host must have to run what it compiles for them, and the dtypes tried
X86 = {"generic": ((), DTYPES[:1]), "x86-64-v2": (("sse4.2", "popcnt"), DTYPES[1:]),
       "x86-64-v3": (("avx2", "fma", "bmi2"), DTYPES[:1])}
ARM = {"generic": ((), DTYPES[:1]), "cortex-a53": ((), DTYPES[1:]), "cortex-a72": ((), DTYPES[:1])}
CPUS = ARM if platform.machine() in ("aarch64", "arm64") else X86


def started(*pairs, dtypes=DTYPES, **environment):
    """A process that prints a table for each pair of a number of threads and an arrangement."""
    command = [sys.executable, "-m", "tests.engine.bits_table", "--dtypes", *dtypes, "--print", *pairs]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def tables(process):
    out, error = process.communicate()
    assert process.returncode == 0, error
    return json.loads(out)


def differing(found, dtypes=DTYPES):
    """The cases whose bits are not those of the table."""
    wanted = {case: bits for case, bits in WANTED.items() if case.endswith(tuple(dtypes))}
    assert set(found) == set(wanted)
    return [case for case in wanted if found[case] != wanted[case]]


@pytest.mark.timeout(900)  # all kernels may have to be compiled first
@pytest.mark.parametrize("pairs", [
    PAIRS, pytest.param([f"{threads}:{layout}" for threads in THREADS for layout in LAYOUTS if f"{threads}:{layout}" not in PAIRS],
                        marks=pytest.mark.robustness)], ids=["some", "the others"])
def test_threads_arrangements_and_batches_have_the_bits_of_the_table(pairs):
    """Where this fails because kernels changed on purpose: `python -m tests.engine.bits_table`, and a line in CHANGELOG.md."""
    found = tables(started(*pairs))
    assert {pair: differing(table) for pair, table in zip(pairs, found, strict=True)} == {pair: [] for pair in pairs}


@pytest.mark.robustness
@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", [["generic"], [name for name in CPUS if name != "generic"]], ids=["generic", "others"])
def test_any_cpu_has_the_bits_of_the_table(names, tmp_path):
    """Two at a time, with a cold start each: a minute on two cores for each pair."""
    features = cpu_and_features()[1].split(",")
    able = [name for name in names if all(f"+{feature}" in features for feature in CPUS[name][0])]
    jobs = [(name, dtype) for name in able for dtype in CPUS[name][1]]
    assert jobs or "generic" not in names
    for first in range(0, len(jobs), 2):
        processes = [started("1:c", dtypes=[dtype], NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES="",
                             NUMBA_CACHE_DIR=str(tmp_path / f"{name} {dtype}")) for name, dtype in jobs[first:first + 2]]
        for job, process in zip(jobs[first:first + 2], processes):
            assert (job, differing(tables(process)[0], job[1:])) == (job, [])
