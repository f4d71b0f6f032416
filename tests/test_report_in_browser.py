"""The pages in a real browser: they load from disk, work, fit a telephone and show their pictures."""

import json
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from builder import Session, Video, build_project
from command import dlc2lp
from page_reader import parse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p", suffix=".avi")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("browser")
    labels = {("m1", "img09.png", "nose"): (140.25, 20.5)}
    project = build_project(
        root / "dlc", sessions=("m1", Session("m2", video="none")), labels=labels, unlabeled=(7,), video=JPEG,
        bodyparts=[f"a_keypoint_with_a_long_name_{k}" for k in range(15)] + ["nose"], skeleton=(),
    )  # fmt: skip
    assert dlc2lp("convert", project.root, root / "lp").exit_code == 0
    return root / "lp/migration-report.html"


def chromium(folder, *arguments):
    """Run a headless Chromium with a profile of its own; return what it said."""
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-extensions", "--disable-background-networking", "--hide-scrollbars", "--virtual-time-budget=4000",
        "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}", *map(str, arguments),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def told_by(said):
    """What pages wrote to their console."""
    return [line for line in said.splitlines() if "CONSOLE" in line]


def told_in(dom):
    """What a script put into an attribute of the document, as JSON."""
    return json.loads(parse(dom).all("html")[0].attributes["data-told"])


def asked(page, folder, script):
    """Run a script in the page, and return what it returns."""
    text = page.read_text(encoding="utf-8")
    probe = f"<script>document.documentElement.dataset.told = JSON.stringify((function () {{ {script} }})());</script>"
    copy = folder / "probed.html"
    copy.write_text(text.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    done = chromium(folder, "--dump-dom", copy.as_uri())
    assert not told_by(done.stderr)
    return told_in(done.stdout)


def screenshot(page, folder, width_px, height_px, *arguments):
    path = folder / "shot.png"
    done = chromium(folder, f"--screenshot={path}", f"--window-size={width_px},{height_px}", *arguments, page.as_uri())
    assert not told_by(done.stderr)
    return cv2.imread(str(path))


def test_it_loads_from_disk_and_shows_something(page, tmp_path):
    shot = screenshot(page, tmp_path, 1280, 3000)
    assert shot.shape[:2] == (3000, 1280)
    colors = np.unique(shot.reshape(-1, 3), axis=0)
    assert len(colors) > 500, "pictures have many colors"


def test_it_is_dark_where_the_system_is(page, tmp_path):
    light = screenshot(page, tmp_path, 900, 700)
    dark = screenshot(page, tmp_path, 900, 700, "--blink-settings=preferredColorScheme=0")
    assert light[-1, -1].mean() > 200
    assert dark[-1, -1].mean() < 60


def test_all_pictures_load(page, tmp_path):
    script = """
    var links = [...document.querySelectorAll('image')].map(e => e.href.baseVal)
      .concat([...document.images].map(e => e.src));
    var drawn = [...document.querySelectorAll('svg[role=img]')];
    return {n: links.length, data: links.every(e => e.startsWith('data:image/jpeg')),
            broken: [...document.images].filter(e => e.complete && !e.naturalWidth).length,
            seen: drawn.filter(e => e.getBoundingClientRect().width > 50).length};
    """
    told = asked(page, tmp_path, script)
    assert told == {"n": 10 + 2, "data": True, "broken": 0, "seen": 10}


def test_the_filter_works(page, tmp_path):
    script = """
    var form = document.getElementById('filter'), count = () => [...document.querySelectorAll('.group li')]
      .filter(e => !e.hidden && !e.closest('.group').hidden).length;
    var set = words => { form.elements.words.value = words; form.dispatchEvent(new Event('input', {bubbles: true})); };
    var all = count(); set('OUTSIDE image'); var some = count(), told = document.getElementById('n-shown').textContent;
    set('no such words'); var none = count(); set('');
    var box = form.elements['is-warning']; box.checked = false; box.dispatchEvent(new Event('input', {bubbles: true}));
    var left = [...document.querySelectorAll('.group')].filter(e => !e.hidden).map(e => e.dataset.severity);
    return {hidden: form.hidden, all: all, some: some, told: told, none: none, left: [...new Set(left)]};
    """
    told = asked(page, tmp_path, script)
    assert not told["hidden"]
    assert told["all"] > told["some"] == 1
    assert told["told"] == "1 finding is shown"
    assert told["none"] == 0
    assert told["left"] == ["note"]


def test_it_fits_a_telephone(page, tmp_path):
    """A frame of 480 px, since a window can't be as narrow as that everywhere."""
    size = "JSON.stringify([document.documentElement.scrollWidth, innerWidth])"
    hears = "addEventListener('message', e => document.documentElement.dataset.told = e.data)"
    content = page.read_text(encoding="utf-8")
    inner, frame = tmp_path / "inner.html", tmp_path / "frame.html"
    script = f"<script>parent.postMessage({size}, '*')</script></body>"
    inner.write_text(content.replace("</body>", script), encoding="utf-8")
    element = '<iframe src="inner.html" width="480" height="900" style="border:0"></iframe>'
    frame.write_text(f"<!doctype html><html><body><script>{hears}</script>{element}</body></html>", encoding="utf-8")
    done = chromium(tmp_path, "--dump-dom", frame.as_uri())
    width, window = told_in(done.stdout)
    assert width <= window == 480
