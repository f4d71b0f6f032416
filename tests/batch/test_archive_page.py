"""``OUT/index.html``: what became of an archive, and what a person must do first; each finding is told once."""

import os
import shutil
import sys
from dataclasses import replace
from urllib.parse import unquote

import pytest
from archive_states import ARCHIVE, build_states
from command import dlc2lp
from page_reader import read_page

from dlc2lp.batch.finish import ArchiveReport, ProjectReport
from dlc2lp.batch.index import Index, Totals
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.plan import Count
from dlc2lp.report.archive import html_text
from dlc2lp.report.archive_first import total, verdict_of
from dlc2lp.report.archive_kinds import Origin, kinds_of

ORDER = ["done", "failed", "incomplete", "needs-decision", "refused", "skipped", "split", "odd"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive with a project in every state, and OUT in a folder that must be quoted."""
    root, out = tmp_path_factory.mktemp("archive") / "root", tmp_path_factory.mktemp("out & more") / "lp"
    build_states(root, out)
    assert dlc2lp("batch", "convert", root, out).exit_code == 1
    shutil.rmtree(out / ARCHIVE["incomplete"] / "labeled-data")
    assert dlc2lp("batch", "finish", out).exit_code == 1
    return root, out


@pytest.fixture(scope="module")
def page(archive):
    return read_page(archive[1] / "index.html")


def rows(page):
    return {row.all("th")[0].text: row for row in page.by_id("table").all("tbody")[0].all("tr")}


def test_the_verdict_is_one_sentence(page):
    said = "Not complete: 4 of 9 projects arrived whole; 1 was written incompletely, 1 lacks something, "
    assert page.all("div", "verdict")[0].text == f"{said}1 waits for a decision and 1 was refused."
    assert "lacking" in page.all("div", "verdict")[0].classes
    tiles = {each.all("dt")[0].text: each.all("dd")[0].text for each in page.all("div", "tile")}
    assert tiles["projects"] == "5 of 9 arrived or were left out on purpose"
    assert tiles["labeled frames"] == "25 of 36 in DeepLabCut, 11 left out", "what waits, too; what is split once"


def test_what_a_person_must_do_comes_first_and_can_be_typed(archive, page):
    root, out = archive
    tasks = page.by_id("first").all("li", "task")
    assert [task.all("h3")[0].text for task in tasks] == [
        "1 target was written incompletely",
        "1 project lacks something",
        "1 project waits for a decision",
        "1 project was refused",
        "6 warnings are worth a look",
        "4 projects are ready to be trained on",
    ]
    commands = [[code.text for each in task.all("ul", "commands") for code in each.all("code")] for task in tasks]
    quoted = f"'{out}'"
    assert commands[0] == [f"dlc2lp batch run {quoted}", f"dlc2lp batch finish {quoted}"]
    assert commands[1] == commands[2] == commands[3] == [f"dlc2lp batch convert {root} {quoted}"]
    assert commands[4] == []
    assert commands[5] == [f"litpose train '{out}/arena/done/configs/default.yaml'", "litpose run_app"]
    assert f"{out}/decisions.yaml" in tasks[2].text
    assert "--individuals" in tasks[2].text
    for task, state in zip(tasks, ("incomplete", "failed", "needs-decision", "refused"), strict=False):
        assert ARCHIVE[state] in task.text
        for link in task.all("a"):
            assert page.by_id(link.attributes["href"][1:])


def test_where_the_decisions_file_lies_elsewhere_it_is_not_named(archive):
    root, out = archive
    report = ArchiveReport(
        Index(out.parent, str(root), {}, Totals(), (), ""),
        (ProjectReport("p", "/archive/p", "p", "needs-decision", decisions_open=("several-individuals",)),),
    )
    assert "in the file that was given with --decisions, then" in html_text(report)


def test_every_project_has_a_row_with_its_state_counts_and_page(archive, page):
    _, out = archive
    found = rows(page)
    names = [ARCHIVE[state] for state in ORDER]
    names[6:7] = [f"{ARCHIVE['split']} ({name})" for name in "ab"]
    assert [*found] == names
    states = {name: row.all("span", "badge")[0].text for name, row in found.items()}
    assert [*states.values()] == [
        *("done", "failed", "incomplete", "needs decision", "refused", "skipped", "done", "done", "done"),
    ]
    for row in found.values():
        links = row.all("th")[0].all("a")
        written = row.attributes["data-state"] in {"done", "failed", "incomplete"}
        assert bool(links) == written
        if written:
            address = links[0].attributes["href"]
            assert address.endswith("/migration-report.html")
            assert (out / unquote(address)).is_file()
            assert not set(address) & set("<>&' ")
    assert len({row.attributes["id"] for row in found.values()}) == len(found)
    cells = {name: [cell.text for cell in row.all("td", "n")] for name, row in found.items()}
    assert cells[ARCHIVE["refused"]] == ["", "0", "0", "0", "0", "", "", ""]
    assert cells[ARCHIVE["needs-decision"]][:5] == ["", "6", "0", "24", "0"]
    assert cells[ARCHIVE["failed"]][:5] == ["2", "6", "1", "12", "2"]


def test_a_page_that_is_not_there_is_not_linked(archive, tmp_path):
    out = shutil.copytree(archive[1], tmp_path / "lp")
    gone = out / ARCHIVE["done"] / "migration-report.html"
    again = dlc2lp("batch", "finish", out)
    assert gone.is_file(), again.stderr
    gone.unlink()
    gone.mkdir()
    assert dlc2lp("batch", "finish", out).exit_code == 1
    link = rows(read_page(out / "index.html"))[ARCHIVE["done"]].all("th")[0].all("a")[0]
    assert link.attributes["href"] == f"{ARCHIVE['done']}/"
    shutil.rmtree(out / ARCHIVE["done"])
    assert dlc2lp("batch", "finish", out).exit_code == 1
    row = rows(read_page(out / "index.html"))[ARCHIVE["done"]]
    assert (row.attributes["data-state"], row.all("th")[0].all("a")) == ("failed", [])


def test_findings_are_told_once_with_their_projects(page):
    kind = page.by_id("error-missing-image")
    summary = kind.all("summary")[0].text
    assert summary == "error A row of labels has no image 5 frames of 2 sessions in 1 project missing-image"
    told = [each.text for each in kind.all("ul")[0].all("li")]
    assert len(told) == 2, "one for each folder"
    assert "no such image in labeled-data/m1; the row and its 2 labelled points are left out" in told[0]
    assert f"{ARCHIVE['failed']} : m1: img02.png, img05.png" in told[0]
    notes = page.by_id("note-no-context-frames")
    (once,) = [each for each in notes.all("li") if each.attributes.get("data-n")]
    assert once.attributes["data-n"] == "3"
    assert once.all("summary")[0].text == "3 projects"
    places = [each.text.partition(" :")[0].strip() for each in once.all("ul", "places")[0].all("li")]
    assert places == [f"{ARCHIVE['split']} (a)", f"{ARCHIVE['split']} (b)", ARCHIVE["odd"]]
    for link in page.by_id("table").all("a", "kind"):
        assert page.by_id(link.attributes["href"][1:])


def test_two_reports_are_the_same_bytes_and_know_no_time(archive, tmp_path):
    _, out = archive
    once = (out / "index.html").read_bytes()
    assert dlc2lp("batch", "finish", out).exit_code == 1
    assert (out / "index.html").read_bytes() == once


SOURCE = "/archive/lab/p"


def of_project(name, *findings):
    return Origin(name, f"project-{name}", (f"/archive/lab/{name}",)), findings


def missing(folder, n, file="img01.png", points=2):
    message = f"found a row of labels and no such image in /archive/lab/p{n}/{folder}; its {points} points are left out"
    return Finding(Severity.ERROR, "missing-image", f"{folder}/{file}", message)


def test_what_forty_projects_share_is_one_entry_with_all_their_names():
    found = [
        of_project(f"p{n}", *(missing(f"m{k}", n, f"img{i}.png") for k in (1, 2) for i in range(5))) for n in range(40)
    ]
    (kind,) = kinds_of(found)
    assert kind.extent == "400 frames of 80 sessions in 40 projects"
    assert [(each.n_findings, each.n_places) for each in kind.told] == [(200, 40)] * 2
    assert kind.told[0].message == "found a row of labels and no such image in m1; its 2 points are left out"
    assert kind.told[0].places[7].subjects == "m1: img0.png, img1.png, img2.png and 2 more"


def test_what_is_said_in_too_many_ways_is_counted():
    found = [of_project(f"p{n}", missing("m1", n, points=n)) for n in range(60)]
    (kind,) = kinds_of(found)
    assert (len(kind.told), kind.n_told, kind.n_findings) == (40, 60, 60)


def test_only_paths_inside_the_project_are_shortened():
    for text, told in {
        "in /archive/lab/p1/videos": "in videos",
        "'/archive/lab/p1/videos'": "'videos'",
        "/archive/lab/p1": "/archive/lab/p1",
        "/archive/lab/p11/videos": "/archive/lab/p11/videos",
        "/mnt/archive/lab/p1/videos": "/mnt/archive/lab/p1/videos",
    }.items():
        (kind,) = kinds_of([of_project("p1", Finding(Severity.NOTE, "x", "y", text))])
        assert kind.told[0].message == told


def test_errors_come_before_warnings_and_the_archive_has_no_row():
    warned = Finding(Severity.WARNING, "project-twice", "p1, p2", "are copies")
    kinds = kinds_of([(Origin(), [warned]), of_project("p1", warned, missing("m1", 1))])
    assert [kind.code for kind in kinds] == ["missing-image", "project-twice"]
    assert [origin.name for origin in kinds[1].projects] == ["p1"]
    assert kinds[1].extent == "2 times in 1 project"
    assert [place.subjects for place in kinds[1].told[0].places] == ["p1, p2", "p1, p2"]


def test_what_is_split_counts_once():
    counts = [Count(80, 40, 40), Count(80, 35, 45)]
    split = [ProjectReport("p", SOURCE, "p", "done", counts={"labeled_cells": each}) for each in counts]
    other = ProjectReport("q", SOURCE, "q", "done", counts={"labeled_cells": Count(10, 10, 0)})
    assert total([*split, other, ProjectReport("r", SOURCE, "r", "refused")], "labeled_cells") == Count(90, 85, 5)
    twice = [replace(each, counts={"labeled_frames": Count(8, 8, 0)}) for each in split]
    assert total(twice, "labeled_frames") == Count(8, 8, 0), "both animals are in each frame"


def report_of(tmp_path, *projects, findings=()):
    return ArchiveReport(Index(tmp_path, "/archive", {}, Totals(), findings, ""), projects)


_OF_ALL = "an error concerns the archive as a whole."


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_is_shown_and_linked(tmp_path):
    name = os.fsdecode(b"p\xff #1?.x")
    (tmp_path / name).mkdir()
    text = html_text(report_of(tmp_path, ProjectReport(name, f"/archive/{name}", name, "done")))
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    page = read_page(tmp_path / "index.html", may_miss=True)
    link = page.by_id("table").all("a")[0]
    assert (link.text, link.attributes["href"]) == ("p\\udcff #1?.x", "p%FF%20%231%3F.x/")


@pytest.mark.parametrize(
    ("states", "state", "words"),
    [
        ("", "look", "No project was found in this archive."),
        ("done", "whole", "1 project arrived whole, 7 labeled frames and 1 video."),
        (
            "done done skipped", "whole",
            "2 projects arrived whole, 14 labeled frames and 2 videos; 1 was left out as decided.",
        ),
        (
            "done incomplete incomplete", "lacking",
            "Not complete: 1 of 3 projects arrived whole; 2 were written incompletely.",
        ),
        (
            "needs-decision refused", "lacking",
            "Not complete: 0 of 2 projects arrived whole; 1 waits for a decision and 1 was refused.",
        ),
    ],
)  # fmt: skip
def test_the_verdict_says_how_it_is(tmp_path, states, state, words):
    whole = {"labeled_frames": Count(7, 7, 0)}
    projects = [ProjectReport(f"p{n}", SOURCE, f"p{n}", each) for n, each in enumerate(states.split())]
    projects = [replace(each, counts=whole, n_videos=1) if each.state == "done" else each for each in projects]
    report = report_of(tmp_path, *projects)
    verdict = verdict_of(report)
    assert (verdict.state, verdict.words) == (state, words)
    (tmp_path / "index.html").write_text(html_text(report), encoding="utf-8")
    read_page(tmp_path / "index.html", may_miss=True)


def test_warnings_and_errors_of_the_archive_count_in_the_verdict(tmp_path):
    done = ProjectReport("p", SOURCE, "p", "done")
    warned, lost = (Finding(severity, "project-twice", "p", "x") for severity in (Severity.WARNING, Severity.ERROR))
    assert verdict_of(report_of(tmp_path, done, findings=(warned,))).words.endswith("1 thing is worth a look.")
    verdict = verdict_of(report_of(tmp_path, done, findings=(lost,)))
    assert (verdict.state, verdict.words.rpartition("; ")[2]) == (
        "lacking",
        "an error concerns the archive as a whole.",
    )
    (tmp_path / "index.html").write_text(html_text(report_of(tmp_path, done, findings=(lost,))), encoding="utf-8")
    page = read_page(tmp_path / "index.html", may_miss=True)
    assert page.by_id("first").all("h3")[0].text == "Errors concern the archive as a whole"
