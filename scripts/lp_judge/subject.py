"""The project under judgement, and what the checks have learnt of it so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """The command line; ``cli`` explains each."""

    target: Path
    config: Path | None
    profile: str
    train: bool
    as_written: bool
    dialog: bool
    epochs: int
    lp_source: Path | None
    strict: bool
    match: int
    max_frames: int
    max_video_frames: int
    override: list[str]
    debug: bool


@dataclass
class Subject:
    """A converted project on disk. The checks run in order and each leaves here what later ones need.

    Attributes
    ----------
    directory
        The project, resolved.
    scratch
        Temporary folder for everything that is written.
    options
        The command line.
    views
        View names in the order of project.yaml, else of the config; empty for a single view.
    project_keypoints
        Keypoint names of project.yaml; None where it can't be read.
    config_path, config
        The LP config and what hydra makes of it; None where it can't be used.
    labels
        Label file -> LP's own ``LabelData``, for the files that LP can parse.
    n_packets
        Video -> number of packets that ffprobe counts, for well-formed videos.
    """

    directory: Path
    scratch: Path
    options: Options
    views: list[str] = field(default_factory=list)
    project_keypoints: list[str] | None = None
    config_path: Path | None = None
    config: Any = None
    labels: dict[Path, Any] = field(default_factory=dict)
    n_packets: dict[Path, int] = field(default_factory=dict)

    @property
    def wants_lp(self) -> bool:
        """Whether the trainer judges."""
        return self.options.profile != "app"

    @property
    def wants_app(self) -> bool:
        """Whether the app judges."""
        return self.options.profile != "lp"

    @property
    def label_files(self) -> list[Path]:
        """Where the labels should lie: as the config says, else as the app names them."""
        if self.config is not None:
            named = self.config.data.csv_file
            names = [named] if isinstance(named, str) else list(named)
        else:
            names = [f"CollectedData_{view}.csv" for view in self.views] or ["CollectedData.csv"]
        return [self.directory / name for name in names]  # an absolute name replaces the directory

    def view_of(self, label_file: Path) -> str | None:
        """View of a label file, by position as LP does; None for a single view."""
        return dict(zip(self.label_files, self.views or [None], strict=False)).get(label_file)

    @property
    def video_dir(self) -> Path:
        """Folder of the videos; in LP a relative one means below data_dir."""
        return self.directory / (self.config.data.video_dir if self.config is not None else "videos")

    @property
    def videos(self) -> list[Path]:
        """All files of the video folder but hidden ones."""
        if not self.video_dir.is_dir():
            return []
        return sorted(p for p in self.video_dir.iterdir() if p.is_file() and not p.name.startswith("."))

    @property
    def mp4s(self) -> list[Path]:
        """The videos that LP and the app see."""
        return [video for video in self.videos if video.suffix == ".mp4"]


def trailing_digits(name: str) -> re.Match[str] | None:
    """The digits at the end of a name without suffix: the frame index, in the app's reading."""
    return re.search(r"\d+$", name)
