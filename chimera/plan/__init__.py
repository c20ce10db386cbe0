"""Plans: changes and obligations made into frozen data, saved, and shown. Refuses side effects."""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.plan.building import (
        Baseline,
        as_moved,
        build_plan,
        compute_changes,
        governed_globs,
        governed_paths,
        target_digests,
    )
    from chimera.plan.drafts import RecordDraft
    from chimera.plan.plan import FORMAT, Plan, PlanItem, item_digest
    from chimera.plan.saved import plan_from_json, plan_to_json, read_plan
    from chimera.plan.trees import Side, compare_trees
    from chimera.plan.waived import waivers_of

__all__ = [
    "FORMAT",
    "Baseline",
    "Plan",
    "PlanItem",
    "RecordDraft",
    "Side",
    "as_moved",
    "build_plan",
    "compare_trees",
    "compute_changes",
    "governed_globs",
    "governed_paths",
    "item_digest",
    "plan_from_json",
    "plan_to_json",
    "read_plan",
    "target_digests",
    "waivers_of",
]

import_lazily(
    __name__,
    {
        ".building": (
            "Baseline as_moved build_plan compute_changes governed_globs governed_paths "
            "target_digests"
        ),
        ".drafts": "RecordDraft",
        ".plan": "FORMAT Plan PlanItem item_digest",
        ".saved": "plan_from_json plan_to_json read_plan",
        ".trees": "Side compare_trees",
        ".waived": "waivers_of",
    },
)
