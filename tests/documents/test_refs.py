"""Whatever names no commit is told with what was meant, or what has to be fetched."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from chimera.documents import find_root, head, open_commit
from chimera.model import ChimeraError, GitError, Outcome
from tests.documents.conftest import Repository


def refusal(root: Path, ref: str) -> ChimeraError:
    with pytest.raises(GitError) as caught:
        open_commit(root, ref)
    assert caught.value.outcome is Outcome.USAGE
    return caught.value


def test_a_misspelt_branch_or_tag_comes_with_the_nearest(repository: Repository) -> None:
    repository.commit()
    repository.git("branch", "release/2026")
    repository.git("tag", "v1.0.0")
    assert "there is 'main'" in (refusal(repository.root, "mian").help or "")
    assert "there is 'release/2026'" in (refusal(repository.root, "release/2025").help or "")
    assert "'v1.0.0'" in (refusal(repository.root, "v1.0").help or "")
    far = refusal(repository.root, "nothing-like-it")
    assert far.message == "git knows no commit 'nothing-like-it'"
    assert "git fetch origin nothing-like-it:" in (far.help or "")
    absent = refusal(repository.root, "origin/nothing-like-it")
    assert "`git fetch origin nothing-like-it:refs/remotes/origin/nothing-like-it`" in (
        absent.help or ""
    )


def test_a_branch_that_only_the_remote_has_is_named(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit()
    repository.git("branch", "release")
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "-q", str(repository.root), str(clone.root))
    clone.git("remote", "add", "another", str(repository.root))
    clone.git("fetch", "-q", "another")
    assert refusal(clone.root, "release").help == "there is 'origin/release': name that"
    assert open_commit(clone.root, "origin/release").revision == commit


def test_a_commit_that_is_not_here_may_have_been_pushed_away(repository: Repository) -> None:
    repository.commit()
    for id in ("0" * 40, "deadbeef"):
        told = refusal(repository.root, id)
        assert told.message == f"git knows no commit {id!r}"
        assert "force-pushed away: name the branch" in (told.help or "")


def test_a_shallow_clone_says_how_deep_to_fetch(repository: Repository, tmp_path: Path) -> None:
    for number in range(6):
        repository.commit(str(number))
    old = repository.git("rev-parse", "HEAD~4")
    shallow = Repository(tmp_path / "shallow")
    repository.git("clone", "-q", "--depth=2", f"file://{repository.root}", str(shallow.root))
    for ref, depth in (("HEAD~4", 4), ("main~3^", 4), ("HEAD^^", 2), (old, 100)):
        help = refusal(shallow.root, ref).help or ""
        assert "shallow" in help
        assert f"git fetch --deepen={depth}`" in help
        assert "fetch-depth: 0" in help
    assert "--unshallow" in (refusal(shallow.root, "other").help or "")
    shallow.git("fetch", "-q", "--deepen=4")  # as it says
    assert open_commit(shallow.root, "HEAD~4").revision == old


def test_an_ancestor_before_the_first_commit_is_told(repository: Repository) -> None:
    repository.commit()
    assert refusal(repository.root, "HEAD~3").help == (
        "HEAD is there, and has no such ancestor: name another"
    )


def test_a_repository_without_commits_says_so(repository: Repository) -> None:
    for ref in ("HEAD", "main", "HEAD~1", "@"):
        assert refusal(repository.root, ref).message == "the repository has no commits yet"


def test_a_branch_without_commits_says_so(repository: Repository) -> None:
    repository.commit()
    repository.git("checkout", "-q", "--orphan", "new")
    assert refusal(repository.root, "HEAD").message == "HEAD is a branch without commits"
    assert head(repository.root) is None
    assert open_commit(repository.root, "main").entries() == ()


def test_a_detached_head_is_a_commit(repository: Repository) -> None:
    first = repository.commit("1")
    repository.commit("2")
    repository.git("checkout", "-q", "--detach", first)
    assert open_commit(repository.root, "HEAD").revision == head(repository.root) == first


def test_an_ambiguous_name_is_refused_and_a_whole_one_is_not(repository: Repository) -> None:
    first = repository.commit("1")
    repository.git("tag", "release")
    second = repository.commit("2")
    repository.git("branch", "release")
    told = refusal(repository.root, "release~0")
    assert told.message == (
        "'release' is ambiguous: it names refs/heads/release and refs/tags/release"
    )
    assert "write it whole, as in refs/heads/release" in (told.help or "")
    assert open_commit(repository.root, "refs/heads/release").revision == second
    assert open_commit(repository.root, "tags/release").revision == first
    repository.git("config", "core.warnAmbiguousRefs", "false")
    refusal(repository.root, "release")


def test_a_branch_called_head_deceives_nobody(repository: Repository) -> None:
    first = repository.commit("1")
    repository.git("update-ref", "refs/heads/HEAD", first)
    second = repository.commit("2")
    assert open_commit(repository.root, "HEAD").revision == head(repository.root) == second
    assert open_commit(repository.root, "HEAD~1").revision == first


def test_a_branch_called_like_a_commit_deceives_nobody(repository: Repository) -> None:
    first = repository.commit("1")
    second = repository.commit("2")
    repository.git("update-ref", f"refs/heads/{second}", first)
    assert open_commit(repository.root, second).revision == second


def test_a_short_id_of_several_commits_is_refused(repository: Repository) -> None:
    stream = b"".join(
        b"commit refs/heads/c%d\ncommitter a <a@example.org> %d +0000\ndata 0\n\n" % (n, n)
        for n in range(600)
    )
    repository.git("fast-import", "--quiet", stdin=stream)
    commits = sorted(repository.git("for-each-ref", "--format=%(objectname)").split())
    twin = next(a[:4] for a, b in itertools.pairwise(commits) if a[:4] == b[:4])
    assert refusal(repository.root, twin).message == f"several objects begin with {twin!r}"


def test_tags_are_followed_to_their_commit(repository: Repository) -> None:
    repository.write("a", "1")
    commit = repository.commit()
    repository.git("tag", "-a", "-m", "annotated", "v1")
    repository.git("tag", "-a", "-m", "of a tag", "v2", "v1")
    assert open_commit(repository.root, "v2").revision == commit
    repository.git("tag", "content", "HEAD:a")
    told = refusal(repository.root, "content")
    assert "not a commit" in told.message


@pytest.mark.parametrize("name", ["é", "fix(x)", "a,b", "a!", "100%", "a'b", 'a"b', "a&b"])
def test_every_name_that_git_allows_is_understood(repository: Repository, name: str) -> None:
    commit = repository.commit()
    repository.git("branch", name)
    assert open_commit(repository.root, name).revision == commit
    assert open_commit(repository.root, f"{name}~0").revision == commit


@pytest.mark.parametrize(
    "ref",
    ["-x", "--git-dir=/x", "-", "", "a..b", "a...b", ":/c", "HEAD:a", "a b", "a\nb", "*", "a\\b"],
)
def test_what_git_could_read_otherwise_is_no_name(repository: Repository, ref: str) -> None:
    repository.write("a")
    repository.commit()
    assert "is not the name of a commit" in refusal(repository.root, ref).message


def test_a_branch_that_looks_like_an_option_is_named_whole(repository: Repository) -> None:
    commit = repository.commit()
    repository.git("update-ref", "refs/heads/--help", commit)
    refusal(repository.root, "--help")
    assert open_commit(repository.root, "refs/heads/--help").revision == commit


def test_grafts_are_not_believed(repository: Repository) -> None:
    first = repository.commit("1")
    second = repository.commit("2")
    third = repository.commit("3")
    (repository.root / ".git" / "info").mkdir(exist_ok=True)
    (repository.root / ".git" / "info" / "grafts").write_text(f"{third} {first}\n")
    assert repository.git("rev-parse", "HEAD~1") == first
    assert open_commit(repository.root, "HEAD~1").revision == second


def test_a_bare_repository_is_a_root_and_a_git_folder_is_not(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("a", "1")
    commit = repository.commit()
    bare = tmp_path / "bare.git"
    repository.git("clone", "-q", "--bare", str(repository.root), str(bare))
    assert find_root(bare / "refs" / "heads") == bare
    assert open_commit(bare, "main").revision == head(bare) == commit
    assert open_commit(bare, "main").read("a") == b"1"
    assert find_root(repository.root / ".git" / "refs") == repository.root


def test_a_partial_clone_says_how_to_complete_it(repository: Repository, tmp_path: Path) -> None:
    repository.write("d/a", "1")
    repository.commit()
    repository.git("config", "uploadpack.allowFilter", "true")
    for filter in ("blob:none", "tree:0"):
        partial = tmp_path / filter
        repository.git(
            *("clone", "-q", f"--filter={filter}", "--no-checkout"),
            *(f"file://{repository.root}", str(partial)),
        )
        with pytest.raises(GitError) as caught:
            open_commit(partial, "HEAD").read("d/a")
        assert "partial (`--filter`)" in (caught.value.help or "")
        assert "git fetch --refetch --no-filter" in (caught.value.help or "")
