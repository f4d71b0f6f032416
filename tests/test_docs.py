"""The documents say what the program does."""

import importlib.util
import json
from importlib.machinery import SourceFileLoader
from pathlib import Path

import jsonschema
import pytest
from builder import build_project
from command import SCHEMAS, dlc2lp

from dlc2lp.report import explaining

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def make_docs():
    loader = SourceFileLoader("make_docs", str(ROOT / "scripts" / "make_docs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("make_docs", loader))
    loader.exec_module(module)
    return module


def test_the_reference_of_commands_is_what_help_says(make_docs):
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == make_docs.text(), "run scripts/make_docs"
    assert (ROOT / "dlc2lp/keywords.py").read_text(encoding="utf-8") == make_docs.keywords(), "run scripts/make_docs"


def test_the_page_of_findings_is_what_the_table_says():
    assert (ROOT / "docs/findings.md").read_text(encoding="utf-8") == explaining.markdown(), "run scripts/make_docs"


def test_the_schemas_are_what_the_types_say(make_docs):
    written = {path.stem: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    assert written == make_docs.schemas(), "run scripts/make_docs"


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_every_schema_is_one(schema):
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.read_text(encoding="utf-8")))


def test_every_command_keeps_to_its_schema(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), unlabeled=(7,))
    target = tmp_path / "lp"
    commands = {
        "inspect": ("inspect", project.root),
        "plan": ("convert", project.root, target, "--dry-run"),
        "convert": ("convert", project.root, target),
        "verify": ("verify", target),
        "report": ("report", target),
        "config": ("config", target, "--num-gpus", 2),
        "labels": ("labels", target),
        "export": ("export", target, tmp_path / "back"),
        "splits": ("inspect", project.root, "--split", "list"),
        "explain": ("explain", "missing-image"),
        "video-check": ("video", "check", project.root / "videos"),
        "video-convert": ("video", "convert", project.videos["m1"], tmp_path / "m1.mp4"),
    }
    for name, command in commands.items():
        result = dlc2lp(*command, "--json")
        assert result.exit_code == 0, result.stderr
        assert result.document["schema"] == f"dlc2lp/{name}/1"
    manifest = json.loads((target / ".dlc2lp/manifest.json").read_text(encoding="utf-8"))
    jsonschema.validate(manifest, json.loads((SCHEMAS / "manifest.json").read_text(encoding="utf-8")))
    animals = build_project(tmp_path / "animals", sessions=("m1",), individuals=("a", "b"), video="none")
    each = ("convert", animals.root, tmp_path / "each", "--individuals", "split", "--json")
    for name, options in {"plan-each": ("--dry-run",), "convert-each": ()}.items():
        result = dlc2lp(*each, *options)
        assert result.document["schema"] == f"dlc2lp/{name}/1"
        assert result.document["individuals"].keys() == {"a", "b"}
    documented = commands.keys() | _batch_commands_keep_to_theirs(tmp_path) | {"manifest", "plan-each", "convert-each"}
    assert {path.stem for path in SCHEMAS.glob("*.json")} == documented


def _batch_commands_keep_to_theirs(folder):
    build_project(folder / "archive/reach", sessions=("m1",), n_frames=12, frames=(2, 5))
    out = folder / "archive-lp"
    commands = {
        "batch-plan": ("plan", folder / "archive", out),
        "batch-submit": ("submit", out, "--shards", 2, "--dry-run"),
        "batch-run": ("run", out),
        "batch-status": ("status", out),
        "batch-finish-part": ("finish", out, "--shard", "1/2"),
        "batch-finish": ("finish", out),
        "batch-convert": ("convert", folder / "archive", out),
    }
    for name, command in commands.items():
        result = dlc2lp("batch", *command, "--json")
        assert result.exit_code == 0, result.stderr
        assert result.document["schema"].split("/")[1] == name  # of whatever version
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, json.loads((SCHEMAS / "batch-finish.json").read_text(encoding="utf-8")))
    return commands.keys()


@pytest.mark.parametrize(
    ("command", "name"),
    [(("inspect", "nowhere"), "inspect"), (("convert", "nowhere", "x"), "convert"), (("verify", "nowhere"), "verify")],
)
def test_a_failure_keeps_to_the_schema_too(tmp_path, monkeypatch, command, name):
    monkeypatch.chdir(tmp_path)
    document = dlc2lp(*command, "--json").document
    assert (document["schema"], document["exit_code"]) == (f"dlc2lp/{name}/1", 3)
