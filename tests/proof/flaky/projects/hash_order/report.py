"""Writes a set in the order in which it comes.

After https://github.com/twisted/twisted/issues/5746: a test that depended on the order of a
frozenset failed sporadically once hashes were randomized.
"""

import pathlib

MEMBERS = frozenset({"ann", "bob", "cleo", "dora", "emil"})

if __name__ == "__main__":
    pathlib.Path("out.txt").write_text("\n".join(MEMBERS) + "\n")
