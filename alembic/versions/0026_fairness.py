"""Who speaks for a household is frozen, and nobody replaces what another entered."""

from app.core.migrations import run_script

revision = "0026"
down_revision = "0023"
branch_labels = None
depends_on = None


# Who represents a household is fixed with the roll, so that nobody is put in his place while the vote runs.
SPEAKERS = """
ALTER TABLE electors
    ADD COLUMN speaker_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    ADD CONSTRAINT electors_speaker CHECK (speaker_id IS NULL OR household_id IS NOT NULL);
ALTER TABLE electors DISABLE TRIGGER electors_append_only;
UPDATE electors e SET speaker_id = h.representative_id FROM households h WHERE h.id = e.household_id;
ALTER TABLE electors ENABLE TRIGGER electors_append_only;
"""

# How many ballots left the box is published with the figures.
INVALIDATED = """
ALTER TABLE results
    ADD COLUMN invalidated INT NOT NULL DEFAULT 0,
    ADD CONSTRAINT results_invalidated CHECK (invalidated >= 0);
ALTER TABLE results DISABLE TRIGGER USER;
UPDATE results r SET invalidated = (
    SELECT count(*) FROM objections o WHERE o.deliberation_id = r.deliberation_id AND o.state = 'invalidated');
ALTER TABLE results ENABLE TRIGGER USER;
"""

OWN_WORD = """
-- What was entered for an elector is replaced by his own phone, or put right by who entered it; by nobody else.
CREATE OR REPLACE FUNCTION guard_own_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.channel <> 'phone' AND NOT (
        OLD.channel = 'assisted' AND NEW.channel = 'assisted' AND NEW.entered_by_id = OLD.entered_by_id
    ) THEN
        RAISE EXCEPTION 'he has voted' USING ERRCODE = '23514', CONSTRAINT = 'ballots_own_word', TABLE = 'ballots';
    END IF;
    RETURN NEW;
END $$;
"""

ATTENDANCE = """
-- Who came is entered from an hour before the start until two hours after the end.
CREATE OR REPLACE FUNCTION guard_attendance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM meetings WHERE id = NEW.meeting_id FOR SHARE;
    IF NOT EXISTS (
        SELECT 1 FROM meetings WHERE id = NEW.meeting_id AND state = 'planned'
            AND clock_now() BETWEEN starts_at - interval '1 hour' AND ends_at + interval '2 hours'
    ) THEN
        RAISE EXCEPTION 'nobody meets' USING ERRCODE = '23514',
            CONSTRAINT = 'attendances_while_it_runs', TABLE = 'attendances';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    run_script(SPEAKERS + INVALIDATED + OWN_WORD + ATTENDANCE)


def downgrade() -> None:
    run_script("""
    ALTER TABLE electors DROP COLUMN speaker_id;
    ALTER TABLE results DROP COLUMN invalidated;
    CREATE OR REPLACE FUNCTION guard_own_word() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.channel <> 'phone' AND (NEW.channel <> OLD.channel OR NEW.channel = 'paper') THEN
            RAISE EXCEPTION 'he has voted' USING ERRCODE = '23514', CONSTRAINT = 'ballots_own_word', TABLE = 'ballots';
        END IF;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE FUNCTION guard_attendance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM 1 FROM meetings WHERE id = NEW.meeting_id FOR SHARE;
        IF NOT EXISTS (
            SELECT 1 FROM meetings
            WHERE id = NEW.meeting_id AND state = 'planned' AND starts_at - interval '1 hour' <= clock_now()
        ) THEN
            RAISE EXCEPTION 'nobody meets' USING ERRCODE = '23514',
                CONSTRAINT = 'attendances_while_it_runs', TABLE = 'attendances';
        END IF;
        RETURN NEW;
    END $$;
    """)
