"""`chimera verify`."""

from __future__ import annotations

import click

from chimera.cli.options import environment_option, now_option, output_option
from chimera.cli.session import Session, pass_session


@click.command()
@click.argument("names", nargs=-1, metavar="[FILE|PROOF|DIGEST...]")
@click.option("--at", metavar="REF", help="Verify against the commit REF instead.")
@click.option(
    "--trust",
    metavar="REF",
    help="Whose keys count, instead of those of CHIMERA_TRUST_REF or origin/HEAD.",
)
@environment_option
@now_option
@output_option
@pass_session
def verify(
    session: Session,
    names: tuple[str, ...],
    at: str | None,
    trust: str | None,
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    """Verify evidence offline, without running anything.

    FILE is a DSSE envelope, a bundle (*.intoto.jsonl) or a statement by itself; without arguments,
    the evidence of every proof is verified. Each check is named, and why it failed. Evidence must
    be signed by a key that the trust ref knows, unless this clone made it and the environment is
    not protected.
    """
    from chimera.render.verify import verify_json, verify_text

    workspace = session.workspace()
    result = workspace.verify(names, at=at, trust=trust, environment=environment)
    session.emit(
        outputs,
        lambda paint: verify_text(result, paint),
        lambda: verify_json(result),
        result.outcome,
    )
