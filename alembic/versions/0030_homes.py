"""Households through time, invitations, guardians, terms of roles."""

from app.core.migrations import run_script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

PEOPLE = """
ALTER TABLE residents
    ADD COLUMN of_age_at TIMESTAMPTZ,
    ADD COLUMN of_fourteen BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE household_claims ADD COLUMN of_fourteen BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE representatives ADD COLUMN ended_at TIMESTAMPTZ;
UPDATE residents SET of_age_at = created_at WHERE of_age;

CREATE FUNCTION note_coming_of_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.of_age_at := clock_now();
    RETURN NEW;
END $$;
CREATE TRIGGER residents_come_of_age BEFORE UPDATE OF of_age ON residents
    FOR EACH ROW WHEN (NEW.of_age AND NOT OLD.of_age) EXECUTE FUNCTION note_coming_of_age();
CREATE TRIGGER residents_come_of_age_at_once BEFORE INSERT ON residents
    FOR EACH ROW WHEN (NEW.of_age) EXECUTE FUNCTION note_coming_of_age();

ALTER TABLE assistances
    ADD COLUMN objected_at TIMESTAMPTZ,
    ADD COLUMN objected_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    ADD COLUMN outcome VARCHAR(8),
    ADD CONSTRAINT assistances_objection
        CHECK (num_nonnulls(objected_at, objected_by_id, outcome) IN (0, 3)),
    ADD CONSTRAINT assistances_objected_by_another CHECK (objected_by_id <> assistant_id);
CREATE INDEX assistances_by_assistant ON assistances (assistant_id, id);
"""

