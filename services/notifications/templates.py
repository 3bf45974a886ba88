"""Which notice goes out as which message of WeChat: templates, the words of each kind, and what stays in the inbox."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import SHANGHAI
from models.notifications import MessageTemplate
from services.rules.messages import fit

TemplateId = Callable[[str], str | None]
"""WeChat's id of a template named by us; None for one that this installation has not got."""


@dataclass(frozen=True)
class Keyword:
    """One line of a message: what it is called at WeChat, what we say there, and an example for the application."""

    label: str
    value: str
    sample: str


@dataclass(frozen=True)
class Template:
    """A template to apply for at WeChat. `short` names its notices in the digest, `page` opens in the mini-program."""

    title: str
    short: str
    keywords: dict[str, Keyword]
    page: str = "pages/{subject_kind}/index?id={subject_id}"


@dataclass(frozen=True)
class Message:
    """What is sent: a value for each keyword, within WeChat's limits, and the page that a tap opens."""

    data: dict[str, str]
    page: str


def _progress(label: str, sample: str, word: str) -> dict[str, Keyword]:
    return {
        "thing1": Keyword(label, "{title}", sample),
        "phrase2": Keyword("当前状态", "{word}", word),
        "time3": Keyword("更新时间", "{at}", "2026年11月23日 10:00"),
        "thing4": Keyword("温馨提示", "{hint}", "点击查看详情"),
    }


TEMPLATES: dict[MessageTemplate, Template] = {
    MessageTemplate.NEED_PROGRESS: Template("需求办理进度提醒", "需求", _progress("需求", "楼道灯坏了", "已受理")),
    MessageTemplate.WISH_PROGRESS: Template("心愿进度提醒", "心愿", _progress("心愿", "想要一台收音机", "已认领")),
    MessageTemplate.ACTIVITY_REMINDER: Template("活动报名提醒", "活动", _progress("活动", "周末清洁日", "报名成功")),
    MessageTemplate.VOTE_NOTICE: Template("投票通知", "议事", _progress("议题", "是否加装电梯", "开始表决")),
    MessageTemplate.PLEDGE_RESULT: Template("众筹进展提醒", "众筹", _progress("项目", "修缮小花园", "已达成")),
    MessageTemplate.REFUND_NOTICE: Template(
        "退款通知",
        "退款",
        {
            "thing1": Keyword("退款项目", "{title}", "修缮小花园"),
            "amount2": Keyword("退款金额", "{yuan}元", "100.00元"),
            "time3": Keyword("退款时间", "{at}", "2026年11月23日 10:00"),
            "thing4": Keyword("温馨提示", "{hint}", "已原路退回，请留意到账"),
        },
    ),
    MessageTemplate.REVIEW_RESULT: Template("审核结果通知", "审核", _progress("审核内容", "住户认证", "已通过")),
    MessageTemplate.REVIEW_TASK: Template("待办审核提醒", "待办", _progress("待办事项", "修缮小花园", "待审核")),
    MessageTemplate.DIGEST: Template(
        "消息汇总提醒",
        "汇总",
        {
            "number1": Keyword("未读消息数", "{count}", "3"),
            "thing2": Keyword("消息内容", "{summary}", "需求2条、议事1条"),
            "time3": Keyword("汇总时间", "{at}", "2026年11月23日 18:00"),
        },
        page="pages/inbox/index",
    ),
}


@dataclass(frozen=True)
class Words:
    """How one kind of notice is said in its template; a `title` of its own where its params bring none."""

    template: MessageTemplate
    word: str
    hint: str
    title: str = ""


NEED, WISH, ACTIVITY, VOTE, PLEDGE, REFUND, RESULT, TASK, _ = MessageTemplate

