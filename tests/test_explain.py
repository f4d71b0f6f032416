"""Every code is explained, none is explained that nothing makes, and what the texts name exists."""

import re
import subprocess
import sys
import textwrap
import tomllib
from collections import Counter
from pathlib import Path

import click
import pytest
from builder import build_project
from click.shell_completion import ShellComplete
from command import dlc2lp
from finding_codes import Tracer

import dlc2lp as library
from dlc2lp.cli.main import cli
from dlc2lp.options import OPTIONS
from dlc2lp.report import explaining

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "dlc2lp/report/codes"

#: Options of other programs that the texts name.
FOREIGN = {"--account", "--me"}

#: The line below the findings of a command.
MORE = "dlc2lp explain CODE"


@pytest.fixture(scope="module")
def made():
    return Tracer().codes()


@pytest.fixture(scope="module")
def options():
    """All options of all commands, with their dashes."""
    own = {name for command in commands(cli).values() for each in command.params for name in names_of(each)}
    return own | {"-h", "--help"}


def names_of(parameter):
    return (*parameter.opts, *parameter.secondary_opts) if isinstance(parameter, click.Option) else ()


def commands(group, name="dlc2lp"):
    """Every command by what is typed."""
    found = {name: group}
    for inner in group.list_commands(click.Context(group)) if isinstance(group, click.Group) else ():
        found |= commands(group.get_command(click.Context(group), inner), f"{name} {inner}")
    return found


def texts(each):
    return {"title": each.title, "means": each.means, "matters": each.matters, "do": each.do}


def test_every_code_that_can_be_made_is_explained(made):
    missing = {code: sorted(places) for code, places in made.items() if code not in explaining.explanations()}
    assert not missing, f"explain these in {TABLE}"


def test_no_code_is_explained_that_nothing_makes(made):
    assert not sorted(explaining.explanations().keys() - made.keys())


def test_no_code_and_no_title_stands_twice():
    entries = [
        (code, entry["title"])
        for path in TABLE.glob("*.toml")
        for code, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()
        if code != "topic"
    ]
    assert len(entries) > 400
    for names in zip(*entries, strict=True):
        assert not [name for name, n in Counter(names).items() if n > 1]


def test_every_file_of_the_table_is_a_topic_that_is_shown():
    assert sorted(explaining.TOPICS) == sorted(path.stem for path in TABLE.glob("*.toml"))
    topics = {each.topic for each in explaining.explanations().values()}
    assert len(topics) == len(explaining.TOPICS)


def test_every_text_is_there_and_short():
    for each in explaining.explanations().values():
        told = texts(each)
        assert all(told.values()), each.code
        assert len(each.title) < 95, each.code
        assert not each.title.endswith("."), each.code
        for name in ("means", "matters", "do"):
            assert told[name].endswith("."), (each.code, name)
            assert len(told[name]) < 420, (each.code, name)
        assert len({*told.values()}) == len(told), each.code
        bare = re.sub("`[^`]*`", "", " ".join(told.values()))
        assert not re.search(r"[<>*`]|(?<!\w)_|_(?!\w)", bare), f"{each.code}: Markdown would take it for its own"


def test_what_the_texts_point_to_exists(options):
    typed = commands(cli)
    for each in explaining.explanations().values():
        for name in each.see:
            kinds = (
                name in explaining.explanations() and name != each.code,
                name in options,
                name.startswith("docs/") and (ROOT / name).is_file(),
                name in typed,
            )
            assert any(kinds), (each.code, name)
        assert len({*each.see}) == len(each.see), each.code


def test_the_options_and_commands_that_the_texts_name_exist(options):
    typed = commands(cli)
    for each in explaining.explanations().values():
        told = " ".join(texts(each).values())
        assert {*re.findall(r"--[a-z][a-z-]*", told)} <= options | FOREIGN, each.code
        for line in re.findall("`(dlc2lp [^`]*)`", told):
            words = line.split()
            longest = max(n for n in range(1, len(words) + 1) if " ".join(words[:n]) in typed)
            assert not (longest < len(words) and words[longest].isalpha() and words[longest].islower()), line
            assert longest > 1, line


def test_the_values_that_the_texts_give_options_are_values_of_theirs():
    values = {f"--{each.flag}": each.values for each in OPTIONS.values()}
    given = {
        (each.code, option, value)
        for each in explaining.explanations().values()
        for option, value in re.findall(r"`[^`]*(--[a-z-]+)[ =]([a-z0-9]+)`", " ".join(texts(each).values()))
    }
    assert ("target-edited", "--edited", "replace") in given
    wrong = [found for found in given if values.get(found[1]) and found[2] not in values[found[1]]]
    assert not wrong


def test_anchors_of_the_page_are_there_once():
    page = explaining.markdown()
    headings = [re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in re.findall("^#+ (.*)", page, re.M)]
    assert not [name for name, n in Counter(headings).items() if n > 1]
    assert {*re.findall(r"\]\(#([^)]*)\)", page)} <= {*headings}


def test_a_code_is_explained_in_words():
    result = dlc2lp("explain", "missing-image", "[video-missing]")
    assert result.exit_code == 0
    for code in ("missing-image", "video-missing"):
        each = library.explain(code)
        words = " ".join(result.stdout.split())
        assert f"{code}: {each.title}" in words
        assert all(text in words for text in texts(each).values())
    assert MORE not in result.stdout


