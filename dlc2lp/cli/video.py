"""The commands about single videos. They go straight to the video wing; no project is involved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dlc2lp.cli import output
from dlc2lp.cli.everywhere import everywhere
from dlc2lp.cli.options import GIVEN_PATH, options_of
from dlc2lp.cli.signals import STOP
from dlc2lp.errors import EXIT_FAILED, EXIT_OK
from dlc2lp.model import VIDEO_SUFFIXES, Finding
from dlc2lp.options import WholeVideo


@click.group()
def video() -> None:
    """Check or convert single videos."""


@video.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR...", type=GIVEN_PATH)
@options_of("video check")
@everywhere
def check(paths: tuple[Path, ...], verify_alone: WholeVideo) -> int:
    """Say of each video whether it is what Lightning Pose needs, and if not, why. Exit 1 if any is not."""
    from dlc2lp.errors import VideoFailed
    from dlc2lp.report.video import verdicts_text, video_check
    from dlc2lp.video.convert import VideoVerdict, check_video

    verdicts: list[tuple[str, VideoVerdict | None]] = []
    findings: list[Finding] = []
    for path in _videos(paths):
        try:
            verdict = check_video(path, verify=verify_alone, stop=STOP)
            verdicts.append((str(path), verdict))
            findings += (*verdict.faults, *verdict.info.remarks)
        except VideoFailed as error:
            verdicts.append((str(path), None))
            findings += error.findings
    bad = any(verdict is None or not verdict.conforms for _, verdict in verdicts)
    exit_code = EXIT_FAILED if bad else EXIT_OK
    output.result(verdicts_text(verdicts, findings), video_check(verdicts, findings, exit_code))
    return exit_code


def _videos(paths: tuple[Path, ...]) -> list[Path]:
    """Return the files among the paths, and the videos below the folders among them."""
    found = []
    for path in paths:
        inner = path.rglob("*") if path.is_dir() else ()
        called = (each for each in inner if each.suffix.lower() in VIDEO_SUFFIXES)
        videos = sorted(each for each in called if each.exists() and not each.is_dir())  # what is no file is told
        found += videos if path.is_dir() else [path]
    if not found:
        raise click.UsageError(f"found no video in {', '.join(map(str, paths))}")
    return found


@video.command()
@click.argument("source", metavar="IN", type=GIVEN_PATH)
@click.argument("target", metavar="OUT", type=GIVEN_PATH)
@options_of("video convert")
@everywhere
def convert(source: Path, target: Path, **options: Any) -> int:
    """Turn the video IN into what Lightning Pose needs, frame by frame, at OUT (an .mp4)."""
    from dlc2lp.report.video import converted_video_text, video_convert
    from dlc2lp.video.convert import convert_video

    made = convert_video(source, target, stop=STOP, **options)
    output.result(converted_video_text(made), video_convert(made))
    return EXIT_OK
