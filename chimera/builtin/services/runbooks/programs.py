"""What single programs are known to do, by their arguments: to look, to change, or to destroy.

Only what is known to look is called so: it is done without a question. A program of the tree, one
that has an option which is not listed (it may write a file, start another program, or spell what
changes in another way), and one that is not listed itself are not known. Refuses to run anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import digits

from chimera.builtin.services.spec.runbook import Lost, Risk


@dataclass(frozen=True, slots=True)
class Consequence:
    """How much a program risks at least, and what is gone after it."""

    risk: Risk
    loses: frozenset[Lost] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READS = Consequence("reads")
CHANGES = Consequence("changes")
_REPLACES_PODS = Consequence("changes", frozenset({"logs"}))
_LOSES_DATA = Consequence("destroys", frozenset({"data"}))
_LOSES_STATE = Consequence("changes", frozenset({"state"}))
_DELETES_PODS = Consequence("destroys", frozenset({"logs", "state"}))

_READERS = _words(
    "cat column cut df du echo false free grep head id jq ls md5sum pg_isready ps pwd "
    "sha256sum sleep stat tail tr true uname uptime vmstat wc"
)
"""What writes to nothing but its output, and starts nothing, whatever it is told."""
_CHANGERS = _words("vacuumdb reindexdb createdb cp mv mkdir touch helm kill")
_DESTROYERS = _words("dropdb rm rmdir shred dd mkfs truncate")
_KUBECTL_READS = _words(
    "api-resources api-versions cluster-info describe diff events explain get logs top version wait"
)
_KUBECTL_DESTROYS = _words("delete drain replace")
_REDIS_READS = _words(
    "ping llen lrange get mget info scan ttl type exists dbsize hgetall smembers zrange xlen"
)
_REDIS_LOSES = _words(
    "del unlink flushall flushdb ltrim lpop rpop lrem expire set hdel srem zrem xtrim xdel"
)
_REDIS_VALUES = _words("-h -p -n -a -u --user --pass")
_SQL_READS = re.compile(
    r"\s*(?:select|show|explain(?!\s+analy))\b(?:(?!\binto\b)[^(;])*;?\s*", re.IGNORECASE
)
_SQL_LOSES = re.compile(r"\b(?:drop|delete|truncate|update|alter|insert|merge|copy)\b", re.I)
_CURL_SCHEMES = ("http://", "https://")  # by others, such as gopher, anything can be said
_CURL_SENDS = ("-d", "--data", "-F", "--form", "-T", "--upload-file", "--json")
_GLOBAL_VALUES = _words("-n --namespace --context --cluster --user -s")
_OPTIONS: dict[str, tuple[str, frozenset[str]]] = {
    "curl": (
        "sSfiILkvGHmAgw46",
        _words(
            "-X -o -d --silent --show-error --fail --fail-with-body --include --head --location "
            "--insecure --verbose --get --header --max-time --connect-timeout --url --compressed "
            "--retry --retry-delay --request --output --data --data-urlencode --user-agent "
            "--no-progress-meter --globoff --http1.1 --http2 --max-redirs --write-out"
        ),
    ),
    "kubectl": (
        "nAlLocfpwRs",
        _words(
            "--namespace --context --cluster --user --all-namespaces --selector --output "
            "--field-selector --tail --since --since-time --timestamps --timeout --previous "
            "--container --all-containers --containers --prefix --follow --watch --sort-by --for "
            "--no-headers --show-labels --label-columns --list --recursive --revision --filename "
            "--ignore-not-found --limit-bytes --max-log-requests --request-timeout --api-group "
            "--verbs --namespaced --quiet --server"
        ),
    ),
    "mc": ("r", _words("--recursive --json --name --older-than --newer-than --summarize")),
    "nvidia-smi": (
        "qLdi",
        _words("--query --query-gpu --query-compute-apps --format --list-gpus --display --id"),
    ),
    "pg_dump": (
        "UhpdFctTnNsaOxvwZbBCE",
        _words(
            "--username --host --port --dbname --format --table --exclude-table --schema "
            "--exclude-schema --schema-only --data-only --no-owner --no-privileges --clean "
            "--create --if-exists --verbose --no-password --compress --large-objects"
        ),
    ),
    "pg_restore": ("lv", _words("--list --verbose")),
    "psql": (
        "cUhpdAtxqXwe",
        _words(
            "--command --username --host --port --dbname --no-align --tuples-only --expanded "
            "--quiet --no-psqlrc --no-password --csv --echo-queries"
        ),
    ),
    "sort": (
        "nrukbdfghiMRsVzct",
        _words(
            "--numeric-sort --reverse --unique --key --field-separator --human-numeric-sort "
            "--version-sort --month-sort --ignore-case --stable --check"
        ),
    ),
    "trivy": (
        "sfq",
        _words(
            "--severity --format --exit-code --quiet --no-progress --ignore-unfixed --scanners "
            "--timeout --skip-dirs --skip-files"
        ),
    ),
}
"""Options with which a program that looks does nothing else: by letters, and whole."""


def known_of(argv: Sequence[str], *, is_fed: bool = False) -> Consequence | None:
    """Return what is known of one program; `is_fed` says whether it reads what others wrote.

    One that is named by a path may be anything.
    """
    found = _judged(argv[0], list(argv[1:]), is_fed=is_fed)
    return found if found is not READS or _has_known_options(argv) else None


def _has_known_options(argv: Sequence[str]) -> bool:
    """Tell whether all options of a program are listed; of one that is not judged by them, any.

    What follows two hyphens is no option, and of kubectl a program of its own. Digits behind
    letters are their value.
    """
    letters, names = _OPTIONS.get(argv[0], (None, frozenset[str]()))
    if letters is None:
        return True
    own = argv[1 : argv.index("--")] if "--" in argv else argv[1:]
    return all(
        one in names
        or (
            one.partition("=")[0] in names
            if one.startswith("--")
            else set(one[1:]) <= {*letters, *digits}
        )
        for one in own
        if one.startswith("-")
    )


def _judged(name: str, rest: list[str], *, is_fed: bool) -> Consequence | None:
    if name in _READERS:
        return READS
    if name in _CHANGERS:
        return CHANGES
    if name in _DESTROYERS:
        return _LOSES_DATA
    if name == "kubectl":
        return _kubectl(rest, is_fed=is_fed)
    if name == "psql":
        return _psql(rest, is_fed=is_fed)
    judge = _JUDGES.get(name)
    return judge(rest) if judge is not None else None


def subcommand(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of kubectl from its subcommand on."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        rest = rest[2 if rest[0] in _GLOBAL_VALUES else 1 :]
    return rest


def _kubectl(arguments: Sequence[str], *, is_fed: bool) -> Consequence | None:
    if any(one.startswith("--kubeconfig") for one in arguments):
        return None  # a configuration can name programs that are started for it
    rest = subcommand(arguments)
    verb = rest[0] if rest else ""
    if verb == "exec":
        inside = rest[rest.index("--") + 1 :] if "--" in rest else []
        known = known_of(inside, is_fed=is_fed) if inside else None
        # What is written there is written in the pod.
        is_dump = inside[:1] == ["pg_dump"]
        return READS if is_dump else known or CHANGES
    if verb == "rollout":
        return READS if rest[1:2] in (["history"], ["status"]) else _REPLACES_PODS
    if verb == "scale":
        return _REPLACES_PODS if "--replicas=0" in rest else CHANGES
    if verb == "set":
        sets = any("=" in one and not one.startswith("-") for one in rest)
        return READS if "--list" in rest and not sets else _REPLACES_PODS
    if verb in _KUBECTL_DESTROYS:
        return _DELETES_PODS
    is_look = verb in _KUBECTL_READS or rest[:2] == ["auth", "can-i"]
    return READS if is_look else CHANGES


def _curl(arguments: Sequence[str]) -> Consequence | None:
    if any("://" in one and not one.startswith(_CURL_SCHEMES) for one in arguments):
        return None
    if any("%output{" in one for one in arguments):
        return None
    method = _after(arguments, ("-X", "--request"))
    if method is not None and method.upper() not in {"GET", "HEAD", "OPTIONS"}:
        return CHANGES
    written = _after(arguments, ("-o", "--output"))
    is_kept = written not in {None, "/dev/null", "-"} or bool({"-O", "-J"} & set(arguments))
    is_query = bool({"-G", "--get"} & set(arguments))
    sends = any(one.startswith(_CURL_SENDS) for one in arguments)
    # After an @ comes a file, or what another program wrote: that leaves the machine.
    gives = any("@" in one and "://" not in one for one in arguments)
    return CHANGES if is_kept or gives or (sends and not is_query) else READS


def _after(arguments: Sequence[str], names: tuple[str, ...]) -> str | None:
    """Return the value of an option, written behind it or after an equals sign."""
    for position, one in enumerate(arguments):
        if one in names:
            return arguments[position + 1] if position + 1 < len(arguments) else ""
        if one.startswith(tuple(f"{name}=" for name in names if name.startswith("--"))):
            return one.partition("=")[2]
    return None


def _redis(arguments: Sequence[str]) -> Consequence:
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        if rest[0] not in _REDIS_VALUES:
            return CHANGES
        rest = rest[2:]
    command = rest[0].lower() if rest else ""
    if command in _REDIS_LOSES:
        return _LOSES_DATA
    return READS if command in _REDIS_READS else CHANGES


def _psql(arguments: Sequence[str], *, is_fed: bool) -> Consequence:
    statements = [
        arguments[position + 1]
        for position, one in enumerate(arguments[:-1])
        if one in {"-c", "--command"}
    ]
    is_script = any(one in {"-f", "--file"} or one.startswith("--file=") for one in arguments)
    if is_script or is_fed or any(map(_SQL_LOSES.search, arguments)):
        return _LOSES_DATA
    return READS if statements and all(map(_SQL_READS.fullmatch, statements)) else CHANGES


def _pg_restore(arguments: Sequence[str]) -> Consequence:
    return READS if {"-l", "--list"} & set(arguments) else _LOSES_DATA


def _pg_dump(arguments: Sequence[str]) -> Consequence:
    return CHANGES if _after(arguments, ("-f", "--file")) is not None else READS


def _minio(arguments: Sequence[str]) -> Consequence:
    verb = arguments[0] if arguments else ""
    flags = {"--overwrite", "--remove"} & set(arguments)
    if verb in {"rm", "rb", "mv"} or (verb == "mirror" and flags):
        return _LOSES_DATA
    return READS if verb in {"ls", "stat", "cat", "diff", "du", "find", "head"} else CHANGES


def _plainly(arguments: Sequence[str]) -> Consequence:
    """What looks with the options that are listed, whatever its arguments are."""
    return READS


def _uniq(arguments: Sequence[str]) -> Consequence | None:
    return READS if all(one.startswith("-") for one in arguments) else None


def _trivy(arguments: Sequence[str]) -> Consequence | None:
    is_scan = arguments[:1] and arguments[0] in {"image", "fs", "config", "repo", "k8s"}
    return READS if is_scan else None


def _chimera(arguments: Sequence[str]) -> Consequence | None:
    if any(one.startswith(("-C", "--directory", "--out")) for one in arguments):
        return None
    if any("=" in one for one in arguments) or "prove" in arguments[:1]:
        return None  # a proof runs what the tree says, and -o json=FILE writes a file
    words = tuple(arguments[:2])
    if words[:1] == ("restore",):
        return Consequence("destroys")
    looks = {
        *(("runs", "list"), ("runs", "show"), ("evolve", "genomes"), ("postmortem", "check")),
        *(("backup", "verify"), ("backup", "list"), ("objective", "list"), ("objective", "show")),
    }
    is_look = words[:1] in {(one,) for one in ("check", "plan", "health", "report", "status")}
    return READS if is_look or words in looks else CHANGES


def _systemctl(arguments: Sequence[str]) -> Consequence:
    verb = arguments[0] if arguments else ""
    is_look = verb in {"status", "show", "is-active", "is-failed", "list-units"}
    return READS if is_look else _LOSES_STATE


def _docker(arguments: Sequence[str]) -> Consequence:
    verb = arguments[0] if arguments else ""
    if verb in {"rm", "rmi", "prune", "system", "volume"}:
        return _DELETES_PODS
    if verb in {"stop", "restart", "kill"}:
        return _LOSES_STATE
    return READS if verb in {"ps", "logs", "inspect", "stats", "images", "top"} else CHANGES


_JUDGES: dict[str, Callable[[Sequence[str]], Consequence | None]] = {
    "chimera": _chimera,
    "curl": _curl,
    "docker": _docker,
    "mc": _minio,
    "nvidia-smi": _plainly,
    "pg_dump": _pg_dump,
    "pg_restore": _pg_restore,
    "redis-cli": _redis,
    "sort": _plainly,
    "systemctl": _systemctl,
    "trivy": _trivy,
    "uniq": _uniq,
}
