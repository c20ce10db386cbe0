"""Doing one step: its programs without a shell, or its check, within its time.

What comes of it is a value: a program that fails is a finding, and no exception. Refuses to keep
output that may hold a secret unmasked, and to call something kept that was cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chimera.builtin.services.health.http import ask
from chimera.builtin.services.health.looking import Probe, look
from chimera.builtin.services.health.probing import Tools
from chimera.builtin.services.health.selecting import Target
from chimera.builtin.services.spec.checks import HttpCheck as HttpProbe
from chimera.builtin.services.spec.objective import ObjectiveSpec
from chimera.context import Command, Limits, base_environment, write_whole
from chimera.kinds import Document
from chimera.model import Address, ChimeraError, Digest, Finding, digest_bytes

if TYPE_CHECKING:
    from chimera.builtin.services.spec.runbook import HttpCheck, StepSpec
    from chimera.workspace import Workspace

MOST_OUTPUT = 64 << 20
_TAIL = 4000  # characters of output in the record
_FINDS_NOTHING = {"grep": 1}
"""Programs that say by an exit code that there was nothing, which is an answer."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of a step; `file` keeps all that it wrote, and `digest` is of that."""

    ok: bool
    message: str
    exit_codes: tuple[int, ...] = ()
    output: str = ""
    file: str | None = None
    digest: Digest | None = None


@dataclass(frozen=True)
class Performer:
    """Does steps for one environment; files go into `folder`."""

    workspace: Workspace
    environment: str
    folder: Path
    allow_env: tuple[str, ...] = ()
    tools: Tools = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tools", Tools(self.workspace.context, self.workspace.root))

    def perform(self, step: StepSpec) -> Performed:
        """Do a step that is no instruction."""
        if step.is_program:
            return self._programs(step)
        assert step.check is not None
        if step.check.http is not None:
            return self._http(step.check.http)
        if step.check.service is not None:
            return self._service(step.check.service)
        return self._objective(str(step.check.objective))

    def _programs(self, step: StepSpec) -> Performed:
        programs = step.programs or (("/bin/sh", "-c", step.shell or ""),)
        left, given = step.timeout.total_seconds(), self._stdin(step)
        codes: list[int] = []
        stdout = stderr = b""
        for position, argv in enumerate(programs):
            name, is_last = PurePosixPath(argv[0]).name, position + 1 == len(programs)
            command = Command(
                argv,
                cwd=self.workspace.root,
                env=base_environment(allow=self.allow_env),
                stdin=given,
                timeout=max(left, 0.001),
                limits=Limits(output_bytes=MOST_OUTPUT),
            )
            try:
                done = self.workspace.context.processes.run(command)
            except ChimeraError as error:
                return Performed(False, error.message, tuple(codes))
            left -= done.seconds
            given, stdout, stderr = done.stdout, done.stdout, done.stderr
            codes.append(done.returncode)
            if done.timed_out:
                return self._told(step, False, f"{name} took longer than its time", codes, stderr)
            if done.truncated:
                message = f"{name} wrote more than {MOST_OUTPUT >> 20} MiB, and it is not whole"
                return self._told(step, False, message, codes, stderr)
            wanted = step.exit_codes if is_last else (0,)
            is_empty = _FINDS_NOTHING.get(name) == done.returncode and (
                not is_last or "exit_codes" not in step.model_fields_set
            )
            if done.returncode not in wanted and not is_empty:
                message = f"{name} ended with exit code {done.returncode}"
                return self._told(step, False, message, codes, stderr or stdout)
        message = "done" if stdout.strip() else "done, and it wrote nothing"
        return self._kept(step, self._told(step, True, message, codes, stdout), stdout)

    def _stdin(self, step: StepSpec) -> bytes:
        return b"" if step.stdin is None else self.workspace.tree.read(step.stdin)

    def _told(
        self, step: StepSpec, ok: bool, message: str, codes: list[int], output: bytes
    ) -> Performed:
        text = self.workspace.context.secrets.mask(output.decode(errors="replace")).strip()
        return Performed(ok, message, tuple(codes), text[-_TAIL:])

    def _kept(self, step: StepSpec, performed: Performed, output: bytes) -> Performed:
        """Keep what was written, where the step says so; evidence that is empty is none."""
        if step.save is None:
            return performed
        if step.preserves and not output.strip():
            message = "there was nothing to keep"
            return Performed(False, message, performed.exit_codes, performed.output)
        data = self.workspace.context.secrets.mask_bytes(output)
        path = self.folder / step.save
        write_whole(path, data)
        told = path.relative_to(self.workspace.root).as_posix()
        return Performed(
            *(performed.ok, f"kept in {told}", performed.exit_codes, performed.output),
            *(told, digest_bytes(data)),
        )

    def _http(self, check: HttpCheck) -> Performed:
        parts = urlsplit(check.url)
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return Performed(False, f"{check.url} has no port that there could be")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        wanted: dict[str, Any] = {"id": "http", "type": "http", "path": path}
        wanted |= {"statuses": [check.status], "timeout": check.timeout}
        if check.contains is not None:
            wanted["body"] = {"text": check.contains}
        probe = HttpProbe.model_validate(wanted)
        target = Target(parts.hostname or "", port, parts.scheme == "https")
        (found,) = look(
            [Probe(partial(ask, probe, target, self.tools), check.timeout.total_seconds())]
        )
        return Performed(found.ok, self.workspace.context.secrets.mask(found.message))

    def _service(self, address: str) -> Performed:
        from chimera.builtin.services.health.observing import observe
        from chimera.runtime.health import Health, HealthTask

        workspace = self.workspace
        with workspace.read_state() as state:
            task = HealthTask(
                *(self.environment, workspace.loaded.snapshot, state, workspace.context),
                root=workspace.root,
                only=frozenset({address}),
            )
            found = [check for check in observe(task) if check.subject == address]
        if not found:
            return Performed(False, f"{address} is not looked at in {self.environment}")
        is_well = found[0].status is Health.HEALTHY
        return Performed(is_well, found[0].message or found[0].status.value)

    def _objective(self, address: str) -> Performed:
        from chimera.builtin.services.objectives.evaluating import evaluate
        from chimera.builtin.services.objectives.rendering import line_of
        from chimera.builtin.services.objectives.sources import Origin

        workspace = self.workspace
        found: Any = workspace.loaded.snapshot.get(Address.parse(address))
        if found is None:
            return Performed(False, f"there is no {address}")
        objective: Document[ObjectiveSpec] = found
        with workspace.read_state() as state:
            origin = Origin(self.environment, state, workspace.tree)
            standing = evaluate(objective, origin, workspace.context.clock.now())
        return Performed(standing.finding is Finding.PASS, line_of(standing))
