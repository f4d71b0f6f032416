"""``dlc2lp labels``: the label files after labeling in the app."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from builder import BuiltProject, Session, build_project, snapshot
from command import dlc2lp
from labeler import NOTHING, queued, save
from targets import read_labels, read_visible

import dlc2lp as library


def image(index: int, session: str = "m1") -> str:
    return f"labeled-data/{session}/img{index:08d}.png"


@pytest.fixture
def project(tmp_path: Path) -> BuiltProject:
    """A project whose second session lacks a keypoint, so that there is a column `visible`."""
    later = Session("m2", bodyparts=("nose", "ear_left", "ear_right"))
    hidden = {("m1", "img05.png", "nose"): None}
    return build_project(tmp_path / "dlc", sessions=("m1", later), unlabeled=(7, 11), labels=hidden, video="none")


@pytest.fixture
def target(tmp_path: Path, project: BuiltProject) -> Path:
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    assert "dlc2lp labels TARGET" in result.finding("visible-column")["hint"]
    return tmp_path / "lp"


def label(target: Path) -> None:
    save(target, image(7), {"nose": (10.25, 20.5)})  # of the queue
    save(target, image(2, "m2"), {"tail": (1.5, 2.5)})  # visible 0
    save(target, image(5), {"nose": (3.5, 4.5)})  # visible 1
    save(target, image(9), {"nose": NOTHING})


def test_every_cell_says_what_it_is(project, target):
    original = read_visible(target)
    before = (target / "CollectedData.csv").read_text(encoding="utf-8").splitlines()
    label(target)
    left = (target / "CollectedData.csv").read_bytes()
    found = dlc2lp("verify", target, "--json")
    assert found.exit_code == 1
    told = [each for each in found.document["findings"] if each["code"] == "target-labels-visible"]
    assert [each["message"].split(";")[0] for each in told] == [
        "found 4 cells of `visible` empty: its frame's heatmap, and with it the loss, becomes NaN",
        "found 1 cell of `visible` 0 beside a label: the label is not trained on",
        "found 1 cell of `visible` 1 beside a label: it is taught that the keypoint can't be seen there",
        "found 1 cell of `visible` 2 without a label: the keypoint is passed over there",
    ]
    assert {each["hint"] for each in told} == {f"dlc2lp labels {target}"}
    assert told[1]["where"].endswith(f"{image(2, 'm2')}, tail")

    dry = dlc2lp("labels", target, "--dry-run", "--json")
    assert (dry.exit_code, dry.document["is_written"]) == (0, False)
    assert (target / "CollectedData.csv").read_bytes() == left
    result = dlc2lp("labels", target, "--json")
    assert result.exit_code == 0
    assert result.document["files"] == dry.document["files"]
    labels, queue = result.document["files"]
    assert labels["n_visible"] == {"1": 4, "2": 3}
    assert labels["edits"] == {"added": 3, "moved": 0, "removed": 1, "rows_added": 1, "rows_removed": 0}
    assert (labels["is_changed"], queue["is_changed"]) == (True, False)

    visible, points = read_visible(target), read_labels(target)
    theirs = {(image(2, "m2"), "tail"): "2", (image(5), "nose"): "2", (image(9), "nose"): "1", (image(7), "nose"): "2"}
    theirs |= {(image(7), name): "1" for name in ("ear_left", "ear_right", "tail")}
    assert visible == original | theirs
    for (session, name, keypoint), point in project.labels.items():
        place = image(project.frame_index[session, name], session), keypoint
        if place not in theirs:
            assert points[place] == point, "digit for digit"
    after = (target / "CollectedData.csv").read_text(encoding="utf-8").splitlines()
    touched = {image(2, "m2"), image(5), image(9)}
    assert [line for line in after[:-1] if line.split(",")[0] not in touched] == [
        line for line in before if line.split(",")[0] not in touched
    ]

    settled = snapshot(target)
    again = library.labels(target)
    assert not any(file.is_changed for file in again.files)
    assert dlc2lp("labels", target).exit_code == 0
    assert dlc2lp("verify", target).exit_code == 0
    assert snapshot(target) == settled
    assert "labels-edited" in dlc2lp("verify", target, "--json").codes
    assert dlc2lp("convert", project.root, target, "--json").document["steps"]["done"] == []


def test_an_empty_cell_is_what_the_options_say(project, target):
    assert dlc2lp("config", target, "--nan-means", "unlabeled").exit_code == 0
    label(target)
    assert dlc2lp("labels", target).exit_code == 0
    visible = read_visible(target)
    assert visible[image(7), "tail"] == "0"
    assert visible[image(9), "nose"] == "0"
    assert dlc2lp("verify", target).exit_code == 0


def test_convert_mends_too(project, target):
    label(target)
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert read_visible(target)[image(2, "m2"), "tail"] == "2"
    assert dlc2lp("verify", target).exit_code == 0


def test_without_the_column_there_are_digits_to_mend(tmp_path):
    x = 25.055999999999997
    project = build_project(tmp_path / "dlc", sessions=("m1",), labels={("m1", "img02.png", "nose"): (x, 7.0)})
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target)
    path = target / "CollectedData.csv"
    before = path.read_bytes()
    path.write_bytes(before.replace(repr(x).encode(), b"25.056"))
    assert path.read_bytes() != before
    assert dlc2lp("verify", target).exit_code == 0
    made = library.labels(target)
    assert [(file.n_digits, file.is_changed) for file in made.files] == [(1, True)]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("cells", "code"), [("4.5,,2", "target-labels-half-point"), ("left,4.5,2", "target-labels-number")]
)
def test_what_only_a_person_can_say_is_told_and_left(target, cells, code):
    path = target / "CollectedData.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    name, _, _, _, *others = lines[3].split(",")
    lines[3] = ",".join([name, cells, *others])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for _ in range(2):
        result = dlc2lp("labels", target, "--json")
        assert result.exit_code == 1
        assert code in result.codes
        assert result.finding(code)["subject"] == path.name
        assert name in result.finding(code)["where"] or "row 1" in result.finding(code)["where"]
        assert cells.rsplit(",", 1)[0] in path.read_text(encoding="utf-8")
    assert dlc2lp("verify", target).exit_code == 1


def test_nothing_is_written_where_a_file_cant_be_read(target):
    path = target / "CollectedData.csv"
    path.write_bytes(path.read_bytes() + b"labeled-data/m1/img00000002.png,1\n")
    before = snapshot(target)
    result = dlc2lp("labels", target, "--json")
    assert (result.exit_code, result.codes) == (1, ["target-labels-row"])
    assert snapshot(target) == before
    elsewhere = dlc2lp("labels", target.parent / "dlc", "--json")
    assert (elsewhere.exit_code, elsewhere.codes) == (3, ["not-a-target"])


def test_a_target_that_was_moved(project, target):
    label(target)
    moved = target.rename(target.with_name("elsewhere"))
    assert dlc2lp("labels", moved).exit_code == 0
    assert read_visible(moved)[image(2, "m2"), "tail"] == "2"
    assert not target.exists()


@pytest.fixture
def views(tmp_path: Path) -> Path:
    """Two cameras: frame 14 has labels in the top view only, 11 in the side view; 7 and 17 wait in the queue."""
    given = []
    for name, frames in (("top", (2, 5, 14)), ("side", (2, 5, 11))):
        project = build_project(tmp_path / name, sessions=("m1",), frames=frames, unlabeled=(7, 17))
        given += ["--view", f"{name}={project.root}"]
    assert dlc2lp("convert", *given, tmp_path / "lp", "--no-context-frames").exit_code == 0
    return tmp_path / "lp"


def rows(target: Path, view: str) -> list[str]:
    names = dict.fromkeys(place for place, _ in read_labels(target, f"CollectedData_{view}.csv"))
    return [Path(name).stem[-2:] for name in names]


def test_rows_of_all_views(views):
    save(views, image(17, "m1_top"), {"nose": (1.5, 2.5)}, "top")
    save(views, image(7, "m1_side"), {"nose": (1.5, 2.5)}, "side")
    save(views, image(14, "m1_side"), {"nose": (1.5, 2.5)}, "side")
    save(views, image(11, "m1_side"), None, "side")
    found = dlc2lp("verify", views, "--json")
    assert found.exit_code == 1
    assert "dlc2lp labels" in found.finding("target-views-differ")["hint"]
    made = dlc2lp("labels", views, "--json")
    assert made.exit_code == 0, made.stdout
    assert {file["path"]: file["n_rows"] for file in made.document["files"] if file["path"].endswith(".csv")} == {
        "CollectedData_side.csv": 2,
        "CollectedData_top.csv": 1,
    }
    assert rows(views, "top") == rows(views, "side") == ["02", "05", "11", "14", "17", "07"]
    assert (queued(views, "top"), queued(views, "side")) == ([], [])
    visible = read_visible(views, "CollectedData_side.csv")
    assert visible[image(14, "m1_side"), "nose"] == "2"
    assert {visible[image(17, "m1_side"), name] for name in ("nose", "tail")} == {"0"}
    settled = snapshot(views)
    assert dlc2lp("labels", views).exit_code == 0
    assert dlc2lp("verify", views).exit_code == 0
    assert snapshot(views) == settled


def test_a_row_that_nobody_has_looked_at_is_not_taken_for_hidden(tmp_path):
    given = []
    for name in ("top", "side"):
        project = build_project(tmp_path / name, sessions=("m1",), frames=(2, 5), unlabeled=(7,))
        given += ["--view", f"{name}={project.root}"]
    target = tmp_path / "lp"
    assert dlc2lp("convert", *given, target, "--no-context-frames").exit_code == 0
    assert "visible" not in (target / "CollectedData_side.csv").read_text(encoding="utf-8")
    save(target, image(7, "m1_top"), {"nose": (1.5, 2.5)}, "top")
    assert dlc2lp("labels", target).exit_code == 0
    side = read_visible(target, "CollectedData_side.csv")
    assert {side[image(7, "m1_side"), name] for name in ("nose", "tail")} == {"0"}
    assert {side[image(5, "m1_side"), name] for name in ("nose", "tail")} == {"2"}
    assert read_visible(target, "CollectedData_top.csv")[image(7, "m1_top"), "tail"] == "1"
    settled = {path.name: path.read_bytes() for path in target.glob("CollectedData*")}
    assert dlc2lp("labels", target).exit_code == 0
    assert dlc2lp("verify", target).exit_code == 0
    assert dlc2lp("convert", *given, target, "--no-context-frames").exit_code == 0
    assert {path.name: path.read_bytes() for path in target.glob("CollectedData*")} == settled


def test_a_view_that_has_no_image_of_a_labeled_moment(views):
    extra = views / image(19, "m1_top")
    shutil.copyfile(views / image(17, "m1_top"), extra)
    save(views, image(19, "m1_top"), {"nose": (1.5, 2.5)}, "top")
    made = dlc2lp("labels", views, "--json")
    assert made.exit_code == 1
    told = made.finding("labels-view-lacking")
    assert told["subject"] == "CollectedData_side.csv"
    assert image(19, "m1_side") in told["message"]
    shutil.copyfile(views / image(17, "m1_side"), views / image(19, "m1_side"))
    assert dlc2lp("labels", views).exit_code == 0
    assert dlc2lp("verify", views).exit_code == 0


def edit(target: Path, change) -> None:
    """Edit the label file by hand: ``change`` gets its rows of cells."""
    path = target / "CollectedData.csv"
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    change(rows)
    path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("name", ["nose", ""], ids=["twice", "blank"])
def test_a_keypoint_name_that_cant_be_told_from_others(target, name):
    def rename(rows):
        rows[1] = [name if cell == "tail" else cell for cell in rows[1]]

    edit(target, rename)
    before = snapshot(target)
    result = dlc2lp("labels", target, "--json")
    assert (result.exit_code, result.codes) == (1, ["target-labels-header"])
    assert name in result.finding("target-labels-header")["message"]
    assert snapshot(target) == before
    verified = dlc2lp("verify", target, "--json")
    assert [code for code in verified.codes if code.startswith(("target-labels", "target-edited", "nothing"))] == [
        "target-labels-header"
    ]


def test_a_keypoint_column_that_was_added_by_hand(target):
    def add(rows):
        for row in rows[4:]:
            row += ["", "", ""]
        rows[1] += ["paw"] * 3
        rows[2] += ["x", "y", "visible"]
        rows[3] += ["5.5", "6.5", ""]
        rows[0] = [rows[0][0], *[rows[0][1]] * (len(rows[1]) - 1)]

    edit(target, add)
    project_file = target / "project.yaml"
    project_file.write_text(project_file.read_text().replace("- tail\n", "- tail\n- paw\n", 1), encoding="utf-8")
    first = next(iter(read_labels(target)))[0]
    assert dlc2lp("labels", target).exit_code == 0
    visible = read_visible(target)
    assert visible[first, "paw"] == "2"
    assert {flag for (place, name), flag in visible.items() if name == "paw" and place != first} == {"0"}
    assert "target-labels-visible" not in dlc2lp("verify", target, "--json").codes


@pytest.mark.parametrize("word", ["#N/A", "NA", "null", "None", "<NA>"])
def test_words_that_pandas_reads_as_nothing(target, word):
    def blank(rows):
        rows[3][1:4] = [word, word, ""]

    edit(target, blank)
    assert dlc2lp("labels", target).exit_code == 0
    first = (target / "CollectedData.csv").read_text(encoding="utf-8").splitlines()[3].split(",")
    assert first[1:4] == ["", "", "1"]
    assert dlc2lp("verify", target).exit_code == 0


@pytest.mark.parametrize("flag", ["0.5", "inf", "3"])
def test_a_visible_that_only_a_person_can_correct(target, flag):
    def write(rows):
        rows[3][1:4] = ["", "", flag]

    edit(target, write)
    result = dlc2lp("labels", target, "--json")
    assert result.exit_code == 1
    assert "write 0, 1 or 2" in result.finding("target-labels-visible")["hint"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["abc", "4.5"], "target-labels-number"),
        (["1_0", "4.5"], "target-labels-number"),
        (['"26,5"', "4.5"], "target-labels-number"),
        (["5\0.5", "4.5"], "target-labels-unreadable"),
        (["#N/A", "4.5"], "target-labels-half-point"),
    ],
)
def test_of_a_typo_only_what_is_wrong_is_told(target, cells, code):
    def write(rows):
        rows[3][1:3] = cells

    edit(target, write)
    for command in ("verify", "labels"):
        result = dlc2lp(command, target, "--json")
        assert result.exit_code == 1
        told = [each for each in result.document["findings"] if each["severity"] == "error"]
        assert [each["code"] for each in told] == [code]
        assert told[0]["hint"]


@pytest.mark.parametrize("mark", [True, False])
def test_a_file_that_excel_saved(target, mark):
    path = target / "CollectedData.csv"
    before = path.read_bytes()
    content = b"\xef\xbb\xbf" + before
    if not mark:
        label(target)
        content = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(content)
    verified = dlc2lp("verify", target, "--json")
    assert verified.exit_code == (0 if mark else 1)
    assert {"nothing-lost", "target-labels-unreadable", "target-edited"}.isdisjoint(verified.codes)
    assert dlc2lp("labels", target).exit_code == 0
    assert path.read_bytes().startswith(b"\xef" if mark else b"scorer")
    assert dlc2lp("verify", target).exit_code == 0


@pytest.mark.parametrize(
    ("between", "told"), [(";", "separated by ;"), ("\t", "separated by tabs"), ("|", "separated by |")]
)
def test_a_file_that_is_separated_by_something_else(project, target, between, told):
    path = target / "CollectedData.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",", between), encoding="utf-8")
    for command in ("verify", "labels"):
        result = dlc2lp(command, target, "--json")
        assert [each["code"] for each in result.document["findings"] if each["severity"] == "error"] == [
            "target-labels-unreadable"
        ]
        assert told in result.finding("target-labels-unreadable")["message"]
    assert told in dlc2lp("convert", project.root, target, "--json").finding("target-labels-unreadable")["message"]


def test_a_folder_in_place_of_the_label_file(project, target):
    path = target / "CollectedData.csv"
    path.unlink()
    path.mkdir()
    for result in (
        dlc2lp("verify", target, "--json"),
        dlc2lp("labels", target, "--json"),
        dlc2lp("convert", project.root, target, "--json"),
    ):
        assert result.exit_code == 3
        assert result.codes[0] == "target-unreadable"
        assert "is a folder" in result.finding("target-unreadable")["message"]


@pytest.mark.parametrize("line", [r'{"frame_path": "labeled-data/m1/img\ud800.png"}', "{", "[]", '{"frame_path": 1}'])
def test_a_line_of_a_queue_that_is_none(project, target, line):
    path = target / "CollectedData.unlabeled.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    for result in (dlc2lp("verify", target, "--json"), dlc2lp("labels", target, "--json")):
        assert result.exit_code == 1
        errors = [each for each in result.document["findings"] if each["severity"] == "error"]
        assert [each["code"] for each in errors] == ["target-queue-invalid"]
        assert errors[0]["hint"]
        assert errors[0]["where"] == "line 5"
    assert "target-queue-invalid" in dlc2lp("convert", project.root, target, "--json").codes


def test_a_line_that_stands_in_a_queue_twice(target):
    path = target / "CollectedData.unlabeled.jsonl"
    before = path.read_bytes()
    path.write_bytes(before + before.splitlines(keepends=True)[0])
    assert "dlc2lp labels" in dlc2lp("verify", target, "--json").finding("target-queue-twice")["hint"]
    assert dlc2lp("labels", target).exit_code == 0
    assert len(queued(target)) == len(before.splitlines())
    assert dlc2lp("verify", target).exit_code == 0


def test_a_view_that_lacks_an_image_is_told_what_helps(views):
    shutil.copyfile(views / image(17, "m1_top"), views / image(19, "m1_top"))
    save(views, image(19, "m1_top"), {"nose": (1.5, 2.5)}, "top")
    assert "extract" in dlc2lp("verify", views, "--json").finding("target-views-differ")["hint"]


def test_all_rows_deleted(target):
    edit(target, lambda rows: rows.__delitem__(slice(3, None)))
    for command in ("verify", "labels"):
        result = dlc2lp(command, target, "--json")
        assert result.exit_code == 1
        told = result.finding("target-labels-none")
        assert (told["severity"], told["subject"]) == ("error", "CollectedData.csv")


def test_the_column_visible_deleted(target):
    def delete(rows):
        for row in rows:
            row[1:] = [cell for n, cell in enumerate(row[1:]) if n % 3 != 2]

    edit(target, delete)
    for command in ("verify", "labels"):
        assert dlc2lp(command, target, "--json").finding("labels-visible-gone")["severity"] == "warning"


def test_a_number_that_is_endless_for_lightning_pose(target):
    edit(target, lambda rows: rows[3].__setitem__(1, "1e300"))
    assert dlc2lp("verify", target, "--json").finding("target-labels-number")["hint"]


def test_a_folder_of_several_targets(tmp_path):
    built = build_project(tmp_path / "dlc", sessions=("m1",), individuals=("mouse1", "mouse2"), video="none")
    assert dlc2lp("convert", built.root, tmp_path / "lp", "--individuals", "split").exit_code == 0
    for command in ("labels", "verify"):
        told = dlc2lp(command, tmp_path / "lp", "--json").finding("not-a-target")
        assert "holds 2 targets" in told["message"]
        assert told["hint"].startswith("give each by itself: ")
