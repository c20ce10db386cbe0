"""Where the state lies: every path below `.chimera/`. Refuses a folder that is a link elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chimera.model import StateError

FOLDER = ".chimera"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the state of the work tree at `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        """The folder that holds all of it."""
        return self.root / FOLDER

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "state.db"

    @property
    def lock(self) -> Path:
        """The file that a writer holds locked."""
        return self.folder / "lock"

    @property
    def objects(self) -> Path:
        """The folder of values too large for the database."""
        return self.folder / "objects"

    @property
    def control(self) -> Path:
        """The folder in which other processes leave requests for a running one."""
        return self.folder / "control"

    @property
    def schemas(self) -> Path:
        """The folder of the JSON Schemas that editors read."""
        return self.folder / "schemas"

    @property
    def restoring(self) -> Path:
        """What a restore makes beside the folder before the two change places."""
        return self.root / f"{FOLDER}.restoring"

    @property
    def replaced(self) -> Path:
        """Where the old folder is for a moment, where two folders cannot change places at once."""
        return self.root / f"{FOLDER}.replaced"

    def refuse_unfinished(self) -> None:
        """Raise `StateError` where a restore was interrupted between two names."""
        if self.replaced.exists() and not self.folder.exists():
            raise StateError(
                f"a restore was interrupted, and {self.folder} is not there",
                help="run `chimera restore` again: it finishes what it began",
            )

    def create(self) -> None:
        """Make the folder, with a `.gitignore` that keeps the work tree clean."""
        self.refuse_unfinished()
        if self.folder.is_symlink():
            raise StateError(
                f"{self.folder} is a symbolic link", help="make it a folder of this work tree"
            )
        try:
            self.folder.mkdir(exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise StateError(
                f"{self.folder} cannot be written: {error.strerror}",
                help="make the folder writable and leave some room on its disk",
            ) from error

    def kept_aside(self) -> tuple[Path, ...]:
        """Return the damaged databases that were kept and that nobody has given up, by number."""
        numbered = {
            int(number): path
            for path in self.folder.glob(f"{self.database.name}.corrupt-*")
            if (number := path.name.rpartition("-")[2]).isdecimal()
            and not path.with_name(f"{path.name}.acknowledged").exists()
        }
        return tuple(path for _, path in sorted(numbered.items()))
