"""The meaning of rows and columns, from real CSV files and from tables as HDF5 gives them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.columns import scorers
from dlc2lp.dlc.csvfile import read_csv_labels
from dlc2lp.dlc.joining import count_labels
from dlc2lp.dlc.labels import Interpreted, interpret
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import DecisionNeeded, UnreadableFile
from dlc2lp.model import FrameRef, Severity

NAN = math.nan


def make_table(
    columns: list[tuple[str, ...]], rows: dict[str, list[float]] | list[tuple[str, list[float]]]
) -> RawTable:
    levels = {2: ("bodyparts", "coords"), 3: ("scorer", "bodyparts", "coords")}.get(
        len(columns[0]), ("scorer", "individuals", "bodyparts", "coords")
    )
    pairs = list(rows.items()) if isinstance(rows, dict) else rows
    values = np.array([values for _, values in pairs], dtype=float).reshape(len(pairs), len(columns))
    return RawTable(levels, tuple(columns), tuple((name,) for name, _ in pairs), values)


def single(*keypoints: str, scorer: str = "Jane", coords: tuple[str, ...] = ("x", "y")) -> list[tuple[str, ...]]:
    return [(scorer, keypoint, coord) for keypoint in keypoints for coord in coords]


def meaning(
    table: RawTable, *, images: Collection[str] = (), scorer: str | None = None, name: str = "CollectedData_Jane.h5"
) -> Interpreted:
    return interpret(table, session="v", scorer=scorer, path=Path("labeled-data", "v", name), images=images)


def from_csv(folder: Path, text: str, *, images: tuple[str, ...] = (), scorer: str | None = None) -> Interpreted:
    folder = folder / "v"
    folder.mkdir(exist_ok=True)
    path = folder / "CollectedData_Jane.csv"
    path.write_text(text, encoding="utf-8")
    return interpret(read_csv_labels(path).table, session="v", scorer=scorer, path=path, images=images)


def codes(interpreted: Interpreted) -> list[str]:
    return [finding.code for finding in interpreted.findings]


# ----------------------------------------------------------------------------------------------------------------
# shape


def test_single_animal(tmp_path: Path) -> None:
    found = from_csv(
        tmp_path,
        "scorer,,,Jane,Jane,Jane,Jane\nbodyparts,,,snout,snout,tail,tail\ncoords,,,x,y,x,y\n"
        "labeled-data,v,img07.png,1.5,2,3,4\nlabeled-data,v,img00.png,,,5,6\n",
    )
    labels = found.labels
    assert (labels.scorer, labels.individuals, labels.keypoint_names) == ("Jane", ("",), ("snout", "tail"))
    assert labels.frames == (FrameRef("v", "img07.png", 7), FrameRef("v", "img00.png", 0))
    np.testing.assert_array_equal(labels.xy_px, [[[[1.5, 2], [3, 4]]], [[[NAN, NAN], [5, 6]]]])
    assert labels.in_header.all()
    assert (found.likelihood, found.findings, found.conflicts, found.n_left_out) == (None, (), (), 0)
    assert count_labels(labels) == 3


def test_multi_animal_with_unique_keypoints_first() -> None:
    columns = [("J", who, part, c) for who, part in [("single", "led"), ("m1", "snout"), ("m2", "snout")] for c in "xy"]
    labels = meaning(make_table(columns, {"img0.png": [1, 2, 3, 4, NAN, NAN]})).labels
    assert labels.individuals == ("single", "m1", "m2")
    assert labels.keypoint_names == ("led", "snout")
    np.testing.assert_array_equal(labels.in_header, [[True, False], [False, True], [False, True]])
    np.testing.assert_array_equal(labels.xy_px[0, 0], [[1, 2], [NAN, NAN]])
    np.testing.assert_array_equal(labels.xy_px[0, 1], [[NAN, NAN], [3, 4]])
    assert np.isnan(labels.xy_px[0, 2]).all()
    assert count_labels(labels) == 2


def test_columns_in_any_order() -> None:
    columns = [("J", "tail", "y"), ("J", "snout", "x"), ("J", "tail", "x"), ("J", "snout", "y")]
    labels = meaning(make_table(columns, {"img0.png": [4, 1, 3, 2]})).labels
    assert labels.keypoint_names == ("tail", "snout")
    np.testing.assert_array_equal(labels.xy_px[0, 0], [[3, 4], [1, 2]])


def test_names_stay_as_they_are() -> None:
    labels = meaning(make_table(single("snout ", "snout", "Snout", "1"), {"img0.png": [1.0] * 8})).labels
    assert labels.keypoint_names == ("snout ", "snout", "Snout", "1")


def test_no_rows() -> None:
    found = meaning(make_table(single("snout"), {}))
    assert found.labels.xy_px.shape == (0, 1, 1, 2)
    assert found.labels.frames == ()


def test_table_without_scorer() -> None:
    table = make_table([("snout", "x"), ("snout", "y")], {"img0.png": [1, 2]})
    assert scorers(table) == ()
    assert meaning(table).labels.scorer == ""
    assert meaning(table, scorer="Jane").labels.scorer == "Jane"


# --------------------------------------------------------------------------------------------------------------
# scorers


def test_several_scorers() -> None:
    table = make_table(single("snout", scorer="Bob") + single("snout", scorer="Anna"), {"img0.png": [1, 2, 3, 4]})
    assert scorers(table) == ("Bob", "Anna")
    labels = meaning(table, scorer="Anna").labels
    assert labels.scorer == "Anna"
    np.testing.assert_array_equal(labels.xy_px[0, 0], [[3, 4]])
    for wanted in (None, "Carl"):
        with pytest.raises(DecisionNeeded) as caught:
            meaning(table, scorer=wanted)
        assert "'Bob', 'Anna'" in caught.value.findings[0].message
        assert "--scorer" in caught.value.findings[0].hint


def test_empty_scorer_is_a_scorer() -> None:
    for name in ("", "Unnamed: 3_level_0"):
        table = make_table(single("snout", scorer=name), {"img0.png": [1, 2]})
        assert scorers(table) == ("",)
        assert meaning(table).labels.scorer == ""


# --------------------------------------------------------------------------------------------------------------
# columns


def test_likelihood_is_split_off() -> None:
    columns = single("snout", coords=("x", "y", "likelihood")) + single("tail")
    table = make_table(columns, {"img0.png": [1, 2, 0.5, 3, 4]})
    found = meaning(table, name="machinelabels-iter0.h5")
    assert found.likelihood is not None
    np.testing.assert_array_equal(found.likelihood, [[[0.5, NAN]]])
    np.testing.assert_array_equal(found.labels.xy_px[0, 0], [[1, 2], [3, 4]])
    assert codes(found) == []
    assert codes(meaning(table)) == ["likelihood-dropped"]


def test_duplicate_columns_are_refused_with_their_names(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        from_csv(
            tmp_path,
            "scorer,J,J,J,J,J\nbodyparts,snout,snout,tail,snout,snout\ncoords,x,y,x,x,y\nimg0.png,1,2,3,1,2\n",
        )
    assert [finding.code for finding in caught.value.findings] == ["duplicate-keypoint"] * 2
    assert "'snout x' 2 times" in caught.value.findings[0].message
    assert caught.value.findings[0].where == "value columns 1, 4"


def test_the_same_keypoint_of_two_scorers_or_animals_is_no_duplicate() -> None:
    table = make_table(single("snout", scorer="A") + single("snout", scorer="B"), {"img0.png": [1, 2, 3, 4]})
    assert count_labels(meaning(table, scorer="A").labels) == 1
    animals = make_table([("J", who, "snout", c) for who in ("m1", "m2") for c in "xy"], {"img0.png": [1, 2, 3, 4]})
    assert count_labels(meaning(animals).labels) == 2


@pytest.mark.parametrize(("values", "severity"), [([1, 2, 3], Severity.ERROR), ([1, 2, NAN], Severity.WARNING)])
def test_missing_coordinate(values: list[float], severity: Severity) -> None:
    found = meaning(make_table([*single("snout"), ("Jane", "tail", "x")], {"img0.png": values}))
    assert found.labels.keypoint_names == ("snout",)
    assert [(f.code, f.severity, f.where) for f in found.findings] == [("missing-coordinate", severity, "tail")]


def test_nothing_but_halves() -> None:
    with pytest.raises(UnreadableFile) as caught:
        meaning(make_table([("Jane", "tail", "x")], {"img0.png": [1]}))
    assert [finding.code for finding in caught.value.findings] == ["missing-coordinate", "no-keypoints"]


@pytest.mark.parametrize("name", ["", " ", "Unnamed: 5_level_1"])
def test_columns_without_a_name(name: str) -> None:
    columns = single("snout") + single(name)
    empty = meaning(make_table(columns, {"img0.png": [1, 2, NAN, NAN]}))
    assert empty.labels.keypoint_names == ("snout",)
    assert [(f.code, f.severity) for f in empty.findings] == [("unnamed-columns", Severity.WARNING)]
    assert empty.n_left_out == 0
    filled = meaning(make_table(columns, {"img0.png": [1, 2, 3, 4], "img1.png": [1, 2, 5, 6]}))
    assert [(f.code, f.severity) for f in filled.findings] == [("unnamed-columns", Severity.ERROR)]
    assert filled.n_left_out == 2
    assert "2 labelled points" in filled.findings[0].message
    assert filled.findings[0].where == "value columns 3, 4"
    assert filled.findings[0].hint
    assert not empty.findings[0].hint


def test_a_wholly_unnamed_column_is_no_scorer() -> None:
    table = make_table([*single("snout"), ("Unnamed: 1_level_0",) * 3], {"img0.png": [1, 2, 7]})
    assert scorers(table) == ("Jane",)
    assert codes(meaning(table)) == ["unnamed-columns"]


def test_foreign_columns() -> None:
    found = meaning(make_table([*single("snout"), ("Jane", "snout", "z")], {"img0.png": [1, 2, 7]}))
    assert codes(found) == ["foreign-columns"]
    assert "1 column " in found.findings[0].message
    assert found.findings[0].where == "Jane snout z"
    assert found.labels.keypoint_names == ("snout",)


def test_findings_of_a_file_that_was_read_as_its_twin_name_that_file() -> None:
    table = make_table([*single("snout"), ("Jane", "snout", "z")], {"img0.png": [1, 2, 7]})
    csv, hdf = Path("CollectedData_Jane.csv"), Path("CollectedData_Jane.h5")
    found = interpret(table, session="v", scorer=None, path=hdf, images=())
    assert [each.subject for each in found.findings] == [str(hdf)]
    assert [each.subject for each in found.found_in(hdf, csv).findings] == [str(csv)]
    assert found.found_in(csv, hdf).findings == found.findings


# ---------------------------------------------------------------------------------------------------------------
# points


def test_half_points_become_empty() -> None:
    found = meaning(make_table(single("snout", "tail"), {"img3.png": [1, 2, 3, 4], "img4.png": [5, NAN, NAN, 6]}))
    np.testing.assert_array_equal(found.labels.xy_px[1], np.full((1, 2, 2), NAN))
    assert codes(found) == ["half-point"]
    finding = found.findings[0]
    assert finding.where == "img4.png, snout"
    assert finding.message.startswith("found 2 points with only one of x and y, the first with x = 5.0, y = nothing")
    assert count_labels(found.labels) == 2


def test_infinite_values_become_empty() -> None:
    found = meaning(make_table(single("snout", "tail"), {"img3.png": [math.inf, 2, 3, 4]}))
    assert codes(found) == ["infinite-value"]
    assert np.isnan(found.labels.xy_px[0, 0, 0]).all()
    assert count_labels(found.labels) == 1


def test_zero_and_negative_coordinates_stay() -> None:
    found = meaning(make_table(single("snout", "tail"), {"img3.png": [0, 0, -3.2, -0.0]}))
    assert count_labels(found.labels) == 2
    assert found.findings == ()


# -----------------------------------------------------------------------------------------------------------------
# rows


def test_rows_of_another_folder_are_taken_with_one_warning(tmp_path: Path) -> None:
    head = "scorer,,,J,J\nbodyparts,,,s,s\ncoords,,,x,y\n"
    rows = "labeled-data,v,img0.png,1,2\nlabeled-data,w,img1.png,3,4\nlabeled-data,w,img2.png,5,6\n"
    found = from_csv(tmp_path, head + rows, images=("img0.png", "img1.png", "img2.png"))
    assert len(found.labels.frames) == 3
    assert {frame.session for frame in found.labels.frames} == {"v"}
    assert codes(found) == ["index-names-other-folder"]
    assert found.findings[0].severity is Severity.WARNING
    assert "2 of 3 rows" in found.findings[0].message
    assert "'w' in 2" in found.findings[0].message
    assert found.other_folders == {"img1.png": "w", "img2.png": "w"}


def test_rows_without_a_folder_name_no_other_one() -> None:
    assert codes(meaning(make_table(single("s"), {"img0.png": [1, 2]}))) == []


def test_mangled_rows_are_left_out_and_their_labels_counted() -> None:
    rows = [("labeled_mice/proj/", [1, 2, 3, 4]), ("labeled-data/v/img1.png", [1, 2, 3, 4]), ("", [1, 2, NAN, NAN])]
    found = meaning(make_table(single("s", "t"), rows))
    assert [frame.file_name for frame in found.labels.frames] == ["img1.png"]
    assert [(f.code, f.severity) for f in found.findings] == [("row-without-image", Severity.ERROR)]
    assert "--labels csv" in found.findings[0].hint
    assert "2 rows" in found.findings[0].message
    assert "3 labelled points" in found.findings[0].message
    assert found.findings[0].where == "rows 1, 3"
    assert found.n_left_out == 3


def test_a_name_without_suffix_is_an_image_if_it_is_there() -> None:
    table = make_table(single("s"), {"labeled-data/v/frame7": [1, 2]})
    assert meaning(table, images=["frame7"]).labels.frames == (FrameRef("v", "frame7", 7),)
    assert codes(meaning(table)) == ["row-without-image"]


def test_a_missing_image_keeps_its_row() -> None:
    """Whether the image is there is for the survey to say, which knows all folders."""
    found = meaning(make_table(single("s"), {"img0.png": [1, 2]}), images=["img1.png"])
    assert [frame.file_name for frame in found.labels.frames] == ["img0.png"]


def test_accents_of_macos() -> None:
    decomposed, composed = (unicodedata.normalize(form, "souris é 1.png") for form in ("NFD", "NFC"))
    assert decomposed != composed
    found = meaning(make_table(single("s"), {decomposed: [1, 2]}), images=[composed])
    assert found.labels.frames[0].file_name == composed


def test_equal_rows_of_one_image_are_one() -> None:
    rows = [("img0.png", [1, 2, NAN, NAN]), ("img1.png", [3, 4, 5, 6]), ("labeled-data/v/img0.png", [1, 2, NAN, NAN])]
    found = meaning(make_table(single("s", "t"), rows))
    assert [frame.file_name for frame in found.labels.frames] == ["img0.png", "img1.png"]
    assert codes(found) == ["duplicate-row"]
    assert found.findings[0].severity is Severity.NOTE
    assert found.n_left_out == 0


def test_a_row_without_labels_contradicts_nothing() -> None:
    rows = [("img0.png", [NAN] * 3), ("img0.png", [1, 2, 0.9]), ("img0.png", [NAN] * 3)]
    found = meaning(make_table(single("s", coords=("x", "y", "likelihood")), rows))
    np.testing.assert_array_equal(found.labels.xy_px, [[[[1, 2]]]])
    np.testing.assert_array_equal(found.likelihood, [[[0.9]]])
    assert found.conflicts == ()


@pytest.mark.parametrize("other", [[1, 2, 3, 5], [1, 2, NAN, NAN]], ids=["moved", "emptied"])
def test_differing_rows_of_one_image_are_a_conflict(other: list[float]) -> None:
    rows = [("img0.png", [1, 2, 3, 4]), ("img1.png", [5, 6, 7, 8]), ("img0.png", other)]
    found = meaning(make_table(single("s", "t"), rows))
    assert [frame.file_name for frame in found.labels.frames] == ["img1.png"]
    assert [(f.code, f.severity) for f in found.findings] == [("conflicting-rows", Severity.ERROR)]
    (conflict,) = found.conflicts
    (cell,) = conflict.cells
    assert (conflict.session, conflict.file_name, cell.keypoint_name, cell.xy_px) == ("v", "img0.png", "t", (3.0, 4.0))
    np.testing.assert_array_equal(cell.other_xy_px, other[2:])
    assert "t (3.0, 4.0) and " in found.findings[0].message
    assert found.findings[0].where == "img0.png"
    assert found.n_left_out == 2


def test_every_differing_point_is_told() -> None:
    rows = [("img0.png", [1, 2, 3, 4, 5, 6]), ("img0.png", [1, 2, 9, 4, NAN, NAN]), ("img0.png", [0, 2, 3, 4, 5, 6])]
    found = meaning(make_table(single("s", "t", "u"), rows))
    assert [str(cell) for cell in found.conflicts[0].cells] == [
        "t (3.0, 4.0) and (9.0, 4.0)",
        "u (5.0, 6.0) and empty",
        "s (1.0, 2.0) and (0.0, 2.0)",
    ]
    assert "3 rows of one image that differ in 3 points" in found.findings[0].message
    assert all(str(cell) in found.findings[0].message for cell in found.conflicts[0].cells)
    assert (found.n_left_out, count_labels(found.labels)) == (3, 0)


def test_rows_that_differ_in_another_scorers_block_do_not_conflict() -> None:
    table = make_table(
        single("s", scorer="A") + single("s", scorer="B"), [("img0.png", [1, 2, 3, 4]), ("img0.png", [1, 2, 9, 9])]
    )
    assert meaning(table, scorer="A").conflicts == ()
    assert len(meaning(table, scorer="B").conflicts) == 1


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["img0.png", "labeled-data/w/img0.png", "img1.png", "img02.png", "labeled_x/p/", ""]),
            st.lists(st.sampled_from([1.0, 2.0, NAN, math.inf]), min_size=4, max_size=4),
        ),
        max_size=7,
    )
)
def test_no_labelled_point_gets_lost_uncounted(rows: list[tuple[str, list[float]]]) -> None:
    """Each image's labelled points are in the table or counted as left out; none appears from nowhere."""
    found = meaning(make_table(single("s", "t"), rows))
    expected = 0
    seen: dict[str, set[int]] = {}
    for name, values in rows:
        whole = {k for k in range(2) if all(map(math.isfinite, values[2 * k : 2 * k + 2]))}
        if name.endswith(".png"):
            seen.setdefault(name.rpartition("/")[2], set()).update(whole)
        else:
            expected += len(whole)
    expected += sum(map(len, seen.values()))
    assert count_labels(found.labels) + found.n_left_out == expected
    assert {f.file_name for f in found.labels.frames} | {c.file_name for c in found.conflicts} == set(seen)


def test_real_file(openfield: Path) -> None:
    folder = openfield / "labeled-data" / "m4s1"
    path = folder / "CollectedData_Pranav.csv"
    images = [image.name for image in folder.glob("*.png")]
    found = interpret(read_csv_labels(path).table, session="m4s1", scorer="Pranav", path=path, images=images)
    assert found.findings == ()
    assert found.labels.keypoint_names == ("snout", "leftear", "rightear", "tailbase")
    assert [frame.frame_index for frame in found.labels.frames] == list(range(116))
    assert sorted(frame.file_name for frame in found.labels.frames) == sorted(images)
