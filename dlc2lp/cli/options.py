"""The options of the commands, as click knows them, from their declarations in dlc2lp/options.py."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from dlc2lp.cli.everywhere import Command, stacked
from dlc2lp.declared import Option
from dlc2lp.errors import UsageError
from dlc2lp.options import OPTIONS, RunOptions


class _GivenPath(click.Path):
    """A path that must be named: an empty one, such as an unset variable in a script gives, is no place."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not os.fspath(value):
            self.fail("found an empty path; `.` is the current folder", param, ctx)
        return super().convert(value, param, ctx)


GIVEN_PATH = _GivenPath(path_type=Path)
SOURCE_OR_VIEWS = click.argument("source", type=GIVEN_PATH, required=False)
SOURCE_AND_TARGET = click.argument("places", nargs=-1, required=True, type=GIVEN_PATH, metavar="[SOURCE] TARGET")
TARGET = click.argument("target", type=GIVEN_PATH)


class _Declared(click.types.StringParamType):
    """The type of a declared option: its text is read as everywhere else."""

    def __init__(self, option: Option) -> None:
        self.option = option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the text says."""
        try:
            return self.option.find(self.option.read(value))
        except UsageError as error:
            finding = error.findings[0]
            self.fail(f"{finding.subject}: {finding.message}" if finding.where else finding.message, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the values, or the places on the disk."""
        if self.option.values:
            return click.Choice(self.option.values).shell_complete(ctx, param, incomplete)
        return click.Path().shell_complete(ctx, param, incomplete) if self.option.place else []


def _click_option(option: Option, command: str) -> Callable[[Command], Command]:
    """Make click's option of a declared one, as a command has it."""
    name = f"--{option.flag}"
    shown = str(option.default) if option.default not in {None, (), False} else ""
    more: dict[str, Any] = {"type": _Declared(option), "metavar": option.metavar or f"[{'|'.join(option.values)}]"}
    if option.kind is bool:
        shown = option.flag if option.default else ""
        name += f"/--no-{option.flag}" if option.default else ""
        more = {"is_flag": True}
    elif option.is_repeated:
        more |= {"multiple": True, "callback": lambda _, __, values: tuple(itertools.chain(*values))}
    elif option.metavar.startswith("["):  # its value may be left out
        more |= {"is_flag": False, "flag_value": ""}
    extra = "; ".join(filter(None, (f"default: {shown}" if shown else "", option.bounds)))
    help_text = option.help_of.get(command, option.help) + (f"  [{extra}]" if extra else "")
    return click.option(name, option.name, default=option.default, help=help_text, **more)


def options_of(command: str) -> Callable[[Command], Command]:
    """Add the options that are declared for a command, named as ``batch plan``."""
    return stacked(
        *(_click_option(option, command) for option in OPTIONS.values() if command in option.section.commands)
    )


def take_source(places: tuple[Path, ...], options: dict[str, Any]) -> tuple[Path | None, Path]:
    """Return source and target; with ``--view`` the target stands alone, unless a 3D project names the cameras."""
    if len(places) == 2:
        return places[0], places[1]
    if options["views"] and len(places) == 1:
        return None, places[0]
    expected = "TARGET beside --view NAME=SOURCE" if options["views"] else "SOURCE and TARGET"
    raise click.UsageError(f"expected {expected}, found {' '.join(map(str, places))}")


def take_run_options(options: dict[str, Any]) -> RunOptions:
    """Return how a plan of an archive is carried out, in a job with Slurm's own folder for what is temporary."""
    # A site that sets the variable to a folder that is not there loses speed, not its work.
    scratch = options["tmp_dir"] or os.environ.get("SLURM_TMPDIR") or None
    return RunOptions.of(options | {"tmp_dir": scratch})
