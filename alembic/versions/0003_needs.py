"""Needs, endorsements, official answers, ratings, and links to what was made from a need."""

from app.core.migrations import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE needs (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    assistant_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    service_class VARCHAR(16) NOT NULL,
    field VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    endorsements INT NOT NULL,
    route VARCHAR(16),
    done_at TIMESTAMPTZ,
    rated_at TIMESTAMPTZ,
    CONSTRAINT needs_in_community UNIQUE (id, community_id),
    CONSTRAINT needs_state CHECK (state IN ('submitted', 'accepted', 'declined', 'merged', 'withdrawn', 'routed',
        'in_progress', 'done', 'rated', 'closed')),
    CONSTRAINT needs_routed_somewhere CHECK (state <> 'routed' OR route IS NOT NULL),
    CONSTRAINT needs_done_at_a_time CHECK (state NOT IN ('done', 'rated', 'closed') OR done_at IS NOT NULL),
    CONSTRAINT needs_rated_at_a_time CHECK (state NOT IN ('rated', 'closed') OR rated_at IS NOT NULL),
    CONSTRAINT needs_endorsements CHECK (endorsements >= 0),
    CONSTRAINT needs_body CHECK (length(body) BETWEEN 1 AND 5000),
    CONSTRAINT needs_help_comes_from_another CHECK (assistant_id <> author_id)
);
CREATE INDEX needs_by_community ON needs (community_id, id);
CREATE INDEX needs_by_state ON needs (community_id, state, id);
CREATE INDEX needs_by_support ON needs (community_id, endorsements, id);
CREATE INDEX needs_to_close ON needs (rated_at) WHERE state = 'rated';

CREATE TABLE endorsements (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT endorsements_once UNIQUE (need_id, resident_id),
    CONSTRAINT endorsements_same_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT
);

CREATE TABLE need_answers (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    body TEXT NOT NULL,
    CONSTRAINT need_answers_same_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT need_answers_body CHECK (length(body) BETWEEN 1 AND 5000)
);
CREATE INDEX need_answers_by_need ON need_answers (need_id);

CREATE TABLE need_ratings (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    score SMALLINT NOT NULL,
    CONSTRAINT need_ratings_same_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT need_ratings_score CHECK (score BETWEEN 1 AND 5)
);
CREATE INDEX need_ratings_by_need ON need_ratings (need_id);

CREATE TABLE need_links (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    CONSTRAINT need_links_once UNIQUE (need_id, kind, subject_id),
    CONSTRAINT need_links_same_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX need_links_by_subject ON need_links (kind, subject_id);
"""

TRIGGERS = """
-- The count follows the rows, whoever writes them.
CREATE FUNCTION count_endorsements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        UPDATE needs SET endorsements = endorsements - 1 WHERE id = OLD.need_id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        UPDATE needs SET endorsements = endorsements + 1 WHERE id = NEW.need_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER endorsements_counted AFTER INSERT OR DELETE OR UPDATE OF need_id ON endorsements
    FOR EACH ROW EXECUTE FUNCTION count_endorsements();

CREATE TRIGGER need_answers_append_only BEFORE UPDATE OR DELETE ON need_answers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER need_answers_not_emptied BEFORE TRUNCATE ON need_answers EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TABLE need_links, need_ratings, need_answers, endorsements, needs;
    DROP FUNCTION count_endorsements;
    """)
