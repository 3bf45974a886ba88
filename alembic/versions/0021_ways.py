"""The ways of a need: merging, escalation, due dates, calendars, urgency, search and the hint of a twin."""

from app.core.migrations import run_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE needs
    ADD COLUMN level VARCHAR(16) NOT NULL DEFAULT 'grid',
    ADD COLUMN urgency VARCHAR(16) NOT NULL DEFAULT 'normal',
    ADD COLUMN due_at TIMESTAMPTZ,
    ADD COLUMN decision_due_at TIMESTAMPTZ,
    ADD COLUMN overdue_noted BOOL NOT NULL DEFAULT false,
    ADD COLUMN merged_into_id BIGINT REFERENCES needs (id) ON DELETE RESTRICT,
    ADD CONSTRAINT needs_level CHECK (level IN ('grid', 'community', 'street', 'district')),
    ADD CONSTRAINT needs_handed_up_by_route 
        CHECK (level IN ('grid', 'community') OR route IS NOT DISTINCT FROM 'escalation'),
    ADD CONSTRAINT needs_urgency CHECK (urgency IN ('low', 'normal', 'high', 'urgent')),
    ADD CONSTRAINT needs_due_while_open
        CHECK (due_at IS NULL OR state IN ('submitted', 'accepted', 'routed', 'in_progress')),
    ADD CONSTRAINT needs_merged_somewhere CHECK ((state = 'merged') = (merged_into_id IS NOT NULL)),
    ADD CONSTRAINT needs_not_merged_into_itself CHECK (merged_into_id <> id),
    ADD CONSTRAINT needs_merged_same_community
        FOREIGN KEY (merged_into_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT;
CREATE INDEX needs_by_merged ON needs (merged_into_id) WHERE merged_into_id IS NOT NULL;
CREATE INDEX needs_due ON needs (community_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX needs_overdue_to_note ON needs (due_at) WHERE due_at IS NOT NULL AND NOT overdue_noted;

ALTER TABLE endorsements ADD COLUMN brought_from_id BIGINT REFERENCES needs (id) ON DELETE RESTRICT,
    ADD CONSTRAINT endorsements_brought_same_community
        FOREIGN KEY (brought_from_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT;
ALTER TABLE need_answers ADD COLUMN late BOOL NOT NULL DEFAULT false;
"""

TABLES = """
CREATE TABLE need_hops (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    place_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    from_level VARCHAR(16) NOT NULL,
    level VARCHAR(16) NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    ended VARCHAR(16),
    ended_at TIMESTAMPTZ,
    CONSTRAINT need_hops_same_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT need_hops_upwards CHECK (
        array_position(ARRAY['grid', 'community', 'street', 'district'], from_level::text)
        < array_position(ARRAY['grid', 'community', 'street', 'district'], level::text)),
    CONSTRAINT need_hops_level CHECK (from_level IN ('grid', 'community', 'street', 'district')
        AND level IN ('grid', 'community', 'street', 'district')),
    CONSTRAINT need_hops_due_later CHECK (due_at > created_at),
    CONSTRAINT need_hops_ended CHECK (ended IN ('answered', 'returned', 'escalated', 'done')),
    CONSTRAINT need_hops_ended_at_a_time CHECK ((ended IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX need_hops_one_at_a_time ON need_hops (need_id) WHERE ended IS NULL;
CREATE INDEX need_hops_by_need ON need_hops (need_id);

CREATE TABLE need_rules (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    answer_days SMALLINT NOT NULL,
    decision_days SMALLINT NOT NULL,
    escalation_days SMALLINT NOT NULL,
    CONSTRAINT need_rules_once UNIQUE (community_id),
    CONSTRAINT need_rules_days CHECK (
        answer_days >= 1 AND decision_days BETWEEN answer_days AND 90 AND escalation_days BETWEEN 1 AND 90)
);

CREATE TABLE calendars (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    place_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    days_off JSONB NOT NULL,
    working_days JSONB NOT NULL,
    CONSTRAINT calendars_once UNIQUE (place_id),
    CONSTRAINT calendars_bounded CHECK (
        jsonb_array_length(days_off) <= 400 AND jsonb_array_length(working_days) <= 400)
);
"""

MERGING = """
-- What was merged never takes another in, so that no circle can close.
CREATE FUNCTION refuse_merging_into_merged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM needs WHERE id = NEW.merged_into_id AND merged_into_id IS NOT NULL) THEN
        RAISE EXCEPTION 'need % was merged itself', NEW.merged_into_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'needs_merged_into_a_standing_one';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER needs_merged_once BEFORE INSERT OR UPDATE OF merged_into_id ON needs
    FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION refuse_merging_into_merged();
"""

SEARCH = """
-- The characters of a text and each two that stand together: small letters, full width like half width.
CREATE FUNCTION grams(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 2000 AS $$
    SELECT coalesce(array_agg(DISTINCT gram), '{}')
    FROM (
        SELECT one, one || lead(one) OVER (ORDER BY n) AS two
        FROM unnest(string_to_array(lower(normalize(said, NFKC) COLLATE "C"), NULL)) WITH ORDINALITY AS c (one, n)
    ) AS pairs, LATERAL (VALUES (one), (two)) AS g (gram)
    WHERE gram IS NOT NULL
$$;

-- What a need says, to be searched: apart from it, so that each endorsement does not write it into the index anew.
CREATE TABLE need_words (
    need_id BIGINT PRIMARY KEY,
    community_id BIGINT NOT NULL,
    said TEXT COLLATE "C" NOT NULL
);
CREATE INDEX need_words_searched ON need_words USING gin (grams(said)) WITH (gin_pending_list_limit = 256);
CREATE FUNCTION folded(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(normalize(said, NFKC) COLLATE "C");

-- Which open needs of a community hold a pair of characters in their titles, newest last. An index in the shape of a
-- table: written by the triggers below alone.
CREATE TABLE need_pairs (
    community_id BIGINT NOT NULL,
    pair TEXT COLLATE "C" NOT NULL,
    need_id BIGINT NOT NULL,
    PRIMARY KEY (community_id, pair, need_id)
);
CREATE FUNCTION pair_new_needs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO need_pairs (community_id, pair, need_id)
    SELECT n.community_id, gram, n.id FROM fresh n, unnest(grams(n.title)) AS gram
    WHERE length(gram) = 2 AND n.state IN ('submitted', 'accepted', 'routed', 'in_progress');
    INSERT INTO need_words (need_id, community_id, said)
    SELECT n.id, n.community_id, folded(n.title || ' ' || n.body) FROM fresh n;
    RETURN NULL;
END $$;
CREATE FUNCTION pair_changed_need() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    DELETE FROM need_pairs
    WHERE need_id = OLD.id AND community_id = OLD.community_id AND pair = ANY(grams(OLD.title));
    INSERT INTO need_pairs (community_id, pair, need_id)
    SELECT NEW.community_id, gram, NEW.id FROM unnest(grams(NEW.title)) AS gram
    WHERE length(gram) = 2 AND NEW.state IN ('submitted', 'accepted', 'routed', 'in_progress');
    UPDATE need_words SET said = folded(NEW.title || ' ' || NEW.body) WHERE need_id = NEW.id
        AND said <> folded(NEW.title || ' ' || NEW.body);
    RETURN NULL;
END $$;
CREATE TRIGGER needs_paired AFTER INSERT ON needs
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION pair_new_needs();
CREATE TRIGGER needs_paired_anew AFTER UPDATE OF title, body, state ON needs FOR EACH ROW
    WHEN (OLD.title <> NEW.title OR OLD.body <> NEW.body
        OR (OLD.state IN ('submitted', 'accepted', 'routed', 'in_progress'))
        <> (NEW.state IN ('submitted', 'accepted', 'routed', 'in_progress')))
    EXECUTE FUNCTION pair_changed_need();
INSERT INTO need_pairs (community_id, pair, need_id)
SELECT n.community_id, gram, n.id FROM needs n, unnest(grams(n.title)) AS gram
WHERE length(gram) = 2 AND n.state IN ('submitted', 'accepted', 'routed', 'in_progress');
INSERT INTO need_words (need_id, community_id, said)
SELECT id, community_id, folded(title || ' ' || body) FROM needs;
"""

PRIORITY = """
-- A point for each day of waiting, so the order of two does not change by itself: the day of birth counts against.
CREATE FUNCTION need_rank(endorsements int, urgency text, created_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    endorsements * 2 + CASE urgency WHEN 'low' THEN -20 WHEN 'high' THEN 20 WHEN 'urgent' THEN 60 ELSE 0 END
    - floor(extract(epoch FROM created_at - '2000-01-01 00:00:00+00'::timestamptz) / 86400)::bigint;
CREATE INDEX needs_by_rank ON needs (community_id, need_rank(endorsements, urgency, created_at), id)
    WHERE state IN ('submitted', 'accepted', 'routed', 'in_progress');
"""


def upgrade() -> None:
    run_script(COLUMNS + TABLES + MERGING + SEARCH + PRIORITY)


def downgrade() -> None:
    run_script("""
    DROP INDEX needs_by_rank;
    DROP TRIGGER needs_paired ON needs;
    DROP TRIGGER needs_paired_anew ON needs;
    DROP TRIGGER needs_merged_once ON needs;
    DROP TABLE need_pairs, need_words;
    DROP FUNCTION need_rank, pair_new_needs, pair_changed_need, grams, folded, refuse_merging_into_merged;
    DROP TABLE calendars, need_rules, need_hops;
    ALTER TABLE need_answers DROP COLUMN late;
    ALTER TABLE endorsements DROP COLUMN brought_from_id;
    ALTER TABLE needs DROP COLUMN level, DROP COLUMN urgency, DROP COLUMN due_at, DROP COLUMN decision_due_at,
        DROP COLUMN overdue_noted, DROP COLUMN merged_into_id;
    """)
