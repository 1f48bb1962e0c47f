"""What the engine relies on in Numba and llvmlite beyond their public interface: a test for each piece, by its name."""

import shutil
import threading
import time
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba import njit, types
from numba.core import callconv, codegen, cpu
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from engine.kernels import linked, numba_internals, threads
from engine.kernels.linked import kernel, shared
from engine.kernels.numba_internals import calls, linking
from engine.kernels.signatures import Indices, Line, Number, Pair
from tests.cases import DTYPES
from tests.processes import ROOT, process

pytestmark = pytest.mark.compiled


class Held(NamedTuple):
    """An array in a tuple."""

    values: Line


@shared
def weighted_total(values: Line, pair: Pair, factor: float) -> Number:
    """factor (pair_0 + pair_1) times the sum of the values."""
    total = values.dtype.type(0)
    for k in range(values.size):
        total += values[k]
    return values.dtype.type(factor * (pair[0] + pair[1])) * total


@kernel
def calls_by_symbol(values):
    """Literals and a tuple of them, which become what the signature says."""
    return weighted_total(values, (1, 2), 0.5)


@kernel
def calls_a_caller(values):
    """What a kernel that is compiled into this one calls."""
    return calls_by_symbol(values)


@kernel
def fills(out, value, span):
    """A kernel for threads."""
    first, stop, slot = span
    for k in range(first, stop):
        out[k] = value + slot


@intrinsic
def counted(context, values):
    """Whether the references to an array are counted, and to one in a tuple."""

    def codegen(context, builder, signature, arguments):
        meminfo = context.make_array(signature.args[0])(context, builder, arguments[0]).meminfo
        return builder.icmp_unsigned("!=", meminfo, meminfo.type(None))

    return types.boolean(values), codegen


@shared
def counted_by_symbol(values: Line, table: Held) -> Number:
    """How many of two arrays come with a count of their references."""
    return values.dtype.type(counted(values) + counted(table.values))


@kernel
def counts_here_and_there(values):
    """The same of an array that a kernel has made, in the kernel and in one that it calls."""
    made = values + values
    there = counted_by_symbol(made, Held(made))
    return counted(made), there, made


@kernel
def counts_as_thread(out, values, span):
    """A kernel for threads."""
    for k in range(span[0], span[1]):
        out[k] = counted(values[0])


@kernel
def divides_wholes(out, divisor, span):
    """A kernel that may raise."""
    for k in range(span[0], span[1]):
        if divisor == 0:
            raise ZeroDivisionError
        out[k] = 1


def context():
    """Numba's context of the CPU."""
    return cpu_target.target_context


def test_the_calling_convention_has_two_pointers_before_the_arguments():
    """And its status is below 0 or above for what is no return: an exception is never 0."""
    assert isinstance(context().call_conv, callconv.CPUCallConv)
    kind = context().call_conv.get_function_type(types.none, [types.int64])
    assert len(kind.args) == calls.RESULTS + 1 and str(kind.args[-1]) == "i64" and str(kind.return_type) == "i32"
    assert callconv.RETCODE_OK.constant == 0 and callconv.RETCODE_NONE.constant != callconv.RETCODE_EXC.constant


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_call_by_symbol_gives_what_a_call_gives(dtype):
    values = np.arange(5, dtype=dtype)
    for call in (calls_by_symbol, calls_a_caller):
        assert call(values) == 15.0
    assert weighted_total(values, (1, 2), 0.5) == 15.0


@shared
def noted(notes: Indices, count: int):
    """What has none of the kernel's numbers."""
    notes[0] += count


@kernel
def notes_how_many(values, notes):
    """A caller that has some."""
    noted(notes, values.size)


def test_what_has_none_of_a_kernels_numbers_is_compiled_once_for_both_dtypes():
    notes = np.zeros(1, np.int64)
    for dtype in DTYPES:
        notes_how_many(np.ones(3, dtype), notes)
    assert notes[0] == 6 and list(linked._faces[noted].addresses) == [None]


def test_arrays_that_may_not_be_written_to_are_converted():
    values = np.arange(5.0)
    values.flags.writeable = False
    assert calls_by_symbol(values) == 15.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_references_are_counted_where_an_array_is_made_and_not_where_it_is_lent(dtype):
    here, there, made = counts_here_and_there(np.arange(5, dtype=dtype))
    assert here and there == 0 and (made == 2 * np.arange(5)).all()


