"""The ``dlc2lp`` command: its groups, and what happens when something goes wrong.

Imports here are kept light, so that ``dlc2lp --help`` answers at once; each command imports what it runs.
"""

from __future__ import annotations

import os
import sys

import click

from dlc2lp.cli import output
from dlc2lp.cli.batch import batch
from dlc2lp.cli.commands import config, convert, demo, export, inspect, labels, verify
from dlc2lp.cli.signals import stop_on_signals
from dlc2lp.cli.video import video
from dlc2lp.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, Dlc2LpError, fault
from dlc2lp.model import Finding, Severity
from dlc2lp.version import __version__

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="dlc2lp")
def cli() -> None:
    """Move DeepLabCut projects to Lightning Pose without losing or moving one frame.

    \b
    Look first:     dlc2lp inspect my-dlc-project
    Then convert:   dlc2lp convert my-dlc-project my-lp-project
    An archive:     dlc2lp batch convert my-archive my-archive-lp

    The source is never written to. Exit codes: 0 done, 1 some step or check failed, 2 wrong usage,
    3 source or target refused and nothing written, 4 ffmpeg missing, 75 stopped by a signal (run again to go on).
    """


for command in (inspect, convert, verify, config, labels, export, video, batch, demo):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with the documented exit code."""
    # Comparing images multiplies many small matrices, each in a thread of ours. OpenBLAS would start a thread per CPU
    # for every one of them, which on a busy machine takes a hundred times as long. It reads this when numpy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # For the processes that are started: glibc gives every thread that decodes videos a heap of its own, and the holes
    # in these add up to a hundred kilobytes with each project that is planned, though nothing is kept.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:  # noqa: PLR0911  (one return per way to end)
    """Run the command line and return its exit code; nothing that goes wrong reaches the user as a traceback."""
    output.reset("--json" in arguments)
    with stop_on_signals():
        try:
            result = cli.main(args=arguments, prog_name="dlc2lp", standalone_mode=False)
            return result if isinstance(result, int) else 0
        except click.exceptions.Exit as stop:
            return stop.exit_code
        except click.ClickException as error:
            return _wrong_usage(error)
        except Dlc2LpError as error:
            output.failed(error.exit_code, error.findings)
            return error.exit_code
        except (KeyboardInterrupt, click.exceptions.Abort):
            advice = "run the same command again to go on"
            finding = Finding(Severity.ERROR, "interrupted", "dlc2lp", "stopped by a signal", advice=advice)
            output.failed(EXIT_INTERRUPTED, [finding])
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            return _reader_left()
        except Exception as error:  # noqa: BLE001  the one place where a bug becomes a message
            output.log_traceback(error)
            advice = "please report it with the output of the same command and -v"
            output.failed(EXIT_FAILED, [fault("dlc2lp", error, advice)])
            return EXIT_FAILED


def _wrong_usage(error: click.ClickException) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if output.wants_json():
        if context is not None:
            output.set_command(context.command_path)
        finding = Finding(Severity.ERROR, "wrong-usage", "command line", error.format_message())
        output.failed(EXIT_USAGE, [finding])
    else:
        error.show(sys.stderr)
    return EXIT_USAGE


def _reader_left() -> int:
    """End quietly when `dlc2lp ... | head` has read enough."""
    sys.stdout = None  # or the interpreter would complain while closing it
    return 0


if __name__ == "__main__":
    main()
