"""config.yaml of every version, every hand and every machine."""

from __future__ import annotations

import os
import string
import time
from pathlib import Path

import pytest
import yaml
from builder import ERAS, build_project, snapshot
from hypothesis import example, given
from hypothesis import strategies as st

from dlc2lp.dlc.config import DlcConfig, VideoEntry, read_config
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import spelled


def read(tmp_path: Path, text: str | bytes) -> DlcConfig:
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_config(path)


def refusal(tmp_path: Path, text: str | bytes) -> Finding:
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path, text)
    (finding,) = caught.value.findings
    assert finding.code == "config-unreadable"
    assert finding.severity is Severity.ERROR
    assert finding.subject == str(tmp_path / "config.yaml")
    return finding


@pytest.mark.parametrize(
    "text", ["Task: [open\n", "Task: {a: 1\n\n", 'scorer: "Anna\nbodyparts:\n- a\n', "Task: 'x\n\n \n"]
)
def test_what_is_open_at_the_end_of_the_file_is_told_so(tmp_path: Path, text: str) -> None:
    """The line that the parser names is empty: there is nothing to correct there."""
    finding = refusal(tmp_path, text)
    assert finding.message.endswith("at the end of the file")
    assert "open above" in finding.hint


def codes(config: DlcConfig) -> list[str]:
    return [finding.code for finding in config.findings]


BASE = """\
Task: reach
scorer: Anna
bodyparts:
- nose
- tail
"""


# --- eras ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_single_animal_project_of_every_era(tmp_path: Path, era: str) -> None:
    project = build_project(tmp_path / "p", era=era, images=False, video="none")
    before = snapshot(project.root)
    config = read_config(project.config)
    assert snapshot(project.root) == before
    assert config == DlcConfig(
        path=project.config,
        task="reach",
        scorer="Anna",
        date="Aug30",
        project_path=str(project.root),
        engine="pytorch" if era in "FG" else "",
        bodyparts=("nose", "ear_left", "ear_right", "tail"),
        skeleton=() if era == "A" else (("nose", "tail"),),
        video_sets=tuple(
            VideoEntry(str(project.root / "videos" / f"{name}.mp4"), (0, 128, 0, 96)) for name in ("m1", "m2")
        ),
        corner2move2=(50.0, 50.0),
    )
    assert hash(config) == hash(read_config(project.config))


@pytest.mark.parametrize("era", ["C", "D", "E", "F", "G"])
def test_multi_animal_project_of_every_era(tmp_path: Path, era: str) -> None:
    project = build_project(
        tmp_path / "p",
        era=era,
        individuals=("mus1", "mus2"),
        unique=("corner",),
        skeleton=(("nose", "tail"), ("nose", "corner")),
        images=False,
        video="none",
    )
    config = read_config(project.config)
    assert config.multianimal
    assert config.bodyparts == ("nose", "ear_left", "ear_right", "tail")
    assert config.individuals == ("mus1", "mus2")
    assert config.unique_bodyparts == ("corner",)
    assert config.skeleton == (("nose", "tail"), ("nose", "corner"))
    assert config.findings == ()


@pytest.mark.shared
def test_real_openfield_project(openfield: Path) -> None:
    config = read_config(openfield / "config.yaml")
    assert (config.task, config.scorer, config.date) == ("openfield", "Pranav", "Oct30")
    assert config.bodyparts == ("snout", "leftear", "rightear", "tailbase")
    assert not config.multianimal  # the key is there and empty
    assert config.skeleton == ()
    (video,) = config.video_sets
    assert video.is_placeholder
    assert video.crop == (0, 640, 0, 480)
    assert config.findings == ()


def test_cropped_training_of_2_1_10(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        BASE + "croppedtraining: true\n"
        "video_sets:\n  /p/videos/m1_cropped.mp4:\n    crop: 0, 400, 0, 400\n"
        "video_sets_original:\n  /p/videos/m1.mp4:\n    crop: 0, 640, 0, 480\n",
    )
    assert config.cropped_training
    assert [entry.stem for entry in config.video_sets] == ["m1_cropped"]
    assert config.video_sets_original == (VideoEntry("/p/videos/m1.mp4", (0, 640, 0, 480)),)


def test_individuals_of_a_single_animal_project_mean_nothing(tmp_path: Path) -> None:
    text = BASE + "multianimalproject: false\nindividuals:\n- individual_1\nuniquebodyparts: []\n"
    config = read(tmp_path, text)
    assert (config.multianimal, config.individuals, config.bodyparts) == (False, (), ("nose", "tail"))


