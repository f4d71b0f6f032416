"""From individuals to one animal: Lightning Pose tracks the keypoints of a single animal. Pure.

Many multi-animal projects hold one animal, or an animal and the corners of its arena, or two different things with
different keypoints; these become plain keypoints without loss. Two animals with the same keypoints can't be told
apart by a keypoint's name alone, and then a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlc2lp.model import Finding, LabelTable, Setting, Severity, question
from dlc2lp.wording import counted, shown, some, spelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The individual under which DeepLabCut keeps the keypoints that occur once in a frame (``uniquebodyparts``).
UNIQUE = "single"

#: The individual of labels that belong to none, such as those from before the project became a multi-animal one.
NOBODY = ""

#: (individual, keypoint) of a label table.
Column = tuple[str, str]

_ANY_WAY = ("flatten", "split", "NAME")  # what --individuals can be told
_N_ROWS = 100  # of a table; individuals beyond are counted
_NO_NAME = "(none)"  # how a table shows nobody
_N_NAMED = 8  # keypoints that a line names; the others are counted
_N_SESSIONS = 3  # sessions that it names


@dataclass(frozen=True)
class OneAnimal:
    """A project's labels as those of one animal."""

    labels: LabelTable  #: Table with the single individual ``""``.
    n_left_out: int  #: Labelled points of individuals that were not chosen.
    origin: dict[str, Column]  #: For each keypoint name the (individual, keypoint) that it was.


