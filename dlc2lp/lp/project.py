"""``project.yaml``, which the Lightning Pose app wants in every project, and its list of projects.

Formats of lightning-pose-app 2.4.2.3: ``datatypes.py`` (``ProjectConfig``), ``skeleton.py``, ``project.py``,
``project_deletion.py``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dlc2lp.errors import TargetRefused, UsageError
from dlc2lp.files import absolute
from dlc2lp.limits import SMALL_TEXT_BYTES
from dlc2lp.lp.yamlfile import load_yaml
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.renaming import rename

#: The environment variable by which the app finds its own folder, and where that is without it.
_SYSTEM_DIR_VARIABLE = "LP_SYSTEM_DIR"
_DEFAULT_SYSTEM_DIR = ".lightning-pose"

#: Some thousand projects are listed in less.
_MOST_BYTES = 16 * 2**20

_TOML_ESCAPES = {ord(char): f"\\{char}" for char in '"\\'} | {n: f"\\u{n:04x}" for n in (*range(0x20), 0x7F)}


def valid_skeleton(keypoint_names: Sequence[str], skeleton: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the bones that the app takes: between two known keypoints, each once whatever its direction."""
    known = set(keypoint_names)
    bones: dict[frozenset[str], tuple[str, str]] = {}
    for one, other in skeleton:
        if one in known and other in known and one != other:
            bones.setdefault(frozenset((one, other)), (one, other))
    return list(bones.values())


def render_project_yaml(
    keypoint_names: Sequence[str], skeleton: Sequence[tuple[str, str]], view_names: Sequence[str] = ()
) -> str:
    """Return the text of ``project.yaml``, without the bones that the app refuses (:func:`valid_skeleton`).

    It is ASCII, since the app opens it in the machine's own encoding, and holds no null, since the app refuses
    ``view_names: null``. Keypoints are in the order of the label file; a single view has no name.
    """
    settings: dict[str, Any] = {
        "schema_version": 1,
        "view_names": list(view_names),
        "keypoint_names": list(keypoint_names),
        "skeleton": [list(bone) for bone in valid_skeleton(keypoint_names, skeleton)],
    }
    text: str = yaml.safe_dump(settings, sort_keys=False, width=float("inf"))
    return text


def skeleton_in(text: str) -> list[tuple[str, str]]:
    """Return the bones in the text of a ``project.yaml``; what is none is passed over."""
    try:
        settings = load_yaml(text)
    except yaml.YAMLError:
        return []
    bones = settings.get("skeleton") if isinstance(settings, dict) else None
    pairs = [bone for bone in bones if isinstance(bone, list) and len(bone) == 2] if isinstance(bones, list) else []
    return [(str(one), str(other)) for one, other in pairs]


@dataclass(frozen=True)
class Registration:
    """A project in the app's list."""

    projects_file: Path  #: The app's ``projects.toml``.
    name: str  #: The project's name in it.
    added: bool  #: Whether it was added now; False if it was there.
    findings: tuple[Finding, ...] = ()  #: A note if the project is there under another name.


