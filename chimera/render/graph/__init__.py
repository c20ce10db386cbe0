"""Pictures of graphs: a tree of text, Mermaid, DOT, SVG and HTML.

Layout stands apart from drawing. Refuses to look at a repository: it is given a `Graph`.
"""
