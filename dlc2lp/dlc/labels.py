"""What the rows and columns of a label file mean: :class:`RawTable` -> :class:`LabelTable`.

One set of rules for CSV and HDF5, labels and machine labels. Nothing is decided here: where a file is
ambiguous, what comes back says so. The rules for names stand in :mod:`~dlc2lp.dlc.framenames`, those for
several tables in :mod:`~dlc2lp.dlc.joining`; both belong to the interface of this module.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlc2lp.dlc.framenames import (
    FrameName,
    RowName,
    frame_index,
    has_image_suffix,
    is_preview,
    parse_frame_name,
    parse_row,
)
from dlc2lp.dlc.joining import (
    CellConflict,
    Difference,
    RowConflict,
    count_labels,
    join_sessions,
    merge_rows,
    point_name,
    same_values,
    session_headers,
)
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import DecisionNeeded, UnreadableFile
from dlc2lp.model import Finding, FrameRef, LabelTable, Severity
from dlc2lp.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "CellConflict",
    "Difference",
    "FrameName",
    "Interpreted",
    "RowConflict",
    "RowName",
    "count_labels",
    "frame_index",
    "interpret",
    "is_preview",
    "join_sessions",
    "parse_frame_name",
    "parse_row",
    "point_name",
    "same_values",
    "scorers",
    "session_headers",
]

_COORDS = ("x", "y", "likelihood")

#: What pandas calls a column that has no name; it stays where a table was read wrongly and saved
#: (napari-deeplabcut issue #188).
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")

_N_NAMED = 5  # names that a message lists; the others are counted


@dataclass(frozen=True)
class Interpreted:
    """A label file with its meaning.

    Attributes
    ----------
    labels
        One row per image, in the file's order. Points are whole: both coordinates or none.
    likelihood
        Confidence of each point, shape (F, I, K), NaN where a column is missing; None if the file has none,
        as a file of labels should.
    findings
        What was odd.
    conflicts
        Images with several rows that do not say the same. They are not in ``labels``: somebody must decide.
    n_left_out
        Labelled points of the file that are not in ``labels``: rows without an image, columns without a name,
        and images with conflicts. Half points are no labelled points.
    other_folders
        Images whose row names another folder than the session, and which.
    """

    labels: LabelTable
    likelihood: NDArray[np.float64] | None
    findings: tuple[Finding, ...]
    conflicts: tuple[RowConflict, ...]
    n_left_out: int
    other_folders: Mapping[str, str]


@dataclass(frozen=True)
class _Columns:
    """Where the values of each point stand: position of x, of y and perhaps of the likelihood."""

    individuals: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    positions: dict[tuple[str, str], dict[str, int]]


def scorers(table: RawTable) -> tuple[str, ...]:
    """Return who labelled, in the file's order; each has a block of columns. Empty if the file has no such level."""
    if "scorer" not in table.levels:
        return ()
    named = [column for column in table.columns if not _is_nameless(table.levels, column)]
    return tuple(dict.fromkeys(_scorer(table.levels, column) for column in named))


def interpret(table: RawTable, *, session: str, scorer: str | None, path: Path, images: Collection[str]) -> Interpreted:
    """Give a label file its meaning.

    Names stay exactly as they are; keypoints and individuals keep the file's order.

    Parameters
    ----------
    table
        The file's cells.
    session
        Name of the folder that the file lies in. It is the truth, whatever folder the rows name.
    scorer
        Whose block of columns; None for the only one.
    path
        The file, for messages.
    images
        Names of the image files in the folder.

    Raises
    ------
    DecisionNeeded
        ``several-scorers``: the file has several blocks and ``scorer`` names none of them.
    UnreadableFile
        ``duplicate-keypoint``: a column stands twice. ``no-keypoints``: there is no pair of x and y.
    """
    scorer = _choose_scorer(table, scorer, path)
    findings: list[Finding] = []
    columns, n_nameless = _arrange_columns(table, scorer, path, findings)
    xy_px, likelihood, in_header = _values(table, columns)
    if likelihood is not None and path.name.lower().startswith("collecteddata"):
        message = "found columns of likelihood, which belong to predictions; they are left out"
        findings.append(Finding(Severity.NOTE, "likelihood-dropped", str(path), message))
    findings += _make_points_whole(xy_px, table, columns, path)
    rows_of, n_without_image = _rows_by_image(table, xy_px, images, path, findings)
    other_folders = _other_folders(table, rows_of, session, path, findings)
    kept, conflicts, n_conflicting = _one_row_per_image(rows_of, xy_px, in_header, columns, session)
    findings += _row_findings(rows_of, conflicts, path)
    labels = LabelTable(
        scorer=scorer,
        individuals=columns.individuals,
        keypoint_names=columns.keypoint_names,
        frames=tuple(FrameRef(session, name, frame_index(name)) for name in kept),
        xy_px=xy_px[list(kept.values())],
        in_header=in_header,
    )
    return Interpreted(
        labels=labels,
        likelihood=None if likelihood is None else likelihood[list(kept.values())],
        findings=tuple(findings),
        conflicts=conflicts,
        n_left_out=n_nameless + n_without_image + n_conflicting,
        other_folders=other_folders,
    )


