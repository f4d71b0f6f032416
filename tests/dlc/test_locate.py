"""From whatever a person points at, the project is found, or what it is and what to give instead is said."""

from __future__ import annotations

import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
from builder import build_project, snapshot
from dlc1 import build_dlc1, build_loose

from dlc2lp.batch.discover import discover
from dlc2lp.dlc.locate import LocatedProject, locate_project, open_project
from dlc2lp.dlc.project import read_project
from dlc2lp.errors import SourceRefused
from dlc2lp.model import Command, Finding


def build(root: Path) -> Path:
    return build_project(root, sessions=("m1",), video="none").root


def refused(source: Path) -> Finding:
    with pytest.raises(SourceRefused) as caught:
        open_project(source)
    assert caught.value.exit_code == 3
    return caught.value.findings[0]


def commands(finding: Finding) -> list[list[str]]:
    """The commands of a finding as a shell would take them."""
    lines = [remedy.line for remedy in finding.remedies if isinstance(remedy, Command)]
    assert all(line in finding.hint for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def codes(located: LocatedProject) -> list[str]:
    return [finding.code for finding in located.findings]


# --- config.yaml under another name -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["config.yml", "Config.YAML", "config.yaml.txt", "config.YML.txt", "CONFIG.yaml", "config.txt", "config"]
)
def test_a_config_that_was_saved_under_a_near_name_is_used_and_named(tmp_path: Path, name: str) -> None:
    root = build(tmp_path / "p")
    expected = open_project(root).config
    assert expected is not None
    (root / "config.yaml").rename(root / name)
    located = open_project(root)
    assert located.config is not None
    assert located.config.skeleton == expected.skeleton == (("nose", "tail"),)
    assert (codes(located), located.config_path) == (["config-other-name"], root / name)
    assert name in located.findings[0].message
    given = open_project(root / name)
    assert (given.root, given.config, given.findings) == (root, located.config, ())


@pytest.mark.parametrize(
    "names",
    [
        ("config (1).yaml",),
        ("config - Copy.yaml",),
        ("Copy of config.yaml",),
        ("config.yaml.bak",),
        ("config_old.yaml", "config.yaml~"),
        ("config.yml", "config.yaml.txt"),
        ("reach.yaml",),
    ],
)
def test_configs_that_may_be_copies_are_asked_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    root = build(tmp_path / "my project")
    content = (root / "config.yaml").read_text(encoding="utf-8")
    (root / "config.yaml").unlink()
    for number, name in enumerate(names):
        (root / name).write_text(f"{content}# {number}\n", encoding="utf-8")
    finding = refused(root)
    assert finding.code == "config-ambiguous"
    given = commands(finding)
    assert given == [["convert", str(root / name), "TARGET"] for name in sorted(names)]
    for _, path, _ in given:
        located = open_project(Path(path))
        assert located.root == root
        assert located.config is not None
        assert located.config.skeleton


def test_near_names_with_one_content_are_one(tmp_path: Path) -> None:
    root = build(tmp_path / "p")
    (root / "config.yaml").rename(root / "config.yml")
    shutil.copy(root / "config.yml", root / "config.yaml.txt")
    assert open_project(root).config is not None


def test_what_does_not_read_like_dlc_is_no_configuration(tmp_path: Path) -> None:
    root = build(tmp_path / "p")
    (root / "config.yaml").unlink()
    for name in ("config.yml", "config (1).yaml", "settings.yaml"):
        (root / name).write_text("database: postgres\n", encoding="utf-8")
    (root / "config.txt").mkdir()
    located = open_project(root)
    assert (located.config_path, located.config, located.findings) == (None, None, ())


def test_config_yaml_wins_and_the_other_is_named(tmp_path: Path) -> None:
    root = build(tmp_path / "p")
    text = (root / "config.yaml").read_text(encoding="utf-8")
    (root / "Config.yaml").write_text(text.replace("reach", "other"), encoding="utf-8")
    if len(list(root.glob("?onfig.yaml"))) < 2:
        pytest.skip("this system has one file for both names")
    located = open_project(root)
    assert located.config is not None
    assert (located.config.task, codes(located)) == ("reach", ["config-twice"])
    assert "Config.yaml" in located.findings[0].message
    (root / "Config.yaml").write_text(text, encoding="utf-8")
    assert open_project(root).findings == ()


