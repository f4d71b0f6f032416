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

#: What type checkers take for true; ``typing`` itself takes longer to load than all else that is needed first.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from dlc2lp.api import (
        archive_status,
        check_video,
        config,
        convert,
        convert_individuals,
        convert_video,
        export,
        finish_archive,
        inspect,
        labels,
        make_report,
        plan,
        plan_archive,
        run_archive,
        verify,
    )
    from dlc2lp.batch.finish import ArchiveReport
    from dlc2lp.batch.plan import ArchivePlan
    from dlc2lp.batch.run import ShardRun
    from dlc2lp.batch.status import Status
    from dlc2lp.errors import Dlc2LpError
    from dlc2lp.events import Event
    from dlc2lp.exporting import Export
    from dlc2lp.migration import Inspection, Outcome
    from dlc2lp.model import Finding, LabelTable, Severity, VideoInfo
    from dlc2lp.planning.plan import Plan
    from dlc2lp.reconfigure import Reconfigured
    from dlc2lp.relabel import Relabeled
    from dlc2lp.report.explaining import Explanation, explain
    from dlc2lp.run.verify import Verification
    from dlc2lp.version import __version__
    from dlc2lp.video.convert import ConvertedVideo, VideoVerdict
else:  # what is asked for is looked up then: `dlc2lp --version` needs none of it
    _MADE_IN = {
        "api": (
            "archive_status", "check_video", "config", "convert", "convert_individuals", "convert_video", "export",
            "finish_archive", "inspect", "labels", "make_report", "plan", "plan_archive", "run_archive",
            "verify",
        ),
        "version": ("__version__",), "errors": ("Dlc2LpError",), "events": ("Event",),
        "model": ("Finding", "LabelTable", "Severity", "VideoInfo"),
        "migration": ("Inspection", "Outcome"), "planning.plan": ("Plan",), "run.verify": ("Verification",),
        "reconfigure": ("Reconfigured",), "relabel": ("Relabeled",), "exporting": ("Export",),
        "video.convert": ("ConvertedVideo", "VideoVerdict"), "batch.plan": ("ArchivePlan",),
        "batch.run": ("ShardRun",), "batch.status": ("Status",), "batch.finish": ("ArchiveReport",),
        "report.explaining": ("Explanation", "explain"),
    }  # fmt: skip

    #: Rooms that come with the package: `except dlc2lp.errors.SourceRefused` needs no import of its own.
    _COME_ALONG = ("api", "errors", "events", "model", "options")

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _COME_ALONG:
            return import_module(f"dlc2lp.{name}")
        for room, made in _MADE_IN.items():
            if name in made:
                found = globals()[name] = getattr(import_module(f"dlc2lp.{room}"), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(__all__)


__all__ = [
    "ArchivePlan", "ArchiveReport", "ConvertedVideo", "Dlc2LpError", "Event", "Explanation", "Export", "Finding",
    "Inspection", "LabelTable", "Outcome", "Plan", "Reconfigured", "Relabeled", "Severity", "ShardRun", "Status",
    "Verification", "VideoInfo", "VideoVerdict", "__version__", "archive_status", "check_video", "config",
    "convert", "convert_individuals", "convert_video", "explain", "export", "finish_archive", "inspect", "labels",
    "make_report", "plan", "plan_archive", "run_archive", "verify",
]  # fmt: skip
