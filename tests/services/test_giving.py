"""Legal paths, gifts from hand to hand, time that becomes a sign-up, and names only where somebody agreed."""

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.base import Moderation
from models.crowdfunding import (
    BeneficiaryKind,
    Campaign,
    CampaignState,
    Cause,
    DocumentNoted,
    Income,
    LegalPath,
    NoPaymentHere,
    NoSuchShift,
    NotChecked,
    OnlyFromOutside,
    PersonalAppeal,
    PledgeKind,
    PledgeState,
    StruckByAnother,
)
from models.events import Event, Notice
from models.expenses import ExpenseState
from models.media import UnknownPhoto
from models.moderation import Check, CheckState, Why
from models.payments import Refund
from models.residents import ConsentPurpose
from models.slips import MatchState, SecondPerson, SlipState
from models.volunteering import ActivityKind, Shift, Signup
from services import crowdfunding, expenses, jobs, ledger, moderation, payments, residents, verification, volunteering
from services.crowdfunding import Beneficiary, Charity
from services.policies import Actor
from services.volunteering import ShiftPlan
from tests import spending
from tests.passing import passed
from tests.people import People
from tests.raising import FakePay, cash, draft, money, opened, paid, refund_notice
from tests.spending import approved, asked

CHARITY = Charity("锦城慈善基金会", "53510000MJQ1234567", "53510000MJQ1234567A26001", "https://charity.example.org/p/1")


async def evidence(uploader: Actor) -> int:
    """A picture of a document, as the upload keeps it."""
    picture = await db.value(
        "INSERT INTO pictures (sha256, width, height, going) "
        "VALUES (sha256(convert_to(clock_now()::text, 'UTF8')), 10, 10, false) RETURNING id"
    )
    made: int = await db.value(
        "INSERT INTO media (uploader_id, picture_id, purpose, moderation, check_tries) "
        "VALUES ($1, $2, 'evidence', 'passed', 0) RETURNING id",
        uploader.id,
        picture,
    )
    return made


async def by_charity(people: People, **changes: Any) -> Campaign:
    return await opened(people, legal_path=LegalPath.CHARITY, charity=CHARITY, **changes)


async def shift(people: People, *, community: str = "jy", capacity: int = 5) -> Shift:
    """A shift of two hours tomorrow."""
    staff, place = (people.ma, people.jy) if community == "jy" else (people.deng, people.yl)
    starts_at = await clock.now() + timedelta(days=1)
    made = await passed(
        await volunteering.organise(
            staff,
            community_id=place,
            kind=ActivityKind.SERVICE,
            title="装灯",
            body="一起装灯",
            shifts=[ShiftPlan(capacity, "7号楼", starts_at, starts_at + timedelta(hours=2))],
        )
    )
    return await Shift.get(activity_id=made.activity.id)


