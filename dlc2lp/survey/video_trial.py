"""Which of several files is a video, as the pictures tell. Pure but for files that are compared byte by byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.model import Finding, VideoInfo
from dlc2lp.survey.find_videos import WantedVideo
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.survey.video_candidates import Candidate, hold_the_same


@dataclass(frozen=True)
class Tried:
    """A candidate that was measured, and compared with the images where there are any."""

    candidate: Candidate
    info: VideoInfo | None = None  #: None if it can't be read; then ``faults`` say why.
    faults: tuple[Finding, ...] = ()
    tie: SessionTie | None = None  #: None if there is nothing to compare, or it was not possible.
    digest: str = ""  #: Of its content, as it was before it was measured; empty where it was not taken.

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.candidate.path

    @property
    def n_proven(self) -> int:
        """How many of the images are frames of it."""
        return sum(image.frame_index is not None for image in self.tie.images.values()) if self.tie else 0

    @property
    def is_denied(self) -> bool:
        """Whether its pictures are others than those of the images."""
        return self.tie is not None and self.tie.kind == "other-video"

    @property
    def proves_all(self) -> bool:
        """Whether images are frames of it, and none contradicts."""
        outcomes = {image.outcome for image in self.tie.images.values()} if self.tie else set()
        return self.n_proven > 0 and outcomes.isdisjoint({"contradicts", "not-found", "beyond-end"})


@dataclass
class Trial:
    """The search for one video: what was tried, until one will do."""

    wanted: WantedVideo
    session: str  #: The session whose video it is; empty if none's.
    has_images: bool  #: Whether that session has images to compare with.
    more: list[Candidate] = field(default_factory=list)  #: Candidates beside those of its own name.
    tried: list[Tried] = field(default_factory=list)  #: In the order of trying.
    untried: list[Candidate] = field(default_factory=list)  #: What only pictures could prove, where there are none.

    def next(self) -> Candidate | None:
        """Return what is to be tried next; None where what was tried will do, or nothing is left."""
        if not self.tried and self.wanted.first:
            return self.wanted.first
        if any(self._will_do(each) for each in self.tried):
            return None
        for candidate in self.wanted.others:
            if not self.has_images and not candidate.is_certain:
                self.untried.append(candidate)
            elif self._is_new(candidate):
                return candidate
        while self.has_images and self.more:
            if self._is_new(candidate := self.more.pop(0)):
                return candidate
        return None

    def _is_new(self, candidate: Candidate) -> bool:
        return not any(hold_the_same(candidate.path, each.path) for each in self.tried)

    def _will_do(self, tried: Tried) -> bool:
        if tried.info is None:
            return False
        if not self.has_images:
            return tried.candidate.is_certain
        if tried.tie is not None and tried.tie.kind == "unknown":
            # The pictures tell nothing, as of a scene in which nothing moves: the name does, unless several have it.
            return tried.candidate == self.wanted.first and not self.wanted.rivals
        return tried.proves_all

    @property
    def chosen(self) -> Tried | None:
        """What is taken: the one that most images are of; else the first that name and place say; None if neither."""
        proven = [each for each in self.tried if each.n_proven]
        if proven:
            return max(proven, key=lambda each: each.n_proven)
        certain = [each for each in self.tried if each.candidate.is_certain]
        if not certain:
            return None
        first = certain[0]
        if first.info is not None and (first.tie is not None or not self.has_images):
            return first
        usable = (each for each in certain if each.info and not each.is_denied and (each.tie or not self.has_images))
        return next(usable, first)

    @property
    def left(self) -> tuple[Tried, ...]:
        """What was tried and is not taken."""
        return tuple(each for each in self.tried if each is not self.chosen)
