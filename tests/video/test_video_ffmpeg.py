"""Finding an ffmpeg that can do the work, running it, stopping it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from dlc2lp.errors import Interrupted, ToolMissing
from dlc2lp.video import ffmpeg

posix_only = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")


def _script(folder: Path, body: str, name: str = "ffmpeg") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def _python(body: str) -> list[str]:
    return [sys.executable, "-u", "-c", body]


def test_the_one_that_is_named_is_used(each_ffmpeg: str) -> None:
    assert str(ffmpeg.find_ffmpeg()) == os.environ[ffmpeg.OVERRIDE_VARIABLE]


@posix_only
def test_one_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imageio_ffmpeg")
    _script(tmp_path, "echo \"Unrecognized option 'fps_mode'.\" >&2; exit 1")
    monkeypatch.delenv(ffmpeg.OVERRIDE_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = ffmpeg.find_ffmpeg()
    assert found.parent != tmp_path
    assert found == ffmpeg.find_ffmpeg()


@posix_only
def test_a_system_ffmpeg_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = _script(tmp_path, "exit 0")
    monkeypatch.delenv(ffmpeg.OVERRIDE_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg.find_ffmpeg() == mine


@posix_only
def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _script(tmp_path, "echo \"Unknown encoder 'libx264'\" >&2; exit 1")
    monkeypatch.delenv(ffmpeg.OVERRIDE_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ffmpeg, "_imageio_ffmpeg", lambda: None)
    with pytest.raises(ToolMissing) as missing:
        ffmpeg.find_ffmpeg()
    (finding,) = missing.value.findings
    assert (finding.code, missing.value.exit_code) == ("ffmpeg-missing", 4)
    assert str(old) in finding.message and "Unknown encoder 'libx264'" in finding.message
    assert finding.hint == "pip install imageio-ffmpeg"


def test_an_override_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ffmpeg.OVERRIDE_VARIABLE, "/no/such/ffmpeg")
    with pytest.raises(ToolMissing, match="/no/such/ffmpeg") as missing:
        ffmpeg.find_ffmpeg()
    assert ffmpeg.OVERRIDE_VARIABLE in missing.value.findings[0].hint


def test_progress_and_exit_code() -> None:
    told: list[int] = []
    result = ffmpeg.run(
        _python(
            "import time\n"
            "for n in (0, 7, 19):\n"
            "    print(f'frame={n}\\nfps=1.0\\nprogress=continue'); time.sleep(0.2)\n"
            "print('frame=21\\nprogress=end'); raise SystemExit(3)"
        ),
        on_frames=told.append,
    )
    assert (result.n_frames, result.returncode, result.errors) == (21, 3, ())
    assert told == sorted(told) and told[-1] == 21


def test_it_is_heard_when_it_says_something_and_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks every few milliseconds takes a hundredth of a CPU, and who sleeps too long comes late."""
    monkeypatch.setattr(ffmpeg, "_LOOK_S", 60.0)
    looks, waited = [], ffmpeg.subprocess.Popen.poll

    def watched(child: object) -> object:
        looks.append(child)
        return waited(child)  # type: ignore[arg-type]

    monkeypatch.setattr(ffmpeg.subprocess.Popen, "poll", watched)
    told: list[int] = []
    begun = time.monotonic()
    program = "import time\nfor n in range(1, 4): print(f'frame={n}'); time.sleep(0.7)"
    assert ffmpeg.run(_python(program), on_frames=told.append).n_frames == 3
    assert time.monotonic() - begun < 30
    assert told == [1, 2, 3, 3]
    assert len(looks) <= 3 * len(told)


def test_who_closes_its_pipe_and_goes_on_is_waited_for_and_stopped() -> None:
    program = "import os, time\nprint('frame=1', flush=True)\nos.close(1)\ntime.sleep({})"
    assert ffmpeg.run(_python(program.format(1))).returncode == 0
    stop = threading.Event()
    with pytest.raises(Interrupted):
        ffmpeg.run(_python(program.format(60)), on_frames=lambda _: stop.set(), stop=stop)


