"""What every command takes. Light: a command that has no options of its own answers at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from dlc2lp.cli import output

Command = Callable[..., Any]


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join several option decorators into one, keeping their order in the help."""
    return lambda command: functools.reduce(lambda inner, option: option(inner), reversed(options), command)


def everywhere(command: Command) -> Command:
    """Add what every command takes, and set up the output before it runs."""

    @functools.wraps(command)
    def configured(
        *args: Any, as_json: bool, all_findings: bool, verbose: int, quiet: bool, log_file: str | None, **kwargs: Any
    ) -> Any:
        from dlc2lp.report.findings import list_all

        list_all(all_findings)
        path = click.get_current_context().command_path
        output.configure(path, as_json=as_json, verbose=verbose, quiet=quiet, log_file=log_file)
        return command(*args, **kwargs)

    return stacked(
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout (docs/json.md)."),
        click.option("--all-findings", is_flag=True, help="List every finding, however many there are of one kind."),
        click.option("-v", "--verbose", count=True, help="Say more."),
        click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong."),
        click.option("--log-file", metavar="FILE", help="Append a log with times to FILE."),
    )(configured)
