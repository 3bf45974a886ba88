"""What residents are told, on one page, in two languages."""

from collections.abc import Iterable, Mapping
from typing import Any

from models.base import Moderation
from models.events import Reason

NOT_SHOWN = ("（理由暂不显示）", "(the reason is not shown)")
# kind of notice → (Chinese, English); {…} are the notice's own params, {reason} somebody's words by their id.
NOTICES: dict[str, tuple[str, str]] = {
    "household_claim.confirmed": ("您的住户认证已通过", "Your residence has been confirmed"),
    "household_claim.declined": (
        "您的住户认证未通过，理由见申请",
        "Your residence was not confirmed; the claim says why",
    ),
    "membership.ended": (
        "一段住户关系已结束；仍居住在本社区的，请重新认证",
        "A residence has ended; whoever still lives here has it confirmed again",
    ),
    "representative_change.proposed": (
        "本户有人提议更换户代表，请全体成年成员确认",
        "A new representative of your household is proposed; all its adults say yes or no",
    ),
    "representative_change.confirmed": ("本户的户代表已更换", "Your household has a new representative"),
    "representative_change.declined": ("更换户代表的提议未通过", "The proposal of a new representative was declined"),
    "invitation.accepted": (
        "您的邀请已被使用，新成员已加入本户",
        "Your invitation was used; somebody has joined",
    ),
    "guardianship.begun": ("监护人已同意孩子参与社区活动", "A guardian has consented to the child's taking part"),
    "guardianship.ended": (
        "监护人的同意已撤回，孩子仍可浏览",
        "The guardian's consent has ended; the child may still look",
    ),
    "resident_link.asked": (
        "居委会认为您就是一位已登记的居民，请确认是否为本人",
        "The committee believes that you are a resident on record; please say whether you are",
    ),
    "resident_link.matched": (
        "一个新账号的手机号与一位已登记居民的相同，请核实是否为同一人",
        "A new account has the number of a resident on record; please find out whether it is he",
    ),
    "resident_link.confirmed": ("居民已确认是本人，记录已合并", "He confirmed who he is; the records are linked"),
    "phone_move.asked": (
        "有人申请将已绑定的手机号换到新账号；不是本人的，请联系居委会",
        "Somebody asks to move a telephone number to a new account; if it was not you, tell the committee",
    ),
    "phone_move.confirmed": ("手机号已与原账号解绑，可以绑定到新账号", "The number is free now and may be bound anew"),
    "phone_move.declined": ("更换手机号的申请未通过", "The request to move a telephone number was declined"),
    "resident.suspended": (
        "您的账号已被暂停使用：仍可查看、导出资料和注销；有异议请联系居委会",
        "Your account is suspended: you may read, export and leave; talk to the committee if you object",
    ),
    "resident.reinstated": ("您的账号已恢复使用", "Your account may be used again"),
    "role.conflict_found": (
        "有监督委员会成员的近亲属在居委会任职（居委会组织法第三十六条），请处理",
        "A supervisor has a close relative on the committee (art. 36); please settle it",
    ),
    "role.renewed": ("您的一项职责已续任", "One of your roles has been renewed"),
    "role.ending": ("一项职责将于 {until} 到期", "A role ends on {until}"),
    "role.ended": ("一项职责已于 {until} 到期", "A role ended on {until}"),
    "assistance.objected": (
        "本人对一次代办提出了异议：{outcome}",
        "Somebody objects to what was done on his behalf: {outcome}",
    ),
    "check.approved": ("您发布的内容已通过人工审核", "What you wrote has been looked at and is shown now"),
    "check.hidden": ("您发布的内容未予显示：{why}", "What you wrote is not shown: {why}"),
    "check.hidden_by_hand": ("您发布的内容未予显示：{reason}", "What you wrote is not shown: {reason}"),
    "check.restored": ("您发布的内容已恢复显示：{reason}", "What you wrote is shown again: {reason}"),
    "report.kept": ("您举报的内容已处理：予以保留", "What you reported has been looked at and stays"),
    "report.hidden": ("您举报的内容已处理：不再显示", "What you reported has been looked at and is not shown any more"),
    "pause.begun": (
        "您发布的内容多次被隐藏，{until} 前不能发布；仍可浏览、投票、捐款和联系居委会",
        "Too much of what you wrote was hidden: until {until} you may not post, but read, vote, give and write to the "
        "committee",
    ),
    "pause.lifted": ("您可以重新发布内容了", "You may post again"),
    "comment.hidden": ("您的评论已被居委会隐藏：{reason}", "The committee has hidden your comment: {reason}"),
    "media.hidden": (
        "您上传的一张照片未通过审核（{why}），其他人看不到它",
        "A picture of yours was not allowed ({why}); nobody else sees it",
    ),
    "role.granted": ("您已被授予新的职责", "You have been given a new role"),
    "role.revoked": ("您的一项职责已结束", "One of your roles has ended"),
    "pledge.paid": ("您为「{title}」认捐的 {yuan} 元已收到", "Your {yuan} yuan for “{title}” have arrived"),
    "pledge.expired": ("您为「{title}」的认捐未在时限内付款", "Your pledge to “{title}” was not paid in time"),
    "pledge.refunded": ("您为「{title}」认捐的 {yuan} 元已原路退回", "Your {yuan} yuan for “{title}” were refunded"),
    "pledge.shift_called_off": (
        "您为「{title}」承诺的时间所选的班次已取消，可另选班次或撤回",
        "The shift you chose for “{title}” was called off; choose another, or take your promise back",
    ),
    "pledge.received": ("您捐给「{title}」的物品或服务已收到", "What you gave to “{title}” has been received"),
    "team.handed_over": ("您现在是小分队「{title}」的队长", "You lead the team “{title}” now"),
    "disclosure_question.asked": (
        "居民对公示「{title}」有疑问，请在五个工作日内答复",
        "A resident asks about “{title}” on display; please answer within five working days",
    ),
    "disclosure_question.overdue": (
        "公示「{title}」的居民提问已超过答复期限",
        "A question about “{title}” on display is overdue",
    ),
    "disclosure_question.answered": ("您对公示「{title}」的提问已有答复", "Your question about “{title}” was answered"),
    "campaign.in_review": ("众筹「{title}」等待您审核发布", "The campaign “{title}” waits for you to publish it"),
    "campaign.funded": ("您支持的众筹「{title}」已达成", "The campaign “{title}” you gave to is funded"),
    "campaign.failed": (
        "众筹「{title}」未达成：已付的款将原路退回，答应的物品、时间和技能不必再给",
        "The campaign “{title}” was not funded; what was paid is coming back, what was promised need not be given",
    ),
    "campaign.cancelled": (
        "众筹「{title}」已取消：已付的款将原路退回，答应的物品、时间和技能不必再给",
        "The campaign “{title}” was cancelled; what was paid is coming back, what was promised need not be given",
    ),
    "expense.requested": (
        "「{title}」申请支出 {yuan} 元，等待审批",
        "“{title}” asks for {yuan} yuan; it waits for approval",
    ),
    "expense.approved": ("「{title}」的 {yuan} 元支出已获批准", "The {yuan} yuan from “{title}” are approved"),
    "expense.rejected": (
        "「{title}」的 {yuan} 元支出被驳回：{reason}",
        "The {yuan} yuan from “{title}” were rejected: {reason}",
    ),
    "expense.corrected": (
        "「{title}」的 {yuan} 元支出已冲正，原支付不再计入",
        "The payment of {yuan} yuan from “{title}” has been undone",
    ),
    "expense.paid": ("「{title}」的 {yuan} 元支出已支付", "The {yuan} yuan from “{title}” have been paid"),
    "campaign.extended": (
        "众筹「{title}」的截止时间延长至 {until}，在此之前您可以收回所捐",
        "The campaign “{title}” now ends on {until}; until then you may take back what you gave",
    ),
    "campaign.surplus_to_fund": (
        "众筹「{title}」已结项，结余 {yuan} 元转入社区公益金",
        "“{title}” is settled; the {yuan} yuan left went to the general fund",
    ),
    "campaign.surplus_to_campaign": (
        "众筹「{title}」已结项，结余 {yuan} 元按决议转入另一个众筹项目",
        "“{title}” is settled; the {yuan} yuan left went to another campaign by a resolution",
    ),
    "campaign.use_change_announced": (
        "众筹「{title}」的部分款项拟按新决议变更用途，不同意的可在 {until} 前申请退回您的份额",
        "Part of what “{title}” raised is to be used otherwise; until {until} you may take your share back",
    ),
    "slip.posted": ("您捐给「{title}」的 {yuan} 元已入账", "Your gift of {yuan} yuan to “{title}” is in the books"),
    "need.accepted": ("需求「{title}」已受理", "The need “{title}” has been taken on"),
    "need.declined": ("需求「{title}」未受理：{reason}", "The need “{title}” was declined: {reason}"),
    "need.routed": ("需求「{title}」已确定办理方式", "It is settled how the need “{title}” will be handled"),
    "need.answered": ("需求「{title}」有了正式答复", "The need “{title}” has an official answer"),
    "need.done": (
        "需求「{title}」已办结，请评价；不满意可在三十天内要求重办",
        "The need “{title}” is done; please rate it, or reopen it within 30 days",
    ),
    "need.rated": ("需求「{title}」收到评价：{score} 分", "The need “{title}” was rated {score}"),
    "need.reopened": ("需求「{title}」被要求重办：{reason}", "The need “{title}” was reopened: {reason}"),
    "need.merged": ("需求「{title}」已并入「{into}」", "The need “{title}” was merged into “{into}”"),
    "need.support_brought": (
        "您附议的「{from_title}」已并入「{title}」，附议随之保留，可随时撤回",
        "“{from_title}” was merged into “{title}”; your support went with it, and you may take it back",
    ),
    "need.joined": ("另一条需求并入了「{title}」", "Another need was merged into “{title}”"),
    "need.escalated": (
        "需求「{title}」已递交{level}，应于 {until} 前答复",
        "The need “{title}” was handed up to the {level}, which answers before {until}",
    ),
    "need.returned": (
        "需求「{title}」被{level}退回：{reason}",
        "The need “{title}” came back from the {level}: {reason}",
    ),
    "need.overdue": ("需求「{title}」已超过办理期限", "The need “{title}” is overdue"),
    "need.closed": ("需求「{title}」已归档", "The need “{title}” is closed"),
    "unit.registered": ("有单位等待居委会确认", "A unit waits for the committee to confirm it"),
    "unit.confirmed": ("您登记的单位已获确认", "Your unit has been confirmed"),
    "unit.ended": ("您登记的单位已注销：{reason}", "Your unit was declined or ended: {reason}"),
    "wish.posted": ("微心愿「{title}」等待审核", "The wish “{title}” waits for the committee"),
    "wish.approved": ("微心愿「{title}」已通过审核", "The wish “{title}” has been approved"),
    "wish.claimed": ("微心愿「{title}」有人认领了", "The wish “{title}” has been claimed"),
    "wish.due_soon": (
        "您认领的微心愿「{title}」还有两天到期，请完成后反馈",
        "Your claim on the wish “{title}” ends in two days; please report what you did",
    ),
    "wish.extension_asked": ("微心愿「{title}」的认领人申请延期", "A claimer of the wish “{title}” asks for more time"),
    "wish.extended": ("您认领的微心愿「{title}」已延期", "Your claim on the wish “{title}” has been extended"),
    "wish.contact_shared": (
        "微心愿「{title}」的许愿人同意让您知道联系方式",
        "The wisher of “{title}” lets you know how to reach him",
    ),
    "wish.claiming_paused": (
        "您有三次认领未完成，{until} 前暂停认领",
        "Three claims of yours came to nothing; you may claim again after {until}",
    ),
    "wish.released": ("微心愿「{title}」的认领已释放", "A claim on the wish “{title}” was released"),
    "wish.fulfilled": ("微心愿「{title}」已完成，请确认", "The wish “{title}” has been fulfilled; please confirm"),
    "wish.confirmed": ("微心愿「{title}」已由许愿人确认", "The wish “{title}” has been confirmed by the wisher"),
    "wish.disputed": ("微心愿「{title}」的完成情况有异议", "The fulfilment of the wish “{title}” is disputed"),
    "wish.closed": ("微心愿「{title}」的异议已处理", "The dispute over the wish “{title}” has been settled"),
    "wish.withdrawn": ("微心愿「{title}」已撤回", "The wish “{title}” was withdrawn"),
    "wish.expired": ("微心愿「{title}」已过期", "The wish “{title}” has expired"),
    "activity.led": ("请您担任一项活动的负责人", "You have been asked to lead an activity"),
    "signup.confirmed": ("您已报名「{title}」", "You are signed up for “{title}”"),
    "signup.waitlisted": (
        "「{title}」名额已满，您排在候补第{position}位",
        "“{title}” is full; you are number {position} on the waiting list",
    ),
    "signup.promoted": (
        "「{title}」有了空位，您已报名成功",
        "A place has become free: you are signed up for “{title}”",
    ),
    "signup.cancelled": ("{name}取消了「{title}」的报名", "{name} cancelled the sign-up for “{title}”"),
    "signup.passed_over": (
        "「{title}」有了空位，但您在同一时间已有其他班次，暂由后面的候补递补；您的候补位置保留",
        "“{title}” has a free place, but you are elsewhere at that time: the next in line comes first, you keep yours",
    ),
    "signup.displaced": (
        "「{title}」改到了 {at}，您那时已有其他班次，您的报名已取消",
        "“{title}” was moved to {at}, when you are in another shift: your sign-up has ended",
    ),
    "signup.no_show": (
        "「{title}」的负责人记录您未到场；如有误请联系负责人",
        "The leader of “{title}” noted that you did not come; if that is wrong, please tell him",
    ),
    "shift.changed": (
        "您报名的「{title}」有变动，时间：{at}；如不能参加可以取消",
        "“{title}” has changed, it is at {at}; you may cancel if that does not suit you",
    ),
    "shift.cancelled": ("「{title}」的一个班次已取消：{reason}", "A shift of “{title}” was called off: {reason}"),
    "shift.tomorrow": (
        "提醒：您报名的「{title}」将于 {at} 开始，地点：{place}",
        "A reminder: “{title}” begins at {at}, at {place}",
    ),
    "shift.soon": (
        "提醒：您报名的「{title}」两小时内开始（{at}），地点：{place}",
        "A reminder: “{title}” begins within two hours ({at}), at {place}",
    ),
    "activity.changed": ("您报名的活动「{title}」有变动", "The activity “{title}” has changed"),
    "service_record.disputed": (
        "有志愿者对「{title}」的服务时长提出异议：{reason}",
        "A volunteer disputes the hours of “{title}”: {reason}",
    ),
    "service_record.corrected": (
        "您在「{title}」的服务时长更正为{minutes}分钟：{reason}",
        "Your service in “{title}” was corrected to {minutes} minutes: {reason}",
    ),
    "service_record.resolved": (
        "您对「{title}」服务时长的异议已处理，记为{minutes}分钟：{reason}",
        "Your dispute over “{title}” is decided: {minutes} minutes: {reason}",
    ),
    "volunteer_team.asked": ("{name}申请加入志愿队「{title}」", "{name} asks to join the team “{title}”"),
    "volunteer_team.joined": ("您已加入志愿队「{title}」", "You belong to the team “{title}” now"),
    "volunteer_team.declined": ("志愿队「{title}」没有接受您的申请", "The team “{title}” did not take you in"),
    "volunteer_team.handed_over": ("您现在是志愿队「{title}」的队长", "You lead the team “{title}” now"),
    "points.received": (
        "{name}感谢您的帮助，赠与您{minutes}分钟服务时长",
        "{name} gave you {minutes} minutes for your help",
    ),
    "certificate.revoked": (
        "您的志愿服务证明（{number}）已被撤销：{reason}",
        "Your certificate {number} was revoked: {reason}",
    ),
    "hours.confirmed": (
        "您在「{title}」的服务时长{minutes}分钟已确认",
        "Your {minutes} minutes of service in “{title}” have been confirmed",
    ),
    "deliberation.opened_late": (
        "「{title}」的表决比预定时间晚开始，截止时间相应顺延，请您投票",
        "The vote on “{title}” opened late and ends as much later; please vote",
    ),
    "deliberation.reviewed": ("「{title}」已落实，请评价是否满意", "“{title}” has been carried out; please rate it"),
    "option_proposal.made": ("有居民为「{title}」提出了新选项", "A neighbour proposes one more option for “{title}”"),
    "option_proposal.accepted": ("您为「{title}」提出的选项已采纳", "Your option for “{title}” has been taken in"),
    "option_proposal.declined": (
        "您为「{title}」提出的选项未采纳：{reason}",
        "Your option for “{title}” was not taken in: {reason}",
    ),
    "meeting.announced": ("{what}「{title}」将于{at}召开", "{what} “{title}” is called for {at}"),
    "meeting.cancelled": ("会议「{title}」已取消", "The meeting “{title}” is cancelled"),
    "meeting.too_late": (
        "居民会议「{title}」的通知未能提前十日发出，已自动取消，请另定时间",
        "The residents' meeting “{title}” could not be announced ten days ahead and is cancelled; call it anew",
    ),
    "meeting.entered": (
        "工作人员为您登记了会议「{title}」的签到；如您没有到会，请向居委会提出",
        "The staff entered that you came to the meeting “{title}”; if you did not, tell the committee",
    ),
    "meeting.held": ("会议「{title}」的记录已公布", "The minutes of the meeting “{title}” are there"),
    "petition.reached": (
        "联名「{title}」已达到法定人数，请在{due}前答复",
        "The petition “{title}” has the signatures the law asks for; it must be answered by {due}",
    ),
    "petition.answered": ("您参与的联名「{title}」已有答复", "The petition “{title}” you signed has been answered"),
    "petition.lapsed": ("联名「{title}」在期限内未达到人数", "The petition “{title}” was not signed by enough in time"),
    "follow_up.set": (
        "决议「{title}」有一项任务请您在{due}前完成",
        "The resolution “{title}” gives you a task, due by {due}",
    ),
    "deliberation.voting_opened": ("「{title}」开始表决，请您投票", "The vote on “{title}” is open"),
    "deliberation.ballot_entered": (
        "有人受托或按纸质票为您录入了「{title}」的选票；如非您的意愿，请在投票截止前提出异议",
        "A ballot in “{title}” was entered for you; if you did not want it, object while the vote runs",
    ),
    "deliberation.ballot_invalidated": (
        "「{title}」中代为录入的一张选票经异议作废",
        "A ballot entered for somebody in “{title}” was objected to and is void",
    ),
    "objection.made": (
        "有人对「{title}」的名册提出异议，表决开始前请处理",
        "Somebody objects to the roll of “{title}”; decide before the vote opens",
    ),
    "objection.about_you": (
        "有人对您在「{title}」名册上的资格提出异议；请查看理由，如有不同意见请在表决开始前提出异议",
        "Somebody objects to your standing on the roll of “{title}”; see why, and object before the vote opens",
    ),
    "objection.decided": ("「{title}」名册的一项异议已处理", "An objection to the roll of “{title}” was decided"),
    "deliberation.decided": ("「{title}」的表决已有结果", "The vote on “{title}” has been decided"),
    "deliberation.failed_quorum": (
        "「{title}」的表决参加人数不足，未产生决议",
        "Too few took part in the vote on “{title}”; no resolution came of it",
    ),
    "deliberation.withdrawn": ("「{title}」已撤回", "“{title}” has been withdrawn"),
    "deliberation.lapsed": (
        "「{title}」在截止前没有开始表决，已自动撤回",
        "“{title}” was not put to the vote in time and has lapsed",
    ),
}


async def passed_reasons(ids: Iterable[int | None]) -> dict[int, str]:
    """Those of the reasons that others than their authors may read."""
    wanted = [reason_id for reason_id in ids if reason_id is not None]
    passed = await Reason.filter(id__in=wanted, moderation=Moderation.PASSED) if wanted else []
    return {reason.id: reason.text for reason in passed}


def in_words(kind: str, params: Mapping[str, Any], reasons: Mapping[int, str]) -> tuple[str, str]:
    """A notice in Chinese and in English; one with a `reason_id` tells the reason if it is in `reasons`.

    Notices from before reasons were checked carry theirs themselves.
    """
    zh, en = (
        NOTICES[kind][language].format_map(
            {"reason": reasons.get(params.get("reason_id", 0), NOT_SHOWN[language])}
            | {name: value[language] if isinstance(value, list | tuple) else value for name, value in params.items()}
        )
        for language in (0, 1)
    )
    return zh, en
