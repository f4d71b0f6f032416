"""What the figures were measured on, without any name by which the machine could be found."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import av
import cv2

from dlc2lp import __version__
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.ffmpeg import find_ffmpeg


def description() -> str:
    """CPU, operating system and versions as a Markdown table."""
    cores = f"{allowed_cpus()} allowed of {os.cpu_count()}"
    rows = {
        "CPU": f"{_cpu_model()}, cores: {cores}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "ffmpeg": _ffmpeg_version(),
        "Python, PyAV, OpenCV": f"{platform.python_version()}, {av.__version__}, {cv2.__version__}",
        "dlc2lp": __version__,
        "load when it began": " ".join(f"{load:.1f}" for load in os.getloadavg()) if os.name == "posix" else "unknown",
    }
    return "\n".join(["| machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()


def _ffmpeg_version() -> str:
    text = subprocess.run([find_ffmpeg(), "-version"], capture_output=True, text=True, check=True).stdout
    return " ".join(text.split()[2:3])
