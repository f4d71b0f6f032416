"""Calibration files, by LP's own reader."""

from __future__ import annotations

from lp_judge.report import Report, require
from lp_judge.subject import Subject


def check_calibration(subject: Subject, report: Report) -> None:
    """Each file has the cameras in the order of the views, which is how LP matches them."""
    if not subject.views:
        return
    shared = subject.directory / "calibration.toml"
    files = [shared] if shared.exists() else []
    for file in [*files, *sorted((subject.directory / "calibrations").glob("*.toml"))]:
        with report.check(f"calib[{file.name}]"):
            from lightning_pose.data.cameras import CameraGroup

            names = list(CameraGroup.load(str(file)).get_names())
            require(names == subject.views, f"names {names} != view_names {subject.views} (order matters)")
