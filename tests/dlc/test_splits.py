"""Train/test splits of every era, stale ones, foreign ones and hostile ones, through whole projects on disk.

The truth is the builder's: it splits as DeepLabCut does and knows what it did.
"""

from __future__ import annotations

import base64
import math
import os
import pickle
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from builder import ERAS, BuiltProject, Session, Shuffle, build_project
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.config import DlcConfig, VideoEntry
from dlc2lp.dlc.label_file import LabelFile
from dlc2lp.dlc.project import read_project
from dlc2lp.dlc.session import DlcSession
from dlc2lp.dlc.splits import Split, SplitFile, choose_split, list_splits, read_split
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import DecisionNeeded, UnreadableFile
from dlc2lp.model import ImageInfo, Severity

#: Sessions whose order by path ("-" and " " sort before "/") differs from that by folder, and both from this one.
NEIGHBORS = ("m1-late", "m1", "a.b", "m1 b")
FRAMES = (2, 5, 9, 14)


def build(root: Path, *shuffles: Shuffle, **arguments: Any) -> BuiltProject:
    arguments = {"sessions": NEIGHBORS, "frames": FRAMES, "bodyparts": ("nose", "tail")} | arguments
    return build_project(root / "p", shuffles=shuffles, video="none", images=False, **arguments)


def read(project: BuiltProject, wanted: str = "1") -> Split:
    found = read_project(project.root)
    file = choose_split(list_splits(found.root, found.config), found.config, wanted)
    return read_split(file, found.sessions, found.config)


def codes(split: Split) -> list[str]:
    return [finding.code for finding in split.findings]


def check(project: BuiltProject, *expected_codes: str, wanted: str = "1") -> Split:
    """The split is the builder's, frame by frame."""
    split = read(project, wanted)
    assert split.verified, split.findings
    assert (split.train, split.test) == project.splits[split.file.name]
    assert codes(split) == list(expected_codes)
    return split


def refuse(project: BuiltProject, wanted: str = "1") -> str:
    """The split is not used in any part; why not."""
    split = read(project, wanted)
    (finding,) = split.findings
    assert (split.verified, split.train, split.test) == (False, frozenset(), frozenset())
    assert (finding.code, finding.severity, finding.where) == ("split-unverified", Severity.ERROR, split.file.name)
    assert finding.subject == str(split.file.path)
    assert "--split list" in finding.hint
    return finding.message


def data_set(project: BuiltProject) -> Path:
    (folder,) = (project.root / "training-datasets").glob("iteration-*/*")
    return folder


def documentation(project: BuiltProject) -> Path:
    (path,) = data_set(project).glob("Documentation_data-*")
    return path


def remove_merged(project: BuiltProject) -> None:
    for path in data_set(project).glob("CollectedData*"):
        path.unlink()


def copy_labels(source: BuiltProject, target: BuiltProject, session: str) -> None:
    for kind in ("csv", "h5"):
        shutil.copy(source.label_file(session, kind), target.label_file(session, kind))


def copy_merged(source: BuiltProject, target: BuiltProject) -> None:
    for path in data_set(source).glob("CollectedData*"):
        shutil.copy(path, data_set(target) / path.name)


# --------------------------------------------------------------------------------------------------------------
# eras and forms


@pytest.mark.parametrize("era", ERAS)
def test_every_era(tmp_path: Path, era: str) -> None:
    project = build(tmp_path, Shuffle(1, 0.8), Shuffle(2, 0.5), era=era)
    for wanted, n_test in (("1", 4), ("2", 8)):
        split = check(project, wanted=wanted)
        assert len(split.test) == n_test
        assert len(split.train) == 16 - n_test


@pytest.mark.parametrize(
    ("layout", "era"),
    [("three", "D"), ("flat", "C"), ("windows", "C"), ("windows", "F"), ("mixed", "C"), ("absolute", "C")],
)
def test_rows_of_every_layout(tmp_path: Path, layout: str, era: str) -> None:
    check(build(tmp_path, Shuffle(), layout=layout, era=era))


def test_folders_labelled_on_different_systems(tmp_path: Path) -> None:
    sessions = (Session("m1", layout="windows"), Session("m2", layout="flat"), Session("m3", layout="three"))
    check(build(tmp_path, Shuffle(order="three"), sessions=sessions))


@pytest.mark.parametrize("as_lists", [False, True])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_of_every_protocol(tmp_path: Path, protocol: int, as_lists: bool) -> None:
    shuffle = Shuffle(as_lists=as_lists, dump=lambda content: pickle.dumps(content, protocol=protocol))
    check(build(tmp_path, shuffle))


