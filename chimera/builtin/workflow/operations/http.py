"""The operations `http.get` and `http.send`: one request, one bounded answer.

`http.get` only reads (GET, HEAD) and may be repeated; `http.send` changes something and carries
the idempotency key. Owns the bounds: schemes, redirects, size, and a time that holds for the whole
request, however slowly the other end talks. Refuses proxies, and keeps no cookie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit

from chimera.builtin.workflow.operations.parsing import parse_json
from chimera.builtin.workflow.operations.transport import (
    Answer,
    Deadline,
    Request,
    exchange,
    passing,
)
from chimera.kinds import AfterValidator, Duration, Field, Items, Model, StringConstraints, refuse
from chimera.model import ChimeraError, canonical_json
from chimera.runtime import Operation, OperationCall, PermanentError
from chimera.runtime.recovery import Category, StepError

_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses that another attempt may change."""
_NOT_DONE = (425, 429, 503)
"""Those by which a server says that it has not begun."""
_IDEMPOTENT = ("PUT", "DELETE")


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", url):
        raise refuse("http-url-invalid", f"{url!r} is no http or https URL, percent-encoded")
    if "@" in urlsplit(url).netloc:
        raise refuse("http-url-invalid", "a URL carries no user or password: use a header")
    return url


Url = Annotated[str, AfterValidator(_check_url)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~]*$")]


class _Inputs(Model):
    """What every request has."""

    url: Url = Field(description="Where to, as an http or https URL.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Headers by name; put ${secret.name} here."
    )
    statuses: Items[Annotated[int, Field(ge=100, le=599)]] = Field(
        default=(), description="Statuses that mean success; any from 200 to 299 if left out."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="Longest time from start to last byte."
    )
    max_bytes: Annotated[int, Field(ge=0, le=64 << 20)] = Field(
        default=1 << 20, description="Largest body that is read; a larger one is a failure."
    )
    contains: Items[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=(), description="Texts that the answer must contain, each of them."
    )
    json_output: bool = Field(
        default=False, description="Whether the answer is JSON, to be given as the output json."
    )


class GetInputs(_Inputs):
    """What to get."""

    method: Literal["GET", "HEAD"] = Field(default="GET", description="Method of the request.")
    max_redirects: Annotated[int, Field(ge=0, le=20)] = Field(
        default=5, description="Redirects followed; headers go to no other host."
    )


class SendInputs(_Inputs):
    """What to send."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST", description="Method of the request."
    )
    body: str = Field(default="", description="Text to send, as UTF-8.")
    json_body: Any = Field(
        default=None, alias="json", description="Value to send as JSON, instead of body."
    )
    idempotency_key: bool = Field(
        default=True,
        description="Whether the stage's key is sent as Idempotency-Key, by which the target does "
        "the same thing once. Without it a POST or PATCH that may have been done is not retried.",
    )


class HttpOutputs(Model):
    """What came back."""

    status: int = Field(description="Status of the answer.")
    url: str = Field(description="Where the answer came from, after redirects.")
    headers: dict[str, str] = Field(description="Headers in lower case, without cookies.")
    text: str = Field(description="The body as text.")
    json_value: Any = Field(
        default=None, alias="json", description="What the body says as JSON, if asked for."
    )


def get(call: OperationCall[GetInputs]) -> Mapping[str, Any]:
    """Get what is at a URL, following redirects."""
    inputs = call.inputs
    url, headers = inputs.url, dict(inputs.headers)
    deadline = Deadline(inputs.timeout.total_seconds(), call.cancelled)
    for _ in range(inputs.max_redirects + 1):
        answer = exchange(Request(inputs.method, url, headers, b""), inputs.max_bytes, deadline)
        if answer.status not in _REDIRECTS or answer.status in inputs.statuses:
            return _outputs(inputs, url, answer)
        target = _redirection(url, answer)
        if _origin(target) != _origin(url):
            headers = {}  # they were meant for the first host, and may be secret
        url = target
    raise PermanentError(
        f"{inputs.url} redirects more than {inputs.max_redirects} times",
        help="use the URL that it leads to",
    )


def send(call: OperationCall[SendInputs]) -> Mapping[str, Any]:
    """Send something once an idempotency key; a redirect is an answer like any other."""
    inputs = call.inputs
    headers = dict(inputs.headers)
    if inputs.idempotency_key:
        headers = {"Idempotency-Key": call.key, **headers}
    body = inputs.body.encode()
    if inputs.json_body is not None:
        headers = {"Content-Type": "application/json", **headers}
        body = canonical_json(inputs.json_body)
    deadline = Deadline(inputs.timeout.total_seconds(), call.cancelled)
    may_repeat = inputs.idempotency_key or inputs.method in _IDEMPOTENT
    request = Request(inputs.method, inputs.url, headers, body, may_repeat)
    answer = exchange(request, inputs.max_bytes, deadline)
    return _outputs(inputs, inputs.url, answer, may_repeat=may_repeat)


def _redirection(url: str, answer: Answer) -> str:
    try:
        target = _check_url(urljoin(url, answer.headers.get("location", "")).partition("#")[0])
    except ValueError as error:
        raise PermanentError(
            f"{url} redirects to something that is no http or https URL"
        ) from error
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
        raise PermanentError(f"{url} redirects from https to http, which anybody can read")
    return target


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]


def _outputs(
    inputs: _Inputs, url: str, answer: Answer, *, may_repeat: bool = True
) -> Mapping[str, Any]:
    if answer.status not in (inputs.statuses or range(200, 300)):
        raise _refusal(url, answer, may_repeat=may_repeat)
    try:
        text = answer.body.decode(answer.charset, "replace")
    except LookupError:
        text = answer.body.decode(errors="replace")
    for wanted in inputs.contains:
        if wanted not in text:
            raise ChimeraError(
                f"the answer of {url} does not contain {wanted!r}",
                help="correct contains, or have the stage retried where it may take a while",
            )
    return {
        "status": answer.status,
        "url": url,
        "headers": {k: v for k, v in answer.headers.items() if k != "set-cookie"},
        "text": text,
        "json": parse_json(text, "the answer") if inputs.json_output else None,
    }


def _refusal(url: str, answer: Answer, *, may_repeat: bool) -> StepError:
    message = f"{url} answered with status {answer.status}"
    if answer.status not in _PASSING:
        return PermanentError(
            message,
            category=Category.COMMUNICATION,
            help="list the statuses that mean success in statuses",
        )
    return passing(
        message,
        may_repeat=may_repeat or answer.status in _NOT_DONE,
        retry_after=_retry_after(answer),
        help="list the statuses that mean success in statuses",
    )


def _retry_after(answer: Answer) -> timedelta | None:
    """Return how long the target asks to be left alone: seconds, or until a time by its clock."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(answer.headers.get("date", ""))
        return max(until - now, timedelta())
    except (TypeError, ValueError):  # no time, or one with a zone and one without
        return None


OPERATIONS = (
    Operation("http.get", "Get what is at a URL.", GetInputs, HttpOutputs, get, effects=False),
    Operation("http.send", "Send something to a URL.", SendInputs, HttpOutputs, send),
)
