"""Does Lightning Pose find the neighbors of every labeled frame: ``load_context.py TARGET LAST_FRAME``.

Runs where lightning-pose is installed. Its own dataset of its own context model (``heatmap_mhcrnn``) reads every
labeled frame with the two frames on either side, and each of the five pictures must be the one that its name says. Only
in front of the first frame of a video and behind its last one, LAST_FRAME, may Lightning Pose take another for it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import imgaug.augmenters as iaa
import numpy as np
import torch
from lightning_pose.data import get_dataset
from lightning_pose.data.datasets import HeatmapDataset
from lightning_pose.utils.io import get_context_img_paths
from omegaconf import OmegaConf
from PIL import Image

N_PICTURES = 5


def main() -> None:
    """Load what the command line names."""
    target, last_frame = Path(sys.argv[1]), int(sys.argv[2])
    config = OmegaConf.load(target / "configs/default.yaml")
    config.model.model_type = "heatmap_mhcrnn"
    dataset = get_dataset(config, str(target), iaa.Sequential([]))  # it adds the resizing itself
    if not isinstance(dataset, HeatmapDataset) or not dataset.do_context:
        sys.exit(f"lightning-pose made a {type(dataset).__name__} without context")
    n_neighbors = 0
    for row, name in enumerate(dataset.image_names):
        pictures = dataset[row]["images"]
        if pictures.shape[0] != N_PICTURES:
            sys.exit(f"{name}: found {pictures.shape[0]} pictures, expected {N_PICTURES}")
        paths = get_context_img_paths(target / name)
        for place, path in enumerate(paths):
            number = int(re.search(r"[0-9]+", path.stem)[0])
            if number <= last_frame and not path.exists():
                sys.exit(f"{name}: lightning-pose looks for {path.name}, which is not there")
            shown = path if path.exists() else paths[2]
            picture = np.asarray(Image.open(shown).convert("RGB"))
            alone = dataset.pytorch_transform(dataset.imgaug_transform(images=[picture])[0])
            if not torch.allclose(pictures[place], alone, atol=1e-5):
                sys.exit(f"{name}: picture {place} is not that of {shown.name}")
            n_neighbors += path.exists() and path != paths[2]
    print(f"{len(dataset)} labeled frames, {n_neighbors} neighbors, each loaded as the frame that it is")


if __name__ == "__main__":
    main()
