"""Records as people read them: text for a terminal, Markdown and JSON. Refuses to judge them."""
