"""The pages in a real browser: they load from disk, work, fit a telephone, show pictures, and can be used by all."""

import importlib.util
import json
import re
import shutil
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy as np
import pytest
from archive_states import ARCHIVE, build_states
from browser import ABSENT, Browser
from builder import Session, Video, build_project
from command import dlc2lp

pytestmark = pytest.mark.skipif(bool(ABSENT), reason=ABSENT)

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p", suffix=".avi")
SCRIPT = Path(__file__).resolve().parents[1] / "scripts/get_axe"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def migration(tmp_path_factory):
    root = tmp_path_factory.mktemp("browser")
    labels = {("m1", "img09.png", "nose"): (140.25, 20.5)}
    project = build_project(
        root / "dlc", sessions=("m1", Session("m2", video="none")), labels=labels, unlabeled=(7,), video=JPEG,
        bodyparts=[f"a_keypoint_with_a_long_name_{k}" for k in range(15)] + ["nose"], skeleton=(),
    )  # fmt: skip
    assert dlc2lp("convert", project.root, root / "lp").exit_code == 0
    return root / "lp/migration-report.html"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive with projects in all states, some of which have names that are markup."""
    root, out = (tmp_path_factory.mktemp("archive") / name for name in ("root", "lp"))
    build_states(root, out)
    assert dlc2lp("batch", "convert", root, out).exit_code == 1
    shutil.rmtree(out / ARCHIVE["incomplete"] / "labeled-data")
    assert dlc2lp("batch", "finish", out).exit_code == 1
    return out / "index.html"


@pytest.fixture(scope="module", params=["migration", "archive"])
def page(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def axe():
    loader = SourceFileLoader("get_axe", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("get_axe", loader))
    loader.exec_module(module)
    if not module.place().is_file():
        pytest.skip("axe-core is not here: scripts/get_axe fetches it")
    return module.place().read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_loads_from_disk_without_a_complaint_and_is_light_or_dark(browser, page, dark):
    browser.open(page, dark=dark)
    shot = browser.shot()
    assert not browser.told
    assert shot.shape == (900, 1280, 3)
    corner, rest = shot[-1, -1].mean(), len(np.unique(shot.reshape(-1, 3), axis=0))
    assert corner < 60 if dark else corner > 200
    assert rest > 100, "there are letters and marks"


def test_a_complaint_would_be_heard(browser, tmp_path):
    for script in ("console.error('no')", "throw new Error('no')"):
        (tmp_path / "bad.html").write_text(f"<!doctype html><title>x</title><script>{script}</script>")
        browser.open(tmp_path / "bad.html")
        assert browser.told


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width_px", [1280, 480])
def test_everybody_can_use_it(browser, page, axe, dark, width_px):
    """All is unfolded, since what is not to be seen is not judged."""
    browser.open(page, width_px, dark=dark)
    browser.ask("document.querySelectorAll('details').forEach(function (each) { each.open = true; })")
    browser.ask(f"{axe}; return 0")
    found = browser.ask("""
        var found = await axe.run(document, {resultTypes: ['violations']});
        return found.violations.filter(each => ['serious', 'critical'].includes(each.impact))
          .map(each => [each.id, each.nodes.slice(0, 3).map(node => node.failureSummary + node.html)]);
    """)
    assert found == []


def test_axe_would_find_faint_letters(browser, axe, tmp_path):
    faint = '<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><p style="color:#aaa">faint</p></main>'
    (tmp_path / "faint.html").write_text(faint)
    browser.open(tmp_path / "faint.html")
    browser.ask(f"{axe}; return 0")
    assert browser.ask("return (await axe.run()).violations.map(each => each.id)") == ["color-contrast"]


def test_it_fits_a_telephone_and_paper(browser, page):
    for dark in (False, True):
        browser.open(page, 480, dark=dark)
        assert browser.ask("return document.documentElement.scrollWidth") == 480
    browser.open(page, 794)
    browser.ask("window.dispatchEvent(new Event('beforeprint'))")
    browser.look(794, 1123, media="print")
    closed, forms, width, paper = browser.ask("""
        var seen = each => each.getClientRects().length > 0;
        return [[...document.querySelectorAll('details')].filter(each => !each.open).length,
                [...document.querySelectorAll('form, nav')].filter(seen).length,
                document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor];
    """)
    assert (closed, forms, width, paper) == (0, 0, 794, "rgb(255, 255, 255)")


def test_it_is_read_without_scripts_too(browser, page, tmp_path):
    """Where a policy forbids them, all is there but what sorts and filters."""
    copy = tmp_path / "still.html"
    text = page.read_text(encoding="utf-8")
    copy.write_text(text.replace("script-src 'unsafe-inline'", "script-src 'none'"), encoding="utf-8")
    browser.open(copy)
    assert browser.ask("return [...document.querySelectorAll('form')].every(each => each.hidden)")
    assert browser.ask("return document.querySelectorAll('button').length") == 0
    with_scripts = (
        "return [document.querySelectorAll('tbody tr').length, document.querySelectorAll('.group li').length]"
    )
    still = browser.ask(with_scripts)
    browser.open(page)
    assert browser.ask(with_scripts) == still


def test_all_pictures_load(browser, migration):
    browser.open(migration)
    script = """
    var links = [...document.querySelectorAll('image')].map(e => e.href.baseVal)
      .concat([...document.images].map(e => e.src));
    var drawn = [...document.querySelectorAll('svg[role=img]')];
    return {n: links.length, data: links.every(e => e.startsWith('data:image/jpeg')),
            broken: [...document.images].filter(e => e.complete && !e.naturalWidth).length,
            seen: drawn.filter(e => e.getBoundingClientRect().width > 50).length};
    """
    assert browser.ask(script) == {"n": 10 + 2, "data": True, "broken": 0, "seen": 10}


def test_a_picture_is_seen(browser, migration):
    browser.open(migration)
    box = "var box = document.querySelector('svg[role=img] image').getBoundingClientRect(); "
    clip = browser.ask(box + "return {x: box.x, y: box.y + scrollY, width: box.width, height: box.height}")
    colors = np.unique(browser.shot(clip).reshape(-1, 3), axis=0)
    assert len(colors) > 500, "pictures have many colors"


FILTER = """
    var form = document.getElementById('filter'), count = () => [...document.querySelectorAll('.group > ul > li')]
      .filter(e => !e.hidden && !e.closest('.group').hidden).length;
    var set = words => { form.elements.words.value = words; form.dispatchEvent(new Event('input', {bubbles: true})); };
    var all = count(); set('WORDS'); var some = count(), told = document.getElementById('n-shown').textContent;
    set('no such words'); var none = count(); set('');
    var box = form.elements['is-SEVERITY']; box.checked = false; box.dispatchEvent(new Event('input', {bubbles: true}));
    var left = [...document.querySelectorAll('.group')].filter(e => !e.hidden).map(e => e.dataset.severity);
    return {hidden: form.hidden, all: all, some: some, told: told, none: none, left: [...new Set(left)]};
