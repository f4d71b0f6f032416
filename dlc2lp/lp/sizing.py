"""Image size and batch size for a GPU: what fits, and why. Pure arithmetic; :mod:`dlc2lp.lp.memory` has the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dlc2lp.lp.memory import Network

#: Lightning Pose refuses other sides (``ModelConfig.validate``).
SIDE_STEP_PX = 128

#: Frames per weight update that Lightning Pose's default config trains with.
EFFECTIVE_BATCH = 16

#: An epoch of fewer weight updates starves the schedule of the learning rate and the logs: Lightning Pose's
#: ``recommender.py`` makes the batch smaller then, but never smaller than the second, and its ``train.py`` lets
#: unsupervised training go round as often.
STEPS_PER_EPOCH = 10
SMALLEST_OF_FEW = 8

#: Assumed where nobody says how much memory the GPU has.
ASSUMED_GPU_GB = 8.0

#: What ``litpose recommend`` and the defaults have, and the fewest that a context model can use.
_PREDICTED_AT_MOST, _PREDICTED_AT_LEAST = 96, 8
_UNLABELED_MIN, _UNLABELED_MAX = 4, 32
#: A context model can say something of the frames that have two on either side (``dali.context``).
_WINDOW = 5


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

    @property
    def is_square(self) -> bool:
        """Whether the vit backbones take it."""
        return self.height_px == self.width_px


def choose_size(image_sizes: Sequence[tuple[tuple[int, int], int]], gpu_gb: float) -> ImageSize:
    """Choose the size that images are resized to: a square, as in Lightning Pose's defaults and by its recommender.

    256 px a side; 128 px where the images themselves are small, 384 px where they are large and the GPU has room.
    Nothing but a square trains with every backbone that the app's create-model dialog offers. ``image_sizes`` has
    ((width_px, height_px), number of images) for each that occurs.
    """
    if not image_sizes:
        return ImageSize(256, 256, "no image size is known; this is Lightning Pose's default")
    (width, height), count = commonest_size(image_sizes)
    n_images = sum(number for _, number in image_sizes)
    found = f"the labeled images are {width}x{height} px (width x height)"
    if len(image_sizes) > 1:
        found = f"most labeled images ({count} of {n_images}) are {width}x{height} px; {len(image_sizes)} sizes occur"
    side, why = _side(min(width, height), max(width, height), gpu_gb)
    square = "a square as in Lightning Pose's defaults, which every backbone takes"
    return ImageSize(side, side, f"{found}; {why}, {square}")


def commonest_size(image_sizes: Sequence[tuple[tuple[int, int], int]]) -> tuple[tuple[int, int], int]:
    """Return ((width_px, height_px), number of images) of the size that most images have."""
    return max(image_sizes, key=lambda item: (item[1], item[0][0] * item[0][1], item[0]))


def _side(short_px: int, long_px: int, gpu_gb: float) -> tuple[int, str]:
    if long_px < 192:
        return 128, "they are small, so a side becomes 128 px"
    if gpu_gb >= 24 and short_px > 512:
        return 384, f"a GPU with {gpu_gb:g} GB has room for 384 px a side"
    if gpu_gb >= 16 and short_px > 384 and long_px > 1024:
        return 384, f"they are large and a GPU with {gpu_gb:g} GB has room for 384 px a side"
    return 256, "a side becomes 256 px"


@dataclass(frozen=True)
class Batch:
    """How many frames a training step takes, over all GPUs."""

    n_labeled: int  #: Labeled frames per step.
    n_accumulated: int  #: Steps per weight update.
    n_unlabeled: int  #: Unlabeled video frames per step, for unsupervised losses.
    n_labeled_on_one: int  #: Labeled frames that one GPU holds at a time.
    n_unlabeled_on_one: int  #: Unlabeled ones; 0 if there are no unsupervised losses.
    need_gb: float  #: The memory that takes.
    fits: bool  #: Whether that is there.

    @property
    def n_effective(self) -> int:
        """Labeled frames per weight update."""
        return self.n_labeled * self.n_accumulated


def choose_batch(
    network: Network,
    area_px: int,
    gpu_gb: float,
    n_train: int,
    n_gpus: int,
    *,
    unsupervised: bool,
    n_labeled: int | None = None,
    n_accumulated: int | None = None,
) -> Batch:
    """Choose batch size and accumulation, where nobody did, so that enough frames make one weight update.

    Of ``n_train`` labeled frames as many as fit, up to :func:`wanted_batch`; what does not fit is made up by
    accumulation. Lightning Pose divides the batch among the GPUs. Unsupervised training takes unlabeled frames beside.
    """
    n_fit = network.samples_that_fit(gpu_gb, area_px)
    room = max(1, n_fit // (2 if unsupervised else 1)) * n_gpus
    wanted = wanted_batch(n_train)
    if n_labeled is None:
        # A power of two, so that whole steps make up 16; an accumulation that was asked for need not be one.
        n_labeled = _power_of_two(min(room, wanted)) if n_accumulated is None else math.ceil(wanted / n_accumulated)
        n_labeled = max(min(room, n_labeled), n_gpus)
    if n_accumulated is None:
        n_accumulated = math.ceil(wanted / n_labeled)
    on_one_gpu = math.ceil(n_labeled / n_gpus)
    n_unlabeled = _unlabeled(network, network.video_frames_that_fit(gpu_gb, area_px, on_one_gpu), n_gpus)
    beside = _on_one(network, n_unlabeled, n_gpus) if unsupervised else 0
    need_gb = network.needed_gb(on_one_gpu, area_px, beside)
    fits = network.fits(gpu_gb, need_gb)
    return Batch(n_labeled, n_accumulated, n_unlabeled, on_one_gpu, beside, need_gb, fits)


def wanted_batch(n_train: int) -> int:
    """Return how many frames should make one weight update: 16, or 8 where an epoch has fewer than ten such updates.

    Of fewer frames than that as many as there are, rounded down to a power of two.
    """
    batch = min(EFFECTIVE_BATCH, _power_of_two(n_train))
    while batch > SMALLEST_OF_FEW and math.ceil(n_train / batch) < STEPS_PER_EPOCH:
        batch //= 2
    return batch


def predicted_at_a_time(network: Network, area_px: int, gpu_gb: float, recorded_px: int, at_most: int) -> int:
    """Return how many frames of a video are predicted at a time: as many as fit, in eights."""
    n_fit = network.predicted_that_fit(gpu_gb, area_px, recorded_px)
    return max(_PREDICTED_AT_LEAST, min(at_most, _PREDICTED_AT_MOST, n_fit // 8 * 8))


def _unlabeled(network: Network, n_fit: int, n_gpus: int) -> int:
    """Video frames beside the labeled ones. A window of a context model overlaps the next one by four."""
    if network.model != "heatmap_mhcrnn":
        return min(_UNLABELED_MAX, max(_UNLABELED_MIN, n_fit) * n_gpus)
    lowest = _WINDOW * n_gpus
    return max(lowest, min(_UNLABELED_MAX, (max(_WINDOW, n_fit) - 4) * n_gpus + 4))


def _on_one(network: Network, n_unlabeled: int, n_gpus: int) -> int:
    """Video frames on each GPU, as Lightning Pose's ``get_data_module`` divides them."""
    if network.model != "heatmap_mhcrnn":
        return math.ceil(n_unlabeled / n_gpus)
    return math.ceil((n_unlabeled - 4) / n_gpus) + 4


def _power_of_two(number: int) -> int:
    """Return the largest power of two up to a number, at least 1."""
    return 1 << (max(1, number).bit_length() - 1)
