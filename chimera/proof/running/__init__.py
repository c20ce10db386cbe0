"""One run of a proof: what holds for it, what it leaves behind, and how runs are compared."""
