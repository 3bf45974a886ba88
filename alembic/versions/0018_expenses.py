"""Expenses, and who is related to whom."""

from app.core.migrations import run_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE relatives (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    low_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    high_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    kinship VARCHAR(8) NOT NULL,
    declared_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    ended_at TIMESTAMPTZ,
    ended_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT relatives_in_order CHECK (low_id < high_id),
    CONSTRAINT relatives_kinship CHECK (kinship IN ('spouse', 'parent', 'child', 'sibling', 'other')),
    CONSTRAINT relatives_ended_by_somebody CHECK ((ended_at IS NULL) = (ended_by_id IS NULL))
);
CREATE UNIQUE INDEX relatives_one_live ON relatives (low_id, high_id) WHERE ended_at IS NULL;
CREATE INDEX relatives_by_pair ON relatives (low_id, high_id);
CREATE INDEX relatives_by_high ON relatives (high_id);

CREATE TABLE fund_rules (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    supervisor_above_fen BIGINT NOT NULL,
    never_paid JSONB NOT NULL,
    proposer_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    role VARCHAR(20) NOT NULL,
    agreed_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    in_force_at TIMESTAMPTZ,
    CONSTRAINT fund_rules_limit CHECK (supervisor_above_fen BETWEEN 0 AND 1000000000000),
    CONSTRAINT fund_rules_never_paid CHECK (jsonb_typeof(never_paid) = 'array'),
    CONSTRAINT fund_rules_role CHECK (role IN ('committee', 'supervisor', 'street_officer', 'district_officer')),
    CONSTRAINT fund_rules_agreed_by_another CHECK (agreed_by_id <> proposer_id),
    CONSTRAINT fund_rules_in_force CHECK (
        (in_force_at IS NOT NULL) = (role IN ('street_officer', 'district_officer') OR agreed_by_id IS NOT NULL)
    )
);
CREATE INDEX fund_rules_by_community ON fund_rules (community_id, in_force_at DESC, id DESC);

CREATE TABLE expenses (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    campaign_id BIGINT,
    budget_line_id BIGINT,
    resolution_id BIGINT NOT NULL,
    requester_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    payee VARCHAR(60) NOT NULL,
    payee_resident_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    purpose VARCHAR(200) NOT NULL,
    amount_fen BIGINT NOT NULL,
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    paid_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    paid_at TIMESTAMPTZ,
    reference VARCHAR(100),
    CONSTRAINT expenses_in_community UNIQUE (id, community_id),
    CONSTRAINT expenses_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT expenses_line_of_campaign
        FOREIGN KEY (budget_line_id, campaign_id) REFERENCES budget_lines (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT expenses_resolution
        FOREIGN KEY (resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT expenses_from_a_line CHECK ((campaign_id IS NULL) = (budget_line_id IS NULL)),
    CONSTRAINT expenses_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT expenses_paid_by_another CHECK (paid_by_id <> payee_resident_id),
    CONSTRAINT expenses_paid_says_how CHECK (
        CASE WHEN state = 'paid' THEN num_nulls(paid_by_id, paid_at, reference) = 0
            ELSE num_nonnulls(paid_by_id, paid_at, reference) = 0 END
    )
);
CREATE INDEX expenses_by_community ON expenses (community_id, id DESC);
CREATE INDEX expenses_by_campaign ON expenses (campaign_id, id DESC) WHERE campaign_id IS NOT NULL;
CREATE INDEX expenses_paid_by_line ON expenses (budget_line_id) INCLUDE (amount_fen) WHERE state = 'paid';

CREATE TABLE expense_approvals (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    expense_id BIGINT NOT NULL REFERENCES expenses (id) ON DELETE RESTRICT,
    approver_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    role VARCHAR(20) NOT NULL,
    CONSTRAINT expense_approvals_once UNIQUE (expense_id, approver_id),
    CONSTRAINT expense_approvals_same_community
        FOREIGN KEY (expense_id, community_id) REFERENCES expenses (id, community_id) ON DELETE RESTRICT
);
"""

# Who may approve, and what an expense lacks, at some moment: the same questions for a step now and for `verify` later.
FUNCTIONS = """
-- Above this a supervisor approves too; 1,000 yuan where the community has said nothing.
CREATE FUNCTION supervisor_above_fen(of_community BIGINT, at TIMESTAMPTZ) RETURNS BIGINT LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT supervisor_above_fen FROM fund_rules WHERE community_id = of_community AND in_force_at <= at
        ORDER BY in_force_at DESC, id DESC LIMIT 1), 100000)
