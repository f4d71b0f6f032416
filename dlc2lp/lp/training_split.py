"""How many labeled frames train and how many choose the best model, as Lightning Pose 2.4.3 divides them."""

from __future__ import annotations

import math


def shares(n_frames: int) -> tuple[float, float]:
    """Return (train_prob, val_prob).

    Lightning Pose asserts that ``(1.0 - train - val) + train + val`` is 1.0 to the last bit, which 0.5 + 0.08 is
    not; these three pairs are. The rest of at most four frames goes to training.
    """
    if n_frames < 20:
        return 0.8, 0.2
    return (0.9, 0.1) if n_frames < 40 else (0.95, 0.05)


def n_train_frames(n_frames: int) -> int:
    """Return how many frames Lightning Pose's ``split_sizes_from_probabilities`` trains on by our shares."""
    _, val_prob = shares(n_frames)
    # At most one frame is left over, and fewer than five go to training; one frame always validates.
    return max(0, n_frames - max(1, math.floor(val_prob * n_frames)))
