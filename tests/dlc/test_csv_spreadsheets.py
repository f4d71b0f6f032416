"""CSV label files that went through a spreadsheet: what it adds, merges and rewrites, alone and together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from csv_labels import read

from dlc2lp.dlc.csvfile import CsvLabels, read_csv_labels
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Severity
from dlc2lp.placeholders import NotHere

FLAT = """scorer,Jane,Jane,Jane,Jane
bodyparts,snout,snout,tail,tail
coords,x,y,x,y
labeled-data/m4s1/img00.png,21.5,265.42,33.819,265.94
labeled-data/m4s1/img07.png,,,250.05,87.1
"""
MULTI = """scorer,,,Jane,Jane,Jane,Jane,Jane,Jane,Jane,Jane
individuals,,,m1,m1,m1,m1,m2,m2,m2,m2
bodyparts,,,snout,snout,tail,tail,snout,snout,tail,tail
coords,,,x,y,x,y,x,y,x,y
labeled-data,m4s1,img00.png,1.25,2.25,3.25,4.25,5.25,6.25,7.25,8.25
"""
VALUES = [[21.5, 265.42, 33.819, 265.94], [math.nan, math.nan, 250.05, 87.1]]
MULTI_VALUES = [[1.25, 2.25, 3.25, 4.25, 5.25, 6.25, 7.25, 8.25]]
COLUMNS = (("Jane", "snout", "x"), ("Jane", "snout", "y"), ("Jane", "tail", "x"), ("Jane", "tail", "y"))
MULTI_COLUMNS = tuple(
    ("Jane", animal, point, axis) for animal in ("m1", "m2") for point in ("snout", "tail") for axis in "xy"
)


def three(text: str = FLAT) -> str:
    """The same with an index of three columns."""
    head, body = text.split("labeled-data/", 1)
    return head.replace(",", ",,,", 1).replace("\nbodyparts,", "\nbodyparts,,,").replace("\ncoords,", "\ncoords,,,") + (
        "labeled-data/" + body
    ).replace("labeled-data/m4s1/", "labeled-data,m4s1,")


def german(text: str) -> str:
    """The same with semicolons and decimal commas."""
    return text.replace(",", ";").replace(".png", "@").replace(".", ",").replace("@", ".png")


def merged(text: str) -> str:
    """The same with a merged cell for each scorer, individual and keypoint."""
    lines = []
    for line in text.splitlines():
        cells = line.split(",")
        is_level = cells[0] in {"scorer", "individuals", "bodyparts", "Jane"}
        blank = [is_level and i > 1 and cell == cells[i - 1] for i, cell in enumerate(cells)]
        lines.append(",".join("" if empty else cell for cell, empty in zip(cells, blank, strict=True)))
    return "\n".join(lines) + "\n"


def refused(folder: Path, content: str | bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(folder, content)
    for finding in caught.value.findings:
        assert "DeepLabCut and save" not in finding.hint
        assert "delete the row" not in finding.hint
    return caught.value


def codes(labels: CsvLabels) -> list[str]:
    assert all(finding.severity is Severity.NOTE for finding in labels.findings)
    return [finding.code for finding in labels.findings]


def assert_flat(labels: CsvLabels) -> None:
    assert labels.table.columns == COLUMNS
    assert ["/".join(row) for row in labels.table.rows] == [f"labeled-data/m4s1/img0{i}.png" for i in (0, 7)]
    np.testing.assert_array_equal(labels.table.values, VALUES)


def assert_multi(labels: CsvLabels) -> None:
    assert labels.table.levels == ("scorer", "individuals", "bodyparts", "coords")
    assert labels.table.columns == MULTI_COLUMNS
    assert labels.table.rows == (("labeled-data", "m4s1", "img00.png"),)
    np.testing.assert_array_equal(labels.table.values, MULTI_VALUES)


# ------------------------------------------------------------------------------------- lines above the header


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=;;;;;"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_a_line_that_names_the_separator(tmp_path: Path, line: str, end: str) -> None:
    labels = read(tmp_path, f"\ufeff{line}\n{german(FLAT)}".replace("\n", end))
    assert_flat(labels)
    assert codes(labels) == ["csv-decimal-comma"]


@pytest.mark.parametrize("separator", [",", "\t", "|", "^"])
def test_any_separator_that_is_named(tmp_path: Path, separator: str) -> None:
    labels = read(tmp_path, f"sep={separator}\n{FLAT.replace(',', separator)}")
    assert_flat(labels)
    assert codes(labels) == []


def test_a_separator_that_is_named_wrongly(tmp_path: Path) -> None:
    """Who saves the file again with other settings may keep the line."""
    assert_flat(read(tmp_path, "sep=,\n" + german(FLAT)))


@pytest.mark.parametrize(
    ("titles", "n"),
    [
        ("my labels\n", 1),
        ("Mice of May, by Jane, checked 2021\n", 1),
        ("Mice of May,,,,\n,,,,\n", 1),
        ('"Labels, by Jane; 2021"\n\nsecond line\n', 2),
        (",,Mice of May\n", 1),
        ("sep=,\nMice; May; Jane\n", 1),
    ],
)
@pytest.mark.parametrize("text", [FLAT, three()], ids=["flat", "three"])
def test_titles_are_left_out_with_a_note(tmp_path: Path, titles: str, n: int, text: str) -> None:
    labels = read(tmp_path, titles + text)
    assert_flat(labels)
    assert codes(labels) == ["csv-title-line"] * n


@pytest.mark.parametrize("title", ["Labels, by Jane, 2021", "Labels,Jane's", ",by Anna,,,"])
def test_a_title_above_a_header_without_scorer_is_no_scorer(tmp_path: Path, title: str) -> None:
    labels = read(tmp_path, f"{title}\n{FLAT.split(chr(10), 1)[1]}")
    assert labels.table.levels == ("bodyparts", "coords")
    assert codes(labels) == ["csv-title-line"]


def test_a_table_that_does_not_begin_in_the_first_column(tmp_path: Path) -> None:
    assert_flat(read(tmp_path, "".join(f",,{line}\n" for line in ("Title", *FLAT.splitlines()))))


# ------------------------------------------------------------------------------------------------ merged cells


@pytest.mark.parametrize("text", [FLAT, three()], ids=["flat", "three"])
def test_merged_cells(tmp_path: Path, text: str) -> None:
    assert "snout,,tail,\n" in merged(text)
    labels = read(tmp_path, merged(text))
    assert_flat(labels)
    assert codes(labels) == ["csv-merged-header"]
    assert "scorer, bodyparts" in labels.findings[0].message


def test_merged_cells_of_several_individuals(tmp_path: Path) -> None:
    labels = read(tmp_path, merged(MULTI))
    assert_multi(labels)
    assert codes(labels) == ["csv-merged-header"]


@pytest.mark.parametrize("level", ["scorer", "individuals", "bodyparts"])
def test_one_row_of_merged_cells(tmp_path: Path, level: str) -> None:
    pairs = zip(MULTI.splitlines(), merged(MULTI).splitlines(), strict=True)
    labels = read(tmp_path, "".join(f"{new if old.startswith(level) else old}\n" for old, new in pairs))
    assert_multi(labels)
    assert codes(labels) == ["csv-merged-header"]


def test_merged_cells_that_pandas_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "CollectedData_Jane.csv"
    path.write_text(merged(FLAT))
    pd.read_csv(path, header=[0, 1, 2], index_col=0).to_csv(path)
    assert "Unnamed: 2_level_1" in path.read_text()
    assert_flat(read_csv_labels(path))


def test_merged_cells_over_likelihoods(tmp_path: Path) -> None:
    text = "scorer,J,,,,,\nbodyparts,s,,,t,,\ncoords,x,y,likelihood,x,y,likelihood\nimg0.png,1,2,.5,3,4,.25\n"
    labels = read(tmp_path, text)
    assert [column[1] for column in labels.table.columns] == ["s"] * 3 + ["t"] * 3


def test_everything_that_a_spreadsheet_does_together(tmp_path: Path) -> None:
    text = german("Mice of May,,,,\n" + merged(FLAT)).replace("\n", "\r\n")
    labels = read(tmp_path, text.replace(";", "\t").encode("utf-16"))
    assert_flat(labels)
    assert codes(labels) == ["csv-encoding", "csv-title-line", "csv-merged-header", "csv-decimal-comma"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("snout,snout,tail,tail", "snout,snout,tail,"),
        ("snout,snout,tail,tail", "snout,snout,,"),
        ("snout,snout,tail,tail", ",,tail,"),
        ("snout,snout,tail,tail", "snout,,,tail"),
    ],
)
def test_a_name_that_was_lost_is_not_made_up(tmp_path: Path, old: str, new: str) -> None:
    labels = read(tmp_path, FLAT.replace(old, new))
    assert [column[1] for column in labels.table.columns] == new.split(",")
    assert codes(labels) == []


def test_an_individual_that_was_lost_is_not_made_up(tmp_path: Path) -> None:
    """Else its points were those of the individual before it, twice."""
    text = merged(MULTI).replace("m2,", ",")
    labels = read(tmp_path, text)
    assert [column[1] for column in labels.table.columns] == ["m1", *[""] * 7]
    full = read(tmp_path, MULTI.replace("m2,m2,m2,m2", ",,,"))
    assert [column[1] for column in full.table.columns] == [*["m1"] * 4, *[""] * 4]


def test_a_name_over_a_y_was_not_merged_so_its_neighbours_lost_theirs(tmp_path: Path) -> None:
    """Carried to the right, m1 would be given the x of a point whose y is m2's."""
    rows = "bodyparts,snout,snout,tail,tail\ncoords,x,y,x,y\nimg0.png,1,2,3,4\n"
    labels = read(tmp_path, f"individuals,m1,,,m2\n{rows}")
    assert [column[0] for column in labels.table.columns] == ["m1", "", "", "m2"]
    assert codes(labels) == []


