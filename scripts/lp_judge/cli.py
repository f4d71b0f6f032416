"""The command line and the order of the checks."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from pathlib import Path

import lp_judge
from lp_judge import sandbox
from lp_judge.app import check_app
from lp_judge.calibration import check_calibration
from lp_judge.config import check_config
from lp_judge.dataset import check_dataset
from lp_judge.dialog_training import check_dialog
from lp_judge.labels import check_labels
from lp_judge.project_yaml import check_project_yaml
from lp_judge.queue import check_queue
from lp_judge.report import FAIL, PASS, Report, describe, some
from lp_judge.subject import Options, Subject
from lp_judge.training import check_training
from lp_judge.videos import check_videos

EXIT_INTERRUPTED = 130  # as shells report Ctrl-C

#: In order: each leaves in the subject what the later ones need.
CHECKS = (
    check_project_yaml,
    check_config,
    check_labels,
    check_dataset,
    check_videos,
    check_calibration,
    check_queue,
    check_app,
    check_training,
    check_dialog,
)


def parse_arguments() -> Options:
    """Read the command line; wrong arguments end with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="lp_judge", description=lp_judge.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("target", type=Path, metavar="TARGET", help="the converted project")
    add(
        "--config",
        type=resolved,
        help="LP config (default: config.yaml, configs/default.yaml, then config*.yaml, configs/*.yaml, "
        "model_config*.yaml)",
    )
    add(
        "--profile",
        choices=["all", "lp", "app"],
        default="all",
        help="lp: only what litpose train/predict needs; app: only what the app needs",
    )
    add(
        "--train",
        action="store_true",
        help="train a small random network on the CPU through the litpose CLI, then predict",
    )
    add(
        "--as-written",
        action="store_true",
        help="train with the config as it stands, changing only epochs, batches per epoch and data workers",
    )
    add(
        "--dialog",
        action="store_true",
        help="train one step with every choice of the app's create-model dialog",
    )
    add("--epochs", type=int, default=1, help="epochs of --train (default 1)")
    add(
        "--lp-src",
        type=resolved,
        default=os.environ.get("LP_SRC"),
        metavar="DIR",
        dest="lp_source",
        help="lightning-pose checkout to import instead of the installed release (default: $LP_SRC)",
    )
    add("--strict", action="store_true", help="exit 1 on WARN too")
    add(
        "--match",
        type=int,
        default=2,
        metavar="N",
        help="labeled frames per session compared with the video frame of that index (default 2)",
    )
    add("--max-frames", type=int, default=400, metavar="N", help="dataset items read (default 400)")
    add(
        "--max-video-frames",
        type=int,
        default=1500,
        metavar="N",
        help="frames decoded per video (default 1500)",
    )
    add(
        "--override",
        nargs="*",
        default=[],
        metavar="K=V",
        help="hydra overrides of the config, not of --as-written; write TARGET before it",
    )
    add("--debug", action="store_true", help="print the traceback and the captured output of failing checks")
    return Options(**vars(parser.parse_args()))


def resolved(path: str) -> Path:
    """A path that holds after the current directory changed."""
    return Path(path).resolve()


def snapshot(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Path -> (inode, size, mtime, ctime) of all below root; a file made and deleted shows in its folder's times."""
    seen = {}
    for folder, _, files in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118 - names may be any bytes
            status = os.lstat(path)
            seen[path] = status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return seen


def judge(options: Options, report: Report) -> None:
    """Run all checks on the target."""
    directory = options.target.resolve()
    if not directory.is_dir():
        report.line(FAIL, "layout.dir", f"{directory} is not a directory")
        return
    before = snapshot(directory)
    with tempfile.TemporaryDirectory(prefix="lp_judge_", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        sandbox.isolate(scratch, options.lp_source)
        sandbox.patch(report)
        subject = Subject(directory, scratch, options)
        for check in CHECKS:
            try:
                check(subject, report)
            except Exception as error:  # between two checks: a config so incomplete that they can't be laid out
                report.line(FAIL, check.__name__, describe(error, ""))
        os.chdir("/")
    after = snapshot(directory)
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    if changed:
        report.line(
            FAIL,
            "lp_dir.untouched",
            f"{len(changed)} paths changed during the run (by this program, LP or the app, or by something "
            f"else): {some(changed, 3)}",
        )
    else:
        report.line(PASS, "lp_dir.untouched", f"{len(after)} files and folders as before")


def main() -> None:
    """Judge the project that the command line names and end with the exit code."""
    options = parse_arguments()
    report = Report(debug=options.debug, strict=options.strict)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the scratch folder goes then too
    try:
        judge(options, report)
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)
    report.result()
    os._exit(report.failed)  # not sys.exit: LP and the app leave threads behind
