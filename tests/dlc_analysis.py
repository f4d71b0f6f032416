"""Analyses of videos as DeepLabCut's own code writes them: pandas through PyTables, and the notes beside them."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from builder import UNIQUE_INDIVIDUAL, BuiltProject
from scene import mark_position

TF = "DLC_resnet50_reachAug30shuffle1_50000"
TORCH = "DLC_Resnet50_reachAug30shuffle2_snapshot_best-190"
DLC1 = "DeepCut_resnet50_reachAug30shuffle1_500"


@dataclass(frozen=True)
class Analysis:
    """One analysis of one video.

    ``ending`` follows the scorer (``_filtered``, ``_el``). ``rows`` are the numbers of the frames, all by default;
    ``crop`` is (x1, x2, y1, y2) of the part that was analyzed; ``notes`` change ``_meta.pickle``, None: there is none.
    """

    session: str
    scorer: str = TF
    ending: str = ""
    folder: str = "videos"
    files: Collection[str] = ("h5", "csv")
    rows: Sequence[int] | None = None
    bodyparts: Sequence[str] | None = None
    individuals: Sequence[str] | None = None
    crop: tuple[int, int, int, int] | None = None
    notes: dict[str, Any] | None = field(default_factory=dict)
    dtype: str = "float64"
    format: Literal["fixed", "table"] = "table"
    off_px: float = 0.0


def add_analysis(built: BuiltProject, analysis: Analysis) -> pd.DataFrame:
    """Write an analysis whose points are where the marks were drawn, and return what it holds.

    As ``AnalyzeVideo`` and ``SaveData`` (TensorFlow), ``create_df_from_prediction`` (PyTorch) and ``write_tracks`` do.
    """
    frames = range(built.n_frames[analysis.session]) if analysis.rows is None else analysis.rows
    bodyparts = built.bodyparts if analysis.bodyparts is None else analysis.bodyparts
    individuals = built.individuals if analysis.individuals is None else analysis.individuals
    columns: list[tuple[str, ...]] = [(bodypart,) for bodypart in bodyparts]
    names = ["scorer", "bodyparts", "coords"]
    if individuals:
        columns = [(individual, bodypart) for individual in individuals for bodypart in bodyparts]
        columns += [(UNIQUE_INDIVIDUAL, bodypart) for bodypart in built.unique]
        names.insert(1, "individuals")
    x1, _, y1, _ = analysis.crop or (0, 0, 0, 0)
    values = np.empty((len(frames), len(columns), 3))
    for row, frame in enumerate(frames):
        for mark, _column in enumerate(columns):
            x, y = mark_position(analysis.session, mark, frame, *built.size_px[analysis.session])
            values[row, mark] = (x - x1 + analysis.off_px, y - y1, 1 / (1 + frame + mark / 7))
    coords = ("x", "y", "likelihood")
    header = pd.MultiIndex.from_tuples([(analysis.scorer, *c, coord) for c in columns for coord in coords], names=names)
    table = pd.DataFrame(values.reshape(len(frames), -1), columns=header, index=list(frames)).astype(analysis.dtype)
    folder = built.root / analysis.folder
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{analysis.session}{analysis.scorer}{analysis.ending}"
    if "h5" in analysis.files:
        key = "tracks" if analysis.ending == "_el" else "df_with_missing"
        table.to_hdf(f"{stem}.h5", key=key, format=analysis.format, mode="w")
    if "csv" in analysis.files:
        table.to_csv(f"{stem}.csv")
    if analysis.notes is not None:
        _write_notes(folder / f"{analysis.session}{analysis.scorer}_meta.pickle", built, analysis)
    return table


def _write_notes(path: Path, built: BuiltProject, analysis: Analysis) -> None:
    width, height = built.size_px[analysis.session]
    x1, x2, y1, y2 = analysis.crop or (0, width, 0, height)
    is_torch = "snapshot" in analysis.scorer
    size = (x2 - x1, y2 - y1)
    data: dict[str, Any] = {
        "start": 1.5,
        "Scorer": analysis.scorer,
        ("pytorch-config" if is_torch else "DLC-model-config file"): {"net_type": "resnet_50", "stride": 8.0},
        "fps": 25.0,
        "frame_dimensions": size if is_torch else size[::-1],
        "nframes": built.n_frames[analysis.session],
        "iteration (active-learning)": 0,
        "training set fraction": np.float64(0.95),
        "cropping": analysis.crop is not None,
        "cropping_parameters": [x1, x2, y1, y2],
    }
    path.write_bytes(pickle.dumps({"data": data | (analysis.notes or {})}, pickle.HIGHEST_PROTOCOL))


def add_evaluation(
    built: BuiltProject, scorer: str = TF, folder: str = "reachAug30-trainset80shuffle1"
) -> pd.DataFrame:
    """Write a network's predictions for all labeled images as ``evaluate_network`` does: a pixel off in x and y."""
    images = [(session, image) for session in built.sessions for image in built.rows[session]]
    header = pd.MultiIndex.from_product(
        [[scorer], built.bodyparts, ("x", "y", "likelihood")], names=["scorer", "bodyparts", "coords"]
    )
    values = np.empty((len(images), len(built.bodyparts), 3))
    for row, (session, image) in enumerate(images):
        for mark in range(len(built.bodyparts)):
            x, y = mark_position(session, mark, built.frame_index[session, image], *built.size_px[session])
            values[row, mark] = (x + 1, y - 1, 0.5 + row / 1000)
    index = pd.MultiIndex.from_tuples([("labeled-data", *image) for image in images])
    table = pd.DataFrame(values.reshape(len(images), -1), columns=header, index=index)
    is_torch = "snapshot" in scorer
    place = built.root / ("evaluation-results-pytorch" if is_torch else "evaluation-results") / "iteration-0" / folder
    place.mkdir(parents=True, exist_ok=True)
    name = f"{scorer}.h5" if is_torch else f"{scorer}-snapshot-50000.h5"
    table.to_hdf(place / name, key="df_with_missing", mode="w")
    return table
