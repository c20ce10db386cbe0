"""Looking at runs of evolutions, while they go on and afterwards, without touching them."""
