"""The executor `ray`: remote work as tasks of Ray, driven by a thread of its own.

Owns the tasks: at most a few for each processor are with Ray, the rest waits here, where it costs
nothing to cancel. Refuses Ray's retries and its dashboard.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from chimera.builtin.distributed.batches import Batching
from chimera.context import own_environment
from chimera.model import ChimeraError
from chimera.runtime.executors.handover import Handover
from chimera.runtime.executors.remote import lost, request_of, settle
from chimera.runtime.recovery import Category, StepError

if TYPE_CHECKING:
    import asyncio

    from chimera.builtin.distributed.task import Answer
    from chimera.context import Context
    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight

STORE_BYTES = 512 << 20
"""Memory of Ray's object store, in which results above 100 KB lie until they are fetched."""

_TASKS_A_PROCESSOR = 2  # one in work and one on its way
_END_SECONDS = 2.0
_CLOSE_SECONDS = 30.0


@dataclass(eq=False, slots=True)
class _Ticket:
    """One flight, and how far it has got."""

    flight: Flight
    landed: Landed
    request: bytes
    is_alone: bool
    task: _Task | None = None
    is_told: bool = False
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def step(self) -> str:
        """The id of the step."""
        return self.flight.step.id


@dataclass(eq=False, slots=True)
class _Task:
    """A task of Ray and the tickets that it works on."""

    tickets: Sequence[_Ticket]
    ref: Any = None


class RayExecutor:
    """Runs remote work on a cluster: that of RAY_ADDRESS, or one of this machine's own."""

    @staticmethod
    def require() -> None:
        """Raise `ChimeraError` where Ray is not installed."""
        if importlib.util.find_spec("ray") is None:
            raise ChimeraError(
                "the executor ray needs the package ray, which is not installed",
                help="pip install 'chimera[distributed]', or have the stage use process",
            )

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        self.require()
        self._context = context
        self._handover = Handover(loop)
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting: deque[_Ticket] = deque()
        self._tasks: set[_Task] = set()
        self._batching = Batching()
        self._ray: Any = None
        self._send: Any = None
        self._processors = 1
        self._thread: threading.Thread | None = None

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Send the work to a worker as soon as one is free for it."""
        try:
            request = request_of(flight)
        except (ChimeraError, TypeError, ValueError) as error:
            flight.handle = ticket = _Ticket(flight, landed, b"", is_alone=True)
            ticket.gone.set()
            landed(flight, None, error)
            return
        flight.handle = ticket = _Ticket(flight, landed, request, is_alone=flight.step.effects)
        self._order(self._waiting.append, ticket)
        if self._thread is None:
            self._thread = threading.Thread(target=self._drive, name="chimera-ray", daemon=True)
            self._thread.start()

    def tell(self, flight: Flight) -> None:
        """Interrupt the task."""
        self._order(self._cancel, flight.handle, False)

    def end(self, flight: Flight) -> bool:
        """Kill the worker; say whether Ray has reported its end, which takes a moment."""
        ticket: _Ticket = flight.handle
        self._order(self._cancel, ticket, True)
        return ticket.gone.wait(_END_SECONDS if self._ray is not None else 0.0)

    def close(self) -> None:
        """Kill what is left, and a cluster that was started for this."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(_CLOSE_SECONDS)

    # All that follows happens in the thread that drives Ray.

    def _order(self, function: Callable[..., None], *args: Any) -> None:
        self._orders.put(partial(function, *args))

    def _drive(self) -> None:
        failure: StepError | None = None
        try:
            self._connect()
        except Exception as error:  # noqa: BLE001 - Ray raises what it likes
            message = f"Ray could not be started: {error}"
            failure = StepError(message, category=Category.SYSTEM, transient=True)
        while (order := self._orders.get()) is not None:
            order()
            if not self._orders.empty():
                continue  # all that has been asked for, before anything is sent
            if failure is not None:
                while self._waiting:
                    self._fail(self._waiting.popleft(), failure)
            else:
                self._submit()
        if failure is None:
            for task in self._tasks:
                self._ray.cancel(task.ref, force=True)
            self._ray.shutdown()

    def _connect(self) -> None:
        import ray as package

        ray: Any = package  # its types say less than its documentation
        if "RAY_ADDRESS" in own_environment():
            ray.init(log_to_driver=False, configure_logging=False)
        else:
            ray.init(
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        paths = [path for path in sys.path if path]

        def execute(requests: Sequence[bytes]) -> list[Answer]:
            # Sent by value, as it is nested: a worker can import nothing of ours before this.
            import sys

            sys.path += [path for path in paths if path not in sys.path]
            from chimera.builtin.distributed import task

            return task.execute(requests)

        self._send = ray.remote(max_retries=0, num_cpus=1)(execute)
        self._processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._ray = ray

    def _submit(self) -> None:
        while self._waiting and len(self._tasks) < _TASKS_A_PROCESSOR * self._processors:
            task = _Task(self._batching.cut(self._waiting, self._processors))
            for ticket in task.tickets:
                ticket.task = task
            task.ref = self._send.remote([ticket.request for ticket in task.tickets])
            self._tasks.add(task)
            # Heard in a thread of Ray's.
            task.ref.future().add_done_callback(
                lambda done, task=task: self._order(self._take, task, done)
            )

    def _take(self, task: _Task, done: Any) -> None:
        """Bring back what came of a task, and let go of what Ray keeps of it."""
        self._tasks.discard(task)
        task.ref = None
        try:
            answers: list[Answer] = done.result()
        except BaseException as error:  # noqa: BLE001 - Ray's cancellations are no Exceptions
            self._take_failure(task, error)
            return
        for ticket, answer in zip(task.tickets, answers, strict=True):
            self._batching.measured(ticket.step, answer.seconds)
            ticket.gone.set()
            self._handover.call(self._land, ticket, answer)

    def _land(self, ticket: _Ticket, answer: Answer) -> None:
        import json

        for secret in answer.secrets:
            self._context.secrets.add(secret)
        for line in answer.log:
            ticket.flight.call.log(line)
        settle(ticket.flight, ticket.landed, json.loads(answer.line))

    def _take_failure(self, task: _Task, error: BaseException) -> None:
        for ticket in task.tickets:
            ticket.task = None
            if ticket.is_told:
                self._fail(ticket, ChimeraError("it was told to stop"))
            elif len(task.tickets) > 1:
                # Without effects, all of them: who brought the worker down shows when alone.
                ticket.is_alone = True
                self._waiting.append(ticket)
            else:
                self._fail(ticket, self._failure(error))

    def _failure(self, error: BaseException) -> StepError:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, (self._ray.exceptions.OutOfMemoryError, MemoryError)):
            return StepError(
                f"its worker ran out of memory: {first}", category=Category.RESOURCE, transient=True
            )
        return lost("the worker that did the work", f"was lost: {first}")

    def _cancel(self, ticket: _Ticket, force: bool) -> None:
        ticket.is_told = True
        task = ticket.task
        if task is not None and task.ref is not None:
            # An interrupt could meet another one of a batch.
            self._ray.cancel(task.ref, force=force or len(task.tickets) > 1)
        elif ticket in self._waiting:
            self._waiting.remove(ticket)
            self._fail(ticket, ChimeraError("it was told to stop before it had begun"))

    def _fail(self, ticket: _Ticket, error: BaseException) -> None:
        ticket.gone.set()
        self._handover.call(ticket.landed, ticket.flight, None, error)
