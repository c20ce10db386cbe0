"""Asks a server, and does something else where none answers.

After https://github.com/commercialhaskell/stack/issues/409: a test suite that fetched from the
network failed in every sandbox that has none.
"""

import pathlib
import socket

PORT = int(pathlib.Path("port").read_text())  # whoever tries this has a server there

if __name__ == "__main__":
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=2):
            said = "fetched"
    except OSError as error:
        said = f"not fetched: {error.strerror}"
    pathlib.Path("out.txt").write_text(f"{said}\n")
