"""CSV label files of every kind, written as real files and read back cell by cell."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from csv_labels import read
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.csvfile import CsvLabels, read_csv_labels
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Severity

FLAT = """scorer,Jane,Jane,Jane,Jane
bodyparts,snout,snout,tail,tail
coords,x,y,x,y
labeled-data/m4s1/img00.png,21.521,265.428,33.819,265.941
labeled-data/m4s1/img07.png,,,250.05599999999998,87.11
"""
THREE = """scorer,,,Jane,Jane,Jane,Jane
bodyparts,,,snout,snout,tail,tail
coords,,,x,y,x,y
labeled-data,m4s1,img00.png,21.521,265.428,33.819,265.941
labeled-data,m4s1,img07.png,,,250.05599999999998,87.11
"""
VALUES = [[21.521, 265.428, 33.819, 265.941], [math.nan, math.nan, 250.05599999999998, 87.11]]
COLUMNS = (("Jane", "snout", "x"), ("Jane", "snout", "y"), ("Jane", "tail", "x"), ("Jane", "tail", "y"))


def refused(folder: Path, content: str | bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(folder, content)
    assert all(finding.subject == str(folder / "CollectedData_Jane.csv") for finding in caught.value.findings)
    return caught.value


def codes(labels: CsvLabels) -> list[str]:
    return [finding.code for finding in labels.findings]


def assert_values(labels: CsvLabels, expected: object) -> None:
    np.testing.assert_array_equal(labels.table.values, np.array(expected, dtype=float))


# ----------------------------------------------------------------------------------------------------------
# layouts


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (FLAT, (("labeled-data/m4s1/img00.png",), ("labeled-data/m4s1/img07.png",))),
        (THREE, (("labeled-data", "m4s1", "img00.png"), ("labeled-data", "m4s1", "img07.png"))),
        (FLAT.replace("labeled-data/m4s1/", ""), (("img00.png",), ("img07.png",))),
        (
            FLAT.replace("labeled-data/m4s1/", "labeled-data\\m4s1\\"),
            (("labeled-data\\m4s1\\img00.png",), ("labeled-data\\m4s1\\img07.png",)),
        ),
    ],
    ids=["flat", "three", "name-only", "windows"],
)
def test_layouts(tmp_path: Path, text: str, rows: tuple[tuple[str, ...], ...]) -> None:
    labels = read(tmp_path, text)
    assert labels.table.levels == ("scorer", "bodyparts", "coords")
    assert labels.table.columns == COLUMNS
    assert labels.table.rows == rows
    assert_values(labels, VALUES)
    assert labels.findings == ()


def test_multi_animal_header(tmp_path: Path) -> None:
    labels = read(
        tmp_path,
        "scorer,,,J,J,J,J\nindividuals,,,single,single,m1,m1\nbodyparts,,,led,led,snout,snout\n"
        "coords,,,x,y,x,y\nlabeled-data,v,img0.png,1,2,3,4\n",
    )
    assert labels.table.levels == ("scorer", "individuals", "bodyparts", "coords")
    assert labels.table.columns[1:3] == (("J", "single", "led", "y"), ("J", "m1", "snout", "x"))
    assert_values(labels, [[1, 2, 3, 4]])


@pytest.mark.parametrize("individuals", [False, True])
def test_header_without_scorer(tmp_path: Path, individuals: bool) -> None:
    header = "individuals,m1,m1\n" if individuals else ""
    labels = read(tmp_path, header + "bodyparts,snout,snout\ncoords,x,y\nimg0.png,1,2\n")
    assert labels.table.levels == (("individuals",) if individuals else ()) + ("bodyparts", "coords")
    assert_values(labels, [[1, 2]])


def test_header_names_in_any_case(tmp_path: Path) -> None:
    text = FLAT.replace("scorer", "Scorer").replace("coords", " Coords").replace("bodyparts", "BODYPARTS")
    assert read(tmp_path, text).table.levels == ("scorer", "bodyparts", "coords")


def test_an_individual_is_no_scorer_whatever_the_case_of_its_level(tmp_path: Path) -> None:
    labels = read(tmp_path, "Individuals,m1,m1\nBodyparts,snout,snout\nCoords,x,y\nimg0.png,1,2\n")
    assert labels.table.levels == ("individuals", "bodyparts", "coords")
    assert labels.table.columns == (("m1", "snout", "x"), ("m1", "snout", "y"))


def test_numeric_folder_keeps_its_zeros(tmp_path: Path) -> None:
    labels = read(tmp_path, THREE.replace("m4s1", "007"))
    assert labels.table.rows[0] == ("labeled-data", "007", "img00.png")


def test_numeric_keypoints_are_text(tmp_path: Path) -> None:
    labels = read(tmp_path, "scorer,1e3,1e3\nbodyparts,01,01\ncoords,x,y\nimg0.png,1,2\n")
    assert labels.table.columns == (("1e3", "01", "x"), ("1e3", "01", "y"))


@pytest.mark.parametrize("text", [FLAT, THREE], ids=["flat", "three"])
def test_one_frame_and_no_frame(tmp_path: Path, text: str) -> None:
    lines = text.splitlines(keepends=True)
    assert_values(read(tmp_path, "".join(lines[:4])), VALUES[:1])
    empty = read(tmp_path, "".join(lines[:3])).table
    assert empty.values.shape == (0, 4)
    assert empty.rows == ()


def test_one_frame_of_one_keypoint(tmp_path: Path) -> None:
    """Three columns in one row: pandas takes them for an index of three cells."""
    labels = read(tmp_path, "scorer,J,J\nbodyparts,snout,snout\ncoords,x,y\nlabeled-data/v/img0.png,1,2\n")
    assert labels.table.rows == (("labeled-data/v/img0.png",),)
    assert_values(labels, [[1, 2]])


# ------------------------------------------------------------------------------------------------- unlabeled
# first row


@pytest.mark.parametrize("text", [FLAT, THREE], ids=["flat", "three"])
def test_unlabeled_first_frame_stays(tmp_path: Path, text: str) -> None:
    text = text.replace("21.521,265.428,33.819,265.941", ",,,")
    labels = read(tmp_path, text)
    assert len(labels.table.rows) == 2
    assert_values(labels, [[math.nan] * 4, VALUES[1]])
    # The trap is real: pandas drops the frame.
    index_col = 0 if text.startswith("scorer,J") else [0, 1, 2]
    trapped = pd.read_csv(tmp_path / "CollectedData_Jane.csv", header=[0, 1, 2], index_col=index_col)
    assert len(trapped) == 1


def test_file_with_unlabeled_frames_only(tmp_path: Path) -> None:
    lines = [f"labeled-data,v,img{i}.png,,,,\n" for i in range(3)]
    labels = read(tmp_path, "".join(THREE.splitlines(keepends=True)[:3] + lines))
    assert len(labels.table.rows) == 3
    assert np.isnan(labels.table.values).all()


@pytest.mark.parametrize(("text", "names"), [(FLAT, "image,,,,\n"), (THREE, "a,b,c,,,,\n")], ids=["flat", "three"])
def test_row_of_index_names_goes(tmp_path: Path, text: str, names: str) -> None:
    head, body = text.split("coords", 1)
    coords, body = body.split("\n", 1)
    labels = read(tmp_path, f"{head}coords{coords}\n{names}{body}")
    assert_values(labels, VALUES)


@pytest.mark.parametrize("index", [False, True], ids=["flat", "three"])
def test_row_of_index_names_as_pandas_writes_it(tmp_path: Path, index: bool) -> None:
    rows = pd.MultiIndex.from_tuples([("labeled-data", "v", "img0.png")], names=["a", "b", "c"])
    frame = pd.DataFrame(
        [[1.5, 2.5]],
        index=rows if index else pd.Index(["labeled-data/v/img0.png"], name="image"),
        columns=pd.MultiIndex.from_tuples([("J", "s", "x"), ("J", "s", "y")], names=["scorer", "bodyparts", "coords"]),
    )
    path = tmp_path / "CollectedData_Jane.csv"
    frame.to_csv(path)
    assert len(path.read_text().splitlines()) == 5
    assert_values(read_csv_labels(path), [[1.5, 2.5]])


def test_unlabeled_first_frame_without_suffix_is_told_by_the_folder(tmp_path: Path) -> None:
    text = "scorer,J,J\nbodyparts,s,s\ncoords,x,y\nlabeled-data/v/frame7,,\nlabeled-data/v/frame8,1,2\n"
    assert len(read(tmp_path, text).table.rows) == 1
    (tmp_path / "frame7").write_bytes(b"image")
    assert len(read(tmp_path, text).table.rows) == 2


# --------------------------------------------------------------------------------------------- spreadsheets
# and editors


def test_excel_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    text = FLAT.replace(",", ";").replace(".", ",").replace(",png", ".png")
    assert "21,521;265,428" in text
    labels = read(tmp_path, text)
    assert_values(labels, VALUES)
    assert codes(labels) == ["csv-decimal-comma"]


def test_semicolons_with_decimal_points(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace(",", ";"))
    assert_values(labels, VALUES)
    assert labels.findings == ()


def test_tabs(tmp_path: Path) -> None:
    assert_values(read(tmp_path, THREE.replace(",", "\t")), VALUES)


def test_scorer_full_of_semicolons(tmp_path: Path) -> None:
    """The most frequent separator of the first line is not always the one that separates."""
    labels = read(tmp_path, FLAT.replace("Jane", "a;b;c"))
    assert labels.table.columns[0][0] == "a;b;c"
    assert_values(labels, VALUES)


@pytest.mark.parametrize("text", [FLAT, THREE], ids=["flat", "three"])
def test_bom_crlf_blank_lines_and_trailing_commas(tmp_path: Path, text: str) -> None:
    lines = [line + ",,,," for line in text.splitlines()]
    labels = read(tmp_path, b"\xef\xbb\xbf" + "\r\n".join([",,,,", *lines, ",,,,,", "", "  ", ""]).encode())
    assert labels.table.columns == COLUMNS
    assert len(labels.table.rows) == 2
    assert_values(labels, VALUES)
    assert labels.findings == ()


def test_old_mac_line_ends(tmp_path: Path) -> None:
    assert_values(read(tmp_path, FLAT.replace("\n", "\r")), VALUES)


def test_code_page_of_windows(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace("tail", "Rücken").encode("cp1252"))
    assert labels.table.columns[2][1] == "Rücken"
    assert codes(labels) == ["csv-encoding"]
    assert labels.findings[0].severity is Severity.WARNING


def test_utf8_needs_no_note(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace("tail", "Rücken-尾"))
    assert labels.table.columns[2][1] == "Rücken-尾"
    assert labels.findings == ()


def test_unicode_text_of_excel(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace(",", "\t").replace("tail", "尾").encode("utf-16"))
    assert labels.table.columns[2][1] == "尾"
    assert_values(labels, VALUES)


@pytest.mark.parametrize(
    "word", ["nan", "NaN", "NA", "na", "None", "null", " ", "#N/A", "#NV", "N/A", "<NA>", '""', "\u00a0"]
)
def test_words_for_empty(tmp_path: Path, word: str) -> None:
    labels = read(tmp_path, FLAT.replace("33.819,265.941", f"{word},{word}"))
    assert_values(labels, [[*VALUES[0][:2], math.nan, math.nan], VALUES[1]])


def test_short_rows_are_filled(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace(",33.819,265.941", ""))
    assert_values(labels, [[*VALUES[0][:2], math.nan, math.nan], VALUES[1]])
    assert codes(labels) == ["csv-short-rows"]


def test_short_last_row_of_a_whole_file(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace(",250.05599999999998,87.11", ""))
    assert codes(labels) == ["csv-short-rows"]
    assert labels.findings[0].where == "line 5"
    both = read(tmp_path, FLAT.replace(",250.05599999999998,87.11", "").replace(",33.819,265.941", ""))
    assert both.findings[0].where == "line 4 to 5"


def test_file_cut_off_within_a_row(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT[: FLAT.index("87.11") - 1])
    assert codes(labels) == ["csv-short-rows", "csv-cut-off"]
    assert labels.findings[1].severity is Severity.WARNING
    assert "250.05599999999998" in labels.findings[1].message
    third = read(tmp_path, FLAT + "labeled-data/m4s1/img09.png,1,2,3").findings[1]
    assert ("last cell '3'" in third.message, third.where) == (True, "line 6")
    assert read(tmp_path, FLAT.rstrip("\n")).findings == ()


def test_names_with_everything(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace("tail", "尾;a").replace("snout", '"tail, base ""left""\n/2"'))
    assert [column[1] for column in labels.table.columns] == ['tail, base "left"\n/2'] * 2 + ["尾;a"] * 2
    assert_values(labels, VALUES)


# -------------------------------------------------------------------------------------------------------- odd
# columns


def test_single_header_round_trip(tmp_path: Path) -> None:
    """pd.read_csv(path).to_csv(path, index=False) makes the names of the first row unique."""
    path = tmp_path / "CollectedData_Jane.csv"
    for text in (FLAT, THREE):
        path.write_text(text)
        pd.read_csv(path).to_csv(path, index=False)
        assert "Jane,Jane.1,Jane.2" in path.read_text()
        labels = read_csv_labels(path)
        assert labels.table.columns == COLUMNS
        assert_values(labels, VALUES)
        assert codes(labels) == ["csv-numbered-header"]


def test_single_header_round_trip_without_scorer(tmp_path: Path) -> None:
    path = tmp_path / "CollectedData_Jane.csv"
    path.write_text(FLAT.split("\n", 1)[1])
    pd.read_csv(path).to_csv(path, index=False)
    assert path.read_text().startswith("bodyparts,snout,snout.1,tail,tail.1")
    assert read_csv_labels(path).table.columns == tuple(column[1:] for column in COLUMNS)


def test_only_numbers_that_pandas_added_are_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "CollectedData_Jane.csv"
    path.write_text("bodyparts,a,a,a.b,a.b,c.1,c.1\ncoords,x,y,x,y,x,y\nimg0.png,1,2,3,4,5,6\n")
    pd.read_csv(path).to_csv(path, index=False)
    assert path.read_text().startswith("bodyparts,a,a.1,a.b,a.b.1,c.1,c.1.1")
    labels = read_csv_labels(path)
    assert [column[0] for column in labels.table.columns] == ["a", "a", "a.b", "a.b", "c.1", "c.1"]
    assert labels.findings[0].where == "line 1"


def test_real_names_with_a_dot_and_a_number_stay(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace("tail", "snout.1").split("\n", 1)[1])
    assert [column[0] for column in labels.table.columns] == ["snout", "snout", "snout.1", "snout.1"]
    assert labels.findings == ()


def test_unnamed_column_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """napari-deeplabcut issue #188: a table saved after a wrong reading."""
    lines = FLAT.splitlines()
    for level in range(3):
        lines[level] += f",Unnamed: 5_level_{level}"
    labels = read(tmp_path, "\n".join([*lines[:3], lines[3] + ",note", lines[4]]) + "\n")
    assert labels.table.columns == COLUMNS
    assert_values(labels, VALUES)
    assert codes(labels) == ["unnamed-columns"]
    assert labels.findings[0].severity is Severity.WARNING
    assert "'note'" in labels.findings[0].message