def test_merged_cells_over_coordinates_in_capitals(tmp_path: Path) -> None:
    labels = read(tmp_path, merged(FLAT).replace("coords,x,y,x,y", "coords,X,Y,X,Y"))
    assert [column[1] for column in labels.table.columns] == ["snout", "snout", "tail", "tail"]


def test_a_scorer_without_name_stays_without(tmp_path: Path) -> None:
    labels = read(tmp_path, FLAT.replace("Jane", ""))
    assert {column[0] for column in labels.table.columns} == {""}
    assert codes(labels) == []


# ------------------------------------------------------------------------------------- names of the levels


@pytest.mark.parametrize("first", ["Jane", "", "who labelled"])
@pytest.mark.parametrize("text", [FLAT, three(), merged(FLAT)], ids=["flat", "three", "merged"])
def test_a_scorer_over_the_header_of_the_index(tmp_path: Path, first: str, text: str) -> None:
    labels = read(tmp_path, text.replace("scorer", first, 1))
    assert_flat(labels)
    assert labels.table.levels == ("scorer", "bodyparts", "coords")


@pytest.mark.parametrize("cells", ["Jane,Jane,Jane,", "scorer,Jane,Jane,", "Jane,,,"])
def test_a_scorer_over_all_cells_of_the_index(tmp_path: Path, cells: str) -> None:
    assert_flat(read(tmp_path, three().replace("scorer,,,", cells, 1)))


