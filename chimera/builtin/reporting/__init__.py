"""Reports: what a day, a week or a month was like, what every change has, and what runs out.

Gathers what rooms contribute, adds what the core has to say, and writes it as Markdown, JSON, text
or one page. Refuses a clock of its own, and to leave out what could not be said.
"""
