"""Matching 配捐: a unit adds so much for each fen that neighbours give, up to a cap, and pays when it is decided."""

from fractions import Fraction

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.crowdfunding import CampaignState
from models.slips import Match, MatchState
from services import checks, events, ledger
from services.crowdfunding.changing import COMMITTEE_ONLY
from services.crowdfunding.reading import door, visible
from services.policies import Actor, require
from services.policies import crowdfunding as policies
from services.rules import matching

PROMISED_WHILE = (CampaignState.DRAFT, CampaignState.IN_REVIEW, CampaignState.PUBLISHED, CampaignState.OPEN)


@atomic()
async def promise_match(
    actor: Actor, campaign_id: int, *, unit: str, for_each_fen: int, adds_fen: int, cap_fen: int
) -> Match:
    """Enter a unit's promise to add `adds_fen` for each `for_each_fen` raised, up to `cap_fen`.

    Shown once another committee member has signed. Raises NotFound, Forbidden, InvalidState once it is decided, and
    NoPaymentHere where a charity takes the money: our books hold nothing to match.
    """
    campaign = await door(actor, campaign_id)
    require(policies.may_keep_books(actor, campaign.community_id), *COMMITTEE_ONLY)
    if campaign.state not in PROMISED_WHILE:
        raise InvalidState(campaign.state)
    made = await Match.create(
        community_id=campaign.community_id,
        campaign_id=campaign.id,
        unit=unit,
        for_each_fen=for_each_fen,
        adds_fen=adds_fen,
        cap_fen=cap_fen,
        entered_by_id=actor.id,
    )
    await checks.expect(actor, made)
    await events.record(actor, "match.entered", made, cap_fen=cap_fen)
    return await find_match(actor, made.id)


@atomic()
async def sign_match(actor: Actor, match_id: int, state: MatchState) -> Match:
    """Countersign a promise to match (PROMISED) or turn it down (DECLINED).

    Another committee member than the one who entered it does; who entered it may turn it down himself. Raises NotFound,
    Forbidden, SecondPerson, InvalidState.
    """
    found = await find_match(actor, match_id)
    require(policies.may_keep_books(actor, found.community_id), *COMMITTEE_ONLY)
    await found.move_to(state, decided_by_id=actor.id, decided_at=await clock.now())
    await events.record(actor, f"match.{state.value}", found, cap_fen=found.cap_fen)
    return await find_match(actor, found.id)


async def find_match(actor: Actor, match_id: int) -> Match:
    """One promise, with what it owes and what was paid; before it is signed for the committee only. Raises NotFound."""
    found = await Match.get_or_none(id=match_id)
    if found is None or not await visible(actor).filter(id=found.campaign_id).exists():
        raise NotFound("没有找到这笔配捐", "No such match")
    if not _is_shown(found) and not policies.may_see_books(actor, found.community_id):
        raise NotFound("没有找到这笔配捐", "No such match")
    return (await with_figures([found]))[0]


async def matches(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Match]:
    """The promises to match a campaign, newest first, with what each owes and what was paid. Raises NotFound."""
    campaign = await door(actor, campaign_id)
    query = Match.filter(campaign_id=campaign.id)
    if not policies.may_see_books(actor, campaign.community_id):
        query = query.filter(state=MatchState.PROMISED, moderation=Moderation.PASSED)
    found = await newest(query, page)
    return Listed(await with_figures(found.items), found.after)


PAID = """
SELECT match_id, sum(amount_fen)::bigint AS fen FROM slips
WHERE match_id = ANY ($1::bigint[]) AND kind = 'match' AND state = 'posted' GROUP BY match_id
"""


async def with_figures(found: list[Match]) -> list[Match]:
    """The same promises with what each owes by what is raised now, and what was paid; refunds lower what is owed."""
    raised = await ledger.raised([match.campaign_id for match in found])
    paid = {line["match_id"]: line["fen"] for line in await db.rows(PAID, [match.id for match in found])}
    for match in found:
        match.paid_fen, match.owed_fen = paid.get(match.id, 0), 0
        if match.state is MatchState.PROMISED:
            promise = matching.Promise(Fraction(match.adds_fen, match.for_each_fen), match.cap_fen)
            match.owed_fen = matching.owed(promise, raised[match.campaign_id])
    return found


def _is_shown(match: Match) -> bool:
    return match.state is MatchState.PROMISED and match.moderation is Moderation.PASSED