@pytest.mark.parametrize(
    "said",
    [
        {"legal_path": LegalPath.CHARITY},
        {"legal_path": LegalPath.COMMUNITY, "charity": CHARITY},
        {"legal_path": LegalPath.GOVERNMENT, "charity": CHARITY},
        {"beneficiary": Beneficiary(BeneficiaryKind.PERSON)},
        {"beneficiary": Beneficiary(BeneficiaryKind.GROUP, Cause.OTHER)},
    ],
)
async def test_each_path_says_what_it_must(people: People, said: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await draft(people, **said)


@pytest.mark.parametrize("cause", [Cause.ILLNESS, Cause.ACCIDENT, Cause.HARDSHIP])
async def test_personal_appeals_are_refused_with_the_article(people: People, cause: Cause) -> None:
    with pytest.raises(PersonalAppeal) as refused:
        await draft(people, beneficiary=Beneficiary(BeneficiaryKind.PERSON, cause, "老张"))
    assert "慈善法第一百二十四条" in refused.value.zh
    assert refused.value.code == "personal_appeal"


@pytest.mark.parametrize(
    "said",
    [
        {"title": "救救老张", "body": "患病住院，急需帮助"},
        {"beneficiary": Beneficiary(BeneficiaryKind.GROUP, None, "需要手术费的老张一家")},
        {"beneficiary": Beneficiary(BeneficiaryKind.PERSON, Cause.OTHER, "退休的门卫")},
    ],
)
async def test_what_sounds_personal_is_seen_by_a_human_first(people: People, said: dict[str, Any]) -> None:
    made = await draft(people, **said)
    assert (await Campaign.get(id=made.id)).moderation is Moderation.QUEUED
    check = await Check.get(subject_kind="campaign", subject_id=made.id)
    assert (check.state, check.why, check.community_id) == (CheckState.QUEUED, Why.PERSONAL, people.jy)
    await crowdfunding.submit(people.chen, made.id)
    with pytest.raises(NotChecked):
        async with db.tx():
            await crowdfunding.publish(people.zhao, made.id)
    with pytest.raises(NotFound):
        await crowdfunding.find(people.lin, made.id)
    with pytest.raises(Forbidden):
        await moderation.approve(people.ma, check.id)
    await moderation.approve(people.zhao, check.id)
    await crowdfunding.publish(people.zhao, made.id)
    assert (await crowdfunding.find(people.lin, made.id)).state is CampaignState.OPEN


async def test_nobody_gives_to_what_was_hidden_since(people: People) -> None:
    campaign = await opened(people)
    await Campaign.filter(id=campaign.id).update(moderation=Moderation.HIDDEN)
    with pytest.raises(NotChecked):
        async with db.tx():
            await money(people.chen, campaign)


async def test_while_a_campaign_is_hidden_nobody_pays_and_who_paid_may_take_back(people: People) -> None:
    campaign = await opened(people)
    waiting, given = await money(people.lin, campaign), await paid(people.mei, campaign)
    pay = FakePay()
    assert (await crowdfunding.look_at_pledge(people.lin, pay, waiting.id)).payment is not None  # type: ignore[arg-type]
    await Campaign.filter(id=campaign.id).update(moderation=Moderation.HIDDEN)
    with pytest.raises(NotFound):
        await money(people.lin, campaign)
    with pytest.raises(NotChecked):
        await cash(people, campaign)
    seen = await crowdfunding.look_at_pledge(people.lin, pay, waiting.id)  # type: ignore[arg-type]
    assert (seen.state, seen.payment) == (PledgeState.AWAITING_PAYMENT, None)
    assert (await crowdfunding.find_pledge(people.mei, given.id)).state is PledgeState.PAID
    assert (await crowdfunding.take_back(people.mei, given.id)).state is PledgeState.REFUNDING
    await payments.hear(await refund_notice(await Refund.get()))
    assert (await crowdfunding.find_pledge(people.mei, given.id)).state is PledgeState.REFUNDED
    assert await ledger.check_books() == []


async def test_a_charity_raises_elsewhere_and_no_payment_is_taken_here(people: People) -> None:
    campaign = await by_charity(people)
    assert campaign.charity is not None
    assert campaign.charity["platform_url"] == "https://charity.example.org/p/1"
    line = campaign.budget[0].id
    for said in (
        {"kind": PledgeKind.MONEY, "amount_fen": 100},
        {"kind": PledgeKind.SALE, "amount_fen": 100},
        {"kind": PledgeKind.ADOPTION, "budget_line_id": line},
    ):
        with pytest.raises(NoPaymentHere):
            await crowdfunding.pledge(people.lin, campaign.id, **said)  # type: ignore[arg-type]
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.SKILL, item="理发")
    assert given.state is PledgeState.PROMISED
    for who in ("guest", "wu", "deng"):
        assert (await crowdfunding.find(people[who], campaign.id)).id == campaign.id, "a charity's page is no secret"
        with pytest.raises(Forbidden):
            await crowdfunding.pledge(people[who], campaign.id, kind=PledgeKind.SKILL, item="理发")


