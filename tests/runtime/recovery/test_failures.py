"""Every row of the table of failures, and that a failure survives its ways."""

import asyncio
import concurrent.futures.process
import errno
import json
import pickle
import socket
import sqlite3
import ssl
import subprocess
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import ChimeraError, GateError, GitError, RefError, StateError, UsageError
from chimera.runtime.recovery import Category, Failure, PermanentError, StepError, classify
from chimera.runtime.recovery.failures import _BY_ERRNO, _BY_NAME

C = Category


def json_error():
    try:
        json.loads("{")
    except ValueError as error:
        return error


def pydantic_error():
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(int).validate_python("three")
    except ValidationError as error:
        return error


def jsonschema_error():
    from jsonschema import ValidationError

    return ValidationError("no")


def foreign(module, name, *bases):
    """Return an error of a library that need not be here, as it calls itself."""
    return type(name, bases or (Exception,), {"__module__": module})("it broke")


class LibraryError(OSError):
    """What a library makes of the system's error: Python gives it no class of its own."""


ROWS = [
    # what the system says
    (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), C.COMMUNICATION, True),
    (ConnectionResetError("by the peer"), C.COMMUNICATION, True),
    (ConnectionAbortedError(), C.COMMUNICATION, True),
    (LibraryError(errno.ECONNRESET, "reset"), C.COMMUNICATION, True),
    (LibraryError(errno.ECONNABORTED, "aborted"), C.COMMUNICATION, True),
    (BrokenPipeError(errno.EPIPE, "pipe"), C.COMMUNICATION, True),
    (TimeoutError("it took longer than 3 s"), C.COMMUNICATION, True),
    (OSError(errno.ETIMEDOUT, "timed out"), C.COMMUNICATION, True),
    (OSError(errno.ENETDOWN, "down"), C.COMMUNICATION, True),
    (OSError(errno.ENETUNREACH, "unreachable"), C.COMMUNICATION, True),
    (OSError(errno.ENETRESET, "reset"), C.COMMUNICATION, True),
    (OSError(errno.EHOSTDOWN, "down"), C.COMMUNICATION, True),
    (OSError(errno.EHOSTUNREACH, "unreachable"), C.COMMUNICATION, True),
    (OSError(errno.EADDRNOTAVAIL, "address"), C.COMMUNICATION, False),
    (OSError(errno.EAFNOSUPPORT, "family"), C.COMMUNICATION, False),
    (OSError(errno.EPROTO, "protocol"), C.COMMUNICATION, False),
    (OSError(errno.EMSGSIZE, "size"), C.COMMUNICATION, False),
    (BlockingIOError(errno.EAGAIN, "again"), C.RESOURCE, True),
    (OSError(errno.EBUSY, "busy"), C.RESOURCE, True),
    (OSError(errno.EMFILE, "files"), C.RESOURCE, True),
    (OSError(errno.ENFILE, "files"), C.RESOURCE, True),
    (OSError(errno.ENOBUFS, "buffers"), C.RESOURCE, True),
    (OSError(errno.ENOLCK, "locks"), C.RESOURCE, True),
    (OSError(errno.ENOMEM, "memory"), C.RESOURCE, True),
    (OSError(errno.ETXTBSY, "text"), C.RESOURCE, True),
    (OSError(errno.ENOSPC, "full"), C.RESOURCE, False),
    (OSError(errno.EDQUOT, "quota"), C.RESOURCE, False),
    (OSError(errno.EFBIG, "big"), C.RESOURCE, False),
    (InterruptedError(errno.EINTR, "interrupted"), C.SYSTEM, True),
    (OSError(errno.ESTALE, "stale"), C.SYSTEM, True),
    (FileNotFoundError(errno.ENOENT, "no such file"), C.WORKFLOW, False),
    (FileExistsError(errno.EEXIST, "exists"), C.WORKFLOW, False),
    (NotADirectoryError(errno.ENOTDIR, "no folder"), C.WORKFLOW, False),
    (IsADirectoryError(errno.EISDIR, "folder"), C.WORKFLOW, False),
    (OSError(errno.ENOTEMPTY, "not empty"), C.WORKFLOW, False),
    (OSError(errno.ENAMETOOLONG, "long"), C.WORKFLOW, False),
    (OSError(errno.ELOOP, "loop"), C.WORKFLOW, False),
    (OSError(errno.EINVAL, "invalid"), C.VALIDATION, False),
    (PermissionError(errno.EACCES, "denied"), C.SYSTEM, False),
    (OSError(errno.EROFS, "read-only"), C.SYSTEM, False),
    (OSError(errno.EIO, "disk"), C.SYSTEM, False),
    (OSError("without a number"), C.SYSTEM, False),
    # what Python says
    (EOFError(), C.COMMUNICATION, True),
    (MemoryError(), C.RESOURCE, True),
    (ModuleNotFoundError("no module"), C.MODULE, False),
    (NotImplementedError(), C.MODULE, False),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "start"), C.VALIDATION, False),
    (SystemExit(2), C.SYSTEM, False),
    (SystemError(), C.SYSTEM, False),
    (asyncio.IncompleteReadError(b"", 3), C.COMMUNICATION, True),
    (concurrent.futures.process.BrokenProcessPool("died"), C.SYSTEM, True),
    (__import__("http.client").client.RemoteDisconnected("gone"), C.COMMUNICATION, True),
    (json_error(), C.VALIDATION, False),
    (socket.gaierror(-3, "temporary failure in name resolution"), C.COMMUNICATION, True),
    (socket.gaierror(-2, "name or service not known"), C.COMMUNICATION, False),
    (socket.herror(1, "host"), C.COMMUNICATION, False),
    (sqlite3.OperationalError("database is locked"), C.SYSTEM, True),
    (sqlite3.IntegrityError("unique"), C.SYSTEM, False),
    (ssl.SSLCertVerificationError("certificate"), C.COMMUNICATION, False),
    (ssl.SSLZeroReturnError("closed"), C.COMMUNICATION, True),
    (ssl.SSLEOFError("eof"), C.COMMUNICATION, True),
    (subprocess.TimeoutExpired("sleep", 3), C.SYSTEM, True),
    (subprocess.CalledProcessError(1, "false"), C.WORKFLOW, False),
    # what libraries say
    (pydantic_error(), C.VALIDATION, False),
    (jsonschema_error(), C.VALIDATION, False),
    (
        foreign("httpx", "ReadTimeout", foreign("httpx", "TransportError").__class__),
        C.COMMUNICATION,
        True,
    ),
    (
        foreign("httpx", "UnsupportedProtocol", foreign("httpx", "TransportError").__class__),
        C.VALIDATION,
        False,
    ),
    (foreign("httpx", "InvalidURL"), C.VALIDATION, False),
    (foreign("ray.exceptions", "RaySystemError"), C.SYSTEM, True),
    (foreign("ray.exceptions", "WorkerCrashedError"), C.SYSTEM, True),
    (foreign("ray.exceptions", "NodeDiedError"), C.SYSTEM, True),
    (foreign("ray.exceptions", "RayActorError"), C.SYSTEM, True),
    (foreign("ray.exceptions", "ObjectLostError"), C.SYSTEM, True),
    (foreign("ray.exceptions", "OutOfMemoryError"), C.RESOURCE, True),
    # what Chimera says
    (UsageError("no such run"), C.VALIDATION, False),
    (GateError("frozen"), C.WORKFLOW, False),
    (StateError("cannot be written"), C.SYSTEM, False),
    (RefError("no such commit"), C.WORKFLOW, False),
    (GitError("refused"), C.WORKFLOW, False),
    (ChimeraError("something"), C.WORKFLOW, False),
    # what nobody knows
    (RuntimeError("what"), C.WORKFLOW, False),
    (ValueError("what"), C.WORKFLOW, False),
    (KeyError("what"), C.WORKFLOW, False),
    (ZeroDivisionError(), C.WORKFLOW, False),
    (foreign("somebody.elses", "TimeoutError"), C.WORKFLOW, False),
]


