"""Builds small Lightning Pose projects with the lp wing, for tests to judge and to break."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.labels import LabelRows, QueueEntry, render_labels, render_queue
from dlc2lp.lp.names import frame_file_name
from dlc2lp.lp.project import render_project_yaml
from dlc2lp.lp.starter import starter_config

NAN = math.nan
NAMES = ("snout", "ear, left", "no", 'tail "base"')


def png_bytes(width: int = 64, height: int = 48, *, bits: int = 8, color: int = 2) -> bytes:
    """Return a PNG of random-looking pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    row_bytes = (width * channels * bits + 7) // 8
    rows = b"".join(b"\0" + bytes((7 * x + 13 * y) % 251 for x in range(row_bytes)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    palette = [(b"PLTE", bytes(range(48)))] if color == 3 else []
    chunks = [(b"IHDR", header), *palette, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


class LabelRow(NamedTuple):
    """One labeled frame: its image, its points, and their values of ``visible``."""

    image: str
    xy: tuple[tuple[float, float], ...]
    visible: tuple[int, ...] | None = None


def together(rows: Sequence[LabelRow], n_keypoints: int) -> LabelRows:
    """Return frames as the rows of one label file."""
    xy = np.array([row.xy for row in rows], dtype=np.float64).reshape(len(rows), -1, 2) if rows else None
    flags = [row.visible for row in rows]
    visible = None if not rows or flags[0] is None else np.array(flags, dtype=np.int8)
    points = np.empty((0, n_keypoints, 2)) if xy is None else xy
    return LabelRows(tuple(row.image for row in rows), points, visible)


def label_rows(folder: str, n_frames: int, n_keypoints: int, *, visible: bool = False) -> list[LabelRow]:
    """Return rows whose first one is all empty and whose last keypoint is often hidden."""
    rows = []
    for index in range(n_frames):
        xy = [(3.0 + index + keypoint / 3, 40.1 - keypoint * math.pi) for keypoint in range(n_keypoints)]
        if index == 0:
            xy = [(NAN, NAN)] * n_keypoints
        elif index % 2:
            xy[-1] = (NAN, NAN)
        flags = tuple(1 if math.isnan(x) else 2 for x, _ in xy) if visible else None
        rows.append(LabelRow(f"labeled-data/{folder}/{frame_file_name(index * 10)}", tuple(xy), flags))
    return rows


def make_target(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    n_frames: int = 12,
    n_videos: int = 1,
    visible: bool = False,
    choices: ConfigChoices | None = None,
) -> Path:
    """Write a single-view project with two sessions and a queue; the video is an empty file."""
    rows = label_rows("m1", n_frames - n_frames // 2, len(names), visible=visible)
    rows += label_rows("m2_b", n_frames // 2, len(names), visible=visible)
    queued = [f"labeled-data/m1/{frame_file_name(index)}" for index in (7, 8)]
    for image in [*(row.image for row in rows), *queued]:
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(png_bytes())
    (folder / "videos").mkdir()
    for index in range(n_videos):
        (folder / "videos" / f"m{index + 1}.mp4").touch()
    points = ((names[0], 1.5, 2.25),)
    queue = [QueueEntry(queued[0], "DLC_resnet50", 1700000000000, points), QueueEntry(queued[1])]
    facts = ConfigFacts(
        data_dir=str(folder.resolve()),
        keypoint_names=tuple(names),
        n_labeled_frames=len(rows),
        image_sizes=(((64, 48), len(rows)),),
        hidden_share={names[-1]: 0.5},
        n_videos=n_videos,
    )
    config = starter_config(facts, choices or ConfigChoices())
    (folder / "configs").mkdir()
    skeleton = [(names[0], names[1]), (names[1], names[2])]
    for name, text in {
        "project.yaml": render_project_yaml(names, skeleton),
        "CollectedData.csv": render_labels("Ann, Ö", names, together(rows, len(names))),
        "CollectedData.unlabeled.jsonl": render_queue(queue),
        "configs/default.yaml": config.text,
    }.items():
        (folder / name).write_bytes(text.encode())
    return folder


def make_multiview_target(folder: Path) -> Path:
    """Write a multi-view project of two views; there is no starter for it yet, so the config is a text of its own."""
    names, views = ("snout", "tail"), ("top", "side")
    (folder / "videos").mkdir(parents=True)
    (folder / "configs").mkdir()
    for view in views:
        rows = label_rows(f"s1_{view}", 4, len(names))
        for row in rows:
            (folder / row.image).parent.mkdir(parents=True, exist_ok=True)
            (folder / row.image).write_bytes(png_bytes())
        (folder / f"CollectedData_{view}.csv").write_text(
            render_labels("Ann", names, together(rows, len(names))), encoding="utf-8"
        )
        (folder / "videos" / f"s1_{view}.mp4").touch()
    (folder / "project.yaml").write_text(render_project_yaml(names, [], views), encoding="utf-8")
    facts = ConfigFacts(str(folder.resolve()), names, 4, (((64, 48), 8),), {}, 2)
    text = starter_config(facts, ConfigChoices(backbone="vits_dino")).text
    text = text.replace("csv_file: CollectedData.csv", "csv_file: [CollectedData_top.csv, CollectedData_side.csv]")
    text = text.replace("  num_keypoints:", "  view_names: [top, side]\n  num_keypoints:")
    text = text.replace("model_type: heatmap", "model_type: heatmap_multiview_transformer")
    (folder / "configs" / "default.yaml").write_text(text, encoding="utf-8")
    return folder