HOMES = """
CREATE TABLE household_records (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    household_id BIGINT NOT NULL REFERENCES households (id) ON DELETE RESTRICT,
    representative_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    area_cm2 BIGINT,
    from_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    until_at TIMESTAMPTZ,
    CONSTRAINT household_records_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT household_records_period CHECK (until_at >= from_at)
);
CREATE UNIQUE INDEX household_records_one_live ON household_records (household_id) WHERE until_at IS NULL;
CREATE INDEX household_records_by_household ON household_records (household_id, id);

INSERT INTO household_records (community_id, household_id, representative_id, area_cm2, from_at)
SELECT community_id, id, representative_id, area_cm2, created_at FROM households;

-- What is on record of a household now is followed by a row of its own for each time it stood so.
CREATE FUNCTION keep_household_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE household_records SET until_at = clock_now() WHERE household_id = NEW.id AND until_at IS NULL;
    INSERT INTO household_records (community_id, household_id, representative_id, area_cm2)
    VALUES (NEW.community_id, NEW.id, NEW.representative_id, NEW.area_cm2);
    RETURN NULL;
END $$;
CREATE TRIGGER households_recorded AFTER INSERT ON households
    FOR EACH ROW EXECUTE FUNCTION keep_household_record();
CREATE TRIGGER households_recorded_again AFTER UPDATE OF representative_id, area_cm2 ON households
    FOR EACH ROW WHEN (NEW.representative_id IS DISTINCT FROM OLD.representative_id
        OR NEW.area_cm2 IS DISTINCT FROM OLD.area_cm2)
    EXECUTE FUNCTION keep_household_record();

ALTER TABLE memberships ADD COLUMN adult_at TIMESTAMPTZ;
CREATE FUNCTION adult_from(who bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least(CASE WHEN r.of_age THEN r.of_age_at END,
        make_timestamptz(r.birth_year + 19, 1, 1, 0, 0, 0, 'Asia/Shanghai'))
    FROM residents r WHERE r.id = who
$$;
CREATE FUNCTION keep_adulthood() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.adult_at := greatest(adult_from(NEW.resident_id), NEW.from_at);
    IF adult_from(NEW.resident_id) IS NULL OR NEW.adult_at >= NEW.until_at THEN
        NEW.adult_at := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER memberships_keep_adulthood BEFORE UPDATE OF until_at ON memberships
    FOR EACH ROW WHEN (OLD.until_at IS NULL AND NEW.until_at IS NOT NULL) EXECUTE FUNCTION keep_adulthood();
UPDATE memberships m SET adult_at = greatest(adult_from(m.resident_id), m.from_at)
WHERE m.until_at IS NOT NULL AND greatest(adult_from(m.resident_id), m.from_at) < m.until_at
    AND adult_from(m.resident_id) IS NOT NULL;
CREATE INDEX memberships_through_time ON memberships (community_id, from_at);

CREATE TABLE representative_changes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    household_id BIGINT NOT NULL REFERENCES households (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    proposed_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    reason_id BIGINT REFERENCES reasons (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    CONSTRAINT representative_changes_in_community UNIQUE (id, community_id),
    CONSTRAINT representative_changes_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX representative_changes_one_pending ON representative_changes (household_id)
    WHERE state = 'pending';
CREATE INDEX representative_changes_by_household ON representative_changes (household_id, id);

CREATE TABLE representative_votes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    change_id BIGINT NOT NULL REFERENCES representative_changes (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT representative_votes_once UNIQUE (change_id, resident_id),
    CONSTRAINT representative_votes_same_community FOREIGN KEY (change_id, community_id)
        REFERENCES representative_changes (id, community_id) ON DELETE RESTRICT
);

CREATE TABLE invitations (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    household_id BIGINT NOT NULL REFERENCES households (id) ON DELETE RESTRICT,
    capacity VARCHAR(8) NOT NULL,
    code_hash BYTEA NOT NULL,
    made_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    slot SMALLINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    CONSTRAINT invitations_one_code UNIQUE (code_hash),
    CONSTRAINT invitations_code_is_hashed CHECK (length(code_hash) = 32),
    CONSTRAINT invitations_bounded CHECK (slot BETWEEN 1 AND 5),
    CONSTRAINT invitations_used CHECK ((used_by_id IS NULL) = (used_at IS NULL)),
    CONSTRAINT invitations_used_or_revoked CHECK (num_nonnulls(used_at, revoked_at) <= 1),
    CONSTRAINT invitations_not_to_oneself CHECK (used_by_id <> made_by_id),
    CONSTRAINT invitations_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX invitations_one_a_slot ON invitations (household_id, slot)
    WHERE used_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitations_by_household ON invitations (household_id, id);

CREATE TABLE guardianships (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    child_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    guardian_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    named_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    consent_kind VARCHAR(16),
    witness_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    media_id BIGINT,
    ended_at TIMESTAMPTZ,
    ended_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT guardianships_of_another CHECK (guardian_id <> child_id),
    CONSTRAINT guardianships_named_by_another CHECK (named_by_id NOT IN (guardian_id, child_id)),
    CONSTRAINT guardianships_proved CHECK ((named_by_id IS NULL) = (consent_kind IS NULL)),
    CONSTRAINT guardianships_ended CHECK ((ended_at IS NULL) = (ended_by_id IS NULL))
);
CREATE UNIQUE INDEX guardianships_once ON guardianships (child_id, guardian_id) WHERE ended_at IS NULL;
CREATE INDEX guardianships_by_guardian ON guardianships (guardian_id, id);
CREATE INDEX guardianships_by_community ON guardianships (community_id, id);

CREATE TABLE resident_links (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    recorded_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    newcomer_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    asked_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    CONSTRAINT resident_links_two_accounts CHECK (recorded_id <> newcomer_id),
    CONSTRAINT resident_links_two_people CHECK (asked_by_id NOT IN (recorded_id, newcomer_id))
);
CREATE UNIQUE INDEX resident_links_one_pending ON resident_links (newcomer_id) WHERE state = 'pending';
CREATE UNIQUE INDEX resident_links_confirmed_once ON resident_links (recorded_id) WHERE state = 'confirmed';

CREATE TABLE phone_moves (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    old_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    new_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    CONSTRAINT phone_moves_two_accounts CHECK (old_id <> new_id),
    CONSTRAINT phone_moves_by_another CHECK (decided_by_id NOT IN (old_id, new_id)),
    CONSTRAINT phone_moves_decided CHECK ((decided_by_id IS NULL) = (state = 'pending'))
);
CREATE UNIQUE INDEX phone_moves_one_pending ON phone_moves (new_id) WHERE state = 'pending';
CREATE INDEX phone_moves_by_community ON phone_moves (community_id, id);
"""

