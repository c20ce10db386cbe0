"""Every shipped command by name: where it stands and its line in `--help`.

The root's help is printed from here, so that it imports no command. A test holds this table
against the commands themselves and against what the built-in plugins register.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command: `module:attribute`, its line of help, and the section it stands in."""

    target: str
    help: str
    section: str


_CLI = "chimera.cli.commands"
_START, _CHANGE, _OPERATE, _LOOK = "Get going", "Change", "Operate", "Look"

COMMANDS: dict[str, Entry] = {
    "init": Entry(
        "chimera.builtin.scaffold.commands:init",
        "Make a repository that passes check and applies.",
        _START,
    ),
    "new": Entry(
        "chimera.builtin.scaffold.commands:new", "Write a first document of a kind.", _START
    ),
    "import": Entry(
        f"{_CLI}.import_:import_",
        "Make documents of what other systems wrote.",
        _START,
    ),
    "doctor": Entry(
        f"{_CLI}.doctor:doctor", "Say what this machine can do, and what it lacks.", _START
    ),
    "explain": Entry(
        f"{_CLI}.explain:explain", "Say what a kind, a field or an operation is for.", _START
    ),
    "schema": Entry(f"{_CLI}.schema:schema", "Write JSON Schemas of the kinds.", _START),
    "check": Entry(f"{_CLI}.check:check", "Report everything that is wrong with a tree.", _CHANGE),
    "fmt": Entry(f"{_CLI}.fmt:fmt", "Format documents without changing what they say.", _CHANGE),
    "policy": Entry(
        f"{_CLI}.policy:policy", "Try the cases of the policies, or judge files by them.", _CHANGE
    ),
    "plan": Entry(f"{_CLI}.plan:plan", "Show what an apply would do, and what that owes.", _CHANGE),
    "show": Entry(
        f"{_CLI}.plan:show", "Show a saved plan, or explain a ruling of the gate.", _CHANGE
    ),
    "prove": Entry(f"{_CLI}.prove:prove", "Run proofs and keep the evidence.", _CHANGE),
    "evidence": Entry(
        f"{_CLI}.evidence:evidence", "List, sign, share and bundle what proofs showed.", _CHANGE
    ),
    "verify": Entry(
        f"{_CLI}.verify:verify", "Verify evidence offline, without running anything.", _CHANGE
    ),
    "approve": Entry(
        f"{_CLI}.approve:approve", "Sign that items of a plan may be applied.", _CHANGE
    ),
    "reject": Entry(
        f"{_CLI}.approve:reject", "Sign that items of a plan must not be applied.", _CHANGE
    ),
    "apply": Entry(
        f"{_CLI}.apply:apply",
        "Execute what has been proven and approved.",
        _CHANGE,
    ),
    "run": Entry(
        f"{_CLI}.run:run", "Execute an applied document now, or go on with what is due.", _CHANGE
    ),
    "record": Entry(f"{_CLI}.record:record", "Copy records into the tree.", _CHANGE),
    "severity": Entry(
        "chimera.builtin.records.commands.severity:severity",
        "Say how grave something is, by the questions of a model.",
        _OPERATE,
    ),
    "incident": Entry(
        "chimera.builtin.records.commands.incident:incident",
        "Open, answer, hand over and end incidents.",
        _OPERATE,
    ),
    "postmortem": Entry(
        "chimera.builtin.records.commands.postmortem:postmortem",
        "Begin, schedule and follow up the reviews of incidents.",
        _OPERATE,
    ),
    "changelog": Entry(
        "chimera.builtin.records.commands.changelog:changelog",
        "Write, complete, show and archive the entries of the changelog.",
        _OPERATE,
    ),
    "rollback": Entry(
        "chimera.builtin.records.commands.rollback:rollback",
        "Take changes back: suggested, planned, approved, run and watched; a person decides.",
        _OPERATE,
    ),
    "runbook": Entry(
        "chimera.builtin.services.commands.runbook:runbook",
        "Find, show and go through procedures; a person starts each, and confirms what changes.",
        _OPERATE,
    ),
    "guard": Entry(
        "chimera.builtin.guards.commands:guard",
        "Stop what is executed on this machine, release it, and see what is stopped.",
        _OPERATE,
    ),
    "status": Entry(f"{_CLI}.status:status", "Say where each environment stands.", _LOOK),
    "get": Entry(f"{_CLI}.get:get", "List documents, or print one.", _LOOK),
    "describe": Entry(f"{_CLI}.get:describe", "Say everything that is known of a document.", _LOOK),
    "graph": Entry(
        f"{_CLI}.graph:graph", "Draw references, layers and what a change reaches.", _LOOK
    ),
    "runs": Entry(
        f"{_CLI}.runs:runs",
        "List, show, follow, pause, resume, retry, signal and cancel runs.",
        _LOOK,
    ),
    "evolve": Entry(
        "chimera.builtin.evolution.commands:evolve",
        "Watch evolutions, and put what they found to use.",
        _LOOK,
    ),
    "health": Entry(
        "chimera.builtin.monitoring.commands:health",
        "Look whether system, state, journal, modules and services are well.",
        _LOOK,
    ),
    "report": Entry(
        "chimera.builtin.reporting.commands:report",
        "Say what a day, a week or a month was like, what changes lack, or what runs out.",
        _LOOK,
    ),
    "objective": Entry(
        "chimera.builtin.services.commands.objective:objective",
        "Hold what was measured to what was promised.",
        _LOOK,
    ),
    "metrics": Entry(
        "chimera.builtin.monitoring.commands:metrics",
        "Measure runs, operations, modules and the machine.",
        _LOOK,
    ),
    "backup": Entry(
        "chimera.builtin.backups.commands:backup",
        "Save what Chimera keeps outside Git; list and verify what was saved.",
        _LOOK,
    ),
    "restore": Entry(
        "chimera.builtin.backups.commands:restore",
        "Bring back what a backup holds; what is here now is kept.",
        _CHANGE,
    ),
}

SUBCOMMANDS: dict[str, Entry] = {
    "import wfformat": Entry(
        "chimera.builtin.workflow.commands:wfformat",
        "Make Workflows of traces in WfCommons' WfFormat.",
        _START,
    ),
    "import postmortems": Entry(
        "chimera.builtin.records.commands.importing:postmortems",
        "Make records of postmortems in Markdown.",
        _START,
    ),
    "runs top": Entry(
        "chimera.builtin.monitoring.commands:top",
        "Show the runs that go on, again and again on a terminal.",
        _LOOK,
    ),
    "runs trace": Entry(
        "chimera.builtin.monitoring.commands:trace",
        "Show a run as a trace, or send it to a collector.",
        _LOOK,
    ),
}
"""Commands that built-in plugins add to groups: `runs top` is the command `top` of `runs`."""
