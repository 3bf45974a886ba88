"""Reports, appeals and pauses."""

from app.core.migrations import run_script

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE checks
    ADD COLUMN decided_at TIMESTAMPTZ,
    ADD COLUMN plea VARCHAR(1000),
    ADD COLUMN appeal_of_id BIGINT REFERENCES checks (id) ON DELETE RESTRICT,
    ADD CONSTRAINT checks_in_community UNIQUE (id, community_id),
    ADD CONSTRAINT checks_appeal_says_why CHECK ((appeal_of_id IS NULL) = (plea IS NULL));
CREATE UNIQUE INDEX checks_one_appeal ON checks (appeal_of_id);
CREATE INDEX checks_hidden_by_hand ON checks (author_id, decided_at)
    WHERE state = 'hidden' AND decided_by_id IS NOT NULL;
CREATE INDEX checks_by_author ON checks (author_id, id) WHERE state = 'hidden';
UPDATE checks SET decided_at = created_at WHERE state IN ('passed', 'hidden');

CREATE TABLE reports (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    check_id BIGINT NOT NULL REFERENCES checks (id) ON DELETE RESTRICT,
    reporter_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    reason VARCHAR(1000) NOT NULL,
    CONSTRAINT reports_same_community
        FOREIGN KEY (check_id, community_id) REFERENCES checks (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT reports_once UNIQUE (check_id, reporter_id)
);
CREATE INDEX reports_by_reporter ON reports (reporter_id, id);

CREATE TABLE pauses (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    check_id BIGINT NOT NULL REFERENCES checks (id) ON DELETE RESTRICT,
    until_at TIMESTAMPTZ NOT NULL,
    lifted_at TIMESTAMPTZ,
    lifted_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT pauses_same_community
        FOREIGN KEY (check_id, community_id) REFERENCES checks (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT pauses_last CHECK (until_at > created_at),
    CONSTRAINT pauses_lifted_by_another CHECK (
        (lifted_at IS NULL) = (lifted_by_id IS NULL) AND lifted_by_id IS DISTINCT FROM resident_id),
    CONSTRAINT pauses_one_at_a_time EXCLUDE USING gist (
        int8range(resident_id, resident_id, '[]') WITH &&, tstzrange(created_at, until_at) WITH &&)
        WHERE (lifted_at IS NULL)
);
CREATE INDEX pauses_by_resident ON pauses (resident_id, until_at) WHERE lifted_at IS NULL;
CREATE INDEX pauses_by_community ON pauses (community_id, id);

CREATE INDEX events_by_community ON events (community_id, id);
CREATE INDEX events_by_actor ON events (community_id, actor_id, id);
"""

TRIGGERS = """
CREATE TRIGGER reports_append_only BEFORE UPDATE OR DELETE ON reports FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reports_not_emptied BEFORE TRUNCATE ON reports EXECUTE FUNCTION refuse_change();

-- One appeals against what was hidden, once, and not against what an appeal has decided.
CREATE FUNCTION guard_appeal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM checks c WHERE c.id = NEW.appeal_of_id AND c.state = 'hidden' AND c.appeal_of_id IS NULL
            AND c.subject_kind = NEW.subject_kind AND c.subject_id = NEW.subject_id
    ) THEN
        RAISE EXCEPTION 'nothing to appeal against' USING ERRCODE = '23514',
            CONSTRAINT = 'checks_appeal_of_hidden', TABLE = 'checks';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checks_guard_appeal BEFORE INSERT ON checks FOR EACH ROW WHEN (NEW.appeal_of_id IS NOT NULL)
    EXECUTE FUNCTION guard_appeal();

-- The database says when it was decided; an appeal is decided by somebody else than before.
CREATE FUNCTION note_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM checks c WHERE c.id = NEW.appeal_of_id AND c.decided_by_id = NEW.decided_by_id) THEN
        RAISE EXCEPTION 'an appeal is decided by another' USING ERRCODE = '23514',
            CONSTRAINT = 'checks_appeal_by_another', TABLE = 'checks';
    END IF;
    NEW.decided_at := clock_now();
    RETURN NEW;
END $$;
CREATE TRIGGER checks_note_decision BEFORE UPDATE ON checks FOR EACH ROW
    WHEN (NEW.state IN ('passed', 'hidden') AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION note_decision();

-- Nobody takes a vote away from its voters, or its result from the public, by hiding it.
CREATE FUNCTION keep_votes_in_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a vote stays in sight' USING ERRCODE = '23514',
        CONSTRAINT = 'deliberations_stay_in_sight', TABLE = 'deliberations';
END $$;
CREATE TRIGGER deliberations_keep_in_sight BEFORE UPDATE ON deliberations FOR EACH ROW
    WHEN (OLD.moderation = 'passed' AND NEW.moderation = 'hidden' AND OLD.state NOT IN ('proposed', 'discussion'))
    EXECUTE FUNCTION keep_votes_in_sight();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER deliberations_keep_in_sight ON deliberations;
    DROP TRIGGER checks_note_decision ON checks;
    DROP TRIGGER checks_guard_appeal ON checks;
    DROP FUNCTION keep_votes_in_sight, note_decision, guard_appeal;
    DROP INDEX events_by_community, events_by_actor;
    DROP TABLE pauses, reports;
    ALTER TABLE checks DROP COLUMN appeal_of_id, DROP COLUMN plea, DROP COLUMN decided_at,
        DROP CONSTRAINT checks_in_community;
    """)
