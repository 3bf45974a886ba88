"""Messages through WeChat: credits, preferences, deliveries."""

from app.core.migrations import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE deliveries (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    notice_id BIGINT REFERENCES notices (id) ON DELETE RESTRICT,
    day DATE,
    counts JSONB,
    template VARCHAR(30) NOT NULL,
    state VARCHAR(16) NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    sending_at TIMESTAMPTZ,
    template_id VARCHAR(64),
    msgid VARCHAR(64),
    error VARCHAR(200),
    CONSTRAINT deliveries_one_per_notice UNIQUE (notice_id),
    CONSTRAINT deliveries_of_a_notice_or_a_day
        CHECK ((notice_id IS NULL) = (day IS NOT NULL) AND (day IS NULL) = (counts IS NULL)),
    CONSTRAINT deliveries_state CHECK (state IN
        ('waiting', 'sending', 'sent', 'refused', 'unknown', 'failed', 'no_credit', 'unwanted', 'given_up')),
    CONSTRAINT deliveries_sending
        CHECK (state NOT IN ('sending', 'sent', 'refused', 'unknown')
            OR (sending_at IS NOT NULL AND template_id IS NOT NULL))
);
CREATE UNIQUE INDEX deliveries_one_digest_a_day ON deliveries (resident_id, day) WHERE day IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_under_way ON deliveries (sending_at) WHERE state = 'sending';
CREATE INDEX deliveries_by_age ON deliveries (created_at);
CREATE INDEX deliveries_by_resident ON deliveries (resident_id, id);
CREATE INDEX deliveries_by_msgid ON deliveries (msgid) WHERE msgid IS NOT NULL;

CREATE TABLE message_credits (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    template_id VARCHAR(64) NOT NULL,
    amount INT NOT NULL,
    CONSTRAINT message_credits_one_per_template UNIQUE (resident_id, template_id),
    CONSTRAINT message_credits_amount CHECK (amount BETWEEN 0 AND 100)
);

CREATE TABLE credit_entries (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    template_id VARCHAR(64) NOT NULL,
    cause VARCHAR(16) NOT NULL,
    change INT NOT NULL,
    delivery_id BIGINT REFERENCES deliveries (id) ON DELETE RESTRICT,
    matches_id BIGINT REFERENCES credit_entries (id) ON DELETE RESTRICT,
    CONSTRAINT credit_entries_matched_once UNIQUE (matches_id),
    CONSTRAINT credit_entries_change CHECK (CASE
        WHEN matches_id IS NOT NULL THEN cause IN ('reported', 'confirmed') AND change = 0
        WHEN cause IN ('reported', 'confirmed', 'returned') THEN change IN (0, 1)
        WHEN cause = 'spent' THEN change = -1
        ELSE cause IN ('refused', 'banned', 'removed') AND change <= 0 END),
    CONSTRAINT credit_entries_delivery
        CHECK ((delivery_id IS NOT NULL) = (cause IN ('spent', 'returned', 'refused')))
);
CREATE INDEX credit_entries_by_resident ON credit_entries (resident_id, template_id, id);

CREATE TABLE notice_preferences (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    quiet BOOLEAN NOT NULL,
    switched_off JSONB NOT NULL,
    CONSTRAINT notice_preferences_one_per_resident UNIQUE (resident_id)
);
CREATE INDEX notices_unread ON notices (resident_id, id) WHERE read_at IS NULL;
"""

TRIGGERS = """
CREATE TRIGGER credit_entries_append_only BEFORE UPDATE OR DELETE ON credit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_entries_not_emptied BEFORE TRUNCATE ON credit_entries EXECUTE FUNCTION refuse_change();

-- What may have been sent is never sent again.
CREATE FUNCTION keep_deliveries_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state NOT IN ('waiting', 'sending') AND NEW.state IN ('waiting', 'sending') THEN
        RAISE EXCEPTION 'this message has had its turn' USING ERRCODE = '23514',
            CONSTRAINT = 'deliveries_never_again', TABLE = 'deliveries';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deliveries_never_again BEFORE UPDATE OF state ON deliveries
    FOR EACH ROW EXECUTE FUNCTION keep_deliveries_ended();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP INDEX notices_unread;
    DROP TABLE notice_preferences, credit_entries, message_credits, deliveries;
    DROP FUNCTION keep_deliveries_ended;
    """)
