"""`chimera evidence`."""

from __future__ import annotations

from pathlib import Path

import click

from chimera.cli.options import key_option, output_option
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome, UsageError

remote_argument = click.argument("remote", default="origin", metavar="[REMOTE]")


@click.group()
def evidence() -> None:
    """List, sign, share and bundle what proofs showed."""


@evidence.command("list")
@click.argument("names", nargs=-1, metavar="[PROOF...]")
@output_option
@pass_session
def list_evidence(session: Session, names: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    """List evidence, the latest first.

    Of each, who signed it, and whether it fits what is here now.
    """
    from chimera.render.evidence import listing_json, listing_text

    result = session.workspace().evidence.list(names)
    session.emit(
        outputs,
        lambda paint: listing_text(result.value, paint),
        lambda: listing_json(result.value),
        result.outcome,
    )


@evidence.command()
@click.argument("digest", metavar="DIGEST")
@click.option("--payload", is_flag=True, help="Write the bytes that are signed, and nothing else.")
@click.option(
    "--signature", is_flag=True, help="Write the SSH signature, as `ssh-keygen -Y verify` reads it."
)
@output_option
@pass_session
def show(
    session: Session, digest: str, payload: bool, signature: bool, outputs: tuple[str, ...]
) -> None:
    """Show one piece of evidence.

    The beginning of its digest will do.

    What --payload and --signature write, `ssh-keygen -Y verify -n chimera-evidence` verifies by the
    file that `chimera evidence signers` writes, without Chimera.
    """
    from chimera.render.evidence import shown_json, shown_text

    shown = session.workspace().evidence.show(digest)
    if payload and signature:
        raise UsageError("--payload and --signature exclude each other", help="ask for one")
    if payload or signature:
        click.echo(shown.payload if payload else shown.ssh_signature, nl=False)
        return
    session.emit(
        outputs,
        lambda paint: shown_text(shown, paint),
        lambda: shown_json(shown),
        Outcome.PASSED,
    )


@evidence.command()
@click.argument("names", nargs=-1, metavar="[DIGEST|PROOF...]")
@key_option
@click.option(
    "--ssh/--bare",
    default=None,
    help="An SSH signature, which ssh-keygen verifies and a person makes by default; or a bare"
    " DSSE signature, which other tools verify.",
)
@output_option
@pass_session
def sign(
    session: Session,
    names: tuple[str, ...],
    key: Path | None,
    ssh: bool | None,
    outputs: tuple[str, ...],
) -> None:
    """Sign evidence.

    Without names, all that was made here and fits what is here now.
    """
    from chimera.render.evidence import signed_json, signed_text

    found = session.workspace().evidence
    signer = found.signer(key, ssh=ssh)
    session.warn(found.doubt(signer))
    signed = found.sign(names, signer)
    session.emit(
        outputs,
        lambda paint: signed_text(signed, paint),
        lambda: signed_json(signed),
        Outcome.PASSED,
    )


@evidence.command()
@remote_argument
@output_option
@pass_session
def push(session: Session, remote: str, outputs: tuple[str, ...]) -> None:
    """Add signed evidence and approvals to a remote.

    They go to refs/chimera/evidence, in which nothing is ever replaced.
    """
    from chimera.render.evidence import exchange_json, exchange_text

    result = session.workspace().evidence.push(remote)
    session.emit(
        outputs,
        lambda paint: exchange_text("pushed", result.value, paint),
        lambda: exchange_json(result),
        result.outcome,
    )


@evidence.command()
@remote_argument
@output_option
@pass_session
def pull(session: Session, remote: str, outputs: tuple[str, ...]) -> None:
    """Take in a remote's evidence and approvals.

    They come from refs/chimera/evidence, and count by their signatures alone.
    """
    from chimera.render.evidence import exchange_json, exchange_text

    result = session.workspace().evidence.pull(remote)
    session.emit(
        outputs,
        lambda paint: exchange_text("pulled", result.value, paint),
        lambda: exchange_json(result),
        result.outcome,
    )


@evidence.command()
@click.argument("names", nargs=-1, metavar="[DIGEST|PROOF...]")
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.intoto.jsonl",
    help="Write the bundle to this file.",
)
@pass_session
def export(session: Session, names: tuple[str, ...], file: Path) -> None:
    """Write evidence as a bundle of DSSE envelopes.

    Without names, all that fits what is here now.
    """
    from chimera.render.paint import count

    digests = session.workspace().evidence.export(names, file)
    click.echo(f"wrote {count(len(digests), 'piece')} of evidence to {file}")
    if not digests:
        from chimera.cli.exit_codes import EXIT_CODES

        click.get_current_context().exit(EXIT_CODES[Outcome.NOT_EXERCISED])


@evidence.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@output_option
@pass_session
def import_evidence(session: Session, file: Path, outputs: tuple[str, ...]) -> None:
    """Take in the evidence of a bundle.

    It counts by its signatures alone.
    """
    from chimera.render.evidence import imported_json, imported_text

    result = session.workspace().evidence.import_from(file)
    session.emit(
        outputs,
        lambda paint: imported_text(result.value, file.name, paint),
        lambda: imported_json(result),
        result.outcome,
    )


@evidence.command()
@pass_session
def signers(session: Session) -> None:
    """Write the trusted keys for ssh-keygen.

    They come from the trust ref, as a file of allowed signers. By it anybody can verify evidence
    that has an SSH signature:

    \b
      chimera evidence signers > signers
      chimera evidence show DIGEST --payload > said
      chimera evidence show DIGEST --signature > sig
      ssh-keygen -Y verify -n chimera-evidence -f signers \\
          -I Identity/NAME -s sig < said
    """  # noqa: D301 - with its escape Click keeps the lines
    click.echo(session.workspace().evidence.signers(), nl=False)
