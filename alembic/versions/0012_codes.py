"""Mini-program codes and their short scene ids."""

from app.core.migrations import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE codes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    scene VARCHAR(8) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    subject_id BIGINT NOT NULL,
    link VARCHAR(500),
    link_version VARCHAR(8),
    link_until TIMESTAMPTZ,
    asking_until TIMESTAMPTZ,
    CONSTRAINT codes_once UNIQUE (scene),
    CONSTRAINT codes_one_per_thing UNIQUE (kind, subject_id),
    CONSTRAINT codes_scene CHECK (scene ~ '^[0-9A-HJKMNP-TV-Z]{8}$'),
    CONSTRAINT codes_kind CHECK (kind IN ('need', 'wish', 'deliberation', 'activity', 'campaign')),
    CONSTRAINT codes_link_whole CHECK (num_nulls(link, link_version, link_until) IN (0, 3))
);

-- A code hangs on walls: what it stands for never changes.
CREATE FUNCTION codes_stand_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.scene, NEW.kind, NEW.subject_id, NEW.community_id)
        IS DISTINCT FROM (OLD.scene, OLD.kind, OLD.subject_id, OLD.community_id) THEN
        RAISE EXCEPTION 'a code stands for one thing' USING ERRCODE = '23514', CONSTRAINT = 'codes_stand_for_ever';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER codes_stand_for_ever BEFORE UPDATE ON codes FOR EACH ROW EXECUTE FUNCTION codes_stand_for_ever();
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    run_script("DROP TABLE codes; DROP FUNCTION codes_stand_for_ever;")