@pytest.mark.parametrize("individuals", ["individuals", "", "animals"])
def test_a_scorer_over_the_header_with_individuals(tmp_path: Path, individuals: str) -> None:
    for text in (MULTI, merged(MULTI)) if individuals == "individuals" else (MULTI,):
        assert_multi(read(tmp_path, text.replace("scorer", "Jane", 1).replace("individuals", individuals, 1)))


def test_individuals_without_the_name_of_their_level(tmp_path: Path) -> None:
    assert_multi(read(tmp_path, MULTI.replace("individuals", "")))
    one = MULTI.replace("m2", "m1").replace("snout,snout,tail,tail\n", "ear,ear,paw,paw\n")
    labels = read(tmp_path, one.replace("individuals", ""))
    assert labels.table.levels == ("scorer", "individuals", "bodyparts", "coords")


def test_one_individual_of_two_scorers_without_the_name_of_its_level(tmp_path: Path) -> None:
    rows = "bodyparts,snout,snout,snout,snout\ncoords,x,y,x,y\nimg0.png,1,2,3,4\n"
    labels = read(tmp_path, f"scorer,Jane,Jane,Bob,Bob\n,m1,m1,m1,m1\n{rows}")
    assert labels.table.levels == ("scorer", "individuals", "bodyparts", "coords")
    assert [column[:2] for column in labels.table.columns] == [("Jane", "m1")] * 2 + [("Bob", "m1")] * 2


def test_levels_without_any_name(tmp_path: Path) -> None:
    """What pandas writes where the levels of the columns have no names."""
    assert_flat(read(tmp_path, FLAT.replace("scorer", "").replace("bodyparts", "").replace("coords", "")))


# ------------------------------------------------------------------------------------------------ numbers


def quoted(text: str) -> str:
    """The same with quoted decimal commas between commas."""
    head, body = text.split("labeled-data", 1)
    rows = ("labeled-data" + body).splitlines()
    cells = [[f'"{c.replace(".", ",")}"' if c[:1].isdigit() else c for c in row.split(",")] for row in rows]
    return head + "".join(",".join(row) + "\n" for row in cells)


def test_quoted_decimal_commas_between_commas(tmp_path: Path) -> None:
    assert '"21,5"' in quoted(FLAT)
    labels = read(tmp_path, quoted(FLAT))
    assert_flat(labels)
    assert codes(labels) == ["csv-decimal-comma"]


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_decimal_commas_beside_other_separators(tmp_path: Path, separator: str) -> None:
    assert_flat(read(tmp_path, german(FLAT).replace(";", separator)))


