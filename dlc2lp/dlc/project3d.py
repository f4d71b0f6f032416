r"""A DeepLabCut 3D project: cameras, the 2D project of each, and their calibration.

It holds no labels and no videos of its own (``create_project/new_3d.py``). Its ``config.yaml`` names one 2D
``config.yaml`` per camera by absolute path, often of another machine (``C:\Users\jane\left-Jane-2021-08-30\...``),
and often the same one for all cameras; then DeepLabCut tells the cameras apart by their names inside the videos'
names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TypeVar

from dlc2lp.dlc.cameras import DlcCalibration, read_calibration
from dlc2lp.dlc.config import DlcConfig
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.wording import counted

_CONFIG = "config.yaml"

_AnyPath = TypeVar("_AnyPath", bound=PurePath)


@dataclass(frozen=True)
class CameraProject:
    """The 2D project of one camera."""

    camera: str  #: The camera's name.
    recorded: str  #: The path of its ``config.yaml`` as the 3D project has it; empty if it was never filled in.
    #: That file on this machine, or the project that a person named instead; None where it was not found, or several
    #: could be it.
    config_path: Path | None
    candidates: tuple[Path, ...] = ()  #: All that could be it, where ``config_path`` is None.
    looked_at: tuple[Path, ...] = ()  #: Where it was looked for, in order.


@dataclass(frozen=True)
class Dlc3dProject:
    """A DeepLabCut 3D project as it lies on disk."""

    root: Path  #: Its folder.
    config: DlcConfig  #: Its ``config.yaml``.
    cameras: tuple[CameraProject, ...]  #: The 2D project of each camera, in the order of ``camera_names``.
    calibration: DlcCalibration  #: How the cameras stand; translations in squares of the checkerboard.
    findings: tuple[Finding, ...] = ()  #: What was odd, the configuration's and the calibration's findings included.

    @property
    def is_shared(self) -> bool:
        """Whether all cameras have one and the same 2D project."""
        paths = {camera.config_path for camera in self.cameras}
        return len(self.cameras) > 1 and len(paths) == 1 and None not in paths


def read_3d_project(
    root: Path, config: DlcConfig, search: Sequence[Path] = (), given: Mapping[str, Path] | None = None
) -> Dlc3dProject:
    """Follow the paths of a 3D project's configuration and read its calibration.

    Each 2D project is looked for where it is recorded; where it would be if the projects had moved together; beside
    and inside the 3D project under its own name; and in the folders of ``search``, those of ``--video-root``. The
    recorded place goes before all others. Otherwise what is found must be one single file. The 2D projects that a
    person named for cameras (``given``) are taken in place of what is recorded.
    """
    given = given or {}
    cameras = tuple(
        CameraProject(name, config.camera_configs.get(name, ""), given[name])
        if name in given
        else _find_project(name, config.camera_configs.get(name, ""), root, config, search)
        for name in config.camera_names
    )
    calibration = read_calibration(root, config.camera_names)
    findings = [*config.findings, *calibration.findings]
    if len(config.camera_names) < 2:
        message = f"found {counted(len(config.camera_names), 'camera')}, expected at least two"
        advice = "give the camera's 2D project instead, or edit camera_names"
        place = str(config.path)
        findings.append(Finding(Severity.ERROR, "too-few-cameras", place, message, "camera_names", advice))
    findings += [_not_found(camera, config) for camera in cameras if camera.config_path is None]
    return Dlc3dProject(root, config, cameras, calibration, tuple(findings))


def _find_project(camera: str, recorded: str, root: Path, config: DlcConfig, search: Sequence[Path]) -> CameraProject:
    if not recorded:
        return CameraProject(camera, "", None)
    looked_at = list(dict.fromkeys(_places(recorded, root, config, search)))
    found: dict[str, Path] = {}
    for path in filter(_is_file, looked_at):
        found.setdefault(os.path.realpath(path), path)
        if path == _as_config(Path(recorded)):
            break
    candidates = tuple(found.values())
    if len(candidates) == 1:
        return CameraProject(camera, recorded, candidates[0], (), tuple(looked_at))
    return CameraProject(camera, recorded, None, candidates, tuple(looked_at))


def _places(recorded: str, root: Path, config: DlcConfig, search: Sequence[Path]) -> Iterator[Path]:
    """Yield where a 2D project's configuration may lie, the most credible place first."""
    if Path(recorded).is_absolute():
        yield _as_config(Path(recorded))
    there, its_root = _pure(recorded), _pure(config.project_path)
    moved = _relative(_as_config(there), its_root)
    if moved is not None:
        # The same way from the 3D project to the 2D project as on the machine that recorded both.
        yield Path(os.path.normpath(root / moved))
    name = _as_config(there).parent.name
    if name:
        for folder in (root.parent, root, *search):
            yield folder / name / _CONFIG
    for folder in search:
        if folder.name == name:
            yield folder / _CONFIG


def _pure(recorded: str) -> PurePath:
    r"""Return a path of whatever machine: with a drive or a backslash it is Windows', whichever machine reads it."""
    windows = PureWindowsPath(recorded)
    return windows if windows.drive or "\\" in recorded else PurePosixPath(recorded)


def _as_config(path: _AnyPath) -> _AnyPath:
    """Return the configuration's path where a project's folder was recorded instead."""
    return path if path.suffix.lower() in {".yaml", ".yml"} else path / _CONFIG


def _relative(path: PurePath, start: PurePath) -> PurePosixPath | None:
    """Return how to get from one recorded folder to a recorded file; None if they share not even the drive."""
    if type(path) is not type(start) or not (path.is_absolute() and start.is_absolute()):
        return None
    same = [type(path)(one) == type(path)(other) for one, other in zip(path.parts, start.parts, strict=False)]
    n_common = [*same, False].index(False)
    if n_common < 2:  # only the root: that is true of any two paths and says nothing
        return None
    return PurePosixPath(*[".."] * (len(start.parts) - n_common), *path.parts[n_common:])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False  # a name that this machine can't have, or a folder that may not be looked into


def _not_found(camera: CameraProject, config: DlcConfig) -> Finding:
    advice = "add {} to the same command"
    remedies = [Setting("view", (f"{camera.camera}=SOURCE",))]
    if camera.candidates:
        message = f"found {len(camera.candidates)} projects that could be the one recorded as {camera.recorded}"
        advice += f" with the right one: {', '.join(map(str, camera.candidates))}"
    elif camera.recorded:
        where = ", ".join(str(path.parent) for path in camera.looked_at)
        message = f"found no 2D project {camera.recorded}; looked at {where}"
        advice += ", or {} with the folder that holds it"
        remedies.append(Setting("video-root", ("DIR",)))
    else:
        message = f"found no 2D project of the camera {camera.camera}: its path was never filled in"
    code, where = "camera-project-missing", f"config_file_{camera.camera}"
    return Finding(Severity.ERROR, code, str(config.path), message, where, advice, tuple(remedies))
