"""Frames by index, whether two videos hold the same frames, and still images. The only room with OpenCV.

Colours are RGB throughout, rows first: arrays of shape (H, W, 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dlc2lp.errors import Interrupted, UnreadableFile, VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.encoding import Crop, displayed_size
from dlc2lp.video.probe import first_video_stream, open_video, shown_packets

if TYPE_CHECKING:
    import threading

    import av
    import numpy as np
    from numpy.typing import NDArray

#: Width of the small grey images by which frames are compared.
COMPARED_WIDTH_PX = 64
_N_SAMPLES = 6
_NEIGHBORS = 2

# A frame is another one when a neighbour fits this much better. Measured: see tests/video/test_video_frames.py.
_BETTER_RATIO = 2.0
_BETTER_BY = 0.5  # squared grey levels: below it is coding noise
#: No encode that is worth keeping is this far from its source: 25 grey levels.
_GROSS_ERROR = 625.0


def read_frames(path: Path, info: VideoInfo, indices: Iterable[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Read frames by their position in the order of display.

    Seeks by the packets' own times where those can be trusted, else decodes from the beginning and counts.

    Parameters
    ----------
    path
        The video.
    info
        What :func:`dlc2lp.video.probe.probe` found in it.
    indices
        0-based positions, in any order; each is read once.

    Yields
    ------
    tuple of int and uint8 array of shape (H, W, 3)
        The index and the RGB picture as stored (not turned), in rising order of the index.

    Raises
    ------
    IndexError
        An index is not in the video.
    VideoFailed
        ``video-frame-unreadable``: a frame cannot be decoded.
    """
    for index, frame in _frames_at(path, info, indices):
        yield index, _pixels(frame, "rgb24")


def iter_gray(path: Path, *, width_px: int = COMPARED_WIDTH_PX) -> Iterator[NDArray[np.uint8]]:
    """All frames of a video in the order of display, as small grey pictures.

    Parameters
    ----------
    path
        The video.
    width_px
        Width of the pictures; narrower videos keep their size.

    Yields
    ------
    uint8 array of shape (h, width_px)
        Grey levels, averaged over areas, of the picture as stored.

    Raises
    ------
    VideoFailed
        ``video-frame-unreadable``: a frame cannot be decoded.
    """
    for _, frame in _frames_in_order(path):
        yield _shrink(_pixels(frame, "gray"), width_px)


def _frames_in_order(path: Path, stop: threading.Event | None = None) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode from the beginning; the index counts what comes out."""
    import av

    index = -1
    try:
        with open_video(path) as container:
            for index, frame in enumerate(_decode(container, first_video_stream(container), stop)):
                yield index, frame
    except av.FFmpegError as problem:
        raise _unreadable_frame(path, index + 1, problem.strerror or str(problem)) from problem


def _decode(container: Any, stream: Any, stop: threading.Event | None) -> Iterator[av.VideoFrame]:
    for frame in container.decode(stream):
        if stop is not None and stop.is_set():
            raise Interrupted.of("interrupted", container.name, "stopped while frames were read")
        yield frame


def _unreadable_frame(path: Path, index: int, reason: str) -> VideoFailed:
    return VideoFailed.of(
        "video-frame-unreadable",
        str(path),
        f"found no frame {index} that can be decoded ({reason})",
        where=f"frame {index}",
        hint="check that the file plays there, and copy it again from its origin",
    )


def _frames_at(
    path: Path, info: VideoInfo, indices: Iterable[int], stop: threading.Event | None = None
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode the frames at some positions, in rising order."""
    wanted = sorted(set(indices))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < info.n_frames:
        raise IndexError(f"frames {wanted[0]} to {wanted[-1]} of {info.n_frames}")
    if info.all_packets_timed:
        yield from _frames_by_time(path, info, wanted, stop)
        return
    left = set(wanted)
    for index, frame in _frames_in_order(path, stop) if left else ():
        if index in left:
            yield index, frame
            left.remove(index)
            if not left:
                return
    if left:
        raise _unreadable_frame(path, min(left), "the video ends before it")


