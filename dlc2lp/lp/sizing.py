"""Image size and batch size for a GPU: what fits, and why. Pure arithmetic.

Memory model: a training step holds what autograd keeps of every image until the backward pass, plus weights,
gradients and Adam's two moments. The first was counted for each backbone in Lightning Pose 2.4.3's heatmap model
(float32, ``torch.autograd.graph.saved_tensors_hooks``; it grows with the area of the image). What a GPU needs
beyond that follows from the batch sizes that Lightning Pose's ``utils/recommender.py`` measured for ``vits_dino``
on 8, 16 and 24 GB: 92 to 100 MB for an image of 256x256 px of which autograd keeps 78 MB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Lightning Pose refuses other sides (``ModelConfig.validate``).
SIDE_STEP_PX = 128

#: Frames per weight update that Lightning Pose's default config trains with.
EFFECTIVE_BATCH = 16

#: Assumed where nobody says how much memory the GPU has.
ASSUMED_GPU_GB = 8.0

_OVERHEAD = 1.3
_CONTEXT_BYTES = 1.0e9
_BYTES_PER_WEIGHT = 16
_USABLE = 0.9
_UNLABELED_MIN, _UNLABELED_MAX = 4, 32

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


def is_transformer(backbone: str) -> bool:
    """Whether Lightning Pose treats the backbone as a vision transformer, which needs square images."""
    return "vit" in backbone


@dataclass(frozen=True)
class ImageSize:
    """The size that every image and video frame is resized to, and why."""

    #: Multiples of 128.
    height_px: int
    width_px: int
    reason: str  #: One or two sentences.

    def __str__(self) -> str:
        return f"{self.height_px}x{self.width_px}"

    @property
    def area_px(self) -> int:
        """Pixels of one image."""
        return self.height_px * self.width_px


def choose_size(image_sizes: Sequence[tuple[tuple[int, int], int]], gpu_gb: float, backbone: str) -> ImageSize:
    """Choose the size that images are resized to.

    The short side becomes 256 px, as in Lightning Pose's defaults; 128 px where the images themselves are small,
    384 px where they are large and the GPU has room. The long side keeps the shape as far as multiples of 128 can, or
    is as short for a transformer. ``image_sizes`` has ((width_px, height_px), number of images) for each that occurs.
    """
    if not image_sizes:
        return ImageSize(256, 256, "no image size is known; this is Lightning Pose's default")
    (width, height), count = max(image_sizes, key=lambda item: (item[1], item[0][0] * item[0][1], item[0]))
    n_images = sum(number for _, number in image_sizes)
    found = f"the labeled images are {width}x{height} px (width x height)"
    if len(image_sizes) > 1:
        found = f"most labeled images ({count} of {n_images}) are {width}x{height} px; {len(image_sizes)} sizes occur"
    short, why = _short_side(min(width, height), max(width, height), gpu_gb)
    long_px = short * max(width, height) / max(1, min(width, height))
    highest = min(2 * short, math.ceil(max(width, height) / SIDE_STEP_PX) * SIDE_STEP_PX)
    long = max(short, min(highest, round(long_px / SIDE_STEP_PX) * SIDE_STEP_PX))
    if is_transformer(backbone):
        return ImageSize(short, short, f"{found}; {why}; {backbone} needs a square")
    size = (long, short) if height > width else (short, long)
    return ImageSize(*size, f"{found}; {why}, the other side keeps their shape as far as multiples of 128 can")


def _short_side(short_px: int, long_px: int, gpu_gb: float) -> tuple[int, str]:
    if short_px < 192:
        return 128, "they are small, so the short side becomes 128 px"
    if gpu_gb >= 24 and short_px > 512:
        return 384, f"a GPU with {gpu_gb:g} GB has room for 384 px on the short side"
    if gpu_gb >= 16 and short_px > 384 and long_px > 1024:
        return 384, f"they are large and a GPU with {gpu_gb:g} GB has room for 384 px on the short side"
    return 256, "the short side becomes 256 px"


def needed_gb(n_images: int, area_px: int, backbone: str) -> float:
    """Return the memory in GB that one GPU needs to train on so many images at a time (an estimate)."""
    kept_bytes, million_weights = BACKBONES[backbone]
    fixed = _CONTEXT_BYTES + million_weights * 1e6 * _BYTES_PER_WEIGHT
    return (fixed + n_images * area_px * kept_bytes * _OVERHEAD) / 1e9


def images_that_fit(gpu_gb: float, area_px: int, backbone: str) -> int:
    """Return how many images one GPU can train on at a time, with a tenth of its memory to spare; 0 if not one."""
    per_image = needed_gb(1, area_px, backbone) - needed_gb(0, area_px, backbone)
    return max(0, math.floor((gpu_gb * _USABLE - needed_gb(0, area_px, backbone)) / per_image))


@dataclass(frozen=True)
class Batch:
    """How many frames a training step takes, over all GPUs."""

    n_labeled: int  #: Labeled frames per step.
    n_accumulated: int  #: Steps per weight update.
    n_unlabeled: int  #: Unlabeled video frames per step, for unsupervised losses.
    n_on_one_gpu: int  #: Frames that one GPU holds at a time.
    fits: bool  #: Whether they fit.

    @property
    def n_effective(self) -> int:
        """Labeled frames per weight update."""
        return self.n_labeled * self.n_accumulated


def choose_batch(
    n_fit: int, n_train: int, n_gpus: int, *, unsupervised: bool, n_labeled: int | None, n_accumulated: int | None
) -> Batch:
    """Choose batch size and accumulation, where nobody did, so that 16 frames make one weight update.

    Of ``n_train`` labeled frames, each GPU can train on ``n_fit`` at a time; with fewer than 16 of them the batch is
    smaller. Lightning Pose divides it among the GPUs. Unsupervised training takes unlabeled frames beside them.
    """
    room = max(1, n_fit // (2 if unsupervised else 1)) * n_gpus
    wanted = min(EFFECTIVE_BATCH, _power_of_two(n_train))
    if n_labeled is None:
        # A power of two, so that whole steps make up 16; an accumulation that was asked for need not be one.
        n_labeled = _power_of_two(min(room, wanted)) if n_accumulated is None else math.ceil(wanted / n_accumulated)
        n_labeled = max(min(room, n_labeled), n_gpus)
    if n_accumulated is None:
        n_accumulated = math.ceil(wanted / n_labeled)
    on_one_gpu = math.ceil(n_labeled / n_gpus)
    n_unlabeled = min(_UNLABELED_MAX, max(_UNLABELED_MIN, n_fit - on_one_gpu) * n_gpus)
    if unsupervised:
        on_one_gpu += math.ceil(n_unlabeled / n_gpus)
    return Batch(n_labeled, n_accumulated, n_unlabeled, on_one_gpu, on_one_gpu <= n_fit)


def _power_of_two(number: int) -> int:
    """Return the largest power of two up to a number, at least 1."""
    return 1 << (max(1, number).bit_length() - 1)
