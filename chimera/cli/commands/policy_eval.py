"""`chimera policy eval`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

import click

from chimera.cli.options import now_option, report_option
from chimera.cli.session import Session, pass_session

if TYPE_CHECKING:
    from chimera.policy.admission import Operation

_STANDARD_INPUT = "-"


@click.command("eval")
@click.argument("policies", nargs=-1, required=True, metavar="POLICY...")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    required=True,
    metavar="PATH",
    help="What is judged: a file, a folder of YAML and JSON, or - for standard input; repeatable.",
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="PATH",
    help="Documents with the parameters of Kubernetes' policies; repeatable.",
)
@click.option(
    "--namespace-object",
    "namespaces",
    multiple=True,
    metavar="PATH",
    help="Namespaces that resources stand in, which policies may ask and select by; repeatable.",
)
@click.option(
    "--old",
    multiple=True,
    metavar="PATH",
    help="The resources before the change, which is an update then; repeatable.",
)
@click.option(
    "--operation",
    type=click.Choice(["CREATE", "UPDATE", "DELETE", "CONNECT"], case_sensitive=False),
    help="What Kubernetes' policies are told would be done with the resources; if left out, UPDATE "
    "with --old, else CREATE.",
)
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Where resources stand that name no namespace, as for kubectl.",
)
@now_option
@report_option
@pass_session
def evaluate(
    session: Session,
    policies: tuple[str, ...],
    resources: tuple[str, ...],
    parameters: tuple[str, ...],
    namespaces: tuple[str, ...],
    old: tuple[str, ...],
    operation: str | None,
    namespace: str,
    outputs: tuple[str, ...],
) -> None:
    """Judge manifests by policies before they reach a cluster.

    POLICY is a file or folder with Kubernetes' ValidatingAdmissionPolicy and their bindings, read
    as they are, or with documents of the kind Policy; or the name of a policy of this repository.
    What only a cluster could tell, such as what its authorizer says, is not exercised and exits
    with 5, as does a run in which no policy was about anything.
    """
    from chimera.render.evaluation import evaluation_json, evaluation_text
    from chimera.render.reports import verdicts_report
    from chimera.workspace.evaluating import Question

    named = (*policies, *resources, *parameters, *namespaces, *old)
    question = Question(
        policies,
        resources,
        parameters,
        namespaces,
        old,
        cast("Operation | None", operation),
        namespace,
        session.now,
        sys.stdin.buffer.read() if _STANDARD_INPUT in named else b"",
    )
    result = session.workspace().evaluate(question)
    session.emit(
        outputs,
        lambda paint: evaluation_text(result, paint),
        lambda: evaluation_json(result),
        result.outcome,
        report=lambda: verdicts_report("policy eval", result),
    )
