"""Labeled images tied to the frames of their video: which frame, which part of the picture, which way up."""

from __future__ import annotations

import itertools
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import N_FRAMES as N_CLIP_FRAMES
from clips import Workshop, index_in
from hypothesis import given
from hypothesis import strategies as st
from scene import Video, barcode, draw_frame, read_clip, write_clip

from dlc2lp.errors import Interrupted
from dlc2lp.model import VideoInfo
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.video import ffmpeg, likeness
from dlc2lp.video import find_frames as searching
from dlc2lp.video.cropping import find_position
from dlc2lp.video.encoding import Crop
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.frame_proof import Proof, expected_of_rest, longest_rising, prove
from dlc2lp.video.frames import small_gray_frames
from dlc2lp.video.framing import CropHint, Framing, Pair, part_framing
from dlc2lp.video.likeness import Looks, area_average, errors, look, to_gray
from dlc2lp.video.probe import probe
from dlc2lp.video.ties import StillImage, Tie, corrected

Gray = np.ndarray[Any, np.dtype[np.uint8]]

N_FRAMES = 180
WIDTH, HEIGHT = 128, 96
IMAGES_60 = tuple(range(1, N_FRAMES, 3))
IMAGES_12 = tuple(range(5, N_FRAMES, 15))


# ----------------------------------------------------------------------------------------- videos and their images


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("finding")


@pytest.fixture(scope="module")
def textured(folder: Path) -> Path:
    """A drifting texture with a barcode, at a constant rate."""
    path = folder / "textured.mp4"
    write_clip(path, (draw_frame("m1", at) for at in range(N_FRAMES)), Video(gop=48))
    return path