MESSAGES: dict[str, Words] = {
    "household_claim.confirmed": Words(RESULT, "已通过", "现在可以参与社区事务了", "住户认证"),
    "household_claim.declined": Words(RESULT, "未通过", "点击查看理由", "住户认证"),
    "check.approved": Words(RESULT, "已通过", "现在别人能看到了", "您发布的内容"),
    "check.hidden": Words(RESULT, "未通过", "点击查看原因", "您发布的内容"),
    "check.hidden_by_hand": Words(RESULT, "未通过", "点击查看原因", "您发布的内容"),
    "comment.hidden": Words(RESULT, "已隐藏", "点击查看理由", "您的评论"),
    "media.hidden": Words(RESULT, "未通过", "图片未通过审核，别人看不到", "您上传的图片"),
    "pledge.paid": Words(PLEDGE, "认捐到账", "您认捐的{yuan}元已收到"),
    "pledge.expired": Words(PLEDGE, "超时未付", "您的认捐未在时限内付款"),
    "pledge.refunded": Words(REFUND, "已退款", "已原路退回，请留意到账"),
    "pledge.received": Words(PLEDGE, "捐赠收到", "您捐的物品或服务已收到"),
    "campaign.in_review": Words(TASK, "待审核", "等待您审核发布"),
    "campaign.funded": Words(PLEDGE, "已达成", "感谢您的支持"),
    "campaign.failed": Words(PLEDGE, "未达成", "已付的款将原路退回"),
    "campaign.cancelled": Words(PLEDGE, "已取消", "已付的款将原路退回"),
    "expense.requested": Words(TASK, "待审批", "申请支出{yuan}元"),
    "expense.approved": Words(RESULT, "已批准", "{yuan}元支出已获批准"),
    "expense.rejected": Words(RESULT, "已驳回", "点击查看理由"),
    "expense.corrected": Words(RESULT, "已冲正", "{yuan}元支出已冲正"),
    "expense.paid": Words(RESULT, "已支付", "{yuan}元支出已支付"),
    "campaign.extended": Words(PLEDGE, "截止延期", "延至{until}"),
    "campaign.surplus_to_fund": Words(PLEDGE, "已结项", "结余{yuan}元转公益金"),
    "campaign.surplus_to_campaign": Words(PLEDGE, "已结项", "结余{yuan}元转其他项目"),
    "campaign.use_change_announced": Words(PLEDGE, "用途变更", "可在{until}前申请退回"),
    "slip.posted": Words(PLEDGE, "捐款入账", "您捐的{yuan}元已入账"),
    "need.accepted": Words(NEED, "已受理", "点击查看详情"),
    "need.declined": Words(NEED, "未受理", "点击查看理由"),
    "need.routed": Words(NEED, "已分派", "已确定办理方式"),
    "need.answered": Words(NEED, "已答复", "点击查看正式答复"),
    "need.done": Words(NEED, "已办结", "请评价；不满意可要求重办"),
    "need.rated": Words(NEED, "已评价", "评价：{score}分"),
    "need.reopened": Words(NEED, "要求重办", "点击查看理由"),
    "need.merged": Words(NEED, "已合并", "点击查看详情"),
    "need.support_brought": Words(NEED, "已合并", "您的附议随之保留，可撤回"),
    "need.joined": Words(NEED, "已合并", "另一条需求并入，点击查看"),
    "need.escalated": Words(NEED, "逐层递交", "点击查看办理期限"),
    "need.returned": Words(NEED, "上级退回", "点击查看理由"),
    "need.overdue": Words(NEED, "已超期", "点击查看办理期限"),
    "need.closed": Words(NEED, "已归档", "点击查看详情"),
    "unit.registered": Words(TASK, "待确认", "有单位等待您确认", "单位登记"),
    "unit.confirmed": Words(RESULT, "已确认", "现在可以代表单位认领了", "单位登记"),
    "unit.ended": Words(RESULT, "已注销", "点击查看理由", "单位登记"),
    "wish.posted": Words(TASK, "待审核", "有微心愿等待您审核"),
    "wish.extension_asked": Words(WISH, "申请延期", "认领人申请延期，请您处理"),
    "wish.extended": Words(WISH, "已延期", "点击查看新的期限"),
    "wish.contact_shared": Words(WISH, "可以联系", "许愿人同意您查看联系方式"),
    "wish.claiming_paused": Words(WISH, "暂停认领", "{until}前暂停认领", "认领暂停"),
    "wish.approved": Words(WISH, "已通过", "等待邻居认领"),
    "wish.claimed": Words(WISH, "已认领", "有邻居认领了"),
    "wish.due_soon": Words(WISH, "即将到期", "还有两天，完成后请反馈"),
    "wish.released": Words(WISH, "认领释放", "点击查看详情"),
    "wish.fulfilled": Words(WISH, "待确认", "已完成，请您确认"),
    "wish.confirmed": Words(WISH, "已确认", "许愿人已确认"),
    "wish.disputed": Words(WISH, "有异议", "点击查看详情"),
    "wish.closed": Words(WISH, "已处理", "异议已处理"),
    "wish.withdrawn": Words(WISH, "已撤回", "点击查看详情"),
    "wish.expired": Words(WISH, "已过期", "点击查看详情"),
    "activity.led": Words(ACTIVITY, "请您负责", "请您担任负责人", "社区活动"),
    "signup.confirmed": Words(ACTIVITY, "报名成功", "点击查看时间和地点"),
    "signup.waitlisted": Words(ACTIVITY, "候补中", "您排在候补第{position}位"),
    "signup.promoted": Words(ACTIVITY, "候补成功", "有了空位，您已报名成功"),
    "signup.cancelled": Words(ACTIVITY, "取消报名", "有人取消了报名"),
    "signup.passed_over": Words(ACTIVITY, "仍在候补", "同一时间您有其他班次"),
    "signup.displaced": Words(ACTIVITY, "报名取消", "改到{at}，与您的班次冲突"),
    "signup.no_show": Words(ACTIVITY, "记为未到", "如有误请联系负责人"),
    "shift.changed": Words(ACTIVITY, "活动变动", "时间：{at}"),
    "shift.cancelled": Words(ACTIVITY, "班次取消", "点击查看理由"),
    "shift.tomorrow": Words(ACTIVITY, "明天开始", "{at}开始"),
    "shift.soon": Words(ACTIVITY, "即将开始", "{at}开始"),
    "activity.changed": Words(ACTIVITY, "活动变动", "点击查看详情"),
    "service_record.disputed": Words(TASK, "待处理", "服务时长有异议"),
    "service_record.corrected": Words(ACTIVITY, "时长更正", "更正为{minutes}分钟"),
    "service_record.resolved": Words(ACTIVITY, "异议已处理", "记为{minutes}分钟"),
    "volunteer_team.asked": Words(TASK, "待处理", "有人申请加入志愿队"),
    "volunteer_team.joined": Words(ACTIVITY, "已加入", "您已加入志愿队"),
    "volunteer_team.declined": Words(ACTIVITY, "未接受", "您的申请未被接受"),
    "volunteer_team.handed_over": Words(ACTIVITY, "请您带队", "您现在是志愿队的队长"),
    "points.received": Words(ACTIVITY, "收到时长", "收到{minutes}分钟服务时长", "时间银行"),
    "certificate.revoked": Words(RESULT, "证明撤销", "点击查看理由", "志愿服务证明"),
    "hours.confirmed": Words(ACTIVITY, "时长已确认", "服务时长{minutes}分钟"),
    "deliberation.opened_late": Words(VOTE, "开始表决", "开始较晚，截止顺延，请您投票"),
    "deliberation.reviewed": Words(VOTE, "已落实", "请评价是否满意"),
    "option_proposal.made": Words(TASK, "待处理", "有居民提出新选项"),
    "option_proposal.accepted": Words(VOTE, "选项已采纳", "您提出的选项已采纳"),
    "option_proposal.declined": Words(VOTE, "选项未采纳", "点击查看理由"),
    "meeting.announced": Words(VOTE, "会议通知", "点击查看时间和议程"),
    "meeting.cancelled": Words(VOTE, "会议取消", "点击查看详情"),
    "meeting.too_late": Words(TASK, "会议取消", "通知未能提前十日发出"),
    "meeting.entered": Words(VOTE, "会议签到", "工作人员为您登记了到会"),
    "meeting.held": Words(VOTE, "会议记录", "会议记录已公布"),
    "petition.reached": Words(TASK, "待答复", "联名已达到法定人数"),
    "petition.answered": Words(VOTE, "联名答复", "点击查看答复"),
    "petition.lapsed": Words(VOTE, "联名结束", "期限内未达到人数"),
    "follow_up.set": Words(TASK, "待完成", "决议的后续任务"),
    "team.handed_over": Words(PLEDGE, "请您带队", "您现在是小分队的队长"),
    "disclosure_question.asked": Words(TASK, "待答复", "请在五个工作日内答复"),
    "disclosure_question.overdue": Words(TASK, "已逾期", "居民提问已超过答复期限"),
    "disclosure_question.answered": Words(RESULT, "已答复", "点击查看答复"),
    "deliberation.voting_opened": Words(VOTE, "开始表决", "请您投票"),
    "deliberation.ballot_entered": Words(VOTE, "已代录", "如非您的意愿，请提出异议"),
    "deliberation.ballot_invalidated": Words(VOTE, "选票作废", "一张代录的选票经异议作废"),
    "objection.made": Words(TASK, "待处理", "名册异议，表决前请处理"),
    "objection.about_you": Words(VOTE, "名册异议", "有人对您的资格提出异议"),
    "objection.decided": Words(VOTE, "异议已处理", "点击查看详情"),
    "deliberation.decided": Words(VOTE, "已有结果", "点击查看结果"),
    "deliberation.failed_quorum": Words(VOTE, "人数不足", "未产生决议"),
    "deliberation.withdrawn": Words(VOTE, "已撤回", "点击查看详情"),
    "deliberation.lapsed": Words(VOTE, "自动撤回", "截止前没有开始表决"),
}

