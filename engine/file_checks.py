"""Checks of files: what cannot be read safely is refused with an error that names the path and what is wrong."""


def refuse(path, what, problem, error=ValueError):
    """Raise `error`: `path` was to name `what`, but has a `problem`."""
    refusal = error(f"path must name {what}, but {path} {problem}")
    refusal.path = path
    raise refusal from None


def member(found, wanted, name):
    """Refuse a member of an archive whose header says another shape or kind of numbers than `wanted`; what is wrong, or None.

    Parameters
    ----------
    found : Header
    wanted : Member
    name : str
    """
    if found.dtype.kind not in wanted.kinds:
        return f"its {name} must hold {wanted.kind_names}, but has dtype {found.dtype}"
    if wanted.dtype is not None and found.dtype.newbyteorder("=") != wanted.dtype:
        return f"its {name} must have dtype {wanted.dtype}, but has {found.dtype}"
    same = wanted.shape is None or (len(found.shape) == len(wanted.shape)
                                    and all(size in (None, there) for size, there in zip(wanted.shape, found.shape)))
    if not same:
        shape = ", ".join("any" if size is None else str(size) for size in wanted.shape)
        return f"its {name} must have shape [{shape}], but has {list(found.shape)}"
    if found.size > wanted.most:
        return f"its {name} takes {found.size} bytes, but must not take more than {wanted.most}"
    return None


def built(archive, build):
    """What `build()` makes of an archive's arrays; where it refuses them, a refusal that names the file."""
    try:
        return build()
    except (ValueError, TypeError) as error:
        archive.refuse(f"is not one: {error}")