class Python2Pickler(pickle._Pickler):
    """Writes text as the byte strings of Python 2, which had no other."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012 - the base class's own way

    def save_byte_string(self, value: str | bytes) -> None:
        raw = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + len(raw).to_bytes(4, "little") + raw)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_byte_string


def python2(content: Any) -> bytes:
    import io

    stream = io.BytesIO()
    Python2Pickler(stream, 2).dump(content)
    return stream.getvalue()


@pytest.mark.parametrize("as_lists", [False, True])
def test_python_2_strings(tmp_path: Path, as_lists: bool) -> None:
    shuffle = Shuffle(as_lists=as_lists, dump=python2)
    project = build(tmp_path, shuffle, era="B", sessions=("m1", "souris é"))
    assert b"labeled-data/souris \xc3\xa9/" in documentation(project).read_bytes()
    check(project)


#: cPickle.dumps([data, [5, 0, 3, 1], [2, 4], 0.67], 2) of Python 2.7.18: images 2, 5 and 9 of m1 and m2.
REAL_PYTHON_2 = base64.b64decode(
    "gAJdcQEoXXECKH1xAyhVBmpvaW50c3EEXXEFXXEGKEsASwVLBmVhVQVpbWFnZXEHVRlsYWJlbGVkLWRhdGEvbTIvaW1nMDkucG5ncQhVBHNp"
    "emVxCUsDS2BLgIdxCnV9cQsoaARdcQxdcQ0oSwBLBUsGZWFoB1UZbGFiZWxlZC1kYXRhL20xL2ltZzAyLnBuZ3EOaAloCnV9cQ8oaARdcRBd"
    "cREoSwBLBUsGZWFoB1UZbGFiZWxlZC1kYXRhL20yL2ltZzAyLnBuZ3ESaAloCnV9cRMoaARdcRRdcRUoSwBLBUsGZWFoB1UZbGFiZWxlZC1k"
    "YXRhL20xL2ltZzA1LnBuZ3EWaAloCnVlXXEXKEsFSwBLA0sBZV1xGChLAksEZUc/5XCj1wo9cWUu"
)


def test_a_pickle_that_python_2_wrote(tmp_path: Path) -> None:
    shuffle = Shuffle(train=(5, 0, 3, 1), test=(2, 4), dump=lambda content: REAL_PYTHON_2)
    split = check(build(tmp_path, shuffle, era="B", sessions=("m1", "m2"), frames=(2, 5, 9)))
    assert split.test == {("m1", "img09.png"), ("m2", "img05.png")}


def test_several_animals(tmp_path: Path) -> None:
    ascending = {"train": [row for row in range(16) if row % 5], "test": [0, 5, 10, 15]}
    project = build(
        tmp_path,
        Shuffle(**ascending),
        individuals=("mus1", "mus2"),
        unique=("led",),
        labels=lambda key, point: None if key[2] == "mus2" and key[1] == "img05.png" else point,
    )
    assert (data_set(project) / "reach_Anna80shuffle1.pickle").is_file()  # the data, which no split is read from
    check(project)


@pytest.mark.parametrize("as_lists", [False, True])
def test_positions_padded_with_minus_one(tmp_path: Path, as_lists: bool) -> None:
    check(build(tmp_path, Shuffle(as_lists=as_lists, padding=3)))


def test_padding_through_which_the_last_frame_was_trained_on(tmp_path: Path) -> None:
    """To pandas, row -1 is the last one; it is in the test set, and DeepLabCut trained on it all the same."""

    def edit(content: list[Any]) -> list[Any]:
        content[0].append({"image": ("labeled-data", "m2", "img05.png"), "size": (3, 96, 128), "joints": []})
        return content

    shuffle = Shuffle(train=(0, 2), test=(1, 3), padding=1, edit=edit)
    split = read(build(tmp_path, shuffle, sessions=("m1", "m2"), frames=(2, 5)))
    assert split.verified
    assert split.train == {("m1", "img02.png"), ("m2", "img02.png"), ("m2", "img05.png")}
    assert split.test == {("m1", "img05.png")}
    assert codes(split) == ["split-overlap"]


def test_floats_that_are_whole_numbers(tmp_path: Path) -> None:
    def edit(content: list[Any]) -> list[Any]:
        return [content[0], np.append(content[1], []), np.append(content[2], []), content[3]]

    project = build(tmp_path, Shuffle(edit=edit))
    assert pickle.loads(documentation(project).read_bytes())[1].dtype == np.float64
    check(project)


def test_frames_without_labels_take_part(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle(), labels=lambda key, point: None if key[1] == "img09.png" else point)
    split = check(project)
    assert {session for session, image in split.train | split.test if image == "img09.png"} == set(NEIGHBORS)


def test_frames_labelled_outside_the_image_only(tmp_path: Path) -> None:
    """DeepLabCut leaves them out of what it trains on, but not out of the split."""
    outside = (-4.0, -1.0)
    check(build(tmp_path, Shuffle(), labels=lambda key, point: outside if key[1] == "img09.png" else point))


def test_random_crops_are_names_like_others(tmp_path: Path) -> None:
    def crop_name(index: int, n_frames: int) -> str:
        return f"img00{index // 10}c{index % 10}.png"

    config = {"croppedtraining": True}
    project = build(tmp_path, Shuffle(), era="C", sessions=("m1_cropped",), image_name=crop_name, config=config)
    assert check(project).train >= {("m1_cropped", "img000c2.png")} - project.splits["iteration-0/80/1"][1]


def test_a_split_without_test_frames_says_so(tmp_path: Path) -> None:
    check(build(tmp_path, Shuffle(1, 1.0)), "split-without-test", wanted="100/1")


# --------------------------------------------------------------------------------------------------------------
# merged labels that are gone, or have changed since


@pytest.mark.parametrize("now", ["flat", "three"])
@pytest.mark.parametrize("then", ["listed", "flat", "three"])
def test_merged_anew_by_another_version(tmp_path: Path, then: str, now: str) -> None:
    project = build(tmp_path, Shuffle(1, order=then), Shuffle(2, order=now), era="C")
    check(project, *([] if then == now else ["split-order-rebuilt"]))
    check(project, wanted="2")


@pytest.mark.parametrize(
    ("order", "layout", "era"),
    [("listed", "flat", "B"), ("flat", "flat", "C"), ("flat", "windows", "C"), ("three", "three", "D")],
)
def test_merged_labels_that_are_gone(tmp_path: Path, order: str, layout: str, era: str) -> None:
    project = build(tmp_path, Shuffle(order=order), era=era, layout=layout)
    remove_merged(project)
    (finding,) = check(project, "split-order-rebuilt").findings
    assert finding.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("then", "now"), [("flat", "three"), ("windows", "three"), ("flat", "windows"), ("windows", "flat")]
)
def test_folders_saved_in_another_form_since(tmp_path: Path, then: str, now: str) -> None:
    """Split by a version that sorts paths, where ``m10\\`` stands before ``m1\\`` and ``m10/`` behind ``m1/``."""
    sessions = ("m1", "a.b", "m10", "m1 b")
    project = build(tmp_path, Shuffle(order="flat"), era="C", layout=then, sessions=sessions)
    later = build(tmp_path / "later", era="F", layout=now, sessions=sessions)
    remove_merged(project)
    for session in sessions:
        copy_labels(later, project, session)
    check(project, "split-order-rebuilt")


def test_folders_of_both_systems_sorted_by_path(tmp_path: Path) -> None:
    sessions = (Session("a", layout="windows"), Session("z", layout="flat"), Session("b", layout="windows"))
    project = build(tmp_path, Shuffle(order="flat"), era="C", sessions=sessions)
    remove_merged(project)
    check(project, "split-order-rebuilt")


def test_folders_that_are_not_in_video_sets(tmp_path: Path) -> None:
    """DeepLabCut merges them only where it finds labels for none of video_sets, as on other systems' paths."""
    listed = {"/v/m1.mp4": None, "/v/a.b.mp4": None}
    merged = build(tmp_path, Shuffle(), sessions=("m1", "a.b"), video_sets=listed)
    extra = build(tmp_path / "extra", sessions=("b",))
    shutil.copytree(extra.folder("b"), merged.folder("b"))
    remove_merged(merged)
    check(merged, "split-order-rebuilt")
    everything = build(tmp_path / "all", Shuffle(), video_sets={"/v/elsewhere.mp4": None})
    remove_merged(everything)
    check(everything, "split-order-rebuilt")


