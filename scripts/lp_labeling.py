"""Does Lightning Pose train on what people label in its app: ``lp_labeling.py TARGET DLC2LP...``.

Runs where lightning-pose and its app are installed; DLC2LP is the command line of dlc2lp, one word or several. The
app's own server saves labels over HTTP: of a frame of its queue, in one view only; of cells whose ``visible`` is 0 and
1; of frames that only other views have labeled; and it deletes one. Lightning Pose's own dataset then shows that
training would fail on them or pass them over; ``dlc2lp labels`` mends the files, and every item gives a finite loss
(``HeatmapMSELoss``) with every label in its place.
"""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = "labeling"
SERVER_STARTS_IN_S = 120.0


@dataclass(frozen=True)
class Cell:
    """A keypoint in one image."""

    file: str
    image: str
    keypoint: str


@dataclass(frozen=True)
class Table:
    """A label file, as text."""

    name: str
    keypoints: list[str]
    with_visible: bool
    rows: dict[str, dict[str, list[str]]]  # image -> keypoint -> its cells

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read a label file."""
        with path.open(encoding="utf-8", newline="") as stream:
            _, names, coords, *rows = list(csv.reader(stream))
        n_axes = 3 if "visible" in coords else 2
        keypoints = names[1::n_axes]
        cells = {
            row[0]: {name: row[1 + k * n_axes : 1 + (k + 1) * n_axes] for k, name in enumerate(keypoints)}
            for row in rows
        }
        return cls(path.name, keypoints, n_axes == 3, cells)

    def with_flag(self, flag: str, labeled_rows: bool) -> Iterator[Cell]:
        """Cells with a value of ``visible``, in rows that have some label or in rows that have none."""
        for image, points in self.rows.items():
            if any(cells[0] for cells in points.values()) == labeled_rows:
                yield from (Cell(self.name, image, name) for name, cells in points.items() if cells[2] == flag)


def read_tables(target: Path) -> list[Table]:
    """The label files of all views, in the order of the config."""
    from omegaconf import OmegaConf

    named = OmegaConf.load(target / "configs/default.yaml").data.csv_file
    return [Table.read(target / name) for name in ([named] if isinstance(named, str) else named)]


class App:
    """The app's server, with the project registered in a folder of its own."""

    def __init__(self, target: Path, system: Path) -> None:
        (system / "projects.toml").write_text(f"[{PROJECT}]\ndata_dir = {json.dumps(str(target))}\n", encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "litpose_app.main:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        environment = os.environ | {"LP_SYSTEM_DIR": str(system), "DO_NOT_TRACK": "1"}
        with (system / "server.log").open("wb") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=system)
        self._target, self._log = target, system / "server.log"

    def __enter__(self) -> App:
        deadline = time.monotonic() + SERVER_STARTS_IN_S
        while True:
            try:
                self.call("getProjectInfo", projectKey=PROJECT)
                return self
            except (urllib.error.URLError, ConnectionError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    sys.exit(f"the app's server did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(self, procedure: str, **arguments: Any) -> Any:
        """Answer of a remote procedure."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/app/v0/rpc/{procedure}",
            json.dumps(arguments).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def save(self, cells: dict[Cell, tuple[float, float] | None], others: dict[str, str]) -> None:
        """Save points of one frame; ``others`` are its images in views that are open and get no point."""
        views = [{"csvPath": str(self._target / file), "indexToChange": image, "changedKeypoints": []}
                 for file, image in others.items()]  # fmt: skip
        for cell, point in cells.items():
            x, y = point or (None, None)
            changed = [{"name": cell.keypoint, "x": x, "y": y}]
            views.append(
                {"csvPath": str(self._target / cell.file), "indexToChange": cell.image, "changedKeypoints": changed}
            )
        self.call("save_mvframe", projectKey=PROJECT, views=views)


def label(app: App, target: Path, tables: list[Table]) -> tuple[list[Cell], Cell]:
    """Label what the app's person would; return the cells that were labeled, and the one whose label was deleted."""
    labeled = []
    for table in tables:
        for flag, in_labeled_rows in (("0", True), ("1", True), ("0", False)):
            found = next(table.with_flag(flag, in_labeled_rows), None) if table.with_visible else None
            if found:
                app.save({found: (11.25, 12.75)}, {})
                labeled.append(found)
    queue_files = [target / f"{Path(table.name).stem}.unlabeled.jsonl" for table in tables]
    queues = [json.loads(path.read_text().splitlines()[0])["frame_path"] for path in queue_files if path.exists()]
    if queues:
        cell = Cell(tables[0].name, queues[0], tables[0].keypoints[0])
        app.save({cell: (21.5, 22.5)}, dict(zip((table.name for table in tables[1:]), queues[1:], strict=True)))
        labeled.append(cell)
    deleted = next(cell for cell in tables[0].with_flag("2", True) if cell not in labeled)
    app.save({deleted: None}, {})
    return labeled, deleted


def judge(target: Path, cells: list[Cell]) -> dict[str, Any]:
    """What Lightning Pose makes of the target: a loss for each item, and the heatmaps of some cells."""
    import imgaug.augmenters as iaa
    import torch
    from lightning_pose.data import get_dataset
    from lightning_pose.losses.losses import HeatmapMSELoss
    from omegaconf import OmegaConf

    config = OmegaConf.load(target / "configs/default.yaml")
    config.training.imgaug_3d = False
    with tempfile.TemporaryDirectory() as folder:
        # Without calibration: moved in space at random, a label at odds with the other views' leaves the picture.
        for path in target.iterdir():
            if not path.name.startswith("calibration"):
                (Path(folder) / path.name).symlink_to(path)
        try:
            dataset = get_dataset(config, folder, iaa.Sequential([]))
            items = [dataset[row]["heatmaps"] for row in range(len(dataset))]
        except (ImportError, ValueError, AssertionError) as error:
            return {"refused": f"{type(error).__name__}: {error}"}
    loss = HeatmapMSELoss()
    losses = [float(loss(item[None], torch.full_like(item[None], 0.5))[0]) for item in items]
    tables = read_tables(target)
    heatmaps = {}
    for cell in cells:
        view = next(n for n, table in enumerate(tables) if table.name == cell.file)
        rows = list(tables[view].rows)
        if cell.image not in rows:
            heatmaps[cell] = "no row"
            continue
        channel = view * len(tables[view].keypoints) + tables[view].keypoints.index(cell.keypoint)
        heatmaps[cell] = _kind(items[rows.index(cell.image)][channel])
    return {"n_items": len(items), "n_nan": sum(value != value for value in losses), "heatmaps": heatmaps}


def _kind(heatmap: Any) -> str:
    if bool(heatmap.isnan().any()):
        return "nan"
    if float(heatmap.max()) == 0:
        return "ignored"
    return "hidden" if float(heatmap.max() - heatmap.min()) < 1e-9 else "label"


def expect(holds: bool, words: str) -> None:
    """End the program where something is not as it must be."""
    if not holds:
        sys.exit(f"FAILED: {words}")


def main() -> None:
    """Label the target of the command line, mend it and have it judged before and after."""
    target, dlc2lp = Path(sys.argv[1]).resolve(), sys.argv[2:]
    tables = read_tables(target)
    with tempfile.TemporaryDirectory(prefix="lp-labeling-") as system, App(target, Path(system)) as app:
        labeled, deleted = label(app, target, tables)
    expect(len(labeled) > 2, f"found {len(labeled)} cells to label, expected some with visible 0 and 1, and a queue")
    before = judge(target, [*labeled, deleted])
    print("before:", json.dumps(_readable(before), indent=1))
    bad = before.get("refused") or before["n_nan"] or set(before["heatmaps"].values()) & {"ignored", "nan"}
    expect(bool(bad), "Lightning Pose trains on the labels as the app left them: dlc2lp labels is needed no more")
    subprocess.run([*dlc2lp, "labels", str(target)], check=True)
    contents = {path: path.read_bytes() for path in target.glob("CollectedData*")}
    subprocess.run([*dlc2lp, "labels", str(target)], check=True)
    expect(contents == {path: path.read_bytes() for path in target.glob("CollectedData*")}, "a second run wrote again")
    subprocess.run([*dlc2lp, "verify", str(target)], check=True)
    after = judge(target, [*labeled, deleted])
    print("after:", json.dumps(_readable(after), indent=1))
    expect("refused" not in after, f"Lightning Pose refuses the target: {after.get('refused')}")
    expect(after["n_nan"] == 0, f"{after['n_nan']} of {after['n_items']} items give no finite loss")
    wrong = [cell for cell in labeled if after["heatmaps"][cell] != "label"]
    expect(not wrong, f"labels that are not trained on: {wrong}")
    expect(after["heatmaps"][deleted] in {"hidden", "ignored"}, f"a deleted label is {after['heatmaps'][deleted]}")
    print(f"{after['n_items']} items, {len(labeled)} labels of the app in their places, every loss is finite")


def _readable(found: dict[str, Any]) -> dict[str, Any]:
    heatmaps = {f"{cell.image} {cell.keypoint}": kind for cell, kind in found.get("heatmaps", {}).items()}
    return found | ({"heatmaps": heatmaps} if heatmaps else {})


if __name__ == "__main__":
    main()
