"""A progress bar that shares no lock with other processes."""

from __future__ import annotations

from typing import Any


def progress_bar(**settings: Any) -> Any:
    """A tqdm bar of its own class.

    tqdm guards its bars by a lock that forked processes share: a child that is killed while it holds it leaves every bar of the
    others waiting for ever. Ours are guarded by tqdm's lock of this process alone.
    """
    from tqdm.auto import tqdm  # 30 of the 900 ms that importing the engine takes, asyncio with it
    from tqdm.std import TqdmDefaultWriteLock

    class Bar(tqdm):
        pass

    Bar.set_lock(TqdmDefaultWriteLock.th_lock)
    return Bar(**settings)
