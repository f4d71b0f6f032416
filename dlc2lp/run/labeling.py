"""What is done about labels that people made in a target, besides the steps of a plan: bases kept, queues written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dlc2lp.errors import TargetRefused
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import WriteText
from dlc2lp.renaming import remove
from dlc2lp.run.assess import assess
from dlc2lp.run.execute import put_labels
from dlc2lp.run.label_work import BASE_FILE, LabelWork, base_of, keep_base, kept_base
from dlc2lp.run.scratch import leave_scratch
from dlc2lp.run.stored import stored_plan


def keep_labels(plan: Plan) -> None:
    """Keep the base of a target's labels before its plan is replaced by another one.

    TargetRefused where it can't be written.
    """
    target = Path(plan.target)
    stored = stored_plan(target)
    if stored is None or stored.labeling_texts == plan.labeling_texts:
        return
    if kept_base(target) is not None:
        # Perhaps a run was cut short after its last step, so that its own labels are the base by now.
        finish_labels(replace(stored, target=plan.target))
    keep_base(target, base_of(target, plan))


def settle_labels(plan: Plan, labels: LabelWork | None) -> bool:
    """Settle conflicts for the target, so that a merge finds none; return whether there were any."""
    if labels is None or not labels.merged.conflicts:
        return False
    keep_base(Path(plan.target), labels.settled_base)
    return True


def finish_labels(plan: Plan) -> None:
    """Write what no step writes, and have the next merge start from this plan's labels, where all steps are done.

    That are queues and held-out labels which people's frames alone are in, so that no plan knows of them. Of conflicts
    the base stays as it was, to be told again.
    """
    target = Path(plan.target)
    labels = assess(plan, ()).labels
    if labels is None or not all(labels.is_whole(name) for name in plan.labeling_texts):
        return
    to_write = {name: step for name, step in record_ids(plan, labels).items() if not labels.is_whole(name)}
    write_labels(target, to_write, labels)
    if labels.merged.conflicts:
        keep_base(target, labels.next_base)
    else:
        remove(target / BASE_FILE)


def write_labels(target: Path, step_ids: Mapping[str, str], labels: LabelWork) -> None:
    """Write label files and queues outside a run, as :func:`~dlc2lp.run.execute.put_labels` does.

    TargetRefused where they can't be written.
    """
    if not step_ids:
        return
    try:
        put_labels(target, step_ids, labels)
    except OSError as error:
        raise TargetRefused.not_writable(target, error) from error
    finally:
        leave_scratch(target)


def record_ids(plan: Plan, labels: LabelWork) -> dict[str, str]:
    """Return the ids of the records of label files and queues by name; those that no step writes have their own."""
    steps = {step.target: step.id for step in plan.steps if isinstance(step, WriteText)}
    return {name: steps.get(name, f"labels-{name}") for name in sorted(labels.texts)}
