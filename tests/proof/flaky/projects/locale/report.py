"""Says what is wrong in the language of whoever runs it.

After https://github.com/sqitchers/sqitch/issues/472: under a German locale 13 of 47 test programs
failed, for they expected the messages in English.
"""

import os
import pathlib

MESSAGES = {"de": "Unbekannte Argumente", "en": "Unknown arguments"}


def language():
    """Return the language as gettext finds it."""
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((os.environ[name] for name in names if os.environ.get(name)), "C")
    return chosen[:2] if chosen[:2] in MESSAGES else "en"


if __name__ == "__main__":
    pathlib.Path("out.txt").write_text(f'{MESSAGES[language()]}: "foo, bar"\n')
