"""What need not be encoded: a copy, a new container, new times; and how long it takes to know what a video is."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import reference
from benchmarks.measure import gain, say, table
from benchmarks.recordings import Recording, Size, noisy
from dlc2lp.video.convert import Verify, check_video, convert_video
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.video.probe import probe

_HEADS = ("", "baseline", "wall", "CPU", "wall s")
_CHECK_HEADS = ("", "CPU s, verify none", "CPU s, verify sample", "for 100 MB more")


def report(folder: Path, size: Size, _given: Path | None) -> str:
    """Three tables: copying, checking what was copied, and probing."""
    say("  making large videos")
    h264 = _large(noisy(folder, size.noisy_frames), folder, size)
    mov, mkv = folder / "large.mov", folder / "large.mkv"
    for container in (mov, mkv):
        reference.run(reference.stream_copy(h264, container))
    info = probe(h264)
    about = f"{info.n_frames} frames of h264, {info.size_bytes / 1e6:.0f} MB"
    copies = f"### Copying: {about}\n\n" + _copies(h264, mov, mkv, folder, size)
    checks = f"### Checking the copies: {about}\n\n" + _checks((h264, mov, mkv), folder, size)
    probes = f"### Probing: the same video, and {size.noisy_frames} frames of mjpeg\n\n"
    return "\n\n".join(
        ["## What is not encoded", copies, checks, probes + _probes(h264, noisy(folder, size.noisy_frames), size)]
    )


def _large(recording: Recording, folder: Path, size: Size) -> Path:
    """A conforming video of at least some size, repeated from a short one."""
    once, large = folder / "once.mp4", folder / "large.mp4"
    encoding = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-color_range", "tv")
    ffmpeg = [str(find_ffmpeg()), "-nostdin", "-v", "error", "-y"]
    reference.run([*ffmpeg, "-i", str(recording.path), "-vf", "scale=out_range=tv", *encoding, str(once)])
    n_times = -(-size.copied_bytes // once.stat().st_size)
    reference.run([*ffmpeg, "-stream_loop", str(n_times - 1), "-i", str(once), "-c", "copy", str(large)])
    return large


def _copies(h264: Path, mov: Path, mkv: Path, folder: Path, size: Size) -> str:
    target = folder / "copied.mp4"

    def copying(source: Path) -> Callable[[], object]:
        return lambda: reference.run(reference.stream_copy(source, target))

    ways: list[tuple[str, Path, str, Callable[[], object]]] = [
        ("place", h264, "file copy", lambda: shutil.copyfile(h264, target)),
        ("remux", mov, "`ffmpeg -c copy`", copying(mov)),
        ("rewrite", mkv, "`ffmpeg -c copy`, which leaves an uneven clock", copying(mkv)),
    ]
    rows = []
    for action, source, name, baseline in ways:
        baseline()
        for verify in ("none", "sample"):
            say(f"  {action}, verify {verify}")
            found = gain(baseline, _converting(source, target, action, verify), size.repeats)
            what = f"{action} ({source.suffix} to .mp4), verify {verify}"
            rows.append([what, name, f"{found.wall:.2f}", f"{found.cpu:.2f}", f"{found.cost.wall_s:.2f}"])
    return table(_HEADS, rows)


def _converting(source: Path, target: Path, action: str, verify: Verify) -> Callable[[], None]:
    def convert() -> None:
        made = convert_video(source, target, verify=verify, overwrite=True)
        if made.action != action:
            raise RuntimeError(f"{source.name}: did {made.action}, expected {action}")

    return convert


def _checks(sources: tuple[Path, ...], folder: Path, size: Size) -> str:
    """What the sampled check adds, in this process, where the clock counts microseconds; one without, one with it."""
    rows = []
    for source, action in zip(sources, ("place", "remux", "rewrite"), strict=True):
        say(f"  {action}, verify none beside sample")
        none, sample = (_converting(source, folder / "copied.mp4", action, verify) for verify in ("none", "sample"))
        none(), sample()
        pairs = [(_cpu_s(none), _cpu_s(sample)) for _ in range(3 * size.repeats)]
        more = median(after - before for before, after in pairs) / (source.stat().st_size / 1e8)
        without, with_ = (median(costs) for costs in zip(*pairs, strict=True))
        rows.append([f"{action} ({source.suffix} to .mp4)", f"{without:.3f}", f"{with_:.3f}", f"{more:.3f}"])
    return table(_CHECK_HEADS, rows)


def _cpu_s(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _probes(h264: Path, mjpeg: Recording, size: Size) -> str:
    ffprobe = shutil.which("ffprobe")
    rows = []
    for path in (h264, mjpeg.path):

        def probing(source: Path = path) -> None:
            check_video(source)

        ways = [("`ffmpeg -i`, which counts nothing", [str(find_ffmpeg()), "-i", str(path)])]
        if ffprobe:
            counting = [ffprobe, "-v", "error", "-select_streams", "v:0", "-show_entries", "stream", str(path)]
            ways += [(f"`ffprobe {option}`", [*counting, option]) for option in ("-count_packets", "-count_frames")]
        for name, argv in ways:
            say(f"  probing {path.suffix} beside {name}")

            def baseline(command: list[str] = argv) -> None:
                _ask(command)

            found = gain(baseline, probing, size.repeats)
            what = "h264 mp4" if path == h264 else "mjpeg avi"
            rows.append([what, name, f"{found.wall:.1f}", f"{found.cpu:.1f}", f"{found.cost.wall_s:.3f}"])
    return table(_HEADS, rows)


def _ask(argv: list[str]) -> None:
    """``ffmpeg -i`` without an output ends with 1, having said what people look for."""
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
