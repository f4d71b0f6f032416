"""Every project below a folder is found, once, whatever else lies there."""

import os
import zipfile

import pytest
from builder import build_project
from dlc1 import build_dlc1, build_loose

from dlc2lp.batch.discover import discover
from dlc2lp.dlc.locate import open_project
from dlc2lp.errors import UsageError

CONFIG = (
    "Task: reach\nscorer: Anna\ndate: Aug30\nvideo_sets:\n  /data/m1.avi:\n    crop: 0, 10, 0, 10\nbodyparts:\n- nose\n"
)


def make(root, *names, config=CONFIG):
    for name in names:
        folder = root / name
        (folder / "labeled-data" / "m1").mkdir(parents=True)
        (folder / "config.yaml").write_text(config, encoding="utf-8")


def codes(found):
    return [finding.code for finding in found.findings]


def test_projects_are_found_however_deep_and_inside_each_other(tmp_path):
    make(tmp_path, "a", "a/backups/a-2019", "b/c/d/e/f/g", 'z z/Ünïcode\'s "project"')
    found = discover(tmp_path, tmp_path.with_name("out"))
    assert found.projects == ("a", "a/backups/a-2019", "b/c/d/e/f/g", 'z z/Ünïcode\'s "project"')
    assert found.findings == ()


def test_the_root_itself_may_be_a_project(tmp_path):
    make(tmp_path, ".", "inner")
    assert discover(tmp_path, tmp_path.with_name("out")).projects == (".", "inner")


def test_a_projects_own_folders_are_none(tmp_path):
    built = build_project(tmp_path / "a", sessions=("m1",), extras=("models", "previews", "hidden"), video="none")
    folder = built.root / "training-datasets/iteration-0/UnaugmentedDataSet_reachAug30"
    folder.mkdir(parents=True)
    (folder / "pose_cfg.yaml").write_text("all_joints: [[0]]\n", encoding="utf-8")
    (built.root / "dlc-models/config.yaml").write_text("net_type: resnet_50\n", encoding="utf-8")
    assert discover(tmp_path, tmp_path / "out").projects == ("a",)


def test_other_configs_and_lightning_pose_projects_are_no_projects(tmp_path):
    (tmp_path / "software").mkdir()
    (tmp_path / "software/config.yaml").write_text("database: postgres\nproject: x\n", encoding="utf-8")
    lightning = tmp_path / "lightning"
    (lightning / "labeled-data/m1").mkdir(parents=True)
    (lightning / "CollectedData.csv").write_text("scorer\n", encoding="utf-8")
    found = discover(tmp_path, tmp_path / "out")
    assert found.projects == ()
    assert codes(found) == ["lightning-pose-project"]


def test_a_folder_that_only_has_labeled_data_is_a_project(tmp_path):
    (tmp_path / "x/labeled-data/m1").mkdir(parents=True)
    assert discover(tmp_path, tmp_path / "out").projects == ("x",)


def test_a_config_that_no_parser_takes_still_makes_a_project(tmp_path):
    make(tmp_path, "broken", config="video_sets: [\nbodyparts: {{{")
    assert discover(tmp_path, tmp_path / "out").projects == ("broken",)