@posix_only
def test_an_encode_is_its_own_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    _script(tmp_path / "bin", f'echo "$1" >> "{calls}"; echo frame=7; exit 0')
    monkeypatch.delenv(ffmpeg.OVERRIDE_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    for _ in range(2):
        assert ffmpeg.run_untried(lambda program: [str(program), "encode"]).n_frames == 7
    assert ffmpeg.find_ffmpeg() == tmp_path / "bin" / "ffmpeg"
    assert calls.read_text(encoding="utf-8").split() == ["encode", "encode"]


@posix_only
@pytest.mark.parametrize("is_able", [True, False])
def test_an_encode_that_does_not_begin_is_no_reason_to_give_up(
    is_able: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ffmpeg that is too old is passed over; one that can encode is not asked twice for what it can't do."""
    calls = tmp_path / "calls"
    trial = "0" if is_able else "1"
    _script(tmp_path / "old", f'echo "$1" >> "{calls}"; [ "$1" = encode ] && exit 1; exit {trial}')
    _script(tmp_path / "other", f'echo "other-$1" >> "{calls}"; echo frame=7')
    monkeypatch.delenv(ffmpeg.OVERRIDE_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(ffmpeg, "_imageio_ffmpeg", lambda: str(tmp_path / "other" / "ffmpeg"))
    result = ffmpeg.run_untried(lambda program: [str(program), "encode"])
    called = calls.read_text(encoding="utf-8").split()
    if is_able:
        assert (result.returncode, called) == (1, ["encode", "-hide_banner"])
    else:
        assert (result.n_frames, called) == (7, ["encode", "-hide_banner", "other--hide_banner", "other-encode"])


def test_no_progress_is_no_count() -> None:
    assert ffmpeg.run(_python("print('frame=N/A')")).n_frames is None


def test_megabytes_of_complaints_block_nothing_and_only_their_end_is_kept() -> None:
    result = ffmpeg.run(
        _python(
            "import sys\n"
            "for n in range(20000): sys.stderr.write(f'complaint {n} ' + 'x' * 400 + '\\n')\n"
            "sys.stderr.buffer.write(b'not utf-8: \\xff\\n'); print('frame=1')"
        )
    )
    assert result.n_frames == 1
    assert len(result.errors) == 20
    assert result.errors[-1].startswith("not utf-8")
    assert result.errors[-2].startswith("complaint 19999")
    assert max(map(len, result.errors)) <= 300


def test_the_callers_stdin_is_not_read() -> None:
    result = ffmpeg.run(_python("import sys; print('frame=%d' % len(sys.stdin.read()))"))
    assert result.n_frames == 0


@pytest.mark.skipif(os.name != "posix", reason="POSIX sessions")
def test_ctrl_c_does_not_reach_it() -> None:
    result = ffmpeg.run(_python("import os; print('frame=%d' % (os.getsid(0) == os.getpid()))"))
    assert result.n_frames == 1


@pytest.mark.parametrize("deaf", [False, True])
def test_stop_ends_it_within_seconds(deaf: bool, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if deaf else ""
    program = (
        f"{ignore}import os, time\n"
        f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        "print('frame=5')\n"
        "time.sleep(60)"
    )
    stop = threading.Event()
    begun = time.monotonic()
    with pytest.raises(Interrupted) as interrupted:
        ffmpeg.run(_python(program), on_frames=lambda n_frames: stop.set(), stop=stop)
    assert time.monotonic() - begun < 15
    assert interrupted.value.exit_code == 75
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)


def test_a_failing_callback_leaves_no_child(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); print('frame=1'); time.sleep(60)"

    def fail(n_frames: int) -> None:
        raise RuntimeError("the caller's own")

    with pytest.raises(RuntimeError, match="the caller's own"):
        ffmpeg.run(_python(program), on_frames=fail)
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)


def test_a_program_that_cannot_be_started() -> None:
    with pytest.raises(ToolMissing, match="can't be started"):
        ffmpeg.run(["/no/such/ffmpeg"])


def test_what_is_a_complaint() -> None:
    """Lines as ffmpeg 5.1 and 9 write them: a warning is chatter, unless a picture was made up."""
    lines = [
        "[swscaler @ 0x55d0] [warning] deprecated pixel format used",
        "  and this is its second line",
        "[mjpeg @ 0x5581ad8104ac0] [error] unable to decode APP fields: Invalid data",
        "it goes on here",
        "[vist#0:0/h264 @ 0x55d1] [dec:h264 @ 0x55d2] [warning] corrupt decoded frame",
        "[warning] /a/[error] b.mp4: something else",
        "[fatal] No JPEG data found in image",
    ]
    result = ffmpeg.run(_python(f"import sys; print(*{lines!r}, sep=chr(10), file=sys.stderr); print('frame=1')"))
    assert result.errors == (
        "unable to decode APP fields: Invalid data",
        "it goes on here",
        "corrupt decoded frame",
        "No JPEG data found in image",
    )
    assert result.n_errors == 4
    assert result.speakers == {"mjpeg", "vist#0:0/h264", "dec:h264"}
