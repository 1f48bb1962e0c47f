"""What the engine needs of Numba and llvmlite beyond their public interface, each piece with what it relies on.

Only these files and ``simd/`` import ``numba.core`` or ``llvmlite`` and emit LLVM. ``tests/kernels/test_numba_internals.py`` has a
test for each piece that fails where Numba changes it.
"""

from .calls import address_of_compiled, call, declared, define, lookup, publish
from .compiling import (
    apart_from_python,
    cache_class,
    compilations,
    compiled_before,
    compiler_locks,
    cpu_and_features,
    serialised,
    versions,
    waiting_for,
)
from .jobs import (
    ASLEEP,
    NEXT_BELL,
    WORDS,
    add,
    give_way,
    look,
    nap,
    new_bell,
    pause,
    post_arguments,
    release_bell,
    ring,
    run_posted,
    swap,
    wait_for_bell,
)
from .linking import LINKED, WHOLE

__all__ = ["ASLEEP", "LINKED", "NEXT_BELL", "WHOLE", "WORDS", "add", "address_of_compiled", "apart_from_python", "cache_class",
           "call", "compilations", "compiled_before", "compiler_locks", "cpu_and_features", "declared", "define", "give_way",
           "look", "lookup", "nap", "new_bell", "pause", "post_arguments", "publish", "release_bell", "ring", "run_posted",
           "serialised", "swap", "versions", "wait_for_bell", "waiting_for"]
