"""The stand-alone script, on an archive of the server's."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools" / "verify_ballots.py"


def verified(content: str, folder: Path, *options: str) -> str:
    """What the script says of an archive that holds."""
    path = folder / "archive.json"
    path.write_text(content, "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def signed_by(content: str, key: str, folder: Path) -> bool:
    """What OpenSSL says of an archive's head, asked by the commands of docs/verifying.md with a published key."""
    (folder / "archive.json").write_text(content, "utf-8")
    said = (ROOT / "docs" / "verifying.md").read_text("utf-8")
    steps = [re.findall(rf"```sh {name}\n(.*?)```", said, re.DOTALL)[0] for name in ("key", "ballots")]
    steps[0] = re.sub(r"KEY='.*?'", f"KEY='{key}'", steps[0])
    done = subprocess.run(["sh", "-ec", "\n".join(steps)], cwd=folder, capture_output=True, text=True, check=False)
    return "Signature Verified Successfully" in done.stdout
