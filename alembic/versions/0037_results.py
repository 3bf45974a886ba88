"""What rests on a result: the end of a vote, its archive and its resolution; that none opens out of sight; receipts."""

from app.core.migrations import run_script

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TRIGGERS = """
-- V5: a vote ends with its result, and decided only by it.
CREATE FUNCTION guard_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM results WHERE deliberation_id = NEW.id) THEN
        RAISE EXCEPTION 'nobody has counted' USING ERRCODE = '23514',
            CONSTRAINT = 'deliberations_counted', TABLE = 'deliberations';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER deliberations_counted AFTER INSERT OR UPDATE OF state ON deliberations
    FOR EACH ROW WHEN (NEW.state IN ('decided', 'failed_quorum', 'implementing', 'reviewed'))
    EXECUTE FUNCTION guard_end();

-- V5: a resolution says what was asked and what the count gave, of a vote that is decided.
CREATE FUNCTION guard_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM deliberations d JOIN results r ON r.deliberation_id = d.id
        WHERE d.id = NEW.deliberation_id AND d.state = 'decided'
            AND (NEW.title, NEW.rule, NEW.roll_hash) = (d.title, d.rule, d.roll_hash)
            AND (NEW.explanation_zh, NEW.explanation_en) = (r.explanation_zh, r.explanation_en)
            AND NEW.passed IS NOT DISTINCT FROM r.passed
            AND (NEW.counts->'roll', NEW.counts->'voted', NEW.counts->'tally')
                = (to_jsonb(r.roll_size), to_jsonb(r.voted), r.tally)
    ) THEN
        RAISE EXCEPTION 'the count gave something else' USING ERRCODE = '23514',
            CONSTRAINT = 'resolutions_of_result', TABLE = 'resolutions';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER resolutions_of_result AFTER INSERT ON resolutions
    FOR EACH ROW EXECUTE FUNCTION guard_resolution();

-- V5: an archive has the roll and the figures of the result, a ballot for each who voted, and its resolution's number.
CREATE FUNCTION guard_archive() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    content jsonb := NEW.content::jsonb;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM deliberations d JOIN results r ON r.deliberation_id = d.id
        WHERE d.id = NEW.deliberation_id AND d.state IN ('decided', 'failed_quorum')
            AND content->'deliberation_id' = to_jsonb(d.id)
            AND split_part(content->'head'->>'text', E'\\n', 3) = NEW.digest
            AND (content->'roll'->>'hash', content->'roll'->'size') = (d.roll_hash, to_jsonb(r.roll_size))
            AND content->'turnout'->0 = to_jsonb(r.voted)
            AND content->'quorate' = to_jsonb(d.state = 'decided')
            AND content->>'passed' IS NOT DISTINCT FROM r.passed::text
            AND content->>'resolution_number' IS NOT DISTINCT FROM (
                SELECT number FROM resolutions WHERE deliberation_id = d.id)
            AND CASE WHEN content->'withheld' = 'true' THEN
                r.tally = '[]' AND content->'tally' = 'null' AND content->'ballots' = '[]'
            ELSE
                jsonb_array_length(content->'ballots') = r.voted AND content->'tally'->'numbers' = (
                    SELECT coalesce(jsonb_object_agg(coalesce(line->>'option_id', line->>'choice'),
                        jsonb_path_query_array(jsonb_build_array(
                            CASE WHEN d.ballot_kind = 'score' THEN line->'score' ELSE line->'votes' END,
                            line->'area_cm2'), '$[*] ? (@ != null)')), '{}')
                    FROM jsonb_array_elements(r.tally) line)
            END
    ) THEN
        RAISE EXCEPTION 'the count gave something else' USING ERRCODE = '23514',
            CONSTRAINT = 'archives_of_result', TABLE = 'archives';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER archives_of_result AFTER INSERT ON archives
    FOR EACH ROW EXECUTE FUNCTION guard_archive();

-- No vote opens that its voters do not see; from the opening on deliberations_keep_in_sight watches.
CREATE FUNCTION open_in_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a vote opens in sight' USING ERRCODE = '23514',
        CONSTRAINT = 'deliberations_open_in_sight', TABLE = 'deliberations';
END $$;
CREATE TRIGGER deliberations_open_in_sight BEFORE UPDATE ON deliberations FOR EACH ROW
    WHEN (OLD.state = 'discussion' AND NEW.state = 'voting' AND NEW.moderation <> 'passed')
    EXECUTE FUNCTION open_in_sight();
"""


COLUMNS = """
ALTER TABLE assistances ADD COLUMN receipt VARCHAR(64);
"""


def upgrade() -> None:
    run_script(COLUMNS + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER deliberations_open_in_sight ON deliberations;
    DROP TRIGGER archives_of_result ON archives;
    DROP TRIGGER resolutions_of_result ON resolutions;
    DROP TRIGGER deliberations_counted ON deliberations;
    DROP FUNCTION open_in_sight, guard_archive, guard_resolution, guard_end;
    ALTER TABLE assistances DROP COLUMN receipt;
    """)
