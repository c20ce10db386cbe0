"""Print the SHA-256 and the path of every file below the folders that are named."""

import hashlib
import sys
from pathlib import Path

files = {path for folder in sys.argv[1:] for path in Path(folder).rglob("*") if path.is_file()}
for path in sorted(files):
    print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.as_posix()}")
