"""A report as text, Markdown, JSON and one page: all of them show the same figures."""