def test_index_columns_that_became_unnamed_data(tmp_path: Path) -> None:
    path = tmp_path / "CollectedData_Jane.csv"
    path.write_text(THREE)
    pd.read_csv(path, header=[0, 1, 2], index_col=0).to_csv(path)
    assert "Unnamed: 1_level_0" in path.read_text()
    labels = read_csv_labels(path)
    assert labels.table.rows[0] == ("labeled-data", "m4s1", "img00.png")
    assert_values(labels, VALUES)


def test_unnamed_column_between_index_and_values(tmp_path: Path) -> None:
    lines = [
        line.replace(",", f",Unnamed: 1_level_{i}," if i < 3 else ",0,", 1) for i, line in enumerate(FLAT.splitlines())
    ]
    labels = read(tmp_path, "\n".join(lines) + "\n")
    assert labels.table.rows == (("labeled-data/m4s1/img00.png",), ("labeled-data/m4s1/img07.png",))
    assert labels.table.columns == COLUMNS
    assert_values(labels, VALUES)
    assert codes(labels) == ["unnamed-columns"]


def test_column_of_notes_is_left_out_with_a_warning(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace("265.941\n", "265.941,blurry\n"))
    assert_values(labels, VALUES)
    assert codes(labels) == ["unnamed-columns"]
    labels = read(tmp_path, FLAT.replace("coords,x,y,x,y", "coords,x,y,x,y,visible").replace("87.11", "87.11,1"))
    assert_values(labels, VALUES)
    assert [(f.code, f.severity) for f in labels.findings] == [("foreign-columns", Severity.WARNING)]