def test_the_csv_stands_in_for_a_broken_h5(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle())
    (data_set(project) / "CollectedData_Anna.h5").write_bytes(b"\x89HDF\r\n\x1a\n broken")
    check(project)


def test_merged_labels_of_several_scorers(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle())
    other = build(tmp_path / "other", Shuffle(), frames=(2, 5))
    shutil.copy(data_set(other) / "CollectedData_Anna.h5", data_set(project) / "CollectedData_A.h5")
    check(project)


def test_folders_with_labels_of_several_scorers(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle())
    other = build(tmp_path / "other", frames=(2, 5))
    for session in NEIGHBORS:
        shutil.copy(other.label_file(session, "h5"), project.folder(session) / "CollectedData_A.h5")
    remove_merged(project)
    check(project, "split-order-rebuilt")


def test_folders_of_random_crops_instead_of_the_videos_own(tmp_path: Path) -> None:
    config = {"croppedtraining": True}
    project = build(
        tmp_path, Shuffle(), era="C", sessions=("m1_cropped",), video_sets={"/v/m1.mp4": None}, config=config
    )
    shutil.copytree(build(tmp_path / "whole", sessions=("m1",)).folder("m1"), project.folder("m1"))
    remove_merged(project)
    check(project, "split-order-rebuilt")


