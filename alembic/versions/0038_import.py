"""Needs take one path, their dates follow the calendar; the audit trail is read by verb; old news of WeChat goes."""

from app.core.migrations import run_script

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

NEEDS = """
ALTER TABLE needs
    ADD COLUMN counted_from TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    ADD COLUMN answer_days SMALLINT NOT NULL DEFAULT 3,
    ADD COLUMN decision_days SMALLINT NOT NULL DEFAULT 15;
ALTER TABLE need_hops ADD COLUMN days SMALLINT NOT NULL DEFAULT 5;
UPDATE needs n SET counted_from = coalesce(
    (SELECT max(e.created_at) FROM events e
        WHERE e.subject_kind = 'need' AND e.subject_id = n.id AND e.verb = 'need.reopened'), n.created_at);
UPDATE needs n SET answer_days = r.answer_days, decision_days = r.decision_days
FROM need_rules r WHERE r.community_id = n.community_id;
UPDATE need_hops h SET days = r.escalation_days FROM need_rules r WHERE r.community_id = h.community_id;

-- A need goes one way: a decision may be followed by money and by people who do it, a wish stands alone.
CREATE FUNCTION keep_to_one_path() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stages CONSTANT text[] := ARRAY['deliberation', 'campaign', 'activity'];
    way text;
    linked text[];
    taken text[];
BEGIN
    SELECT route INTO way FROM needs WHERE id = NEW.need_id FOR NO KEY UPDATE;
    linked := ARRAY(SELECT DISTINCT kind FROM need_links WHERE need_id = NEW.need_id);
    taken := CASE WHEN way = ANY (stages || 'wish'::text) THEN linked || way ELSE linked END;
    IF NEW.kind <> ALL (linked) AND (
        taken <> '{}' AND (NEW.kind = 'wish') <> ('wish' = ANY (taken))
        OR EXISTS (SELECT 1 FROM unnest(linked) AS later
            WHERE array_position(stages, later) > array_position(stages, NEW.kind))
    ) THEN
        RAISE EXCEPTION 'need % has taken another path', NEW.need_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'need_links_one_path';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER need_links_one_path BEFORE INSERT ON need_links FOR EACH ROW EXECUTE FUNCTION keep_to_one_path();
"""

AUDIT = """
CREATE INDEX events_by_verb ON events (community_id, verb, id);
CREATE INDEX events_by_reason ON events (((facts->>'reason_id')::bigint)) WHERE facts->>'reason_id' IS NOT NULL;
"""


def upgrade() -> None:
    run_script(NEEDS + AUDIT)


def downgrade() -> None:
    run_script("""
    DROP INDEX events_by_verb, events_by_reason;
    DROP TRIGGER need_links_one_path ON need_links;
    DROP FUNCTION keep_to_one_path;
    ALTER TABLE need_hops DROP COLUMN days;
    ALTER TABLE needs DROP COLUMN counted_from, DROP COLUMN answer_days, DROP COLUMN decision_days;
    """)
