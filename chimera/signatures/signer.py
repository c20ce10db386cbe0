"""Signing with SSH keys: in this process where the key lies open, else by `ssh-keygen`.

Agents, passphrases and security keys are OpenSSH's to deal with. Refuses a private key that others
on the machine can read, as OpenSSH does.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chimera.context import Command, Context, base_environment
from chimera.model import ChimeraError, UsageError
from chimera.signatures.keys import ED25519, PublicKey
from chimera.signatures.sshsig import armour, signed_data, verify_ssh
from chimera.signatures.wire import Reader, SignatureError, decode_base64, string

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "CHIMERA_SIGNING_KEY"
"""The environment variable that names the file of the key to sign with."""
_LONGEST_FILE = 64 * 1024
_SECONDS_TO_TOUCH = 120.0  # a person looks for the security key, or types a passphrase
_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_END = "-----END OPENSSH PRIVATE KEY-----"
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_AGENT = (
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_SK_PROVIDER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
)
_GIVE_TO_AGENT = "give the key to the agent first: `ssh-add <file>`"
_HOW = (
    f"name a key with {VARIABLE}=~/.ssh/id_ed25519, or make it the one that Git signs with:"
    " `git config --global gpg.format ssh` and `git config --global user.signingkey <file>`"
)


class Signer(Protocol):
    """Whoever holds a private key."""

    @property
    def public(self) -> PublicKey:
        """The key's public half."""

    def sign(self, message: bytes, namespace: str) -> str:
        """Return an armoured SSH signature over `message`; raises `SignatureError`."""


@dataclass(frozen=True, slots=True)
class BareSigner:
    """Signs in this process with an Ed25519 key that lies open."""

    public: PublicKey
    private: Ed25519PrivateKey = field(repr=False)

    @staticmethod
    def of(private: Ed25519PrivateKey) -> BareSigner:
        """Return the signer of a private key."""
        point = private.public_key().public_bytes_raw()
        blob = string(ED25519.encode()) + string(point)
        return BareSigner(PublicKey.of_blob(blob), private)

    def sign(self, message: bytes, namespace: str) -> str:
        """Return an armoured SSH signature over `message`."""
        raw = self.private.sign(signed_data(message, namespace))
        return armour(self.public, namespace, string(ED25519.encode()) + string(raw))

    def sign_bare(self, message: bytes) -> bytes:
        """Return the 64 bytes of an Ed25519 signature over `message` itself."""
        return self.private.sign(message)


@dataclass(frozen=True, slots=True)
class CommandSigner:
    """Has `ssh-keygen` sign; `file` is the key's file, or none where the agent has it."""

    public: PublicKey
    context: Context
    file: Path | None

    def sign(self, message: bytes, namespace: str) -> str:
        """Return an armoured SSH signature over `message`, verified before it is given out."""
        if self.file is not None:
            signature = self._ask(self.file, message, namespace)
        else:
            with tempfile.TemporaryDirectory() as folder:
                public = Path(folder, "key.pub")
                public.write_text(self.public.text + "\n", encoding="ascii")
                signature = self._ask(public, message, namespace)
        if verify_ssh(signature, message, namespace) != self.public:
            raise SignatureError("ssh-keygen signed with another key than the one asked for")
        return signature

    def ensure_ready(self) -> None:
        """Raise `SignatureError` where the key is locked, no agent has it and nobody can be asked.

        A security key, and whoever asks for the passphrase, are left alone: they ask a person.
        """
        if self.public.algorithm.startswith("sk-") or "SSH_ASKPASS" in base_environment(
            allow=_AGENT
        ):
            return
        if self.public.text in self._said("ssh-add", "-L"):
            return
        private = (
            self.file.with_suffix("") if self.file and self.file.suffix == ".pub" else self.file
        )
        if private is None or not self._said("ssh-keygen", "-y", "-P", "", "-f", str(private)):
            raise SignatureError(
                f"the key {self.public.fingerprint} is locked, and no agent has it",
                help=_GIVE_TO_AGENT,
            )

    def _said(self, *argv: str) -> str:
        """Return what a command of OpenSSH's says: nothing where it fails."""
        env = base_environment(allow=_AGENT)
        done = self.context.processes.run(Command(argv, cwd=Path("/"), env=env, timeout=10.0))
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""

    def _ask(self, file: Path, message: bytes, namespace: str) -> str:
        done = self.context.processes.run(
            Command(
                ("ssh-keygen", "-Y", "sign", "-q", "-f", str(file), "-n", namespace),
                cwd=file.parent,
                env=base_environment(allow=_AGENT),
                stdin=message,
                timeout=_SECONDS_TO_TOUCH,
            )
        )
        if done.timed_out or done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            why = (
                "it took too long" if done.timed_out else (said[-1] if said else "it said nothing")
            )
            raise SignatureError(
                f"ssh-keygen did not sign with {self.public.fingerprint}: {why}",
                help=_GIVE_TO_AGENT,
            )
        return done.stdout.decode("ascii", "replace")


