"""``config.yaml`` of an exported DeepLabCut project: the source's text with what must change, or a new one. Pure.

The source's comments, colours and training settings are a lab's own, so its text stays but for the keys that would be
wrong in another folder: where the project lies, its videos, and what the label files name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlc2lp.dlc.config import MULTI_ANIMAL, VideoEntry
from dlc2lp.dlc.yamltext import YamlList, YamlMapping, YamlNode, YamlText, parse_yaml
from dlc2lp.errors import UnreadableFile
from dlc2lp.lp.document import value_text
from dlc2lp.wording import spelled


@dataclass(frozen=True)
class ProjectNames:
    """What a DeepLabCut project is called and what it names."""

    task: str
    scorer: str
    date: str
    bodyparts: tuple[str, ...]  #: In a multi-animal project those that every individual has.
    individuals: tuple[str, ...]  #: None in a single-animal project.
    unique_bodyparts: tuple[str, ...]
    is_multi_animal: bool
    skeleton: tuple[tuple[str, str], ...] = ()  #: Edges between bodyparts.


@dataclass(frozen=True)
class ExportedConfig:
    """The text of a configuration."""

    text: str
    is_new: bool  #: Whether nothing of the source's is in it.


#: Keys that only a new configuration needs; values of DeepLabCut 3's own template.
_BEHIND: Mapping[str, Mapping[str, Any]] = {
    "Fraction of video to start/stop when extracting frames for labeling/refinement": {
        "start": 0,
        "stop": 1,
        "numframes2pick": 20,
    },
    "Plotting configuration": {
        "skeleton": (),
        "skeleton_color": "black",
        "pcutoff": 0.6,
        "dotsize": 12,
        "alphavalue": 0.7,
        "colormap": "rainbow",
    },
    "Training,Evaluation and Analysis configuration": {
        "TrainingFraction": (0.95,),
        "iteration": 0,
        "default_net_type": "resnet_50",
        "default_augmenter": "default",
        "snapshotindex": -1,
        "detector_snapshotindex": -1,
        "batch_size": 8,
        "detector_batch_size": 1,
    },
    "Cropping Parameters (for analysis and outlier frame detection)": {
        "cropping": False,
        "x1": 0,
        "x2": 640,
        "y1": 277,
        "y2": 624,
    },
    "Refinement configuration (parameters from annotation dataset configuration also relevant in this stage)": {
        "corner2move2": (50, 50),
        "move2corner": True,
    },
}


def exported_config(
    source: bytes | None, names: ProjectNames, path: str, videos: Sequence[VideoEntry]
) -> ExportedConfig:
    """Return the configuration of a project at a path, from the source's where there is one that can be changed safely.

    Safely means: read again, it says what it said, but for the keys that were changed.
    """
    if source is not None and (text := _changed(source, names, path, videos)) is not None:
        return ExportedConfig(text, is_new=False)
    return ExportedConfig(_new(names, path, videos), is_new=True)


def _changed(source: bytes, names: ProjectNames, path: str, videos: Sequence[VideoEntry]) -> str | None:
    """Return the source's text with other values; None where it is none that can be changed line by line."""
    try:
        text = source.decode("utf-8-sig")
        before, odd = parse_yaml(source, subject="config.yaml")
    except (UnicodeDecodeError, UnreadableFile):
        return None
    if odd or not isinstance(before, YamlMapping):
        return None  # it had to be repaired to be read: DeepLabCut itself might not read it
    wanted = {"project_path": path, "scorer": names.scorer, **_named(before, names)}
    blocks = {
        key: _block(key, value) for key, value in wanted.items() if _plain(before.get(key)) != _plain_value(value)
    }
    blocks["video_sets"] = _video_block(videos)
    lines = text.splitlines(keepends=True)
    for key, block in blocks.items():
        lines = _with_block(lines, key, block)
    changed = "".join(lines)
    try:
        after, odd = parse_yaml(changed.encode(), subject="config.yaml")
    except UnreadableFile:
        return None
    if odd or not isinstance(after, YamlMapping):
        return None
    kept = {key.text for key, _ in before.entries} - blocks.keys()
    as_wanted = all(_plain(after.get(key)) == _plain_value(wanted[key]) for key in blocks.keys() & wanted.keys())
    same = all(_plain(after.get(key)) == _plain(before.get(key)) for key in kept)
    listed = _plain(after.get("video_sets"))
    return changed if as_wanted and same and [*(listed or {})] == [video.recorded for video in videos] else None


