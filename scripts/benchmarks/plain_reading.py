"""Walks an archive and reads each of its files once: ``python -m benchmarks.plain_reading bytes|libraries ROOT``.

It is what planning an archive is measured against. ``libraries`` reads each file with the library that people read it
with: labels with pandas, images and all frames of videos with OpenCV, configurations with PyYAML. It takes nothing of
dlc2lp, compares nothing and keeps nothing.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path


def _read_bytes(path: Path) -> None:
    path.read_bytes()


def _read_config(path: Path) -> None:
    import yaml

    yaml.safe_load(path.read_bytes())


def _read_csv(path: Path) -> None:
    import pandas as pd

    pd.read_csv(path, header=[0, 1, 2], index_col=0)


def _read_hdf(path: Path) -> None:
    import pandas as pd

    pd.read_hdf(path)


def _read_image(path: Path) -> None:
    import cv2

    if cv2.imread(str(path)) is None:
        raise RuntimeError(f"no image: {path}")


def _read_video(path: Path) -> None:
    import cv2

    video = cv2.VideoCapture(str(path))
    n_frames = 0
    while video.read()[0]:
        n_frames += 1
    if not n_frames:
        raise RuntimeError(f"no video: {path}")


_READERS: dict[str, Callable[[Path], None]] = {
    ".yaml": _read_config,
    ".csv": _read_csv,
    ".h5": _read_hdf,
    ".png": _read_image,
    ".mp4": _read_video,
    ".avi": _read_video,
}


def main(how: str, root: Path) -> None:
    """Read all of it."""
    warnings.simplefilter("ignore")
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in names:
            path = Path(folder, name)
            (_READERS[path.suffix] if how == "libraries" else _read_bytes)(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
