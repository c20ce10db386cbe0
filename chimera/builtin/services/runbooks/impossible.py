"""Commands that cannot do what they are written for: found before somebody needs them.

Each answer says what would happen, and what to write. Knows the programs that runbooks name most,
and of others only what no program without a shell can do. Refuses to guess beyond that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from chimera.builtin.services.runbooks.programs import known_of, subcommand
from chimera.builtin.services.spec.runbook import StepSpec

_SHELL_WORDS = frozenset({"|", "||", "&&", ">", ">>", "<", "<<", ";", "&", "2>", "2>&1", "&>"})
_SUBSTITUTION = re.compile(r"\$\(|`")
_ROLLOUTS = frozenset({"history", "pause", "restart", "resume", "status", "undo"})
_OWN_RESOURCES = re.compile(r"cpu|memory|ephemeral-storage|storage|hugepages-\w+")
_CURL_FAILS = ("-f", "--fail", "--fail-with-body")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a program does not do what it is written for, by the rule that it breaks."""

    rule: str
    message: str
    help: str


def faults_of(step: StepSpec) -> Iterator[Fault]:
    """Yield what is wrong with the programs of a step."""
    for position, argv in enumerate(step.programs):
        is_fed = position > 0 or (position == 0 and step.stdin is not None)
        yield from _words(argv)
        name, rest = PurePosixPath(argv[0]).name, argv[1:]
        if name == "kubectl":
            yield from _kubectl(rest, is_fed=is_fed, is_searched=position + 1 < len(step.programs))
        elif name == "curl":
            yield from _curl(rest)
        elif name == "trivy" and rest[:1] == ("image",) and "--all" in rest:
            yield _impossible("trivy image has no --all", "name each image, one step for each")
        elif _goes_on(name, rest):
            yield _endless(name)


def _goes_on(name: str, rest: Sequence[str]) -> bool:
    """Tell whether a program ends only when somebody stops it."""
    if name == "tail":
        return bool({"-f", "-F", "--follow"} & set(rest))
    return name in {"watch", "top"} or (name == "ping" and not any("-c" in one for one in rest))


def _impossible(message: str, help: str) -> Fault:
    return Fault("runbook-command-impossible", message, help)


def _endless(what: str) -> Fault:
    return Fault(
        "runbook-command-endless",
        f"{what} goes on until somebody stops it, and so the step never ends",
        "look once, at what there was in the last minutes: --since=5m",
    )


def _words(argv: Sequence[str]) -> Iterator[Fault]:
    for word in argv:
        if word in _SHELL_WORDS or _SUBSTITUTION.search(word):
            yield Fault(
                "runbook-shell-word",
                f"{word!r} means something to a shell, and none reads the command",
                "write pipe for |, save for >, stdin for <, a step for each command, or shell",
            )


def _kubectl(arguments: Sequence[str], *, is_fed: bool, is_searched: bool) -> Iterator[Fault]:
    rest = subcommand(arguments)
    verb, flags = (rest[0] if rest else ""), set(rest)
    if verb == "rollout" and not set(rest[1:2]) <= _ROLLOUTS:
        yield _impossible(
            f"kubectl rollout has no {rest[1]}",
            "change the image (kubectl set image) or the file (kubectl apply -f), then look with "
            "kubectl rollout status",
        )
    if verb == "logs":
        yield from _logs(rest, is_searched=is_searched)
    if verb == "exec" and is_fed and not {"-i", "-it", "-ti", "--stdin"} & flags:
        yield _impossible(
            "kubectl exec without -i gives the program nothing to read: it would succeed, and do "
            "nothing",
            "add -i before the name of the pod",
        )
    if verb == "set" and rest[1:2] == ["resources"]:
        yield from _resources(rest)
    changes = known_of(("kubectl", *arguments))
    if "--all" in flags and changes is not None and changes.risk != "reads":
        yield Fault(
            "runbook-changes-everything",
            "it changes everything that there is at once",
            "one deployment after the other, each verified before the next: never several at once",
        )


def _logs(rest: Sequence[str], *, is_searched: bool) -> Iterator[Fault]:
    flags = set(rest)
    if {"-A", "--all-namespaces"} & flags:
        yield _impossible(
            "kubectl logs has no --all-namespaces",
            "name the namespace and a selector: kubectl logs -n NAMESPACE -l KEY=VALUE",
        )
    for one in rest:
        if one.startswith("--since=") and re.fullmatch(r".*\dd.*", one):
            yield _impossible(
                f"{one.partition('=')[2]} is no duration to kubectl, which knows no days",
                "write it in hours: --since=168h",
            )
    if {"-f", "--follow"} & flags:
        yield _endless("kubectl logs -f")
    is_selected = any(one in {"-l", "--selector"} or one.startswith("--selector=") for one in rest)
    if is_selected and is_searched and not any(one.startswith("--tail") for one in rest):
        yield Fault(
            "runbook-logs-cut",
            "with a selector kubectl logs gives the last ten lines of each container, and what is "
            "looked for may be before them",
            "say how much: --tail=-1 with --since=1h",
        )


def _resources(rest: Sequence[str]) -> Iterator[Fault]:
    for one in rest:
        if one.startswith(("--limits=", "--requests=")):
            for part in one.partition("=")[2].split(","):
                name = part.partition("=")[0]
                if "/" not in name and not _OWN_RESOURCES.fullmatch(name):
                    yield _impossible(
                        f"{name} is no resource that Kubernetes knows",
                        "write the vendor's full name, such as nvidia.com/gpu",
                    )


def _curl(arguments: Sequence[str]) -> Iterator[Fault]:
    is_literal = {"-g", "--globoff", "-G", "--get"} & set(arguments)
    if any("[" in one and "://" in one for one in arguments) and not is_literal:
        yield _impossible(
            "curl reads the [ of the URL as a range, and refuses it",
            "send the query encoded: curl -G URL --data-urlencode 'query=...'",
        )
    short = [one for one in arguments if re.fullmatch(r"-[a-zA-Z]+", one)]
    if not any(one in arguments for one in _CURL_FAILS) and not any("f" in one for one in short):
        yield Fault(
            "runbook-failure-unseen",
            "curl succeeds whatever the server answers, also with a 500",
            "add --fail-with-body, or make it a check: {http: {url: ...}}",
        )
