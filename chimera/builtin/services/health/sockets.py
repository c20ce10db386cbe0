"""A connection whose reads and writes all end at one deadline, and whose reads have a bound.

A timeout of a socket begins again with every byte, so that whoever sends one now and then is never
late: here each operation gets what is left of the whole. Refuses to be used after its time.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chimera.builtin.services.health.probing import Deadline, LateError, ProbeError, Tools

_PIECE = 64 << 10


class Stream:
    """A connection to somebody; used by one thread."""

    def __init__(self, connection: socket.socket, deadline: Deadline, most: int) -> None:
        self._socket = connection
        self._deadline = deadline
        self._most = most
        self._unread = bytearray()
        self._taken = 0

    def send(self, data: bytes) -> None:
        """Send all of it; raises `ProbeError` where it is not taken."""
        rest = memoryview(data)
        with self._told():
            while rest:
                self._socket.settimeout(self._deadline.left)
                rest = rest[self._socket.send(rest) :]

    def receive(self, size: int = _PIECE) -> bytes:
        """Return what comes next, or nothing where the other end has ended.

        Raises `ProbeError` where more has come in all than is read.
        """
        with self._told():
            self._socket.settimeout(self._deadline.left)
            data = self._socket.recv(size)
        self._taken += len(data)
        if self._taken > self._most:
            raise ProbeError(f"it said more than {self._most} bytes, and was not done")
        return data

    def exactly(self, size: int) -> bytes:
        """Return so many bytes; raises `ProbeError` where the connection ends before."""
        while len(self._unread) < size:
            self._fill()
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def line(self, most: int) -> bytes:
        """Return a line without its end; raises `ProbeError` for one of more than `most` bytes."""
        while b"\n" not in self._unread[: most + 2]:
            if len(self._unread) > most + 1:
                raise ProbeError(f"it answered with a line of more than {most} bytes")
            self._fill()
        return self.exactly(self._unread.index(b"\n") + 1).rstrip(b"\r\n")

    def _fill(self) -> None:
        data = self.receive()
        if not data:
            said = "in the middle of its answer" if self._taken else "without an answer"
            raise ProbeError(f"it closed the connection {said}")
        self._unread += data

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what it says as a file, as `http.client` reads it."""
        assert mode == "rb"
        return io.BufferedReader(_Raw(self))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what went wrong with the connection, in a few words."""
        try:
            yield
        except TimeoutError:
            raise self._late() from None
        except ConnectionResetError:
            raise ProbeError("it reset the connection") from None
        except LateError:
            raise self._late() from None
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            raise ProbeError(f"the connection broke: {_reason(error)}") from error

    def _late(self) -> LateError:
        if not self._taken:
            return LateError(f"it took the connection and said nothing for {self._spent}")
        return LateError(f"no whole answer within {self._spent}, only {self._taken} bytes")

    @property
    def _spent(self) -> str:
        return f"{self._deadline.seconds:g} s"


class _Raw(io.RawIOBase):
    """The bytes of a stream, for a buffered reader."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def connected(
    tools: Tools, host: str, port: int, deadline: Deadline, *, tls: bool = False, most: int = _PIECE
) -> Iterator[Stream]:
    """Yield a connection, closed afterwards; raises `ProbeError` where there can be none."""
    connection = _connect(tools, host, port, deadline)
    try:
        if tls:
            connection = _secured(tools, connection, host, deadline)
        yield Stream(connection, deadline, most)
    finally:
        connection.close()


def _connect(tools: Tools, host: str, port: int, deadline: Deadline) -> socket.socket:
    """Try each address with its share of the time: a dead one leaves some for the others."""
    try:
        addresses = tools.names.resolve(host, port, deadline.left)
    except TimeoutError:
        raise LateError(f"the name {host} was not resolved within {deadline.seconds:g} s") from None
    except OSError as error:
        raise ProbeError(
            f"the name {host} cannot be resolved: {_reason(error)}",
            help="correct the host of the endpoint, or see that its name is known here",
        ) from error
    failures: list[ProbeError] = []
    for index, (family, address) in enumerate(addresses):
        share = deadline.left / (len(addresses) - index)
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(share)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failures.append(_unconnected(f"{host}:{port}", error, deadline))
        else:
            return connection
    # Of a host with two addresses the one that refused says more than the one that is not there.
    raise min(failures, key=lambda failure: isinstance(failure, LateError))


def _unconnected(where: str, error: OSError, deadline: Deadline) -> ProbeError:
    if isinstance(error, TimeoutError):
        return LateError(f"{where} did not take a connection within {deadline.seconds:g} s")
    if isinstance(error, ConnectionRefusedError):
        return ProbeError(
            f"nothing listens at {where}", help="start the service, or correct its endpoint"
        )
    if isinstance(error, ConnectionResetError):  # before it was known to be taken
        return ProbeError("it reset the connection")
    return ProbeError(f"{where} cannot be reached: {_reason(error)}")


def _secured(
    tools: Tools, connection: socket.socket, host: str, deadline: Deadline
) -> socket.socket:
    context = tools.tls()
    connection.settimeout(deadline.left)
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ProbeError(
            f"{host} is not who it says: {error.verify_message}",
            help="renew its certificate, or name the authority that gave it in SSL_CERT_FILE",
        ) from error
    except TimeoutError:
        raise LateError(f"{host} did not agree on TLS within {deadline.seconds:g} s") from None
    except (OSError, ValueError) as error:
        raise ProbeError(f"{host} did not agree on TLS: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(text) or type(error).__name__


def pause(seconds: float, deadline: Deadline) -> None:
    """Wait, and no longer than there is time."""
    time.sleep(max(0.0, min(seconds, deadline.at - time.monotonic())))
