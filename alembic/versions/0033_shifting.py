"""Skills, ages, disputes, certificates, tasks and teams of volunteers."""

from app.core.migrations import run_script

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

SKILLS = (
    '["first_aid", "nursing", "elder_care", "child_care", "teaching", "music", "art", "sports", "cooking", '
    '"hairdressing", "repairs", "electrics", "plumbing", "driving", "computers", "photography", "languages", '
    '"sign_language", "law", "counselling", "hosting"]'
)
KNOWN = "jsonb_typeof(skills) = 'array' AND skills <@ '" + SKILLS + "'"
POSSIBLE = """CASE WHEN isempty(period) THEN minutes <= 1440 ELSE
            minutes * interval '1 minute' <= least(created_at, upper(period)) - lower(period) + interval '60 minutes'
        END"""

TABLES = f"""
CREATE TABLE volunteers (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    skills JSONB NOT NULL,
    calendar_hash BYTEA,
    CONSTRAINT volunteers_once UNIQUE (resident_id),
    CONSTRAINT volunteers_one_calendar UNIQUE (calendar_hash),
    CONSTRAINT volunteers_skills CHECK ({KNOWN})
);

CREATE TABLE volunteer_teams (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    name VARCHAR(60) NOT NULL,
    body VARCHAR(1000) NOT NULL,
    founder_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    leader_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT volunteer_teams_in_community UNIQUE (id, community_id)
);
CREATE INDEX volunteer_teams_by_community ON volunteer_teams (community_id, id);

CREATE TABLE volunteer_team_members (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    team_id BIGINT NOT NULL REFERENCES volunteer_teams (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    CONSTRAINT volunteer_team_members_same_community
        FOREIGN KEY (team_id, community_id) REFERENCES volunteer_teams (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT volunteer_team_members_state CHECK (state IN ('asked', 'member', 'declined', 'left'))
);
CREATE UNIQUE INDEX volunteer_team_members_one_live ON volunteer_team_members (team_id, resident_id)
    WHERE state IN ('asked', 'member');
CREATE INDEX volunteer_team_members_by_resident ON volunteer_team_members (resident_id);

ALTER TABLE activities
    ADD COLUMN team_id BIGINT REFERENCES volunteer_teams (id) ON DELETE RESTRICT,
    ADD CONSTRAINT activities_team_of_community
        FOREIGN KEY (team_id, community_id) REFERENCES volunteer_teams (id, community_id) ON DELETE RESTRICT;

ALTER TABLE shifts
    ADD COLUMN state VARCHAR(16) NOT NULL DEFAULT 'planned',
    ADD COLUMN skills JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN minimum_age SMALLINT,
    ADD COLUMN moved_at TIMESTAMPTZ,
    ADD COLUMN changed_at TIMESTAMPTZ,
    ADD CONSTRAINT shifts_state CHECK (state IN ('planned', 'cancelled')),
    ADD CONSTRAINT shifts_cancelled_are_empty CHECK (state <> 'cancelled' OR taken = 0),
    ADD CONSTRAINT shifts_skills CHECK ({KNOWN}),
    ADD CONSTRAINT shifts_minimum_age CHECK (minimum_age BETWEEN 6 AND 80);
CREATE INDEX shifts_ahead ON shifts (starts_at) WHERE state = 'planned';

ALTER TABLE signups
    ADD COLUMN team_id BIGINT REFERENCES volunteer_teams (id) ON DELETE RESTRICT,
    ADD COLUMN reminded SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN passed_over_at TIMESTAMPTZ,
    ADD COLUMN no_show BOOLEAN NOT NULL DEFAULT false,
    ADD CONSTRAINT signups_team_of_community
        FOREIGN KEY (team_id, community_id) REFERENCES volunteer_teams (id, community_id) ON DELETE RESTRICT,
    ADD CONSTRAINT signups_reminded CHECK (reminded BETWEEN 0 AND 2),
    ADD CONSTRAINT signups_no_show CHECK (NOT no_show OR (state = 'confirmed' AND checked_in_at IS NULL)),
    -- A shift that is moved takes its sign-ups along; whom that would put in two places keeps it where it is.
    DROP CONSTRAINT signups_same_shift,
    ADD CONSTRAINT signups_same_shift FOREIGN KEY (shift_id, community_id, period)
        REFERENCES shifts (id, community_id, period) ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX signups_by_team ON signups (team_id) WHERE team_id IS NOT NULL;

ALTER TABLE service_records
    ADD CONSTRAINT service_records_corrected_in_community UNIQUE (id, community_id, resident_id, period),
    ADD CONSTRAINT service_records_disputed_in_community UNIQUE (id, community_id, resident_id, confirmed_by_id);

CREATE TABLE service_corrections (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    record_id BIGINT NOT NULL REFERENCES service_records (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    period TSTZRANGE NOT NULL,
    number SMALLINT NOT NULL,
    minutes INT NOT NULL,
    corrected_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    reason_id BIGINT NOT NULL REFERENCES reasons (id) ON DELETE RESTRICT,
    CONSTRAINT service_corrections_of_the_record FOREIGN KEY (record_id, community_id, resident_id, period)
        REFERENCES service_records (id, community_id, resident_id, period) ON DELETE RESTRICT,
    CONSTRAINT service_corrections_one_by_one UNIQUE (record_id, number),
    CONSTRAINT service_corrections_number CHECK (number BETWEEN 1 AND 20),
    CONSTRAINT service_corrections_not_by_oneself CHECK (corrected_by_id <> resident_id),
    CONSTRAINT service_corrections_minutes CHECK (
        minutes >= 0 AND {POSSIBLE}
    )
);

CREATE TABLE service_disputes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    record_id BIGINT NOT NULL REFERENCES service_records (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    confirmed_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    resolved_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT service_disputes_of_the_record FOREIGN KEY (record_id, community_id, resident_id, confirmed_by_id)
        REFERENCES service_records (id, community_id, resident_id, confirmed_by_id) ON DELETE RESTRICT,
    CONSTRAINT service_disputes_once UNIQUE (record_id),
    CONSTRAINT service_disputes_state CHECK (
        state IN ('open', 'resolved') AND (state = 'resolved') = (resolved_by_id IS NOT NULL)
    ),
    CONSTRAINT service_disputes_by_another CHECK (resolved_by_id NOT IN (resident_id, confirmed_by_id))
);
CREATE INDEX service_disputes_open ON service_disputes (community_id, id) WHERE state = 'open';

-- What each record counts for: its last correction, or what was confirmed. Sums of hours read this.
CREATE VIEW hours_served AS
SELECT r.id, r.created_at, r.community_id, r.shift_id, r.signup_id, r.resident_id, r.confirmed_by_id,
    coalesce(c.minutes, r.minutes) AS minutes
FROM service_records r LEFT JOIN LATERAL (
    SELECT minutes FROM service_corrections WHERE record_id = r.id ORDER BY number DESC LIMIT 1
) c ON true;

CREATE TABLE point_transfers (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    giver_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    helper_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    minutes INT NOT NULL,
    CONSTRAINT point_transfers_minutes CHECK (minutes BETWEEN 1 AND 1440),
    CONSTRAINT point_transfers_not_to_oneself CHECK (giver_id <> helper_id)
);
CREATE INDEX point_transfers_by_giver ON point_transfers (giver_id, id);
CREATE INDEX point_transfers_by_helper ON point_transfers (helper_id, id);

CREATE TABLE certificates (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    code VARCHAR(20) NOT NULL,
    number VARCHAR(40) NOT NULL,
    name_sealed BYTEA,
    name_masked VARCHAR(3) NOT NULL,
    name_declared BOOLEAN NOT NULL,
    document_sealed BYTEA,
    from_on DATE NOT NULL,
    until_on DATE NOT NULL,
    minutes INT NOT NULL,
    lines JSONB NOT NULL,
    issuer VARCHAR(60) NOT NULL,
    person_in_charge VARCHAR(30),
    purpose VARCHAR(16) NOT NULL,
    CONSTRAINT certificates_in_community UNIQUE (id, community_id),
    CONSTRAINT certificates_one_code UNIQUE (code),
    CONSTRAINT certificates_one_number UNIQUE (number),
    CONSTRAINT certificates_code CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{{20}}$'),
    CONSTRAINT certificates_period CHECK (until_on >= from_on),
    CONSTRAINT certificates_minutes CHECK (minutes >= 1),
    CONSTRAINT certificates_purpose CHECK (purpose IN ('study', 'work', 'recognition', 'other'))
);
CREATE INDEX certificates_by_resident ON certificates (resident_id, id);

CREATE TABLE certificate_revocations (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    certificate_id BIGINT NOT NULL REFERENCES certificates (id) ON DELETE RESTRICT,
    revoked_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    reason_id BIGINT NOT NULL REFERENCES reasons (id) ON DELETE RESTRICT,
    CONSTRAINT certificate_revocations_same_community
        FOREIGN KEY (certificate_id, community_id) REFERENCES certificates (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT certificate_revocations_once UNIQUE (certificate_id)
);
"""

