"""What is private is private to its file: attributes that begin with an underscore are read where they are defined."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[2]

# reads of another object's private attribute that stand elsewhere, by what is read, and why
ALLOWED = {
    "_matvec": "SciPy's protocol: an operator made of others calls their products without checking the operand again",
    "_rmatvec": "SciPy's protocol",
    "_matmat": "SciPy's protocol",
    "_rmatmat": "SciPy's protocol",
    "_getframe": "documented in Python's sys",
    "_current_frames": "documented in Python's sys",
    "_exit": "documented in Python's os",
    "_is_text_encoding": "Python says nowhere else whether a codec decodes text",
}


def private_reads(tree):
    """The private attributes of other objects that a file reads but does not define."""
    mine = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    reads = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id in ("self", "cls"):
                mine.add(node.attr)
            elif not (isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super"):
                reads.append(node.attr)
    return [name for name in reads if name not in mine]


def private_imports(tree):
    """The private names that a file imports from another."""
    return [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level > 0
            for alias in node.names if alias.name.startswith("_")]


def test_private_attributes_are_read_where_they_are_defined():
    """Give what others need a public name in place of a read of `_name`; a line in ALLOWED needs a reason."""
    found = {}
    for package in ("engine", "schedulers"):
        for path in (ROOT / package).rglob("*.py"):
            if "kernels" not in path.parts:
                tree = ast.parse(path.read_text())
                assert not private_imports(tree), f"{path.relative_to(ROOT)} imports {private_imports(tree)}"
                for name in private_reads(tree):
                    found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert not {name: files for name, files in found.items() if name not in ALLOWED}
    assert set(ALLOWED) <= set(found) | {"_rmatvec", "_matmat", "_rmatmat"}, "a line of ALLOWED has no read left"
