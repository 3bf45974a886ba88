"""Campaigns, pledges and teams; orders, refunds and the inbox of WeChat Pay; the ledger."""

from app.core.migrations import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CAMPAIGNS = """
CREATE TABLE campaigns (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    legal_path VARCHAR(16) NOT NULL,
    kind VARCHAR(24) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    goal_fen BIGINT NOT NULL,
    minimum_fen BIGINT NOT NULL,
    opens_at TIMESTAMPTZ,
    deadline TIMESTAMPTZ NOT NULL,
    resolution_id BIGINT NOT NULL,
    state VARCHAR(16) NOT NULL,
    submitted_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    published_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT campaigns_in_community UNIQUE (id, community_id),
    CONSTRAINT campaigns_resolution
        FOREIGN KEY (resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT campaigns_legal_path CHECK (legal_path IN ('community', 'charity', 'government')),
    CONSTRAINT campaigns_kind CHECK (kind IN ('all_or_nothing', 'keep_what_is_raised')),
    CONSTRAINT campaigns_goal CHECK (goal_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT campaigns_minimum CHECK (minimum_fen BETWEEN 1 AND goal_fen),
    CONSTRAINT campaigns_period CHECK (deadline > created_at AND deadline <= created_at + interval '365 days'),
    CONSTRAINT campaigns_opens_before_deadline CHECK (opens_at < deadline),
    CONSTRAINT campaigns_published_by_another CHECK (published_by_id <> submitted_by_id),
    CONSTRAINT campaigns_published_once_open CHECK (
        CASE WHEN state IN ('draft', 'in_review') THEN published_by_id IS NULL
            ELSE state = 'cancelled' OR (submitted_by_id IS NOT NULL AND published_by_id IS NOT NULL) END
    )
);
CREATE INDEX campaigns_by_community ON campaigns (community_id, id DESC);
CREATE INDEX campaigns_by_clock ON campaigns (state, deadline) WHERE state IN ('published', 'open', 'funded');

CREATE TABLE budget_lines (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    title VARCHAR(60) NOT NULL,
    amount_fen BIGINT NOT NULL,
    CONSTRAINT budget_lines_in_campaign UNIQUE (id, campaign_id),
    CONSTRAINT budget_lines_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT budget_lines_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX budget_lines_by_campaign ON budget_lines (campaign_id, id);

CREATE TABLE campaign_needs (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    CONSTRAINT campaign_needs_once UNIQUE (campaign_id, need_id),
    CONSTRAINT campaign_needs_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT campaign_needs_of_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT
);

CREATE TABLE teams (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    founder_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    name VARCHAR(60) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT teams_in_campaign UNIQUE (id, campaign_id),
    CONSTRAINT teams_one_name UNIQUE (campaign_id, name),
    CONSTRAINT teams_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX teams_by_campaign ON teams (campaign_id, id DESC);

CREATE TABLE team_members (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL,
    team_id BIGINT NOT NULL REFERENCES teams (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT team_members_one_team UNIQUE (campaign_id, resident_id),
    CONSTRAINT team_members_same_campaign
        FOREIGN KEY (team_id, campaign_id) REFERENCES teams (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT team_members_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX team_members_by_team ON team_members (team_id);

CREATE TABLE pledges (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    giver_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    state VARCHAR(24) NOT NULL,
    amount_fen BIGINT,
    item VARCHAR(200),
    hours SMALLINT,
    budget_line_id BIGINT,
    team_id BIGINT,
    anonymous BOOL NOT NULL,
    message VARCHAR(200),
    moderation VARCHAR(16) NOT NULL,
    late BOOL NOT NULL,
    CONSTRAINT pledges_in_community UNIQUE (id, community_id),
    CONSTRAINT pledges_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT pledges_line_of_campaign
        FOREIGN KEY (budget_line_id, campaign_id) REFERENCES budget_lines (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT pledges_team_of_campaign
        FOREIGN KEY (team_id, campaign_id) REFERENCES teams (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT pledges_kind CHECK (kind IN ('money', 'in_kind', 'time', 'skill', 'adoption', 'sale')),
    CONSTRAINT pledges_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT pledges_hours CHECK (hours BETWEEN 1 AND 1000),
    CONSTRAINT pledges_complete CHECK (
        (kind IN ('money', 'adoption', 'sale', 'in_kind')) = (amount_fen IS NOT NULL)
        AND (kind = 'adoption') = (budget_line_id IS NOT NULL)
        AND (kind NOT IN ('in_kind', 'skill') OR item IS NOT NULL)
        AND (kind <> 'time' OR hours IS NOT NULL)
    ),
    CONSTRAINT pledges_road CHECK (
        CASE WHEN kind IN ('money', 'adoption', 'sale')
            THEN state IN ('awaiting_payment', 'paid', 'expired', 'refunding', 'refunded')
            ELSE state IN ('promised', 'received', 'withdrawn') END
    )
);
-- An adoption that expired has lost its line, so one that is paid late no longer counts.
CREATE UNIQUE INDEX pledges_one_adopter ON pledges (budget_line_id)
    WHERE state IN ('awaiting_payment', 'paid', 'refunding') AND NOT late;
CREATE INDEX pledges_by_campaign ON pledges (campaign_id, id DESC);
CREATE INDEX pledges_figures ON pledges (campaign_id, state) INCLUDE (kind, amount_fen, giver_id);
CREATE INDEX pledges_by_giver ON pledges (giver_id, id DESC);
CREATE INDEX pledges_by_team ON pledges (team_id, state) WHERE team_id IS NOT NULL;
"""

