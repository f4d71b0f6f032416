"""Rows 54 to 67: config.yaml in every form that versions, editors and machines have left it in."""

from __future__ import annotations

import shutil
from pathlib import Path

from builder import BuiltProject

from variants.table import Outcome, edit_text, small, variant
from variants.videos import videos_arrive, with_videos

THREE_D = """\
Task: reach
scorer: Anna
date: 2021-08-30
project_path: /home/jane/reach-Anna-2021-08-30-3d
skeleton: []
pcutoff: 0.4
num_cameras: 2
camera_names:
- cam-left
- cam-right
scorername_3d: Anna
config_file_cam-left: /home/jane/left-Anna-2021-08-30/config.yaml
config_file_cam-right: /home/jane/right-Anna-2021-08-30/config.yaml
shuffle_cam-left: 1
shuffle_cam-right: 1
"""


@variant(54, "no video_sets", "null", "empty", "missing")
def no_video_sets(root: Path, case: str) -> Outcome:
    return Outcome(with_videos(root, video_sets=case), (), check=videos_arrive("m1.mp4"))


@variant(55, "path so long that YAML marks it as a key", "ruamel", "PyYAML")
def long_key(root: Path, case: str) -> Outcome:
    folder = root.with_name("recordings") / "a folder with a long name" / ("b" * 90) / "and another one"
    video = folder / "m1.mp4"
    project = with_videos(
        root, era="A" if case == "PyYAML" else "B", video_sets={str(video): {"crop": "0, 128, 0, 96"}}
    )
    folder.mkdir(parents=True)
    shutil.move(project.videos["m1"], video)
    assert "\n  ? " in project.config.read_text()
    return Outcome(project, (), check=videos_arrive("m1.mp4"))


@variant(56, "path folded into invalid YAML")
def folded_key(root: Path) -> Outcome:
    """What ruamel.yaml 0.18.14 makes of a key of 79 to 122 characters with blanks (DeepLabCut issue 3286)."""
    video = root.with_name("the recordings of the second week") / "m1.mp4"
    # Put in by hand, since other versions write a path of this length in other ways.
    project = with_videos(root, video_sets={"the video": {"crop": "0, 128, 0, 96"}}, era="F")
    video.parent.mkdir()
    shutil.move(project.videos["m1"], video)
    edit_text(project.config, ("the video:", str(video).replace("the second", "the \n    second") + ":"))
    return Outcome(
        project, (), warnings={"config-repaired"}, says={"config-repaired": ("folded",)}, check=videos_arrive("m1.mp4")
    )


@variant(57, "tuple with a Python tag")
def python_tuple(root: Path) -> Outcome:
    project = small(root, era="A")
    assert "!!python/tuple" in project.config.read_text()
    return Outcome(project)


@variant(58, "key that stands twice")
def duplicate_key(root: Path) -> Outcome:
    project = small(root)
    with project.config.open("a", encoding="utf-8") as file:
        file.write("bodyparts:\n- tail\n- nose\n")
    return Outcome(project, warnings={"config-duplicate-key"}, says={"config-duplicate-key": ("bodyparts", "line")})


@variant(59, "tabs, backslashes in double quotes, no YAML", "tab", "double quotes", "no YAML")
def bad_yaml(root: Path, case: str) -> Outcome:
    # A short name: a long path would be written in another way.
    project = small(root, video_sets={"/data/m1.mp4": {"crop": "0, 128, 0, 96"}})
    if case == "tab":
        edit_text(project.config, ("- nose\n", "-\tnose\n"), ("    crop:", "\tcrop:\t"))
        return Outcome(project, warnings={"config-repaired"}, says={"config-repaired": ("TAB", "lines")})
    if case == "double quotes":
        edit_text(project.config, (f"project_path: {root}", 'project_path: "C:\\Users\\Jane"'))
        return Outcome(project, warnings={"config-repaired"}, says={"config-repaired": ("Windows path", "line")})
    edit_text(project.config, ("Task: reach", "Task: [reach"))
    return Outcome(
        project,
        exit_code=3,
        errors={"config-unreadable"},
        says={"config-unreadable": ("config.yaml", "line", "correct")},
    )


