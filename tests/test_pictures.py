"""The pictures of the documentation: those that ``scripts/screenshots`` makes, and small."""

import importlib
import re
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
MOST_BYTES, MOST_BYTES_OF_ALL = 200_000, 1_000_000


def test_they_are_those_that_the_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    pictures = importlib.import_module("pictures.__main__").PICTURES
    assert {path.name for path in IMAGES.iterdir()} == {f"{picture.name}.webp" for picture in pictures}


def test_they_are_small_and_of_one_width_and_show_something():
    sizes = [path.stat().st_size for path in IMAGES.iterdir()]
    assert max(sizes) < MOST_BYTES
    assert sum(sizes) < MOST_BYTES_OF_ALL
    for path in IMAGES.iterdir():
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape[1] == 1100
        assert image.std() > 5, path


@pytest.mark.parametrize("page", ["README.md", *sorted(path.name for path in (ROOT / "docs").glob("*.md"))])
def test_every_picture_that_is_shown_is_there_and_told_in_words(page):
    path = ROOT / page if page == "README.md" else ROOT / "docs" / page
    for words, address in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", path.read_text(encoding="utf-8")):
        assert len(words) > 20, f"{address}: who can't see it reads this"
        assert (path.parent / address).is_file(), address


def test_the_readme_shows_both_pages():
    shown = re.findall(r"docs/images/([\w-]+)\.webp", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown == ["migration-report", "archive"]