PAYMENTS = """
CREATE TABLE orders (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    pledge_id BIGINT NOT NULL REFERENCES pledges (id) ON DELETE RESTRICT,
    out_trade_no VARCHAR(32) NOT NULL,
    amount_fen BIGINT NOT NULL,
    openid VARCHAR(64) NOT NULL,
    description VARCHAR(127) NOT NULL,
    state VARCHAR(16) NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    prepay_id VARCHAR(64),
    transaction_id VARCHAR(64),
    paid_at TIMESTAMPTZ,
    captured_fen BIGINT NOT NULL,
    refund_reserved_fen BIGINT NOT NULL,
    queries SMALLINT NOT NULL,
    next_query_at TIMESTAMPTZ DEFAULT clock_now(),
    looked_at TIMESTAMPTZ,
    CONSTRAINT orders_in_community UNIQUE (id, community_id),
    CONSTRAINT orders_number_once UNIQUE (out_trade_no),
    CONSTRAINT orders_transaction_once UNIQUE (transaction_id),
    CONSTRAINT orders_same_community
        FOREIGN KEY (pledge_id, community_id) REFERENCES pledges (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT orders_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT orders_paid_is_captured CHECK (
        CASE WHEN state = 'paid'
            THEN captured_fen = amount_fen AND transaction_id IS NOT NULL AND paid_at IS NOT NULL
            ELSE captured_fen = 0 AND transaction_id IS NULL AND paid_at IS NULL END
    ),
    CONSTRAINT orders_refunds_within_captured CHECK (refund_reserved_fen BETWEEN 0 AND captured_fen),
    CONSTRAINT orders_prepaid_has_prepay_id CHECK (state <> 'prepaid' OR prepay_id IS NOT NULL)
);
CREATE UNIQUE INDEX orders_one_capture_per_pledge ON orders (pledge_id) WHERE captured_fen > 0;
CREATE INDEX orders_by_pledge ON orders (pledge_id);
CREATE INDEX orders_to_query ON orders (next_query_at) WHERE state IN ('created', 'prepaid');

CREATE TABLE refunds (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id) ON DELETE RESTRICT,
    number SMALLINT NOT NULL,
    out_refund_no VARCHAR(64) NOT NULL,
    amount_fen BIGINT NOT NULL,
    reason VARCHAR(80) NOT NULL,
    state VARCHAR(16) NOT NULL,
    refund_id VARCHAR(64),
    tries SMALLINT NOT NULL,
    next_try_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    CONSTRAINT refunds_number_once UNIQUE (out_refund_no),
    CONSTRAINT refunds_one_number_per_order UNIQUE (order_id, number),
    CONSTRAINT refunds_refund_id_once UNIQUE (refund_id),
    CONSTRAINT refunds_same_community
        FOREIGN KEY (order_id, community_id) REFERENCES orders (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT refunds_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT refunds_at_most_fifty CHECK (number BETWEEN 1 AND 50),
    CONSTRAINT refunds_succeeded_has_refund_id CHECK (state <> 'succeeded' OR refund_id IS NOT NULL)
);
CREATE INDEX refunds_to_follow ON refunds (next_try_at) WHERE state IN ('requested', 'processing', 'abnormal');

CREATE TABLE wechat_inbox (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    provider VARCHAR(16) NOT NULL,
    event_id VARCHAR(128) NOT NULL,
    CONSTRAINT wechat_inbox_once UNIQUE (provider, event_id)
);
"""

