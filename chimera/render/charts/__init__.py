"""Charts as SVG, and pages around them: the same bytes for the same numbers.

What they show is `model.chart`'s. Refuses scripts, fonts and anything else that lies elsewhere.
"""
