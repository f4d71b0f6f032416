"""An option is declared once; its value is taken or refused alike on the command line, in decisions and in Python."""

import dataclasses
import importlib.util
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from builder import build_project
from command import dlc2lp as command

import dlc2lp
from dlc2lp.batch.decisions import Decisions
from dlc2lp.errors import UsageError
from dlc2lp.options import Options, RunOptions

ROOT = Path(__file__).resolve().parents[1]

#: Option -> a value that it can't have, and what must be told of it.
WRONG = [
    ("labels", "hdf5", "h5 or csv or newest"),
    ("empty_frames", "Queue", "queue or keep or drop"),
    ("visibility", "sometimes", "auto or always or never"),
    ("machine_labels", "keep", "queue or ignore"),
    ("derived_crops", "drop", "skip or keep"),
    ("frame_names", "dlc", "lp or keep"),
    ("link", "soft", "auto or copy or hardlink or symlink"),
    ("videos", "some", "listed or all or none"),
    ("crop", "always", "auto or never"),
    ("nan_means", "hidden", "occluded or unlabeled"),
    ("profile", "x", "balanced or small or intra"),
    ("preset", "warp", "ultrafast"),
    ("crf", "0", "a whole number from 1 to 51"),
    ("crf", "52", "a whole number from 1 to 51"),
    ("crf", "many", "a whole number from 1 to 51"),
    ("crf", "20.5", "a whole number from 1 to 51"),
    ("gop", "0", "a whole number from 1"),
    ("square_size", "nan", "a number above 0"),
    ("square_size", "inf", "a number above 0"),
    ("square_size", "0", "a number above 0"),
    ("gpu_memory", "lots", "GB, from 1"),
    ("gpu_memory", "0.5", "GB, from 1"),
    ("gpu_memory", "nan", "GB, from 1"),
    ("num_gpus", "0", "a whole number from 1"),
    ("train_batch_size", "-1", "a whole number from 1"),
    ("accumulate_grad_batches", "x", "a whole number from 1"),
    ("resize", "big", "HEIGHTxWIDTH"),
    ("resize", "256x", "HEIGHTxWIDTH"),
    ("resize", "1x2x3", "HEIGHTxWIDTH"),
]

#: What only Python can get wrong.
WRONG_IN_PYTHON = [
    ("individuals", 3, "text"),
    ("scorer", ["a"], "text"),
    ("machine_labels", None, "queue or ignore"),
    ("context_frames", 1, "true or false"),
    ("context_frames", "maybe", "true or false"),
    ("crf", True, "a whole number"),
    ("crf", 20.0, "a whole number"),
    ("gpu_memory", True, "GB, from 1"),
    ("gpu_memory", math.nan, "GB, from 1"),
    ("gpu_memory", 10**400, "GB, from 1"),
    ("num_gpus", True, "a whole number"),
    ("resize", (256,), "HEIGHTxWIDTH"),
    ("resize", 256, "HEIGHTxWIDTH"),
    ("resize", ("256", "x"), "HEIGHTxWIDTH"),
    ("losses", 3, "a list"),
    ("losses", {"temporal": 1}, "a list"),
    ("losses", b"ab", "a list"),
    ("mirror", {"_top", "_bot"}, "a list"),
    ("merge", 3, "a list of paths"),
    ("merge", [""], "a list of paths"),
    ("video_roots", [3], "a list of paths"),
    ("views", ["top"], "names and projects"),
    ("views", {"top": 3}, "names and projects"),
    ("views", {"": "top"}, "names and projects"),
    ("data_dir", 3, "text"),
]

WRONG_TO_RUN = [
    ("edited", "Keep", "keep or settle or replace"),
    ("edited", "never", "keep or settle or replace"),
    ("edited", None, "keep or settle or replace"),
    ("verify", "most", "sample or full or none"),
    ("jobs", 0, "a whole number from 1"),
    ("jobs", True, "a whole number from 1"),
    ("jobs", "many", "a whole number from 1"),
]


def flag(name):
    return {"views": "--view", "video_roots": "--video-root"}.get(name, f"--{name.replace('_', '-')}")


def refusal(call, *arguments, **options):
    with pytest.raises(UsageError) as caught:
        call(*arguments, **options)
    assert caught.value.exit_code == 2
    return caught.value.findings[0]


@pytest.mark.parametrize(("name", "value", "says"), [*WRONG, *WRONG_IN_PYTHON])
def test_the_library_refuses_a_wrong_value(tmp_path, name, value, says):
    for call, places in ((dlc2lp.inspect, ["x"]), (dlc2lp.plan, ["x", "y"]), (dlc2lp.plan_archive, [tmp_path, "y"])):
        finding = refusal(call, *places, **{name: value})
        assert finding.subject == flag(name)
        assert repr(value) in finding.message
        assert says in finding.message
        assert flag(name) in finding.hint


@pytest.mark.parametrize(("name", "value", "says"), [*WRONG, *WRONG_IN_PYTHON, *WRONG_TO_RUN])
def test_no_conversion_begins_with_a_wrong_value(tmp_path, name, value, says):
    for call in (dlc2lp.convert, dlc2lp.convert_individuals):
        assert says in refusal(call, tmp_path / "x", tmp_path / "lp", **{name: value}).message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value", "says"), WRONG_TO_RUN)
