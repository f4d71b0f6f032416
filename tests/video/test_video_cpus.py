"""A job uses the CPUs that it was given, not those that the machine has."""

import os

import pytest

from dlc2lp.video import cpus


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with 64 CPUs and no container around it."""
    for name in ("SLURM_CPUS_PER_TASK", "NSLOTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cpus, "_cgroup_cpus", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(cpus, "_limit", [])


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 64),
        ({"SLURM_CPUS_PER_TASK": "4"}, 4),
        ({"NSLOTS": "8"}, 8),
        ({"SLURM_CPUS_PER_TASK": "16", "NSLOTS": "8"}, 8),
        ({"SLURM_CPUS_PER_TASK": ""}, 64),
        ({"NSLOTS": "undefined"}, 64),
    ],
)
def test_the_scheduler_says_how_many(monkeypatch, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cpus.allowed_cpus() == expected


def test_the_affinity_mask_and_the_container_count_too(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 7}, raising=False)
    assert cpus.allowed_cpus() == 3
    monkeypatch.setattr(cpus, "_cgroup_cpus", lambda: 2)
    assert cpus.allowed_cpus() == 2


def test_one_of_several_processes_takes_its_part(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "8")
    cpus.limit_cpus(3)
    assert cpus.allowed_cpus() == 3
