"""What each kind of poster says. No names, no photos: a poster leaves the house.

A thing has a poster once everybody may read of it; until then, and when it is hidden, there is none for anybody.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.errors import Forbidden, InvalidState, NotFound
from models.base import Moderation
from models.codes import PosterKind
from models.crowdfunding import Campaign, CampaignState, LegalPath
from models.deliberations import Deliberation, DeliberationState, Roll
from models.needs import Need, NeedField, NeedState
from models.volunteering import Activity, ActivityKind, ShiftState
from models.wishes import Wish, WishKind, WishState
from services import crowdfunding, deliberations, needs, places, volunteering, wishes
from services.drawing import Hue, Poster, Progress
from services.drawing.words import yuan
from services.policies import Actor

SHIFTS_SHOWN = 2
Words = tuple[str, str]
"""Chinese and English."""


class NoPublicPoster(Forbidden):
    """A campaign on the community path asks its own residents only (居委会组织法 42(b), 慈善法 21–23)."""

    code = "no_public_poster"
    zh = "社区内的众筹只面向本社区居民，不生成可以转发的海报"
    en = "What is raised within the community is for its residents; there is no poster to pass on"


@dataclass(frozen=True)
class Said:
    """What a poster says of a thing, in both languages; `progress` in whole percent, with both ends of its bar."""

    hue: Hue
    label: Words
    of: Need | Wish | Deliberation | Activity | Campaign
    rows: list[tuple[Words, Words]]
    hint: Words
    progress: tuple[int, Words, Words] | None = None
    call: Words = ("长按或扫一扫小程序码", "Scan the code in WeChat")
    url: str | None = None


async def facts(actor: Actor, kind: PosterKind, thing_id: int, *, english: bool) -> Poster:
    """What the poster of a thing says, but for its code. Raises NotFound, InvalidState, NoPublicPoster."""
    said = await POSTERS[kind](actor, thing_id)
    community = (await places.find_community(said.of.community_id)).name

    def tongue(words: Words) -> str:
        return words[english]

    bar = said.progress
    return Poster(
        hue=said.hue,
        label=tongue(said.label),
        community=community,
        title=said.of.title,
        body="" if kind is PosterKind.WISH else said.of.body,  # what somebody in difficulty wrote is not to pass on
        rows=tuple((tongue(name), tongue(value)) for name, value in said.rows),
        progress=Progress(bar[0], tongue(bar[1]), tongue(bar[2])) if bar else None,
        call=tongue(said.call),
        hint=tongue(said.hint),
        brand=f"{tongue(('邻里', 'Linli'))} · {community}",
        url=said.url,
    )


async def _need(actor: Actor, need_id: int) -> Said:
    need = await needs.find(actor, need_id)
    _require_public(need.moderation is Moderation.PASSED)
    if need.state in (NeedState.WITHDRAWN, NeedState.MERGED):
        raise InvalidState(need.state)
    count = need.endorsements
    endorsed = f"{count} 位邻居", f"{count} neighbour{'' if count == 1 else 's'}"
    rows = [(("领域", "Field"), FIELDS[need.field]), (("进展", "State"), NEEDS[need.state])]
    rows.append((("附议", "Support"), endorsed))
    hint = "在微信里看进展，和邻居一起附议", "Follow it in WeChat, and stand behind it"
    return Said(Hue.TEAL, ("居民需求", "Need"), need, rows, hint)


async def _wish(actor: Actor, wish_id: int) -> Said:
    wish = await wishes.find(actor, wish_id)
    _require_public(wish.moderation is Moderation.PASSED and wish.approved_by_id is not None and wish.state in WISHES)
    if wish.state in (WishState.WITHDRAWN, WishState.EXPIRED):
        raise InvalidState(wish.state)
    rows = [(("类型", "Kind"), WISH_KINDS[wish.kind]), (("进展", "State"), WISHES[wish.state])]
    if wish.needed_by is not None:
        rows.append((("希望在", "Needed by"), _day(wish.needed_by)))
    progress = None
    if wish.claimers > 1:
        taken = wish.claimers - wish.free_slots
        begun = f"{taken} 人已认领", f"{taken} claimed"
        wanted = f"共需 {wish.claimers} 人", f"of {wish.claimers}"
        progress = taken * 100 // wish.claimers, begun, wanted
    hint = "在微信里认领，帮邻居圆一个心愿", "Claim it in WeChat, and make a neighbour's wish come true"
    return Said(Hue.ROSE, ("微心愿", "Micro-wish"), wish, rows, hint, progress)


async def _deliberation(actor: Actor, deliberation_id: int) -> Said:
    found = await deliberations.find(actor, deliberation_id)
    _require_public(found.moderation is Moderation.PASSED)
    if found.state is DeliberationState.WITHDRAWN:
        raise InvalidState(found.state)
    rows = [(("进展", "State"), DELIBERATIONS[found.state])]
    if found.state in (DeliberationState.PROPOSED, DeliberationState.DISCUSSION):
        rows.append((("讨论到", "Discussed until"), _moment(found.discussion_until)))
    if found.state in (DeliberationState.PROPOSED, DeliberationState.DISCUSSION, DeliberationState.VOTING):
        rows.append((("投票到", "Vote until"), _moment(found.voting_until)))
    rows.append((("参加", "Who votes"), ROLLS[found.roll]))
    if len(found.options):
        rows.append((("选项", "Options"), _same(" / ".join(option.title for option in found.options))))
    hint = "在微信里参加讨论和表决", "Discuss and vote in WeChat"
    return Said(Hue.INDIGO, ("协商议事", "Deliberation"), found, rows, hint)


async def _activity(actor: Actor, activity_id: int) -> Said:
    view = await volunteering.find(actor, activity_id)
    activity, now = view.activity, await clock.now()
    _require_public(activity.moderation is Moderation.PASSED)
    if view.state is ShiftState.CANCELLED:
        raise InvalidState(view.state)
    planned = [shift for shift in view.shifts if shift.state is ShiftState.PLANNED]
    ahead = [shift for shift in planned if shift.ends_at is None or shift.ends_at > now]
    rows = []
    for shift in ahead[:SHIFTS_SHOWN]:
        if shift.starts_at is not None and shift.ends_at is not None:
            rows.append((("时间", "When"), _period(shift.starts_at, shift.ends_at)))
        rows.append((("地点", "Where"), _same(shift.place_text)))
    if len(ahead) > SHIFTS_SHOWN:
        rows.append((("场次", "Shifts"), (f"共 {len(ahead)} 场", f"{len(ahead)} in all")))
    free = sum(shift.capacity - shift.taken for shift in ahead)
    left = (f"还有 {free} 个", f"{free} left") if free else ("已满，可以候补", "Full; you may wait for one")
    rows.append((("名额", "Seats"), left if ahead else ("已结束", "Over")))
    return Said(Hue.BLUE, ACTIVITIES[activity.kind], activity, rows, ("在微信里报名", "Sign up in WeChat"))


async def _campaign(actor: Actor, campaign_id: int) -> Said:
    """None within the community; of a charity's the way to its own platform, where the money is taken."""
    campaign = await crowdfunding.find(actor, campaign_id)
    _require_public(campaign.moderation is Moderation.PASSED and campaign.published_by_id is not None)
    if campaign.legal_path is LegalPath.COMMUNITY:
        raise NoPublicPoster
    if campaign.state is CampaignState.CANCELLED:
        raise InvalidState(campaign.state)
    rows = [(("进展", "State"), CAMPAIGNS[campaign.state])]
    if campaign.state in (CampaignState.PUBLISHED, CampaignState.OPEN):
        rows.append((("截止", "Until"), _moment(campaign.deadline)))
    raised, goal = yuan(campaign.raised_fen), yuan(campaign.goal_fen)
    progress = campaign.progress, (f"已到 {raised} 元", f"¥{raised} raised"), (f"目标 {goal} 元", f"of ¥{goal}")
    if campaign.legal_path is LegalPath.GOVERNMENT:
        rows.append((("资金", "Money"), ("政府项目资金", "From the government")))
        hint = "在微信里看资金和进展", "Follow the money and the work in WeChat"
        return Said(Hue.GREEN, ("政府支持项目", "Supported by the government"), campaign, rows, hint, progress)
    by = ("募捐方", "Raised by"), _same(campaign.charity_name or "")
    filing = ("备案编号", "Filing no."), _same(campaign.charity_filing or "")
    label, call = ("公开募捐项目", "Raised by a charity"), ("扫码前往募捐平台", "To the charity's platform")
    hint = "捐款由该慈善组织在其平台接收，邻里不收款", "The charity takes gifts on its own platform; Linli takes none"
    return Said(Hue.GREEN, label, campaign, [by, filing, *rows], hint, progress, call, campaign.charity_url)


