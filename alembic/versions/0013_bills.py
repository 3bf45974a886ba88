"""WeChat Pay's daily bills against our books."""

from app.core.migrations import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BILLS = """
ALTER TABLE refunds ADD COLUMN accepted_at TIMESTAMPTZ;
UPDATE refunds SET accepted_at = created_at WHERE state <> 'requested';
CREATE INDEX refunds_accepted ON refunds (accepted_at) WHERE accepted_at IS NOT NULL;
CREATE INDEX orders_paid ON orders (paid_at) WHERE paid_at IS NOT NULL;

CREATE TABLE bills (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    bill_date DATE NOT NULL,
    state VARCHAR(16) NOT NULL,
    trade_sha1 VARCHAR(40),
    fund_flow_sha1 VARCHAR(40),
    trade_rows INT NOT NULL,
    fund_flow_rows INT NOT NULL,
    paid_fen BIGINT NOT NULL,
    refunded_fen BIGINT NOT NULL,
    fee_fen BIGINT NOT NULL,
    tries SMALLINT NOT NULL,
    next_try_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    compared_at TIMESTAMPTZ,
    CONSTRAINT bills_day_once UNIQUE (bill_date),
    CONSTRAINT bills_state CHECK (state IN ('awaited', 'compared')),
    CONSTRAINT bills_compared_once CHECK ((state = 'compared') = (compared_at IS NOT NULL))
);
CREATE INDEX bills_to_fetch ON bills (next_try_at) WHERE state = 'awaited';

CREATE TABLE bill_differences (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    bill_id BIGINT NOT NULL REFERENCES bills (id) ON DELETE RESTRICT,
    community_id BIGINT,
    source VARCHAR(16) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    number VARCHAR(64) NOT NULL,
    order_id BIGINT REFERENCES orders (id) ON DELETE RESTRICT,
    ours_fen BIGINT NOT NULL,
    theirs_fen BIGINT NOT NULL,
    settled_at TIMESTAMPTZ,
    settled_reason TEXT,
    CONSTRAINT bill_differences_once UNIQUE NULLS NOT DISTINCT (bill_id, source, kind, number, community_id),
    CONSTRAINT bill_differences_same_community
        FOREIGN KEY (order_id, community_id) REFERENCES orders (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT bill_differences_order_has_community CHECK (order_id IS NULL OR community_id IS NOT NULL),
    CONSTRAINT bill_differences_source CHECK (source IN ('trade', 'fund_flow')),
    CONSTRAINT bill_differences_kind CHECK (kind IN
        ('missing_here', 'missing_there', 'doubled', 'wrong_amount', 'unknown_order', 'refunded_outside', 'fee')),
    CONSTRAINT bill_differences_differ CHECK (kind IN ('doubled', 'refunded_outside') OR ours_fen <> theirs_fen),
    CONSTRAINT bill_differences_settled CHECK ((settled_at IS NULL) = (settled_reason IS NULL))
);
CREATE INDEX bill_differences_by_community ON bill_differences (community_id, bill_id);
CREATE INDEX bill_differences_open ON bill_differences (id) WHERE settled_at IS NULL AND kind <> 'fee';
CREATE TRIGGER bill_differences_terms BEFORE UPDATE ON bill_differences FOR EACH ROW
    WHEN ((OLD.bill_id, OLD.community_id, OLD.source, OLD.kind, OLD.number, OLD.order_id, OLD.ours_fen, OLD.theirs_fen)
        IS DISTINCT FROM
        (NEW.bill_id, NEW.community_id, NEW.source, NEW.kind, NEW.number, NEW.order_id, NEW.ours_fen, NEW.theirs_fen))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER bill_differences_stay BEFORE DELETE ON bill_differences FOR EACH ROW EXECUTE FUNCTION keep_terms();
"""


def upgrade() -> None:
    run_script(BILLS)


def downgrade() -> None:
    run_script("""
    DROP TABLE bill_differences, bills;
    DROP INDEX orders_paid;
    ALTER TABLE refunds DROP COLUMN accepted_at;
    """)