def test_a_column_that_holds_nothing_is_left_out_with_a_note(tmp_path: Path) -> None:
    text = FLAT.replace("coords,x,y,x,y", "coords,x,y,x,y,visible")
    assert [(f.code, f.severity) for f in read(tmp_path, text).findings] == [("foreign-columns", Severity.NOTE)]


def test_values_below_a_keypoint_without_x_are_an_error(tmp_path: Path) -> None:
    text = FLAT.replace("coords,x,y,x,y", "coords,x,y,,y")
    labels = read(tmp_path, text)
    assert [column[1:] for column in labels.table.columns] == [("snout", "x"), ("snout", "y"), ("tail", "y")]
    assert [(f.code, f.severity) for f in labels.findings] == [("foreign-columns", Severity.ERROR)]
    assert labels.findings[0].hint


def test_likelihood_columns_are_values(tmp_path: Path) -> None:
    labels = read(tmp_path, "scorer,D,D,D\nbodyparts,s,s,s\ncoords,x,y,likelihood\nimg0.png,1,2,0.5\n")
    assert_values(labels, [[1, 2, 0.5]])


# ------------------------------------------------------------------------------------------------------------
# bad input


def test_all_bad_cells_are_told(tmp_path: Path) -> None:
    rows = "".join(f"img{i}.png,1,2,x{i},#REF!\n" for i in range(4))
    error = refused(tmp_path, "".join(FLAT.splitlines(keepends=True)[:3]) + rows)
    assert [finding.code for finding in error.findings] == ["csv-bad-cell"] * 6
    assert error.findings[0].where == "line 4, tail x"
    assert error.findings[0].message == "found 'x0', expected a number or an empty cell"
    assert error.findings[1].where == "line 4, tail y"
    assert error.findings[5].message == "the same in 3 more cells, 8 in all"
    assert error.findings[5].where == "up to line 7, tail y"
    assert all(finding.hint for finding in error.findings)


