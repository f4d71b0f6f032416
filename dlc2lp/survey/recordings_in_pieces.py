"""Recordings that the camera wrote in pieces: each stays a session of its own, which is said. Pure.

Cameras begin a new file at 2 or 4 GB (``run-0000.avi``, ``run-0001.avi``; GoPro: ``GX010123``, ``GX020123``). People
number animals, days and trials as well (``mouse_1``, ``trial-001``), so a name alone says it only where it counts from
0000 or is GoPro's. Else the lengths must say so too: all pieces but the last are alike, and the last is shorter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, takewhile

from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.wording import some

_NUMBERED = re.compile(r".+[-_. ](?P<number>[0-9]{3,})", re.DOTALL)
#: GoPro's chapters of one recording: GX010123, GX020123; of old cameras GOPR0123, GP010123, GP020123.
_CHAPTER = re.compile(r"(?P<kind>G[HLX])(?P<number>[0-9]{2})(?P<recording>[0-9]{4})")
_OLD_CHAPTER = re.compile(r"G(?:OPR|P(?P<number>[0-9]{2}))(?P<recording>[0-9]{4})")

#: Digits of a number that counts from 0: people who number animals write fewer, and begin with 1.
_SURE_DIGITS = 4
#: Pieces of which all but the last are alike by chance hardly ever.
_N_ALIKE = 3
#: Lengths of pieces differ by less: a file ends with a whole group of frames.
_ALIKE = 0.02

#: Pieces by their number.
_Pieces = dict[int, str]


def recordings_in_pieces(videos: Sequence[SurveyedVideo], sessions: Iterable[str]) -> list[Finding]:
    """Tell which videos and sessions are likely the pieces of one recording; sessions need not have a video."""
    infos: dict[str, VideoInfo | None] = dict.fromkeys(sessions)
    infos |= {video.session or video.stem: video.info for video in videos}
    found = [*_by_chapter(infos), *_by_number(infos)]
    return [_told(names) for names in sorted(found)]


def _told(names: Sequence[str]) -> Finding:
    message = (
        f"{some(names)} are called like the pieces of one recording; each stays a session of its own, in which frames "
        "are counted from the start of the piece, and nothing is joined"
    )
    return Finding(Severity.NOTE, "recording-in-pieces", names[0], message)


def _by_chapter(names: Iterable[str]) -> Iterator[list[str]]:
    """GoPro's names say it alone."""
    recordings: dict[tuple[str, str], _Pieces] = defaultdict(dict)
    for name in names:
        if found := _CHAPTER.fullmatch(name):
            recordings[found["kind"], found["recording"]][int(found["number"])] = name
        elif found := _OLD_CHAPTER.fullmatch(name):
            recordings["", found["recording"]][int(found["number"] or 0)] = name
    for pieces in recordings.values():
        names_in_row = _in_row(pieces, min(pieces))
        if len(names_in_row) > 1:
            yield names_in_row


def _by_number(infos: Mapping[str, VideoInfo | None]) -> Iterator[list[str]]:
    recordings: dict[tuple[str, int], _Pieces] = defaultdict(dict)
    for name in infos:
        if found := _NUMBERED.fullmatch(name):
            number = found["number"]
            recordings[name.removesuffix(number), len(number)][int(number)] = name
    for (_, n_digits), pieces in recordings.items():
        first = min(pieces)
        names = _in_row(pieces, first)
        if first > 1 or len(names) < 2:
            continue
        measured = [info for name in names if (info := infos[name]) is not None]
        is_said = first == 0 and n_digits >= _SURE_DIGITS
        if not _is_refuted(measured) if is_said else len(measured) == len(names) and _is_shown(measured):
            yield names


def _in_row(pieces: _Pieces, first: int) -> list[str]:
    """Return the pieces from the first to the one before a gap."""
    return [pieces[number] for number in takewhile(pieces.__contains__, count(first))]


def _is_refuted(infos: Sequence[VideoInfo]) -> bool:
    """Whether files in a row can't be pieces of one recording: of other pictures, or one longer than those before."""
    if len({(info.width_px, info.height_px, info.codec) for info in infos}) > 1:
        return True
    return len(infos) > 1 and not any(_are_pieces(lengths) for lengths in _lengths(infos))


def _is_shown(infos: Sequence[VideoInfo]) -> bool:
    """Whether the lengths of files in a row are those of the pieces of one recording, and hardly of anything else."""
    return (
        len(infos) >= _N_ALIKE
        and not _is_refuted(infos)
        and any(_are_pieces(lengths) and lengths[-1] < (1 - _ALIKE) * lengths[0] for lengths in _lengths(infos))
    )


def _lengths(infos: Sequence[VideoInfo]) -> tuple[list[int], list[int]]:
    """Return lengths as cameras limit them: in bytes, and in frames."""
    return [info.size_bytes for info in infos], [info.n_frames for info in infos]


def _are_pieces(lengths: Sequence[int]) -> bool:
    """Whether all but the last are alike, and the last is no longer."""
    *full, last = lengths
    longest = max(full)
    return min(full) >= (1 - _ALIKE) * longest and last <= (1 + _ALIKE) * longest
