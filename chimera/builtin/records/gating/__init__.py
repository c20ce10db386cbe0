"""How records act at the gate: freezes, open incidents, rollbacks, and what production owes.

Refuses to decide by what informs: badges, scores and suggestions are not read here.
"""