def test_a_folder_labelled_later_behind_the_others(tmp_path: Path) -> None:
    """The common case: rows are added at the end, and every row that was split stays where it was."""
    shuffle = Shuffle(train=(11, 0, 3, 7, 5, 9, 2, 8, 10), test=(1, 4, 6), later=("z",))
    project = build(tmp_path, shuffle, sessions=("m1", "m2", "m3", "z"))
    split = check(project)
    assert not any(session == "z" for session, _ in split.train | split.test)


@pytest.mark.parametrize("later", [("a",), (("m1", "img02.png"),), (("m1", "img09.png"),)])
def test_frames_labelled_later_between_others(tmp_path: Path, later: Sequence[Any]) -> None:
    project = build(tmp_path, Shuffle(later=later), sessions=("a", "m1", "m2"))
    why = refuse(project)
    assert "CollectedData_Anna.h5: " in why
    assert "stand elsewhere" in why


def test_frames_labelled_later_among_the_last_test_frames(tmp_path: Path) -> None:
    """All that it trained on stands where it stood; yet its last test frame is another one now."""
    shuffle = Shuffle(train=(3, 1, 2, 0), test=(4,), later=(("m2", "img05.png"),))
    project = build(tmp_path, shuffle, sessions=("m1", "m2"), frames=(2, 5, 9))
    assert project.splits["iteration-0/80/1"][1] == {("m2", "img09.png")}
    why = refuse(project)
    assert "1 row more than the split" in why
    assert "from 5 on" in why


def test_a_row_that_comes_to_stand_where_an_unlabelled_one_stood(tmp_path: Path) -> None:
    """Then 2, 5, 9, 14 and 19, of which 9 was tested on, and 5 and 19 had no label; 1 was extracted since.

    All names of the split (2 and 14) are among its rows now too, and in order; but so is 9.
    """
    labelled = {"img02.png", "img09.png", "img14.png"}
    project = build(
        tmp_path,
        Shuffle(train=(0, 1, 3, 4), test=(2,), later=(("m1", "img01.png"),)),
        sessions=("m1",),
        frames=(1, 2, 5, 9, 14, 19),
        labels=lambda key, point: point if key[1] in labelled else None,
    )
    assert "labels for 'm1/img09.png' where the split trained on a frame without" in refuse(project)


def test_rows_that_were_given_labels_since(tmp_path: Path) -> None:
    """The labeling GUI before 2.3 kept a row for every extracted frame; filling it in moves nothing."""
    empty = {(session, "img09.png", name): None for session in NEIGHBORS for name in ("nose", "tail")}
    project = build(tmp_path, Shuffle(), era="C", labels=empty)
    filled = build(tmp_path / "filled", Shuffle(), era="C")
    for session in NEIGHBORS:
        copy_labels(filled, project, session)
    copy_merged(filled, project)
    assert any(image == "img09.png" for _, image in project.splits["iteration-0/80/1"][0])
    assert read(project).verified
    assert (read(project).train, read(project).test) == project.splits["iteration-0/80/1"]


def test_two_orders_that_both_may_be_it(tmp_path: Path) -> None:
    """By path ``m1 b`` comes first, by folder ``m1``. The first three rows were trained on, the second without labels.

    It has labels now, so nothing tells any more whether ``m1 b/img05.png`` or ``m1/img05.png`` was that row.
    """
    arguments = {"era": "C", "sessions": ("m1", "m1 b"), "frames": (2, 5)}
    shuffle = Shuffle(train=(0, 1, 2), test=(3,))
    empty = {("m1 b", "img05.png", name): None for name in ("nose", "tail")}
    project = build(tmp_path, shuffle, labels=empty, **arguments)
    check(project)
    filled = build(tmp_path / "filled", shuffle, **arguments)
    copy_labels(filled, project, "m1 b")
    copy_merged(filled, project)
    assert "labels for 'm1 b/img05.png' where the split trained on a frame without" in refuse(project)


def test_another_version_merged_more_frames_since(tmp_path: Path) -> None:
    """All names stand at positions of training rows, but exchanged: m1 was behind m2, and is before it now."""
    project = build(
        tmp_path,
        Shuffle(1, 0.67, order="listed", train=(0, 2), test=(1,), later=(("m1", "img05.png"),)),
        Shuffle(2, order="flat"),
        era="C",
        sessions=("m2", "m1"),
        frames=(2, 5),
    )
    assert project.splits["iteration-0/67/1"][1] == {("m2", "img05.png")}
    assert "not the same frames in the same order" in refuse(project)


