"""Clips, and the ffmpegs of this machine."""

from __future__ import annotations

import os

import pytest
from clips import FFMPEGS, Workshop

from dlc2lp.video import ffmpeg


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Makes clips when they are first asked for."""
    return Workshop(tmp_path_factory.mktemp("clips"), str(ffmpeg.find_ffmpeg()))


@pytest.fixture(params=sorted(FFMPEGS, reverse=True))
def each_ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs once with each ffmpeg of this machine."""
    monkeypatch.setenv(ffmpeg.OVERRIDE_VARIABLE, os.fspath(FFMPEGS[request.param]))
    return str(request.param)
