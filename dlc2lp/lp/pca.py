"""The losses that learn by a PCA how keypoints go together: which keypoints, and whether there are frames enough."""

from __future__ import annotations

from dlc2lp.errors import UsageError
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.starter_text import StarterValues
from dlc2lp.lp.training_split import n_train_frames
from dlc2lp.model import Setting
from dlc2lp.wording import counted

#: Empty in at least this share of the labeled frames: the keypoint is left out of the pose PCA, which learns how
#: keypoints go together and would pull a hidden one, with growing confidence, to where it usually is.
OFTEN_HIDDEN_SHARE = 0.2

#: The same where too few keypoints are left otherwise: any two are there together in a fifth of the frames then, which
#: of so many frames are enough to train on.
_MOSTLY_HIDDEN_SHARE, _ENOUGH_FRAMES = 0.4, 20

#: A pose PCA of one keypoint says nothing about a pose.
_MIN_PCA_KEYPOINTS = 2


def hidden_limit(facts: ConfigFacts) -> float:
    """Return the share of labeled frames from which on an empty keypoint is left out of the pose PCA."""
    usual = sum(facts.hidden_share.get(name, 0.0) < OFTEN_HIDDEN_SHARE for name in facts.keypoint_names)
    is_enough = usual >= _MIN_PCA_KEYPOINTS or facts.n_labeled_frames < _ENOUGH_FRAMES
    return OFTEN_HIDDEN_SHARE if is_enough else _MOSTLY_HIDDEN_SHARE


def pca_columns(facts: ConfigFacts) -> tuple[int, ...]:
    """Return the keypoints of the pose PCA: none where too few are left.

    Never all by leaving the list out (null): without a list Lightning Pose's ``compute_metrics_single`` computes no
    Pose-PCA error. Nor with keypoints that are rarely there: one that is never labelled makes every error NaN, and two
    that are labelled together once end the evaluation with "Eigenvalues did not converge".
    """
    limit, names = hidden_limit(facts), facts.keypoint_names
    columns = tuple(index for index, name in enumerate(names) if facts.hidden_share.get(name, 0.0) < limit)
    return columns if len(columns) >= _MIN_PCA_KEYPOINTS else ()


def check_pca(decided: StarterValues) -> None:
    """Refuse a PCA that Lightning Pose could not fit: it wants as many rows as coordinates."""
    n_train = n_train_frames(decided.facts.n_labeled_frames)
    if "pca_singleview" in decided.losses:
        n_dims = 2 * len(decided.pca_columns)
        if n_train < n_dims or n_dims < 2 * _MIN_PCA_KEYPOINTS:
            raise _too_few(
                "pca_singleview",
                f"found {counted(n_train, 'frame')} to train on for a PCA of {counted(n_dims // 2, 'keypoint')}, "
                f"expected at least {max(n_dims, 2 * _MIN_PCA_KEYPOINTS)} frames and {_MIN_PCA_KEYPOINTS} keypoints",
            )
    if "pca_multiview" in decided.losses:
        # Its rows are the keypoints of all frames, its columns x and y in every view.
        matches = decided.matches or []
        per_view = matches if decided.facts.view_names or not matches else matches[0]
        n_dims = 2 * (len(decided.facts.view_names) or len(matches))
        if n_train * len(per_view) < n_dims or not per_view:
            raise _too_few(
                "pca_multiview",
                f"found {counted(n_train, 'frame')} to train on with {counted(len(per_view), 'keypoint')} that all "
                f"views show, expected {n_dims} or more keypoints in all of them together",
            )


def _too_few(loss: str, message: str) -> UsageError:
    advice, remedies = f"leave {loss} out: {{}}", (Setting("losses", ("temporal",)),)
    return UsageError.of("too-few-frames-for-pca", "--losses", message, advice=advice, remedies=remedies)
