"""Messages through WeChat: one consent is one message, nights are quiet, and nothing is sent twice."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any, cast

import pytest

from app.core import clock, db
from app.core.clock import SHANGHAI
from app.core.errors import Invalid
from app.core.pages import Page
from app.core.settings import Settings
from app.gateways.errors import (
    WxBadArgument,
    WxError,
    WxMisconfigured,
    WxNoCredit,
    WxNotReached,
    WxQuota,
    WxUnavailable,
)
from app.gateways.wechat import Wechat
from models.notifications import Answer, CreditEntry, Delivery, DeliveryState, MessageCredit, MessageTemplate
from models.residents import Resident
from services import notifications
from services.notifications import INBOX_ONLY, MESSAGES, NOTICES, TEMPLATES, credits, sending
from services.notifications.templates import digest, message
from services.policies import Actor
from services.rules.messages import fit
from services.verification import verify
from tests.conftest import as_owner
from tests.people import People

NEED = "tmpl-need_progress"
MoveClock = Callable[[timedelta], Awaitable[None]]


def template_id(name: str) -> str | None:
    return f"tmpl-{name}"


@dataclass
class Post:
    """WeChat as far as messages go: keeps what it is given, and fails in the ways it is told to, one a message."""

    failures: list[Exception] = field(default_factory=list)
    sent: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    delay_s: float = 0

    async def send_message(self, openid: str, wechat_id: str, data: Mapping[str, str], *, page: str) -> str:
        await asyncio.sleep(self.delay_s)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        self.sent.append((openid, wechat_id, dict(data), page))
        return f"msg-{len(self.sent)}"

    @property
    def wechat(self) -> Wechat:
        return cast(Wechat, self)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def by_day() -> None:
    """It is noon of the day after tomorrow in Shanghai."""
    await set_clock(12)


async def set_clock(hour: int, minute: int = 0, second: int = 0, *, days: int = 2) -> None:
    """Move the clock to a second or two after a time of day in Shanghai, so many days from now."""
    now = (await clock.now()).astimezone(SHANGHAI)
    goal = now.replace(hour=hour, minute=minute, second=second, microsecond=0) + timedelta(days=days, seconds=2)

    async def move() -> None:
        await as_owner(lambda: clock.move(goal - now))

    if db.in_transaction():
        await move()
    else:
        async with db.tx():
            await move()


async def tell(who: Actor, kind: str = "need.accepted", **params: str | int) -> None:
    await notifications.tell([who.id], kind, await Resident.get(id=who.id), **({"title": "楼道灯坏了"} | params))


async def agree(who: Actor, wechat_id: str = NEED) -> None:
    await notifications.report(who, {wechat_id: Answer.ACCEPT}, template_id)


async def send(post: Post) -> None:
    await notifications.send_due(post.wechat, template_id)


async def held(who: Actor) -> dict[str, int]:
    return (await notifications.balance(who.id, template_id)).credits


async def states(who: Actor) -> list[DeliveryState]:
    return [delivery.state for delivery in await Delivery.filter(resident_id=who.id).order_by("id")]


# --- one consent, one message -----------------------------------------------------------------------------------


async def test_one_consent_is_one_message(people: People, post: Post, by_day: None) -> None:
    await agree(people.lin)
    await tell(people.lin)
    await tell(people.lin, "need.done")
    await send(post)
    [(openid, wechat_id, data, page)] = post.sent
    assert (openid, wechat_id) == ("lin", NEED)
    assert data["thing1"] == "楼道灯坏了"
    assert data["phrase2"] == "已受理"
    assert data["time3"].endswith("日 12:00")
    assert page == f"pages/resident/index?id={people.lin.id}"
    assert await states(people.lin) == [DeliveryState.SENT, DeliveryState.NO_CREDIT]
    assert await held(people.lin) == {}
    await send(post)
    assert len(post.sent) == 1


async def test_without_consent_nothing_is_sent_and_the_inbox_has_it(people: People, post: Post, by_day: None) -> None:
    await tell(people.lin)
    await send(post)
    assert post.sent == []
    assert await states(people.lin) == [DeliveryState.NO_CREDIT]
    assert [line.kind for line in (await notifications.inbox(people.lin, page=Page())).items] == ["need.accepted"]
    await agree(people.lin)
    await send(post)
    assert post.sent == [], "a consent is for what comes, not for what was"


async def test_what_stays_in_the_inbox_owes_no_message(people: People) -> None:
    await tell(people.lin, "role.granted")
    assert await states(people.lin) == []


async def test_a_notice_read_before_it_was_due_is_not_sent(people: People, post: Post, by_day: None) -> None:
    await agree(people.lin)
    await tell(people.lin)
    await notifications.read(people.lin)
    await send(post)
    assert await states(people.lin) == [DeliveryState.UNWANTED]
    assert await held(people.lin) == {"need_progress": 1}


async def test_what_does_not_fit_is_not_sent_and_costs_nothing(people: People, post: Post, by_day: None) -> None:
    await agree(people.lin, "tmpl-refund_notice")
    await tell(people.lin, "pledge.refunded", yuan="99999999999.00")
    await send(post)
    assert await states(people.lin) == [DeliveryState.FAILED]
    assert await held(people.lin) == {"refund_notice": 1}


async def test_a_template_that_this_installation_has_not_got_is_not_sent(
    people: People, post: Post, by_day: None
) -> None:
    await agree(people.lin)
    await tell(people.lin)
    await notifications.send_due(post.wechat, lambda name: None)
    assert await states(people.lin) == [DeliveryState.NO_CREDIT]


def test_production_sends_only_what_wechat_gave_an_id_for() -> None:
    here = Settings(_env_file=None, wx_templates={"digest": "h-AQ"})
    assert (here.template_id("digest"), here.template_id("vote_notice")) == ("h-AQ", "tmpl-vote_notice")
    there = here.model_copy(update={"app_env": "production"})
    assert (there.template_id("digest"), there.template_id("vote_notice")) == ("h-AQ", None)


# --- what WeChat answers ----------------------------------------------------------------------------------------


async def test_a_refusal_empties_the_credit(people: People, post: Post, by_day: None) -> None:
    for _ in range(3):
        await agree(people.lin)
    await tell(people.lin)
    await tell(people.lin)
    post.failures = [WxNoCredit("refused", 43101)]
    await send(post)
    assert await held(people.lin) == {}
    assert await states(people.lin) == [DeliveryState.REFUSED, DeliveryState.NO_CREDIT]
    assert post.sent == []


async def test_a_message_that_may_have_arrived_is_never_sent_again(people: People, post: Post, by_day: None) -> None:
    await agree(people.lin)
    await agree(people.lin)
    await tell(people.lin)
    post.failures = [WxUnavailable("no answer")]
    await send(post)
    assert await states(people.lin) == [DeliveryState.UNKNOWN]
    assert await held(people.lin) == {"need_progress": 1}
    await send(post)
    assert post.sent == []


@pytest.mark.parametrize("errcode", [47003, 40037, 41030, 40003])
async def test_what_wechat_does_not_take_fails_and_the_credit_returns(
    people: People, post: Post, by_day: None, errcode: int
) -> None:
    await agree(people.lin)
    await tell(people.lin)
    post.failures = [WxBadArgument("argument invalid! data.thing1.value invalid", errcode)]
    await send(post)
    [delivery] = await Delivery.filter(resident_id=people.lin.id)
    assert (delivery.state, delivery.error) == (
        DeliveryState.FAILED,
        "argument invalid! data.thing1.value invalid",
    )
    assert await held(people.lin) == {"need_progress": 1}


@pytest.mark.parametrize(
    "failure", [WxNotReached("down"), WxQuota("too often", 45011), WxMisconfigured("no", 48001)], ids=repr
)
async def test_what_certainly_was_not_sent_waits_and_so_do_the_others(
    people: People, post: Post, by_day: None, move_clock: MoveClock, failure: WxError
) -> None:
    for who in (people.lin, people.mei):
        await agree(who)
        await tell(who)
    post.failures = [failure]
    await send(post)
    assert post.sent == []
    assert await states(people.lin) == await states(people.mei) == [DeliveryState.WAITING]
    assert await held(people.lin) == {"need_progress": 1}
    await send(post)
    assert [openid for openid, *_ in post.sent] == ["mei"]
    await move_clock(timedelta(minutes=11))
    await send(post)
    assert [openid for openid, *_ in post.sent] == ["mei", "lin"]
    assert await held(people.lin) == {}


async def test_a_worker_killed_while_sending_leaves_it_unknown(
    people: People, post: Post, by_day: None, move_clock: MoveClock
) -> None:
    await agree(people.lin)
    await tell(people.lin)
    [delivery] = await Delivery.filter(resident_id=people.lin.id)
    taken = await sending._reserve(delivery.id, template_id)
    assert taken is not None
    await send(post)
    assert await states(people.lin) == [DeliveryState.SENDING]
    await move_clock(timedelta(seconds=121))
    await send(post)
    assert await states(people.lin) == [DeliveryState.UNKNOWN]
    await sending._settle(taken, DeliveryState.SENT, msgid="m")
    assert await states(people.lin) == [DeliveryState.SENT], "it was only slow, and its answer is believed"
    assert post.sent == []


async def test_a_failure_told_later_is_written_down(people: People, post: Post, by_day: None) -> None:
    await agree(people.lin)
    await tell(people.lin)
    await send(post)
    assert await notifications.heard_delivery("lin", "msg-1", "0", "success")
    assert await states(people.lin) == [DeliveryState.SENT]
    assert not await notifications.heard_delivery("mei", "msg-1", 20004, "user refused"), "not hers"
    assert not await notifications.heard_delivery("lin", "msg-9", 20004, "user refused"), "not written down yet"
    assert await states(people.lin) == [DeliveryState.SENT]
    for _ in range(2):
        assert await notifications.heard_delivery("lin", "msg-1", 20004, "user refused")
    [delivery] = await Delivery.filter(resident_id=people.lin.id)
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, "20004 user refused")


# --- credits ----------------------------------------------------------------------------------------------------


async def test_a_tap_heard_from_both_sides_counts_once(people: People, move_clock: MoveClock) -> None:
    await agree(people.lin)
    await notifications.heard_subscription("lin", [(NEED, "accept")], scene="popup")
    assert await held(people.lin) == {"need_progress": 1}
    await notifications.heard_subscription("lin", [(NEED, "accept")], scene="popup")
    assert await held(people.lin) == {"need_progress": 2}, "another tap, told by WeChat first"
    await agree(people.lin)
    assert await held(people.lin) == {"need_progress": 2}
    await agree(people.lin)
    await move_clock(timedelta(minutes=10))
    await notifications.heard_subscription("lin", [(NEED, "accept")], scene="popup")
    assert await held(people.lin) == {"need_progress": 4}, "ten minutes apart are two taps"
    assert await verify() == []


@pytest.mark.parametrize(
    ("scene", "answer", "left"),
    [
        ("popup", "reject", 2),
        ("popup", "filter", 2),
        ("popup", "ban", 0),
        ("change", "reject", 0),
        ("change", "ban", 0),
        ("change", "accept", 2),
        ("popup", "something new", 2),
    ],
)
async def test_what_an_answer_does_to_credits(people: People, scene: Any, answer: str, left: int) -> None:
    for _ in range(2):
        await agree(people.lin)
        await agree(people.mei)
    await notifications.heard_subscription("lin", [(NEED, answer)], scene=scene)
    assert (await held(people.lin)).get("need_progress", 0) == left
    assert (await held(people.mei)) == {"need_progress": 2}


async def test_who_is_not_ours_has_no_credit(people: People) -> None:
    await notifications.heard_subscription("nobody", [(NEED, "accept")], scene="popup")
    assert await MessageCredit.all().count() == 0


async def test_a_template_is_known_by_its_id_or_its_name_and_counted_once(people: People) -> None:
    await notifications.report(people.lin, {NEED: Answer.ACCEPT, "need_progress": Answer.ACCEPT}, template_id)
    assert await held(people.lin) == {"need_progress": 1}
    with pytest.raises(Invalid):
        await notifications.report(people.lin, {"tmpl-lottery": Answer.ACCEPT}, template_id)


async def test_credits_are_bounded(people: People) -> None:
    for _ in range(credits.CREDITS_MAX + 5):
        await agree(people.lin)
    assert await held(people.lin) == {"need_progress": credits.CREDITS_MAX}
    assert await verify() == []


async def test_every_change_of_a_credit_is_kept(people: People, post: Post, by_day: None) -> None:
    await agree(people.lin)
    await tell(people.lin)
    post.failures = [WxBadArgument("bad", 47003)]
    await send(post)
    await notifications.heard_subscription("lin", [(NEED, "reject")], scene="change")
    kept = [(entry.cause.value, entry.change) for entry in await CreditEntry.filter(resident_id=people.lin.id)]
    assert kept == [("reported", 1), ("spent", -1), ("returned", 1), ("removed", -1)]
    assert await verify() == []


# --- quiet nights, wishes, the digest -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "minute", "second", "sent"), [(21, 59, 50, 1), (22, 0, 0, 0), (3, 0, 0, 0), (6, 59, 50, 0), (7, 0, 0, 1)]
)
async def test_nights_are_quiet(people: People, post: Post, hour: int, minute: int, second: int, sent: int) -> None:
    await set_clock(hour, minute, second)
    await agree(people.lin)
    await tell(people.lin)
    await send(post)
    assert len(post.sent) == sent
    if not sent:
        [delivery] = await Delivery.filter(resident_id=people.lin.id)
        due = delivery.due_at.astimezone(SHANGHAI)
        assert (delivery.state, due.hour, due.minute) == (DeliveryState.WAITING, 7, 0)
        await set_clock(7, 0, 1, days=int(hour >= 22))
        await send(post)
        assert len(post.sent) == 1


async def test_who_wants_messages_at_night_gets_them(people: People, post: Post) -> None:
    await set_clock(23)
    await notifications.update_preferences(people.lin, quiet=False, enabled={})
    await agree(people.lin)
    await tell(people.lin)
    await send(post)
    assert len(post.sent) == 1


async def test_what_is_switched_off_is_not_sent_nor_summed_up(people: People, post: Post) -> None:
    await set_clock(12)
    wished = await notifications.update_preferences(people.lin, enabled={MessageTemplate.NEED_PROGRESS: False})
    assert not wished.wants(MessageTemplate.NEED_PROGRESS)
    assert wished.wants(MessageTemplate.DIGEST)
    await agree(people.lin)
    await agree(people.lin, "tmpl-digest")
    await tell(people.lin)
    await send(post)
    await set_clock(18, 1, days=0)
    await notifications.write_digests(template_id)
    await send(post)
    assert post.sent == []
    assert await states(people.lin) == [DeliveryState.UNWANTED]
    wished = await notifications.update_preferences(people.lin, enabled={MessageTemplate.NEED_PROGRESS: True})
    assert wished.wants(MessageTemplate.NEED_PROGRESS)
    assert wished.quiet


async def test_at_six_in_the_evening_the_rest_of_the_day_is_summed_up_once(people: People, post: Post) -> None:
    await set_clock(12)
    await agree(people.lin, "tmpl-digest")
    await tell(people.lin)
    await tell(people.lin, "need.done")
    await tell(people.lin, "deliberation.decided")
    await tell(people.mei)
    await send(post)
    await notifications.write_digests(template_id)
    await send(post)
    assert post.sent == [], "not yet"
    await set_clock(18, 0, 1, days=0)
    for _ in range(2):
        await notifications.write_digests(template_id)
        await send(post)
    [(openid, wechat_id, data, page)] = post.sent
    assert (openid, wechat_id, page) == ("lin", "tmpl-digest", "pages/inbox/index")
    assert (data["number1"], data["thing2"]) == ("3", "需求2条、议事1条")
    assert await states(people.mei) == [DeliveryState.NO_CREDIT], "no credit for the digest: it stays in the inbox"


async def test_the_digest_leaves_out_what_was_read_and_what_came_after_six(people: People, post: Post) -> None:
    await set_clock(12)
    await agree(people.lin, "tmpl-digest")
    await agree(people.mei, "tmpl-digest")
    await tell(people.lin)
    await send(post)
    await notifications.read(people.lin)
    await set_clock(18, 0, 1, days=0)
    await tell(people.mei)
    await send(post)
    await notifications.write_digests(template_id)
    await send(post)
    assert post.sent == []
    await set_clock(18, 0, 2, days=1)
    await notifications.write_digests(template_id)
    await send(post)
    assert [openid for openid, *_ in post.sent] == ["mei"]


async def test_the_digest_waits_for_what_is_still_under_way(people: People, post: Post) -> None:
    await set_clock(17, 59, 50)
    await agree(people.lin, "tmpl-digest")
    await tell(people.lin)
    await send(post)
    await tell(people.lin)
    await set_clock(18, 0, 1, days=0)
    await notifications.write_digests(template_id)
    assert await Delivery.filter(template=MessageTemplate.DIGEST).count() == 0
    await send(post)
    await notifications.write_digests(template_id)
    await send(post)
    assert [data["number1"] for *_, data, _ in post.sent] == ["2"]


async def test_who_wants_no_digest_gets_none(people: People, post: Post) -> None:
    await set_clock(12)
    await notifications.update_preferences(people.lin, enabled={MessageTemplate.DIGEST: False})
    await agree(people.lin, "tmpl-digest")
    await tell(people.lin)
    await send(post)
    await set_clock(18, 1, days=0)
    await notifications.write_digests(template_id)
    assert await states(people.lin) == [DeliveryState.NO_CREDIT]


async def test_what_waited_two_days_is_given_up(
    people: People, post: Post, by_day: None, move_clock: MoveClock
) -> None:
    await agree(people.lin)
    await tell(people.lin)
    await move_clock(timedelta(hours=47, minutes=59))
    await notifications.give_up_old()
    assert await states(people.lin) == [DeliveryState.WAITING]
    await move_clock(timedelta(minutes=2))
    await notifications.give_up_old()
    await send(post)
    assert await states(people.lin) == [DeliveryState.GIVEN_UP]
    assert post.sent == []


# --- two at once ------------------------------------------------------------------------------------------------


async def test_two_workers_never_send_one_notice_twice(committed: str, people: People, post: Post) -> None:
    await set_clock(12)
    for _ in range(20):
        await agree(people.lin)
        await tell(people.lin)
    post.delay_s = 0.002
    await asyncio.gather(*(send(post) for _ in range(6)))
    assert len(post.sent) == 20
    assert await held(people.lin) == {}
    assert await verify() == []


async def test_one_credit_is_spent_once_by_many_notices(committed: str, people: People, post: Post) -> None:
    await set_clock(12)
    await agree(people.lin)
    for _ in range(12):
        await tell(people.lin)
    await asyncio.gather(*(send(post) for _ in range(6)))
    assert len(post.sent) == 1
    assert sorted(await states(people.lin)) == [DeliveryState.NO_CREDIT] * 11 + [DeliveryState.SENT]


async def test_a_tap_heard_from_both_sides_at_once_counts_once(committed: str, people: People) -> None:
    for round_ in range(1, 6):
        await asyncio.gather(
            agree(people.lin), notifications.heard_subscription("lin", [(NEED, "accept")], scene="popup")
        )
        assert await held(people.lin) == {"need_progress": round_}


async def test_two_workers_write_one_digest(committed: str, people: People, post: Post) -> None:
    await set_clock(12)
    await agree(people.lin, "tmpl-digest")
    await tell(people.lin)
    await send(post)
    await set_clock(18, 1, days=0)
    await asyncio.gather(*(notifications.write_digests(template_id) for _ in range(6)))
    assert await Delivery.filter(template=MessageTemplate.DIGEST).count() == 1


async def test_without_its_check_a_credit_would_go_below_zero(committed: str, people: People) -> None:
    await agree(people.lin)
    overdraw = "UPDATE message_credits SET amount = amount - 2"
    with pytest.raises(Exception, match="message_credits_amount"):
        await db.execute(overdraw)
    async with db.tx():
        await as_owner(lambda: db.execute("ALTER TABLE message_credits DROP CONSTRAINT message_credits_amount"))
    await db.execute(overdraw)
    assert len(await verify()) == 1


# --- the page of templates ----------------------------------------------------------------------------------------


@pytest.mark.no_database
def test_every_notice_is_mapped_to_a_template_or_stays_in_the_inbox() -> None:
    assert set(MESSAGES) | INBOX_ONLY == set(NOTICES), "say in services/notifications/templates.py how it goes out"
    assert not set(MESSAGES) & INBOX_ONLY


@pytest.mark.no_database
def test_every_message_can_be_said_with_its_notices_params() -> None:
    at = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)
    for kind, words in MESSAGES.items():
        params: dict[str, str | int] = {name: "12.00" for _, name, _, _ in Formatter().parse(NOTICES[kind][0]) if name}
        said = message(kind, params, subject_kind="need", subject_id=5, at=at)
        assert set(said.data) == set(TEMPLATES[words.template].keywords), kind
        assert said.data["time3"] == "2026年11月23日 10:00"
        assert said.data["thing1"] != "无", kind
        assert fit("phrase2", words.word) == words.word, kind
        assert len(words.hint.format_map(params)) <= 20, kind


@pytest.mark.no_database
def test_every_template_is_used_and_its_samples_fit() -> None:
    used = {words.template for words in MESSAGES.values()} | {MessageTemplate.DIGEST}
    assert used == set(MessageTemplate) == set(TEMPLATES)
    for template in TEMPLATES.values():
        for name, keyword in template.keywords.items():
            assert fit(name, keyword.sample) == keyword.sample


@pytest.mark.no_database
def test_the_operator_reads_which_templates_to_apply_for() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    for name, template in TEMPLATES.items():
        keywords = " · ".join(f"{keyword.label} `{key}`" for key, keyword in template.keywords.items())
        assert f"| `{name}` | {template.title} | {keywords} |" in page, name


@pytest.mark.no_database
def test_a_digest_of_everything_fits() -> None:
    said = digest({name.value: 1000 for name in MessageTemplate}, at=datetime(2026, 11, 23, tzinfo=SHANGHAI))
    assert len(said.data["thing2"]) == 20


async def test_the_inbox_is_read_up_to_a_notice(people: People) -> None:
    await tell(people.lin)
    seen = (await notifications.inbox(people.lin, page=Page(10))).items[0]
    await tell(people.lin)
    await notifications.read(people.lin, through_id=seen.id)
    assert [line.read for line in (await notifications.inbox(people.lin, page=Page(10))).items] == [False, True]
