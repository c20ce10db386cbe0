"""A command's own view of the machine: no network, no other process, and files it cannot write.

Imported by the supervisor alone, which has no more than the standard library. Everything is
Linux's: namespaces that the supervisor enters before it starts the command (namespaces(7),
mount_setattr(2), since Linux 5.12). Raises `OSError` where the kernel refuses; refuses to go on
with less than was asked for.
"""

# Importing pathlib costs more than all else that is done here.
# ruff: noqa: PTH103, PTH110, PTH112, PTH120, PTH123
from __future__ import annotations

import contextlib
import ctypes
import os
import resource

TYPE_CHECKING = False  # importing typing for it costs as much
if TYPE_CHECKING:
    from typing import Any

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER = 0x20000, 0x8000000, 0x10000000
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
# Numbers that all architectures share.
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_MOUNT_ATTR_RDONLY = 1
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_PRIVATE = 2, 4, 8, 1 << 18
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
# Whoever has these could undo the mounts, or reach into a process that could.
_CAP_SYS_MODULE, _CAP_SYS_RAWIO, _CAP_SYS_PTRACE, _CAP_SYS_ADMIN, _CAP_MKNOD = 16, 17, 19, 21, 27
_AF_INET, _SOCK_DGRAM = 2, 2
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_TMPFS = b"mode=1777,size=1g"
_SETTINGS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")

_libc = ctypes.CDLL(None, use_errno=True)


def enter(*, network: bool, files: bool, processes: bool) -> None:
    """Move this process into namespaces of its own; for `processes`, those that it forks then.

    The rights over files stay what they are: where root enters, all of its ids are the same
    inside, and anybody else is nobody but itself.
    """
    flags = _CLONE_NEWNET if network else 0
    flags |= _CLONE_NEWNS if files or processes else 0
    flags |= _CLONE_NEWPID | _CLONE_NEWIPC if processes else 0
    uid, gid = os.geteuid(), os.getegid()  # within, they are nobody's until they are mapped
    if uid == 0:
        _enter_as_root(flags)
    else:
        _check(_libc.unshare(_CLONE_NEWUSER | flags), "namespaces")
        _map_one("self", uid, gid)
    if network:
        _raise_loopback()


def _enter_as_root(flags: int) -> None:
    """Enter with all ids, which only a process that stays outside can map; else without mapping."""
    reading, writing = os.pipe()
    supervisor = os.getpid()
    helper = os.fork()
    if helper == 0:
        code = 1
        try:
            os.close(writing)
            if os.read(reading, 1):
                _map_all(str(supervisor))
            code = 0
        finally:
            os._exit(code)
    os.close(reading)
    refused = _libc.unshare(_CLONE_NEWUSER | flags)
    if refused == 0:
        os.write(writing, b"!")
    os.close(writing)
    _, status = os.waitpid(helper, 0)
    if refused != 0:
        _check(_libc.unshare(flags), "namespaces")
    elif status != 0:
        raise OSError("ids cannot be mapped")


def _map_all(process: str) -> None:
    try:
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/self/{name}", encoding="ascii") as file:
                ranges = [line.split() for line in file]
            same = "".join(f"{inside} {inside} {count}\n" for inside, _, count in ranges)
            with open(f"/proc/{process}/{name}", "w", encoding="ascii") as file:
                file.write(same)
    except OSError:  # root of a container that may not even do this
        _map_one(process, os.geteuid(), os.getegid())


def _map_one(process: str, uid: int, gid: int) -> None:
    for name, value in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/{process}/{name}", "w", encoding="ascii") as file:
            file.write(value)


def see_own_processes() -> None:
    """Show this process, the first of its namespace, a /proc of its own."""
    _set_attributes(_AT_FDCWD, b"/", 0)  # nothing that is mounted from here on is seen elsewhere
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _check(_libc.mount(b"proc", b"/proc", b"proc", flags, None), "/proc")


