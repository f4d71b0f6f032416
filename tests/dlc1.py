"""DeepLabCut 1 data sets and loose label sets for tests; pandas and OpenCV write them as DeepLabCut 1 did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

#: Position of a keypoint in an image: (folder, image, keypoint) -> (x, y) in pixels.
Truth = dict[tuple[str, str, str], tuple[float, float]]

MYCONFIG = """\
# Step 1:
Task = '{task}'
vidpath = '../videos'
filename = '{filename}'
cropping = {cropping}
x1, x2, y1, y2 = 0, 64, 0, 48
portion = 1
# Step 2:
bodyparts = {bodyparts!r}
Scorers = {scorers!r}
multibodypartsfile = False
invisibleboundary = 10
imagetype = '.png'
# Step 3:
date = 'Jan30'
{more}"""


def build_dlc1(
    root: Path,
    *,
    task: str = "reach",
    folders: Sequence[str] = ("video_0", "video_1"),
    bodyparts: Sequence[str] = ("nose", "tail"),
    scorers: Sequence[str] = ("Ana",),
    frames: Sequence[int] = (2, 4, 6),
    files: Collection[str] = ("csv", "h5"),
    images: bool = True,
    settings: str | None = "myconfig.py",
    filename: str = "video_0.avi",
    cropping: bool = False,
    more: str = "",
) -> Truth:
    """Write a repository of DeepLabCut 1 with the data set ``data-<task>``; called again, it adds another one.

    Parameters
    ----------
    folders
        Image folders, one for each video.
    scorers
        Each has a label file of its own; with several, as DeepLabCut 1 wrote it, ``CollectedData`` holds all.
    settings
        Where the settings stand, relative to the root; None: there are none.
    more
        Further lines of the settings.
    """
    data = root / "Generating_a_Training_Set" / f"data-{task}"
    truth = _truth(folders, frames, bodyparts)
    rows = [f"{folder}/img{frame:03d}.png" for folder in folders for frame in frames]
    for folder in folders if images else ():
        _write_images(data / folder, frames)
    for scorer in scorers:
        _write_labels(data, f"CollectedData_{scorer}", _table(rows, truth, [scorer], bodyparts), files)
    if len(scorers) > 1:
        _write_labels(data, "CollectedData", _table(rows, truth, scorers, bodyparts), files)
    if settings is not None:
        given = {"task": task, "filename": filename, "bodyparts": list(bodyparts), "scorers": list(scorers)}
        (root / settings).parent.mkdir(parents=True, exist_ok=True)
        (root / settings).write_text(MYCONFIG.format(**given, cropping=cropping, more=more), encoding="utf-8")
    return truth


def build_loose(
    folder: Path,
    *,
    bodyparts: Sequence[str] = ("nose", "tail"),
    scorer: str = "Ana",
    frames: Sequence[int] = (2, 4, 6),
    files: Collection[str] = ("csv", "h5"),
    images: bool = True,
    row_folder: str | None = None,
) -> Truth:
    """Write label files beside their images; ``row_folder`` is the folder that the rows name, if not this one."""
    truth = _truth([folder.name], frames, bodyparts)
    named = f"labeled-data/{folder.name}" if row_folder is None else row_folder
    rows = [f"{named}/img{frame:03d}.png" for frame in frames]
    if images:
        _write_images(folder, frames)
    _write_labels(folder, f"CollectedData_{scorer}", _table(rows, truth, [scorer], bodyparts), files)
    return truth


def _truth(folders: Sequence[str], frames: Sequence[int], bodyparts: Sequence[str]) -> Truth:
    return {
        (folder, f"img{frame:03d}.png", name): (5.0 + 3 * number + frame + 0.25, 4.0 + 2 * place + frame + 0.5)
        for place, folder in enumerate(folders)
        for frame in frames
        for number, name in enumerate(bodyparts)
    }


def _table(rows: Sequence[str], truth: Truth, scorers: Sequence[str], bodyparts: Sequence[str]) -> pd.DataFrame:
    """Return the labels as a table; the truth has the images in the order of the rows."""
    names = ["scorer", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([scorers, bodyparts, ["x", "y"]], names=names)
    values = np.array(list(truth.values())).reshape(len(rows), -1)
    return pd.DataFrame(np.tile(values, len(scorers)), index=list(rows), columns=columns)


def _write_labels(folder: Path, stem: str, table: pd.DataFrame, files: Collection[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if "csv" in files:
        table.to_csv(folder / f"{stem}.csv")
    if "h5" in files:
        table.to_hdf(folder / f"{stem}.h5", key="df_with_missing", format="table", mode="w")


def _write_images(folder: Path, frames: Sequence[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        image = np.full((48, 64, 3), 10 * frame, np.uint8)
        image[frame : frame + 8, :8] = 255 - 10 * frame
        assert cv2.imwrite(str(folder / f"img{frame:03d}.png"), image)
