"""What the rows and columns of a label file mean: :class:`RawTable` -> :class:`LabelTable`.

One set of rules for CSV and HDF5, labels and machine labels. Nothing is decided here: where a file is
ambiguous, what comes back says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.columns import Columns, arrange_columns, choose_scorer
from dlc2lp.dlc.framenames import frame_index, has_image_suffix
from dlc2lp.dlc.joining import RowConflict, merge_rows, point_name
from dlc2lp.dlc.row_names import ImageNames, match_images
from dlc2lp.dlc.table import RawTable
from dlc2lp.model import Finding, FrameRef, LabelTable, Setting, Severity
from dlc2lp.wording import counted, pixels_text, some, spelled


@dataclass(frozen=True)
class Interpreted:
    """A label file with its meaning."""

    labels: LabelTable  #: One row per image, in the file's order. Points are whole: both coordinates or none.
    #: Confidence of each point, shape (F, I, K), NaN where a column is missing; None if the file has none, as a file of
    #: labels should.
    likelihood: NDArray[np.float64] | None
    findings: tuple[Finding, ...]  #: What was odd.
    #: Images with several rows that do not say the same. They are not in ``labels``: somebody must decide.
    conflicts: tuple[RowConflict, ...]
    #: Labelled points of the file that are not in ``labels``: rows without an image, columns without a name, and images
    #: with conflicts. Half points are no labelled points.
    n_left_out: int
    other_folders: Mapping[str, str]  #: Images whose row names another folder than the session, and which.
    #: Names of rows without an image, with the images that each could mean, none of which is certain.
    near_images: Mapping[str, tuple[str, ...]]

    def found_in(self, twin: Path, path: Path) -> Interpreted:
        """Return the same of another file of the same table, whose findings are about that file."""
        findings = (replace(each, subject=str(path)) if each.subject == str(twin) else each for each in self.findings)
        return replace(self, findings=tuple(findings))


def interpret(table: RawTable, *, session: str, scorer: str | None, path: Path, images: Collection[str]) -> Interpreted:
    """Give a label file its meaning.

    Names stay exactly as they are; keypoints and individuals keep the file's order. ``session`` is the folder that the
    file lies in, which is the truth, whatever folder the rows name; ``images`` are the image files in it.
    ``scorer`` and the errors are those of :func:`choose_scorer` and :func:`arrange_columns`.
    """
    scorer = choose_scorer(table, scorer, path)
    columns = arrange_columns(table, scorer, path)
    xy_px, likelihood, in_header = _values(table, columns)
    xy_px, halved = _with_whole_points(xy_px, table, columns, path)
    findings = [*columns.findings, *_dropped(likelihood, path), *halved]
    rows_of, without_image, matched = _rows_by_image(table, images)
    n_without_image = int(np.isfinite(xy_px[without_image]).all(axis=-1).sum())
    other_folders, told = _other_folders(table, rows_of, session, path, images)
    kept, conflicts, n_conflicting = _one_row_per_image(rows_of, xy_px, in_header, columns, session)
    findings += [*_imageless(table, without_image, n_without_image, path), *_bridged(matched, path), *told]
    findings += _row_findings(rows_of, conflicts, path)
    frames = tuple(FrameRef(session, name, frame_index(name)) for name in kept)
    rows = list(kept.values())
    in_order = xy_px if rows == list(range(len(xy_px))) else xy_px[rows]
    labels = LabelTable(scorer, columns.individuals, columns.keypoint_names, frames, in_order, in_header)
    return Interpreted(
        labels=labels,
        likelihood=None if likelihood is None else likelihood[rows],
        findings=tuple(findings),
        conflicts=conflicts,
        n_left_out=columns.n_nameless + n_without_image + n_conflicting,
        other_folders=other_folders,
        near_images=matched.near,
    )


def _values(
    table: RawTable, columns: Columns
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Return xy (R, I, K, 2), the likelihood (R, I, K) if there is any, and which columns there are (I, K).

    What is returned may be the table's own values.
    """
    shape = (len(columns.individuals), len(columns.keypoint_names))
    grid = ((individual, keypoint) for individual in columns.individuals for keypoint in columns.keypoint_names)
    pairs = [{"x": n, "y": n + 1} for n in range(0, table.values.shape[1], 2)]
    if [columns.positions.get(point) for point in grid] == pairs:
        return table.values.reshape(len(table.rows), *shape, 2), None, np.ones(shape, dtype=np.bool_)
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


