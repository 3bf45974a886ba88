"""Leaving: personal data is erased, what the law keeps stays under a pseudonym (个保法 47).

What stays, and by which law, is written in docs/privacy.md; a test holds that page against the tables.
"""

from contextlib import suppress
from dataclasses import replace

from app.core import db
from app.core.db import atomic
from app.core.errors import Conflict, NotFound
from models.residents import Resident
from services import crowdfunding, deliberations, events, needs, residents, volunteering, wishes
from services.policies import Actor

PSEUDONYM = "已注销的邻居"
ERASED = "（作者已注销，内容已删除）"


class UnfinishedDuties(Conflict):
    code = "unfinished_duties"
    zh = "还有未了的事项，请先办结或撤回后再注销"
    en = "Something is unfinished; end it or take it back first"


# Where others wait for him, or money is on its way: an order lives 15 minutes, a claim on his wish seven days.
DUTIES = """
SELECT 'pledge:' || id AS duty FROM pledges WHERE giver_id = $1 AND state = 'awaiting_payment'
UNION ALL SELECT 'wish:' || id FROM wishes WHERE author_id = $1 AND state = 'claimed'
UNION ALL SELECT 'expense:' || id FROM expenses
    WHERE $1 IN (requester_id, payee_resident_id) AND state IN ('requested', 'approved')
ORDER BY 1 LIMIT 50
"""
NEEDS = "SELECT id FROM needs WHERE author_id = $1 AND state = 'submitted' AND endorsements = 0"
PETITIONS = "SELECT id FROM petitions WHERE author_id = $1 AND state = 'open'"
WISHES = "SELECT id FROM wishes WHERE author_id = $1 AND state IN ('in_review', 'open')"

# What others were told of a text of his names it by its title.
TOLD = """
UPDATE notices SET params = params || jsonb_build_object('title', '{erased}') WHERE params ? 'title'
    AND subject_kind = '{kind}' AND subject_id IN (SELECT id FROM {table} WHERE author_id = $1)
"""
# So does what they were told when two needs became one.
TOLD_OF_TWINS = (
    """
    UPDATE notices o SET params = params || jsonb_build_object('into', '{erased}') FROM needs twin JOIN needs his
        ON his.id = twin.merged_into_id
    WHERE his.author_id = $1 AND o.subject_kind = 'need' AND o.subject_id = twin.id AND o.params ? 'into'
    """,
    """
    UPDATE notices o SET params = params || jsonb_build_object('from_title', '{erased}') FROM needs his
    WHERE his.author_id = $1 AND o.subject_kind = 'need' AND o.subject_id = his.merged_into_id
        AND o.params ->> 'from_title' = his.title
    """,
)
HOMES = "SELECT household_id FROM memberships WHERE resident_id = $1"
OF_HIS_OWN = f"""
EXISTS (SELECT 1 FROM events e WHERE (e.facts->>'reason_id')::bigint = r.id AND (
    e.verb IN ('assistance.objected', 'need.rated', 'need.reopened', 'representative_change.proposed',
        'service_record.disputed', 'wish.disputed', 'wish.extension_asked')
    OR e.verb = 'membership.ended' AND (e.facts->>'household_id')::bigint IN ({HOMES})
    OR e.verb = 'representative_change.declined' AND e.subject_id IN (
        SELECT id FROM representative_changes WHERE household_id IN ({HOMES}))
    OR e.verb = 'pledge.refunding' AND e.subject_id IN (SELECT id FROM pledges WHERE giver_id = $1)))
"""
"""Whether a reason `r` is what a resident says for himself or his household; those given in an office stay."""

