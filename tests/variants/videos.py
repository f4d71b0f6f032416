"""Rows 43 to 53 and 85 to 90: which video belongs to a folder, where it lies now, and what kind it is."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from builder import WINDOWS_ROOT, BuiltProject, Video, barcode, build_project, read_clip
from command import Result
from scene import write_clip

from variants.table import Outcome, edit_text, small, variant

Check = Callable[[Path, Result], None]


def with_videos(root: Path, **options: object) -> BuiltProject:
    """One session with a video, or what the options say."""
    return build_project(root, **({"sessions": ("m1",), "frames": (2, 5, 9)} | options))


def videos_arrive(*names: str, n_frames: int = 20) -> Check:
    """These videos are in the target, and every frame of them stands where it stood."""

    def check(target: Path, result: Result) -> None:
        assert sorted(path.name for path in (target / "videos").glob("*")) == sorted(names)
        for name in names:
            assert [barcode(frame) for frame in read_clip(target / "videos" / name)] == list(range(n_frames)), name
        assert {video["n_frames"] for video in result.document["videos"]} <= {n_frames}

    return check


def _crop(path: Path) -> dict[str, dict[str, str]]:
    return {str(path): {"crop": "0, 128, 0, 96"}}


@variant(43, "folder that video_sets does not list")
def folder_not_listed(root: Path) -> Outcome:
    """DeepLabCut would not train on it."""
    project = with_videos(root, sessions=("m1", "m2"), video_sets=_crop(root / "videos" / "m1.mp4"))
    return Outcome(
        project,
        (),
        notes={"session-not-listed"},
        says={"session-not-listed": ("m2", "video_sets")},
        check=videos_arrive("m1.mp4", "m2.mp4"),
    )


@variant(44, "video without a folder")
def video_without_folder(root: Path) -> Outcome:
    """Unlabeled videos are what Lightning Pose learns from besides."""
    project = with_videos(root, sessions=("m1", "new"))
    shutil.rmtree(project.folder("new"))
    _forget(project, "new")
    return Outcome(project, (), check=videos_arrive("m1.mp4", "new.mp4"))


@variant(45, "video listed twice", "copy and original", "original is gone")
def copy_and_original(root: Path, case: str) -> Outcome:
    original = root.with_name("day1") / "m1.mp4"
    project = with_videos(root, video_sets=_crop(original) | _crop(root / "videos" / "m1.mp4"))
    if case == "copy and original":
        original.parent.mkdir()
        shutil.copy(project.videos["m1"], original)
    return Outcome(
        project,
        (),
        notes={"video-listed-twice"},
        says={"video-listed-twice": ("they hold the same" if case == "copy and original" else "whose pictures are",)},
        check=videos_arrive("m1.mp4"),
    )


@variant(46, "different videos of one name")
def one_stem(root: Path) -> Outcome:
    """Their frames share one folder, so which of them a frame is from its name can't tell, but its pictures can."""
    others = with_videos(root.with_name("other"), n_frames=12, frames=(2, 5))
    project = with_videos(root, video_sets=_crop(root / "videos" / "m1.mp4") | _crop(others.videos["m1"]))
    return Outcome(
        project,
        (),
        notes={"video-listed-twice"},
        says={"video-listed-twice": (str(project.videos["m1"]), str(others.videos["m1"]))},
        check=videos_arrive("m1.mp4"),
    )


@variant(47, "one stem with two suffixes", "one listed", "none listed")
def suffixes(root: Path, case: str) -> Outcome:
    video_sets = "real" if case == "one listed" else _crop(root / "videos" / "other.mp4")
    project = with_videos(root, video_sets=video_sets)
    (root / "videos" / "m1.avi").write_bytes(b"no video at all")
    if case == "one listed":
        says = {"video-left-aside": ("videos/m1.avi",)}
        return Outcome(project, (), notes={"video-left-aside"}, says=says, check=videos_arrive("m1.mp4"))
    return Outcome(
        project,
        (),
        notes={"several-videos"},
        warnings={"video-missing"},
        says={"several-videos": ("m1.avi", "m1.mp4", "whose pictures are")},
        check=videos_arrive("m1.mp4"),
    )