LEDGER = """
CREATE TABLE accounts (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    kind VARCHAR(24) NOT NULL,
    campaign_id BIGINT,
    CONSTRAINT accounts_in_fund UNIQUE (id, community_id),
    CONSTRAINT accounts_kind CHECK (kind IN (
        'wechat_clearing', 'bank', 'cash', 'matching_receivable', 'in_kind_givers',
        'general', 'campaign', 'in_kind', 'refunds', 'expenses')),
    CONSTRAINT accounts_campaign CHECK ((kind = 'campaign') = (campaign_id IS NOT NULL)),
    CONSTRAINT accounts_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX accounts_one_of_a_kind ON accounts (community_id, kind, coalesce(campaign_id, 0));
CREATE INDEX accounts_by_campaign ON accounts (campaign_id) WHERE campaign_id IS NOT NULL;

CREATE TABLE transfers (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    debit_account_id BIGINT NOT NULL,
    credit_account_id BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    source_kind VARCHAR(30) NOT NULL,
    source_id BIGINT NOT NULL,
    leg VARCHAR(16) NOT NULL,
    CONSTRAINT transfers_once UNIQUE (source_kind, source_id, leg),
    CONSTRAINT transfers_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT transfers_from_one_to_another CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT transfers_debit_in_fund
        FOREIGN KEY (debit_account_id, community_id) REFERENCES accounts (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT transfers_credit_in_fund
        FOREIGN KEY (credit_account_id, community_id) REFERENCES accounts (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX transfers_by_debit ON transfers (debit_account_id) INCLUDE (amount_fen, leg);
CREATE INDEX transfers_by_credit ON transfers (credit_account_id) INCLUDE (amount_fen, leg);
CREATE INDEX transfers_by_community ON transfers (community_id, id DESC);
-- Sums read an index alone only where vacuum has been; so it comes after every hundredth of new rows, not every fifth.
ALTER TABLE transfers SET (autovacuum_vacuum_insert_scale_factor = 0.01);
"""

