"""A project of an archive that is not planned is counted all the same, and told in proportion."""

import csv
import io
import shutil

import pytest
from archives import SMALL, build_archive
from builder import build_project
from command import dlc2lp
from page_reader import read_page


def unwritten(n_frames, n_cells):
    return {
        name: {"source": n, "written": 0, "left_out": n}
        for name, n in (("labeled_frames", n_frames), ("labeled_cells", n_cells))
    }


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """One project that arrives, and one for each reason why others don't."""
    root = tmp_path_factory.mktemp("archive") / "root"
    small = {**SMALL, "video": "none"}
    build_project(root / "fine", **small)
    build_project(root / "asked", **small, individuals=("a", "b"))
    two_scorers = build_project(root / "scorers", **small, scorer="Anna", config={"scorer": "Eve"})
    for path in [*two_scorers.folder("m1").glob("CollectedData_Anna.*")]:
        shutil.copy(path, path.with_stem("CollectedData_Bob"))
    refused = build_project(root / "refused", **small)
    refused.config.write_text("bodyparts: [a\n  b: :")
    bare = build_project(root / "bare", **small)
    for path in bare.folder("m1").glob("*.png"):
        path.unlink()
    empty = build_project(root / "empty", **small)
    for path in [*empty.folder("m1").glob("CollectedData*")]:
        path.write_bytes(b"\x00\x01 no labels")
    build_project(root / "skipped", **small)
    out = root.parent / "lp"
    out.mkdir()
    (out / "decisions.yaml").write_text("skipped:\n  skip: true\n")
    return root, out, dlc2lp("batch", "convert", root, out, "--json")


def test_source_counts_of_what_is_not_planned_stand_in_both_reports(archive):
    _, out, result = archive
    assert result.exit_code == 1, result.stderr
    projects = {each["project"]: each for each in result.document["report"]["projects"]}
    assert {name: each["state"] for name, each in projects.items()} == {
        "fine": "done",
        "scorers": "needs-decision",
        "asked": "needs-decision",
        "refused": "refused",
        "bare": "refused",
        "empty": "refused",
        "skipped": "skipped",
    }
    assert projects["asked"]["counts"] == unwritten(3, 12)
    assert projects["scorers"]["counts"] == unwritten(3, 6)  # of one file, not of both
    assert projects["refused"]["counts"] == projects["bare"]["counts"] == unwritten(3, 6)
    assert projects["empty"]["counts"] == unwritten(0, 0)
    assert projects["skipped"]["counts"] == {}
    assert projects["fine"]["counts"]["labeled_cells"] == {"source": 6, "written": 6, "left_out": 0}
    rows = {row["project"]: row for row in csv.DictReader(io.StringIO((out / "report.csv").read_text()))}
    for name, each in projects.items():
        for count, sides in each["counts"].items():
            assert {side: int(rows[name][f"{count}_{side}"]) for side in sides} == sides
    assert rows["asked"]["labeled_cells_left_out"] == "12"


def test_the_page_shows_them_without_a_link_to_a_target_that_is_not_there(archive):
    _, out, _ = archive
    rows = {
        row.all("th")[0].text: row for row in read_page(out / "index.html").by_id("table").all("tbody")[0].all("tr")
    }
    assert rows["fine"].all("th")[0].all("a")[0].attributes["href"] == "fine/migration-report.html"
    cells = {name: [each.text for each in row.all("td", "n")] for name, row in rows.items()}
    for name in ("asked", "scorers", "refused", "bare", "empty", "skipped"):
        assert not rows[name].all("th")[0].all("a")
    assert cells["asked"] == ["", "3", "0", "12", "0", "", "", ""]
    assert cells["scorers"] == cells["refused"] == cells["bare"] == ["", "3", "0", "6", "0", "", "", ""]
    assert cells["skipped"] == [""] * 8, "nobody looked into it"
    assert cells["fine"][:6] == ["1", "3", "3", "6", "6", "0"]


def test_a_project_that_is_decided_later_is_counted_by_its_plan(archive, tmp_path):
    root, _, _ = archive
    out = tmp_path / "lp"
    out.mkdir()
    (out / "decisions.yaml").write_text("asked:\n  individuals: flatten\n")
    result = dlc2lp("batch", "convert", root, out, "--json")
    projects = {each["project"]: each for each in result.document["report"]["projects"]}
    assert projects["asked"]["counts"]["labeled_cells"] == {"source": 12, "written": 12, "left_out": 0}


def test_the_name_of_an_individual_for_a_whole_archive_is_refused_where_there_are_none(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    small = {**SMALL, "video": "none"}
    build_project(root / "one", **small)
    build_project(root / "two", **small, individuals=("a", "b"))
    result = dlc2lp("batch", "plan", root, out, "--individuals", "a", "--json")
    assert (result.exit_code, result.document["n_targets"]) == (1, 1)
    (left,) = result.document["not_planned"]
    assert (left["project"], left["state"]) == ("one", "needs-decision")
    assert [each["code"] for each in left["findings"] if each["severity"] == "error"] == ["unknown-individual"]
    (out / "decisions.yaml").write_text("one:\n  individuals: auto\n")
    again = dlc2lp("batch", "plan", root, out, "--individuals", "a", "--json")
    assert (again.exit_code, again.document["n_targets"]) == (0, 2)


def test_many_individuals_are_listed_once(tmp_path):
    names = tuple(f"mouse{n:02d}" for n in range(37))
    root, out = tmp_path / "root", tmp_path / "lp"
    project = build_project(root / "many", **{**SMALL, "frames": (2,), "video": "none"}, individuals=names)
    inspected = dlc2lp("inspect", project.root)
    planned = dlc2lp("batch", "plan", root, out)
    finished = dlc2lp("batch", "finish", out)
    texts = [inspected.stdout, planned.stdout, finished.stdout]
    texts += [(out / "decisions.yaml").read_text(), (out / "index.html").read_text()]
    for text in texts:
        assert "candidates: the 37 above" in " ".join(text.split())
        assert {text.count(name) for name in names} == {1}
    (decision,) = dlc2lp("inspect", project.root, "--json").document["decisions"]
    assert decision["candidates"] == list(names)
    assert ", ".join(names) in dlc2lp("batch", "finish", out, "--json").document["findings"][0]["hint"]


def test_few_candidates_are_named(tmp_path):
    project = build_project(tmp_path / "few", **{**SMALL, "video": "none"}, individuals=("a", "b"))
    assert "candidates: a, b" in dlc2lp("inspect", project.root).stdout


def test_a_bad_config_is_one_line_in_an_archive(tmp_path):
    root = tmp_path / "root"
    build_archive(root, 1, n_encoded=0, video="none", config={"skeleton": ["nose", "tail"] * 20})
    planned = dlc2lp("batch", "convert", root, tmp_path / "lp", "--json")
    (project,) = planned.document["report"]["projects"]
    assert [each["code"] for each in project["findings"]].count("config-value") == 1
