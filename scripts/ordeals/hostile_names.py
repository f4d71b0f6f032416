"""Names that terminals, pages, spreadsheets and shells would obey."""

from __future__ import annotations

import csv
import html.parser
import json
import os
import re
import shlex
from collections.abc import Iterator
from functools import partial

from ordeals.children import Ended
from ordeals.hostile_contents import CONFIG, CSV
from ordeals.rooms import Case, Rooms

NAMES = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\x9b2Jb", "a\nb", "a\rb", "a\tb", "\u202egnp.exe", "\u2066x\u2069",
    "a\x00b", "\x7f\x08\x08",
    "=1+1", "@SUM(1)", "+1", "-1", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", '"onmouseover="alert(1)', "&lt;b&gt;",
    "$(mkdir canary)", "`mkdir canary`",
    "; mkdir canary #", "' ; mkdir canary ; '", "-rf", "--help", "%s%n", "{0}", os.fsdecode(b"\xff\xfe"),
    "\u0661\u0662", "x" * 200, "con", "~", "*", "e\u0301", "é",
)  # fmt: skip


def _session(name: str, rooms: Rooms) -> None:
    """Give a session a name, in its folder and in its rows."""
    (rooms / "csv/labeled-data/m1").rename(rooms / "csv/labeled-data" / name)
    path = rooms / "csv/labeled-data" / name / "CollectedData_Anna.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file).writerows([[name if cell == "m1" else cell for cell in row] for row in rows])


def _keypoint(name: str, rooms: Rooms) -> None:
    path = rooms / CSV
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file).writerows([[name if cell == "nose" else cell for cell in row] for row in rows])
    config = rooms / CONFIG
    text = config.read_text(encoding="utf-8").replace("- nose", f"- {json.dumps(name)}")
    config.write_text(text, encoding="utf-8", errors="surrogateescape")


def _project(name: str, rooms: Rooms) -> None:
    (rooms / "archive/one").rename(rooms / "archive" / name)


class _Tags(html.parser.HTMLParser):
    """Collects what a page would run."""

    def __init__(self) -> None:
        super().__init__()
        self.harm: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.harm += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and "alert(1)" in data:
            self.harm.append(data)


def _reports_are_plain(rooms: Rooms, ended: list[Ended]) -> str:
    """Look into the page and the table of an archive, and the scripts for Slurm."""
    page, table = rooms / "fresh/index.html", rooms / "fresh/report.csv"
    if page.is_file():
        tags = _Tags()
        tags.feed(page.read_text(encoding="utf-8", errors="replace"))
        if tags.harm:
            return f"index.html runs {tags.harm[:2]}"
    if table.is_file():
        with table.open(encoding="utf-8", errors="replace", newline="") as file:
            formulas = [
                cell for row in csv.reader(file) for cell in row if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}
            ]
        if formulas:
            return f"report.csv has {formulas[:2]}, which a spreadsheet computes"
    return ""


def _script_is_plain(name: str, rooms: Rooms, ended: list[Ended]) -> str:
    """The scripts name the folder as one word of their last command, and nowhere else that a shell reads."""
    scripts = re.findall(r"^#!/bin/bash.*?^exec [^\n]*$", json.dumps(ended[-1].stdout), re.DOTALL | re.MULTILINE)
    told = json.loads(ended[-1].stdout) if ended[-1].stdout else {}
    texts = [each["text"] for each in told.get("scripts", ()) if isinstance(each, dict) and "text" in each] or scripts
    for text in texts:
        calls = text[text.index("\nexec ") + 1 :]
        try:
            words = shlex.split(calls)
        except ValueError:
            return f"the last command of a script is broken: {calls[:200]!r}"
        if str(rooms / name) not in words:
            return f"no word of a script is the folder: {calls[:200]!r}"
        lines = [line for line in text[: text.index("\nexec ")].splitlines() if line and not line.startswith("#")]
        if lines:
            return f"a script has lines besides its command: {lines[:2]}"
    return ""


def cases() -> Iterator[Case]:
    archive = ("batch plan {archive} {fresh}", "batch run {fresh}", "batch finish {fresh}", "batch status {fresh}")
    for name in NAMES:
        shown = name.encode("ascii", "backslashreplace").decode() if name.isprintable() else repr(name)
        if not {"\0", "/"} & set(name):  # which no file can be called
            yield Case(
                f"a session called {shown[:40]}",
                partial(_session, name),
                ("inspect {csv}", "convert {csv} {new}", "verify {new}"),
            )
            yield Case(f"a project called {shown[:40]}", partial(_project, name), archive, check=_reports_are_plain)
            commands = ("batch plan {archive} {odd}", "batch submit {odd} --dry-run --shards 2")
            script = partial(_script_is_plain, name)
            yield Case(f"an archive called {shown[:40]}", lambda rooms: None, commands, check=script, odd=name)
        yield Case(
            f"a keypoint called {shown[:40]}",
            partial(_keypoint, name),
            ("inspect {csv}", "convert {csv} {new}", "verify {new}"),
        )
