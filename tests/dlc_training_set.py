"""training-datasets/ as create_training_dataset writes it: labels of all folders merged, and how they were split.

After ``merge_annotateddatasets``, ``SplitTrials``, ``format_training_data`` and ``save_metadata`` of the versions.
Not one line of dlc2lp takes part.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

#: How the merged rows are ordered: as the config lists the videos (up to 2.1.7), by path (2.1.8), by parts (2.2.0.4).
Order = Literal["listed", "flat", "three"]
Frame = tuple[str, str]
#: (train, test): sets of (session, image).
Frames = tuple[frozenset[Frame], frozenset[Frame]]


@dataclass(frozen=True)
class Shuffle:
    """One train/test split.

    Attributes
    ----------
    number, fraction, iteration
        As in the name of its file; ``data_set`` is its folder where that is not the project's own.
    train, test
        Rows of the merged table; drawn like DeepLabCut's own if None.
    later
        Sessions, and (session, image)s, that were labelled after the split was made.
    order
        Of the table when the split was made; by the era if None.
    as_lists, padding
        Positions as lists instead of arrays, and how many -1 follow each of them.
    dump
        Writes the pickle; ``edit`` may change what is written.
    """

    number: int = 1
    fraction: float = 0.8
    iteration: int = 0
    data_set: str | None = None
    train: Sequence[int] | None = None
    test: Sequence[int] | None = None
    later: Collection[str | Frame] = ()
    order: Order | None = None
    as_lists: bool = False
    padding: int = 0
    edit: Callable[[list[Any]], Any] = lambda content: content
    dump: Callable[[Any], bytes] = lambda content: pickle.dumps(content, protocol=4)

    @property
    def percent(self) -> int:
        return int(100 * self.fraction)


def write_training_sets(
    root: Path,
    tables: Mapping[str, pd.DataFrame],
    shuffles: Sequence[Shuffle],
    *,
    task: str,
    date: str,
    era: str,
    sizes_px: Mapping[str, tuple[int, int]],
) -> dict[str, Frames]:
    """Write all shuffles; return their truth by name, ``iteration-0/80/1``.

    Parameters
    ----------
    tables
        The labels of each session, in the order of the config.
    sizes_px
        Width and height of each session's images.
    """
    truth: dict[str, Frames] = {}
    folders: dict[Path, list[Shuffle]] = {}
    for shuffle in shuffles:
        data_set = shuffle.data_set or f"UnaugmentedDataSet_{task}{date}"
        folders.setdefault(root / "training-datasets" / f"iteration-{shuffle.iteration}" / data_set, []).append(shuffle)
    for folder, inside in folders.items():
        folder.mkdir(parents=True)
        for shuffle in inside:
            order = shuffle.order or ("listed" if era in "AB" else "flat" if era == "C" else "three")
            then = _merge(_without(tables, shuffle.later), order)
            train, test = _split(shuffle, len(then), seed=len(truth))
            name = f"iteration-{shuffle.iteration}/{shuffle.percent}/{shuffle.number}"
            frames = [_frame(row) for row in then.index]
            truth[name] = (frozenset(frames[row] for row in train), frozenset(frames[row] for row in test))
            data = [entry for row in train if (entry := _entry(then.iloc[row], _size_px(frames[row], sizes_px)))]
            _write_documentation(folder, task, shuffle, [data, train, test, shuffle.fraction])
            # Models train on these; the one of multi-animal projects ends in .pickle too.
            suffix = "pickle" if "individuals" in then.columns.names else "mat"
            scorer = then.columns.get_level_values("scorer")[0]
            data_file = f"{task}_{scorer}{shuffle.percent}shuffle{shuffle.number}.{suffix}"
            (folder / data_file).write_bytes(b"never load this")
        # Written anew by every call, so it holds what was labelled when the last one was made.
        merged = _merge(tables, order)
        stem = folder / f"CollectedData_{merged.columns.get_level_values('scorer')[0]}"
        merged.to_hdf(f"{stem}.h5", key="df_with_missing", format="fixed", mode="w")
        merged.to_csv(f"{stem}.csv")
        if era in "FG":
            (folder / "metadata.yaml").write_text(_metadata(task + date, inside), encoding="utf-8")
    return truth


def _without(tables: Mapping[str, pd.DataFrame], later: Collection[str | Frame]) -> dict[str, pd.DataFrame]:
    return {
        session: table[[_frame(row) not in later for row in table.index]]
        for session, table in tables.items()
        if session not in later
    }


def _merge(tables: Mapping[str, pd.DataFrame], order: Order) -> pd.DataFrame:
    parts = [_by_parts(table) if order == "three" else table for table in tables.values()]
    merged = pd.concat(parts)
    return merged if order == "listed" else merged.sort_index()


def _by_parts(table: pd.DataFrame) -> pd.DataFrame:
    """``conversioncode.guarantee_multiindex_rows``."""
    if isinstance(table.index, pd.MultiIndex):
        return table
    separator = "/" if "/" in table.index[0] else "\\"
    rows = [tuple(row.split(separator)) for row in table.index]
    return table.set_axis(pd.MultiIndex.from_tuples(rows), axis=0)


def _frame(row: str | tuple[str, ...]) -> Frame:
    """The folder and the image of a row; ("", image) where it names no folder."""
    parts = ["", *(row.replace("\\", "/").split("/") if isinstance(row, str) else row)]
    return parts[-2], parts[-1]


def _size_px(frame: Frame, sizes_px: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """A row that names no folder has the size of the first."""
    return sizes_px.get(frame[0]) or next(iter(sizes_px.values()))


def _split(shuffle: Shuffle, n_rows: int, seed: int) -> tuple[list[int], list[int]]:
    """``SplitTrials``: the first part of a permutation, in its order."""
    rows = np.random.default_rng(seed).permutation(n_rows).tolist()
    n_train = int(n_rows * shuffle.fraction)
    train = rows[:n_train] if shuffle.train is None else list(shuffle.train)
    test = rows[n_train:] if shuffle.test is None else list(shuffle.test)
    return train, test


def _entry(row: pd.Series, size_px: tuple[int, int]) -> dict[str, Any] | None:
    """``format_training_data`` and its multi-animal sister: None for a frame without a label inside the image."""
    width_px, height_px = size_px
    names = row.index.names
    points: dict[str, list[tuple[float, float, float]]] = {}
    bodyparts = list(dict.fromkeys(row.index.get_level_values("bodyparts")))
    for column in row.index:
        cells = dict(zip(names, column, strict=True))
        x, y = (float(row[(*column[:-1], coord)]) for coord in "xy")
        if cells["coords"] == "x" and 0 < x < width_px and 0 < y < height_px:
            entry = (float(bodyparts.index(cells["bodyparts"])), x, y)
            points.setdefault(cells.get("individuals", ""), []).append(entry)
    if not points:
        return None
    entry = {"image": row.name, "size": (3, height_px, width_px)}
    if "individuals" in names:
        return entry | {"joints": {n: np.array(xy, np.float32) for n, xy in enumerate(points.values())}}
    return entry | {"joints": np.array(points[""]).astype(int)}


def _write_documentation(folder: Path, task: str, shuffle: Shuffle, content: list[Any]) -> None:
    padded = [positions + [-1] * shuffle.padding for positions in content[1:3]]
    content[1:3] = padded if shuffle.as_lists else map(np.asarray, padded)
    path = folder / f"Documentation_data-{task}_{shuffle.percent}shuffle{shuffle.number}.pickle"
    path.write_bytes(shuffle.dump(shuffle.edit(content)))


def _metadata(prefix: str, shuffles: Sequence[Shuffle]) -> str:
    lines = ["# This file is automatically generated - DO NOT EDIT", "---", "shuffles:"]
    for index, shuffle in enumerate(shuffles, start=1):
        lines += [
            f"  {prefix}-trainset{shuffle.percent}shuffle{shuffle.number}:",
            f"    train_fraction: {shuffle.fraction}",
            f"    index: {shuffle.number}",
            f"    split: {index}",
            "    engine: pytorch",
        ]
    return "\n".join(lines) + "\n"
