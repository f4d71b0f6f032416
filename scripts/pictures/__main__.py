"""Screenshots of the pages that dlc2lp writes, for README.md and the documentation: see ``scripts/screenshots``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT / "scripts")
sys.path[1:1] = [str(ROOT / "tests")]

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from browser import ABSENT, Browser  # noqa: E402
from builder import Video, build_project  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from pictures.openfield import make_openfield  # noqa: E402

import dlc2lp  # noqa: E402

#: As README.md calls the place where everything lies.
_HOME = "/home/you"
_WIDTH_PX, _HEIGHT_PX = 1100, 1000
_MOST_BYTES = 200_000

#: The projects of the archive, and what is special about each.
_ARCHIVE: Mapping[str, Mapping[str, Any]] = {
    "gait/treadmill-2019": {},
    "gait/treadmill-2020": {"video": Video(suffix=".avi", codec="mpeg4")},
    "open-field/cohort1": {"sessions": ("m1", "m2", "m3", "m4")},
    "open-field/cohort2": {"sessions": ("m1", "m2", "m3")},
    "open-field/cohort3": {},
    "reach/joystick": {},
    "reach/pellet-left": {"individuals": ("mouse1", "mouse2")},
    "reach/pellet-right": {"individuals": ("mouse1", "mouse2")},
    "social/pair": {"individuals": ("resident", "intruder")},
    "social/pair-from-tape": {},
    "whisker/pilot": {"video": "none"},
    "whisker/backup of pilot": {},
}


@dataclass(frozen=True)
class Picture:
    """One picture: what of a page it shows."""

    name: str
    page: str  #: ``migration`` or ``archive``.
    #: Shown from the top of the first element that this finds to the end of the last; empty: from the page's top.
    selector: str = ""
    #: At most so high.
    height_px: int = _HEIGHT_PX
    dark: bool = False
    #: What a person does first.
    script: str = ""


PICTURES = (
    Picture("migration-report", "migration", height_px=1300, script="document.getElementById('findings').remove()"),
    Picture("migration-report-dark", "migration", "header", dark=True),
    Picture("labeled-frames", "migration", "#frames"),
    Picture("empty-cells", "migration", "#empty"),
    Picture("videos", "migration", "#videos article:nth-of-type(2)"),
    Picture(
        "findings", "migration", "#findings", script="document.querySelectorAll('details').forEach(e => e.open = true)"
    ),
    Picture("starter-config", "migration", "#config", 700),
    Picture("archive", "archive", height_px=1250),
    Picture(
        "archive-projects", "archive", "#projects",
        script="[...document.querySelectorAll('#table button')].find(e => e.textContent === 'state').click()",
    ),
    Picture("archive-findings", "archive", "#findings", 800),
)  # fmt: skip


def main() -> int:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "images"
    if ABSENT:
        print(f"screenshots: {ABSENT}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:  # a browser ends bit by bit
        home = Path(scratch).resolve()
        pages = {"migration": _migration(home), "archive": _archive(home)}
        browser = Browser(home / "profile")
        try:
            for picture in PICTURES:
                path = folder / f"{picture.name}.webp"
                path.write_bytes(_packed(_shot(browser, picture, pages[picture.page], home)))
                print(f"{path}  {path.stat().st_size} bytes")
        finally:
            browser.close()
    return 0


def _migration(home: Path) -> Path:
    make_openfield(home / "openfield-Ada-2021-03-14")
    dlc2lp.convert(home / "openfield-Ada-2021-03-14", home / "openfield-lp")
    return home / "openfield-lp/migration-report.html"


def _archive(home: Path) -> Path:
    root, out = home / "archive", home / "archive-lp"
    for n, (name, special) in enumerate(_ARCHIVE.items()):
        asked: dict[str, Any] = {"sessions": ("m1", "m2"), "n_frames": 24, "frames": tuple(range(2, 20, 2 + n % 3))}
        _spoil(name, build_project(root / name, **{**asked, "task": f"task{n}", **special}).root)
    out.mkdir()
    decided = "social/pair:\n  individuals: split\nwhisker/backup of pilot:\n  skip: true\n"
    (out / "decisions.yaml").write_text(decided, encoding="utf-8")
    dlc2lp.plan_archive(root, out)
    dlc2lp.run_archive(out)
    dlc2lp.finish_archive(out)
    shutil.rmtree(out / "open-field/cohort3/labeled-data/m2")
    dlc2lp.finish_archive(out)
    return out / "index.html"


def _spoil(name: str, root: Path) -> None:
    """Do to a project what time does."""
    if name == "open-field/cohort2":
        for session in ("m1", "m3"):
            for image in sorted(root.glob(f"labeled-data/{session}/*.png"))[:3]:
                image.unlink()
    if name == "social/pair-from-tape":
        for path in root.glob("labeled-data/*/CollectedData*"):
            path.write_bytes(bytes(100))


def _shot(browser: Browser, picture: Picture, page: Path, home: Path) -> NDArray[np.uint8]:
    browser.open(page, _WIDTH_PX, _HEIGHT_PX, dark=picture.dark)
    browser.ask(_PLACES.replace("HERE", str(home)).replace("HOME", _HOME) + picture.script)
    assert not browser.told, browser.told
    top, bottom = browser.ask(_BOX.replace("SELECTOR", picture.selector))
    height = min(bottom - top, picture.height_px)
    return browser.shot({"x": 0, "y": top, "width": _WIDTH_PX, "height": height})


#: Tells places as README.md does.
_PLACES = """
var texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) { texts.currentNode.data = texts.currentNode.data.split('HERE').join('HOME'); }
document.querySelector('nav').style.position = 'static';
"""

_BOX = """
var boxes = [...document.querySelectorAll('SELECTOR' || 'body')].map(each => each.getBoundingClientRect());
var top = Math.min(...boxes.map(box => box.top)) + scrollY, end = Math.max(...boxes.map(box => box.bottom)) + scrollY;
return [Math.max(0, top - 16), end + 16];
"""


def _packed(image: NDArray[np.uint8]) -> bytes:
    """Return a picture as WebP, as good as fits."""
    for quality in _qualities():
        done, content = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if done and content.size <= _MOST_BYTES // 2:
            break
    return content.tobytes()


def _qualities() -> Iterator[int]:
    yield from range(88, 40, -8)


if __name__ == "__main__":
    sys.exit(main())
