"""CollectedData: LP's parser, what the app asks of header and index, the images, the agreement of the views."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from lp_judge.report import FAIL, Report, Verdict, require, require_none, some
from lp_judge.subject import Subject, trailing_digits

HEADER = ["scorer", "bodyparts", "coords"]
BAD_PATHS = {"backslash": r"\\", "absolute path": r"^(/|[A-Za-z]:)", "..": r"(^|/)\.\.(/|$)"}


def check_labels(subject: Subject, report: Report) -> None:
    """Check each label file and leave the parsed ones for the later checks."""
    files = subject.label_files
    if len(files) != len(subject.views or [None]):
        report.line(FAIL, "csv.count", f"{len(files)} label files for {len(subject.views)} views")
    for file in files:
        check_label_file(subject, report, file)
    if len(subject.labels) > 1:
        with report.check("csv.views_aligned"):
            check_views_aligned(subject)
    for file in subject.labels:
        for suffix in ("_test", "_new"):
            extra = file.with_stem(file.stem + suffix)
            if extra.exists():
                with report.check(f"csv[{extra.name}]") as verdict:
                    check_extra_file(subject, file, extra, verdict)


def check_label_file(subject: Subject, report: Report, file: Path) -> None:
    """All checks of one file."""
    tag = f"csv[{file.name}]"
    with report.check(f"{tag}.parse") as verdict:
        parse(subject, file, verdict)
    labels = subject.labels.get(file)
    if labels is None:
        return
    with report.check(f"{tag}.header") as verdict:
        require_none(header_problems(file, labels))
        verdict.say(some(labels.keypoint_names, 8))
    with report.check(f"{tag}.keypoint_names"):
        require_none(keypoint_problems(subject, labels))
    with report.check(f"{tag}.index"):
        require_none(index_problems([str(name) for name in labels.image_names]))
    with report.check(f"{tag}.images") as verdict:
        check_images(subject, labels, verdict)
    with report.check(f"{tag}.in_bounds") as verdict:
        check_in_bounds(subject, labels, verdict)
    if subject.wants_app:
        with report.check(f"{tag}.app_frame_names"):
            from litpose_app.routes.validate_files import _LABEL_INDEX_RE as LABEL_INDEX

            bad = [name for name in labels.image_names if not LABEL_INDEX.fullmatch(str(name))]
            require(not bad, f"{len(bad)} rows do not match {LABEL_INDEX.pattern}: {some(bad, 2)}")
    with report.check(f"{tag}.context_names") as verdict:
        check_context_names(subject, labels, verdict)


def parse(subject: Subject, file: Path, verdict: Verdict) -> None:
    """Read the file with LP's parser."""
    import torch
    from lightning_pose.utils.io import parse_label_csv

    labels = subject.labels[file] = parse_label_csv(str(file))
    require(
        labels.visibility is None or int(labels.visibility.min()) >= 0,
        "empty visible cells (become int64 min: NaN heatmaps)",
    )
    n_labeled = int((~torch.isnan(labels.keypoints[..., 0])).sum())
    verdict.say(
        f"{len(labels.image_names)} rows x {len(labels.keypoint_names)} keypoints, "
        f"visible={labels.visibility is not None}, labelled={n_labeled}"
    )