def test_five_bad_cells_need_no_count(tmp_path: Path) -> None:
    rows = "".join(f"img{i}.png,1,2,3,x\n" for i in range(5))
    error = refused(tmp_path, "".join(FLAT.splitlines(keepends=True)[:3]) + rows)
    assert [finding.where for finding in error.findings] == [f"line {i}, tail y" for i in range(4, 9)]


@pytest.mark.parametrize("cell", ["21. Mai", "1_000", "١٢", "12px", "0x10", "1e", "Jane"])
def test_what_is_no_number(tmp_path: Path, cell: str) -> None:
    assert refused(tmp_path, FLAT.replace("33.819", cell)).findings[0].code == "csv-bad-cell"


def test_decimal_commas_between_commas_shift_the_row(tmp_path: Path) -> None:
    error = refused(tmp_path, FLAT.replace("33.819", "33,819"))
    assert [finding.code for finding in error.findings] == ["csv-extra-cells"]
    assert error.findings[0].where == "line 4, column 6"


def test_a_note_does_not_hide_a_shifted_row(tmp_path: Path) -> None:
    error = refused(tmp_path, FLAT.replace("33.819", "33,819").replace("87.11", "87.11,blurry"))
    assert [finding.code for finding in error.findings] == ["csv-extra-cells"]