"""


def test_the_filter_of_findings_works(browser, migration):
    browser.open(migration)
    told = browser.ask(FILTER.replace("WORDS", "OUTSIDE image").replace("SEVERITY", "warning"))
    assert not told["hidden"]
    assert told["all"] > told["some"] == 1
    assert told["told"] == "1 finding is shown"
    assert told["none"] == 0
    assert told["left"] == ["note"]


def test_the_filter_of_an_archive_counts_what_it_folds(browser, archive):
    browser.open(archive)
    told = browser.ask(FILTER.replace("WORDS", "no SUCH image m1").replace("SEVERITY", "error"))
    assert told["all"] > told["some"] == 1
    assert told["told"] == "2 findings are shown", "two frames lack their images"
    assert told["none"] == 0
    assert told["left"] == ["warning", "note"]


ROWS = "[...document.querySelectorAll('#table tbody tr')].filter(row => !row.hidden)"
NAMES = f"return {ROWS}.map(row => row.cells[0].textContent)"


def column(browser, name):
    script = f"""
    var heads = [...document.querySelectorAll('#table thead th')];
    var k = heads.findIndex(head => head.textContent === {json.dumps(name)});
    return [heads[k].getAttribute('aria-sort'), {ROWS}.map(row => row.cells[k].textContent)];
    """
    return browser.ask(script)


def click(browser, name):
    heads = "[...document.querySelectorAll('#table thead button')]"
    browser.ask(f"{heads}.find(button => button.textContent === {json.dumps(name)}).click()")


def test_the_table_of_an_archive_is_sorted_by_each_column(browser, archive):
    browser.open(archive)
    names = browser.ask("return [...document.querySelectorAll('#table thead button')].map(each => each.textContent)")
    plan = browser.ask(NAMES)
    assert len(plan) == len(set(plan)) == len(ARCHIVE) + 1, "one is split"
    assert len(names) == 11
    for name in names:
        assert column(browser, name)[0] is None
        click(browser, name)
        sort, up = column(browser, name)
        assert sort == "ascending"
        click(browser, name)
        sort, down = column(browser, name)
        assert sort == "descending"
        assert sorted(up) == sorted(down)
        known = [cell for cell in up if cell]
        if name != "findings":
            assert up == known + [""] * (len(up) - len(known)), "what nobody knows comes last"
        if all(re.fullmatch(r"\d+", cell) for cell in known):
            assert [*map(int, known)] == sorted(map(int, known))
            assert [cell for cell in down if cell] == known[::-1]
    assert browser.ask("return document.querySelectorAll('#table [aria-sort]').length") == 1
    click(browser, "project")
    assert browser.ask(NAMES) == sorted(plan)
    click(browser, "state")
    assert column(browser, "state")[1][:2] == ["incomplete", "failed"]


def test_sizes_are_sorted_as_numbers(browser, archive):
    browser.open(archive)
    click(browser, "size after")
    factors = {"B": 1, "kB": 1e3, "MB": 1e6}
    sizes = [float(cell.split()[0]) * factors[cell.split()[1]] for cell in column(browser, "size after")[1] if cell]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1e5 > sizes[0], "they are of different units or lengths"


def test_the_table_of_an_archive_is_sorted_by_keys(browser, archive):
    browser.open(archive)
    browser.ask("document.querySelector('#narrow [name=is-done]').focus()")
    active = "return document.activeElement.closest('#table th') ? document.activeElement.textContent : ''"
    for _ in range(12):
        browser.press("Tab")
        if browser.ask(active) == "project":
            break
    browser.press("Enter", "\r")
    assert column(browser, "project")[0] == "ascending"
    browser.press("Tab")
    browser.press(" ", " ")
    assert column(browser, "state")[0] == "ascending"
    assert browser.ask("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_table_of_an_archive_is_filtered(browser, archive):
    browser.open(archive)
    form = "var form = document.getElementById('narrow'); "
    tell = "form.dispatchEvent(new Event('input')); return document.getElementById('n-rows').textContent"
    everything = browser.ask(NAMES)
    assert browser.ask(form + tell) == f"{len(everything)} projects are shown"
    assert browser.ask(f"{form} form.elements.words.value = 'MISSING-image'; {tell}") == "1 project is shown"
    assert browser.ask(NAMES) == [ARCHIVE["failed"]]
    others = (
        f"{form} form.reset(); [...form.elements].forEach(each => each.checked = each.name === 'is-refused'); {tell}"
    )
    assert browser.ask(others) == "1 project is shown"
    assert browser.ask(NAMES) == [ARCHIVE["refused"]]


def test_a_link_to_what_is_folded_or_filtered_away_shows_it(browser, archive):
    browser.open(archive)
    hide = "form.elements.words.value = 'no such words'; form.dispatchEvent(new Event('input'));"
    for form, wanted in (("narrow", "#table tbody tr:last-child"), ("filter", ".group[data-severity=note]")):
        seen = browser.ask(f"""
            var form = document.getElementById('{form}'), wanted = document.querySelector('{wanted}'); {hide}
            var before = wanted.hidden;
            location.hash = wanted.id;
            await new Promise(done => setTimeout(done, 100));
            var at = wanted.getBoundingClientRect();
            return [before, wanted.hidden, at.top >= 0 && at.top < innerHeight, wanted.open !== false];
        """)
        assert seen == [True, False, True, True]


def test_its_links_to_the_projects_lead_there(browser, archive):
    browser.open(archive)
    addresses = browser.ask("return [...document.querySelectorAll('#table tbody th a')].map(each => each.href)")
    assert len(addresses) == 6, "of what is refused, skipped or waits for a decision there is no page"
    for address in addresses:
        browser.open_address(address)
        assert browser.ask("return document.querySelector('h1').textContent")
        assert address.startswith(archive.parent.as_uri())
