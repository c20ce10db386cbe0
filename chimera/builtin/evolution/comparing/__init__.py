"""Two specs over many seeds: which finds better candidates, and which finds them sooner."""