def test_aliases_of_3_0_1(tmp_path: Path) -> None:
    text = (
        "Task: a\nscorer: b\nengine: tf\nmultianimalproject: true\nbodyparts: MULTI!\nmultianimalbodyparts: [n]\n"
        "uniquebodyparts: []\nunique_bodyparts: [corner]\nidentity:\nwith_identity: true\n"
    )
    config = read(tmp_path, text)
    assert (config.engine, config.unique_bodyparts, config.identity) == ("tensorflow", ("corner",), True)


def test_multi_animal_names_in_the_plain_list(tmp_path: Path) -> None:
    config = read(tmp_path, BASE + "multianimalproject: true\nindividuals: [m1]\nmultianimalbodyparts: []\n")
    assert config.bodyparts == ("nose", "tail")


def test_multi_is_enough_to_know_a_multi_animal_project(tmp_path: Path) -> None:
    config = read(tmp_path, "Task: a\nscorer: b\nbodyparts: MULTI!\nmultianimalbodyparts: [nose]\n")
    assert (config.multianimal, config.bodyparts) == (True, ("nose",))


# --- scalars are text ---------------------------------------------------------------------------------------


WORDS = """
no on off yes y n No ON null 007 1 1e3 1_000 0x1F 0o17 012 1:30 2018-08-30 .5 3.10 -1 1.0e+3 true False NaN .inf
= ~a snout_1 tail.base जून14
"""


@pytest.mark.parametrize("name", WORDS.split())
def test_plain_names_stay_text(tmp_path: Path, name: str) -> None:
    config = read(tmp_path, f"Task: {name}\nscorer: s\ndate: {name}\nbodyparts:\n- {name}\n- tail\n")
    assert config.bodyparts == (name, "tail")
    if name != "null":
        assert (config.task, config.date) == (name, name)
    assert config.findings == ()


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), min_size=1, max_size=40
        ),
        min_size=2,
        max_size=6,
        unique=True,
    )
)
@example(["tail, base", 'a"b', "it's", "C:\\x", "a: b", "#x", " leading", "trailing ", "- a", "\ufeffx"])
@example(["~", "null"])
def test_quoted_names_come_back_in_one_spelling(tmp_path: Path, names: list[str]) -> None:
    quoted = "".join("- '" + name.replace("'", "''") + "'\n" for name in names)
    videos = {f"/data/{name.replace('/', '_')}.mp4": {"crop": "0, 4, 0, 2"} for name in names}
    dumped = yaml.safe_dump({"video_sets": videos}, allow_unicode=True, sort_keys=False)
    config = read(tmp_path, f"Task: a\nscorer: s\nbodyparts:\n{quoted}{dumped}")
    written = tuple(name for name in names if name != "~")
    one_spelling = tuple(spelled(name) or name for name in written)
    assert config.bodyparts == (one_spelling if len(set(one_spelling)) == len(written) else written)
    assert [entry.recorded for entry in config.video_sets] == list(videos)


@given(st.text(string.ascii_letters + string.digits + "_-. ", min_size=1, max_size=30))
def test_any_plain_name_stays_as_written(tmp_path: Path, name: str) -> None:
    name = "x" + name.strip()
    config = read(tmp_path, f"Task: {name}\nscorer: {name}  # who\nbodyparts: [{name}, tail2]\n")
    assert (config.task, config.scorer, config.bodyparts) == (name, name, (name, "tail2"))


# --- empty, missing and wrong values ------------------------------------------------------------------------


LISTS = ("skeleton", "video_sets", "uniquebodyparts", "individuals", "corner2move2")
SCALARS = ("date", "iteration", "multianimalproject", "identity", "engine", "croppedtraining", "project_path")


@pytest.mark.parametrize("empty", ["", " ''", ' ""', " ~", " null", " []", "  # nothing"])
def test_every_form_of_empty(tmp_path: Path, empty: str) -> None:
    keys = LISTS if empty == " []" else (*LISTS, *SCALARS)
    config = read(tmp_path, BASE + "".join(f"{key}:{empty}\n" for key in keys))
    assert config == DlcConfig(path=tmp_path / "config.yaml", task="reach", scorer="Anna", bodyparts=("nose", "tail"))


@pytest.mark.parametrize("form", ["[null]", "[None]", "[~]", "['']", "\n- "])
def test_a_list_of_nothing(tmp_path: Path, form: str) -> None:
    text = "Task: a\nscorer: s\nbodyparts: MULTI!\nmultianimalbodyparts: [nose]\n"
    config = read(tmp_path, text + f"uniquebodyparts: {form}\n")
    assert (config.unique_bodyparts, config.findings) == ((), ())


def test_missing_keys_are_findings(tmp_path: Path) -> None:
    config = read(tmp_path, "Task: reach\nmy_note: anything\nstart: 0\n")
    assert (config.task, config.scorer, config.bodyparts) == ("reach", "", ())
    assert codes(config) == ["config-key-missing", "config-key-missing"]
    assert [finding.where for finding in config.findings] == ["scorer", "bodyparts"]


