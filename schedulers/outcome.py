"""One run: what a function of keyword arguments returned, or the traceback of what it raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from . import progress
from . import sweep_checks as checks
from .typing import Outcome, Settings
from .values import to_text


class NoDict(str):
    """The traceback of a run that raised nothing, but returned no dict."""


def outcome(run: Callable[..., Any], settings: Settings, stored: bool) -> Outcome:
    """(returned, error), one of them None; what was returned as text where `stored`."""
    kind: type[str] = str
    try:
        with progress.without_bars():
            returned = run(**settings)
        kind = str if isinstance(returned, dict) else NoDict
        returned = checks.returned(returned, settings)
        return (to_text(returned, "what run returns") if stored else returned), None
    except (Exception, SystemExit) as error:
        below = error.__traceback__ and error.__traceback__.tb_next
        return None, kind(printable("".join(traceback.format_exception(type(error), error, below))))


def printable(text: str) -> str:
    """`text` with what no encoding takes, such as the bytes of a path that is not UTF-8, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
