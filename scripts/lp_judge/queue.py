"""The app's labeling queue, by the app's own model of it."""

from __future__ import annotations

import json
from pathlib import Path

from lp_judge.report import Report, Verdict, require, some
from lp_judge.subject import Subject

SUFFIX = ".unlabeled.jsonl"


def check_queue(subject: Subject, report: Report) -> None:
    """Check every queue file of the project."""
    if not subject.wants_app:
        return
    for file in sorted(subject.directory.glob(f"*{SUFFIX}")):
        with report.check(f"queue[{file.name}]") as verdict:
            check_queue_file(subject, file, verdict)


def check_queue_file(subject: Subject, file: Path, verdict: Verdict) -> None:
    """Every entry is an image that exists and has no label row."""
    from litpose_app.utils.mv_label_file import LabelingQueueEntry

    lines = [line for line in file.read_text().splitlines() if line.strip()]
    frames = [LabelingQueueEntry(**json.loads(line)).frame_path for line in lines]
    label_file = file.with_name(file.name.removesuffix(SUFFIX) + ".csv")
    require(label_file.exists(), "no csv of that stem")
    missing = [frame for frame in frames if not (subject.directory / frame).is_file()]
    require(not missing, f"missing frames {some(missing, 2)}")
    labeled = {str(name) for labels in subject.labels.values() for name in labels.image_names}
    both = [frame for frame in frames if frame in labeled]
    require(not both, f"queued but already labelled {some(both, 2)}")
    verdict.say(f"{len(frames)} frames")
