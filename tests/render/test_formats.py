"""SARIF, JUnit, annotations and Markdown: what they say, their limits, and hostile text."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chimera.model import (
    Action,
    Address,
    Category,
    Change,
    Diagnostic,
    Finding,
    Obligation,
    Outcome,
    PathSet,
    Place,
    Related,
    Severity,
    Span,
    Touch,
    Verdict,
)
from chimera.plan import Plan, PlanItem
from chimera.render import github as github_format
from chimera.render import markdown as markdown_format
from chimera.render import sarif as sarif_format
from chimera.render.github import github
from chimera.render.junit import junit
from chimera.render.markdown import markdown
from chimera.render.plan import plan_summary
from chimera.render.report import Changes, Report
from chimera.render.reports import report_of
from chimera.render.sarif import sarif

SCHEMA = Path(__file__).parent / "sarif" / "sarif-2.1.0-rtm.5.json"
SPAN = Span("specs/a b%.yaml", 3, 7, 3, 9)
THING = Address("Thing", "t")


@cache
def validator() -> Any:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def valid_sarif(report: Report) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(sarif(report))
    faults = [error.message for error in validator().iter_errors(log)]
    assert not faults, faults
    run: dict[str, Any] = log["runs"][0]
    return run


def fault(severity: Severity = Severity.ERROR, message: str = "wrong", **edits: Any) -> Diagnostic:
    made = Diagnostic("some-rule", message, SPAN, "do this", severity, "Thing/t")
    return replace(made, **edits)


PASSED = Verdict("Policy/p#a", "Thing/t", Finding.PASS)
BARE = Verdict("Gate/g", "Thing/t", Finding.FAIL, ("nobody approved",))
IDLE = Verdict("Policy/q", "Policy/q", Finding.NOT_EXERCISED, ("it matched nothing",))
WAIVED = Verdict(
    "Policy/p#b",
    "Thing/t",
    Finding.PASS,
    ("waived by Waiver/w until then: why",),
    waiver="Waiver/w",
)
EVERY = report_of(
    "check",
    Outcome.FAILED,
    (PASSED, BARE, IDLE, WAIVED),
    (
        fault(related=(Related("because of this", Span("b.yaml", 2)),)),
        fault(Severity.WARNING, "odd"),
        fault(Severity.INFO, "by the way"),
    ),
    notes=("checked 3 documents",),
    places={"Thing/t": "specs/t.yaml", "Gate/g": "specs/g.yaml"},
    list_files=lambda: ("specs/t.yaml",),
)
OBLIGATION = Obligation(
    "approval", "Role/owner", THING, Address("Gate", "g"), "asked", (("count", "2"),)
)
CHANGE = Change(
    THING,
    Action.UPDATE,
    "sha256:1",
    "sha256:2",
    "it differs",
    ("specs/t.yaml",),
    Category.BREAKING,
    ("the output x is gone",),
)
ITEM = PlanItem(CHANGE, ("code/L2", "ops/L1"), obligations=(OBLIGATION,))
PATHS_ITEM = PlanItem(replace(CHANGE, target=PathSet(("src/**",)), action=Action.CREATE))
SAME = PlanItem(replace(CHANGE, target=Address("Thing", "same"), action=Action.NO_OP))
CHANGES = Changes(
    Plan("production", True, "main", (ITEM, PATHS_ITEM, SAME)),
    "compared main (1a2b3c4) with HEAD (5d6e7f8)",
    {ITEM.layers: (ITEM,), (): (PATHS_ITEM,)},
    (replace(CHANGE, target=Address("Thing", "c"), category=Category.COSMETIC),),
    (Touch("ops/L1", Address("LayerContract", "ops"), THING, ("specs/t.yaml",), ("proof P",)),),
    {THING: (Address("Thing", "leans"),)},
)
PLANNED = replace(EVERY, changes=CHANGES)


# SARIF


def test_a_fault_is_a_result_with_its_place_and_what_explains_it() -> None:
    run = valid_sarif(EVERY)
    worst = run["results"][0]
    assert (worst["ruleId"], worst["level"], worst["kind"]) == ("some-rule", "error", "fail")
    assert worst["message"]["text"] == "wrong\nhelp: do this"
    location = worst["locations"][0]
    assert location["physicalLocation"]["region"] == {
        "startLine": 3,
        "startColumn": 7,
        "endLine": 3,
        "endColumn": 9,
    }
    artifact = location["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "specs/a%20b%25.yaml", "uriBaseId": "%SRCROOT%"}
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "Thing/t"
    assert worst["relatedLocations"][0]["message"]["text"] == "because of this"
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note", "note"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert run["columnKind"] == "unicodeCodePoints"


def test_what_was_waived_is_a_suppressed_result() -> None:
    (waived,) = [r for r in valid_sarif(EVERY)["results"] if "suppressions" in r]
    assert waived["ruleId"] == "Policy/p#b"
    assert waived["suppressions"][0]["justification"].startswith("waived by Waiver/w")
    assert waived["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "specs/t.yaml"


def test_sarif_says_what_was_not_exercised_and_what_nobody_explains() -> None:
    run = valid_sarif(replace(EVERY, exit_code=1))
    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (1, True)
    said = [(n["level"], n["message"]["text"]) for n in invocation["toolExecutionNotifications"]]
    assert said == [
        ("note", "checked 3 documents"),
        ("error", "fail: Gate/g, of Thing/t: nobody approved"),
        ("note", "not-exercised: Policy/q: it matched nothing"),
    ]
    assert run["properties"]["verdicts"] == {"pass": 2, "fail": 1, "not-exercised": 1}


def test_what_commands_write_is_valid_too() -> None:
    transcript = (SCHEMA.parents[1] / "golden" / "formats" / "expected.txt").read_text("utf-8")
    logs = re.findall(r"^\$ chimera .* -o sarif\n(\{.*?^\})$", transcript, re.MULTILINE | re.DOTALL)
    assert logs
    for log in logs:
        assert not list(validator().iter_errors(json.loads(log)))


def test_the_schema_finds_fault() -> None:
    log = json.loads(sarif(EVERY))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(validator().iter_errors(log))


def fingerprints(*diagnostics: Diagnostic) -> list[str]:
    run = valid_sarif(report_of("check", Outcome.FAILED, (), diagnostics))
    return [result["partialFingerprints"]["chimera/v1"] for result in run["results"]]


def test_a_fingerprint_survives_lines_above_it_and_tells_faults_apart() -> None:
    lower = fault(where=replace(SPAN, line=30, end_line=30))
    assert fingerprints(fault()) == fingerprints(lower)
    assert len(set(fingerprints(fault(), lower, fault(message="other"), fault(rule="r")))) == 4
    assert fingerprints(fault(), lower)[0] == fingerprints(fault())[0]
    assert fingerprints(fault(where=Span("c.yaml"))) != fingerprints(fault())


def test_too_many_results_are_cut_worst_first_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_format, "MOST_RESULTS", 2)
    faults = [fault(Severity.INFO, "0"), *(fault(message=str(n)) for n in range(1, 4))]
    run = valid_sarif(report_of("check", Outcome.FAILED, (), faults))
    assert [r["level"] for r in run["results"]] == ["error", "error"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert notes[0]["message"]["text"] == "and 2 more results, left out"


def test_a_file_too_large_for_github_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_format, "MOST_BYTES", 3_000)
    faults = [fault(message=str(n**20)) for n in range(200)]
    run = valid_sarif(report_of("check", Outcome.FAILED, (), faults))
    assert 0 < len(run["results"]) < 200
    left = 200 - len(run["results"])
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == (
        f"and {left} more results, left out"
    )


def test_many_idle_verdicts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_format, "MOST_NOTIFICATIONS", 3)
    verdicts = [replace(IDLE, judge=f"Policy/q{n}") for n in range(5)]
    run = valid_sarif(report_of("check", Outcome.PASSED, verdicts))
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert notes[-1]["message"]["text"] == "and 2 more verdicts not-exercised"


# JUnit


def cases(report: Report) -> dict[tuple[str, str], ElementTree.Element]:
    """Parse JUnit XML, holding it to the rules of the schema that Jenkins reads it by."""
    root = ElementTree.fromstring(junit(report))
    assert root.tag == "testsuites"
    found = []
    for suite in root:
        assert suite.tag == "testsuite"
        assert {case.tag for case in suite} <= {"testcase"}
        for case in suite:
            assert {"name", "classname"} <= set(case.attrib)
            tags = [child.tag for child in case]
            assert tags in ([], ["failure"], ["skipped"], ["system-out"]) or tags in (
                ["failure", "system-out"],
                ["skipped", "system-out"],
            )
        found += suite
    for element in (root, *root):
        inside = list(element.iter("testcase"))
        assert element.attrib["tests"] == str(len(inside))
        for tag, counted in (("failure", "failures"), ("skipped", "skipped")):
            assert element.attrib[counted] == str(sum(c.find(tag) is not None for c in inside))
        assert element.attrib["errors"] == "0"
    return {(case.attrib["classname"], case.attrib["name"]): case for case in found}


def test_each_verdict_and_each_file_is_a_test_case() -> None:
    found = cases(EVERY)
    assert found["Policy/p#a", "Thing/t"].find("failure") is None
    bare = found["Gate/g", "Thing/t"].find("failure")
    assert bare is not None
    assert bare.text == "nobody approved"
    skipped = found["Policy/q", "Policy/q"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "it matched nothing"
    assert found["Policy/p#b", "Thing/t"].findtext("system-out") == WAIVED.reasons[0]
    broken = found["documents", SPAN.path].find("failure")
    assert broken is not None
    assert broken.attrib == {"message": "wrong", "type": "some-rule"}
    assert "b.yaml:2:1: because of this" in (broken.text or "")
    assert "odd" in (found["documents", SPAN.path].findtext("system-out") or "")
    assert list(found["documents", "specs/t.yaml"]) == []


def test_a_fault_that_a_judge_brought_fails_its_verdict_and_no_file() -> None:
    verdict = Verdict("Policy/p#a", "Thing/t", Finding.FAIL, ("wrong",), (fault(),))
    found = cases(report_of("check", Outcome.FAILED, (verdict,), (fault(),)))
    assert set(found) == {("Policy/p#a", "Thing/t"), ("chimera", "check")}
    warned = replace(verdict, finding=Finding.PASS, diagnostics=(fault(Severity.WARNING),))
    (case, _) = cases(report_of("check", Outcome.PASSED, (warned,))).values()
    assert [child.tag for child in case] == ["system-out"]


@pytest.mark.parametrize("outcome", Outcome)
def test_the_file_is_green_only_where_the_command_was(outcome: Outcome) -> None:
    ended = cases(report_of("prove", outcome))["chimera", "prove"]
    tags = [child.tag for child in ended if child.tag != "system-out"]
    green = outcome in {Outcome.PASSED, Outcome.CHANGED}
    skipped = outcome is Outcome.NOT_EXERCISED
    assert tags == ([] if green else ["skipped"] if skipped else ["failure"])


# GitHub


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does (Runner.Common/ActionCommand.cs)."""
    assert line.startswith("::")
    information, _, data = line[2:].partition("::")
    name, _, written = information.partition(" ")
    properties = dict(pair.split("=", 1) for pair in written.split(",") if pair)
    for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        properties = {key: value.replace(escaped, plain) for key, value in properties.items()}
        data = data if escaped in {"%3A", "%2C"} else data.replace(escaped, plain)
    return name, properties, data


