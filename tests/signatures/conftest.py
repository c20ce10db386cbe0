"""Keys that OpenSSH made, and the tools that other people verify with."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chimera.context import Context
from chimera.signatures import AllowedSigner, PublicKey, allowed_signers
from chimera.signatures.signer import BareSigner

TYPES = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
    "rsa": ("-t", "rsa", "-b", "2048"),
}


@dataclass(frozen=True)
class OpenSSH:
    """`ssh-keygen`, with a folder of keys by type."""

    folder: Path

    def run(self, *args: str | Path, stdin: bytes = b"", ok: bool = True) -> str:
        done = subprocess.run(["ssh-keygen", *args], input=stdin, capture_output=True)
        assert not ok or done.returncode == 0, done.stderr
        return done.stdout.decode() if ok else str(done.returncode)

    def key(self, name: str) -> Path:
        return self.folder / name

    def public(self, name: str) -> PublicKey:
        return PublicKey.parse((self.folder / f"{name}.pub").read_text())

    def sign(self, name: str, message: bytes, namespace: str, hash: str = "sha512") -> str:
        options = ("-n", namespace, "-O", f"hashalg={hash}")
        return self.run("-Y", "sign", "-q", "-f", self.key(name), *options, stdin=message)

    def accepts(self, signature: str, message: bytes, namespace: str, key: PublicKey) -> bool:
        allowed, file = self.folder / "allowed", self.folder / "sig"
        allowed.write_text(allowed_signers([AllowedSigner("Identity/ada", key)]))
        file.write_text(signature)
        options = ("-f", allowed, "-I", "Identity/ada", "-n", namespace, "-s", file)
        return self.run("-Y", "verify", *options, stdin=message, ok=False) == "0"


@pytest.fixture(scope="session")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> OpenSSH:
    """OpenSSH with a key of each type."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: install openssh-client")
    tools = OpenSSH(tmp_path_factory.mktemp("openssh"))
    for name, options in TYPES.items():
        tools.run("-q", *options, "-N", "", "-C", f"{name}@test", "-f", tools.key(name))
    return tools


@pytest.fixture(scope="session")
def signer() -> BareSigner:
    """A signer with a key that is always the same."""
    return BareSigner.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture(scope="session")
def other() -> BareSigner:
    """Somebody else."""
    return BareSigner.of(Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    """A context whose user has no key, no agent and no configuration of Git."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in (
        "SSH_AUTH_SOCK",
        "SSH_ASKPASS",
        "DISPLAY",
        "XDG_CONFIG_HOME",
        "CHIMERA_SIGNING_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    return Context.system()


Flip = Callable[[bytes, int, int], bytes]


@pytest.fixture(scope="session")
def flip() -> Flip:
    """What changes one bit of a byte string."""

    def change(data: bytes, byte: int, bit: int) -> bytes:
        return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]

    return change