def test_loops_of_links_end_and_projects_elsewhere_are_found_once(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    make(root, "a")
    make(elsewhere, "far/one")
    links = {"loop": root, "a/self": root / "a", "mnt": elsewhere, "mnt-again": elsewhere, "up": tmp_path}
    try:
        for name, leads_to in links.items():
            (root / name).symlink_to(leads_to, target_is_directory=True)
        (root / "round").symlink_to(root / "round")
    except OSError:
        pytest.skip("this system makes no links")
    found = discover(root, tmp_path / "out")
    assert found.projects == ("a", "mnt/far/one")
    assert codes(found) == ["link-upwards"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="only a user can be refused")
def test_what_may_not_be_read_is_told_and_the_rest_goes_on(tmp_path):
    make(tmp_path, "a", "closed/b")
    (tmp_path / "closed").chmod(0)
    try:
        found = discover(tmp_path, tmp_path / "out")
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert found.projects == ("a",)
    assert codes(found) == ["folder-unreadable"]


def test_a_folder_that_can_not_be_listed_is_told(tmp_path, monkeypatch):
    """The same for a test that runs as root, whom nothing is refused."""
    make(tmp_path, "a", "closed/b")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = discover(tmp_path, tmp_path / "out")
    assert found.projects == ("a",)
    assert [(finding.code, finding.subject) for finding in found.findings] == [("folder-unreadable", "closed")]


def test_targets_below_the_root_are_passed_by(tmp_path):
    make(tmp_path, "a", "out/a")
    assert discover(tmp_path, tmp_path / "out").projects == ("a",)
    with pytest.raises(UsageError, match="among the sources"):
        discover(tmp_path, tmp_path / "a/..")


def test_hidden_folders_and_those_of_the_system_are_told(tmp_path):
    make(tmp_path, "a", ".Trash/b", "@eaDir/c")
    found = discover(tmp_path, tmp_path / "out")
    assert found.projects == ("a",)
    assert codes(found) == ["hidden-folder"]


def test_a_root_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        discover(tmp_path / "nowhere", tmp_path / "out")


def outside(found):
    return sorted(each.subject for each in found.findings if each.code == "labels-outside-projects")


def pack(path, *names):
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.writestr(name, "x")


def test_old_and_loose_label_sets_are_projects_once(tmp_path):
    make(tmp_path, "good")
    build_dlc1(tmp_path / "old/dlc1")
    build_dlc1(tmp_path / "two", task="reach")
    build_dlc1(tmp_path / "two", task="odor")
    build_loose(tmp_path / "loose/mouse")
    build_loose(tmp_path / "loose/mouse/day2")
    build_loose(tmp_path / "good/backup/m1")
    build_dlc1(tmp_path / "good/old")
    found = discover(tmp_path, tmp_path / "out")
    data = "two/Generating_a_Training_Set/data-"
    assert found.projects == ("good", "loose/mouse", "loose/mouse/day2", "old/dlc1", f"{data}odor", f"{data}reach")
    assert codes(found) == ["loose-label-set"]
    assert found.findings[0].subject == "loose/mouse, loose/mouse/day2"
    for project in found.projects:
        assert open_project(tmp_path / project).root.is_relative_to(tmp_path)


@pytest.mark.parametrize("start", ["", "Generating_a_Training_Set", "Generating_a_Training_Set/data-reach"])
def test_the_root_itself_may_be_an_old_project(tmp_path, start):
    build_dlc1(tmp_path / "dlc1")
    assert discover(tmp_path / "dlc1" / start, tmp_path / "out").projects == (".",)


@pytest.mark.parametrize("start", ["labeled-data", "labeled-data/m1"])
def test_the_folders_of_a_project_are_no_projects(tmp_path, start):
    project = build_project(tmp_path / "a", sessions=("m1",), video="none")
    assert discover(project.root / start, tmp_path / "out").projects == ()


def test_labels_that_belong_to_no_project_are_named(tmp_path):
    make(tmp_path, "a")
    build_loose(tmp_path / "lost/m1", images=False)
    (tmp_path / "lost/m1/figure.png").write_bytes(b"")
    build_loose(tmp_path / "a/lost/m1", images=False)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/config.yaml").write_text(CONFIG, encoding="utf-8")
    build_loose(tmp_path / "b/training-datasets/iteration-0/UnaugmentedDataSet_x", images=False)
    build_dlc1(tmp_path / "dlc1", images=False)
    found = discover(tmp_path, tmp_path / "out")
    assert found.projects == ("a", "b")
    # The training set of b is told with b, which has no other labels.
    assert outside(found) == ["dlc1/Generating_a_Training_Set/data-reach, lost/m1"]


def test_packed_projects_are_named_and_other_archives_are_not(tmp_path):
    make(tmp_path, "a")
    pack(tmp_path / "a.zip", "a/config.yaml", "a/labeled-data/m1/img0.png")
    pack(tmp_path / "labels only.ZIP", "x\\CollectedData_Anna.csv")
    pack(tmp_path / "photos.zip", "a.png", "config.yaml")
    pack(tmp_path / "a/inside.zip", "CollectedData.csv")
    for name in ("dlc-backup.tar.gz", "reach-Anna-2021-08-30.zip", "thesis.7z"):
        (tmp_path / name).write_bytes(b"no archive")
    found = discover(tmp_path, tmp_path / "out")
    assert found.projects == ("a",)
    assert outside(found) == ["a.zip, labels only.ZIP", "dlc-backup.tar.gz, reach-Anna-2021-08-30.zip"]


def test_nothing_of_a_lightning_pose_project_is_a_label_set(tmp_path):
    build_loose(tmp_path / "lp/labeled-data/m1")
    (tmp_path / "lp/project.yaml").write_text("schema_version: 1\n", encoding="utf-8")
    found = discover(tmp_path, tmp_path / "out")
    assert (found.projects, codes(found)) == ((), ["lightning-pose-project"])


@pytest.mark.parametrize("name", ["config.yml", "Config.YAML"])
def test_a_config_under_another_name_makes_a_project_alone(tmp_path, name):
    (tmp_path / "three-d").mkdir()
    (tmp_path / "three-d" / name).write_text("num_cameras: 2\ncamera_names: [a, b]\n", encoding="utf-8")
    assert discover(tmp_path, tmp_path / "out").projects == ("three-d",)


@pytest.mark.parametrize("name", ["$RECYCLE.BIN", "#snapshot", "Network Trash Folder", ".snapshot", "__MACOSX"])
def test_systems_folders_hold_no_projects_and_no_labels(tmp_path, name):
    make(tmp_path, "a", f"{name}/b")
    build_loose(tmp_path / name / "m1")
    found = discover(tmp_path, tmp_path / "out")
    assert (found.projects, codes(found)) == (("a",), ["hidden-folder"])
