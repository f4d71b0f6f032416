"""What a person should know about a starter config before training with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dlc2lp.lp import multiview
from dlc2lp.lp.config_choices import CONTEXT_MODEL
from dlc2lp.lp.document import needs_quotes_here, printable
from dlc2lp.lp.starter_reasons import memory_need, space_reason
from dlc2lp.lp.starter_text import StarterValues
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.wording import counted


def starter_findings(decided: StarterValues) -> Iterator[Finding]:
    """Yield what may go wrong with the config as it was decided, and what to do about it."""
    facts = decided.facts
    if facts.n_labeled_frames < 2:
        yield _warning(
            "too-few-labels",
            multiview.label_files(facts.view_names)[0] if facts.view_names else "CollectedData.csv",
            f"found {counted(facts.n_labeled_frames, 'labeled frame')}, expected at least 2: "
            "Lightning Pose needs one to train on and one to choose the best model by",
            advice="label more frames in the Lightning Pose app",
        )
    if not facts.is_augmented:
        yield _warning(
            "augmentation-off",
            "configs/default.yaml",
            f"{space_reason(facts)}; so training images are not augmented, and models of the app's "
            "create-model dialog, which always augments them, do not train",
            "training.imgaug",
            "label all views there; or take the calibration out of the project and set imgaug: dlc",
        )
    if not decided.batch.fits:
        need = memory_need(decided.network, decided.size, decided.batch)
        yield _warning(
            "gpu-memory-small",
            "configs/default.yaml",
            f"{need}, expected what fits into {decided.gpu_gb:g} GB",
            "training.train_batch_size",
            "give a smaller {}, {} or {}",
            (Setting("resize"), Setting("train-batch-size"), Setting("backbone")),
        )
    if decided.network.model == CONTEXT_MODEL and facts.n_frames_without_context:
        lacking = f"{facts.n_frames_without_context} of {counted(facts.n_labeled_frames, 'labeled frame')}"
        yield _warning(
            "context-frames-missing",
            "labeled-data",
            f"found {lacking} without all neighbors beside them, expected the two frames before and after each; "
            f"{CONTEXT_MODEL} takes the labeled frame itself in their place and says nothing",
            "model.model_type",
            "give the videos that the frames are of ({}), or leave {} out",
            (Setting("video-root", ("DIR",)), Setting("model")),
        )
    odd = [printable(name) for name in facts.keypoint_names if "${" in name or name == "???" or needs_quotes_here(name)]
    if odd:
        yield _warning(
            "keypoint-name-odd",
            ", ".join(odd),
            "Lightning Pose's config gives ${ and ??? a meaning of their own, and reads a bare no or on as false or "
            "true; here they are written so that training works, but the app's create-model dialog does not keep that",
            advice="rename the keypoint",
        )


_warning = partial(Finding, Severity.WARNING)
