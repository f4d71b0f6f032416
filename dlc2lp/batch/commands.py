"""The commands about an archive as they are typed: texts, findings and ``decisions.yaml`` all name these. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from dlc2lp.declared import typed
from dlc2lp.model import Command, PlanAgain, Remedy, RunAgain, Setting
from dlc2lp.options import Options

#: What plans an archive: with all that follows, or alone.
Verb = Literal["convert", "plan"]


def ways_to_plan(
    root: str | Path, out: Path, options: Options, *, decisions: Path | None = None
) -> dict[Verb, Command]:
    """Return the commands that plan an archive as it was planned, for when something was decided or mended."""
    chosen = [f"--decisions={decisions}"] if decisions is not None else []
    words = [root, out, *chosen, *typed(options)]
    return {verb: Command.of("dlc2lp", "batch", verb, *words) for verb in get_args(Verb)}


def run(out: Path, settings: Sequence[Setting] = ()) -> Command:
    """Return the command that carries out what is left."""
    line = Command.of("dlc2lp", "batch", "run", out).line
    return Command(" ".join([line, *map(str, settings)]))


def finish(out: Path) -> Command:
    """Return the command that checks all targets and writes the report."""
    return Command.of("dlc2lp", "batch", "finish", out)


def status(out: Path) -> Command:
    """Return the command that says how far it is."""
    return Command.of("dlc2lp", "batch", "status", out)


def in_archive(remedy: Remedy, out: Path) -> Remedy:
    """Return what settles a finding in an archive, where it names the command of a single project."""
    match remedy:
        case RunAgain(settings=()):
            return Command(f"{run(out)}, then {finish(out)}")
        case RunAgain(settings=settings):
            return run(out, settings)
        case PlanAgain():
            plan = Command.of("dlc2lp", "batch", "plan", "ROOT", out)
            return Command(f"{plan} with the same options, then {run(out)} and {finish(out)}")
        case Setting(option="edited"):
            return run(out, (remedy,))
    return remedy
