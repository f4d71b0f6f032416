"""What a video lost at its beginning or its end: the reason to refuse it, or what a person should know of it."""

from __future__ import annotations

import errno
from pathlib import Path

from dlc2lp.errors import VideoFailed
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.video.extent import lacks_index, missing_bytes
from dlc2lp.video.packets import Packets
from dlc2lp.video.pyav import Undecodable
from dlc2lp.video.riff import AviExtent
from dlc2lp.wording import counted

COPY_AGAIN = "copy the file again from its origin"

#: By how many frames the headers of a whole AVI may promise too many: recorders count what they still have to write.
_MISCOUNTED_FRAMES = 2


def unreadable(path: Path, problem: Undecodable) -> VideoFailed:
    """What PyAV cannot read, told by the container's own arithmetic where that knows more."""
    try:
        without_index, n_missing = lacks_index(path), missing_bytes(path)
    except OSError:
        return problem
    if without_index:
        return VideoFailed.of(
            "video-unreadable",
            str(path),
            "found recorded data but no index (no moov box): the recording was not finished",
            advice="recover it with a tool such as untrunc and a good video of the same camera",
        )
    if n_missing:
        message = f"the file lacks {counted(n_missing, 'byte')} that its container promises"
        return VideoFailed.of("video-truncated", str(path), message, advice=COPY_AGAIN)
    if getattr(problem.__cause__, "errno", None) == errno.EINVAL:  # it is none of the formats that may be opened
        message = "found a file of another kind, expected a video"
        advice = "check that the file is a video; if it is, convert it to MP4 or AVI with the program that wrote it"
        return VideoFailed.of("video-unreadable", str(path), message, advice=advice)
    return problem


def cut_short(path: Path, packets: Packets, declared: int | None, extent: AviExtent) -> Finding | None:
    """The error about a file that was cut, told by the container's own arithmetic; None where it was not."""
    promised = max(declared or 0, extent.n_indexed, _in_all_parts(declared, extent))
    if not _is_cut(packets, declared, promised, extent):
        return None
    of = f" of the {promised} frames that its header promises" if promised > packets.n_all else ""
    found = f"found {packets.n_all}{of}" if of else f"found {counted(packets.n_all, 'frame')}"
    n_bytes = extent.missing_bytes
    lacks = f"the file lacks {counted(n_bytes, 'byte')} at its end" if n_bytes else "a part of the file is missing"
    advice = f"{COPY_AGAIN}; if it is the only one, {{}} takes the frames that are there"
    keep = (Setting("damaged", ("keep",)),)
    return Finding(Severity.ERROR, "video-truncated", str(path), f"{found}; {lacks}", "", advice, keep)


def refuse_empty(path: Path, packets: Packets) -> None:
    """Raise ``VideoFailed`` for a file without frames, or without one at its beginning that can be decoded."""
    if packets.n_shown == 0:
        raise VideoFailed.of("video-no-frames", str(path), "found a video stream without any frame")
    if not packets.head:
        raise VideoFailed.of(
            "video-unreadable",
            str(path),
            f"found {counted(packets.n_shown, 'packet')}, none of the first can be decoded",
            advice="check that the file plays, and copy it again from its origin",
        )


def _is_cut(packets: Packets, declared: int | None, promised: int, extent: AviExtent) -> bool:
    """Whether frames are missing at the end: more than one witness must say so.

    A header's count alone is no witness: recorders count frames that they skipped, or fill it in before they are ready.
    """
    if extent.missing_bytes:
        unexplained = declared is None and not extent.lacks_only_index
        return bool(packets.n_corrupt) or packets.n_all < promised or unexplained
    return packets.n_all + _MISCOUNTED_FRAMES < _in_all_parts(declared, extent)


def _in_all_parts(declared: int | None, extent: AviExtent) -> int:
    """How many frames all parts of an AVI above 1 GB have, if two of its headers say so and its index agrees."""
    n_frames = min(declared or 0, extent.n_in_all_parts)
    return min(n_frames, extent.n_indexed) if extent.n_indexed else n_frames


def remarks_on_ends(
    path: Path, n_all: int, declared: int | None, extent: AviExtent, *, is_avi: bool
) -> tuple[Finding, ...]:
    """What a person should know of the end of a file that was not cut short."""
    told = []
    count = counted(n_all, "frame")
    if extent.lacks_only_index:
        n_bytes = extent.missing_bytes
        lacks = f"{counted(n_bytes, 'byte is', 'bytes are')} missing" if n_bytes else "its lengths were not filled in"
        message = (
            f"it ends without its whole index, as after a crash of the recorder ({lacks}); the last of its {count} "
        )
        told.append(("video-unfinished", message + "is whole", "look whether the recording is as long as it should be"))
    elif extent.missing_bytes:
        told.append(
            ("video-unfinished", f"the file lacks {counted(extent.missing_bytes, 'byte')} at its end, which hold none "
             f"of the {count} that its header promises", COPY_AGAIN)
        )  # fmt: skip
    elif is_avi and n_all < (declared or 0):
        told.append(
            ("video-count-too-high", f"its header promises {declared} frames, but {count} are in it, and nothing else "
             "says that some are missing", "look whether the recording is as long as it should be")
        )  # fmt: skip
    return tuple(remark(path, *each) for each in told)


def remarks_on_cuts(path: Path, n_lost: int, n_missing_at_end: int, *, at_beginning: bool) -> tuple[Finding, ...]:
    """What a person should know of a file that was cut, or joined to another, without an encoder."""
    told = []
    if n_lost:
        lost = counted(
            n_lost,
            "packet{} needs a key frame that is not in the file and gives no frame",
            "packets{} need a key frame that is not in the file and give no frame",
        ).format(" at its beginning" if at_beginning else "")
        first = "frame 0 is the first that can be decoded"
        count_from = first if at_beginning else "frames are counted as they come out of the decoder"
        advice = "use the original recording instead of the cut copy, unless its images were cut from this one"
        told.append(("video-starts-broken", f"{lost}; {count_from}, as in OpenCV and DeepLabCut", advice))
    if n_missing_at_end:
        missing = counted(n_missing_at_end, "frame is", "frames are")
        cut = f"{missing} missing between its last ones, as in a file that was cut; frames are counted as OpenCV does"
        told.append(("video-ends-broken", cut, COPY_AGAIN))
    return tuple(remark(path, *each) for each in told)


def remark(path: Path, code: str, message: str, advice: str) -> Finding:
    """A warning about a file that can be converted all the same."""
    return Finding(Severity.WARNING, code, str(path), message, advice=advice)
