"""What programs are known to do: how much they risk, and what is gone after them.

A floor under what an author says, so that a restart cannot be called a look. Of programs that it
does not know it says nothing. Refuses to run anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from chimera.builtin.services.spec.runbook import Lost, Risk, StepSpec

_READERS = frozenset(
    {
        "cat",
        "column",
        "cut",
        "date",
        "df",
        "diff",
        "dig",
        "du",
        "false",
        "free",
        "grep",
        "head",
        "host",
        "id",
        "jq",
        "ls",
        "md5sum",
        "nslookup",
        "nvidia-smi",
        "pg_dump",
        "pg_dumpall",
        "pg_isready",
        "ping",
        "printf",
        "ps",
        "pwd",
        "sha256sum",
        "sort",
        "ss",
        "stat",
        "tail",
        "tr",
        "trivy",
        "true",
        "uname",
        "uniq",
        "uptime",
        "vmstat",
        "wc",
        "yq",
    }
)
_KUBECTL_READS = frozenset(
    {
        "api-resources",
        "api-versions",
        "auth",
        "cluster-info",
        "describe",
        "diff",
        "events",
        "explain",
        "get",
        "logs",
        "top",
        "version",
        "wait",
    }
)
_KUBECTL_DESTROYS = frozenset({"delete", "drain", "replace"})
_ROLLOUT_READS = frozenset({"history", "status"})
_REDIS_READS = frozenset(
    {
        "ping",
        "llen",
        "lrange",
        "get",
        "mget",
        "info",
        "keys",
        "scan",
        "ttl",
        "type",
        "exists",
        "dbsize",
        "hgetall",
        "smembers",
        "zrange",
        "xlen",
        "slowlog",
        "memory",
        "client",
        "latency",
    }
)
_REDIS_LOSES = frozenset(
    {
        "del",
        "unlink",
        "flushall",
        "flushdb",
        "ltrim",
        "lpop",
        "rpop",
        "lrem",
        "expire",
        "set",
        "hdel",
        "srem",
        "zrem",
        "xtrim",
        "xdel",
    }
)
_SQL_READS = re.compile(r"\s*(?:select|show|explain|\\[dl]|table\b|values\b)", re.IGNORECASE)
_SQL_LOSES = re.compile(r"\b(?:drop|delete|truncate|update|alter|insert|merge|copy)\b", re.I)
_CURL_SENDS = ("-d", "--data", "-F", "--form", "-T", "--upload-file", "--json")
_CURL_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_GLOBAL_VALUES = ("-n", "--namespace", "--context", "--kubeconfig", "--cluster", "--user", "-s")


@dataclass(frozen=True, slots=True)
class Consequence:
    """How much a program risks at least, and what is gone after it."""

    risk: Risk
    loses: frozenset[Lost] = frozenset()


_READS = Consequence("reads")
_CHANGES = Consequence("changes")
_REPLACES_PODS = Consequence("changes", frozenset({"logs"}))
_LOSES_DATA = Consequence("destroys", frozenset({"data"}))
_DELETES_PODS = Consequence("destroys", frozenset({"logs", "state"}))
_RISKS: tuple[Risk, ...] = ("reads", "changes", "destroys")


def graver(one: Risk, other: Risk) -> Risk:
    """Return the greater of two risks."""
    return max(one, other, key=_RISKS.index)


def risk_of(step: StepSpec) -> Risk:
    """Return how much a step risks: what its author says, and no less than what is known."""
    known = consequence_of(step)
    told = step.risk or "reads"
    return told if known is None else graver(told, known.risk)


def losses_of(step: StepSpec) -> frozenset[Lost]:
    """Return what is gone after a step, by its author or by what is known."""
    known = consequence_of(step)
    return frozenset(step.loses) | (known.loses if known else frozenset())


def consequence_of(step: StepSpec) -> Consequence | None:
    """Return what is known of all programs of a step; `None` where one is not known."""
    if not step.programs:
        return None if step.shell is not None else _READS
    found = [
        known_of(argv, is_fed=step.stdin is not None or position > 0)
        for position, argv in enumerate(step.programs)
    ]
    known = [one for one in found if one is not None]
    if len(known) < len(found) and not any(one.loses for one in known):
        return None
    risk: Risk = max((one.risk for one in known), key=_RISKS.index, default="reads")
    return Consequence(risk, frozenset().union(*(one.loses for one in known)))


def known_of(argv: Sequence[str], *, is_fed: bool = False) -> Consequence | None:
    """Return what is known of one program; `is_fed` says whether it reads what others wrote."""
    name, rest = PurePosixPath(argv[0]).name, list(argv[1:])
    if name in _READERS:
        return _READS
    judge = {
        "kubectl": _kubectl,
        "curl": _curl,
        "redis-cli": _redis,
        "mc": _minio,
        "chimera": _chimera,
        "systemctl": _systemctl,
        "docker": _docker,
    }.get(name)
    if judge is not None:
        return _kubectl(rest, is_fed=is_fed) if name == "kubectl" else judge(rest)
    if name == "psql":
        return _psql(rest, is_fed=is_fed)
    if name == "pg_restore" and {"-l", "--list"} & set(rest):
        return _READS
    if name in {"pg_restore", "dropdb", "rm", "rmdir", "shred", "dd", "mkfs", "truncate"}:
        return _LOSES_DATA
    if name in {"vacuumdb", "reindexdb", "createdb", "cp", "mv", "mkdir", "touch", "helm"}:
        return _CHANGES
    return None


def subcommand(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of kubectl from its subcommand on."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        taken = 2 if rest[0] in _GLOBAL_VALUES else 1
        rest = rest[taken:]
    return rest


def _kubectl(arguments: Sequence[str], *, is_fed: bool = False) -> Consequence:
    rest = subcommand(arguments)
    verb = rest[0] if rest else ""
    if verb == "exec":
        inside = rest[rest.index("--") + 1 :] if "--" in rest else []
        return (known_of(inside, is_fed=is_fed) if inside else None) or _CHANGES
    if verb == "rollout":
        return _READS if set(rest[1:2]) <= _ROLLOUT_READS else _REPLACES_PODS
    if verb == "scale":
        return _REPLACES_PODS if "--replicas=0" in rest else _CHANGES
    if verb == "set":
        return _READS if "--list" in rest else _REPLACES_PODS
    if verb in _KUBECTL_DESTROYS:
        return _DELETES_PODS
    return _READS if verb in _KUBECTL_READS else _CHANGES


def _curl(arguments: Sequence[str]) -> Consequence:
    is_query = any(one in {"-G", "--get"} for one in arguments)
    for position, one in enumerate(arguments):
        if one in {"-X", "--request"} and arguments[position + 1 : position + 2]:
            return _READS if arguments[position + 1].upper() in _CURL_READS else _CHANGES
        if one.startswith("--request="):
            return _READS if one.partition("=")[2].upper() in _CURL_READS else _CHANGES
    return _CHANGES if any(map(_sends, arguments)) and not is_query else _READS


def _sends(argument: str) -> bool:
    return argument.startswith(_CURL_SENDS)


def _redis(arguments: Sequence[str]) -> Consequence:
    words = [one.lower() for one in arguments]
    if set(words) & _REDIS_LOSES:
        return _LOSES_DATA
    return _READS if set(words) & _REDIS_READS else _CHANGES


def _psql(arguments: Sequence[str], *, is_fed: bool) -> Consequence:
    statements = [
        arguments[position + 1]
        for position, one in enumerate(arguments[:-1])
        if one in {"-c", "--command"}
    ]
    is_script = any(one in {"-f", "--file"} or one.startswith("--file=") for one in arguments)
    if is_script or is_fed or any(map(_SQL_LOSES.search, statements)):
        return _LOSES_DATA
    return _READS if statements and all(map(_SQL_READS.match, statements)) else _CHANGES


def _minio(arguments: Sequence[str]) -> Consequence:
    verb = arguments[0] if arguments else ""
    if verb in {"rm", "rb", "mv"} or (
        verb == "mirror" and {"--overwrite", "--remove"} & set(arguments)
    ):
        return _LOSES_DATA
    return _READS if verb in {"ls", "stat", "cat", "diff", "du", "find", "head"} else _CHANGES


def _chimera(arguments: Sequence[str]) -> Consequence:
    words = [one for one in arguments if not one.startswith("-")][:2]
    if not words:
        return _READS
    if words[0] in {"apply", "run", "guard", "approve", "restore"} or words in (
        ["rollback", "run"],
        ["evolve", "promote"],
        ["evolve", "rollback"],
    ):
        return Consequence("destroys") if words[0] == "restore" else _CHANGES
    return _READS


def _systemctl(arguments: Sequence[str]) -> Consequence:
    is_look = bool({"status", "show", "is-active", "is-failed", "list-units"} & set(arguments))
    return _READS if is_look else Consequence("changes", frozenset({"state"}))


def _docker(arguments: Sequence[str]) -> Consequence:
    verb = arguments[0] if arguments else ""
    if verb in {"rm", "rmi", "prune", "system", "volume"}:
        return _DELETES_PODS
    if verb in {"stop", "restart", "kill"}:
        return Consequence("changes", frozenset({"state"}))
    return _READS if verb in {"ps", "logs", "inspect", "stats", "images", "top"} else _CHANGES