WRONG_VALUES = [
    ("Task: [a, b]", "task", "", "found [a, b], expected one text; ignored it"),
    ("scorer: {a: b}", "scorer", "", "found a mapping, expected one text; ignored it"),
    ("iteration: three", "iteration", 0, "found 'three', expected a whole number; took 0"),
    ("iteration: 1e3", "iteration", 0, "found '1e3', expected a whole number; took 0"),
    ("iteration: 99999999999999999999", "iteration", 0, "expected a whole number; took 0"),
    ("corner2move2: [50]", "corner2move2", None, "found [50], expected two numbers; ignored them"),
    ("multianimalproject: no", "multianimal", False, "found 'no', expected true or false; took it for false"),
    ("multianimalproject: Yes", "multianimal", True, "found 'Yes', expected true or false; took it for true"),
    ("multianimalproject: maybe", "multianimal", False, "found 'maybe', expected true or false"),
    ("bodyparts: nose", "bodyparts", ("nose",), "found 'nose', expected a list"),
    ("bodyparts: [nose, [a], tail]", "bodyparts", ("nose", "tail"), "found [a], expected a name; left it out"),
    ("bodyparts: [nose, tail, nose]", "bodyparts", ("nose", "tail"), "found 'nose', expected each name once"),
    ("skeleton: [[nose, tail], tail]", "skeleton", (("nose", "tail"),), "found 'tail', expected pairs"),
    ("skeleton: [[nose], [nose, tail]]", "skeleton", (("nose", "tail"),), "found [nose], expected pairs"),
    ("video_sets: /a.mp4", "video_sets", (), "found '/a.mp4', expected video paths with their crop; read none"),
]


@pytest.mark.parametrize(("line", "field", "value", "message"), WRONG_VALUES, ids=[row[0] for row in WRONG_VALUES])
def test_wrong_values_are_findings_with_their_line(
    tmp_path: Path, line: str, field: str, value: object, message: str
) -> None:
    key = line.partition(":")[0]
    others = yaml.safe_load(BASE)
    others.pop(key, None)
    config = read(tmp_path, yaml.safe_dump(others, sort_keys=False) + f"\n\n{line}\n")
    assert getattr(config, field) == value
    found = [finding for finding in config.findings if finding.code == "config-value"]
    assert message in found[0].message
    last_line = len((tmp_path / "config.yaml").read_text().splitlines())
    assert found[0].where == f"{key}, line {last_line}"


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False)]
)
def test_yaml_1_2_truth_values(tmp_path: Path, text: str, value: bool) -> None:
    config = read(tmp_path, BASE + f"multianimalproject: {text}\ncroppedtraining: {text}\n")
    assert (config.multianimal, config.cropped_training, config.findings) == (value, value, ())


# --- skeleton -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skeleton", "pairs", "found"),
    [
        ("[[nose, tail]]", (("nose", "tail"),), []),
        ("\n- - nose\n  - tail", (("nose", "tail"),), []),
        ("[[nose, tail], [tail, nose], [nose, tail], [nose, nose]]", (("nose", "tail"),), []),
        ("[[nose, ear, tail]]", (("nose", "ear"), ("ear", "tail")), []),
        ("[[bodypart1, bodypart2], [objectA, bodypart3]]", (), []),
        ("[[bodypart1,bodypart2],[bodypart2,bodypart3],[bodypart1,bodypart3],[nose,ear]]", (("nose", "ear"),), []),
        ("[[nose, paw], [ear, tail]]", (("ear", "tail"),), ["skeleton-unknown"]),
        ("[null, [nose, tail]]", (("nose", "tail"),), []),
        ("[!!python/tuple [nose, tail]]", (("nose", "tail"),), []),
    ],
)
def test_skeleton(tmp_path: Path, skeleton: str, pairs: tuple[object, ...], found: list[str]) -> None:
    config = read(tmp_path, f"Task: a\nscorer: s\nbodyparts: [nose, ear, tail]\nskeleton: {skeleton}\n")
    assert config.skeleton == pairs
    assert codes(config) == found


def test_unknown_edge_is_named_with_its_line(tmp_path: Path) -> None:
    config = read(tmp_path, BASE + "skeleton:\n- - nose\n  - tail\n- - nose\n  - paw\n")
    (finding,) = config.findings
    assert finding.severity is Severity.NOTE
    assert finding.message == "found the edge nose - paw, but no bodypart paw; left it out"
    assert finding.where == "skeleton, line 9"