def test_annotations_stand_in_the_diff_and_the_last_says_how_it_ended() -> None:
    lines = [parsed(line) for line in github(EVERY).splitlines()]
    assert [name for name, _, _ in lines] == [*["error"] * 2, "warning", *["notice"] * 3]
    assert lines[0] == (
        "error",
        {
            "file": SPAN.path,
            "line": "3",
            "col": "7",
            "endLine": "3",
            "endColumn": "8",
            "title": "some-rule",
        },
        "wrong\nhelp: do this\nnote: b.yaml:2:1: because of this",
    )
    assert lines[1][1] == {
        "file": "specs/t.yaml",
        "line": "1",
        "col": "1",
        "endLine": "1",
        "title": "Gate/g",
    }
    assert lines[-2][2] == "1 verdict not exercised: Policy/q"
    assert lines[-1][2] == "failed: 2 errors, 1 warning, 1 note, 1 waived"


def test_a_place_of_several_lines_has_no_columns() -> None:
    report = report_of("check", Outcome.FAILED, (), (fault(where=Span("a", 1, 5, 3, 1)),))
    assert parsed(github(report).splitlines()[0])[1] == {
        "file": "a",
        "line": "1",
        "endLine": "3",
        "title": "some-rule",
    }


def test_annotations_keep_to_ten_of_each_level_and_count_the_rest() -> None:
    faults = [fault(s, str(n), rule=f"r{n}") for s in reversed(Severity) for n in range(25)]
    verdicts = [replace(IDLE, judge=f"Policy/q{n}") for n in range(25)]
    lines = [
        parsed(line)
        for line in github(report_of("c", Outcome.FAILED, verdicts, faults)).splitlines()
    ]
    names = [name for name, _, _ in lines]
    assert {name: names.count(name) for name in names} == {"error": 10, "warning": 10, "notice": 10}
    assert "and 5 more" in lines[-2][2]
    assert "15 more errors, 15 more warnings, 17 more notes" in lines[-1][2]
    assert github_format.MOST_OF_A_LEVEL == 10


