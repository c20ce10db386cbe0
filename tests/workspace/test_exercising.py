"""A proof whose tests did not run lets nothing through: not exercised is owed, whatever hid it."""

import pytest

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: answer}
spec:
  claim: The answer is right.
  covers: {paths: [src/**]}
  phase: apply
  inputs: [src/**, tests/**]
  steps:
    - run: pytest
      paths: [tests]
      args: ARGS
  controls:
    - {mutate: replace, path: src/answer.py, old: "42", new: "41"}
"""
HOLDS = "import answer\n\n\ndef test_holds():\n    assert answer.ANSWER == 42\n"
SKIPPED = "import pytest\n\n\n@pytest.mark.skip\ndef test_later():\n    pass\n"
EMPTIED = "def pytest_collection_modifyitems(items):\n    items.clear()\n"
SWALLOWED = "def pytest_runtest_protocol(item, nextitem):\n    return True\n"


@pytest.mark.parametrize(
    ("tests", "conftest", "args", "code", "said"),
    [
        (SKIPPED, "", "[]", 5, "no test passed: 1 skipped"),
        (HOLDS, "", "[-k, nothing]", 5, "no test passed: 1 deselected"),
        (HOLDS, EMPTIED, "[]", 5, "no test passed: 1 deselected"),
        (HOLDS, SWALLOWED, "[]", 1, "1 of 1 tests that were to run have no outcome"),
        ("", "", "[]", 5, "no test passed: there is none"),
    ],
)
def test_apply_is_refused_where_no_test_ran(repository, tests, conftest, args, code, said):
    repository.write("src/answer.py", "ANSWER = 42\n")
    repository.write("tests/test_answer.py", tests)
    repository.write("tests/conftest.py", conftest)
    repository.write("proofs/answer.yaml", PROOF.replace("ARGS", args))
    repository.commit()
    answer = repository.chimera("apply", "-o", "json")
    assert answer.code == code, answer.out + answer.err
    assert said in answer.out
    status = repository.chimera("status", "-o", "json").json
    assert {environment["applied"] for environment in status["environments"]} == {0}


def test_apply_goes_through_once_it_ran(repository):
    repository.write("src/answer.py", "ANSWER = 42\n")
    repository.write("tests/test_answer.py", SKIPPED + "\n\n" + HOLDS)
    repository.write("proofs/answer.yaml", PROOF.replace("ARGS", "[]"))
    repository.commit()
    answer = repository.chimera("apply")
    assert answer.code == 0, answer.out + answer.err