INBOX_ONLY = {
    "assistance.objected",
    "check.restored",
    "guardianship.begun",
    "guardianship.ended",
    "invitation.accepted",
    "membership.ended",
    "pause.begun",
    "pause.lifted",
    "report.hidden",
    "phone_move.asked",
    "phone_move.confirmed",
    "phone_move.declined",
    "report.kept",
    "representative_change.confirmed",
    "representative_change.declined",
    "representative_change.proposed",
    "resident_link.asked",
    "resident_link.confirmed",
    "role.conflict_found",
    "role.ended",
    "role.ending",
    "role.granted",
    "role.renewed",
    "role.revoked",
}


def template_of(kind: str) -> MessageTemplate | None:
    """The template of a kind of notice; None for what stays in the inbox."""
    return MESSAGES[kind].template if kind in MESSAGES else None


def message(kind: str, params: Mapping[str, str | int], *, subject_kind: str, subject_id: int, at: datetime) -> Message:
    """The message of a notice. Raises ValueError when a value does not fit (an amount beyond WeChat's ten digits)."""
    words = MESSAGES[kind]
    said: dict[str, str | int] = {"title": words.title, **params}
    said |= {"word": words.word, "hint": words.hint.format_map(said), "at": _at(at)}
    template = TEMPLATES[words.template]
    return Message(_filled(template, said), template.page.format(subject_kind=subject_kind, subject_id=subject_id))


def digest(counts: Mapping[str, int], *, at: datetime) -> Message:
    """The message that sums up notices not sent, counted by template."""
    template = TEMPLATES[MessageTemplate.DIGEST]
    parts = [f"{TEMPLATES[MessageTemplate(name)].short}{count}条" for name, count in sorted(counts.items())]
    said: dict[str, str | int] = {"count": sum(counts.values()), "summary": "、".join(parts), "at": _at(at)}
    return Message(_filled(template, said), template.page)


def _filled(template: Template, said: Mapping[str, str | int]) -> dict[str, str]:
    return {name: fit(name, keyword.value.format_map(said)) for name, keyword in template.keywords.items()}


def _at(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
