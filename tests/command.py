"""Runs ``dlc2lp`` for the tests: in this process where that is enough, as a process of its own where it is not."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from dlc2lp.cli.main import run
from dlc2lp.video.ffmpeg import find_ffmpeg

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schemas"


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def codes(self) -> list[str]:
        """Codes of the findings in the JSON document."""
        return [finding["code"] for finding in self.document["findings"]]

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document, held to its schema."""
        document = json.loads(self.stdout)
        _validator(document["schema"].split("/")[1]).validate(document)
        assert document["exit_code"] == self.exit_code
        return document

    def finding(self, code: str) -> dict[str, str]:
        """The first finding of a code."""
        return next(finding for finding in self.document["findings"] if finding["code"] == code)


@functools.cache
def _validator(name: str) -> jsonschema.protocols.Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def dlc2lp(*arguments: object) -> Result:
    """Run a command in this process; a traceback or a bug fails the test."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        exit_code = run([str(argument) for argument in arguments])
    result = Result(exit_code, stdout.getvalue(), stderr.getvalue())
    assert "Traceback" not in result.stderr, result.stderr
    assert "internal-error" not in result.stderr, result.stderr
    return result


def start(*arguments: object, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dlc2lp", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | (env or {}),
        **options,
    )


#: Nothing is thrown away by these settings, so the first bytes are written early.
LARGE = ("--crf", "1")


def slow_encodes(rate: float = 1.0) -> dict[str, str]:
    """Return the variables by which encodes take as long as the video does at ``rate`` times its speed, and no CPU."""
    script = Path(__file__).with_name("slow_ffmpeg.sh")
    slow = {"DLC2LP_FFMPEG": str(script), "REAL_FFMPEG": str(find_ffmpeg()), "RATE": str(rate)}
    return slow if os.name == "posix" else {}


def start_slowly(*arguments: object, rate: float = 1.0, **options: Any) -> subprocess.Popen[str]:
    """Start a command whose encodes are slow."""
    return start(*arguments, env=slow_encodes(rate), **options)


def wait_for(
    condition: Callable[[], object], process: subprocess.Popen[str] | None = None, seconds: float = 60.0
) -> None:
    """Wait until something holds, and fail where it can't any more."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        assert process is None or process.poll() is None, f"ended before it could be stopped: {process.communicate()}"
        time.sleep(0.01)
