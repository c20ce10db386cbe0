"""What `doctor` finds on a real machine: keys, OpenSSH, and the trust ref."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chimera.builtin.testing.repository import Repository
from chimera.workspace.diagnosing import Symptom


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository, on a machine whose Git and environment name no key and no trust ref."""
    for name in ("CHIMERA_SIGNING_KEY", "CHIMERA_TRUST_REF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return Repository.create(tmp_path / "repository")


def key(folder: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    file = folder / f"id_{kind}"
    made = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(file)]
    subprocess.run(made, check=True)
    return file


def fingerprint(file: Path) -> str:
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{file}.pub"], check=True, capture_output=True, text=True
    )
    return told.stdout.split()[1]


def symptom(repository: Repository, subject: str) -> Symptom:
    return {s.subject: s for s in repository.workspace.diagnose().value}[subject]


def test_without_a_key_it_says_how_to_name_one(repository: Repository) -> None:
    found = symptom(repository, "signing")
    assert (found.health, found.finding) == ("limited", "there is no key to sign with")
    assert "CHIMERA_SIGNING_KEY" in found.help


@pytest.mark.parametrize("passphrase", ["", "a long secret"])
def test_the_key_that_would_sign_is_named_and_nobody_is_asked_to_open_it(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str
) -> None:
    file = key(tmp_path, passphrase)
    monkeypatch.setenv("CHIMERA_SIGNING_KEY", str(file))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    (tmp_path / "id_ed25519.pub").rename(tmp_path / "kept.pub")
    found = symptom(repository, "signing")
    by = ", by ssh-keygen" if passphrase else ""
    assert (found.health, found.finding) == (
        "ok",
        f"ssh-ed25519 {fingerprint(tmp_path / 'kept')}{by}",
    )


def test_a_key_that_cannot_sign_is_told_with_what_to_do(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = key(tmp_path)
    file.chmod(0o644)
    monkeypatch.setenv("CHIMERA_SIGNING_KEY", str(file))
    found = symptom(repository, "signing")
    assert found.health == "limited"
    assert found.help == f"close it: `chmod 600 {file}`"


def test_ssh_keygen_is_looked_for(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert symptom(repository, "ssh-keygen").health == "ok"
    monkeypatch.setenv("CHIMERA_SIGNING_KEY", str(key(tmp_path, "a long secret")))
    (tmp_path / "bin").mkdir()
    git = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout
    (tmp_path / "bin" / "git").symlink_to(git.strip())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert symptom(repository, "ssh-keygen").health == "limited"
    found = symptom(repository, "signing")
    assert found.health == "limited"
    assert found.finding.endswith("by ssh-keygen, which is not there")


def test_without_a_trust_ref_it_says_how_to_name_one(repository: Repository) -> None:
    repository.commit()
    found = symptom(repository, "trust")
    assert found.health == "limited"
    assert found.finding == "there is no origin/HEAD whose keys, roles and gates count"


def test_the_trust_ref_is_named_and_whether_it_contains_head(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit()
    monkeypatch.setenv("CHIMERA_TRUST_REF", "refs/heads/main")
    found = symptom(repository, "trust")
    named = f"refs/heads/main, as CHIMERA_TRUST_REF says, at {commit[:12]}"
    assert (found.health, found.finding) == ("ok", f"{named}; HEAD is contained in it")
    repository.git("checkout", "-q", "-b", "topic")
    topic = repository.commit("more")
    found = symptom(repository, "trust")
    assert found.health == "limited"
    assert found.finding == f"{named}; HEAD, {topic[:12]}, is not contained in it"
    assert "merge it into refs/heads/main" in found.help


def test_a_trust_ref_that_is_not_there_is_broken(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit()
    monkeypatch.setenv("CHIMERA_TRUST_REF", "refs/heads/gone")
    found = symptom(repository, "trust")
    assert found.health == "broken"
    assert "refs/heads/gone" in found.finding
