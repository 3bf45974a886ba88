"""What is reserved for a change of use stays reserved."""

from app.core.migrations import run_script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


PAYEES = """
ALTER TABLE expenses ADD COLUMN payee_kind VARCHAR(8) NOT NULL DEFAULT 'person',
    ADD CONSTRAINT expenses_payee_kind
        CHECK (payee_kind = 'person' OR payee_kind = 'unit' AND payee_resident_id IS NULL);
UPDATE expenses SET payee_kind = 'unit' WHERE payee_resident_id IS NULL AND payee
    ~ '(店|铺|行|社|厂|部|所|站|处|会|院|队|坊|公司|中心|超市|商场|市场|工作室|集团|学校|物业)$';
SET CONSTRAINTS ALL IMMEDIATE;
CREATE TRIGGER expenses_payee_kind_stays BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN (OLD.payee_kind <> NEW.payee_kind) EXECUTE FUNCTION keep_terms();
"""

RESERVE = """
ALTER TABLE budget_lines ADD COLUMN use_change_id BIGINT,
    ADD CONSTRAINT budget_lines_of_change
        FOREIGN KEY (use_change_id, community_id) REFERENCES use_changes (id, community_id) ON DELETE RESTRICT;
CREATE UNIQUE INDEX budget_lines_one_per_change ON budget_lines (use_change_id) WHERE use_change_id IS NOT NULL;
ALTER TABLE budget_lines DISABLE TRIGGER budget_lines_append_only;
UPDATE budget_lines l SET use_change_id = (e.facts->>'use_change_id')::bigint FROM events e
WHERE e.verb = 'campaign.use_changed' AND (e.facts->>'budget_line_id')::bigint = l.id;
ALTER TABLE budget_lines ENABLE TRIGGER budget_lines_append_only;

-- What a campaign holds beyond what changes of use have set apart, but for one line's own part.
CREATE FUNCTION held_for_line(of_campaign BIGINT, line BIGINT) RETURNS BIGINT LANGUAGE sql STABLE AS $$
    SELECT (coalesce((SELECT sum(t.amount_fen) FROM transfers t WHERE t.credit_account_id = a.id), 0)
        - coalesce((SELECT sum(t.amount_fen) FROM transfers t WHERE t.debit_account_id = a.id), 0)
        - coalesce((SELECT sum(l.amount_fen - coalesce((SELECT sum(e.amount_fen) FROM expenses e
                WHERE e.budget_line_id = l.id AND e.state = 'paid'), 0))
            FROM budget_lines l
            WHERE l.campaign_id = of_campaign AND l.use_change_id IS NOT NULL
                AND l.id IS DISTINCT FROM line), 0))::bigint
    FROM accounts a WHERE a.campaign_id = of_campaign
$$;

-- What is set apart by a change of use is paid out of its own line alone: the older lines hold what is left.
CREATE FUNCTION refuse_spending_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM campaigns WHERE id = NEW.campaign_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT 1 FROM budget_lines WHERE campaign_id = NEW.campaign_id AND use_change_id IS NOT NULL)
        AND NEW.amount_fen > held_for_line(NEW.campaign_id, NEW.budget_line_id)
    THEN
        RAISE EXCEPTION 'budget line % has too little left', NEW.budget_line_id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_beside_changed_use', TABLE = 'expenses';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER expenses_beside_changed_use BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state = 'paid' AND NEW.campaign_id IS NOT NULL)
    EXECUTE FUNCTION refuse_spending_changed();

-- A refund that is no giver's share takes nothing of what is kept for the others, either.
DROP TRIGGER transfers_reserved ON transfers;
CREATE TRIGGER transfers_reserved AFTER INSERT ON transfers FOR EACH ROW
    WHEN (NEW.leg NOT IN ('capture', 'returned', 'refunded', 'received', 'matched'))
    EXECUTE FUNCTION refuse_spending_reserved();
"""

PAYERS = """
ALTER TABLE expenses ADD CONSTRAINT expenses_paid_by_no_requester CHECK (paid_by_id <> requester_id) NOT VALID;
"""


def upgrade() -> None:
    run_script(PAYEES + RESERVE + PAYERS)


def downgrade() -> None:
    run_script("""
    ALTER TABLE expenses DROP CONSTRAINT expenses_paid_by_no_requester;
    DROP TRIGGER transfers_reserved ON transfers;
    CREATE TRIGGER transfers_reserved AFTER INSERT ON transfers FOR EACH ROW
        WHEN (NEW.leg NOT IN ('capture', 'set_aside', 'returned', 'refunded', 'received', 'matched'))
        EXECUTE FUNCTION refuse_spending_reserved();
    DROP TRIGGER expenses_beside_changed_use ON expenses;
    DROP FUNCTION refuse_spending_changed, held_for_line;
    ALTER TABLE budget_lines DROP COLUMN use_change_id;
    DROP TRIGGER expenses_payee_kind_stays ON expenses;
    ALTER TABLE expenses DROP COLUMN payee_kind;
    """)
