"""Takes what it cached last time for what it would compute.

After https://github.com/gradle/gradle/pull/4751: a sample's test passed once and failed the second
time, because the cache that it used lay in a home that the first had filled.
"""

import pathlib

CACHE = pathlib.Path.home() / ".cache" / "answers"

if __name__ == "__main__":
    said = "from the cache" if CACHE.exists() else "computed"
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    CACHE.write_text("42\n")
    pathlib.Path("out.txt").write_text(f"{said}: {CACHE.read_text()}")
