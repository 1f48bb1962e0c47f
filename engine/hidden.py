"""Say so where a file of a user's own hides `schedulers`, which the engine needs and which is installed beside it."""

import importlib.util
import os


def require_ours(name: str) -> None:
    """Refuse to go on with another package of that name; it is looked for and not executed.

    Raises
    ------
    ImportError
        Where the first package or module of that name on ``sys.path`` does not lie beside this one.
    """
    try:
        found = importlib.util.find_spec(name)
    except ValueError:  # a module that was made by hand, and has no place
        return
    if found is None or found.origin is None:
        return
    beside = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if os.path.dirname(os.path.dirname(os.path.realpath(found.origin))) != beside:
        raise ImportError(f"the engine needs the package {name} that is installed with it, in {beside}, but {found.origin} has the "
                          f"same name and is found first. Rename {found.origin}, or move it to another folder; where your script "
                          "needs nothing from its own folder, `python -P SCRIPT` does not look there", name=name, path=found.origin)


require_ours("schedulers")