async def test_the_committee_notes_what_the_charity_took_in_with_evidence(people: People) -> None:
    campaign = await by_charity(people)
    with pytest.raises(Invalid):
        await crowdfunding.note_income(people.chen, campaign.id, amount_fen=30_000, document_number="第1号")
    with pytest.raises(UnknownPhoto):
        await crowdfunding.note_income(
            people.chen, campaign.id, amount_fen=1, document_number="第1号", evidence_ids=[await evidence(people.zhao)]
        )
    for who in ("ma", "lin", "wu"):
        with pytest.raises(Forbidden):
            await crowdfunding.note_income(people[who], campaign.id, amount_fen=1, document_number="第1号")
    said = {"amount_fen": 30_000, "document_number": "第1号", "evidence_ids": [await evidence(people.chen)]}
    noted = await crowdfunding.note_income(people.chen, campaign.id, **said)  # type: ignore[arg-type]
    assert (await crowdfunding.find(people.lin, campaign.id)).progress == 30
    with pytest.raises(DocumentNoted):
        await crowdfunding.note_income(
            people.zhao, campaign.id, **said | {"evidence_ids": [await evidence(people.zhao)]}
        )  # type: ignore[arg-type]
    with pytest.raises(StruckByAnother):
        await crowdfunding.strike_income(people.chen, noted.id, reason="抄错了")
    await crowdfunding.strike_income(people.zhao, noted.id, reason="抄错了")
    with pytest.raises(InvalidState):
        await crowdfunding.strike_income(people.zhao, noted.id, reason="抄错了")
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 0
    again = {"evidence_ids": [await evidence(people.chen)], "amount_fen": 100_000}
    await crowdfunding.note_income(people.chen, campaign.id, **said | again)  # type: ignore[arg-type]
    shown = (await crowdfunding.incomes(people.lin, campaign.id, page=Page())).items
    assert [(one.amount_fen, one.document_number, one.struck_by_id is not None) for one in shown] == [
        (100_000, "", False),
        (30_000, "", True),
    ]


async def test_the_incomes_noted_decide_at_the_deadline(people: People, move_clock: Any) -> None:
    enough, little = [await opened(people, legal_path=LegalPath.GOVERNMENT) for _ in range(2)]
    for campaign, fen in ((enough, 100_000), (little, 99_999)):
        await granted(people, campaign, fen)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    assert (await crowdfunding.find(people.lin, enough.id)).state is CampaignState.FUNDED
    assert (await crowdfunding.find(people.lin, little.id)).state is CampaignState.FAILED


async def granted(people: People, campaign: Campaign, fen: int = 100_000) -> Income:
    """What a government document says came in, countersigned by 赵."""
    noted = await crowdfunding.note_income(
        people.chen, campaign.id, amount_fen=fen, document_number="锦民发〔2026〕12号"
    )
    await crowdfunding.sign_slip(people.zhao, noted.slip.id, SlipState.POSTED)
    return await crowdfunding.find_income(people.chen, noted.id)


async def by_government(people: People) -> Campaign:
    return await opened(people, legal_path=LegalPath.GOVERNMENT)


