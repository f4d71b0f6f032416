"""What people read in the terminal: the same findings, plans and outcomes as the JSON. Returns text, prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dlc2lp.events import Event
from dlc2lp.lp.next_steps import next_steps
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.migration import Inspection, Outcome, Preview
from dlc2lp.pages.write import page_of
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import (
    EncodeVideo,
    ExtractFrames,
    PlaceImages,
    PlaceVideo,
    RemuxVideo,
    WritePredictions,
    WriteText,
)
from dlc2lp.reconfigure import Reconfigured
from dlc2lp.relabel import Relabeled
from dlc2lp.report.findings import findings_text
from dlc2lp.report.json import InspectedSession
from dlc2lp.report.layout import indented, joined, table
from dlc2lp.report.looks import painted, wrapped
from dlc2lp.report.steps_text import DONE, dry_run_text, value_text
from dlc2lp.report.video import needs_table
from dlc2lp.run.verify import Verification
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.project import Survey
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.video.ties import corrected
from dlc2lp.wording import counted, shown, size_text, some

#: More rows than this are summed up: an archive has projects with hundreds of sessions.
MAX_ROWS = 40


#: What is said of a video that travels untouched and is not copied.
_LINKED = {"hardlink": "hard-linked", "symlink": "linked"}


def more_rows(n_all: int, what: str) -> str:
    """Return the line that follows a table that is cut off; nothing where it holds all rows."""
    return f"\n... and {counted(n_all - MAX_ROWS, what)} more" if n_all > MAX_ROWS else ""


def inspection_text(found: Inspection) -> str:
    """Lay out what a source holds, on one screen for an ordinary project."""
    cameras, surveys, plan = found.source.cameras, found.source.surveys, found.plan
    parts = []
    for names, (survey, labels) in zip(cameras, surveys, strict=True):
        parts += [_project_heading(names, survey), _session_table(labels.project.sessions, survey.videos)]
    does = "convert would refuse this project (exit 3); nothing would be written"
    if plan is not None:
        parts += [view_table(plan), _calibration_text(plan)] if plan.views else []
        shares = [(name, f"{share:.1%}") for name, share in plan.keypoints.items()]
        shown = table(("keypoint", "empty"), shares[:MAX_ROWS], right=(1,))
        parts.append(shown + more_rows(len(shares), "keypoint"))
        does = wrapped(f"convert would: {_work_text(plan)}", "", "    ")
        does += f"\nestimated size: {size_text(plan.space_bytes)} at most"
    videos = [
        # Cameras with projects of their own call their videos alike.
        (f"{names[0]}: {video.path.name}" if len(names) == 1 else video.path.name, video)
        for names, (survey, _) in zip(cameras, surveys, strict=True)
        for video in survey.videos
    ]
    tables = (_video_table(videos) if videos else "", _model_table(plan) if plan else "")
    return joined(*parts, *tables, findings_text(found.findings), does)


def _project_heading(cameras: Sequence[str], survey: Survey) -> str:
    config = survey.project.config
    whose = f"{shown(', '.join(cameras))}: " if cameras else ""
    missing = ", its config.yaml can't be read" if survey.project.refusals else ", without config.yaml"
    known = (f"scorer {config.scorer}" * bool(config.scorer), config.date) if config else ()
    what = "".join(f", {shown(each)}" for each in known if each) if config else missing
    return f"{whose}DeepLabCut project {shown(survey.project.name)}{what}\n{shown(str(survey.project.root))}"


def _session_table(sessions: Sequence[SessionLabels], videos: Sequence[SurveyedVideo]) -> str:
    ties = {video.session: video.tie for video in videos}
    rows = []
    for chosen in sessions[:MAX_ROWS]:
        held = InspectedSession.of(chosen)
        n_frames = map(str, (held.n_labeled_frames, held.n_empty_frames, held.n_images_without_row))
        label_file = _label_file(chosen)
        rows.append((held.name, *n_frames, _image_sizes(chosen), label_file, _numbering(ties.get(held.name))))
    header = ("session", "labeled", "empty", "unlabeled", "images", "labels from", "frame numbers")
    return table(header, rows, right=(1, 2, 3)) + more_rows(len(sessions), "session")


def _label_file(chosen: SessionLabels) -> str:
    """Name the file that a session's labels come from, with its folder where that is another one."""
    if chosen.label_file is None:
        return "not used, see below" if chosen.withheld or chosen.n_left_out else "-"
    is_own = chosen.label_file.parent == chosen.session.folder
    return chosen.label_file.name if is_own else f"{chosen.label_file.parent.name}/{chosen.label_file.name}"


def view_table(plan: Plan | Event) -> str:
    """Lay out how many labeled frames each view has, and what becomes of them together."""
    rows = [
        (each.session, *map(str, (*each.n_frames, each.n_shared, each.n_filled, each.n_left_out)))
        for each in plan.view_frames[:MAX_ROWS]
    ]
    header = ("session", *plan.views, "in all", "cut from videos", "left out")
    return table(header, rows, right=range(1, len(header))) + more_rows(len(plan.view_frames), "session")