def _has_no_name(text: str) -> bool:
    return not text.strip() or _UNNAMED.fullmatch(text.strip()) is not None


def _is_nameless(levels: Sequence[str], column: Sequence[str]) -> bool:
    """Whether a column lacks any name but the scorer's, which may be empty in DeepLabCut too."""
    return any(_has_no_name(text) for level, text in zip(levels, column, strict=True) if level != "scorer")


def _scorer(levels: Sequence[str], column: Sequence[str]) -> str:
    name = dict(zip(levels, column, strict=True)).get("scorer", "")
    return "" if _has_no_name(name) else name


def _choose_scorer(table: RawTable, scorer: str | None, path: Path) -> str:
    found = scorers(table)
    if scorer in found or not found:
        return scorer or ""
    if scorer is None and len(found) == 1:
        return found[0]
    raise DecisionNeeded.of(
        "several-scorers",
        str(path),
        f"found labels of {', '.join(map(repr, found))}, expected "
        + (f"those of {scorer!r}" if scorer else "those of one scorer"),
        advice="choose one with --scorer NAME",
    )


def _arrange_columns(table: RawTable, scorer: str, path: Path, findings: list[Finding]) -> tuple[_Columns, int]:
    """Find the columns of each point; return also how many labelled points stand in columns without a name."""
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
    n_lost = _tell_nameless(table, nameless, path, findings)
    if foreign:
        columns = counted(len(foreign), "column that is", "columns that are")
        message = f"found {columns} none of x, y and likelihood; left out"
        findings.append(Finding(Severity.WARNING, "foreign-columns", str(path), message, _few(foreign)))
    whole: dict[tuple[str, str], dict[str, int]] = {}
    for point, found in places.items():
        if {"x", "y"} <= found.keys():
            whole[point] = {coord: positions[0] for coord, positions in found.items()}
        else:
            findings.append(_missing_coordinate(table, point, found, path))
    if not whole:
        advice = "restore the file from a backup, or remove it if it never held labels"
        message = "found no keypoint with columns for x and y, expected at least one"
        raise UnreadableFile(*findings, Finding(Severity.ERROR, "no-keypoints", str(path), message, advice=advice))
    individuals = tuple(dict.fromkeys(individual for individual, _ in whole))
    return _Columns(individuals, tuple(dict.fromkeys(name for _, name in whole)), whole), n_lost


def _refuse_duplicates(places: Mapping[tuple[str, str], Mapping[str, Sequence[int]]], path: Path) -> None:
    repeated = [
        (f"{point_name(*point)} {coord}", positions)
        for point, found in places.items()
        for coord, positions in found.items()
        if len(positions) > 1
    ]
    if repeated:
        raise UnreadableFile(
            *(
                Finding(
                    Severity.ERROR,
                    "duplicate-keypoint",
                    str(path),
                    f"found the column {name!r} {len(positions)} times, expected it once",
                    "value columns " + ", ".join(str(position + 1) for position in positions),
                    "delete the wrong one, or rename it if it is another keypoint",
                )
                for name, positions in repeated
            )
        )