def test_merged_labels_that_are_gone_where_others_were_added(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle(train=(3, 1, 2), test=(0,), later=("z",)), sessions=("m1", "z"))
    check(project)
    remove_merged(project)
    assert "other frames are labelled now than then" in refuse(project)


def test_rows_deleted_since(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle())
    fewer = build(tmp_path / "fewer", Shuffle(), sessions=NEIGHBORS[1:])
    copy_merged(fewer, project)
    shutil.rmtree(project.folder("m1"))
    assert "it has 12 rows and the split counts to row 16" in refuse(project)


def test_a_folder_deleted_since(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle())
    shutil.rmtree(project.folder("m1"))
    split = check(project, "split-frames-gone")
    assert "4 of its 16 frames" in split.findings[0].message


def test_an_image_with_two_rows(tmp_path: Path) -> None:
    """One in each part: DeepLabCut trained on it, so it can't be a test frame."""
    project = build(
        tmp_path,
        Shuffle(train=(0, 1, 3), test=(2, 4)),
        sessions=("m1",),
        frames=(2, 5, 9, 14),
        edit_table=lambda _, table: table.iloc[[0, 1, 1, 2, 3]],
    )
    split = read(project)
    assert split.verified
    assert split.train == {("m1", f"img{index:02}.png") for index in (2, 5, 9)}
    assert split.test == {("m1", "img14.png")}
    assert codes(split) == ["split-overlap"]


# --------------------------------------------------------------------------------------------------------------
# names


def test_a_renamed_folder(tmp_path: Path) -> None:
    """Its rows go on naming the old one; the folder's name is what the rest of the program knows."""
    project = build(tmp_path, Shuffle(), sessions=("m1", "m2"))
    project.folder("m1").rename(project.folder("mouse 1"))
    split = read(project)
    assert split.verified
    assert split.findings == ()
    for part, truth in zip((split.train, split.test), project.splits["iteration-0/80/1"], strict=True):
        assert part == {(session.replace("m1", "mouse 1"), image) for session, image in truth}


def test_a_copied_folder(tmp_path: Path) -> None:
    """The rows of the copy name the original, and so does the split."""
    project = build(tmp_path, Shuffle())
    shutil.copytree(project.folder("m1"), project.folder("m1 - Copy"))
    check(project)


@pytest.mark.parametrize("first", ["NFC", "NFD"])
def test_accents_that_macos_decomposed(tmp_path: Path, first: str) -> None:
    """In the pickle, on disk, or both: what counts is the name that the file has now."""

    def decompose(content: list[Any]) -> list[Any]:
        for entry in content[0]:
            entry["image"] = tuple(unicodedata.normalize("NFD", part) for part in entry["image"])
        return content

    second = {"NFC": "NFD", "NFD": "NFC"}[first]
    old, new = (unicodedata.normalize(form, "é.png") for form in (first, second))
    project = build_project(
        tmp_path / "p",
        shuffles=(Shuffle(train=(0, 1), test=(2,), edit=decompose),),
        sessions=(old,),
        frames=(2, 5, 9),
        image_name=lambda index, n_frames: f"{index}{old}",
        video="none",
    )
    for image in project.rows[old]:
        project.image(old, image).rename(project.image(old, unicodedata.normalize(second, image)))
    project.folder(old).rename(project.folder(new))
    split = read(project)
    assert split.verified
    assert (split.train, split.test) == ({(new, f"2{new}"), (new, f"5{new}")}, {(new, f"9{new}")})


def test_names_without_a_folder(tmp_path: Path) -> None:
    """Early napari-deeplabcut wrote them. In one folder they are clear, in two with equal names nothing is."""
    one = build(tmp_path / "one", Shuffle(), era="C", layout="name", sessions=("m1",))
    split = read(one)
    assert split.verified
    assert split.test == {("m1", image) for _, image in one.splits["iteration-0/80/1"][1]}
    two = build(tmp_path / "two", Shuffle(), era="C", layout="name", sessions=("m1", Session("m2", frames=(5, 7))))
    assert "several folders" in refuse(two)
    only_test = Shuffle(train=(2, 3), test=(0, 1))
    sessions = ("m1", Session("m2", frames=(2, 7)))
    three = build(tmp_path / "three", only_test, era="C", layout="name", sessions=sessions, frames=(2, 5))
    assert "several folders" in refuse(three)


# --------------------------------------------------------------------------------------------------------------
# pickles that are none, or worse


def broken(project: BuiltProject) -> list[str]:
    with pytest.raises(UnreadableFile) as caught:
        read(project)
    assert all(finding.subject == str(documentation(project)) for finding in caught.value.findings)
    return [finding.code for finding in caught.value.findings]