def header_problems(file: Path, labels: Any) -> list[str]:
    """What LP's parser accepts and reads wrongly, as it trusts the order of the columns."""
    import pandas as pd

    raw = pd.read_csv(file, header=None, nrows=4, dtype=str, keep_default_na=False)
    names, coords = raw.iloc[1, 1:].tolist(), raw.iloc[2, 1:].tolist()
    scorers = set(raw.iloc[0, 1:])
    group = ["x", "y", "visible"] if "visible" in coords else ["x", "y"]
    first_column = raw.iloc[:3, 0].tolist()
    problems = []
    if first_column != HEADER:
        problems.append(f"first column of the header is {first_column}")
    if len(scorers) != 1:
        problems.append(f"{len(scorers)} scorers {some(sorted(scorers))}")
    if coords != group * (len(coords) // len(group)):
        problems.append(f"coords are not {group} repeated")
    if any(len(set(names[k : k + len(group)])) != 1 for k in range(0, len(names), len(group))):
        problems.append("bodypart header does not come in groups")
    if len(set(labels.keypoint_names)) != len(labels.keypoint_names):
        problems.append("duplicate keypoint names")
    if len(labels.keypoint_names) != labels.keypoints.shape[1]:
        problems.append("keypoints tensor does not match the header")
    if any(not str(name).strip() for name in labels.keypoint_names):
        problems.append("blank keypoint name")
    return problems


def keypoint_problems(subject: Subject, labels: Any) -> list[str]:
    """Where project.yaml or the config name other keypoints, or in another order."""
    problems = []
    if subject.project_keypoints not in (None, labels.keypoint_names):
        problems.append(f"project.yaml {subject.project_keypoints} != csv {labels.keypoint_names}")
    if subject.config is not None:
        data = subject.config.data
        if data.num_keypoints != len(labels.keypoint_names):
            problems.append(f"cfg num_keypoints {data.num_keypoints} != {len(labels.keypoint_names)}")
        if data.get("keypoint_names") is not None and list(data.keypoint_names) != labels.keypoint_names:
            problems.append("cfg keypoint_names differ from the csv")
    return problems


def index_problems(image_names: list[str]) -> list[str]:
    """Rows that are no relative forward-slash path, or stand twice."""
    problems = []
    twice = [name for name, n in Counter(image_names).items() if n > 1]
    if twice:
        problems.append(f"{len(twice)} images with more than one row: {some(twice, 2)}")
    for what, pattern in BAD_PATHS.items():
        bad = [name for name in image_names if re.search(pattern, name)]
        if bad:
            problems.append(f"{len(bad)} rows with {what}: {some(bad, 1)}")
    return problems


def check_images(subject: Subject, labels: Any, verdict: Verdict) -> None:
    """Every image is there, can be decoded and has 8 bits."""
    from PIL import Image

    missing = [name for name in labels.image_names if not (subject.directory / str(name)).is_file()]
    require(not missing, f"{len(missing)} images missing: {some(missing, 3)}")
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    unreadable = []
    for name in labels.image_names:
        try:
            with Image.open(subject.directory / name) as image:
                image.load()
        except Exception as error:
            unreadable.append(f"{name}: {error}")
        else:
            modes[image.mode] += 1
            sizes[image.size] += 1
    require(not unreadable, f"unreadable: {some(unreadable, 2)}")
    deep = [mode for mode in modes if mode.startswith("I") or mode == "F"]
    require(
        not deep,
        f'PIL modes {deep}: convert("RGB") clips 16-bit values to 255 (the dataset sees white images)',
    )
    verdict.say(f"modes={dict(modes)} sizes={dict(sizes)}")
    if len(sizes) > 1:
        verdict.warn("mixed sizes")
    odd = [mode for mode in modes if mode in ("RGBA", "LA", "P")]
    if odd:
        verdict.warn(f"{odd}: alpha or palette is dropped on load")


def check_in_bounds(subject: Subject, labels: Any, verdict: Verdict) -> None:
    """Labels lie inside their images; LP drops the others after augmentation."""
    import numpy as np
    from PIL import Image

    outside = []
    for name, xy_px in zip(labels.image_names, labels.keypoints.numpy(), strict=True):
        path = subject.directory / str(name)
        if not path.is_file():
            continue
        with Image.open(path) as image:
            size_px = image.size
        with np.errstate(invalid="ignore"):
            if ((xy_px < 0) | (xy_px > size_px)).any():
                outside.append(name)
    verdict.say(f"{len(outside)} frames with a label outside the image" + (f": {some(outside, 2)}" if outside else ""))
    if outside:
        verdict.warn()


def check_context_names(subject: Subject, labels: Any, verdict: Verdict) -> None:
    """LP derives the two neighbors on each side from the digits that end the name, and not from others."""
    from lightning_pose.utils.io import get_context_img_paths

    wrong, n_missing, n_context = [], 0, 0
    for name in labels.image_names:
        path = subject.directory / str(name)
        derived = list(get_context_img_paths(path))
        if derived != expected_context(path):
            wrong.append(name)
        n_context += 4
        n_missing += sum(not neighbor.exists() for k, neighbor in enumerate(derived) if k != 2)
    require(
        not wrong,
        f"{len(wrong)} names whose context frames LP derives wrongly (get_context_img_paths counts up another "
        f"digit group than the last): {some(wrong, 2)}",
    )
    verdict.say(f"{n_missing}/{n_context} context frames absent")
    if n_missing:
        verdict.detail += " (heatmap_mhcrnn falls back to the centre frame)"
        if subject.config is not None and subject.config.model.model_type == "heatmap_mhcrnn":
            verdict.warn()


def expected_context(path: Path) -> list[Path]:
    """The five names around a frame, with the same zero padding; frame numbers don't go below 0."""
    digits = trailing_digits(path.stem)
    if not digits:
        return []
    head, width, frame_index = path.stem[: digits.start()], len(digits[0]), int(digits[0])
    return [path.with_stem(f"{head}{max(frame_index + offset, 0):0{width}d}") for offset in (-2, -1, 0, 1, 2)]


def check_views_aligned(subject: Subject) -> None:
    """Row n of every view is the same moment: the same frame name in the same session."""
    first, *others = subject.labels.values()
    for other in others:
        require(
            len(first.image_names) == len(other.image_names),
            f"row counts {len(first.image_names)} != {len(other.image_names)}",
        )
        require(first.keypoint_names == other.keypoint_names, "keypoint order differs between views")
        for one, two in zip(first.image_names, other.image_names, strict=True):
            require(Path(one).name == Path(two).name, f"{one} vs {two}")
    for row in range(len(first.image_names)):
        sessions = {
            Path(labels.image_names[row]).parent.name.removesuffix(f"_{subject.view_of(file)}")
            for file, labels in subject.labels.items()
        }
        require(len(sessions) == 1, f"row {row}: different sessions {some(sorted(sessions))}")


def check_extra_file(subject: Subject, file: Path, extra: Path, verdict: Verdict) -> None:
    """A label file that LP evaluates after training."""
    from lightning_pose.utils.io import parse_label_csv

    labels, training = parse_label_csv(str(extra)), subject.labels[file]
    require(labels.keypoint_names == training.keypoint_names, "keypoints differ from the training csv")
    missing = [name for name in labels.image_names if not (subject.directory / name).is_file()]
    require(not missing, f"missing images {some(missing, 2)}")
    both = set(labels.image_names) & set(training.image_names)
    verdict.say(f"{len(labels.image_names)} rows; {len(both)} also in the training csv")
    if both:
        verdict.warn()
    if subject.wants_app and extra.stem.endswith("_new"):
        verdict.warn("the app lists *_new.csv as Invalid, it accepts only CollectedData[_view][_test].csv")
