"""Colours: read as OpenCV 4 reads them or as the images prove, written so that every reader sees the same."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dlc2lp.video.colors import Colors, as_opencv_reads, readings
from dlc2lp.video.convert import check_video, convert_video, make_video
from dlc2lp.video.encoding import PROFILES, choose
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
from dlc2lp.video.probe import probe
from dlc2lp.video.ties import StillImage

WIDTH, HEIGHT, N_FRAMES = 128, 96, 24
#: Brightness and colour differences of four quarters, as they are stored.
PATCHES = ((60, 90, 160), (120, 128, 128), (190, 150, 100), (200, 110, 140))
#: How red, green and blue follow from them (ITU-R BT.601 and BT.709: Kr and Kb).
KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def stored(index: int) -> np.ndarray:
    """The planes of a frame in yuv420p: patches, and a square that walks, so that no two frames are alike."""
    y = np.zeros((HEIGHT, WIDTH), np.uint8)
    u, v = np.zeros((2, HEIGHT // 2, WIDTH // 2), np.uint8)
    for patch, (luma, blue, red) in enumerate(PATCHES):
        rows, columns = divmod(patch, 2)
        half = (
            slice(rows * HEIGHT // 2, (rows + 1) * HEIGHT // 2),
            slice(columns * WIDTH // 2, (columns + 1) * WIDTH // 2),
        )
        quarter = tuple(slice(each.start // 2, each.stop // 2) for each in half)
        y[half], u[quarter], v[quarter] = luma, blue, red
    x = 4 * index
    y[40:56, x : x + 16] = 235
    return np.concatenate([y.ravel(), u.ravel(), v.ravel()]).reshape(-1, WIDTH)


def expected(luma: int, blue: int, red: int, colors: Colors) -> list[float]:
    """Red, green and blue of a patch."""
    kr, kb = KR_KB[colors.matrix]
    y = (luma - 16) * 255 / 219 if colors.range == "tv" else luma
    cb, cr = ((each - 128) * (255 / 224 if colors.range == "tv" else 1) for each in (blue, red))
    r, b = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    return np.clip([r, (y - kr * r - kb * b) / (1 - kr - kb), b], 0, 255).tolist()


def patches_in(picture: np.ndarray) -> np.ndarray:
    """The middles of the patches, shape (4, 3)."""
    middles = [
        (HEIGHT // 8, WIDTH // 4),
        (HEIGHT // 8, 3 * WIDTH // 4),
        (7 * HEIGHT // 8, WIDTH // 4),
        (7 * HEIGHT // 8, 3 * WIDTH // 4),
    ]
    return np.array([picture[y - 3 : y + 3, x - 3 : x + 3].mean((0, 1)) for y, x in middles])


def clip(path: Path, *, matrix: int = 2, range_: int = 0, codec: str = "ffv1", pixel_format: str = "yuv420p") -> Path:
    """A video of these planes with tags of its own (ITU-T H.273; 2 and 0: none)."""
    options = {"crf": "4", "preset": "veryfast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, range_
        for index in range(N_FRAMES):
            frame = av.VideoFrame.from_ndarray(
                stored(index), format="yuv420p" if pixel_format == "yuv420p" else "yuvj420p"
            )
            frame.colorspace, frame.color_range = matrix, range_ or (2 if pixel_format == "yuvj420p" else 1)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


TAGS = {"none": {}, "bt709": {"matrix": 1}, "bt2020": {"matrix": 9}, "ycgco": {"matrix": 8}, "full": {"range_": 2}}


@pytest.mark.parametrize("tags", TAGS)
def test_tags_do_not_change_what_is_read(tags: str, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", **TAGS[tags])
    ((_, picture),) = read_frames(path, probe(path), [20])
    want = [expected(*patch, Colors("bt601", "tv")) for patch in PATCHES]
    assert np.abs(patches_in(picture) - want).max() < 2.5


@pytest.mark.parametrize("colors", [Colors("bt601", "pc"), Colors("bt709", "tv"), Colors("bt709", "pc")])
def test_another_reading_is_that_of_the_standard(colors: Colors, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv")
    ((_, picture),) = read_frames(path, probe(path), [20], colors=colors)
    assert np.abs(patches_in(picture) - [expected(*patch, colors) for patch in PATCHES]).max() < 2.5


@pytest.mark.parametrize("tags", TAGS)
@pytest.mark.parametrize("colors", [None, Colors("bt601", "pc"), Colors("bt709", "tv")])
def test_what_is_written_shows_what_was_read(
    tags: str, colors: Colors | None, tmp_path: Path, each_ffmpeg: str
) -> None:
    path, target = clip(tmp_path / "a.mkv", **TAGS[tags]), tmp_path / "out.mp4"
    made = make_video(path, target, probe(path), "encode", replace(PROFILES["balanced"], crf=5), colors=colors)
    assert (made.color_matrix, made.color_range, made.pixel_format) == ("smpte170m", "tv", "yuv420p")
    ((_, picture),) = read_frames(target, made, [20])
    want = [expected(*patch, colors or Colors("bt601", "tv")) for patch in PATCHES]
    assert np.abs(patches_in(picture) - want).max() < 4


def test_full_range_by_the_format_keeps_its_brightness(tmp_path: Path, each_ffmpeg: str) -> None:
    path, target = clip(tmp_path / "a.avi", codec="mjpeg", pixel_format="yuvj420p"), tmp_path / "out.mp4"
    made = convert_video(path, target, crf=5)
    ((_, picture),) = read_frames(target, made.target, [20])
    want = [expected(*patch, Colors("bt601", "pc")) for patch in PATCHES]
    assert np.abs(patches_in(picture) - want).max() < 6


@pytest.mark.parametrize("range_", [0, 1, 2])
def test_gray_is_full_range_whatever_its_tag(range_: int, tmp_path: Path, each_ffmpeg: str) -> None:
    levels = np.repeat(np.linspace(0, 255, WIDTH).astype(np.uint8)[None], HEIGHT, axis=0)
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "gray"
        stream.codec_context.color_range = range_
        for index in range(6):
            frame = av.VideoFrame.from_ndarray(np.roll(levels, 3 * index, axis=0), format="gray")
            frame.color_range, frame.pts, frame.time_base = range_, index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    made = convert_video(tmp_path / "a.mkv", tmp_path / "out.mp4", crf=4)
    ((_, picture),) = read_frames(tmp_path / "out.mp4", made.target, [3])
    assert np.abs(picture[..., 1].mean(axis=0) - levels[0]).max() < 4


def cut_images(path: Path, folder: Path, colors: Colors | None, change=lambda picture: picture) -> list[StillImage]:
    stills = []
    for index, picture in read_frames(path, probe(path), range(2, 22, 3), colors=colors):
        image = folder / f"img{index:03d}.png"
        image.write_bytes(encode_image(change(picture)))
        stills.append(StillImage(image.name, image, index))
    return stills


@pytest.mark.parametrize(
    ("tags", "colors", "proven"),
    [
        ("bt709", None, None),
        ("bt709", Colors("bt709", "tv"), Colors("bt709", "tv")),
        ("full", None, None),
        ("full", Colors("bt601", "pc"), Colors("bt601", "pc")),
        ("none", Colors("bt709", "tv"), Colors("bt709", "tv")),  # by its size, as some players do
    ],
)
def test_images_prove_how_they_were_read(
    tags: str, colors: Colors | None, proven: Colors | None, tmp_path: Path
) -> None:
    # A decoder of h264 gives full range a pixel format of its own; one of ffv1 does not.
    codec, suffix = ("ffv1", "mkv") if tags == "full" else ("libx264", "mp4")
    path = clip(tmp_path / f"a.{suffix}", codec=codec, **TAGS[tags])
    info = probe(path)
    assert info.color_matrix == {"bt709": "bt709"}.get(tags, "unknown")
    (tie,) = find_frames(path, info, cut_images(path, tmp_path, colors))
    assert (tie.kind, tie.colors) == ("exact", proven)
    assert tie.gain == pytest.approx(1, abs=0.01) and tie.offset == pytest.approx(0, abs=1)
    reasons = {reason.code for reason in choose(info, colors=tie.colors).reasons}
    assert ("colors-differ" in reasons) == (proven is not None)


def test_images_that_somebody_brightened_are_measured(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", codec="libx264")
    bright = cut_images(path, tmp_path, None, lambda picture: (picture * 0.8 + 40).astype(np.uint8))
    (tie,) = find_frames(path, probe(path), bright)
    assert tie.colors is None
    assert tie.gain == pytest.approx(0.8, abs=0.02) and tie.offset == pytest.approx(40, abs=2)


def test_a_video_that_conforms_is_placed_if_readers_know_its_matrix(tmp_path: Path) -> None:
    for tags, action, reasons in (
        ("none", "place", []),
        ("bt709", "place", ["matrix-not-read"]),
        ("ycgco", "encode", ["matrix-not-readable"]),
    ):
        verdict = check_video(clip(tmp_path / f"{tags}.mp4", codec="libx264", **TAGS[tags]))
        assert verdict.treatment.action == action
        assert [reason.code for reason in verdict.treatment.reasons] == reasons


def test_readings_begin_with_the_usual_one(tmp_path: Path) -> None:
    info = probe(clip(tmp_path / "a.mp4", codec="libx264", matrix=1, range_=2))
    assert readings(info)[0] == as_opencv_reads(info.pixel_format)
    assert {Colors("bt709", "pc")} <= set(readings(info))
    assert readings(replace(info, pixel_format="bgr24")) == ()


@pytest.mark.parametrize(("factor", "shift"), [(16, 4), (64, 6), (257, 8)])
def test_images_of_16_bits_go_down_to_their_frames(factor: int, shift: int, tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", codec="libx264")
    (tie,) = find_frames(path, probe(path), cut_images(path, tmp_path, None, lambda it: it.astype(np.uint16) * factor))
    assert (tie.deep_shift, tie.colors) == (shift, None)
    assert tie.gain == pytest.approx(1, abs=0.02)


def test_most_images_decide_how_the_video_is_read(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", codec="libx264", matrix=1)
    for colors, others in ((None, Colors("bt709", "tv")), (Colors("bt709", "tv"), None)):
        folders = [tmp_path / f"{name}{colors}" for name in ("most", "few")]
        for folder in folders:
            folder.mkdir()
        images = cut_images(path, folders[0], colors)
        images[:2] = cut_images(path, folders[1], others)[:2]
        (tie,) = find_frames(path, probe(path), images)
        assert tie.colors == colors
        assert tie.farthest in {images[0].name, images[1].name}


def test_few_images_that_follow_the_tags_are_tied(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", matrix=1, range_=2)
    (tie,) = find_frames(path, probe(path), cut_images(path, tmp_path, Colors("bt709", "pc"))[:4])
    assert (tie.kind, tie.colors) == ("exact", Colors("bt709", "pc"))
