"""Who acts, and what a command may see."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from chimera.context import Context, Secrets, actor_of, base_environment, pinned_environment
from chimera.context.environment import trust_ref_of
from chimera.model import Actor


@pytest.mark.parametrize(
    ("environ", "actor"),
    [
        ({"CI": "true", "GITHUB_ACTOR": "octo"}, Actor("octo", "automation")),
        ({"GITHUB_ACTIONS": "true"}, Actor("ci", "automation")),
        ({"JENKINS_URL": "https://ci.example"}, Actor("ci", "automation")),
        ({"CI": "1", "CHIMERA_ACTOR": "deploy-bot"}, Actor("deploy-bot", "automation")),
        ({"CHIMERA_ACTOR": "ada"}, Actor("ada", "human")),
        ({"CI": "false", "CHIMERA_ACTOR": "ada"}, Actor("ada", "human")),
        ({"GITHUB_ACTOR": "octo", "CHIMERA_ACTOR": "ada"}, Actor("ada", "human")),
        ({"CHIMERA_ACTOR": "a\x1b[31m\nb"}, Actor("a?[31m?b", "human")),
    ],
)
def test_actor_is_automation_where_a_ci_service_says_so(
    environ: dict[str, str], actor: Actor
) -> None:
    assert actor_of(environ) == actor


def test_actor_is_the_person_logged_in() -> None:
    actor = actor_of({})
    assert actor.kind == "human"
    assert actor.name


def test_base_environment_is_small_and_takes_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_0123456789")
    environment = base_environment(STAGE="build")
    assert set(environment) == {"PATH", "HOME", "TMPDIR", "LANG", "STAGE"}
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_base_environment_lets_in_what_is_named_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANTED", "yes")
    environment = base_environment(allow=["WANTED", "MISSING"])
    assert environment["WANTED"] == "yes"
    assert "MISSING" not in environment


def test_pinned_environment_lets_in_only_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANTED", "yes")
    monkeypatch.setenv("UNWANTED", "no")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    pinned = pinned_environment(
        source_date_epoch=1_700_000_000,
        home=tmp_path / "home",
        tmp=tmp_path / "tmp",
        allow=["WANTED", "TZ", "MISSING"],
        TZ="UTC",
    )
    assert pinned["WANTED"] == "yes"
    assert "UNWANTED" not in pinned
    assert "MISSING" not in pinned
    assert pinned["TZ"] == "UTC"
    assert pinned["SOURCE_DATE_EPOCH"] == "1700000000"
    assert pinned["HOME"] == str(tmp_path / "home")
    assert pinned["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_pinned_path_has_nothing_of_whoever_proves_unless_it_is_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/somewhere/of/mine")

    def path(*allow: str) -> list[str]:
        pinned = pinned_environment(source_date_epoch=0, home=tmp_path, tmp=tmp_path, allow=allow)
        return pinned["PATH"].split(os.pathsep)

    assert "/somewhere/of/mine" not in path()
    assert path("PATH") == [*path(), "/somewhere/of/mine"]


def test_system_context_masks_the_secrets_of_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "correct-horse-battery")
    context = Context.system()
    assert context.secrets.mask("token correct-horse-battery!") == "token ***!"
    assert isinstance(context.secrets, Secrets)
    assert "correct-horse" not in repr(context)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"CHIMERA_TRUST_REF": " "}, None),
        ({"CHIMERA_TRUST_REF": "origin/main"}, "origin/main"),
    ],
)
def test_the_ref_to_trust_is_named_by_the_process_alone(
    environ: dict[str, str], expected: str | None
) -> None:
    assert trust_ref_of(environ) == expected
