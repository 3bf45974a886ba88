"""`linli verify`: recompute from rows what must hold, and name everything that does not."""

import time
from dataclasses import dataclass

from app.core import db, logs
from models.transparency import Verification
from services import deliberations, expenses, ledger, notifications, payments, statistics, transparency, volunteering
from services.verification.fund import check_fund

log = logs.get("linli.verify")

# Each question finds what must not be; its sentence says so of the row found.
QUESTIONS: dict[str, str] = {
    "need {id} counts {endorsements} endorsements, {rows} are there": """
        SELECT n.id, n.endorsements, count(e.id) AS rows FROM needs n LEFT JOIN endorsements e ON e.need_id = n.id
        GROUP BY n.id HAVING n.endorsements <> count(e.id)""",
    "comment {id} counts {supports} supports, {rows} are there": """
        SELECT c.id, c.supports, count(s.id) AS rows FROM comments c LEFT JOIN comment_supports s ON s.comment_id = c.id
        GROUP BY c.id HAVING c.supports <> count(s.id)""",
    "petition {id} counts {signatures} signatures, {rows} are there": """
        SELECT p.id, p.signatures, count(s.id) AS rows FROM petitions p
        LEFT JOIN petition_signatures s ON s.petition_id = p.id GROUP BY p.id HAVING p.signatures <> count(s.id)""",
    "meeting {id} says {present} came, {rows} were entered": """
        SELECT m.id, m.present, count(a.id) AS rows FROM meetings m LEFT JOIN attendances a ON a.meeting_id = m.id
        WHERE m.state = 'held' GROUP BY m.id HAVING m.present > count(a.id)""",
    "deliberation {id} says {roll_size} electors, {rows} are on the roll": """
        SELECT d.id, d.roll_size, count(e.id) AS rows FROM deliberations d
        LEFT JOIN electors e ON e.deliberation_id = d.id
        WHERE d.roll_size IS NOT NULL GROUP BY d.id HAVING d.roll_size <> count(e.id)""",
    "deliberation {deliberation_id} is over and keeps {rows} secret ballots": """
        SELECT s.deliberation_id, count(*) AS rows FROM secret_ballots s
        JOIN deliberations d ON d.id = s.deliberation_id WHERE d.state <> 'voting' GROUP BY s.deliberation_id""",
    "deliberation {deliberation_id} marks {marked} as voted, {rows} secret ballots lie in its box": """
        SELECT d.id AS deliberation_id, (SELECT count(*) FROM electors WHERE deliberation_id = d.id AND has_voted)
            AS marked, (SELECT count(*) FROM secret_ballots WHERE deliberation_id = d.id) AS rows
        FROM deliberations d WHERE d.secret AND d.state = 'voting'
            AND (SELECT count(*) FROM electors WHERE deliberation_id = d.id AND has_voted)
                <> (SELECT count(*) FROM secret_ballots WHERE deliberation_id = d.id)""",
    "resident {resident_id} lives in {homes} households at once": """
        SELECT resident_id, count(*) AS homes FROM memberships WHERE until_at IS NULL
        GROUP BY resident_id HAVING count(*) > 1""",
    "job {id} ({entrypoint}) is held after its last attempt": """
        SELECT id, entrypoint FROM pgqueuer WHERE status = 'failed'""",
}


async def verify() -> list[str]:
    """A sentence for everything that is not as it must be; none when all is."""
    found = await ledger.check_books() + await expenses.check_expenses() + await payments.check_bills()
    found += await check_fund()
    found += [f"shift {id_} miscounts its places" for id_ in await volunteering.miscounted()]
    found += [f"deliberation {id_} has another roll than it published" for id_ in await deliberations.altered_rolls()]
    found += [
        "credit {id} says {amount}, its entries add up to {entries}".format(**line)
        for line in await notifications.miscounted()
    ]
    found += await statistics.check_figures()
    for sentence, question in QUESTIONS.items():
        found += [sentence.format(**line) for line in await db.rows(f"{question} LIMIT 100")]
    return found + await transparency.check_log()


async def verify_by_the_clock() -> list[str]:
    """Verify, raise an alarm for each violation, and note that it was done; what was found."""
    started = time.monotonic()
    found = await verify()
    for violation in found:
        log.error("violation", says=violation)
    await Verification.create(violations=len(found), took_ms=int((time.monotonic() - started) * 1000))
    return found


@dataclass(frozen=True)
class Verified:
    """The last time that the clock had everything verified."""

    violations: int
    age_s: float


async def last() -> Verified | None:
    """What the hourly verification found last; None before the first."""
    found = await db.row(
        "SELECT violations, extract(epoch FROM clock_now() - created_at)::float AS age_s FROM verifications "
        "ORDER BY id DESC LIMIT 1"
    )
    return Verified(**found) if found else None