def _require_public(public: bool) -> None:
    if not public:
        raise NotFound("没有可以转发的海报", "There is no poster of this to pass on")


def _same(text: str) -> Words:
    return text, text


def _day(day: date) -> Words:
    return f"{day.year}年{day.month}月{day.day}日", f"{day:%Y-%m-%d}"


def _moment(at: datetime) -> Words:
    local = at.astimezone(SHANGHAI)
    zh, en = _day(local.date())
    return f"{zh} {local:%H:%M}", f"{en} {local:%H:%M}"


def _period(begins: datetime, ends: datetime) -> Words:
    """From when until when; the day once where it is the same."""
    first, last = begins.astimezone(SHANGHAI), ends.astimezone(SHANGHAI)
    until = _same(f"{last:%H:%M}") if first.date() == last.date() else _moment(ends)
    zh, en = _moment(begins)
    return f"{zh}–{until[0]}", f"{en}–{until[1]}"


POSTERS: dict[PosterKind, Callable[[Actor, int], Awaitable[Said]]] = {
    PosterKind.NEED: _need,
    PosterKind.WISH: _wish,
    PosterKind.DELIBERATION: _deliberation,
    PosterKind.ACTIVITY: _activity,
    PosterKind.CAMPAIGN: _campaign,
}
FIELDS: dict[NeedField, Words] = {
    NeedField.ELDERLY: ("老人", "Elderly people"),
    NeedField.CHILDREN: ("儿童", "Children"),
    NeedField.DISABILITY: ("残障", "Disability"),
    NeedField.HEALTH: ("健康", "Health"),
    NeedField.CULTURE_SPORT: ("文体", "Culture and sport"),
    NeedField.ENVIRONMENT: ("环境", "Environment"),
    NeedField.SAFETY: ("安全", "Safety"),
    NeedField.PROPERTY: ("物业", "Property"),
    NeedField.LIVELIHOOD: ("民生", "Livelihood"),
    NeedField.OTHER: ("其他", "Other"),
}
NEEDS: dict[NeedState, Words] = {
    NeedState.SUBMITTED: ("已提交", "Submitted"),
    NeedState.ACCEPTED: ("已受理", "Accepted"),
    NeedState.DECLINED: ("未受理", "Declined"),
    NeedState.ROUTED: ("已安排", "Routed"),
    NeedState.IN_PROGRESS: ("办理中", "In progress"),
    NeedState.DONE: ("已办结", "Done"),
    NeedState.RATED: ("已评价", "Rated"),
    NeedState.CLOSED: ("已结束", "Closed"),
}
WISH_KINDS: dict[WishKind, Words] = {
    WishKind.GOODS: ("物品", "Goods"),
    WishKind.SERVICE: ("服务", "A service"),
    WishKind.COMPANIONSHIP: ("陪伴", "Company"),
    WishKind.LEARNING: ("学习", "Learning"),
}
WISHES: dict[WishState, Words] = {
    WishState.OPEN: ("等待认领", "Open"),
    WishState.CLAIMED: ("已认领", "Claimed"),
    WishState.FULFILLED: ("已实现", "Fulfilled"),
    WishState.CONFIRMED: ("已实现", "Fulfilled"),
    WishState.DISPUTED: ("核实中", "Being looked into"),
    WishState.CLOSED: ("已结束", "Closed"),
    WishState.WITHDRAWN: ("已撤回", "Withdrawn"),
    WishState.EXPIRED: ("已过期", "Expired"),
}
DELIBERATIONS: dict[DeliberationState, Words] = {
    DeliberationState.PROPOSED: ("待讨论", "Proposed"),
    DeliberationState.DISCUSSION: ("讨论中", "Being discussed"),
    DeliberationState.VOTING: ("投票中", "Being voted on"),
    DeliberationState.DECIDED: ("已有结果", "Decided"),
    DeliberationState.FAILED_QUORUM: ("参加人数不足", "Too few took part"),
    DeliberationState.IMPLEMENTING: ("落实中", "Being carried out"),
    DeliberationState.REVIEWED: ("已评议", "Reviewed"),
}
ROLLS: dict[Roll, Words] = {
    Roll.RESIDENTS: ("本社区成年居民", "Adult residents"),
    Roll.HOUSEHOLDS: ("每户一票", "One vote a household"),
    Roll.REPRESENTATIVES: ("居民代表", "Residents' representatives"),
    Roll.OWNERS: ("业主", "Owners"),
}
ACTIVITIES: dict[ActivityKind, Words] = {
    ActivityKind.SERVICE: ("志愿服务", "Volunteering"),
    ActivityKind.TRAINING: ("培训", "Training"),
    ActivityKind.MEETING: ("会议", "Meeting"),
    ActivityKind.COMMUNITY_EVENT: ("社区活动", "Community event"),
    ActivityKind.ROADSHOW: ("路演", "Roadshow"),
    ActivityKind.TASK: ("志愿任务", "Task"),
}
CAMPAIGNS: dict[CampaignState, Words] = {
    CampaignState.PUBLISHED: ("即将开始", "About to open"),
    CampaignState.OPEN: ("进行中", "Open"),
    CampaignState.FUNDED: ("已筹齐", "Funded"),
    CampaignState.FAILED: ("未筹齐", "Not funded"),
    CampaignState.IMPLEMENTING: ("实施中", "Being carried out"),
    CampaignState.ACCEPTED: ("已验收", "Accepted"),
    CampaignState.SETTLED: ("已结项", "Settled"),
}
