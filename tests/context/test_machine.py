"""What a process may use: its cgroup's limits in both versions, and the GPUs that it may open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chimera.context.machine import measure, used_by_group, used_by_process

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


def test_what_a_cgroup_has_used_is_its_own(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/jobs/mine\n",
        "proc/self/mountinfo": V2,
        "sys/fs/cgroup/jobs/mine/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
        "sys/fs/cgroup/jobs/mine/memory.current": "5000\n",
        "sys/fs/cgroup/jobs/mine/memory.stat": "anon 1\ninactive_file 1000\n",
        "sys/fs/cgroup/memory.current": "9000\n",
    }
    found = used_by_group(machine(tmp_path, files))
    assert (found.cpu_seconds, found.memory) == (2.5, 4000)


def test_what_version_1_has_used_is_read(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:cpu,cpuacct:/jobs\n9:memory:/docker/abc\n",
        "proc/self/mountinfo": V1,
        "sys/fs/cgroup/cpu,cpuacct/jobs/cpuacct.usage": "1500000000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000\n",
        "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 1000\n",
    }
    found = used_by_group(machine(tmp_path, files))
    assert (found.cpu_seconds, found.memory) == (1.5, 4000)


def test_without_a_cgroup_it_is_the_machine_and_without_that_nothing(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    files = {
        "proc/meminfo": "MemTotal: 100 kB\nMemAvailable: 60 kB\n",
        "proc/stat": f"cpu  {ticks} {ticks} {ticks} 99 99\n",
    }
    found = used_by_group(machine(tmp_path / "a", files))
    assert (found.cpu_seconds, found.memory) == (3.0, 40 * 1024)
    (tmp_path / "b").mkdir()
    nothing = used_by_group(tmp_path / "b")
    assert (nothing.cpu_seconds, nothing.memory) == (None, None)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_what_a_process_uses_grows_with_its_work() -> None:
    before = used_by_process(os.getpid())
    sum(n * n for n in range(2_000_000))
    after = used_by_process(os.getpid())
    assert before is not None
    assert after is not None
    assert before.cpu_seconds is not None
    assert after.cpu_seconds is not None
    assert after.cpu_seconds > before.cpu_seconds
    assert (after.memory or 0) > 2**20
    assert used_by_process(2**22 + 1) is None
