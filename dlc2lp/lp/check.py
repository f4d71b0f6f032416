"""A target as Lightning Pose 2.4.3 and its app 2.4.2.3 would see it, whoever wrote it.

Nothing of what wrote the files is used here. The rules are those of Lightning Pose's ``utils/io.py``,
``api/model_config.py`` and ``data/``, and of the app's ``routes/validate_files.py``, ``datatypes.py``,
``skeleton.py`` and ``utils/mv_label_file.py``. What the videos hold is checked elsewhere.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dlc2lp.bounded_yaml import load_safely
from dlc2lp.files import NotRegular, look_at, open_regular
from dlc2lp.limits import CONFIG_BYTES, CSV_LINE_BYTES
from dlc2lp.lp.check_calibration import check_calibration
from dlc2lp.lp.check_config import check_config
from dlc2lp.lp.check_labels import FRAME_PATH, TargetLabels, error, read_label_file
from dlc2lp.lp.check_models import check_models
from dlc2lp.lp.label_sides import image_of, moment_of
from dlc2lp.lp.names import check_views, label_file_name, queue_file_name
from dlc2lp.lp.queue_merge import queued_path
from dlc2lp.lp.stills import BadImage, read_still
from dlc2lp.lp.yamlfile import explain, line_of
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import as_written, counted, some

_FRAME_NAME = re.compile(r"[A-Za-z_-]+[0-9]+\.(png|jpg)")
_APP_NAME = re.compile(r"[A-Za-z0-9_.-]+")

#: What file managers leave in any folder that they show.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})
_OTHER_VIDEOS = frozenset({".avi", ".mov", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".m4v", ".mts", ".mp4"})

#: Images of which all bytes are read where not every image is asked for.
_N_SAMPLED = 24


@dataclass(frozen=True)
class _Settings:
    """What ``project.yaml`` says, as far as it could be read."""

    views: tuple[str, ...] = ()
    keypoint_names: tuple[str, ...] | None = None


def check_target(target: Path, *, every_image: bool) -> list[Finding]:
    """Return everything in a project that Lightning Pose or its app would refuse or misread; it is only read.

    Nothing is found in a project that trains and opens. Codes start with ``target-``. Of every image all bytes are
    read if so asked, else every header and all bytes of a sample.
    """
    if not target.is_dir():
        return [error("target-missing", str(target), "found no such folder, expected a Lightning Pose project")]
    settings, findings = _read_settings(target)
    files: list[TargetLabels] = []
    for view in settings.views or ("",):
        file, problems = read_label_file(target, view, settings.keypoint_names)
        findings += problems
        files += [file] if file else []
    checks: list[Callable[[], Iterable[Finding]]] = [
        lambda: _check_view_rows(target, files, settings.views),
        lambda: check_config(target, settings.views, files),
        lambda: check_calibration(target, settings.views, files),
        lambda: _check_folders(target, settings.views),
        lambda: _check_images(target, every_image=every_image),
        lambda: _check_video_names(target, settings.views),
        lambda: (finding for file in files for finding in _check_queue(target, file)),
        lambda: _check_stray_files(target, settings.views),
        lambda: check_models(target, settings.views, settings.keypoint_names),
    ]
    for check in checks:
        try:
            findings += check()
        except OSError as cause:
            message = f"can't be looked at: {cause.strerror}"
            findings.append(error("target-unreadable", str(cause.filename or target), message))
    return findings


def _warning(code: str, subject: str, message: str, advice: str = "") -> Finding:
    return Finding(Severity.WARNING, code, subject, message, advice=advice)


# --- project.yaml ---------------------------------------------------------------------------------------------------


def _read_settings(target: Path) -> tuple[_Settings, list[Finding]]:
    name = "project.yaml"
    try:
        # As the app does it; Lightning Pose itself reads only the views.
        loaded = load_safely(CONFIG_BYTES.read_text(target / name))
    except FileNotFoundError:
        return _Settings(), [error("target-project-missing", name, "found none; the app opens no project without it")]
    except yaml.YAMLError as cause:
        return _Settings(), [error("target-project-invalid", name, f"is no YAML: {explain(cause)}", line_of(cause))]
    except (OSError, UnicodeDecodeError) as cause:
        advice = getattr(cause, "advice", "")
        return _Settings(), [error("target-project-invalid", name, f"can't be read: {cause}", advice=advice)]
    if not isinstance(loaded, dict):
        return _Settings(), [error("target-project-invalid", name, "found no mapping, expected keys and values")]
    findings = [
        error("target-project-invalid", name, f"found {loaded[key]!r:.200}, expected a list of texts", key)
        for key in ("view_names", "keypoint_names")
        if key in loaded and not _is_list_of_texts(loaded[key])
    ]
    if type(loaded.get("schema_version", 0)) is not int:
        found = loaded["schema_version"]
        findings.append(
            error("target-project-invalid", name, f"found {found!r:.200}, expected a number", "schema_version")
        )
    if findings:
        return _Settings(), findings
    views, keypoints = tuple(loaded.get("view_names", ())), tuple(loaded.get("keypoint_names", ()))
    findings += [error("target-views", view.subject, view.message, name) for view in check_views(views)]
    if not keypoints or len(set(keypoints)) < len(keypoints) or not all(text.strip() for text in keypoints):
        problem = "expected at least one keypoint, none blank, none twice"
        findings.append(error("target-project-keypoints", name, f"found {list(keypoints)}; {problem}"))
    findings += [
        error("target-project-skeleton", name, problem) for problem in _skeleton(loaded.get("skeleton"), keypoints)
    ]
    return _Settings(views, keypoints), findings


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _skeleton(skeleton: object, keypoints: Sequence[str]) -> Iterator[str]:
    if skeleton is None or skeleton == []:
        return
    if not isinstance(skeleton, list):
        yield f"found {as_written(skeleton)}, expected a list of pairs of keypoints"
        return
    seen = set()
    for bone in skeleton:
        if not _is_list_of_texts(bone) or len(bone) != 2:
            yield f"found {as_written(bone)}, expected a pair of keypoints"
        elif bone[0] == bone[1] or not set(bone) <= set(keypoints):
            yield f"found {as_written(bone)}, expected two different keypoints of the project"
        elif frozenset(bone) in seen:
            yield f"found {as_written(bone)} twice"
        else:
            seen.add(frozenset(bone))


# --- views ----------------------------------------------------------------------------------------------------------


#: What brings the rows of all views in one order.
_BY_LABELS = "after labeling in the app: `dlc2lp labels TARGET`"
_EXTRACT = (
    "in the app, extract the frames that a view has no image of, which cuts them from the videos of all views; then "
    "`dlc2lp labels TARGET`"
)


def _check_view_rows(target: Path, files: Sequence[TargetLabels], views: Sequence[str]) -> Iterator[Finding]:
    """Row n of every view must be the same moment; Lightning Pose compares the file names but not the sessions."""
    for other in files[1:] if len(files) == len(views) else ():
        first, where = files[0], ""
        pairs = zip(first.images, other.images, strict=False)
        row, (one, two) = next(
            (
                (row, (one, two))
                for row, (one, two) in enumerate(pairs, start=1)
                if moment_of(one, first.view) != moment_of(two, other.view)
            ),
            (0, ("", "")),
        )
        if len(first.images) != len(other.images):
            message = f"found {counted(len(other.images), 'row')}, expected {len(first.images)} as in {first.name}"
        elif row:
            message, where = f"found {two}, expected the same session and frame as {one} of {first.name}", f"row {row}"
        else:
            continue
        advice = _EXTRACT if _lacks_image(target, first, other) else _BY_LABELS
        yield error("target-views-differ", other.name, message, where, advice)


def _lacks_image(target: Path, *files: TargetLabels) -> bool:
    """Whether there is no image for a row that only the other view has."""
    moments = [{moment_of(image, file.view) for image in file.images} for file in files]
    return any(
        not (target / image_of(moment, file.view)).is_file()
        for file, own in zip(files, moments, strict=True)
        for moment in set().union(*moments) - own
    )


def _view_problem(stem: str, views: Sequence[str]) -> str:
    """Return why a session's folder or video does not name its view, if the project has views."""
    session, _, view = stem.rpartition("_")
    named = not views or (session and view in views)
    return "" if named else f"expected <session>_<view> with a view of {', '.join(views)}"