TRIGGERS = """
CREATE TRIGGER service_corrections_append_only BEFORE UPDATE OR DELETE ON service_corrections
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER service_corrections_not_emptied BEFORE TRUNCATE ON service_corrections
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER point_transfers_append_only BEFORE UPDATE OR DELETE ON point_transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER point_transfers_not_emptied BEFORE TRUNCATE ON point_transfers EXECUTE FUNCTION refuse_change();
CREATE TRIGGER certificate_revocations_append_only BEFORE UPDATE OR DELETE ON certificate_revocations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER certificate_revocations_not_emptied BEFORE TRUNCATE ON certificate_revocations
    EXECUTE FUNCTION refuse_change();

-- Nobody spends hours he has not got. Who spends waits for his own other spending, so that both are counted.
CREATE FUNCTION points_not_overdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM residents WHERE id = NEW.giver_id FOR NO KEY UPDATE;
    IF NEW.minutes > (SELECT coalesce(sum(minutes), 0) FROM hours_served WHERE resident_id = NEW.giver_id)
        + (SELECT coalesce(sum(minutes), 0) FROM point_transfers WHERE helper_id = NEW.giver_id)
        - (SELECT coalesce(sum(minutes), 0) FROM point_transfers WHERE giver_id = NEW.giver_id) THEN
        RAISE EXCEPTION 'more hours than there are' USING ERRCODE = '23514', CONSTRAINT = 'points_not_overdrawn';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER points_not_overdrawn BEFORE INSERT ON point_transfers
    FOR EACH ROW EXECUTE FUNCTION points_not_overdrawn();

-- A team is led by one of its members or by nobody, once all that belongs together is done.
CREATE FUNCTION led_by_a_member() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    team BIGINT := CASE TG_TABLE_NAME WHEN 'volunteer_teams' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'team_id')::bigint END;
BEGIN
    IF EXISTS (SELECT FROM volunteer_teams t WHERE t.id = team AND t.leader_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM volunteer_team_members m
        WHERE m.team_id = t.id AND m.resident_id = t.leader_id AND m.state = 'member')) THEN
        RAISE EXCEPTION 'led by somebody else' USING ERRCODE = '23514', CONSTRAINT = 'volunteer_teams_led_by_a_member';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volunteer_teams_led_by_a_member AFTER INSERT OR UPDATE OF leader_id ON volunteer_teams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION led_by_a_member();
CREATE CONSTRAINT TRIGGER volunteer_team_members_leader_stays AFTER UPDATE OF state ON volunteer_team_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION led_by_a_member();

-- What was certified stands. Only its seals are renewed with the key, or broken for who leaves.
CREATE FUNCTION certificates_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - '{name_sealed,document_sealed}'::text[]
        <> to_jsonb(OLD) - '{name_sealed,document_sealed}'::text[] THEN
        RAISE EXCEPTION 'a certificate stands' USING ERRCODE = '23514', CONSTRAINT = 'certificates_stand';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER certificates_stand BEFORE UPDATE OR DELETE ON certificates
    FOR EACH ROW EXECUTE FUNCTION certificates_stand();
"""

DOWN = """
DROP VIEW hours_served;
DROP TABLE certificate_revocations, certificates, point_transfers, service_disputes, service_corrections;
DROP FUNCTION points_not_overdrawn;
DROP FUNCTION certificates_stand;
ALTER TABLE service_records
    DROP CONSTRAINT service_records_corrected_in_community, DROP CONSTRAINT service_records_disputed_in_community;
ALTER TABLE signups
    DROP COLUMN team_id, DROP COLUMN reminded, DROP COLUMN passed_over_at, DROP COLUMN no_show,
    DROP CONSTRAINT signups_same_shift,
    ADD CONSTRAINT signups_same_shift FOREIGN KEY (shift_id, community_id, period)
        REFERENCES shifts (id, community_id, period) ON DELETE RESTRICT;
ALTER TABLE shifts
    DROP COLUMN state, DROP COLUMN skills, DROP COLUMN minimum_age, DROP COLUMN moved_at, DROP COLUMN changed_at;
ALTER TABLE activities DROP COLUMN team_id;
DROP TABLE volunteer_team_members, volunteer_teams, volunteers;
DROP FUNCTION led_by_a_member;
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script(DOWN)
