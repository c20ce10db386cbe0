"""Every hook of Chimera, by the stage in which it is called.

Nothing depends on the order in which plugins answer: callers sort what they get. A hook without
`firstresult` collects the answers of all plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from chimera.context import Context
    from chimera.contract import Prohibition
    from chimera.gate import Halt, Side, Stage, Weighing
    from chimera.kinds import Document, Kind, Model, Registry, Snapshot, Subject
    from chimera.model import Obligation, Touch, Verdict
    from chimera.plan import Plan, RecordDraft
    from chimera.proof import StepOutcome, StepTask
    from chimera.runtime import Declared, ModuleType, Operation, ReconcileTask
    from chimera.runtime.due import Due, Published
    from chimera.runtime.guarding import RunGuard
    from chimera.runtime.health import HealthCheck, HealthTask
    from chimera.runtime.reporting import ReportTask, Section
    from chimera.runtime.settings import RunSettings, Watcher
    from chimera.runtime.system import SystemSettings
    from chimera.state import Holding

hookspec = pluggy.HookspecMarker("chimera")
hookimpl = pluggy.HookimplMarker("chimera")


# Registration: called once, when the plugins have been loaded. Implementations are light.


@hookspec
def chimera_register_kinds() -> Iterable[Kind]:  # type: ignore[empty-body]
    """Return the kinds that the plugin owns. Two plugins that register one name are an error."""


@hookspec
def chimera_register_prohibitions() -> Iterable[Prohibition]:  # type: ignore[empty-body]
    """Return words that a layer can list under `prohibits`, each with its predicate."""


@hookspec
def chimera_register_operations() -> Iterable[  # type: ignore[empty-body]
    Operation[Any, Any] | Declared
]:
    """Return the operations that stages can name, each with typed inputs and outputs.

    One that is only declared is imported when somebody looks at more than its names.
    """


@hookspec
def chimera_register_modules() -> Iterable[ModuleType | Declared]:  # type: ignore[empty-body]
    """Return the types of modules that `Module` documents can set up.

    What a module can do is registered by `chimera_register_operations`, under its name.
    """


@hookspec
def chimera_register_commands() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return commands of the command line: name to `module:attribute` of a Click command.

    A string keeps the command line's start light: the module is imported when the command is used.
    """


@hookspec
def chimera_register_executors() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return where the work of steps can be executed: name to `module:factory`.

    `factory(loop, context)` makes a `chimera.runtime.executors.Executor`, and is called when the
    first step departs that asks for it by name; what it needs is imported then. A factory may have
    a `require()`, which raises `ChimeraError` where it is of no use here: a dry run asks it.
    """


@hookspec(firstresult=True)
def chimera_configure_runs(snapshot: Snapshot, environment: str) -> RunSettings | None:
    """Return how runs are executed where this is applied: how many, and what holds by default.

    Modules, messages, resources and monitoring go by its `system`. `None` where no document of
    the plugin says so.
    """


@hookspec
def chimera_limit_steps(snapshot: Snapshot) -> Mapping[str, int]:  # type: ignore[empty-body]
    """Return how many steps that name a key may be in flight at once, by key, in all runs.

    It stands beside what `chimera_configure_runs` says; of two limits of a key the smaller holds.
    """


@hookspec
def chimera_watch_runs(system: SystemSettings) -> Watcher | None:
    """Return what is told of runs that an engine has executed, if the plugin wants to be told.

    It is called once for all of an engine's runs, when they are on disk, and fails none of them.
    """


# Judgement: no side effects, no clock but `subject.now`.


@hookspec
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:  # type: ignore[empty-body]
    """Judge the documents of a snapshot. A failing verdict carries diagnostics that say why."""


@hookspec
def chimera_check_document(  # type: ignore[empty-body]
    document: Document[Model], registry: Registry
) -> Iterable[Verdict]:
    """Judge one document by itself: its answer may depend on nothing but the two arguments.

    It is remembered, and asked again when the document, Chimera or a plugin is another.
    """


@hookspec
def chimera_owe(subject: Subject) -> Iterable[Obligation]:  # type: ignore[empty-body]
    """Return what the subject's changes owe before they may be applied."""


