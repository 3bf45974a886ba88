"""Whatever a resident does, a helper does for him, with his consent on record; and he may object to it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.pages import Page
from models.base import Moderation
from models.comments import Comment
from models.crowdfunding import MoneyIsHisOwn, PledgeKind
from models.deliberations import BallotKind, Roll
from models.events import Event
from models.moderation import Check
from models.needs import Endorsement, Need, NeedField, NeedState, ServiceClass
from models.residents import Assistance, ConsentKind, Outcome, Role
from models.volunteering import Signup, SignupState
from models.wishes import Wish, WishClaim, WishClaimState, WishKind, WishState
from services import (
    assistances,
    comments,
    crowdfunding,
    deliberations,
    needs,
    notifications,
    residents,
    volunteering,
    wishes,
)
from services.policies import Actor
from services.residents import OnBehalfOf
from tests import raising
from tests.homing import agreed, registered
from tests.passing import passed
from tests.people import People
from tests.services.test_volunteering import one_shift
from tests.services.test_wishes import opened
from tests.voting import discussed

Move = Callable[[timedelta], Awaitable[None]]


async def need_of(people: People, who: str = "mei") -> Need:
    return await passed(
        await needs.submit(
            people[who],
            community_id=people.jy,
            service_class=ServiceClass.CARE,
            field=NeedField.ENVIRONMENT,
            title="楼道灯坏了",
            body="三楼",
        )
    )


async def act(people: People, person: Actor, verb: str, use_case: Any, *args: Any, **named: Any) -> Any:
    """何楼长 does it for her; 阿梅 is witness."""
    return await assistances.act(people.he, agreed(person, people.mei), verb, use_case, *args, **named)


async def every_act(people: People, person: Actor) -> dict[str, Any]:
    """What a resident can do, by verb: each ready to be done."""
    need, other_need = await need_of(people), await need_of(people, "lin")
    mine = await passed(
        await assistances.act(
            people.he,
            agreed(person, people.mei),
            "need.submitted",
            needs.submit,
            community_id=people.jy,
            service_class=ServiceClass.CARE,
            field=NeedField.ELDERLY,
            title="想找人陪着散步",
            body="每周一次",
        )
    )
    said = await passed(await needs.comment(people.mei, need.id, body="我家也是"))
    wish, other_wish = await opened(people), await opened(people, "chen")
    shift = await one_shift(people, after=100)
    campaign = await raising.opened(people)
    team = await crowdfunding.found_team(people.lin, campaign.id, name="七号楼队")
    await passed(team)
    petition = await passed(
        await deliberations.start_petition(
            people.lin, people.jy, roll=Roll.RESIDENTS, title="请召开居民会议", body="讨论路灯"
        )
    )
    vote = await discussed(people, ballot_kind=BallotKind.SINGLE, options=("甲", "乙"))
    return {
        "need.endorsed": (needs.endorse, need.id),
        "need.unendorsed": (needs.unendorse, other_need.id),
        "need.withdrawn": (needs.withdraw, mine.id),
        "comment.made": (lambda actor, id_: needs.comment(actor, id_, body="请快修"), need.id),
        "comment.supported": (comments.support, said.id),
        "comment.unsupported": (comments.unsupport, said.id),
        "wish.claimed": (wishes.claim, wish.id if wish.author_id != person.id else other_wish.id),
        "signup.made": (volunteering.sign_up, shift),
        "shift.signup_cancelled": (volunteering.cancel, shift),
        "petition.signed": (deliberations.sign, petition.id),
        "team.joined": (crowdfunding.join_team, team.id),
        "team.left": (crowdfunding.leave_team, team.id),
        "pledge.made": (
            lambda actor, id_: crowdfunding.pledge(actor, id_, kind=PledgeKind.SKILL, item="织毛衣"),
            campaign.id,
        ),
        "option_proposal.made": (
            lambda actor, id_: deliberations.propose_option(actor, id_, title="太阳能灯"),
            vote.id,
        ),
    }


async def test_every_act_is_hers_by_his_hand_and_stays_on_record(people: People) -> None:
    person = await registered(people)
    for verb, (use_case, about) in (await every_act(people, person)).items():
        await act(people, person, verb, use_case, about)
        kept = await Assistance.filter(resident_id=person.id, verb=verb).get()
        helped_by = (kept.assistant_id, kept.witness_id, kept.consent_kind)
        assert helped_by == (people.he.id, people.mei.id, ConsentKind.WITNESS), verb
    by_him = await Event.filter(actor_id=person.id).count()
    assert by_him == 0
    assert await Event.filter(actor_id=people.he.id, on_behalf_of_id=person.id).count() > 5
    assert await Endorsement.filter(resident_id=person.id).count() == 1
    comment = await Comment.filter(author_id=person.id).get()
    check = await Check.get(subject_kind="comment", subject_id=comment.id)
    assert (check.author_id, check.speaker_id) == (person.id, people.he.id)


async def test_she_objects_to_a_roll_by_his_hand(people: People) -> None:
    person, vote = await registered(people), await discussed(people)
    made = await act(people, person, "objection.made", deliberations.object_to, vote.id, reason="我不在名册上")
    assert made.author_id == person.id
    assert (await Assistance.get(resident_id=person.id)).verb == "objection.made"


async def test_nobody_pledges_anothers_money(people: People) -> None:
    person, campaign = await registered(people), await raising.opened(people)
    with pytest.raises(MoneyIsHisOwn):
        await act(people, person, "pledge.made", crowdfunding.pledge, campaign.id, kind=PledgeKind.MONEY, amount_fen=5)


@pytest.mark.parametrize(
    ("who", "consent", "refusal"),
    [
        ("lin", {"consent": ConsentKind.VOICE}, NotFound),
        ("deng", {"consent": ConsentKind.VOICE}, NotFound),
        ("sun", {"consent": ConsentKind.VOICE}, NotFound),
        ("he", {"consent": ConsentKind.WITNESS}, Invalid),
        ("he", {"consent": ConsentKind.SIGNATURE, "media_id": 999}, Invalid),
    ],
)
async def test_who_may_not_help_and_what_is_no_consent(
    people: People, who: str, consent: dict[str, Any], refusal: type[DomainError]
) -> None:
    person, need = await registered(people), await need_of(people)
    with pytest.raises(refusal):
        await assistances.act(people[who], OnBehalfOf(person.id, **consent), "need.endorsed", needs.endorse, need.id)
    assert not await Endorsement.exists(need_id=need.id)
    assert not await Assistance.exists(resident_id=person.id)


@pytest.mark.parametrize("witness", ["he", "person"])
async def test_a_witness_is_neither_of_the_two(people: People, witness: str) -> None:
    person, need = await registered(people), await need_of(people)
    seen_by = people.he if witness == "he" else person
    with pytest.raises(Invalid):
        await assistances.act(people.he, agreed(person, seen_by), "need.endorsed", needs.endorse, need.id)


async def test_evidence_is_the_helpers_own_upload(people: People) -> None:
    person, need = await registered(people), await need_of(people)
    his, anothers = await raising.evidence(people.he), await raising.evidence(people.chen)
    signed = {"resident_id": person.id, "consent": ConsentKind.SIGNATURE}
    with pytest.raises(Invalid):
        await assistances.act(
            people.he, OnBehalfOf(**signed, media_id=anothers), "need.endorsed", needs.endorse, need.id
        )
    await assistances.act(people.he, OnBehalfOf(**signed, media_id=his), "need.endorsed", needs.endorse, need.id)
    assert (await Assistance.get(resident_id=person.id)).media_id == his


async def test_her_own_roles_are_not_lent(people: People) -> None:
    """A helper of a committee member does what a resident does, not what the committee does."""
    need = await need_of(people, "lin")
    for_chen = OnBehalfOf(people.chen.id, ConsentKind.WITNESS, people.mei.id)
    with pytest.raises(Forbidden):
        await assistances.act(people.ma, for_chen, "need.accepted", needs.accept, need.id)


async def test_what_was_refused_leaves_no_trace_of_help(people: People) -> None:
    person, wish = await registered(people), await opened(people)
    await wishes.claim(people.lin, wish.id)
    with pytest.raises(DomainError):
        await act(people, person, "wish.claimed", wishes.claim, wish.id)
    assert not await Assistance.exists(resident_id=person.id)


async def test_both_read_what_was_done(people: People) -> None:
    person, need = await registered(people), await need_of(people)
    await act(people, person, "need.endorsed", needs.endorse, need.id)
    for who in (person, people.he):
        listed = await residents.assistances(who, page=Page())
        assert [one.verb for one in listed.items] == ["need.endorsed"]
    assert not (await residents.assistances(people.mei, page=Page())).items


# --- "this was not me" ------------------------------------------------------------------------------------------


async def objected(people: People, person: Actor, by: Actor | None = None) -> Assistance:
    kept = await Assistance.filter(resident_id=person.id).order_by("-id").first()
    assert kept is not None
    if by is None:
        return await assistances.object_to(person, kept.id, reason="我没有同意")
    return await assistances.object_to(by, kept.id, on_behalf_of=agreed(person, people.mei))


async def test_an_endorsement_she_did_not_want_is_undone_and_all_are_told(people: People) -> None:
    person, need = await registered(people), await need_of(people)
    await act(people, person, "need.endorsed", needs.endorse, need.id)
    found = await objected(people, person)
    assert (found.outcome, found.objected_by_id) == (Outcome.UNDONE, person.id)
    assert not await Endorsement.exists(need_id=need.id)
    for who in (person, people.he, people.chen, people.zhao):
        told = await notifications.inbox(who, page=Page(100))
        assert "assistance.objected" in [line.kind for line in told.items]
    with pytest.raises(assistances.ObjectedBefore):
        await objected(people, person)


async def test_nobody_acts_for_the_suspended(people: People) -> None:
    person, need = await registered(people), await need_of(people)
    await act(people, person, "need.endorsed", needs.endorse, need.id)
    await residents.suspend(person.id, suspended=True)
    with pytest.raises(Forbidden):
        await act(people, person, "need.unendorsed", needs.unendorse, need.id)
    assert await Endorsement.exists(need_id=need.id, resident_id=person.id)


async def test_an_objection_to_an_old_act_leaves_what_she_agreed_to_since(people: People) -> None:
    person, need = await registered(people), await need_of(people)
    await act(people, person, "need.endorsed", needs.endorse, need.id)
    old = await Assistance.get(resident_id=person.id)
    await needs.unendorse(person, need.id)
    await act(people, person, "need.endorsed", needs.endorse, need.id)
    found = await assistances.object_to(person, old.id, reason="那次我没有同意")
    assert found.outcome is Outcome.KEPT
    assert await Endorsement.exists(need_id=need.id, resident_id=person.id)


async def test_another_helper_objects_for_her_but_not_the_one_who_did_it(people: People) -> None:
    person, shift = await registered(people), await one_shift(people, after=100)
    await act(people, person, "signup.made", volunteering.sign_up, shift)
    with pytest.raises(Forbidden):
        await objected(people, person, by=people.he)
    kept = await Assistance.get(resident_id=person.id)
    with pytest.raises(Invalid):
        await assistances.object_to(people.chen, kept.id)
    with pytest.raises(NotFound):
        await assistances.object_to(people.lin, kept.id, on_behalf_of=agreed(person, people.mei))
    found = await objected(people, person, by=people.chen)
    assert (found.outcome, found.objected_by_id) == (Outcome.UNDONE, people.chen.id)
    assert (await Signup.get(shift_id=shift)).state is SignupState.CANCELLED


async def test_a_claim_is_given_back_and_words_are_hidden(people: People) -> None:
    person, wish, need = await registered(people), await opened(people), await need_of(people)
    await act(people, person, "wish.claimed", wishes.claim, wish.id)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await WishClaim.get(wish_id=wish.id)).state is WishClaimState.RELEASED
    await act(people, person, "comment.made", needs.comment, need.id, body="请快修")
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await Comment.get(author_id=person.id)).moderation is Moderation.HIDDEN


async def test_a_need_is_withdrawn_unless_something_followed(people: People) -> None:
    person = await registered(people)

    async def asked() -> Need:
        return await passed(
            await assistances.act(
                people.he,
                agreed(person, people.mei),
                "need.submitted",
                needs.submit,
                community_id=people.jy,
                service_class=ServiceClass.CARE,
                field=NeedField.ELDERLY,
                title="想找人陪着散步",
                body="每周一次",
            )
        )

    need = await asked()
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await Need.get(id=need.id)).state is NeedState.WITHDRAWN
    followed = await asked()
    await needs.endorse(people.lin, followed.id)
    assert (await objected(people, person)).outcome is Outcome.KEPT
    assert (await Need.get(id=followed.id)).state is NeedState.SUBMITTED


async def test_what_cannot_be_undone_is_objected_to_all_the_same(people: People, move_clock: Move) -> None:
    person, shift = await registered(people), await one_shift(people, after=1)
    await act(people, person, "signup.made", volunteering.sign_up, shift)
    await move_clock(timedelta(hours=2))
    found = await objected(people, person)
    assert found.outcome is Outcome.KEPT
    assert found.objected_at is not None


async def test_a_social_worker_helps_anywhere_in_the_community_a_head_only_in_his_building(people: People) -> None:
    person, need = await registered(people, "chen", host="wang"), await need_of(people)
    with pytest.raises(Forbidden):
        await assistances.act(people.he, agreed(person, people.mei), "need.endorsed", needs.endorse, need.id)
    await assistances.act(people.ma, agreed(person, people.mei), "need.endorsed", needs.endorse, need.id)
    assert (await Assistance.get(resident_id=person.id)).assistant_id == people.ma.id
    assert Role.SOCIAL_WORKER in {grant.role for grant in people.ma.grants}


async def test_who_helped_to_write_a_need_does_nothing_more_in_her_name_without_her_consent(people: People) -> None:
    person, mine = await registered(people), {"community_id": people.jy, "service_class": ServiceClass.CARE}
    said = mine | {"field": NeedField.ELDERLY, "title": "想找人陪着散步", "body": "每周一次"}
    need = await passed(await act(people, person, "need.submitted", needs.submit, **said))
    with pytest.raises(Forbidden):
        await needs.withdraw(people.he, need.id)
    await needs.accept(people.he, need.id)
    await needs.finish(people.he, need.id, note="已安排")
    with pytest.raises(Forbidden):
        await needs.rate(people.he, need.id, score=5, comment="很满意")
    await act(people, person, "need.rated", needs.rate, need.id, score=2)
    assert (await Assistance.filter(verb="need.rated").get()).resident_id == person.id
    await act(people, person, "need.reopened", needs.reopen, need.id, reason="没有来")
    assert (await Event.get(verb="need.reopened")).on_behalf_of_id == person.id


async def test_her_thanks_are_made_public_by_her_consent_alone(people: People) -> None:
    person = await registered(people)
    wish = await passed(
        await act(
            people,
            person,
            "wish.posted",
            wishes.post,
            community_id=people.jy,
            kind=WishKind.GOODS,
            title="想要一台收音机",
            body="想听戏",
        )
    )
    await wishes.approve(people.zhao, wish.id)
    await wishes.claim(people.lin, wish.id)
    await wishes.fulfil(people.lin, wish.id, note="已送到")
    with pytest.raises(Forbidden):
        await wishes.confirm(people.he, wish.id, thanks="谢谢你", thanks_public=True)
    await wishes.confirm(people.he, wish.id, thanks="谢谢你")
    with pytest.raises(Forbidden):
        await wishes.publish_thanks(people.he, wish.id, public=True)
    await act(people, person, "wish.thanks_published", wishes.publish_thanks, wish.id, public=True)


async def test_thanks_that_were_not_hers_are_hidden_although_the_wish_stays_confirmed(people: People) -> None:
    person = await registered(people)
    said = {"community_id": people.jy, "kind": WishKind.GOODS, "title": "想要一台收音机", "body": "想听戏"}
    wish = await passed(await act(people, person, "wish.posted", wishes.post, **said))
    await wishes.approve(people.zhao, wish.id)
    await wishes.claim(people.lin, wish.id)
    await wishes.fulfil(people.lin, wish.id, note="已送到")
    await act(people, person, "wish.confirmed", wishes.confirm, wish.id, thanks="谢谢你", thanks_public=True)
    assert (await objected(people, person)).outcome is Outcome.KEPT
    kept = await Wish.get(id=wish.id)
    assert (kept.state, kept.thanks_public) == (WishState.CONFIRMED, False)


@pytest.mark.parametrize("endorsed_herself", [False, True])
async def test_support_that_a_merge_carried_on_is_taken_back_there(people: People, endorsed_herself: bool) -> None:
    person, need, twin = await registered(people), await need_of(people), await need_of(people, "lin")
    await act(people, person, "need.endorsed", needs.endorse, need.id)
    if endorsed_herself:
        await needs.endorse(person, twin.id)
    await needs.merge(people.chen, need.id, into_id=twin.id)
    found = await objected(people, person)
    assert found.outcome is (Outcome.KEPT if endorsed_herself else Outcome.UNDONE)
    assert await Endorsement.exists(need_id=twin.id, resident_id=person.id) is endorsed_herself


@pytest.mark.parametrize("who", ["child", "suspended"])
async def test_nobody_is_helped_to_what_she_may_not_do_herself(people: People, who: str) -> None:
    person = await registered(people, birth_year=2020 if who == "child" else 1940)
    if who == "suspended":
        await residents.suspend(person.id, suspended=True)
    said = {"community_id": people.jy, "title": "想要一台收音机", "body": "想听戏"}
    with pytest.raises(Forbidden):
        await act(people, person, "wish.posted", wishes.post, kind=WishKind.GOODS, **said)
    said |= {"service_class": ServiceClass.CARE, "field": NeedField.ELDERLY}
    with pytest.raises(Forbidden):
        await act(people, person, "need.submitted", needs.submit, **said)


@pytest.mark.parametrize(
    ("witness", "heard"),
    [("mei", True), ("chen", True), ("qian", True), ("wu", True), ("guest", False), ("child", False), ("wang", False)],
)
async def test_who_bears_witness(people: People, witness: str, heard: bool) -> None:
    person, need = await registered(people), await need_of(people)
    seen_by = await registered(people, birth_year=2020) if witness == "child" else people[witness]
    await residents.suspend(people.wang.id, suspended=True)
    doing = assistances.act(people.he, agreed(person, seen_by), "need.endorsed", needs.endorse, need.id)
    if heard:
        await doing
    else:
        with pytest.raises(Invalid):
            await doing


async def test_the_record_of_help_is_read_where_she_lives(people: People) -> None:
    person, need = await registered(people, "chen", host="wang"), await need_of(people)
    await assistances.act(people.ma, agreed(person, people.mei), "need.endorsed", needs.endorse, need.id)
    kept = await Assistance.get(resident_id=person.id)
    for reader in (people.chen, people.ma, person):
        assert (await residents.find_assistance(reader, kept.id)).id == kept.id
    with pytest.raises(NotFound):
        await residents.find_assistance(people.he, kept.id)