async def test_a_grant_enters_the_books_once_two_have_signed(people: People, move_clock: Any) -> None:
    campaign = await by_government(people)
    promise = {"unit": "物业", "for_each_fen": 2, "adds_fen": 1, "cap_fen": 9_000}
    match = await passed(await crowdfunding.promise_match(people.chen, campaign.id, **promise))  # type: ignore[arg-type]
    await crowdfunding.sign_match(people.zhao, match.id, MatchState.PROMISED)
    said = {"amount_fen": 100_000, "document_number": "锦民发〔2026〕12号"}
    noted = await crowdfunding.note_income(people.chen, campaign.id, **said)  # type: ignore[arg-type]
    assert (noted.counted, (await crowdfunding.find(people.lin, campaign.id)).raised_fen) == (False, 0)
    with pytest.raises(SecondPerson):
        async with db.tx():
            await crowdfunding.sign_slip(people.chen, noted.slip.id, SlipState.POSTED)
    await crowdfunding.sign_slip(people.zhao, noted.slip.id, SlipState.POSTED)
    assert (await crowdfunding.find_income(people.lin, noted.id)).counted
    seen = await crowdfunding.find(people.lin, campaign.id)
    assert (seen.raised_fen, seen.backers) == (100_000, 0), "a government is no neighbour"
    [line] = (await ledger.transfers(people.jy, page=Page())).items
    assert (line.debit, line.credit_campaign_id, line.amount_fen) == ("bank", campaign.id, 100_000)
    with pytest.raises(InvalidState):
        async with db.tx():
            await crowdfunding.strike_income(people.zhao, noted.id, reason="抄错了")
    for days in (7, 1):
        await move_clock(timedelta(days=days))
        await crowdfunding.advance_due()
    assert (await crowdfunding.find_match(people.lin, match.id)).owed_fen == 9_000
    made = await approved(people, await crowdfunding.find(people.chen, campaign.id), 24_000)
    assert (await expenses.pay(people.chen, made.id, reference="网银")).state is ExpenseState.PAID
    assert await verification.verify() == []


async def test_a_grant_that_was_wrong_is_turned_down_or_undone(people: People) -> None:
    campaign = await by_government(people)
    said = {"amount_fen": 100, "document_number": "第1号"}
    noted = await crowdfunding.note_income(people.chen, campaign.id, **said)  # type: ignore[arg-type]
    for wrong in (
        crowdfunding.sign_slip(people.chen, noted.slip.id, SlipState.DECLINED),
        crowdfunding.strike_income(people.chen, noted.id, reason="抄错了"),
    ):
        with pytest.raises(StruckByAnother):
            async with db.tx():
                await wrong
    assert (await crowdfunding.strike_income(people.zhao, noted.id, reason="抄错了")).slip.state is SlipState.DECLINED
    again = await crowdfunding.note_income(people.chen, campaign.id, **said)  # type: ignore[arg-type]
    await crowdfunding.sign_slip(people.zhao, again.slip.id, SlipState.DECLINED)
    assert (await crowdfunding.find_income(people.lin, again.id)).struck_by_id == people.zhao.id
    third = await granted(people, campaign)
    [line] = (await ledger.transfers(people.jy, page=Page())).items
    undoing = await crowdfunding.correct(people.zhao, line.id, note="款项未到")
    await crowdfunding.sign_slip(people.chen, undoing.id, SlipState.POSTED)
    assert (await crowdfunding.find_income(people.lin, third.id)).struck_by_id == people.zhao.id
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 0
    assert await granted(people, campaign), "the document may be noted anew"
    assert await ledger.check_books() == []


async def test_a_grant_goes_back_when_the_campaign_is_called_off(people: People) -> None:
    campaign = await by_government(people)
    noted = await granted(people, campaign)
    await crowdfunding.cancel(people.chen, campaign.id, reason="不办了")
    back = await crowdfunding.hand_back(
        people.chen, noted.slip.id, note="退回财政", evidence_ids=[await evidence(people.chen)]
    )
    await crowdfunding.sign_slip(people.zhao, back.id, SlipState.POSTED)
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 0
    assert await ledger.check_books() == []


async def test_neighbours_give_no_cash_to_what_the_government_pays(people: People) -> None:
    campaign = await by_government(people)
    with pytest.raises(NoPaymentHere):
        await cash(people, campaign)


async def test_where_a_charity_raises_nothing_is_matched_spent_or_moved(people: People, move_clock: Any) -> None:
    campaign = await by_charity(people)
    with pytest.raises(NoPaymentHere):
        async with db.tx():
            await crowdfunding.promise_match(
                people.chen, campaign.id, unit="物业", for_each_fen=1, adds_fen=1, cap_fen=100
            )
    for spent_while in ("open", "funded"):
        with pytest.raises(NoPaymentHere):
            await asked(people.ma, await crowdfunding.find(people.chen, campaign.id))
        if spent_while == "open":
            said = {"document_number": "第1号", "evidence_ids": [await evidence(people.chen)]}
            await crowdfunding.note_income(people.chen, campaign.id, amount_fen=100_000, **said)  # type: ignore[arg-type]
            await move_clock(timedelta(days=7))
            await crowdfunding.advance_due()
    surplus = await spending.funded(people, move_clock)
    await crowdfunding.accept(people.chen, surplus.id)
    with pytest.raises(NoPaymentHere):
        await crowdfunding.settle(
            people.zhao, surplus.id, to_campaign_id=campaign.id, resolution_id=surplus.resolution_id
        )