def _calibration_text(plan: Plan) -> str:
    """Say which calibration files the target gets, and from where."""
    rows = [shown(f"{path}, from {origin}") for path, origin in sorted(plan.calibrations.items())]
    text = "\n".join(rows[:MAX_ROWS]) + more_rows(len(rows), "file")
    return "calibration: " + (text or "none").replace("\n", "\n             ")


def _numbering(tie: SessionTie | None) -> str:
    """Say what DeepLabCut's frame numbers turned out to be."""
    if tie is None:
        return "no video to compare"
    images = tie.images.values()
    n_tied = sum(image.frame_index is not None for image in images)
    n_wrong = len(corrected(images))
    partly = f"{n_tied - n_wrong} proven, {n_wrong} corrected"
    if n_tied < len(images):
        partly += f", {len(images) - n_tied} not told"
    numbers = {
        "exact": "proven" if n_tied == len(images) else f"{n_tied} of {len(images)} proven",
        "shifted": f"off by {abs(tie.shift)}, corrected",
        "renumbered": partly if n_wrong else "wrong, corrected",
        "other-video": "of another video",
        "unknown": "can't be told",
    }
    return numbers[tie.kind]


def _image_sizes(chosen: SessionLabels) -> str:
    sizes = Counter((image.width_px, image.height_px, image.kind) for image in chosen.session.images.values())
    if not sizes:
        return "none"
    (width, height, kind), _ = sizes.most_common(1)[0]
    more = f" and {counted(len(sizes) - 1, 'other size')}" if len(sizes) > 1 else ""
    return f"{width}x{height} {kind}{more}"


def _video_table(videos: Sequence[tuple[str, SurveyedVideo]]) -> str:
    """Lay out what videos hold and need, each under its name."""
    rows = [(name, video.info, video.treatment) for name, video in videos[:MAX_ROWS]]
    text = needs_table("what it needs", rows, "nothing, it is copied", "nothing can be done")
    return text + more_rows(len(videos), "video")


def _model_table(plan: Plan) -> str:
    """Lay out which networks of DeepLabCut have predictions of how many videos; nothing where there are none."""
    if not plan.models:
        return ""
    rows = [
        (model.name, f"{len(model.predictions)} of {len(plan.videos)}", model.scorer)
        for model in plan.models[:MAX_ROWS]
    ]
    shown = table(("predictions", "videos", "of DeepLabCut's network"), rows, right=(1,))
    return shown + more_rows(len(plan.models), "network")


def _work_text(plan: Plan) -> str:
    n_images = sum(len(step.images) for step in plan.steps if isinstance(step, PlaceImages))
    kinds, context = Counter(type(step) for step in plan.steps), _context_text(plan)
    parts = [f"copy {counted(n_images, 'image')}", *([f"cut {context}"] if context else [])]
    parts += [
        f"{verb} {counted(kinds[kind], 'video')}"
        for kind, verb in ((PlaceVideo, "copy"), (RemuxVideo, "remux"), (EncodeVideo, "encode"))
        if kinds[kind]
    ]
    if kinds[WritePredictions]:
        parts.append(f"write {counted(kinds[WritePredictions], 'file')} of predictions")
    return ", ".join([*parts, f"write {counted(kinds[WriteText], 'text file')}"])


def _context_text(plan: Plan) -> str:
    n_context = sum(len(step.frames) for step in plan.steps if isinstance(step, ExtractFrames))
    return counted(n_context, "frame" if plan.views else "context frame") if n_context else ""