def test_quoted_decimal_comma_between_commas_is_no_number(tmp_path: Path) -> None:
    assert refused(tmp_path, FLAT.replace("33.819", '"33,819"')).findings[0].code == "csv-bad-cell"


def test_both_decimal_signs(tmp_path: Path) -> None:
    error = refused(tmp_path, FLAT.replace(",", ";").replace("33.819", "33,819"))
    assert [finding.code for finding in error.findings] == ["csv-mixed-decimals"]
    assert "'33,819'" in error.findings[0].message
    assert "'21.521'" in error.findings[0].message
    assert refused(tmp_path, FLAT.replace(",", ";").replace("33.819", "1.033,8")).findings[0].code == "csv-bad-cell"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "csv-unreadable"),
        (b"\0" * 700, "csv-unreadable"),
        (FLAT.encode() + b"\0" * 40, "csv-unreadable"),
        (b"\x89HDF\r\n\x1a\n\x81\x8d\x00", "csv-unreadable"),
        (b"PK\x03\x04 a spreadsheet", "csv-no-header"),
        (b"   \n\n", "csv-no-header"),
        (b"labeled-data/m4s1/img00.png,1,2\n", "csv-no-header"),
        (b"scorer,Jane,Jane\n", "csv-no-header"),
        (b"scorer,Jane,Jane\ncoords,x,y\nbodyparts,s,s\nimg0.png,1,2\n", "csv-no-header"),
        (b",scorer,Jane,Jane.1\n0,bodyparts,s,s\n1,coords,x,y\n", "csv-no-header"),
        (b"scorer,Jane,Jane\nbodyparts,s,s\ncoords,u,v\nimg0.png,1,2\n", "csv-bad-header"),
        (b"scorer,J,J,J\nbodyparts,s,s,t\ncoords,,y,x\nimg0.png,1,2,3\n", "csv-bad-header"),
        (b"scorer,,,J,J\nbodyparts,s,s,t,t\ncoords,,,x,y\nimg0.png,1,2,3,4\n", "csv-bad-header"),
        (FLAT.replace("snout", '"snout', 1).encode(), "csv-unreadable"),
        (FLAT.encode() + b'"labeled-data/m4s1/img09.png,1,2,3,4\n' + b"x" * 200_000, "csv-unreadable"),
    ],
    ids=[
        *(
            "empty",
            "zeros",
            "zeros-behind",
            "hdf5",
            "xlsx",
            "blank",
            "no-header",
            "scorer-only",
            "wrong-order",
        ),
        *("saved-with-index", "no-coords", "lost-x", "lost-columns", "open-quote", "open-quote-and-long"),
    ],
)
def test_refused_files(tmp_path: Path, content: bytes, code: str) -> None:
    error = refused(tmp_path, content)
    assert [finding.code for finding in error.findings] == [code]
    assert error.findings[0].message
    assert error.findings[0].hint