TRIGGERS = """
CREATE TRIGGER transfers_append_only BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_not_emptied BEFORE TRUNCATE ON transfers EXECUTE FUNCTION refuse_change();
CREATE TRIGGER budget_lines_append_only BEFORE UPDATE OR DELETE ON budget_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER budget_lines_not_emptied BEFORE TRUNCATE ON budget_lines EXECUTE FUNCTION refuse_change();
CREATE TRIGGER campaign_needs_append_only BEFORE UPDATE OR DELETE ON campaign_needs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER campaign_needs_not_emptied BEFORE TRUNCATE ON campaign_needs EXECUTE FUNCTION refuse_change();

-- An account that may not go below zero is locked when debited, then counted, from the covering indexes alone.
CREATE FUNCTION refuse_overdraft() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    PERFORM 1 FROM accounts WHERE id = NEW.debit_account_id
        AND kind NOT IN ('wechat_clearing', 'bank', 'cash', 'matching_receivable', 'in_kind_givers')
        FOR NO KEY UPDATE;
    IF FOUND AND (
        (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE credit_account_id = NEW.debit_account_id)
        < (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE debit_account_id = NEW.debit_account_id)
    ) THEN
        RAISE EXCEPTION 'account % would be overdrawn', NEW.debit_account_id USING ERRCODE = '23514',
            CONSTRAINT = 'transfers_no_overdraft', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_no_overdraft AFTER INSERT ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_overdraft();

-- What is about money begins at the beginning of its road.
CREATE FUNCTION refuse_beginning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% does not begin as %', TG_TABLE_NAME, NEW.state USING ERRCODE = '23514',
        CONSTRAINT = TG_TABLE_NAME || '_road_begins', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER campaigns_road_begins BEFORE INSERT ON campaigns FOR EACH ROW WHEN (NEW.state <> 'draft')
    EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER pledges_road_begins BEFORE INSERT ON pledges FOR EACH ROW
    WHEN (NEW.state NOT IN ('awaiting_payment', 'promised') OR NEW.late) EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER orders_road_begins BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.state <> 'created')
    EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER refunds_road_begins BEFORE INSERT ON refunds FOR EACH ROW WHEN (NEW.state <> 'requested')
    EXECUTE FUNCTION refuse_beginning();

-- Money moves only along its road; each argument is one step, `paid>refunding`.
CREATE FUNCTION follow_road() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.state || '>' || NEW.state = ANY (TG_ARGV) THEN
        RAISE EXCEPTION '% does not go from % to %', TG_TABLE_NAME, OLD.state, NEW.state USING ERRCODE = '23514',
            CONSTRAINT = TG_TABLE_NAME || '_road_steps', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaigns_road_steps BEFORE UPDATE ON campaigns FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('draft>in_review', 'draft>cancelled', 'in_review>published', 'in_review>open',
        'in_review>cancelled', 'published>open', 'published>cancelled', 'open>funded', 'open>failed',
        'open>cancelled', 'funded>implementing', 'implementing>accepted', 'accepted>settled');
CREATE TRIGGER pledges_road_steps BEFORE UPDATE ON pledges FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('awaiting_payment>paid', 'awaiting_payment>expired', 'expired>paid',
        'paid>refunding', 'refunding>refunded', 'refunding>paid', 'promised>received', 'promised>withdrawn');
CREATE TRIGGER orders_road_steps BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('created>prepaid', 'created>paid', 'created>closed', 'prepaid>paid',
        'prepaid>closed', 'closed>paid');
CREATE TRIGGER refunds_road_steps BEFORE UPDATE ON refunds FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('requested>processing', 'requested>succeeded', 'requested>abnormal',
        'requested>closed', 'processing>succeeded', 'processing>abnormal', 'processing>closed',
        'abnormal>succeeded', 'abnormal>closed');

-- What was agreed stays as it was agreed; rows about money do not vanish.
CREATE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was agreed in % stays', TG_TABLE_NAME USING ERRCODE = '23514',
        CONSTRAINT = TG_TABLE_NAME || '_terms', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER campaigns_terms BEFORE UPDATE ON campaigns FOR EACH ROW
    WHEN ((OLD.community_id, OLD.legal_path, OLD.kind, OLD.goal_fen, OLD.minimum_fen, OLD.deadline, OLD.resolution_id)
        IS DISTINCT FROM
        (NEW.community_id, NEW.legal_path, NEW.kind, NEW.goal_fen, NEW.minimum_fen, NEW.deadline, NEW.resolution_id))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER pledges_terms BEFORE UPDATE ON pledges FOR EACH ROW
    WHEN ((OLD.campaign_id, OLD.giver_id, OLD.kind, OLD.amount_fen, OLD.budget_line_id)
        IS DISTINCT FROM (NEW.campaign_id, NEW.giver_id, NEW.kind, NEW.amount_fen, NEW.budget_line_id))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER orders_terms BEFORE UPDATE ON orders FOR EACH ROW
    WHEN ((OLD.pledge_id, OLD.out_trade_no, OLD.amount_fen, OLD.openid, OLD.description, OLD.expires_at)
        IS DISTINCT FROM (NEW.pledge_id, NEW.out_trade_no, NEW.amount_fen, NEW.openid, NEW.description, NEW.expires_at))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER refunds_terms BEFORE UPDATE ON refunds FOR EACH ROW
    WHEN ((OLD.order_id, OLD.number, OLD.out_refund_no, OLD.amount_fen, OLD.reason)
        IS DISTINCT FROM (NEW.order_id, NEW.number, NEW.out_refund_no, NEW.amount_fen, NEW.reason))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER accounts_terms BEFORE UPDATE OR DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER pledges_stay BEFORE DELETE ON pledges FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER orders_stay BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER refunds_stay BEFORE DELETE ON refunds FOR EACH ROW EXECUTE FUNCTION keep_terms();
"""


def upgrade() -> None:
    run_script(CAMPAIGNS + PAYMENTS + LEDGER + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TABLE transfers, accounts, wechat_inbox, refunds, orders, pledges, team_members, teams, campaign_needs,
        budget_lines, campaigns;
    DROP FUNCTION refuse_overdraft, refuse_beginning, follow_road, keep_terms;
    """)
