"""What a package says of the project on the page of an index, which is far away from its files."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://example.org/lab/dlc2lp"


@pytest.fixture(scope="module")
def packaging():
    spec = importlib.util.spec_from_file_location("packaging_of_dlc2lp", ROOT / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_link_of_the_readme_is_absolute_and_leads_to_a_file(packaging, monkeypatch):
    monkeypatch.setenv("DLC2LP_ADDRESS", f"{ADDRESS}/")
    said = packaging.about()
    assert said["project_urls"]["Source"] == ADDRESS
    links = re.findall(r"\]\(([^()\s]+)\)", said["long_description"])
    ours = [link for link in links if link.startswith(ADDRESS)]
    assert len(ours) > 5
    for link in links:
        assert link.startswith(("https://", "#")), link
    for link in ours:
        path = re.fullmatch(f"{re.escape(ADDRESS)}/(?:blob|raw)/HEAD/([^#]+)(?:#.*)?", link)
        assert path is not None and (ROOT / path[1]).is_file(), link
    pictures = re.findall(r"!\[[^\]]*\]\(([^()\s]+)\)", said["long_description"])
    assert all("/raw/" in picture for picture in pictures), "a page that shows a picture is no picture"
    for link in said["project_urls"].values():
        path = link.partition("/blob/HEAD/")[2]
        assert not path or (ROOT / path).is_file(), link


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://example.org/lab/dlc2lp.git\n", ADDRESS),
        ("https://example.org/lab/dlc2lp", ADDRESS),
        ("https://jane:secret@example.org/lab/dlc2lp.git", ADDRESS),
        ("git@example.org:lab/dlc2lp.git", ADDRESS),
        ("ssh://git@example.org/lab/dlc2lp/", ADDRESS),
        ("/srv/git/dlc2lp.git", None),
        ("file:///srv/git/dlc2lp.git", None),
        ("../dlc2lp", None),
        ("C:\\git\\dlc2lp", None),
        ("", None),
    ],
)
def test_the_address_of_a_clone(packaging, remote, address):
    assert packaging.address_of(remote) == address


def test_where_the_address_comes_from(packaging, monkeypatch, tmp_path):
    monkeypatch.delenv("DLC2LP_ADDRESS", raising=False)
    (tmp_path / "README.md").write_text("[the rest](docs/rest.md)\n")
    assert packaging.about(tmp_path) == {}, "an unpacked archive of files, of which nobody says where it is from"
    for words in (["init", "-q"], ["remote", "add", "origin", "git@example.org:lab/dlc2lp.git"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert packaging.about(tmp_path)["project_urls"]["Source"] == ADDRESS
    (tmp_path / "PKG-INFO").write_text("Name: dlc2lp\nProject-URL: Issues, https://x.org\n\nProject-URL: Source, no\n")
    assert packaging.about(tmp_path) == {}, "the package was built without one, whatever it was unpacked into"
    (tmp_path / "PKG-INFO").write_text("Name: dlc2lp\nProject-URL: Source, https://a.org/b\n\nwords\n")
    assert packaging.address(tmp_path) == "https://a.org/b"
    assert packaging.about(tmp_path)["long_description"] == "[the rest](https://a.org/b/blob/HEAD/docs/rest.md)\n"


def test_pictures_and_links_of_pictures(packaging):
    text = "[![shot](docs/a.png)](docs/a.md) ![b](docs/b.png) [c](https://c.org) [d](#d)"
    expected = (
        "[![shot](https://e.org/raw/HEAD/docs/a.png)](https://e.org/blob/HEAD/docs/a.md) "
        "![b](https://e.org/raw/HEAD/docs/b.png) [c](https://c.org) [d](#d)"
    )
    assert packaging.with_absolute_links(text, "https://e.org") == expected