@hookspec
def chimera_touch(subject: Subject) -> Iterable[Touch]:  # type: ignore[empty-body]
    """Return which of the plugin's documents the subject's changes concern, in any environment.

    It informs reviewers, and decides nothing.
    """


@hookspec
def chimera_draft_records(  # type: ignore[empty-body]
    plan: Plan, subject: Subject, held: str | None
) -> Iterable[RecordDraft]:
    """Return records that the plan owes and nobody wrote, as far as the plan tells what they say.

    `held` is the commit that held before, where one did. A draft is shown, and drives nothing.
    """


@hookspec
def chimera_review_plan(  # type: ignore[empty-body]
    stage: Stage, weighing: Weighing
) -> Iterable[Verdict]:
    """Weigh a plan at one stage of the gate: a verdict for each thing that lets it through or not.

    Called once for each stage: contract, policy, proof, approval, freeze, guard. Return nothing at
    a stage that is not yours; a verdict that does not pass stops the plan, and no other takes it
    back. A plugin that raises here fails the gate.
    """


@hookspec
def chimera_list_halts(  # type: ignore[empty-body]
    root: Path, sides: Sequence[Side], now: datetime
) -> Iterable[Halt]:
    """Return which guards stop anything now, wherever, and what times of that are to come.

    Every plan and status shows them. It informs: what is stopped is for `chimera_review_plan` and
    `chimera_guard_runs` to say.
    """


# Proof.


@hookspec(firstresult=True)
def chimera_run_proof_step(task: StepTask) -> StepOutcome | None:
    """Run one step of a proof in the exported folder; `None` for a step that is not yours."""


# Reconcile: the only hooks with effects.


@hookspec(firstresult=True)
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Carry out one change of a kind that is yours, in durable steps; `None` for other kinds.

    The returned mapping is JSON and is kept in the state as what the change brought about.
    Raises `ChimeraError` where it fails.
    """


@hookspec(firstresult=True)
def chimera_execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Execute an applied document of a kind that is yours now; `None` for other kinds.

    `task.change.action` is `run` and `task.document` the definition that was applied. What is
    returned and raised is as for `chimera_reconcile`.
    """


@hookspec
def chimera_guard_runs(root: Path, context: Context) -> Iterable[RunGuard]:  # type: ignore[empty-body]
    """Return what is asked between the steps of runs, and before each change of an apply.

    Called for each apply, run and resume of the work tree at `root`. A plugin that raises here has
    nothing executed.
    """


# Looking: no side effects, whatever is found.


@hookspec
def chimera_observe_health(task: HealthTask) -> Iterable[HealthCheck]:  # type: ignore[empty-body]
    """Return how the plugin's own parts are, as far as the state, the process and they show it.

    Others are asked only where `task.asks`, each within a time of its own. Called by `chimera
    health`, and by `chimera metrics` without asking anybody.
    """


@hookspec
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:  # type: ignore[empty-body]
    """Return what the plugin has to say of a period, for a report of that kind.

    Called once for each report. The same task and state give the same sections: the only clock is
    `task.now`. Return nothing where there is nothing to say to a report of that kind.
    """


@hookspec
def chimera_find_due(  # type: ignore[empty-body]
    snapshot: Snapshot, environment: str, messages: Sequence[Published]
) -> Iterable[Due]:
    """Return which of the applied documents are to be executed because of messages.

    Called by `chimera run --due` with what an environment holds and what steps published in it.
    What was started for a message already is left out afterwards: the plugin keeps no count.
    """


@hookspec
def chimera_contribute_backup() -> Iterable[Holding]:  # type: ignore[empty-body]
    """Return what the plugin keeps below `.chimera/`, and how a restored copy of it is verified.

    A backup has all that lies there, whoever keeps it: what nobody names is copied, and not
    verified beyond its digest.
    """