@pytest.mark.parametrize(
    ("who", "opens"), [("chen", True), ("sun", True), ("qian", True), ("ma", False), ("lin", False), ("deng", False)]
)
async def test_who_watches_the_books_opens_the_evidence(people: People, who: str, opens: bool) -> None:
    for campaign in (await by_charity(people), await by_government(people)):
        picture = await evidence(people.chen)
        noted = await crowdfunding.note_income(
            people.chen, campaign.id, amount_fen=100, document_number="第1号", evidence_ids=[picture]
        )
        seen = await crowdfunding.find_income(people[who], noted.id)
        assert [one.id for one in seen.evidence] == ([picture] if opens else []), campaign.legal_path


async def test_within_the_community_nothing_is_noted(people: People) -> None:
    campaign = await opened(people)
    with pytest.raises(OnlyFromOutside):
        await crowdfunding.note_income(people.chen, campaign.id, amount_fen=1, document_number="1")


async def test_time_for_a_shift_is_a_sign_up(people: People) -> None:
    campaign, when = await opened(people), await shift(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=when.id)
    assert given.shift_id == when.id
    assert await Signup.exists(shift_id=when.id, resident_id=people.lin.id, state="confirmed")
    await crowdfunding.withdraw(people.lin, given.id)
    assert not await Signup.exists(shift_id=when.id, resident_id=people.lin.id, state="confirmed")
    with pytest.raises(Invalid):
        await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.SKILL, item="装灯", shift_id=when.id)
    elsewhere = await shift(people, community="yl")
    with pytest.raises((Invalid, Forbidden)):
        await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=elsewhere.id)


async def test_time_is_promised_until_a_shift_is_chosen(people: People) -> None:
    campaign, first, second = await opened(people), await shift(people), await shift(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2)
    assert given.shift_id is None
    for who, refused in (("chen", Forbidden), ("mei", NotFound)):
        with pytest.raises(refused):
            await crowdfunding.choose_shift(people[who], given.id, shift_id=first.id)
    assert (await crowdfunding.choose_shift(people.lin, given.id, shift_id=first.id)).shift_id == first.id
    assert (await crowdfunding.choose_shift(people.lin, given.id, shift_id=first.id)).shift_id == first.id
    with pytest.raises(InvalidState):
        await crowdfunding.choose_shift(people.lin, given.id, shift_id=second.id)
    await volunteering.cancel(people.lin, first.id)
    assert (await crowdfunding.choose_shift(people.lin, given.id, shift_id=second.id)).shift_id == second.id
    lamps = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=100)
    with pytest.raises(InvalidState):
        await crowdfunding.choose_shift(people.lin, lamps.id, shift_id=first.id)


@pytest.mark.parametrize("what", ["shift", "activity"])
async def test_time_promised_for_a_shift_called_off_is_free_again(people: People, what: str) -> None:
    campaign, first, second = await opened(people), await shift(people), await shift(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=first.id)
    other = await crowdfunding.pledge(people.mei, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=second.id)
    if what == "shift":
        await volunteering.cancel_shift(people.ma, first.id, reason="下雨")
    else:
        await volunteering.cancel_activity(people.ma, first.activity_id, reason="下雨")
    event = await Event.get(verb=f"{what}.cancelled")
    for _ in range(2):
        await jobs.free_promises(None, event)  # type: ignore[arg-type]
    found = await crowdfunding.find_pledge(people.lin, given.id)
    assert (found.state, found.shift_id) == (PledgeState.PROMISED, None)
    assert (await crowdfunding.find_pledge(people.mei, other.id)).shift_id == second.id
    assert await Notice.filter(kind="pledge.shift_called_off").values_list("resident_id", flat=True) == [people.lin.id]
    assert (await crowdfunding.choose_shift(people.lin, given.id, shift_id=second.id)).shift_id == second.id
    assert (await crowdfunding.withdraw(people.lin, given.id)).state is PledgeState.WITHDRAWN


