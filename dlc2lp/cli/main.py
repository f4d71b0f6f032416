"""The ``dlc2lp`` command: its groups, and what happens when something goes wrong.

Imports here are kept light, so that ``dlc2lp --help`` answers at once: a command is imported when it is called, and
imports what it runs.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from dlc2lp.cli.early import ignore_signals
from dlc2lp.cli.signals import stop_if_asked, stop_on_signals
from dlc2lp.version import __version__

if TYPE_CHECKING:
    from dlc2lp.errors import Interrupted

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

#: Where each command stands, and the first sentence of its help, for which it need not be imported.
COMMANDS = {
    "inspect": ("commands", "Say what is in SOURCE, what would be done and what needs a decision."),
    "convert": ("commands", "Turn the DeepLabCut project SOURCE into the Lightning Pose project TARGET."),
    "verify": (
        "commands",
        "Check TARGET again: against the plan it was written by, and against Lightning Pose's own rules.",
    ),
    "report": (
        "commands",
        "Make the page of TARGET for people anew, migration-report.html, of what stands there now.",
    ),
    "config": ("commands", "Write the starter config of TARGET again with other options."),
    "labels": (
        "commands",
        "Make the label files of TARGET what Lightning Pose trains on, after labeling in its app.",
    ),
    "export": ("commands", "Write the labels of TARGET, as they are now, as a DeepLabCut project into DLC-FOLDER."),
    "explain": ("explain", "Say what the CODE of a finding means, why it matters and what to do."),
    "video": ("video", "Check or convert single videos."),
    "batch": ("batch", "An archive of projects: find, plan, run, finish; on one machine or on a cluster."),
    "demo": ("commands", "Make a small synthetic DeepLabCut project in FOLDER and convert it."),
}

#: What is answered here, without any command.
_ANSWERED_HERE = frozenset({"--version", "--help", "-h"})


class _Commands(click.Group):
    """The commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of them; None where there is none of the name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"dlc2lp.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them in the help, by what stands here of each."""
        listed: dict[str, click.Command] = {
            name: click.Command(name, help=text) for name, (_, text) in COMMANDS.items()
        }
        click.Group(commands=listed).format_commands(ctx, formatter)


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="dlc2lp")
def cli() -> None:
    """Move DeepLabCut projects to Lightning Pose without losing or moving one frame.

    \b
    Look first:     dlc2lp inspect my-dlc-project
    Then convert:   dlc2lp convert my-dlc-project my-lp-project
    An archive:     dlc2lp batch convert my-archive my-archive-lp
    A finding:      dlc2lp explain missing-image

    The source is never written to. Exit codes: 0 done, 1 some step or check failed, 2 wrong usage,
    3 source or target refused and nothing written, 4 ffmpeg missing, 75 stopped by a signal, or another dlc2lp is at
    work in the target or was faster (run again to go on).
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with the documented exit code."""
    # Comparing images multiplies many small matrices, each in a thread of ours. OpenBLAS would start a thread per CPU
    # for every one of them, which on a busy machine takes a hundred times as long. It reads this when numpy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # For the processes that are started: glibc gives every thread that decodes videos a heap of its own, and the holes
    # in these add up to a hundred kilobytes with each project that is planned, though nothing is kept.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    exit_code = run(sys.argv[1:] if arguments is None else arguments)
    ignore_signals()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # a full disk, which was told
        _reader_left()
    sys.exit(exit_code)


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code; nothing that goes wrong reaches the user as a traceback."""
    with stop_on_signals():
        try:
            return _run(arguments)
        except KeyboardInterrupt as error:  # between the end of a command and ours
            return _ended_by(error, arguments)


def _run(arguments: list[str]) -> int:
    try:
        if not _ANSWERED_HERE.issuperset(arguments):
            from dlc2lp.cli import output

            output.reset("--json" in arguments)
        stop_if_asked()
        result = cli.main(args=arguments, prog_name="dlc2lp", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except BrokenPipeError as error:
        # What commands say leaves by output.say, which knows; this may as well be a program that was started.
        return _ended_by(error, arguments) if _ANSWERED_HERE.isdisjoint(arguments) else _reader_left()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the one place where a bug becomes a message
        return _ended_by(error, arguments)


def _ended_by(error: Exception | KeyboardInterrupt, arguments: list[str]) -> int:
    """Say what ended a command early, and return the exit code."""
    from dlc2lp.cli import output
    from dlc2lp.errors import EXIT_FAILED, Dlc2LpError, Interrupted, explained, fault

    if isinstance(error, click.ClickException):
        return _wrong_usage(error)
    if isinstance(error, KeyboardInterrupt | click.exceptions.Abort):
        return _stopped(Interrupted.of("interrupted", "dlc2lp", "stopped by a signal"), arguments)
    if isinstance(error, Interrupted):
        return _stopped(error, arguments)
    if (told := explained(error, "dlc2lp")) is not None:
        if not isinstance(error, Dlc2LpError):
            output.log_traceback(error)
        output.failed(told.exit_code, told.findings)
        return told.exit_code
    output.log_traceback(error)
    advice = "please report it with the output of the same command and -v"
    output.failed(EXIT_FAILED, [fault("dlc2lp", error, advice)])
    return EXIT_FAILED


def _stopped(error: Interrupted, arguments: list[str]) -> int:
    """Say what is done where a signal stopped a command, and how to go on: by the very same command."""
    from dataclasses import replace

    from dlc2lp.cli import output
    from dlc2lp.model import Command

    advice, remedies = "run the same command again to go on: {}", (Command.of("dlc2lp", *arguments),)
    told = [replace(each, advice=advice, remedies=remedies) for each in error.findings]
    output.failed(error.exit_code, told, is_stopped=True)
    return error.exit_code


def _wrong_usage(error: click.ClickException) -> int:
    from dlc2lp.cli import output
    from dlc2lp.errors import EXIT_USAGE
    from dlc2lp.model import Finding, Severity
    from dlc2lp.wording import shown

    context = error.ctx if isinstance(error, click.UsageError) else None
    if output.wants_json():
        if context is not None:
            output.set_command(context.command_path)
        finding = Finding(Severity.ERROR, "wrong-usage", "command line", error.format_message())
        output.failed(EXIT_USAGE, [finding])
    else:
        if not isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            # What stands there of names, before click puts its own lines around it.
            vars(error)["message"] = shown(error.message or "")
        words = io.StringIO()
        error.show(words)
        output.say(words.getvalue().removesuffix("\n"), err=True)
    return EXIT_USAGE


def _reader_left() -> int:
    """End quietly when `dlc2lp ... | head` has read enough."""
    sys.stdout = None  # or the interpreter would complain while closing it
    return 0


if __name__ == "__main__":
    main()
