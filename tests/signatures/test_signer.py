import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from chimera.model import UsageError
from chimera.signatures import (
    APPROVAL,
    EVIDENCE,
    IN_TOTO,
    AllowedSigner,
    Envelope,
    SignatureError,
    allowed_signers,
    ensure_ready,
    open_signer,
    sign_envelope,
    verify_ssh,
)
from chimera.signatures.signer import BareSigner, CommandSigner

MESSAGE = b"approved\n"


@pytest.fixture
def locked(openssh, tmp_path):
    """A key under a passphrase."""
    key = tmp_path / "locked"
    openssh.run("-q", "-t", "ed25519", "-N", "a passphrase", "-f", key)
    return key


@pytest.fixture
def agent(openssh, context, tmp_path, monkeypatch):
    """A running agent; what it is given is a function of a file and its passphrase."""
    socket = tmp_path / "agent"
    try:
        running = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    except FileNotFoundError:
        pytest.skip("there is no ssh-agent: install openssh-client")
    assert running.stdout is not None
    running.stdout.readline()  # it says where it listens once it does
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))

    def give(key, passphrase):
        answer = tmp_path / "askpass"
        answer.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
        answer.chmod(0o700)
        env = {**os.environ, "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", "-q", key], env=env, check=True, stdin=subprocess.DEVNULL)

    yield give
    running.terminate()
    running.wait()
    running.stdout.close()


def test_open_ed25519_key_signs_in_this_process(openssh, context):
    signer = open_signer(context, openssh.key("ed25519"))
    assert isinstance(signer, BareSigner)
    assert signer.public == openssh.public("ed25519")
    assert "PrivateKey" not in repr(signer)


def test_pem_key_signs_in_this_process(tmp_path, signer, context):
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = tmp_path / "key.pem"
    pem.write_bytes(signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.chmod(0o600)
    opened = open_signer(context, pem)
    assert opened.public == signer.public
    assert verify_ssh(opened.sign(MESSAGE, APPROVAL), MESSAGE, APPROVAL) == signer.public


def test_other_keys_are_left_to_ssh_keygen(openssh, context):
    signer = open_signer(context, openssh.key("rsa"))
    assert isinstance(signer, CommandSigner)
    assert verify_ssh(signer.sign(MESSAGE, APPROVAL), MESSAGE, APPROVAL) == openssh.public("rsa")


def test_locked_key_signs_through_the_agent(openssh, locked, agent, context):
    agent(locked, "a passphrase")
    for file in (locked, locked.with_suffix(".pub")):
        signer = open_signer(context, file)
        assert isinstance(signer, CommandSigner)
        assert verify_ssh(signer.sign(MESSAGE, APPROVAL), MESSAGE, APPROVAL) == signer.public


def test_locked_key_without_agent_is_refused_and_says_what_to_do(locked, context):
    with pytest.raises(SignatureError, match="ssh-keygen did not sign") as caught:
        open_signer(context, locked).sign(MESSAGE, APPROVAL)
    assert "ssh-add" in caught.value.help


def test_locked_key_is_found_out_before_anything_is_signed(openssh, locked, agent, context):
    ensure_ready(open_signer(context, openssh.key("ed25519")))
    ensure_ready(open_signer(context, openssh.key("rsa")))
    for file in (locked, locked.with_suffix(".pub")):
        with pytest.raises(SignatureError, match="is locked, and no agent has it") as caught:
            ensure_ready(open_signer(context, file))
        assert "ssh-add" in caught.value.help
    agent(locked, "a passphrase")
    for file in (locked, locked.with_suffix(".pub")):
        ensure_ready(open_signer(context, file))


def test_locked_key_shows_its_public_half_without_the_file_beside_it(locked, context):
    public = open_signer(context, locked).public
    locked.with_suffix(".pub").unlink()
    assert open_signer(context, locked).public == public


def test_envelope_signed_through_the_agent_verifies(locked, agent, context):
    from chimera.signatures import verify_signature

    agent(locked, "a passphrase")
    signer = open_signer(context, locked)
    envelope = sign_envelope(Envelope(IN_TOTO, b"{}"), signer)
    assert verify_signature(envelope, envelope.signatures[0], [signer.public]) == signer.public


def test_variable_names_the_key(openssh, context, monkeypatch):
    monkeypatch.setenv("CHIMERA_SIGNING_KEY", str(openssh.key("ed25519")))
    assert open_signer(context).public == openssh.public("ed25519")


def test_key_itself_in_the_variable_is_refused_and_never_repeated(openssh, context, monkeypatch):
    text = openssh.key("ed25519").read_text()
    for value in (text, text.replace("\n", " ")):
        monkeypatch.setenv("CHIMERA_SIGNING_KEY", value)
        with pytest.raises(UsageError, match="holds a key itself") as caught:
            open_signer(context)
        assert text.splitlines()[1] not in f"{caught.value.message} {caught.value.help}"


def git(*args):
    subprocess.run(["git", "config", "--global", *args], check=True)


def test_key_that_git_signs_with_is_used(openssh, context, monkeypatch):
    git("gpg.format", "ssh")
    git("user.signingkey", str(openssh.key("ed25519")))
    assert open_signer(context).public == openssh.public("ed25519")


@pytest.mark.parametrize("prefix", ["key::", ""])
def test_key_that_git_names_by_itself_is_asked_of_the_agent(
    openssh, locked, agent, context, prefix
):
    agent(locked, "a passphrase")
    text = locked.with_suffix(".pub").read_text().strip()
    git("gpg.format", "ssh")
    git("user.signingkey", prefix + text)
    signer = open_signer(context)
    assert text.startswith(signer.public.text)
    assert verify_ssh(signer.sign(MESSAGE, APPROVAL), MESSAGE, APPROVAL) == signer.public


def test_key_of_gpg_is_not_taken_for_one_of_ssh(context):
    git("user.signingkey", "0xDEADBEEF")
    with pytest.raises(UsageError, match="no key to sign with"):
        open_signer(context)


def test_configuration_of_a_repository_names_no_key(openssh, context, tmp_path, monkeypatch):
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", repository], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingkey": openssh.key("ed25519")}.items():
        subprocess.run(["git", "-C", repository, "config", name, value], check=True)
    monkeypatch.chdir(repository)
    with pytest.raises(UsageError, match="no key to sign with"):
        open_signer(context)


