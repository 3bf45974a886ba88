"""Campaigns: staff draw them up, another committee member publishes, neighbours give, the clock decides."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.crowdfunding import (
    Campaign,
    CampaignKind,
    CampaignOver,
    CampaignState,
    LegalPath,
    LineAdopted,
    NoSuchTeam,
    NotByTheSubmitter,
    OtherTeam,
    Pledge,
    PledgeKind,
    PledgeState,
    ResolutionNotValid,
)
from models.events import Notice
from models.ledger import AccountKind
from models.needs import Need
from models.payments import Refund, TooManyRefunds
from services import crowdfunding, ledger, needs, payments
from services.crowdfunding import BudgetItem, road
from services.ledger import Purse
from tests.passing import passed
from tests.people import People
from tests.raising import draft, money, opened, paid, refund_notice, resolution, wanted

MoveClock = Callable[[timedelta], Awaitable[None]]


async def test_a_campaign_goes_from_draft_to_open(people: People) -> None:
    made = await draft(people)
    assert made.state is CampaignState.DRAFT
    assert (await crowdfunding.submit(people.chen, made.id)).state is CampaignState.IN_REVIEW
    assert await Notice.exists(resident_id=people.zhao.id, kind="campaign.in_review")
    published = await crowdfunding.publish(people.zhao, made.id)
    assert published.state is CampaignState.OPEN
    assert [line.title for line in published.budget] == ["灯具", "安装"]
    detail = await crowdfunding.detail(people.lin, made.id)
    assert [line.verb for line in detail.timeline] == ["campaign.drafted", "campaign.submitted", "campaign.published"]


async def test_nobody_publishes_what_he_submitted(people: People) -> None:
    made = await draft(people)
    await crowdfunding.submit(people.chen, made.id)
    with pytest.raises(NotByTheSubmitter):
        await crowdfunding.publish(people.chen, made.id)
    with pytest.raises(Forbidden):
        await crowdfunding.publish(people.ma, made.id)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"legal_path": LegalPath.CHARITY}, Invalid),
        ({"budget": [BudgetItem("灯具", 99_999)]}, Invalid),
        ({"budget": [BudgetItem("灯具", 100_001)]}, Invalid),
        ({"minimum_fen": 100_001}, Invalid),
        ({"resolution_id": 999_999}, ResolutionNotValid),
    ],
)
async def test_what_does_not_fit_is_refused(people: People, changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        await draft(people, **changes)


@pytest.mark.parametrize(
    ("days", "fits"), [(timedelta(0), False), (timedelta(seconds=2), True), (timedelta(days=366), False)]
)
async def test_the_deadline_lies_within_a_year(people: People, days: timedelta, fits: bool) -> None:
    said = await wanted(people, deadline=await clock.now() + days)
    if fits:
        await crowdfunding.create(people.ma, **said)
    else:
        with pytest.raises(Invalid):
            await crowdfunding.create(people.ma, **said)


async def test_a_resolution_that_failed_or_of_another_community_is_not_cited(people: People) -> None:
    for cited in (await resolution(people.jy, people.chen, passed=False), await resolution(people.yl, people.deng)):
        with pytest.raises(ResolutionNotValid):
            await draft(people, resolution_id=cited)
    await draft(people, resolution_id=await resolution(people.jy, people.chen, passed=None))


async def needed(people: People, **changes: Any) -> Need:
    said = {"service_class": "technology", "field": "safety", "title": "楼道灯坏了", "body": "六楼全黑"}
    return await Need.create(community_id=people.jy, author_id=people.lin.id, moderation="passed", **said | changes)


async def test_needs_cited_are_shown_to_the_staff_and_linked_when_it_is_published(people: People) -> None:
    need = await needed(people, state="accepted")
    made = await draft(people, need_ids=[need.id])
    assert made.need_ids == [need.id]
    await crowdfunding.submit(people.chen, made.id)
    for who in (people.lin, people.wu, people.chen):
        shown = await needs.detail(who, need.id)
        assert (shown.links, shown.timeline, shown.need.state) == ([], [], "accepted"), "nothing tells of a draft"
    assert (await crowdfunding.publish(people.zhao, made.id)).need_ids == [need.id]
    shown = await needs.detail(people.wu, need.id)
    assert [(link.kind, link.id) for link in shown.links] == [("campaign", made.id)]
    assert [(line.verb, line.facts["subject_id"]) for line in shown.timeline] == [("need.linked", made.id)]
    assert shown.need.state == "routed"
    with pytest.raises(NotFound):
        await crowdfunding.find(people.wu, made.id)


async def test_a_draft_that_is_cancelled_was_never_linked(people: People) -> None:
    need = await needed(people)
    made = await draft(people, need_ids=[need.id])
    await crowdfunding.cancel(people.chen, made.id)
    assert (await needs.detail(people.lin, need.id)).links == []


@pytest.mark.parametrize("changes", [{"state": "withdrawn"}, {"state": "declined"}, {"elsewhere": True}])
async def test_a_campaign_cites_only_needs_of_its_community_that_stand(people: People, changes: dict[str, Any]) -> None:
    place = {"community_id": people.yl} if changes.pop("elsewhere", False) else {}
    need = await Need.create(
        **{
            "community_id": people.jy,
            "author_id": people.wu.id,
            "moderation": "passed",
            "service_class": "care",
            "field": "safety",
            "title": "灯",
            "body": "黑",
        }
        | place
        | changes
    )
    with pytest.raises(Invalid):
        await draft(people, need_ids=[need.id])


async def test_a_need_withdrawn_meanwhile_does_not_keep_a_campaign_from_being_published(people: People) -> None:
    gone, stands = await needed(people), await needed(people, title="电梯坏了")
    made = await draft(people, need_ids=[gone.id, stands.id])
    await needs.withdraw(people.lin, gone.id)
    await crowdfunding.submit(people.chen, made.id)
    await crowdfunding.publish(people.zhao, made.id)
    assert (await needs.detail(people.lin, gone.id)).links == []
    assert len((await needs.detail(people.lin, stands.id)).links) == 1


# who × what: draws up · sees the draft · sees it open · gives · cancels
WHO = [
    ("lin", False, False, True, True, False),
    ("guest", False, False, False, False, False),
    ("chen", True, True, True, True, True),
    ("zhao", True, True, True, True, True),
    ("sun", False, False, True, True, False),
    ("he", True, True, True, True, False),
    ("ma", True, True, True, True, False),
    ("wu", False, False, False, False, False),
    ("deng", False, False, False, False, False),
    ("qian", False, False, True, False, False),
    ("root", False, False, True, False, False),
]


@pytest.mark.parametrize(("who", "draws_up", "sees_draft", "sees_open", "gives", "cancels"), WHO)
async def test_who_may_do_what(
    people: People, who: str, draws_up: bool, sees_draft: bool, sees_open: bool, gives: bool, cancels: bool
) -> None:
    actor = people[who]
    said = await wanted(people)
    assert await allowed(crowdfunding.create(actor, **said)) is draws_up
    made = await draft(people)
    assert await allowed(crowdfunding.find(actor, made.id)) is sees_draft
    campaign = await opened(people)
    assert await allowed(crowdfunding.find(actor, campaign.id)) is sees_open
    listed = await crowdfunding.listed(actor, community_id=people.jy, page=Page())
    assert (campaign.id in [found.id for found in listed.items]) is sees_open
    assert await allowed(money(actor, campaign)) is gives
    assert await allowed(crowdfunding.found_team(actor, campaign.id, name="一起")) is gives
    assert await allowed(crowdfunding.cancel(actor, campaign.id)) is cancels


async def allowed(deed: Awaitable[object]) -> bool:
    try:
        await deed
    except (Forbidden, NotFound, NotVerified):
        return False
    return True


async def test_opens_at_is_waited_for(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people, opens_at=await clock.now() + timedelta(days=1))
    assert campaign.state is CampaignState.PUBLISHED
    with pytest.raises(InvalidState):
        await money(people.lin, campaign)
    await crowdfunding.open_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.PUBLISHED
    await move_clock(timedelta(days=1))
    await crowdfunding.open_due()
    assert (await money(people.lin, campaign)).state is PledgeState.AWAITING_PAYMENT


@pytest.mark.parametrize(
    ("kind", "raised", "becomes"),
    [
        (CampaignKind.ALL_OR_NOTHING, 79_999, CampaignState.FAILED),
        (CampaignKind.ALL_OR_NOTHING, 80_000, CampaignState.FUNDED),
        (CampaignKind.ALL_OR_NOTHING, 120_000, CampaignState.FUNDED),
        (CampaignKind.KEEP_WHAT_IS_RAISED, 0, CampaignState.FAILED),
        (CampaignKind.KEEP_WHAT_IS_RAISED, 1, CampaignState.FUNDED),
    ],
)
async def test_the_deadline_decides_to_the_fen(
    people: People, move_clock: MoveClock, kind: CampaignKind, raised: int, becomes: CampaignState
) -> None:
    campaign = await opened(people, kind=kind, minimum_fen=80_000)
    if raised:
        await paid(people.lin, campaign, raised)
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.OPEN
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is becomes


async def test_without_a_minimum_the_goal_decides(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 99_999)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.FAILED


async def test_goods_are_shown_apart_and_decide_nothing(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    given = await crowdfunding.pledge(
        people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯两百盏", amount_fen=200_000
    )
    await crowdfunding.receive(people.ma, given.id)
    shown = await crowdfunding.find(people.lin, campaign.id)
    assert (shown.raised_fen, shown.in_kind_fen, shown.backers, shown.progress) == (0, 200_000, 1, 0)
    assert await ledger.balance(people.jy, Purse(AccountKind.IN_KIND)) == 200_000
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.FAILED


async def test_no_pledge_after_the_deadline_although_nobody_has_decided_yet(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people)
    await move_clock(timedelta(days=7))
    with pytest.raises(CampaignOver):
        await money(people.lin, campaign)


async def test_a_campaign_past_its_deadline_waits_for_unpaid_orders_an_hour_at_most(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people)
    await money(people.lin, campaign)
    await move_clock(timedelta(days=7, minutes=59))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.OPEN
    await move_clock(timedelta(minutes=1))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.FAILED


async def test_a_funded_campaign_is_carried_out_accepted_and_settled(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign, 100_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    await move_clock(timedelta(hours=23, minutes=59))
    await crowdfunding.begin_due()
    assert (await crowdfunding.find(people.lin, campaign.id)).state is CampaignState.FUNDED
    await move_clock(timedelta(minutes=1))
    await crowdfunding.begin_due()
    await crowdfunding.accept(people.chen, campaign.id)
    settled = await crowdfunding.settle(people.chen, campaign.id)
    assert (settled.state, settled.raised_fen) == (CampaignState.SETTLED, 100_000)
    assert await ledger.balance(people.jy, Purse(AccountKind.GENERAL)) == 100_000
    assert await Notice.exists(resident_id=people.lin.id, kind="campaign.surplus_to_fund")
    assert await ledger.check_books() == []


@pytest.mark.parametrize(
    "said",
    [
        {"kind": PledgeKind.MONEY},
        {"kind": PledgeKind.MONEY, "amount_fen": 1, "hours": 1},
        {"kind": PledgeKind.IN_KIND, "item": "灯"},
        {"kind": PledgeKind.IN_KIND, "amount_fen": 1},
        {"kind": PledgeKind.TIME},
        {"kind": PledgeKind.TIME, "hours": 2, "amount_fen": 1},
        {"kind": PledgeKind.SKILL},
        {"kind": PledgeKind.ADOPTION},
        {"kind": PledgeKind.ADOPTION, "budget_line_id": 999_999},
    ],
)
async def test_each_kind_of_pledge_says_what_it_must(people: People, said: dict[str, Any]) -> None:
    campaign = await opened(people)
    with pytest.raises(Invalid):
        await crowdfunding.pledge(people.lin, campaign.id, **said)


async def test_each_kind_walks_its_own_road(people: People) -> None:
    campaign = await opened(people)
    roads = {
        PledgeState.AWAITING_PAYMENT: [
            {"kind": PledgeKind.MONEY, "amount_fen": 1},
            {"kind": PledgeKind.SALE, "amount_fen": 1, "item": "手工饼干"},
            {"kind": PledgeKind.ADOPTION, "budget_line_id": campaign.budget[0].id},
        ],
        PledgeState.PROMISED: [
            {"kind": PledgeKind.IN_KIND, "item": "灯", "amount_fen": 100},
            {"kind": PledgeKind.TIME, "hours": 3},
            {"kind": PledgeKind.SKILL, "item": "义务理发"},
        ],
    }
    for state, pledges in roads.items():
        for said in pledges:
            assert (await crowdfunding.pledge(people.lin, campaign.id, **said)).state is state  # type: ignore[arg-type]


async def test_a_budget_line_has_one_adopter(people: People) -> None:
    campaign = await opened(people)
    line = campaign.budget[0]
    adopted = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.ADOPTION, budget_line_id=line.id)
    assert adopted.amount_fen == line.amount_fen
    seen = await crowdfunding.find(people.mei, campaign.id)
    assert [one.adopted for one in seen.budget] == [True] + [False] * (len(seen.budget) - 1)
    with pytest.raises(LineAdopted):
        await crowdfunding.pledge(people.mei, campaign.id, kind=PledgeKind.ADOPTION, budget_line_id=line.id)


async def test_a_promise_may_be_withdrawn_by_its_giver_until_it_is_received(people: People) -> None:
    campaign = await opened(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2)
    with pytest.raises(NotFound):
        await crowdfunding.withdraw(people.mei, given.id)
    with pytest.raises(Forbidden):
        await crowdfunding.withdraw(people.chen, given.id)
    with pytest.raises(Forbidden):
        await crowdfunding.receive(people.lin, given.id)
    await crowdfunding.withdraw(people.lin, given.id)
    with pytest.raises(InvalidState):
        await crowdfunding.receive(people.ma, given.id)


@pytest.mark.parametrize(
    ("who", "notes"),
    [("chen", False), ("zhao", True), ("ma", True), ("he", True), ("sun", False), ("lin", False), ("qian", False)],
)
async def test_nobody_notes_that_he_gave_something_himself(people: People, who: str, notes: bool) -> None:
    campaign = await opened(people)
    given = await crowdfunding.pledge(people.chen, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=10**12)
    assert await allowed(crowdfunding.receive(people[who], given.id)) is notes
    assert (await ledger.fund(people.jy)).in_kind_fen == (10**12 if notes else 0)


ENDS = ["open", "cancelled", "failed", "funded", "implementing", "accepted", "settled"]


@pytest.mark.parametrize("end", ENDS)
async def test_goods_are_received_until_the_work_is_accepted(people: People, move_clock: MoveClock, end: str) -> None:
    campaign = await opened(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=100)
    if end in ("funded", "implementing", "accepted", "settled"):
        await paid(people.mei, campaign, 100_000)
    if end == "cancelled":
        await crowdfunding.cancel(people.chen, campaign.id)
    elif end != "open":
        await move_clock(timedelta(days=7))
        await crowdfunding.advance_due()
    if end in ("implementing", "accepted", "settled"):
        await move_clock(timedelta(days=1))
        await crowdfunding.advance_due()
    if end in ("accepted", "settled"):
        await crowdfunding.accept(people.chen, campaign.id)
    if end == "settled":
        await crowdfunding.settle(people.zhao, campaign.id, resolution_id=campaign.resolution_id)
    assert (await crowdfunding.find(people.lin, campaign.id)).state == end
    if end in ("open", "funded", "implementing"):
        assert (await crowdfunding.receive(people.ma, given.id)).state is PledgeState.RECEIVED
    else:
        with pytest.raises(InvalidState):
            await crowdfunding.receive(people.ma, given.id)
    assert await ledger.check_books() == []


async def test_a_campaign_that_cannot_be_decided_keeps_no_other_waiting(
    people: People, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = await clock.now() + timedelta(days=7)
    opening = await opened(people, opens_at=soon, deadline=soon + timedelta(days=7))
    beginning = await opened(people)
    await paid(people.lin, beginning, 100_000)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    # `opens_at` has passed by now as well, and a day later three things are due at once, the first of which fails
    poison, behind = [await opened(people, deadline=await clock.now() + timedelta(hours=23)) for _ in range(2)]
    await move_clock(timedelta(days=1))
    original = ledger.raised

    async def raised(campaign_ids: list[int]) -> dict[int, int]:
        if campaign_ids == [poison.id]:
            raise RuntimeError("poison")
        return await original(campaign_ids)

    monkeypatch.setattr(ledger, "raised", raised)
    with pytest.raises(ExceptionGroup):
        await crowdfunding.advance_due()
    states = {found.id: found.state for found in await Campaign.all()}
    assert states[poison.id] is CampaignState.OPEN
    assert states[behind.id] is CampaignState.FAILED
    assert states[opening.id] is CampaignState.OPEN
    assert states[beginning.id] is CampaignState.IMPLEMENTING


async def test_a_giver_takes_back_what_he_paid_while_it_is_open(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign)
    with pytest.raises(NotFound):
        await crowdfunding.take_back(people.mei, given.id)
    with pytest.raises(Forbidden):
        await crowdfunding.take_back(people.chen, given.id)
    assert (await crowdfunding.take_back(people.lin, given.id, reason="重复了")).state is PledgeState.REFUNDING
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 0
    with pytest.raises(InvalidState):
        await crowdfunding.take_back(people.lin, given.id)
    other = await paid(people.mei, campaign)
    await move_clock(timedelta(days=7))
    with pytest.raises(CampaignOver):
        await crowdfunding.take_back(people.mei, other.id)


async def test_a_giver_who_takes_back_fen_by_fen_cannot_keep_a_campaign_from_ending(people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign)
    for _ in range(10):
        await crowdfunding.take_back(people.lin, given.id, amount_fen=1)
        await payments.hear(await refund_notice(await Refund.get(state="requested")))
    for who, reason in ((people.lin, None), (people.chen, "重复")):
        with pytest.raises(TooManyRefunds):
            async with db.tx():
                await crowdfunding.take_back(who, given.id, amount_fen=1, reason=reason)
    await crowdfunding.cancel(people.chen, campaign.id)
    assert (await Refund.get(state="requested")).amount_fen == 4_990
    assert await ledger.check_books() == []


async def test_all_that_is_left_may_be_taken_back_after_ten_parts(people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign)
    for _ in range(10):
        await crowdfunding.take_back(people.lin, given.id, amount_fen=1)
        await payments.hear(await refund_notice(await Refund.get(state="requested")))
    await crowdfunding.take_back(people.lin, given.id, amount_fen=4_990)
    assert (await Refund.get(state="requested")).amount_fen == 4_990


async def test_more_that_fail_than_are_taken_at_once_do_not_starve_the_rest(
    people: People, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = await opened(people)
    behind = await opened(people, deadline=await clock.now() + timedelta(days=8))
    await move_clock(timedelta(days=8))
    original = ledger.raised

    async def raised(campaign_ids: list[int]) -> dict[int, int]:
        if campaign_ids == [poison.id]:
            raise RuntimeError("poison")
        return await original(campaign_ids)

    monkeypatch.setattr(ledger, "raised", raised)
    monkeypatch.setattr(road, "DUE_AT_ONCE", 1)
    for _ in range(40):
        with contextlib.suppress(ExceptionGroup):
            await crowdfunding.end_due()
    assert (await Campaign.get(id=behind.id)).state is CampaignState.FAILED


async def test_givers_are_not_named(people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign)
    await money(people.mei, campaign)
    assert len((await crowdfunding.pledges(people.wang, campaign.id, page=Page())).items) == 1
    mine = (await crowdfunding.pledges(people.mei, campaign.id, page=Page())).items
    assert [pledge.state for pledge in mine] == [PledgeState.AWAITING_PAYMENT, PledgeState.PAID]
    with pytest.raises(NotFound):
        await crowdfunding.find_pledge(people.wang, mine[1].id)


async def test_a_resident_is_in_one_team_of_a_campaign(people: People) -> None:
    campaign = await opened(people)
    lamps = await passed(await crowdfunding.found_team(people.lin, campaign.id, name="点灯队"))
    with pytest.raises(AlreadyExists):
        await passed(await crowdfunding.found_team(people.mei, campaign.id, name="点灯队"))
    with pytest.raises(OtherTeam):
        await passed(await crowdfunding.found_team(people.lin, campaign.id, name="又一队"))
    joined = await crowdfunding.join_team(people.mei, lamps.id)
    assert (joined.helpers, joined.joined) == (2, True)
    assert (await crowdfunding.join_team(people.mei, lamps.id)).helpers == 2
    other = await passed(await crowdfunding.found_team(people.wang, campaign.id, name="照明队"))
    with pytest.raises(OtherTeam):
        await crowdfunding.join_team(people.mei, other.id)
    await crowdfunding.pledge(people.mei, campaign.id, kind=PledgeKind.TIME, hours=1, team_id=lamps.id)
    found = (await crowdfunding.teams(people.lin, campaign.id, page=Page())).items
    assert [(team.name, team.helpers, team.pledges) for team in found] == [("照明队", 1, 0), ("点灯队", 2, 1)]
    elsewhere = await opened(people)
    with pytest.raises(NoSuchTeam):
        await crowdfunding.pledge(people.lin, elsewhere.id, kind=PledgeKind.TIME, hours=1, team_id=lamps.id)


async def test_cancelling_refunds_everyone(people: People) -> None:
    campaign = await opened(people)
    given = [await paid(people.lin, campaign, 100), await paid(people.mei, campaign, 200)]
    cancelled = await crowdfunding.cancel(people.chen, campaign.id, reason="物业已更换")
    assert (cancelled.state, cancelled.raised_fen) == (CampaignState.CANCELLED, 0)
    assert {pledge.state for pledge in await Pledge.filter(id__in=[one.id for one in given])} == {PledgeState.REFUNDING}
    assert await Notice.exists(resident_id=people.lin.id, kind="campaign.cancelled")
    assert await ledger.check_books() == []
    with pytest.raises(InvalidState):
        await crowdfunding.cancel(people.chen, campaign.id)
