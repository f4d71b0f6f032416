"""What people read in the terminal: the same findings, plans and outcomes as the JSON. Returns text, prints nothing."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from dlc2lp.events import Event
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.migration import Inspection, Outcome, Preview
from dlc2lp.model import Finding, VideoInfo
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import EncodeVideo, ExtractFrames, PlaceImages, PlaceVideo, RemuxVideo, WriteText
from dlc2lp.reconfigure import Reconfigured
from dlc2lp.report.findings import WIDTH, findings_text
from dlc2lp.run.assess import State
from dlc2lp.run.verify import Verification
from dlc2lp.survey.label_files import ChosenSession
from dlc2lp.survey.project import Survey, SurveyedVideo
from dlc2lp.survey.ties import SessionTie
from dlc2lp.video.convert import ConvertedVideo, VideoVerdict
from dlc2lp.video.encoding import Treatment
from dlc2lp.wording import counted, some

#: More rows than this are summed up: an archive has projects with hundreds of sessions.
MAX_ROWS = 40


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = (), remarks: Sequence[str] = ()
) -> str:
    """Lay out rows in columns.

    Parameters
    ----------
    header, rows
        Cells.
    right
        Positions of the columns that are numbers.
    remarks
        For each row a sentence that stands below it, or an empty text.
    """
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[n]) for line in lines) for n in range(len(header))]
    text = []
    for line, remark in zip(lines, ["", *remarks] if remarks else [""] * len(lines), strict=True):
        cells = [
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
        if remark:
            text.append(textwrap.fill(remark, WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(text)


def more_rows(n_all: int, what: str) -> str:
    """Return the line that follows a table that is cut off; nothing where it holds all rows."""
    return f"\n... and {counted(n_all - MAX_ROWS, what)} more" if n_all > MAX_ROWS else ""


def inspection_text(found: Inspection) -> str:
    """Lay out what a source holds, on one screen for an ordinary project."""
    cameras, surveys = found.source.cameras, found.source.surveys
    parts = []
    for names, (survey, decided) in zip(cameras, surveys, strict=True):
        parts.append(_project_heading(names, survey))
        parts.append(_session_table(decided.chosen.sessions, survey.videos))
    if found.plan is not None and found.plan.views:
        parts.append(f"{view_table(found.plan)}\n\n{_calibration_text(found.plan)}")
    if found.plan is not None:
        parts.append(
            table(
                ("keypoint", "empty"),
                [(name, f"{share:.1%}") for name, share in found.plan.keypoints.items()][:MAX_ROWS],
                right=(1,),
            )
        )
    videos = [
        # Cameras with projects of their own call their videos alike.
        (f"{names[0]}: {video.path.name}" if len(names) == 1 else video.path.name, video)
        for names, (survey, _) in zip(cameras, surveys, strict=True)
        for video in survey.videos
    ]
    if videos:
        parts.append(_video_table(videos))
    if found.findings:
        parts.append(findings_text(found.findings))
    if found.plan is not None:
        parts.append(
            f"convert would: {_work_text(found.plan)}\nestimated size: {size_text(found.plan.space_bytes)} at most"
        )
    else:
        parts.append("convert would refuse this project (exit 3); nothing would be written")
    return "\n\n".join(parts)


def _project_heading(cameras: Sequence[str], survey: Survey) -> str:
    config = survey.project.config
    whose = f"{', '.join(cameras)}: " if cameras else ""
    missing = ", its config.yaml can't be read" if survey.project.refusals else ", without config.yaml"
    what = f", scorer {config.scorer}, {config.date}" if config else missing
    return f"{whose}DeepLabCut project {survey.project.name!r}{what}\n{survey.project.root}"


def _session_table(sessions: Sequence[ChosenSession], videos: Sequence[SurveyedVideo]) -> str:
    ties = {video.session: video.tie for video in videos}
    rows = []
    for chosen in sessions[:MAX_ROWS]:
        labels = chosen.labels
        n_rows = len(labels.frames) if labels else 0
        n_labeled = int(labels.labelled.any(axis=(1, 2)).sum()) if labels else 0
        named = {frame.file_name for frame in labels.frames} if labels else set()
        rows.append(
            (
                chosen.session.name,
                str(n_labeled),
                str(n_rows - n_labeled),
                str(len(chosen.session.images.keys() - named)),
                _image_sizes(chosen),
                chosen.label_file.name if chosen.label_file else "-",
                _numbering(ties.get(chosen.session.name)),
            )
        )
    text = table(
        ("session", "labeled", "empty", "unlabeled", "images", "labels from", "frame numbers"), rows, right=(1, 2, 3)
    )
    return text + more_rows(len(sessions), "session")


def view_table(plan: Plan | Event) -> str:
    """Lay out how many labeled frames each view has, and what becomes of them together."""
    rows = [
        (
            frames.session,
            *map(str, (*frames.n_frames, frames.n_shared, frames.n_filled, frames.n_left_out)),
        )
        for frames in plan.view_frames[:MAX_ROWS]
    ]
    header = ("session", *plan.views, "in all", "cut from videos", "left out")
    return table(header, rows, right=range(1, len(header))) + more_rows(len(plan.view_frames), "session")


def _calibration_text(plan: Plan) -> str:
    """Say which calibration files the target gets, and from where."""
    rows = [f"{path}, from {origin}" for path, origin in sorted(plan.calibrations.items())]
    text = "\n".join(rows[:MAX_ROWS]) + more_rows(len(rows), "file")
    return "calibration: " + (text or "none").replace("\n", "\n             ")


def _numbering(tie: SessionTie | None) -> str:
    """Say what DeepLabCut's frame numbers turned out to be."""
    if tie is None:
        return "no video to compare"
    numbers = {
        "exact": "proven",
        "shifted": f"off by {abs(tie.shift)}, corrected",
        "renumbered": "wrong, corrected",
        "other-video": "of another video",
        "unknown": "can't be told",
    }
    return numbers[tie.kind]