def test_faults_in_the_files_that_differ_come_first_and_notes_stand_there_alone() -> None:
    elsewhere = [fault(s, f"{n}", where=Span("a.yaml")) for s in Severity for n in range(20)]
    here = [fault(s, "here", where=Span("specs/t.yaml")) for s in Severity]
    lines = github(replace(PLANNED, diagnostics=(*elsewhere, *here))).splitlines()
    named = [parsed(line) for line in lines if ",line=" in line]
    for name, first in zip(("error", "warning", "notice"), (0, 10, 20), strict=True):
        assert named[first][:1] == (name,)
        assert named[first][1]["file"] == "specs/t.yaml"
    assert [n for n, _, _ in named].count("notice") == 1
    assert "21 notes" in lines[-1]


# Markdown


def test_a_summary_says_what_changes_layer_by_layer_and_what_that_owes() -> None:
    assert markdown(PLANNED).splitlines() == [
        "### ❌ chimera check: failed",
        "",
        "**2 errors, 1 warning, 1 note**",
        "· 2 verdicts passed, 1 failed, 1 not exercised, 1 waived",
        "· 1 obligation before it may be applied",
        "· checked 3 documents",
        "",
        "#### What changes",
        "",
        (
            f"{plan_summary(CHANGES.plan)}"
            " (compared main (1a2b3c4) with HEAD (5d6e7f8), for production)"
        ),
        "",
        "- **in `code/L2`, `ops/L1`**",
        (
            "  - update **breaking** `Thing/t`: it differs; breaks: the output x is gone;"
            " affects `Thing/leans`; in `specs/t.yaml`"
        ),
        "- **in no layer**",
        (
            "  - create **breaking** `paths:src/**`: it differs; breaks: the output x is gone;"
            " in `specs/t.yaml`"
        ),
        "- cosmetic, and owes nothing: `Thing/c`",
        "",
        "#### What that touches",
        "",
        "- `ops/L1` by `specs/t.yaml`, which asks for proof P",
        "",
        "#### What is owed",
        "",
        "- approval `Role/owner, 2 people` for `Thing/t`, asked by `Gate/g`",
        "",
        "#### What failed",
        "",
        "- `specs/a b%.yaml:3:7` `some-rule`: wrong *do this*",
        "- `Thing/t` of `Gate/g`: nobody approved",
        "",
        "<details>",
        "<summary>1 warning</summary>",
        "",
        "- `specs/a b%.yaml:3:7` `some-rule`: odd *do this*",
        "",
        "</details>",
        "",
        "<details>",
        "<summary>1 note</summary>",
        "",
        "- `specs/a b%.yaml:3:7` `some-rule`: by the way *do this*",
        "",
        "</details>",
        "",
        "#### Not exercised",
        "",
        "- `Policy/q`: it matched nothing",
        "",
        "#### Waived",
        "",
        "- `Thing/t` of `Policy/p#b`: waived by Waiver/w until then: why",
        "",
        "<details>",
        "<summary>2 verdicts passed</summary>",
        "",
        "- `Policy/p#a`: 1",
        "- `Policy/p#b`: 1",
        "",
        "</details>",
    ]