def test_explanations_keep_to_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for arguments in (("missing-image",), ()):
        lines = dlc2lp("explain", *arguments).stdout.splitlines()
        assert max(map(len, lines)) <= 60
    monkeypatch.delenv("COLUMNS")
    assert 60 < max(map(len, dlc2lp("explain", *explaining.explanations()).stdout.splitlines())) < 110
    # An option is not torn from its value, nor a command from its arguments.
    assert "`dlc2lp labels TARGET`" in dlc2lp("explain", "visible-column").stdout


@pytest.mark.parametrize("arguments", [(), ("--list",)])
def test_all_codes_are_listed_by_topic(arguments):
    result = dlc2lp("explain", *arguments)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines if re.match("  [a-z0-9]", line)] == [*explaining.explanations()]
    topics = [line for line in lines if line and not line.startswith(" ")]
    assert topics == list(dict.fromkeys(each.topic for each in explaining.explanations().values()))


def test_explanations_as_json():
    document = dlc2lp("explain", "missing-image", "--json").document
    (told,) = document["explanations"]
    assert told["do"] == library.explain("missing-image").do
    assert len(dlc2lp("explain", "--json", "-q").document["explanations"]) == len(explaining.explanations())


@pytest.mark.parametrize(
    ("given", "near"),
    [("mising-image", "missing-image"), ("h5", "h5-unreadable"), ("Missing-Image", "missing-image"), ("", "")],
)
def test_an_unknown_code_is_told_with_those_that_are_near(given, near):
    result = dlc2lp("explain", given, "missing-image")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{near} " in result.stderr.replace(",", " ").replace("\n", " ")
    assert "dlc2lp explain --list" in result.stderr
    with pytest.raises(library.Dlc2LpError) as caught:
        library.explain(given)
    assert caught.value.findings[0].code == "unknown-code"


def test_the_shell_completes_codes():
    completions = ShellComplete(cli, {}, "dlc2lp", "_DLC2LP_COMPLETE").get_completions(["explain"], "missing-")
    assert [each.value for each in completions] == ["missing-coordinate", "missing-image"]


def test_a_code_and_the_list_are_two_questions():
    assert dlc2lp("explain", "missing-image", "--list").exit_code == 2


def test_explaining_reads_nothing_but_its_table():
    code = (
        "import sys\nfrom dlc2lp.cli.main import run\nrun(['explain', 'missing-image'])\n"
        "print('IMPORTED', *sorted(name for name in sys.modules if name.split('.')[0] == 'dlc2lp'))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = process.stdout.partition("IMPORTED ")[2].split()
    rooms = {"options", "declared", "lp", "dlc", "video", "survey", "planning", "run", "batch", "migration", "api"}
    assert not {name.split(".")[1] for name in imported if "." in name} & rooms


def test_findings_end_with_the_way_to_read_more(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    command = ("inspect", project.root)
    assert dlc2lp(*command).stdout.count(MORE) == 1
    assert MORE not in dlc2lp(*command, "--quiet").stdout
    as_json = dlc2lp(*command, "--json")
    assert MORE not in as_json.stdout + as_json.stderr
    refused = dlc2lp("inspect", tmp_path / "nowhere")
    assert (refused.exit_code, refused.stderr.count(MORE)) == (3, 1)
    assert MORE not in dlc2lp("inspect", tmp_path / "nowhere", "--quiet").stderr


#: Ways in which the package gives findings their codes: each must be followed.
WAYS = {
    "Finding(severity, 'a-b', subject)": {"a-b"},
    "Finding(severity, code='a-b')": {"a-b"},
    "Finding(severity, 'a-b' if x else 'c-d')": {"a-b", "c-d"},
    "class Gone(Dlc2LpError): ...\ndef of(cls, code): Finding(s, code)\nGone.of('a-b', subject)": {"a-b"},
    "def told(subject, code='a-b'): Finding(s, code)\ntold(x, 'c-d')": {"a-b", "c-d"},
    "class Reader:\n  def told(self, code): Finding(s, code)\n  def read(self): self.told('a-b')": {"a-b"},
    "def told(path, code): Finding(s, code)\ndef each():\n  for each in [(1, 'a-b')]: told(*each)": {"a-b"},
    "def told():\n  for code, n in (('a-b', 1), ('c-d', 2)): Finding(s, code)": {"a-b", "c-d"},
    "def told():\n  odd = []\n  odd.append((1, 'a-b'))\n  return [Finding(s, code) for n, code in odd]": {"a-b"},
    "NOTES = {'k': ('a-b', 1)}\ndef told(): return [Finding(s, c) for k, (c, n) in NOTES.items()]": {"a-b"},
    "def told():\n  says = {'k': ('a-b', 1)}\n  code, n = says[k]\n  Finding(s, code)": {"a-b"},
    "def told(kind): Finding(s, f'{kind}-odd')\ntold('name')": {"name-odd"},
    "def pair(): return 'a-b', 1\ndef told():\n  for p in (pair(), None): Finding(s, *p)": {"a-b"},
    "warn = partial(Finding, severity)\nwarn('a-b', subject)": {"a-b"},
    "class Choice:\n  code: ClassVar[str] = 'a-b'": {"a-b"},
}


@pytest.mark.parametrize(("source", "codes"), WAYS.items())
def test_codes_are_followed_to_where_they_are_written(tmp_path, source, codes):
    (tmp_path / "errors.py").write_text(textwrap.dedent(source), encoding="utf-8")
    assert Tracer(tmp_path).codes().keys() == codes


def test_a_code_that_nobody_can_follow_is_an_error(tmp_path):
    (tmp_path / "errors.py").write_text("def told(x): Finding(s, x.lower())\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"errors\.py:1: nobody can tell which codes x\.lower\(\) may be"):
        Tracer(tmp_path).codes()