def _with_whole_points(
    xy_px: NDArray[np.float64], table: RawTable, columns: Columns, path: Path
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Return the points without those that have no place: infinite ones, and those with one coordinate only.

    Lightning Pose 2.4.3 refuses half points, and DeepLabCut does not train on them.
    """
    endless, empty = np.isinf(xy_px), np.isnan(xy_px)
    infinite = endless[..., 0] | endless[..., 1]
    half = (empty[..., 0] != empty[..., 1]) & ~infinite
    findings = []
    for code, what, faulty in (
        ("infinite-value", "with an infinite coordinate", infinite),
        ("half-point", "with only one of x and y", half),
    ):
        if not faulty.any():
            continue
        row, i, k = np.argwhere(faulty)[0].tolist()
        image = table.row_names[row].file_name or f"row {row + 1}"
        where = f"{image}, {point_name(columns.individuals[i], columns.keypoint_names[k])}"
        x, y = xy_px[row, i, k].tolist()
        points = counted(int(faulty.sum()), "point")
        message = (
            f"found {points} {what}, the first with x = {pixels_text(x)}, y = {pixels_text(y)}; taken as not labelled"
        )
        advice = "label again in DeepLabCut what matters"
        findings.append(Finding(Severity.WARNING, code, str(path), message, where, advice))
    return (np.where((infinite | half)[..., None], np.nan, xy_px) if findings else xy_px), findings


def _dropped(likelihood: NDArray[np.float64] | None, path: Path) -> list[Finding]:
    if likelihood is None or not path.name.lower().startswith("collecteddata"):
        return []
    message = "found columns of likelihood, which belong to predictions; they are left out"
    return [Finding(Severity.NOTE, "likelihood-dropped", str(path), message)]


def _rows_by_image(table: RawTable, images: Collection[str]) -> tuple[dict[str, list[int]], list[int], ImageNames]:
    """Group the rows by the image that they mean; return also the rows that name none, and how names were matched."""
    named = [row.file_name for row in table.row_names]
    matched = match_images(named, images)
    rows_of: dict[str, list[int]] = {}
    without: list[int] = []
    for row, name in enumerate(named):
        if name in matched.image_of or has_image_suffix(name):
            rows_of.setdefault(matched.image_of.get(name, name), []).append(row)
        else:
            without.append(row)
    return rows_of, without, matched


def _bridged(matched: ImageNames, path: Path) -> list[Finding]:
    """Tell which rows mean an image that is called otherwise."""
    if not matched.bridged:
        return []
    rows = counted(len(matched.bridged), "row names an image that is", "rows name images that are")
    pairs = some(f"{image} for {name}" for name, image in matched.bridged.items())
    message = f"{rows} called a little otherwise in the folder, where no other can be meant: {pairs}"
    return [Finding(Severity.NOTE, "image-called-otherwise", str(path), message)]


def _imageless(table: RawTable, without: Sequence[int], n_lost: int, path: Path) -> list[Finding]:
    """Tell rows that name no image, with how many labelled points they are left out."""
    if not without:
        return []
    found = f"found {counted(len(without), 'row that names', 'rows that name')} no image"
    first = repr("/".join(table.rows[without[0]]))
    message = f"{found}, such as {first}; left out with {counted(n_lost, 'labelled point')}"
    where = "rows " + some(str(row + 1) for row in without)
    advice = "write the images' names into the first column of the CSV and take it with {}"
    severity = Severity.ERROR if n_lost else Severity.WARNING
    remedies = (Setting("labels", ("csv",)),)
    return [Finding(severity, "row-without-image", str(path), message, where, advice, remedies)]


def _other_folders(
    table: RawTable, rows_of: Mapping[str, Sequence[int]], session: str, path: Path, images: Collection[str]
) -> tuple[dict[str, str], list[Finding]]:
    """Find rows that name another folder: it was renamed, or its labels were copied from another one."""
    own = spelled(session)
    other_folders = {}
    counts: Counter[str] = Counter()
    for name, rows in rows_of.items():
        for row in rows:
            folder = table.row_names[row].folder
            if folder is not None and folder != session and spelled(folder) != own:
                other_folders[name] = folder
                # One whose image is not here may well belong to the folder that it names.
                counts[folder] += name in images
    if not counts.total():
        return other_folders, []
    named = some(f"{folder!r} in {n}" for folder, n in counts.most_common() if n)
    of_all = f"of {counted(len(table.rows), 'row')}"
    found = f"found {counted(counts.total(), f'{of_all} that names', f'{of_all} that name')} another folder ({named})"
    message = f"{found}, expected {session!r}; taken to belong to {session!r}, where the file lies"
    advice = "check that the images in this folder are the ones that were labelled"
    return other_folders, [Finding(Severity.WARNING, "index-names-other-folder", str(path), message, advice=advice)]


def _one_row_per_image(
    rows_of: Mapping[str, Sequence[int]],
    xy_px: NDArray[np.float64],
    in_header: NDArray[np.bool_],
    columns: Columns,
    session: str,
) -> tuple[dict[str, int], tuple[RowConflict, ...], int]:
    """Return the row of each image, the images whose rows differ, and how many labelled points those have."""
    kept: dict[str, int] = {}
    conflicts = []
    n_conflicting = 0
    for name, rows in rows_of.items():
        if len(rows) == 1:
            kept[name] = rows[0]
            continue
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
        findings.append(Finding(Severity.NOTE, "duplicate-row", str(path), message, some(repeated)))
    for conflict in conflicts:
        differ = f"rows of one image that differ in {counted(len(conflict.cells), 'point')}"
        message = f"found {len(rows_of[conflict.file_name])} {differ}: {some(map(str, conflict.cells), between='; ')}"
        place, advice = conflict.file_name, "make its rows say the same"
        findings.append(Finding(Severity.ERROR, "conflicting-rows", str(path), message, place, advice))
    return findings