$$;

CREATE FUNCTION are_related(one BIGINT, other BIGINT, at TIMESTAMPTZ) RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM relatives WHERE low_id = least(one, other) AND high_id = greatest(one, other)
            AND created_at <= at AND (ended_at IS NULL OR ended_at > at))
$$;

CREATE FUNCTION serves(who BIGINT, of_community BIGINT, roles TEXT[], at TIMESTAMPTZ)
RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM role_grants g JOIN places p ON p.id = g.place_id
        WHERE g.resident_id = who AND p.community_id = of_community AND g.role = ANY (roles)
            AND g.from_at <= at AND (g.until_at IS NULL OR g.until_at > at))
$$;

CREATE FUNCTION is_independent(who BIGINT, of_expense BIGINT, at TIMESTAMPTZ) RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
    SELECT who <> e.requester_id AND who IS DISTINCT FROM e.payee_resident_id
        AND NOT are_related(who, e.requester_id, at) AND NOT are_related(who, e.payee_resident_id, at)
    FROM expenses e WHERE e.id = of_expense
$$;

-- What is missing of two independent approvers, one of the committee, one supervisor above the limit.
CREATE FUNCTION approvals_missing(of_expense BIGINT, at TIMESTAMPTZ) RETURNS TEXT[] LANGUAGE sql STABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN count(a.id) < 2 THEN 'two_people' END,
        CASE WHEN NOT coalesce(bool_or(serves(a.approver_id, e.community_id, '{committee}', at)), false)
            THEN 'committee' END,
        CASE WHEN e.amount_fen > supervisor_above_fen(e.community_id, at)
            AND NOT coalesce(bool_or(serves(a.approver_id, e.community_id, '{supervisor}', at)), false)
            THEN 'supervisor' END
    ], NULL)
    FROM expenses e LEFT JOIN expense_approvals a ON a.expense_id = e.id AND a.created_at <= at
        AND is_independent(a.approver_id, e.id, at)
        AND serves(a.approver_id, e.community_id, '{committee,supervisor,social_worker,building_head}', at)
    WHERE e.id = of_expense GROUP BY e.id
$$;
"""

TRIGGERS = """
CREATE TRIGGER expense_approvals_append_only BEFORE UPDATE OR DELETE ON expense_approvals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER expense_approvals_not_emptied BEFORE TRUNCATE ON expense_approvals EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_approver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_independent(NEW.approver_id, NEW.expense_id, clock_now()) THEN
        RAISE EXCEPTION '% is party to expense %', NEW.approver_id, NEW.expense_id USING ERRCODE = '23514',
            CONSTRAINT = 'expense_approvals_independent', TABLE = 'expense_approvals';
    END IF;
    IF NOT serves(NEW.approver_id, NEW.community_id, ARRAY[NEW.role], clock_now())
        OR NEW.role NOT IN ('committee', 'supervisor', 'social_worker', 'building_head') THEN
        RAISE EXCEPTION '% is no % here', NEW.approver_id, NEW.role USING ERRCODE = '23514',
            CONSTRAINT = 'expense_approvals_eligible', TABLE = 'expense_approvals';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER expense_approvals_eligible BEFORE INSERT ON expense_approvals
    FOR EACH ROW EXECUTE FUNCTION refuse_approver();

-- The resolution an expense cites did not fail.
CREATE FUNCTION refuse_failed_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT passed FROM resolutions WHERE id = NEW.resolution_id) IS FALSE THEN
        RAISE EXCEPTION 'resolution % did not pass', NEW.resolution_id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_resolution_passed', TABLE = 'expenses';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER expenses_resolution_passed BEFORE INSERT ON expenses
    FOR EACH ROW EXECUTE FUNCTION refuse_failed_resolution();

