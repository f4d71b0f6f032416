"""The configuration of an exported project: the source's text where that can be changed, a whole new one where not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from dlc_config_text import ERAS, config_text
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.config import DlcConfig, VideoEntry, read_config
from dlc2lp.planning.dlc_config import ProjectNames, exported_config

SINGLE = ProjectNames("reach", "Anna", "Aug30", ("nose", "no", "007", "tail é"), (), (), is_multi_animal=False)
SEVERAL = ProjectNames("reach", "Anna", "Aug30", ("nose", "tail"), ("a", "1e3"), ("corner",), is_multi_animal=True)
VIDEOS = (VideoEntry("/a b/é.mp4", (0, 10, 0, 20)), VideoEntry("C:\\x: y\\#1.avi", (1, 2, 3, 4)))
PATH = "/data/my labs: 1/back"


def read(folder: Path, text: str) -> DlcConfig:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def values(multi: bool = False) -> dict[str, object]:
    given: dict[str, object] = {"Task": "reach", "scorer": "Anna", "date": "Aug30", "bodyparts": ["nose", "no"]}
    given |= {"project_path": "/old " + "long/" * 40, "video_sets": {"/old/é.mp4": {"crop": "0, 1, 0, 1"}}}
    given |= {"skeleton": [["nose", "tail" if multi else "no"]], "multianimalproject": multi}
    if multi:
        given |= {"bodyparts": "MULTI!", "individuals": ["a"], "uniquebodyparts": [], "multianimalbodyparts": ["nose"]}
    return given


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("era", sorted(ERAS))
def test_every_eras_text_stays_but_for_what_changes(tmp_path: Path, era: str, multi: bool) -> None:
    if multi and era in "AB":
        pytest.skip("these versions had no multi-animal projects")
    before = config_text(values(multi), era)
    names = SEVERAL if multi else SINGLE
    made = exported_config(before.encode(), names, PATH, VIDEOS)
    assert not made.is_new
    config = read(tmp_path, made.text)
    assert (config.findings, config.project_path, config.video_sets) == ((), PATH, VIDEOS)
    assert (config.bodyparts, config.individuals) == (names.bodyparts, names.individuals)
    assert (config.unique_bodyparts, config.multianimal) == (names.unique_bodyparts, multi)
    comments = [line for line in before.splitlines() if line.startswith("#")]
    assert [line for line in made.text.splitlines() if line.startswith("#")] == comments
    assert set(before.splitlines()) & {"dotsize: 12", "alphavalue: 0.7"} <= set(made.text.splitlines())


@pytest.mark.parametrize("names", [SINGLE, SEVERAL], ids=["single", "several"])
@pytest.mark.parametrize(
    "source",
    [
        None,
        b"",
        b"scorer: [",
        b"\xff\xfe\x00",
        b"- a\n- b\n",
        b"scorer: Anna\nscorer: Ben\nbodyparts:\n- nose\n",
        b"bodyparts:\n\t- nose\nscorer: Anna\n",
        b'{"scorer": "Anna", "bodyparts": ["nose"]}',
        b"? scorer\n: Anna\nbodyparts: &names\n- nose\nothers: *names\n",
        b"x: |\n  scorer: Ben\nscorer: 'An\n\n  na'\n",
    ],
)
def test_a_text_that_can_not_be_changed_line_by_line_is_made_anew(
    tmp_path: Path, source: bytes | None, names: ProjectNames
) -> None:
    made = exported_config(source, names, PATH, VIDEOS)
    config = read(tmp_path, made.text)
    assert (config.findings, config.project_path, config.video_sets) == ((), PATH, VIDEOS)
    assert (config.scorer, config.bodyparts) == ("Anna", names.bodyparts)
    assert (config.individuals, config.unique_bodyparts) == (names.individuals, names.unique_bodyparts)
    assert yaml.safe_load(made.text)["scorer"] == "Anna"


@pytest.mark.parametrize(
    "before",
    [
        "scorer: Anna\r\nbodyparts:\r\n- nose\r\nvideo_sets:\r\n  /v.mp4:\r\n    crop: 0, 1, 0, 1\r\ndotsize: 3\r\n",
        "scorer: Anna\nbodyparts: [nose, no]\nproject_path: /x\nvideo_sets: {}\ndotsize: 3",
        "bodyparts:\n  - nose\n\n  # a comment\n  - no\nscorer: 'Anna'\nproject_path:\nvideo_sets:\ndotsize: 3\n",
        "bodyparts:\n# the paws\n- nose\n\n- no\nscorer: Anna\nproject_path: /x\nvideo_sets: {}\ndotsize: 3\n",
        "# scorer: Ben\nscorer : Anna\n'bodyparts':\n- nose\nproject_path: /x\ndotsize: 3\n",
        "﻿scorer: Ben\nbodyparts:\n- nose\ndotsize: 3\n",
    ],
    ids=["crlf", "flow", "comment-inside", "comment-at-the-margin", "quoted", "bom"],
)
def test_what_hands_and_editors_make_of_it_can_be_changed(tmp_path: Path, before: str) -> None:
    made = exported_config(before.encode(), SINGLE, PATH, VIDEOS)
    assert not made.is_new
    config = read(tmp_path, made.text)
    assert (config.findings, config.project_path, config.video_sets) == ((), PATH, VIDEOS)
    assert (config.scorer, config.bodyparts) == ("Anna", SINGLE.bodyparts)
    assert yaml.safe_load(made.text)["dotsize"] == 3
    assert exported_config(made.text.encode(), SINGLE, PATH, VIDEOS) == made


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1).map(str.strip).filter(bool)


@given(parts=st.lists(WORDS, min_size=1, max_size=4, unique=True), path=WORDS, video=WORDS)
def test_any_name_is_read_back(tmp_path: Path, parts: list[str], path: str, video: str) -> None:
    names = ProjectNames("reach", "Anna", "Aug30", tuple(parts), (), (), is_multi_animal=False)
    for source in (None, config_text(values(), "F").encode()):
        text = exported_config(source, names, path, (VideoEntry(video, (0, 1, 0, 1)),)).text
        root = yaml.load(text, Loader=yaml.BaseLoader)
        assert set(parts) <= set(root["bodyparts"])
        assert (root["project_path"], list(root["video_sets"])) == (path, [video])