@pytest.mark.parametrize(
    ("skeleton", "code", "message"),
    [
        (
            "[nose, ear, tail, nose]",
            "config-value",
            "found 4 entries such as 'nose', 'ear', 'tail', expected pairs of bodyparts such as [nose, tail]; left "
            "them out",
        ),
        ("[[nose], [nose, [tail]], 3]", "config-value", "found 3 entries such as [nose], a list, '3', expected pairs"),
        (
            f"[{', '.join(f'[nose, paw{n}]' for n in range(40))}]",
            "skeleton-unknown",
            "found 40 edges such as nose - paw0, nose - paw1, nose - paw2, but no bodypart paw0, paw1, paw2 and 37 "
            "more; left them out",
        ),
        ("[[nose, paw], [paw, tail], [nose, paw]]", "skeleton-unknown", "found 2 edges such as nose - paw, paw - tail"),
    ],
)
def test_many_bad_entries_are_one_finding(tmp_path: Path, skeleton: str, code: str, message: str) -> None:
    config = read(tmp_path, f"Task: a\nscorer: s\nbodyparts: [nose, ear, tail]\nskeleton: {skeleton}\n")
    assert codes(config) == [code]
    assert config.findings[0].message.startswith(message)
    assert (config.skeleton, config.findings[0].where) == ((), "skeleton, line 4")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bodyparts: [nose, [a], tail, [b]]", "found 2 entries such as [a], [b], expected a name; left them out"),
        (
            "bodyparts: [a, b, a, b, a]",
            "found 3 entries such as 'a', 'b', expected each name once; left the repetition",
        ),
        ("corner2move2: [x, y, 50]", "found 2 entries such as 'x', 'y', expected a number; left them out"),
    ],
)
def test_values_of_one_wrong_form_are_told_together(tmp_path: Path, line: str, message: str) -> None:
    others = "" if line.startswith("bodyparts") else "bodyparts: [nose]\n"
    config = read(tmp_path, f"Task: a\nscorer: s\n{others}{line}\n")
    assert sum(finding.message.startswith(message) for finding in config.findings) == 1
    assert len(config.findings) <= 2


def test_template_names_that_a_project_really_uses(tmp_path: Path) -> None:
    text = "Task: a\nscorer: s\nbodyparts: [bodypart1, bodypart2]\nskeleton: [[bodypart1, bodypart2]]\n"
    assert read(tmp_path, text).skeleton == (("bodypart1", "bodypart2"),)


# --- video_sets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "name", "stem"),
    [
        ("/data/my videos/mouse 1.avi", "mouse 1.avi", "mouse 1"),
        ("C:\\Users\\Jane Doe\\videos\\mouse 1.avi", "mouse 1.avi", "mouse 1"),
        ("\\\\server\\share\\m.1.avi", "m.1.avi", "m.1"),
        ("C:/Users/x\\mixed/this.is.a.mp4", "this.is.a.mp4", "this.is.a"),
        ("/content/drive/My Drive/souris é.MP4", "souris é.MP4", "souris é"),
        ("m1.mp4", "m1.mp4", "m1"),
        ("/data/no suffix", "no suffix", "no suffix"),
    ],
)
def test_video_names_of_any_machine(tmp_path: Path, recorded: str, name: str, stem: str) -> None:
    (entry,) = read(tmp_path, BASE + f"video_sets:\n  {recorded}:\n    crop: 0, 640, 0, 480\n").video_sets
    assert (entry.recorded, entry.name, entry.stem) == (recorded, name, stem)
    assert not entry.is_placeholder


@pytest.mark.parametrize(
    ("value", "crop", "found"),
    [
        ("{crop: '0, 640, 0, 480'}", (0, 640, 0, 480), 0),
        ("{crop: '0,640,0,480'}", (0, 640, 0, 480), 0),
        ("{crop: [10, 640, 20, 480]}", (10, 640, 20, 480), 0),
        ("{crop: !!python/tuple [10, 640, 20, 480]}", (10, 640, 20, 480), 0),
        ("{crop: }", None, 0),
        ("{}", None, 0),
        ("", None, 0),
        ("null", None, 0),
        ("{crop: '0, 640.5, 0, 480'}", None, 1),
        ("{crop: '0, 640, 0'}", None, 1),
        ("{crop: '640, 0, 0, 480'}", None, 1),
        ("{crop: '-1, 640, 0, 480'}", None, 1),
        ("{crop: '0, 99999999999, 0, 480'}", None, 1),
        ("{crop: {x1: 0}}", None, 1),
        ("full", None, 1),
    ],
)
def test_crop(tmp_path: Path, value: str, crop: object, found: int) -> None:
    config = read(tmp_path, BASE + f"video_sets:\n  /a.mp4: {value}\n")
    assert config.video_sets == (VideoEntry("/a.mp4", crop),)
    assert codes(config) == ["config-value"] * found
    assert all(finding.where == "video_sets, line 7" for finding in config.findings)