async def test_a_shift_that_is_nowhere_is_named_as_such(people: People) -> None:
    campaign = await opened(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2)
    with pytest.raises(NoSuchShift):
        async with db.tx():
            await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=99_999)
    with pytest.raises(NoSuchShift):
        async with db.tx():
            await crowdfunding.choose_shift(people.lin, given.id, shift_id=99_999)


async def test_goods_go_from_one_hand_to_another(people: People) -> None:
    campaign = await opened(people)
    given = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.IN_KIND, item="灯", amount_fen=100)
    with pytest.raises(Forbidden):
        await crowdfunding.hand_over(people.chen, given.id)
    first = await crowdfunding.hand_over(people.lin, given.id)
    assert first.handed_over_at is not None
    assert (await crowdfunding.hand_over(people.lin, given.id)).handed_over_at == first.handed_over_at
    assert (await crowdfunding.find(people.lin, campaign.id)).in_kind_fen == 0, "one hand is not enough"
    taken = await crowdfunding.receive(people.ma, given.id)
    assert (taken.state, taken.received_by_id) == (PledgeState.RECEIVED, people.ma.id)
    with pytest.raises(InvalidState):
        await crowdfunding.hand_over(people.lin, given.id)
    paid_for = await money(people.lin, campaign)
    with pytest.raises(InvalidState):
        await crowdfunding.hand_over(people.lin, paid_for.id)


# who asked to be named × who consented: who is named
@pytest.mark.parametrize(
    ("anonymous", "consents", "named"),
    [(True, True, False), (True, False, False), (False, False, False), (False, True, True)],
)
async def test_a_giver_is_named_by_wish_and_consent(
    people: People, anonymous: bool, consents: bool, named: bool
) -> None:
    campaign = await opened(people)
    if consents:
        await residents.consent(people.lin, ConsentPurpose.PUBLISHING, policy_version="1")
    await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=1, anonymous=anonymous)
    [gift] = (await crowdfunding.pledges(people.mei, campaign.id, page=Page())).items
    assert gift.named is named
    await residents.withdraw_consent(people.lin, ConsentPurpose.PUBLISHING)
    [gift] = (await crowdfunding.pledges(people.mei, campaign.id, page=Page())).items
    assert gift.named is False, "withdrawing the consent hides the name at once"


async def test_a_consent_is_kept_with_its_version(people: People) -> None:
    first = await residents.consent(people.lin, ConsentPurpose.PUBLISHING, policy_version="1")
    again = await residents.consent(people.lin, ConsentPurpose.PUBLISHING, policy_version="1")
    assert again.id == first.id
    second = await residents.consent(people.lin, ConsentPurpose.PUBLISHING, policy_version="2")
    assert second.id != first.id
    await residents.withdraw_consent(people.lin, ConsentPurpose.PUBLISHING)
    await residents.withdraw_consent(people.lin, ConsentPurpose.PUBLISHING)
    kept = await residents.consents(people.lin)
    assert [(one.policy_version, one.withdrawn_at is None) for one in kept] == [("2", False), ("1", False)]
    assert await residents.consents(people.mei) == []


async def test_givers_of_money_are_named_in_no_ledger_line(people: People) -> None:
    campaign = await opened(people)
    await residents.consent(people.lin, ConsentPurpose.PUBLISHING, policy_version="1")
    await paid(people.lin, campaign)
    columns = await db.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'transfers'")
    assert not {line["column_name"] for line in columns} & {"resident_id", "giver_id", "household_id"}