def test_a_job_counts_no_references():
    board, arguments = threads.new_board(), (np.ones(3), (np.ones(2),))
    assert threads.launch(linked.address_of(counts_as_thread, (*arguments, (0, 1, 0))), arguments, board, 3, 3, 1) == 1
    assert (arguments[0] == 0).all()


def test_what_a_kernel_calls_is_found_in_its_code():
    """By the names that it loads, also through a kernel that is compiled into it; else a cached kernel would call a symbol
    that nobody published."""
    found = linked._called(calls_a_caller.py_func)
    assert [symbol.name for symbol in found] == ["weighted_total"]


def test_a_job_calls_a_kernel_with_its_arguments_and_its_range():
    board, out = threads.new_board(), np.zeros(7)
    arguments = (out, 2.0)
    assert threads.launch(linked.address_of(fills, (*arguments, (0, 1, 0))), arguments, board, 7, 3, 1) == 1
    assert (out == 2.0).all() and board[threads.FAILED] == 0


def test_a_job_that_raises_is_counted_and_its_exception_goes_no_further():
    board, arguments = threads.new_board(), (np.zeros(7), 0)
    assert threads.launch(linked.address_of(divides_wholes, (*arguments, (0, 1, 0))), arguments, board, 7, 3, 1) == 1
    assert board[threads.FAILED] == 3


def test_arguments_that_do_not_fit_are_not_posted():
    board, arguments = threads.new_board(), (tuple(np.zeros(1) for _ in range(80)), 0.0)
    assert threads.launch(0, arguments, board, 7, 3, 1) == 0


@kernel
def counts_up(out, span):
    """A kernel that Python calls first."""
    for k in range(span[0], span[1]):
        out[k] += 1


def test_what_python_has_called_is_not_compiled_again_for_its_address():
    board, out = threads.new_board(), np.zeros(7)
    counts_up(out, (0, 7, 0))
    with numba_internals.compilations() as found:
        address = linked.address_of(counts_up, (out, (0, 1, 0)))
    assert found.names == [] and not counts_up.called_by_address().overloads
    assert threads.launch(address, (out,), board, 7, 3, 1) == 1
    assert (out == 2).all()


@kernel
def sleeps(bell, said):
    """Until the bell is rung."""
    numba_internals.swap(bell, numba_internals.ASLEEP, 1)
    numba_internals.add(said, 0, 1)
    numba_internals.wait_for_bell(bell)
    numba_internals.add(said, 1, 1)


@kernel
def rings(address):
    """The bell at an address."""
    return numba_internals.ring(address)


def test_a_bell_wakes_who_sleeps_on_it_and_no_one_else():
    bell, said = numba_internals.new_bell(), np.zeros(2, np.int64)
    bell[numba_internals.NEXT_BELL] = 7
    for count, wake in enumerate((lambda: rings(bell.ctypes.data), lambda: numba_internals.release_bell(bell)), 1):
        assert rings(bell.ctypes.data) == 7  # nobody sleeps
        thread = threading.Thread(target=sleeps, args=(bell, said), daemon=True)
        thread.start()
        while said[0] < count:
            time.sleep(1e-3)
        time.sleep(0.02)
        assert said[1] == count - 1
        wake()
        thread.join(10)
        assert said[1] == count
        bell[numba_internals.ASLEEP] = 0


@kernel
def divides_once(out, divisor):
    """A caller of what may raise."""
    divides_wholes(out, divisor, (0, 1, 0))


@kernel
def divides_twice(out, divisor):
    """Another."""
    divides_wholes(out, divisor, (0, 1, 0))
    divides_wholes(out, divisor, (1, 2, 0))


def test_what_is_linked_into_callers_has_no_machine_code_of_its_own():
    divides_once(np.ones(2), 1)
    library = next(iter(divides_wholes.called_by_kernels().overloads.values())).library
    assert isinstance(library, linking._Linked) and library.get_pointer_to_function(library.name) == 0


