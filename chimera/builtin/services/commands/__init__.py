"""`chimera objective` and `chimera runbook`."""
