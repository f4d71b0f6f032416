"""Machine labels: predictions that DeepLabCut put beside the frames for a person to correct. Pure.

Unrefined ones become suggestions in the Lightning Pose app's queue. And labels that equal a prediction of low
confidence to the last bit are counted: a person who had looked would have moved some of them (napari-deeplabcut
issue #172). That is a flag, no proof.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlc2lp.dlc.labels import interpret, scorers
from dlc2lp.dlc.project import DlcSession, LabelFile
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, LabelTable, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Below this likelihood DeepLabCut's own default (``pcutoff``) does not draw a prediction.
LOW_LIKELIHOOD = 0.6

_ITERATION = re.compile(r"iter(\d+)")


@dataclass(frozen=True)
class Predictions:
    """The machine labels of one session.

    Attributes
    ----------
    model
        The scorer that predicted.
    date_ms
        When the file was written, in milliseconds since 1970.
    table
        Predicted points.
    likelihood
        Confidence, shape (F, I, K); None if the file has none.
    rows
        Row of each image in the table.
    """

    model: str
    date_ms: int
    table: LabelTable
    likelihood: NDArray[np.float64] | None
    rows: Mapping[str, int] = field(default_factory=dict)

    def points(self, image: str, origin: Mapping[str, tuple[str, str]]) -> dict[str, tuple[float, float]]:
        """Return the predicted (x, y) of one image by the keypoint names of the target.

        Parameters
        ----------
        image
            File name.
        origin
            For each keypoint name of the target the (individual, keypoint) of the source.
        """
        row = self.rows.get(image)
        if row is None:
            return {}
        found = {}
        for name, (individual, keypoint) in origin.items():
            column = self.column(individual, keypoint)
            if column is not None:
                x, y = (float(value) for value in self.table.xy_px[row, column[0], column[1]])
                if x == x and y == y:  # noqa: PLR0124  (NaN = no prediction)
                    found[name] = (x, y)
        return found

    def column(self, individual: str, keypoint: str) -> tuple[int, int] | None:
        """Return where a keypoint of an individual stands in the table, None if it is not predicted."""
        if individual not in self.table.individuals or keypoint not in self.table.keypoint_names:
            return None
        return self.table.individuals.index(individual), self.table.keypoint_names.index(keypoint)


def read_predictions(session: DlcSession, findings: list[Finding]) -> Predictions | None:
    """Return the newest machine labels of a session that can be read, None where it has none."""
    for file in sorted(session.machine_files, key=_newest_first):
        if file.table is None:
            findings += _as_warnings(file.findings)
            continue
        models = scorers(file.table)
        if len(models) > 1:
            findings.append(
                Finding(
                    Severity.NOTE,
                    "several-models",
                    str(file.path),
                    f"holds predictions of {len(models)} networks; used those of {models[-1]}",
                )
            )
        model = models[-1] if models else ""
        try:
            read = interpret(
                file.table, session=session.name, scorer=model or None, path=file.path, images=session.images
            )
        except UnreadableFile as error:
            findings += _as_warnings(error.findings)
            continue
        rows = {frame.file_name: row for row, frame in enumerate(read.labels.frames)}
        return Predictions(model, file.mtime_ns // 10**6, read.labels, read.likelihood, rows)
    return None


def _newest_first(file: LabelFile) -> tuple[int, bool, str]:
    number = _ITERATION.search(file.stem_scorer)
    return (-int(number.group(1)) if number else 1, file.kind != "h5", file.path.name)


def _as_warnings(findings: tuple[Finding, ...]) -> list[Finding]:
    """Predictions are no labels: nothing of the person's work is lost when they can't be read."""
    from dataclasses import replace

    return [replace(finding, severity=Severity.WARNING) for finding in findings]


def labels_equal_predictions(labels: LabelTable, predictions: Predictions) -> int:
    """Count labelled points that equal a prediction of low likelihood to the last bit."""
    if predictions.likelihood is None:
        return 0
    n = 0
    for row, frame in enumerate(labels.frames):
        predicted = predictions.rows.get(frame.file_name)
        if predicted is None:
            continue
        for i, individual in enumerate(labels.individuals):
            for k, keypoint in enumerate(labels.keypoint_names):
                column = predictions.column(individual, keypoint)
                if column is None:
                    continue
                here, there = labels.xy_px[row, i, k], predictions.table.xy_px[predicted, column[0], column[1]]
                low = predictions.likelihood[predicted, column[0], column[1]] < LOW_LIKELIHOOD
                n += bool(low and (here == there).all())
    return n
