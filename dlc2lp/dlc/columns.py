"""What the columns of a label file mean: whose they are, and where each point has its x, y and likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc2lp.dlc.joining import point_name
from dlc2lp.dlc.table import RawTable, has_no_name
from dlc2lp.errors import DecisionNeeded, UnreadableFile
from dlc2lp.folding import Kept
from dlc2lp.model import Finding, Setting, Severity, question
from dlc2lp.wording import counted, some

_COORDS = ("x", "y", "likelihood")


@dataclass(frozen=True)
class Columns:
    """Where the values of each point stand."""

    #: In the order of the file.
    individuals: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    #: (individual, keypoint) -> position of its ``x``, of its ``y`` and perhaps of its ``likelihood``.
    positions: dict[tuple[str, str], dict[str, int]]
    n_nameless: int  #: Labelled points in columns without a name, which are left out.
    findings: tuple[Finding, ...]  #: What was odd.


def scorers(table: RawTable) -> tuple[str, ...]:
    """Return who labelled, in the file's order; each has a block of columns. Empty if the file has no such level."""
    if "scorer" not in table.levels:
        return ()
    named = [column for column in table.columns if not _is_nameless(table.levels, column)]
    return tuple(dict.fromkeys(_scorer(table.levels, column) for column in named))


def choose_scorer(table: RawTable, scorer: str | None, path: Path) -> str:
    """Return whose block of columns is meant; None: that of the only one. Raises DecisionNeeded for several-scorers."""
    found = scorers(table)
    if scorer in found or not found:
        return scorer or ""
    if scorer is None and len(found) == 1:
        return found[0]
    expected = f"those of {scorer!r}" if scorer else "those of one scorer"
    message = f"found labels of {', '.join(map(repr, found))}, expected {expected}"
    remedies = (Setting("scorer", ("NAME",)),)
    raise DecisionNeeded(question("several-scorers", str(path), message, "choose one with {}", remedies, found))


def arrange_columns(table: RawTable, scorer: str, path: Path) -> Columns:
    """Find the columns of each point.

    Raises UnreadableFile: ``duplicate-keypoint``, a column stands twice; ``no-keypoints``, there is no pair of x and y.
    """
    places: dict[tuple[str, str], dict[str, list[int]]] = {}
    nameless: list[int] = []
    foreign: list[str] = []
    for position, column in enumerate(table.columns):
        cells = dict(zip(table.levels, column, strict=True))
        coord = cells.get("coords", "").strip().lower()
        if _is_nameless(table.levels, column):
            nameless.append(position)
        elif "scorer" in table.levels and _scorer(table.levels, column) != scorer:
            continue
        elif coord not in _COORDS or "bodyparts" not in cells:
            foreign.append(" ".join(column))
        else:
            point = (cells.get("individuals", ""), cells["bodyparts"])
            places.setdefault(point, {}).setdefault(coord, []).append(position)
    _refuse_duplicates(places, path)
    n_lost = _count_x(table, nameless)
    findings = [_without_name(nameless, n_lost, path)] if nameless else []
    incomplete = Kept()
    if foreign:
        columns = counted(len(foreign), "column that is", "columns that are")
        message = f"found {columns} none of x, y and likelihood; left out"
        findings.append(Finding(Severity.WARNING, "foreign-columns", str(path), message, some(foreign)))
    whole: dict[tuple[str, str], dict[str, int]] = {}
    for point, found in places.items():
        if {"x", "y"} <= found.keys():
            whole[point] = {coord: positions[0] for coord, positions in found.items()}
        else:
            incomplete.add(_missing_coordinate(table, point, found, path))
    findings += incomplete.findings
    if not whole:
        advice = "restore the file from a backup, or remove it if it never held labels"
        message = "found no keypoint with columns for x and y, expected at least one"
        raise UnreadableFile(*findings, Finding(Severity.ERROR, "no-keypoints", str(path), message, advice=advice))
    individuals = tuple(dict.fromkeys(individual for individual, _ in whole))
    keypoint_names = tuple(dict.fromkeys(name for _, name in whole))
    return Columns(individuals, keypoint_names, whole, n_lost, tuple(findings))


def _is_nameless(levels: Sequence[str], column: Sequence[str]) -> bool:
    """Whether a column lacks any name but the scorer's, which may be empty in DeepLabCut too."""
    return any(has_no_name(text) for level, text in zip(levels, column, strict=True) if level != "scorer")


def _scorer(levels: Sequence[str], column: Sequence[str]) -> str:
    name = dict(zip(levels, column, strict=True)).get("scorer", "")
    return "" if has_no_name(name) else name


def _refuse_duplicates(places: Mapping[tuple[str, str], Mapping[str, Sequence[int]]], path: Path) -> None:
    repeated = Kept()
    for point, found in places.items():
        for coord, positions in found.items():
            if len(positions) > 1:
                name = f"{point_name(*point)} {coord}"
                message = f"found the column {name!r} {len(positions)} times, expected it once"
                where = "value columns " + some(str(position + 1) for position in positions)
                advice = "delete the wrong one, or rename it if it is another keypoint"
                repeated.add(Finding(Severity.ERROR, "duplicate-keypoint", str(path), message, where, advice))
    if repeated.findings:
        raise UnreadableFile(*repeated.findings)


def _count_x(table: RawTable, nameless: Sequence[int]) -> int:
    """Count the labelled points in columns without a name by their x.

    A column that is not even called x or y holds no points: most are what was once the index.
    """
    coords = [dict(zip(table.levels, column, strict=True)).get("coords", "") for column in table.columns]
    of_x = [i for i in nameless if coords[i].strip().lower() == "x"]
    return int(np.isfinite(table.values[:, of_x]).sum())


def _without_name(nameless: Sequence[int], n_lost: int, path: Path) -> Finding:
    columns = counted(len(nameless), "column without a name that holds", "columns without a name that hold")
    message = f"found {columns} {counted(n_lost, 'labelled point')}; left out"
    where = "value columns " + some(str(position + 1) for position in nameless)
    severity, advice = _by_loss(n_lost, "write the missing names into the header")
    return Finding(severity, "unnamed-columns", str(path), message, where, advice)


def _by_loss(n_lost: int, advice: str) -> tuple[Severity, str]:
    """What is left out is an error, and something is to be done, only where it holds values."""
    return (Severity.ERROR, advice) if n_lost else (Severity.WARNING, "")


def _missing_coordinate(
    table: RawTable, point: tuple[str, str], found: Mapping[str, Sequence[int]], path: Path
) -> Finding:
    positions = [position for at in found.values() for position in at]
    n_values = int(np.isfinite(table.values[:, positions]).sum())
    missing = " and ".join(coord for coord in ("x", "y") if coord not in found)
    lost = f"the keypoint and its {counted(n_values, 'value')} are left out"
    message = f"found {' and '.join(found)} but no column for {missing}; {lost}"
    advice = "name the missing column in the header, or restore the file from a backup"
    severity, advice = _by_loss(n_values, advice)
    return Finding(severity, "missing-coordinate", str(path), message, point_name(*point), advice)
