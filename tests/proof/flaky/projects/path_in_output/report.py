"""Writes a manual page that names the folder it was built in.

After https://github.com/ParkerLab/ataqv/pull/14: the default of an option was an absolute path, and
so the build's folder stood in the manual page.
"""

import pathlib

TEMPLATES = pathlib.Path(__file__).resolve().parent / "web"

if __name__ == "__main__":
    page = f"--template-directory\n    The location of the templates (default: {TEMPLATES})\n"
    pathlib.Path("out.txt").write_text(page)
