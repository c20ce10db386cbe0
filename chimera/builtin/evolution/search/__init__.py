"""A search from its spec to its champion: problems, algorithms, islands, checkpoints."""