# --- labeled-data ---------------------------------------------------------------------------------------------------


def _check_folders(target: Path, views: Sequence[str]) -> Iterator[Finding]:
    root = target / "labeled-data"
    if not root.is_dir():
        yield error("target-labeled-data-missing", "labeled-data", "found no such folder")
        return
    for child in sorted(root.iterdir()):
        where = f"labeled-data/{child.name}"
        if not child.is_dir():
            yield _stray(child, where, "expected only session folders")
            continue
        if not _APP_NAME.fullmatch(child.name):
            yield error("target-session-name", where, "expected only letters, digits, '_', '-' and '.'")
        elif problem := _view_problem(child.name, views):
            yield error("target-session-name", where, problem)
        for image in sorted(child.iterdir()):
            if image.is_dir() or not _FRAME_NAME.fullmatch(image.name):
                yield _stray(image, f"{where}/{image.name}", "expected only frames such as img00000042.png")


def _stray(path: Path, subject: str, expected: str) -> Finding:
    message = f"found {'a folder' if path.is_dir() else 'a file'}, {expected}; the app calls it invalid"
    if path.name in _LITTER:
        return _warning("target-stray-file", subject, message, "delete it; it holds nothing")
    return error("target-stray-file", subject, message, advice="move it out of the project")


def _check_images(target: Path, *, every_image: bool) -> Iterator[Finding]:
    """Read all frames, also those that no label file names: context frames and the queue's."""
    images = sorted(path for path in (target / "labeled-data").glob("*/*") if _FRAME_NAME.fullmatch(path.name))
    step = 1 if every_image else max(1, len(images) // _N_SAMPLED)
    for position, path in enumerate(images):
        subject = f"labeled-data/{path.parent.name}/{path.name}"
        try:
            still = read_still(path, whole=position % step == 0)
        except BadImage as cause:
            yield error("target-image-unreadable", subject, f"the image {cause}")
        except OSError as cause:
            advice = getattr(cause, "advice", "")
            yield error("target-image-unreadable", subject, f"the image can't be opened: {cause.strerror}", "", advice)
        else:
            if still.bits > 8:
                message = f"found {still.bits} bits per channel, expected 8: Lightning Pose would see it white"
                yield error("target-image-depth", subject, message)


# --- videos ---------------------------------------------------------------------------------------------------------


def _check_video_names(target: Path, views: Sequence[str]) -> Iterator[Finding]:
    """Check every file of the folders that the app takes for videos: those whose name starts with ``videos``."""
    inner = (path for folder in target.glob("videos*") for path in folder.rglob("*"))
    for path in sorted(path for path in inner if path.exists() and not path.is_dir()):
        subject = path.relative_to(target).as_posix()
        try:
            look_at(path)
        except NotRegular as cause:
            yield error("target-video-unreadable", subject, cause.strerror, advice=cause.advice)
            continue
        if path.suffix != ".mp4":
            if path.suffix.lower() in _OTHER_VIDEOS:
                message = f"found {path.suffix}, expected .mp4; Lightning Pose passes over it without a word"
                yield _warning("target-video-suffix", subject, message, f"dlc2lp video convert {subject} NEW.mp4")
        elif not _APP_NAME.fullmatch(path.name):
            yield error("target-video-name", subject, "expected only letters, digits, '_', '-' and '.'")
        elif problem := _view_problem(path.stem, views):
            yield error("target-video-name", subject, problem)


# --- the labeling queue ---------------------------------------------------------------------------------------------


_LINE = "correct the line, or delete it"
_MENDED = "delete the line, which `dlc2lp labels TARGET` does too"


def _check_queue(target: Path, labels: TargetLabels) -> Iterator[Finding]:
    name = queue_file_name(labels.view)
    try:
        with io.TextIOWrapper(open_regular(target / name), encoding="utf-8") as file:
            yield from _check_entries(target, name, labels, CSV_LINE_BYTES.lines(file))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as cause:
        advice = getattr(cause, "advice", "save it as text in UTF-8")
        yield error("target-queue-invalid", name, f"can't be read: {cause}", advice=advice)


def _check_entries(target: Path, name: str, labels: TargetLabels, lines: Iterable[str]) -> Iterator[Finding]:
    labeled, seen = set(labels.images), set()
    parts = (part for line in lines for part in line.splitlines())
    for number, line in enumerate(parts, start=1):
        if not line.strip():
            continue
        frame, problem = _queue_entry(line)
        where = f"line {number}"
        if problem:
            yield error("target-queue-invalid", name, problem, where, _LINE)
        elif not FRAME_PATH.fullmatch(frame):
            problem = f"found {frame!r}, expected labeled-data/session/frame"
            yield error("target-queue-invalid", name, problem, where, _LINE)
        elif not (target / frame).is_file():
            yield error(
                "target-queue-image-missing",
                name,
                f"found no image {frame}",
                where,
                "bring it back, or delete the line",
            )
        elif frame in labeled:
            yield error("target-queue-labeled", name, f"{frame} is labeled in {labels.name} already", where, _MENDED)
        elif frame in seen:
            yield error("target-queue-twice", name, f"{frame} stands there twice", where, _MENDED)
        seen.add(frame)


def _queue_entry(line: str) -> tuple[str, str]:
    """Return the frame's path and what is wrong with the entry: the app's ``LabelingQueueEntry``."""
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError) as cause:
        return "", f"is no JSON: {cause}"
    frame = queued_path(entry)
    if frame is None:
        return "", "expected an object with a frame_path"
    predictions = entry.get("predictions")
    if predictions is not None and not _is_prediction_list(predictions):
        return "", "expected predictions to be null, or model_name, date_time and a list of points"
    return frame, ""


def _is_prediction_list(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("model_name"), str)
        and type(value.get("date_time")) is int
        and isinstance(value.get("predictions"), list)
        and all(
            isinstance(point, dict)
            and isinstance(point.get("keypoint_name"), str)
            and all(type(point.get(axis)) in (int, float) for axis in "xy")
            for point in value["predictions"]
        )
    )


# --- what does not belong there -------------------------------------------------------------------------------------


def _check_stray_files(target: Path, views: Sequence[str]) -> Iterator[Finding]:
    """Find what the app lists as broken label files, and what stops its migrations; trained models are their own."""
    expected = {label_file_name(view, suffix) for view in views or ("",) for suffix in ("", "_test")}
    tables = [path.relative_to(target).as_posix() for path in target.rglob("*.csv")]
    strays = sorted(
        path for path in tables if path not in expected and path.split("/")[0] not in {"models", "labeled-data"}
    )
    if strays:
        message = f"the app lists as invalid label files: {some(strays)}"
        yield _warning("target-stray-csv", strays[0], message, "move them out of the project")
    for path in sorted(target.glob("*.unlabeled")):
        message = "found a queue of an old app; the app stops at it if there is a .unlabeled.jsonl too"
        yield error("target-queue-legacy", path.name, message, advice="delete it")
