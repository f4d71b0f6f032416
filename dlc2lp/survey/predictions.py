"""DeepLabCut's predictions of the videos, as far as it is certain which frame each row is. Only reads.

A row is a frame of the video as DeepLabCut read it, and a point is in pixels of what it saw. Both are compared with
what the video holds; what does not agree is told and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.analysis_file import AnalysisHead, read_analysis_head
from dlc2lp.dlc.analysis_meta import AnalysisMeta, read_analysis_meta
from dlc2lp.dlc.analysis_names import AnalysisName
from dlc2lp.dlc.project import DlcProject
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.prediction_files import AnalysisPlaces, NamedAnalysis, others_that_differ
from dlc2lp.video.encoding import displayed_size
from dlc2lp.wording import counted, some

#: Findings of one kind that are no longer told one by one.
_MANY = 5

#: Frames that a decoder may hold back until later ones are there (``max_dec_frame_buffering`` of h264 and hevc).
_MOST_WAITING = 16

#: Individual of keypoints that occur once in a picture.
_UNIQUE = "single"


@dataclass(frozen=True)
class RowFrames:
    """Which row of a file is which frame of a video."""

    first_row: int = 0  #: Row of the first frame.
    empty: tuple[int, ...] = ()  #: Frames of the video that have no row, rising.
    by_number: bool = False  #: Whether a row is the frame that its number says; else rows follow each other as frames.


@dataclass(frozen=True)
class VideoPredictions:
    """What a network predicted for a video."""

    video: Path  #: The video's path.
    name: AnalysisName
    head: AnalysisHead
    rows: RowFrames
    origin_px: tuple[int, int]  #: Where in the picture, as OpenCV shows it, the points' (0, 0) lies.


def find_predictions(
    videos: Sequence[SurveyedVideo], projects: Sequence[DlcProject]
) -> tuple[list[VideoPredictions], list[Finding]]:
    """Find the predictions of all networks for some videos, sorted by video and network; and what is to be told."""
    known = [video for video in videos if video.info is not None]
    places = AnalysisPlaces(projects, [video.path for video in known])
    crops = any(project.config.crops_analyses for project in projects if project.config)
    found: list[VideoPredictions] = []
    findings: list[Finding] = []
    for video in known:
        for files in places.of(video.path, video.stem).values():
            taken, told = _first_certain(files, video, crops=crops)
            found += [taken] if taken else []
            findings += told
    return found, list(_summed_up(findings))


def _summed_up(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Tell what many files have in common in one finding: an archive has hundreds of them."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(finding.code, []).append(finding)
    for group in alike.values():
        first, n_more = group[0], len(group) - 1
        if n_more < _MANY:
            yield from group
            continue
        others = some((Path(finding.subject).name for finding in group[1:]), 3)
        message = f"{first.message}; so it is with {counted(n_more, 'other file')}, each with its own numbers: {others}"
        yield replace(first, message=message)


def _first_certain(
    files: Sequence[NamedAnalysis], video: SurveyedVideo, *, crops: bool
) -> tuple[VideoPredictions | None, list[Finding]]:
    """Take the first file that fits, of those of one network for one video; and say why others do not."""
    against: list[Finding] = []
    told: set[Path] = set()
    for number, each in enumerate(files):
        if each.path.with_suffix("") in told:
            continue  # the CSV beside an HDF5 repeats it
        try:
            found = _tied(each, read_analysis_head(each.path), video, crops=crops)
        except UnreadableFile as error:
            against += [_unreadable(each.path, found) for found in error.findings]
            continue
        if isinstance(found, VideoPredictions):
            instead = f"the predictions come from {each.path} instead"
            others = [replace(finding, message=f"{finding.message}; {instead}", advice="") for finding in against]
            return found, others + others_that_differ(each.path, [other.path for other in files[number + 1 :]])
        against.append(found)
        told.add(each.path.with_suffix(""))
    return None, [replace(finding, message=f"{finding.message}; these predictions are left out") for finding in against]


def _unreadable(path: Path, found: Finding) -> Finding:
    """Return what reading brought up as what it means: nothing that a person did is lost."""
    advice = "bring the file itself here, or analyze the video again in DeepLabCut; the labels are not concerned"
    return Finding(Severity.WARNING, "predictions-unreadable", str(path), found.message, found.where, advice)


def _tied(each: NamedAnalysis, head: AnalysisHead, video: SurveyedVideo, *, crops: bool) -> VideoPredictions | Finding:
    """Say which frames and which part of the picture the predictions are of, or why that is not certain."""
    info = video.info
    if info is None:
        raise AssertionError("a video that can't be read has no predictions")
    if not each.name.tracks and len(_animals(head.points)) > 1:
        message = "found several animals that were not tracked: which of them is which changes from frame to frame"
        return _left_out("predictions-not-tracked", head.path, message, "track them in DeepLabCut (stitch_tracklets)")
    meta = read_analysis_meta(head.path.parent, each.stem, each.name.scorer)
    origin_px = _origin(head.path, meta, video, info, crops=crops)
    if isinstance(origin_px, Finding):
        return origin_px
    rows = _rows(head, meta, video, info)
    return _other_count(head, info) if rows is None else VideoPredictions(video.path, each.name, head, rows, origin_px)


def _animals(points: Iterable[tuple[str, str]]) -> set[str]:
    return {individual for individual, _ in points} - {_UNIQUE}


def _left_out(code: str, path: Path, message: str, advice: str) -> Finding:
    return Finding(Severity.WARNING, code, str(path), message, "", advice)


# --- frames ---------------------------------------------------------------------------------------------------------


def _rows(head: AnalysisHead, meta: AnalysisMeta | None, video: SurveyedVideo, info: VideoInfo) -> RowFrames | None:
    """Return which row is which frame; None where that is not certain.

    DeepLabCut reads on from the first frame until OpenCV gives no more, so that as many rows as frames are the frames.
    An OpenCV that does not follow edit lists gives those that they hide first; then the numbers of labeled images are
    off by as many. At a frame that can't be decoded it stops, some frames earlier where these wait for others; older
    ones pass over it.
    """
    if not head.is_whole:
        # Tracks begin with the first frame in which there is an animal; the notes beside them tell how many there are.
        counts = meta is not None and meta.n_frames == info.n_frames
        is_sparse = head.n_rows <= head.last_frame - head.first_frame + 1 and head.last_frame < info.n_frames
        return RowFrames(by_number=True) if counts and is_sparse else None
    if head.n_rows == info.n_frames:
        return RowFrames()
    shift = video.tie.shift if video.tie is not None and video.tie.kind == "shifted" else 0
    if shift < 0 and head.n_rows == info.n_frames - shift:
        return RowFrames(first_row=-shift)
    if info.held and head.n_rows == info.n_frames - len(info.held):
        return RowFrames(empty=info.held)
    if info.held and info.held[0] - _MOST_WAITING <= head.n_rows <= info.held[0]:
        return RowFrames(by_number=True)
    return None


def _other_count(head: AnalysisHead, info: VideoInfo) -> Finding:
    rows = counted(head.n_rows, "row")
    if not head.is_whole:
        rows += f" for the frames {head.first_frame} to {head.last_frame}"
    message = f"found {rows}, expected {info.n_frames}, as many as {info.path} has frames"
    if info.held:
        message += f", or {info.n_frames - len(info.held)}, as many as can be decoded, or {info.held[0]} before these"
    advice = "analyze this video again in DeepLabCut, or bring the file with which it was analyzed"
    return _left_out("predictions-of-other-frames", head.path, message, advice)


# --- the part of the picture ----------------------------------------------------------------------------------------


def _origin(
    path: Path, meta: AnalysisMeta | None, video: SurveyedVideo, info: VideoInfo, *, crops: bool
) -> tuple[int, int] | Finding:
    """Return where in the picture the points' (0, 0) lies, or why that is not certain."""
    if meta is None and crops:
        message = (
            "config.yaml has videos analyzed in a part of their picture, and the notes that say in which one "
            "(_meta.pickle) are not beside the file or can't be read"
        )
        return _left_out(
            "predictions-of-unknown-part", path, message, "put the _meta.pickle of this analysis beside it"
        )
    seen = _is_seen_so(meta, video, info)
    if seen:
        advice = "analyze this video again in DeepLabCut"
        return _left_out("predictions-of-other-picture", path, seen, advice)
    return (meta.crop[0], meta.crop[2]) if meta and meta.crop else (0, 0)


def _is_seen_so(meta: AnalysisMeta | None, video: SurveyedVideo, info: VideoInfo) -> str:
    """Return why DeepLabCut may not have seen the picture as the target shows it; empty if it has."""
    turn = video.picture.turn_deg
    width, height = displayed_size(info, turn)
    size = meta.size_px if meta else None
    if meta and meta.crop:
        x1, x2, y1, y2 = meta.crop
        inside = 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
        return "" if inside else f"found the part {x1}, {x2}, {y1}, {y2} of a picture of {width}x{height} px"
    if size and size != (width, height):
        return f"found an analysis of pictures of {size[0]}x{size[1]} px, expected {width}x{height} as {info.path} has"
    if turn is None and info.rotation_deg and (size is None or width == height or info.rotation_deg == 180):
        return f"players turn {info.path} by {info.rotation_deg} degrees, and nothing tells whether DeepLabCut did"
    return ""
