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
        return [index_in(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]


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
    """

    file_name: str
    make: Make
    check: str
    convert: str = ""
    truth: tuple[int, ...] = ALL
    rate: Fraction | None = RATE
    size: tuple[int, int] = (WIDTH, HEIGHT)


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


def _without_durations(data: bytearray) -> None:
    """Give some frames no duration, so that the next has the same time."""
    start = data.index(b"stts") + 8
    (n_entries,) = struct.unpack_from(">I", data, start)
    assert n_entries > 20
    for entry in (5, 6, 11, 17):
        struct.pack_into(">I", data, start + 4 + 8 * entry + 4, 0)


def _before_index(data: bytearray) -> bytearray:
    """An AVI whose recorder died: no index, and zeros where lengths and counts are filled in at the end."""
    data = data[: data.index(b"idx1")]
    struct.pack_into("<I", data, 4, 0)  # RIFF
    struct.pack_into("<I", data, data.index(b"avih") + 8 + 16, 0)  # dwTotalFrames
    struct.pack_into("<I", data, data.index(b"strh") + 8 + 32, 0)  # dwLength
    struct.pack_into("<I", data, data.index(b"movi") - 4, 0)
    return data


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


def _sound_only(shop: Workshop, target: Path) -> None:
    shop.ff("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", target)


_UNEVEN = "(N+0.4*sin(2.1*N)+5*gte(N,20))*3000"
_BURST = "if(lt(N,24),N*3000,24*3000+(N-24)*300)"
_GAPS = "N+gte(N,10)+2*gte(N,30)"
_CROPPED = "crop={}:{}:0:0:exact=1"

CLIPS: dict[str, Clip] = {
    # conforming
    "h264": Clip("a.mp4", _encoded(H264), "place"),
    "all key frames": Clip("a.mp4", _encoded(H264, "-g", "1"), "place"),
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
    "h264 null chunks": Clip("a.avi", _retimed(H264, _GAPS, 30, "-bf", "0"), "rewrite", rate=None),
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
    "stretched pixels": Clip("a.mp4", _encoded(H264, filters="setsar=4/3"), "encode"),
    # h264 in other pixel formats
    "yuv444p": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv444p"), "encode"),
    "yuv422p": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv422p"), "encode"),
    "10 bit": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv420p10le"), "encode"),
    "gray": Clip("a.mp4", _encoded(H264, "-pix_fmt", "gray"), "encode"),
    "full range": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuvj420p"), "encode"),
    "lossless rgb": Clip("a.mkv", _encoded("libx264rgb -qp 0 -preset veryfast -g 12"), "encode"),
    # other codecs
    "mjpeg": Clip("a.avi", _encoded(MJPEG), "encode"),
    "mjpeg null chunks": Clip("a.avi", _retimed(MJPEG, _GAPS, 30), "encode", rate=None),
    "mpeg4": Clip("a.avi", _encoded(MPEG4), "encode"),
    "mpeg4 B": Clip("a.avi", _encoded(MPEG4, "-bf", "2"), "encode"),
    "xvid": Clip("a.avi", _encoded("libxvid -q:v 3 -g 12 -flags +mv4"), "encode"),
    "mpeg4 alternating": Clip("a.avi", _encoded(MPEG4, "-bf", "1", "-sc_threshold", "1000000000"), "encode"),
    "packed B": Clip("a.avi", lambda shop, target: pack_b_frames(shop.clip("mpeg4 alternating"), target), "encode"),
    "skipped frames": Clip(
        "a.avi", lambda shop, target: skip_frames(shop.clip("all key mpeg4"), target, {20, 31}), "encode",
        truth=tuple(sorted({*ALL} - {20, 31})), rate=None,
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
    # sizes and rates
    "odd width": Clip("a.avi", _encoded(MPEG4, filters=_CROPPED.format(159, 128)), "encode"),
    "odd size": Clip("a.mp4", _encoded(H264, "-pix_fmt", "yuv444p", filters=_CROPPED.format(159, 127)), "encode"),
    "uneven mpeg4": Clip("a.mkv", _retimed(MPEG4, _UNEVEN.replace("3000", "1000"), 30000), "encode", rate=None),
    "2000 fps in ms": Clip("a.mkv", _retimed(MPEG4, "N", 2000), "encode", rate=None),
    "29.97 fps avi": Clip("a.avi", _at_rate(MPEG4, "30000/1001"), "encode", rate=Fraction(30000, 1001)),
    "openfield's rate": Clip("a.avi", _at_rate(MJPEG, "1000000/33333"), "encode", rate=Fraction(1000000, 33333)),
    "one jpeg": Clip("a.avi", _encoded(MJPEG, "-frames:v", "1"), "encode", truth=(0,)),
    # the decoder complains, but all frames are there and whole
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
    "avi without index": Clip("a.avi", _patched("mjpeg", _before_index), "encode"),
    # damaged
    "cut mp4": Clip("a.mp4", _patched("fast start", _cut(0.6)), "video-truncated"),
    "fast start": Clip("a.mp4", _fast_start, "place"),
    "cut avi": Clip("a.avi", _patched("mjpeg", _cut(0.6)), "video-truncated"),
    "cut mkv": Clip("a.mkv", _patched("h264 mkv", _cut(0.6)), "video-truncated"),
    "no moov": Clip("a.mp4", _patched("h264", lambda data: data[: data.index(b"moov") - 4]), "video-unreadable"),
    "first key frame lost": Clip("a.mp4", _without_first_packet, "video-starts-broken"),
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
    "fast start", "uneven no B", "left turned", "right turned", "upside down", "left turned mpeg4", "mpeg4 alternating",
    "all key mpeg4", "titled", "yuv444p no B", "lost reference", "sound mpeg4",
}  # fmt: skip
#: Clips whose damage keeps anything from being written.
DAMAGED = {name for name, clip in CLIPS.items() if clip.check.startswith("video-") or clip.convert}
INTACT = {name for name in CLIPS if name not in DAMAGED | MATERIAL}

#: Names that a shell, an option parser, a pattern or a protocol would take for something else.
HOSTILE_NAMES = (
    "two words.avi", "single'quote.avi", 'double"quote.avi', "-dash.avi", "Mäuse 鼠 🐁.avi", "a;touch pwned;.avi",
    "$(touch pwned).avi", "`touch pwned`.avi", "a&b.avi", "frame%03d.avi", "12:30.avi", "file:a.avi", "new\nline.avi",
    "*.avi", "h264_yuv420p.avi", "UPPER.AVI", "back\\slash.avi", "[in]=a,b.avi", ".hidden.avi",
)  # fmt: skip
