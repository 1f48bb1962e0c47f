"""Sphinx's settings: the pages of this folder, the gallery of ../examples, and the reference from docstrings."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(DOCS.parent), os.environ.get("PYTHONPATH")]))  # for worker processes

import sphinx.ext.autosummary  # noqa: E402

import engine  # noqa: E402

sphinx.ext.autosummary.WELL_KNOWN_ABBREVIATIONS += ("eq.", "eqs.")  # a summary does not end there

project = "gammachain"
author = "the gammachain developers"
copyright = "2026, the gammachain developers"
release = engine.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser", "sphinx_gallery.gen_gallery"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "sg_execution_times.rst"]
templates_path = ["_templates"]
highlight_language = "none"
pygments_style = "default"
default_role = "code"  # what docstrings have between single backticks

myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say the types
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "gammachain"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_show_sourcelink = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    # the other scripts are run from a shell; one example needs torch
    "ignore_pattern": r"^(?!plot_)" if find_spec("torch") else r"^(?!plot_)|^plot_torch_",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_", "__repr__"),
    "matplotlib_animations": False,
    "doc_module": ("engine", "schedulers"),
    "backreferences_dir": None,
    "write_computation_times": False,
    "plot_gallery": "False" if os.environ.get("DOCS_GALLERY") == "0" else "True",
}

ABOVE = {"../CONTRIBUTING.md": "contributing.md", "../CHANGELOG.md": "changelog.md", "../SECURITY.md": "security.md",
         "../README.md": "index.md"}  # files of the folder above, and the pages that include them


def pages_of_files(app, name, source):
    """Let links to files of the folder above, which work in the repository, lead to their pages."""
    source[0] = re.sub(r"\]\((\.\./\w+\.md)", lambda link: f"]({ABOVE.get(link[1], link[1])}", source[0])


def escape_bars(app, what, name, thing, options, lines):
    """Keep |d| in a docstring's sentences from being read as a substitution; doctests and literals stay."""
    for k, line in enumerate(lines):
        if ">>>" not in line and "``" not in line:
            lines[k] = re.sub(r"\|(?=[^\s|`])([^|`]*[^\s|`])\|", r"\\|\1\\|", line)


def skip_others(app, what, name, thing, skip, options):
    """Leave out methods that a class has from another library, such as SciPy or scikit-learn."""
    module = getattr(getattr(thing, "fget", thing), "__module__", None) or "engine"
    return True if callable(thing) and module.split(".")[0] not in ("engine", "schedulers") else None


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skip_others)
    app.connect("source-read", pages_of_files)
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