def test_video_sets_as_a_list(tmp_path: Path) -> None:
    config = read(tmp_path, BASE + "video_sets:\n- /a/1.mp4\n- C:\\b\\2.mp4\n")
    assert [entry.stem for entry in config.video_sets] == ["1", "2"]


# --- 3D -----------------------------------------------------------------------------------------------------

CONFIG_3D = """\
# Project definitions (do not edit)
Task: cheetah
scorer: Anna
date: Aug30

# Project path (change when moving around)
project_path: /home/jane/cheetah-Anna-2021-08-30-3d

# Plotting configuration
skeleton: # Note that the pairs must be defined, as you want them linked!
- - bodypart1
  - bodypart2
- - nose
  - tail
skeleton_color: black
pcutoff: 0.4
alphaValue: 0.8

# Number of cameras, camera names, path of the config files, shuffle index and trainingsetindex
num_cameras: 3
camera_names:
- left
- camera-2
- 3
scorername_3d: # Enter the scorer name for the 3D output
config_file_left: C:\\Users\\x\\left\\config.yaml
shuffle_left: 1
config_file_camera-2: /data/right/config.yaml
config_file_camera-3: /home/mackenzie/DEEPLABCUT/DeepLabCut/2DprojectCam3-Mackenzie-2019-06-05/config.yaml
trainingsetindex_camera-1: 0
"""


def test_3d_project(tmp_path: Path) -> None:
    config = read(tmp_path, CONFIG_3D)
    assert config.is_3d
    assert config.camera_names == ("left", "camera-2", "3")
    assert config.camera_configs == {
        "left": "C:\\Users\\x\\left\\config.yaml",
        "camera-2": "/data/right/config.yaml",
    }
    assert config.skeleton == (("nose", "tail"),)
    assert config.findings == ()


def test_camera_names_beside_video_sets_are_a_users_own_key(tmp_path: Path) -> None:
    assert not read(tmp_path, BASE + "video_sets:\ncamera_names: [a]\n").is_3d


# --- what is no YAML, and is repaired -----------------------------------------------------------------------

# Written by ruamel.yaml 0.18.14: YAML().dump() of four paths with blanks, default width.
FOLDED = """\
Task: reach
scorer: Anna
project_path: /home/jane doe/Documents/lab data/behaviour experiments{sp}
  2021//home/jane doe/Documents/lab data/behaviour experiments 2021/
video_sets:
  /home/jane doe/Documents/lab data/behaviour experiments 2021/cohort 3 jane's{sp}
    session 12 mouse A left camera.mp4:
    crop: 0, 640, 0, 480
  /short.mp4:
    crop: 0, 1, 0, 1
  ? /home/jane doe/Documents/lab data/behaviour experiments{sp}
    2021/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx cohort 3 session 12 mouse A{sp}
    left camera.mp4
  : crop: 0, 640, 0, 480
  C:\\Users\\Jane Doe\\Documents\\lab data\\behaviour experiments 2021 set\\mouse A{sp}
    left camera.avi:
    crop: 0, 640, 0, 480
  '/home/jane doe/Documents/lab data/behaviour experiments 2021/cohort #3 session 12 mouse A left camera.mp4':
    crop: 0, 640, 0, 480
bodyparts:
- nose
- nose
"""


