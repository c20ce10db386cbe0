"""Guards: kill switches that stop what is applied in their scope.

Owns the Guard kind. Refuses to let anything through: a guard may only stop.
"""
