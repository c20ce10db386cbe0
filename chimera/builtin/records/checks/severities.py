"""What is asked of a severity model: that its levels can be told apart, and reached in doubt."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.records.checks.faults import Filed, contradiction, remark
from chimera.builtin.records.kinds import SeverityModelSpec
from chimera.model import Diagnostic, Related


def judge_model(model: Filed[SeverityModelSpec]) -> Iterator[Diagnostic]:
    """Report everything that is wrong with a severity model."""
    ids: dict[str, int] = {}
    ranks: dict[int, int] = {}
    least = min(level.rank for level in model.spec.levels)
    for index, level in enumerate(model.spec.levels):
        if (known := ids.setdefault(level.id, index)) != index:
            yield contradiction(
                model,
                "severity-level-duplicate",
                f"there are two levels {level.id!r}",
                ("levels", index, "id"),
                "give each an id of its own",
                Related("the other one is here", model.at("levels", known, "id")),
            )
        if (known := ranks.setdefault(level.rank, index)) != index:
            yield contradiction(
                model,
                "severity-rank-duplicate",
                f"{level.id} has the rank of {model.spec.levels[known].id}: neither is graver",
                ("levels", index, "rank"),
                "give each level a rank of its own, the greater the graver",
                Related("the other one is here", model.at("levels", known, "rank")),
            )
        if level.rank > least and not level.questions:
            yield remark(
                model,
                "severity-level-unasked",
                f"no question leads to {level.id}, so that `chimera severity` never answers it",
                ("levels", index),
                "write questions; yes to one of them means at least this level",
            )