@pytest.mark.parametrize("blank", [" ", ""], ids=["as written", "blanks at line ends stripped by an editor"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_keys_folded_by_ruamel(tmp_path: Path, blank: str, line_end: str) -> None:
    config = read(tmp_path, FOLDED.format(sp=blank).replace("\n", line_end))
    base = "/home/jane doe/Documents/lab data/behaviour experiments 2021"
    assert [entry.recorded for entry in config.video_sets] == [
        f"{base}/cohort 3 jane's session 12 mouse A left camera.mp4",
        "/short.mp4",
        f"{base}/{'x' * 40} cohort 3 session 12 mouse A left camera.mp4",
        "C:\\Users\\Jane Doe\\Documents\\lab data\\behaviour experiments 2021 set\\mouse A left camera.avi",
        f"{base}/cohort #3 session 12 mouse A left camera.mp4",
    ]
    assert config.video_sets[0].crop == (0, 640, 0, 480)
    assert config.project_path == f"{base}//home/jane doe/Documents/lab data/behaviour experiments 2021/"
    repaired, repeated = config.findings
    assert (repaired.code, repaired.where) == ("config-repaired", "lines 6, 15")
    assert "ruamel.yaml" in repaired.message
    # Lines keep their numbers through the repair.
    assert repeated.where == "bodyparts, line 22"


def test_a_fold_between_two_blanks_keeps_both(tmp_path: Path) -> None:
    # ruamel.yaml 0.18.14 folds "cohort  3  session" behind the second blank and leaves both at the line's end.
    text = BASE + "video_sets:\n  /data/cohort  3  \n    session 12.mp4:\n    crop: 0, 640, 0, 480\n"
    assert read(tmp_path, text).video_sets[0].recorded == "/data/cohort  3  session 12.mp4"


def test_a_fold_over_three_lines(tmp_path: Path) -> None:
    videos = "  /data/a \n    b \n    c.mp4:\n    crop: 0, 6, 0, 4\n  /d.mp4:\n    crop: none\n"
    config = read(tmp_path, BASE + "video_sets:\n" + videos)
    assert [entry.recorded for entry in config.video_sets] == ["/data/a b c.mp4", "/d.mp4"]
    assert [finding.where for finding in config.findings] == ["line 7", "video_sets, line 12"]


def test_a_repair_never_swallows_a_neighbor(tmp_path: Path) -> None:
    """A broken line that is no folded key stays an error with its own line."""
    text = BASE + "video_sets:\n  /data/a.mp4\n    crop: 0, 6, 0, 4\n  /data/b.mp4:\n    crop: 0, 6, 0, 4\n"
    finding = refusal(tmp_path, text)
    assert finding.where == "line 8"
    assert "mapping values are not allowed here" in finding.message
    assert "crop: 0, 6, 0, 4" in finding.message
    finding = refusal(tmp_path, text.replace("    crop: 0, 6, 0, 4\n  /data/b", "    start: 5\n  /data/b"))
    assert (finding.where, "at 'start: 5'" in finding.message) == ("line 8", True)


def test_what_is_left_after_repairs_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path, "Task:\treach\nscorer: Anna\nbodyparts:\n- nose\n- a: b:\tc\n")
    error, repair = caught.value.findings
    assert (error.severity, error.where, "at '- a: b:\tc'" in error.message) == (Severity.ERROR, "line 5", True)
    assert (repair.code, repair.where) == ("config-repaired", "lines 1, 5")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (BASE + "video_sets:\n\t/a.mp4:\n\t\tcrop: 0, 6, 0, 4\n", "lines 7, 8"),
        (BASE + "video_sets:\n  /a.mp4:\n\tcrop:\t0, 6, 0, 4\n", "line 8"),
        (BASE + "video_sets:\t\n  /a.mp4: \t# mouse\n    crop: 0,\t6, 0, 4\t\n", "lines 6, 7, 8"),
        (
            "Task:\treach\nscorer: Anna\nbodyparts:\n-\tnose\n-\ttail\nvideo_sets: {/a.mp4: {crop: '0,\t6, 0, 4'}}\n",
            "lines 1, 4, 5",
        ),
    ],
)
def test_tabs(tmp_path: Path, text: str, where: str) -> None:
    config = read(tmp_path, text)
    assert config.bodyparts == ("nose", "tail")
    assert config.video_sets == (VideoEntry("/a.mp4", (0, 6, 0, 4)),)
    (finding,) = config.findings
    assert (finding.code, finding.where) == ("config-repaired", where)


def test_tabs_in_quotes_are_kept(tmp_path: Path) -> None:
    assert read(tmp_path, "Task:\treach\nscorer: s\nbodyparts: ['a\tb', \"c\td\"]\n").bodyparts == ("a\tb", "c\td")


@pytest.mark.parametrize(
    "path", ["C:\\Users\\x", "C:\\new\\test", "D:\\it's\\a", "\\\\server\\new share\\x", "c:\\a\\\\b", "C:\\a\\"]
)
def test_windows_path_in_double_quotes(tmp_path: Path, path: str) -> None:
    text = BASE + f'project_path: "{path}"\nvideo_sets:\n  "{path}\\a.avi":\n    crop: 0, 6, 0, 4\n'
    config = read(tmp_path, text)
    assert config.project_path == path
    assert config.video_sets[0].recorded == path + "\\a.avi"
    (finding,) = config.findings
    assert (finding.code, finding.where) == ("config-repaired", "lines 6, 8")


def test_escaped_windows_paths_need_no_repair(tmp_path: Path) -> None:
    """PyYAML (DeepLabCut 2.0, napari-deeplabcut) escapes non-ASCII names in double quotes."""
    path = "C:\\Users\\Jörg\\neue Maus\\a.avi"
    text = yaml.safe_dump({"project_path": path, "video_sets": {path: {"crop": "0, 6, 0, 4"}}}, width=60)
    assert "\\xF6" in text
    config = read(tmp_path, BASE + text + '# "C:\\not a value"\n')
    assert (config.project_path, config.video_sets[0].recorded, config.findings) == (path, path, ())


def test_long_keys(tmp_path: Path) -> None:
    long = "/data/" + "cohort with blanks " * 9 + "a.mp4"
    entries = {long: {"crop": "0, 6, 0, 4"}, "/b.mp4": {"crop": "0, 6, 0, 4"}}
    text = yaml.safe_dump({"video_sets": entries}, width=80)
    assert "? /data" in text
    config = read(tmp_path, BASE + text)
    assert {entry.recorded for entry in config.video_sets} == {long, "/b.mp4"}
    assert config.findings == ()


