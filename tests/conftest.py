"""What a run without compiled kernels (NUMBA_DISABLE_JIT=1) leaves out, and how little it tries of the rest; and threads."""

import numba
import pytest
from hypothesis import settings

EXAMPLES = 3


def pytest_configure(config):
    config.addinivalue_line("markers", "compiled: needs compiled kernels, or takes minutes without them")
    config.addinivalue_line("markers", "robustness: kills, cut files, interrupts and forks by the hundred; run by -m robustness")


def pytest_collection_modifyitems(items):
    if not numba.config.DISABLE_JIT:
        return
    for item in items:
        if item.get_closest_marker("compiled"):
            item.add_marker(pytest.mark.skip(reason="needs compiled kernels"))
        own = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if own is not None:
            item.obj._hypothesis_internal_use_settings = settings(own, max_examples=min(own.max_examples, EXAMPLES))


@pytest.fixture(autouse=True, scope="session")
def all_threads():
    """Calls use all the threads that they may, whatever their time teaches."""
    from engine import pool

    with pool.learner.off():
        yield


@pytest.fixture
def threads():
    """Three threads, and the former number afterwards."""
    import engine
    from engine import pool

    before = pool.num_threads()
    engine.set_num_threads(3)
    yield
    engine.set_num_threads(before)
