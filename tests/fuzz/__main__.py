"""Fuzz a target with atheris: `python -m tests.fuzz reader --seconds 600 --seed 1`.

Starts from the seeds in `corpus/` and what earlier runs found (`--found FOLDER`), and ends with the
number of executions and the size of the corpus, for the README. Needs `pip install atheris`, which
has wheels for Linux and Python up to 3.12 or so; the suite itself replays the seeds without it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
HANG_SECONDS = 2
LONGEST = 4096
"""Bytes of one input: enough for any construct, short enough for many executions."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=["reader", "foreign", "differ", "policy", "evidence"])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("/tmp/chimera-fuzz"))
    options = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["chimera"]):
        from tests.fuzz.targets import TARGETS

    found = options.found / options.target
    found.mkdir(parents=True, exist_ok=True)
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={options.seconds}",
            f"-seed={options.seed}",
            f"-timeout={HANG_SECONDS}",
            f"-max_len={LONGEST}",
            "-rss_limit_mb=4096",
            f"-dict={HERE / 'words.dict'}",
            "-print_final_stats=1",
            f"-artifact_prefix={found.parent}/{options.target}-",
            str(found),
            str(HERE / "corpus" / options.target),
        ],
        TARGETS[options.target],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
