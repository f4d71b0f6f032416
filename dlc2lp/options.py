"""What a person can choose: each option is declared here, once, and those of the starter config by lp/config_choices.

The command line, ``decisions.yaml``, the library's keywords (``keywords.py``) and ``docs/cli.md`` come from these
declarations. :class:`Options` shape the plan: the same source and the same options give the same plan, byte for byte.
:class:`RunOptions` say how a plan is carried out and can't change what comes out.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from dlc2lp.declared import Chosen, Section, declared, option
from dlc2lp.errors import UsageError
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.video.encoding import BOUNDS, PRESETS, PROFILES

LabelSource = Literal["h5", "csv", "newest"]
EmptyFrames = Literal["queue", "keep", "drop"]
Visibility = Literal["auto", "always", "never"]
MachineLabels = Literal["queue", "ignore"]
DerivedCrops = Literal["skip", "keep"]
FrameNames = Literal["lp", "keep"]
Link = Literal["auto", "copy", "hardlink", "symlink"]
VideoChoice = Literal["listed", "all", "none"]
VerifyLevel = Literal["sample", "full", "none"]
WholeVideo = Literal["none", "full"]
EditedFiles = Literal["keep", "settle", "replace"]
CropChoice = Literal["auto", "never"]
DamagedChoice = Literal["refuse", "keep"]
Uneven = Literal["trim", "keep", "refuse"]

_PROJECT = ("inspect", "convert")
_ANY = (*_PROJECT, "batch convert", "batch plan")

#: What stands above the options of a section in the help, by its rank.
TITLES = {
    0: "Several projects",
    1: "Labels and frames",
    2: "Views (several cameras)",
    3: "Videos",
    4: "Starter config",
    5: "Running",
    6: "Running",
    7: "Running",
}

_PROJECTS = Section(0, _PROJECT)
_LABELS = Section(1, _ANY)
_CAMERAS = Section(2, _PROJECT)
_VIDEOS = Section(3, _ANY)
_ENCODING = Section(3, (*_ANY, "video convert"))
_CONFIG = Section(4, (*_ANY, "config"))


#: What is tried instead of a wrong encode setting.
_USUAL = PROFILES["balanced"]


@dataclass(frozen=True)
class Options(Chosen):
    """Everything that decides what a migration writes. The order of the fields is that of the recorded plan."""

    labels: LabelSource | None = option(
        None,
        "The truth where CSV and HDF5 differ [h5, on which DeepLabCut trains; asked where it lacks labeled frames that "
        "the CSV has].",
        _LABELS,
    )
    labels_from: tuple[Path, ...] = option(
        (),
        "A label file under another name or in another place counts as its folder's; a folder stands for all in it. "
        "Repeatable.",
        _LABELS,
        metavar="PATH",
        place="file or folder",
    )
    scorer: str | None = option(
        None, "Whose labels, where there are several [config's scorer].", _LABELS, metavar="NAME"
    )
    individuals: str = option(
        "auto",
        "Several animals. auto: plain keypoints where no two individuals share a name; flatten: "
        "<individual>_<keypoint>; split: a target for each; NAME: that one.",
        _LABELS,
        metavar="auto|flatten|split|NAME",
    )
    merge: tuple[Path, ...] = option(
        (),
        "A further DeepLabCut project whose sessions and keypoints join in. Repeatable.",
        _PROJECTS,
        metavar="SOURCE",
    )
    empty_frames: EmptyFrames = option(
        "queue", "Frames without any label: to the app's labeling queue, into the label file, or left out.", _LABELS
    )
    visibility: Visibility = option(
        "auto", "LP's column `visible`; auto: where a session never labelled a keypoint that others have.", _LABELS
    )
    machine_labels: MachineLabels = option(
        "queue", "Unrefined machine labels become suggestions in the app's queue, or nothing.", _LABELS
    )
    predictions: str = option(
        "auto",
        "DeepLabCut's predictions of the videos become models that the LP app shows; auto: all that are there; none; "
        "NAME: that model alone.",
        _LABELS,
        metavar="auto|none|NAME",
    )
    views: tuple[tuple[str, Path], ...] = option(
        (),
        "Several cameras, each with a DeepLabCut project of its own: the camera's name and its project. "
        "Repeatable; there is no other SOURCE then but a 3D project, of whose cameras these are the projects.",
        _CAMERAS,
        metavar="NAME=SOURCE",
        flag="view",
        expected="NAME=SOURCE, or names and projects such as {top: lab/top, side: lab/side}",
    )
    view_pattern: str | None = option(
        None,
        "Several cameras in one project: how folders and videos are called, for example '{session}_{view}' or "
        "'{view:top|side}-{session}'.",
        _CAMERAS,
        metavar="PATTERN",
    )
    square_size: float | None = option(
        None,
        "Side of a square of the checkerboard of a DeepLabCut 3D calibration.",
        Section(2, _ANY),
        metavar="MM",
        above=0,
        expected="a number above 0, in millimetres and a finite number",
        code="bad-square-size",
    )
    calibration: tuple[Path, ...] = option(
        (),
        "Calibration of the cameras: Anipose's (TOML), a folder with calibration.toml or "
        "calibrations/<session>.toml, or a DeepLabCut 3D project [those in SOURCE]. Repeatable.",
        _CAMERAS,
        metavar="PATH",
        place="file or folder",
    )
    uneven: Uneven = option(
        "trim",
        "Videos of one session that are longer in one view than in another, which Lightning Pose does not take; trim: "
        "at the end, to the shortest.",
        Section(2, _ANY),
    )
    derived_crops: DerivedCrops = option("skip", "DeepLabCut's random sub-crops of frames (img012c1.png).", _LABELS)
    split: str | None = option(
        None,
        "Hold out the test frames of that shuffle in CollectedData_test.csv; `list` shows the shuffles.",
        _LABELS,
        metavar="SHUFFLE",
    )
    frame_names: FrameNames = option(
        "lp", "img%08d.png as the LP app names frames, or DeepLabCut's names where LP takes them.", _LABELS
    )
    context_frames: bool = option(
        True,
        "Cut the two neighbors on each side of every labeled frame from the video, for LP's context models.",
        _LABELS,
    )
    link: Link = option(
        "auto", "How untouched files travel; auto: clone where the file system can, else copy.", _LABELS
    )
    videos: VideoChoice = option(
        "listed", "Videos of video_sets and labeled sessions; also the others in videos/; none.", _VIDEOS
    )
    video_roots: tuple[Path, ...] = option(
        (),
        "Where to look for videos whose recorded path is from another machine. Repeatable.",
        _VIDEOS,
        metavar="DIR",
        flag="video-root",
        place="folder",
    )
    crop: CropChoice = option(
        "auto", "Crop a video like its labeled images, where these are proven to be a part of its picture.", _VIDEOS
    )
    damaged: DamagedChoice = option(
        "refuse",
        "Videos with frames that can't be decoded; keep: each is held by the picture before it, named and counted, so "
        "that every index stays, and labels on it are left out.",
        _ENCODING,
    )
    profile: str = option(
        "balanced",
        "Encode settings; intra makes the LP app's viewer frame-accurate.",
        _ENCODING,
        values=tuple(PROFILES),
        code="unknown-profile",
    )
    crf: int | None = option(
        None,
        "Quality, 1 is best [of the profile].",
        _ENCODING,
        metavar="N",
        lowest=BOUNDS["crf"][0],
        highest=BOUNDS["crf"][1],
        example=f"{_USUAL.crf}",
        code="out-of-range",
    )
    preset: str | None = option(
        None,
        "x264 preset [of the profile].",
        _ENCODING,
        metavar="P",
        values=PRESETS,
        example=_USUAL.preset,
        code="unknown-preset",
    )
    gop: int | None = option(
        None,
        "Frames between key frames [of the profile].",
        _ENCODING,
        metavar="N",
        lowest=BOUNDS["gop"][0],
        highest=BOUNDS["gop"][1],
        example=f"{_USUAL.gop}",
        code="out-of-range",
    )
    config: ConfigChoices = field(default_factory=ConfigChoices, metadata={"section": _CONFIG})
    data_dir: str | None = option(
        None,
        "Absolute path in the config, where training runs elsewhere [TARGET].",
        _CONFIG,
        metavar="PATH",
        help_of=dict.fromkeys(
            ("batch convert", "batch plan"), "Absolute path of OUT in the configs, where training runs elsewhere [OUT]."
        ),
    )

    def inside(self, folder: str) -> Self:
        """Return the options of a target that is a folder of another: of what ``data_dir`` names, it is one too."""
        return self if self.data_dir is None else replace(self, data_dir=f"{self.data_dir.rstrip('/')}/{folder}")


@dataclass(frozen=True)
class RunOptions(Chosen):
    """How a plan is carried out."""

    jobs: int | None = option(
        None,
        "Work on N files at a time [CPUs allowed].",
        Section(6, ("convert", "batch convert", "batch plan", "batch run", "batch finish")),
        metavar="N",
        lowest=1,
        help_of={
            "batch plan": "Plan N projects at a time [CPUs allowed].",
            "batch finish": "Check N targets at a time [CPUs allowed].",
        },
    )
    verify: VerifyLevel = option(
        "sample",
        "How much of each written video is compared with its source. sample: copies whole, encodes by some frames; "
        "full: every frame.",
        Section(
            6, ("convert", "verify", "video convert", "batch convert", "batch run", "batch finish", "batch submit")
        ),
    )
    edited: EditedFiles = option(
        "keep",
        "Files of TARGET that a person changed. keep: as they are, but that labels which are new in DeepLabCut join "
        "theirs; settle: so too, and where both changed a label the target's is right from now on; replace: write them "
        "anew.",
        Section(6, ("convert", "batch convert", "batch run", "batch submit")),
    )
    twins: tuple[Path, ...] = ()  #: Targets made from the same source, which may hold the same videos already.
    tmp_dir: Path | None = option(
        None,
        "Folder on a fast local disk where videos are made before they move to OUT [$SLURM_TMPDIR].",
        Section(6, ("batch convert", "batch run")),
        metavar="DIR",
        place="folder",
    )


@dataclass(frozen=True)
class CommandOptions(Chosen):
    """What single commands take besides."""

    register: str | None = option(
        None,
        "Add the project to the Lightning Pose app (--register=NAME for another name than the folder's).",
        Section(5, ("convert",)),
        metavar="[NAME]",
    )
    threads: int = option(
        4,
        "Threads of the encoder.",
        Section(5, ("video convert",)),
        metavar="N",
        lowest=BOUNDS["threads"][0],
        highest=BOUNDS["threads"][1],
        code="out-of-range",
    )
    verify_alone: WholeVideo = option(
        "none",
        "full: every frame is decoded too, and damaged ones are named; that takes as long as a conversion.",
        Section(6, ("video check",)),
        flag="verify",
    )
    overwrite: bool = option(False, "Replace OUT if it exists.", Section(7, ("video convert",)))
    discard_edits: bool = option(False, "Do not keep what was changed by hand in the config.", Section(7, ("config",)))


#: All options by name, in the order of the help.
OPTIONS = dict(
    sorted(
        (declared(Options) | declared(RunOptions) | declared(CommandOptions)).items(),
        key=lambda item: item[1].section.rank,
    )
)


def checked(command: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a command by name, as the library was given them: read, the others with their defaults.

    Raises UsageError where one is none of the command's, its value is wrong, or it names a place that is not there.
    """
    known = {name: each for name, each in OPTIONS.items() if command in each.section.commands}
    unknown = sorted(given.keys() - known)
    if unknown:
        near = [name for each in unknown for name in difflib.get_close_matches(each, known, 3)]
        advice = f"perhaps {' or '.join(near)}" if near else ""
        message = f"expected some of {', '.join(sorted(known))}"
        raise UsageError.of("unknown-option", ", ".join(unknown), message, advice=advice)
    return {name: each.find(each.read(given[name])) if name in given else each.default for name, each in known.items()}
