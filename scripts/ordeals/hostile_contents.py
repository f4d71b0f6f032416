"""Files that are none, contents that are made to harm, and state that lies."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ordeals import hostile_files as made
from ordeals.hostile_files import KINDS, put
from ordeals.rooms import Case, Rooms
from ordeals.trees import remove


def cases() -> Iterator[Case]:
    """Yield all of them."""
    yield from _odd_files()
    yield from _contents()
    yield from _states()


# --- what is no ordinary file ---------------------------------------------------------------------------------------

#: Where it stands: the file, the commands that meet it, whether one of them must tell of it.
_PLACES: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("csv/config.yaml", ("inspect {csv}",), True),
    ("csv/labeled-data/m1/CollectedData_Anna.csv", ("inspect {csv}",), True),
    ("stills/labeled-data/m1/CollectedData_Anna.h5", ("inspect {stills}",), True),
    ("csv/labeled-data/m1/img2.png", ("convert {csv} {new}",), True),
    ("csv/labeled-data/m1/img7.png", ("convert {csv} {new}",), False),
    ("csv/labeled-data/m1/machinelabels.csv", ("inspect {csv}",), False),
    ("analyzed/videos/m1.mp4", ("inspect {analyzed}",), True),
    ("analyzed/videos/other.mp4", ("inspect {analyzed} --videos all",), False),
    ("stills/training-datasets", ("inspect {stills} --split list",), False),
    ("target/.dlc2lp/plan.json", ("convert {plain} {target}", "verify {target}"), True),
    ("target/.dlc2lp/manifest.json", ("convert {plain} {target}", "verify {target}"), False),
    ("target/.dlc2lp/seen.json", ("convert {plain} {target}", "verify {target}"), False),
    ("target/.dlc2lp/run.log", ("convert {plain} {target} --num-gpus 2",), False),
    ("target/.dlc2lp/scratch", ("convert {plain} {target} --num-gpus 2",), False),
    ("target/.dlc2lp/labels-base.json", ("convert {plain} {target}", "labels {target}"), False),
    ("target/CollectedData.csv", ("convert {plain} {target}", "verify {target}", "labels {target}"), True),
    ("target/configs/default.yaml", ("config {target} --num-gpus 2", "verify {target}"), True),
    ("out/.dlc2lp-batch/index.jsonl", ("batch status {out}", "batch run {out}", "batch plan {archive} {out}"), True),
    ("out/.dlc2lp-batch/targets.json", ("batch plan {archive} {out}", "batch run {out}"), False),
    ("out/decisions.yaml", ("batch plan {archive} {out}",), True),
)

#: These are as good as no file at all, of which nothing needs to be told.
_ABSENT = {"a link to itself", "a loop of links", "a link to nothing", "an empty file"}


def _odd_files() -> Iterator[Case]:
    for place, commands, is_told in _PLACES:
        for kind in KINDS:
            if kind == "a folder" and place.endswith(("scratch", "training-datasets")):
                continue
            told = Path(place).name if is_told and kind not in _ABSENT else ""
            yield Case(f"{kind} as {place}", partial(_put, kind, place), commands, told)
    for kind in KINDS:
        yield Case(f"{kind} as a record", partial(_put_record, kind), ("convert {plain} {target}", "verify {target}"))
        yield Case(f"{kind} as a worker's log", partial(_put_log, kind), ("batch status {out}", "batch run {out}"))


def _put(kind: str, place: str, rooms: Rooms) -> None:
    path = rooms / place
    path.parent.mkdir(parents=True, exist_ok=True)
    put(kind, path)


def _put_record(kind: str, rooms: Rooms) -> None:
    put(kind, min((rooms / "target/.dlc2lp/steps").glob("*.json")))


def _put_log(kind: str, rooms: Rooms) -> None:
    put(kind, min((rooms / "out/.dlc2lp-batch/log").glob("*.jsonl")))


# --- contents that are made to harm ---------------------------------------------------------------------------------


def _write(place: str, content: bytes | Callable[[Rooms], bytes], rooms: Rooms) -> None:
    path = rooms / place
    remove(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(rooms) if callable(content) else content)


def _edit(place: str, old: str, new: str, rooms: Rooms) -> None:
    path = rooms / place
    text = path.read_text(encoding="utf-8")
    changed, n_changed = re.subn(old, lambda _: new, text, count=1)
    if not n_changed:
        raise RuntimeError(f"{place} has nothing like {old}")
    path.write_text(changed, encoding="utf-8", errors="surrogateescape")


CONFIG, CSV, _IMAGE, _VIDEO = (
    "csv/config.yaml",
    "csv/labeled-data/m1/CollectedData_Anna.csv",
    "csv/labeled-data/m1/img2.png",
    "analyzed/videos/m1.mp4",
)
_H5, _PLAN = "stills/labeled-data/m1/CollectedData_Anna.h5", "target/.dlc2lp/plan.json"
_DIGITS = "9" * 5000
_LOOK, _LOOK_H5, _LOOK_VIDEO = (
    ("inspect {csv}", "convert {csv} {new} --dry-run"),
    ("inspect {stills}",),
    ("inspect {analyzed}",),
)


def _wide_csv(rooms: Rooms) -> bytes:
    n = 333_333
    names = ",".join(f"p{number},p{number},p{number}" for number in range(n))
    return f"scorer,{','.join(['Anna'] * 3 * n)}\nbodyparts,{names}\ncoords,{'x,y,z,' * n}\n".encode()


def _contents() -> Iterator[Case]:
    yield Case("an alias bomb as config.yaml", partial(_write, CONFIG, made.alias_bomb()), _LOOK, "config.yaml")
    yield Case(
        "100,000 brackets in config.yaml", partial(_write, CONFIG, b"Task: " + b"[" * 100_000), _LOOK, "config.yaml"
    )
    yield Case("5,000 digits in config.yaml", partial(_edit, CONFIG, r"iteration: \d+", f"iteration: {_DIGITS}"), _LOOK)
    yield Case(
        "Python code in config.yaml",
        partial(_edit, CONFIG, r"scorer: .*", "scorer: !!python/object/apply:os.mkdir [canary]"),
        _LOOK,
        "config.yaml",
    )
    yield Case("5,000 digits in a CSV", partial(_edit, CSV, r"\d+\.\d+", _DIGITS), _LOOK)
    yield Case(
        "a CSV of a million columns",
        partial(_write, CSV, _wide_csv),
        _LOOK[:1],
        "CollectedData_Anna.csv",
        limit_s=60.0,
    )
    yield Case(
        "a CSV of one line of 300 MB", partial(_write, CSV, lambda rooms: b"x" * 300_000_000), _LOOK[:1], "CollectedData_Anna.csv"
    )
    yield Case(
        "a row that leads out of a CSV",
        partial(_edit, CSV, r"labeled-data,m1,img2.png", "..,..,../outside/precious"),
        ("convert {csv} {new}",),
    )
    yield Case(
        "an absolute row in a CSV",
        partial(_edit, CSV, r"labeled-data,m1,img2.png", "/etc,passwd,/etc/passwd"),
        ("convert {csv} {new}",),
    )
    for name, content in (("PNG", made.huge_png()), ("JPEG", made.huge_jpeg())):
        yield Case(f"a {name} of gigapixels", partial(_write, _IMAGE, content), ("convert {csv} {new}",), "img2.png")
    yield Case("an AVI of gigapixels", partial(_write, "clips/huge.avi", _huge_avi), ("video check {clips}/huge.avi",))
    yield Case(
        "an AVI of gigapixels as a project's video",
        partial(_write, "analyzed/videos/m1.mp4", _huge_avi),
        _LOOK_VIDEO,
        "m1.mp4",
    )
    yield Case(
        "code in an HDF5 file",
        partial(_write, _H5, lambda rooms: made.evil_hdf(rooms.canary)),
        _LOOK_H5,
        "CollectedData_Anna.h5",
    )
    yield Case(
        "an HDF5 file of 17 thousand million rows",
        lambda rooms: made.huge_hdf(rooms / _H5),
        _LOOK_H5,
        "CollectedData_Anna.h5",
    )
    yield Case(
        "an HDF5 file whose numbers lie elsewhere",
        lambda rooms: made.outside_hdf(rooms / _H5, rooms.precious),
        _LOOK_H5,
        "CollectedData_Anna.h5",
    )
    yield from _pickles()
    yield from _playlists()


def _huge_avi(rooms: Rooms) -> bytes:
    return made.huge_avi((rooms / "clips" / "mjpeg.avi").read_bytes())


def _pickles() -> Iterator[Case]:
    def over(folder: str, pattern: str, rooms: Rooms) -> None:
        min((rooms / folder).glob(pattern)).write_bytes(made.evil_pickle(rooms.canary))

    for folder, pattern, command in (
        ("stills", "training-datasets/**/Documentation_*.pickle", "inspect {stills} --split iteration-0/80/1"),
        ("analyzed", "videos/*_meta.pickle", "inspect {analyzed}"),
        ("cameras", "reach-3d/camera_matrix/stereo_params.pickle", "inspect {cameras}/reach-3d"),
    ):
        yield Case(f"code in {pattern}", partial(over, folder, pattern), (command,))


def _playlists() -> Iterator[Case]:
    def put_playlist(name: str, rooms: Rooms) -> None:
        os.mkfifo(rooms / "trap")  # who opens what the playlist names waits for ever
        (rooms / _VIDEO).write_bytes(made.playlists(rooms / "trap")[name])

    for name in made.playlists(Path("x")):
        commands = ("video check {analyzed}/videos/m1.mp4", *_LOOK_VIDEO)
        yield Case(f"a playlist as a video ({name})", partial(put_playlist, name), commands, "m1.mp4")


# --- state that lies ------------------------------------------------------------------------------------------------

_CONVERT = ("convert {plain} {target}",)


def _lying_record(path_of: Callable[[Rooms], str], rooms: Rooms) -> None:
    content = rooms.precious.read_bytes()
    file = {
        "path": path_of(rooms),
        "size_bytes": len(content),
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    record = {
        "schema": "dlc2lp/record/1",
        "step": "0" * 16,
        "kind": "write-text",
        "files": [file],
        "done": True,
        "detail": {},
        "by": "convert",
    }
    (rooms / "target/.dlc2lp/steps/0000000000000000.json").write_text(json.dumps(record), encoding="utf-8")


def _link_out(name: str, rooms: Rooms) -> None:
    path = rooms / "target" / name
    remove(path)
    path.symlink_to(rooms.precious if path.suffix else rooms.precious.parent)


def _states() -> Iterator[Case]:
    yield Case(
        "a record of a file by its absolute path", partial(_lying_record, lambda rooms: str(rooms.precious)), _CONVERT
    )
    yield Case(
        "a record of a file beside the target", partial(_lying_record, lambda rooms: "../outside/precious"), _CONVERT
    )
    yield Case(
        "a record of a file through a folder",
        partial(_lying_record, lambda rooms: "labeled-data/../../outside/precious"),
        _CONVERT,
    )
    for name in ("labeled-data", ".dlc2lp/steps", "configs"):
        yield Case(
            f"a link out of the target as {name}",
            partial(_link_out, name),
            ("convert {plain} {target}",),
            name.rpartition("/")[2],
            frozenset({1, 3}),
        )
    for name in ("CollectedData.csv", "project.yaml", ".dlc2lp/manifest.json", ".dlc2lp/seen.json"):
        yield Case(
            f"a link out of the target as {name}", partial(_link_out, name), ("convert {plain} {target} --num-gpus 2",)
        )
    yield Case(
        "a plan that leads out",
        partial(_edit, _PLAN, r'"target":\s*"project.yaml"', '"target": "../outside/evil.yaml"'),
        (*_CONVERT, "verify {target}"),
    )
    yield Case(
        "5,000 digits in a plan",
        partial(_edit, _PLAN, r'"weight":\s*\d+', f'"weight": {_DIGITS}'),
        (*_CONVERT, "verify {target}"),
        "plan.json",
    )
    yield Case(
        "100,000 brackets as a plan",
        partial(_write, _PLAN, b"[" * 100_000),
        (*_CONVERT, "verify {target}"),
        "plan.json",
    )
    yield Case(
        "an alias bomb as decisions.yaml",
        partial(_write, "out/decisions.yaml", made.alias_bomb()),
        ("batch plan {archive} {out}",),
        "decisions.yaml",
    )
    yield Case(
        "an alias bomb as a target's config",
        partial(_write, "target/configs/default.yaml", made.alias_bomb()),
        ("config {target}", "verify {target}"),
        "default.yaml",
    )
    for name, log in (("/dev/full", "/dev/full"), ("a named pipe", "{trap}")):
        yield Case(
            f"{name} as the log",
            lambda rooms: os.mkfifo(rooms / "trap"),
            (f"inspect {{csv}} --log-file {log}",),
            exits=frozenset({0, 2}),
        )
