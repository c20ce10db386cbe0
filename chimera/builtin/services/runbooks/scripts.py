"""Which arguments of a program are scripts, which somebody reads as commands again.

Owns what is known of shells and interpreters, wherever they are started from. Refuses to read a
script: whatever a person gives may not stand in one at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from chimera.builtin.services.spec.runbook import INPUT

HELP = "hand it over as an argument of its own: [sh, -c, 'cat \"$1\"', sh, '${name}']"

_READER = re.compile(r"(?:ba|da|a|z|k|fi)?sh|python[\d.]*|perl|ruby|node|php|lua|awk|psql")
_BEFORE = re.compile(r"-[A-Za-z]*[ceEr]|--command|--eval|--execute")
_TOGETHER = re.compile(r"(?:-[A-Za-z]*[ceEr]|--(?:command|eval|execute)=).*", re.DOTALL)
_VALUES = frozenset({"-o", "-O", "-W", "-X", "-v", "-F", "--rcfile", "--init-file"})
_JOINS = frozenset({"eval", "ssh", "su", "watch"})
"""Programs that give all their arguments, as one text, to a shell."""


def inputs_in_scripts(programs: Iterable[Sequence[str]], inputs: Iterable[str]) -> set[str]:
    """Return the inputs that would become a part of a script."""
    found = {
        name for argv in programs for script in _scripts(argv) for name in INPUT.findall(script)
    }
    return found & set(inputs)


def _scripts(argv: Sequence[str]) -> Iterator[str]:
    for position, word in enumerate(argv):
        name, rest = PurePosixPath(word).name, argv[position + 1 :]
        if name in _JOINS:
            yield from rest
        elif _READER.fullmatch(name):
            own = rest if name == "psql" else rest[: _operand(rest) + 1]
            yield from (after for one, after in pairwise(own) if _BEFORE.fullmatch(one))
            yield from (one for one in own if _TOGETHER.fullmatch(one))
            yield from own[-1:] if name == "awk" else ()


def _operand(arguments: Sequence[str]) -> int:
    """Return where the options end: what stands behind is for the script that is read there."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        at += 2 if arguments[at] in _VALUES else 1
    return at
