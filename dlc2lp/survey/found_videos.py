"""What looking for the videos came to: told once for all videos of a kind. Pure but for files compared as bytes.

Where a video lies is told as far as it is not where the configuration says; what is missing with every place that was
looked in; what lies at hand and was not taken by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dlc2lp.model import Finding, Remedy, Setting, Severity
from dlc2lp.options import VideoChoice
from dlc2lp.survey.find_videos import WantedVideo
from dlc2lp.survey.video_candidates import hold_the_same
from dlc2lp.survey.video_trial import Trial, Tried
from dlc2lp.wording import counted, some, spelled

_ROOT = (Setting("video-root", ("DIR",)),)
_GIVE_FOLDER = "give the folder where the videos are now: {}"
_LISTED = 3
_CORRECT = "correct the path in video_sets of config.yaml, if you go on with DeepLabCut"


def told_of_videos(trials: Sequence[Trial], at_hand: Sequence[Path], choice: VideoChoice) -> list[Finding]:
    """Tell what came of looking for each video; ``at_hand`` are the originals in and below ``videos/``."""
    missing = [trial for trial in trials if trial.chosen is None]
    return [
        *_not_here(missing),
        *_nowhere(missing),
        *_renamed(trials),
        *_elsewhere(trials),
        *_several(trials),
        *_by_pictures(trials),
        *_faults(trials),
        *_not_taken(trials),
        *_not_migrated(trials, at_hand, choice),
    ]


def _grouped(
    severity: Severity,
    code: str,
    told: Sequence[tuple[str, str]],
    thing: str,
    advice: str = "",
    remedies: tuple[Remedy, ...] = (),
) -> list[Finding]:
    """Return one finding for all things of a kind, each told by its name and in words; none where there are none."""
    if not told:
        return []
    subject, message = told[0]
    if len(told) > 1:
        subject = counted(len(told), thing)
        more = [f"and {len(told) - _LISTED} more"] if len(told) > _LISTED else []
        message = "; ".join([*(f"{name}: {words}" for name, words in told[:_LISTED]), *more])
    return [Finding(severity, code, subject, message, "", advice, remedies)]


def _not_here(missing: Sequence[Trial]) -> list[Finding]:
    """Tell of links that lead nowhere, and of stand-ins for files that are elsewhere."""
    findings = []
    kinds = dict.fromkeys(kind for trial in missing for _, kind in trial.wanted.stand_ins)
    for kind in kinds:
        paths = [path for trial in missing for path, found in trial.wanted.stand_ins[:1] if found == kind]
        subject = str(paths[0]) if len(paths) == 1 else counted(len(paths), "video")
        which = "" if len(paths) == 1 else f" for each of {some([path.name for path in paths])}"
        message = f"found {kind.found}{which}, not the video itself"
        findings.append(Finding(Severity.ERROR, "not-downloaded", subject, message, advice=kind.advice))
    links = [trial.wanted.dead_links[0] for trial in missing if trial.wanted.dead_links and not trial.wanted.stand_ins]
    if links:
        subject = links[0].name if len(links) == 1 else counted(len(links), "video")
        many = counted(len(links), "link that leads to a file", "links that lead to files")
        led = some([f"{path} -> {path.readlink()}" for path in links], _LISTED)
        message = f"found {many} not there: {led}"
        findings.append(Finding(Severity.WARNING, "video-links-dead", subject, message, "", _GIVE_FOLDER, _ROOT))
    return findings


def _nowhere(missing: Sequence[Trial]) -> list[Finding]:
    """Tell of videos that were found in no place, and of sessions that have none."""
    lost = [each for each in missing if not each.wanted.dead_links and not each.wanted.stand_ins]
    listed = [each.wanted for each in lost if each.wanted.entries]
    sessions = [each.wanted for each in lost if each.session and not each.wanted.entries]
    findings = []
    if listed:
        recorded = [path for wanted in listed for path in wanted.recorded]
        message = f"is listed in config.yaml and in none of: {', '.join(recorded)}, {_places(listed)}"
        subject = listed[0].name
        if len(listed) > 1:
            subject, names = counted(len(listed), "video"), some([wanted.name for wanted in listed])
            where = f"neither where it says ({some(recorded, _LISTED)}) nor in any of: {_places(listed)}"
            message = f"{names} are listed in config.yaml and {where}"
        findings.append(Finding(Severity.WARNING, "video-missing", subject, message, "", _GIVE_FOLDER, _ROOT))
    if sessions:
        stems = [wanted.stem for wanted in sessions]
        subject = stems[0] if len(stems) == 1 else counted(len(stems), "session")
        of_them = "this name" if len(stems) == 1 else f"the names {some(stems)}"
        then = "the frames and labels are migrated all the same"
        message = f"found no video of {of_them} in any of: {_places(sessions)}; {then}"
        advice = "if there is one elsewhere: {}"
        findings.append(Finding(Severity.NOTE, "session-without-video", subject, message, "", advice, _ROOT))
    return findings


def _places(wanted: Iterable[WantedVideo]) -> str:
    return ", ".join(dict.fromkeys(place for each in wanted for place in each.looked_in))


def _renamed(trials: Iterable[Trial]) -> list[Finding]:
    """Tell of videos that have another suffix than recorded: in doubt unless the pictures say the same."""
    findings = []
    chosen = [(trial, each) for trial in trials if (each := trial.chosen) and each.candidate.called == "suffix"]
    for severity, is_proven in ((Severity.WARNING, False), (Severity.NOTE, True)):
        words = "found {} instead, which has the same name but for its suffix" + (
            ", and whose pictures are those of the images" if is_proven else ""
        )
        told = [(trial.wanted.name, words.format(each.path)) for trial, each in chosen if each.proves_all == is_proven]
        findings += _grouped(severity, "video-renamed", told, "video")
    return findings


def _elsewhere(trials: Iterable[Trial]) -> list[Finding]:
    """Name the videos that lie neither where they were recorded nor in ``videos/``."""
    told = []
    for trial in trials:
        wanted, each = trial.wanted, trial.chosen
        if each and each.candidate.place == "inside" and each.candidate.called == "same":
            gone = f" instead of {wanted.recorded[0]}, which is not there" if wanted.recorded else ""
            told.append((wanted.name, f"found {_within(each.path, wanted.root)}{gone}"))
    return _grouped(Severity.NOTE, "videos-elsewhere", told, "video")


def _within(path: Path, root: Path) -> str:
    """Return a path as seen from the project, where it lies inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _several(trials: Iterable[Trial]) -> list[Finding]:
    """Tell of names that several videos have: the pictures say which is meant, or nothing does."""
    # Two videos of one name share a folder of labels: which one a frame is from, its name does not tell.
    twice: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    several: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for trial in trials:
        wanted, chosen = trial.wanted, trial.chosen
        if chosen is None or not (len(wanted.recorded) > 1 or wanted.rivals):
            continue
        is_settled, then = _which_of_several(trial, chosen)
        if len(wanted.recorded) > 1:
            listed = " and ".join(wanted.recorded)
            words = f"video_sets lists {listed}, which share one folder of labels; {then}"
            twice[is_settled].append((wanted.stem, words))
        else:
            paths = [_within(each.path, wanted.root) for each in (wanted.first, *wanted.rivals) if each]
            several[is_settled].append((wanted.stem, f"found {', '.join(paths)}; {then}"))
    take_out = "take those that the labels do not belong to out of video_sets of config.yaml"
    move = "move the others away, or list the right one in video_sets of config.yaml"
    return [
        *_grouped(Severity.NOTE, "video-listed-twice", twice[True], "video"),
        *_grouped(Severity.NOTE, "several-videos", several[True], "video"),
        *_grouped(Severity.WARNING, "video-listed-twice", twice[False], "video", take_out),
        *_grouped(Severity.WARNING, "several-videos", several[False], "video", move),
    ]


