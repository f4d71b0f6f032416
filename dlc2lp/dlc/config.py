"""``config.yaml`` of a DeepLabCut project, from 2.0 to 3.0.1, and of a DeepLabCut 3D project.

Which keys exist, and how an empty one looks, changed with the versions (``create_config_template`` and,
since 3.0.1, ``core/config/project_config.py``). So nothing is required here: a missing key has a default, a
value of the wrong form is a :class:`Finding` and the default, and the label files have the last word on what
was labelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path, PureWindowsPath

from dlc2lp.dlc.config_keys import ConfigKeys, shown
from dlc2lp.dlc.yamltext import YamlList, YamlMapping, YamlNode, YamlText, is_nothing, parse_yaml
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import FileRecord, NotRegular, TooLarge, digest_of
from dlc2lp.limits import CONFIG_BYTES
from dlc2lp.model import Finding, Severity
from dlc2lp.placeholders import check_is_here
from dlc2lp.wording import counted, some, spelled

#: What stands for a path in the projects that DeepLabCut ships (``examples/``); its demo code replaces it.
DEMO_PLACEHOLDER = "WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"
#: ``bodyparts`` of a multi-animal project (since 2.1.10); the names stand in ``multianimalbodyparts``.
MULTI_ANIMAL = "MULTI!"

# `create_config_template` fills new projects with these, `new_3d.py` with a path of its author's machine.
_TEMPLATE_BODYPARTS = frozenset({"bodypart1", "bodypart2", "bodypart3", "objectA"})
_TEMPLATE_CAMERA_CONFIG = "/home/mackenzie/DEEPLABCUT/"

_INTEGER = re.compile(r"[-+]?[0-9]+")
_N_NAMED = 3  # edges that a finding names
_DLC_KEYS = ("Task", "scorer", "bodyparts", "video_sets", "multianimalbodyparts", "camera_names", "num_cameras")
_RESTORE = "restore it from a backup, or move it away: labels can be converted without it"


@dataclass(frozen=True)
class VideoEntry:
    """One video of ``video_sets``."""

    recorded: str  #: The path as it was written, on whatever machine that was.
    #: ``(x1, x2, y1, y2)`` in pixels, ends exclusive: DeepLabCut's order, x before y. None if there is none. It alone
    #: does not tell whether the images were cropped.
    crop: tuple[int, int, int, int] | None = None

    @property
    def name(self) -> str:
        r"""The file name. Both ``/`` and ``\`` separate, whichever machine reads it."""
        return PureWindowsPath(self.recorded).name

    @property
    def stem(self) -> str:
        """The file name without its last suffix, which is the name of the folder in ``labeled-data``."""
        return PureWindowsPath(self.recorded).stem

    @property
    def is_placeholder(self) -> bool:
        """Whether it is the line that DeepLabCut's demo code replaces, and no video."""
        return self.recorded.strip() == DEMO_PLACEHOLDER


