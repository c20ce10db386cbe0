"""Joins chapters in the order in which the folder lists them.

After https://github.com/simplistix/sybil/pull/35: paths came straight from a glob, so that results
depended on the file system.
"""

import pathlib

if __name__ == "__main__":
    chapters = pathlib.Path("chapters")
    text = "".join(path.read_text() for path in chapters.iterdir())
    pathlib.Path("out.txt").write_text(text)