def bound_processes(limit: int) -> None:
    """Have the kernel refuse far more processes and threads than `limit`, however fast they come.

    In a namespace of its own, that is; which of two bounds holds depends on who asks.
    """
    most = 4 * limit + 300
    kernel = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if kernel >= (5, 14):  # before, processes outside counted, too
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    if kernel >= (6, 14) and os.geteuid() == 0:  # before, there was one for the whole machine
        with contextlib.suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:
            file.write(str(most))


def protect_kernel() -> None:
    """Take from root what it could set in /proc for the whole machine."""
    for path in _SETTINGS if os.geteuid() == 0 else ():
        if os.path.exists(path):
            tree = _open_tree(path)
            _set_attributes(tree, b"", _MOUNT_ATTR_RDONLY)
            _attach(tree, path)


def restrict_files(writable: list[str], private: list[str], kept: list[str]) -> None:
    """Leave nothing to write to but `writable`, and each of `private` as an empty folder.

    `kept` is what stays to be read where it lies below a private folder. All must be absolute and
    free of links.
    """
    covered: list[str] = []
    for path in sorted(private):  # one that lies in another is gone with it
        if os.path.isdir(path) and not _is_below(path, covered) and not _is_below(path, writable):
            covered.append(path)
    shown = [path for path in kept if _is_below(path, covered) and os.path.exists(path)]
    opened = [(path, _open_tree(path)) for path in (*sorted(shown), *sorted(writable))]
    for _, tree in opened[: len(shown)]:
        _set_attributes(tree, b"", _MOUNT_ATTR_RDONLY)
    _set_attributes(_AT_FDCWD, b"/", _MOUNT_ATTR_RDONLY)
    for path in covered:
        flags = _MS_NOSUID | _MS_NODEV
        _check(_libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, _TMPFS), path)
    for path, tree in opened:
        if not os.path.exists(path):
            _make_mount_point(path, is_folder=os.path.isdir(f"/proc/self/fd/{tree}"))
        _attach(tree, path)


def _is_below(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _make_mount_point(path: str, *, is_folder: bool) -> None:
    os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
    if not is_folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def give_up_rights() -> None:
    """Give up, for this process and all it starts, what could undo the isolation."""
    for right in (_CAP_SYS_MODULE, _CAP_SYS_RAWIO, _CAP_SYS_PTRACE, _CAP_SYS_ADMIN, _CAP_MKNOD):
        _libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0)  # whoever may not has none of them
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "rights")


def end_with_parent(number: int) -> None:
    """Have the kernel send this process a signal when the one that started it is gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def _open_tree(path: str) -> int:
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _check(_call(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags), path)


def _attach(tree: int, path: str) -> None:
    target = os.fsencode(path)
    moved = _call(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, target, _MOVE_MOUNT_F_EMPTY_PATH)
    _check(moved, path)
    os.close(tree)


def _set_attributes(folder: int, path: bytes, attributes: int) -> None:
    flags = _AT_RECURSIVE | (0 if path else _AT_EMPTY_PATH)
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, _MS_PRIVATE, 0)
    size = ctypes.sizeof(wanted)
    done = _call(_SYS_MOUNT_SETATTR, folder, path, flags, ctypes.byref(wanted), size)
    _check(done, "mount attributes")


def _call(number: int, *arguments: Any) -> int:
    """Make a system call; whole numbers go as long ones, as a variadic function takes them."""
    given = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    return int(_libc.syscall(ctypes.c_long(number), *given))


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what} cannot be isolated: {os.strerror(number)}")
    return result


def _raise_loopback() -> None:
    import fcntl  # only a command without network pays for it

    probe = _libc.socket(_AF_INET, _SOCK_DGRAM, 0)
    if probe < 0:
        return
    with contextlib.suppress(OSError):
        request = b"lo".ljust(16, b"\0")
        flags = fcntl.ioctl(probe, _SIOCGIFFLAGS, request.ljust(32, b"\0"))[16:18]
        up = int.from_bytes(flags, "little") | _IFF_UP
        fcntl.ioctl(probe, _SIOCSIFFLAGS, (request + up.to_bytes(2, "little")).ljust(32, b"\0"))
    os.close(probe)
