"""What each level of ``--verify`` finds: bad copies and bad encodes, one for each claim in docs/benchmarks.md."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from builder import build_project
from clips import ALL, RATE, Workshop, indices_by_pyav, picture
from command import dlc2lp
from handmade import change_packets, flipped, garbled

from dlc2lp.errors import Interrupted, VideoFailed
from dlc2lp.run import make_files
from dlc2lp.run.place import place
from dlc2lp.video import checks, convert, copies, ffmpeg
from dlc2lp.video.compare import sampled_indices
from dlc2lp.video.convert import convert_video
from dlc2lp.video.copies import refuse_undecodable, unlike_bytes, unlike_packets
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo
from dlc2lp.video.remux import rewrite_packets
from dlc2lp.video.synthetic import write_clip

Spoil = Callable[[Path], None]
Monkey = pytest.MonkeyPatch

# ----------------------------------------------------------------------------------------------------------- bad copies


def _changed(change: Callable[[int, bytes], bytes | None]) -> Spoil:
    """A copy with the bytes of its packets changed, or without some."""

    def spoil(copy: Path) -> None:
        changed = copy.with_name("changed.mp4")
        change_packets(copy, changed, change)
        changed.replace(copy)

    return spoil


def _with_payloads(order: dict[int, int]) -> Spoil:
    """A copy in which some packets hold what others should."""

    def spoil(copy: Path) -> None:
        with OpenedVideo(copy) as video:
            packets = [bytes(packet) for packet in video.shown_packets()]
        _changed(lambda index, data: packets[order[index]] if index in order else data)(copy)

    return spoil


def _patched(box: bytes, offset: int, layout: str, change: Callable[[int], int]) -> Spoil:
    """A copy with one number behind a box's name changed."""

    def spoil(copy: Path) -> None:
        data = bytearray(copy.read_bytes())
        at = data.index(box) + 4 + offset
        (before,) = struct.unpack_from(layout, data, at)
        struct.pack_into(layout, data, at, change(before))
        copy.write_bytes(data)

    return spoil


def _other_order(copy: Path) -> None:
    """Two frames that follow each other change places on the screen, while the clock stays even."""
    import av

    with av.open(str(copy)) as original, av.open(str(copy.with_name("moved.mp4")), "w") as output:
        stream = original.streams.video[0]
        track = output.add_stream_from_template(stream)
        packets = [packet for packet in original.demux(stream) if packet.size]
        shown = sorted(packets, key=lambda packet: packet.pts or 0)
        one, other = next((a, b) for a, b in pairwise(shown[30:]) if min(a.pts, b.pts) >= max(a.dts, b.dts))
        one.pts, other.pts = other.pts, one.pts
        for packet in packets:
            packet.stream = track
            output.mux(packet)
    copy.with_name("moved.mp4").replace(copy)


#: Bad copies of a video of 48 frames with a key frame every 12: what is wrong, and what is said of it.
SPOILED: dict[str, tuple[Spoil, str]] = {
    "a byte changed": (_changed(flipped(14)), "packet 14 of the copy is not its source's: found other bytes"),
    "damaged": (_changed(garbled(30)), "packet 30 of the copy is not its source's: found other bytes"),
    "two packets swapped": (_with_payloads({20: 21, 21: 20}), "packet 20 of the copy is not its source's: found"),
    "one packet twice": (_with_payloads({20: 19}), "packet 20 of the copy is not its source's: found"),
    "parameters changed": (_patched(b"avcC", 11, ">B", lambda level: level + 1), "other parameters"),
    "a key flag moved": (_patched(b"stss", 12, ">I", lambda n: n + 1), "the index marks it as no key frame"),
    "frames swapped in time": (_other_order, "the copy shows packet"),
}  # fmt: skip


def _spoil_copies(monkeypatch: Monkey, spoil: Spoil) -> None:
    def rewrite_badly(source: Path, target: Path, info: Any, **options: Any) -> None:
        rewrite_packets(source, target, info, **options)
        spoil(target)

    monkeypatch.setattr(convert, "rewrite_packets", rewrite_badly)