def open_signer(context: Context, key: Path | None = None) -> Signer:
    """Return what signs with a key: the file given, the one configured, or Git's.

    Raises `UsageError` where there is none or the file holds no key.
    """
    if key is None:
        named = _configured(context)
        if isinstance(named, PublicKey):
            return CommandSigner(named, context, None)
        key = named
    key = key.expanduser().absolute()
    text = _read(key)
    if not text.startswith("-----BEGIN "):
        return CommandSigner(_public(text, key), context, key)
    if key.stat().st_mode & 0o077:
        raise UsageError(
            f"others on this machine can read the private key {str(key)!r}",
            help=f"close it: `chmod 600 {key}`",
        )
    private = _open_ed25519(text)
    if private is not None:
        return BareSigner.of(private)
    return CommandSigner(_public_half(text, key), context, key)


def ensure_ready(signer: Signer) -> None:
    """Raise `SignatureError` where a signer is known to be unable to sign, beforehand."""
    if isinstance(signer, CommandSigner):
        signer.ensure_ready()


def _configured(context: Context) -> Path | PublicKey:
    """Return the key that the environment names, else the one that Git signs with."""
    named = base_environment(allow=(VARIABLE,)).get(VARIABLE, "").strip()
    if "\n" in named or "PRIVATE KEY" in named:  # which is not to be repeated in a message
        raise UsageError(
            f"{VARIABLE} holds a key itself, where it names the file of one",
            help="write the key into a file that only its owner can read, and name that",
        )
    if named:
        return Path(named)
    form = _git_config(context, "gpg.format")
    value = _git_config(context, "user.signingkey")
    if form != "ssh" or not value:
        raise UsageError("there is no key to sign with", help=_HOW)
    literal = value.removeprefix("key::")
    if literal != value or value.startswith(("ssh-", "ecdsa-", "sk-")):
        try:
            return PublicKey.parse(literal)
        except SignatureError as error:
            raise UsageError(f"Git's user.signingkey: {error.message}", help=_HOW) from error
    return Path(value)


def _git_config(context: Context, name: str) -> str:
    """Read the user's own configuration of Git, never a repository's."""
    env = base_environment(allow=("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"))
    command = Command(
        ("git", "config", "--global", "--get", name), cwd=Path("/"), env=env, timeout=10.0
    )
    try:
        done = context.processes.run(command)
    except ChimeraError:
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise UsageError(
            f"the key {str(file)!r} cannot be read: {error.strerror}", help=_HOW
        ) from error
    if len(data) > _LONGEST_FILE:
        raise UsageError(f"{str(file)!r} is too long to be a key", help=_HOW)
    return data.decode("utf-8", "replace")


def _public(text: str, file: Path) -> PublicKey:
    try:
        return PublicKey.parse(text)
    except SignatureError as error:
        raise UsageError(f"{str(file)!r} holds no key: {error.message}", help=_HOW) from error


def _open_ed25519(text: str) -> Ed25519PrivateKey | None:
    """Return the key where it is Ed25519 and unencrypted: all else is left to `ssh-keygen`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    load: Any = serialization.load_pem_private_key
    if text.startswith(_OPENSSH):
        load = serialization.load_ssh_private_key
    try:
        private = load(text.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):  # TypeError: a passphrase is needed
        return None
    return private if isinstance(private, Ed25519PrivateKey) else None


def _public_half(text: str, file: Path) -> PublicKey:
    """Return the public half, which OpenSSH's format shows without the passphrase."""
    beside = file.with_name(file.name + ".pub")
    if beside.is_file():
        return _public(_read(beside), beside)
    body = text.strip().removeprefix(_OPENSSH).removesuffix(_OPENSSH_END)
    try:
        reader = Reader(decode_base64("".join(body.split()), "the key"), "the key")
        if reader.take(len(_OPENSSH_MAGIC)) != _OPENSSH_MAGIC:
            raise SignatureError("it is not in OpenSSH's format")
        for _ in ("cipher", "key derivation", "its options"):
            reader.string()
        if reader.uint32() != 1:
            raise SignatureError("it holds more than one key")
        return PublicKey.of_blob(reader.string())
    except SignatureError as error:
        raise UsageError(
            f"{str(file)!r} does not show its public half: {error.message}",
            help=f"write it beside the key: `ssh-keygen -y -f {file} > {beside}`",
        ) from error
