"""One job on one video in a process of its own: ``python -m benchmarks.peak JOB SOURCE TARGET`` prints its peak memory.

The peak of a process never falls, so each job needs a process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.reference import run, stream_copy
from dlc2lp.video.compare import compare_frames
from dlc2lp.video.convert import convert_video, make_video
from dlc2lp.video.encoding import encode_settings
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
from dlc2lp.video.probe import probe
from dlc2lp.video.ties import StillImage

_N_IMAGES = 8


def _encode(source: Path, target: Path) -> None:
    settings = encode_settings("balanced", threads=1)
    make_video(source, target, probe(source), "encode", settings, verify="sample")


def _convert(source: Path, target: Path) -> None:
    convert_video(source, target, verify="sample", overwrite=True)


def _probe(source: Path, _target: Path) -> None:
    probe(source)


def _compare(source: Path, _target: Path) -> None:
    info = probe(source)
    found = compare_frames(source, info, source, info, how="full")
    if not found.agrees or found.n_compared != info.n_frames:
        raise RuntimeError(f"a video is not itself: {found}")


def _match(source: Path, target: Path) -> None:
    """Images without numbers, so that all frames are looked at."""
    info = probe(source)
    wanted = [info.n_frames * k // _N_IMAGES for k in range(_N_IMAGES)]
    stills = []
    for index, image in read_frames(source, info, wanted):
        path = target.with_name(f"still{index}.png")
        path.write_bytes(encode_image(image))
        stills.append(StillImage(path.name, path, None))
    (tie,) = find_frames(source, info, stills)
    if not tie.evidence.whole_video:
        raise RuntimeError(f"not all frames were looked at: {tie.reason}")


def _copy(source: Path, target: Path) -> None:
    """What ffmpeg itself needs: nothing of ours is loaded by then."""
    run(stream_copy(source, target))


JOBS: dict[str, Callable[[Path, Path], None]] = {
    "encode": _encode,
    "place": _convert,
    "rewrite": _convert,
    "probe": _probe,
    "compare": _compare,
    "match": _match,
    "copy": _copy,
}


def _peaks() -> tuple[int, int]:
    """Peak resident bytes of this process, and of the largest process that it started."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage says of a process begins with the size of the one that started it
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                own = int(line.split()[1]) * 1024
    return own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit


if __name__ == "__main__":
    job, source, target = sys.argv[1:]
    JOBS[job](Path(source), Path(target))
    own_bytes, child_bytes = _peaks()
    print(json.dumps({"own_bytes": own_bytes, "child_bytes": child_bytes}))