def test_a_long_summary_fits_into_a_comment_and_counts_what_it_leaves_out() -> None:
    faults = [fault(s, f"{'漢@' * 300}{n}") for s in Severity for n in range(2_000)]
    items = [PlanItem(replace(CHANGE, target=Address("Thing", f"t{n}"))) for n in range(2_000)]
    planned = replace(CHANGES, by_layer={("a/b",): tuple(items)})
    text = markdown(replace(EVERY, diagnostics=tuple(faults), changes=planned))
    assert len(text.encode()) <= markdown_format.MOST_BYTES
    assert len(re.findall(r"^- and [0-9]+ more$", text, re.MULTILINE)) == 4
    assert text.count("<details>") == text.count("</details>") == 3
    assert "#### Not exercised" in text


@pytest.mark.parametrize("render", [sarif, junit, github, markdown])
def test_every_format_tells_what_was_not_exercised_and_what_was_waived(render: Any) -> None:
    text = render(EVERY)
    assert "Policy/q" in text
    assert "waived" in text
    assert "not-exercised" in text or "not exercised" in text or "skipped" in text
    clean = render(replace(EVERY, verdicts=(PASSED,)))
    assert "Policy/q" not in clean
    assert "waived" not in clean


# Hostile text

ODD = st.text(
    st.sampled_from("\0\x1b\r\n\t |`<>&@#*_[]()!:,;%=~\\-\u202e\u2028\ufffe\ud800a1漢$/")
) | st.sampled_from(
    [
        "::error::x",
        "\n::set-output name=a::b",
        "x\n::stop-commands::t\n",
        "##[add-mask]x",
        "<script>alert(1)</script>",
        "</details><b>",
        "@everyone see #1, gh-2 and https://e.example/x?a=b www.e.example",
        "[a](javascript:x) ![b](c) <https://e.example>",
        "| a | b |\n|---|---|",
        "- a\n1. b\n# c\n```\nd",
        "]]>&#x0;<![CDATA[",
        "%0A::error::x",
    ]
)
PATHS = ODD.map(lambda text: os.fsdecode(text.encode("utf-8", "surrogatepass")) or "p")


