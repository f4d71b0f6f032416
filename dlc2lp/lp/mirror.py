"""One image that shows the animal more than once, by mirrors: which keypoints are the same one in several views.

Lightning Pose's loss ``pca_multiview`` reads ``data.mirrored_column_matches``: for each view the positions of the same
keypoints in the same order (``utils/pca.py:format_multiview_data_for_pca``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlc2lp.errors import UsageError
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.wording import some

OPTION = "--mirror"


@dataclass(frozen=True)
class MirrorMatches:
    """Which keypoints belong together."""

    #: For each suffix the positions (from 0) of the keypoints that every view has, in the same order.
    columns: tuple[tuple[int, ...], ...]
    parts: tuple[str, ...]  #: Their names without suffix, in that order.
    without_partner: tuple[str, ...]  #: Keypoints that not every view has, in the order of the label file.


def match_mirrored(keypoint_names: Sequence[str], suffixes: Sequence[str]) -> MirrorMatches:
    """Match keypoints by the end of their names: ``nose_top`` and ``nose_bot`` for ``_top`` and ``_bot``.

    There is one suffix for each view. Where a name ends in several of them the longest counts. One may be empty: it
    stands for the names that end in none of the others. A UsageError says that there are fewer than two or one twice
    (``bad-config-option``), or that no keypoint is in all views (``mirror-matches-nothing``).
    """
    if len(suffixes) < 2 or len(set(suffixes)) < len(suffixes):
        raise UsageError.of(
            "bad-config-option",
            OPTION,
            f"found {','.join(suffixes)!r}, expected two or more different ends of keypoint names",
            advice="for example {}",
            remedies=(Setting("mirror", ("_top,_bot",)),),
        )
    by_length = sorted(suffixes, key=len, reverse=True)
    found: dict[str, dict[str, int]] = {}
    for index, name in enumerate(keypoint_names):
        suffix = next((each for each in by_length if name.endswith(each) and name != each), None)
        if suffix is not None:
            found.setdefault(name.removesuffix(suffix), {})[suffix] = index
    parts = tuple(part for part, columns in found.items() if len(columns) == len(suffixes))
    if not parts:
        ends = ", ".join(repr(suffix) for suffix in suffixes)
        raise UsageError.of(
            "mirror-matches-nothing",
            OPTION,
            f"found no keypoint whose name occurs with all the ends {ends}, among {some(keypoint_names)}",
            advice="give the ends exactly as they stand in the keypoints' names, case and underscore included",
        )
    columns = tuple(tuple(found[part][suffix] for part in parts) for suffix in suffixes)
    matched = {index for view in columns for index in view}
    alone = tuple(name for index, name in enumerate(keypoint_names) if index not in matched)
    return MirrorMatches(columns, parts, alone)


def explain_mirror(matches: MirrorMatches) -> list[Finding]:
    """Return a note that names the keypoints without a partner."""
    if not matches.without_partner:
        return []
    message = (
        f"not in every mirrored view, which is so for {len(matches.without_partner)} of the keypoints: trained "
        f"like all others, and left out by the loss pca_multiview. In all views: {some(matches.parts)}"
    )
    return [Finding(Severity.NOTE, "mirror-without-partner", some(matches.without_partner), message)]
