"""The transparency log: what waits for it, its entries, tree and signed heads; and when everything was verified."""

from app.core.migrations import run_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE log_pending (
    id BIGSERIAL PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    row_id BIGINT NOT NULL,
    written_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE log_entries (
    index BIGINT PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    row_id BIGINT NOT NULL,
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    text TEXT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT log_entries_once UNIQUE (kind, row_id),
    CONSTRAINT log_entries_hash CHECK (hash = sha256('\\x00'::bytea || convert_to(text, 'UTF8')))
);

CREATE TABLE log_nodes (
    number BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL,
    CONSTRAINT log_nodes_hash CHECK (number >= 0 AND length(hash) = 32)
);

CREATE TABLE log_heads (
    size BIGINT PRIMARY KEY,
    root BYTEA NOT NULL,
    note TEXT NOT NULL,
    signed_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    CONSTRAINT log_heads_root CHECK (length(root) = 32)
);

CREATE TABLE verifications (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    violations INT NOT NULL,
    took_ms INT NOT NULL,
    CONSTRAINT verifications_figures CHECK (violations >= 0 AND took_ms >= 0)
);
"""

TRIGGERS = """
-- L1: what is to be logged waits for it from its own transaction on, so that nothing is ever passed over.
CREATE FUNCTION await_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_pending (kind, row_id) VALUES (TG_ARGV[0], NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_logged AFTER INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION await_log('transfer');
CREATE TRIGGER resolutions_logged AFTER INSERT ON resolutions FOR EACH ROW EXECUTE FUNCTION await_log('resolution');
CREATE TRIGGER archives_logged AFTER INSERT ON archives FOR EACH ROW EXECUTE FUNCTION await_log('archive');
CREATE TRIGGER disclosures_logged AFTER INSERT ON disclosures FOR EACH ROW EXECUTE FUNCTION await_log('disclosure');
INSERT INTO log_pending (kind, row_id)
    SELECT 'transfer', id FROM transfers UNION ALL SELECT 'resolution', id FROM resolutions
    UNION ALL SELECT 'archive', id FROM archives UNION ALL SELECT 'disclosure', id FROM disclosures;

-- L1: entries are numbered from 0 without a gap.
CREATE FUNCTION keep_log_contiguous() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE first bigint; last bigint; many bigint;
BEGIN
    SELECT min(index), max(index), count(*) INTO first, last, many FROM added;
    IF last - first + 1 <> many OR first < 0
        OR (first > 0 AND NOT EXISTS (SELECT 1 FROM log_entries WHERE index = first - 1)) THEN
        RAISE EXCEPTION 'entry % does not follow', first USING ERRCODE = '23514',
            CONSTRAINT = 'log_entries_contiguous', TABLE = 'log_entries';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_entries_contiguous AFTER INSERT ON log_entries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_log_contiguous();

-- L1: a head is over all entries there are; as they only grow, so do the heads.
CREATE FUNCTION keep_head_over_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size <> (SELECT coalesce(max(index) + 1, 0) FROM log_entries) THEN
        RAISE EXCEPTION 'there are not % entries', NEW.size USING ERRCODE = '23514',
            CONSTRAINT = 'log_heads_over_all', TABLE = 'log_heads';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_heads_over_all AFTER INSERT ON log_heads FOR EACH ROW EXECUTE FUNCTION keep_head_over_log();

-- M4: the log is immutable.
CREATE TRIGGER log_entries_append_only BEFORE UPDATE OR DELETE ON log_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_entries_not_emptied BEFORE TRUNCATE ON log_entries EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_nodes_append_only BEFORE UPDATE OR DELETE ON log_nodes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_nodes_not_emptied BEFORE TRUNCATE ON log_nodes EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_heads_append_only BEFORE UPDATE OR DELETE ON log_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_heads_not_emptied BEFORE TRUNCATE ON log_heads EXECUTE FUNCTION refuse_change();
CREATE TRIGGER verifications_append_only BEFORE UPDATE OR DELETE ON verifications
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER verifications_not_emptied BEFORE TRUNCATE ON verifications EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER transfers_logged ON transfers;
    DROP TRIGGER resolutions_logged ON resolutions;
    DROP TRIGGER archives_logged ON archives;
    DROP TRIGGER disclosures_logged ON disclosures;
    DROP TABLE verifications, log_heads, log_nodes, log_entries, log_pending;
    DROP FUNCTION await_log, keep_log_contiguous, keep_head_over_log;
    """)
