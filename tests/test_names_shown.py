"""No name acts on a terminal, in a log or in a page: what would not be seen is spelled out, in all that leaves."""

import csv
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from builder import build_project
from command import dlc2lp

from dlc2lp.model import Finding, Severity, question
from dlc2lp.report.findings import findings_text
from dlc2lp.report.layout import table
from dlc2lp.wording import shown, shown_lines

#: Clears the screen, sets the title of a window, turns what follows around, is C1's escape, ends a line and forges one.
EVIL = "a\x1b[2J\x1b]0;t\x07\u202eb\x9b31mc\nerror: d\u2028e\u200ff"
ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

posix = pytest.mark.skipif(sys.platform == "win32", reason="no file can be called so there")


def harmless(text):
    assert not (found := ACTS.search(text)), repr(text[max(0, found.start() - 60) : found.end() + 60])
    assert not re.search(r"^error: d", text, re.MULTILINE), text
    return True


def all_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """An archive in which everything that has a name has an evil one."""
    if sys.platform == "win32":
        pytest.skip("no file can be called so there")
    top = tmp_path_factory.mktemp("evil") / EVIL
    project = build_project(
        top / "root" / f"p{EVIL}",
        sessions=(f"m{EVIL}", "m2"),
        bodyparts=("nose", f"tail{EVIL}"),
        frames=(2, 5, 9),
        n_frames=12,
        size_px=(64, 48),
        scorer="Anna",
    )
    (project.root / "labeled-data" / f"empty{EVIL}").mkdir()
    (project.root / "labeled-data/m2" / f"no-row{EVIL}.png").write_bytes(b"no image")
    build_project(top / "root" / f"broken{EVIL}", sessions=("m1",), individuals=(f"i{EVIL}", "j"), video="none")
    (top / "root" / f"packed{EVIL}-dlc.zip").write_bytes(b"PK")
    (top / "root" / "bytes\udcff\udc9b").mkdir()
    return top


def commands(top, work):
    root, lp, out = top / "root", work / EVIL / "lp", work / EVIL / "out"
    project = root / f"p{EVIL}"
    return [
        ("inspect", project),
        ("inspect", root / f"broken{EVIL}"),
        ("inspect", root),
        ("inspect", top / f"nowhere{EVIL}"),
        ("convert", project, lp, "--dry-run"),
        ("convert", project, lp),
        ("convert", root / f"broken{EVIL}", work / EVIL / "split", "--individuals", "split"),
        ("verify", lp),
        ("verify", work / EVIL / "split"),
        ("config", lp),
        ("labels", lp),
        ("export", lp, work / EVIL / "back"),
        ("batch", "plan", root, out),
        ("batch", "run", out),
        ("batch", "status", out),
        ("batch", "submit", out, "--shards", "2", "--dry-run"),
        ("batch", "finish", out),
        ("video", "check", project / "videos"),
        ("video", "check", root / f"broken{EVIL}/config.yaml"),
        ("video", "convert", next((project / "videos").iterdir()), work / f"v{EVIL}.mp4"),
        ("demo", work / EVIL / "demo"),
    ]


@posix
@pytest.mark.usefixtures("no_cluster")
def test_nothing_acts_in_all_that_leaves(evil, tmp_path):
    (tmp_path / EVIL).mkdir()
    (tmp_path / EVIL / "lp").mkdir()
    log = tmp_path / "log"
    for command in commands(evil, tmp_path):
        result = dlc2lp(*command, "-v", "--log-file", log)
        assert harmless(result.stdout) and harmless(result.stderr), command
        result = dlc2lp(*command, "--json", "-q")
        assert harmless(result.stdout) and harmless(result.stderr), command
        json.loads(result.stdout)
    assert harmless(log.read_text(encoding="utf-8"))
    said = [path for path in all_below(tmp_path) if path.name in {"run.log", "index.html", "report.csv"}]
    assert {path.name for path in said} == {"run.log", "index.html", "report.csv"}
    for path in said:
        assert harmless(path.read_text(encoding="utf-8")), path


@posix
def test_json_tells_names_as_they_are(evil, tmp_path):
    project = evil / "root" / f"p{EVIL}"
    result = dlc2lp("inspect", project, "--json")
    assert f"tail{EVIL}" in {each["name"] for each in result.document["keypoints"]}
    assert result.document["project"]["root" if "root" in result.document["project"] else "path"] == str(project)


