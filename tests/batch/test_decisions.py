"""What a person writes for single projects is taken exactly, kept as it stands, or refused with its place."""

import tempfile
from pathlib import Path

import pytest
from archives import SMALL
from builder import build_project
from command import dlc2lp
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp import codec
from dlc2lp.batch.decisions import Asked, Decisions, add_open, read_decisions
from dlc2lp.batch.index import IndexEntry
from dlc2lp.errors import UsageError
from dlc2lp.model import Command, Finding, RunAgain, Setting, Severity, question
from dlc2lp.options import Options

AGAIN = [Command.of("dlc2lp", "batch", verb, "/the lab/archive", "/lp") for verb in ("convert", "plan")]


def read(tmp_path, text):
    path = tmp_path / "decisions.yaml"
    path.write_text(text, encoding="utf-8")
    return read_decisions(path)


def test_values_become_what_the_option_takes(tmp_path):
    found = read(
        tmp_path,
        "lab/a:\n  individuals: no\n  scorer: 007\n  crf: 20\n  resize: 256x384\n  losses: [temporal]\n"
        "  video-root: [../videos]\n  gpu_memory: 11.5\n  merge: lab/b\n  context-frames: false\n"
        '"x: y":\n  skip: true\n',
    )
    options = found.apply("lab/a", Options(preset="slow"), Path("/archive"))
    assert (options.individuals, options.scorer, options.crf, options.preset) == ("no", "007", 20, "slow")
    assert (options.config.resize, options.config.losses, options.config.gpu_memory) == (
        (256, 384),
        ("temporal",),
        11.5,
    )
    assert options.video_roots == (Path("/archive/../videos"),)
    assert options.merge == (Path("/archive/lab/b"),)
    assert options.context_frames is False
    assert found.skips("x: y")
    assert not found.skips("lab/a")
    assert found.apply("other", Options(), Path("/archive")) == Options()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a:\n  colour: red\n", "colour"),
        ("a:\n  labels: hdf\n", "h5 or csv or newest"),
        ("a:\n  crf: many\n", "a whole number"),
        ("a:\n  resize: [1, 2, 3]\n", "a list"),
        ("a:\n  context_frames: maybe\n", "true or false"),
        ("a:\n  skip: perhaps\n", "true or false"),
        ("a:\n  view: [top, side]\n", "names and projects"),
        ("a:\n  square-size: small\n", "a number"),
        ("a:\n  square-size: -3\n", "a number above 0"),
        ("a:\n  gpu-memory: 0.5\n", "GB, from 1"),
        ("a:\n  square-size: nan\n", "a number above 0"),
    ],
)
def test_an_impossible_value_is_refused_for_its_project_alone(tmp_path, text, says):
    found = read(tmp_path, text)
    with pytest.raises(UsageError, match=says):
        found.apply("a", Options(), Path("/archive"))
    assert found.apply("b", Options(), Path("/archive")) == Options()


def test_options_are_called_as_on_the_command_line(tmp_path):
    found = read(
        tmp_path,
        "a:\n  view: {top: a, side: lab/b}\n  square-size: 12.5\n  calibration: rig\n  video-root: old\n"
        "b:\n  mirror: [_top, _bot]\n  view-pattern: '{view}-{session}'\n",
    )
    options = found.apply("a", Options(), Path("/archive"))
    assert options.views == (("top", Path("/archive/a")), ("side", Path("/archive/lab/b")))
    assert (options.square_size, options.calibration, options.video_roots) == (
        12.5,
        (Path("/archive/rig"),),
        (Path("/archive/old"),),
    )
    options = found.apply("b", Options(), Path("/archive"))
    assert (options.config.mirror, options.view_pattern) == (("_top", "_bot"), "{view}-{session}")


@pytest.mark.parametrize(
    "text", ["a: [\n", "- a\n", "a: flatten\n", "a:\n  crf: 1\n  crf: 2\n", "a: !!python/name:os.system x\n"]
)
def test_a_file_that_is_no_decisions_is_refused(tmp_path, text):
    with pytest.raises(UsageError):
        read(tmp_path, text)


def test_open_questions_are_added_once_and_what_a_person_wrote_stays(tmp_path):
    path = tmp_path / "decisions.yaml"
    path.write_text("# mine\na:\n  individuals: flatten  # as agreed\n", encoding="utf-8")
    asked = ask("found 2\na\nb")
    added = add_open(path, read_decisions(path), {"a": asked, "x: 'y'\n": asked, "no": asked}, AGAIN)
    assert (added.n_added, added.findings) == (2, ())
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# mine\na:\n  individuals: flatten  # as agreed\n")
    again = read_decisions(path)
    assert again.projects == {"a", "x: 'y'\n", "no"}
    assert again.options == {"a": {"individuals": "flatten"}}
    assert add_open(path, again, {"no": asked}, AGAIN) == Asked()
    assert path.read_text(encoding="utf-8") == text


UNSEEN = "a\x7fb\x92c\u2028d\x85e\ufffe\U0001f42d\udc80ü"


def ask(message="found 2"):
    remedies = (Setting("individuals", ("flatten", "split")),)
    return [question("several-individuals", "individuals", message, "{}", remedies, ("a", "b"))]


