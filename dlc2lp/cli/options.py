"""The options of the commands, each named, defaulted and explained once; commands pick the groups they take."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlc2lp.cli import output

if TYPE_CHECKING:
    from dlc2lp.lp.config_choices import ConfigChoices
    from dlc2lp.options import Options

Command = Callable[..., Any]


class _Place(click.Path):
    """A path that must be named: an empty one, such as an unset variable in a script gives, is no place."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not os.fspath(value):
            self.fail("found an empty path; `.` is the current folder", param, ctx)
        return super().convert(value, param, ctx)


PLACE = _Place(path_type=Path)
SOURCE = click.argument("source", type=PLACE)
SOURCE_OR_VIEWS = click.argument("source", type=PLACE, required=False)
SOURCE_AND_TARGET = click.argument("places", nargs=-1, required=True, type=PLACE, metavar="[SOURCE] TARGET")
TARGET = click.argument("target", type=PLACE)
JOBS = click.option("--jobs", type=click.IntRange(1), metavar="N", help="Work on N files at a time [CPUs allowed].")
EDITED = click.option(
    "--edited",
    type=click.Choice(["keep", "replace"]),
    default="keep",
    show_default=True,
    help="Files of TARGET that a person changed: keep them, or write them anew.",
)
VERIFY = click.option(
    "--verify",
    type=click.Choice(["sample", "full", "none"]),
    default="sample",
    show_default=True,
    help="How much of each written video is decoded and compared with its source.",
)


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join several option decorators into one, keeping their order in the help."""
    return lambda command: functools.reduce(lambda inner, option: option(inner), reversed(options), command)


def everywhere(command: Command) -> Command:
    """Add what every command takes, and set up the output before it runs."""

    @functools.wraps(command)
    def configured(*args: Any, as_json: bool, verbose: int, quiet: bool, log_file: str | None, **kwargs: Any) -> Any:
        path = click.get_current_context().command_path
        output.configure(path, as_json=as_json, verbose=verbose, quiet=quiet, log_file=log_file)
        return command(*args, **kwargs)

    return stacked(
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout (docs/json.md)."),
        click.option("-v", "--verbose", count=True, help="Say more."),
        click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong."),
        click.option("--log-file", metavar="FILE", help="Append a log with times to FILE."),
    )(configured)


def _resize(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    height, cross, width = value.lower().partition("x")
    if not (cross and height.isdigit() and width.isdigit()):
        raise click.BadParameter(f"found {value!r}, expected HEIGHTxWIDTH such as 256x384", context, option)
    return int(height), int(width)


def _losses(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


def _suffixes(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    # An end may be empty: keypoints that have none of the others.
    return None if value is None else tuple(suffix.strip() for suffix in value.split(","))


def _views(context: click.Context, option: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    pairs = []
    for text in value:
        name, equals, source = text.partition("=")
        if not (name.strip() and equals and source):
            raise click.BadParameter(f"found {text!r}, expected NAME=SOURCE such as top=my-project", context, option)
        pairs.append((name.strip(), Path(source)))
    return tuple(pairs)


def take_source(places: tuple[Path, ...], options: dict[str, Any]) -> tuple[Path | None, Path]:
    """Return source and target; with ``--view`` the target stands alone, unless a 3D project names the cameras."""
    if len(places) == 2:
        return places[0], places[1]
    if options["views"] and len(places) == 1:
        return None, places[0]
    expected = "TARGET beside --view NAME=SOURCE" if options["views"] else "SOURCE and TARGET"
    raise click.UsageError(f"expected {expected}, found {' '.join(map(str, places))}")


class _FiniteRange(click.FloatRange):
    """A range without ``nan``, which is in none and passes every comparison, and without ``inf``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"found {value}, expected a finite number", param, ctx)
        return number


SQUARE_SIZE = click.option(
    "--square-size",
    type=_FiniteRange(0, min_open=True),
    metavar="MM",
    help="Side of a square of the checkerboard of a DeepLabCut 3D calibration.",
)

VIEW_OPTIONS = stacked(
    click.option(
        "--view",
        "views",
        multiple=True,
        callback=_views,
        metavar="NAME=SOURCE",
        help="Several cameras, each with a DeepLabCut project of its own: the camera's name and its project. "
        "Repeatable; there is no other SOURCE then but a 3D project, of whose cameras these are the projects.",
    ),
    click.option(
        "--view-pattern",
        metavar="PATTERN",
        help="Several cameras in one project: how folders and videos are called, for example '{session}_{view}' or "
        "'{view:top|side}-{session}'.",
    ),
    SQUARE_SIZE,
    click.option(
        "--calibration",
        multiple=True,
        type=click.Path(path_type=Path, exists=True),
        metavar="PATH",
        help="Calibration of the cameras: Anipose's (TOML), a folder with calibration.toml or "
        "calibrations/<session>.toml, or a DeepLabCut 3D project [those in SOURCE]. Repeatable.",
    ),
)

MERGE = click.option(
    "--merge",
    multiple=True,
    metavar="SOURCE",
    type=click.Path(path_type=Path),
    help="A further DeepLabCut project whose sessions and keypoints join in. Repeatable.",
)

