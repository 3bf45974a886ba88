"""The words of campaigns and gifts: their kinds and states, and what is refused about them."""

from enum import StrEnum

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses


class LegalPath(StrEnum):
    """Who may raise money, and from whom (居委会组织法 42)."""

    COMMUNITY = "community"
    CHARITY = "charity"
    GOVERNMENT = "government"


class BeneficiaryKind(StrEnum):
    """For whom: everybody of the community, some of its people, or one person or family."""

    COMMUNITY = "community"
    GROUP = "group"
    PERSON = "person"


class Cause(StrEnum):
    """Why something is raised for one person. Only `other` may be: the rest is personal help (慈善法 124)."""

    ILLNESS = "illness"
    ACCIDENT = "accident"
    HARDSHIP = "hardship"
    OTHER = "other"


class CampaignKind(StrEnum):
    ALL_OR_NOTHING = "all_or_nothing"
    KEEP_WHAT_IS_RAISED = "keep_what_is_raised"


class CampaignState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    OPEN = "open"
    FUNDED = "funded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    IMPLEMENTING = "implementing"
    ACCEPTED = "accepted"
    SETTLED = "settled"


class PledgeKind(StrEnum):
    MONEY = "money"
    IN_KIND = "in_kind"
    TIME = "time"
    SKILL = "skill"
    ADOPTION = "adoption"
    SALE = "sale"


MONEY_ROAD = frozenset({PledgeKind.MONEY, PledgeKind.ADOPTION, PledgeKind.SALE})
"""Kinds that are paid through WeChat; the others are promised and received."""


class PledgeState(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    EXPIRED = "expired"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    PROMISED = "promised"
    RECEIVED = "received"
    WITHDRAWN = "withdrawn"


class NotByTheSubmitter(Forbidden):
    code = "not_by_the_submitter"
    zh = "提交人不能自己发布，请另一位居委会成员审核"
    en = "Another committee member publishes what somebody submitted"


class NotChecked(Conflict):
    code, zh, en = "not_checked", "内容还在审核中", "Its words have not been checked yet"


class LineAdopted(Conflict):
    code, zh, en = "already_adopted", "这一项已有人认捐", "Somebody has adopted this line already"


class OtherTeam(Conflict):
    code = "already_in_team"
    zh = "您已加入这个项目的另一支小分队"
    en = "You are in another team of this campaign already"


class CampaignOver(Conflict):
    code, zh, en = "campaign_over", "众筹已经截止", "The campaign's deadline has passed"


class ExtendedBefore(Conflict):
    code, zh, en = "extended_before", "截止时间只能延长一次", "A deadline is put off once only"


class UseChangeAnnounced(Conflict):
    code = "use_change_announced"
    zh = "上一次变更用途的退款期还没有结束"
    en = "Another change of use is still open for refunds"


class NoSuchLine(Invalid):
    zh, en = "这个项目没有这一项预算", "This campaign has no such budget line"


class NoSuchItem(Invalid):
    zh, en = (
        "这个项目没有在售这件义卖品，或价格已变",
        "This campaign does not sell that for that price",
    )


class SoldOut(Conflict):
    code, zh, en = "sold_out", "这件义卖品剩余数量不足", "Too few of it are left"


class NoSuchTeam(Invalid):
    zh, en = "这个项目没有这支小分队", "This campaign has no such team"


class ResolutionNotValid(Invalid):
    code = "resolution_not_valid"
    zh = "须引用本社区已通过（或参考性）的决议"
    en = "Cite a resolution of this community that did not fail"


class PersonalAppeal(Invalid):
    code = "personal_appeal"
    zh = (
        "为个人因疾病、意外或家庭困难求助，依照慈善法第一百二十四条须通过民政部指定的个人求助网络服务平台，"
        "这里不能发起；请联系社工，可以为其登记微心愿或申请救助"
    )
    en = (
        "Help for a person in illness, accident or hardship is asked for on the platforms designated by the Ministry "
        "of Civil Affairs (Charity Law, art. 124), not here; a social worker can help with a wish or with relief"
    )


class MoneyIsHisOwn(Forbidden):
    code, zh, en = "money_is_his_own", "不能代他人认捐资金", "Nobody pledges another's money"


class NoPaymentHere(Conflict):
    code = "no_payment_here"
    zh = "这个项目的善款由慈善组织或政府部门直接收取，这里不收款"
    en = "Money for this campaign goes to the charity or comes from the government; none is taken here"


class OnlyFromOutside(Conflict):
    code = "only_from_outside"
    zh = "社区内部众筹的收入由居民付款入账，不能登记"
    en = "What is raised within the community is paid in by residents, not noted"


class DocumentNoted(Conflict):
    code, zh, en = "document_noted", "这份文件的收入已经登记", "The income by this document was noted already"


class StruckByAnother(Forbidden):
    code = "struck_by_another"
    zh = "登记人不能自己划去，请另一位居委会成员核对"
    en = "Another committee member strikes what somebody noted"


class NoSuchShift(Invalid):
    zh, en = "本社区没有这个班次", "This community has no such shift"


class HandOverFirst(Conflict):
    code = "hand_over_first"
    zh = "请先把队长交给另一位队员，再退出小分队"
    en = "Hand the lead over to another helper before you leave"


class OwnGift(Forbidden):
    code, zh, en = "own_gift", "不能确认收到自己捐的物品或服务", "Nobody notes that he received his own gift"


refuses("campaigns_no_personal_appeal", PersonalAppeal)
refuses("campaigns_checked", NotChecked)
refuses("pledges_checked", NotChecked)
refuses("pledges_on_path", NoPaymentHere)
refuses("slips_on_path", NoPaymentHere)
refuses("incomes_on_path", OnlyFromOutside)
refuses("incomes_one_per_document", DocumentNoted)
refuses("incomes_struck_by_another", StruckByAnother)
refuses("pledges_shift_of_community", NoSuchShift)
refuses("pledges_shift_id_fkey", NoSuchShift)
refuses("pledges_one_per_shift", AlreadyExists)
refuses("pledges_received_by_another", OwnGift)
refuses("teams_led_by_a_helper", HandOverFirst)
refuses("campaigns_published_by_another", NotByTheSubmitter)
refuses("campaigns_resolution", ResolutionNotValid)
refuses("pledges_one_adopter", LineAdopted)
refuses("use_changes_one_at_a_time", UseChangeAnnounced)
refuses("use_changes_one_per_resolution", ResolutionNotValid)
refuses("use_changes_new_resolution", ResolutionNotValid)
refuses("use_changes_resolution", ResolutionNotValid)
refuses("use_changes_of_line", NoSuchLine)
refuses("pledges_item_of_campaign", NoSuchItem)
refuses("pledges_sale_price", NoSuchItem)
refuses("sale_items_stock", SoldOut)
refuses("pledges_team_of_campaign", NoSuchTeam)
refuses("teams_one_name", AlreadyExists)
refuses("team_members_one_team", OtherTeam)


class UseChangeState(StrEnum):
    ANNOUNCED = "announced"
    IN_FORCE = "in_force"