@dataclass(frozen=True)
class DlcConfig:
    """What a ``config.yaml`` says. Names are text exactly as written: ``007`` stays ``007``."""

    path: Path  #: The file.
    #: As written, ``""`` where missing. ``date`` is ``Aug30`` or the like in the machine's language, and
    #: ``project_path`` is often another machine's.
    task: str = ""
    scorer: str = ""
    date: str = ""
    project_path: str = ""
    engine: str = ""  #: ``pytorch``, ``tensorflow``, or ``""`` before 3.0.
    multianimal: bool = False  #: ``multianimalproject``, or the literal ``MULTI!`` under ``bodyparts``.
    #: Names in the order of the project; in a multi-animal project those that every individual has.
    bodyparts: tuple[str, ...] = ()
    #: Only in multi-animal projects: 3.0.1 writes ``individuals: [individual_1]`` into all others too.
    individuals: tuple[str, ...] = ()
    unique_bodyparts: tuple[str, ...] = ()
    identity: bool = False  #: Whether individuals can be told apart by their looks.
    skeleton: tuple[tuple[str, str], ...] = ()  #: Pairs of known keypoints, each once; template entries are left out.
    video_sets: tuple[VideoEntry, ...] = ()  #: The project's videos in the order of the file, placeholders included.
    #: In projects of 2.1.10 to 2.2rc that were cut into random crops: the real videos. ``video_sets`` then lists
    #: ``<stem>_cropped`` videos that don't exist.
    video_sets_original: tuple[VideoEntry, ...] = ()
    cropped_training: bool = False  #: Whether those random crops were made (``croppedtraining``).
    crops_analyses: bool = (
        False  #: Whether videos are analysed in a part of their picture (``cropping``) as it stands now.
    )
    #: ``(x, y)`` in pixels where the refinement tool parks points that are to be deleted.
    corner2move2: tuple[float, float] | None = None
    iteration: int = 0  #: Number of the current training set.
    is_3d: bool = False  #: Whether it is a DeepLabCut 3D project, which has cameras and no videos.
    camera_names: tuple[str, ...] = ()  #: Cameras of a 3D project, in the order of its calibration.
    #: Camera name -> recorded path of that camera's 2D ``config.yaml``; without the template's placeholders.
    camera_configs: Mapping[str, str] = field(default_factory=dict, hash=False)
    findings: tuple[Finding, ...] = ()  #: What was odd in the file.
    content: FileRecord | None = field(default=None, compare=False)  #: The file as it was when it was read.


def read_config(path: Path) -> DlcConfig:
    """Read a project's configuration, of any DeepLabCut version.

    Nothing in the file is executed or constructed, and the file is not changed: DeepLabCut itself rewrites it
    on reading since 2.2. Raises UnreadableFile for ``config-unreadable``, with the line where there is one: there is no
    such file, it can't be opened, is empty, is no YAML even after the repairs, or configures something else.
    """
    try:
        data = _bytes_of(path)
        return replace(_read(path, data), content=digest_of(data, path))
    except UnreadableFile:
        check_is_here(path)  # asked last, so that a file that is here is opened once
        raise


def _read(path: Path, data: bytes) -> DlcConfig:
    subject = str(path)
    root, findings = parse_yaml(data, subject=subject, names_on_disk=_names_beside(path))
    if is_nothing(root):
        raise _unreadable(path, "found no content, expected a DeepLabCut configuration", _RESTORE)
    if not isinstance(root, YamlMapping):
        raise _unreadable(path, f"found {shown(root)}, expected lines of the form 'key: value'", _RESTORE)
    if not any(root.get(key) for key in _DLC_KEYS):
        message = f"found none of the keys {', '.join(_DLC_KEYS[:4])}; expected a DeepLabCut configuration"
        raise _unreadable(path, message, "give the config.yaml that lies beside labeled-data")
    keys = ConfigKeys(root, subject, findings)
    if (keys.has("camera_names") or keys.has("num_cameras")) and not keys.has("video_sets"):
        return _read_3d(path, keys)
    return _read_2d(path, keys)


def _bytes_of(path: Path) -> bytes:
    try:
        return CONFIG_BYTES.read(path)
    except (NotRegular, TooLarge) as error:
        raise _unreadable(path, error.strerror, error.advice) from error
    except OSError as error:
        raise_disk_trouble(path, error)
        message = f"can't be opened: {error.strerror or error}"
        raise _unreadable(path, message, "check that it exists and that you may read it") from error


def _unreadable(path: Path, message: str, advice: str) -> UnreadableFile:
    return UnreadableFile.of("config-unreadable", str(path), message, advice=advice)


def _names_beside(path: Path) -> Iterator[str]:
    """Names that the configuration probably mentions, to tell in which code page it was written."""
    yield path.parent.name
    for folder in ("labeled-data", "videos"):
        try:
            yield from (entry.name for entry in (path.parent / folder).iterdir())
        except OSError:
            continue  # no such folder, or no right to look: the other names have to do


