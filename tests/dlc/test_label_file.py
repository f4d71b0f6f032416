"""What a file is that looks like labels: by its name, and by its content where that says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlc2lp.dlc.label_file import holds_labels, odd_label_paths, read_label_file

LABELS = "scorer,J,J\nbodyparts,s,s\ncoords,x,y\nimg0.png,1,2\n"


@pytest.mark.parametrize("name", ["CollectedData_J.csv", "Copy of CollectedData_J.csv", "collected data.txt"])
def test_a_folder_holds_labels_under_the_usual_name_or_another(tmp_path: Path, name: str) -> None:
    assert not holds_labels(tmp_path)
    (tmp_path / name).write_text(LABELS)
    assert holds_labels(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "is_odd"),
    [
        ("mine.csv", LABELS, True),
        ("mine.tsv", LABELS.replace(",", "\t"), True),
        ("mine.csv", LABELS.replace("x,y\n", "x,likelihood\n"), False),
        ("notes.csv", "mouse,weight\n1,2\n", False),
        ("mine.dat", LABELS, False),
        ("my machinelabels.csv", LABELS, False),  # a network's, which nobody may take for a person's
    ],
)
def test_what_begins_like_labels_is_one_whatever_it_is_called(
    tmp_path: Path, name: str, content: str, is_odd: bool
) -> None:
    (tmp_path / name).write_text(content)
    assert odd_label_paths(tmp_path, [name]) == ([tmp_path / name] if is_odd else [])


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("CollectedData_J.CSV", b"", "csv"),
        ("CollectedData_J.H5", b"", "h5"),
        ("CollectedData_J.txt", b"no header", "csv"),
        ("CollectedData_J", LABELS.encode(), "csv"),
        ("CollectedData_J", LABELS.encode("utf-16"), "csv"),
        ("CollectedData_J.bak", b"\x89HDF\r\n\x1a\n", "h5"),
        ("CollectedData_J.xlsx", b"PK\x03\x04", "other"),
    ],
)
def test_the_kind_of_a_label_file(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_label_file(tmp_path / name).kind == kind
