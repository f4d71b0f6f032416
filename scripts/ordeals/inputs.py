"""The small projects that are mistreated, made by the builder of the tests.

The builder's libraries run threads, of which a fork copies nothing, so all of this runs in children of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).resolve().parents[2] / "tests"

#: As small as a video can be that every step is made for: placed, remuxed, encoded.
_SIZE: dict[str, Any] = {"bodyparts": ("nose", "tail"), "frames": (2, 5), "n_frames": 8, "size_px": (64, 48)}


def _builder() -> Any:
    """The builder of the tests, which must not be imported where children are forked from."""
    if str(_TESTS) not in sys.path:
        sys.path.insert(0, str(_TESTS))
    import builder

    return builder


def build_moving(root: Path) -> None:
    """Build a project whose three videos are placed, remuxed and encoded."""
    builder = _builder()
    sessions = (
        builder.Session("placed", unlabeled=(4,)),
        builder.Session("remuxed", video=builder.Video(suffix=".mkv")),
        builder.Session("encoded", video=builder.Video(suffix=".avi", codec="mpeg4")),
    )
    builder.build_project(root, sessions=sessions, **_SIZE)


def build_archive(root: Path) -> None:
    """Build an archive of two projects, of which one has a video to encode."""
    builder = _builder()
    for name, video in (("a", builder.Video()), ("b", builder.Video(suffix=".avi", codec="mpeg4"))):
        builder.build_project(root / name, task=name, sessions=("m1",), video=video, **_SIZE)


def build_recordings(folder: Path) -> None:
    """Write single videos: one that can be remuxed, which no encode would leave as it is, and one to encode."""
    builder = _builder()
    from scene import draw_frame, write_clip

    frames = [draw_frame("m1", number, width_px=160, height_px=128) for number in range(60)]
    folder.mkdir(parents=True)
    write_clip(folder / "remux.mkv", frames, builder.Video(options={"crf": "4"}))
    write_clip(folder / "encode.avi", frames, builder.Video(codec="mpeg4"))


def build_stills(root: Path, **more: Any) -> None:
    """Build a project of one session with two labeled images and no video, with all that lies in projects besides."""
    builder = _builder()
    given = {"video": "none", "video_sets": "missing", "shuffles": (builder.Shuffle(),), **more}
    builder.build_project(root, sessions=("m1",), extras=("machinelabels",), **{**_SIZE, "unlabeled": (4,)}, **given)


def build_analyzed(root: Path) -> None:
    """Build a project with one video, its predictions and what DeepLabCut noted of them."""
    builder = _builder()
    from dlc_analysis import Analysis, add_analysis

    built = builder.build_project(root, sessions=("m1",), **_SIZE)
    add_analysis(built, Analysis("m1"))


def label_some(target: Path) -> None:
    """Edit the labels of a target as the Lightning Pose app does."""
    _builder()
    from labeler import queued, save

    save(target, "labeled-data/placed/img00000002.png", {"nose": (3.5, 4.5)})
    for image in queued(target)[:1]:
        save(target, image, {"nose": (10.25, 20.5)})


def build_changed(root: Path, original: Path) -> None:
    """Build the project again with other pictures: files of the same names, and videos of the same size in bytes.

    Videos and images still belong together, so that what is converted from a mixture of both looks whole.
    """
    builder = _builder()
    from dataclasses import replace

    def moved(key: tuple[str, ...], point: tuple[float, float]) -> tuple[float, float]:
        return point[0] + 1, point[1] - 1

    kinds = {"placed": builder.Video(), "remuxed": builder.Video(suffix=".mkv")}
    kinds["encoded"] = builder.Video(suffix=".avi", codec="mpeg4")
    sessions = [
        builder.Session(name, video=replace(kind, gop=4), unlabeled=(4,) if name == "placed" else None)
        for name, kind in kinds.items()
    ]
    builder.build_project(root, sessions=sessions, labels=moved, **_SIZE)
    image = root / "labeled-data/placed/img2.png"
    picture = builder.cv2.imread(str(image))
    picture[40:44, 30:34] = 255
    builder.cv2.imwrite(str(image), picture)
    for name, kind in kinds.items():
        video = root / "videos" / f"{name}{kind.suffix}"
        short = (original / "videos" / video.name).stat().st_size - video.stat().st_size
        if short > 8 and kind.suffix == ".mp4":  # a box that every reader passes over
            video.write_bytes(video.read_bytes() + short.to_bytes(4, "big") + b"free" + bytes(short - 8))


def build_long(path: Path) -> None:
    """Write a video whose encode takes seconds."""
    builder = _builder()
    from scene import draw_frame, write_clip

    frames = (draw_frame("m1", number, width_px=640, height_px=480) for number in range(240))
    write_clip(path, frames, builder.Video(codec="mpeg4"))


def build_cameras(root: Path) -> None:
    """Build a DeepLabCut 3D project, calibrated, and the projects of its two cameras, which have no videos."""
    builder = _builder()
    from rig import SIZE, calibrated, config_text_3d, write_calibration

    names = ("camera-1", "camera-2")
    configs = {}
    for name in names:
        given = {**_SIZE, "size_px": SIZE, "frames": (2,), "video": "none", "video_sets": "missing"}
        built = builder.build_project(root / f"{name}-Anna-2021-08-30", task=name, sessions=("m1",), **given)
        configs[name] = str(built.config)
    folder = root / "reach-3d"
    folder.mkdir()
    (folder / "config.yaml").write_text(config_text_3d(names, configs, str(folder)), encoding="utf-8")
    write_calibration(folder, calibrated())