def _which_of_several(trial: Trial, chosen: Tried) -> tuple[bool, str]:
    """Say what was taken and why, and whether it is beyond doubt."""
    recorded = [Path(path) for path in trial.wanted.recorded]
    if len(recorded) > 1 and all(hold_the_same(recorded[0], path) for path in recorded[1:]):
        return True, "they hold the same"
    used = f"used {_within(chosen.path, trial.wanted.root)}"
    if chosen.proves_all:
        return True, f"{used}, whose pictures are those of the images"
    return False, f"{used}, of which most images are" if chosen.n_proven else f"{used}, the first that is there"


def _by_pictures(trials: Iterable[Trial]) -> list[Finding]:
    """Tell of videos that the pictures chose, and not name and place."""
    against: list[tuple[str, str]] = []
    without: list[tuple[str, str]] = []
    for trial in trials:
        chosen, first = trial.chosen, trial.wanted.first
        if chosen is None or not chosen.n_proven or chosen.candidate in (first, *trial.wanted.rivals):
            continue
        taken = f"took {_within(chosen.path, trial.wanted.root)}, whose pictures are those of the images"
        if first is None and chosen.candidate.place == "label-file":
            why = "which is called like the folder that their label file lies in"
            without.append((trial.session, f"found no video of this name; {taken}, and {why}"))
        elif first is None:
            without.append((trial.session, f"found no video of this name in the project; {taken}"))
        else:
            against.append((trial.session, _denied(trial.tried[0], chosen, trial.wanted.root)))
    return [
        *_grouped(Severity.WARNING, "video-by-pictures", against, "session", _CORRECT),
        *_grouped(Severity.NOTE, "video-by-pictures", without, "session"),
    ]