# Each statement is about resident $1. Uploads go last: rows above still point at them.
ERASE = (
    # what was told to him, asked of him and sent to him
    "DELETE FROM notices n WHERE resident_id = $1 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notice_id = n.id)",
    "UPDATE notices SET params = '{}' WHERE resident_id = $1",
    "UPDATE deliveries SET state = 'given_up' WHERE resident_id = $1 AND state = 'waiting'",
    "UPDATE deliveries SET msgid = NULL, error = NULL WHERE resident_id = $1",
    "DELETE FROM notice_preferences WHERE resident_id = $1",
    "DELETE FROM idempotency_keys WHERE resident_id = $1",
    "DELETE FROM pushes WHERE openid = (SELECT openid FROM residents WHERE id = $1)",
    # where he lived and served
    "UPDATE consents SET withdrawn_at = clock_now() WHERE resident_id = $1 AND withdrawn_at IS NULL",
    "UPDATE household_claims SET state = CASE WHEN state = 'pending' THEN 'declined' ELSE state END, "
    "unit = '-', room = '-', birth_year = NULL, of_age = false, birth_date_sealed = NULL WHERE resident_id = $1",
    "UPDATE role_grants SET until_at = clock_now() "
    "WHERE resident_id = $1 AND (until_at IS NULL OR until_at > clock_now())",
    "UPDATE representatives SET until_on = "
    "greatest(from_on + 1, (clock_now() AT TIME ZONE 'Asia/Shanghai')::date) "
    "WHERE resident_id = $1 AND until_on > (clock_now() AT TIME ZONE 'Asia/Shanghai')::date",
    "UPDATE guardianships SET ended_at = clock_now(), ended_by_id = $1 "
    "WHERE $1 IN (child_id, guardian_id) AND ended_at IS NULL",
    "UPDATE invitations SET revoked_at = clock_now() WHERE made_by_id = $1 AND used_at IS NULL AND revoked_at IS NULL",
    "UPDATE resident_links SET state = 'declined' WHERE $1 IN (recorded_id, newcomer_id) AND state = 'pending'",
    "UPDATE representative_changes SET state = 'withdrawn' "
    "WHERE $1 IN (resident_id, proposed_by_id) AND state = 'pending'",
    # what he wrote to one person, or nobody has seen
    f"UPDATE wishes SET title = '{ERASED}', body = '{ERASED}', thanks = NULL, thanks_public = false, "
    "attested_ground = NULL, photo_consent = false WHERE author_id = $1",
    TOLD.format(erased=ERASED, kind="wish", table="wishes"),
    "UPDATE wish_contacts SET words_sealed = NULL, withdrawn_at = coalesce(withdrawn_at, clock_now()) "
    "WHERE wish_id IN (SELECT id FROM wishes WHERE author_id = $1)",
    f"UPDATE wish_statements SET body = '{ERASED}' WHERE author_id = $1",
    "UPDATE units SET state = 'ended' WHERE contact_id = $1",
    "UPDATE wish_claims SET note = NULL WHERE resident_id = $1",
    "UPDATE signups SET note = NULL WHERE resident_id = $1",
    "UPDATE volunteers SET skills = '[]', calendar_hash = NULL WHERE resident_id = $1",
    "UPDATE volunteer_team_members SET state = 'left' WHERE resident_id = $1 AND state IN ('asked', 'member')",
    "UPDATE volunteer_teams SET leader_id = NULL WHERE leader_id = $1",
    "UPDATE certificates SET name_sealed = NULL, document_sealed = NULL WHERE resident_id = $1",
    "UPDATE pledges SET message = NULL, anonymous = true WHERE giver_id = $1",
    "UPDATE checks SET plea = CASE WHEN appeal_of_id IS NOT NULL THEN '-' END, trace_ids = '[]' WHERE author_id = $1",
    "UPDATE checks SET state = 'replaced' WHERE author_id = $1 AND state IN ('pending', 'queued') "
    "AND subject_kind IN ('nickname', 'media', 'wish', 'wish_thanks', 'wish_claim', 'wish_statement', 'signup', "
    "'pledge')",
    # himself
    f"UPDATE residents SET left_at = clock_now(), nickname = '{PSEUDONYM}', nickname_wanted = NULL, "
    "nickname_moderation = 'passed', avatar_id = NULL, wanted_avatar_id = NULL, openid = NULL, unionid = NULL, "
    "name_sealed = NULL, phone_sealed = NULL, phone_index = NULL, birth_year = NULL, of_age = false, "
    "of_age_at = NULL, of_fourteen = false, birth_date_sealed = NULL WHERE id = $1",
    "DELETE FROM attachments a USING media m "
    "WHERE m.id = a.media_id AND m.uploader_id = $1 AND m.purpose <> 'evidence'",
    "DELETE FROM media m WHERE uploader_id = $1 AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.media_id = m.id) "
    "AND NOT EXISTS (SELECT 1 FROM assistances s WHERE s.media_id = m.id) "
    "AND NOT EXISTS (SELECT 1 FROM guardianships g WHERE g.media_id = m.id)",
    "DELETE FROM sessions WHERE resident_id = $1",
)
ERASE_TEXTS = (
    *(told.format(erased=ERASED) for told in TOLD_OF_TWINS),
    f"UPDATE needs SET title = '{ERASED}', body = '{ERASED}' WHERE author_id = $1",
    TOLD.format(erased=ERASED, kind="need", table="needs"),
    f"UPDATE reasons r SET text = '{ERASED}' WHERE author_id = $1 AND {OF_HIS_OWN}",
    f"UPDATE household_claims SET reason = '{ERASED}' WHERE decided_by_id = $1 AND reason IS NOT NULL "
    f"AND (building_id, unit, room) IN (SELECT building_id, unit, room FROM households WHERE id IN ({HOMES}))",
    f"UPDATE reports SET reason = '{ERASED}' WHERE reporter_id = $1",
    f"UPDATE comments SET body = '{ERASED}' WHERE author_id = $1",
    f"UPDATE petitions SET title = '{ERASED}', body = '{ERASED}' WHERE author_id = $1",
    TOLD.format(erased=ERASED, kind="petition", table="petitions"),
    f"UPDATE option_proposals SET title = '{ERASED}', "
    "state = CASE WHEN state = 'proposed' THEN 'withdrawn' ELSE state END WHERE author_id = $1",
    f"UPDATE objections SET reason = '{ERASED}' WHERE author_id = $1",
    f"UPDATE volunteer_teams SET body = '{ERASED}' WHERE founder_id = $1",
    f"UPDATE disclosure_questions SET body = '{ERASED}' WHERE author_id = $1",
    "UPDATE checks SET state = 'replaced' WHERE author_id = $1 AND state IN ('pending', 'queued') "
    "AND subject_kind IN ('need', 'comment', 'disclosure_question', 'petition', 'option_proposal', 'objection', "
    "'volunteer_team')",
)


