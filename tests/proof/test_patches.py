import contextlib
import difflib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import Finding
from chimera.proof.checks import check
from chimera.proof.patches import PatchError, apply_patch, parse_patch

LINES = st.lists(
    st.sampled_from(["a\n", "b\n", "c\n", "\n", "-x\n", "+y\n", "--- z\n"]), max_size=12
)


def patch_of(before, after):
    """What `diff -u` writes."""
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(before, after, "a/file", "b/file")
    )


def applied(patch, before):
    (one,) = parse_patch(patch)
    return apply_patch(one, before.encode()).decode()


@given(LINES, LINES, st.booleans(), st.booleans())
def test_the_difference_of_two_texts_makes_one_into_the_other(before, after, ends, also_ends):
    before = [*before, "end" if ends else "end\n"]
    after = [*after, "end" if also_ends else "end\n"]
    if before != after:
        assert applied(patch_of(before, after), "".join(before)) == "".join(after)


@pytest.mark.parametrize("last", ["\n", ""])
def test_git_makes_the_same_of_it(tmp_path, last):
    folder = tmp_path
    before = [f"{number}\n" for number in range(40)]
    after = [*before[:3], "new\n", *before[5:30], "3\n", *before[30:], f"end{last}"]
    (folder / "file").write_text("".join(before))
    patch = patch_of(before, after)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.encode(), check=True)
    assert (folder / "file").read_text() == applied(patch, "".join(before))


def test_a_hunk_is_applied_where_its_lines_have_moved_to():
    patch = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n"
    assert applied(patch, "new\nnew\nx\ny\n") == "new\nnew\nx\nz\n"


def test_files_are_created_and_deleted():
    (create,) = parse_patch("--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n")
    assert (create.path, apply_patch(create, None)) == ("new", b"a\nb\n")
    with pytest.raises(PatchError, match="is there already"):
        apply_patch(create, b"")
    (delete,) = parse_patch("--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n")
    assert apply_patch(delete, b"a\n") is None
    with pytest.raises(PatchError, match="has not"):
        apply_patch(delete, b"a\nmore\n")


def test_what_git_writes_around_a_patch_is_passed_over():
    text = (
        "From 1234 Mon Sep 17\nSubject: x\n\ndiff --git a/f b/f\nindex 1..2 100644\n"
        "--- a/f\n+++ b/f\n@@ -1 +1 @@ def function():\n-a\n+b\n"
    )
    assert applied(text, "a\n") == "b\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no change in it"),
        ("hello", "there is no change in it"),
        ("--- a/f\n", "no file is named"),
        ("--- a/f\n@@ -1 +1 @@\n", "and a name must stand here"),
        ("--- a/f\n+++ b/f\n", "there is no hunk"),
        ("--- a/f\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n", "it renames f to g"),
        ("--- a/f\n+++ b/f\n@@ -1,2 +1 @@\n-a\n+b\n", "ends too early"),
        ("--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n a\n c\n", "more lines than it says"),
        ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n*a\n", "begins with a blank"),
        ("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", "names no file"),
        ("@@ -1 +1 @@\n-a\n+b\n", "no file is named"),
        ("GIT binary patch\n", "only changes of text"),
        ("rename from a\nrename to b\n", "only changes of text"),
    ],
)
def test_what_is_no_patch_is_refused(text, reason):
    with pytest.raises(PatchError, match=reason):
        parse_patch(text)


@given(st.text(alphabet="-+@ ab/,1\n\\", max_size=60))
def test_any_text_is_a_patch_or_refused(text):
    try:
        patches = parse_patch(text)
    except PatchError:
        return
    for patch in patches:
        with contextlib.suppress(PatchError):
            apply_patch(patch, None if patch.creates else b"a\nb\n")


def control(patch):
    return {"mutate": "patch", "patch": patch}


GOOD = "--- a/src/answer.py\n+++ b/src/answer.py\n@@ -1 +1 @@\n-print(42)\n+print(41)\n"


def test_a_proof_must_fail_under_a_patch(bench):
    report = bench.prove_one(controls=[control(GOOD)])
    assert report.finding is Finding.PASS
    assert [run.label for run in report.controls] == ["patching src/answer.py"]
    harmless = GOOD.replace("print(41)", "print(42)  # the answer")
    assert bench.prove_one(controls=[control(harmless)]).reasons == (
        "the proof cannot fail: it does not under patching src/answer.py",
    )


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        (GOOD, None),
        ("nonsense", "proof-patch-invalid"),
        (GOOD.replace("src/answer.py", "../answer.py"), "proof-control-outside-tree"),
        (GOOD.replace("src/answer.py", "/etc/answer.py"), "proof-control-outside-tree"),
        (GOOD.replace("src/answer.py", "lib/answer.py"), "proof-control-outside-inputs"),
        (GOOD.replace("42", "43"), "proof-control-without-effect"),
    ],
)
def test_a_patch_that_does_not_fit_is_a_fault(bench, patch, rule):
    bench.proof(controls=[control(patch)])
    loaded = bench.load()
    found = [*loaded.diagnostics, *(d for v in check(loaded.snapshot) for d in v.diagnostics)]
    assert [fault.rule for fault in found] == ([rule] if rule else [])


def test_a_patch_does_not_follow_a_link_out_of_the_tree(bench, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "answer.py").write_text("print(42)\n")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "src").symlink_to(outside)
    from chimera.model import ChimeraError
    from chimera.proof.controls import ApplyPatch, mutate

    with pytest.raises(ChimeraError, match="leads elsewhere"):
        mutate(ApplyPatch(mutate="patch", patch=GOOD), tree)
    assert (outside / "answer.py").read_text() == "print(42)\n"
