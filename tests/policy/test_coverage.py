"""What shows that rules work: cases by rule, and the rules that nothing exercised."""

from chimera.policy import run_cases, unexercised

from .conftest import Bench, rule, thing

SMALL = rule("object.spec.size < 10")


def test_coverage_counts_the_cases_that_show_each_rule(bench: Bench) -> None:
    rules = (SMALL, rule("before.spec.size == 1", "former", action="warn"))
    cases = [
        {"name": "a", "object": {"spec": {"size": 1}}, "expect": []},
        {"name": "b", "object": {"spec": {"size": 11}}, "expect": ["small"]},
        {"name": "c", "object": {"spec": {"size": 1}}, "before": {"spec": {"size": 2}},
         "change": "update", "expect": ["former"]},
        {"name": "d", "object": {}, "expect": []},
    ]  # fmt: skip
    bench.policy(*rules, cases=cases)
    report = run_cases(bench.subject().snapshot, bench.context)
    small, former = report.coverage
    assert (small.rule, small.action) == ("Policy/p#small", "deny")
    assert (small.holds, small.fails, small.inapplicable) == (2, 1, 0)  # an error shows nothing
    assert (former.holds, former.fails, former.inapplicable) == (0, 1, 3)
    assert (small.is_shown, former.is_shown) == (True, False)


def test_a_policy_with_faults_has_no_coverage(bench: Bench) -> None:
    bench.policy(rule("object.<"))
    assert run_cases(bench.subject().snapshot, bench.context).coverage == ()


def test_a_rule_that_met_nothing_is_named_with_why(bench: Bench) -> None:
    bench.policy(SMALL, name="none")
    bench.policy(rule("true"), name="labelled", match={"labels": {"a": "b"}})
    bench.policy(rule("true"), name="paths", match={"paths": ["src/**"]})
    bench.policy(rule("true"), name="all", match={"kinds": ["Policy"]})
    found = {one.rule: one.reasons for one in unexercised(bench.judge())}
    assert found == {
        "Policy/none#small": ("it matched nothing: there is no Thing",),
        "Policy/labelled#small": ("it matched nothing",),
        "Policy/paths#small": (
            "it matched nothing: no foreign document stands at its paths, and none changes",
        ),
    }


def test_a_rule_that_is_always_inapplicable_is_named_and_others_of_its_policy_not(
    bench: Bench,
) -> None:
    bench.policy(SMALL, rule("before.spec.size == 1", "former"))
    bench.write(thing("a", size=1), thing("b", size=1))
    (found,) = unexercised(bench.judge())
    assert found.rule == "Policy/p#former"
    reason = "the rule asks for 'before', which is not there: nothing was compared"
    assert found.reasons == (reason,)
    subject = bench.changed((thing("a", size=1), thing("a", size=1)))
    assert unexercised(bench.judge(subject)) == ()


def test_a_rule_that_is_broken_was_exercised(bench: Bench) -> None:
    bench.policy(SMALL, rule("object.spec.absent == 1", "errs"))
    bench.write(thing("a", size=11))
    assert unexercised(bench.judge()) == ()