class Hostile:
    """Whoever unpickles it runs a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("place", ["content", "data", "image", "positions", "fraction"])
def test_hostile_pickles_run_nothing(tmp_path: Path, place: str, protocol: int) -> None:
    victim = tmp_path / "victim"
    hostile = Hostile(os.mkdir, str(victim))

    def edit(content: list[Any]) -> Any:
        match place:
            case "data":
                content[0].append(hostile)
            case "image":
                content[0][0]["image"] = hostile
            case "positions":
                content[1] = hostile
            case "fraction":
                content[3] = hostile
        return hostile if place == "content" else content

    project = build(
        tmp_path,
        Shuffle(edit=edit, dump=lambda content: pickle.dumps(content, protocol=protocol)),
        sessions=("m1",),
    )
    assert broken(project) == ["unsafe-pickle"]
    assert not victim.exists()
    pickle.loads(documentation(project).read_bytes())
    assert victim.exists()  # so it would have run


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "broken-pickle"),
        (b"PK\x03\x04 no pickle", "broken-pickle"),
        (pickle.dumps({"train": [1], "test": [2]}), "split-unreadable"),
        (pickle.dumps([[], [], [], 0.8]), "split-unreadable"),
        (pickle.dumps([[], [-1], [-1], 0.8]), "split-unreadable"),
        (pickle.dumps([["m1/img02.png"], [0], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[{"size": (3, 9, 9)}], [0], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[{"image": ("a", ["b"])}], [0], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], [-2], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], [0.5], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], [math.nan], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], [[0]], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], [True], [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], np.array([[0], [1]]), [2], 0.8]), "split-unreadable"),
        (pickle.dumps([[], "01", [1], 0.8]), "split-unreadable"),
        (pickle.dumps([[], 3, [1], 0.8]), "split-unreadable"),
        (b"]" * 100_000 + b"a" * 99_999 + b".", "split-unreadable"),
        (
            b"(lp0\n](((K\x00" + b"]" * 99_999 + b"a" * 99_998 + b"l]K\x01aG?\xe9\x99\x99\x99\x99\x99\x9at.",
            "split-unreadable",
        ),
    ],
)
def test_pickles_of_something_else(tmp_path: Path, content: bytes, code: str) -> None:
    project = build(tmp_path, Shuffle(dump=lambda _: content), sessions=("m1",))
    assert broken(project) == [code]


def test_cut_off_anywhere(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle(), sessions=("m1",))
    whole = documentation(project).read_bytes()
    for n_bytes in range(0, len(whole), 37):
        documentation(project).write_bytes(whole[:n_bytes])
        assert broken(project) == ["broken-pickle"]


def test_a_pickle_that_went_away(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle(), sessions=("m1",))
    found = read_project(project.root)
    (file,) = list_splits(found.root, found.config)
    file.path.unlink()
    with pytest.raises(UnreadableFile, match="no such file"):
        read_split(file, found.sessions, found.config)


def test_no_names_no_proof(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle(edit=lambda content: [[], *content[1:]]))
    assert "names no training frame" in refuse(project)


def test_positions_of_another_project(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle(), sessions=("m1", "m2"))
    other = build(tmp_path / "other", Shuffle(), sessions=("m7", "m8"))
    documentation(project).write_bytes(documentation(other).read_bytes())
    why = refuse(project)
    assert "6 of 6 frames that it trained on, such as 'm7/" in why


def test_a_project_without_any_labels(tmp_path: Path) -> None:
    project = build(tmp_path, Shuffle())
    remove_merged(project)
    (file,) = list_splits(project.root, None)
    split = read_split(file, (), None)
    assert (split.verified, codes(split)) == (False, ["split-unverified"])


# --------------------------------------------------------------------------------------------------------------
# which split


def split_file(
    iteration: int, percent: int, shuffle: int, data_set: str = "UnaugmentedDataSet_reachAug30"
) -> SplitFile:
    return SplitFile(Path("p"), iteration, data_set, percent, shuffle)


CONFIG = DlcConfig(Path("config.yaml"), task="reach", date="Aug30", iteration=1)


def test_splits_are_listed_with_the_current_ones_first(tmp_path: Path) -> None:
    project = build(
        tmp_path,
        Shuffle(1, iteration=2),
        Shuffle(10, 0.5, iteration=1),
        Shuffle(2, 0.5, iteration=1),
        Shuffle(1, 0.57, iteration=1),
        Shuffle(1, 0.29, iteration=1, data_set="UnaugmentedDataSet_oldJan1"),
        Shuffle(1, iteration=10),
        sessions=("m1",),
        task="my_95shuffle7 task",
        config={"iteration": 1},
        extra_files={
            "training-datasets/iteration-1/UnaugmentedDataSet_oldJan1/Documentation_data-x_95shuffle1 (1).pickle": b"",
            "training-datasets/iteration-x/UnaugmentedDataSet_oldJan1/Documentation_data-x_95shuffle1.pickle": b"",
            "training-datasets/iteration-1/other/Documentation_data-x_95shuffle1.pickle": b"",
        },
    )
    config = read_project(project.root).config
    splits = list_splits(project.root, config)
    assert [file.name for file in splits] == [
        "iteration-1/50/2",
        "iteration-1/50/10",
        "iteration-1/56/1",
        "iteration-1/28/1",
        "iteration-2/80/1",
        "iteration-10/80/1",
    ]
    assert splits[3].full_name == "iteration-1/UnaugmentedDataSet_oldJan1/28/1"
    assert [file.iteration for file in list_splits(project.root, None)] == [10, 1, 1, 1, 1, 2]
    for file in splits:
        chosen = choose_split(splits, config, file.full_name)
        assert chosen is file
        assert read_split(chosen, read_project(project.root).sessions, config).verified


def test_no_splits(tmp_path: Path) -> None:
    assert list_splits(tmp_path, CONFIG) == ()
    with pytest.raises(DecisionNeeded) as caught:
        choose_split((), CONFIG, "1")
    assert caught.value.findings[0].code == "unknown-split"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("2", (1, 95, 2)),
        (" 2 ", (1, 95, 2)),
        ("95/1", (1, 95, 1)),
        ("80/1", (1, 80, 1)),
        ("iteration-0/80/1", (0, 80, 1)),
        ("iteration-2/95/1", (2, 95, 1)),
        ("iteration-0/UnaugmentedDataSet_reachAug30/80/1", (0, 80, 1)),
    ],
)
def test_a_split_by_its_name(wanted: str, expected: tuple[int, int, int]) -> None:
    every = [split_file(*numbers) for numbers in ((0, 80, 1), (1, 95, 1), (1, 80, 1), (1, 95, 2), (2, 95, 1))]
    file = choose_split(every, CONFIG, wanted)
    assert (file.iteration, file.train_percent, file.shuffle) == expected


def test_without_the_config_s_iteration_it_is_the_highest() -> None:
    every = [split_file(0, 95, 1), split_file(3, 95, 1), split_file(2, 95, 1)]
    assert choose_split(every, CONFIG, "1").iteration == 3
    assert choose_split(every, None, "1").iteration == 3


def test_the_data_set_of_the_config_goes_first() -> None:
    old = split_file(1, 95, 1, "UnaugmentedDataSet_oldJan1")
    own = split_file(1, 95, 1)
    assert choose_split([old, own], CONFIG, "1") is own
    assert choose_split([old, own], CONFIG, old.full_name) is old
    assert choose_split([old], CONFIG, "1") is old


@pytest.mark.parametrize("wanted", ["1", "95/1", "iteration-1/95/1"])
def test_the_choices_of_an_ambiguous_name_are_choices(wanted: str) -> None:
    every = [split_file(1, 95, 1, "UnaugmentedDataSet_a"), split_file(1, 95, 1, "UnaugmentedDataSet_b")]
    if wanted == "1":
        every += [split_file(1, 80, 1, "UnaugmentedDataSet_b")]
    with pytest.raises(DecisionNeeded) as caught:
        choose_split([*every, split_file(0, 95, 1)], CONFIG, wanted)
    (finding,) = caught.value.findings
    assert finding.code == "several-splits"
    offered = finding.hint.removeprefix("choose one: ").split(" or ")
    assert len(offered) == len(every)
    assert [choose_split(every, CONFIG, offer.removeprefix("--split ")) for offer in offered] == every


@pytest.mark.parametrize("wanted", ["7", "95/2", "iteration-0/95/2", "", "list", "../1", "-1"])
def test_an_unknown_name_tells_what_there_is(wanted: str) -> None:
    every = [split_file(0, 95, 1), split_file(1, 95, 1), split_file(0, 80, 2)]
    with pytest.raises(DecisionNeeded) as caught:
        choose_split(every, CONFIG, wanted)
    (finding,) = caught.value.findings
    assert finding.code == "unknown-split"
    assert "iteration-0/95/1, iteration-1/95/1, iteration-0/80/2" in finding.message


# --------------------------------------------------------------------------------------------------------------
# whatever was labelled since: the split is the true one, or none


FOLDERS = ("a", "a-b", "a b", "b")
IMAGES = tuple(f"img{index}.png" for index in range(4))
Rows = dict[str, list[tuple[str, bool]]]


def sessions_of(rows: Rows) -> list[DlcSession]:
    """Folders with a label file each; an image has a label or not."""
    sessions = []
    for folder, inside in rows.items():
        cells = tuple((f"labeled-data/{folder}/{image}",) for image, _ in inside)
        values = np.array([[1.0, 2.0] if labelled else [math.nan] * 2 for _, labelled in inside]).reshape(-1, 2)
        columns = (("Anna", "nose", "x"), ("Anna", "nose", "y"))
        table = RawTable(("scorer", "bodyparts", "coords"), columns, cells, values)
        path = Path("labeled-data", folder, "CollectedData_Anna.h5")
        images = {image: ImageInfo(path.parent, path.name, "png", 8, 8, 8, 99) for image, _ in inside}
        sessions.append(DlcSession(folder, path.parent, (LabelFile(path, "h5", "Anna", table, 0),), images=images))
    return sorted(sessions, key=lambda session: session.name)


def merge(rows: Rows, order: str) -> list[tuple[str, str, bool]]:
    every = [(folder, image, labelled) for folder, inside in rows.items() for image, labelled in inside]
    keys: dict[str, Any] = {"flat": lambda row: f"{row[0]}/{row[1]}", "three": lambda row: row[:2]}
    return sorted(every, key=keys[order]) if order in keys else every


def write_merged(folder: Path, rows: list[tuple[str, str, bool]]) -> None:
    lines = ["scorer,Anna,Anna", "bodyparts,nose,nose", "coords,x,y"]
    lines += [f"labeled-data/{session}/{image},{'1,2' if labelled else ','}" for session, image, labelled in rows]
    (folder / "CollectedData_Anna.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_history(random: Random, *, labelled_only: bool) -> tuple[Rows, Rows]:
    """Rows when the split was made, and today's, among which more may be."""
    then: Rows = {}
    now: Rows = {}
    for folder in random.sample(FOLDERS, len(FOLDERS)):
        for image in IMAGES:
            row = (image, labelled_only or random.random() < 0.5)
            state = random.choices(["then", "later", "never"], (6, 1, 1))[0]
            if state == "then":
                then.setdefault(folder, []).append(row)
            if state != "never":
                now.setdefault(folder, []).append(row)
    return then, now