def test_a_3d_project_with_a_config_of_another_name(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("Task: a\nnum_cameras: 2\ncamera_names: [left, right]\n", encoding="utf-8")
    assert open_project(tmp_path).is_3d


# --- wrong paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["p", "a/p", "a/b/p", "sub folder/p's"])
def test_one_project_some_folders_down(tmp_path: Path, below: str) -> None:
    root = build(tmp_path / "top" / below)
    assert commands(refused(tmp_path / "top")) == [["convert", str(root), "TARGET"]]


def test_several_projects_below(tmp_path: Path) -> None:
    first = build(tmp_path / "top/a")
    build(tmp_path / "top/x/b")
    expected = [["batch", "convert", str(tmp_path / "top"), "OUT"], ["convert", str(first), "TARGET"]]
    assert commands(refused(tmp_path / "top")) == expected


def test_projects_below_a_folder_with_a_config_of_something_else(tmp_path: Path) -> None:
    root = build(tmp_path / "top/p")
    (tmp_path / "top/config.yaml").write_text("database: postgres\n", encoding="utf-8")
    assert commands(refused(tmp_path / "top")) == [["convert", str(root), "TARGET"]]


@pytest.mark.parametrize(
    "part",
    [
        "labeled-data",
        "labeled-data/m1",
        "labeled-data/m1/CollectedData_Anna.h5",
        "labeled-data/m1/CollectedData_Anna.csv",
        "labeled-data/m1/img05.png",
        "videos/x.mp4",
        "videos",
        "dlc-models/iteration-0/reach/train/pose_cfg.yaml",
        "dlc-models",
        "notes.txt",
    ],
)
def test_a_part_of_a_project(tmp_path: Path, part: str) -> None:
    root = build(tmp_path / "p")
    for name in ("videos/x.mp4", "notes.txt", "dlc-models/iteration-0/reach/train/pose_cfg.yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("project_path: /x\nall_joints: []\n", encoding="utf-8")
    (root / "notes.txt").write_text("to do\n", encoding="utf-8")
    before = snapshot(root)
    finding = refused(root / part)
    assert commands(finding) == [["convert", str(root), "TARGET"]]
    assert str(root) in finding.message
    assert snapshot(root) == before


def pack(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return path


@pytest.mark.parametrize("alone", [True, False])
def test_a_packed_project_and_a_folder_that_holds_one(tmp_path: Path, alone: bool) -> None:
    path = pack(tmp_path / "z/reach.zip", "reach/config.yaml", "reach/labeled-data/m1/img0.png")
    finding = refused(path if alone else path.parent)
    assert "reach.zip" in finding.subject + finding.message
    assert ("holds labels" in finding.message, "unpack" in finding.hint) == (True, True)
    assert commands(finding) == [["convert", str(tmp_path / "z/reach"), "TARGET"]]


@pytest.mark.parametrize("alone", [True, False])
def test_a_zip_without_labels(tmp_path: Path, alone: bool) -> None:
    path = pack(tmp_path / "z/photos.zip", "a.png")
    finding = refused(path if alone else path.parent)
    assert (finding.remedies, "labeled-data" in finding.hint, "unpack" in finding.hint) == ((), True, False)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tgz", "a.7z", "a.rar", "a.tar"])
def test_an_archive_that_nobody_can_look_into(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no archive")
    finding = refused(tmp_path / name)
    assert ("is an archive" in finding.message, "unpack" in finding.hint) == (True, True)
    assert commands(finding) == [["convert", str(tmp_path / "a"), "TARGET"]]


def lightning(root: Path, *names: str) -> Path:
    (root / "labeled-data/m1").mkdir(parents=True)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("data:\n  data_dir: /x\n", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "names",
    [("project.yaml",), ("CollectedData.csv",), ("CollectedData_top.csv",), ("CollectedData.csv", "config.yaml")],
)
@pytest.mark.parametrize("part", ["", "labeled-data", "labeled-data/m1", "configs/default.yaml"])
def test_a_lightning_pose_project(tmp_path: Path, names: tuple[str, ...], part: str) -> None:
    root = lightning(tmp_path / "lp", *names, "configs/default.yaml")
    finding = refused(root / part)
    assert ("Lightning Pose project already" in finding.message, finding.remedies) == (True, ())


@pytest.mark.parametrize("part", ["", "labeled-data/m1", "config.yaml"])
def test_a_target_of_our_own_can_be_verified(tmp_path: Path, part: str) -> None:
    root = lightning(tmp_path / "lp", ".dlc2lp/plan.json", "config.yaml")
    assert commands(refused(root / part)) == [["verify", str(root)]]


def test_a_folder_of_lightning_pose_projects(tmp_path: Path) -> None:
    lightning(tmp_path / "out/a", "project.yaml")
    assert "Lightning Pose projects: a" in refused(tmp_path / "out").message


# --- DeepLabCut 1 ---------------------------------------------------------------------------------------

DATA = "Generating_a_Training_Set/data-reach"


@pytest.mark.parametrize("given", ["", "Generating_a_Training_Set", DATA, "myconfig.py"])
def test_a_repository_of_deeplabcut_1(tmp_path: Path, given: str) -> None:
    root = tmp_path / "dlc1"
    build_dlc1(root)
    located = open_project(root / given)
    assert (located.root, located.layout, located.data) == (root, "dlc1", root / DATA)
    assert locate_project(root / given) == (root, None)
    assert codes(located) == ["dlc1-data-set"]
    config = located.config
    assert config is not None
    assert (config.task, config.scorer, config.date, config.bodyparts) == ("reach", "Ana", "Jan30", ("nose", "tail"))
    assert [entry.recorded for entry in config.video_sets] == [str(root / "videos/video_0.avi")]


@pytest.mark.parametrize("part", [f"{DATA}/video_0", f"{DATA}/video_0/img002.png", f"{DATA}/CollectedData_Ana.csv"])
def test_a_part_of_a_data_set(tmp_path: Path, part: str) -> None:
    build_dlc1(tmp_path / "dlc1")
    ((*_, source, _),) = commands(refused(tmp_path / "dlc1" / part))
    assert open_project(Path(source)).data == tmp_path / "dlc1" / DATA


@pytest.mark.parametrize("given", ["", "Generating_a_Training_Set"])
def test_each_of_several_data_sets_is_given_by_itself(tmp_path: Path, given: str) -> None:
    root = tmp_path / "dlc1"
    build_dlc1(root, task="reach", bodyparts=("paw",), settings="myconfig_reach.py")
    build_dlc1(root, task="odor trail", settings="myconfig_odor.py")
    found = commands(refused(root / given))
    assert found[-1] == ["batch", "convert", str(root / given), "OUT"]
    opened = [open_project(Path(source)) for _, source, _ in found[:-1]]
    assert [located.config.bodyparts for located in opened if located.config] == [("nose", "tail"), ("paw",)]
    assert len({located.root for located in opened}) == 2, "or one would count as the other converted anew"


def test_settings_of_another_task_are_not_used(tmp_path: Path) -> None:
    build_dlc1(tmp_path, settings=None)
    build_dlc1(tmp_path, task="odor")
    located = open_project(tmp_path / DATA)
    assert (located.config, codes(located)) == (None, ["dlc1-data-set", "myconfig-of-another-task"])


def test_a_data_set_under_another_name_is_known_by_its_rows(tmp_path: Path) -> None:
    build_dlc1(tmp_path)
    (tmp_path / DATA).rename(tmp_path / "labels2018")
    located = open_project(tmp_path / "labels2018")
    assert (located.root, located.layout) == (tmp_path / "labels2018", "dlc1")
    assert located.config is not None, "myconfig.py lies beside it"
    (tmp_path / "backup").mkdir()
    shutil.copy(tmp_path / "labels2018/CollectedData_Ana.csv", tmp_path / "backup")
    (tmp_path / "backup/photos").mkdir()
    (tmp_path / "backup/photos/a.png").write_bytes(b"")
    with pytest.raises(SourceRefused):
        open_project(tmp_path / "backup")


def settings_of(tmp_path: Path, text: str | bytes) -> LocatedProject:
    build_dlc1(tmp_path, settings=None)
    (tmp_path / "myconfig.py").write_bytes(text.encode() if isinstance(text, str) else text)
    return open_project(tmp_path)


def test_settings_are_never_run(tmp_path: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    located = settings_of(tmp_path, f"{trap}Task = 'reach'\nbodyparts = [open({str(tmp_path / 'ran')!r}, 'w').name]\n")
    assert not (tmp_path / "ran").exists()
    assert located.config is not None
    assert (located.config.task, located.config.bodyparts) == ("reach", ())
    assert [(finding.code, finding.where) for finding in located.config.findings] == [("myconfig-value", "bodyparts")]


@pytest.mark.parametrize(
    ("text", "bodyparts", "scorer", "odd"),
    [
        ("bodyparts = ('a', 'b', 'a')\nScorers = ['X']", ("a", "b"), "X", []),
        ("bodyparts: list = ['a']\nScorers = 'X'", ("a",), "X", []),
        ("parts = ['a', 1]\nbodyparts = parts\nScorers = ['X', 'Y']", ("a", "1"), "", []),
        ("Scorers = ['X', 'Y']\nscorer = 'Y'", (), "Y", []),
        ("bodyparts = ['a']\nif True:\n    bodyparts = ['b']", (), "", ["bodyparts"]),
        ("bodyparts = ['a']\nbodyparts += ['b']", (), "", ["bodyparts"]),
        ("bodyparts = ['a']\nscorer = bodyparts[0]", ("a",), "", ["scorer"]),
        ("bodyparts = {'a': 1}\nscorer = None", (), "", ["bodyparts", "scorer"]),
        ("bodyparts = [['a']]", (), "", ["bodyparts"]),
        ("vidpath = 'C:\\data\\m'\nbodyparts = ['a']", ("a",), "", []),
    ],
)
def test_settings_of_many_forms(
    tmp_path: Path, text: str, bodyparts: tuple[str, ...], scorer: str, odd: list[str]
) -> None:
    config = settings_of(tmp_path, f"Task = 'reach'\n{text}\n").config
    assert config is not None
    assert (config.bodyparts, config.scorer) == (bodyparts, scorer)
    assert sorted(finding.where for finding in config.findings) == odd


@pytest.mark.parametrize("text", ["print 'hello'\nTask = 'x'", "Task = (", "x = 1\0", "a = " + "(" * 5000])
def test_settings_that_are_no_python(tmp_path: Path, text: str) -> None:
    located = settings_of(tmp_path, text)
    assert (located.config, codes(located)) == (None, ["dlc1-data-set", "myconfig-unreadable"])


def test_settings_of_a_windows_machine(tmp_path: Path) -> None:
    config = settings_of(
        tmp_path, "# für Käfer\r\nTask = 'reach'\r\nbodyparts = ['fühler']\r\n".encode("cp1252")
    ).config
    assert config is not None
    assert config.bodyparts == ("fühler",)


def test_videos_of_a_data_set_are_listed_with_the_crop(tmp_path: Path) -> None:
    build_dlc1(tmp_path, cropping=True, more="vidpath = '../films'\n")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/video_1.avi").touch()
    config = open_project(tmp_path).config
    assert config is not None
    entries = {entry.recorded: entry.crop for entry in config.video_sets}
    assert entries == {str(tmp_path / "films/video_0.avi"): (0, 64, 0, 48), str(tmp_path / "videos/video_1.avi"): None}


# --- loose label sets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [("csv",), ("h5",), ("csv", "h5")])
def test_label_files_beside_their_images(tmp_path: Path, files: tuple[str, ...]) -> None:
    build_loose(tmp_path / "mouse", files=files)
    located = open_project(tmp_path / "mouse")
    assert (located.root, located.data, located.layout) == (tmp_path / "mouse", tmp_path / "mouse", "loose")
    assert (located.config, codes(located)) == (None, ["loose-label-set"])
    ((*_, source, _),) = commands(refused(next((tmp_path / "mouse").glob("Coll*"))))
    assert source == str(tmp_path / "mouse")


def test_a_loose_set_with_a_configuration(tmp_path: Path) -> None:
    root = build(tmp_path / "p")
    build_loose(tmp_path / "mouse")
    shutil.copy(root / "config.yaml", tmp_path / "mouse")
    for given in (tmp_path / "mouse", tmp_path / "mouse/config.yaml"):
        located = open_project(given)
        assert located.layout == "loose"
        assert located.config is not None


def test_sessions_under_another_name_than_labeled_data(tmp_path: Path) -> None:
    for name in ("m1", "m2"):
        build_loose(tmp_path / "labels" / name)
    finding = refused(tmp_path / "labels")
    assert commands(finding) == [["batch", "convert", str(tmp_path / "labels"), "OUT"]]
    assert "call it labeled-data" in finding.hint
    (tmp_path / "labels").rename(tmp_path / "labeled-data")
    assert open_project(tmp_path).layout == "labeled-data"


def test_label_files_without_their_images_are_none(tmp_path: Path) -> None:
    build_loose(tmp_path / "mouse", images=False)
    assert "none of their images" in refused(tmp_path / "mouse").message


def test_a_loose_set_with_configurations_that_may_be_copies(tmp_path: Path) -> None:
    root = build(tmp_path / "p")
    build_loose(tmp_path / "mouse")
    shutil.copy(root / "config.yaml", tmp_path / "mouse/config (1).yaml")
    ((*_, source, _),) = commands(refused(tmp_path / "mouse"))
    located = open_project(Path(source))
    assert (located.layout, located.config is None) == ("loose", False)


@pytest.mark.parametrize("name", ["Labeled-Data", "labeled_data", "LABELED-DATA"])
def test_labeled_data_in_another_spelling_is_the_projects(tmp_path, name):
    built = build_project(tmp_path / "p", sessions=("m1",), video="none")
    (built.root / "labeled-data").rename(built.root / name)
    located = open_project(built.root)
    assert located.data == built.root / name
    assert [finding.code for finding in located.findings] == ["labeled-data-other-name"]
    assert [session.name for session in read_project(located).sessions] == ["m1"]
    assert discover(tmp_path, tmp_path / "out").projects == ("p",)
