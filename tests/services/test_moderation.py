"""Nobody reads what was not checked: by WeChat, or, where it is in doubt, by a human."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import Forbidden, InvalidState, NotFound
from app.core.pages import Page
from app.gateways.errors import WxBadArgument, WxInactive, WxQuota, WxUnavailable
from app.gateways.wechat import Scene, Suggest, Verdict
from models.base import Moderation
from models.events import Event
from models.moderation import Check, CheckState, Why
from models.needs import Need, NeedField, ServiceClass
from models.residents import ConsentKind, Resident, Role
from services import assistances, comments, events, jobs, moderation, needs, notifications, residents, wishes
from services.moderation import texts
from services.moderation.checking import PATIENCE_S, TRIES_MAX
from services.policies import Actor
from services.residents import OnBehalfOf
from tests.homing import KEYS
from tests.passing import check_now, passed
from tests.people import People

MoveClock = Callable[[timedelta], Awaitable[None]]
EVERYTHING = Page(100)


@dataclass
class FakeWechat:
    """WeChat with a list of risky and doubtful words, or out of order; `asked` is what it was asked in whose name."""

    error: Exception | None = None
    asked: list[tuple[str, Scene, str]] = field(default_factory=list)

    async def check_text(self, openid: str, scene: Scene, content: str) -> Verdict:
        assert len(content) <= 2_500
        self.asked.append((openid, scene, content))
        if self.error:
            raise self.error
        if "骗钱" in content:
            return Verdict(Suggest.RISKY, 20008, f"t{len(self.asked)}")
        if "可疑" in content:
            return Verdict(Suggest.REVIEW, 20012, f"t{len(self.asked)}")
        return Verdict(Suggest.PASS, 100, f"t{len(self.asked)}")


@pytest.fixture
def wechat() -> Any:
    return FakeWechat()


async def written(people: People, who: str = "lin", on_behalf_of: OnBehalfOf | None = None, **more: Any) -> Need:
    said = {"title": "楼道灯坏了", "body": "三层的灯坏了一周"} | more
    said |= {"community_id": people.jy, "service_class": ServiceClass.CARE, "field": NeedField.SAFETY}
    return await assistances.act(people[who], on_behalf_of, "need.submitted", needs.submit, **said)


async def check_of(kind: str, subject_id: int) -> Check:
    return await Check.filter(subject_kind=kind, subject_id=subject_id).order_by("-id").first()  # type: ignore[return-value]


async def told(actor: Actor) -> list[str]:
    """His inbox in Chinese, after the jobs owed so far were done twice."""
    for event in await Event.filter(verb__in=["check.hidden", "check.approved"]):
        for _ in range(2):
            await jobs.tell_author(None, event)  # type: ignore[arg-type]
    return [line.zh for line in (await notifications.inbox(actor, page=EVERYTHING)).items]


async def seen_by(actor: Actor, need: Need) -> Moderation | None:
    try:
        return (await needs.find(actor, need.id)).moderation
    except NotFound:
        return None


async def test_it_is_checked_at_once_in_its_authors_name(people: People, wechat: Any) -> None:
    need = await written(people)
    assert need.moderation is Moderation.CHECKING
    assert await seen_by(people.mei, need) is None
    assert await check_now(wechat, people.lin)
    assert wechat.asked == [("lin", Scene.FORUM, "楼道灯坏了\n三层的灯坏了一周")]
    assert await seen_by(people.mei, need) is Moderation.PASSED
    check = await check_of("need", need.id)
    assert (check.state, check.suggest, check.label, check.trace_ids) == (CheckState.PASSED, "pass", 100, ["t1"])
    assert not await check_now(wechat, people.lin), "nothing is left to check"
    assert await told(people.lin) == []


async def test_what_is_risky_is_hidden_and_its_author_understands_why(people: People, wechat: Any) -> None:
    need = await written(people, body="快来骗钱")
    await check_now(wechat, people.lin)
    assert await seen_by(people.mei, need) is None
    assert await seen_by(people.lin, need) is Moderation.HIDDEN
    assert await seen_by(people.chen, need) is Moderation.HIDDEN, "the staff concerned see it"
    assert await told(people.lin) == ["您发布的内容未予显示：疑似欺诈"]
    line = (await notifications.inbox(people.lin, page=EVERYTHING)).items[0]
    assert (line.en, line.subject_kind, line.subject_id) == (
        "What you wrote is not shown: it looks like fraud",
        "need",
        need.id,
    )
    assert (await moderation.queue(people.chen, page=EVERYTHING)).items == []


async def test_what_is_in_doubt_waits_for_the_committee_and_is_shown_then(people: People, wechat: Any) -> None:
    need = await written(people, body="有点可疑")
    await check_now(wechat, people.lin)
    assert await seen_by(people.mei, need) is None
    (waiting,) = (await moderation.queue(people.ma, community_id=people.jy, page=EVERYTHING)).items
    assert (waiting.subject_kind, waiting.subject_id, waiting.texts) == ("need", need.id, ["楼道灯坏了", "有点可疑"])
    assert (waiting.suggest, waiting.label, waiting.why) == ("review", 20012, Why.REVIEW)
    assert waiting.author == "小**"
    decided = await moderation.approve(people.chen, waiting.id)
    assert decided.state is CheckState.PASSED
    assert await seen_by(people.mei, need) is Moderation.PASSED
    assert await told(people.lin) == ["您发布的内容已通过人工审核"]
    event = await Event.get(verb="check.approved")
    assert (event.actor_id, event.subject_id, event.community_id) == (people.chen.id, waiting.id, people.jy)
    assert (await moderation.queue(people.chen, page=EVERYTHING)).items == []
    with pytest.raises(InvalidState):
        await moderation.hide(people.zhao, waiting.id, reason="再想想")


async def test_a_human_hides_with_a_reason_that_is_checked_too(people: People, wechat: Any) -> None:
    need = await written(people, body="有点可疑")
    await check_now(wechat, people.lin)
    (waiting,) = (await moderation.queue(people.chen, page=EVERYTHING)).items
    await moderation.hide(people.chen, waiting.id, reason="请不要写邻居的门牌号")
    assert await seen_by(people.lin, need) is Moderation.HIDDEN
    assert await told(people.lin) == ["您发布的内容未予显示：（理由暂不显示）"]
    await check_now(wechat, people.chen)
    assert await told(people.lin) == ["您发布的内容未予显示：请不要写邻居的门牌号"]


@pytest.mark.parametrize(
    ("who", "error"),
    [("lin", Forbidden), ("guest", Forbidden), ("sun", Forbidden), ("he", Forbidden), ("deng", NotFound)],
)
async def test_only_committee_and_social_workers_look_after_content(
    people: People, wechat: Any, who: str, error: type[Exception]
) -> None:
    await written(people, "mei", body="有点可疑")
    await check_now(wechat, people.mei)
    (waiting,) = (await moderation.queue(people.ma, page=EVERYTHING)).items
    with pytest.raises(Forbidden):
        await moderation.queue(people[who], community_id=people.jy, page=EVERYTHING)
    if who == "deng":
        assert (await moderation.queue(people.deng, page=EVERYTHING)).items == []
    else:
        with pytest.raises(error):
            await moderation.queue(people[who], page=EVERYTHING)
    with pytest.raises(NotFound):
        await moderation.approve(people[who], waiting.id)
    assert (await moderation.find(people.chen, waiting.id)).state is CheckState.QUEUED


async def test_nobody_decides_about_his_own_words_nor_about_those_he_helped_with(people: People, wechat: Any) -> None:
    await written(people, "chen", body="有点可疑")
    helped = OnBehalfOf(people.wang.id, ConsentKind.WITNESS, people.mei.id)
    await written(people, "ma", body="也有点可疑", on_behalf_of=helped)
    for who in (people.chen, people.ma):
        await check_now(wechat, who)
    by_ma, by_chen = (await moderation.queue(people.zhao, page=EVERYTHING)).items
    for who, check in ((people.chen, by_chen), (people.ma, by_ma)):
        with pytest.raises(Forbidden):
            await moderation.approve(who, check.id)
        with pytest.raises(Forbidden):
            await moderation.hide(who, check.id, reason="不好")
        assert (await moderation.approve(people.zhao, check.id)).state is CheckState.PASSED


async def test_when_wechat_is_down_the_worker_goes_on_until_a_human_takes_over(
    people: People, wechat: Any, move_clock: MoveClock
) -> None:
    need = await written(people)
    wechat.error = WxUnavailable("down")
    assert await check_now(wechat, people.lin)
    assert await seen_by(people.lin, need) is Moderation.CHECKING
    assert not await check_now(wechat, people.lin), "the next request does not wait for it again"
    await moderation.check_due(wechat)
    assert len(wechat.asked) == 1, "not before its time"
    for _ in range(TRIES_MAX - 1):
        await move_clock(timedelta(hours=1, seconds=1))
        with pytest.raises(ExceptionGroup):
            await moderation.check_due(wechat)
    assert len(wechat.asked) == TRIES_MAX
    assert await seen_by(people.lin, need) is Moderation.QUEUED
    assert await seen_by(people.mei, need) is None
    assert (await check_of("need", need.id)).why is Why.UNREACHABLE
    await move_clock(timedelta(hours=1, seconds=1))
    await moderation.check_due(wechat)
    assert len(wechat.asked) == TRIES_MAX, "machines have had their tries"


async def test_what_failed_first_passes_later(people: People, wechat: Any, move_clock: MoveClock) -> None:
    need = await written(people)
    wechat.error = WxQuota("too often", 45009)
    await check_now(wechat, people.lin)
    wechat.error = None
    await move_clock(timedelta(seconds=16))
    await moderation.check_due(wechat)
    assert await seen_by(people.mei, need) is Moderation.PASSED


async def test_what_the_request_never_came_to_check_the_worker_checks(
    people: People, wechat: Any, move_clock: MoveClock
) -> None:
    need = await written(people)
    await moderation.check_due(wechat)
    assert wechat.asked == [], "the request has its time first"
    await move_clock(timedelta(seconds=16))
    await moderation.check_due(wechat)
    assert await seen_by(people.mei, need) is Moderation.PASSED


@pytest.mark.parametrize(
    ("error", "why"), [(WxInactive("61010", 61010), Why.INACTIVE), (WxBadArgument("43104", 43104), Why.REFUSED)]
)
async def test_what_wechat_cannot_judge_a_human_does(people: People, wechat: Any, error: Exception, why: Why) -> None:
    need = await written(people)
    wechat.error = error
    await check_now(wechat, people.lin)
    assert await seen_by(people.lin, need) is Moderation.QUEUED
    assert (await check_of("need", need.id)).why is why


async def test_nobody_is_asked_about_somebody_without_wechat(people: People, wechat: Any) -> None:
    need = await written(people)
    await Resident.filter(id=people.lin.id).update(openid=None)
    await check_now(wechat, people.lin)
    assert wechat.asked == []
    assert (await check_of("need", need.id)).why is Why.NO_OPENID


async def test_assisted_words_are_checked_in_the_helpers_name_and_both_are_told(people: People, wechat: Any) -> None:
    helped = OnBehalfOf(people.wang.id, ConsentKind.WITNESS, people.mei.id)
    need = await written(people, "ma", body="来骗钱", on_behalf_of=helped)
    await check_now(wechat, people.ma)
    assert [openid for openid, _, _ in wechat.asked] == ["ma"]
    check = await check_of("need", need.id)
    assert (check.author_id, check.speaker_id) == (people.wang.id, people.ma.id)
    for who in (people.wang, people.ma):
        assert await told(who) == ["您发布的内容未予显示：疑似欺诈"]


@pytest.mark.parametrize("before", [2_449, 2_473, 2_493, 2_499, 4_940])
async def test_a_risky_word_across_two_pieces_is_found(people: People, wechat: Any, before: int) -> None:
    need = await written(people, title="灯", body="好" * (before - 2) + "骗钱" + "好" * (5_000 - before))
    await check_now(wechat, people.lin)
    assert await seen_by(people.lin, need) is Moderation.HIDDEN
    assert [len(content) for _, _, content in wechat.asked] == [2_500, 2_500, 102]
    assert (await check_of("need", need.id)).trace_ids == ["t1", "t2", "t3"]


async def test_every_word_of_a_thing_is_read(people: People) -> None:
    read = await texts.words("need", [(await written(people)).id])
    assert list(read.values()) == [["楼道灯坏了", "三层的灯坏了一周"]]
    for kind in texts.KINDS:
        assert await texts.words(kind, [0]) == {}, kind


async def test_every_column_that_hides_words_is_on_the_page() -> None:
    found = await db.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND column_name LIKE '%moderation' ORDER BY 1, 2"
    )
    page = {(kind.table, kind.shown) for kind in texts.KINDS.values()}
    assert {(line["table_name"], line["column_name"]) for line in found} == page


async def test_a_comment_in_doubt_is_its_authors_and_the_staffs(people: People, wechat: Any) -> None:
    need = await passed(await written(people))
    said = await needs.comment(people.mei, need.id, body="这个可疑")
    await check_now(wechat, people.mei)
    for who, sees in ((people.mei, True), (people.chen, True), (people.lin, False), (people.deng, False)):
        listed = (await needs.listed_comments(who, need.id, page=EVERYTHING)).items
        assert [one.id for one in listed] == ([said.id] if sees else []), who.nickname
    with pytest.raises(NotFound):
        await comments.find(people.lin, said.id)
    with pytest.raises(NotFound):
        await needs.comment(people.lin, need.id, body="谁说的", parent_id=said.id)


async def test_a_reason_is_read_by_others_once_it_passed(people: People, wechat: Any) -> None:
    need = await passed(await written(people))
    await needs.decline(people.ma, need.id, reason="有点可疑")
    await check_now(wechat, people.ma)

    async def reason_for(who: Actor) -> str | None:
        return (await events.timeline(who, need))[-1].reason

    assert [await reason_for(who) for who in (people.ma, people.chen)] == ["有点可疑"] * 2
    assert await reason_for(people.lin) is None
    assert (await told(people.lin))[0] == "需求「楼道灯坏了」未受理：（理由暂不显示）"
    (waiting,) = (await moderation.queue(people.chen, page=EVERYTHING)).items
    await moderation.approve(people.chen, waiting.id)
    assert await reason_for(people.lin) == "有点可疑"
    assert (await told(people.lin))[0] == "需求「楼道灯坏了」未受理：有点可疑"


async def test_official_answers_notes_and_thanks_are_checked(people: People, wechat: Any) -> None:
    need = await passed(await written(people))
    await needs.accept(people.chen, need.id)
    await needs.answer(people.ma, need.id, body="可疑的答复")
    await check_now(wechat, people.ma)
    assert (await needs.detail(people.lin, need.id)).answers == []
    assert [one.moderation for one in (await needs.detail(people.ma, need.id)).answers] == [Moderation.QUEUED]
    wish = await passed(
        await wishes.post(people.wang, community_id=people.jy, kind="goods", title="收音机", body="想听戏")  # type: ignore[arg-type]
    )
    await wishes.approve(people.chen, wish.id)
    await wishes.claim(people.lin, wish.id)
    await wishes.fulfil(people.lin, wish.id, note="可疑的说明")
    await check_now(wechat, people.lin)
    notes = {who: (await wishes.detail(people[who], wish.id)).claims[0].note for who in ("wang", "lin", "chen")}
    assert notes == {"wang": None, "lin": "可疑的说明", "chen": "可疑的说明"}
    await wishes.confirm(people.wang, wish.id, thanks="骗钱的感谢")
    await check_now(wechat, people.wang)
    thanks = {who: (await wishes.detail(people[who], wish.id)).thanks for who in ("wang", "lin", "chen")}
    assert thanks == {"wang": "骗钱的感谢", "lin": None, "chen": "骗钱的感谢"}


async def test_a_nickname_is_wanted_until_it_passed(people: People, wechat: Any) -> None:
    async def names() -> tuple[str, str | None, Moderation]:
        found = await Resident.get(id=people.lin.id)
        return found.nickname, found.nickname_wanted, found.nickname_moderation

    await residents.update_profile(people.lin, nickname="可疑的小林")
    assert await names() == ("小林", "可疑的小林", Moderation.CHECKING)
    await check_now(wechat, people.lin)
    assert await names() == ("小林", "可疑的小林", Moderation.QUEUED)
    (waiting,) = (await moderation.queue(people.chen, page=EVERYTHING)).items
    await residents.update_profile(people.lin, nickname="林林")
    assert (await moderation.find(people.chen, waiting.id)).state is CheckState.REPLACED
    with pytest.raises(InvalidState):
        await moderation.approve(people.chen, waiting.id)
    await check_now(wechat, people.lin)
    assert await names() == ("林林", None, Moderation.PASSED)
    assert wechat.asked[-1] == ("lin", Scene.PROFILE, "林林")
    await residents.update_profile(people.lin, nickname="骗钱林")
    await check_now(wechat, people.lin)
    assert await names() == ("林林", "骗钱林", Moderation.HIDDEN)
    assert (await told(people.lin))[0] == "您发布的内容未予显示：疑似欺诈"


async def test_a_verdict_about_words_that_were_replaced_does_nothing(people: People, wechat: Any) -> None:
    class Slow(FakeWechat):
        async def check_text(self, openid: str, scene: Scene, content: str) -> Verdict:
            await residents.update_profile(people.lin, nickname="骗钱林")
            return Verdict(Suggest.PASS, 100, "late")

    await residents.update_profile(people.lin, nickname="林林")
    await check_now(Slow(), people.lin)  # type: ignore[arg-type]
    found = await Resident.get(id=people.lin.id)
    assert (found.nickname, found.nickname_moderation) == ("小林", Moderation.CHECKING)


async def test_the_nickname_of_somebody_of_no_community_is_any_street_officers(people: People, wechat: Any) -> None:
    await residents.update_profile(people.guest, nickname="可疑过客")
    await check_now(wechat, people.guest)
    assert (await moderation.queue(people.chen, page=EVERYTHING)).items == []
    (waiting,) = (await moderation.queue(people.qian, page=EVERYTHING)).items
    assert (waiting.subject_kind, waiting.community_id, waiting.texts) == ("nickname", None, ["可疑过客"])
    await moderation.approve(people.qian, waiting.id)
    assert (await Resident.get(id=people.guest.id)).nickname == "可疑过客"
    with pytest.raises(Forbidden):
        await moderation.queue(people.qian, community_id=people.jy, page=EVERYTHING)


async def test_the_queue_goes_on_page_by_page(people: People, wechat: Any) -> None:
    made = [await written(people, who, body="可疑") for who in ("lin", "mei", "wang")]
    for who in (people.lin, people.mei, people.wang):
        await check_now(wechat, who)
    first = await moderation.queue(people.chen, page=Page(2))
    rest = await moderation.queue(people.chen, page=Page(2, first.after))
    assert [one.subject_id for one in first.items + rest.items] == [need.id for need in made][::-1]
    assert rest.after is None


async def test_a_declined_claim_tells_its_reason_once_that_passed(people: People, wechat: Any) -> None:
    building = await db.value("SELECT id FROM places WHERE name = '7号楼'")
    claim = await residents.claim_household(
        people.guest,
        building_id=building,
        unit="1",
        room="909",
        capacity="owner",
        birth_year=1990,
        secret=KEYS,  # type: ignore[arg-type]
    )
    await residents.decline_claim(people.chen, claim.id, "可疑的房号")
    await check_now(wechat, people.chen)
    assert (await residents.find_claim(people.guest, claim.id)).reason is None
    assert (await residents.find_claim(people.zhao, claim.id)).reason == "可疑的房号"
    (waiting,) = (await moderation.queue(people.ma, page=EVERYTHING)).items
    await moderation.approve(people.ma, waiting.id)
    assert (await residents.find_claim(people.guest, claim.id)).reason == "可疑的房号"


async def test_a_role_that_ended_ends_the_looking(people: People, wechat: Any) -> None:
    grant = await db.row("SELECT id, place_id FROM role_grants WHERE resident_id = $1", people.ma.id)
    assert grant is not None
    assert people.ma.holds(people.jy, Role.SOCIAL_WORKER)
    await residents.revoke_role(people.chen, grant["place_id"], grant["id"])
    with pytest.raises(Forbidden):
        await moderation.queue(await residents.actor(people.ma.id), page=EVERYTHING)


async def test_whatever_fails_the_request_is_answered_and_a_human_looks_in_the_end(
    people: People, wechat: Any, move_clock: MoveClock
) -> None:
    need = await written(people)
    wechat.error = RuntimeError("nobody thought of this")
    await check_now(wechat, people.lin)
    for _ in range(TRIES_MAX - 1):
        await move_clock(timedelta(hours=1, seconds=1))
        with pytest.raises(ExceptionGroup):
            await moderation.check_due(wechat)
    assert (await check_of("need", need.id)).why is Why.UNREACHABLE


async def test_advice_that_cannot_be_kept_goes_to_a_human_in_the_end(
    people: People, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(FakeWechat):
        async def check_text(self, openid: str, scene: Scene, content: str) -> Verdict:
            return Verdict(Suggest.RISKY, 10**12, "t1")

    need = await written(people)
    await check_now(Odd(), people.lin)
    await db.execute("UPDATE checks SET tries = $1", TRIES_MAX - 1)
    await move_clock(timedelta(hours=1, seconds=1))
    with pytest.raises(ExceptionGroup):
        await moderation.check_due(Odd())  # type: ignore[arg-type]
    assert await seen_by(people.lin, need) is Moderation.QUEUED


async def test_whoever_takes_a_check_has_it_for_longer_than_his_patience(people: People, wechat: Any) -> None:
    need = await written(people)
    await check_now(FakeWechat(WxQuota("too often", 45009)), people.lin)  # type: ignore[arg-type]
    left = (await check_of("need", need.id)).next_try_at - await clock.now()
    assert left > timedelta(seconds=PATIENCE_S)
