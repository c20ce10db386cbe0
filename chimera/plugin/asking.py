"""Asking every plugin one question so that a silent one is noticed.

A plain hook call stops at the first plugin that raises and says nothing of one that is missing;
a gate must fail closed on both.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chimera.model import ChimeraError, Finding, Verdict


def ask(
    plugins: Any, hook: str, essential: Collection[str], **arguments: Any
) -> tuple[list[Any], list[Verdict]]:
    """Return all answers to `hook`, and a failing verdict for each plugin that gave none.

    `essential` names plugins that must answer. A plugin that raises has not answered, whoever
    it is.
    """
    answers, silent = ask_each(plugins, hook, essential, **arguments)
    return [answer for given in answers.values() for answer in given], silent


def ask_each(
    plugins: Any, hook: str, essential: Collection[str], **arguments: Any
) -> tuple[dict[str, list[Any]], list[Verdict]]:
    """Do what `ask` does, and tell the answers apart by the plugin that gave them."""
    answers: dict[str, list[Any]] = {}
    silent: list[Verdict] = []
    heard: set[str] = set()
    for implementation in getattr(plugins.hook, hook).get_hookimpls():
        name = implementation.plugin_name
        heard.add(name)
        if implementation.wrapper or implementation.hookwrapper:
            silent.append(_silent(name, f"wraps {hook}, whose answers are each plugin's own"))
            continue
        try:
            answers[name] = list(
                implementation.function(*(arguments[a] for a in implementation.argnames))
            )
        except ChimeraError as error:
            silent.append(_silent(name, f"could not answer: {error.message}"))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it must not let through, nor leave
            silent.append(_silent(name, f"raised {error!r}"))
    missing = sorted(set(essential) - heard)
    silent += (_silent(name, "is missing, and nothing is applied without it") for name in missing)
    return answers, silent


def _silent(name: str, what: str) -> Verdict:
    return Verdict(name, "gate", Finding.FAIL, (f"the plugin {name} {what}",))
