"""The steps of a plan in words: what each makes, from what, and why so. Returns text, prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from dlc2lp.planning.plan import Plan, PlannedVideo
from dlc2lp.planning.steps import (
    EncodeVideo,
    ExtractFrames,
    PlaceImages,
    PlaceVideo,
    RemuxVideo,
    Step,
    WritePredictions,
    WriteText,
)
from dlc2lp.report.layout import joined
from dlc2lp.report.looks import wrapped
from dlc2lp.run.assess import State
from dlc2lp.wording import counted, shown, size_text, some

#: What is done to a video, as a person says it, before and after it was done.
TO_DO = {"place": "copy", "remux": "remux", "rewrite": "rewrite", "encode": "encode"}
DONE = {"place": "copied", "remux": "remuxed", "rewrite": "rewritten", "encode": "encoded"}

#: Why steps are no work, or not that which they were; how their line begins.
_NOT_TO_DO: dict[State, str] = {
    State.DONE: "done already",
    State.KEPT: "kept as you chose it",
    State.LABELED: "kept with what people labeled",
    State.EDITED: "kept, since a person changed it (--edited)",
    State.HELD: "kept, since it belongs to what a person changed (--edited)",
    State.UNSURE: "made again to compare, as its record is lost",
    State.MERGE: "brought together with what people labeled",
}

_N_FILES = 3  # that are named of many


def plan_lines(plan: Plan) -> list[str]:
    """Return for each step what it does, from what and why: what ``-v`` tells before the work begins."""
    videos = {video.target: video for video in plan.videos}
    texts = [step for step in plan.steps if isinstance(step, WriteText)]
    others = [step for step in plan.steps if not isinstance(step, WriteText)]
    return [_sentence(step, videos) for step in others] + ([_texts(texts)] if texts else [])


def dry_run_text(plan: Plan, states: Mapping[str, State]) -> str:
    """Lay out what a conversion would do, in the plan's order, and what of it is done already."""
    videos = {video.target: video for video in plan.videos}
    to_do = [step for step in plan.steps if states[step.id] is State.TO_DO]
    parts = []
    if to_do:
        space = size_text(sum(step.space_bytes for step in to_do))
        lines = [_sentence(step, videos) for step in to_do if not isinstance(step, WriteText)]
        if texts := [step for step in to_do if isinstance(step, WriteText)]:
            lines.append(_texts(texts))
        parts.append("\n".join(["convert would:", *_listed(lines), f"  {space} at most"]))
    for state, words in _NOT_TO_DO.items():
        if files := [path for step in plan.steps if states[step.id] is state for path in step.targets]:
            parts.append(wrapped(shown(f"{words}: {counted(len(files), 'file')}: {some(files, _N_FILES)}"), "", "    "))
    return joined(*parts)


def _listed(sentences: Iterable[str]) -> list[str]:
    return [wrapped(sentence, "  ", "      ") for sentence in sentences]


def _texts(steps: Sequence[WriteText]) -> str:
    return shown(f"write {', '.join(step.target for step in steps)}")


def _sentence(step: Step, videos: Mapping[str, PlannedVideo]) -> str:
    """Say what one step does."""
    match step:
        case PlaceImages():
            how = {"auto": "copy", "copy": "copy"}.get(step.link, step.link)
            said = f"{how} {counted(len(step.images), 'image')} to {_folder(step.targets[0])} from {_origin(step)}"
            if n_anew := sum(not image.is_as_it_is for image in step.images):
                said += f"; {counted(n_anew, 'is', 'are')} written anew as 8-bit PNG, which Lightning Pose reads"
        case PlaceVideo() | RemuxVideo() | EncodeVideo():
            video = videos.get(step.target)
            verb = TO_DO[video.action] if video else step.kind
            said = f"{verb} {step.target} from {step.source}"
            why = "; ".join(video.reasons) if video else ""
            said += f": {why}" if why else ": it is what Lightning Pose reads" * isinstance(step, PlaceVideo)
        case ExtractFrames():
            said = f"cut {counted(len(step.frames), 'frame')} for {_folder(step.targets[0])} from {step.source}"
        case WritePredictions():
            said = f"write {step.target} from {step.source}"
        case _:
            said = f"write {', '.join(step.targets)}"
    return shown(said)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _origin(step: PlaceImages) -> str:
    return some(dict.fromkeys(str(PurePath(image.source).parent) for image in step.images), _N_FILES)


def value_text(value: Any) -> str:
    """Return a value of the starter config as people write it.

    Examples
    --------
    >>> [value_text(each) for each in ({"height": 256, "width": 128}, [0, 1], [], True, None, 0.95)]
    ['height 256, width 128', '0, 1', 'none', 'true', 'not set', '0.95']
    """
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{key} {value_text(each)}" for key, each in value.items()) or "none"
        case list() | tuple():
            inner = (
                f"({value_text(each)})" if isinstance(each, list | tuple | dict) else value_text(each) for each in value
            )
            return ", ".join(inner) or "none"
    return str(value)
