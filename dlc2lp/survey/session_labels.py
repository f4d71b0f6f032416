"""A session with the labels that count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.dlc.session import DlcSession
from dlc2lp.model import LabelTable
from dlc2lp.survey.machine_labels import Predictions


@dataclass(frozen=True)
class SessionLabels:
    """A session with the labels that count."""

    session: DlcSession  #: The folder as it lies on disk.
    labels: LabelTable | None  #: Its labels; None where it has none that can be read.
    label_file: Path | None  #: The file they come from.
    #: Labelled points of the file that belong to no image, and so can't be in ``labels``; a finding names them.
    n_left_out: int = 0
    predictions: Predictions | None = None  #: Its machine labels.
    other_folders: Mapping[str, str] = field(default_factory=dict)  #: Images whose row names another folder, and which.
    #: Names of rows without an image, with the images that each could mean, none of which is certain.
    near_images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    n_frames_unseen: int = 0  #: Frames that are labelled in files that are not used, and only there.
    #: Images that have labels which are not used, and so must not be taken for unlabeled ones.
    withheld: frozenset[str] = frozenset()