def test_what_settles_a_question_is_asked_for_and_nothing_that_only_its_words_name(tmp_path):
    path = tmp_path / "decisions.yaml"
    run = RunAgain("run it again", (Setting("crop", ("never",)), Setting("jobs", ("1",))))
    told = Finding(Severity.ERROR, "odd", "x", "found --gop 3", advice="not --crf 20, but {}", remedies=(run,))
    assert add_open(path, Decisions(), {"a": [*ask(), told], "b": [question("split-of-crops", "x", "y", "ask")]}, AGAIN)
    assert path.read_text(encoding="utf-8").endswith(
        "\n# several-individuals: found 2\n#   --individuals flatten|split; candidates: a, b\n"
        "# odd: found --gop 3\n#   not --crf 20, but run it again with --crop never --jobs 1\n"
        "a:\n  individuals:\n  crop:\n\n"
        "# split-of-crops: y\n#   ask\nb:\n  skip:\n"
    )


def test_an_entry_keeps_what_settles_its_findings():
    entry = IndexEntry("a", "/archive/a", "a", "needs-decision", findings=tuple(ask()))
    assert codec.read(IndexEntry, codec.to_line(entry)) == entry


def test_names_with_signs_that_can_not_be_seen_are_read_back(tmp_path):
    path = tmp_path / "decisions.yaml"
    assert add_open(path, Decisions(), {UNSEEN: ask(f"found 2: {UNSEEN}")}, AGAIN).n_added == 1
    assert read_decisions(path).projects == {UNSEEN}
    assert "ü" in path.read_text(encoding="utf-8")


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_any_name_is_read_back(name, message):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.yaml"
        assert add_open(path, Decisions(), {name: ask(message)}, AGAIN).n_added == 1
        assert read_decisions(path).projects == {name}


@pytest.mark.parametrize(
    "text", ["{}\n", "{lab/ok: {crf: 20}}\n", "  lab/ok:\n    crf: 20\n", "lab/ok:\n  crf: 20\n...\n", "# x\n---\n{}"]
)
def test_a_file_that_can_not_be_added_to_stays_and_the_lines_are_told(tmp_path, text):
    path = tmp_path / "decisions.yaml"
    path.write_text(text, encoding="utf-8")
    before = read_decisions(path)
    added = add_open(path, before, {"lab/new": ask()}, AGAIN)
    assert path.read_text(encoding="utf-8") == text
    assert (added.n_added, [finding.code for finding in added.findings]) == (0, ["decisions-not-added"])
    told = added.findings[0]
    assert "\nlab/new:\n  individuals:" in told.to_written().message
    assert told.table[-2:] == ("lab/new:", "  individuals:")


def test_the_head_names_the_command_that_goes_on_as_it_is_typed(tmp_path):
    path = tmp_path / "decisions.yaml"
    assert add_open(path, Decisions(), {"a": ask()}, AGAIN).n_added == 1
    assert path.read_text(encoding="utf-8").splitlines()[2:4] == [
        "#   dlc2lp batch convert '/the lab/archive' /lp",
        "#   dlc2lp batch plan '/the lab/archive' /lp",
    ]


def test_ends_of_lines_stay_those_of_the_person(tmp_path):
    path = tmp_path / "decisions.yaml"
    path.write_bytes(b"lab/ok:\r\n  crf: 20\r\n")
    assert add_open(path, read_decisions(path), {"lab/new": ask()}, AGAIN).n_added == 1
    content = path.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert read_decisions(path).options == {"lab/ok": {"crf": "20"}}


def test_what_is_open_is_told_where_the_file_can_not_be_written(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_project(root / "pair", individuals=("a", "b"), **SMALL)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "missing/decisions.yaml")
    result = dlc2lp("batch", "plan", root, out, "--decisions", tmp_path / "link.yaml", "--json")
    assert result.exit_code == 3
    assert result.codes == ["several-individuals", "decisions-not-added"]
    assert "pair:\n  individuals:" in result.finding("decisions-not-added")["message"]
    assert (out / ".dlc2lp-batch/index.jsonl").is_file()


@pytest.mark.parametrize(
    "decided",
    [
        "crf: 0",
        "gop: 0",
        "skip: [1]",
        "skip: {a: 1}",
        "video-root: nowhere",
        "calibration: nowhere",
        "merge: one",
        "data-dir: rel",
        "backbone: x",
    ],
)
def test_a_decision_must_be_what_the_command_line_takes(tmp_path, decided):
    build_project(tmp_path / "root/one", **SMALL)
    (tmp_path / "decisions.yaml").write_text(f"one:\n  {decided}\n", encoding="utf-8")
    result = dlc2lp(
        "batch", "plan", tmp_path / "root", tmp_path / "lp", "--decisions", tmp_path / "decisions.yaml", "--json"
    )
    assert result.exit_code == 3
    assert len(result.codes) == 1
    assert set(result.codes) <= {"decision-invalid", "out-of-range", "data-dir-relative", "bad-config-option"}
    assert not (tmp_path / "lp/one").exists()


def test_decisions_about_projects_that_are_not_there_are_told(tmp_path):
    found = read(tmp_path, "a:\n  crf: 1\nb:\n  crf: 1\n").unused(["a"])
    assert [(finding.code, finding.subject) for finding in found] == [("decision-unused", "b")]
