"""Which frames of a damaged video are named, and that all others are the frames of their index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clips import ALL, CLIPS, INTACT, N_FRAMES, Workshop, index_in
from handmade import change_packets, emptied, garbled, with_unit, without_last_unit

from dlc2lp.errors import VideoFailed
from dlc2lp.video.convert import check_video, convert_video
from dlc2lp.video.damage import Damage, find_damage
from dlc2lp.video.frames import read_frames, small_gray_frames
from dlc2lp.video.packet_faults import faults_of
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo

Change = Callable[[int, bytes], bytes | None]

#: Clips with times, the packets that are spoiled, and how. All are so big that no decoder makes sense of the noise.
TIMED: list[tuple[str, tuple[int, ...], Callable[..., Change]]] = [
    ("h264", (12, 24, 36), garbled),
    ("h264", (46, 47), garbled),
    ("h264", (23,), emptied),
    ("h264 ts", (24,), garbled),
    ("yuv444p", (12, 47), garbled),
    ("h264 mkv", (24,), garbled),
    ("mjpeg", (0, 1, 20, 21, 22, 47), garbled),
    ("mjpeg", (20, 47), emptied),
    ("mpeg4", (0, 12, 13, 30, 47), garbled),
    ("mpeg2 mkv", (12, 24, 47), garbled),
    ("wmv2", (11, 30), garbled),
    ("prores", (0, 20, 47), garbled),
    ("checked ffv1", (0, 20, 47), garbled),
    ("slices", (14, 24), lambda *at: lambda k, data: without_last_unit(k)(k, data) if k in at else data),
    ("hevc", (20,), emptied),
    ("vp8", (20, 30), emptied),
    ("vp9", (47,), emptied),
]


def _places(path: Path, packets: tuple[int, ...]) -> set[int]:
    """The indices of the frames in some packets, by the times at which they are shown."""
    with OpenedVideo(path) as video:
        times = [packet.pts for packet in video.shown_packets()]
    return {sorted(times).index(times[number]) for number in packets}


def _spoiled(shop: Workshop, name: str, folder: Path, change: Change) -> Path:
    path = folder / CLIPS[name].file_name
    change_packets(shop.clip(name), path, change)
    return path


@pytest.mark.parametrize(("name", "packets", "spoil"), TIMED, ids=[f"{name}-{packets}" for name, packets, _ in TIMED])
def test_damaged_frames_are_named_by_their_own_index(
    name: str, packets: tuple[int, ...], spoil: Callable[..., Change], shop: Workshop, tmp_path: Path
) -> None:
    path = _spoiled(shop, name, tmp_path, spoil(*packets))
    info = probe(path)
    damage = find_damage(path, info)
    expected = _places(path, packets)
    if damage.n_frames == info.n_frames:
        assert set(damage.frames) == expected
    else:  # frames that lean on one that never came out do not come out either
        assert expected <= set(damage.frames)
        assert len(damage.frames) >= info.n_frames - damage.n_frames
    assert damage.is_sure and not damage.is_none
    _assert_in_order(path, damage)
    for index in damage.frames[:2]:
        if CLIPS[name].file_name.endswith((".mp4", ".webm")) and name != "slices":
            with pytest.raises(VideoFailed) as refused:
                list(read_frames(path, info, [index]))
            assert refused.value.findings[0].where == f"frame {index}"


def _assert_in_order(path: Path, damage: Damage) -> None:
    """Each whole frame shows its index, but those that may lean on a damaged one: they show anything."""
    info = probe(path)
    gop = info.keyframe_interval_frames
    leaning = {at for index in damage.frames for at in range(index - 4 * (gop > 1), index + gop)}
    for wanted in (None, ALL):
        shown = small_gray_frames(path, info, wanted, width_px=info.width_px, past_damage=True)
        found = {index: index_in(image) for index, image in shown}
        assert found.keys() >= set(ALL) - set(damage.frames)
        assert {index: found[index] for index in set(ALL) - leaning} == {index: index for index in set(ALL) - leaning}


@pytest.mark.parametrize("name", sorted(INTACT))
def test_a_whole_video_has_no_damage(name: str, shop: Workshop, each_ffmpeg: str) -> None:
    path = shop.clip(name)
    damage = find_damage(path, probe(path))
    assert (damage.frames, damage.n_frames, damage.is_none) == ((), len(CLIPS[name].truth), True)
    assert check_video(path, verify="full").faults == ()


@pytest.mark.parametrize("name", ["vp9", "h264 mkv"])
def test_a_hole_between_the_frames_is_damage(name: str, shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    """Matroska is read on behind a damaged place, whatever it swallowed: nobody counts what is gone."""
    path = tmp_path / CLIPS[name].file_name
    data = shop.clip(name).read_bytes()
    with OpenedVideo(shop.clip(name)) as video:
        at = [data.index(bytes(packet)) for packet in video.shown_packets()][24]
    path.write_bytes(data[: at - 40] + bytes([0x10]) * 80 + data[at + 40 :])
    assert probe(path).n_frames < N_FRAMES
    with pytest.raises(VideoFailed) as refused:
        convert_video(path, tmp_path / "out.mp4", threads=1, verify="full")
    assert refused.value.findings[0].code == "video-decode-errors"
    assert check_video(path, verify="full").faults


def test_a_lost_reference_is_damage_that_no_decoder_tells_of(shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    path = shop.clip("lost reference")
    assert find_damage(path, probe(path)).frames == (15,)
    with pytest.raises(VideoFailed) as refused:
        convert_video(path, tmp_path / "out.mp4", verify="full", threads=1)
    assert [(each.code, each.where) for each in refused.value.findings] == [("video-decode-errors", "frame 15")]


def test_without_times_an_index_counts_what_comes_out(shop: Workshop, tmp_path: Path) -> None:
    path = _spoiled(shop, "mpeg4 B", tmp_path, garbled(0))
    info = probe(path)
    assert not info.all_packets_timed
    assert find_damage(path, info).frames == (0,)


def test_frames_are_counted_on_the_way(shop: Workshop) -> None:
    path = shop.clip("1000 fps")
    told: list[int] = []
    find_damage(path, probe(path), on_frames=told.append)
    assert told == sorted(told)


@pytest.mark.parametrize("name", ["h264", "h264 mov", "h264 mkv"])
def test_damage_that_no_sample_meets_is_found_by_full_verification(
    name: str, shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    path = _spoiled(shop, name, tmp_path, garbled(12))
    (index,) = _places(path, (12,))
    with pytest.raises(VideoFailed) as refused:
        convert_video(path, tmp_path / "out.mp4", verify="full", threads=1)
    finding = refused.value.findings[0]
    assert (finding.code, finding.where) == ("video-decode-errors", f"frame {index}")
    assert check_video(path).faults == ()
    (fault,) = check_video(path, verify="full").faults
    assert fault.message == f"found 1 damaged frame: {index}"


@pytest.mark.parametrize("name", ["broken APP", "broken SEI"])
def test_a_complaint_is_a_note(name: str, shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    made = convert_video(shop.clip(name), tmp_path / "out.mp4", threads=1)
    (note,) = made.remarks
    assert (note.severity.value, note.code, note.subject) == ("note", "video-complaints", str(shop.clip(name)))
    assert f"every one of its {N_FRAMES} frames is whole" in note.message
    assert not check_video(shop.clip(name), verify="full").faults


def test_a_complaint_of_a_decoder_that_tells_nothing_else_is_believed(
    shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    path = _spoiled(shop, "fields mp4", tmp_path, with_unit(b"\x06\x01\x7f\x80"))
    assert not find_damage(path, probe(path)).is_sure
    with pytest.raises(VideoFailed, match="does not tell which frames"):
        convert_video(path, tmp_path / "out.mp4", threads=1)


@pytest.mark.parametrize(
    ("frames", "n_frames", "told"),
    [
        ((28,), 48, "1 damaged frame: 28"),
        ((0, 1, 2, 7, 9, 10), 48, "6 damaged frames: 0 to 2, 7, 9 to 10"),
        (tuple(range(0, 40, 2)), 48, "20 damaged frames: 0, 2, 4, 6, 8, 10, 12, 14 and 12 more"),
        ((), 47, "47 frames that can be decoded, expected 48"),
    ],
)
def test_damage_in_words(frames: tuple[int, ...], n_frames: int, told: str) -> None:
    assert Damage(n_frames, 48, frames, is_sure=True).told == told


@pytest.mark.parametrize("codec", ["h264", "ffv1"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\1", b"\0\0\0\2\x65", b"\xff" * 40, bytes(40), b"\0\0\1\x67" * 9])
def test_any_bytes_can_be_looked_at(codec: str, data: bytes) -> None:
    for head in (b"", b"\1", b"\1\x64\0\x0a\xff\xe1\0\x20", data):
        faults = faults_of(codec, head)
        assert faults is not None
        faults.is_faulty(data)