def _frames_by_time(
    path: Path, info: VideoInfo, wanted: list[int], stop: threading.Event | None
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames found by their display times: what a damaged place swallows does not shift the frames behind it."""
    import av

    gop = info.keyframe_interval_frames
    index = position = -gop - 1  # position: the frame decoded last
    try:
        with _Decoding(path, stop) as decoding:
            time_of = _display_times(path, info, decoding)
            for index in wanted:
                frame = None
                if 0 < index - position <= max(gop, 2 * _NEIGHBORS + 1):
                    frame = decoding.frame_at(time_of(index))
                # An index may lead to a key frame whose leading frames lean on the one before it, so the second try
                # starts earlier. Transport streams have no index; seeking there can end anywhere.
                for start in (index, max(0, index - 2 * gop), None):
                    if frame is None:
                        decoding.restart(None if start is None else time_of(start))
                        frame = decoding.frame_at(time_of(index))
                if frame is None:
                    raise _unreadable_frame(path, index, "no frame has its display time")
                position = index
                yield index, frame
    except av.FFmpegError as problem:
        raise _unreadable_frame(path, max(index, 0), problem.strerror or str(problem)) from problem


class _Decoding:
    """An opened video and where decoding stands in it."""

    def __init__(self, path: Path, stop: threading.Event | None) -> None:
        self.path = path
        self.stop = stop
        self._open()

    def __enter__(self) -> _Decoding:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    def _open(self) -> None:
        self.container = open_video(self.path)
        self.stream = first_video_stream(self.container)
        self.frames = _decode(self.container, self.stream, self.stop)
        self.after_keyframe = True  # where a file begins there is nothing to lean on; its key frame may be hidden

    def restart(self, time: int | None) -> None:
        """Decode from the key frame before a display time, or from the very beginning."""
        if time is None:
            self.container.close()
            self._open()
        else:
            self.container.seek(time, stream=self.stream)
            self.frames = _decode(self.container, self.stream, self.stop)
            self.after_keyframe = False

    def frame_at(self, time: int) -> av.VideoFrame | None:
        """The next frame of this display time; None if it is passed, or no key frame came before it."""
        for frame in self.frames:
            self.after_keyframe = self.after_keyframe or bool(frame.key_frame)
            if frame.pts is None or frame.pts > time:
                return None
            if frame.pts == time:
                return frame if self.after_keyframe else None
        return None


def _display_times(path: Path, info: VideoInfo, decoding: _Decoding) -> Callable[[int], int]:
    """A function from a frame's index to its display time in ticks of the stream."""
    if info.constant_rate:
        first = next(decoding.frames).pts
        if first is None:
            raise _unreadable_frame(path, 0, "it has no display time")
        step = 1 / (info.frame_rate * decoding.stream.time_base)
        return lambda index: int(first + index * step)

    import numpy as np

    with open_video(path) as container:
        packets = shown_packets(container, first_video_stream(container))
        times = np.sort(np.fromiter((packet.pts for packet in packets), dtype=np.int64))
    return lambda index: int(times[index])


def _pixels(frame: av.VideoFrame, pixel_format: Literal["rgb24", "gray"]) -> NDArray[np.uint8]:
    import numpy as np

    return frame.to_ndarray(format=pixel_format).astype(np.uint8, copy=False)


def _shrink(gray: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    import cv2

    height, width = gray.shape
    small_width = min(width, width_px)
    small_height = max(1, round(height * small_width / width))
    return cv2.resize(gray, (small_width, small_height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


@dataclass(frozen=True)
class Comparison:
    """Whether one video holds the frames of another.

    Errors are mean squares of the differences of grey levels (0 to 255) of pictures :data:`COMPARED_WIDTH_PX` wide.

    Attributes
    ----------
    n_compared
        How many frames of the target were compared.
    worst_error, worst_index
        The largest error of a frame to its own source frame, and where; 0.0 and None if none was compared.
    first_mismatch
        The first frame that is not its source frame (a neighbour fits better, or nothing fits); None if all are.
    problems
        What could not be decoded.
    """

    n_compared: int
    worst_error: float
    worst_index: int | None
    first_mismatch: int | None
    problems: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every compared frame is its source frame."""
        return self.first_mismatch is None and not self.problems


def compare_frames(
    source: Path,
    source_info: VideoInfo,
    target: Path,
    target_info: VideoInfo,
    *,
    how: Literal["sample", "full"],
    crop: Crop | None = None,
    autorotate: bool = True,
    stop: threading.Event | None = None,
) -> Comparison:
    """Compare the frames of a written video with those of its source, index by index.

    Frame i of the target must look like frame i of the source, and none of the source's neighbouring frames may look
    clearly more like it. Frames of a scene in which nothing moves are equally good: that is no mismatch.

    Parameters
    ----------
    source, source_info, target, target_info
        The two videos and what they hold.
    how
        ``full`` decodes both whole; ``sample`` looks at the first, the last and some frames between.
    crop, autorotate
        What the target keeps of the source's displayed picture, and whether that was turned as the source's display
        matrix asks. What the target has to the right and below is padding and not compared.
    stop
        When set, the comparison ends.

    Returns
    -------
    Comparison
        Also where one of the videos cannot be decoded: then its ``problems`` say so.

    Raises
    ------
    Interrupted
        ``stop`` was set.
    """
    width, height = displayed_size(source_info, autorotate=autorotate)
    crop = crop or Crop(0, 0, width, height)
    padding_free = Crop(0, 0, crop.width_px, crop.height_px)
    n_frames = min(source_info.n_frames, target_info.n_frames)
    if how == "full":
        originals, copies = _frames_in_order(source, stop), _frames_in_order(target, stop)
    else:
        samples = _samples(n_frames)
        around = {at for index in samples for at in _neighborhood(index) if 0 <= at < source_info.n_frames}
        originals = _frames_at(source, source_info, around, stop)
        copies = _frames_at(target, target_info, samples, stop)
    small_originals = _small(originals, source_info.rotation_deg if autorotate else 0, crop)
    small_copies = _small(copies, 0, padding_free)
    n_compared, worst_error, worst_index, first_mismatch = 0, 0.0, None, None
    problems = []
    try:
        for index, errors in _errors_around(small_originals, small_copies):
            n_compared += 1
            if index not in errors:
                problems.append(f"the source has no frame {index}")
                break
            if worst_index is None or errors[index] > worst_error:
                worst_error, worst_index = errors[index], index
            if first_mismatch is None and _is_another(errors, index):
                first_mismatch = index
        if how == "full" and n_compared != n_frames:
            problems.append(f"found {n_compared} frames that can be decoded, expected {n_frames}")
    except VideoFailed as failure:
        problems += [finding.message for finding in failure.findings]
    return Comparison(n_compared, worst_error, worst_index, first_mismatch, tuple(problems))


def _samples(n_frames: int) -> list[int]:
    """The first, the last and some frames evenly between."""
    last = n_frames - 1
    return sorted({round(last * k / (_N_SAMPLES - 1)) for k in range(_N_SAMPLES)})


def _neighborhood(index: int) -> range:
    return range(index - _NEIGHBORS, index + _NEIGHBORS + 1)


def _small(
    frames: Iterator[tuple[int, av.VideoFrame]], turn_deg: int, crop: Crop
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Small grey pictures of a part of each frame after turning it clockwise."""
    import numpy as np

    for index, frame in frames:
        gray = np.rot90(_pixels(frame, "gray"), -turn_deg // 90)
        part = gray[crop.y_px : crop.y_px + crop.height_px, crop.x_px : crop.x_px + crop.width_px]
        yield index, _shrink(np.ascontiguousarray(part), COMPARED_WIDTH_PX).astype(np.float32)


def _errors_around(
    originals: Iterator[tuple[int, NDArray[np.float32]]], copies: Iterator[tuple[int, NDArray[np.float32]]]
) -> Iterator[tuple[int, dict[int, float]]]:
    """For each copy, its error to the originals of its neighbourhood, by index. Both come in rising order."""
    import numpy as np

    window: dict[int, NDArray[np.float32]] = {}
    newest = -1
    for index, copy in copies:
        near = _neighborhood(index)
        while newest < near[-1]:
            item = next(originals, None)
            if item is None:
                break
            newest = item[0]
            window[newest] = item[1]
        window = {at: original for at, original in window.items() if at >= near[0]}
        yield index, {at: float(np.mean((original - copy) ** 2)) for at, original in window.items() if at in near}


def _is_another(errors: dict[int, float], index: int) -> bool:
    own = errors[index]
    best = min(errors.values())
    return own > _GROSS_ERROR or own > _BETTER_RATIO * best + _BETTER_BY


def read_image(path: Path) -> NDArray[Any]:
    """Read a still image as it is stored.

    Parameters
    ----------
    path
        PNG, JPEG, TIFF or BMP; the name may hold any character, also on Windows, where OpenCV's own reader fails.

    Returns
    -------
    uint8, uint16 or float32 array of shape (H, W), (H, W, 3) or (H, W, 4)
        Gray, RGB or RGBA, in the depth of the file.

    Raises
    ------
    UnreadableFile
        ``image-unreadable``: missing, empty, cut or no image.
    """
    import cv2
    import numpy as np

    try:
        data = np.fromfile(path, dtype=np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except (OSError, cv2.error) as problem:
        raise _unreadable_image(path, str(problem)) from problem
    if image is None:
        raise _unreadable_image(path, "0 bytes" if data.size == 0 else "no image that OpenCV can decode")
    return _swap_red_and_blue(image)


def _unreadable_image(path: Path, reason: str) -> UnreadableFile:
    return UnreadableFile.of("image-unreadable", str(path), f"found {reason}, expected an image")


def _swap_red_and_blue(image: NDArray[Any]) -> NDArray[Any]:
    """RGB(A) to OpenCV's BGR(A), or back."""
    import numpy as np

    if image.ndim == 2:
        return image
    order = [2, 1, 0] if image.shape[2] == 3 else [2, 1, 0, 3]
    return np.ascontiguousarray(image[:, :, order])


def encode_png(image: NDArray[Any]) -> bytes:
    """A PNG file's bytes; the same image gives the same bytes with the same OpenCV.

    Parameters
    ----------
    image
        uint8 or uint16 array of shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA.
    """
    import cv2

    done, data = cv2.imencode(".png", _swap_red_and_blue(image))
    if not done:
        raise ValueError(f"OpenCV makes no PNG of an array of {image.dtype} and shape {image.shape}")
    return data.tobytes()


def max_value(path: Path) -> int:
    """The largest value in a still image: tells how many of 16 bits a scientific camera used.

    Raises
    ------
    UnreadableFile
        ``image-unreadable``, or ``image-not-integer`` for images of fractions.
    """
    import numpy as np

    image = read_image(path)
    if not np.issubdtype(image.dtype, np.integer):
        raise UnreadableFile.of(
            "image-not-integer", str(path), f"found an image of {image.dtype}, expected 8 or 16 bits per channel"
        )
    return int(image.max())


def to_eight_bit(image: NDArray[Any], shift: int) -> NDArray[np.uint8]:
    """Bring an image of more than 8 bits down to 8.

    Parameters
    ----------
    image
        Unsigned integers of any shape.
    shift
        How many low bits fall away: 8 for values up to 65535, 4 for a 12-bit camera's values up to 4095. One shift for
        all images of a session, or their brightness jumps.

    Raises
    ------
    ValueError
        The shift leaves values above 255.
    """
    import numpy as np

    small = image >> shift
    if small.size and int(small.max()) > 255:
        raise ValueError(f"values up to {int(image.max())} need a shift of more than {shift} bits")
    return small.astype(np.uint8)
