"""The videos: format, frame counts, LP's listing, and whether labeled images are the frames their names say."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lp_judge.report import FAIL, WARN, Report, Verdict, require, require_none, some
from lp_judge.subject import Subject, trailing_digits

NEIGHBORHOOD = (-2, -1, 0, 1, 2)


def check_videos(subject: Subject, report: Report) -> None:
    """Check every file of the video folder, then the folder as LP lists it."""
    folder = subject.video_dir
    if not folder.is_dir():
        status = FAIL if subject.wants_lp else WARN
        report.line(status, "videos.dir", f"{folder} does not exist (train asserts isdir(video_dir))")
    elif not subject.videos:
        words = f"no files in {folder}: no unlabeled videos, and eval.predict_vids_after_training=true raises OSError"
        report.line(WARN, "videos.any", words)
    for video in subject.videos:
        with report.check(f"video[{video.name}].format") as verdict:
            check_format(subject, video, verdict)
        with report.check(f"video[{video.name}].opencv_reader") as verdict:
            check_readable(subject, video, verdict)
    if subject.wants_lp and subject.mp4s:
        with report.check("videos.lp_listing") as verdict:
            check_listing(subject, verdict)
    if subject.labels:
        with report.check("frames.session_videos") as verdict:
            check_frames_against_videos(subject, verdict)


def check_format(subject: Subject, video: Path, verdict: Verdict) -> None:
    """What every one of LP's readers and the app's viewer can decode."""
    require(video.suffix == ".mp4", f"{video.suffix or 'no suffix'}: LP and the app see only *.mp4")
    probe = ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", str(video)]
    answer = subprocess.run(probe, capture_output=True, text=True, check=True)
    streams = json.loads(answer.stdout)["streams"]
    pictures = [stream for stream in streams if stream["codec_type"] == "video"]
    require(len(pictures) == 1, f"{len(pictures)} video streams")
    stream = pictures[0]
    require_none(format_problems(stream))
    n_packets = subject.n_packets[video] = int(stream["nb_read_packets"])
    verdict.say(f"{stream['width']}x{stream['height']} {stream['avg_frame_rate']}fps {n_packets} packets")
    if any(stream["codec_type"] == "audio" for stream in streams):
        verdict.warn("has audio")


def format_problems(stream: dict[str, Any]) -> list[str]:
    """Why the stream is not h264, yuv420p, of constant rate, upright, with square pixels and even sides."""
    problems = []
    if stream["codec_name"] != "h264":
        problems.append(f"codec {stream['codec_name']} (want h264)")
    if stream.get("pix_fmt") != "yuv420p":
        problems.append(
            f"pix_fmt {stream.get('pix_fmt')} (want yuv420p; NVDEC/DALI cannot decode 4:4:4 or >8-bit h264)"
        )
    average, declared = stream["avg_frame_rate"], stream["r_frame_rate"]
    if average != declared:
        problems.append(f"variable frame rate (avg {average} != r {declared})")
    aspect = stream.get("sample_aspect_ratio")
    if aspect not in (None, "1:1", "0:1", "N/A"):
        problems.append(f"sample aspect ratio {aspect} (want 1:1: LP works in stored pixels, players stretch them)")
    side_data = stream.get("side_data_list", [])
    rotations = [entry["rotation"] for entry in side_data if entry.get("rotation")]
    if rotations:
        problems.append(f"rotation side data {rotations}")
    if stream["width"] % 2 or stream["height"] % 2:
        problems.append("odd frame size")
    return problems


def check_readable(subject: Subject, video: Path, verdict: Verdict) -> None:
    """LP's count is the number of packets, and as many frames can be decoded."""
    from lightning_pose.data.utils import count_frames

    n_frames = count_frames(str(video))
    require(n_frames > 0, "count_frames() == 0")
    n_packets = subject.n_packets.get(video, n_frames)
    require(n_frames == n_packets, f"count_frames() {n_frames} != {n_packets} packets")
    n_max = subject.options.max_video_frames
    n_decoded = decode_by_lp(video) if n_frames <= n_max else None
    if n_decoded is not None:
        reader = "LP's OpenCV reader"
        require(n_decoded >= n_frames, f"{reader} gave {n_decoded} frames, count_frames() {n_frames}")
    else:
        reader = "cv2"
        n_decoded = decode_by_cv2(video, n_max)
        require(n_decoded == min(n_frames, n_max), f"cv2 decoded {n_decoded} frames, count_frames() {n_frames}")
    verdict.say(f"{n_frames} frames by count_frames, decoded {min(n_decoded, n_frames)} through {reader}")


def decode_by_lp(video: Path) -> int | None:
    """Frames that LP's own reader gives, padding of the last batch included; None before LP 2.4.3."""
    try:
        from lightning_pose.data.video.opencv import PrepareOpenCV
    except ImportError:
        return None
    batches = {kind: {"predict": {"sequence_length": 32}} for kind in ("base", "context")}
    reader = PrepareOpenCV("base", [str(video)], [128, 128], batches)()
    return sum(batch["frames"].shape[0] for batch in reader)


