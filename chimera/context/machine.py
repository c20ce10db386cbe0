"""What this machine has for this process, and what is used of it: its cgroup, its GPUs, /proc.

Reads what the kernel says, at most a few small files. Refuses to take the host's figures for the
process's own, which in a container are another's, and to guess what nothing says.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DEVICE = re.compile(r"nvidia(\d+)")
_MOUNT = re.compile(
    r"^\S+ \S+ \S+ (?P<root>\S+) (?P<point>\S+) .*? - (?P<type>\S+) \S+ (?P<how>\S+)"
)
_UNLIMITED = 2**60  # version 1 says "no limit" with a number near 2**63


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is: thousandths of a core, bytes of memory, and the indices of the GPUs."""

    cpu: int
    memory: int
    gpus: tuple[int, ...]

    def amount(self, resource: str) -> int | None:
        """Return how much there is of a resource; `None` for one that nothing can measure."""
        measured = {"cpu": self.cpu, "memory": self.memory, "gpu": len(self.gpus)}
        return measured.get(resource)


@dataclass(frozen=True, slots=True)
class Used:
    """What was used until now: seconds of CPU, and bytes of memory; `None` where nothing says."""

    cpu_seconds: float | None
    memory: int | None


def measure(root: Path = Path("/")) -> Machine:
    """Measure this process's share of the machine; `root` is where its /proc, /sys and /dev are."""
    groups = tuple(_groups(root))
    return Machine(_cpu(groups), _memory(root, groups), gpus(root))


def gpus(root: Path = Path("/")) -> tuple[int, ...]:
    """Return the indices of the NVIDIA GPUs whose device files this process may open."""
    found = (_DEVICE.fullmatch(path.name) for path in (root / "dev").glob("nvidia*"))
    present = (int(match[1]) for match in found if match)
    return tuple(sorted(n for n in present if os.access(root / f"dev/nvidia{n}", os.R_OK)))


def used_by_group(root: Path = Path("/")) -> Used:
    """Return what this process's cgroup has used; that of the machine, where it has none."""
    groups = tuple(_groups(root))
    for group in groups:
        for line in _text(group / "cpu.stat").splitlines():
            if line.startswith("usage_usec "):
                seconds = int(line.split()[1]) / 1e6
                return Used(seconds, _memory_of(groups) or _memory_in_use(root))
    nanoseconds = next((int(w[0]) for g in groups if (w := _words(g / "cpuacct.usage"))), None)
    seconds_used = None if nanoseconds is None else nanoseconds / 1e9
    return Used(
        seconds_used if seconds_used is not None else _busy_seconds(root),
        _memory_of(groups) or _memory_in_use(root),
    )


def used_by_process(pid: int, root: Path = Path("/")) -> Used | None:
    """Return what a process has used; `None` for one that is gone, or that nothing tells of."""
    # The name, in brackets, may hold anything; after it utime and stime are fields 14 and 15.
    fields = _text(root / f"proc/{pid}/stat").rpartition(")")[2].split()
    pages = _words(root / f"proc/{pid}/statm")
    if len(fields) < 13 or len(pages) < 2:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Used(ticks / os.sysconf("SC_CLK_TCK"), int(pages[1]) * os.sysconf("SC_PAGE_SIZE"))


def _memory_of(groups: tuple[Path, ...]) -> int | None:
    """Return what the innermost cgroup that says it holds, without what can be dropped at once."""
    for group in groups:
        for name, inactive in _MEMORY:
            if words := _words(group / name):
                stat = dict(line.split() for line in _text(group / "memory.stat").splitlines())
                return max(0, int(words[0]) - int(stat.get(inactive, 0)))
    return None


_MEMORY = (
    ("memory.current", "inactive_file"),
    ("memory.usage_in_bytes", "total_inactive_file"),
)


def _memory_in_use(root: Path) -> int | None:
    found = dict(line.split(":") for line in _text(root / "proc/meminfo").splitlines())
    if "MemTotal" not in found or "MemAvailable" not in found:
        return None
    return (int(found["MemTotal"].split()[0]) - int(found["MemAvailable"].split()[0])) * 1024


def _busy_seconds(root: Path) -> float | None:
    for line in _text(root / "proc/stat").splitlines():
        if line.startswith("cpu "):
            user, nice, system, *_ = (int(word) for word in line.split()[1:])
            return (user + nice + system) / os.sysconf("SC_CLK_TCK")
    return None


def _cpu(groups: tuple[Path, ...]) -> int:
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min([cores * 1000, *filter(None, map(_quota, groups))])


def _quota(group: Path) -> int | None:
    """Return the thousandths of a core that a cgroup may use; `None` where it says nothing."""
    if (both := _words(group / "cpu.max")) and len(both) == 2 and both[0] != "max":
        return int(both[0]) * 1000 // int(both[1])
    quota, period = _words(group / "cpu.cfs_quota_us"), _words(group / "cpu.cfs_period_us")
    if quota and period and int(quota[0]) > 0:
        return int(quota[0]) * 1000 // int(period[0])
    return None


def _memory(root: Path, groups: tuple[Path, ...]) -> int:
    limits = [_physical_memory(root)]
    for group in groups:
        for name in ("memory.max", "memory.limit_in_bytes"):
            words = _words(group / name)
            if words and words[0] != "max" and int(words[0]) < _UNLIMITED:
                limits.append(int(words[0]))
    return min(limits)


def _physical_memory(root: Path) -> int:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's cgroups and of all those above them, versions 1 and 2."""
    own: dict[frozenset[str], str] = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        own[frozenset(filter(None, controllers.split(",")))] = path
    for mount in _text(root / "proc/self/mountinfo").splitlines():
        found = _MOUNT.match(mount)
        if found is None or found["type"] not in {"cgroup", "cgroup2"}:
            continue
        how = set(found["how"].split(",")) if found["type"] == "cgroup" else set()
        for named, path in own.items():
            if named <= how if named else found["type"] == "cgroup2":
                point = root / found["point"].lstrip("/")
                yield from _upwards(point, path, found["root"])


def _upwards(point: Path, path: str, mounted: str) -> Iterator[Path]:
    """Yield a cgroup's folder below its mount, then those above it, as far as they can be seen."""
    inside = "" if mounted == path else path.removeprefix(mounted.rstrip("/"))
    folder = point / inside.strip("/")
    while True:
        yield folder
        if folder == point or point not in folder.parents:
            return
        folder = folder.parent


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # not on this system, or not for us to see
        return ""