def _denied(first: Tried, chosen: Tried, root: Path) -> str:
    """Say why the pictures speak for another video than the first."""
    is_recorded = first.candidate.place == "recorded"
    found = f"the recorded path leads to {first.path}" if is_recorded else f"found {_within(first.path, root)}"
    taken = f"took {_within(chosen.path, root)}, whose pictures are"
    if first.info is None or first.tie is None:
        return f"{found}, which can't be read; {taken} those of the images"
    if first.n_proven:
        few = counted(first.n_proven, "image is", "images are")
        return f"{found}, of which {few}; took {_within(chosen.path, root)}, of which {chosen.n_proven} are"
    if first.is_denied:
        return f"{found}, whose pictures are not those of the images; {taken}"
    return f"{found}, whose pictures do not tell; {taken} those of the images"


def _faults(trials: Iterable[Trial]) -> list[Finding]:
    """Tell what is wrong with videos that are taken; of one that was replaced it costs nothing."""
    findings: list[Finding] = []
    for trial in trials:
        chosen = trial.chosen
        if chosen is None:
            continue
        findings += [*chosen.faults, *(chosen.info.remarks if chosen.info else ())]
        first = trial.tried[0]
        if first is not chosen and not chosen.n_proven:
            used = f"; used {chosen.path} instead, which has the same name"
            findings += [
                replace(fault, severity=Severity.WARNING, message=fault.message + used) for fault in first.faults
            ]
    return findings


def _not_taken(trials: Iterable[Trial]) -> list[Finding]:
    """Name files at hand that only the name of a copy, or a place outside the project, speaks for."""
    told = []
    for trial in trials:
        if trial.chosen is not None and not trial.chosen.is_denied:
            continue
        # Those that the pictures deny as well are told with the one that is taken all the same.
        left = [each for each in trial.left if trial.chosen is None or not each.is_denied]
        reasons = [(each.path, _why_not(each)) for each in left]
        reasons += [(each.path, "and there are no images to compare it with") for each in trial.untried]
        told += [
            (trial.session or trial.wanted.name, f"{_within(path, trial.wanted.root)} lies at hand, {why}; not taken")
            for path, why in reasons
        ]
    advice = "if one of them is the video all the same, put it into videos/ under the name of its session"
    return _grouped(Severity.NOTE, "video-not-taken", told, "video", advice)


def _why_not(tried: Tried) -> str:
    if tried.info is None or tried.tie is None:
        return "and can't be read"
    return "but has other pictures than the images" if tried.is_denied else "and its pictures do not tell"


def _not_migrated(trials: Sequence[Trial], at_hand: Iterable[Path], choice: VideoChoice) -> list[Finding]:
    """Name the originals in and below ``videos/`` that nothing asks for."""
    if choice == "none":
        return []
    taken = [trial.chosen.path for trial in trials if trial.chosen]
    told = {*taken, *_told_elsewhere(trials)}
    left = _without(taken, [path for path in at_hand if path not in told])
    stems = {spelled(path.stem) for path in taken}
    others = [path for path in left if spelled(path.stem) not in stems]
    findings = []
    if others:
        many = counted(len(others), "video that config.yaml does not list", "videos that config.yaml does not list")
        message = f"found {many} and no folder of labels is called like: {_names(others, trials)}; not migrated"
        subject = others[0].name if len(others) == 1 else counted(len(others), "video")
        advice, ways = "to migrate such too: {}", (Setting("videos", ("all",)),)
        findings.append(Finding(Severity.NOTE, "videos-not-migrated", subject, message, "", advice, ways))
    held = "has the name of a video that is taken, and holds something else; left aside"
    aside = [(path.name, f"{_names([path], trials)} {held}") for path in left if path not in others]
    return [*findings, *_grouped(Severity.NOTE, "video-left-aside", aside, "video")]


def _told_elsewhere(trials: Iterable[Trial]) -> Iterator[Path]:
    """Yield files at hand that other findings name."""
    for trial in trials:
        yield from (each.path for each in (trial.wanted.first, *trial.wanted.rivals, *trial.untried) if each)
        if trial.chosen is None or trial.chosen.is_denied:
            yield from (each.path for each in trial.tried)


def _without(taken: Iterable[Path], paths: Iterable[Path]) -> list[Path]:
    """Return the paths that hold something else than all that is taken."""
    of_size: dict[int, list[Path]] = {}
    for path in taken:
        of_size.setdefault(_size_bytes(path), []).append(path)
    return [path for path in paths if not any(hold_the_same(path, each) for each in of_size.get(_size_bytes(path), ()))]


def _names(paths: Iterable[Path], trials: Iterable[Trial]) -> str:
    """Name files as seen from the project that they lie in."""
    roots = {trial.wanted.root: None for trial in trials}
    homes = ((path, next((root for root in roots if path.is_relative_to(root)), path.parent)) for path in paths)
    return some([_within(path, home) for path, home in homes])


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
