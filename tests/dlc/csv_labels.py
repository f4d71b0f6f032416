"""A label file in CSV from its text or bytes, for the tests of its reader."""

from __future__ import annotations

from pathlib import Path

from dlc2lp.dlc.csvfile import CsvLabels, read_csv_labels


def read(folder: Path, content: str | bytes) -> CsvLabels:
    path = folder / "CollectedData_Jane.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv_labels(path)
