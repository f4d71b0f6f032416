"""A model without a network: what Lightning Pose and its app need to show predictions that another program made. Pure.

The app lists a folder of ``models/`` that has a ``config.yaml``, as completed where ``train_status.json`` says so, and
its viewer draws ``video_preds/<video>.csv``; Lightning Pose computes its metrics from the same file. There are no
weights, so nothing can be predicted with it, and both its config and a text beside it say so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dlc2lp.lp.document import Document, Entry, render
from dlc2lp.lp.labels import header_lines

MODELS = "models"
#: Section of the config by which such a model is known.
MARK = "dlc2lp"

_FOLDERS = ("data_dir", "video_dir")
_COORDS = ("x", "y", "likelihood")
_HEAD = (
    "PREDICTIONS ONLY. These are predictions of DeepLabCut, brought here by dlc2lp so that the app's viewer and the "
    "metrics of Lightning Pose show them. There are no weights: nothing can be predicted with this model, and no "
    "training can start from it.\n"
    "Keypoints and data are those of the project; how DeepLabCut trained is not written here."
)


def model_texts(name: str, scorer: str, created_s: int, starter: Document) -> dict[str, str]:
    """Return the texts of a model by their paths in the target; ``starter`` is the project's starter config.

    ``created_s`` is when the predictions were made, in seconds since 1970.
    """
    folder = f"{MODELS}/{name}"
    note = (
        f"The predictions in this folder are those of DeepLabCut's network\n  {scorer}\n"
        "There are no weights of a network: Lightning Pose shows and measures what stands here, and can't predict "
        "with it.\n"
    )
    return {
        f"{folder}/config.yaml": render(_marked(name, created_s, starter), _HEAD),
        f"{folder}/train_status.json": json.dumps({"status": "COMPLETED", "pid": None, "progress": None}) + "\n",
        f"{folder}/NO_WEIGHTS.txt": note,
    }


def predictions_path(name: str, video: str) -> str:
    """Return where a model keeps its predictions of a video, called so without suffix."""
    return f"{MODELS}/{name}/video_preds/{video}.csv"


def _marked(name: str, created_s: int, starter: Document) -> Document:
    """Return the config with the model's name, its mark, and without comments about what to train.

    When the app starts it writes each model's config anew that has no date, or another folder for its data than the
    project's; without a folder it leaves it. The file shall stay as it is, also where the target is moved.
    """

    def plain(document: Document) -> Document:
        return tuple(
            Entry(
                entry.key,
                name if entry.key == "model_name" else plain(entry.value) if entry.is_section else entry.value,
            )
            for entry in document
            if entry.key not in _FOLDERS
        )

    mark = Entry(MARK, (Entry("predictions_only", value=True),), "Known by this: there are no weights.")
    created = datetime.fromtimestamp(created_s, UTC).isoformat()
    return (*plain(starter), Entry("creation_datetime", created), mark)


@dataclass(frozen=True)
class EvaluatedImage:
    """A labeled image, what was predicted for it, and what it was to the network."""

    image: str  #: Path of the image inside the project.
    points: tuple[tuple[float, float, float], ...]  #: x, y and likelihood of each keypoint; NaN = not predicted.
    labels: tuple[tuple[float, float], ...]  #: Labelled x, y of each keypoint; NaN = no label.
    part: str  #: ``train``, ``validation``, ``test`` or ``unused``.


def evaluation_texts(
    name: str, scorer: str, keypoint_names: Sequence[str], images: Sequence[EvaluatedImage]
) -> dict[str, str]:
    """Return a model's predictions of labeled images and how far they are from the labels, by their paths.

    Lightning Pose writes both so after a training (``predict_dataset``, ``compute_metrics_single``): rows in the order
    of the label file, the last column tells to which part of the split an image belongs.
    """
    header = header_lines(scorer, keypoint_names, _COORDS)
    ends = ("set", "", "")
    lines = [line.rstrip("\n") + f",{end}\n" for line, end in zip(header, ends, strict=True)]
    errors = [header_lines(scorer, keypoint_names, ("",))[1].removeprefix("bodyparts").rstrip("\n") + ",set\n"]
    for each in images:
        cells = [text for point in each.points for text in map(_text, point)]
        lines.append(",".join([each.image, *cells, each.part]) + "\n")
        off_px = [
            _text(math.hypot(x - label_x, y - label_y))
            for (x, y, _), (label_x, label_y) in zip(each.points, each.labels, strict=True)
        ]
        errors.append(",".join([each.image, *off_px, each.part]) + "\n")
    folder = f"{MODELS}/{name}"
    return {f"{folder}/predictions.csv": "".join(lines), f"{folder}/predictions_pixel_error.csv": "".join(errors)}


def _text(number: float) -> str:
    return "" if math.isnan(number) else repr(number)


def prediction_lines(
    scorer: str, keypoint_names: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]
) -> Iterator[str]:
    """Yield the lines of a file of predictions: three of the header, then one for each frame.

    ``rows`` are the frame's number, and the texts of x, y and likelihood of each keypoint; empty for what is not known.
    """
    yield from header_lines(scorer, keypoint_names, _COORDS)
    for number, cells in rows:
        yield f"{number},{','.join(cells)}\n"
