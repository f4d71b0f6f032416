"""How many CPUs this process may use, which decides how many encodes run at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_limit: list[int] = []


def limit_cpus(n_cpus: int) -> None:
    """Let :func:`allowed_cpus` answer no more than this in this process, which shares its CPUs with others."""
    _limit[:] = [n_cpus]


def allowed_cpus() -> int:
    """CPUs that this process may use: what the scheduler or the container gave, not what the machine has.

    ``SLURM_CPUS_PER_TASK`` (set by sbatch and srun with ``-c``), ``NSLOTS`` (SGE), the affinity mask and the
    cgroup's quota; the smallest that is set.
    """
    limits = [_cgroup_cpus(), *_limit]
    for variable in ("SLURM_CPUS_PER_TASK", "NSLOTS"):
        value = os.environ.get(variable, "")
        if value.isdigit():
            limits.append(int(value))
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    # macOS and Windows have no such call
    limits.append(len(affinity(0)) if affinity is not None else os.cpu_count() or 1)
    return max(1, min(limit for limit in limits if limit))


def _cgroup_cpus() -> int:
    """Whole CPUs of the cgroup's quota, 0 where there is none (cgroup v2 ``cpu.max``, v1 ``cpu.cfs_*``)."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text().strip()
            period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return 0
    if not quota.isdigit() or not period.isdigit():
        return 0
    return max(1, int(quota) // int(period))
