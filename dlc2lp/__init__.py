"""dlc2lp moves DeepLabCut projects to Lightning Pose without losing or moving one frame.

The library does all that the commands do. It never prints and never exits; what goes wrong is a
:class:`~dlc2lp.errors.Dlc2LpError` that carries findings.

    import dlc2lp

    seen = dlc2lp.inspect("my-dlc-project")
    came = dlc2lp.convert("my-dlc-project", "my-lp-project", gpu_memory=16)
    for finding in came.findings:
        ...

Options have the names and defaults of the command line.
"""

from dlc2lp.api import (
    archive_status,
    check_video,
    convert,
    convert_individuals,
    convert_video,
    finish_archive,
    inspect,
    plan,
    plan_archive,
    run_archive,
    verify,
)
from dlc2lp.errors import Dlc2LpError
from dlc2lp.events import Event
from dlc2lp.model import Finding, LabelTable, Severity, VideoInfo
from dlc2lp.version import __version__

__all__ = [
    "Dlc2LpError",
    "Event",
    "Finding",
    "LabelTable",
    "Severity",
    "VideoInfo",
    "__version__",
    "archive_status",
    "check_video",
    "convert",
    "convert_individuals",
    "convert_video",
    "finish_archive",
    "inspect",
    "plan",
    "plan_archive",
    "run_archive",
    "verify",
]
