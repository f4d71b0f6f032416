"""How much of a target is in place, in words, for who stopped a run."""

from __future__ import annotations

from collections.abc import Container, Sequence

from dlc2lp.planning.steps import ExtractFrames, PlaceImages, Step, VideoStep
from dlc2lp.wording import counted


def in_place(steps: Sequence[Step], done: Container[str]) -> str:
    """Return for example ``5 of 12 videos and 300 of 800 images are in place``; ``done`` are ids of steps."""
    videos = [step for step in steps if isinstance(step, VideoStep)]
    frames = [step for step in steps if isinstance(step, PlaceImages | ExtractFrames)]
    n_images = sum(len(step.targets) for step in frames)
    parts = []
    if videos:
        parts.append(f"{sum(step.id in done for step in videos)} of {counted(len(videos), 'video')}")
    if n_images:
        n_there = sum(len(step.targets) for step in frames if step.id in done)
        parts.append(f"{n_there} of {counted(n_images, 'image')}")
    if not parts:
        parts.append(f"{sum(step.id in done for step in steps)} of {counted(len(steps), 'file')}")
    return f"{' and '.join(parts)} are in place"