@st.composite
def hostile(draw: st.DrawFn) -> Report:
    def odd() -> str:
        return draw(ODD)

    def diagnostic() -> Diagnostic:
        where = Span(draw(PATHS), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
        where = draw(st.sampled_from([where, replace(where, end_line=9, end_column=1)]))
        related = (Related(odd(), Place(draw(PATHS))),)
        return Diagnostic(
            odd(), odd(), where, odd(), draw(st.sampled_from(Severity)), odd(), related
        )

    def verdict() -> Verdict:
        carried = tuple(diagnostic() for _ in range(draw(st.integers(0, 1))))
        finding = draw(st.sampled_from(Finding))
        waiver = draw(st.sampled_from([None, "Waiver/w"]))
        return Verdict(odd(), odd(), finding, (odd(),), carried, waiver=waiver)

    files = (draw(PATHS),)
    change = Change(THING, Action.UPDATE, None, None, odd(), (odd(),), Category.BREAKING, (odd(),))
    item = PlanItem(change, (odd(),))
    plan = Plan("production", False, odd(), (item,))
    verdicts = [verdict() for _ in range(draw(st.integers(0, 3)))]
    return report_of(
        "check",
        draw(st.sampled_from(Outcome)),
        verdicts,
        [diagnostic() for _ in range(draw(st.integers(0, 3)))],
        changes=Changes(
            plan,
            odd(),
            {item.layers: (item,)},
            (change,),
            (Touch(odd(), THING, THING, (odd(),), (odd(),)),),
        ),
        notes=(odd(),),
        places={v.subject: draw(PATHS) for v in verdicts},
        list_files=lambda: files,
    )


COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")


@given(hostile())
@settings(deadline=None)
def test_hostile_text_stays_data_in_sarif(report: Report) -> None:
    run = valid_sarif(report)
    assert not COMMANDS.search(sarif(report))
    for result, diagnostic in zip(run["results"], report.worst_first, strict=False):
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote(uri, errors="surrogateescape").encode("utf-8", "surrogatepass")
        assert re.fullmatch(r"[A-Za-z0-9_.~/%-]*", uri)
        assert result["ruleId"] == diagnostic.rule or "suppressions" in result


@given(hostile())
@settings(deadline=None)
def test_hostile_text_stays_data_in_junit(report: Report) -> None:
    root = ElementTree.fromstring(junit(report))
    assert not COMMANDS.search(junit(report))
    assert {e.tag for e in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "skipped",
        "system-out",
    }


@given(hostile())
@settings(deadline=None)
def test_hostile_text_gives_the_runner_no_command(report: Report) -> None:
    text = github(report)
    assert not COMMANDS.search(text.replace("\n", ""))
    for line in text.split("\n"):
        name, properties, _ = parsed(line)
        assert name in {"error", "warning", "notice"}
        assert set(properties) <= {"file", "line", "col", "endLine", "endColumn", "title"}


@given(hostile())
@settings(deadline=None)
def test_hostile_text_makes_nothing_of_markdown(report: Report) -> None:
    text = markdown(report)
    assert not COMMANDS.search(text.replace("\n", ""))
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    tokens += [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} <= MADE
    shown = "".join(token.content for token in tokens if token.type == "text")
    assert not re.search(r"@\w|#\d|GH-\d", shown)  # GitHub looks for these in what is shown
    prose = re.sub("^ *(`{3,}).*?^ *\\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"://|www\.", re.sub("(`+).*?(?<!`)\\1(?!`)", "", prose))  # and here
    html = "".join(token.content for token in tokens if token.type == "html_block")
    assert not re.sub(
        r"</?(details|summary)>|[0-9]+ (warning|note|verdict)s?( passed)?|\n", "", html
    )


MADE = {
    "heading_open",
    "heading_close",
    "paragraph_open",
    "paragraph_close",
    "bullet_list_open",
    "bullet_list_close",
    "list_item_open",
    "list_item_close",
    "html_block",
    "inline",
    "text",
    "text_special",
    "softbreak",
    "code_inline",
    "fence",  # a divergence, shown as a diff
    "em_open",
    "em_close",
    "strong_open",
    "strong_close",
}


# Secrets


def test_a_secret_is_masked_wherever_a_report_holds_it() -> None:
    secret = "hunter2hunter2"
    held = replace(
        PLANNED,
        notes=(f"saw {secret}",),
        verdicts=(replace(BARE, reasons=(secret,)),),
        diagnostics=(fault(message=f"it is {secret}", related=(Related(secret, SPAN),)),),
        changes=replace(CHANGES, touches=(Touch(secret, THING, THING, (secret,)),)),
    )
    masked = held.masked(lambda text: text.replace(secret, "***"))
    for render in (sarif, junit, github, markdown):
        assert secret in render(held)
        assert secret not in render(masked)
        assert "***" in render(masked)
    assert junit(EVERY.masked(lambda text: text)) == junit(EVERY)
    assert "specs/***.yaml" in junit(EVERY.masked(lambda text: re.sub("/t(?=[.])", "/***", text)))