@variant(60, "config in a code page", "cp1252", "gbk")
def code_page(root: Path, encoding: str) -> Outcome:
    """DeepLabCut opens the file without naming an encoding, so on Windows it is the machine's."""
    session = {"cp1252": "mäuse", "gbk": "小鼠"}[encoding]
    project = with_videos(root, sessions=(session,))
    project.config.write_bytes(project.config.read_text(encoding="utf-8").encode(encoding))
    return Outcome(
        project,
        (),
        warnings={"config-encoding"},
        notes={"session-renamed"},
        says={"config-encoding": ({"cp1252": "cp1252", "gbk": "gb18030"}[encoding],)},
    )


@variant(61, "config of 2.0.0", "labels")
def alphabetical(root: Path, _: str) -> Outcome:
    """PyYAML's: keys in alphabetical order, no comments, no skeleton."""
    project = with_videos(root, era="A")
    text = project.config.read_text()
    assert text.index("TrainingFraction") < text.index("bodyparts") < text.index("video_sets")
    assert "#" not in text
    return Outcome(project, (), check=videos_arrive("m1.mp4"))


@variant(62, "keys of the user")
def user_keys(root: Path) -> Outcome:
    return Outcome(small(root, config={"my_note": "x", "eval_prefix": "e", "rig": {"camera": [1, 2]}}))


@variant(63, "no config, or several", "none", "several")
def configs(root: Path, case: str) -> Outcome:
    if case == "none":
        return Outcome(small(root, write_config=False), warnings={"config-missing"})
    others = {"config.yaml.bak": "scorer: Bob\n", "config (1).yaml": "scorer: Clara\nbodyparts: [tail]\n"}
    return Outcome(small(root, extra_files=others))


@variant(64, "3D project")
def three_d(root: Path) -> Outcome:
    for folder in ("calibration_images", "camera_matrix", "corners", "undistortion"):
        (root / folder).mkdir(parents=True)
    (root / "config.yaml").write_text(THREE_D, encoding="utf-8")
    return Outcome(
        BuiltProject(root, "reach", "Anna", "2021-08-30", (), (), (), ()),
        exit_code=3,
        errors={"camera-project-missing"},
        warnings={"calibration-missing"},
        says={"camera-project-missing": ("cam-left", "/home/jane/left-Anna-2021-08-30/config.yaml")},
    )


@variant(65, "individuals in a single-animal config of 3.0.1")
def individuals_listed(root: Path) -> Outcome:
    project = small(root, era="G")
    assert "individual_1" in project.config.read_text()
    return Outcome(project)


@variant(66, "multianimalproject without a value")
def multianimal_empty(root: Path) -> Outcome:
    project = small(root, config={"multianimalproject": None})
    assert "multianimalproject:\n" in project.config.read_text()
    return Outcome(project)


@variant(67, "skeleton of the template, of unknown names, of nothing", "template", "unknown", "none", "chain")
def skeletons(root: Path, case: str) -> Outcome:
    edges = {
        "template": [["bodypart1", "bodypart2"], ["objectA", "bodypart3"]],
        "unknown": [["nose", "tail"], ["nose", "whisker"]],
        "none": [None, ["nose", "tail"]],
        "chain": [["nose", "ear_left", "tail"]],
    }[case]
    expected = {
        "template": [],
        "unknown": [["nose", "tail"]],
        "none": [["nose", "tail"]],
        "chain": [["nose", "ear_left"], ["ear_left", "tail"]],
    }[case]

    def check(target: Path, _: object) -> None:
        import yaml

        project = yaml.safe_load((target / "project.yaml").read_text(encoding="utf-8"))
        assert project["skeleton"] == expected

    notes = {"skeleton-unknown"} if case == "unknown" else ()
    return Outcome(small(root, config={"skeleton": edges}), notes=notes, check=check)