def test_duplicate_keys(tmp_path: Path) -> None:
    text = BASE + "video_sets:\n  /a.mp4:\n    crop: 0, 6, 0, 4\n  /a.mp4:\n    crop: 0, 8, 0, 4\nbodyparts:\n- paw\n"
    config = read(tmp_path, text)
    assert config.bodyparts == ("nose", "tail")
    assert config.video_sets == (VideoEntry("/a.mp4", (0, 6, 0, 4)),)
    assert codes(config) == ["config-duplicate-key"] * 2
    by_key = {finding.where: finding for finding in config.findings}
    assert by_key.keys() == {"line 9", "line 11"}
    assert by_key["line 11"].message.startswith("found 'bodyparts' on line 3 and again on line 11, read line 3")
    assert by_key["line 11"].hint == "delete the wrong one of lines 3 and 11"


def test_many_duplicate_keys_of_one_list_are_one_finding(tmp_path: Path) -> None:
    videos = "".join(f"  /{n}.mp4:\n    crop: 0, 6, 0, 4\n" for n in range(30))
    config = read(tmp_path, BASE + "video_sets:\n" + videos + videos)
    assert len(config.video_sets) == 30
    (finding,) = config.findings
    assert finding.code == "config-duplicate-key"
    assert "30 keys that stand twice, such as '/0.mp4' on lines 7 and 67" in finding.message


# --- encodings ----------------------------------------------------------------------------------------------

TEXT = "Task: Käfig\nscorer: Jörg\nbodyparts: [schnäuzchen, tail]\nvideo_sets:\n  /dät/ü.mp4:\n    crop: 0, 6, 0, 4\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_utf8_with_any_line_end(tmp_path: Path, encoding: str, line_end: str) -> None:
    config = read(tmp_path, TEXT.replace("\n", line_end).encode(encoding))
    assert (config.task, config.scorer, config.video_sets[0].stem) == ("Käfig", "Jörg", "ü")
    assert config.findings == ()


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_other_encodings_are_read_and_reported(tmp_path: Path, encoding: str) -> None:
    config = read(tmp_path, TEXT.encode(encoding))
    assert (config.task, config.scorer, config.video_sets[0].stem) == ("Käfig", "Jörg", "ü")
    (finding,) = config.findings
    assert (finding.code, finding.severity) == ("config-encoding", Severity.WARNING)
    assert encoding in finding.message.lower()


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp949", "홍길동"), ("gb18030", "小鼠一号"), ("cp932", "ネズミ"), ("cp1251", "мышь"), ("cp1250", "myš čtyři")],
)
def test_names_on_the_disk_tell_the_code_page(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / "labeled-data" / name).mkdir(parents=True)
    text = BASE + f"video_sets:\n  C:\\v\\{name}.avi:\n    crop: 0, 6, 0, 4\n"
    config = read(tmp_path, text.encode(encoding))
    assert config.video_sets[0].stem == name
    (finding,) = config.findings
    assert f"read it as {encoding}, which agrees with names on the disk" in finding.message
    assert finding.where == "line 7"


def test_bytes_of_no_code_page(tmp_path: Path) -> None:
    config = read(tmp_path, b"# \x81\xff\x8d\nTask: reach\nscorer: s\nbodyparts: [nose]\n")
    assert config.bodyparts == ("nose",)
    assert codes(config) == ["config-encoding"]


