"""What the fund held and moved in a month, and what a campaign took in and paid out. All follow from transfers."""

from dataclasses import dataclass
from datetime import datetime

from app.core import db
from app.core.clock import SHANGHAI
from models.crowdfunding import Campaign
from models.ledger import AccountKind
from services import crowdfunding, ledger, places
from services.ledger import StatementLine
from services.policies import Actor
from services.rules.tables import Table

KIND_ZH: dict[AccountKind, str] = {
    AccountKind.WECHAT_CLEARING: "微信支付待结算",
    AccountKind.BANK: "银行存款",
    AccountKind.CASH: "现金",
    AccountKind.MATCHING_RECEIVABLE: "应收配捐",
    AccountKind.IN_KIND_GIVERS: "实物捐赠人",
    AccountKind.GENERAL: "公益金统筹账户",
    AccountKind.CAMPAIGN: "众筹项目专户",
    AccountKind.IN_KIND: "实物",
    AccountKind.REFUNDS: "待退款",
    AccountKind.EXPENSES: "支出",
}


@dataclass(frozen=True)
class CampaignLine:
    """A campaign's own account over a month, in fen."""

    campaign_id: int
    opening_fen: int
    in_fen: int
    out_fen: int
    closing_fen: int


@dataclass(frozen=True)
class Statement:
    """The fund of a community over a calendar month of Shanghai; `month` is 2026-11."""

    community_id: int
    community: str
    month: str
    accounts: list[StatementLine]
    campaigns: list[CampaignLine]

    def tables(self) -> list[Table]:
        """As a spreadsheet shows it."""
        heads = ["期初余额（元）", "本期转入（元）", "本期转出（元）", "期末余额（元）"]
        return [
            Table(
                f"{self.community}公益金收支公示 {self.month}",
                ["账户", *heads],
                [[KIND_ZH[a.kind], a.opening_fen, a.in_fen, a.out_fen, a.closing_fen] for a in self.accounts],
            ),
            Table(
                "众筹项目专户",
                ["项目编号", *heads],
                [[c.campaign_id, c.opening_fen, c.in_fen, c.out_fen, c.closing_fen] for c in self.campaigns],
            ),
        ]


@dataclass(frozen=True)
class Movement:
    """What a campaign's account had from accounts of a kind, and what it gave them, in fen."""

    counterpart: AccountKind
    in_fen: int
    out_fen: int


@dataclass(frozen=True)
class BudgetSpent:
    """A line of the budget, what changes of use took from it, and what was paid out for it, in fen."""

    id: int
    title: str
    amount_fen: int
    released_fen: int
    spent_fen: int


@dataclass(frozen=True)
class CampaignAccounts:
    """A campaign's books: what it set out to raise and spend, and every fen in and out of its own account.

    `raised_fen` of the charity path was noted from documents; it is not in the account.
    """

    campaign_id: int
    title: str
    goal_fen: int
    raised_fen: int
    in_kind_fen: int
    balance_fen: int
    budget: list[BudgetSpent]
    movements: list[Movement]

    def tables(self) -> list[Table]:
        """As a spreadsheet shows it."""
        figures = [
            ("目标", self.goal_fen),
            ("已筹", self.raised_fen),
            ("收到实物（估值）", self.in_kind_fen),
            ("专户余额", self.balance_fen),
        ]
        return [
            Table(self.title, ["合计", "金额（元）"], figures),
            Table(
                "预算",
                ["用途", "预算（元）", "已支出（元）", "改作他用（元）"],
                [[line.title, line.amount_fen, line.spent_fen, line.released_fen] for line in self.budget],
            ),
            Table(
                "往来",
                ["对方账户", "转入（元）", "转出（元）"],
                [[KIND_ZH[one.counterpart], one.in_fen, one.out_fen] for one in self.movements],
            ),
        ]


