"""Analyses of the demo project's videos as DeepLabCut would leave them, with every point where the animal is.

    demo_predictions.py PROJECT

Two networks for each video: one right, one ten pixels further right. Text alone, as DeepLabCut's ``save_as_csv`` gives.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from dlc2lp.demo import _RECORDINGS, KEYPOINTS, _keypoints

#: Scorer of each network, and how far from the animal it puts its points, in pixels.
NETWORKS = {"DLC_resnet50_demoJan1shuffle1_50000": 0, "DLC_Resnet50_demoJan1shuffle2_snapshot_best-90": 10}


def write(folder: Path) -> None:
    """Write the analyses into the folder of the videos."""
    for recording in _RECORDINGS:
        for scorer, off_px in NETWORKS.items():
            with (folder / f"{recording.name}{scorer}.csv").open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(["scorer", *[scorer] * (3 * len(KEYPOINTS))])
                table.writerow(["bodyparts", *[name for name in KEYPOINTS for _ in range(3)]])
                table.writerow(["coords", *["x", "y", "likelihood"] * len(KEYPOINTS)])
                for index in range(recording.n_frames):
                    points = _keypoints(recording, index).values()
                    table.writerow([index, *[cell for x, y in points for cell in (x + off_px, y, 0.99)]])


if __name__ == "__main__":
    write(Path(sys.argv[1]) / "videos")