def _named(before: YamlMapping, names: ProjectNames) -> dict[str, Any]:
    """Return the names that label files have and the configuration lacks, behind those that it has."""
    if not names.is_multi_animal:
        # A multi-animal project whose label files name no individual keeps its bodyparts below another key.
        listed = before.get("bodyparts")
        is_multi = isinstance(listed, YamlText) and listed.text == MULTI_ANIMAL
        key = "multianimalbodyparts" if is_multi else "bodyparts"
        return {key: _joined(before.get(key), names.bodyparts)}
    flag = before.get("multianimalproject")
    is_marked = isinstance(flag, YamlText) and flag.text.lower() == "true"
    return {
        **({} if is_marked else {"multianimalproject": "true"}),
        "individuals": _joined(before.get("individuals"), names.individuals),
        "uniquebodyparts": _joined(before.get("uniquebodyparts"), names.unique_bodyparts),
        "multianimalbodyparts": _joined(before.get("multianimalbodyparts"), names.bodyparts),
        "bodyparts": MULTI_ANIMAL,
    }


def _joined(node: YamlNode | None, names: Sequence[str]) -> list[str]:
    """Return the names of a list of the configuration as they stand there, and behind them what it lacks."""
    there = [item.text for item in node.items if isinstance(item, YamlText)] if isinstance(node, YamlList) else []
    known = {spelled(name) for name in there}
    return there + [name for name in names if spelled(name) not in known]


def _plain(node: YamlNode | None) -> Any:
    """Return a value as texts, lists and dicts; nothing and an empty list are alike."""
    match node:
        case YamlMapping(entries=entries):
            return {key.text: _plain(value) for key, value in entries} or None
        case YamlList(items=items):
            return [_plain(item) for item in items] or None
        case YamlText():
            return None if node.is_empty else node.text
        case _:
            return None


def _plain_value(value: Any) -> Any:
    return value or None


def _block(key: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{key}:\n" + "".join(_item(item) for item in value) if value else f"{key}: []\n"
    if value in ("true", "false"):
        return f"{key}: {value}\n"
    return f"{key}: {value_text(value)}\n"


def _item(item: Any) -> str:
    if isinstance(item, tuple):
        first, *others = item
        return f"- - {value_text(first)}\n" + "".join(f"  - {value_text(other)}\n" for other in others)
    return f"- {value_text(item)}\n"


def _video_block(videos: Sequence[VideoEntry]) -> str:
    if not videos:
        return "video_sets: {}\n"
    lines = ["video_sets:\n"]
    for video in videos:
        lines.append(f"  {value_text(video.recorded)}:\n")
        lines.append(f"    crop: {', '.join(map(str, video.crop))}\n" if video.crop else "    crop:\n")
    return "".join(lines)


def _with_block(lines: Sequence[str], key: str, block: str) -> list[str]:
    """Return lines in which a key of the outermost level, with all that belongs to it, is replaced; added if new."""
    starts = re.compile(rf"""['"]?{re.escape(key)}['"]?\s*:""")
    first = next((number for number, line in enumerate(lines) if starts.match(line)), None)
    if first is None:
        return [*lines[:-1], lines[-1].rstrip("\r\n") + "\n", block]
    end = first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if not line.strip() or line.startswith("#"):
            continue  # belongs to what follows, unless the value goes on below
        if not (line[0] in " \t" or line.startswith(("- ", "-\n", "-\r"))):
            break
        end = number + 1
    return [*lines[:first], block, *lines[end:]]


def _new(names: ProjectNames, path: str, videos: Sequence[VideoEntry]) -> str:
    """Return a whole configuration as DeepLabCut's template has it."""
    return "".join(_new_parts(names, path, videos))


def _new_parts(names: ProjectNames, path: str, videos: Sequence[VideoEntry]) -> Iterator[str]:
    yield "# Project definitions (do not edit)\n"
    yield from (_block(key, value) for key, value in (("Task", names.task), ("scorer", names.scorer)))
    yield _block("date", names.date)
    yield f"multianimalproject: {'true' if names.is_multi_animal else 'false'}\nidentity:\n"
    yield "\n# Project path (change when moving around)\n" + _block("project_path", path)
    yield "\n# Default DeepLabCut engine to use for shuffle creation (either pytorch or tensorflow)\nengine: pytorch\n"
    yield "\n# Annotation data set configuration (and individual video cropping parameters)\n"
    yield _video_block(videos)
    if names.is_multi_animal:
        yield _block("individuals", names.individuals) + _block("uniquebodyparts", names.unique_bodyparts)
        yield _block("multianimalbodyparts", names.bodyparts) + _block("bodyparts", MULTI_ANIMAL)
    else:
        yield _block("bodyparts", names.bodyparts)
    for comment, values in _BEHIND.items():
        yield f"\n# {comment}\n"
        for key, value in values.items():
            yield _block(key, names.skeleton if key == "skeleton" else value)
            if names.is_multi_animal and key == "default_augmenter":
                yield "default_track_method: ellipse\n"
