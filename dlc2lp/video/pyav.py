"""The only door to PyAV: opens videos, hands out their packets and frames, and explains whatever PyAV raises.

Damaged bytes make it raise anything: its own errors, those of the numbers that it makes of them, those of a slip in its
code. Whichever it is, it tells something about the file, so it becomes :class:`Undecodable`; but for trouble of the
disk, which tells nothing about it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import Dlc2LpError, Interrupted, VideoFailed, disk_trouble
from dlc2lp.video.colors import Colors, as_opencv_reads, has_matrix, is_full_range
from dlc2lp.video.formats import check_size, decoder_options, input_options
from dlc2lp.video.h264_units import Units

if TYPE_CHECKING:
    import av

#: PyAV's classes by name, since PyAV is imported where a file is opened.
Packet: TypeAlias = "av.Packet[av.VideoStream]"
VideoFrame: TypeAlias = "av.VideoFrame"


class Undecodable(VideoFailed):
    """PyAV cannot go on with a file; ``reason`` says why in the words of whoever gave up."""

    reason = ""


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Nothing but calls of PyAV and of the disk stands under it: a fault of ours must not become the file's."""
    try:
        yield
    except Dlc2LpError:
        raise
    except Exception as problem:
        raise _undecodable(path, problem) from problem


def _undecodable(path: Path, problem: Exception) -> Dlc2LpError:
    """The error for what PyAV raises; DiskTrouble where that is the disk's."""
    import av

    if (of_disk := disk_trouble(path, problem)) is not None:
        return of_disk
    reason = f"PyAV fails with {type(problem).__name__}: {problem}"
    if isinstance(problem, av.FFmpegError | OSError):
        reason = problem.strerror or str(problem)
    failure = Undecodable.of(
        "video-unreadable",
        str(path),
        f"found nothing that can be read as a video ({reason})",
        advice="check that the file is a video and was copied whole",
    )
    failure.reason = reason
    return failure


@dataclass(frozen=True)
class Header:
    """What container and codec say about a video stream; fields as in ``VideoInfo``, None where nothing is said."""

    pixel_format: str | None
    color_range: str
    color_matrix: str
    profile: str
    level: int  # of h264, ten times; 0 where unknown
    width_px: int
    height_px: int
    time_base: Fraction  # seconds per tick
    average_rate: Fraction | None
    guessed_rate: Fraction | None
    n_frames: int | None
    square_pixels: bool


#: ffmpeg's names of the values of ``matrix_coefficients`` (ITU-T H.273, table 4).
_MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp", 15: "ipt-c2",
    16: "ycgco-re", 17: "ycgco-ro",
}  # fmt: skip


#: Codecs whose decoders go on after a packet that they refused, as no picture leans on another. Others miss it, and
#: refuse more: h264 a stream with a broken remark (SEI) as well.
_INDEPENDENT = {"mjpeg", "ljpeg", "jpegls"}


