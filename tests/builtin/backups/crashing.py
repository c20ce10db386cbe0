"""Makes a backup or restores one and dies: for each line on stdin, in a fork of its own.

Not a test. A line is `action root store instant`: an instant is the number of a call that changes
the disk, before which the fork is killed, or `+` and seconds after which it is; 0 never comes.
"""

import os
import signal
import sys
from pathlib import Path

from chimera.builtin.backups import creating, replacing, restoring
from chimera.builtin.backups.choosing import look
from chimera.builtin.backups.store import Store
from chimera.context import Context
from chimera.plugin import load_plugins

CALLS = ("fsync", "rename", "replace", "unlink", "mkdir", "rmdir", "chmod", "open", "utime")


class Killer:
    """Counts what changes the disk, and kills the process before one of it."""

    def __init__(self, instant):
        self.instant, self.count = instant, 0

    def watch(self, *, can_exchange):
        if not can_exchange:
            replacing.exchange = lambda first, second: False
        for name in CALLS:
            setattr(os, name, self.watched(getattr(os, name)))
        replacing.exchange = self.watched(replacing.exchange)
        creating.pin = self.watched(creating.pin)

    def watched(self, call):
        def watched(*given, **named):
            self.count += 1
            if self.count == self.instant:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        return watched


def act(action, root, store, holdings):
    """Do one thing as its command does."""
    context = Context.system()
    if action == "create":
        creating.create(root, context, store, "test")
    elif action == "undo":
        restoring.undo(root, context, holdings)
    elif action == "finish":
        restoring.finish(root, context)
    else:
        (one, *_) = look(store).backups
        restoring.restore(root, context, store, one, holdings)


def main():
    """Fork for each line, and say how the fork ended and how many calls there were."""
    holdings = [h for given in load_plugins().hook.chimera_contribute_backup() for h in given]
    for line in sys.stdin:
        action, root, folder, instant = line.split()
        pid = os.fork()
        if pid == 0:
            killer = Killer(0 if instant.startswith("+") else int(instant))
            if instant.startswith("+"):
                signal.setitimer(signal.ITIMER_REAL, float(instant))
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
            killer.watch(can_exchange=action != "rename")
            act(action, Path(root), Store(Path(folder)), holdings)
            os.write(1, f"calls {killer.count}\n".encode())
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    import ctypes  # noqa: F401 - once, for all forks
    import tempfile  # noqa: F401

    import chimera.documents.parse
    import chimera.proof.evidence.store  # noqa: F401

    main()
