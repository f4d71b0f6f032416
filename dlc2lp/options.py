"""What a person can choose, with the defaults of the command line.

:class:`Options` shape the plan: the same source and the same options give the same plan, byte for byte.
:class:`RunOptions` say how a plan is carried out and can't change what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dlc2lp.codec import encode_fields
from dlc2lp.lp.config import ConfigChoices

LabelSource = Literal["h5", "csv", "newest"]
EmptyFrames = Literal["queue", "keep", "drop"]
Visibility = Literal["auto", "always", "never"]
MachineLabels = Literal["queue", "ignore"]
DerivedCrops = Literal["skip", "keep"]
NanMeans = Literal["occluded", "unlabeled"]
FrameNames = Literal["lp", "keep"]
Link = Literal["auto", "copy", "hardlink", "symlink"]
VideoChoice = Literal["listed", "all", "none"]
VerifyLevel = Literal["sample", "full", "none"]
EditedFiles = Literal["keep", "replace"]
CropChoice = Literal["auto", "never"]


@dataclass(frozen=True)
class Options:
    """Everything that decides what a migration writes.

    Attributes
    ----------
    labels
        Which file is the truth where CSV and HDF5 differ. DeepLabCut itself trains on the HDF5.
    scorer
        Which ``CollectedData`` file or column block; None: the scorer of ``config.yaml``.
    individuals
        ``auto``, ``flatten`` or the name of one individual; see :mod:`dlc2lp.survey.individuals`.
    merge
        Further DeepLabCut projects whose sessions and keypoints join those of the source.
    empty_frames
        Where frames without any label go: the app's labeling queue, the label file, or nowhere.
    visibility
        When the label file gets the column ``visible``; ``auto``: where a session never labelled a keypoint that is
        labelled elsewhere.
    machine_labels
        Whether unrefined machine labels become suggestions in the app's queue.
    views
        (name, project) of each camera, where each has a DeepLabCut project of its own; beside a 3D project, of those
        cameras whose recorded project is not the one to take.
    view_pattern
        How names are made up where one project holds all cameras: ``{session}_{view}``.
    square_size
        Side of a square of the checkerboard in millimetres, which DeepLabCut's calibration does not know.
    calibration
        The lab's own calibrations, Anipose's or those of a DeepLabCut 3D project: files, or folders that hold them.
    derived_crops
        What becomes of DeepLabCut's random sub-crops.
    split
        Shuffle whose test frames are held out in ``CollectedData_test.csv``.
    frame_names
        ``img%08d.png`` as the Lightning Pose app names frames, or DeepLabCut's names where LP takes them.
    context_frames
        Whether the two neighbors on either side of each labeled frame are cut from the video.
    link
        How files that need no change travel.
    videos
        ``listed``: those of ``video_sets`` and of labeled sessions; ``all``: also the others in ``videos/``.
    video_roots
        Where to look for videos whose recorded path is from another machine.
    crop
        Whether a video whose labeled images are proven to be a part of its picture is cropped likewise.
    profile, crf, preset, gop
        Encode settings: a named profile and what overrides it.
    config
        The choices of the starter config.
    data_dir
        The absolute path that the starter config names, where training runs elsewhere; None: the target.
    """

    labels: LabelSource = "h5"
    scorer: str | None = None
    individuals: str = "auto"
    merge: tuple[Path, ...] = ()
    empty_frames: EmptyFrames = "queue"
    visibility: Visibility = "auto"
    machine_labels: MachineLabels = "queue"
    views: tuple[tuple[str, Path], ...] = ()
    view_pattern: str | None = None
    square_size: float | None = None
    calibration: tuple[Path, ...] = ()
    derived_crops: DerivedCrops = "skip"
    split: str | None = None
    frame_names: FrameNames = "lp"
    context_frames: bool = True
    link: Link = "auto"
    videos: VideoChoice = "listed"
    video_roots: tuple[Path, ...] = ()
    crop: CropChoice = "auto"
    profile: str = "balanced"
    crf: int | None = None
    preset: str | None = None
    gop: int | None = None
    config: ConfigChoices = field(default_factory=ConfigChoices)
    data_dir: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All options in plain JSON types, as the plan records them."""
        return encode_fields(self)


@dataclass(frozen=True)
class RunOptions:
    """How a plan is carried out.

    Attributes
    ----------
    jobs
        Processes at a time; None: the CPUs that this process may use.
    verify
        How much of each written video is decoded and compared with its source.
    edited
        What happens to a target file that a person changed: it is kept, or written again.
    twins
        Targets made from the same source, which may hold the same videos already.
    tmp_dir
        Folder on a fast disk where videos are made before they move to the target; None: in the target itself.
    """

    jobs: int | None = None
    verify: VerifyLevel = "sample"
    edited: EditedFiles = "keep"
    twins: tuple[Path, ...] = ()
    tmp_dir: Path | None = None
