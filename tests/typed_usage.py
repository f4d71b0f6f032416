"""What people write with the library, for mypy; see test_options.py. Nothing here is run."""

from pathlib import Path

import dlc2lp
from dlc2lp import (
    ArchivePlan,
    ArchiveReport,
    ConvertedVideo,
    Export,
    Inspection,
    Outcome,
    Plan,
    Reconfigured,
    Relabeled,
    ShardRun,
    Status,
    Verification,
    VideoVerdict,
)


def use(folder: Path, sizes: list[int]) -> None:
    """Give options as they come to mind."""
    seen: Inspection = dlc2lp.inspect("project", video_roots="/mnt", merge=["x"], losses=["temporal"])
    plan: Plan = dlc2lp.plan(folder, "lp", calibration=[folder / "rig.toml", "other.toml"], resize="256x384")
    came: Outcome = dlc2lp.convert(
        source=None,
        target=folder,
        views={"top": "a", "side": Path("b")},
        video_roots=[Path("/mnt"), "/data"],
        mirror=["_top", "_bot"],
        resize=(256, 384),
        gpu_memory=16,
        crf=None,
        edited="keep",
        jobs=4,
        register="",
    )
    dlc2lp.convert("a", "b", views=[("top", "a"), ("side", folder)], resize=sizes, merge=folder, mirror="_top,_bot")
    each: dict[str, Outcome] = dlc2lp.convert_individuals("a", "b", verify="full", losses=("temporal",))
    made: Reconfigured = dlc2lp.config("lp", num_gpus=2, discard_edits=True, data_dir="/scratch/lp")
    mended: Relabeled = dlc2lp.labels("lp", dry_run=True)
    checked: Verification = dlc2lp.verify("lp", verify="none")
    back: Export = dlc2lp.export("lp", folder / "dlc", dry_run=True)
    video: ConvertedVideo = dlc2lp.convert_video("a.avi", folder / "a.mp4", profile="small", threads=2)
    verdict: VideoVerdict = dlc2lp.check_video("a.avi", verify="full")
    planned: ArchivePlan = dlc2lp.plan_archive("archive", folder, jobs=2, square_size=25)
    ran: ShardRun = dlc2lp.run_archive(folder, shard="1/2", tmp_dir="/tmp", edited="replace")
    status: Status = dlc2lp.archive_status(folder)
    report: ArchiveReport = dlc2lp.finish_archive(folder, verify="sample")
    print(seen, plan, came.exit_code, each, made, mended, checked, back, video, verdict, planned, ran, status, report)


def misuse(folder: Path) -> None:
    """What mypy must refuse."""
    dlc2lp.convert("a", "b", edited="never")  # type: ignore[arg-type]
    dlc2lp.convert("a", "b", label="csv")  # type: ignore[call-arg]
    dlc2lp.inspect("a", jobs=3)  # type: ignore[call-arg]
    dlc2lp.plan("a", "b", individuals=3)  # type: ignore[arg-type]
    dlc2lp.config(folder, labels="h5")  # type: ignore[call-arg]
    dlc2lp.cnvert("a", "b")  # type: ignore[attr-defined]
