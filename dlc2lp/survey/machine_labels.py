"""Machine labels: predictions that DeepLabCut put beside the frames for a person to correct. Pure.

Unrefined ones become suggestions in the Lightning Pose app's queue. And labels that equal a prediction of low
confidence to the last bit are counted: a person who had looked would have moved some of them (napari-deeplabcut
issue #172). That is a flag, no proof.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from dlc2lp.dlc.columns import scorers
from dlc2lp.dlc.joining import point_name
from dlc2lp.dlc.label_file import LabelFile
from dlc2lp.dlc.labels import interpret
from dlc2lp.dlc.session import DlcSession
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, LabelTable, Severity
from dlc2lp.wording import counted, some

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Below this likelihood DeepLabCut's own default (``pcutoff``) does not draw a prediction.
LOW_LIKELIHOOD = 0.6

#: ``machinelabels-iter2.h5``: ``extract_outlier_frames`` begins a file with each iteration of the project.
_ITERATION = re.compile(r"iter([0-9]+)")


@dataclass(frozen=True)
class MachineLabels:
    """What one network predicted, as one file holds it."""

    model: str  #: The scorer that predicted, such as ``DLC_resnet50_reachAug30shuffle1_50000``.
    date_ms: int  #: When the file was written, in milliseconds since 1970.
    table: LabelTable  #: Predicted points of shape (F, I, K, 2).
    likelihood: NDArray[np.float64] | None  #: Confidence, shape (F, I, K); None if the file has none.

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each image."""
        return {frame.file_name: row for row, frame in enumerate(self.table.frames)}

    def column(self, individual: str, keypoint: str) -> tuple[int, int] | None:
        """Return where a keypoint of an individual stands in the table, None if it is not predicted."""
        if individual not in self.table.individuals or keypoint not in self.table.keypoint_names:
            return None
        return self.table.individuals.index(individual), self.table.keypoint_names.index(keypoint)

    def points(self, image: str, origin: Mapping[str, tuple[str, str]]) -> dict[str, tuple[float, float]]:
        """Return the predicted (x, y) of an image by the keypoint names of the target."""
        if image not in self.rows:
            return {}
        found = {}
        for name, (i, k) in self.columns(origin).items():
            x, y = self.table.xy_px[self.rows[image], i, k].tolist()
            if x == x and y == y:  # noqa: PLR0124  (NaN = no prediction)
                found[name] = (x, y)
        return found

    @cached_property
    def predicted(self) -> frozenset[str]:
        """Images with at least one predicted point."""
        import numpy as np

        has_any = np.any(self.table.labelled, axis=(1, 2))
        return frozenset(name for name, row in self.rows.items() if has_any[row])

    def unused(
        self, images: Collection[str], origin: Mapping[str, tuple[str, str]], left_out: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield (image, keypoint) of the predicted points that are no keypoint of the target.

        ``left_out`` are individuals of which that is known.
        """
        used = set(self.columns(origin).values())
        labelled = self.table.labelled
        for i, individual in enumerate(self.table.individuals):
            for k, keypoint in enumerate(self.table.keypoint_names):
                if (i, k) not in used and individual not in left_out:
                    name = point_name(individual, keypoint)
                    yield from ((image, name) for image in images if labelled[self.rows[image], i, k])

    def columns(self, origin: Mapping[str, tuple[str, str]]) -> dict[str, tuple[int, int]]:
        """Return which column of the table is which keypoint of the target; those that are none are not in it."""
        found = {}
        for name, (individual, keypoint) in origin.items():
            column = self.column(individual, keypoint)
            if column is None and name == keypoint:
                column = self.column("", keypoint)  # predicted before the project became a multi-animal one
            if column is not None:
                found[name] = column
        return found


class Suggestion(NamedTuple):
    """What the app shows in a frame that waits for labels."""

    model: str  #: The network that predicted.
    date_ms: int  #: When, in milliseconds since 1970.
    points: Mapping[str, tuple[float, float]]  #: (x, y) in pixels of the image by keypoint name, at least one.


@dataclass(frozen=True)
class Predictions:
    """All machine labels of one session, those of the newest network first; at least one."""

    networks: tuple[MachineLabels, ...]

    @property
    def model(self) -> str:
        """The networks' names, for people."""
        return ", ".join(dict.fromkeys(labels.model for labels in self.networks))

    def suggestion(self, image: str, origin: Mapping[str, tuple[str, str]]) -> Suggestion | None:
        """Return what the newest network that predicted an image says of it.

        A later iteration, or a later network in the same file, does not repeat the frames of an earlier one. ``origin``
        holds for each keypoint name of the target the (individual, keypoint) of the source.
        """
        for labels in self.networks:
            if points := labels.points(image, origin):
                return Suggestion(labels.model, labels.date_ms, points)
        return None


def read_predictions(session: DlcSession, findings: list[Finding]) -> Predictions | None:
    """Return the machine labels of a session as far as they can be read, None where it has none."""
    networks: list[MachineLabels] = []
    for file in sorted(session.machine_files, key=_newest_first):
        networks += _read_file(file, session, findings)
    return Predictions(tuple(networks)) if networks else None


def join_predictions(parts: Iterable[Predictions | None]) -> Predictions | None:
    """Join the machine labels of one session in several projects; those of the first project go first."""
    networks = tuple(labels for part in parts if part is not None for labels in part.networks)
    return Predictions(networks) if networks else None


def labels_equal_predictions(labels: LabelTable, predictions: Predictions) -> dict[str, int]:
    """Count labelled points that equal a prediction of low likelihood to the last bit, by the images that have some."""
    import numpy as np

    equal = np.zeros(labels.labelled.shape, dtype=np.bool_)
    for network in predictions.networks:
        if network.likelihood is None:
            continue
        here = [row for row, frame in enumerate(labels.frames) if frame.file_name in network.rows]
        there = [network.rows[labels.frames[row].file_name] for row in here]
        for i, individual in enumerate(labels.individuals):
            for k, keypoint in enumerate(labels.keypoint_names):
                column = network.column(individual, keypoint)
                if column is not None:
                    same = (labels.xy_px[here, i, k] == network.table.xy_px[there, *column]).all(axis=-1)
                    equal[here, i, k] |= same & (network.likelihood[there, *column] < LOW_LIKELIHOOD)
    counts = equal.sum(axis=(1, 2)).tolist()
    return {frame.file_name: n for frame, n in zip(labels.frames, counts, strict=True) if n}


class SessionPredictions(NamedTuple):
    """A session with machine labels."""

    session: DlcSession
    predictions: Predictions
    labelled: Collection[str]  #: Its images with a label, which need no suggestion.


def lost_suggestions(
    sessions: Sequence[SessionPredictions], labels: LabelTable, origin: Mapping[str, tuple[str, str]]
) -> list[Finding]:
    """Tell which predictions can be no suggestions: their image is not there, or no label has their keypoint.

    ``labels`` are of all individuals, and ``origin`` says which of their columns are keypoints of the target. What
    is predicted of an individual that was labelled and not chosen is left out on purpose.
    """
    import numpy as np

    seen = np.any(labels.labelled, axis=(0, 2))
    left_out = {name for name, is_seen in zip(labels.individuals, seen, strict=True) if is_seen}
    left_out -= {individual for individual, _ in origin.values()}
    images: dict[str, None] = {}
    points: set[tuple[str, str, str]] = set()
    for session, predictions, labelled in sessions:
        for network in predictions.networks:
            images |= dict.fromkeys(
                f"{session.name}/{name}" for name in sorted(network.predicted - session.image_names)
            )
            waiting = network.predicted & session.images.keys() - set(labelled)
            points.update((session.name, *point) for point in network.unused(waiting, origin, left_out))
    findings = []
    if images:
        message = f"predicted for {counted(len(images), 'image that is', 'images that are')} not there; no suggestion"
        findings.append(Finding(Severity.WARNING, "suggestion-without-image", some(images), message))
    if points:
        names = dict.fromkeys(name for *_, name in sorted(points))
        whose = f"predicted {counted(len(points), 'time')} for frames that wait for labels"
        message = f"{whose}, but no label file labels what is called so; no suggestion"
        findings.append(Finding(Severity.WARNING, "suggestion-without-keypoint", some(names), message))
    return findings


def _read_file(file: LabelFile, session: DlcSession, findings: list[Finding]) -> list[MachineLabels]:
    """Return what each network of a file predicted, the last one first; of several tables the first goes first.

    When a network was trained anew within an iteration, DeepLabCut puts its columns behind those of the earlier one and
    its frames below, so that each network has its own rows.
    """
    findings += _of_predictions(file.findings)
    networks: list[MachineLabels] = []
    for table in (file.table, *file.others):
        if table is None:
            continue
        models = scorers(table)
        if len(models) > 1:
            held = f"holds the predictions of {len(models)} networks ({', '.join(models)})"
            message = f"{held}; each frame gets those of the last one that has any"
            findings.append(Finding(Severity.NOTE, "several-models", str(file.path), message))
        for model in reversed(models or ("",)):
            try:
                read = interpret(table, session=session.name, scorer=model, path=file.path, images=session.image_names)
            except UnreadableFile as error:
                findings += _of_predictions(error.findings)
                continue
            findings += _of_predictions(read.findings)
            # The app shows a suggestion only under a model's name; some files have none.
            name = model or file.path.stem
            networks.append(MachineLabels(name, file.mtime_ns // 10**6, read.labels, read.likelihood))
    return networks


def _newest_first(file: LabelFile) -> tuple[int, bool, str]:
    """Sort key: by iteration, ``machinelabels.csv`` last, since it repeats what is in the HDF5."""
    number = _ITERATION.search(file.stem_scorer)
    return (-int(number.group(1)) if number else 1, file.kind != "h5", file.path.name)


def _of_predictions(findings: Iterable[Finding]) -> list[Finding]:
    """Return what reading brought up as what it means: nothing of the person's work is lost, but suggestions may be."""
    advice = "nothing needs to be done: what is lost are suggestions, no labels"
    return [
        replace(
            finding,
            severity=Severity.WARNING if finding.severity is Severity.ERROR else finding.severity,
            advice=advice if finding.advice else "",
            remedies=(),
        )
        for finding in findings
    ]
