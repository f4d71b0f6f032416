"""What holds for the package as a whole."""

import ast
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from builder import build_project

import dlc2lp

PACKAGE = Path(dlc2lp.__file__).parent


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"], ["--version"]])
def test_help_answers_without_the_heavy_libraries(arguments):
    code = (
        "import sys\nfrom dlc2lp.cli.main import run\n"
        f"run({arguments!r})\n"
        "heavy = {'pandas', 'numpy', 'cv2', 'av', 'h5py', 'yaml', 'tqdm'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_nothing_in_the_package_uses_what_the_house_forbids():
    """No shell, no unsafe YAML, no pickle or read_hdf: names that must not even occur as calls."""
    forbidden = {
        *((owner, name) for owner in ("pd", "pandas") for name in ("read_hdf", "read_pickle", "HDFStore")),
        *(("yaml", name) for name in ("load", "unsafe_load", "full_load")),
        *(("pickle", name) for name in ("load", "loads")),
        ("os", "system"),
        ("os", "popen"),
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                owner = getattr(getattr(node.func, "value", None), "id", "")
                assert (owner, getattr(node.func, "attr", "")) not in forbidden, path
                assert not [keyword for keyword in node.keywords if keyword.arg == "shell"], path


def test_the_library_does_what_the_commands_do(tmp_path, capfd):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    seen = dlc2lp.inspect(project.root)
    assert (seen.exit_code, len(seen.decided.chosen.sessions)) == (0, 1)
    plan = dlc2lp.plan(project.root, tmp_path / "lp", train_batch_size=4)
    assert plan.counts["labeled_frames"].source == 5
    came = dlc2lp.convert(project.root, tmp_path / "lp", train_batch_size=4, jobs=1)
    assert came.exit_code == 0
    assert came.plan == plan
    assert dlc2lp.verify(tmp_path / "lp").ok
    assert dlc2lp.check_video(project.videos["m1"]).treatment.action == "place"
    made = dlc2lp.convert_video(project.videos["m1"], tmp_path / "m1.mp4")
    assert made.target.n_frames == project.n_frames["m1"]
    assert capfd.readouterr() == ("", "")


def test_the_library_splits_individuals_where_it_is_asked_by_name(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), individuals=("a", "b"), video="none")
    with pytest.raises(dlc2lp.Dlc2LpError, match="several targets"):
        dlc2lp.convert(project.root, tmp_path / "lp", individuals="split")
    came = dlc2lp.convert_individuals(project.root, tmp_path / "lp")
    assert {name: outcome.exit_code for name, outcome in came.items()} == {"a": 0, "b": 0}


def test_library_errors_are_typed_and_carry_findings(tmp_path):
    with pytest.raises(dlc2lp.Dlc2LpError) as caught:
        dlc2lp.convert(tmp_path / "nowhere", tmp_path / "lp")
    assert (caught.value.exit_code, caught.value.findings[0].code) == (3, "source-missing")
    with pytest.raises(dlc2lp.Dlc2LpError, match="colour"):
        dlc2lp.plan(tmp_path, tmp_path / "lp", colour="red")


def test_the_library_stops_when_asked(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    stop = threading.Event()
    stop.set()
    with pytest.raises(dlc2lp.Dlc2LpError) as caught:
        dlc2lp.convert(project.root, tmp_path / "lp", stop=stop)
    assert caught.value.exit_code == 75


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()