@dataclass(frozen=True)
class Known:
    """What the configuration calls individuals and keypoints."""

    #: Of a multi-animal project; without any, nothing can be unknown.
    individuals: tuple[str, ...]
    keypoints: tuple[str, ...]  #: Those that occur once in a frame included.

    def strangers(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return which of the individuals it does not name."""
        return _not_among(names, (*self.individuals, UNIQUE, NOBODY)) if self.individuals else ()


def _not_among(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are not known, however the system that wrote them spells an accent."""
    own = {spelled(name) for name in known}
    return tuple(name for name in names if spelled(name) not in own)


def labelled_individuals(labels: LabelTable) -> tuple[str, ...]:
    """Return the animals with at least one label; ``single`` is none."""
    return tuple(name for name in _labelled(labels) if name not in {UNIQUE, NOBODY})


def unique_individual(labels: LabelTable) -> tuple[str, ...]:
    """Return ``single`` if any of its keypoints is labelled, else nothing."""
    return tuple(name for name in _labelled(labels) if name == UNIQUE)


def as_one_animal(
    labels: LabelTable, choice: str, findings: list[Finding], known: Known | None = None
) -> OneAnimal | Finding:
    """Turn individuals into the keypoints of one animal; or return the question with the individuals as candidates.

    The choice ``auto`` gives plain keypoint names, in the table's order, where no two individuals share one, else a
    decision; ``flatten`` gives ``<individual>_<keypoint>``, individual by individual, and plain names for the keypoints
    of ``single``; any other word is the name of the individual to take. Points that belong to no individual are those
    of the only labelled animal, where there is only one, and otherwise keypoints of their own. What is left out is
    added to the findings.

    ``known`` are the names of the configuration, None where there is none. With ``auto``, labels of other individuals
    are a decision, and so are keypoints that may be known ones under another name; any other choice is the decision.
    """
    if labels.individuals == (NOBODY,):
        if _is_name(choice):
            why = f"found {choice!r}, but no label file names individuals: the project labels a single animal"
            remedies = (Setting("individuals", ("auto",)),)
            return question("unknown-individual", "individuals", why, "{}, or leave the option out", remedies)
        return OneAnimal(labels, 0, {name: (NOBODY, name) for name in labels.keypoint_names})
    columns = _choose_columns(labels, choice)
    if isinstance(columns, Finding):
        return columns
    if known is not None and choice == "auto":
        asked = _unknown_individuals(labels, known) or _renamed_keypoints(labels, known)
        if asked is not None:
            return asked
    by_name: dict[str, list[Column]] = {}
    for column in columns:
        by_name.setdefault(_flat_name(*column) if choice == "flatten" else column[1], []).append(column)
    if choice != "flatten":
        by_name = {name: by_name[name] for name in labels.keypoint_names if name in by_name}
    asked = _shared_names(labels, choice, by_name) or _labelled_twice(labels, by_name)
    if asked is not None:
        return asked
    if known is not None:
        findings += _say_unknown(labels, known)
    taken = set(columns)
    _say_never_labelled(labels, {individual for individual, _ in taken} if _is_name(choice) else None, findings)
    _say_left_out(labels, choice, taken, findings)
    picked = _pick(labels, by_name)
    n_left_out = int(labels.labelled.sum() - picked.labelled.sum())
    return OneAnimal(picked, n_left_out, {name: together[0] for name, together in by_name.items()})


def individual_table(labels: LabelTable) -> tuple[str, ...]:
    """Lay out who is labelled how often: individual, labeled frames, labelled points, keypoints."""
    import numpy as np

    rows = [("individual", "frames", "points", "keypoints")]
    for i, individual in enumerate(labels.individuals[:_N_ROWS]):
        one = labels.labelled[:, i]
        names = [name for name, seen in zip(labels.keypoint_names, np.any(one, axis=0), strict=True) if seen]
        n_frames, n_points = int(one.any(axis=1).sum()), int(one.sum())
        rows.append((shown(individual) or _NO_NAME, str(n_frames), str(n_points), shown(some(names, _N_NAMED)) or "-"))
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    lines = [f"    {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}" for row in rows]
    if n_more := len(labels.individuals[_N_ROWS:]):
        lines.append(f"    ... and {counted(n_more, 'individual')} more")
    return tuple(lines)


def _is_name(choice: str) -> bool:
    return choice not in {"auto", "flatten"}


def _flat_name(individual: str, keypoint: str) -> str:
    return keypoint if individual in {UNIQUE, NOBODY} else f"{individual}_{keypoint}"


def _labelled(labels: LabelTable) -> list[str]:
    """Return the individuals with at least one label, ``single`` and nobody included."""
    import numpy as np

    seen = np.any(labels.labelled, axis=(0, 2))
    return [name for name, labelled in zip(labels.individuals, seen, strict=True) if labelled]


def _choose_columns(labels: LabelTable, choice: str) -> list[Column] | Finding:
    """Return the columns that are asked for and hold a label; nobody's come last."""
    import numpy as np

    seen = np.any(labels.labelled, axis=0)
    columns = [
        (individual, keypoint)
        for i, individual in enumerate(labels.individuals)
        for k, keypoint in enumerate(labels.keypoint_names)
        if seen[i, k]
    ]
    columns.sort(key=lambda column: column[0] == NOBODY)
    found = _labelled(labels)
    if not _is_name(choice):
        # `--individuals split` asks for each by its name, and this one would get the labels of all.
        why = f"found an individual called {choice!r}, which is what --individuals calls something else"
        advice = "rename the individual in DeepLabCut (config.yaml and the label files)"
        return _ask(labels, "individual-name-taken", why, advice) if choice in found else columns
    if choice not in found or choice == NOBODY:
        why = "is never labelled" if choice in labels.individuals else "is none of the individuals"
        return _ask(labels, "unknown-individual", f"found {choice!r}, which {why}", "{}", _ANY_WAY)
    animals = labelled_individuals(labels)
    if NOBODY in found and len(animals) != 1:
        n_points = int(labels.labelled[:, labels.individuals.index(NOBODY)].sum())
        points = counted(n_points, "labelled point that belongs", "labelled points that belong")
        why = f"found {points} to no individual, and can't tell whether {choice} is meant"
        advice = (
            "{} makes such points keypoints of their own; or give each an individual in DeepLabCut (convert2_maDLC)"
        )
        return _ask(labels, "labels-without-individual", why, advice, ("flatten",))
    return [column for column in columns if column[0] == choice or (column[0] == NOBODY and animals == (choice,))]


def _unknown_individuals(labels: LabelTable, known: Known) -> Finding | None:
    """Ask where individuals are labelled that the configuration does not name.

    Where a folder has ``ind1`` and ``ind2`` and the others ``m1`` and ``m2``, these may be the same animals.
    """
    import numpy as np

    strangers = known.strangers(_labelled(labels))
    if not strangers:
        return None
    columns = [labels.individuals.index(name) for name in strangers]
    has_stranger = np.any(labels.labelled[:, columns], axis=(1, 2))
    sessions = dict.fromkeys(frame.session for frame, has in zip(labels.frames, has_stranger, strict=True) if has)
    where = f"they are labelled in {some(sessions, _N_SESSIONS)} and may be the same animals under other names"
    why = f"found labels of {_strangers(strangers, known)}; {where}"
    advice = "rename them in the label files, or in config.yaml where they are right; or keep each by its own name: {}"
    return _ask(labels, "individuals-not-in-config", why, advice, _ANY_WAY)


def _renamed_keypoints(labels: LabelTable, known: Known) -> Finding | None:
    """Ask where a session has a keypoint that a multi-animal configuration does not name, and lacks one that it names.

    A keypoint that stands beside all known ones is another one; where one of these is missing, it may be that one under
    its former name, and one keypoint would become two that are each labelled in some sessions only.
    """
    import numpy as np

    if not known.individuals or not known.keypoints:
        return None
    labelled = np.any(labels.labelled, axis=1)
    if not _not_among(_names_of(labels, np.any(labelled, axis=0)), known.keypoints):
        return None
    sessions = np.array([frame.session for frame in labels.frames])
    others: dict[str, None] = {}
    missing: dict[str, None] = {}
    for session in dict.fromkeys(sessions.tolist()):
        names = _names_of(labels, np.any(labelled[sessions == session], axis=0))
        unknown, lacking = _not_among(names, known.keypoints), _not_among(known.keypoints, names)
        if unknown and lacking:
            others |= dict.fromkeys(unknown)
            missing |= dict.fromkeys(lacking)
    if not others:
        return None
    are = "which is" if len(others) == 1 else "which are"
    why = (
        f"found labels of {some(others, _N_NAMED)}, {are} not among the bodyparts of config.yaml, in sessions without "
        f"any of {some(missing, _N_NAMED)}: perhaps the same under another name"
    )
    advice = "rename in the label files what was renamed, or add it to config.yaml; or keep every name as it is: {}"
    return _ask(labels, "keypoint-not-in-config", why, advice, _ANY_WAY)


def _names_of(labels: LabelTable, chosen: NDArray[np.bool_]) -> list[str]:
    return [name for name, is_chosen in zip(labels.keypoint_names, chosen, strict=True) if is_chosen]


def _strangers(strangers: Sequence[str], known: Known) -> str:
    are = "which is" if len(strangers) == 1 else "which are"
    names = f"{some(strangers, _N_NAMED)}, {are} not among the individuals of config.yaml"
    return f"{names} ({some(known.individuals, _N_NAMED)})"


def _say_unknown(labels: LabelTable, known: Known) -> list[Finding]:
    """Tell labelled individuals that the configuration does not name, where a person has decided on them."""
    strangers = known.strangers(_labelled(labels))
    if not strangers:
        return []
    n_points = sum(int(labels.labelled[:, labels.individuals.index(name)].sum()) for name in strangers)
    points = counted(n_points, "labelled point is", "labelled points are")
    message = f"{points} of {_strangers(strangers, known)}; taken by the name that the label files have"
    advice = "if they are the same animals, rename them in the label files"
    return [Finding(Severity.WARNING, "individuals-not-in-config", "individuals", message, advice=advice)]


def _shared_names(labels: LabelTable, choice: str, by_name: Mapping[str, Sequence[Column]]) -> Finding | None:
    """Ask where keypoints of several individuals would get one name; nobody's take part in that."""
    owners = {name: [individual for individual, _ in columns if individual] for name, columns in by_name.items()}
    shared = [name for name, individuals in owners.items() if len(individuals) > 1]
    if not shared:
        return None
    if choice == "flatten":
        why = f"found keypoints of several individuals that would all be called {some(shared, _N_NAMED)}"
        advice = "{}, or rename one of the individuals in DeepLabCut"
        return _ask(labels, "flattened-names-alike", why, advice, ("split", "NAME"))
    n_sharing = len({individual for name in shared for individual in owners[name]})
    alike = f"found {n_sharing} individuals whose keypoints have the same names"
    why = f"{alike}, expected one: Lightning Pose tracks a single animal"
    return _ask(labels, "several-individuals", why, "{}", _ANY_WAY)


def _labelled_twice(labels: LabelTable, by_name: Mapping[str, Sequence[Column]]) -> Finding | None:
    """Ask where one image has a keypoint both with and without an individual, as merged projects can."""
    import numpy as np

    for name, columns in by_name.items():
        n_points = np.sum([labels.labelled[:, *_position(labels, column)] for column in columns], axis=0)
        rows = np.flatnonzero(n_points > 1).tolist()
        if rows:
            frame = labels.frames[rows[0]]
            why = (
                f"found {counted(len(rows), 'image')} in which {name} is labelled both with and without an individual, "
                f"such as {frame.session}/{frame.file_name}"
            )
            advice = "delete one of the two in DeepLabCut, or convert the projects into two targets"
            return _ask(labels, "conflicting-labels", why, advice)
    return None


def _ask(labels: LabelTable, code: str, why: str, advice: str, ways: tuple[str, ...] = ()) -> Finding:
    """Return the question, where there are any with the values of ``--individuals`` that answer it."""
    candidates = tuple(name for name in _labelled(labels) if name != NOBODY)
    remedies = (Setting("individuals", ways),) if ways else ()
    return question(code, "individuals", why, advice, remedies, candidates, individual_table(labels))


def _say_never_labelled(labels: LabelTable, individuals: set[str] | None, findings: list[Finding]) -> None:
    """Name what has columns and not one label: whole individuals, and single keypoints of the others.

    ``individuals`` are those that are of interest; None: all.
    """
    import numpy as np

    seen = np.any(labels.labelled, axis=0)
    absent, empty = [], []
    for i, individual in enumerate(labels.individuals):
        if individuals is not None and individual not in individuals:
            continue
        if not seen[i].any():
            absent.append(individual)
            continue
        missing = np.flatnonzero(labels.in_header[i] & ~seen[i]).tolist()
        empty += [f"{individual} {labels.keypoint_names[k]}".strip() for k in missing]
    message = "no label in any frame; left out"
    if absent:
        findings.append(Finding(Severity.NOTE, "individual-never-labelled", some(absent, _N_NAMED), message))
    if empty:
        findings.append(Finding(Severity.NOTE, "keypoint-never-labelled", some(empty, _N_NAMED), message))


def _say_left_out(labels: LabelTable, choice: str, taken: set[Column], findings: list[Finding]) -> None:
    """Count the labels of the individuals that were not asked for."""
    chosen = {individual for individual, _ in taken}
    n_labelled = dict(zip(labels.individuals, labels.labelled.sum(axis=(0, 2)).tolist(), strict=True))
    others = {name: n_points for name, n_points in n_labelled.items() if n_points and name not in chosen}
    if others:
        told = some((f"{name or _NO_NAME} {n_points}" for name, n_points in others.items()), _N_NAMED)
        left_out = counted(sum(others.values()), "labelled point is", "labelled points are")
        message = f"{left_out} left out, as --individuals {choice} asks ({told})"
        subject = some([name or _NO_NAME for name in others], _N_NAMED)
        findings.append(Finding(Severity.NOTE, "individuals-left-out", subject, message))


def _position(labels: LabelTable, column: Column) -> tuple[int, int]:
    return labels.individuals.index(column[0]), labels.keypoint_names.index(column[1])


def _pick(labels: LabelTable, by_name: Mapping[str, Iterable[Column]]) -> LabelTable:
    """Return the table of the given columns under their new names; no two of one name are labelled in one frame."""
    import numpy as np

    labelled = labels.labelled
    xy_px: NDArray[np.float64] = np.full((len(labels.frames), 1, len(by_name), 2), np.nan)
    for k, columns in enumerate(by_name.values()):
        for column in columns:
            i, j = _position(labels, column)
            rows = labelled[:, i, j]
            xy_px[rows, 0, k] = labels.xy_px[rows, i, j]
    in_header = np.ones((1, len(by_name)), dtype=np.bool_)
    return LabelTable(labels.scorer, (NOBODY,), tuple(by_name), labels.frames, xy_px, in_header)
