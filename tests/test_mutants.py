"""``scripts/mutants`` changes what it says, takes the same share each time, and tells who noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

if sys.platform == "win32":
    pytest.skip("mutants are tried in processes that are forked", allow_module_level=True)

from mutating.mutants import is_in_sample, mutants_of  # noqa: E402
from mutating.reach import Reach  # noqa: E402
from mutating.trying import try_all  # noqa: E402

PATH = "mice/small.py"


def changed(source: str) -> set[str]:
    """The lines that mutants of a function of one line would have."""
    text = f"def f(a, b, c):\n    {source}\n".encode()
    return {each.applied(text).decode().splitlines()[1].strip() for each in mutants_of(PATH, text)}


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("return a < b", {"return a <= b"}),
        ("return a not in b", {"return a in b"}),
        ("return a and b", {"return a or b", "return True and b", "return a and True"}),
        ("return a or b", {"return a and b", "return False or b", "return a or False"}),
        ("return a[0]", {"return a[1]"}),
        ("return a - b", {"return a + b"}),
        ("return f(a, b, c=1)", {"return f(b, a, c=1)", "return f(a, b, )", "return f(a, b, c=2)"}),
        ("return sorted(a)", {"return list(a)"}),
        ("return a.strip()", {"return a"}),
        ("a.add(b)", {"pass"}),
        ("raise a", {"pass"}),
        ("return b if a else c", {"return b if True else c", "return b if False else c"}),
        ("return [a for a in b if c]", {"return [a for a in b if True]", "return [a for a in b if False]"}),
        ("return f'{a}/{b}'", {"return f'/{b}'", "return f'{a}/'"}),
        ("return 'csv'", {"return 'XXcsv'"}),
        ("return 'found no labels'", set()),
        ("return f'found {a} labels'", set()),
        ("return zip(a, b, strict=True)", {"return zip(b, a, strict=True)"}),
        ("c: int = a", set()),
    ],
)
def test_what_is_changed(source, mutants):
    assert changed(source) == mutants


def test_a_mutant_keeps_its_name_where_the_rest_of_the_file_changes():
    function = "def f(a):\n    return a < 3\n"
    before, after = (mutants_of(PATH, text.encode()) for text in (function, f'"""Words."""\n\nA = 1\n\n\n{function}'))
    assert {each.name for each in before} < {each.name for each in after}


def test_a_share_is_the_same_each_time_and_about_as_large_as_asked():
    mutants = mutants_of(PATH, "".join(f"def f{n}(a):\n    return a < {n}\n" for n in range(500)).encode())
    sample = [each.name for each in mutants if is_in_sample(each, 0.1, seed=1)]
    assert 60 < len(sample) < 140  # of 1000
    assert sample == [each.name for each in mutants if is_in_sample(each, 0.1, seed=1)]
    assert sample != [each.name for each in mutants if is_in_sample(each, 0.1, seed=2)]
    assert {*sample} < {each.name for each in mutants if is_in_sample(each, 0.2, seed=1)}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project of one function and two tests of it, of which one runs it in a process of its own."""
    root = tmp_path / "project"
    (root / "mice").mkdir(parents=True)
    (root / "mice" / "__init__.py").touch()
    (root / PATH).write_text("def grown(a):\n    return a + 1 if a else 0\n")
    (root / "tests").mkdir()
    (root / "tests" / "test_small.py").write_text(
        "import subprocess, sys\n"
        "def test_here():\n    from mice.small import grown\n    assert grown(2) == 3\n"
        "def test_as_a_process():\n"
        "    code = 'from mice.small import grown; assert grown(0) == 0'\n"
        "    subprocess.run([sys.executable, '-c', code], check=True)\n"
    )
    before = Path.cwd()
    yield root
    os.chdir(before)


def test_a_mutant_is_killed_by_the_test_that_notices_it_in_a_process_of_its_own_too(project, tmp_path):
    source = (project / PATH).read_bytes()
    mutants = {each.applied(source).decode().split("return ")[1].strip(): each for each in mutants_of(PATH, source)}
    tests = {f"tests/test_small.py::{name}": took_s for name, took_s in (("test_here", 0.1), ("test_as_a_process", 1))}
    reach = Reach(tests, {PATH: {2: [*tests]}})
    verdicts = {each.mutant: each for each in try_all(project, tmp_path, [*mutants.values()], reach, 1, 60)}
    killed_by = {text: verdicts[mutant].killed_by for text, mutant in mutants.items()}
    assert "test_here" in killed_by.pop("a - 1 if a else 0")
    assert "test_here" in killed_by.pop("a + 2 if a else 0")
    assert "test_here" in killed_by.pop("a + 1 if False else 0")
    assert "test_as_a_process" in killed_by.pop("a + 1 if True else 0")
    assert "test_as_a_process" in killed_by.pop("a + 1 if a else 1")
    assert not killed_by
    only_here = Reach(dict([*tests.items()][:1]), reach.tests)
    (alive,) = try_all(project, tmp_path / "again", [mutants["a + 1 if True else 0"]], only_here, 1, 60)
    assert (alive.killed_by, alive.n_tests) == ("", 1)
    assert (project / PATH).read_bytes() == source


def test_modules_that_no_setting_names_are_wrong_usage():
    command = [sys.executable, str(ROOT / "scripts/mutating"), "dlc2lp/wording.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "found dlc2lp/wording.py, expected modules that setup.cfg names in [mutants]" in done.stderr