@pytest.mark.parametrize(
    ("error", "category", "transient"), ROWS, ids=[f"{type(e).__name__}-{e}"[:40] for e, *_ in ROWS]
)
def test_each_failure_has_its_category(error, category, transient):
    failure = classify(error)
    assert (failure.category, failure.transient) == (category, transient)
    assert failure.kind == type(error).__name__
    assert failure.message
    assert not failure.permanent


def test_every_row_of_the_table_is_tested():
    errors = [error for error, *_ in ROWS]
    numbers = {error.errno for error in errors if isinstance(error, OSError)}
    assert numbers >= _BY_ERRNO.keys()
    names = {f"{cls.__module__}.{cls.__qualname__}" for e in errors for cls in type(e).__mro__}
    assert names >= _BY_NAME.keys()


def test_libraries_call_their_errors_what_the_table_does():
    import httpx

    assert classify(httpx.ReadTimeout("slow")).transient
    assert classify(httpx.ConnectError("refused")).category is C.COMMUNICATION
    assert classify(httpx.UnsupportedProtocol("gopher")).category is C.VALIDATION


def test_error_that_knows_what_it_is_is_believed():
    asked = timedelta(seconds=7)
    failure = classify(
        StepError("later", category=C.COMMUNICATION, transient=True, retry_after=asked)
    )
    assert failure == Failure(C.COMMUNICATION, True, "later", "StepError", retry_after=asked)


def test_permanent_error_is_not_transient_whatever_it_says():
    failure = classify(PermanentError("never", category=C.VALIDATION, transient=True))
    assert failure == Failure(C.VALIDATION, False, "never", "PermanentError", permanent=True)


failures = st.builds(
    lambda category, state, message, kind, after: Failure(
        category,
        state == "transient",
        message,
        kind,
        state == "permanent",
        None if after is None else timedelta(milliseconds=after),
    ),
    st.sampled_from(Category),
    st.sampled_from(["transient", "unknown", "permanent"]),
    st.text(min_size=1),
    st.sampled_from(["RuntimeError", "HTTPStatusError"]),
    st.none() | st.integers(0, 10**7),
)


@given(failures)
def test_failure_is_the_same_from_a_journal_and_from_another_process(failure):
    assert Failure.from_json(json.loads(json.dumps(failure.to_json()))) == failure
    error = failure.as_error()
    assert isinstance(error, PermanentError) == failure.permanent
    assert classify(error) == failure
    assert classify(pickle.loads(pickle.dumps(error))) == failure
