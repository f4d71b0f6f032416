"""Memory that a network of Lightning Pose 2.4.3 needs on a GPU, to train and to predict. Pure arithmetic.

A training step holds what the network keeps of every image until the backward pass, and what finding keypoints in the
heatmaps takes, beside weights, gradients and Adam's two moments. Measured on Lightning Pose's own models with random
weights on a CPU (float32, images of 256x256 px; ``scripts/lp_memory.py``): ``kept`` is what autograd keeps
(``torch.autograd.graph.saved_tensors_hooks``), ``at most`` the most that torch had allocated at a time in forward and
backward pass, ``predicting`` the same without gradients and per frame (``torch.profiler``). Bytes per pixel and sample,
with 4 and with 60 keypoints:

=============================  ===============  =============  =============  ============
model                          backbone                  kept        at most    predicting
=============================  ===============  =============  =============  ============
heatmap                        resnet18             446 | 478     604 | 1722    168 | 1083
heatmap                        resnet50           1722 | 1754    1880 | 2998    224 | 1083
heatmap                        resnet101          2538 | 2570    2696 | 3814    224 | 1083
heatmap                        efficientnet_b0    1764 | 1796    1922 | 3040    232 | 1083
heatmap                        vits_dino          1184 | 1212    1342 | 2457    168 | 1083
heatmap                        vitb_dino          2354 | 2382    2512 | 3626    168 | 1083
heatmap_mhcrnn                 resnet18           2269 | 2923    2414 | 4656    128 | 1098
heatmap_mhcrnn                 resnet50           8655 | 9309   8800 | 11042    224 | 1098
heatmap_mhcrnn                 resnet101        12735 | 13389  12880 | 15122    224 | 1098
heatmap_mhcrnn                 efficientnet_b0    8862 | 9517   9008 | 11250    232 | 1098
heatmap_mhcrnn                 vits_dino          5992 | 6608    6138 | 8341    169 | 1098
heatmap_mhcrnn                 vitb_dino        11876 | 12492  12022 | 14225    183 | 1098
heatmap_multiview_transformer  vits_dino          3540 | 3624    3755 | 7357    243 | 3248
heatmap_multiview_transformer  vitb_dino          7035 | 7119   7250 | 10852    432 | 3248
=============================  ===============  =============  =============  ============

So all grows in a straight line with the keypoints: the soft argmax makes each heatmap as large as the image, 20 bytes
per pixel and keypoint, even where only a logged error needs it. A sample of ``heatmap_mhcrnn`` is five frames, searched
twice; one of ``heatmap_multiview_transformer`` an image of each of three views. What a GPU needs beyond that follows
from the batch sizes that Lightning Pose's ``utils/recommender.py`` measured for ``vits_dino`` on 8, 16 and 24 GB: 99 to
101 MB more for each image of 256x256 px.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_OVERHEAD = 1.15
_CONTEXT_BYTES = 1.0e9
_BYTES_PER_WEIGHT = 16
_USABLE = 0.9

#: Bytes per pixel of a frame that is predicted, of the backbone at least and of the keypoints, and per keypoint.
_PREDICTED, _PREDICTED_FOUND, _PREDICTED_PER_KEYPOINT = 240, 105, 16.5
#: Bytes per pixel of a video frame as it was recorded: three colors, and as much in the reader's queue.
_DECODED = 6

_RESNET50 = (1723, 23.6)
#: Backbone -> (bytes that autograd keeps per pixel of an image, millions of weights). Counted, except
#: ``vitb_dinov3``, ``vits_sam2`` and ``vitb_sam2``, which are scaled up from the smaller ones of their kind.
BACKBONES: dict[str, tuple[int, float]] = {
    "resnet18": (447, 11.2),
    "resnet34": (647, 21.3),
    "resnet50": _RESNET50,
    "resnet101": (2539, 42.5),
    "resnet152": (3547, 58.2),
    "resnet50_animal_apose": _RESNET50,
    "resnet50_animal_ap10k": _RESNET50,
    "resnet50_human_jhmdb": _RESNET50,
    "resnet50_human_res_rle": _RESNET50,
    "resnet50_human_top_res": _RESNET50,
    "resnet50_human_hand": _RESNET50,
    "efficientnet_b0": (1765, 4.0),
    "efficientnet_b1": (2456, 6.5),
    "efficientnet_b2": (2576, 7.7),
    "vits_dino": (1185, 21.7),
    "vits_dinov2": (1330, 22.1),
    "vits_dinov3": (1402, 21.6),
    "vitb_dino": (2355, 85.8),
    "vitb_dinov2": (2644, 86.7),
    "vitb_dinov3": (2788, 85.7),
    "vitb_imagenet": (2355, 85.8),
    "vitb_sam": (3693, 86.7),
    "vitb_sam2": (5000, 68.7),
    "vits_sam2": (3000, 34.0),
    "vitt_sam2": (2584, 26.9),
}


@dataclass(frozen=True)
class _Kind:
    """What a model adds to its backbone."""

    n_frames: int  #: Frames of a view in one labeled sample.
    n_searches: int  #: How often keypoints are searched in each image or, with context, in each sample.


#: The models of Lightning Pose that :attr:`Network.model` may name.
_KINDS = {
    "heatmap": _Kind(1, 1),
    "heatmap_mhcrnn": _Kind(5, 2),
    "heatmap_multiview_transformer": _Kind(1, 1),
}
#: Bytes per pixel of a search, and per keypoint.
_SEARCH, _SEARCH_PER_KEYPOINT = 80, 20


def is_transformer(backbone: str) -> bool:
    """Whether Lightning Pose treats the backbone as a vision transformer, which needs square images."""
    return "vit" in backbone


@dataclass(frozen=True)
class Network:
    """What is trained."""

    model: str  #: ``heatmap``, ``heatmap_mhcrnn`` or ``heatmap_multiview_transformer``.
    backbone: str
    n_keypoints: int
    n_views: int = 1

    @property
    def images_per_sample(self) -> int:
        """Images that the network holds of one labeled frame."""
        return _KINDS[self.model].n_frames * self.n_views

    def needed_gb(self, n_samples: int, area_px: int, n_video_frames: int = 0) -> float:
        """Return the memory in GB that one GPU needs to train on so much at a time (an estimate).

        ``n_samples`` labeled frames with all that belongs to them, and unlabeled video frames beside; images of
        ``area_px`` pixels.
        """
        per_px = n_samples * self._per_px(_KINDS[self.model].n_frames) + n_video_frames * self._per_px(1)
        fixed = _CONTEXT_BYTES + BACKBONES[self.backbone][1] * 1e6 * _BYTES_PER_WEIGHT
        return (fixed + per_px * area_px * _OVERHEAD) / 1e9

    def samples_that_fit(self, gpu_gb: float, area_px: int) -> int:
        """Return how many labeled frames one GPU can train on at a time, with a tenth of its memory to spare."""
        left = gpu_gb * _USABLE - self.needed_gb(0, area_px)
        return max(0, math.floor(left / (self.needed_gb(1, area_px) - self.needed_gb(0, area_px))))

    def video_frames_that_fit(self, gpu_gb: float, area_px: int, n_samples: int) -> int:
        """Return how many unlabeled video frames fit beside so many labeled ones."""
        left = gpu_gb * _USABLE - self.needed_gb(n_samples, area_px)
        return max(0, math.floor(left / (self.needed_gb(0, area_px, 1) - self.needed_gb(0, area_px))))

    def predicted_that_fit(self, gpu_gb: float, area_px: int, recorded_px: int) -> int:
        """Return how many moments of a video, recorded with so many pixels, one GPU can predict at a time."""
        found = _PREDICTED_FOUND + _PREDICTED_PER_KEYPOINT * self.n_keypoints
        per_image = area_px * max(_PREDICTED, found) * _OVERHEAD + recorded_px * _DECODED
        left = gpu_gb * _USABLE * 1e9 - _CONTEXT_BYTES - BACKBONES[self.backbone][1] * 4e6
        return max(0, math.floor(left / (per_image * self.n_views)))

    def fits(self, gpu_gb: float, need_gb: float) -> bool:
        """Whether so much fits, with a tenth of the memory to spare."""
        return need_gb <= gpu_gb * _USABLE + 1e-9

    def _per_px(self, n_frames: int) -> int:
        """Bytes per pixel of frames of all views in which keypoints are searched as of one sample."""
        found = _KINDS[self.model].n_searches * (_SEARCH + _SEARCH_PER_KEYPOINT * self.n_keypoints)
        return self.n_views * (n_frames * BACKBONES[self.backbone][0] + found)