-- Approved with a receipt by two, and paid only while that still holds, from a campaign that may spend, within its
-- budget line. The campaign is locked, so of two payments at once the second counts the first.
CREATE FUNCTION refuse_careless_spending() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment TIMESTAMPTZ;
    missing TEXT[];
    campaign_state TEXT;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('who may approve', 0));
    moment := clock_now();
    missing := approvals_missing(NEW.id, moment);
    IF NOT EXISTS (SELECT 1 FROM attachments WHERE subject_kind = 'expense' AND subject_id = NEW.id) THEN
        RAISE EXCEPTION 'expense % has no receipt', NEW.id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_receipt', TABLE = 'expenses';
    END IF;
    IF cardinality(missing) > 0 THEN
        RAISE EXCEPTION 'expense % lacks %', NEW.id, missing USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_two_approvals', TABLE = 'expenses';
    END IF;
    IF NEW.state = 'paid' THEN
        NEW.paid_at := moment;  -- so that `verify` asks about the very moment that was decided by
    END IF;
    IF NEW.state = 'paid' AND NEW.campaign_id IS NOT NULL THEN
        SELECT state INTO campaign_state FROM campaigns WHERE id = NEW.campaign_id FOR NO KEY UPDATE;
        IF campaign_state NOT IN ('funded', 'implementing', 'accepted') THEN
            RAISE EXCEPTION 'campaign % is %', NEW.campaign_id, campaign_state USING ERRCODE = '23514',
                CONSTRAINT = 'expenses_campaign_spends', TABLE = 'expenses';
        END IF;
        IF NEW.amount_fen
            + (SELECT coalesce(sum(amount_fen), 0) FROM expenses
                WHERE budget_line_id = NEW.budget_line_id AND state = 'paid')
            > (SELECT amount_fen FROM budget_lines WHERE id = NEW.budget_line_id)
        THEN
            RAISE EXCEPTION 'budget line % has too little left', NEW.budget_line_id USING ERRCODE = '23514',
                CONSTRAINT = 'expenses_within_budget', TABLE = 'expenses';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER expenses_two_approvals BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('approved', 'paid')) EXECUTE FUNCTION refuse_careless_spending();

-- Whoever becomes a relative or loses a role does so before a payment or after it, never unseen beside it.
CREATE FUNCTION wait_for_payments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('who may approve', 0));
    RETURN NULL;
END $$;
CREATE TRIGGER relatives_beside_no_payment BEFORE INSERT OR UPDATE ON relatives
    EXECUTE FUNCTION wait_for_payments();
CREATE TRIGGER role_grants_beside_no_payment BEFORE UPDATE ON role_grants EXECUTE FUNCTION wait_for_payments();

CREATE TRIGGER expenses_road_begins BEFORE INSERT ON expenses FOR EACH ROW WHEN (NEW.state <> 'requested')
    EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER expenses_road_steps BEFORE UPDATE ON expenses FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('requested>approved', 'requested>rejected', 'requested>withdrawn', 'approved>paid',
        'approved>rejected', 'approved>withdrawn');
CREATE TRIGGER expenses_terms BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN ((OLD.community_id, OLD.campaign_id, OLD.budget_line_id, OLD.resolution_id, OLD.requester_id, OLD.payee,
            OLD.payee_resident_id, OLD.purpose, OLD.amount_fen)
        IS DISTINCT FROM (NEW.community_id, NEW.campaign_id, NEW.budget_line_id, NEW.resolution_id, NEW.requester_id,
            NEW.payee, NEW.payee_resident_id, NEW.purpose, NEW.amount_fen)
        OR OLD.state = 'paid' AND (OLD.paid_by_id, OLD.paid_at, OLD.reference)
            IS DISTINCT FROM (NEW.paid_by_id, NEW.paid_at, NEW.reference))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER expenses_stay BEFORE DELETE ON expenses FOR EACH ROW EXECUTE FUNCTION keep_terms();

