"""Frames by index, the comparison of two videos, still images."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import ALL, CLIPS, INTACT, N_FRAMES, RATE, Workshop, index_in, picture

from dlc2lp.errors import UnreadableFile, VideoFailed
from dlc2lp.video.frames import read_frames, small_gray_frames
from dlc2lp.video.pictures import encode_image, max_value, read_image, to_eight_bit
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo
from dlc2lp.video.seeking import behind_key_frames
from dlc2lp.video.synthetic import write_clip

# ------------------------------------------------------------------------------------------------------------- reading


def _index_in_rgb(image: np.ndarray, rotation_deg: int) -> int | None:
    return index_in(np.rot90(image, -rotation_deg // 90).mean(axis=2))


@pytest.mark.parametrize("name", sorted(INTACT))
def test_any_frame_of_any_video_by_its_index(name: str, shop: Workshop) -> None:
    path, truth = shop.clip(name), CLIPS[name].truth
    info = probe(path)
    last = len(truth) - 1
    for wanted in ([last], [0], [last // 2], [min(1, last)], range(0, last + 1, 7), range(max(0, last - 4), last + 1)):
        got = {index: _index_in_rgb(image, info.rotation_deg) for index, image in read_frames(path, info, wanted)}
        assert got == {index: truth[index] for index in wanted}


@pytest.mark.parametrize("name", ["open GOP", "h264", "edit list", "uneven h264", "h264 ts", "h264 avi B"])
def test_every_frame_alone_and_all_together(name: str, shop: Workshop) -> None:
    path, truth = shop.clip(name), CLIPS[name].truth
    info = probe(path)
    alone = [_index_in_rgb(next(read_frames(path, info, [index]))[1], 0) for index in range(len(truth))]
    together = [_index_in_rgb(image, 0) for _, image in read_frames(path, info, range(len(truth)))]
    assert tuple(alone) == tuple(together) == truth


def _decoded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is decoded from now on."""
    decoded: list[object] = []
    decode = OpenedVideo.decode

    def watched(video: OpenedVideo, packet: Any) -> Any:
        decoded.append(packet.pts)
        return decode(video, packet)

    monkeypatch.setattr(OpenedVideo, "decode", watched)
    return decoded