def bounds(month: str) -> tuple[datetime, datetime]:
    """When a month (2026-11) begins in Shanghai, and when the next does."""
    year, number = (int(part) for part in month.split("-"))
    begins_at = datetime(year, number, 1, tzinfo=SHANGHAI)
    return begins_at, datetime(year + number // 12, number % 12 + 1, 1, tzinfo=SHANGHAI)


CAMPAIGNS = """
SELECT a.campaign_id,
    coalesce(sum(m.fen) FILTER (WHERE m.at < $2), 0)::bigint AS opening_fen,
    coalesce(sum(m.fen) FILTER (WHERE m.at >= $2 AND m.fen > 0), 0)::bigint AS in_fen,
    coalesce(-sum(m.fen) FILTER (WHERE m.at >= $2 AND m.fen < 0), 0)::bigint AS out_fen,
    sum(m.fen)::bigint AS closing_fen
FROM accounts a JOIN LATERAL (
    SELECT amount_fen AS fen, created_at AS at FROM transfers WHERE credit_account_id = a.id AND created_at < $3
    UNION ALL
    SELECT -amount_fen, created_at FROM transfers WHERE debit_account_id = a.id AND created_at < $3
) m ON true
WHERE a.community_id = $1 AND a.campaign_id IS NOT NULL GROUP BY a.campaign_id ORDER BY a.campaign_id
"""


async def monthly(community_id: int, month: str) -> Statement:
    """The statement of a month; public. Raises NotFound."""
    community = await places.find_community(community_id)
    begins_at, ends_at = bounds(month)
    return Statement(
        community_id=community.id,
        community=community.name,
        month=month,
        accounts=await ledger.statement(community.id, begins_at=begins_at, ends_at=ends_at),
        campaigns=[CampaignLine(**line) for line in await db.rows(CAMPAIGNS, community.id, begins_at, ends_at)],
    )


MOVEMENTS = """
SELECT o.kind AS counterpart,
    coalesce(sum(m.fen) FILTER (WHERE m.fen > 0), 0)::bigint AS in_fen,
    coalesce(-sum(m.fen) FILTER (WHERE m.fen < 0), 0)::bigint AS out_fen
FROM accounts a JOIN LATERAL (
    SELECT debit_account_id AS other_id, amount_fen AS fen FROM transfers WHERE credit_account_id = a.id
    UNION ALL SELECT credit_account_id, -amount_fen FROM transfers WHERE debit_account_id = a.id
) m ON true
JOIN accounts o ON o.id = m.other_id
WHERE a.campaign_id = $1 GROUP BY o.kind ORDER BY o.kind
"""


async def accounts(actor: Actor, campaign_id: int) -> CampaignAccounts:
    """The books of a campaign that the actor may see. Raises NotFound."""
    return await books(await crowdfunding.find(actor, campaign_id))


IN_KIND = """
SELECT coalesce(sum(amount_fen), 0)::bigint FROM pledges
WHERE campaign_id = $1 AND kind = 'in_kind' AND state = 'received'
"""


BUDGET = """
SELECT l.id, l.title, l.amount_fen,
    coalesce((SELECT sum(amount_fen) FROM line_releases WHERE budget_line_id = l.id), 0)::bigint AS released_fen,
    coalesce((SELECT sum(amount_fen) FROM expenses WHERE budget_line_id = l.id AND state = 'paid'), 0)::bigint
        AS spent_fen
FROM budget_lines l WHERE l.campaign_id = $1 ORDER BY l.id
"""


async def books(campaign: Campaign) -> CampaignAccounts:
    """The books of a campaign."""
    found = await db.rows(MOVEMENTS, campaign.id)
    movements = [Movement(**line | {"counterpart": AccountKind(line["counterpart"])}) for line in found]
    return CampaignAccounts(
        campaign_id=campaign.id,
        title=campaign.title,
        goal_fen=campaign.goal_fen,
        raised_fen=(await crowdfunding.raised([campaign]))[campaign.id],
        in_kind_fen=await db.value(IN_KIND, campaign.id),
        balance_fen=sum(one.in_fen - one.out_fen for one in movements),
        budget=[BudgetSpent(**line) for line in await db.rows(BUDGET, campaign.id)],
        movements=movements,
    )
