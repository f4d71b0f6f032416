"""Finds an ffmpeg that can do the work, runs it, and stops it cleanly. With its guard, the one who starts programs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dlc2lp.errors import Interrupted, ToolMissing
from dlc2lp.video import guard

#: Names the ffmpeg to use, before any other.
OVERRIDE_VARIABLE = "DLC2LP_FFMPEG"

#: How often it is looked whether an ffmpeg at work is to stop; its reports, twice a second, are heard as they come.
_LOOK_S = 0.5
_CLOSING_S = 0.05  # between its last word and its end
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
    asked = _asked()
    if asked not in _FOUND:
        _FOUND[asked] = _try_all()
    return _FOUND[asked]


#: What was found for each override and search path; an encode that succeeded answers, too.
_FOUND: dict[tuple[str, str], Path] = {}


def _asked() -> tuple[str, str]:
    return os.environ.get(OVERRIDE_VARIABLE, ""), os.environ.get("PATH", "")


def _candidates() -> Iterator[tuple[str, str | None]]:
    """Where an ffmpeg may be, and the program there; the first that can do the work is used."""
    override, search_path = _asked()
    if override:
        yield f"${OVERRIDE_VARIABLE}", shutil.which(override) or override
        return
    yield "PATH", shutil.which("ffmpeg", path=search_path)
    yield "imageio-ffmpeg", _imageio_ffmpeg()


def _try_all() -> Path:
    tried = []
    for origin, program in _candidates():
        if program is None:
            tried.append(f"{origin}: none")
            continue
        complaint = _trial(program)
        if complaint is None:
            return Path(program).absolute()
        tried.append(f"{origin}: {program}: {complaint}")
    is_named = _asked()[0]
    advice = f"point {OVERRIDE_VARIABLE} to an ffmpeg of 5.1 or newer with libx264, or unset it"
    message = f"found no ffmpeg that encodes with libx264 ({'; '.join(tried)})"
    raise ToolMissing.of(
        "ffmpeg-missing", "ffmpeg", message, advice=advice if is_named else "pip install imageio-ffmpeg"
    )


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


def run_untried(
    argv_of: Callable[[Path], Sequence[str]],
    *,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> FfmpegResult:
    """As :func:`run`, an encode, for which the ffmpeg that comes first need not be tried: the encode itself does that.

    One that gives up before its first frame is tried then, and where another one can do the work that does it.
    ``argv_of`` makes the command of a program. ``ToolMissing``: none can do the work.
    """
    asked = _asked()
    first = _FOUND.get(asked) or next((Path(program).absolute() for _, program in _candidates() if program), None)
    result = None
    if first is not None:
        with contextlib.suppress(ToolMissing):  # it can't be started
            result = run(argv_of(first), on_frames=on_frames, stop=stop)
            if result.n_frames:
                if result.returncode == 0:
                    _FOUND[asked] = first
                return result
    able = find_ffmpeg()
    return result if result is not None and able == first else run(argv_of(able), on_frames=on_frames, stop=stop)


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
    this process, which then stops it through ``stop``: ``Interrupted``, within seconds. Where this process is killed it
    ends, too. ``on_frames`` is called in this
    thread with the number of frames written so far. ``ToolMissing``: the program cannot be started.
    """
    guard.get_ready()
    try:
        child = _start(argv, is_fed=feed is not None)
    except OSError as problem:
        raise ToolMissing.of("ffmpeg-missing", str(argv[0]), f"can't be started: {problem}") from problem
    progress = _Progress()
    complaints = _Complaints()
    assert child.stdout is not None and child.stderr is not None  # noqa: S101 - pipes were asked for
    readers = [
        threading.Thread(target=progress.keep, args=(child.stdout,), daemon=True),
        threading.Thread(target=complaints.keep, args=(child.stderr,), daemon=True),
    ]
    faults: list[BaseException] = []
    if feed is not None and child.stdin is not None:
        readers.append(threading.Thread(target=_feed, args=(child.stdin, feed, faults), daemon=True))
    try:
        with guard.guarded(child.pid):
            for reader in readers:
                reader.start()
            _watch(child, str(argv[-1]), progress, on_frames, stop)
    finally:
        _end(child)
        for reader in readers:
            reader.join()
        child.stdout.close()
        child.stderr.close()
    if faults:
        raise faults[0]
    n_frames = progress.n_frames
    if on_frames is not None and n_frames is not None:
        on_frames(n_frames)
    return FfmpegResult(
        n_frames, child.returncode, tuple(complaints.tail), complaints.n, frozenset(complaints.speakers)
    )


def _watch(
    child: subprocess.Popen[bytes],
    subject: str,
    progress: _Progress,
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> None:
    """Wait for the end, pass on how far it is, and see whether it is to stop."""
    told: int | None = None
    while child.poll() is None:
        if stop is not None and stop.is_set():
            raise Interrupted.of("interrupted", subject, "stopped while ffmpeg was at work")
        if on_frames is not None and progress.n_frames not in {None, told}:
            told = progress.n_frames
            on_frames(told or 0)
        if progress.has_ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_CLOSING_S)
        elif progress.has_news.wait(_LOOK_S):
            progress.has_news.clear()


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


class _Progress:
    """What ``-progress`` tells, for a thread that sleeps until there is something new: each look costs CPU time."""

    def __init__(self) -> None:
        self.n_frames: int | None = None  #: The newest number of frames.
        self.has_ended = False  #: Whether no more will come.
        self.has_news = threading.Event()  #: Set when one of them has changed.

    def keep(self, pipe: IO[bytes]) -> None:
        """Read to the end."""
        for line in pipe:
            key, _, value = line.decode("ascii", "replace").strip().partition("=")
            if key == "frame" and value.strip().isdigit():
                self.n_frames = int(value)
                self.has_news.set()
        self.has_ended = True
        self.has_news.set()


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
