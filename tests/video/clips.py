"""A torture set of small videos whose every frame carries its own number.

Each frame shows its index as two rows of black and white cells, the second row the complement of the first, on a moving
grey background: the code survives lossy coding, and a frame that was lost, doubled or swapped is known exactly. All
clips come from one lossless master; what no tool writes (turned matrices, zero durations, cuts) is patched in bytes.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from avi_bytes import (
    before_index,
    index_not_written,
    last_chunk_cut,
    second_part_unfinished,
    two_parts,
    with_count,
    with_rate,
)
from handmade import (
    change_packets,
    emptied,
    flipped,
    garbled,
    pack_b_frames,
    skip_frames,
    with_segment,
    with_unit,
    without_last_unit,
    write_fields,
)

from dlc2lp.video.synthetic import write_clip

WIDTH, HEIGHT, N_FRAMES, RATE = 160, 128, 48, Fraction(30)
_CELL, _BITS = 16, 8
ALL = tuple(range(N_FRAMES))
#: What Theora's decoders give of a picture that stands: they pass over most of the empty packets.
STILL = (10,)


# ---------------------------------------------------------------------------------------------- the code in the picture


def picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The RGB frame of an index: a blob that moves on a slope, and the index in the top-left corner."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    blob = 30 * np.exp(-((x - (20 + 2.3 * index) % width) ** 2 + (y - 90) ** 2) / 200)
    slope = 105 + 25 * (x / width) + 10 * np.sin(y / 9 + index / 5)
    image = np.repeat((slope + blob)[:, :, None], 3, axis=2)
    image[:, :, 0] += 5
    bits = [(index >> bit) & 1 for bit in range(_BITS)]
    for row, cells in enumerate((bits, [1 - bit for bit in bits])):
        for column, cell in enumerate(cells):
            image[row * _CELL : (row + 1) * _CELL, column * _CELL : (column + 1) * _CELL] = 235 if cell else 20
    return image.clip(0, 255).astype(np.uint8)


def index_in(gray: np.ndarray) -> int | None:
    """The index that an upright picture carries; None if it shows no valid code."""
    if gray.shape[0] < 2 * _CELL or gray.shape[1] < _BITS * _CELL:
        return None
    middles = np.arange(_BITS) * _CELL + _CELL // 2
    rows = []
    for row in (0, 1):
        y = row * _CELL + _CELL // 2
        levels = [float(gray[y - 3 : y + 3, x - 3 : x + 3].mean()) for x in middles]
        if any(80 < level < 175 for level in levels):
            return None
        rows.append([level > 128 for level in levels])
    if any(bit == complement for bit, complement in zip(*rows, strict=True)):
        return None
    return sum(1 << bit for bit, is_set in enumerate(rows[0]) if is_set)


def indices_by_pyav(path: Path) -> list[int | None]:
    import av

    with av.open(f"file:{path}") as container:
        found = []
        for frame in container.decode(video=0):
            frame.colorspace = 5  # PyAV would not make gray of a matrix that it does not know
            found.append(index_in(frame.to_ndarray(format="gray")))
        return found


def indices_by_opencv(path: Path) -> list[int | None]:
    import cv2

    capture = cv2.VideoCapture(str(path))
    found: list[int | None] = []
    while True:
        ok, image = capture.read()
        if not ok:
            return found
        found.append(index_in(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)))


# ------------------------------------------------------------------------------------------------------- making clips


def _programs() -> dict[str, Path]:
    """The ffmpegs that users have: the system's and that of imageio-ffmpeg."""
    programs = {}
    if system := shutil.which("ffmpeg"):
        programs["system"] = Path(system)
    try:
        import imageio_ffmpeg

        programs["imageio"] = Path(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        pass
    return programs


FFMPEGS = _programs()


class Workshop:
    """Makes clips in one folder with one ffmpeg; each is made once, when it is first asked for."""

    def __init__(self, folder: Path, ffmpeg: str) -> None:
        self.folder = folder
        self.ffmpeg = ffmpeg
        self._made: dict[str, Path] = {}

    def clip(self, name: str) -> Path:
        """The file of the clip of this name; skips the test where this ffmpeg lacks the clip's encoder."""
        if name not in self._made:
            clip = CLIPS[name]
            target = self.folder / name / clip.file_name
            target.parent.mkdir()
            try:
                clip.make(self, target)
            except subprocess.CalledProcessError as failure:
                if "Unknown encoder" in failure.stderr:
                    pytest.skip(f"{self.ffmpeg} has no encoder for {name}")
                raise RuntimeError(failure.stderr) from failure
            self._made[name] = target
        return self._made[name]

    @cached_property
    def master(self) -> Path:
        path = self.folder / "master.mkv"
        write_clip(path, map(picture, ALL), RATE, codec="ffv1", pixel_format="bgr0")
        return path

    def ff(self, *arguments: str | Path | int) -> None:
        argv = [self.ffmpeg, "-nostdin", "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(argv, check=True, capture_output=True, text=True)

    def encode(self, target: Path, codec: str, *options: str, filters: str = "null") -> None:
        """The master through one encoder."""
        self.ff(
            "-i", self.master, "-vf", filters, "-fps_mode", "passthrough", "-c:v", *codec.split(), *options, target
        )  # fmt: skip

    def h264(self, target: Path, *options: str, filters: str = "null") -> None:
        self.encode(target, H264, *options, filters=filters)

    def retimed(self, target: Path, codec: str, times: str, clock: int, *options: str) -> None:
        """The master with frame N at a time of its own, an expression in ticks of 1/clock s."""
        timing = f"settb=1/{clock},setpts='{times}'"
        self.encode(target, codec, "-enc_time_base", f"1/{clock}", *options, filters=timing)


H264 = "libx264 -preset veryfast -g 12 -pix_fmt yuv420p"
H264_IP = f"{H264} -bf 0"
MPEG4 = "mpeg4 -q:v 3 -g 12"
MJPEG = "mjpeg -q:v 3 -pix_fmt yuvj420p"

Make = Callable[[Workshop, Path], None]


@dataclass(frozen=True)
class Clip:
    """One kind of video and what must become of it.

    Attributes
    ----------
    check
        The action that `check_video` names, or the code of the finding with which it refuses.
    convert
        The code of the finding with which `convert_video` refuses where check saw nothing: what only decoding shows.
    truth
        The indices of the frames that a player shows, in order.
    rate
        Frames per second of the converted video; None where any average will do.
    size
        Width and height of the converted video.
    remarks
        The codes of what is told of it, though it can be converted.
    """

    file_name: str
    make: Make
    check: str
    convert: str = ""
    truth: tuple[int, ...] = ALL
    rate: Fraction | None = RATE
    size: tuple[int, int] = (WIDTH, HEIGHT)
    remarks: tuple[str, ...] = ()


def _encoded(codec: str, *options: str, filters: str = "null") -> Make:
    return lambda shop, target: shop.encode(target, codec, *options, filters=filters)


def _retimed(codec: str, times: str, clock: int, *options: str) -> Make:
    return lambda shop, target: shop.retimed(target, codec, times, clock, *options)


def _at_rate(codec: str, rate: str) -> Make:
    timing = f"settb=1/({rate}),setpts=N,fps={rate}"
    return lambda shop, target: shop.encode(target, codec, filters=timing)


def _copied(other: str, *options: str) -> Make:
    """Another clip's packets in another wrapping."""
    return lambda shop, target: shop.ff("-i", shop.clip(other), "-map", "0:v:0", "-c", "copy", *options, target)


def _with_sound(codec: str, sound: str, seconds: float = 1.6) -> Make:
    def make(shop: Workshop, target: Path) -> None:
        tone = f"sine=frequency=440:duration={seconds}"
        shop.ff(
            "-i", shop.master, "-f", "lavfi", "-i", tone, "-map", "0:v", "-map", "1:a",
            "-c:v", *codec.split(), "-c:a", *sound.split(), target,
        )  # fmt: skip

    return make


def _patched(other: str, patch: Callable[[bytearray], bytearray | None]) -> Make:
    """Another clip with its bytes changed in place or replaced."""

    def make(shop: Workshop, target: Path) -> None:
        data = bytearray(shop.clip(other).read_bytes())
        changed = patch(data)
        target.write_bytes(data if changed is None else changed)

    return make


def _spoiled(other: str, change: Callable[[int, bytes], bytes | None]) -> Make:
    """Another clip with the bytes of its packets changed."""
    return lambda shop, target: change_packets(shop.clip(other), target, change)


def _without_end_of_image(_: int, data: bytes) -> bytes:
    return data.rstrip(b"\0").removesuffix(b"\xff\xd9")


def _between_junk(_: int, data: bytes) -> bytes:
    return b"\0" * 30 + b"abc" + data + b"junk\xff\0trailing"


def _noisy_sound(shop: Workshop, target: Path) -> None:
    """Sound that no decoder can read beside a whole video."""
    import av

    with av.open(str(shop.clip("sound mpeg4"))) as source, av.open(str(target), "w") as output:
        tracks = {stream: output.add_stream_from_template(stream) for stream in source.streams}
        for packet in list(source.demux()):
            if packet.size:
                data = bytes(packet) if packet.stream.type == "video" else b"\xff" * packet.size
                changed = av.Packet(data)
                changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
                changed.is_keyframe, changed.stream = packet.is_keyframe, tracks[packet.stream]
                output.mux(changed)


def _holding(content: bytes) -> Make:
    return lambda shop, target: target.write_bytes(content) and None


def _cut(share: float) -> Callable[[bytearray], bytearray]:
    return lambda data: data[: int(len(data) * share)]


def _turned(quarter_turns: int) -> Callable[[bytearray], None]:
    """Write a clockwise turn into the display matrix of a track (ISO/IEC 14496-12, 8.3.2)."""
    one, minus = 0x10000, 0xFFFF0000
    matrix = {1: (0, one, 0, minus, 0, 0), 2: (minus, 0, 0, 0, minus, 0), 3: (0, minus, 0, one, 0, 0)}[quarter_turns]

    def patch(data: bytearray) -> None:
        start = data.index(b"tkhd") + 4 + 40
        data[start : start + 24] = struct.pack(">6I", *matrix)

    return patch


def _mirrored(across: bool) -> Callable[[bytearray], None]:
    """Write a matrix that mirrors the picture, left to right or top to bottom."""

    def patch(data: bytearray) -> None:
        start = data.index(b"tkhd") + 4 + 40
        one, minus = 0x10000, 0xFFFF0000
        data[start : start + 24] = struct.pack(
            ">6I", *((minus, 0, 0, 0, one, 0) if across else (one, 0, 0, 0, minus, 0))
        )

    return patch


def _with_aperture(data: bytearray) -> bytearray:
    """Add a clean aperture that is smaller than the picture (``clap``; ISO/IEC 14496-12, 12.1.4.2)."""
    halves = (WIDTH - 16, 1, HEIGHT - 8, 1, 0, 1, 0, 1)
    box = struct.pack(">I4s8I", 40, b"clap", *halves)
    chain = []
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4v"):
        chain.append(data.index(kind, chain[-1] if chain else data.index(b"moov") - 4) - 4)
    end = chain[-1] + struct.unpack_from(">I", data, chain[-1])[0]
    for start in chain:
        struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + len(box))
    return data[:end] + box + data[end:]


def _of_two_samplings(shop: Workshop, target: Path) -> None:
    """MJPEG of a camera whose sampling changes from one frame to the next."""
    import av

    halves = []
    for number, (sampling, frames) in enumerate((("yuvj422p", "lt(n,24)"), ("yuvj420p", "gte(n,24)"))):
        halves.append(target.with_name(f"half{number}.avi"))
        shop.encode(halves[-1], f"mjpeg -q:v 3 -pix_fmt {sampling}", filters=f"select='{frames}'")
    with av.open(str(halves[0])) as first, av.open(str(halves[1])) as second, av.open(str(target), "w") as output:
        track = output.add_stream_from_template(first.streams.video[0])
        packets = [packet for half in (first, second) for packet in half.demux(video=0) if packet.size]
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = number
            packet.time_base = 1 / RATE
            packet.stream = track
            output.mux(packet)


def _joined_h264(*options: str, filters: str = "null") -> Make:
    """Two halves in one mp4, the second encoded otherwise, joined without an encoder as people do."""

    def make(shop: Workshop, target: Path) -> None:
        halves = [target.with_name(f"half{number}.ts") for number in (0, 1)]
        shop.h264(halves[0], filters="select='lt(n,24)'")
        shop.h264(halves[1], *options, filters=f"select='gte(n,24)',{filters}")
        shop.ff("-i", f"concat:{halves[0]}|{halves[1]}", "-map", "0:v:0", "-c", "copy", target)

    return make


def _exif(orientation: int) -> bytes:
    """A camera's EXIF: the mark, the byte order, and a list of one entry, the orientation (EXIF 2.3, 4.6.2)."""
    entry = b"\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0"
    content = b"Exif\0\0" + b"II*\0\x08\0\0\0" + b"\x01\0" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def _without_durations(data: bytearray) -> None:
    """Give some frames no duration, so that the next has the same time."""
    start = data.index(b"stts") + 8
    (n_entries,) = struct.unpack_from(">I", data, start)
    assert n_entries > 20
    for entry in (5, 6, 11, 17):
        struct.pack_into(">I", data, start + 4 + 8 * entry + 4, 0)


def _cut_at(mark: bytes, n_more: int, which: int = -1) -> Callable[[bytearray], bytearray]:
    """Cut some bytes behind a place in the file, by default its last."""

    def patch(data: bytearray) -> bytearray:
        places = [at for at in range(len(data)) if data.startswith(mark, at)]
        return data[: places[which] + n_more]

    return patch


def _garbled(data: bytearray) -> None:
    """Random bytes in the middle of the recorded data."""
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[start : start + 400] = np.random.default_rng(4).bytes(400)


def _without_first_packet(shop: Workshop, target: Path) -> None:
    import av

    with av.open(str(shop.clip("h264"))) as source, av.open(str(target), "w") as output:
        stream = source.streams.video[0]
        track = output.add_stream_from_template(stream)
        for packet in list(source.demux(stream))[1:-1]:
            packet.stream = track
            output.mux(packet)


def _packets(other: str, chosen: Callable[[list[bool]], slice], wrapping: str | None = None) -> Make:
    """Some packets of another clip, chosen by which of them are key frames."""

    def make(shop: Workshop, target: Path) -> None:
        import av

        with av.open(str(shop.clip(other))) as source, av.open(str(target), "w", format=wrapping) as output:
            stream = source.streams.video[0]
            track = output.add_stream_from_template(stream)
            packets = [packet for packet in source.demux(stream) if packet.size]
            for packet in packets[chosen([packet.is_keyframe for packet in packets])]:
                packet.stream = track
                output.mux(packet)

    return make


def _from_key(other: str, which: int, n_more: int = 0, wrapping: str | None = None) -> Make:
    """Another clip cut without an encoder: from one of its key frames on, or from some packets behind that."""

    def chosen(are_keys: list[bool]) -> slice:
        return slice([index for index, is_key in enumerate(are_keys) if is_key][which] + n_more, None)

    return _packets(other, chosen, wrapping)


def _first_packets(other: str, n_packets: int) -> Make:
    return _packets(other, lambda _: slice(n_packets))


def _from_share(share: float, unit: int = 1) -> Callable[[bytearray], bytearray]:
    """What follows a part of the file, cut between units of some bytes."""
    return lambda data: data[int(len(data) // unit * share) * unit :]


def _joined(*clips: str) -> Make:
    """Clips one behind the other, as `cat` does it."""
    return lambda shop, target: target.write_bytes(b"".join(shop.clip(clip).read_bytes() for clip in clips)) and None


def _ts_part(start: int, end: int, begins_s: float, codec: str = H264) -> Clip:
    """Frames of the master from one on and before another, in a transport stream whose clock begins then."""
    filters = f"trim=start_frame={start}:end_frame={end},setpts=PTS-STARTPTS"
    options = ("-output_ts_offset", str(begins_s), "-muxdelay", "0", "-muxpreload", "0")
    return Clip("a.ts", _encoded(codec, *options, filters=filters), "")


def _still_theora(shop: Workshop, target: Path) -> None:
    """Theora in which one picture stands for a while: its encoder then writes empty packets, "as before"."""
    pictures = target.with_name("pictures.mkv")
    write_clip(pictures, (picture(min(index, 10) if index < 20 else index) for index in ALL), RATE,
               codec="ffv1", pixel_format="bgr0")  # fmt: skip
    shop.ff("-i", pictures, "-c:v", "libtheora", "-q:v", "7", "-pix_fmt", "yuv420p", "-g", "12", target)


def _two_streams(shop: Workshop, target: Path) -> None:
    shop.ff(
        "-i", shop.master, "-filter_complex", "[0:v]split[a][b];[b]vflip[c]", "-map", "[a]", "-map", "[c]",
        "-c:v", *H264.split(), target,
    )  # fmt: skip


def _cover(shop: Workshop, target: Path) -> None:
    cover = target.with_name("cover.png")
    shop.ff("-i", shop.master, "-frames:v", "1", "-vf", "vflip", cover)
    shop.ff(
        "-i", cover, "-i", shop.clip("h264"), "-map", "0:v", "-map", "1:v", "-c", "copy",
        "-disposition:v:0", "attached_pic", target,
    )  # fmt: skip


def _subtitles_and_chapters(shop: Workshop, target: Path) -> None:
    words, chapters = target.with_name("words.srt"), target.with_name("chapters.txt")
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nh264 yuv420p\n", encoding="utf-8")
    chapters.write_text(
        ";FFMETADATA1\ntitle=h264 yuv420p\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\ntitle=one\n", encoding="utf-8"
    )
    shop.ff(
        "-i", shop.master, "-i", words, "-i", chapters, "-map", "0:v", "-map", "1:s", "-map_metadata", "2",
        "-c:v", *MPEG4.split(), "-c:s", "srt", target,
    )  # fmt: skip


def _fields(wrapping: str) -> Make:
    def make(shop: Workshop, target: Path) -> None:
        raw = target.with_name("fields.h264")
        write_fields(raw, map(picture, ALL[:24]))
        shop.ff("-i", raw, "-c", "copy", "-f", wrapping, target)

    return make


def _two_pass_vp8(shop: Workshop, target: Path) -> None:
    """VP8 with alternate reference frames, which are packets that nobody sees."""
    log = target.with_name("pass")
    for number, output in ((1, ["-f", "null", "-"]), (2, [target])):
        shop.ff(
            "-i", shop.master, "-c:v", "libvpx", "-pix_fmt", "yuv420p", "-b:v", "300k", "-deadline", "good",
            "-cpu-used", "5", "-auto-alt-ref", "1", "-lag-in-frames", "25", "-arnr-maxframes", "7", "-pass", number,
            "-passlogfile", log, *output,
        )  # fmt: skip


def _latin_title(data: bytearray) -> bytearray:
    return data.replace(b"Maeuse", b"M\xe4use!")


def _fast_start(shop: Workshop, target: Path) -> None:
    shop.h264(target, "-movflags", "+faststart")


def _live_clusters(shop: Workshop, target: Path) -> None:
    """Clusters of unknown length, as a live encoder writes them before it knows what comes."""
    data = bytearray(shop.clip("live mkv").read_bytes())
    mark = b"\x1f\x43\xb6\x75"
    at = data.find(mark)
    while at >= 0:
        width = 9 - data[at + 4].bit_length()
        data[at + 4 : at + 4 + width] = ((1 << (7 * width + 1)) - 1).to_bytes(width, "big")
        at = data.find(mark, at + 4)
    target.write_bytes(data)


def _sound_only(shop: Workshop, target: Path) -> None:
    shop.ff("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", target)


_OPEN = "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:scenecut=0"
_H264_OPEN = f"{H264} -x264-params {_OPEN}:repeat-headers=1"
_HEVC_OPEN = f"libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error:repeat-headers=1:{_OPEN}"
_BROKEN = ("video-starts-broken",)
_CUT_END = ("video-ends-broken",)
_COARSE = "-video_track_timescale 100"
_UNEVEN = "(N+0.4*sin(2.1*N)+5*gte(N,20))*3000"
_BURST = "if(lt(N,24),N*3000,24*3000+(N-24)*300)"
_GAPS = "N+gte(N,10)+2*gte(N,30)"
_CROPPED = "crop={}:{}:0:0:exact=1"

CLIPS: dict[str, Clip] = {
    # conforming
    "h264": Clip("a.mp4", _encoded(H264), "place"),
    "all key frames": Clip("a.mp4", _encoded(H264, "-g", "1"), "place"),
    "one group": Clip("a.mp4", _encoded(H264, "-g", "250", "-x264-params", "scenecut=0"), "place"),
    "open GOP": Clip("a.mp4", _encoded(H264, "-x264-params", "open-gop=1:keyint=12:bframes=3:scenecut=0"), "place"),
    "late start": Clip("a.mp4", _copied("h264", "-output_ts_offset", "1.5"), "place"),
    "interlaced h264": Clip("a.mp4", _encoded(H264, "-flags", "+ildct+ilme"), "place"),
    "aac sound": Clip("a.mp4", _with_sound(H264, "aac"), "place"),
    "longer sound": Clip("a.mp4", _with_sound(H264, "aac", 4.0), "place"),
    "cover picture": Clip("a.mp4", _cover, "place"),
    "1000 fps": Clip("a.mp4", _at_rate(H264, "1000"), "place", rate=Fraction(1000)),
    "one fifth fps": Clip("a.mp4", _at_rate(H264, "1/5"), "place", rate=Fraction(1, 5)),
    "one frame": Clip("a.mp4", _encoded(H264, "-frames:v", "1"), "place", truth=(0,)),
    "upper case": Clip("A.MP4", _encoded(H264), "place"),
    # h264 in another wrapping
    "h264 avi": Clip("a.avi", _encoded(H264, "-bf", "0"), "remux"),
    "h264 mov": Clip("a.mov", _encoded(H264), "remux"),
    "h264 m4v": Clip("a.m4v", _encoded(H264, "-f", "mp4"), "remux"),
    "h264 mkv": Clip("a.mkv", _encoded(H264), "rewrite"),
    "h264 ts": Clip("a.ts", _encoded(H264), "remux"),
    "h264 flv": Clip("a.flv", _encoded(H264), "rewrite"),
    "fragmented mp4": Clip("a.mp4", _encoded(H264, "-movflags", "frag_keyframe+empty_moov"), "remux"),
    "avi named mp4": Clip("a.mp4", _encoded(H264, "-bf", "0", "-f", "avi"), "remux"),
    "mkv named mp4": Clip("a.mp4", _encoded(H264, "-f", "matroska"), "rewrite"),
    "mp4 named avi": Clip("a.avi", _encoded(H264, "-f", "mp4"), "remux"),
    "two video streams": Clip("a.mp4", _two_streams, "remux"),
    "29.97 fps mkv": Clip("a.mkv", _at_rate(H264, "30000/1001"), "rewrite", rate=Fraction(30000, 1001)),
    "25 fps mkv": Clip("a.mkv", _at_rate(H264, "25"), "remux", rate=Fraction(25)),
    "negative start": Clip("a.mkv", _encoded(H264, "-bf", "2", "-output_ts_offset", "-0.3"), "rewrite"),
    # h264 with an uneven clock
    "uneven h264": Clip(
        "a.mp4", _retimed(H264, _UNEVEN, 90000, "-video_track_timescale", "90000"), "rewrite", rate=None
    ),
    "burst": Clip("a.mp4", _retimed(H264, _BURST, 90000, "-video_track_timescale", "90000"), "rewrite", rate=None),
    "h264 null chunks": Clip("a.avi", _retimed(H264, _GAPS, 30, "-bf", "0"), "rewrite"),
    "no durations": Clip("a.mp4", _patched("uneven no B", _without_durations), "encode", rate=None),
    "uneven no B": Clip("a.mp4", _retimed(H264, _UNEVEN, 90000, "-bf", "0"), "rewrite", rate=None),
    # h264 whose packets do not tell the order of display
    "h264 avi B": Clip("a.avi", _encoded(H264, "-bf", "3", "-x264-params", "b-adapt=0"), "encode"),
    "fields ts": Clip("a.mts", _fields("mpegts"), "encode", truth=ALL[:24], rate=Fraction(25)),
    "fields mp4": Clip("a.mp4", _fields("mp4"), "encode", truth=ALL[:24], rate=Fraction(25)),
    "raw h264": Clip("a.h264", _encoded(H264), "encode"),
    # h264 that no player shows as it is stored
    "edit list": Clip(
        "a.mp4", lambda shop, target: shop.ff("-ss", "0.35", "-i", shop.clip("h264"), "-c", "copy", target), "encode",
        truth=ALL[11:],
    ),
    "turned 90": Clip("a.mp4", _patched("left turned", _turned(1)), "encode"),
    "turned 180": Clip("a.mp4", _patched("upside down", _turned(2)), "encode"),
    "turned 270": Clip("a.mp4", _patched("right turned", _turned(3)), "encode"),
    "left turned": Clip("a.mp4", _encoded(H264, filters="transpose=cclock"), "place", truth=(), size=(HEIGHT, WIDTH)),
    "right turned": Clip("a.mp4", _encoded(H264, filters="transpose=clock"), "place", truth=(), size=(HEIGHT, WIDTH)),
    "upside down": Clip("a.mp4", _encoded(H264, filters="hflip,vflip"), "place", truth=()),
    "turned mpeg4": Clip("a.mp4", _patched("left turned mpeg4", _turned(1)), "encode"),
    "left turned mpeg4": Clip(
        "a.mp4", _encoded(MPEG4, filters="transpose=cclock"), "encode", truth=(), size=(HEIGHT, WIDTH)
    ),
    "mirrored": Clip(
        "a.mp4", _patched("upside down", _mirrored(across=True)), "encode", remarks=("video-mirrored",)
    ),
    "mirrored down": Clip("a.mp4", _patched("h264", _mirrored(across=False)), "encode", remarks=("video-mirrored",)),
    "clean aperture": Clip("a.mov", _patched("mpeg4 mov", _with_aperture), "encode"),
    "mpeg4 mov": Clip("a.mov", _encoded(MPEG4), "encode"),
    "stretched pixels": Clip("a.mp4", _encoded(H264, filters="setsar=4/3"), "encode"),
    # h264 in other pixel formats
    "yuv444p": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv444p"), "encode"),
    "yuv422p": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv422p"), "encode"),
    "10 bit": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv420p10le"), "encode"),
    "gray": Clip("a.mp4", _encoded(H264, "-pix_fmt", "gray"), "encode"),
    "full range": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuvj420p"), "encode"),
    "bt709": Clip("a.mp4", _encoded(H264, "-x264-params", "colormatrix=bt709"), "place"),
    "ycgco": Clip("a.mp4", _encoded(H264, "-x264-params", "colormatrix=YCgCo"), "encode"),
    "ycgco mpeg2": Clip("a.mkv", _encoded("mpeg2video -q:v 3 -g 12", "-colorspace", "ycgco"), "encode"),
    "joined, larger": Clip("a.mp4", _joined_h264(filters="scale=240:192"), "encode", rate=None),
    "joined, smaller": Clip("a.mkv", _joined_h264(filters="scale=128:96"), "encode", rate=None),
    "joined, 10 bit": Clip("a.mp4", _joined_h264("-pix_fmt", "yuv420p10le"), "encode", rate=None),
    "two samplings": Clip("a.avi", _of_two_samplings, "encode"),
    "lossless": Clip("a.mp4", _encoded(f"{H264} -qp 0"), "encode"),
    "lossless mkv": Clip("a.mkv", _encoded(f"{H264} -qp 0"), "encode"),
    "baseline": Clip("a.mp4", _encoded(f"{H264} -profile:v baseline"), "place"),
    "main": Clip("a.mp4", _encoded(f"{H264} -profile:v main"), "place"),
    "lossless rgb": Clip("a.mkv", _encoded("libx264rgb -qp 0 -preset veryfast -g 12"), "encode"),
    # other codecs
    "mjpeg": Clip("a.avi", _encoded(MJPEG), "encode"),
    "mjpeg null chunks": Clip("a.avi", _retimed(MJPEG, _GAPS, 30), "encode"),
    "mostly null chunks": Clip("a.avi", _retimed(MJPEG, "N*20", 600), "encode"),
    "uneven null chunks": Clip("a.avi", _retimed(MJPEG, "N*20+mod(N,3)", 600), "encode", rate=None),
    "mpeg4": Clip("a.avi", _encoded(MPEG4), "encode"),
    "mpeg4 B": Clip("a.avi", _encoded(MPEG4, "-bf", "2"), "encode"),
    "xvid": Clip("a.avi", _encoded("libxvid -q:v 3 -g 12 -flags +mv4"), "encode"),
    "mpeg4 alternating": Clip("a.avi", _encoded(MPEG4, "-bf", "1", "-sc_threshold", "1000000000"), "encode"),
    "packed B": Clip("a.avi", lambda shop, target: pack_b_frames(shop.clip("mpeg4 alternating"), target), "encode"),
    "skipped frames": Clip(
        "a.avi", lambda shop, target: skip_frames(shop.clip("all key mpeg4"), target, {20, 31}), "encode",
        truth=tuple(sorted({*ALL} - {20, 31})),
    ),
    "all key mpeg4": Clip("a.avi", _encoded(MPEG4, "-g", "1"), "encode"),
    "latin-1 title": Clip("a.avi", _patched("titled", _latin_title), "encode"),
    "titled": Clip("a.avi", _encoded(MPEG4, "-metadata", "title=Maeuse"), "encode"),
    "msmpeg4": Clip("a.avi", _encoded("msmpeg4 -q:v 3"), "encode"),
    "huffyuv": Clip("a.avi", _encoded("huffyuv"), "encode"),
    "raw bgr24": Clip("a.avi", _encoded("rawvideo -pix_fmt bgr24"), "encode"),
    "raw gray": Clip("a.avi", _encoded("rawvideo -pix_fmt gray"), "encode"),
    "ffv1": Clip("a.mkv", _encoded("ffv1 -pix_fmt yuv420p"), "encode"),
    "hevc": Clip("a.mp4", _encoded("libx265 -preset ultrafast -x265-params log-level=error"), "encode"),
    "vp8": Clip("a.webm", _encoded("libvpx -b:v 1M -auto-alt-ref 1 -lag-in-frames 16 -deadline realtime"), "encode"),
    "vp8 hidden": Clip("a.webm", _two_pass_vp8, "encode"),
    "vp9": Clip("a.webm", _encoded("libvpx-vp9 -b:v 1M -deadline realtime -cpu-used 8"), "encode"),
    "av1": Clip("a.mp4", _encoded("libsvtav1 -preset 12 -pix_fmt yuv420p"), "encode"),
    "prores": Clip("a.mov", _encoded("prores_ks"), "encode"),
    "wmv2": Clip("a.wmv", _with_sound("wmv2 -q:v 3", "wmav2"), "encode"),
    "mpeg1": Clip("a.mpg", _encoded("mpeg1video -q:v 3 -g 12 -bf 2"), "encode"),
    "mpeg2 interlaced": Clip("a.mpg", _encoded("mpeg2video -q:v 3 -g 12 -bf 2 -flags +ildct+ilme"), "encode"),
    "subtitles and chapters": Clip("a.mkv", _subtitles_and_chapters, "encode"),
    "pcm sound": Clip("a.avi", _with_sound(MPEG4, "pcm_s16le"), "encode"),
    "pcm sound mov": Clip("a.mov", _with_sound(MPEG4, "pcm_s16le", 3.0), "encode"),
    "vorbis sound": Clip("a.mkv", _with_sound(MPEG4, "libvorbis", 3.0), "encode"),
    "theora": Clip("a.ogv", _encoded("libtheora -q:v 7 -pix_fmt yuv420p"), "encode"),
    "theora still": Clip("a.ogv", _still_theora, "encode", truth=(*range(11), *STILL, *range(20, 48)), rate=None),
    "raw mjpeg": Clip("a.mjpeg", _encoded(MJPEG, "-f", "mjpeg"), "encode", rate=Fraction(25)),
    "raw mjpeg named avi": Clip("a.avi", _encoded(MJPEG, "-f", "mjpeg"), "encode", rate=Fraction(25)),
    # cut without an encoder, so that leading frames lean on what is not there
    "hevc open GOP": Clip("a.mkv", _encoded(_HEVC_OPEN), ""),
    "h264 open GOP": Clip("a.mkv", _encoded(_H264_OPEN), ""),
    "h264 open GOP ts": Clip("a.ts", _encoded(_H264_OPEN), ""),
    "h264 open GOP raw": Clip("a.h264", _encoded(_H264_OPEN), ""),
    "mpeg2 open GOP": Clip("a.ts", _encoded("mpeg2video -q:v 3 -g 12 -bf 2"), ""),
    "mpeg4 B mkv": Clip("a.mkv", _encoded(MPEG4, "-bf", "2"), ""),
    "hevc cut mkv": Clip("a.mkv", _from_key("hevc open GOP", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    "hevc cut ts": Clip("a.ts", _from_key("hevc open GOP", 1), "encode", truth=ALL[12:], rate=None, remarks=_BROKEN),
    "hevc cut mp4": Clip("a.mp4", _from_key("hevc open GOP", 1), "encode", truth=ALL[12:], rate=None),
    "hevc cut raw": Clip("a.hevc", _from_key("hevc open GOP", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    "mpeg2 cut mkv": Clip("a.mkv", _from_key("mpeg2 open GOP", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    "mpeg2 cut ts": Clip("a.ts", _from_key("mpeg2 open GOP", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    "mpeg2 cut raw": Clip(
        "a.m2v", _from_key("mpeg2 open GOP", 1, wrapping="mpeg2video"), "encode", truth=ALL[12:], remarks=_BROKEN
    ),
    "mpeg2 cut between": Clip("a.mp4", _from_key("mpeg2 open GOP", 1, 5), "encode", truth=ALL[24:], remarks=_BROKEN),
    "mpeg4 cut avi": Clip("a.avi", _from_key("mpeg4 B mkv", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    "mpeg4 cut mkv": Clip("a.mkv", _from_key("mpeg4 B mkv", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    # the same, where ffmpeg complains of what it can't decode
    "h264 cut mkv": Clip("a.mkv", _from_key("h264 open GOP", 1), "encode", truth=ALL[12:], remarks=_BROKEN),
    "h264 cut mp4": Clip("a.mp4", _from_key("h264 open GOP", 1), "encode", truth=ALL[12:], rate=None),
    "h264 cut between": Clip("a.mkv", _from_key("h264 open GOP", 1, 5), "encode", truth=ALL[24:], remarks=_BROKEN),
    "h264 cut ts": Clip(
        "a.ts", _patched("h264 open GOP ts", _from_share(0.3, 188)), "encode", truth=ALL[24:], remarks=_BROKEN
    ),
    "h264 cut raw": Clip(
        "a.h264", _patched("h264 open GOP raw", _from_share(0.3)), "encode", truth=ALL[12:], remarks=_BROKEN
    ),
    "mpeg2 cut between ts": Clip(
        "a.ts", _patched("mpeg2 open GOP", _from_share(0.3, 188)), "encode", truth=ALL[24:], remarks=_BROKEN
    ),
    "hevc cut between": Clip("a.mkv", _from_key("hevc open GOP", 1, 5), "encode", truth=ALL[24:], remarks=_BROKEN),
    # cut at the end, behind a frame on which others lean that are shown before it
    "h264 end cut mkv": Clip(
        "a.mkv", _first_packets("h264 open GOP", 26), "rewrite", truth=(*ALL[:25], 28), rate=None, remarks=_CUT_END
    ),
    "h264 end cut ts": Clip(
        "a.ts", _first_packets("h264 open GOP ts", 26), "rewrite", truth=(*ALL[:25], 28), rate=None, remarks=_CUT_END
    ),
    # joined with cat, so that the clock is no clock
    "ts 1": _ts_part(0, 24, 0),
    "ts 1 at 20 s": _ts_part(0, 24, 20),
    "ts 2 from 0": _ts_part(24, 48, 0),
    "ts 2 half a frame early": _ts_part(24, 48, 0.8 - 1 / 60),
    "ts 2 a frame early": _ts_part(24, 48, 0.8 - 1 / 30),
    "ts 2 overlapping": _ts_part(24, 48, 0.4),
    "ts 2 at 3 s": _ts_part(24, 48, 3),
    "ts 2 mpeg2": _ts_part(24, 48, 0, "mpeg2video -q:v 3 -g 12 -bf 2"),
    "ts 1 mpeg2": _ts_part(0, 24, 0, "mpeg2video -q:v 3 -g 12 -bf 2"),
    "joined, clock restarts": Clip("a.ts", _joined("ts 1", "ts 2 from 0"), "encode"),
    "joined, half a frame early": Clip("a.ts", _joined("ts 1", "ts 2 half a frame early"), "encode"),
    "joined, a frame early": Clip("a.ts", _joined("ts 1", "ts 2 a frame early"), "encode"),
    "joined, overlapping": Clip("a.ts", _joined("ts 1", "ts 2 overlapping"), "encode"),
    "joined, second earlier": Clip("a.ts", _joined("ts 1 at 20 s", "ts 2 at 3 s"), "encode"),
    "joined, gap": Clip("a.ts", _joined("ts 1", "ts 2 at 3 s"), "rewrite", rate=None),
    "joined mpeg2": Clip("a.ts", _joined("ts 1 mpeg2", "ts 2 mpeg2"), "encode"),
    # joined without an encoder at a frame whose leading frames lean on what is not there
    "ts 1 hevc": _ts_part(0, 24, 0, _HEVC_OPEN),
    "ts 2 hevc": Clip("a.ts", _copied("hevc cut mkv", "-output_ts_offset", "2"), ""),
    "ts 2 hevc from 0": Clip("a.ts", _copied("hevc cut mkv"), ""),
    "ts 2 mpeg2 cut": Clip("a.ts", _copied("mpeg2 cut mkv", "-output_ts_offset", "2"), ""),
    "joined hevc": Clip(
        "a.ts", _joined("ts 1 hevc", "ts 2 hevc"), "encode", truth=(), rate=None, remarks=_BROKEN
    ),
    "joined hevc, clock restarts": Clip(
        "a.ts", _joined("ts 1 hevc", "ts 2 hevc from 0"), "encode", truth=(), rate=None, remarks=_BROKEN
    ),
    "joined mpeg2, leading": Clip(
        "a.ts", _joined("ts 1 mpeg2", "ts 2 mpeg2 cut"), "encode", truth=(), rate=None
    ),
    "clock of 33 bits overflows": Clip("a.ts", _ts_part(0, 48, 2**33 / 90000 - 0.8).make, "remux"),
    # sizes and rates
    "odd width": Clip("a.avi", _encoded(MPEG4, filters=_CROPPED.format(159, 128)), "encode"),
    "odd size": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv444p", filters=_CROPPED.format(159, 127)), "encode"),
    "uneven mpeg4": Clip("a.mkv", _retimed(MPEG4, _UNEVEN.replace("3000", "1000"), 30000), "encode", rate=None),
    "2000 fps in ms": Clip("a.mkv", _retimed(MPEG4, "N", 2000), "encode", rate=None),
    "29.97 fps avi": Clip("a.avi", _at_rate(MPEG4, "30000/1001"), "encode", rate=Fraction(30000, 1001)),
    "openfield's rate": Clip("a.avi", _at_rate(MJPEG, "1000000/33333"), "encode", rate=Fraction(1000000, 33333)),
    "h264 mp4 per day": Clip("a.mp4", _at_rate(f"{H264} {_COARSE}", "1/86400"), "place", rate=Fraction(1, 86400)),
    "h264 mkv per day": Clip("a.mkv", _at_rate(H264, "1/86400"), "remux", rate=Fraction(1, 86400)),
    "h264 avi per day": Clip("a.avi", _at_rate(H264_IP, "1/86400"), "remux", rate=Fraction(1, 86400)),
    "mjpeg avi per day": Clip("a.avi", _at_rate(MJPEG, "1/86400"), "encode", rate=Fraction(1, 86400)),
    "mjpeg mkv per day": Clip("a.mkv", _at_rate(MJPEG, "1/86400"), "encode", rate=Fraction(1, 86400)),
    "h264 mp4 per half hour": Clip("a.mp4", _at_rate(H264, "1/1800"), "place", rate=Fraction(1, 1800)),
    "h264 mkv per half hour": Clip("a.mkv", _at_rate(H264, "1/1800"), "remux", rate=Fraction(1, 1800)),
    "h264 avi per half hour": Clip("a.avi", _at_rate(H264_IP, "1/1800"), "remux", rate=Fraction(1, 1800)),
    "mjpeg avi per half hour": Clip("a.avi", _at_rate(MJPEG, "1/1800"), "encode", rate=Fraction(1, 1800)),
    "mjpeg mkv per half hour": Clip("a.mkv", _at_rate(MJPEG, "1/1800"), "encode", rate=Fraction(1, 1800)),
    "mpeg4 avi per half hour": Clip("a.avi", _at_rate(MPEG4, "1/1800"), "encode", rate=Fraction(1, 1800)),
    "h264 mp4 per 100000 s times 7": Clip("a.mp4", _at_rate(H264, "7/100000"), "place", rate=Fraction(7, 100000)),
    "h264 mkv per 100000 s times 7": Clip("a.mkv", _at_rate(H264, "7/100000"), "rewrite", rate=Fraction(7, 100000)),
    "h264 avi per 100000 s times 7": Clip("a.avi", _at_rate(H264_IP, "7/100000"), "remux", rate=Fraction(7, 100000)),
    "mjpeg avi per 100000 s times 7": Clip("a.avi", _at_rate(MJPEG, "7/100000"), "encode", rate=Fraction(7, 100000)),
    "mjpeg mkv per 100000 s times 7": Clip("a.mkv", _at_rate(MJPEG, "7/100000"), "encode", rate=Fraction(7, 100000)),
    "h264 mp4 million": Clip("a.mp4", _at_rate(H264, "1000000"), "place", rate=Fraction(1000000)),
    "h264 mkv million": Clip("a.mkv", _at_rate(H264, "1000000"), "encode", rate=None),
    "h264 avi million": Clip("a.avi", _patched("h264 avi", with_rate(1000000)), "rewrite", rate=Fraction(1000000)),
    "mjpeg avi million": Clip("a.avi", _patched("mjpeg", with_rate(1000000)), "encode", rate=Fraction(1000000)),
    "mjpeg mkv million": Clip("a.mkv", _at_rate(MJPEG, "1000000"), "encode", rate=None),
    "h264 mp4 odd fast": Clip("a.mp4", _at_rate(H264, "999983"), "place", rate=Fraction(999983)),
    "h264 mkv odd fast": Clip("a.mkv", _at_rate(H264, "999983"), "encode", rate=None),
    "h264 avi odd fast": Clip("a.avi", _patched("h264 avi", with_rate(999983)), "rewrite", rate=Fraction(999983)),
    "mjpeg avi odd fast": Clip("a.avi", _patched("mjpeg", with_rate(999983)), "encode", rate=Fraction(999983)),
    "mjpeg mkv odd fast": Clip("a.mkv", _at_rate(MJPEG, "999983"), "encode", rate=None),
    "one jpeg": Clip("a.avi", _encoded(MJPEG, "-frames:v", "1"), "encode", truth=(0,)),
    # the decoder complains, but all frames are there and whole
    "camera's EXIF": Clip("a.avi", _spoiled("mjpeg", with_segment(_exif(1))), "encode"),
    "camera's EXIF, turned": Clip("a.avi", _spoiled("mjpeg", with_segment(_exif(6))), "encode"),
    "camera's EXIF, upside down": Clip("a.avi", _spoiled("mjpeg", with_segment(_exif(3))), "encode"),
    "broken APP": Clip("a.avi", _spoiled("mjpeg", with_segment(b"\xff\xe0\xff\xf0JFIF")), "encode"),
    "short APP": Clip("a.avi", _spoiled("mjpeg", with_segment(b"\xff\xe1\0\x06Ex")), "encode"),
    "junk between JPEGs": Clip("a.avi", _spoiled("mjpeg", _between_junk), "encode"),
    "JPEGs without end": Clip("a.avi", _spoiled("mjpeg", _without_end_of_image), "encode"),
    "broken SEI": Clip("a.mp4", _spoiled("yuv444p", with_unit(b"\x06\x01\x7f\x80")), "encode"),
    "broken SEI, copied": Clip("a.mp4", _spoiled("h264", with_unit(b"\x06\x01\x7f\x80")), "place"),
    "broken SEI hevc": Clip("a.mp4", _spoiled("hevc", with_unit(b"\x4e\x01\x01\x7f\x80")), "encode"),
    "noisy sound": Clip("a.avi", _noisy_sound, "encode"),
    "sound mpeg4": Clip("a.avi", _with_sound(MPEG4, "ac3"), "encode"),
    # damaged, but all frames are there
    "first key frame lost": Clip(
        "a.mp4", _without_first_packet, "encode", truth=ALL[12:], remarks=("video-starts-broken",)
    ),
    "avi without index": Clip("a.avi", _patched("mjpeg", before_index), "encode", remarks=("video-unfinished",)),
    "avi index not written": Clip(
        "a.avi", _patched("mjpeg", index_not_written), "encode", remarks=("video-unfinished",)
    ),
    "avi index with sound not written": Clip(
        "a.avi", _patched("pcm sound", index_not_written), "encode", remarks=("video-unfinished",)
    ),
    "avi half an index": Clip(
        "a.avi", _patched("mjpeg", lambda data: data[:-100]), "encode", remarks=("video-unfinished",)
    ),
    "avi strh too high": Clip(
        "a.avi", _patched("mjpeg", with_count(60, "strh", "avih")), "encode", remarks=("video-count-too-high",)
    ),
    "two parts": Clip("a.avi", _patched("mjpeg", two_parts(30, whole=True)), "encode"),
    "second part unfinished": Clip(
        "a.avi", _patched("two parts", second_part_unfinished), "encode", remarks=("video-unfinished",)
    ),
    "live mkv": Clip("a.mkv", _encoded(H264, "-f", "matroska", "-live", "1"), "rewrite"),
    "live mkv clusters": Clip("a.mkv", _live_clusters, "rewrite"),
    # damaged
    "cut mp4": Clip("a.mp4", _patched("fast start", _cut(0.6)), "video-truncated"),
    "fast start": Clip("a.mp4", _fast_start, "place"),
    "cut avi": Clip("a.avi", _patched("mjpeg", _cut(0.6)), "video-truncated"),
    "avi last chunk cut": Clip(
        "a.avi", _patched("mjpeg", last_chunk_cut(before_index)), "video-truncated"
    ),
    "avi last chunk cut, lengths promise": Clip(
        "a.avi", _patched("mjpeg", last_chunk_cut(index_not_written)), "video-truncated"
    ),
    "avi more than an index": Clip(
        "a.avi", _patched("avi index not written", lambda data: data[: data.rindex(b"00dc")]), "video-truncated"
    ),
    "second part missing": Clip("a.avi", _patched("mjpeg", two_parts(30, whole=False)), "video-truncated"),
    "second part missing, no index": Clip(
        "a.avi", _patched("mjpeg", two_parts(30, whole=False, index=False)), "video-truncated"
    ),
    "live mkv cut": Clip("a.mkv", _patched("live mkv", _cut(0.7)), "video-truncated"),
    "live mkv clusters cut": Clip("a.mkv", _patched("live mkv clusters", _cut(0.7)), "video-truncated"),
    "live webm cut": Clip("a.webm", _patched("live webm", _cut(0.7)), "video-truncated"),
    "live webm": Clip("a.webm", _encoded("libvpx -b:v 1M -deadline realtime", "-live", "1"), "encode"),
    "fragmented mp4 cut": Clip("a.mp4", _patched("fragmented mp4", _cut(0.7)), "video-truncated"),
    "fragment without data": Clip("a.mp4", _patched("fragmented mp4", _cut_at(b"mdat", -4, -2)), "video-truncated"),
    # two bytes of the last picture: behind it are its length, 4 bytes, and the sign that the stream ends, 20 bytes
    "cut flv": Clip("a.flv", _patched("h264 flv", lambda data: data[:-26]), "video-truncated"),
    "cut wmv": Clip("a.wmv", _patched("wmv2", _cut(0.6)), "video-truncated"),
    "cut ogg": Clip("a.ogv", _patched("theora", _cut(0.6)), "video-truncated"),
    "cut mkv": Clip("a.mkv", _patched("h264 mkv", _cut(0.6)), "video-truncated"),
    "no moov": Clip("a.mp4", _patched("h264", lambda data: data[: data.index(b"moov") - 4]), "video-unreadable"),
    "garbled": Clip("a.mp4", _patched("yuv444p", _garbled), "encode", convert="video-decode-errors"),
    "garbled mpeg4": Clip("a.avi", _spoiled("mpeg4", garbled(20)), "encode", convert="video-decode-errors"),
    "garbled mpeg2": Clip("a.mkv", _spoiled("mpeg2 mkv", garbled(20)), "encode", convert="video-decode-errors"),
    "mpeg2 mkv": Clip("a.mkv", _encoded("mpeg2video -q:v 3 -g 12 -bf 2"), "encode"),
    "garbled wmv2": Clip("a.wmv", _spoiled("wmv2", garbled(20)), "encode", convert="video-decode-errors"),
    "garbled mjpeg": Clip("a.avi", _spoiled("mjpeg", garbled(20)), "encode", convert="video-decode-errors"),
    "cut JPEG": Clip(
        "a.avi", _spoiled("mjpeg", lambda index, data: data[: len(data) // 2] if index == 20 else data), "encode",
        convert="video-decode-errors",
    ),
    "empty JPEG": Clip("a.avi", _spoiled("mjpeg", emptied(20)), "encode", convert="video-decode-errors"),
    "garbled ffv1": Clip("a.mkv", _spoiled("checked ffv1", garbled(20)), "encode", convert="video-decode-errors"),
    "checked ffv1": Clip(
        "a.mkv", _encoded("ffv1 -pix_fmt yuv420p -level 3 -slicecrc 1 -slices 4"), "encode"
    ),
    "garbled prores": Clip("a.mov", _spoiled("prores", garbled(20)), "encode", convert="video-decode-errors"),
    "garbled end": Clip("a.mp4", _spoiled("yuv444p", garbled(47)), "encode", convert="video-decode-errors"),
    "flipped": Clip("a.mp4", _spoiled("yuv444p", flipped(14)), "encode", convert="video-decode-errors"),
    "lost slice": Clip("a.mp4", _spoiled("slices", without_last_unit(14)), "encode", convert="video-decode-errors"),
    "slices": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv444p", "-slices", "4"), "encode"),
    "lost reference": Clip(
        "a.mp4", _spoiled("yuv444p no B", lambda index, data: None if index == 15 else data), "encode",
        truth=(*ALL[:15], *ALL[16:]), rate=None,
    ),
    "yuv444p no B": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv444p", "-bf", "0"), "encode"),
    "garbled vp8": Clip("a.webm", _spoiled("vp8", emptied(20)), "encode", convert="video-decode-errors"),
    "zero bytes": Clip("a.mp4", _holding(b""), "video-empty"),
    "text": Clip("a.mp4", _holding(b"This is not a video, it is a note about one.\n" * 40), "video-unreadable"),
    "playlist": Clip(
        "a.mp4",
        _holding(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:a.ts\n#EXT-X-ENDLIST\n"),
        "video-unreadable",
    ),
    "sound only": Clip("a.mp4", _sound_only, "video-no-stream"),
    "still picture": Clip(
        "a.mp4",
        lambda shop, target: shop.ff("-i", shop.master, "-frames:v", "1", "-f", "image2", "-c:v", "png", target),
        "video-unreadable",
    ),
}  # fmt: skip

#: Clips from which others are made, and which show nothing that others do not.
MATERIAL = {
    "fast start", "mpeg4 mov", "uneven no B", "left turned", "right turned", "upside down", "left turned mpeg4",
    "mpeg4 alternating", "all key mpeg4", "titled", "live webm", "yuv444p no B", "lost reference", "sound mpeg4",
    *(name for name, clip in CLIPS.items() if not clip.check),
}  # fmt: skip
#: Clips whose damage keeps anything from being written.
DAMAGED = {name for name, clip in CLIPS.items() if clip.check.startswith("video-") or clip.convert}
#: Clips of which decoders make up some frames: these are counted as OpenCV does, but show no index of their own.
MADE_UP = {"hevc cut between", "joined hevc", "joined hevc, clock restarts", "joined mpeg2, leading"}
INTACT = {name for name in CLIPS if name not in DAMAGED | MATERIAL | MADE_UP}

#: Names that a shell, an option parser, a pattern or a protocol would take for something else.
HOSTILE_NAMES = (
    "two words.avi", "single'quote.avi", 'double"quote.avi', "-dash.avi", "Mäuse 鼠 🐁.avi", "a;touch pwned;.avi",
    "$(touch pwned).avi", "`touch pwned`.avi", "a&b.avi", "frame%03d.avi", "12:30.avi", "file:a.avi", "new\nline.avi",
    "*.avi", "h264_yuv420p.avi", "UPPER.AVI", "back\\slash.avi", "[in]=a,b.avi", ".hidden.avi",
)  # fmt: skip
