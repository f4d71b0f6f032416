"""An evaluation of a network on the demo project's labeled images, written by pandas as DeepLabCut does.

    demo_evaluation.py PROJECT

Every point is three pixels right of its label and four below it. Runs in the environment of lightning-pose.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SCORER = "DLC_resnet50_demoJan1shuffle1_50000"


def write(project: Path) -> None:
    """Write the evaluation into the project's folder for them."""
    files = sorted(project.glob("labeled-data/*/CollectedData_Demo.csv"))
    labels = pd.concat([pd.read_csv(file, header=[0, 1, 2], index_col=[0, 1, 2]) for file in files])
    keypoints = list(dict.fromkeys(labels.columns.get_level_values(1)))
    columns = pd.MultiIndex.from_product(
        [[SCORER], keypoints, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    points = labels.to_numpy().reshape(len(labels), -1, 2) + np.array([3, 4])
    values = np.concatenate([points, np.full((*points.shape[:2], 1), 0.9)], axis=2).reshape(len(labels), -1)
    folder = project / "evaluation-results/iteration-0/demoJan1-trainset95shuffle1"
    folder.mkdir(parents=True)
    evaluated = pd.DataFrame(values, index=labels.index, columns=columns)
    evaluated.to_hdf(folder / f"{SCORER}-snapshot-50000.h5", key="df_with_missing", mode="w")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
