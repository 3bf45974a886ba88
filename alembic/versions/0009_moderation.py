"""What WeChat says about texts and pictures, and the human queue."""

from app.core.migrations import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE checks (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    subject_kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    community_id BIGINT REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    speaker_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    tries SMALLINT NOT NULL,
    next_try_at TIMESTAMPTZ NOT NULL,
    trace_ids JSONB NOT NULL,
    suggest VARCHAR(16),
    label INT,
    why VARCHAR(16),
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT checks_state CHECK (state IN ('pending', 'passed', 'hidden', 'queued', 'replaced')),
    CONSTRAINT checks_queued_for_a_cause CHECK (state <> 'queued' OR why IS NOT NULL),
    CONSTRAINT checks_decided_by_another CHECK (decided_by_id NOT IN (author_id, speaker_id))
);
CREATE UNIQUE INDEX checks_one_live ON checks (subject_kind, subject_id) WHERE state IN ('pending', 'queued');
CREATE INDEX checks_by_subject ON checks (subject_kind, subject_id, id);
CREATE INDEX checks_fresh ON checks (speaker_id, id) WHERE state = 'pending' AND tries = 0;
CREATE INDEX checks_due ON checks (next_try_at) WHERE state = 'pending';
CREATE INDEX checks_queue ON checks (community_id, id) WHERE state = 'queued';

-- What is there already was shown to everybody; an answer or a reason written from now on is checked first.
ALTER TABLE need_answers ADD COLUMN moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
ALTER TABLE need_answers ALTER COLUMN moderation SET DEFAULT 'checking';
ALTER TABLE reasons ADD COLUMN moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
ALTER TABLE reasons ALTER COLUMN moderation SET DEFAULT 'checking';
-- These begin without words of their own.
ALTER TABLE wish_claims ADD COLUMN moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
ALTER TABLE wishes ADD COLUMN thanks_moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
ALTER TABLE signups ADD COLUMN moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
ALTER TABLE household_claims ADD COLUMN moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
ALTER TABLE residents ADD COLUMN nickname_wanted VARCHAR(30),
    ADD COLUMN nickname_moderation VARCHAR(16) NOT NULL DEFAULT 'passed';
"""

TRIGGERS = """
-- Of what is append-only, whether others may see it may change, and nothing else.
DROP TRIGGER reasons_append_only ON reasons;
CREATE TRIGGER reasons_append_only BEFORE DELETE ON reasons FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reasons_words_stay BEFORE UPDATE ON reasons FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'moderation' IS DISTINCT FROM to_jsonb(NEW) - 'moderation')
    EXECUTE FUNCTION refuse_change();
DROP TRIGGER need_answers_append_only ON need_answers;
CREATE TRIGGER need_answers_append_only BEFORE DELETE ON need_answers FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER need_answers_words_stay BEFORE UPDATE ON need_answers FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'moderation' IS DISTINCT FROM to_jsonb(NEW) - 'moderation')
    EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER reasons_words_stay ON reasons;
    DROP TRIGGER reasons_append_only ON reasons;
    CREATE TRIGGER reasons_append_only BEFORE UPDATE OR DELETE ON reasons
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    DROP TRIGGER need_answers_words_stay ON need_answers;
    DROP TRIGGER need_answers_append_only ON need_answers;
    CREATE TRIGGER need_answers_append_only BEFORE UPDATE OR DELETE ON need_answers
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    ALTER TABLE residents DROP COLUMN nickname_wanted, DROP COLUMN nickname_moderation;
    ALTER TABLE household_claims DROP COLUMN moderation;
    ALTER TABLE signups DROP COLUMN moderation;
    ALTER TABLE wishes DROP COLUMN thanks_moderation;
    ALTER TABLE wish_claims DROP COLUMN moderation;
    ALTER TABLE reasons DROP COLUMN moderation;
    ALTER TABLE need_answers DROP COLUMN moderation;
    DROP TABLE checks;
    """)
