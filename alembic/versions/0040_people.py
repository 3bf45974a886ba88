"""Dates of birth, kept sealed until they have shown 18 years; one name for a room; who settles a need's path."""

from app.core.migrations import run_script

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

BIRTHS = """
ALTER TABLE residents ADD COLUMN birth_date_sealed BYTEA, ADD COLUMN birthday_looked_for_on DATE;
ALTER TABLE household_claims ADD COLUMN birth_date_sealed BYTEA;
CREATE INDEX residents_growing_up ON residents (birth_year) WHERE birth_date_sealed IS NOT NULL;
"""
SUSPENDED = """
INSERT INTO events (verb, subject_kind, subject_id, facts)
SELECT 'resident.suspended', 'resident', id, '{}' FROM residents WHERE suspended;
"""
# services/rules/rooms.py writes them likewise. Where one room stands in the tables twice already, the others keep their
# spelling.
ROOMS = """
CREATE FUNCTION room_form(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(regexp_replace(regexp_replace(plain, '(单元|室|号|房)+$', ''), '^0+(?=.)', ''), ''), plain)
    FROM (SELECT normalize(upper(regexp_replace(normalize(said, NFKC), '\\s', '', 'g') COLLATE "C"), NFKC) AS plain) t
$$;
UPDATE households h SET unit = room_form(unit), room = room_form(room)
WHERE (unit, room) IS DISTINCT FROM (room_form(unit), room_form(room)) AND NOT EXISTS (
    SELECT FROM households o WHERE o.building_id = h.building_id AND o.id <> h.id
        AND room_form(o.unit) = room_form(h.unit) AND room_form(o.room) = room_form(h.room)
        AND (o.id < h.id OR o.unit = room_form(o.unit) AND o.room = room_form(o.room)));
UPDATE household_claims SET unit = room_form(unit), room = room_form(room) WHERE state = 'pending';
CREATE FUNCTION keep_room_form() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.unit := room_form(NEW.unit);
    NEW.room := room_form(NEW.room);
    RETURN NEW;
END $$;
CREATE TRIGGER households_room_form BEFORE INSERT OR UPDATE OF unit, room ON households
    FOR EACH ROW EXECUTE FUNCTION keep_room_form();
"""
PATHS = """
ALTER TABLE need_links ADD COLUMN settles BOOLEAN NOT NULL DEFAULT true;
UPDATE need_links l SET settles = false FROM needs n WHERE n.id = l.need_id AND n.route IS DISTINCT FROM l.kind;

CREATE FUNCTION came_to_nothing(made text, made_id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE made
        WHEN 'wish' THEN EXISTS (SELECT FROM wishes WHERE id = made_id AND state IN ('withdrawn', 'expired'))
        WHEN 'deliberation' THEN EXISTS (
            SELECT FROM deliberations WHERE id = made_id AND state IN ('withdrawn', 'failed_quorum'))
        WHEN 'campaign' THEN EXISTS (SELECT FROM campaigns WHERE id = made_id AND state IN ('cancelled', 'failed'))
        WHEN 'activity' THEN EXISTS (SELECT FROM shifts WHERE activity_id = made_id) AND NOT EXISTS (
            SELECT FROM shifts WHERE activity_id = made_id AND state <> 'cancelled')
        ELSE false END
$$;
-- A need goes one way: a decision, money and people who do it belong together, a wish stands alone. The way is settled
-- by its route, and by what those who handle it have made of it, unless that came to nothing.
CREATE FUNCTION goes_another_way(need bigint, way text, next text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_or((taken = 'wish') <> (next = 'wish')), false) FROM (
        SELECT way AS taken WHERE way IS NOT NULL
        UNION ALL
        SELECT kind FROM need_links WHERE need_id = need AND settles AND NOT came_to_nothing(kind, subject_id)) t
$$;
CREATE OR REPLACE FUNCTION keep_to_one_path() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    way text;
BEGIN
    SELECT route INTO way FROM needs WHERE id = NEW.need_id FOR NO KEY UPDATE;
    IF goes_another_way(NEW.need_id, way, NEW.kind) THEN
        RAISE EXCEPTION 'need % has taken another path', NEW.need_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'need_links_one_path';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION keep_route_to_one_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF goes_another_way(NEW.id, NULL, NEW.route) THEN
        RAISE EXCEPTION 'need % has taken another path', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'need_links_one_path';
    END IF;
    RETURN NEW;
END $$;
-- What those who handle it cannot settle goes up whatever was made of it.
CREATE TRIGGER needs_route_one_path BEFORE UPDATE OF route ON needs FOR EACH ROW
    WHEN (NEW.route IS DISTINCT FROM OLD.route AND NEW.route <> 'escalation')
    EXECUTE FUNCTION keep_route_to_one_path();
"""


def upgrade() -> None:
    run_script(BIRTHS + SUSPENDED + ROOMS + PATHS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER needs_route_one_path ON needs;
    CREATE OR REPLACE FUNCTION keep_to_one_path() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        way text;
        linked text[];
        taken text[];
    BEGIN
        SELECT route INTO way FROM needs WHERE id = NEW.need_id FOR NO KEY UPDATE;
        linked := ARRAY(SELECT DISTINCT kind FROM need_links WHERE need_id = NEW.need_id);
        taken := CASE WHEN way IN ('deliberation', 'campaign', 'activity', 'wish') THEN linked || way ELSE linked END;
        IF NEW.kind <> ALL (linked) AND taken <> '{}' AND (NEW.kind = 'wish') <> ('wish' = ANY (taken)) THEN
            RAISE EXCEPTION 'need % has taken another path', NEW.need_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'need_links_one_path';
        END IF;
        RETURN NEW;
    END $$;
    DROP FUNCTION keep_route_to_one_path, goes_another_way, came_to_nothing;
    ALTER TABLE need_links DROP COLUMN settles;
    DROP TRIGGER households_room_form ON households;
    DROP FUNCTION keep_room_form, room_form;
    DROP INDEX residents_growing_up;
    ALTER TABLE household_claims DROP COLUMN birth_date_sealed;
    ALTER TABLE residents DROP COLUMN birth_date_sealed, DROP COLUMN birthday_looked_for_on;
    """)