@atomic(limit_s=60)
async def leave(actor: Actor, *, erase_texts: bool = False) -> None:
    """Erase the actor's personal data and end all he is; again changes nothing. `erase_texts`: his public words too.

    He gives back what he holds (claims, seats, promises, roles); refunds under way go on. Raises UnfinishedDuties,
    LastOfficer.
    """
    left_at = await db.row("SELECT left_at FROM residents WHERE id = $1 FOR UPDATE", actor.id)
    if left_at is None:
        raise NotFound
    if left_at["left_at"] is not None:
        return
    duties = [line["duty"] for line in await db.rows(DUTIES, actor.id)]
    if duties:
        raise UnfinishedDuties(duties=duties)
    able = replace(actor, suspended=False)
    await _give_back(able)
    if erase_texts:
        for line in await db.rows(NEEDS, actor.id):
            await needs.withdraw(able, line["id"])
        for line in await db.rows(PETITIONS, actor.id):
            await deliberations.withdraw_petition(able, line["id"])
    with suppress(residents.NoHome):
        await residents.leave_household(able)
    await events.record(actor, "resident.left", await Resident.get(id=actor.id), texts=erase_texts)
    for statement in (*ERASE, *(ERASE_TEXTS if erase_texts else ())):
        await db.execute(statement, actor.id)


async def _give_back(actor: Actor) -> None:
    """Release what others could have. A seat it is too late to cancel, or taken already, stays his."""
    await wishes.release_all(actor)
    for line in await db.rows(WISHES, actor.id):
        await wishes.withdraw(actor, line["id"])
    await crowdfunding.withdraw_all(actor)
    await volunteering.give_up_all(actor)
