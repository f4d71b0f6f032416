"""What every test folder needs: the project builder on the path, hypothesis' profile, the shared real data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The test folders hold no packages, so `from builder import build_project` needs this folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

# Two shared cores make single examples slow at random, so time says nothing about an example. Every run at a desk looks
# for new examples; where CI judges a change it takes the same ones each time, so that no chance decides about it.
settings.register_profile(
    "dlc2lp",
    deadline=None,
    derandomize="CI" in os.environ,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("dlc2lp")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the shared reference data where it is absent."""
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason=f"the shared reference data is not at {SHARED}")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(skip)


@pytest.fixture
def openfield() -> Path:
    """The real openfield project that DeepLabCut ships; read-only."""
    project = SHARED / "data" / "openfield-Pranav-2018-10-30"
    if not project.is_dir():
        pytest.skip(f"the openfield project is not at {project}")
    return project


@pytest.fixture
def no_cluster(tmp_path, monkeypatch):
    """No Slurm answers: one that is installed and has no controller is waited for at every call."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "scontrol").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    (programs / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
