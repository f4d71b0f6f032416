"""What the names of DeepLabCut's analysis files say: ``m1DLC_resnet50_reachAug30shuffle1_50000_el_filtered.h5``.

``analyze_videos`` writes them under the name of the video and of the network (``GetScorerName``: ``DeepCut_`` up to
2.0, ``DLC_`` since; ``get_scorer_name`` in DeepLabCut 3, with a snapshot), ``stitch_tracklets`` adds how animals were
tracked, ``filterpredictions`` that the points were smoothed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Networks have no underscore in their names, but for two families (``mobnet_100``, ``effnet_b0``). A task may hold
#: anything, so that what follows it is taken from the end.
_ANALYSIS = re.compile(
    r"(?P<scorer>(?:DLC|DeepCut)_?(?P<network>(?:mobnet|effnet)_[^_]+|[^_]+)_.*shuffle(?P<shuffle>[0-9]{1,9})_"
    r"(?:detector_(?:best-)?[0-9]+_)?(?:snapshot_)?(?P<snapshot>(?:best-)?[0-9]+))"
    r"(?P<tracks>(?:_(?:el|sk|bx|ctd)(?:_tr)?)?)(?P<filtered>(?:_?filtered)?)\.(?P<kind>h5|csv)",
    re.DOTALL,
)


@dataclass(frozen=True)
class AnalysisName:
    """What a name says of a file of predictions."""

    scorer: str  #: Network, task, shuffle and snapshot as DeepLabCut calls them together.
    network: str  #: ``resnet50``, ``Resnet50``, ``mobnet_100``.
    shuffle: int
    snapshot: str  #: Iterations or epochs that the network was trained for: ``50000``, ``200``, ``best-190``.
    tracks: str  #: How animals were tracked: ``el``, ``sk``, ``bx``, ``ctd``; empty if they were not.
    is_filtered: bool
    kind: str  #: ``h5`` or ``csv``.

    @property
    def is_plain(self) -> bool:
        """Whether it is what the network itself gave, neither tracked nor filtered."""
        return not (self.tracks or self.is_filtered)

    @property
    def short(self) -> str:
        """The network for people, without what is the same for all of a project: ``dlc-resnet50-shuffle1-50000``."""
        parts = ("dlc", self.network.lower().replace("_", ""), f"shuffle{self.shuffle}", self.snapshot)
        return "-".join(parts) + self._ending

    @property
    def full(self) -> str:
        """The same with the task, as DeepLabCut tells networks from one another."""
        return self.scorer + self._ending

    @property
    def _ending(self) -> str:
        return f"-{self.tracks}" * bool(self.tracks) + "-filtered" * self.is_filtered


def analysis_name(stem: str, file_name: str) -> AnalysisName | None:
    """Return what a file's name says if it is an analysis of the video of that stem, else None."""
    found = _ANALYSIS.fullmatch(file_name, len(stem)) if file_name.startswith(stem) else None
    if found is None:
        return None
    return AnalysisName(
        found["scorer"],
        found["network"],
        int(found["shuffle"]),
        found["snapshot"],
        found["tracks"].strip("_"),
        bool(found["filtered"]),
        found["kind"],
    )