def test_decoding_begins_anew_at_a_nearer_key_frame(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.clip("uneven no B")  # a key frame every 12 frames, no frame waits for another
    info = probe(path)
    decoded = _decoded(monkeypatch)
    for wanted, n_decoded in (([2, 13], 3 + 2), ([14, 23], 3 + 9), ([2, 7], 8), ([11, 12], 13)):
        decoded.clear()
        assert [_index_in_rgb(image, 0) for _, image in read_frames(path, info, wanted)] == wanted
        assert len(decoded) == n_decoded


def test_on_the_way_to_a_frame_those_on_which_none_leans_are_left_out(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.clip("one group")
    info = probe(path)
    decoded = _decoded(monkeypatch)
    assert [_index_in_rgb(image, 0) for _, image in read_frames(path, info, [40, 41, 45])] == [40, 41, 45]
    assert 6 <= len(decoded) < 41
    # Where that led to nothing, the last try decodes all.
    decoded.clear()
    monkeypatch.setattr(OpenedVideo, "seek", lambda *_: None)
    assert [_index_in_rgb(image, 0) for _, image in read_frames(path, info, [40])] == [40]
    assert len(decoded) >= 41


def test_frames_behind_key_frames_stand_for_others(shop: Workshop) -> None:
    def behind(name: str, indices: list[int]) -> list[int]:
        return behind_key_frames(shop.clip(name), probe(shop.clip(name)), indices, 2, None)

    assert behind("h264", [0, 1, 11, 12, 13, 30, 47]) == [0, 1, 2, 12, 13, 26, 38]
    assert behind("uneven h264", [0, 30, 35]) == [0, 26]
    assert behind("one group", [0, 9, 19, 47]) == [0, 2]
    assert behind("h264 avi B", [0, 9, 19]) == [0, 9, 19]  # nothing is known of its times


def test_frames_come_in_rising_order_and_once(shop: Workshop) -> None:
    path = shop.clip("h264")
    assert [index for index, _ in read_frames(path, probe(path), [30, 2, 30, 17])] == [2, 17, 30]
    assert list(read_frames(path, probe(path), [])) == []


def test_pictures_are_rgb_as_they_were_drawn(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    drawn = [np.full((32, 48, 3), (200, 30, 90), np.uint8)]
    write_clip(path, drawn, RATE, codec="rawvideo", pixel_format="bgr24")
    ((_, image),) = read_frames(path, probe(path), [0])
    assert (image.dtype, image.shape) == (np.uint8, (32, 48, 3))
    assert np.array_equal(image, drawn[0])


@pytest.mark.parametrize("index", [-1, N_FRAMES])
def test_an_index_outside_is_no_frame(index: int, shop: Workshop) -> None:
    with pytest.raises(IndexError, match=str(index)):
        list(read_frames(shop.clip("h264"), probe(shop.clip("h264")), [3, index]))


def test_damage_is_named_and_does_not_shift_what_follows(shop: Workshop) -> None:
    path = shop.clip("garbled")
    info = probe(path)
    ((_, image),) = read_frames(path, info, [N_FRAMES - 1])
    assert _index_in_rgb(image, 0) == N_FRAMES - 1
    with pytest.raises(VideoFailed) as refused:
        list(read_frames(path, info, ALL))
    assert refused.value.findings[0].code == "video-frame-unreadable"


def test_small_gray_pictures_in_order(shop: Workshop) -> None:
    path = shop.clip("h264 avi B")
    small = list(small_gray_frames(path, probe(path), None))
    assert [(index, image.shape) for index, image in small] == [(index, (51, 64)) for index in range(N_FRAMES)]
    wide = [index_in(image) for _, image in small_gray_frames(path, probe(path), None, width_px=1000)]
    assert tuple(wide) == ALL


@pytest.mark.parametrize("name", ["h264", "full range", "10 bit", "gray", "odd size", "interlaced h264"])
def test_one_converter_gives_each_frame_what_its_own_would(name: str, shop: Workshop) -> None:
    path = shop.clip(name)
    info = probe(path)
    with OpenedVideo(path) as video:
        own = [frame.to_ndarray(format="gray") for frame in video.frames()]
    shared = dict(small_gray_frames(path, info, None, width_px=info.width_px))
    assert [np.array_equal(shared[index], image) for index, image in enumerate(own)] == [True] * info.n_frames


# -------------------------------------------------------------------------------------------------------------- stills


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_png_keeps_every_value(shape: tuple[int, ...], dtype: type, tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)
    path = tmp_path / "bild ü 鼠.png"
    path.write_bytes(encode_image(image))
    back = read_image(path)
    assert back.dtype == dtype
    assert np.array_equal(back, image)
    assert max_value(path) == image.max()
    assert encode_image(image) == encode_image(image.copy())


def test_colors_are_rgb(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "red.png"
    path.write_bytes(encode_image(np.full((4, 4, 3), (255, 0, 0), np.uint8)))
    assert cv2.imread(str(path))[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("content", [b"", b"no image", "cut", "garbled"])
def test_what_is_no_image(content: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    good = encode_image(np.random.default_rng(3).integers(0, 255, (60, 60, 3), dtype=np.uint8))
    if content == "cut":
        content = good[: len(good) // 2]
    elif content == "garbled":
        content = good[:100] + b"x" * 50 + good[150:]
    assert isinstance(content, bytes)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        read_image(path)
    assert refused.value.findings[0].code == "image-unreadable"
    assert refused.value.findings[0].subject == str(path)


def test_no_image_at_all(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        max_value(tmp_path / "none.png")


def test_an_image_of_fractions_has_no_largest_value(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "a.tif"
    path.write_bytes(cv2.imencode(".tif", np.full((4, 4), 0.5, np.float32))[1].tobytes())
    with pytest.raises(UnreadableFile) as refused:
        max_value(path)
    assert refused.value.findings[0].code == "image-not-integer"


@pytest.mark.parametrize(("top", "shift"), [(65535, 8), (4095, 4), (1023, 2), (255, 0)])
def test_sixteen_bits_become_eight(top: int, shift: int) -> None:
    image = np.array([[0, top // 2, top]], dtype=np.uint16)
    assert to_eight_bit(image, shift).tolist() == [[0, 127, 255]]
    assert to_eight_bit(image, shift).dtype == np.uint8


def test_no_value_is_cut_off_in_silence() -> None:
    with pytest.raises(ValueError, match="4095"):
        to_eight_bit(np.array([[4095]], dtype=np.uint16), 3)


def test_a_written_clip_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_clip(tmp_path / name, map(picture, range(10)), Fraction(30000, 1001))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert probe(tmp_path / "a.mp4").frame_rate == Fraction(30000, 1001)