def decode_by_cv2(video: Path, n_max: int) -> int:
    """Frames that OpenCV decodes, n_max at most."""
    import cv2

    capture = cv2.VideoCapture(str(video))
    n_decoded = 0
    while n_decoded < n_max and capture.read()[0]:
        n_decoded += 1
    capture.release()
    return n_decoded


def check_listing(subject: Subject, verdict: Verdict) -> None:
    """LP finds every video, puts each in the right view, and all views of a session are equally long."""
    from lightning_pose.utils import io

    views = subject.views
    listed = io.check_video_paths(str(subject.video_dir), view_names=views or None)
    if not views:
        verdict.say(f"{len(listed)} videos")
        return
    sessions = io.find_video_files_for_views(str(subject.video_dir), views)
    names = {io.extract_session_name_from_video(video.name, views) for video in subject.mp4s}
    require(len(sessions) == len(names), f"{len(sessions)} complete sessions, {len(names)} session names")
    for videos in sessions:
        for view, video in io.collect_video_files_by_view(videos, views).items():
            require(video.stem.endswith(f"_{view}"), f"{video.name} was taken for view {view}")
        n_packets = {video.name: subject.n_packets.get(video) for video in videos}
        require(len(set(n_packets.values())) == 1, f"frame counts of the views differ: {n_packets}")
    verdict.say(f"{len(sessions)} sessions x {len(views)} views")


@dataclass
class FrameComparison:
    """What comparing labeled images with their videos showed."""

    n_compared: int = 0
    worst_difference: float = 0.0  # mean absolute difference per channel, 0 to 255, at the named index
    beyond_end: list[str] = field(default_factory=list)
    fits_another: list[str] = field(default_factory=list)
    other_size: list[str] = field(default_factory=list)


def check_frames_against_videos(subject: Subject, verdict: Verdict) -> None:
    """Labeled images resemble the video frame of their index more than its neighbors."""
    sessions: dict[str, list[str]] = defaultdict(list)
    for labels in subject.labels.values():
        for name in labels.image_names:
            sessions[Path(str(name)).parent.name].append(str(name))
    videos = {video.stem: video for video in subject.mp4s}
    without = [session for session in sessions if session not in videos]
    seen = FrameComparison()
    for session, names in sessions.items():
        if session in videos:
            compare_session(subject, videos[session], names, seen)
    verdict.say(
        f"{len(sessions)} sessions, {len(without)} without an .mp4"
        + (f": {some(without, 3)}" if without else "")
        + f"; {seen.n_compared} frames compared"
        + (f", max mean|diff| at the index {seen.worst_difference:.1f}" if seen.n_compared else "")
    )
    if without:
        verdict.warn()
    if seen.beyond_end:
        verdict.warn(f"{len(seen.beyond_end)} frame indices beyond the video end: {some(seen.beyond_end, 2)}")
    if seen.fits_another:
        verdict.warn(f"{len(seen.fits_another)} frames fit another video frame better: {some(seen.fits_another, 2)}")
    if seen.other_size:
        verdict.warn(f"image size != video size (cropped in DLC?): {some(seen.other_size, 1)}")


def compare_session(subject: Subject, video: Path, names: list[str], seen: FrameComparison) -> None:
    """Compare ``--match`` images of a session, spread over it, with their video."""
    import cv2
    import numpy as np

    capture = cv2.VideoCapture(str(video))
    n_frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    digits = {name: trailing_digits(Path(name).stem) for name in names}
    index = {name: int(found[0]) for name, found in digits.items() if found}
    seen.beyond_end += [name for name, k in index.items() if k >= n_frames]
    inside = [name for name, k in index.items() if k < n_frames]
    if inside:
        n_picked = min(subject.options.match, len(inside))
        for position in np.linspace(0, len(inside) - 1, n_picked).astype(int):
            compare_image(subject, capture, inside[position], index[inside[position]], seen)
    capture.release()


def compare_image(subject: Subject, capture: Any, name: str, index: int, seen: FrameComparison) -> None:
    """Compare one image with the frame of its index and two on each side."""
    import cv2

    image = cv2.imread(str(subject.directory / name))
    if image is None:
        return
    height, width = image.shape[:2]
    video_width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    video_height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if (height, width) != (video_height, video_width):
        seen.other_size.append(f"{name} is {width}x{height}, its video {video_width}x{video_height}")
    n_frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    difference = {}
    for offset in NEIGHBORHOOD:
        if not 0 <= index + offset < n_frames:
            continue
        capture.set(cv2.CAP_PROP_POS_FRAMES, index + offset)
        decoded, frame = capture.read()
        if decoded and frame.shape == image.shape:
            difference[offset] = float(abs(frame.astype(int) - image.astype(int)).mean())
    if not difference:
        return
    seen.n_compared += 1
    seen.worst_difference = max(seen.worst_difference, difference.get(0, 0.0))
    best = min(difference, key=difference.__getitem__)
    if best != 0 and difference[best] < 0.7 * difference.get(0, 999):
        seen.fits_another.append(f"{name} fits frame {index + best}")
