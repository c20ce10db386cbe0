"""Pictures of runs and comparisons, as SVG and as pages that need nothing but themselves."""
