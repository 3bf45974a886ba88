"""Folders in memory: a cloned database is more than a thousand files, which disks are slow to make."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108
ROOM = 4 * 1024**3
"""Bytes that must be free; what a run of all tests takes is far less."""


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A folder for the block, in memory where there is room, else on disk."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    if roomy:
        _sweep(prefix)
        roomy = shutil.disk_usage(MEMORY).free > ROOM
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=MEMORY if roomy else None, ignore_cleanup_errors=True) as name,
        (Path(name) / "new").open("w") as held,
    ):
        fcntl.flock(held, fcntl.LOCK_EX)
        made = Path(name)
        (made / "new").rename(made / "held")  # only now may others try it
        yield made


def _sweep(prefix: str) -> None:
    """Remove what killed runs left behind; PostgreSQL ends by itself when its files are gone."""
    for held in MEMORY.glob(f"{prefix}*/held"):
        try:
            with held.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(held.parent, ignore_errors=True)
        except OSError:  # held by a run that is alive, or somebody else's
            continue
