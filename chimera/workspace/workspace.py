"""The road itself: open a repository, then check, plan, prove and apply it.

Everything that the command line does, other people's Python can do through `Workspace`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.context import Context
from chimera.documents import Tree, find_root, open_work_tree
from chimera.kinds import Loaded, Registry, Source, load_snapshot, read_source
from chimera.model import Result, Target, Verdict
from chimera.plugin import PluginManager, can_disable, load_plugins
from chimera.state import Store, open_cache
from chimera.workspace.checking import CheckReport, check, check_change, judging_ahead
from chimera.workspace.judging import facts_of
from chimera.workspace.opening import plugin_names, prepare_folder
from chimera.workspace.paths import path_faults

if TYPE_CHECKING:
    from chimera.plan import Plan
    from chimera.policy import CasesReport
    from chimera.runtime.listening import Listeners
    from chimera.state import StateReader, StateWriter
    from chimera.workspace.applying import ApplyReport
    from chimera.workspace.controlling import RunControl
    from chimera.workspace.diagnosing import Symptom
    from chimera.workspace.evaluating import Question
    from chimera.workspace.evidence import Evidence
    from chimera.workspace.graphing import Graph
    from chimera.workspace.inspecting import Description, Row, Status
    from chimera.workspace.planning import PlanReport
    from chimera.workspace.proving import ProveReport
    from chimera.workspace.questioning import Questions
    from chimera.workspace.running import RunReport
    from chimera.workspace.showing import ShownRuling
    from chimera.workspace.trust import Trust
    from chimera.workspace.updating import UpdateReport
    from chimera.workspace.verifying import VerifyReport


class Workspace:
    """One repository at one tree, the work tree if no other; what it reads, it reads once."""

    def __init__(self, root: Path, context: Context, tree: Tree | None = None) -> None:
        self.root = root
        self.context = context
        self._tree = tree
        self._commits: dict[str, Loaded] = {}
        self.listeners: Listeners | None = None

    @staticmethod
    def open(path: Path | str = ".", context: Context | None = None) -> Workspace:
        """Open the repository around `path`; any folder will do."""
        return Workspace(find_root(Path(path)), context or Context.system())

    @cached_property
    def tree(self) -> Tree:
        """The tree that documents are read from."""
        return self._tree or open_work_tree(self.root)

    @cached_property
    def cache(self) -> Store:
        """What earlier runs of this user found out; no result depends on what it holds."""
        return open_cache(self.root)

    @cached_property
    def source(self) -> Source:
        """The raw documents of the tree."""
        return read_source(self.tree, self.cache)

    @cached_property
    def plugins(self) -> PluginManager:
        """The plugins that this repository asks for."""
        disable, require = plugin_names(self.source)
        # What cannot be left out is told at its line, when the document is validated.
        return load_plugins(disable=list(filter(can_disable, disable)), require=require)

    @cached_property
    def registry(self) -> Registry:
        """What those plugins registered."""
        return Registry.collect(self.plugins)

    @cached_property
    def loaded(self) -> Loaded:
        """The snapshot of the tree, with its faults."""
        return load_snapshot(self.source, self.registry)

    @cached_property
    def trust(self) -> Trust | None:
        """What the trust ref says, at its tip; `None` where there is none."""
        from chimera.workspace.trust import trust_of

        return trust_of(self)

    def reopened(self) -> Workspace:
        """Return the same repository, to be read anew."""
        return Workspace(self.root, self.context)

    def commit(self, ref: str = "HEAD") -> Loaded:
        """Return the snapshot of a commit, which is read once."""
        from chimera.documents import open_commit

        tree = open_commit(self.root, ref)
        revision = tree.revision or ""
        if revision not in self._commits:
            self._commits[revision] = load_snapshot(read_source(tree, self.cache), self.registry)
        return self._commits[revision]

    def for_environment(self, environment: str) -> Loaded:
        """Return what may be applied there: the work tree, or in a protected one the commit."""
        from chimera.workspace.protection import protects

        return self.commit() if protects(self, environment) else self.loaded

    def read_state(self) -> StateReader:
        """Open the state for reading."""
        from chimera.state import read_state

        return read_state(self.root)

    def open_state(
        self, command: str, wait: float | None = None, *, is_whole: bool = False
    ) -> StateWriter:
        """Open the state for writing, under the apply lock."""
        from chimera.state import open_state

        self.prepare()
        return open_state(self.root, self.context, command=command, wait=wait, is_whole=is_whole)

    def prepare(self) -> None:
        """Make `.chimera`; raises `StateError` where Git tracks any of it."""
        prepare_folder(self.root)

    def check(
        self, environment: str = "local", base: str | None = None, head: str | None = "HEAD"
    ) -> Result[CheckReport]:
        """Report everything that is wrong with the tree.

        With a `base`, a Git ref: with what merging the commit `head` into it would leave, or with
        the work tree where `head` is `None`; and say what that changes, and owes.
        """
        if base is None:
            with judging_ahead(self.source, self.context):
                found = (*self.loaded.diagnostics, *path_faults(self.source))
                loaded = replace(self.loaded, diagnostics=found)
                return check(loaded, self.plugins, self.context, environment)
        return check_change(self.compare(environment, base, head))

    def plan(
        self, environment: str = "local", base: str | None = None, head: str | None = "HEAD"
    ) -> Result[PlanReport]:
        """Compare with the applied state, or with a Git ref `base`; say what that owes."""
        from chimera.workspace.guarding import with_halts
        from chimera.workspace.planning import plan_result

        if base is not None:
            return plan_result(self.compare(environment, base, head))
        return plan_result(with_halts(self, self.make_plan(environment)))

    def compare(self, environment: str, base: str, head: str | None) -> PlanReport:
        """Plan what merging `head` into the Git ref `base` would leave, as a change of `base`."""
        from chimera.documents import Merge, open_commit, open_merge
        from chimera.workspace.comparing import against_merge_base
        from chimera.workspace.guarding import with_halts
        from chimera.workspace.planning import Compared, make_plan

        if head is None:
            merge = Merge(open_commit(self.root, base), self.tree, base)
        else:
            merge = open_merge(self.root, base, head)
        proposed = Workspace(self.root, self.context, merge.tree)
        loaded = proposed.loaded
        told = (*merge.conflicts, *path_faults(proposed.source, loaded))
        loaded = replace(loaded, diagnostics=(*loaded.diagnostics, *told))
        comparison = against_merge_base(merge, proposed.source, loaded)
        facts = facts_of(loaded.snapshot, environment, comparison.base)
        report = make_plan(loaded, comparison, proposed.plugins, self.context, facts)
        return with_halts(proposed, replace(report, compared=Compared.of(merge, base, head)))

    def make_plan(
        self,
        environment: str,
        *,
        state: StateReader | None = None,
        loaded: Loaded | None = None,
        only: Collection[Target] | None = None,
    ) -> PlanReport:
        """Plan against `state`, all or `only` some; `loaded` is the tree unless it is given."""
        from chimera.workspace.comparing import against_state
        from chimera.workspace.planning import make_plan
        from chimera.workspace.protection import environment_facts, protection_in

        if state is None:
            with self.read_state() as reader:
                return self.make_plan(environment, state=reader, loaded=loaded, only=only)
        loaded = loaded or self.for_environment(environment)
        facts = environment_facts(self, environment, loaded)
        comparison = against_state(state, environment)
        protection = protection_in(self, facts, loaded, state)
        return make_plan(loaded, comparison, self.plugins, self.context, facts, protection, only)

    def test_policies(
        self, names: Sequence[str] = (), now: datetime | None = None
    ) -> Result[CasesReport]:
        """Run the cases of the policies, or of those named; `now` is for those without a time."""
        from chimera.workspace.testing import policy_cases

        return policy_cases(self, names, now)

    def evaluate(self, question: Question) -> Result[tuple[Verdict, ...]]:
        """Judge files that are named on the spot by policies that are."""
        from chimera.workspace.evaluating import evaluate

        return evaluate(self, question)

    def graph(
        self,
        address: str | None = None,
        depth: int = 2,
        *,
        environment: str = "local",
        base: str | None = None,
        head: str | None = "HEAD",
    ) -> Graph:
        """Return what refers to what: of all, around one, or, with a `base`, of what changes."""
        from chimera.workspace.graphing import graph

        return graph(self, address, depth, environment=environment, base=base, head=head)

    def format(self, paths: Sequence[Path], *, write: bool) -> Result[tuple[str, ...]]:
        """Format documents; return the paths that changed or would change."""
        from chimera.workspace.formatting import format_documents

        return format_documents(self.tree, self.source, paths, write=write)

    def add_modelines(self, paths: Sequence[Path], *, write: bool) -> Result[tuple[str, ...]]:
        """Name each document's schema to editors in its first line; return the paths as above."""
        from chimera.workspace.formatting import add_modelines

        return add_modelines(self.tree, self.source, self.registry, paths, write=write)

    def prove(
        self,
        names: Sequence[str] = (),
        *,
        environment: str = "local",
        fresh: bool = False,
        shuffle: bool = False,
        vary: Sequence[str] = (),
    ) -> Result[ProveReport]:
        """Run proofs and keep their evidence; evidence that fits the content is used again."""
        from chimera.workspace.proving import prove

        self.prepare()
        return prove(self, names, environment=environment, fresh=fresh, shuffle=shuffle, vary=vary)

    def prove_change(
        self,
        base: str,
        head: str | None = "HEAD",
        *,
        environment: str = "local",
        fresh: bool = False,
        shuffle: bool = False,
        vary: Sequence[str] = (),
    ) -> Result[ProveReport]:
        """Run the proofs that merging `head` into the Git ref `base` owes, on what it leaves."""
        from chimera.workspace.proving import prove_change

        self.prepare()
        return prove_change(
            self, base, head, environment=environment, fresh=fresh, shuffle=shuffle, vary=vary
        )

    def verify(
        self,
        names: Sequence[str] = (),
        *,
        at: str | None = None,
        trust: str | None = None,
        environment: str = "local",
    ) -> Result[VerifyReport]:
        """Verify files, proofs and digests, or the evidence of every proof, without running any.

        Against the commit `at`, or what may be applied; `trust` is a Git ref to trust instead.
        """
        from chimera.workspace.verifying import verify

        context = self.context if trust is None else replace(self.context, trust_ref=trust)
        workspace = Workspace(self.root, context, self._tree)
        return verify(workspace, names, at=at, environment=environment)

    @cached_property
    def evidence(self) -> Evidence:
        """The evidence that is kept here, to be listed, signed and shared."""
        from chimera.workspace.evidence import Evidence

        return Evidence(self)

    @property
    def questions(self) -> Questions:
        """What may be asked of proofs: why their runs differ, and what they would not notice."""
        from chimera.workspace.questioning import Questions

        return Questions(self)

    def update_snapshots(self, names: Sequence[str] = ()) -> Result[UpdateReport]:
        """Write golden files of proofs anew, into the work tree; that is evidence of nothing."""
        from chimera.workspace.updating import update

        return update(self, names)

    def apply(
        self,
        environment: str = "local",
        *,
        saved: Plan | None = None,
        wait: float = 0.0,
        confirm: Callable[[Plan], None] | None = None,
    ) -> Result[ApplyReport]:
        """Prove what is owed, weigh, and execute what the gate permits.

        In a protected environment `confirm` is asked before, and raises where it is not to be.
        """
        from chimera.workspace.applying import apply

        return apply(self, environment, saved=saved, wait=wait, confirm=confirm)

    def run(
        self,
        address: str,
        inputs: Mapping[str, Any],
        *,
        environment: str = "local",
        waits: bool | None = None,
    ) -> Result[RunReport]:
        """Execute the applied definition of a document now; `waits` sits through its waits."""
        from chimera.workspace.running import run

        return run(self, address, inputs, environment=environment, waits=waits)

    def ruling(self, name: str = "latest", environment: str | None = None) -> ShownRuling:
        """Return a ruling of the gate by the beginning of its digest, or the latest."""
        from chimera.workspace.showing import show_ruling

        return show_ruling(self, name, environment)

    def status(self) -> Result[Status]:
        """Say where every environment stands."""
        from chimera.workspace.inspecting import status

        return status(self)

    def get(
        self, what: str | None = None, *, environment: str = "local", records: bool = False
    ) -> tuple[Row, ...]:
        """Return the documents of the tree, of one kind, or one; or the records written here."""
        from chimera.workspace.inspecting import list_documents

        return list_documents(self, what, environment=environment, records=records)

    def describe(self, address: str) -> Result[Description]:
        """Say everything that is known of one document."""
        from chimera.workspace.inspecting import describe

        return describe(self, address)

    def record(self, addresses: Sequence[str] = ()) -> Result[tuple[str, ...]]:
        """Copy records into the tree, for a pull request; return the paths that were written."""
        from chimera.workspace.recording import copy_records

        return copy_records(self.root, self.registry, addresses)

    @cached_property
    def runs(self) -> RunControl:
        """The runs of this repository, to be looked at and controlled from any process."""
        from chimera.workspace.controlling import RunControl

        return RunControl(self)

    def diagnose(self) -> Result[tuple[Symptom, ...]]:
        """Say what this machine can do, and what it lacks."""
        from chimera.workspace.diagnosing import diagnose

        return diagnose(self)

    def acknowledge_loss(self) -> tuple[Path, ...]:
        """Accept that damaged states kept aside are lost; return them."""
        from chimera.state import acknowledge_loss

        return acknowledge_loss(self.root)