def _image_sizes(chosen: ChosenSession) -> str:
    sizes = Counter((image.width_px, image.height_px, image.kind) for image in chosen.session.images.values())
    if not sizes:
        return "none"
    (width, height, kind), _ = sizes.most_common(1)[0]
    more = f" and {counted(len(sizes) - 1, 'other size')}" if len(sizes) > 1 else ""
    return f"{width}x{height} {kind}{more}"


def _video_table(videos: Sequence[tuple[str, SurveyedVideo]]) -> str:
    """Lay out what videos hold and need, each under its name."""
    rows = [
        (
            name,
            str(video.info.n_frames) if video.info else "-",
            describe_video(video.info) if video.info else "can't be read",
            _action(video.treatment),
        )
        for name, video in videos[:MAX_ROWS]
    ]
    text = table(
        ("video", "frames", "holds", "what it needs"),
        rows,
        right=(1,),
        remarks=[_reasons(video.treatment) for _, video in videos[:MAX_ROWS]],
    )
    return text + more_rows(len(videos), "video")


def _action(treatment: Treatment | None) -> str:
    if treatment is None:
        return "nothing can be done"
    return "nothing, it is copied" if treatment.action == "place" else treatment.action


def _reasons(treatment: Treatment | None) -> str:
    return "; ".join(reason.message for reason in treatment.reasons) if treatment else ""


def describe_video(info: VideoInfo) -> str:
    """``640x480 h264 yuv420p 30 fps``."""
    rate = f"{float(info.frame_rate):.6g} fps" + ("" if info.constant_rate else " (varies)")
    return f"{info.width_px}x{info.height_px} {info.codec} {info.pixel_format} {rate}"


def _work_text(plan: Plan) -> str:
    n_images = sum(len(step.images) for step in plan.steps if isinstance(step, PlaceImages))
    kinds = Counter(type(step) for step in plan.steps)
    n_context = _n_context(plan)
    parts = [f"place {counted(n_images, 'image')}"]
    parts += [f"cut {counted(n_context, 'frame' if plan.views else 'context frame')}"] if n_context else []
    parts += [
        f"{verb} {counted(kinds[kind], 'video')}"
        for kind, verb in ((PlaceVideo, "copy"), (RemuxVideo, "remux"), (EncodeVideo, "encode"))
        if kinds[kind]
    ]
    return ", ".join([*parts, f"write {counted(kinds[WriteText], 'text file')}"])


def _n_context(plan: Plan) -> int:
    return sum(len(step.frames) for step in plan.steps if isinstance(step, ExtractFrames))


def size_text(n_bytes: int) -> str:
    """``1.5 GB``, ``20.0 kB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes} B"


def duration_text(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 05 min``, ``12 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours >= 72:
        return f"{hours / 24:.0f} days"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def preview_text(found: Preview) -> str:
    """Lay out a dry run: every step, in the plan's order."""
    rows = []
    for step in found.plan.steps:
        state = "" if found.states[step.id] is State.TO_DO else str(found.states[step.id])
        rows.append((step.kind, some(step.targets, 1), size_text(step.space_bytes), state))
    parts = [
        f"plan for {found.plan.source}\n  into {found.plan.target}",
        *([view_table(found.plan), _calibration_text(found.plan)] if found.plan.views else []),
        table(("step", "makes", "about", ""), rows, right=(2,)),
        _config_text(found.plan.config_reasons),
        _counts_text(found.plan),
    ]
    if found.findings:
        parts.append(findings_text(found.findings))
    parts.append("nothing was written (--dry-run)")
    return "\n\n".join(parts)