def test_no_file_and_no_permission(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="can't be opened") as caught:
        read_csv_labels(tmp_path / "CollectedData_Jane.csv")
    assert [(each.code, each.subject) for each in caught.value.findings] == [
        ("csv-unreadable", str(tmp_path / "CollectedData_Jane.csv"))
    ]
    (tmp_path / "CollectedData_Dir.csv").mkdir()
    with pytest.raises(UnreadableFile, match="can't be opened"):
        read_csv_labels(tmp_path / "CollectedData_Dir.csv")


@given(data=st.binary(max_size=200))
def test_any_bytes_end_in_a_finding(tmp_path: Path, data: bytes) -> None:
    for content in (data, FLAT.encode()[:150] + data, THREE.encode() + data):
        try:
            read(tmp_path, content)
        except UnreadableFile as error:
            assert error.findings


@given(place=st.integers(0, len(THREE)), text=st.text(max_size=4), n_lost=st.integers(0, 30))
def test_any_damage_ends_in_a_table_or_a_finding(tmp_path: Path, place: int, text: str, n_lost: int) -> None:
    damaged = THREE[:place] + text + THREE[place + n_lost :]
    try:
        table = read(tmp_path, damaged.encode("utf-8", "surrogatepass")).table
    except UnreadableFile as error:
        assert error.findings
    else:
        assert table.values.shape == (len(table.rows), len(table.columns))


# ------------------------------------------------------------------------------------------------ exactness
# with pandas

