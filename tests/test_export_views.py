"""The way back of several views: those of one DeepLabCut project as that one, those of others each as its own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rig
from builder import BuiltProject, build_project, snapshot
from command import Result, dlc2lp
from exports import exported_cells, hdf_rows
from golden import PROJECTS
from labeler import save
from test_export import contents, draw, export, truth

import dlc2lp as library
from dlc2lp.dlc.config import read_config
from dlc2lp.planning.dlc_folders import NewFolders
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.survey.view_pattern import parse_view_pattern

PATTERN = ("--view-pattern", "{session}_{view}")
THREE = PROJECTS / "three-cameras"


def convert(target: Path, *arguments: object) -> Path:
    result = dlc2lp("convert", *arguments, target, "--videos", "none")
    assert result.exit_code == 0, result.stderr
    return target


def small(root: Path, sessions: tuple[str, ...], **options: Any) -> BuiltProject:
    return build_project(root, sessions=sessions, **({"frames": (2, 5, 9), "video": "none"} | options))


def label_files(target: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in target.glob("CollectedData*.csv")}
    assert found
    return found


def folders(result: Result) -> list[list[str]]:
    return [[folder["name"] for folder in project["folders"]] for project in result.document["projects"]]


def test_three_cameras_of_one_project_are_one_project_again(tmp_path: Path) -> None:
    """Each label file, each point and the configuration are as they were; converted again it is the same target."""
    assert dlc2lp("convert", THREE, tmp_path / "lp", *PATTERN).exit_code == 0
    before = snapshot(tmp_path / "lp")
    result = export(tmp_path / "lp", tmp_path / "back")
    assert result.exit_code == 0, result.stderr
    assert snapshot(tmp_path / "lp") == before
    (project,) = result.document["projects"]
    assert (project["views"], project["path"]) == (["left", "mid", "top"], str(tmp_path / "back"))
    names = sorted(path.name for path in (THREE / "labeled-data").iterdir())
    assert folders(result) == [names]
    assert sorted(path.name for path in (tmp_path / "back/labeled-data").iterdir()) == names
    assert len(list((tmp_path / "back").rglob("config.yaml"))) == 1
    for path in (THREE / "labeled-data").glob("*/*"):
        came = tmp_path / "back" / path.relative_to(THREE)
        if path.suffix == ".png":
            assert came.read_bytes() == path.read_bytes()
        elif path.suffix == ".csv":
            # A frame that was cut because the others have labels of it comes behind, without any.
            assert came.read_bytes().startswith(path.read_bytes())
        else:
            assert hdf_rows(path).items() <= hdf_rows(came).items()
    config = read_config(tmp_path / "back/config.yaml")
    assert [Path(entry.recorded) for entry in config.video_sets] == [THREE / f"videos/{name}.mp4" for name in names]
    again = dlc2lp("convert", tmp_path / "back", tmp_path / "again", *PATTERN)
    assert again.exit_code == 0, again.stderr
    assert label_files(tmp_path / "again") == label_files(tmp_path / "lp")
    assert export(tmp_path / "lp", tmp_path / "back").codes[-1] == "export-replaced"
    shown = dlc2lp("export", tmp_path / "lp", tmp_path / "shown").stdout
    assert f"left, mid, top: DeepLabCut project in {tmp_path / 'shown'}," in shown


def test_a_project_that_is_gone_is_one_again_all_the_same(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", ("a 1_left", "a 1_right", "b_left", "b_right"), individuals=("x", "y"))
    target = convert(tmp_path / "lp", project.root, *PATTERN, "--individuals", "flatten")
    shutil.rmtree(project.root)
    result = export(target, tmp_path / "back")
    assert result.exit_code == 0, result.stderr
    assert result.codes.count("export-config-new") == 1
    assert exported_cells(tmp_path / "back") == truth(project)
    assert [entry.stem for entry in read_config(tmp_path / "back/config.yaml").video_sets] == sorted(project.sessions)
    again = convert(tmp_path / "again", tmp_path / "back", *PATTERN, "--individuals", "flatten")
    assert label_files(again) == label_files(target)


def test_findings_say_which_view_they_are_about(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", ("a_left", "a_right"))
    target = convert(tmp_path / "lp", project.root, *PATTERN)
    for view in ("left", "right"):
        path = target / f"CollectedData_{view}.csv"
        path.write_text("".join(line for line in path.read_text().splitlines(True) if "img00000005" not in line))
    path = target / "CollectedData_right.csv"
    path.write_text(path.read_text().replace("Anna", "Bob"))
    result = export(target, tmp_path / "back")
    removed = [finding for finding in result.document["findings"] if finding["code"] == "export-labels-removed"]
    assert [finding["where"] for finding in removed] == ["left", "right"]
    assert "a_right/img05.png" in removed[1]["message"]
    assert "Anna, Bob" in result.finding("export-scorers")["message"]
    assert {key[1] for key in exported_cells(tmp_path / "back")} == {"img02.png", "img09.png"}
    assert {path.stem for path in (tmp_path / "back").rglob("*.h5")} == {"CollectedData_Anna"}


# --- recordings that a view got since -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("{session}_{view}", "{0}_{1}"),
        ("{view}-{session}", "{1}-{0}"),
        ("cam {view:cam_1|right} of {session}", "cam {1} of {0}"),
    ],
)
def test_new_recordings_are_called_by_the_pattern(tmp_path: Path, pattern: str, named: str) -> None:
    """A camera's and a recording's own names are used, not those that Lightning Pose can take."""
    views = {"left": "left", "right": "right"} if "cam_1" not in pattern else {"cam-1": "cam_1", "right": "right"}
    first, second = views
    there = [("d 1", "right"), ("d 1", views[first]), ("d 2", "right")]
    project = small(tmp_path / "dlc", tuple(named.format(*each) for each in there))
    target = tmp_path / "lp"
    result = dlc2lp("convert", project.root, target, "--view-pattern", pattern, "--videos", "none", "--json")
    assert set(result.document["views"]) == set(views)
    added = {}
    for view, session, recording in ((first, "d-1", "d 1"), (first, "d-2", "d 2"), (second, "fresh", "fresh")):
        path = f"labeled-data/{session}_{view}/img00000011.png"
        draw(target / path)
        save(target, path, {"nose": (3.0, 4.25)}, view)
        n_digits = "02" if session == "d-1" else "04"
        added[named.format(recording, views[view]), f"img{11:{n_digits}d}.png", "", "nose"] = (3.0, 4.25)
    came = export(target, tmp_path / "back")
    assert came.exit_code == 0, came.stderr
    cells = exported_cells(tmp_path / "back")
    assert {key: point for key, point in cells.items() if key in added} == added
    assert {key[0] for key in cells} == {key[0] for key in added} | {
        named.format("d 1", view) for view in views.values()
    }


def test_a_recording_of_videos_alone_is_called_like_them(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("a_left", "a_right", "b 1_left", "b 1_right"), frames=(2, 5))
    for view in ("left", "right"):
        shutil.rmtree(project.folder(f"b 1_{view}"))
    target = tmp_path / "lp"
    assert dlc2lp("convert", project.root, target, *PATTERN).exit_code == 0
    for view in ("left", "right"):
        path = f"labeled-data/b-1_{view}/img00000011.png"
        draw(target / path)
        save(target, path, {"nose": (3.0, 4.25)}, view)
    result = export(target, tmp_path / "back")
    assert folders(result) == [["a_left", "a_right", "b 1_left", "b 1_right"]]
    assert "export-video-missing" not in result.codes
    videos = {entry.recorded for entry in read_config(tmp_path / "back/config.yaml").video_sets}
    assert videos == {str(path) for path in project.videos.values()}
    again = convert(tmp_path / "again", tmp_path / "back", *PATTERN)
    assert "labeled-data/b-1_right/img00000011.png,3.0,4.25," in (again / "CollectedData_right.csv").read_text()


def test_no_new_recording_goes_into_another_views_folder(tmp_path: Path) -> None:
    """Of a session that is not called like those of the app, the view is put behind; a name that is taken, numbered."""
    project = small(tmp_path / "dlc", ("a_left", "a_right"))
    target = convert(tmp_path / "lp", project.root, *PATTERN)
    for view in ("left", "right"):
        path = f"labeled-data/fresh-{view}/img00000011.png"
        draw(target / path)
        save(target, path, {"nose": (3.0, 4.25)}, view)
    came = export(target, tmp_path / "back")
    assert folders(came) == [["a_left", "a_right", "fresh-left_left", "fresh-right_right"]]
    plan = Plan.from_text((target / PLAN_FILE).read_text(), target)
    left, right = plan.sessions
    odd = replace(plan, sessions=(left, replace(right, folder="Fresh_left")), options={})
    namer = NewFolders(odd, ("left", "right"))
    assert [namer.name("fresh_left", "left"), namer.name("fresh_right", "right")] == ["fresh_left-2", "fresh_right"]


@pytest.mark.parametrize(
    ("pattern", "session", "view", "names"),
    [
        ("{session}_{view}", "m 1", "top", ["m 1_top"]),
        ("{session}_{view:top|low}_{session}", "m_1_d", "top", ["m_top_1_d", "m_1_top_d"]),
        ("{session}_{view}_{session}", "m", "top", []),
        ("{session}_{view}", "m", "top_low", []),
        ("{{{view:a|b}}}{session}", "m", "b", ["{b}m"]),
        ("{session}-{view}", "m", "c-d", []),
    ],
)
def test_names_of_a_pattern_are_read_as_what_they_were_made_of(
    pattern: str, session: str, view: str, names: list[str]
) -> None:
    assert [found.name for found in parse_view_pattern(pattern).names(session, view)] == names


# --- several projects ---------------------------------------------------------------------------------------


def mixed(root: Path) -> tuple[Path, dict[str, BuiltProject]]:
    """A target with two cameras of one project and a third of another.

    A conversion takes no project twice, so the target is made of three, and two of them put together afterwards.
    """
    cameras = ("left", "mid", "top")
    videos = {f"/rig/{session}_{view}.mp4": {"crop": "0, 128, 0, 96"} for session in ("m1", "m2") for view in cameras}
    made = {view: small(root / view, (f"m1_{view}", f"m2_{view}"), video_sets=videos) for view in cameras}
    views = [part for view, project in made.items() for part in ("--view", f"{view}={project.root}")]
    target = convert(root / "lp", *views)
    for folder in made["mid"].root.glob("labeled-data/*"):
        folder.rename(made["left"].root / "labeled-data" / folder.name)
    plan = target / PLAN_FILE
    plan.write_text(plan.read_text().replace(f'"{made["mid"].root}', f'"{made["left"].root}'))
    shutil.rmtree(made["mid"].root)
    return target, made


def test_two_views_of_one_project_and_a_third_of_another(tmp_path: Path) -> None:
    target, made = mixed(tmp_path)
    result = export(target, tmp_path / "back")
    assert result.exit_code == 0, result.stderr
    roots = {tuple(each["views"]): each["path"] for each in result.document["projects"]}
    assert roots == {("left", "mid"): str(tmp_path / "back/left_mid"), ("top",): str(tmp_path / "back/top")}
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["dlc2lp-export.json", "left_mid", "top"]
    assert exported_cells(tmp_path / "back/left_mid") == truth(made["left"]) | truth(made["mid"])
    assert exported_cells(tmp_path / "back/top") == truth(made["top"])
    for root in roots.values():
        config = read_config(Path(root) / "config.yaml")
        assert config.project_path == root
        # What the rig's other videos are called is no folder here.
        assert {entry.stem for entry in config.video_sets} == {path.name for path in Path(root).glob("labeled-data/*")}
    again = convert(tmp_path / "again", tmp_path / "back/left_mid", *PATTERN)
    theirs = label_files(target)
    assert label_files(again) == {name: theirs[name] for name in ("CollectedData_left.csv", "CollectedData_mid.csv")}
    assert export(target, tmp_path / "back").codes[-1] == "export-replaced"
    dry = library.export(target, tmp_path / "dry", dry_run=True)
    assert [project.views for project in dry.projects] == [("left", "mid"), ("top",)]
    before = contents(tmp_path / "back")
    shutil.rmtree(tmp_path / "back")
    export(target, tmp_path / "back")
    assert contents(tmp_path / "back") == before


@pytest.mark.parametrize("is_shared", [True, False])
def test_cameras_of_a_3d_project(tmp_path: Path, is_shared: bool) -> None:
    """Its cameras' projects come back, whether all have one or two of three; never the 3D project itself."""
    cameras = ("front", "left", "top")
    named = ("m1-front", "m1-left", "m1-top") if is_shared else ("m1", "m2")
    one = small(tmp_path / "one", named)
    other = one if is_shared else small(tmp_path / "other", named, bodyparts=("nose", "tail"))
    folder = tmp_path / "3d"
    folder.mkdir()
    configs = {"front": str(one.config), "left": str(one.config), "top": str(other.config)}
    (folder / "config.yaml").write_text(rig.config_text_3d(cameras, configs, str(folder)))
    target = convert(tmp_path / "lp", folder)
    result = export(target, tmp_path / "back")
    assert result.exit_code == 0, result.stderr
    if is_shared:
        assert exported_cells(tmp_path / "back") == truth(one)
        again = convert(tmp_path / "again", tmp_path / "back", "--view-pattern", "{session}-{view}")
        assert label_files(again) == label_files(target)
        return
    assert "export-labels-differ" not in result.codes
    assert exported_cells(tmp_path / "back/front_left") == truth(one)
    assert exported_cells(tmp_path / "back/top") == truth(other)
    sessions = [each["sessions"] for each in result.document["projects"][0]["folders"]]
    assert sessions == [["m1_front", "m1_left"], ["m2_front", "m2_left"]]
    # Both cameras have the same images here; what people did to the labels of one of them is told.
    save(target, "labeled-data/m1_left/img00000002.png", {"nose": (1.5, 2.5)}, "left")
    told = export(target, tmp_path / "later").finding("export-labels-differ")
    assert "m1/img02.png" in told["message"]
    assert exported_cells(tmp_path / "later/front_left") == truth(one)