def test_no_key_at_all_says_what_to_do(context):
    with pytest.raises(UsageError, match="there is no key to sign with") as caught:
        open_signer(context)
    assert "CHIMERA_SIGNING_KEY" in caught.value.help
    assert "user.signingkey" in caught.value.help


def test_private_key_that_others_can_read_is_refused(signer, tmp_path, openssh, context):
    key = tmp_path / "key"
    key.write_text(openssh.key("ed25519").read_text())
    key.chmod(0o644)
    with pytest.raises(UsageError, match="others on this machine can read") as caught:
        open_signer(context, key)
    assert "chmod 600" in caught.value.help


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "\0"])
def test_file_that_holds_no_key_is_refused(context, tmp_path, text):
    key = tmp_path / "key"
    key.write_text(text)
    key.chmod(0o600)
    with pytest.raises(UsageError):
        open_signer(context, key)


def test_missing_folder_and_endless_file_are_refused(context, tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        open_signer(context, tmp_path / "nothing")
    with pytest.raises(UsageError, match="cannot be read"):
        open_signer(context, tmp_path)
    (tmp_path / "long").write_text("x" * 70_000)
    with pytest.raises(UsageError, match="too long"):
        open_signer(context, tmp_path / "long")


def test_allowed_signers_say_whose_what_for_and_when(signer, openssh):
    entry = AllowedSigner(
        "Identity/ada",
        signer.public,
        (APPROVAL,),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, 12, 30, 15, tzinfo=UTC),
    )
    assert allowed_signers([entry, entry]) == (
        'Identity/ada namespaces="chimera-approval",valid-after="20260101000000Z",'
        f'valid-before="20270101123015Z" {signer.public.text}\n'
    )


@pytest.mark.parametrize("name", ["", "*", "!ada", "a,b", "a b", 'a"b', "a\nb"])
def test_name_that_ssh_keygen_would_expand_is_refused(signer, name):
    with pytest.raises(SignatureError, match="cannot stand"):
        allowed_signers([AllowedSigner(name, signer.public)])


def test_ssh_keygen_keeps_to_what_the_file_of_allowed_signers_says(openssh, tmp_path):
    """Namespaces and times are OpenSSH's to hold as well: nobody needs us to refuse."""
    key, signature = openssh.public("ed25519"), tmp_path / "sig"
    signature.write_text(openssh.sign("ed25519", MESSAGE, APPROVAL))
    allowed = tmp_path / "allowed"

    def accepts(**changes):
        allowed.write_text(allowed_signers([AllowedSigner("Identity/ada", key, **changes)]))
        options = ("-f", allowed, "-I", "Identity/ada", "-n", APPROVAL, "-s", signature)
        return openssh.run("-Y", "verify", *options, stdin=MESSAGE, ok=False) == "0"

    assert accepts()
    assert accepts(not_before=datetime(2020, 1, 1, tzinfo=UTC))
    assert not accepts(not_after=datetime(2020, 1, 1, tzinfo=UTC))
    assert not accepts(not_before=datetime(2999, 1, 1, tzinfo=UTC))
    assert not accepts(namespaces=(EVIDENCE,))


def test_keys_are_read_and_named_without_loading_cryptography(signer):
    code = (
        "import sys; from chimera.signatures import PublicKey;"
        f"print(PublicKey.parse({signer.public.text!r}).fingerprint);"
        "sys.exit('cryptography' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, signer.public.fingerprint), done.stderr