# pandas does not quote a carriage return, and to every spreadsheet it ends the line.
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=6)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """What DeepLabCut holds in memory before to_csv: any names, any finite values, gaps."""
    keypoints = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    individuals = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True)) if draw(st.booleans()) else []
    scorer = draw(NAMES)
    coords = draw(st.sampled_from([("x", "y"), ("x", "y", "likelihood")]))
    columns = (
        pd.MultiIndex.from_product(
            [[scorer], individuals, keypoints, coords], names=["scorer", "individuals", "bodyparts", "coords"]
        )
        if individuals
        else pd.MultiIndex.from_product([[scorer], keypoints, coords], names=["scorer", "bodyparts", "coords"])
    )
    numbers = draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=4, unique=True))
    folder = draw(st.sampled_from(["m4s1", "007", "souris é", "a.b,c", "1e5"]))
    cells = [("labeled-data", folder, f"img{number}.png") for number in numbers]
    index = pd.MultiIndex.from_tuples(cells) if draw(st.booleans()) else pd.Index(["/".join(cell) for cell in cells])
    value = st.one_of(st.floats(allow_infinity=False), st.floats(0, 2000), st.integers(0, 2000).map(float))
    values = draw(st.lists(value, min_size=len(cells) * len(columns), max_size=len(cells) * len(columns)))
    return pd.DataFrame(np.array(values).reshape(len(cells), len(columns)), index=index, columns=columns)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("scorer,J,J,J,J\nbodyparts,X,X,y,y\ncoords,x,y,x,y", ["X", "y"]),
        ("scorer,J,J,J,J\nbodyparts,X,X,y,y\n,x,y,x,y", ["X", "y"]),
        ("scorer,J,J,J,J\nparts,X,X,y,y\ncoords,x,y,x,y", ["X", "y"]),
        (",J,J,J,J\n,X,X,y,y\n,x,y,x,y", ["X", "y"]),
        ("scorer,x,x,x,x\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y", ["nose", "tail"]),
        (",x,x,x,x\n,nose,nose,tail,tail\n,x,y,x,y", ["nose", "tail"]),
        ("scorer,J,J,J,J\nbodyparts,likelihood,likelihood,y,y\ncoords,x,y,x,y", ["likelihood", "y"]),
        (",J,J,J,J\n,x,x,y,y\n,X,X,Y,Y\n,x,y,x,y", ["X", "Y"]),
    ],
)
def test_names_may_be_those_of_coordinates(header: str, names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "CollectedData_J.csv"
    path.write_text(f"{header}\nlabeled-data/m/img0.png,1,2,3,4\n")
    table = read_csv_labels(path).table
    assert [(column[-2], column[-1]) for column in table.columns] == [(name, axis) for name in names for axis in "xy"]
    assert table.values.tolist() == [[1, 2, 3, 4]]


@given(frame=frames())
def test_every_float_comes_back_bit_for_bit(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = tmp_path / "CollectedData_Jane.csv"
    frame.to_csv(path)
    table = read_csv_labels(path).table
    expected = frame.to_numpy()
    assert table.levels == tuple(frame.columns.names)
    assert list(table.columns) == list(frame.columns)
    assert [row if len(row) == 3 else row[0] for row in table.rows] == list(frame.index)
    empty = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(table.values), empty)
    np.testing.assert_array_equal(table.values[~empty].view(np.uint64), expected[~empty].view(np.uint64))


@given(frame=frames())
def test_agrees_with_pandas_where_pandas_reads_right(tmp_path: Path, frame: pd.DataFrame) -> None:
    """With a labelled first row, plain names and no numeric folder pandas falls into none of its traps."""
    frame = frame.fillna(7.25)
    frame.columns = frame.columns.set_levels(["Jane"], level="scorer")
    names = {name: f"k{i}" for i, name in enumerate(frame.columns.unique("bodyparts"))}
    frame = frame.rename(columns=names, level="bodyparts")
    if "individuals" in frame.columns.names:
        animals = {name: f"m{i}" for i, name in enumerate(frame.columns.unique("individuals"))}
        frame = frame.rename(columns=animals, level="individuals")
    path = tmp_path / "CollectedData_Jane.csv"
    frame.to_csv(path)
    index_col = list(range(frame.index.nlevels))
    theirs = pd.read_csv(
        path,
        header=list(range(frame.columns.nlevels)),
        index_col=index_col,
        engine="python",  # the C parser is exact since pandas 3 only
        dtype=dict.fromkeys(index_col, str),
    )
    np.testing.assert_array_equal(read_csv_labels(path).table.values, theirs.to_numpy())


def test_real_file_agrees_with_pandas_and_its_hdf5(openfield: Path) -> None:
    path = openfield / "labeled-data" / "m4s1" / "CollectedData_Pranav.csv"
    labels = read_csv_labels(path)
    assert labels.findings == ()
    assert labels.table.values.shape == (116, 8)
    theirs = pd.read_csv(path, header=[0, 1, 2], index_col=0, engine="python")
    assert [row[0] for row in labels.table.rows] == list(theirs.index)
    assert list(labels.table.columns) == list(theirs.columns)
    np.testing.assert_array_equal(labels.table.values, theirs.to_numpy())
    np.testing.assert_array_equal(labels.table.values, pd.read_hdf(path.with_suffix(".h5")).to_numpy())