@variant(48, "stem with dots")
def dots(root: Path) -> Outcome:
    return Outcome(with_videos(root, sessions=("m.1",)), (), check=videos_arrive("m-1.mp4"), notes={"session-renamed"})


@variant(49, "stem with blanks and accents", "composed", "decomposed folder", "decomposed config")
def accents(root: Path, case: str) -> Outcome:
    """macOS decomposes the accents of file names, so one project holds both spellings."""
    name = unicodedata.normalize("NFC", "souris é 1")
    other = unicodedata.normalize("NFD", name)
    project = with_videos(root, sessions=(name,))
    if case == "decomposed config":
        edit_text(project.config, (f"{name}.mp4", f"{other}.mp4"))
    elif case == "decomposed folder":
        project.folder(name).rename(project.folder(other))
        _rename_session(project, name, other)
    return Outcome(project, (), notes={"session-renamed"}, check=videos_arrive("souris-e-1.mp4"))


def _forget(project: BuiltProject, session: str) -> None:
    for table in (project.labels, project.frame_index):
        for key in [key for key in table if key[0] == session]:
            del table[key]


def _rename_session(project: BuiltProject, old: str, new: str) -> None:
    for table in (project.labels, project.frame_index):
        moved = {(new if key[0] == old else key[0], *key[1:]): value for key, value in table.items()}
        table.clear()
        table.update(moved)


@variant(50, "paths of Windows and of another machine", "windows", "elsewhere", "server")
def foreign_paths(root: Path, case: str) -> Outcome:
    if case == "server":
        project = with_videos(root, video_sets={"\\\\server\\share\\m1.mp4": {"crop": "0, 128, 0, 96"}})
    else:
        project = with_videos(root, video_sets=case, config={"project_path": WINDOWS_ROOT})
    return Outcome(project, (), check=videos_arrive("m1.mp4"))


@variant(51, "link to a video that is gone", "gone", "found with --video-root")
def broken_link(root: Path, case: str) -> Outcome:
    project = with_videos(root, place_videos="dangling")
    if case == "gone":
        says = {"video-links-dead": ("--video-root", str(project.videos["m1"].readlink()))}
        return Outcome(project, (), warnings={"video-links-dead"}, says=says, check=videos_arrive())
    archive = with_videos(root.with_name("archive"))
    return Outcome(project, ("--video-root", str(archive.root)), check=videos_arrive("m1.mp4"))


@variant(52, "no videos at all")
def no_videos(root: Path) -> Outcome:
    project = small(root)
    shutil.rmtree(root / "videos")
    return Outcome(project, (), warnings={"video-missing"}, check=videos_arrive())


@variant(53, "placeholder instead of a path")
def placeholder(root: Path) -> Outcome:
    """As in the projects that DeepLabCut ships."""
    return Outcome(with_videos(root, video_sets="placeholder"), (), check=videos_arrive("m1.mp4"))