LABEL_OPTIONS = stacked(
    click.option(
        "--labels",
        type=click.Choice(["h5", "csv", "newest"]),
        default="h5",
        show_default=True,
        help="The truth where CSV and HDF5 differ; DeepLabCut trains on the HDF5.",
    ),
    click.option("--scorer", metavar="NAME", help="Whose labels, where there are several [config's scorer]."),
    click.option(
        "--individuals",
        metavar="auto|flatten|split|NAME",
        default="auto",
        show_default=True,
        help="Several animals. auto: plain keypoints where no two individuals share a name; flatten: "
        "<individual>_<keypoint>; split: a target for each; NAME: that one.",
    ),
    click.option(
        "--empty-frames",
        type=click.Choice(["queue", "keep", "drop"]),
        default="queue",
        show_default=True,
        help="Frames without any label: to the app's labeling queue, into the label file, or left out.",
    ),
    click.option(
        "--visibility",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="LP's column `visible`; auto: where a session never labelled a keypoint that others have.",
    ),
    click.option(
        "--machine-labels",
        type=click.Choice(["queue", "ignore"]),
        default="queue",
        show_default=True,
        help="Unrefined machine labels become suggestions in the app's queue, or nothing.",
    ),
    click.option(
        "--derived-crops",
        type=click.Choice(["skip", "keep"]),
        default="skip",
        show_default=True,
        help="DeepLabCut's random sub-crops of frames (img012c1.png).",
    ),
    click.option(
        "--split",
        metavar="SHUFFLE",
        help="Hold out the test frames of that shuffle in CollectedData_test.csv; `list` shows the shuffles.",
    ),
    click.option(
        "--frame-names",
        type=click.Choice(["lp", "keep"]),
        default="lp",
        show_default=True,
        help="img%08d.png as the LP app names frames, or DeepLabCut's names where LP takes them.",
    ),
    click.option(
        "--context-frames/--no-context-frames",
        default=True,
        show_default=True,
        help="Cut the two neighbors on each side of every labeled frame from the video, for LP's context models.",
    ),
    click.option(
        "--link",
        type=click.Choice(["auto", "copy", "hardlink", "symlink"]),
        default="auto",
        show_default=True,
        help="How untouched files travel; auto: clone where the file system can, else copy.",
    ),
)

PROFILE_OPTIONS = stacked(
    click.option(
        "--profile",
        type=click.Choice(["balanced", "small", "intra"]),
        default="balanced",
        show_default=True,
        help="Encode settings; intra makes the LP app's viewer frame-accurate.",
    ),
    click.option("--crf", type=click.IntRange(1, 51), help="Quality, 1 is best [of the profile]."),
    click.option("--preset", metavar="P", help="x264 preset [of the profile]."),
    click.option("--gop", type=click.IntRange(1), metavar="N", help="Frames between key frames [of the profile]."),
)

VIDEO_OPTIONS = stacked(
    click.option(
        "--videos",
        type=click.Choice(["listed", "all", "none"]),
        default="listed",
        show_default=True,
        help="Videos of video_sets and labeled sessions; also the others in videos/; none.",
    ),
    click.option(
        "--video-root",
        "video_roots",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Where to look for videos whose recorded path is from another machine. Repeatable.",
    ),
    click.option(
        "--crop",
        type=click.Choice(["auto", "never"]),
        default="auto",
        show_default=True,
        help="Crop a video like its labeled images, where these are proven to be a part of its picture.",
    ),
    PROFILE_OPTIONS,
)

CONFIG_OPTIONS = stacked(
    click.option("--gpu-memory", type=_FiniteRange(1), metavar="GB", help="Memory of the GPU to train on [8]."),
    click.option("--train-batch-size", type=int, metavar="N", help="Frames per training step [from --gpu-memory]."),
    click.option("--accumulate-grad-batches", type=int, metavar="N", help="Steps per update [to make up 16 frames]."),
    click.option("--num-gpus", type=int, metavar="N", help="GPUs to train on [1]."),
    click.option(
        "--resize", callback=_resize, metavar="HxW", help="Size that images are resized to [from the images]."
    ),
    click.option("--backbone", metavar="B", help="Backbone of the network [resnet50_animal_ap10k]."),
    click.option(
        "--losses",
        callback=_losses,
        metavar="L,...",
        help="Unsupervised losses, for example temporal [none].",
    ),
    click.option(
        "--nan-means",
        type=click.Choice(["occluded", "unlabeled"]),
        default=None,
        help="What an empty cell beside labelled ones means [occluded].",
    ),
    click.option(
        "--mirror",
        callback=_suffixes,
        metavar="SUFFIX,SUFFIX",
        help="Mirrors show the animal more than once in one image: the ends of its keypoints' names in each view, "
        "for example _top,_bot.",
    ),
)

DATA_DIR = click.option(
    "--data-dir", metavar="PATH", help="Absolute path in the config, where training runs elsewhere [TARGET]."
)

_CHOICES = (
    "gpu_memory",
    "train_batch_size",
    "accumulate_grad_batches",
    "num_gpus",
    "resize",
    "backbone",
    "losses",
    "nan_means",
    "mirror",
)


def take_choices(options: dict[str, Any]) -> ConfigChoices:
    """Take the starter config's choices out of a command's options."""
    from dlc2lp.lp.config_choices import ConfigChoices

    return ConfigChoices(**{name: options.pop(name) for name in _CHOICES})


def take_options(options: dict[str, Any]) -> Options:
    """Turn a command's options into those of the library."""
    from dlc2lp.options import Options

    choices = take_choices(options)
    return Options(config=choices, **options)