def duration_text(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 05 min``, ``12 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours >= 72:
        return f"{hours / 24:.0f} days"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def preview_text(found: Preview) -> str:
    """Lay out a dry run: what would be done, from what and why."""
    plan = found.plan
    return joined(
        f"plan for {shown(plan.source)}\n  into {shown(plan.target)}",
        *([view_table(plan), _calibration_text(plan)] if plan.views else []),
        dry_run_text(plan, found.states),
        _counts_text(plan),
        _model_table(plan),
        _config_text(plan.config_reasons),
        findings_text(found.findings),
        "nothing was written (--dry-run)",
    )


def _config_text(reasons: Iterable[ChoiceReason]) -> str:
    """Lay out the choices of the starter config, each with its reason below it."""
    lines = (f"{choice.key}: {shown(value_text(choice.value))}\n{indented(choice.reason)}" for choice in reasons)
    return "\n".join(["starter config", *lines])


def _counts_text(plan: Plan) -> str:
    rows = [
        (name.replace("_", " "), *map(str, (count.source, count.written, count.left_out)))
        for name, count in plan.counts.items()
    ]
    return table(("", "in source", "written", "left out"), rows, right=(1, 2, 3))


def outcome_text(came: Outcome, *, has_gpu: bool = True) -> str:
    """Lay out what a conversion did; ``has_gpu`` is whether what trains fast is here."""
    plan = came.plan
    return joined(
        _arrived_text(plan),
        _calibration_text(plan) if plan.views else "",
        _model_table(plan),
        findings_text(came.findings),
        _work_done_text(came),
        _verdict_text(came, has_gpu=has_gpu),
    )


def _arrived_text(plan: Plan) -> str:
    """Say what of the source is in the target, in a line for each kind of thing; a table where some is left out."""
    lines = []
    if any(count.left_out for count in plan.counts.values()):
        lines.append(_counts_text(plan) + "\n")
    else:
        of_all = (
            counted(
                count.written,
                f"of {count.source} {name.replace('_', ' ').removesuffix('s')}",
                f"of {count.source} {name.replace('_', ' ')}",
            )
            for name, count in plan.counts.items()
        )
        lines.append(f"{' and '.join(of_all)} written")
    alike: dict[tuple[str, str], list[str]] = {}
    for video in plan.videos:
        name = f"{video.target} ({counted(video.n_written, 'frame')})"
        alike.setdefault((video.action, "; ".join(video.reasons)), []).append(name)
    for (action, why), names in alike.items():
        done = _LINKED.get(plan.options["link"], DONE[action]) if action == "place" else DONE[action]
        said = f"{counted(len(names), 'video')} {done}: {some(names, 3)}" + (f"; {why}" if why else "")
        lines.append(wrapped(shown(said), "", "    "))
    if queued := sum(frame.state == "queued" for session in plan.sessions for frame in session.frames):
        lines.append(f"{counted(queued, 'unlabeled frame')} in the labeling queue of the Lightning Pose app")
    if context := _context_text(plan):
        lacked = ": neighbors of labeled frames, and what a view lacked"
        lines.append(f"{context} cut from the videos{lacked if plan.views else ' beside the labeled frames'}")
    return "\n".join(lines)


def _work_done_text(came: Outcome) -> str:
    run = came.run
    done = f"{counted(len(run.done), 'step')} done"
    done += f", {counted(len(run.skipped), 'was', 'were')} done before" if run.skipped else ""
    done += f", {len(run.failed)} failed" if run.failed else ""
    done += f"; {'nothing has changed since they were ' * came.is_unchanged}{_checked_text(came.verification)}"
    return wrapped(done, "", "    ")


def _verdict_text(came: Outcome, *, has_gpu: bool) -> str:
    """Say whether the target is ready, where its page is, and what comes next."""
    target, path = shown(came.plan.target), page_of(came.plan)
    page = [f"  look at what was moved, in your browser: {shown(str(path))}"] if path else []
    if came.exit_code:
        missing = "is not complete: see the errors above, then run the same command again"
        verdict = painted(
            f"{target} {missing if came.run.failed else 'is written, but not all is well: see the errors above'}",
            "error",
        )
        return "\n".join([verdict, *page])
    return "\n".join([painted(f"{target} is ready", "good"), *page, *_next_lines(came.plan.target, has_gpu=has_gpu)])


def _next_lines(target: str, *, has_gpu: bool) -> list[str]:
    """Lay out what may be done with a finished project: each command as it is typed, and what it is for."""
    steps = [step for step in next_steps(target) if not (step.is_without_gpu and has_gpu)]
    return [line for step in steps for line in (wrapped(step.words, "  # ", "  # "), f"  {shown(step.command)}")]


def verification_text(plan: Plan, found: Verification) -> str:
    """Lay out what verifying a target brought up."""
    verdict = "everything is as planned" if found.ok else "not everything is as planned: see the errors above"
    checked = wrapped(_checked_text(found), "", "    ")
    return joined(f"{shown(plan.target)}\n{checked}", findings_text(found.findings), verdict)


def _checked_text(found: Verification) -> str:
    return "checked: " + ", ".join(
        counted(n, name.removesuffix("s").replace("_", " ")) for name, n in found.n_checked.items()
    )


def reconfigured_text(made: Reconfigured) -> str:
    """Lay out what ``dlc2lp config`` wrote."""
    kept = "kept as you changed them by hand: " + shown(", ".join(made.kept)) if made.kept else ""
    kept = wrapped(kept, "", "    ") if kept else ""
    return joined(
        f"wrote {shown(str(made.path))}", _config_text(made.config.reasons), kept, findings_text(made.findings)
    )


def relabeled_text(made: Relabeled) -> str:
    """Lay out what ``dlc2lp labels`` mended, or would."""
    rows = [
        (
            file.path,
            str(file.edits) or "-",
            *(str(file.n_visible.get(flag, 0)) for flag in "210"),
            str(file.n_digits),
            str(file.n_rows),
            "mended" if file.is_changed else "",
        )
        for file in made.files
    ]
    header = ("file", "by people", "visible 2", "visible 1", "visible 0", "digits", "rows", "")
    does = "" if made.is_written else "nothing was written (--dry-run)"
    if not any(file.is_changed for file in made.files):
        does = "nothing is to be mended"
    return joined(table(header, rows, right=range(2, 7)), findings_text(made.findings), does)


def splits_text(names: Sequence[str]) -> str:
    """Lay out the train/test splits of a project."""
    if not names:
        return "the project has no train/test split"
    return "iteration / percent trained on / shuffle\n" + "\n".join(f"  {shown(name)}" for name in names)


def each(texts: dict[str, str]) -> str:
    """Lay out what a command did for each individual."""
    return "\n\n".join(f"== {shown(name)} ==\n\n{text}" for name, text in texts.items())