def _tell_nameless(table: RawTable, nameless: Sequence[int], path: Path, findings: list[Finding]) -> int:
    """Report columns without a name; return how many labelled points are lost with them, counted by their x.

    A column that is not even called x or y holds no points: most are what was once the index.
    """
    import numpy as np

    if not nameless:
        return 0
    coords = [dict(zip(table.levels, column, strict=True)).get("coords", "") for column in table.columns]
    of_x = [i for i in nameless if coords[i].strip().lower() == "x"]
    n_lost = int(np.isfinite(table.values[:, of_x]).sum())
    findings.append(
        Finding(
            Severity.ERROR if n_lost else Severity.WARNING,
            "unnamed-columns",
            str(path),
            f"found {counted(len(nameless), 'column without a name that holds', 'columns without a name that hold')} "
            f"{counted(n_lost, 'labelled point')}; left out",
            "value columns " + _few([str(position + 1) for position in nameless]),
            "write the missing names into the header" if n_lost else "",
        )
    )
    return n_lost


def _missing_coordinate(
    table: RawTable, point: tuple[str, str], found: Mapping[str, Sequence[int]], path: Path
) -> Finding:
    import numpy as np

    positions = [position for at in found.values() for position in at]
    n_values = int(np.isfinite(table.values[:, positions]).sum())
    missing = " and ".join(coord for coord in ("x", "y") if coord not in found)
    return Finding(
        Severity.ERROR if n_values else Severity.WARNING,
        "missing-coordinate",
        str(path),
        f"found {' and '.join(found)} but no column for {missing}; the keypoint and its "
        f"{counted(n_values, 'value')} are left out",
        point_name(*point),
        "label the keypoint again in DeepLabCut, or restore the file from a backup" if n_values else "",
    )