@pytest.mark.parametrize("source", ["h264 mkv", "h264 mov", "h264 ts"])
@pytest.mark.parametrize("name", sorted(SPOILED))
@pytest.mark.parametrize("verify", ["sample", "full"])
def test_a_bad_copy_is_found_and_becomes_an_encode(
    source: str, name: str, verify: Any, shop: Workshop, tmp_path: Path, monkeypatch: Monkey
) -> None:
    spoil, told = SPOILED[name]
    _spoil_copies(monkeypatch, spoil)
    made = convert_video(shop.clip(source), tmp_path / "out.mp4", verify=verify)
    assert made.action == "encode"
    assert made.reasons[0].code in {"remux-failed", "rewrite-failed"}
    assert told in made.reasons[0].message
    assert tuple(indices_by_pyav(tmp_path / "out.mp4")) == ALL


@pytest.mark.parametrize("name", sorted(SPOILED))
def test_a_bad_copy_passes_where_nothing_is_verified(
    name: str, shop: Workshop, tmp_path: Path, monkeypatch: Monkey
) -> None:
    """What `--verify none` gives up; it shows too that these copies are wrong in nothing else."""
    _spoil_copies(monkeypatch, SPOILED[name][0])
    assert convert_video(shop.clip("h264 mkv"), tmp_path / "out.mp4", verify="none").action == "rewrite"


@pytest.mark.parametrize("verify", ["none", "sample"])
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_changed(lambda index, data: None if index == 47 else data), "wrote 47 frames, expected 48"),
        (_patched(b"stts", 12, ">I", lambda ticks: ticks + 1), "expected"),
    ],
    ids=["a packet dropped", "a time moved"],
)
def test_a_lost_packet_and_an_uneven_clock_are_always_found(
    spoil: Spoil, told: str, verify: Any, shop: Workshop, tmp_path: Path, monkeypatch: Monkey
) -> None:
    _spoil_copies(monkeypatch, spoil)
    made = convert_video(shop.clip("h264 mkv"), tmp_path / "out.mp4", verify=verify)
    assert made.action == "encode"
    assert told in made.reasons[0].message


def test_a_header_that_travels_as_it_is_is_compared_to_the_byte(shop: Workshop, tmp_path: Path) -> None:
    source, copy = shop.clip("h264 mkv"), tmp_path / "copy.mp4"
    rewrite_packets(source, copy, probe(source))
    _patched(b"avcC", 3, ">B", lambda level: level + 1)(copy)  # outside of the parameters themselves
    found = unlike_packets(source, probe(source), copy, None)
    assert found is not None and "other parameters" in found.message


def test_a_comparison_of_packets_counts_them(shop: Workshop, tmp_path: Path) -> None:
    source = shop.clip("h264 mkv")
    for number, change in enumerate((lambda index, data: None if index == 47 else data, lambda _, data: data)):
        change_packets(source, tmp_path / f"{number}.mp4", change)
    assert unlike_packets(source, probe(source), tmp_path / "1.mp4", None) is None
    fewer = unlike_packets(source, probe(source), tmp_path / "0.mp4", None)
    more = unlike_packets(tmp_path / "0.mp4", probe(tmp_path / "0.mp4"), tmp_path / "1.mp4", None)
    assert fewer is not None and "fewer packets" in fewer.message
    assert more is not None and "packets" in more.message


@pytest.mark.parametrize("name", ["h264 mkv", "h264 mov", "h264 ts", "h264 flv", "h264 avi", "uneven h264", "open GOP"])
def test_a_good_copy_is_its_source(name: str, shop: Workshop, tmp_path: Path) -> None:
    source, info = shop.clip(name), probe(shop.clip(name))
    rewrite_packets(source, tmp_path / "copy.mp4", info)
    assert unlike_packets(source, info, tmp_path / "copy.mp4", None) is None
    refuse_undecodable(tmp_path / "copy.mp4", probe(tmp_path / "copy.mp4"), None)


