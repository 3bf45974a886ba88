"""The stand-alone script, on an archive of the server's."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "tools" / "verify_ballots.py"


def verified(content: str, folder: Path, *options: str) -> str:
    """What the script says of an archive that holds."""
    path = folder / "archive.json"
    path.write_text(content, "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