def _config_text(reasons: Iterable[ChoiceReason]) -> str:
    """Lay out the choices of the starter config, each with its reason below it."""
    lines = []
    for choice in reasons:
        lines.append(f"{choice.key} = {choice.value}")
        lines.append(textwrap.fill(choice.reason, WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


def _counts_text(plan: Plan) -> str:
    rows = [
        (name.replace("_", " "), str(count.source), str(count.written), str(count.left_out))
        for name, count in plan.counts.items()
    ]
    return table(("", "in source", "written", "left out"), rows, right=(1, 2, 3))


def outcome_text(came: Outcome) -> str:
    """Lay out what a conversion did."""
    queued = sum(frame.state == "queued" for session in came.plan.sessions for frame in session.frames)
    parts = [_counts_text(came.plan)]
    if came.plan.videos:
        videos = came.plan.videos[:MAX_ROWS]
        rows = [(video.target, str(video.n_frames), video.action) for video in videos]
        remarks = ["; ".join(video.reasons) for video in videos]
        parts.append(table(("video", "frames", "done by"), rows, right=(1,), remarks=remarks))
    extra = [_calibration_text(came.plan)] if came.plan.views else []
    if queued:
        extra.append(f"{counted(queued, 'unlabeled frame')} in the labeling queue of the Lightning Pose app")
    if n_context := _n_context(came.plan):
        what = "frame" if came.plan.views else "context frame"
        extra.append(
            f"{counted(n_context, what)} cut from the videos"
            + (
                ": neighbors of labeled frames, and what a view lacked"
                if came.plan.views
                else " beside the labeled frames"
            )
        )
    if extra:
        parts.append("\n".join(extra))
    if came.findings:
        parts.append(findings_text(came.findings))
    done = f"{counted(len(came.run.done), 'step')} done"
    if came.run.skipped:
        done += f", {counted(len(came.run.skipped), 'was', 'were')} done before"
    if came.run.failed:
        done += f", {len(came.run.failed)} failed"
    parts.append(f"{done}; {_checked_text(came.verification)}")
    if came.exit_code == 0:
        parts.append(f"{came.plan.target} is ready:\n  litpose train {came.plan.target}/configs/default.yaml")
    else:
        parts.append(f"{came.plan.target} is not complete: see the errors above, then run the same command again")
    return "\n\n".join(parts)


def verification_text(plan: Plan, found: Verification) -> str:
    """Lay out what verifying a target brought up."""
    parts = [f"{plan.target}\n{_checked_text(found)}"]
    if found.findings:
        parts.append(findings_text(found.findings))
    parts.append("everything is as planned" if found.ok else "not everything is as planned: see the errors above")
    return "\n\n".join(parts)


def _checked_text(found: Verification) -> str:
    return "checked: " + ", ".join(
        counted(n, name.removesuffix("s").replace("_", " ")) for name, n in found.n_checked.items()
    )


def verdicts_text(verdicts: Sequence[tuple[str, VideoVerdict | None]], findings: Sequence[Finding]) -> str:
    """Lay out what ``video check`` found."""
    rows = [
        (
            path,
            str(verdict.info.n_frames) if verdict else "-",
            describe_video(verdict.info) if verdict else "can't be read",
            "-" if verdict is None else "conforms" if verdict.treatment.action == "place" else verdict.treatment.action,
        )
        for path, verdict in verdicts
    ]
    remarks = [_reasons(verdict.treatment if verdict else None) for _, verdict in verdicts]
    text = table(("video", "frames", "holds", "verdict"), rows, right=(1,), remarks=remarks)
    return text + ("\n\n" + findings_text(findings) if findings else "")


def converted_video_text(made: ConvertedVideo) -> str:
    """Lay out what ``video convert`` did."""
    reasons = "; ".join(reason.message for reason in made.reasons)
    because = f" ({reasons})" if reasons else ""
    made_of = f"{counted(made.target.n_frames, 'frame')}, {describe_video(made.target)}"
    return f"{made.target.path}: {made_of}; {made.action}{because}"


def reconfigured_text(made: Reconfigured) -> str:
    """Lay out what ``dlc2lp config`` wrote."""
    parts = [f"wrote {made.path}", _config_text(made.config.reasons)]
    if made.kept:
        parts.append("kept as you changed them by hand: " + ", ".join(made.kept))
    if made.findings:
        parts.append(findings_text(made.findings))
    return "\n\n".join(parts)


def splits_text(names: Sequence[str]) -> str:
    """Lay out the train/test splits of a project."""
    if not names:
        return "the project has no train/test split"
    return "iteration / percent trained on / shuffle\n" + "\n".join(f"  {name}" for name in names)


def each(texts: dict[str, str]) -> str:
    """Lay out what a command did for each individual."""
    return "\n\n".join(f"== {name} ==\n\n{text}" for name, text in texts.items())
