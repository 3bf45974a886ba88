"""A large surplus needs a resolution; lines show what changes of use took from them."""

from app.core.migrations import run_script

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


SURPLUS = """
ALTER TABLE campaigns DROP CONSTRAINT campaigns_surplus_by_resolution,
    ADD CONSTRAINT campaigns_surplus_by_resolution CHECK (
        (surplus_campaign_id IS NULL OR surplus_resolution_id IS NOT NULL) AND surplus_campaign_id IS DISTINCT FROM id);

-- More than a fifth of what was raised leaves its campaign only as a resolution says.
CREATE FUNCTION refuse_large_surplus() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM campaigns c JOIN resolutions r ON r.id = c.surplus_resolution_id
        WHERE c.id = NEW.source_id AND r.passed IS DISTINCT FROM false
    ) AND NEW.amount_fen * 5 > (
        SELECT coalesce(sum(CASE WHEN leg IN ('capture', 'returned') THEN amount_fen
            WHEN leg IN ('set_aside', 'counter_capture') THEN -amount_fen END), 0)
        FROM (SELECT leg, amount_fen FROM transfers WHERE credit_account_id = NEW.debit_account_id
            UNION ALL SELECT leg, amount_fen FROM transfers WHERE debit_account_id = NEW.debit_account_id) t
    ) THEN
        RAISE EXCEPTION 'campaign % has a large surplus', NEW.source_id USING ERRCODE = '23514',
            CONSTRAINT = 'transfers_surplus_by_resolution', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_surplus_by_resolution AFTER INSERT ON transfers FOR EACH ROW WHEN (NEW.leg = 'surplus')
    EXECUTE FUNCTION refuse_large_surplus();
"""

RELEASES = """
ALTER TABLE use_changes ADD COLUMN budget_line_id BIGINT,
    ADD CONSTRAINT use_changes_of_line
        FOREIGN KEY (budget_line_id, campaign_id) REFERENCES budget_lines (id, campaign_id) ON DELETE RESTRICT;
DROP TRIGGER use_changes_terms ON use_changes;
CREATE TRIGGER use_changes_terms BEFORE UPDATE ON use_changes FOR EACH ROW
    WHEN ((OLD.campaign_id, OLD.resolution_id, OLD.title, OLD.body, OLD.amount_fen, OLD.raised_fen, OLD.refund_until,
            OLD.budget_line_id)
        IS DISTINCT FROM
        (NEW.campaign_id, NEW.resolution_id, NEW.title, NEW.body, NEW.amount_fen, NEW.raised_fen, NEW.refund_until,
            NEW.budget_line_id))
    EXECUTE FUNCTION keep_terms();

CREATE TABLE line_releases (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    budget_line_id BIGINT NOT NULL REFERENCES budget_lines (id) ON DELETE RESTRICT,
    campaign_id BIGINT NOT NULL,
    use_change_id BIGINT NOT NULL REFERENCES use_changes (id) ON DELETE RESTRICT,
    amount_fen BIGINT NOT NULL,
    CONSTRAINT line_releases_once UNIQUE (budget_line_id, use_change_id),
    CONSTRAINT line_releases_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT line_releases_of_line
        FOREIGN KEY (budget_line_id, campaign_id) REFERENCES budget_lines (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT line_releases_same_community
        FOREIGN KEY (use_change_id, community_id) REFERENCES use_changes (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX line_releases_by_campaign ON line_releases (campaign_id);
CREATE TRIGGER line_releases_append_only BEFORE UPDATE OR DELETE ON line_releases
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER line_releases_not_emptied BEFORE TRUNCATE ON line_releases EXECUTE FUNCTION refuse_change();

-- What a line still holds: its amount, less what changes of use have taken and what was paid.
CREATE FUNCTION left_of_line(line BIGINT) RETURNS BIGINT LANGUAGE sql STABLE AS $$
    SELECT (l.amount_fen
        - coalesce((SELECT sum(r.amount_fen) FROM line_releases r WHERE r.budget_line_id = l.id), 0)
        - coalesce((SELECT sum(e.amount_fen) FROM expenses e WHERE e.budget_line_id = l.id AND e.state = 'paid'), 0)
        )::bigint
    FROM budget_lines l WHERE l.id = line
$$;
CREATE FUNCTION refuse_overreleasing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM campaigns WHERE id = NEW.campaign_id FOR NO KEY UPDATE;
    IF left_of_line(NEW.budget_line_id) < 0 THEN
        RAISE EXCEPTION 'budget line % has too little left', NEW.budget_line_id USING ERRCODE = '23514',
            CONSTRAINT = 'line_releases_within_line', TABLE = 'line_releases';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_releases_within_line AFTER INSERT ON line_releases
    FOR EACH ROW EXECUTE FUNCTION refuse_overreleasing();

CREATE FUNCTION refuse_spending_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.amount_fen > left_of_line(NEW.budget_line_id) THEN
        RAISE EXCEPTION 'budget line % has too little left', NEW.budget_line_id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_within_line', TABLE = 'expenses';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER expenses_within_line BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state = 'paid' AND NEW.campaign_id IS NOT NULL)
    EXECUTE FUNCTION refuse_spending_released();

-- Changes of use that came into force before took from the lines in their order.
SET CONSTRAINTS ALL IMMEDIATE;
DO $$
DECLARE
    made RECORD;
    old RECORD;
    taken BIGINT;
    rest BIGINT;
BEGIN
    FOR made IN SELECT * FROM budget_lines WHERE use_change_id IS NOT NULL ORDER BY id LOOP
        rest := made.amount_fen;
        FOR old IN SELECT * FROM budget_lines WHERE campaign_id = made.campaign_id AND id < made.id ORDER BY id LOOP
            taken := least(rest, left_of_line(old.id));
            IF taken > 0 THEN
                INSERT INTO line_releases (community_id, budget_line_id, campaign_id, use_change_id, amount_fen)
                VALUES (made.community_id, old.id, made.campaign_id, made.use_change_id, taken);
                rest := rest - taken;
            END IF;
        END LOOP;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    run_script(SURPLUS + RELEASES)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER expenses_within_line ON expenses;
    DROP FUNCTION refuse_spending_released;
    DROP TABLE line_releases;
    DROP FUNCTION refuse_overreleasing, left_of_line;
    DROP TRIGGER use_changes_terms ON use_changes;
    CREATE TRIGGER use_changes_terms BEFORE UPDATE ON use_changes FOR EACH ROW
        WHEN ((OLD.campaign_id, OLD.resolution_id, OLD.title, OLD.body, OLD.amount_fen, OLD.raised_fen,
                OLD.refund_until)
            IS DISTINCT FROM
            (NEW.campaign_id, NEW.resolution_id, NEW.title, NEW.body, NEW.amount_fen, NEW.raised_fen,
                NEW.refund_until))
        EXECUTE FUNCTION keep_terms();
    ALTER TABLE use_changes DROP COLUMN budget_line_id;
    DROP TRIGGER transfers_surplus_by_resolution ON transfers;
    DROP FUNCTION refuse_large_surplus;
    ALTER TABLE campaigns DROP CONSTRAINT campaigns_surplus_by_resolution;
    UPDATE campaigns SET surplus_resolution_id = NULL WHERE surplus_campaign_id IS NULL;
    ALTER TABLE campaigns ADD CONSTRAINT campaigns_surplus_by_resolution CHECK (
        (surplus_campaign_id IS NULL) = (surplus_resolution_id IS NULL) AND surplus_campaign_id IS DISTINCT FROM id);
    """)
