"""What many teams write first: PyYAML and jsonschema over every file. A peer of `bench_check`.

    python tests/benchmarks/peer_script.py SCHEMA FOLDER

Uses PyYAML's C loader, and each kind's validator once made. Checks neither references nor layers,
policies or workflows.
"""

import json
import sys
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator


def main(schemas: Path, folder: Path) -> int:
    """Print each fault; the exit code says whether there was one."""
    validators = {
        path.stem: Draft202012Validator(json.loads(path.read_text()))
        for path in schemas.glob("*.json")
    }
    failed = 0
    for path in sorted(folder.rglob("*.yaml")):
        with path.open(encoding="utf-8") as file:
            for document in yaml.load_all(file, Loader=yaml.CSafeLoader):
                for error in validators[document["kind"]].iter_errors(document):
                    print(f"{path}: {error.message}")
                    failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
