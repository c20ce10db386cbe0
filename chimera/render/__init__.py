"""Results as text and JSON. Refuses to compute anything that a result does not already say."""
