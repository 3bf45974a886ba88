"""Everything the system does by itself, on one page. Only the worker imports it.

JOBS follow from events and ROW_JOBS from rows, at least once each, so each is idempotent. EVERY runs by the clock
(cron, with the seconds as a sixth field); two workers may meet in it, so what it calls takes each thing under a lock.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.core.clock import SHANGHAI
from app.core.crypto import Keys
from app.core.db import atomic
from app.gateways.storage import Storage
from app.gateways.wechat import Wechat
from app.gateways.wechat_pay import WechatPay
from models.base import Moderation, Record
from models.events import Event, Notice
from models.media import Media
from models.moderation import Check, CheckState, Pause, Report, Subject
from models.residents import HouseholdClaim, RoleGrant
from services import (
    crowdfunding,
    deliberations,
    disclosures,
    media,
    moderation,
    needs,
    neighbours,
    notifications,
    once,
    payments,
    pushes,
    residents,
    statistics,
    transparency,
    verification,
    volunteering,
    wishes,
)
from services.notifications import TemplateId

REFUND_ROUNDS = 20


@dataclass(frozen=True)
class Tools:
    """The outside world, handed to jobs by the worker."""

    wechat: Wechat
    pay: WechatPay
    storage: Storage
    template_id: TemplateId
    keys: Keys


async def tell_claimant(tools: Tools, event: Event) -> None:
    """A household claim was decided."""
    claim = await HouseholdClaim.get(id=event.subject_id)
    await _tell_once(event, [claim.resident_id], claim)


async def tell_role_holder(tools: Tools, event: Event) -> None:
    """A role began or ended."""
    grant = await RoleGrant.get(id=event.subject_id)
    await _tell_once(event, [grant.resident_id], grant)


async def tell_home(tools: Tools, event: Event) -> None:
    """Something changed about a home, a guardian, an account or a role."""
    news = await neighbours.news(event)
    if news.to:
        await _tell_once(event, news.to, news.about, news.kind)


async def free_promises(tools: Tools, event: Event) -> None:
    """A shift, or what lay ahead of an activity, was called off; time promised for it is free again."""
    await crowdfunding.free_promises(event.subject_kind, event.subject_id)


async def let_go(tools: Tools, event: Event) -> None:
    """Somebody moved away; what he held in the community goes back to his neighbours."""
    await neighbours.let_go(event)


async def tell_author(tools: Tools, event: Event) -> None:
    """What somebody wrote was hidden, or shown after a human had looked."""
    check = await Check.get(id=event.subject_id)
    told = (check.author_id, check.speaker_id)
    if "reason_id" in event.facts:
        kind = "check.hidden_by_hand" if event.verb == "check.hidden" else "check.restored"
        await _tell_once(event, told, check.subject, kind, reason_id=event.facts["reason_id"])
    else:
        await _tell_once(event, told, check.subject, why=moderation.in_words(check.label))


async def tell_reporters(tools: Tools, event: Event) -> None:
    """What somebody reported was decided; he hears the outcome, nobody hears of him."""
    check = await Check.get(id=event.subject_id)
    kind = "report.hidden" if check.state is CheckState.HIDDEN else "report.kept"
    for report in await Report.filter(check_id=check.id).order_by("id"):
        await _tell_once(event, [report.reporter_id], check.subject, kind)


async def tell_paused(tools: Tools, event: Event) -> None:
    """A pause began or was lifted."""
    pause = await Pause.get(id=event.subject_id)
    until = pause.until_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    await _tell_once(event, [pause.resident_id], pause, until=(until, until))


async def settle_picture(tools: Tools, event: Event) -> None:
    """A human decided about a picture."""
    check = await Check.get(id=event.subject_id)
    if check.subject_kind == Media.noun() and event.actor_id is not None:
        await media.settle(check.subject_id, Moderation(check.state), by=await residents.actor(event.actor_id))


async def tell_uploader(tools: Tools, event: Event) -> None:
    """A picture was hidden by WeChat; whoever uploaded it is told. After a human he was told the reason before."""
    uploaded = await Media.get_or_none(id=event.subject_id)
    if uploaded is not None and event.actor_id is None:
        why = moderation.in_words(event.facts.get("label"))
        await _tell_once(event, [uploaded.uploader_id], uploaded, why=why)


async def count_dates_anew(tools: Tools, event: Event) -> None:
    """The days worked at a place have changed; the due dates of open needs there follow."""
    await needs.follow_calendar(event.facts["place_id"])


async def send_refunds(tools: Tools, event: Event) -> None:
    """Refunds are owed; send what is due now, the clock follows them to the end."""
    for _ in range(REFUND_ROUNDS):
        if not await payments.follow_refunds(tools.pay):
            return


@atomic()
async def _tell_once(
    event: Event, resident_ids: Sequence[int], about: Record | Subject, kind: str = "", **params: int | tuple[str, str]
) -> None:
    told = await Notice.exists(
        resident_id=resident_ids[0],
        kind=kind or event.verb,
        subject_kind=about.noun(),
        subject_id=about.id,
        created_at__gte=event.created_at,
    )
    if not told:
        await notifications.tell(resident_ids, kind or event.verb, about, **params)


Job = Callable[[Tools, Event], Awaitable[None]]
JOBS: dict[str, Job] = {
    job.__name__: job
    for job in (
        count_dates_anew,
        free_promises,
        let_go,
        send_refunds,
        settle_picture,
        tell_author,
        tell_claimant,
        tell_home,
        tell_paused,
        tell_reporters,
        tell_role_holder,
        tell_uploader,
    )
}


async def check_picture(tools: Tools, media_id: int) -> None:
    """A picture was uploaded; WeChat is asked about it."""
    await media.check(tools.wechat, media_id)


async def handle_push(tools: Tools, push_id: int) -> None:
    """WeChat pushed something."""
    await pushes.handle(push_id)


RowJob = Callable[[Tools, int], Awaitable[None]]
ROW_JOBS: dict[str, RowJob] = {job.__name__: job for job in (check_picture, handle_push)}

Work = Callable[[Tools], Awaitable[object]]


async def forget_what_is_over(tools: Tools) -> None:
    """Idempotency keys are kept 48 hours, sessions a day after their end, pushes seven days, payment news thirty."""
    await once.forget_old_keys()
    await residents.end_old_sessions()
    await pushes.forget_old()
    await payments.forget_old_news()


async def forget_unused_pictures(tools: Tools) -> None:
    """A picture that nothing was made of within two days goes, and its bytes with the last who had it."""
    await media.forget_unused()
    await media.sweep(tools.storage)


EVERY: dict[str, tuple[str, Work]] = {
    "forget_what_is_over": ("17 * * * *", forget_what_is_over),
    "forget_unused_pictures": ("*/10 * * * *", forget_unused_pictures),
    # A need rated 30 days ago is closed.
    "close_rated_needs": ("* * * * * */30", lambda _: needs.close_due()),
    # What is not answered or decided in time returns to view as overdue, and those concerned are told.
    "note_overdue_needs": ("* * * * * */30", lambda _: needs.note_overdue()),
    # A claimer has seven days; then the wish opens again.
    "release_run_out_claims": ("* * * * * */5", lambda _: wishes.release_run_out()),
    # Two days before a claim runs out its holder is reminded.
    "remind_claimers": ("* * * * * */30", lambda _: wishes.remind_claimers()),
    # An open wish ends with the day it was needed by.
    "expire_wishes": ("* * * * * */30", lambda _: wishes.expire_due()),
    # Whoever waits gets a free seat as soon as he can come.
    "fill_shifts": ("* * * * *", lambda _: volunteering.fill_due()),
    # Whoever holds a role for a term is told a week before it ends, and when it has.
    "remind_of_terms": ("* * * * *", lambda _: neighbours.remind_of_terms()),
    # Whoever turns 14 or 18 is so from his birthday on.
    "come_of_age": ("* * * * *", lambda tools: residents.come_of_age(tools.keys)),
    # A day and two hours before a shift everybody with a seat is reminded.
    "remind_volunteers": ("* * * * * */30", lambda _: volunteering.remind_volunteers()),
    # Votes open and close on time.
    "advance_deliberations": ("* * * * * */5", lambda _: deliberations.advance_due()),
    # Whoever a meeting concerns is told as soon as its words have passed.
    "announce_meetings": ("* * * * * */5", lambda _: deliberations.announce_due()),
    # A petition that too few signed within 90 days ends.
    "lapse_petitions": ("* * * * * */30", lambda _: deliberations.lapse_due()),
    # Words that could not be checked when they were written are checked, at last by a human.
    "check_texts": ("* * * * * */5", lambda tools: moderation.check_due(tools.wechat)),
    # Unpaid orders are asked about, and closed when their time is over.
    "follow_orders": ("* * * * * */5", lambda tools: payments.follow_orders(tools.pay)),
    # Refunds are sent, asked about and sent again until they have arrived.
    "follow_refunds": ("* * * * * */5", lambda tools: payments.follow_refunds(tools.pay)),
    # From half past ten WeChat's bills of the day before are compared with our books.
    "fetch_bills": ("* * * * *", lambda tools: payments.fetch_bills(tools.pay)),
    # WeChat is asked again about pictures it could not be asked about, and what it never answers goes to a human.
    "check_pictures": ("* * * * * */5", lambda tools: media.check_due(tools.wechat)),
    # Pushes that came before what they are about are looked at again.
    "handle_pushes": ("* * * * * */5", lambda _: pushes.handle_due()),
    # Campaigns open, are decided and begin on time.
    "advance_campaigns": ("* * * * * */5", lambda _: crowdfunding.advance_due()),
    # The month's statement from the 1st on, settled campaigns and resolutions are put on display.
    "put_on_display": ("* * * * *", lambda _: disclosures.disclose_due()),
    # Each day it is noted what hangs on display, read back from where readers read it.
    "note_displays": ("*/10 * * * *", lambda _: disclosures.note_displays()),
    # The committee is told once of a question whose answer is overdue.
    "remind_of_questions": ("* * * * *", lambda _: disclosures.remind_due()),
    # Messages go out through WeChat, by day, to those who agreed.
    "send_messages": ("* * * * * */5", lambda tools: notifications.send_due(tools.wechat, tools.template_id)),
    # At 18:00 what could not be sent is summed up.
    "write_digests": ("* * * * * */30", lambda tools: notifications.write_digests(tools.template_id)),
    # What has waited for two days is not sent any more.
    "give_up_old_messages": ("* * * * * */30", lambda _: notifications.give_up_old()),
    # What was moved and decided is sealed into the transparency log.
    "sequence_log": ("* * * * * */5", lambda _: transparency.sequence_pending()),
    # Days that are over are summed up for the statistics, an hour after midnight at the earliest.
    "fold_figures": ("*/10 * * * *", lambda _: statistics.fold_due()),
    # Every hour all that must hold is recomputed from its rows; what does not is an alarm.
    "verify_everything": ("41 * * * *", lambda _: verification.verify_by_the_clock()),
}
"""Name → when, and what is done then."""