def register(target: Path, name: str, system_dir: Path | None) -> Registration:
    """Add a project to the app's ``projects.toml``; what stands there stays, byte for byte.

    The app's folder is by default ``$LP_SYSTEM_DIR``, else ``~/.lightning-pose``. Raised are UsageError where the name
    is blank (``bad-project-name``), and TargetRefused where it is another project's (``project-name-taken``), the app
    refuses the folder (``project-folder-refused``), there is no home (``no-home-folder``), or the file can't be read or
    written (``projects-file-unreadable``, ``projects-file-not-writable``).
    """
    if not name.strip() or not name.isprintable():
        raise UsageError.of("bad-project-name", "--register", f"found {name!r}, expected a name for the app to show")
    # Not resolved: a drive of Windows that stands for a share is to stay that drive.
    data_dir, real = absolute(target), target.resolve()
    folder = system_dir
    if folder is None:
        named = os.environ.get(_SYSTEM_DIR_VARIABLE)
        folder = Path(named) if named else _home(data_dir) / _DEFAULT_SYSTEM_DIR
    _check_folder(real, folder)
    # A link to a file elsewhere (dotfiles in a repository) stays a link.
    projects_file = Path(os.path.realpath(folder / "projects.toml"))
    before, projects = _read_projects(projects_file)
    for other, entry in projects.items():
        recorded = entry.get("data_dir") if isinstance(entry, dict) else None
        same = _is_same_folder(recorded, real)
        if other == name and not same:
            found = recorded if isinstance(entry, dict) else repr(entry)
            raise TargetRefused.of(
                "project-name-taken",
                str(projects_file),
                f"found the project {name!r} of {found} there; expected a free name for {data_dir}",
                advice="give another name with {}",
                remedies=(Setting("register", ("NAME",)),),
            )
        if same:
            message = f"the app has this project under the name {other!r}; it was not added again as {name!r}"
            note = Finding(Severity.NOTE, "project-already-registered", other, message)
            return Registration(projects_file, other, False, () if other == name else (note,))
    _append(projects_file, before, name, data_dir)
    return Registration(projects_file, name, True)


def _home(data_dir: Path) -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # a container whose user has neither $HOME nor an entry in /etc/passwd
        raise TargetRefused.of(
            "no-home-folder",
            str(data_dir),
            "found no home folder, in which the app keeps its list of projects",
            advice=f"set {_SYSTEM_DIR_VARIABLE} to the app's folder, or add the project in the app",
        ) from None


def _check_folder(data_dir: Path, system_dir: Path) -> None:
    """Refuse what the app's ``reject_forbidden_root`` refuses: it deletes whole project folders on request."""
    for protected, what in ((_home(data_dir), "the home folder"), (system_dir, "the app's own folder")):
        if protected.resolve().is_relative_to(data_dir):
            raise TargetRefused.of(
                "project-folder-refused",
                str(data_dir),
                f"it holds {what} {protected}, and the app takes no such folder for a project",
                advice="convert into a folder of its own",
            )


def _read_projects(projects_file: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        content = SMALL_TEXT_BYTES.read(projects_file)
        return content, tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError:
        return b"", {}
    except (OSError, ValueError, RecursionError) as error:  # also a number of thousands of digits, and depth
        raise TargetRefused.of(
            "projects-file-unreadable",
            str(projects_file),
            f"found {error}, expected TOML that the app can read",
            advice="correct the file; the project itself is complete and can be added in the app",
        ) from None


def _is_same_folder(recorded: object, data_dir: Path) -> bool:
    try:
        return isinstance(recorded, str) and Path(recorded).resolve() == data_dir
    except (OSError, RuntimeError, ValueError):
        return False  # a loop of links, or a NUL in the path: no folder at all


def _append(projects_file: Path, before: bytes, name: str, data_dir: Path) -> None:
    gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
    entry = f"[{_toml_text(name)}]\ndata_dir = {_toml_text(str(data_dir))}\n"
    try:
        content = before + gap + entry.encode("utf-8")
        tomllib.loads(content.decode("utf-8"))
        projects_file.parent.mkdir(parents=True, exist_ok=True)
        _replace_whole(projects_file, content)
    except (OSError, ValueError, RecursionError) as error:
        # UnicodeEncodeError: a Linux path need not be text, TOML must be
        raise TargetRefused.of(
            "projects-file-not-writable",
            str(projects_file),
            f"the project could not be added: {error}",
            advice="the project itself is complete; add it in the app, or make the file writable",
        ) from None


def _replace_whole(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        else:
            Path(temporary).chmod(0o644)
        rename(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _toml_text(text: str) -> str:
    """Return a TOML basic string; it serves as a key too."""
    return f'"{text.translate(_TOML_ESCAPES)}"'