ROLES = """
-- 居委会组织法 36: nobody supervises whose own or whose close relative's seat is on the committee. Grants and
-- declarations of relatives come one after the other, so that each sees the one before.
CREATE FUNCTION keep_supervisors_apart() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE other text := CASE NEW.role WHEN 'supervisor' THEN 'committee' WHEN 'committee' THEN 'supervisor' END;
BEGIN
    IF other IS NULL OR NEW.until_at <= clock_now() THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('supervision', 0));
    IF EXISTS (SELECT 1 FROM role_grants g WHERE g.resident_id = NEW.resident_id AND g.role = other
        AND g.place_id = NEW.place_id AND (g.until_at IS NULL OR g.until_at > clock_now())) THEN
        RAISE EXCEPTION 'a committee member does not supervise' USING ERRCODE = '23514',
            CONSTRAINT = 'role_grants_supervisor_or_committee', TABLE = 'role_grants';
    END IF;
    IF EXISTS (SELECT 1 FROM relatives r JOIN role_grants g ON g.resident_id IN (r.low_id, r.high_id)
        WHERE NEW.resident_id IN (r.low_id, r.high_id) AND r.ended_at IS NULL AND g.resident_id <> NEW.resident_id
            AND g.role = other AND g.place_id = NEW.place_id AND (g.until_at IS NULL OR g.until_at > clock_now())) THEN
        RAISE EXCEPTION 'a relative of the committee does not supervise' USING ERRCODE = '23514',
            CONSTRAINT = 'role_grants_supervisor_unrelated', TABLE = 'role_grants';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER role_grants_supervisors_apart BEFORE INSERT OR UPDATE OF role, resident_id, place_id, until_at
    ON role_grants FOR EACH ROW EXECUTE FUNCTION keep_supervisors_apart();

CREATE FUNCTION wait_for_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('supervision', 0));
    RETURN NULL;
END $$;
CREATE TRIGGER relatives_beside_no_grant BEFORE INSERT ON relatives EXECUTE FUNCTION wait_for_grants();

CREATE INDEX role_grants_ending ON role_grants (until_at) WHERE until_at IS NOT NULL;

-- Whether anything was ever done by, for or to a resident, but that he logged in, named himself, was told something,
-- and said where he lives.
CREATE FUNCTION has_traces(who bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE spot record; found_one boolean;
BEGIN
    FOR spot IN
        SELECT c.conrelid::regclass AS of_table, a.attname AS of_column FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.confrelid = 'residents'::regclass AND array_length(c.conkey, 1) = 1
            AND c.conrelid::regclass::text NOT IN ('sessions', 'notices', 'deliveries', 'idempotency_keys',
                'message_credits', 'credit_entries', 'notice_preferences', 'resident_links', 'phone_moves', 'events',
                'consents', 'household_claims', 'checks', 'media')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE %I = $1)', spot.of_table, spot.of_column)
        INTO found_one USING who;
        IF found_one THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;
"""


def upgrade() -> None:
    run_script(PEOPLE + HOMES + ROLES)


def downgrade() -> None:
    run_script("""
    DROP FUNCTION has_traces;
    DROP TRIGGER memberships_keep_adulthood ON memberships;
    DROP FUNCTION keep_adulthood, adult_from;
    ALTER TABLE memberships DROP COLUMN adult_at;
    DROP INDEX role_grants_ending, memberships_through_time, assistances_by_assistant;
    DROP TRIGGER relatives_beside_no_grant ON relatives;
    DROP TRIGGER role_grants_supervisors_apart ON role_grants;
    DROP TRIGGER households_recorded ON households;
    DROP TRIGGER households_recorded_again ON households;
    DROP TRIGGER residents_come_of_age ON residents;
    DROP TRIGGER residents_come_of_age_at_once ON residents;
    DROP FUNCTION wait_for_grants, keep_supervisors_apart, keep_household_record, note_coming_of_age;
    DROP TABLE phone_moves, resident_links, guardianships, invitations, representative_votes, representative_changes,
        household_records;
    ALTER TABLE assistances DROP COLUMN objected_at, DROP COLUMN objected_by_id, DROP COLUMN outcome;
    ALTER TABLE representatives DROP COLUMN ended_at;
    ALTER TABLE household_claims DROP COLUMN of_fourteen;
    ALTER TABLE residents DROP COLUMN of_age_at, DROP COLUMN of_fourteen;
    """)