-- Nothing reaches the expenses but what was paid so, in its amount and out of its own purse.
CREATE FUNCTION refuse_unapproved_spending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.leg = 'spent' OR EXISTS (SELECT 1 FROM accounts WHERE id = NEW.credit_account_id AND kind = 'expenses'))
        AND NOT EXISTS (
            SELECT 1 FROM expenses e JOIN accounts d ON d.id = NEW.debit_account_id
            JOIN accounts c ON c.id = NEW.credit_account_id AND c.kind = 'expenses'
            WHERE NEW.source_kind = 'expense' AND NEW.leg = 'spent' AND e.id = NEW.source_id AND e.state = 'paid'
                AND e.amount_fen = NEW.amount_fen AND e.community_id = NEW.community_id
                AND d.kind = CASE WHEN e.campaign_id IS NULL THEN 'general' ELSE 'campaign' END
                AND d.campaign_id IS NOT DISTINCT FROM e.campaign_id)
    THEN
        RAISE EXCEPTION 'this spends what no expense was paid for' USING ERRCODE = '23514',
            CONSTRAINT = 'transfers_spend_what_is_paid', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_spend_what_is_paid AFTER INSERT ON transfers FOR EACH ROW WHEN (NEW.source_kind <> 'pledge')
    EXECUTE FUNCTION refuse_unapproved_spending();

-- The other way round, when the transaction ends: what is paid stands in the ledger.
CREATE FUNCTION refuse_unposted_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM transfers WHERE source_kind = 'expense' AND source_id = NEW.id AND leg = 'spent') THEN
        RAISE EXCEPTION 'expense % is not in the ledger', NEW.id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_posted', TABLE = 'expenses';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER expenses_posted AFTER UPDATE ON expenses DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'paid') EXECUTE FUNCTION refuse_unposted_payment();

-- A campaign's account is not closed over an open expense.
CREATE FUNCTION refuse_open_expenses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM expenses WHERE campaign_id = NEW.id AND state IN ('requested', 'approved')) THEN
        RAISE EXCEPTION 'campaign % has open expenses', NEW.id USING ERRCODE = '23514',
            CONSTRAINT = 'campaigns_expenses_closed', TABLE = 'campaigns';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER campaigns_expenses_closed AFTER UPDATE ON campaigns FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state = 'settled') EXECUTE FUNCTION refuse_open_expenses();

CREATE TRIGGER fund_rules_terms BEFORE UPDATE ON fund_rules FOR EACH ROW
    WHEN (OLD.in_force_at IS NOT NULL OR (OLD.community_id, OLD.supervisor_above_fen, OLD.never_paid, OLD.proposer_id,
        OLD.role) IS DISTINCT FROM (NEW.community_id, NEW.supervisor_above_fen, NEW.never_paid, NEW.proposer_id,
        NEW.role))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER fund_rules_stay BEFORE DELETE ON fund_rules FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER relatives_terms BEFORE UPDATE ON relatives FOR EACH ROW
    WHEN (OLD.ended_at IS NOT NULL OR (OLD.low_id, OLD.high_id, OLD.created_at)
        IS DISTINCT FROM (NEW.low_id, NEW.high_id, NEW.created_at))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER relatives_stay BEFORE DELETE ON relatives FOR EACH ROW EXECUTE FUNCTION keep_terms();
"""


def upgrade() -> None:
    run_script(TABLES + FUNCTIONS + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER transfers_spend_what_is_paid ON transfers;
    DROP TRIGGER campaigns_expenses_closed ON campaigns;
    DROP TRIGGER role_grants_beside_no_payment ON role_grants;
    DROP TABLE expense_approvals, expenses, fund_rules, relatives;
    DROP FUNCTION supervisor_above_fen, are_related, serves, is_independent, approvals_missing, refuse_approver,
        refuse_failed_resolution, refuse_careless_spending, refuse_unapproved_spending, refuse_unposted_payment,
        refuse_open_expenses, wait_for_payments;
    """)