# --- refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "", "found no content"),
        ("# only a comment\n", "", "found no content"),
        ("~\n", "", "found no content"),
        ("- a\n- b\n", "", "found [a, b], expected lines of the form 'key: value'"),
        ("just text\n", "", "found 'just text'"),
        ("data:\n  csv_file: x\n", "", "found none of the keys Task, scorer"),
        ("Task: a\nscorer: b: c\n", "line 2", "mapping values are not allowed here, at 'scorer: b: c'"),
        ("Task: a\n  scorer: b\n", "line 2", "mapping values"),
        ("Task: a\nbodyparts: [nose\n", "line 3", "expected ',' or ']'"),
        ("Task: a\nbodyparts:\n- @nose\n", "line 3", "cannot start any token"),
        ("Task: a\nbodyparts:\n- *nose\n", "line 3", "undefined alias"),
        ("Task: a\n---\nTask: b\n", "line 2", "another document"),
        ('Task: "\\q"\n', "line 1", "unknown escape character"),
        ('Task: a\nscorer: "\\UFFFFFFFF"\n', "line 2", "out of range"),
        ('Task: a\nscorer: "\\uD800"\n', "line 2", "no name can hold"),
        ('Task: a\nscorer: "\\0"\n', "line 2", "no name can hold"),
        ("Task: a\nscorer: b\0\n", "line 2", "control character 0x0"),
        ("Task: a\nscorer: &a [*a]\n", "line 2", "an alias that contains itself"),
        ("Task: a\n<<: {scorer: b}\n", "line 2", "merge key"),
        ("Task: a\n? [b]\n: c\n", "line 2", "a list or mapping as a key"),
        ("Task: " + "[" * 3000 + "]" * 3000, "line 1", "nested deeper than 50 levels"),
        ("Task: a\nscorer: !e!x b\n", "line 2", "undefined tag handle"),
        ("%YAML 2.0\n---\nTask: a\n", "line 1", "incompatible YAML document"),
    ],
)
def test_refused_with_the_line(tmp_path: Path, text: str, where: str, words: str) -> None:
    finding = refusal(tmp_path, text)
    assert (finding.where, words in finding.message) == (where, True), finding
    assert finding.hint


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.mkdir [{planted}]",
        "!!python/object/new:os.mkdir [{planted}]",
        "!!python/object/apply:subprocess.check_call [[mkdir, {planted}]]",
        "!!python/object/apply:builtins.exec ['import os; os.mkdir(\"{planted}\")']",
        "!!python/name:os.mkdir",
        "!!python/module:os",
        "!!python/object:pathlib.Path {{}}",
        "!!python/object/apply:pathlib.PosixPath [/, home]",
        "!!binary aGVsbG8=",
        "!mine x",
    ],
)
def test_hostile_tags_run_nothing(tmp_path: Path, value: str) -> None:
    planted = tmp_path / "planted"
    finding = refusal(tmp_path, f"Task: reach\nscorer: {value.format(planted=planted)}\n")
    assert not planted.exists()
    assert finding.where == "line 2"
    assert "the tag !" in finding.message
    assert "nothing was run" in finding.message


def test_harmless_tags_are_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "Task: !!python/unicode 'reach'\nscorer: !!str 007\nbodyparts: !!python/tuple\n- nose\n- !!python/str tail\n"
        "corner2move2: !!python/tuple [50, 60]\niteration: !!int 3\n",
    )
    assert (config.task, config.scorer, config.bodyparts) == ("reach", "007", ("nose", "tail"))
    assert (config.corner2move2, config.iteration, config.findings) == ((50.0, 60.0), 3, ())


def test_aliases_are_followed(tmp_path: Path) -> None:
    config = read(tmp_path, "Task: a\nscorer: s\nbodyparts: &b [nose, tail]\nskeleton: [*b, *b]\n")
    assert (config.bodyparts, config.skeleton) == (("nose", "tail"), (("nose", "tail"),))


def test_billion_laughs(tmp_path: Path) -> None:
    lines = ["Task: a", "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]" for level in range(1, 10)]
    start = time.perf_counter()
    finding = refusal(tmp_path, "\n".join(lines))
    assert finding.message == "found 1111111 values of aliases that are written out, expected at most 1000000 values"
    assert finding.where == "line 7"
    assert time.perf_counter() - start < 2


def test_too_large_to_be_a_config(tmp_path: Path) -> None:
    assert "found 9 MB" in refusal(tmp_path, b"#" * 9_000_000).message


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is a folder, expected a file"):
        read_config(tmp_path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="can't be opened: No such file"):
        read_config(tmp_path / "config.yaml")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_right_to_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(BASE)
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="can't be opened: Permission denied"):
        read_config(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this file system")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(UnreadableFile, match="is a named pipe, expected a file"):
        read_config(tmp_path / "config.yaml")


FRAGMENTS = ["Task", "scorer", "video_sets", "bodyparts", ":", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", "&a", "*a"]
FRAGMENTS += ["'", '"', "\\", "\t", "#", "!!", "!!python/tuple ", "|", ">", "?", "<<", "%", "---", "crop", "0, 1, 0, 1"]


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)))
@example("%YAML " + "9" * 5000 + ".1\n---\na: b")
@example('a: "\\xZZ"')
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: str | bytes) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    for text in (raw, b"Task: a\n" + raw):
        try:
            read(tmp_path, text)
        except UnreadableFile as error:
            assert error.findings[0].hint


def test_thousands_of_videos_take_seconds(tmp_path: Path) -> None:
    entries = "".join(f"  /data/cohort/mouse {number}.mp4:\n    crop: 0, 640, 0, x\n" for number in range(2000))
    start = time.perf_counter()
    config = read(tmp_path, BASE + "video_sets:\n" + entries)
    assert len(config.video_sets) == 2000
    (finding,) = config.findings
    assert finding.message.startswith("found 2000 entries such as '0, 640, 0, x', expected four pixel numbers")
    assert time.perf_counter() - start < 5