# ------------------------------------------------------------------------------------------------------ placed as it is


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_flipped_bit_in_a_copied_file_is_found(shop: Workshop, tmp_path: Path, monkeypatch: Monkey) -> None:
    source = shop.clip("h264")
    at = source.stat().st_size - 5  # in the index or behind it: no picture shows it
    chunks = convert._chunks

    def flipping(path: Path) -> Any:
        for chunk in chunks(path):
            yield chunk[:at] + bytes([chunk[at] ^ 1]) + chunk[at + 1 :]

    monkeypatch.setattr(convert, "_chunks", flipping)
    with pytest.raises(VideoFailed) as refused:
        convert_video(source, tmp_path / "out.mp4")
    (finding,) = refused.value.findings
    assert (finding.code, finding.where) == ("video-changed", f"byte {at}")
    assert not list(tmp_path.iterdir())
    convert_video(source, tmp_path / "out.mp4", verify="none")  # what that gives up


@pytest.mark.parametrize("verify", ["sample", "full", "none"])
def test_a_flipped_bit_in_a_video_of_a_project_is_found(tmp_path: Path, verify: str, monkeypatch: Monkey) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",))

    def place_badly(source: Path, temporary: Path, link: str) -> bool:
        is_copied = place(source, temporary, link)
        if source.suffix == ".mp4":
            _flip(temporary, temporary.stat().st_size // 2)
        return is_copied

    monkeypatch.setattr(make_files, "place", place_badly)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--link", "copy", "--verify", verify, "--json")
    assert (result.exit_code == 0) == (verify == "none")
    if verify != "none":
        assert "of the copy is not its source's" in result.finding("video-changed")["message"]


@pytest.mark.parametrize(("link", "n_compared"), [("copy", 1), ("hardlink", 0), ("symlink", 0)])
def test_only_copied_bytes_are_compared(tmp_path: Path, link: str, n_compared: int, monkeypatch: Monkey) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    compared = []

    def watched(*arguments: Any) -> Any:
        compared.append(arguments)
        return unlike_bytes(*arguments)

    monkeypatch.setattr(checks, "unlike_bytes", watched)
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--link", link).exit_code == 0
    assert len(compared) == n_compared


@pytest.mark.parametrize("n_bytes", [0, 1, 2**18, 2**18 + 7, 2**19])
def test_bytes_are_compared_to_the_last(n_bytes: int, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_bytes(bytes(n_bytes))
    assert unlike_bytes(one, other, None) is None
    with other.open("ab") as file:
        file.write(b"x")
    found = unlike_bytes(one, other, None)
    assert found is not None and found.where == f"byte {n_bytes}"
    if n_bytes:
        other.write_bytes(bytes(n_bytes))
        _flip(other, n_bytes - 1)
        found = unlike_bytes(one, other, None)
        assert found is not None and found.where == f"byte {n_bytes - 1}"


def test_a_comparison_of_bytes_is_stopped_and_needs_both_files(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        unlike_bytes(tmp_path / "one", tmp_path / "one", stop)
    with pytest.raises(VideoFailed, match="can't be read again"):
        unlike_bytes(tmp_path / "one", tmp_path / "gone", None)


# ---------------------------------------------------------------------------------------------------- what is decoded


@pytest.mark.parametrize("packet", [1, 14, 30, 47])
def test_a_short_damaged_copy_is_found_wherever_it_is_damaged(packet: int, shop: Workshop, tmp_path: Path) -> None:
    """Up to a stretch, a video is decoded whole."""
    source = tmp_path / "source.mp4"
    change_packets(shop.clip("h264"), source, garbled(packet))
    with pytest.raises(VideoFailed) as refused:
        convert_video(source, tmp_path / "out.mp4")
    assert refused.value.findings[0].code == "video-frame-unreadable"
    assert refused.value.findings[0].subject == str(source)


def test_of_a_long_copy_key_frames_are_decoded_and_no_more(shop: Workshop, tmp_path: Path, monkeypatch: Monkey) -> None:
    """What `--verify sample` gives up: damage of the source that lies between the stretches travels with a copy."""
    monkeypatch.setattr(copies, "_STRETCH_BYTES", 0)
    decoded = []
    decode = OpenedVideo.decode
    monkeypatch.setattr(
        OpenedVideo, "decode", lambda video, packet: decoded.append(packet.pts) or decode(video, packet)
    )
    path, info = shop.clip("h264"), probe(shop.clip("h264"))
    decoded.clear()
    refuse_undecodable(path, info, None)
    assert len(decoded) == 4 < len(sampled_indices(info.n_frames))  # the samples lie in four groups
    for packet, is_found in ((14, False), (24, True)):
        source = tmp_path / f"{packet}.mp4"
        change_packets(path, source, garbled(packet))
        if is_found:
            with pytest.raises(VideoFailed):
                convert_video(source, tmp_path / "out.mp4")
        else:
            assert convert_video(source, tmp_path / f"out{packet}.mp4").action == "place"
            with pytest.raises(VideoFailed):
                convert_video(source, tmp_path / "out.mp4", verify="full")


# ------------------------------------------------------------------------------------------------------------- encodes


def _encode_as(monkeypatch: Monkey, order: list[int]) -> None:
    """An encoder that shows these frames of the master instead of all in order."""
    run = ffmpeg.run_untried

    def run_badly(argv_of: Callable[[Path], list[str]], **options: Any) -> ffmpeg.FfmpegResult:
        result = run(argv_of, **options)
        target = Path(argv_of(Path("ffmpeg"))[-1].removeprefix("file:"))
        options = {"preset": "veryfast", "crf": "20", "g": "12", "colorprim": "smpte170m"}
        write_clip(target, (picture(index) for index in order), Fraction(RATE), container="mp4", options=options)
        return result

    monkeypatch.setattr(ffmpeg, "run_untried", run_badly)


#: Frames that are repeated instead of the next one.
_SAMPLED, _BETWEEN = 19, 24


@pytest.mark.parametrize(
    ("order", "found_at"),
    [
        ([*ALL], None),
        ([*ALL[:24], 23, *ALL[24:-1]], "sample"),  # one repeated, and all behind it too late
        ([*ALL[:_SAMPLED], _SAMPLED - 1, *ALL[_SAMPLED + 1 :]], "sample"),  # a sampled one repeated
        ([*ALL[:_BETWEEN], _BETWEEN - 1, *ALL[_BETWEEN + 1 :]], "full"),  # what a sample gives up
    ],
)
def test_frames_that_an_encoder_repeats(
    order: list[int], found_at: str | None, shop: Workshop, tmp_path: Path, monkeypatch: Monkey
) -> None:
    assert (_SAMPLED in sampled_indices(48)) > (_BETWEEN in sampled_indices(48))
    levels: list[Any] = ["none", "sample", "full"]
    _encode_as(monkeypatch, order)
    for level in levels:
        if found_at is not None and levels.index(level) >= levels.index(found_at):
            with pytest.raises(VideoFailed):
                convert_video(shop.clip("mjpeg"), tmp_path / f"{level}.mp4", verify=level)
        else:
            convert_video(shop.clip("mjpeg"), tmp_path / f"{level}.mp4", verify=level)
            assert indices_by_pyav(tmp_path / f"{level}.mp4") == order


@pytest.mark.parametrize("verify", ["none", "sample", "full"])
@pytest.mark.parametrize("order", [[*ALL[:24], *ALL[23:]], [*ALL[:24], *ALL[25:]]], ids=["one more", "one less"])
def test_an_encode_with_another_count_is_always_found(
    order: list[int], verify: Any, shop: Workshop, tmp_path: Path, monkeypatch: Monkey
) -> None:
    """The video is then encoded from frames that are decoded here."""
    _encode_as(monkeypatch, order)
    convert_video(shop.clip("mjpeg"), tmp_path / "out.mp4", verify=verify)
    assert tuple(indices_by_pyav(tmp_path / "out.mp4")) == ALL
