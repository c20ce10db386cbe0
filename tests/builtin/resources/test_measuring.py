"""What a process may use: its cgroup's limits in both versions, and the GPUs that it may open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chimera.builtin.resources.devices import read_answer
from chimera.builtin.resources.measuring import measure

GIB = 2**30
V2 = "30 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def machine(root: Path, files: dict[str, str]) -> Path:
    """Write the files of a machine of 64 GiB below a folder."""
    for name, text in {"proc/meminfo": f"MemTotal: {64 * GIB // 1024} kB\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


def test_without_limits_the_machine_is_the_limit(tmp_path: Path) -> None:
    found = measure(machine(tmp_path, {}))
    assert (found.cpu, found.memory, found.gpus) == (8000, 64 * GIB, ())


def test_the_tightest_limit_above_a_process_counts(tmp_path: Path) -> None:
    found = measure(
        machine(
            tmp_path,
            {
                "proc/self/cgroup": "0::/jobs/mine\n",
                "proc/self/mountinfo": V2,
                "sys/fs/cgroup/jobs/mine/cpu.max": "max 100000\n",
                "sys/fs/cgroup/jobs/mine/memory.max": f"{8 * GIB}\n",
                "sys/fs/cgroup/jobs/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/jobs/memory.max": "max\n",
            },
        )
    )
    assert (found.cpu, found.memory) == (1500, 8 * GIB)


def test_version_1_is_read_where_its_hierarchies_are_mounted(tmp_path: Path) -> None:
    found = measure(
        machine(
            tmp_path,
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/jobs\n9:memory:/docker/abc\n1:name=x:/\n",
                "proc/self/mountinfo": V1,
                "sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
            },
        )
    )
    assert (found.cpu, found.memory) == (500, 2 * GIB)


def test_no_limit_in_version_1_is_none(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "9:memory:/docker/abc\n",
        "proc/self/mountinfo": V1,
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert measure(machine(tmp_path, files)).memory == 64 * GIB


def test_gpus_are_the_device_files_that_may_be_opened(tmp_path: Path) -> None:
    names = ["nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "nvidia0p1"]
    assert measure(machine(tmp_path, {f"dev/{n}": "" for n in names})).gpus == (0, 2, 10)


def test_this_machine_can_be_measured() -> None:
    found = measure()
    assert 0 < found.cpu <= 8000
    assert found.memory > 2**20


def test_the_answer_of_the_driver_is_read() -> None:
    text = "0, NVIDIA H200, 143771\n1, Odd, name, 16\nNo devices were found\n"
    assert read_answer(text) == [
        {"index": 0, "name": "NVIDIA H200", "memory": 143771 * 2**20},
        {"index": 1, "name": "Odd, name", "memory": 16 * 2**20},
    ]