@variant(85, "variable frame rate")
def variable_rate(root: Path) -> Outcome:
    """OpenCV seeks in it by time; here the n-th frame stays the n-th."""
    project = with_videos(root, video=Video(options={"bf": "0"}))
    path = project.videos["m1"]
    even = path.with_name("even.tmp")
    path.rename(even)
    with av.open(str(even), format="mp4") as source, av.open(str(path), "w") as output:
        stream = source.streams.video[0]
        track = output.add_stream_from_template(stream)
        for number, packet in enumerate(packet for packet in source.demux(stream) if packet.size):
            step = packet.duration
            packet.pts = packet.dts = number * step + (number % 3) * (step // 3) + 5 * step * (number >= 10)
            packet.stream = track
            output.mux(packet)
    even.unlink()

    def check(target: Path, result: Result) -> None:
        videos_arrive("m1.mp4")(target, result)
        (video,) = result.document["videos"]
        assert video["action"] in {"rewrite", "encode"}

    return Outcome(project, (), check=check)


@variant(86, "rotation tag")
def rotation(root: Path) -> Outcome:
    """A phone's video: stored on its side, shown upright. The images are upright, and so the target's video is."""
    project = with_videos(root)
    path = project.videos["m1"]
    write_clip(path, [np.ascontiguousarray(np.rot90(frame)) for frame in read_clip(path)], Video())
    data = bytearray(path.read_bytes())
    # A quarter turn clockwise in the display matrix of the track (ISO/IEC 14496-12, 8.3.2).
    struct.pack_into(">6I", data, data.index(b"tkhd") + 44, 0, 0x10000, 0, 0xFFFF0000, 0, 0)
    path.write_bytes(data)
    return Outcome(project, (), check=videos_arrive("m1.mp4"))


@variant(87, "frame number beyond the video", "cut", "scaled down", "another")
def another_video(root: Path, case: str) -> Outcome:
    """The video was cut or replaced since the frames were extracted."""
    project = with_videos(root)
    frames = read_clip(project.videos["m1"])
    if case == "scaled down":
        small = [cv2.resize(frame, (96, 72), interpolation=cv2.INTER_AREA) for frame in frames]
        write_clip(project.videos["m1"], small, Video())
        words = ("m1", "3 images of 128x96", "96x72", "another size")
        return Outcome(project, (), warnings={"images-scaled"}, says={"images-scaled": words})
    if case == "another":
        write_clip(project.videos["m1"], [frame[:80, :112] for frame in frames], Video())
        words = ("m1", "128x96", "112x80", "another video")
        return Outcome(project, (), warnings={"other-video"}, notes={"no-context-frames"}, says={"other-video": words})
    write_clip(project.videos["m1"], read_clip(project.videos["m1"])[:7], Video())
    return Outcome(
        project,
        (),
        warnings={"frame-beyond-video"},
        says={"frame-beyond-video": ("m1", "1 image ", "img09.png", "7 frames")},
        check=videos_arrive("m1.mp4", n_frames=7),
    )


@variant(88, "first and last frames of a video")
def first_and_last(root: Path) -> Outcome:
    project = with_videos(root, frames=(0, 1, 18, 19))
    return Outcome(project, (), check=videos_arrive("m1.mp4"))


@variant(89, "videos that DeepLabCut drew on", "listed", "all")
def drawn_on(root: Path, case: str) -> Outcome:
    project = with_videos(root, extras=("drawn-on",))
    return Outcome(project, ("--videos", case), check=videos_arrive("m1.mp4"))


@variant(90, "read-only source, names that differ in case, long paths", "read-only", "case", "long path")
def difficult_places(root: Path, case: str) -> Outcome:
    if case == "long path":
        if sys.platform == "win32":
            pytest.skip("this Windows may not be set up for paths of more than 260 characters")
        return Outcome(small(root.joinpath(*["a folder with a rather long name of sixty-four characters"[:60]] * 5)))
    if case == "case":
        (root.with_name("Case")).mkdir()
        if root.with_name("cASE").exists():
            pytest.skip("this disk takes names that differ in case for one")
        return Outcome(with_videos(root, sessions=("Mouse", "mouse")), (), notes={"session-renamed"})
    project = with_videos(root)
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            Path(folder, name).chmod(0o444)
        Path(folder).chmod(0o555)
    return Outcome(project, (), check=_writable_again(root))


def _writable_again(root: Path) -> Check:
    def check(target: Path, result: Result) -> None:
        videos_arrive("m1.mp4")(target, result)
        for folder, _, _ in os.walk(root):
            Path(folder).chmod(0o755)

    return check
