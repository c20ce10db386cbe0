"""Ranges of versions mean what npm means by them, and say why they exclude one."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.coordination.versions import admits, exclusion, is_range, is_version

numbers = st.integers(0, 4)
identifiers = st.one_of(
    st.integers(0, 30).map(str), st.sampled_from(["alpha", "beta", "rc", "x-1", "0a"])
)
prereleases = st.lists(identifiers, max_size=3).map(".".join)


@st.composite
def versions(draw: st.DrawFn, *, released: bool = False) -> str:
    core = ".".join(str(draw(numbers)) for _ in range(3))
    prerelease = "" if released else draw(prereleases)
    return f"{core}-{prerelease}" if prerelease else core


@given(versions(), st.sampled_from(["", "=", "^", "~", ">=", "<="]))
def test_range_that_begins_or_ends_at_a_version_admits_it(version: str, operator: str) -> None:
    assert is_version(version)
    assert is_range(operator + version)
    assert admits(operator + version, version)
    assert exclusion(operator + version, version) is None


@given(versions(), versions(), versions(released=True))
def test_ranges_are_joined_by_and_and_or(one: str, two: str, version: str) -> None:
    above, below = admits(f">={one}", version), admits(f"<={two}", version)
    assert admits(f">={one} <={two}", version) == (above and below)
    assert admits(f">={one} || <={two}", version) == (above or below)
    assert not (admits(f"<{one}", one))
    assert not (admits(f">{one}", one))


@given(versions(released=True), versions(released=True))
def test_caret_keeps_the_first_number_that_is_not_zero(base: str, other: str) -> None:
    def first(version: str) -> list[int]:
        parts = [int(part) for part in version.split(".")]
        at = next((n for n, part in enumerate(parts) if part), 2)
        return parts[: at + 1]

    def parts(version: str) -> list[int]:
        return [int(part) for part in version.split(".")]

    kept = first(base)
    expected = parts(other)[: len(kept)] == kept and parts(other) >= parts(base)
    assert admits(f"^{base}", other) == expected


@given(versions(released=True), prereleases.filter(bool), versions(released=True))
def test_prerelease_needs_a_bound_of_its_own_version(core: str, tag: str, base: str) -> None:
    version = f"{core}-{tag}"
    for operator in ("^", "~", ">=", "<", ""):
        assert not admits(f"{operator}{base}", version)
    found = exclusion(f">={base}", version)
    assert found is not None
    if admits(f">={base}", core):
        assert "a range admits a prerelease only where" in found.reason
    assert f"^{version} or >={version}" in found.help


def test_seeds_example_is_told_the_rule_and_the_way_out() -> None:
    found = exclusion("^1.0.0", "1.0.0-alpha")

    assert found is not None
    assert found.reason == (
        "1.0.0-alpha is a prerelease, and a range admits a prerelease only where one of its "
        "bounds is a prerelease of the same 1.0.0: ^1.0.0 has none that does"
    )
    assert found.help == (
        "write a range that admits it (^1.0.0-alpha or >=1.0.0-alpha), or release 1.0.0"
    )
    assert exclusion("^1.0.0-alpha", "1.0.0-alpha") is None
    assert exclusion(">=1.0.0-alpha", "1.0.0-alpha") is None
    assert exclusion("^1.0.0-alpha", "1.0.0") is None


def test_other_exclusions_do_not_blame_the_prerelease() -> None:
    for range, version in (("^1.0.0", "2.0.0"), ("^1.0.0", "2.0.0-alpha"), ("<1", "1.0.0-rc")):
        found = exclusion(range, version)
        assert found is not None
        assert found.reason == f"{range} does not admit {version}"


@pytest.mark.parametrize(
    "text", ["", "  ", "latest", "^^1", "==1.0.0", ">=1.2.3, <2", ">a.b.c", "1.2.3.4", "1" * 300]
)
def test_what_is_no_range_is_known_for_it(text: str) -> None:
    assert not is_range(text)


@pytest.mark.parametrize("text", ["*", "1.x", "~1.2", "1.2 - 2", ">=1 <2 || ^3.1.0-rc.1", "=1.0.0"])
def test_what_npm_takes_for_a_range_is_one(text: str) -> None:
    assert is_range(text)


@pytest.mark.parametrize("text", ["1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "v1.0.0", "1.0.0\n"])
def test_what_is_no_version_is_known_for_it(text: str) -> None:
    assert not is_version(text)


def test_ranges_are_judged_as_npm_does(npm: Callable[..., Path]) -> None:
    """The measure by which the library was chosen, on fewer pairs."""
    folder = npm("semver@7.7.3")
    chance = random.Random(3)

    def version() -> str:
        tag = chance.choice(["", "", "-alpha", "-alpha.1", "-beta.2", "-rc", "-0", "-alpha-x"])
        return f"{chance.choice('0112')}.{chance.choice('012')}.{chance.choice('013')}{tag}"

    def part() -> str:
        ends = [f"{chance.choice(['^', '~', '>=', '>', '<=', '<', '=', ''])}{version()}"]
        ends += [f"{version()} - {version()}", f">={version()} <{version()}"]
        return chance.choice([*ends, chance.choice(["1", "1.2", "0", "1.x", "*", "~0.1", "<=1"])])

    pairs = [(version(), " || ".join([part()] * chance.choice([1, 1, 2]))) for _ in range(3000)]
    script = (
        "const s=require('semver');const c=JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(c.map(([v,r])=>s.satisfies(v,r))))"
    )
    done = subprocess.run(
        ["node", "-e", script],
        input=json.dumps(pairs),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert [admits(range, version) for version, range in pairs] == json.loads(done.stdout)