def test_no_archive_is_run_or_finished_with_a_wrong_value(tmp_path, name, value, says):
    assert says in refusal(dlc2lp.run_archive, tmp_path, **{name: value}).message
    if name != "edited":
        assert says in refusal(dlc2lp.finish_archive, tmp_path, **{name: value}).message
    if name == "jobs":
        assert says in refusal(dlc2lp.plan_archive, tmp_path, tmp_path / "lp", jobs=value).message


@pytest.mark.parametrize(
    ("name", "value"),
    [("profile", "x"), ("crf", "x"), ("threads", 0), ("threads", "4 or 5"), ("overwrite", "no!"), ("verify", "x")],
)
def test_no_video_is_converted_with_a_wrong_value(tmp_path, name, value):
    assert flag(name) in refusal(dlc2lp.convert_video, tmp_path / "x", tmp_path / "y.mp4", **{name: value}).subject


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_the_command_line_refuses_a_wrong_value(tmp_path, name, value, says):
    result = command("convert", tmp_path / "x", tmp_path / "lp", f"{flag(name)}={value}", "--json")
    assert result.exit_code == 2
    message = result.finding("wrong-usage")["message"]
    assert flag(name) in message
    assert repr(value) in message
    assert says in message
    assert command("convert", tmp_path / "x", tmp_path / "lp", f"{flag(name)}={value}").exit_code == 2


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_a_decision_is_refused_alike(name, value, says):
    decisions = Decisions(options={"lab/a": {flag(name)[2:]: value}})
    finding = refusal(decisions.apply, "lab/a", Options(), Path("/archive"))
    assert (finding.code, finding.subject) == ("decision-invalid", "lab/a")
    assert f"found {value!r} for {flag(name)[2:]}, expected" in finding.message
    assert says in finding.message


def test_a_changed_label_stays_whatever_was_meant(tmp_path):
    """Only ``replace`` replaces: a misspelt ``keep`` must never cost what a person labelled."""
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    target = tmp_path / "lp"
    assert dlc2lp.convert(project.root, target).exit_code == 0
    labels = target / "CollectedData.csv"
    mine = labels.read_text(encoding="utf-8").replace("0", "1", 1)
    for edited in ("Keep", "never", "KEEP ", "", None, True):
        labels.write_text(mine, encoding="utf-8")
        refusal(dlc2lp.convert, project.root, target, edited=edited)
        assert labels.read_text(encoding="utf-8") == mine
    how = RunOptions()
    object.__setattr__(how, "edited", "never")  # even where the door is gone round
    from dlc2lp import migration

    assert migration.convert(project.root, target, run_options=how).exit_code == 1
    assert labels.read_text(encoding="utf-8") == mine


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("crf", 0, "give --crf 20"),
        ("gop", "all", "give --gop 30"),
        ("preset", "quick", "give --preset superfast"),
        ("preset", "slowr", "give --preset slower"),
    ],
)
def test_a_wrong_encode_setting_is_answered_with_the_usual_or_the_nearest_one(tmp_path, name, value, hint):
    """Not with the smallest that is allowed: --crf 1 makes a file many times as large."""
    assert refusal(dlc2lp.plan, tmp_path, tmp_path / "lp", **{name: value}).hint == hint


def test_what_a_person_would_give_is_taken():
    assert Options(merge=["x"]).merge == (Path("x"),)
    assert Options(merge="x").merge == (Path("x"),)
    assert Options(video_roots=Path("/mnt")).video_roots == (Path("/mnt"),)
    for views in ({"top": "a", "side": Path("b")}, [("top", "a"), ["side", "b"]], ["top=a", "side=b"]):
        assert Options(views=views).views == (("top", Path("a")), ("side", Path("b")))
    for resize in ((256, 384), [256, 384], "256x384", "256X384"):
        assert Options.of({"resize": resize}).config.resize == (256, 384)
    assert Options.of({"losses": "temporal,pca_singleview"}).config.losses == ("temporal", "pca_singleview")
    assert Options.of({"losses": ["temporal"]}).config.losses == ("temporal",)
    assert Options.of({"losses": ""}).config.losses == ()
    assert Options.of({"mirror": "_top,"}).config.mirror == ("_top", "")
    assert Options.of({"mirror": ["_top", ""]}).config.mirror == ("_top", "")
    assert Options(crf="20").crf == 20
    assert Options(context_frames="False").context_frames is False


def test_a_value_that_was_read_is_read_as_itself():
    options = Options.of({"views": {"top": "a"}, "resize": "256x384", "mirror": "_a,_b", "merge": "x", "gpu_memory": 8})
    assert dataclasses.replace(options) == options
    assert options.changed({}) == options
    assert pickle.loads(pickle.dumps(options)) == options
    assert options.as_json()["views"] == [["top", "a"]]
    assert repr(options.config.gpu_memory) == "8"


