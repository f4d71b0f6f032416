"""The documentation as a site: ``python -m sphinx -W docs build/site``. Its pages are the files beside this one."""

from __future__ import annotations

import re
from pathlib import Path

from dlc2lp.version import __version__

project = "dlc2lp"
author = "The dlc2lp developers"
release = version = __version__
copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["schemas/**", "examples/**"]
html_theme = "furo"
html_title = f"dlc2lp {version}"

# Headings are linked to as on a repository's page, three levels deep.
myst_heading_anchors = 4
# The table of a page may begin below its first heading level, and examples hold what no highlighter knows.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_attr_annotations = False  # what is only imported for the type checker is no link

#: The files at the top of the repository that are pages of the site too, and how they are called there.
OUTSIDE = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
TOP = Path(__file__).resolve().parents[1]


def turn_links(app: object, name: str, source: list[str]) -> None:
    """Let links between the pages lead to the same place on the site as in the repository."""
    text = source[0]
    from_top = {page.removesuffix(".md"): outside for outside, page in OUTSIDE.items()}
    if name in from_top:  # whose links begin at the top
        text = (TOP / from_top[name]).read_text(encoding="utf-8")
        text = re.sub(r"\]\((?!https?:|#)", "](../", text).replace("](../docs/", "](")
    for outside, page in OUTSIDE.items():
        text = text.replace(f"](../{outside}", f"]({page}")
    source[0] = text


def setup(app: object) -> None:
    """Have the links turned when a page is read."""
    app.connect("source-read", turn_links)  # type: ignore[attr-defined]