def listing(rows: Rows) -> DlcConfig:
    videos = tuple(VideoEntry(f"/v/{name}.avi") for name in rows)
    return DlcConfig(Path("config.yaml"), scorer="Anna", video_sets=videos)


def make_split(
    folder: Path, rows: list[tuple[str, str, bool]], random: Random
) -> tuple[SplitFile, set[tuple[str, str]], set[tuple[str, str]]]:
    order = random.sample(range(len(rows)), len(rows))
    n_train = random.randint(1, len(rows))
    train, test = order[:n_train], order[n_train:]
    data = [{"image": "labeled-data/{}/{}".format(*rows[row])} for row in train if rows[row][2]]
    path = folder / "Documentation_data-reach_80shuffle1.pickle"
    path.write_bytes(pickle.dumps([data, np.array(train), np.array(test, dtype=int), 0.8]))
    file = SplitFile(path, 0, folder.name, 80, 1)
    return file, {rows[row][:2] for row in train}, {rows[row][:2] for row in test}


@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("order", ["listed", "flat", "three"])
def test_labels_added_since(tmp_path: Path, order: str, seed: int) -> None:
    """Every frame is in the part in which it was, however the rows have moved; or the split is refused."""
    random = Random(seed)
    then, now = draw_history(random, labelled_only=True)
    rows = merge(then, order)
    file, train, test = make_split(tmp_path, rows, random)
    write_merged(tmp_path, merge(now, order))
    split = read_split(file, sessions_of(now), listing(now))
    if split.verified or then == now:
        assert (split.train, split.test) == (train, test)


@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("then_order", ["listed", "flat", "three"])
def test_versions_that_merged_in_other_orders(tmp_path: Path, then_order: str, seed: int) -> None:
    """Frames without labels among all; merged anew since by another version, or not there any more."""
    random = Random(seed)
    then, _ = draw_history(random, labelled_only=random.random() < 0.5)
    rows = merge(then, then_order)
    file, train, test = make_split(tmp_path, rows, random)
    (tmp_path / "CollectedData_Anna.csv").unlink(missing_ok=True)
    now_order = random.choice(["listed", "flat", "three", ""])
    if now_order:
        write_merged(tmp_path, merge(then, now_order))
    split = read_split(file, sessions_of(then), listing(then))
    has_labels = any((folder, image) in train for folder, image, labelled in rows if labelled)
    assert split.verified == has_labels
    labelled = {(folder, image) for folder, image, labelled in rows if labelled}
    if split.verified:
        assert (split.train & labelled, split.test & labelled) == (train & labelled, test & labelled)
    if split.verified and now_order == then_order:
        assert (split.train, split.test) == (train, test)
