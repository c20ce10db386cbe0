"""Runbooks: procedures judged, shown, and gone through by a person, step by step.

Nothing here starts by itself, and nothing that changes is done without a yes of its own. Refuses to
take evidence away before it is kept, and to restore over what was not backed up.
"""