class OpenedVideo:
    """A video file opened for reading; a context manager. What is read is its first video stream.

    ``strictly``: its decoder refuses what others make something of, where it loses nothing by that.

    Opening it and all its methods raise ``Undecodable``, ``DiskTrouble``, and ``Interrupted`` where ``stop`` is set.
    """

    def __init__(self, path: Path, stop: threading.Event | None = None, *, strictly: bool = False) -> None:
        import av
        from av.stream import Disposition

        self.path = path
        self._stop = stop
        with explained(path):
            # "file:": a ":" in the name is no protocol. Titles in old AVI files are Latin-1, which is no reason to
            # refuse them.
            self._container: Any = av.open(f"file:{path}", options=input_options(path), metadata_errors="replace")
            self.format_name: str = self._container.format.name  #: ffmpeg's name of the container.
            flags: Any = av.format.Flags
            #: Whether there is one that holds times: raw streams (``mjpeg``, ``jpeg_pipe``, ``h264``) are just counted
            #: through by ffmpeg, which can't seek in them either.
            self.has_times = not (
                self.format_name.endswith("_pipe") or self._container.format.flags & flags.no_timestamps.value
            )
            #: What each stream is: ``video``, ``audio``, ``subtitle``, ``data``.
            self.kinds = tuple(str(stream.type) for stream in self._container.streams)
            streams = [it for it in self._container.streams.video if not it.disposition & Disposition.attached_pic]
            self.n_video_streams = len(streams)  #: Without cover pictures.
            self.stream: Any = streams[0] if streams else None
            context = streams[0].codec_context if streams else None
            #: ffmpeg's name; empty where there is no decoder.
            self.codec: str = context.codec.canonical_name if context else ""
            #: Whether the codec says that the frames' order in the file is another one than that of display.
            self.reorders = bool(context and context.has_b_frames)
            #: What the header says for the decoder.
            self.extradata = bytes(context.extradata or b"") if context else b""
            #: Whether its decoder refuses damaged packets instead of making something of them.
            self.is_strict = strictly and self.codec in _INDEPENDENT
            if context:
                check_size(path, context.width, context.height)
                context.options = decoder_options(strictly=self.is_strict)
            if context and self.codec == "h264":
                # With several threads for one picture ffmpeg conceals no error, and sets no flag. They would gain
                # nothing where a picture is one slice, as of x264 and most cameras.
                context.thread_count = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._container.close()

    @property
    def duration_s(self) -> float:
        """How long the container says that it lasts; 0 where it does not."""
        return float(self._container.duration or 0) / 1_000_000

    def header(self) -> Header:
        """What is said about the video; more is known after some frames were decoded."""
        with explained(self.path):
            stream, context = self.stream, self.stream.codec_context
            aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
            average, guessed = (Fraction(rate) if rate else None for rate in (stream.average_rate, stream.guessed_rate))
            return Header(
                pixel_format=context.pix_fmt,
                color_range={1: "tv", 2: "pc"}.get(int(context.color_range), "unknown"),
                color_matrix=_MATRICES.get(int(context.colorspace), "unknown"),
                profile=context.profile or "",
                level=Units(self.extradata).level if self.codec == "h264" else 0,
                width_px=context.width,
                height_px=context.height,
                time_base=Fraction(stream.time_base),
                average_rate=average,
                guessed_rate=guessed,
                n_frames=int(stream.frames) or None,
                square_pixels=aspect in (None, 0, 1),
            )

    def packets(self) -> Iterator[Packet]:
        """The packets in the order of the file, from where it stands, and the end mark."""
        with explained(self.path):
            items = iter(self._container.demux(self.stream))
        while True:
            try:  # not explained: millions of packets would feel it
                packet = next(items)
            except Exception as problem:
                raise _undecodable(self.path, problem) from problem
            if self._stop is not None and self._stop.is_set():
                raise Interrupted.of("interrupted", str(self.path), "stopped while it was read")
            yield packet
            # PyAV would go on with the end marks of streams that have appeared meanwhile, as damage makes them do, and
            # look for them behind the end of its lists.
            if is_end(packet):
                return

    def shown_packets(self) -> Iterator[Packet]:
        """The packets that hold a frame which a player shows, in the order of the file."""
        return (packet for packet in self.packets() if not packet.is_discard and self.holds_frame(packet))

    def holds_frame(self, packet: Packet) -> bool:
        """Whether it is no end mark, no recorder's empty mark and no VP8 reference that is never shown.

        libvpx writes "alternate reference" frames into packets of their own; ``show_frame`` is bit 4 of the first byte
        (RFC 6386, 9.1). Zeros, as a hole in a file reads, are a frame that is lost.
        """
        if packet.size == 0 or self.codec != "vp8":
            return packet.size > 0
        head = bytes(memoryview(packet)[:6])
        is_hidden, is_key = not head[0] & 0x10, not head[0] & 1
        return not is_hidden or (is_key and head[3:] != b"\x9d\x01\x2a")

    def decode(self, packet: Packet) -> list[VideoFrame]:
        """The frames that come out when a packet goes in, which may be one of the same video opened elsewhere."""
        # A frame that a recorder dropped, or Theora's sign to repeat one; a decoder would take it for the end.
        if packet.size == 0 and not is_end(packet):
            return []
        with explained(self.path):
            return list(self.stream.decode(packet))

    def held_back(self) -> list[VideoFrame]:
        """The frames that the decoder still has, as if the file ended here."""
        with explained(self.path):
            return list(self.stream.codec_context.decode(None))

    def frames(self, *, past_damage: bool = False) -> Iterator[VideoFrame]:
        """The frames in the order of display, from where the file stands; ``past_damage``: those that come out."""
        for packet in self.packets():
            try:
                frames = self.decode(packet)
            except Undecodable:
                if not past_damage:
                    raise
                continue
            yield from frames

    def key_time(self, time: int) -> int | None:
        """When the last key frame is decoded that a seek to a display time leads to; None where no index tells."""
        entries: Any = getattr(self.stream, "index_entries", ())  # PyAV has it only where the container has one
        at = entries.search_timestamp(time) if entries else -1
        return int(entries[at].timestamp) if at >= 0 else None

    def seek(self, time: int) -> None:
        """Go to the last key frame at or before a display time, in ticks."""
        with explained(self.path):
            self._container.seek(time, stream=self.stream)


def is_end(packet: Packet) -> bool:
    """Whether it is what PyAV gives after the last packet."""
    return packet.size == 0 and packet.dts is None


class PacketCopy:
    """An mp4 of some rate (frames per second) that takes the packets of another video; a context manager."""

    def __init__(self, path: Path, original: OpenedVideo, rate: Fraction, options: dict[str, str]) -> None:
        import av

        self._path = path
        self._tick = 1 / rate
        with explained(path):
            self._container = av.open(f"file:{path}", "w", format="mp4", options=options)
            self._track = self._container.add_stream_from_template(original.stream)
            self._track.time_base = self._tick

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What ended the work says more than that the file can't be ended either.
        with contextlib.suppress(Dlc2LpError) if kind else contextlib.nullcontext(), explained(self._path):
            self._container.close()

    def add(self, packet: Packet, pts: int, dts: int) -> None:
        """Write a packet whose frame is shown and decoded at these times, in frames."""
        with explained(self._path):
            packet.time_base = self._tick
            packet.pts, packet.dts, packet.duration = pts, dts, 1
            packet.stream = self._track
            self._container.mux(packet)


