"""config.yaml as each DeepLabCut version wrote it: keys, order, comments and the quirks of its YAML library.

After ``create_config_template`` (utils/auxiliaryfunctions.py) of the versions and ``create_new_project``. Not
one line of dlc2lp takes part, so that its reader is tested against files that it did not shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

#: era -> versions; the letters are used by the builder's ``era=``.
ERAS = {
    "A": "2.0.0 to 2.0.4: PyYAML, keys in alphabetical order, tuples with a Python tag",
    "B": "2.0.5 to 2.1.8: ruamel.yaml with comments, resnet:",
    "C": "2.1.10 to 2.2.0.3: multianimalproject, default_net_type",
    "D": "2.2.0.4 to 2.2.3: identity",
    "E": "2.3",
    "F": "3.0.0: engine, detector_*, SuperAnimalConversionTables",
    "G": "3.0.1: every field of ProjectConfig, single-animal projects too",
}

_DEFAULTS: dict[str, Any] = {
    "multianimalproject": False,
    "identity": None,
    "engine": "pytorch",
    "start": 0,
    "stop": 1,
    "numframes2pick": 20,
    "skeleton_color": "black",
    "pcutoff": 0.6,
    "dotsize": 12,
    "alphavalue": 0.7,
    "colormap": "rainbow",
    "TrainingFraction": [0.95],
    "iteration": 0,
    "resnet": 50,
    "default_net_type": "resnet_50",
    "default_augmenter": "default",
    "default_track_method": "ellipse",
    "snapshotindex": -1,
    "detector_snapshotindex": -1,
    "batch_size": 8,
    "detector_batch_size": 1,
    "cropping": False,
    "x1": 0,
    "x2": 640,
    "y1": 277,
    "y2": 624,
    "corner2move2": (50, 50),
    "move2corner": True,
    "SuperAnimalConversionTables": None,
    "pose_config_path": "",
    "with_identity": False,
    "unique_bodyparts": [],
    "croppedtraining": None,
    "config_version": 0,
}

_MULTI_KEYS = "individuals uniquebodyparts multianimalbodyparts"
# (comment, keys, eras that have it); {multi} stands for the keys of multi-animal projects.
_SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("", "config_version", "G"),
    ("Project definitions (do not edit)", "Task scorer date", "BCDEFG"),
    ("", "multianimalproject", "CDEFG"),
    ("", "identity", "DEFG"),
    ("Project path (change when moving around)", "project_path", "BCDEFG"),
    ("", "pose_config_path", "G"),
    ("Default DeepLabCut engine to use for shuffle creation (either pytorch or tensorflow)", "engine", "FG"),
    (
        "Annotation data set configuration (and individual video cropping parameters)",
        "video_sets video_sets_original {multi} bodyparts",
        "BCDEFG",
    ),
    (
        "Fraction of video to start/stop when extracting frames for labeling/refinement",
        "start stop numframes2pick",
        "BCDEFG",
    ),
    ("Plotting configuration", "skeleton skeleton_color pcutoff dotsize alphavalue colormap", "BCDEFG"),
    ("Training,Evaluation and Analysis configuration", "TrainingFraction iteration", "BCDEFG"),
    ("", "resnet", "BG"),
    ("", "default_net_type default_augmenter", "CDEFG"),
    ("", "default_track_method", "EFG"),
    ("", "snapshotindex", "BCDEFG"),
    ("", "detector_snapshotindex", "FG"),
    ("", "batch_size", "BCDEFG"),
    ("", "detector_batch_size", "FG"),
    ("Cropping Parameters (for analysis and outlier frame detection)", "cropping", "BCDEFG"),
    ("if cropping is true for analysis, then set the values here:", "x1 x2 y1 y2", "BCDEFG"),
    (
        "Refinement configuration (parameters from annotation dataset configuration also relevant in this stage)",
        "corner2move2 move2corner",
        "BCDEFG",
    ),
    ("Conversion tables to fine-tune SuperAnimal weights", "SuperAnimalConversionTables", "FG"),
    ("", "with_identity unique_bodyparts croppedtraining", "G"),
)
_KEYS_OF_A = (
    "Task scorer date project_path video_sets bodyparts start stop numframes2pick pcutoff dotsize alphavalue "
    "colormap TrainingFraction iteration resnet snapshotindex batch_size cropping x1 x2 y1 y2 corner2move2 "
    "move2corner"
)


def config_text(values: Mapping[str, Any], era: str = "F") -> str:
    """The text that DeepLabCut of an era writes for these values and its own defaults for the others.

    Keys that the era does not know stand at the end, as where a person or a later version put them.
    """
    given, values = values, _DEFAULTS | dict(values)
    if era == "A":
        known = {key: values[key] for key in _KEYS_OF_A.split() if key in values} | dict(given)
        return yaml.dump(known, default_flow_style=False)
    width = 80 if era in "BCDE" else 1_000_000
    parts: list[str] = []
    written: set[str] = set()
    multi = _MULTI_KEYS if values["multianimalproject"] or era == "G" else ""
    for comment, names, eras in _SECTIONS:
        if era not in eras:
            continue
        keys = [key for key in names.format(multi=multi).split() if key in values]
        if comment and keys:
            parts.append(f"#{comment}\n" if comment.startswith("if ") else f"\n# {comment}\n")
        parts += [_dump({key: values[key]}, width) for key in keys]
        written.update(keys)
    rest = {key: value for key, value in given.items() if key not in written}
    return "".join(parts).lstrip("\n") + (_dump(rest, width) if rest else "")


def _dump(value: dict[str, Any], width: int) -> str:
    return yaml.dump(
        value, Dumper=_Yaml12Dumper, default_flow_style=False, sort_keys=False, allow_unicode=True, width=width
    )


class _Yaml12Dumper(yaml.SafeDumper):
    """Writes as ruamel.yaml does: YAML 1.2, where no, on and yes need no quotes, and nothing for None."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, regexp) for tag, regexp in resolvers if first in "tTfF" or not tag.endswith(":bool")]
        for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Yaml12Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))
_Yaml12Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_list(list(value)))
