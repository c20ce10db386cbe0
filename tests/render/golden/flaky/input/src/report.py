import os
import pathlib

TITLE = "colour"


def capped(value):
    if value > 40:
        return 40
    return value


if __name__ == "__main__":
    lines = [TITLE, f"seed {os.environ['PYTHONHASHSEED']}", f"answer {capped(42)}"]
    pathlib.Path("report.txt").write_text("\n".join(lines) + "\n")
    pathlib.Path("report.bin").write_bytes(bytes(range(20)) + bytes([lines[1].encode()[-1]]))