def arena(
    walk: int, n_frames: int = N_FRAMES, *, speed_px: float = 3.0, contrast: float = 1.0, asleep: Sequence[range] = ()
) -> Iterator[Gray]:
    """A dark animal that walks in front of a background that never moves: what most recordings of a lab look like."""
    width, height, radius = 160, 120, 9
    rng = np.random.default_rng(walk)
    spots = np.random.default_rng(1).integers(90, 160, (height // 12, width // 12)).astype(np.float32)
    background = cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
    background = 120 + contrast * (background - 120)
    y, x = np.mgrid[0:height, 0:width]
    at, step = np.array([width / 2, height / 2]), np.zeros(2)
    for index in range(n_frames):
        step = 0.8 * step + rng.normal(0, speed_px, 2)
        if not any(index in sleep for sleep in asleep):
            at = at + step
        for axis, end in ((0, width), (1, height)):
            if not radius < at[axis] < end - radius:
                at[axis] = np.clip(at[axis], radius, end - radius)
                step[axis] *= -1
        animal = ((x - at[0]) / radius) ** 2 + ((y - at[1]) / (0.6 * radius)) ** 2 < 1
        frame = np.where(animal, 30, background).clip(0, 255).astype(np.uint8)
        yield np.repeat(frame[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def arenas(folder: Path) -> tuple[Path, Path]:
    """Two recordings of two animals in one arena."""
    paths = folder / "arena 1.mp4", folder / "arena 2.mp4"
    for walk, path in enumerate(paths):
        write_clip(path, arena(walk), Video(gop=48))
    return paths


def cut(
    video: Path,
    target: Path,
    indices: Iterable[int],
    change: Callable[[Gray], Gray] = lambda image: image,
    name: str = "img{:04d}.png",
) -> list[StillImage]:
    """Images of some frames, RGB, named after them."""
    target.mkdir(exist_ok=True)
    indices = list(indices)
    stills = []
    for index, frame in zip(indices, read_clip(video, indices), strict=True):
        path = target / name.format(index)
        image = change(frame)
        cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
        stills.append(StillImage(path.name, path, index))
    return stills


def cut_by_opencv(video: Path, target: Path, numbers: Iterable[int]) -> list[StillImage]:
    """Images as DeepLabCut cuts them: by OpenCV's seeks."""
    target.mkdir()
    capture = cv2.VideoCapture(str(video))
    stills = []
    for number in numbers:
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        got, image = capture.read()
        assert got, number
        path = target / f"img{number:04d}.png"
        cv2.imwrite(str(path), image)
        stills.append(StillImage(path.name, path, number))
    return stills


def renamed(stills: Iterable[StillImage], number: Callable[[int], int | None]) -> list[StillImage]:
    return [StillImage(still.name, still.path, number(still.frame_index or 0)) for still in stills]


def tie(video: Path, stills: Sequence[StillImage], **options: Any) -> Tie:
    """The one tie of images of one size."""
    (found,) = find_frames(video, probe(video), stills, **options)
    assert [image.name for image in found.images] == [still.name for still in stills]
    assert [image.claimed_index for image in found.images] == [still.frame_index for still in stills]
    return found


def indices(found: Tie) -> list[int | None]:
    return [image.frame_index for image in found.images]


def outcomes(found: Tie) -> set[str]:
    return {image.outcome for image in found.images}


def ffmpeg_run(*arguments: str | Path) -> None:
    program = str(ffmpeg.find_ffmpeg())
    subprocess.run([program, "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


# ------------------------------------------------------------------------------------------------------- proof


@pytest.mark.parametrize("encode", ["", "-preset medium -crf 23", "-preset veryfast -crf 28", "-crf 20 -g 1"])
def test_every_image_is_the_frame_that_its_number_names(encode: str, textured: Path, tmp_path: Path) -> None:
    stills = cut_by_opencv(textured, tmp_path / "images", IMAGES_60)
    video = textured
    if encode:
        video = tmp_path / "again.mp4"
        ffmpeg_run("-i", textured, "-c:v", "libx264", *encode.split(), video)
    found = tie(video, stills)
    assert (found.kind, found.shift, found.rotation_deg, found.crop, found.scaled) == ("exact", 0, 0, None, False)
    assert indices(found) == list(IMAGES_60)
    assert outcomes(found) == {"proven"}
    assert found.evidence.n_proven == found.evidence.n_checked == 60
    assert not found.evidence.whole_video
    assert found.is_proven
    assert found.reason == "60 of 60 images are the frames that their numbers name"


def test_a_single_image_is_told_in_the_singular(textured: Path, tmp_path: Path) -> None:
    stills = cut_by_opencv(textured, tmp_path / "images", IMAGES_60[30:31])
    assert tie(textured, stills).reason == "1 of 1 image is the frame that its number names"


@pytest.mark.parametrize("shift", [-1, 3, -60, 60])
@pytest.mark.parametrize("scene", ["textured", "arena"])
def test_numbers_that_are_all_equally_wrong(
    shift: int, scene: str, textured: Path, arenas: tuple[Path, Path], tmp_path: Path
) -> None:
    video = textured if scene == "textured" else arenas[0]
    stills = renamed(cut(video, tmp_path / "images", IMAGES_12), lambda index: index - shift)
    stills = [still for still in stills if (still.frame_index or 0) >= 0]
    found = tie(video, stills)
    assert (found.kind, found.shift) == ("shifted", shift)
    assert indices(found) == [(still.frame_index or 0) + shift for still in stills]
    assert found.evidence.whole_video == (abs(shift) > 8)
    assert ("after" if shift > 0 else "before") in found.reason


def _uneven_clip(path: Path, *, container: str, codec: str, gap: Callable[[int], int]) -> None:
    """A clip whose frame N is shown at its own time; an AVI gets empty chunks where times are left out."""
    import av

    with av.open(str(path), "w", format=container) as output:
        # With a single key frame, OpenCV would count its way to any frame.
        stream = output.add_stream(codec, rate=30, options={"g": "12"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        clock = Fraction(1, 30) if container == "avi" else Fraction(1, 3000)
        stream.codec_context.time_base = clock
        stream.time_base = clock
        time = 0
        for index in range(N_FRAMES):
            frame = av.VideoFrame.from_ndarray(draw_frame("m2", index), format="rgb24")
            frame.pts, frame.time_base = time, clock
            time += gap(index)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize("kind", ["variable rate", "null chunks"])
def test_numbers_of_opencvs_seeks_are_not_positions(kind: str, tmp_path: Path) -> None:
    if kind == "variable rate":
        video = tmp_path / "uneven.mp4"
        _uneven_clip(video, container="mp4", codec="libx264", gap=lambda index: 60 + 80 * (index // 30 % 2))
    else:
        video = tmp_path / "gaps.avi"
        _uneven_clip(video, container="avi", codec="mjpeg", gap=lambda index: 3 if index in (40, 90, 91) else 1)
    assert probe(video).n_frames == N_FRAMES
    stills = cut_by_opencv(video, tmp_path / "images", range(2, 150, 9))
    truth = [barcode(cv2.imread(str(still.path))) for still in stills]
    assert truth != [still.frame_index for still in stills]
    found = tie(video, stills)
    assert found.kind == "renumbered"
    assert indices(found) == truth
    assert "not positions" in found.reason


def test_numbers_that_mean_nothing(textured: Path, tmp_path: Path) -> None:
    """A person renamed the images 0, 1, 2, ... in an order of their own."""
    stills = cut(textured, tmp_path / "images", IMAGES_12)
    order = np.random.default_rng(5).permutation(len(stills))
    shuffled = [StillImage(stills[at].name, stills[at].path, number) for number, at in enumerate(order)]
    found = tie(textured, shuffled)
    assert found.kind == "renumbered"
    assert indices(found) == [IMAGES_12[at] for at in order]


def test_images_without_numbers_are_looked_for_everywhere(textured: Path, tmp_path: Path) -> None:
    stills = renamed(cut(textured, tmp_path / "images", IMAGES_12), lambda index: None)
    found = tie(textured, stills)
    assert (found.kind, indices(found)) == ("renumbered", list(IMAGES_12))
    assert "carry no numbers" in found.reason
    some = renamed(cut(textured, tmp_path / "images", IMAGES_12), lambda index: None if index == 65 else index)
    found = tie(textured, some)
    assert (found.kind, indices(found)) == ("exact", list(IMAGES_12))


def test_an_image_beyond_the_end(textured: Path, tmp_path: Path) -> None:
    stills = cut(textured, tmp_path / "images", IMAGES_12)
    shorter = tmp_path / "shorter.mp4"
    write_clip(shorter, (draw_frame("m1", at) for at in range(150)), Video())
    found = tie(shorter, stills)
    assert found.kind == "exact"
    assert indices(found) == [index if index < 150 else None for index in IMAGES_12]
    assert [image.outcome for image in found.images][-2:] == ["beyond-end", "beyond-end"]
    assert found.reason.endswith("numbered beyond the last frame, 149: 2")


def test_one_image(textured: Path, tmp_path: Path) -> None:
    (still,) = cut(textured, tmp_path / "images", [77])
    assert indices(tie(textured, [still])) == [77]
    # Elsewhere than at its number it may be another recording's image that happens to be alike.
    moved = tie(textured, renamed([still], lambda index: 20))
    assert (moved.kind, indices(moved)) == ("unknown", [None])
    assert moved.images[0].best_index == 77


def test_an_image_from_elsewhere_among_others(arenas: tuple[Path, Path], tmp_path: Path) -> None:
    stills = cut(arenas[0], tmp_path / "images", IMAGES_12)
    (other,) = cut(arenas[1], tmp_path / "others", [130])
    found = tie(arenas[0], [*stills, other])
    assert (found.kind, indices(found)) == ("exact", [*IMAGES_12, None])
    assert found.images[-1].outcome in ("not-found", "cannot-tell")
    assert found.evidence.whole_video


# ------------------------------------------------------------------------------- numbers that hold for some images only


def _rate_was_wrong(index: int) -> int:
    """From frame 90 on, seeks by time count five frames for four."""
    return index if index <= 90 else 90 + round((index - 90) / 0.8)


@pytest.mark.parametrize(
    ("wanted", "number", "told"),
    [
        pytest.param(
            IMAGES_12, lambda at: at + (at > 160), "11 as numbered, 1 corrected (-1 frame)", id="the last one"
        ),
        pytest.param(IMAGES_60, lambda at: at + (at > 140), "47 as numbered, 13 corrected (-1 frame)", id="lost late"),
        pytest.param(
            IMAGES_60,
            lambda at: at + max(0, (at - 110) // 15),
            "42 as numbered, 18 corrected (-4 to -1 frames)",
            id="grows",
        ),
        pytest.param(IMAGES_12, _rate_was_wrong, "6 as numbered, 6 corrected (-20 to -1 frames)", id="grows far"),
        pytest.param(
            (*range(0, 91, 3), 110, 130, 179),
            _rate_was_wrong,
            "31 as numbered, 3 corrected (-22 to -5 frames)",
            id="few far behind many",
        ),
        pytest.param(
            (*range(0, 91, 3), 150, 160, 179),
            lambda at: at + 40 * (at > 90),
            "31 as numbered, 3 corrected (-40 frames)",
            id="a piece was cut out",
        ),
        pytest.param(
            (*IMAGES_12[:-1], 179),
            lambda at: at + (at == 179),
            "11 as numbered, 1 corrected (-1 frame)",
            id="beyond the end",
        ),
        pytest.param(
            IMAGES_12, lambda at: at + 3 * (at < 30), "10 as numbered, 2 corrected (-3 frames)", id="beginning"
        ),
        pytest.param(
            IMAGES_12, lambda at: at + (at in (80, 95)), "10 as numbered, 2 corrected (-1 frame)", id="in the middle"
        ),
        pytest.param((20, 60, 100, 140), lambda at: at + (at > 120), "3 as numbered, 1 corrected (-1 frame)", id="few"),
        pytest.param(
            (20, 60, 100, 179),
            lambda at: at + 10 * (at > 120),
            "3 as numbered, 1 corrected (-10 frames)",
            id="few, far",
        ),
        pytest.param((20, 140), lambda at: at + (at > 120), "1 as numbered, 1 corrected (-1 frame)", id="two"),
    ],
)
@pytest.mark.parametrize("scene", ["textured", "arena"])
def test_numbers_that_hold_for_some_images_are_corrected_for_the_others(
    scene: str,
    wanted: Sequence[int],
    number: Callable[[int], int],
    told: str,
    textured: Path,
    arenas: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    video = textured if scene == "textured" else arenas[0]
    again = tmp_path / "again.mp4"
    ffmpeg_run("-i", video, "-c:v", "libx264", "-crf", "28", again)
    stills = renamed(cut(video, tmp_path / "images", wanted), number)
    for path in (video, again):
        found = tie(path, stills)
        assert (found.kind, indices(found)) == ("renumbered", list(wanted))
        assert outcomes(found) == {"proven"}
        n = len(wanted)
        assert found.reason == f"{n} of {n} images are frames of the video: {told}"
        assert corrected(found.images) == [
            image for image, at in zip(found.images, wanted, strict=True) if image.claimed_index != at
        ]


def test_an_image_far_off_alone_behind_two_that_hold_is_not_proven(textured: Path, tmp_path: Path) -> None:
    """It may be another recording's; but the two are not doubted for it."""
    stills = renamed(cut(textured, tmp_path / "images", (20, 60, 90)), lambda at: at + 50 * (at > 80))
    found = tie(textured, stills)
    assert (found.kind, indices(found)) == ("exact", [20, 60, None])
    assert [image.outcome for image in found.images] == ["proven", "proven", "contradicts"]
    assert found.reason.endswith("clearly another frame than that, but which cannot be told: 1")


def test_two_numbers_of_the_last_frame(textured: Path, tmp_path: Path) -> None:
    """OpenCV gives the frame before again where the last one has no length."""
    stills = cut(textured, tmp_path / "images", [*IMAGES_12, 178])
    again = stills[-1].path.with_name("img0179.png")
    again.write_bytes(stills[-1].path.read_bytes())
    found = tie(textured, [*stills, StillImage(again.name, again, 179)])
    assert (found.kind, indices(found)) == ("renumbered", [*IMAGES_12, 178, 178])


def test_images_from_elsewhere_among_corrected_ones_are_not_taken(arenas: tuple[Path, Path], tmp_path: Path) -> None:
    stills = renamed(cut(arenas[0], tmp_path / "images", IMAGES_60), lambda at: at + (at > 140))
    others = cut(arenas[1], tmp_path / "others", range(3, N_FRAMES, 30), name="other{:04d}.png")
    found = tie(arenas[0], [*stills, *others])
    assert (found.kind, indices(found)) == ("renumbered", [*IMAGES_60, *(None for _ in others)])
    assert {image.outcome for image in found.images[60:]} <= {"not-found", "cannot-tell", "contradicts"}


def test_an_image_of_one_of_two_frames_alike_but_not_that_of_its_number(tmp_path: Path) -> None:
    """It is frame 100 or one behind, which are the same; the number names another, and does not hold."""
    video = tmp_path / "stops.mp4"
    write_clip(video, arena(0, asleep=[range(100, 103)]), Video())
    stills = cut(video, tmp_path / "images", [*IMAGES_12[:6], 101, *IMAGES_12[7:]])
    for number, kind, outcome in ((101, "exact", "agrees"), (107, "exact", "contradicts")):
        found = tie(video, renamed(stills, lambda at: number if at == 101 else at))  # noqa: B023 - called at once
        assert (found.kind, found.images[6].outcome) == (kind, outcome)
        assert found.images[6].frame_index == (101 if outcome == "agrees" else None)
        session = SessionTie("m1", str(video), "", (found,))
        assert session.number_holds("img0101.png") == (outcome == "agrees")


def test_what_sleeps_is_accepted_where_the_images_around_it_agree(tmp_path: Path) -> None:
    """A frame is lost at 150, while nothing moves: what was labelled around there cannot be told."""
    video = tmp_path / "sleeps.mp4"
    write_clip(video, arena(0, asleep=[range(30, 60), range(140, 160)]), Video())
    wanted = [*range(1, 180, 6)]
    found = tie(video, renamed(cut(video, tmp_path / "images", wanted), lambda at: at + (at >= 150)))
    assert found.kind == "renumbered"
    asleep_there = {139, 145, 151, 157}
    assert indices(found) == [None if at in asleep_there else at for at in wanted]
    assert {image.outcome for image, at in zip(found.images, wanted, strict=True) if at in asleep_there} == {
        "cannot-tell"
    }
    assert "agrees" in outcomes(found)


# ------------------------------------------------------------------------------------------------ what cannot be proven


@pytest.mark.shared
def test_the_real_projects_video_is_not_that_of_its_images(openfield: Path) -> None:
    """DeepLabCut ships the labels of one mouse with the video of another, in the same arena."""
    (video,) = (openfield / "videos").iterdir()
    stills = [
        StillImage(path.name, path, int(path.stem.removeprefix("img")))
        for path in sorted((openfield / "labeled-data" / "m4s1").glob("*.png"))[::8]
    ]
    found = tie(video, stills)
    assert found.kind == "other-video"
    assert indices(found) == [None] * 15
    assert found.reason == "no frame of the video is like 15 of 15 images: it is another video"
    assert found.evidence.best_error is not None
    assert found.evidence.best_error > 50


@pytest.mark.shared
def test_images_of_the_real_projects_video(openfield: Path, tmp_path: Path) -> None:
    (video,) = (openfield / "videos").iterdir()
    wanted = [10, 400, 401, 900, 1500, 2329]
    found = tie(video, cut_by_opencv(video, tmp_path / "images", wanted))
    assert (found.kind, indices(found)) == ("exact", wanted)


@pytest.mark.parametrize("n_images", [1, 3, 12])
@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("speed_px", [3.0, 12.0])
def test_another_animal_in_the_same_arena_is_never_tied(
    n_images: int, numbered: bool, speed_px: float, arenas: tuple[Path, Path], tmp_path: Path
) -> None:
    """A drawn animal has one shape, so some frame of the other recording is nearly the same by chance."""
    other = tmp_path / "other.mp4"
    write_clip(other, arena(7, speed_px=speed_px), Video())
    stills = cut(other, tmp_path / "images", IMAGES_12[:n_images])
    if not numbered:
        stills = renamed(stills, lambda index: None)
    found = tie(arenas[0], stills)
    assert found.kind in ("other-video", "unknown")
    assert indices(found) == [None] * n_images
    assert not found.is_proven


def test_a_video_of_something_else(textured: Path, tmp_path: Path) -> None:
    def noise(image: Gray) -> Gray:
        coarse = np.random.default_rng(int(image.sum())).integers(0, 255, (12, 16, 3), dtype=np.uint8)
        return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT)), dtype=np.uint8)

    found = tie(textured, cut(textured, tmp_path / "images", IMAGES_12, noise))
    assert (found.kind, outcomes(found)) == ("other-video", {"not-found"})
    assert found.rotation_deg is None


def test_a_scene_in_which_nothing_moves_cannot_tell(tmp_path: Path) -> None:
    video = tmp_path / "still.mp4"
    write_clip(video, (draw_frame("m1", 3) for _ in range(90)), Video())
    found = tie(video, cut(video, tmp_path / "images", range(4, 90, 9)))
    assert (found.kind, outcomes(found)) == ("unknown", {"cannot-tell"})
    assert indices(found) == [None] * 10
    assert found.rotation_deg == 0  # the picture tells that, whichever frame it is
    assert found.reason.startswith("cannot tell which frames")


def test_what_sleeps_is_told_by_what_moves(tmp_path: Path) -> None:
    video = tmp_path / "sleeps.mp4"
    asleep = [range(30, 90), range(110, 175)]
    write_clip(video, arena(0, asleep=asleep), Video())
    stills = cut(video, tmp_path / "images", IMAGES_12)
    again = tmp_path / "again.mp4"
    ffmpeg_run("-i", video, "-c:v", "libx264", "-crf", "28", again)
    for shift in (0, 5):
        found = tie(again, renamed(stills, lambda index: index - shift))  # noqa: B023 - called at once
        assert (found.kind, found.shift) == (("shifted" if shift else "exact"), shift)
        assert indices(found) == list(IMAGES_12)
        assert outcomes(found) == {"proven", "agrees"}


# ----------------------------------------------------------------------------------------- the place in the picture

BOX = Crop(x_px=37, y_px=21, width_px=80, height_px=65)


def _box(image: Gray) -> Gray:
    return image[BOX.y_px : BOX.y_px + BOX.height_px, BOX.x_px : BOX.x_px + BOX.width_px]


@pytest.mark.parametrize(
    "hint",
    [
        None,
        (37, 117, 21, 86),
        pytest.param((38, 118, 22, 87), id="truncated left and right"),
        pytest.param((37, 118, 21, 87), id="truncated right"),
        pytest.param((5, 85, 5, 70), id="wrong place"),
        pytest.param((0, 128, 0, 96), id="wrong size"),
    ],
)
@pytest.mark.parametrize("scene", ["textured", "arena"])
def test_cropped_images(
    hint: tuple[int, int, int, int] | None, scene: str, textured: Path, arenas: tuple[Path, Path], tmp_path: Path
) -> None:
    video = textured if scene == "textured" else arenas[0]
    found = tie(video, cut(video, tmp_path / "images", IMAGES_12, _box), crop_hint=hint)
    assert (found.kind, found.crop, found.rotation_deg, found.scaled) == ("exact", BOX, 0, False)
    assert indices(found) == list(IMAGES_12)


def test_cropped_images_with_wrong_numbers(arenas: tuple[Path, Path], tmp_path: Path) -> None:
    """The place is first sought in frames that show the animal elsewhere."""
    wanted = list(range(8, N_FRAMES, 12))
    stills = cut(arenas[0], tmp_path / "images", wanted, _box)
    found = tie(arenas[0], renamed(stills, lambda index: index + 60))
    assert (found.kind, found.shift, found.crop) == ("shifted", -60, BOX)
    assert indices(found) == wanted


def test_a_place_that_is_only_near_is_sought_again_in_the_proven_frames(
    arenas: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some pixels beside, an image may be more like the frame before or after, where the animal has made a step."""
    places = []

    def near_at_first(info: VideoInfo, pairs: Sequence[Pair], hint: CropHint | None) -> Framing | None:
        found = part_framing(info, pairs, hint)
        if found is not None and not places:
            found = replace(found, crop=BOX._replace(x_px=BOX.x_px + 2, y_px=BOX.y_px - 1), is_sure=False)
        places.append(found)
        return found

    monkeypatch.setattr(searching, "part_framing", near_at_first)
    stills = cut(arenas[0], tmp_path / "images", IMAGES_60, _box)
    found = tie(arenas[0], stills)
    assert (found.kind, found.crop, len(places)) == ("exact", BOX, 2)
    assert indices(found) == list(IMAGES_60)


def test_images_cropped_from_another_video(arenas: tuple[Path, Path], tmp_path: Path) -> None:
    found = tie(arenas[1], cut(arenas[0], tmp_path / "images", IMAGES_12, _box), crop_hint=(37, 117, 21, 86))
    assert not found.is_proven
    assert indices(found) == [None] * 12


def test_an_even_background_leaves_the_place_to_the_config(tmp_path: Path) -> None:
    video = tmp_path / "even.mp4"
    write_clip(video, arena(0, contrast=0, asleep=[range(1000)]), Video())
    stills = cut(video, tmp_path / "images", IMAGES_12, lambda image: image[0:30, 8:48])
    found = tie(video, stills)
    assert (found.kind, found.crop) == ("unknown", None)


@pytest.mark.parametrize("scene", ["textured", "arena"])
def test_images_of_another_size_than_the_frames(
    scene: str, textured: Path, arenas: tuple[Path, Path], tmp_path: Path
) -> None:
    video = textured if scene == "textured" else arenas[0]

    def halved(image: Gray) -> Gray:
        return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def doubled(image: Gray) -> Gray:
        return np.asarray(cv2.resize(image, None, fx=2, fy=2), dtype=np.uint8)

    for change in (halved, doubled):
        found = tie(video, cut(video, tmp_path / change.__name__, IMAGES_12, change))
        assert (found.kind, found.scaled, found.crop) == ("exact", True, None)
        assert indices(found) == list(IMAGES_12)


def test_images_too_large_for_the_video(textured: Path, tmp_path: Path) -> None:
    stills = cut(textured, tmp_path / "images", IMAGES_12, lambda image: np.pad(image, ((9, 9), (40, 40), (0, 0))))
    found = tie(textured, stills)
    assert (found.kind, found.reason) == (
        "other-video",
        "the images have 208x114 px, the video 128x96 px: it is another video",
    )


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize(
    ("name", "tag_deg"), [("turned 90", 90), ("turned 180", 180), ("turned 270", 270), ("h264", 0)]
)
@pytest.mark.parametrize("box", [None, Crop(30, 10, 90, 100)])
def test_the_images_tell_whether_opencv_turned_them(
    applied: bool, name: str, tag_deg: int, box: Crop | None, shop: Workshop, tmp_path: Path
) -> None:
    """OpenCV obeys the display matrix in most versions, 4.11.0 and old ones do not."""
    video = shop.clip(name)
    turned_deg = tag_deg if applied else 0

    def turn(image: Gray) -> Gray:
        turned = np.rot90(image, -turned_deg // 90)
        if box is not None:
            turned = turned[box.y_px : box.y_px + box.height_px, box.x_px : box.x_px + box.width_px]
        return np.ascontiguousarray(turned)

    wanted = list(range(1, N_CLIP_FRAMES, 8))
    found = tie(video, cut(video, tmp_path / "images", wanted, turn))
    assert (found.kind, found.rotation_deg, found.crop) == ("exact", turned_deg, box)
    assert indices(found) == wanted


def test_images_upside_down_without_any_tag(textured: Path, tmp_path: Path) -> None:
    found = tie(textured, cut(textured, tmp_path / "images", IMAGES_12, lambda image: image[::-1, ::-1]))
    assert (found.kind, found.rotation_deg) == ("exact", 180)


# ------------------------------------------------------------------------------------------------------ kinds of images


def _as_12_of_16_bits(image: Gray) -> Gray:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint16)
    return gray << 4  # type: ignore[return-value]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)), id="gray"),
        pytest.param(lambda image: image.astype(np.uint16) * 257, id="16-bit color"),
        pytest.param(_as_12_of_16_bits, id="12 of 16 bits"),
        pytest.param(lambda image: (16 + image * (219 / 255)).astype(np.uint8), id="wrong color range"),
        pytest.param(lambda image: (image.astype(np.float32) / 255) ** 2 * 255, id="brightened"),
    ],
)
def test_depths_and_levels(change: Callable[[Gray], Gray], textured: Path, tmp_path: Path) -> None:
    def limited(image: Gray) -> Gray:
        changed = change(image)
        return changed if changed.dtype == np.uint16 else changed.astype(np.uint8)

    found = tie(textured, cut(textured, tmp_path / "images", IMAGES_12, limited))
    assert (found.kind, indices(found)) == ("exact", list(IMAGES_12))


def test_each_size_is_tied_by_itself(textured: Path, tmp_path: Path) -> None:
    whole = cut(textured, tmp_path / "images", IMAGES_12)
    part = cut(textured, tmp_path / "images", IMAGES_12, _box, name="part{:04d}.png")
    broken = StillImage("broken.png", tmp_path / "broken.png", 4)
    broken.path.write_bytes(whole[0].path.read_bytes()[:900])
    ties = find_frames(textured, probe(textured), [part[0], *whole, broken, *part[1:]])
    assert [found.size_px for found in ties] == [(80, 65), (WIDTH, HEIGHT), None]
    assert [found.kind for found in ties] == ["exact", "exact", "unknown"]
    assert [found.crop for found in ties] == [BOX, None, None]
    assert [len(found.images) for found in ties] == [12, 12, 1]
    assert outcomes(ties[2]) == {"unreadable"}
    assert ties[2].reason == "images that cannot be read: 1"
    assert find_frames(textured, probe(textured), []) == ()


@pytest.mark.parametrize(
    "name", ["interlaced h264", "mpeg2 interlaced", "fields ts", "h264 avi B", "packed B", "edit list", "10 bit"]
)
def test_videos_of_any_kind(name: str, shop: Workshop, tmp_path: Path) -> None:
    video = shop.clip(name)
    wanted = list(range(1, probe(video).n_frames, 5))
    found = tie(video, cut(video, tmp_path / "images", wanted))
    assert (found.kind, indices(found)) == ("exact", wanted)
    codes = [index_in(cv2.imread(str(tmp_path / "images" / image.name)).mean(axis=2)) for image in found.images]
    assert None not in codes


# ---------------------------------------------------------------------------------------------------------- running it


def test_the_same_again(arenas: tuple[Path, Path], tmp_path: Path) -> None:
    stills = cut(arenas[0], tmp_path / "images", IMAGES_12)
    for video in arenas:
        assert tie(video, stills) == tie(video, stills)


def test_stopping_and_progress(textured: Path, tmp_path: Path) -> None:
    stills = renamed(cut(textured, tmp_path / "images", IMAGES_12), lambda index: None)
    seen: list[int] = []
    tie(textured, stills, on_frames=seen.append)
    assert seen == [64, 128]
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        tie(textured, stills, stop=stop)


def test_memory_does_not_grow_with_the_video() -> None:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 255, (20, 64 * 48), dtype=np.uint8)

    def peak_bytes(n_frames: int) -> int:
        frames = ((index, np.full((48, 64), index % 251, dtype=np.uint8)) for index in range(n_frames))
        tracemalloc.start()
        look(images, frames, n_frames)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(2560) < 1.2 * peak_bytes(256)


# ------------------------------------------------------------------------------------------------------- parts, alone


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 70), st.integers(1, 70), st.integers(0, 9))
def test_area_average_is_opencvs(width: int, height: int, new_width: int, new_height: int, seed: int) -> None:
    gray = np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)
    new_width, new_height = min(width, new_width), min(height, new_height)
    theirs = cv2.resize(gray, (new_width, new_height), interpolation=cv2.INTER_AREA)
    ours = area_average(gray, new_width, new_height)
    assert np.abs(theirs.astype(int) - ours).max() <= 1


def test_small_images_are_like_small_frames(textured: Path) -> None:
    info: VideoInfo = probe(textured)
    whole = dict(small_gray_frames(textured, info, [9], width_px=WIDTH))
    small = dict(small_gray_frames(textured, info, [9]))
    assert np.abs(area_average(whole[9], 64, 48).astype(int) - small[9]).max() <= 1


@given(st.integers(0, 10**6), st.floats(0.5, 1.5), st.integers(-40, 40))
def test_errors_leave_brightness_and_contrast_out(seed: int, gain: float, offset: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(80, 120, (3, 50), dtype=np.uint8)
    relit = (images * gain + offset).astype(np.uint8)
    assert (np.diag(errors(images, relit)) <= 1 / gain**2).all()


@given(st.integers(0, 10**6))
def test_errors_are_what_a_straight_line_leaves(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, 50).astype(float)
    frame = (0.6 * image + rng.normal(0, 20, 50) + 40).clip(0, 255).astype(np.uint8)
    slope = np.polyfit(frame.astype(float), image, 1)
    left = float(((image - np.polyval(slope, frame.astype(float))) ** 2).mean())
    assert errors(image.astype(np.uint8)[None], frame[None])[0, 0] == pytest.approx(left, abs=1e-6)
    # Turned into its negative, a frame is not like the image.
    assert errors(image.astype(np.uint8)[None], 255 - frame[None])[0, 0] > image.var()


@given(st.integers(0, 10**6), st.integers(1, 400), st.booleans())
def test_looking_in_batches_is_looking_at_once(seed: int, n_frames: int, around: bool) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (4, 30), dtype=np.uint8)
    frames = rng.integers(0, 255, (n_frames, 30), dtype=np.uint8)
    centers = rng.integers(0, n_frames, 4) if around else None
    looks = look(images, enumerate(frames), n_frames, around=centers, half_window=3)
    every = errors(images, frames)
    for k in range(4):
        near = range(n_frames)
        if centers is not None:
            near = range(max(0, centers[k] - 3), min(n_frames, centers[k] + 4))
        ordered = sorted((every[k, at], at) for at in near)
        assert (looks.best_error[k], looks.best_index[k]) == ordered[0]
        assert looks.second_error[k] == (ordered[1][0] if len(ordered) > 1 else np.inf)


@given(st.lists(st.integers(0, 20), max_size=9))
def test_longest_rising(values: list[int]) -> None:
    found = longest_rising(values)
    assert found == sorted(set(found))
    assert all(values[a] <= values[b] for a, b in itertools.pairwise(found))
    longest = [0] * len(values)
    for at, value in enumerate(values):
        longest[at] = 1 + max((longest[before] for before in range(at) if values[before] <= value), default=0)
    assert len(found) == max(longest, default=0)


@given(st.integers(0, 10**6), st.integers(4, 30))
def test_chance_proves_nothing(seed: int, n_images: int) -> None:
    """Images that each find some frame at random, however clearly, but in no order and like none of the others."""
    rng = np.random.default_rng(seed)
    looks = Looks(
        best_index=rng.permutation(10_000)[:n_images],
        best_error=rng.uniform(10, 20, n_images),
        second_error=rng.uniform(100, 200, n_images),
        mean_error=np.full(n_images, 250.0),
        on_rim=np.zeros(n_images, dtype=bool),
        everywhere=np.ones(n_images, dtype=bool),
    )
    claims = np.sort(rng.permutation(10_000)[:n_images])
    n_in_order = len(longest_rising(looks.best_index.tolist()))
    if n_in_order < 0.8 * n_images:
        assert prove(claims, looks).n_proven == 0


def test_images_between_proven_ones_follow_them() -> None:
    claims = np.array([10, 20, 30, 40, 50, 60, -1, 5])
    proven = np.array([10, -1, 30, -1, 53, -1, -1, -1])
    not_denied = np.zeros(8, dtype=bool)
    expected = expected_of_rest(claims, Proof(proven, True, not_denied), n_frames=100)
    # 40: between no shift and 3; 60: behind these; 5: before two of no shift.
    assert expected.tolist() == [-1, 20, -1, -1, -1, -1, -1, 5]
    same = expected_of_rest(claims, Proof(np.array([12, -1, 32, -1, -1, -1, -1, -1]), True, not_denied), n_frames=60)
    assert same.tolist() == [-1, 22, -1, 42, 52, -1, -1, 7]


@given(st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 30))
def test_a_place_is_found_to_the_pixel(seed: int, x: int, y: int) -> None:
    texture = np.random.default_rng(seed).integers(0, 255, (12, 16), dtype=np.uint8)
    frame = np.asarray(cv2.resize(texture, (120, 90), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    place = find_position([(frame, frame[y : y + 50, x : x + 70])])
    assert place is not None
    assert (place.x_px, place.y_px, place.is_sure) == (x, y, True)


def test_a_place_in_a_large_frame_is_found_to_the_pixel() -> None:
    texture = np.random.default_rng(3).integers(0, 255, (90, 160), dtype=np.uint8)
    frame = np.asarray(cv2.resize(texture, (2400, 1350), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    place = find_position([(frame, frame[401 : 401 + 333, 777 : 777 + 500])])
    assert place is not None
    assert (place.x_px, place.y_px, place.is_sure) == (777, 401, True)


def test_the_hint_decides_where_the_picture_repeats() -> None:
    tile = np.random.default_rng(4).integers(0, 255, (20, 20), dtype=np.uint8)
    frame = np.tile(tile, (5, 6))
    pairs = [(frame, frame[20:60, 40:90])]
    without = find_position(pairs)
    assert without is not None
    assert not without.is_sure
    right = find_position(pairs, (40, 20))
    assert right is not None
    assert (right.x_px, right.y_px, right.is_sure) == (40, 20, True)
    short = find_position(pairs, (41, 21))
    assert short is not None
    assert (short.x_px, short.y_px, short.is_sure) == (40, 20, True)
    wrong = find_position(pairs, (47, 33))
    assert wrong is not None
    assert not wrong.is_sure


def test_gray_levels_of_any_image() -> None:
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    assert to_gray(rgb).tolist() == [[76, 150, 29, 255]]
    assert to_gray(np.dstack([rgb, rgb[..., :1]])).tolist() == [[76, 150, 29, 255]]
    assert to_gray(np.array([[0, 4095]], dtype=np.uint16)).tolist() == [[0, 255]]
    assert to_gray(np.array([[0.0, 0.5, np.nan]], dtype=np.float32)).tolist() == [[0, 255, 0]]
    assert to_gray(np.zeros((2, 2), dtype=np.uint16)).max() == 0


def test_a_large_picture_is_averaged_in_pieces_and_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    for _ in range(50):
        height, width, height_px, width_px = (int(n) for n in random.integers(1, 90, 4))
        gray = random.integers(0, 256, (height, width), dtype=np.uint8)
        at_once = area_average(gray, width_px, height_px)
        with monkeypatch.context() as patch:
            patch.setattr(likeness, "_SUMMED_BYTES", 8 * int(random.integers(1, height * width + 2)))
            assert np.array_equal(area_average(gray, width_px, height_px), at_once)
