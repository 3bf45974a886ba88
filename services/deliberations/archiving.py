"""What remains of a closed vote: its archive, signed and published; of a secret vote no other trace of any ballot."""

import base64
import json
from typing import Any

from app.core import db, signing
from models.deliberations import Archive, Deliberation, Option
from services.deliberations import rolls
from services.deliberations.counting import method_of
from services.deliberations.terms import applied
from services.rules import archive
from services.rules.archive import Cast, Roll
from services.rules.notes import Key

# In the order of their receipts, which nobody chose: not of their storage.
BALLOTS = """
SELECT b.choice, b.receipt, e.area_cm2 FROM ballots b JOIN electors e ON e.id = b.elector_id
WHERE b.deliberation_id = $1
UNION ALL
SELECT choice, receipt, NULL FROM secret_ballots WHERE deliberation_id = $1
ORDER BY receipt
"""


async def keep(deliberation: Deliberation, resolution_number: str | None) -> Archive:
    """Write the archive of a vote that has just been counted."""
    terms = applied(deliberation)
    content = archive.build(
        deliberation_id=deliberation.id,
        question=deliberation.title,
        options=[_option(option) for option in deliberation.options],
        method=method_of(deliberation),
        secret=deliberation.secret,
        rule=deliberation.rule,
        preset=terms.preset,
        roll=Roll(deliberation.roll, await rolls.lines_of(deliberation), deliberation.roll_area_cm2 or 0),
        ballots=[
            Cast(json.loads(line["choice"]), line["receipt"], line["area_cm2"] or 0)
            for line in await db.rows(BALLOTS, deliberation.id)
        ],
        resolution_number=resolution_number,
    )
    head = archive.head_text(content)
    return await Archive.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        digest=head.split()[2],
        content=_signed(content, head).decode(),
    )


async def forget_secrets(deliberation: Deliberation) -> None:
    """Empty the box of a secret vote that is over, and write its roll again in one go: nothing joins the two."""
    if deliberation.secret:
        await db.execute("DELETE FROM secret_ballots WHERE deliberation_id = $1", deliberation.id)
        await db.execute("UPDATE electors SET has_voted = has_voted WHERE deliberation_id = $1", deliberation.id)


def _option(option: Option) -> archive.Option:
    return archive.Option(option.id, option.title, option.cost_fen, option.external_id)


def _signed(content: dict[str, Any], head: str) -> bytes:
    signer = signing.signer()
    key = Key(signer.name, signer.public_key)
    return archive.publish(content, key_id=key.id.hex(), signature=base64.b64encode(signer.sign(head)).decode())