@posix
@pytest.mark.parametrize(
    "words",
    [
        ("inspect", f"--{EVIL}"),
        (f"in{EVIL}",),
        ("inspect", "x", f"y{EVIL}", f"z{EVIL}"),
        ("inspect", "x", "--scorer"),
        ("convert", "x", "y", "--visibility", f"a{EVIL}"),
        ("batch", "run", "x", "--shard", f"1/{EVIL}"),
        ("batch", "submit", "x", "--shards", f"{EVIL}"),
        ("inspect", f"x{EVIL}", "--log-file", f"/nowhere/{EVIL}"),
        ("video", "check", f"x{EVIL}"),
    ],
)
def test_what_click_says_of_a_wrong_command_is_harmless(words):
    for more in ((), ("--json",)):
        result = dlc2lp(*words, *more)
        assert result.exit_code
        assert harmless(result.stdout) and harmless(result.stderr)


@posix
def test_the_bar_on_a_terminal_is_harmless(evil, tmp_path):
    """What tqdm itself sends to a terminal is the return of the carriage and what clears a line."""
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dlc2lp", "batch", "convert", str(evil / "root"), str(tmp_path / "out")],
        stdout=follower, stderr=follower, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(follower)
    said = b""
    try:
        while block := os.read(leader, 65536):
            said += block
    except OSError:
        pass  # so Linux tells the end
    process.wait()
    os.close(leader)
    assert harmless(said.decode().replace("\r", "").replace("\x1b[A", ""))


def test_a_message_has_one_line_and_a_table_its_own():
    finding = Finding(
        Severity.ERROR, "odd", EVIL, f"found {EVIL}", f"row {EVIL}", f"mend {EVIL}", table=("a  b", "c  d")
    )
    lines = findings_text([finding]).splitlines()
    assert [line for line in lines if line.startswith("error: d")] == []
    assert lines.index("a  b") + 1 == lines.index("c  d")
    assert finding.to_written().message == f"found {EVIL}\na  b\nc  d"
    asked = question("several", "individuals", "found 9", "{}", (), tuple("abcdefghi"), ("a", "b"))
    assert "the 9 above" in asked.short_hint


def test_a_table_is_aligned_by_what_is_shown():
    lines = table(("name", "n"), [(EVIL, "1"), ("b", "2")]).splitlines()
    assert [line[-1] for line in lines] == ["n", "1", "2"]
    assert len({len(line) for line in lines}) == 1


def test_what_people_write_stays_as_it_is():
    for name in ("Mäuse 鼠 мышь", "naïve café", "a\u3000b", "🐭", "e\u0301"):
        assert shown(name) == name == shown_lines(name)
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown(EVIL))
    assert shown_lines("a\nb") == "a\nb"


def test_a_spreadsheet_calculates_nothing(tmp_path):
    for number, start in enumerate(("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d")):
        if sys.platform == "win32" and start[0] in "\t\r\n":
            continue
        build_project(tmp_path / "root" / f"{start}1+{number}", sessions=("m1",), frames=(2,), n_frames=4, video="none")
    dlc2lp("batch", "convert", tmp_path / "root", tmp_path / "out")
    with (tmp_path / "out/report.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert sum(cell.startswith("'") for cell in cells) >= 9
    for cell in cells:
        assert not cell.lstrip().startswith(("=", "@", "\uff1d")) or cell.startswith("'"), cell


@posix
@pytest.mark.usefixtures("no_cluster")
def test_a_job_of_slurm_has_a_harmless_name(tmp_path):
    build_project(tmp_path / "root/p", sessions=("m1",), frames=(2,), n_frames=4, video="none")
    out = tmp_path / f"out{EVIL}"
    assert dlc2lp("batch", "plan", tmp_path / "root", out).exit_code == 0
    result = dlc2lp("batch", "submit", out, "--shards", "2", "--dry-run", "--json")
    scripts = json.dumps(result.document, ensure_ascii=False)
    assert "#SBATCH --job-name=dlc2lp-out" in scripts
    from dlc2lp.batch.slurm import Resources, submit_archive

    for script in submit_archive(out, ["dlc2lp"], 2, Resources(), dry_run=True).scripts:
        comments = [line for line in script.text.splitlines() if line.startswith("#")]
        assert harmless("\n".join(comments))
        assert len(comments) == len([line for line in script.text.split("\n") if line.startswith("#")])


def test_every_text_leaves_by_one_door():
    """Nothing but the door itself calls what writes to a terminal."""
    package = Path(__file__).resolve().parents[1] / "dlc2lp"
    for path in package.rglob("*.py"):
        if path.name != "output.py":
            assert not re.search(
                r"\bclick\.s?echo\(|(?<!>>> )\bprint\(|std(out|err)\.write\(", path.read_text(encoding="utf-8")
            ), path