#: Numbers of matrices and ranges, the same in frames' tags (ITU-T H.273) and in ffmpeg's scaler.
_MATRIX_NUMBERS = {"bt601": 5, "bt709": 1, "bt2020": 9}
_RANGE_NUMBERS = {"tv": 1, "pc": 2}


class Pixels:
    """Turns the frames of a video into arrays of one pixel format and of the video's size.

    Colours are read as ``colors`` says, by default as OpenCV 4 reads them: PyAV from 17 on would follow the tags of the
    file, older versions do not. One converter serves all frames: one for each takes four times as long as decoding a
    small frame. It does not shrink: ffmpeg's area average is up to one grey level off, as much as the noise of a still
    scene. Frames of another size (a browser's recording of a window) are brought to the video's, as ffmpeg does.
    """

    def __init__(
        self,
        path: Path,
        pixel_format: Literal["rgb24", "gray"],
        width_px: int,
        height_px: int,
        colors: Colors | None = None,
    ) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self._path = path
        self._colors = colors
        self._converter = VideoReformatter()
        self._options: dict[str, Any] = {"format": pixel_format, "width": width_px, "height": height_px}
        self._follows_tags = int(av.__version__.partition(".")[0]) >= 17
        # Newer PyAV would start a thread for each CPU in every reader, though readers run side by side already.
        if self._follows_tags:
            self._options["threads"] = 1

    def of(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The picture of one frame, shape (H, W, 3) or (H, W)."""
        with explained(self._path):
            options = self._options | self._reading(frame)
            return self._converter.reformat(frame, **options).to_ndarray().astype(np.uint8, copy=False)

    def _reading(self, frame: VideoFrame) -> dict[str, int]:
        """What tells PyAV of any version how to read the colours of a frame."""
        name = frame.format.name
        if is_full_range(name):
            frame.color_range = _RANGE_NUMBERS["pc"]
        if not has_matrix(name):
            return {}
        colors = self._colors or as_opencv_reads(name)
        matrix = _MATRIX_NUMBERS[colors.matrix]
        range_ = _RANGE_NUMBERS["pc" if is_full_range(name) else colors.range]
        frame.colorspace, frame.color_range = matrix, range_
        # Older versions look at nothing where both ranges are the same.
        to_range = _RANGE_NUMBERS["pc"] if self._follows_tags else 3 - range_
        return {
            "src_colorspace": matrix, "dst_colorspace": matrix, "src_color_range": range_, "dst_color_range": to_range,
        }  # fmt: skip


#: Pixel formats of 8 bits that travel through a pipe as they are; all others become one of the last three.
_PIPED = {
    "yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv440p", "yuvj420p", "yuvj422p", "yuvj440p", "yuvj444p",
    "yuv444p", "gray", "rgb24",
}  # fmt: skip


class Uncoded:
    """Turns frames into the bytes that a program takes through a pipe, all in the format and size of the first.

    Nothing of their colours changes: a matrix and a range are kept, whatever the tags say.
    """

    def __init__(self, path: Path, first: VideoFrame, width_px: int, height_px: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._path = path
        self._size = (width_px, height_px)
        self._converter = VideoReformatter()
        name = first.format.name
        other = "gray" if name.startswith("gray") else "yuv444p" if has_matrix(name) else "rgb24"
        self.pixel_format = name if name in _PIPED else other  #: ffmpeg's name of the format.

    def of(self, frame: VideoFrame) -> bytes:
        """The bytes of one frame, plane by plane and row by row."""
        with explained(self._path):
            if (frame.format.name, frame.width, frame.height) != (self.pixel_format, *self._size):
                frame = self._converted(frame)
            n_bytes = 3 if self.pixel_format == "rgb24" else 1
            rows = (
                np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
                    : plane.height, : plane.width * n_bytes
                ]
                for plane in frame.planes
            )
            return b"".join(plane.tobytes() for plane in rows)

    def _converted(self, frame: VideoFrame) -> VideoFrame:
        options: dict[str, Any] = {"format": self.pixel_format, "width": self._size[0], "height": self._size[1]}
        if has_matrix(frame.format.name):
            matrix, range_ = _MATRIX_NUMBERS["bt601"], _RANGE_NUMBERS[as_opencv_reads(frame.format.name).range]
            to_range = _RANGE_NUMBERS[as_opencv_reads(self.pixel_format).range]
            frame.colorspace, frame.color_range = matrix, range_
            options |= {"src_colorspace": matrix, "dst_colorspace": matrix}
            options |= {"src_color_range": range_, "dst_color_range": to_range}
        return self._converter.reformat(frame, **options)