def _read_2d(path: Path, keys: ConfigKeys) -> DlcConfig:
    listed = keys.node("bodyparts")
    is_multi = isinstance(listed, YamlText) and listed.text == MULTI_ANIMAL
    multianimal = keys.flag("multianimalproject") or is_multi
    shared = keys.names("multianimalbodyparts") if multianimal else ()
    bodyparts = shared or (() if is_multi else keys.names("bodyparts"))
    unique = keys.names("uniquebodyparts", "unique_bodyparts") if multianimal else ()
    scorer, engine = spelled(keys.text("scorer")), keys.text("engine")
    for key, found in (("scorer", scorer), ("bodyparts", bodyparts)):
        if not found:
            keys.find("config-key-missing", key, f"found no {key}; the label files decide", Severity.WARNING)
    return DlcConfig(
        path=path,
        task=keys.text("Task"),
        scorer=scorer,
        date=keys.text("date"),
        project_path=keys.text("project_path"),
        engine=_ENGINE_ALIASES.get(engine, engine),
        multianimal=multianimal,
        bodyparts=bodyparts,
        individuals=keys.names("individuals") if multianimal else (),
        unique_bodyparts=unique,
        identity=keys.flag("identity") or keys.flag("with_identity"),
        skeleton=_skeleton(keys, frozenset(bodyparts + unique)),
        video_sets=_video_entries(keys, "video_sets"),
        video_sets_original=_video_entries(keys, "video_sets_original"),
        cropped_training=keys.flag("croppedtraining"),
        crops_analyses=keys.flag("cropping"),
        corner2move2=_corner(keys),
        iteration=_iteration(keys),
        findings=tuple(keys.findings),
    )


# DeepLabCut 3 (``core/engine.py``) takes both spellings.
_ENGINE_ALIASES = {"torch": "pytorch", "tf": "tensorflow"}


def _read_3d(path: Path, keys: ConfigKeys) -> DlcConfig:
    """``create_project/new_3d.py``: cameras instead of videos; each has a 2D project of its own."""
    camera_names = keys.names("camera_names")
    camera_configs = {}
    for number, camera in enumerate(camera_names, start=1):
        # calibrate_cameras renames config_file_camera-1 to the camera's real name.
        recorded = keys.text(f"config_file_{camera}") or keys.text(f"config_file_camera-{number}")
        if recorded and not recorded.startswith(_TEMPLATE_CAMERA_CONFIG):
            camera_configs[camera] = recorded
    return DlcConfig(
        path=path,
        task=keys.text("Task"),
        scorer=keys.text("scorer"),
        date=keys.text("date"),
        project_path=keys.text("project_path"),
        skeleton=_skeleton(keys, frozenset()),
        is_3d=True,
        camera_names=camera_names,
        camera_configs=camera_configs,
        findings=tuple(keys.findings),
    )


# --- keys whose values have a form of their own ---------------------------------------------------------