def _values(
    table: RawTable, columns: _Columns
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Return xy (R, I, K, 2), the likelihood (R, I, K) if there is any, and which columns there are (I, K)."""
    import numpy as np

    shape = (len(columns.individuals), len(columns.keypoint_names))
    xy_px = np.full((len(table.rows), *shape, 2), np.nan)
    likelihood = np.full((len(table.rows), *shape), np.nan)
    in_header = np.zeros(shape, dtype=np.bool_)
    for (individual, keypoint), position in columns.positions.items():
        at = (columns.individuals.index(individual), columns.keypoint_names.index(keypoint))
        in_header[at] = True
        xy_px[:, *at, 0] = table.values[:, position["x"]]
        xy_px[:, *at, 1] = table.values[:, position["y"]]
        if "likelihood" in position:
            likelihood[:, *at] = table.values[:, position["likelihood"]]
    any_likelihood = any("likelihood" in position for position in columns.positions.values())
    return xy_px, likelihood if any_likelihood else None, in_header


def _make_points_whole(xy_px: NDArray[np.float64], table: RawTable, columns: _Columns, path: Path) -> list[Finding]:
    """Empty the points that have no place: infinite ones, and those with one coordinate only.

    Lightning Pose 2.4.3 refuses half points, and DeepLabCut does not train on them.
    """
    import numpy as np

    infinite = np.isinf(xy_px).any(axis=-1)
    half = (np.isnan(xy_px).sum(axis=-1) == 1) & ~infinite
    findings = []
    for code, what, faulty in (
        ("infinite-value", "with an infinite coordinate", infinite),
        ("half-point", "with only one of x and y", half),
    ):
        if not faulty.any():
            continue
        row, i, k = np.argwhere(faulty)[0].tolist()
        image = parse_row(table.rows[row]).file_name or f"row {row + 1}"
        where = f"{image}, {point_name(columns.individuals[i], columns.keypoint_names[k])}"
        found = ", ".join(f"{coord} = {value!r}" for coord, value in zip("xy", xy_px[row, i, k].tolist(), strict=True))
        findings.append(
            Finding(
                Severity.WARNING,
                code,
                str(path),
                f"found {counted(int(faulty.sum()), 'point')} {what}, the first with {found}; taken as not labelled",
                where,
                "label again in DeepLabCut what matters",
            )
        )
    xy_px[infinite | half] = np.nan
    return findings


def _rows_by_image(
    table: RawTable, xy_px: NDArray[np.float64], images: Collection[str], path: Path, findings: list[Finding]
) -> tuple[dict[str, list[int]], int]:
    """Group the rows by the image that they name; return also how many labelled points stand in other rows."""
    import numpy as np

    # macOS stores "é" as two characters and an index written there names it so; Linux then holds another
    # name.
    composed = {unicodedata.normalize("NFC", name): name for name in images}
    rows_of: dict[str, list[int]] = {}
    without: list[int] = []
    for row, cells in enumerate(table.rows):
        name = parse_row(cells).file_name
        if name not in images:
            name = composed.get(unicodedata.normalize("NFC", name), name)
        if name in images or has_image_suffix(name):
            rows_of.setdefault(name, []).append(row)
        else:
            without.append(row)
    if not without:
        return rows_of, 0
    n_lost = int(np.isfinite(xy_px[without]).all(axis=-1).sum())
    findings.append(
        Finding(
            Severity.ERROR if n_lost else Severity.WARNING,
            "row-without-image",
            str(path),
            f"found {counted(len(without), 'row that names', 'rows that name')} no image, such as "
            f"{'/'.join(table.rows[without[0]])!r}; left out with {counted(n_lost, 'labelled point')}",
            "rows " + _few([str(row + 1) for row in without]),
            "write the images' names into the first column of the CSV and take it with --labels csv",
        )
    )
    return rows_of, n_lost


def _other_folders(
    table: RawTable, rows_of: Mapping[str, Sequence[int]], session: str, path: Path, findings: list[Finding]
) -> dict[str, str]:
    """Find rows that name another folder: it was renamed, or its labels were copied from another one."""
    own = unicodedata.normalize("NFC", session)
    other_folders = {}
    counts: Counter[str] = Counter()
    for name, rows in rows_of.items():
        for row in rows:
            folder = parse_row(table.rows[row]).folder
            if folder is not None and unicodedata.normalize("NFC", folder) != own:
                other_folders[name] = folder
                counts[folder] += 1
    if counts:
        named = _few([f"{folder!r} in {n}" for folder, n in counts.most_common()])
        of_all = f"of {counted(len(table.rows), 'row')}"
        findings.append(
            Finding(
                Severity.WARNING,
                "index-names-other-folder",
                str(path),
                f"found {counted(counts.total(), f'{of_all} that names', f'{of_all} that name')} another folder "
                f"({named}), expected {session!r}; taken to belong to {session!r}, where the file lies",
                advice="check that the images in this folder are the ones that were labelled",
            )
        )
    return other_folders


def _one_row_per_image(
    rows_of: Mapping[str, Sequence[int]],
    xy_px: NDArray[np.float64],
    in_header: NDArray[np.bool_],
    columns: _Columns,
    session: str,
) -> tuple[dict[str, int], tuple[RowConflict, ...], int]:
    """Return the row of each image, the images whose rows differ, and how many labelled points those have."""
    import numpy as np

    kept: dict[str, int] = {}
    conflicts = []
    n_conflicting = 0
    for name, rows in rows_of.items():
        several = xy_px[list(rows)]
        headers = np.broadcast_to(in_header, several.shape[:-1])
        _, cells = merge_rows(several, headers, columns.individuals, columns.keypoint_names)
        labelled: NDArray[np.bool_] = np.asarray(np.isfinite(several).all(axis=-1))
        if cells:
            conflicts.append(RowConflict(session, name, cells))
            n_conflicting += int(labelled.any(axis=0).sum())
        else:
            # All rows with labels are equal: the first of them, or the first of all where none has any.
            kept[name] = rows[int(labelled.any(axis=(1, 2)).argmax())]
    return kept, tuple(conflicts), n_conflicting


def _row_findings(rows_of: Mapping[str, Sequence[int]], conflicts: Sequence[RowConflict], path: Path) -> list[Finding]:
    findings = []
    in_conflict = {conflict.file_name for conflict in conflicts}
    repeated = [name for name, rows in rows_of.items() if len(rows) > 1 and name not in in_conflict]
    if repeated:
        message = f"found {counted(len(repeated), 'image')} with several rows of equal labels; each becomes one row"
        findings.append(Finding(Severity.NOTE, "duplicate-row", str(path), message, _few(repeated)))
    findings += (
        Finding(
            Severity.ERROR,
            "conflicting-rows",
            str(path),
            f"found {len(rows_of[conflict.file_name])} rows of one image that differ in "
            f"{counted(len(conflict.cells), 'point')}: {'; '.join(map(str, conflict.cells))}",
            conflict.file_name,
            "delete the wrong row",
        )
        for conflict in conflicts
    )
    return findings


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_N_NAMED]) + (f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else "")