def test_unknown_options_are_told_with_near_ones(tmp_path):
    finding = refusal(dlc2lp.convert, "x", tmp_path / "lp", label="csv", video_root="y")
    assert (finding.code, finding.subject) == ("unknown-option", "label, video_root")
    assert "labels" in finding.hint
    assert "video_roots" in finding.hint
    assert refusal(dlc2lp.inspect, "x", jobs=2).code == "unknown-option"
    assert refusal(dlc2lp.convert, "x", tmp_path / "lp", twins=["y"]).code == "unknown-option"
    with pytest.raises(UsageError) as caught:
        Decisions(options={"a": {"individual": "x"}}).apply("a", Options(), Path())
    assert "individuals" in caught.value.findings[0].hint


@pytest.mark.parametrize(
    ("name", "says"), [("video_roots", "no such folder"), ("calibration", "no such file or folder")]
)
def test_a_place_that_is_not_there_is_refused(tmp_path, name, says):
    missing = tmp_path / "missing"
    finding = refusal(dlc2lp.convert, tmp_path, tmp_path / "lp", **{name: missing})
    assert (finding.code, finding.subject, finding.where) == ("path-missing", str(missing), flag(name))
    assert says in finding.message
    result = command("convert", tmp_path, tmp_path / "lp", flag(name), missing, "--json")
    assert result.exit_code == 2
    assert f"{missing}: found {says}" in result.finding("wrong-usage")["message"]


def test_config_is_in_the_library(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    dlc2lp.convert(project.root, tmp_path / "lp")
    made = dlc2lp.config(tmp_path / "lp", num_gpus=2, data_dir="/scratch/lp")
    assert made.config.values["training"]["num_gpus"] == 2
    assert made.config.values["data"]["data_dir"] == "/scratch/lp"
    again = dlc2lp.config(tmp_path / "lp", resize="128x128")
    assert again.config.values["training"]["num_gpus"] == 2, "options of earlier calls stay in force"
    assert "--num-gpus" in refusal(dlc2lp.config, tmp_path / "lp", num_gpus=0).subject
    assert "--discard-edits" in refusal(dlc2lp.config, tmp_path / "lp", discard_edits="no!").subject
    assert refusal(dlc2lp.config, tmp_path / "lp", labels="h5").code == "unknown-option"


def test_results_are_exported_and_say_in_one_line_what_came(tmp_path):
    project = build_project(tmp_path / "archive/dlc", sessions=("m1",))
    target, out = tmp_path / "lp", tmp_path / "out"
    made = {
        "Inspection": dlc2lp.inspect(project.root),
        "Plan": dlc2lp.plan(project.root, target),
        "Outcome": dlc2lp.convert(project.root, target),
        "Verification": dlc2lp.verify(target),
        "Reconfigured": dlc2lp.config(target, num_gpus=1),
        "VideoVerdict": dlc2lp.check_video(project.videos["m1"]),
        "ConvertedVideo": dlc2lp.convert_video(project.videos["m1"], tmp_path / "m1.mp4"),
        "ArchivePlan": dlc2lp.plan_archive(tmp_path / "archive", out),
        "ShardRun": dlc2lp.run_archive(out),
        "Status": dlc2lp.archive_status(out),
        "ArchiveReport": dlc2lp.finish_archive(out),
    }
    assert repr(made["Outcome"]) == "<Outcome lp: 5 labeled frames, 1 video, 0 findings, exit 0>"
    for name, result in made.items():
        assert name in dlc2lp.__all__
        assert isinstance(result, getattr(dlc2lp, name))
        said = repr(result)
        assert said.startswith(f"<{name}")
        assert said.endswith(">")
        assert len(said) < 200
        assert "\n" not in said
    with pytest.raises(AttributeError, match="Outcomes"):
        _ = dlc2lp.Outcomes


def test_the_library_is_whole_after_a_plain_import():
    code = (
        "import sys, dlc2lp\n"
        "assert 'dlc2lp.api' not in sys.modules\n"
        "names = [*dlc2lp.__all__, 'api', 'errors', 'events', 'model', 'options']\n"
        "assert not [name for name in names if getattr(dlc2lp, name, None) is None]\n"
        "assert set(dlc2lp.__all__) <= set(dir(dlc2lp))\n"
        "assert issubclass(dlc2lp.errors.SourceRefused, dlc2lp.Dlc2LpError)\n"
        "from dlc2lp import *\n"
        "assert convert is dlc2lp.api.convert and Plan is dlc2lp.Plan"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_the_library_is_imported_without_the_heavy_libraries():
    code = (
        "import sys, dlc2lp\n"
        "heavy = {'pandas', 'numpy', 'cv2', 'av', 'h5py', 'yaml', 'tqdm', 'click'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_what_a_person_would_write_passes_mypy(tmp_path):
    """Also that what is wrong does not: an ignore that is not needed is an error."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    call = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "--follow-imports=silent"]
    call += ["--cache-dir", str(tmp_path), str(ROOT / "tests/typed_usage.py")]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    process = subprocess.run(call, capture_output=True, text=True, check=False, env=environment)
    assert process.returncode == 0, process.stdout + process.stderr
