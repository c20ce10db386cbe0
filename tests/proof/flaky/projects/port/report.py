"""Serves on a port that it takes for free.

After https://github.com/ClickHouse/ClickHouse/issues/71575: a test bound the port 44444, and failed
with `Address already in use` wherever something else had it.
"""

import pathlib
import socket

PORT = int(pathlib.Path("port").read_text())  # whoever tries this chooses one that is taken

if __name__ == "__main__":
    with socket.socket() as server:
        try:
            server.bind(("127.0.0.1", PORT))
            said = "serving"
        except OSError as error:
            said = error.strerror
    pathlib.Path("out.txt").write_text(f"{said}\n")
