"""A target that version 0.1.0 finished is recognised: verifying it finds nothing, and converting it again nothing to do
but the starter config, which is chosen otherwise since.

``fixtures/states/plans`` holds the plans which that version made of the fixtures' projects, words standing for its
paths.
"""

import json
from pathlib import Path

import pytest
from builder import snapshot
from command import dlc2lp
from golden import FIXTURES, PROJECTS
from labeler import save
from targets import read_labels

from dlc2lp.events import Watch
from dlc2lp.files import PAGE_FILE
from dlc2lp.lp.yamlfile import load_yaml
from dlc2lp.options import RunOptions
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.planning.texts import CONFIG_FILE
from dlc2lp.run.assess import assess
from dlc2lp.run.closing import close_target
from dlc2lp.run.execute import execute

OPTIONS = {
    "grown": (PROJECTS / "grown", "--machine-labels", "ignore"),
    "two-mice": (PROJECTS / "two-mice", "--individuals", "flatten"),
    "pair": ("--view", f"top={PROJECTS / 'pair-top'}", "--view", f"side={PROJECTS / 'pair-side'}"),
    "three-cameras": (PROJECTS / "three-cameras", "--view-pattern", "{session}_{view}"),
}

#: What changes with a file in them.
FOLDERS = ("configs", ".dlc2lp/steps")

#: What several cameras are told since then, which changes the plan's text and none of its steps.
NEW_NOTES = {"pair": {"visible-column"}, "three-cameras": {"visible-column"}}


def former_plan(name: str, target: Path) -> str:
    text = (FIXTURES / "states/plans" / f"{name}.json").read_text(encoding="utf-8")
    # A step's id follows from its paths, so those in the file are of other paths.
    return text.replace("@PROJECTS@", str(PROJECTS)).replace("@TARGET@", str(target))


def finished_by_former_version(name: str, target: Path) -> Plan:
    plan = Plan.from_text(former_plan(name, target), target)
    (target / PLAN_FILE).parent.mkdir(parents=True)
    (target / PLAN_FILE).write_text(plan.to_text(), encoding="utf-8")
    run = execute(plan, assess(plan), RunOptions(jobs=2), Watch())
    assert not run.failed
    close_target(plan, run.failed, run.findings, None, "none")
    return plan


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_former_target_is_recognised(tmp_path, name):
    target = tmp_path / "lp"
    former = finished_by_former_version(name, target)
    assert dlc2lp("verify", target).exit_code == 0
    before = snapshot(target)
    again = dlc2lp("convert", *_arguments(name, target), "--data-dir", f"/data/{name}", "--json")
    assert again.exit_code == 0, again.stderr
    (config,) = again.document["steps"]["done"]
    assert again.document["steps"]["failed"] == []
    now = Plan.from_text((target / PLAN_FILE).read_text(encoding="utf-8"), target)
    assert [step.targets for step in now.steps if step.id == config] == [(CONFIG_FILE,)]
    assert config not in {step.id for step in former.steps}
    skipped = set(again.document["steps"]["skipped"])
    assert {step.targets for step in former.steps} - {step.targets for step in now.steps if step.id in skipped} == {
        (CONFIG_FILE,)
    }
    after = snapshot(target)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    told = json.loads((target / PLAN_FILE).read_text())["findings"]
    fresh = {finding["code"] for finding in told} - {finding.code for finding in former.findings}
    assert fresh == NEW_NOTES.get(name, set())
    # What travels has another id now that plans know what it held; what is written as text has not.
    renamed = [step for plan in (former, now) for step in plan.steps if step.sources or step.targets == (CONFIG_FILE,)]
    records = {".dlc2lp/run.log"} | {f".dlc2lp/steps/{step.id}.json" for step in renamed}
    # The plan and what is made of it name all options, also those that are new.
    own = {".dlc2lp", ".dlc2lp/plan.json", ".dlc2lp/manifest.json", PAGE_FILE, "."}
    assert changed - records <= {*own, CONFIG_FILE, *FOLDERS}


def test_what_a_person_changed_in_a_former_config_outlives_the_new_defaults(tmp_path):
    target = tmp_path / "lp"
    finished_by_former_version("grown", target)
    path = target / CONFIG_FILE
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("learning_rate: 0.001", "learning_rate: 0.0005"),
        ("milestones: [150, 200, 250]", "milestones: [50, 60]"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    assert dlc2lp("config", target).exit_code == 0
    training, data = (load_yaml(path.read_text(encoding="utf-8"))[section] for section in ("training", "data"))
    assert training["optimizer_params"] == {"learning_rate": 0.0005}
    assert training["lr_scheduler_params"] == {"multisteplr": {"milestones": [50, 60], "gamma": 0.5}}
    assert data["image_resize_dims"] == {"height": 128, "width": 128}  # nobody changed it, so it is the new default
    assert dlc2lp("verify", target).exit_code == 0


def test_labels_that_people_made_in_a_former_target_are_merged(tmp_path):
    """No file holds its base: the stored plan's texts are it."""
    target = tmp_path / "lp"
    finished_by_former_version("grown", target)
    labels = read_labels(target)
    (first, keypoint), *_ = (place for place, (x, _) in labels.items() if x == x)
    save(target, first, {keypoint: (1.5, 2.5)})
    assert dlc2lp("verify", target).exit_code == 0
    again = dlc2lp("convert", *_arguments("grown", target), "--data-dir", "/data/grown", "--json")
    assert again.exit_code == 0, again.stderr
    assert read_labels(target) == labels | {(first, keypoint): (1.5, 2.5)}


def _arguments(name: str, target: Path) -> list[object]:
    """Put the target where the command line has it: behind the source, before the options."""
    first, *options = OPTIONS[name]
    return [first, target, *options] if isinstance(first, Path) else [target, first, *options]
