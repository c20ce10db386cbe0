"""Taking a change back: suggested, proposed, carried out and watched; a person decides each time.

A rollback goes the ordinary road. Refuses clever fixes: what it restores was there before.
"""
