"""Which level fits, as text and JSON: the level, why, and the questions that tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.builtin.records.assessing import Asked, Assessed
    from chimera.model import Address
    from chimera.render.paint import Paint


def assessed_text(assessed: Assessed, paint: Paint) -> str:
    """Return the level with what it means, why, and every question with its answer."""
    level = assessed.level
    lines = [
        f"{paint(level.id, 'bold')}  {level.name}",
        f"  because   {assessed.why}",
        f"  meaning   {level.meaning}",
        f"  response  {level.response}",
    ]
    if not assessed.is_sure:
        lines.append(
            paint(
                "  not sure: --answer NUMBER=yes or no says more; lowering it is always acceptable",
                "warn",
            )
        )
    lines.append("")
    lines += [_asked(one, paint) for one in assessed.asked]
    return "\n".join(lines).rstrip()


def _asked(one: Asked, paint: Paint) -> str:
    question = one.question
    said = one.reply or (f"the text: {', '.join(one.words)}" if one.words else "open")
    text = f"  {question.number:>2}  {question.level.id:<6}  {question.text}  [{said}]"
    return paint(text, "bold") if one.counts else paint(text, "dim")


def assessed_json(assessed: Assessed, model: Address) -> dict[str, Any]:
    """Return the level and why as JSON."""
    return {
        "format": "chimera-severity/1",
        "model": str(model),
        "level": assessed.level.id,
        "rank": assessed.level.rank,
        "why": assessed.why,
        "sure": assessed.is_sure,
        "questions": [
            {
                "number": one.question.number,
                "level": one.question.level.id,
                "question": one.question.text,
                "answer": one.reply,
                "words": list(one.words),
            }
            for one in assessed.asked
        ],
    }
