"""What the starter config must know of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

from dlc2lp.codec import Malformed, decode_fields, encode_fields


@dataclass(frozen=True)
class ConfigFacts:
    """What the starter config must know of a project."""

    written_as: ClassVar[Any] = dict[str, Any]

    data_dir: str  #: Absolute path of the project where training runs, of any operating system.
    keypoint_names: tuple[str, ...]  #: K names in the order of the label file.
    n_labeled_frames: int  #: Rows of the label file; in a multi-view project of each label file.
    #: ((width_px, height_px), number of images) for each size of the labeled images, of all views.
    image_sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    #: Keypoint -> share of the labeled frames in which it is empty, 0 to 1.
    hidden_share: Mapping[str, float] = field(default_factory=dict)
    n_videos: int = 0  #: Videos in ``videos/``; in a multi-view project sessions with a video of every view.
    view_names: tuple[str, ...] = ()  #: The views in order; empty in a single-view project.
    is_calibrated: bool = False  #: Whether there is a calibration for every session.
    #: Labeled frames that Lightning Pose's augmentation in space can't take: three or more keypoints are labelled in
    #: two views, and some view has fewer than three of these.
    n_frames_against_3d: int = 0
    one_view_keypoints: tuple[str, ...] = ()  #: Keypoints that at least one view never shows.
    incomplete_sessions: tuple[str, ...] = ()  #: Sessions that have videos, but not of every view.
    unequal_sessions: tuple[str, ...] = ()  #: Sessions whose videos have different numbers of frames.
    #: Labeled frames beside which a neighbor is missing that its video has; None: not known (plans of version 0.1).
    n_frames_without_context: int | None = None

    @property
    def n_views(self) -> int:
        """Images of one labeled frame."""
        return max(1, len(self.view_names))

    @property
    def uses_3d(self) -> bool:
        """Whether the scene can be moved in space in training, and what the views see compared there.

        ``MultiviewHeatmapDataset._transform_images`` of Lightning Pose 2.4.3 ends the training with "Fewer than 3 valid
        keypoints in 3d data augmentation" where a view has too few of a frame's keypoints. Where there is a
        calibration file it moves the scene in space whatever ``imgaug_3d`` says, unless ``imgaug`` is ``default``.
        """
        return self.is_calibrated and not self.n_frames_against_3d

    @property
    def is_augmented(self) -> bool:
        """Whether training images can be changed at all (see :attr:`uses_3d`)."""
        return self.uses_3d or not self.is_calibrated

    @property
    def can_predict(self) -> bool:
        """Whether Lightning Pose can predict the videos after training without ending in an error."""
        return self.n_videos > 0 and not self.unequal_sessions

    def to_written(self) -> dict[str, Any]:
        """All fields in plain JSON types; those of views only where there are any, and what is known."""
        written = encode_fields(self)
        if self.n_frames_without_context is None:
            del written["n_frames_without_context"]
        return {name: value for name, value in written.items() if self.view_names or name not in _OF_VIEWS}

    @classmethod
    def from_written(cls, written: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_written`; Malformed where no config can be made of it."""
        facts = decode_fields(cls, written)
        if not facts.keypoint_names or len(set(facts.keypoint_names)) < len(facts.keypoint_names):
            raise Malformed("expected keypoints, each with a name of its own")
        return facts


_OF_VIEWS = frozenset(field.name for field in fields(ConfigFacts)).difference(
    (
        "data_dir",
        "keypoint_names",
        "n_labeled_frames",
        "image_sizes",
        "hidden_share",
        "n_frames_without_context",
        "n_videos",
    )
)