@pytest.mark.parametrize("separator", [",", "\t"])
def test_thousands_or_three_decimals_is_not_guessed(tmp_path: Path, separator: str) -> None:
    rows = [["scorer", "J", "J"], ["bodyparts", "s", "s"], ["coords", "x", "y"], ["img0.png", '"1,234"', '"2,048"']]
    error = refused(tmp_path, "".join(separator.join(row) + "\n" for row in rows))
    assert [finding.code for finding in error.findings] == ["csv-thousands"]
    assert "'1,234'" in error.findings[0].message
    assert error.findings[0].where == "line 4, s x"
    assert "CSV UTF-8" in error.findings[0].hint


def test_three_decimals_between_semicolons_are_decimals(tmp_path: Path) -> None:
    """Where a spreadsheet separates cells with semicolons, its decimal sign is the comma."""
    labels = read(tmp_path, "scorer;J;J\nbodyparts;s;s\ncoords;x;y\nimg0.png;1,234;2,048\n")
    assert labels.table.values.tolist() == [[1.234, 2.048]]
    assert codes(labels) == ["csv-decimal-comma"]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        *(('"1,265.42"', 1265.42), ("1 265.42", 1265.42), ("1\u00a0265.42", 1265.42), ("1\u202f265.42", 1265.42)),
        *(("1'265.42", 1265.42), ("1\u2019265.42", 1265.42), ("\u2212265.42", -265.42)),
    ],
)
def test_signs_for_thousands_that_can_be_nothing_else(tmp_path: Path, cell: str, number: float) -> None:
    labels = read(tmp_path, FLAT.replace("265.42", cell))
    assert labels.table.values[0].tolist() == [21.5, number, 33.819, 265.94]


@pytest.mark.parametrize("cell", ["1.265,42", "1 265,42", "1\u00a0265,42", "1'265,42"])
def test_signs_for_thousands_beside_decimal_commas(tmp_path: Path, cell: str) -> None:
    labels = read(tmp_path, german(FLAT).replace("265,42", cell))
    assert labels.table.values[0].tolist() == [21.5, 1265.42, 33.819, 265.94]


@pytest.mark.parametrize("cell", ['"33,819"', '"1,2,3"', '"2,65.42"', "12 65.42", "1 26.5"])
def test_what_may_be_two_numbers_is_refused(tmp_path: Path, cell: str) -> None:
    assert {finding.code for finding in refused(tmp_path, FLAT.replace("265.42", cell)).findings} == {"csv-bad-cell"}


def test_a_comma_alone_is_in_doubt_beside_signs_for_thousands(tmp_path: Path) -> None:
    error = refused(tmp_path, FLAT.replace("265.42", '"1,265.42"').replace("33.819", '"2,048"'))
    assert [finding.code for finding in error.findings] == ["csv-bad-cell"] * 2
    assert "thousands" in error.findings[1].message


def test_decimal_commas_without_quotes_are_told_even_where_they_fit_in(tmp_path: Path) -> None:
    """The cells of the second point, which is not labelled, take up what the first point has too many."""
    head = "scorer,J,J,J,J\nbodyparts,s,s,t,t\ncoords,x,y,x,y\n"
    error = refused(tmp_path, head + "img0.png,21,5,265,4,,\nimg1.png,,,,\n")
    assert [(finding.code, finding.where) for finding in error.findings] == [("csv-extra-cells", "line 4")]
    # A comma at the end of each line is none of them, nor is one behind decimals.
    labels = read(tmp_path, head + "img0.png,21,5,265,4,\nimg1.png,,,,,\n")
    np.testing.assert_array_equal(labels.table.values[0], [21, 5, 265, 4])
    read(tmp_path, head + "img0.png,21.5,5,265,4,,,\nimg1.png,,,,\n")


# ---------------------------------------------------------------------------------------- what is no CSV


def test_a_workbook_is_told(tmp_path: Path) -> None:
    for start in (b"PK\x03\x04\x14\0\x06\0", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"):
        finding = refused(tmp_path, start + bytes(300)).findings[0]
        assert finding.code == "csv-unreadable"
        assert "workbook" in finding.message
        assert "CSV UTF-8" in finding.hint


def test_a_pointer_is_no_damaged_csv(tmp_path: Path) -> None:
    content = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    error = refused(tmp_path, content)
    assert isinstance(error, NotHere)
    assert error.findings[0].code == "not-downloaded"
