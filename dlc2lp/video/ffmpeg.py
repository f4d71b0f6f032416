"""Finds an ffmpeg that can do the work, runs it, and stops it cleanly. The only room with child processes."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dlc2lp.errors import Interrupted, ToolMissing

#: Names the ffmpeg to use, before any other.
OVERRIDE_VARIABLE = "DLC2LP_FFMPEG"

_POLL_S = 0.05
_GRACE_S = 3.0  # between asking ffmpeg to end and ending it
_TRIAL_TIMEOUT_S = 30.0  # a first start from a cold network file system is slow
_TAIL_LINES = 20
_LINE_CHARS = 300

#: A line of ``-v level+warning``: who speaks (``[dec:h264 @ 0x5581]``), how bad it is, and what is said.
_LINE = re.compile(r"((?:\[[^\]]* @ \w+\] ?)*)\[(\w+)\] (.*)")
_SPEAKER = re.compile(r"\[([^\]]*) @ \w+\]")
_ERRORS = {"error", "fatal", "panic"}
#: A warning that is no chatter: the decoder made up a part of a picture. Not of all decoders, and version 5.1 does not
#: say it of h264 with several threads.
_CONCEALED = "corrupt decoded frame"


@dataclass(frozen=True)
class FfmpegResult:
    """What a finished ffmpeg left behind."""

    n_frames: int | None  # the last of its progress report
    returncode: int  # proves nothing alone: 0 has been seen with a third of the frames lost
    errors: tuple[str, ...]  # the last of its complaints, each cut to a readable length
    n_errors: int = 0  # how many there were
    speakers: frozenset[str] = frozenset()  # whose they are: names of codecs, containers and parts of ffmpeg


def find_ffmpeg() -> Path:
    """The ffmpeg to use: ``DLC2LP_FFMPEG``, else one on the PATH, else the one of imageio-ffmpeg.

    One that cannot do the work is passed over: without libx264 (conda's "lgpl" builds), or older than 5.1, which
    does not know ``-fps_mode`` (Ubuntu 22.04 has 4.4). Each is tried on two tiny frames; the answer is kept for the
    life of the process. Where none can, ``ToolMissing`` (``ffmpeg-missing``) lists what was wrong with each.
    """
    return _find(os.environ.get(OVERRIDE_VARIABLE, ""), os.environ.get("PATH", ""))


@functools.lru_cache(maxsize=8)
def _find(override: str, search_path: str) -> Path:
    candidates: list[tuple[str, str | None]]
    if override:
        candidates = [(f"${OVERRIDE_VARIABLE}", shutil.which(override) or override)]
        advice = f"point {OVERRIDE_VARIABLE} to an ffmpeg of 5.1 or newer with libx264, or unset it"
    else:
        candidates = [("PATH", shutil.which("ffmpeg", path=search_path)), ("imageio-ffmpeg", _imageio_ffmpeg())]
        advice = "pip install imageio-ffmpeg"
    tried = []
    for origin, program in candidates:
        if program is None:
            tried.append(f"{origin}: none")
            continue
        complaint = _trial(program)
        if complaint is None:
            return Path(program).absolute()
        tried.append(f"{origin}: {program}: {complaint}")
    message = f"found no ffmpeg that encodes with libx264 ({'; '.join(tried)})"
    raise ToolMissing.of("ffmpeg-missing", "ffmpeg", message, advice=advice)


def _imageio_ffmpeg() -> str | None:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # RuntimeError: its wheel carries no binary for this machine
        return None


def _trial(program: str) -> str | None:
    """Encode two 16x16 frames as :func:`dlc2lp.video.encoding.encode_argv` would; None if it works, else why not."""
    argv = [program, "-hide_banner", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "16x16", "-i", "pipe:0"]
    argv += ["-vf", "setsar=1,scale=out_range=tv,format=yuv420p", "-fps_mode", "passthrough"]
    argv += ["-c:v", "libx264", "-f", "null", "-"]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            argv, input=bytes(2 * 16 * 16), capture_output=True, timeout=_TRIAL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0][:_LINE_CHARS] if lines else f"exit code {done.returncode}"


def run(
    argv: Sequence[str],
    *,
    feed: Iterable[bytes] | None = None,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> FfmpegResult:
    """Run ffmpeg to its end; ``-progress pipe:1 -nostats -v level+warning`` must be among its arguments.

    Its stdin is what ``feed`` yields, in a thread of its own, and what that raises is raised here; without it stdin is
    closed (it would read the caller's, and eat the list of a ``while read`` loop), both its pipes are
    drained all the time (a full one stops it forever), and it has a session of its own, so that Ctrl-C reaches only
    this process, which then stops it through ``stop``: ``Interrupted``, within seconds. ``on_frames`` is called in this
    thread with the number of frames written so far. ``ToolMissing``: the program cannot be started.
    """
    try:
        child = _start(argv, is_fed=feed is not None)
    except OSError as problem:
        raise ToolMissing.of("ffmpeg-missing", str(argv[0]), f"can't be started: {problem}") from problem
    counts: deque[int] = deque(maxlen=1)
    complaints = _Complaints()
    assert child.stdout is not None and child.stderr is not None  # noqa: S101 - pipes were asked for
    readers = [
        threading.Thread(target=_keep_count, args=(child.stdout, counts), daemon=True),
        threading.Thread(target=complaints.keep, args=(child.stderr,), daemon=True),
    ]
    faults: list[BaseException] = []
    if feed is not None and child.stdin is not None:
        readers.append(threading.Thread(target=_feed, args=(child.stdin, feed, faults), daemon=True))
    try:
        for reader in readers:
            reader.start()
        _watch(child, str(argv[-1]), counts, on_frames, stop)
    finally:
        _end(child)
        for reader in readers:
            reader.join()
        child.stdout.close()
        child.stderr.close()
    if faults:
        raise faults[0]
    if on_frames is not None and counts:
        on_frames(counts[0])
    n_frames = counts[0] if counts else None
    return FfmpegResult(
        n_frames, child.returncode, tuple(complaints.tail), complaints.n, frozenset(complaints.speakers)
    )


def _watch(
    child: subprocess.Popen[bytes],
    subject: str,
    counts: Sequence[int],
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> None:
    """Wait for the end, pass on how far it is, and see whether it is to stop."""
    told: list[int] = []
    while child.poll() is None:
        if stop is not None and stop.is_set():
            raise Interrupted.of("interrupted", subject, "stopped while ffmpeg was at work")
        if on_frames is not None and list(counts) != told:
            told = list(counts)
            on_frames(told[0])
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_POLL_S)


def _feed(pipe: IO[bytes], feed: Iterable[bytes], faults: list[BaseException]) -> None:
    """Write to ffmpeg until all is written or it reads no more: then it has said why."""
    try:
        for chunk in feed:
            try:
                pipe.write(chunk)
            except OSError:
                break
    except BaseException as fault:  # noqa: BLE001 - it is raised again, where somebody waits
        faults.append(fault)
    with contextlib.suppress(OSError):
        pipe.close()


def _start(argv: Sequence[str], *, is_fed: bool) -> subprocess.Popen[bytes]:
    # Windows has no sessions; a process group of its own keeps Ctrl-C away there.
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    return subprocess.Popen(  # noqa: S603 - a list, no shell
        list(argv),
        stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=os.name == "posix",
        creationflags=flags,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Make sure that the child is gone: ask, wait a little, insist."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _keep_count(pipe: IO[bytes], counts: deque[int]) -> None:
    """Keep the newest number of frames that ``-progress`` tells."""
    for line in pipe:
        key, _, value = line.decode("ascii", "replace").strip().partition("=")
        if key == "frame" and value.strip().isdigit():
            counts.append(int(value))


class _Complaints:
    """What of ffmpeg's stderr tells of something wrong. A damaged file can make it megabytes: the last are kept."""

    def __init__(self) -> None:
        self.n = 0
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.speakers: set[str] = set()

    def keep(self, pipe: IO[bytes]) -> None:
        """Read to the end. What has no level belongs to the line before it, as its file names may have several."""
        is_one = True
        for line in pipe:
            text = line.decode("utf-8", "replace").strip()
            if not text:
                continue
            if match := _LINE.match(text):
                speakers, level, text = match.groups()
                is_one = level in _ERRORS or _CONCEALED in text
                self.speakers.update(_SPEAKER.findall(speakers) if is_one else ())
            if is_one:
                self.n += 1
                self.tail.append(text[:_LINE_CHARS])
