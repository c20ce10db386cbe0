"""Runbooks as pages: Markdown, and one HTML file that asks nothing of the network.

For whoever has no terminal at hand: every procedure with its numbered steps, as they would be run.
Text is escaped; refuses scripts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from chimera.builtin.services.runbooks.consequences import losses_of, risk_of

if TYPE_CHECKING:
    from chimera.builtin.services.runbooks.procedures import Runbook
    from chimera.builtin.services.spec.runbook import ProcedureSpec, StepSpec

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_CODE = re.compile(r"`([^`]+)`")
_STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;max-width:860px;margin:2rem auto;padding:0 1rem;color:#222;
background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-top:1px solid #ccc;
padding-top:1rem}
pre{background:#f4f4f4;padding:.5rem .7rem;white-space:pre-wrap;overflow-wrap:anywhere;
margin:.3rem 0}
ol>li{margin:.7rem 0}.note{color:#666}.tag{font-size:.8rem;padding:.05rem .4rem;border-radius:.3rem;
background:#e6eef8}.changes{background:#fdf0d0}.destroys{background:#f8d7d7}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#16181c}pre{background:#22252b}
.note{color:#999}.tag{background:#24405f}.changes{background:#5b4510}.destroys{background:#632424}}
@media print{body{margin:0;max-width:none}}
"""


def command_of(step: StepSpec) -> str:
    """Return what a step starts or asks as somebody would type it; empty for an instruction."""
    if step.shell is not None:
        return step.shell.rstrip("\n")
    if step.check is not None:
        if step.check.http is not None:
            return f"GET {step.check.http.url}"
        return step.check.service or step.check.objective or ""
    line = " | ".join(shlex.join(argv) for argv in step.programs)
    before = f" < {shlex.quote(step.stdin)}" if step.stdin else ""
    return f"{line}{before}" + (f" > {step.save}" if step.save and line else "")


def notes_of(step: StepSpec) -> Iterator[str]:
    """Yield what is to be known of a step besides what it does."""
    if step.check is not None and step.check.http is not None:
        http = step.check.http
        said = f" and {http.contains!r} in it" if http.contains else ""
        yield f"It has to answer with status {http.status}{said}."
    elif step.check is not None and step.check.service is not None:
        yield "Its health checks have to find it healthy."
    elif step.check is not None:
        yield "It has to be met: `chimera objective show` tells."
    if step.preserves:
        yield f"Keeps {_listed(step.preserves)}."
    if losses_of(step):
        yield f"Afterwards gone: {_listed(sorted(losses_of(step)))}."
    if step.decision:
        yield "A person decides here."


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def markdown(runbook: Runbook, procedures: Iterable[ProcedureSpec]) -> str:
    """Return a runbook, or some of its procedures, as Markdown."""
    lines = [f"# {_md(runbook.address.name)}", "", _md(runbook.spec.summary), ""]
    for procedure in procedures:
        lines += [f"## {_md(procedure.title)}", ""]
        lines += [f"`chimera runbook run {runbook.address.name} {procedure.id}`", ""]
        if procedure.symptoms:
            lines += [f"Symptoms: {'; '.join(map(_md, procedure.symptoms))}", ""]
        if procedure.cadence:
            lines += [f"Done {procedure.cadence}, by a person.", ""]
        lines += [f"> {_md(note)}\n" for note in procedure.notes]
        lines += [f"- `{name}`: {_md(one.asks)}" for name, one in procedure.inputs.items()] + (
            [""] if procedure.inputs else []
        )
        for number, step in enumerate(procedure.steps, 1):
            lines += list(_step_lines(number, step))
    return "\n".join(lines).rstrip() + "\n"


def _step_lines(number: int, step: StepSpec) -> Iterator[str]:
    risk = risk_of(step)
    pad = " " * (len(str(number)) + 2)
    yield f"{number}. {_md(step.title)}" + (f" (**{risk}**)" if risk != "reads" else "")
    if step.instruction is not None:
        yield ""
        yield f"{pad}{_md(step.instruction)}"
    command = command_of(step)
    if command:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", command)), default=0))
        yield ""
        yield from (f"{pad}{line}" for line in (fence, *command.split("\n"), fence))
    notes = [_md(note) for note in notes_of(step)]
    if notes:
        yield ""
        yield f"{pad}{' '.join(notes)}"
    if step.original is not None:
        yield ""
        told = "; ".join(f"`{one.replace('`', chr(39))}`" for one in step.original.commands)
        yield f"{pad}*Instead of* {told}: {_md(step.original.why)}"
    yield ""


def _md(text: str) -> str:
    return " ".join(_SPECIAL.sub(r"\\\1", text).split())


def html(runbook: Runbook, procedures: Iterable[ProcedureSpec]) -> str:
    """Return a runbook, or some of its procedures, as one HTML document."""
    name = escape(runbook.address.name)
    chosen = tuple(procedures)
    links = "".join(
        f'<li><a href="#{escape(one.id)}">{escape(one.title)}</a></li>' for one in chosen
    )
    parts = [_section(runbook.address.name, one) for one in chosen]
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            (
                '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
                "style-src 'unsafe-inline'\">"
            ),
            f"<title>{name}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{name}</h1>",
            f"<p>{escape(runbook.spec.summary)}</p>",
            f"<ul>{links}</ul>" if len(chosen) > 1 else "",
            *parts,
            "</body>",
            "</html>",
            "",
        )
    )


def _section(runbook: str, procedure: ProcedureSpec) -> str:
    lines = [f'<h2 id="{escape(procedure.id)}">{escape(procedure.title)}</h2>']
    lines.append(f"<pre>chimera runbook run {escape(runbook)} {escape(procedure.id)}</pre>")
    if procedure.symptoms:
        lines.append(f'<p class="note">Symptoms: {escape("; ".join(procedure.symptoms))}</p>')
    if procedure.cadence:
        lines.append(f'<p class="note">Done {procedure.cadence}, by a person.</p>')
    lines += [f"<p>{_rich(note)}</p>" for note in procedure.notes]
    if procedure.inputs:
        rows = "".join(
            f"<li><code>{escape(name)}</code>: {escape(one.asks)}</li>"
            for name, one in procedure.inputs.items()
        )
        lines.append(f"<ul>{rows}</ul>")
    lines += ["<ol>", *map(_item, procedure.steps), "</ol>"]
    return "\n".join(lines)


def _rich(text: str) -> str:
    """Return text with what stands between backquotes as code, and nothing else as anything."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _item(step: StepSpec) -> str:
    risk = risk_of(step)
    tag = "" if risk == "reads" else f' <span class="tag {risk}">{risk}</span>'
    lines = [f"<li>{escape(step.title)}{tag}"]
    if step.instruction is not None:
        lines.append(f"<p>{_rich(step.instruction)}</p>")
    command = command_of(step)
    if command:
        lines.append(f"<pre>{escape(command)}</pre>")
    notes = " ".join(notes_of(step))
    if notes:
        lines.append(f'<p class="note">{_rich(notes)}</p>')
    if step.original is not None:
        told = "".join(f"<pre>{escape(one)}</pre>" for one in step.original.commands)
        why = _rich(step.original.why)
        lines.append(
            f'<details class="note"><summary>Instead of what stood here</summary>{told}{why}'
            "</details>"
        )
    lines.append("</li>")
    return "\n".join(lines)
