"""A project of many labeled frames and no video, as large as real ones are: for what is done to images alone."""

from __future__ import annotations

import csv
import random
from pathlib import Path

KEYPOINTS = ("nose", "ear_left", "ear_right", "tail")
#: Size of the frames, whose files take about 66 kB each.
WIDTH_PX, HEIGHT_PX = 320, 88


def make_project(root: Path, n_sessions: int, n_frames: int) -> Path:
    """Make it and return its folder; the same bytes each time."""
    import cv2
    import numpy as np

    rng, placing = np.random.default_rng(0), random.Random(0)
    for session in (f"m{number:02d}" for number in range(n_sessions)):
        folder = root / "labeled-data" / session
        folder.mkdir(parents=True)
        rows = []
        for index in range(n_frames):
            noise = rng.integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / f"img{index:04d}.png"), cv2.GaussianBlur(noise, (0, 0), 1.2))
            points = [f"{placing.uniform(5, 80):.3f}" for _ in range(2 * len(KEYPOINTS))]
            rows.append([f"labeled-data/{session}/img{index:04d}.png", *points])
        names = [name for name in KEYPOINTS for _ in "xy"]
        head = [["scorer", *["Anna"] * len(names)], ["bodyparts", *names], ["coords", *"xy" * len(KEYPOINTS)]]
        with (folder / "CollectedData_Anna.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([*head, *rows])
    parts = "".join(f"- {name}\n" for name in KEYPOINTS)
    config = f"Task: many\nscorer: Anna\ndate: Aug30\nproject_path: {root}\nvideo_sets: {{}}\nbodyparts:\n{parts}"
    (root / "config.yaml").write_text(f"{config}start: 0\nstop: 1\nskeleton: []\n", encoding="utf-8")
    return root