def _skeleton(keys: ConfigKeys, known: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The edges between known keypoints; between any, if ``known`` is empty because no names are known.

    A chain of three or more names, which people write by hand, becomes its consecutive pairs. A new project's
    template edges are dropped without a word unless the project really has a keypoint called ``bodypart1``.
    """
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    no_pairs: list[YamlNode] = []
    unknown_edges: dict[tuple[str, str], tuple[str, int]] = {}
    for entry in keys.items("skeleton"):
        if is_nothing(entry):
            continue
        items = entry.items if isinstance(entry, YamlList) else ()
        written = [item.text for item in items if isinstance(item, YamlText) and not item.is_empty]
        names = [name if name in known else spelled(name) for name in written]
        if len(names) < 2 or not all(isinstance(item, YamlText) for item in items):
            no_pairs.append(entry)
            continue
        for pair in pairwise(names):
            unknown = [name for name in pair if known and name not in known]
            if unknown or (not known and _TEMPLATE_BODYPARTS.issuperset(pair)):
                if not _TEMPLATE_BODYPARTS.issuperset(unknown):
                    unknown_edges.setdefault(pair, (unknown[0], entry.line))
            elif pair[0] != pair[1]:
                pairs.setdefault(frozenset(pair), pair)
    keys.find_values("skeleton", no_pairs, "pairs of bodyparts such as [nose, tail]")
    _find_unknown_edges(keys, unknown_edges)
    return tuple(pairs.values())


def _find_unknown_edges(keys: ConfigKeys, unknown_edges: Mapping[tuple[str, str], tuple[str, int]]) -> None:
    """Tell edges to bodyparts that are not there; each comes with the unknown name and its line."""
    if not unknown_edges:
        return
    edges = [" - ".join(pair) for pair in unknown_edges]
    names = dict.fromkeys(name for name, _ in unknown_edges.values())
    found, left = f"found the edge {edges[0]}", "left it out"
    if len(edges) > 1:
        found, left = f"found {counted(len(edges), 'edge')} such as {', '.join(edges[:_N_NAMED])}", "left them out"
    message = f"{found}, but no bodypart {some(names, _N_NAMED)}; {left}"
    line = next(iter(unknown_edges.values()))[1]
    keys.find("skeleton-unknown", "skeleton", message, Severity.NOTE, line)


def _video_entries(keys: ConfigKeys, key: str) -> tuple[VideoEntry, ...]:
    node = keys.node(key)
    if is_nothing(node):
        return ()
    if isinstance(node, YamlMapping):
        no_crops: list[YamlNode] = []
        entries = [(name.text, value) for name, value in node.entries if not name.is_empty]
        found = tuple(VideoEntry(name, _crop(value, no_crops)) for name, value in entries)
        keys.find_values(key, no_crops, _CROP, "ignored the crop" if len(no_crops) == 1 else "ignored these crops")
        return found
    if isinstance(node, YamlList):
        # Nobody's DeepLabCut writes it, but people do, and it can only mean the paths.
        paths = (item.text for item in node.items if isinstance(item, YamlText) and not item.is_empty)
        return tuple(VideoEntry(path) for path in dict.fromkeys(paths))
    keys.find_value(key, node, "video paths with their crop; read none")
    return ()


_CROP = "four pixel numbers 'x1, x2, y1, y2' with x1 < x2 and y1 < y2"


def _crop(value: YamlNode, no_crops: list[YamlNode]) -> tuple[int, int, int, int] | None:
    """``crop: 0, 640, 0, 480`` below a video; since 3.0.0rc14 DeepLabCut takes nothing but four integers.

    What is none is added to ``no_crops``.
    """
    node = value.get("crop") if isinstance(value, YamlMapping) else value
    if node is None or is_nothing(node):
        return None
    texts = [part.strip() for part in node.text.split(",")] if isinstance(node, YamlText) else []
    if isinstance(node, YamlList):
        texts = [item.text for item in node.items if isinstance(item, YamlText)]
    if len(texts) == 4 and all(_INTEGER.fullmatch(text) and len(text) < 10 for text in texts):
        x1, x2, y1, y2 = map(int, texts)
        if 0 <= x1 < x2 and 0 <= y1 < y2:
            return x1, x2, y1, y2
    no_crops.append(node)
    return None


def _corner(keys: ConfigKeys) -> tuple[float, float] | None:
    numbers = keys.numbers("corner2move2")
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    if numbers:
        keys.find_value("corner2move2", keys.node("corner2move2"), "two numbers; ignored them")
    return None


def _iteration(keys: ConfigKeys) -> int:
    node = keys.node("iteration")
    if is_nothing(node):
        return 0  # 3.0.1 leaves it empty until the first training set
    if isinstance(node, YamlText) and _INTEGER.fullmatch(node.text) and len(node.text) < 10:
        return int(node.text)
    keys.find_value("iteration", node, "a whole number; took 0")
    return 0
