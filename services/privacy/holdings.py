"""What each table keeps about people: whose rows they are, and who only did something in them.

A test holds this page against the catalogue: each foreign key to `residents` stands here once, in `whose` or `acts`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """Rows of one table that are about a person, under their Chinese name.

    A row is somebody's when one of the columns `whose` names him, or when `where` (about $1) holds. The columns `acts`
    name who decided, entered or witnessed something about others: of that he gets no more than that and when.
    `without` are columns that are nobody's business but ours, or another person's.
    """

    table: str
    title: str
    whose: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    where: str = ""

    @property
    def is_mine(self) -> str:
        """SQL: whether a row `t` is that of resident $1."""
        return self.where or " OR ".join(f"t.{column} = $1" for column in self.whose)


AUTHOR, RESIDENT, GIVER = ("author_id",), ("resident_id",), ("giver_id",)
MINE = "SELECT id FROM {} WHERE {} = $1"

HELD = [
    Held("residents", "账号", where="t.id = $1", without=("phone_index",)),
    Held("sessions", "登录", RESIDENT, without=("token_hash",)),
    Held("consents", "同意", RESIDENT),
    Held("memberships", "住户成员", RESIDENT),
    Held(
        "households",
        "住房",
        ("representative_id",),
        where="t.id IN (SELECT household_id FROM memberships WHERE resident_id = $1)",
        without=("representative_id", "area_cm2", "constituency_id"),
    ),
    Held("ownerships", "产权", RESIDENT, acts=("recorded_by_id",)),
    Held("household_claims", "入户申请", RESIDENT, acts=("decided_by_id",)),
    Held("role_grants", "角色", RESIDENT, acts=("granted_by_id", "revoked_by_id")),
    Held("representatives", "居民代表任期", RESIDENT, acts=("recorded_by_id",)),
    Held("relatives", "亲属关系", ("low_id", "high_id"), acts=("declared_by_id", "ended_by_id")),
    Held("assistances", "代办", RESIDENT, acts=("assistant_id", "witness_id", "objected_by_id")),
    Held("household_records", "担任户代表", ("representative_id",), without=("area_cm2",)),
    Held("representative_changes", "更换户代表", RESIDENT, acts=("proposed_by_id", "decided_by_id")),
    Held("representative_votes", "同意更换户代表", RESIDENT),
    Held("invitations", "入户邀请", ("made_by_id", "used_by_id"), without=("code_hash", "made_by_id", "used_by_id")),
    Held("guardianships", "监护同意", ("child_id", "guardian_id"), acts=("named_by_id", "witness_id", "ended_by_id")),
    Held(
        "resident_links",
        "合并记录",
        ("recorded_id", "newcomer_id"),
        where="t.recorded_id = $1 OR t.newcomer_id = $1 AND t.asked_by_id IS NOT NULL",
        acts=("asked_by_id",),
    ),
    Held("phone_moves", "手机号换绑", ("new_id",), acts=("old_id", "decided_by_id"), without=("old_id",)),
    Held("media", "图片", ("uploader_id",), without=("trace_id",)),
    Held("attachments", "图片用处", where=f"t.media_id IN ({MINE.format('media', 'uploader_id')})"),
    Held("notices", "消息", RESIDENT),
    Held("deliveries", "微信消息", RESIDENT),
    Held("message_credits", "可发消息数", RESIDENT),
    Held("credit_entries", "消息授权", RESIDENT),
    Held("notice_preferences", "消息设置", RESIDENT),
    Held("pushes", "微信推送", where="t.openid = (SELECT openid FROM residents WHERE id = $1)", without=("signed",)),
    Held("idempotency_keys", "防重复标记", RESIDENT, without=("request_hash",)),
    Held("events", "操作记录", ("actor_id", "on_behalf_of_id"), without=("actor_id", "facts")),
    Held("reasons", "说明的理由", AUTHOR),
    Held("checks", "内容审核", AUTHOR, acts=("speaker_id", "decided_by_id"), without=("trace_ids",)),
    Held("reports", "举报", ("reporter_id",)),
    Held("pauses", "暂停发布", RESIDENT, acts=("lifted_by_id",)),
    Held("comments", "评论", AUTHOR),
    Held("comment_supports", "赞同的评论", RESIDENT),
    Held("needs", "需求", AUTHOR, acts=("assistant_id",)),
    Held("endorsements", "附议", RESIDENT),
    Held("need_answers", "对需求的答复", AUTHOR),
    Held("need_ratings", "对办理的评分", RESIDENT),
    Held("wishes", "微心愿", AUTHOR, acts=("assistant_id", "approved_by_id", "attested_by_id")),
    Held("wish_claims", "认领", RESIDENT, acts=("wisher_id", "assistant_id", "extended_by_id")),
    Held("wish_contacts", "心愿联系方式", where=f"t.wish_id IN ({MINE.format('wishes', 'author_id')})"),
    Held("wish_disclosures", "查看过的联系方式", ("reader_id",)),
    Held("wish_statements", "心愿异议说明", AUTHOR),
    Held("units", "单位联系人", ("contact_id",), acts=("confirmed_by_id",)),
    Held("activities", "志愿活动", AUTHOR, acts=("leader_id",)),
    Held("signups", "报名", RESIDENT, acts=("checked_in_by_id", "checked_out_by_id")),
    Held("service_records", "志愿时长", RESIDENT, acts=("confirmed_by_id",)),
    Held("service_corrections", "志愿时长更正", RESIDENT, acts=("corrected_by_id",)),
    Held("service_disputes", "志愿时长异议", RESIDENT, acts=("confirmed_by_id", "resolved_by_id")),
    Held("point_transfers", "时间银行", ("giver_id", "helper_id")),
    Held("volunteers", "志愿者技能", RESIDENT, without=("calendar_hash",)),
    Held("volunteer_teams", "志愿队", ("founder_id",), acts=("leader_id",)),
    Held("volunteer_team_members", "志愿队成员", RESIDENT),
    Held("certificates", "志愿服务证明", RESIDENT),
    Held("certificate_revocations", "撤销的志愿服务证明", acts=("revoked_by_id",)),
    Held("deliberations", "协商议题", AUTHOR),
    Held("option_proposals", "提出的选项", AUTHOR),
    Held("electors", "选民名册", RESIDENT, acts=("speaker_id",)),
    Held("ballots", "表决票", RESIDENT, acts=("entered_by_id",)),
    Held("objections", "对名册的异议", AUTHOR, acts=("resident_id", "decided_by_id", "entered_by_id")),
    Held("paper_batches", "纸质票录入", acts=("entered_by_id",)),
    Held("satisfactions", "对结果的满意度", RESIDENT),
    Held("deliberation_reviews", "结果评述", AUTHOR),
    Held("follow_ups", "决议任务", ("assignee_id",), acts=AUTHOR),
    Held("resolution_displays", "决议张贴", acts=("put_up_by_id", "taken_down_by_id")),
    Held("meetings", "会议", AUTHOR, without=("minutes",)),
    Held("attendances", "会议签到", RESIDENT, acts=("entered_by_id",)),
    Held("petitions", "联名", AUTHOR),
    Held("petition_signatures", "联名签名", RESIDENT),
    Held("campaigns", "众筹项目", AUTHOR, acts=("submitted_by_id", "published_by_id")),
    Held("pledges", "认捐", GIVER, acts=("received_by_id",)),
    Held("orders", "支付订单", where=f"t.pledge_id IN ({MINE.format('pledges', 'giver_id')})"),
    Held(
        "refunds",
        "退款",
        where="t.order_id IN (SELECT o.id FROM orders o JOIN pledges p ON p.id = o.pledge_id WHERE p.giver_id = $1)",
    ),
    Held("teams", "小分队", ("founder_id",), acts=("leader_id",)),
    Held("team_members", "小分队成员", RESIDENT),
    Held("slips", "线下款项", GIVER, acts=("entered_by_id", "decided_by_id")),
    Held("matches", "配捐", acts=("entered_by_id", "decided_by_id")),
    Held("incomes", "收入登记", acts=("entered_by_id", "struck_by_id")),
    Held("use_changes", "用途变更", acts=("announced_by_id",)),
    Held("expenses", "支付给我的支出", ("payee_resident_id",), acts=("requester_id", "paid_by_id")),
    Held("expense_approvals", "支出审批", ("approver_id",)),
    Held("fund_rules", "公益金规则", acts=("proposer_id", "agreed_by_id")),
    Held("disclosure_questions", "公示提问", AUTHOR),
    Held("disclosure_answers", "公示答复", AUTHOR),
    Held("participations", "参与月份", RESIDENT),
]
