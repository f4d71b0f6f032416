"""The starter config: what `litpose train` needs to train on a migrated project, with a reason for each choice.

Keys and constraints are those of Lightning Pose 2.4.3 (``api/model_config.py``, ``train.py``, ``data/factory.py``,
``callbacks.py``). The app's "create model" dialog takes the file as its base and merges what its form says into it; so
what stands here is chosen to train with every choice of the form, see :mod:`dlc2lp.lp.dialog`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc2lp.lp import sizing
from dlc2lp.lp.config_choices import ConfigChoices, check_choices_for, chosen_network
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.dialog import dialog_words
from dlc2lp.lp.document import Document, KeyPath, render, values_of
from dlc2lp.lp.mirror import explain_mirror, match_mirrored
from dlc2lp.lp.pca import check_pca, pca_columns
from dlc2lp.lp.sizing import ImageSize
from dlc2lp.lp.starter_findings import starter_findings
from dlc2lp.lp.starter_reasons import starter_reasons
from dlc2lp.lp.starter_text import HEAD, StarterValues, starter_document
from dlc2lp.lp.training_split import n_train_frames
from dlc2lp.model import Finding

#: Option -> the key that it decides directly; of a section all keys.
_KEYS: dict[str, KeyPath] = {
    "train_batch_size": ("training", "train_batch_size"),
    "accumulate_grad_batches": ("training", "accumulate_grad_batches"),
    "num_gpus": ("training", "num_gpus"),
    "resize": ("data", "image_resize_dims"),
    "model": ("model", "model_type"),
    "backbone": ("model", "backbone"),
    "losses": ("model", "losses_to_use"),
    "nan_means": ("training", "uniform_heatmaps_for_nan_keypoints"),
    "mirror": ("data", "mirrored_column_matches"),
}


@dataclass(frozen=True)
class ChoiceReason:
    """A value of the config and why it was chosen."""

    key: str  #: Where it stands, with dots: ``training.train_batch_size``.
    value: Any  #: The value in plain JSON types.
    reason: str  #: One or two sentences for a person who must decide whether to change it.


@dataclass(frozen=True)
class StarterConfig:
    """A config that trains as written."""

    text: str  #: The YAML file, with comments.
    values: dict[str, Any]  #: What the text loads as. ``${`` in names and paths is escaped, as OmegaConf wants it.
    reasons: tuple[ChoiceReason, ...]  #: The choices that were made from the data or by options.
    findings: tuple[Finding, ...]  #: What a person should know about them.
    head: str  #: The words at the top of the file.
    document: Document = field(repr=False, compare=False)  #: The same as data, for :func:`keep_edits`.
    chosen_keys: frozenset[KeyPath] = frozenset()  #: Keys that follow from an option that a person gave.


def starter_config(facts: ConfigFacts, choices: ConfigChoices) -> StarterConfig:
    """Make the starter config of a project with one view or several.

    A UsageError says that a choice is none (``bad-config-option``), or that the data do not allow it
    (``losses-without-videos``, ``losses-without-all-views``, ``too-few-frames-for-pca``, ``mirror-matches-nothing``).
    """
    if not facts.keypoint_names or len(set(facts.keypoint_names)) < len(facts.keypoint_names):
        raise ValueError("a config needs keypoints, each with a name of its own")
    check_choices_for(facts, choices)
    matches = match_mirrored(facts.keypoint_names, choices.mirror) if choices.mirror is not None else None
    gpu_gb = sizing.ASSUMED_GPU_GB if choices.gpu_memory is None else choices.gpu_memory
    decided = _decided(facts, choices, gpu_gb, matches.columns if matches else None)
    check_pca(decided)
    document = starter_document(decided)
    values = values_of(document)
    head = "\n".join((HEAD, *dialog_words(decided)))
    return StarterConfig(
        text=render(document, head),
        values=values,
        reasons=tuple(_listed(key, why, values) for key, why in decided.reasons.items()),
        findings=(*starter_findings(decided), *(explain_mirror(matches) if matches else ())),
        head=head,
        document=document,
        chosen_keys=frozenset(path for name, path in _KEYS.items() if getattr(choices, name) is not None),
    )


def _decided(
    facts: ConfigFacts, choices: ConfigChoices, gpu_gb: float, mirrored: tuple[tuple[int, ...], ...] | None
) -> StarterValues:
    """Decide everything that the text needs: from the data, where nobody chose."""
    network = chosen_network(facts, choices)
    if choices.resize is not None:
        size = ImageSize(*choices.resize, "as asked for with --resize")
    else:
        size = sizing.choose_size(facts.image_sizes, gpu_gb)
    losses = choices.losses or ()
    batch = sizing.choose_batch(
        network,
        size.area_px,
        gpu_gb,
        n_train_frames(facts.n_labeled_frames),
        choices.num_gpus or 1,
        unsupervised=bool(losses),
        n_labeled=choices.train_batch_size,
        n_accumulated=choices.accumulate_grad_batches,
    )
    return StarterValues(
        facts=facts,
        size=size,
        batch=batch,
        network=network,
        gpu_gb=gpu_gb,
        n_gpus=choices.num_gpus or 1,
        losses=losses,
        hidden_is_occluded=choices.nan_means != "unlabeled",
        pca_columns=pca_columns(facts),
        matches=_matches(facts, mirrored),
        reasons=starter_reasons(facts, choices, network, gpu_gb, size, batch),
    )


def _matches(facts: ConfigFacts, mirrored: tuple[tuple[int, ...], ...] | None) -> list[Any] | None:
    """Return what stands in ``mirrored_column_matches``: for views one list of positions, which are the same in all."""
    if not facts.view_names:
        return [list(view) for view in mirrored] if mirrored else None
    in_all = [index for index, name in enumerate(facts.keypoint_names) if name not in facts.one_view_keypoints]
    return in_all or None


def _listed(key: str, reason: str, values: dict[str, Any]) -> ChoiceReason:
    section, name = key.split(".")
    return ChoiceReason(key, values[section][name], reason)