def test_what_is_linked_into_callers_is_read_from_the_cache_and_raises_in_a_caller_that_is_new(tmp_path):
    code = """
import numpy as np
from engine.kernels.numba_internals import compilations
from tests.kernels.test_numba_internals import divides_once, divides_twice
with compilations() as found:
    try:
        CALLER(np.ones(2), 0)
    except ZeroDivisionError:
        print(found.names, found.nested)
"""
    for caller, nested in (("divides_once", ["divides_wholes"]), ("divides_twice", []), ("divides_once", None)):
        said = process(code.replace("CALLER", caller), NUMBA_CACHE_DIR=str(tmp_path))
        assert said == f"{[caller] if nested is not None else []} {nested or []}\n"


def test_kernels_call_what_is_compiled_without_a_wrapper():
    @njit(no_cfunc_wrapper=True)
    def called(x):
        return x + 1

    inside = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)(called.py_func)
    numba_internals.apart_from_python(called, lambda: inside)

    @njit
    def calling(x):
        return called(2 * x)

    assert calling(3) == 7 and len(inside.signatures) == 1 and not called.signatures
    assert called(3) == 4 and called.signatures  # from Python it is compiled with one
    assert called.called_by_kernels() is inside


def test_a_constant_does_not_compile_a_kernel_anew():
    inside = njit(lambda x: x + 1)
    called = njit(lambda x: x + 1)
    numba_internals.apart_from_python(called, lambda: inside)

    @njit
    def calling():
        return called(1) + called(2)

    assert calling() == 5 and inside.signatures == [(types.int64,)]


@pytest.mark.parametrize("variables", [{}, {"NUMBA_CPU_NAME": "generic"}, {"NUMBA_ENABLE_AVX": "0"},
                                       {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "+sse4.2"}], ids=str)
def test_the_cpu_is_the_one_that_numba_compiles_for(variables):
    code = """
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from engine.kernels.numba_internals import cpu_and_features
assert cpu_target.target_context.codegen().magic_tuple()[1:] == cpu_and_features(), cpu_and_features()
print("same")
"""
    assert process(code, **variables) == "same\n"
    assert isinstance(context().codegen(), codegen.JITCPUCodegen) and isinstance(context(), cpu.CPUContext)


def test_a_change_in_any_kernel_source_compiles_anew(tmp_path):
    """Numba's own stamp is of the file of one function: the stamp here is of all of them."""
    shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schedulers", tmp_path / "schedulers", ignore=shutil.ignore_patterns("__pycache__"))
    code = """
import numpy as np
from engine.kernels.checks import first_not_finite
assert first_not_finite(np.ones(3)) == -1
print(sum(first_not_finite.stats.cache_hits.values()))
"""
    def hits():
        return int(process(code, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "kernels")))

    assert [hits(), hits()] == [0, 1]
    other = tmp_path / "engine" / "kernels" / "powers.py"
    other.write_text(other.read_text() + "# changed\n")
    assert [hits(), hits()] == [0, 1]


def test_compilations_are_told_of_from_begin_to_end():
    inner = njit(lambda x: x + 1)

    def outer(x):
        return inner(x)

    with numba_internals.compilations() as found:
        njit(outer)(1)
    assert found.names == [outer.__qualname__] and found.nested == [inner.py_func.__qualname__]


def test_what_another_thread_compiles_is_not_counted_and_each_function_is_told_of():
    mine, others, told = njit(lambda x: x + 1), njit(lambda x: x + 2), []
    with numba_internals.compilations(told.append) as found:
        thread = threading.Thread(target=others, args=(1,))
        thread.start()
        thread.join()
        mine(1)
    assert found.names == [mine.py_func.__qualname__] and told == [mine.py_func, None]


def test_what_is_compiled_already_is_known():
    called = njit(lambda x: x + 1)
    assert not numba_internals.compiled_before(called, (types.int64,))
    called(1)
    assert numba_internals.compiled_before(called, (types.int64,))


def test_both_locks_are_taken_by_who_holds_them():
    for lock in numba_internals.compiler_locks():
        with lock:
            pass


def test_the_versions_are_those_that_are_imported():
    assert numba_internals.versions()["numba"] == numba.__version__


def test_a_wait_for_another_process_is_told_as_compiling_is():
    told = []
    with numba_internals.compilations(told.append) as found:
        with numba_internals.waiting_for(test_a_wait_for_another_process_is_told_as_compiling_is):
            assert found.names == ["test_a_wait_for_another_process_is_told_as_compiling_is"]
    assert told == [test_a_wait_for_another_process_is_told_as_compiling_is, None] and found.seconds > 0
