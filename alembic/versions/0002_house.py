"""Places, people, events, notices, idempotency keys and comments."""

from app.core.migrations import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE places (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    parent_id BIGINT REFERENCES places (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(60) NOT NULL,
    path VARCHAR(200) NOT NULL UNIQUE,
    community_id BIGINT,
    CONSTRAINT places_one_name_per_parent UNIQUE NULLS NOT DISTINCT (parent_id, name),
    CONSTRAINT places_kind CHECK (kind IN ('district', 'street', 'community', 'grid', 'building')),
    CONSTRAINT places_only_districts_at_the_top CHECK ((parent_id IS NULL) = (kind = 'district')),
    CONSTRAINT places_community CHECK ((community_id IS NULL) = (kind IN ('district', 'street')))
);
CREATE INDEX places_path_prefix ON places (path varchar_pattern_ops);
CREATE INDEX places_by_parent ON places (parent_id);
CREATE INDEX places_by_community ON places (community_id);

CREATE TABLE residents (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    openid VARCHAR(64) UNIQUE,
    unionid VARCHAR(64),
    nickname VARCHAR(30) NOT NULL,
    avatar_url VARCHAR(500),
    name_sealed BYTEA,
    phone_sealed BYTEA,
    phone_index BYTEA,
    birth_year SMALLINT,
    of_age BOOLEAN NOT NULL DEFAULT false,
    suspended BOOLEAN NOT NULL,
    CONSTRAINT residents_phone_index_key UNIQUE (phone_index),
    CONSTRAINT residents_birth_year CHECK (birth_year BETWEEN 1900 AND 2100),
    CONSTRAINT residents_phone_is_sealed CHECK ((phone_sealed IS NULL) = (phone_index IS NULL)),
    CONSTRAINT residents_sealed_is_ciphertext CHECK (
        (name_sealed IS NULL OR length(name_sealed) > 29) AND (phone_sealed IS NULL OR length(phone_sealed) > 29)
    )
);

CREATE TABLE sessions (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    token_hash BYTEA NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT sessions_token_is_hashed CHECK (length(token_hash) = 32),
    CONSTRAINT sessions_end CHECK (expires_at <= ends_at)
);
CREATE INDEX sessions_by_resident ON sessions (resident_id);

CREATE TABLE households (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    building_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    unit VARCHAR(20) NOT NULL,
    room VARCHAR(20) NOT NULL,
    area_cm2 BIGINT,
    representative_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT households_one_per_room UNIQUE (building_id, unit, room),
    CONSTRAINT households_in_community UNIQUE (id, community_id),
    CONSTRAINT households_area CHECK (area_cm2 BETWEEN 1 AND 1000000000)
);
CREATE INDEX households_by_community ON households (community_id);

CREATE TABLE memberships (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    household_id BIGINT NOT NULL REFERENCES households (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    capacity VARCHAR(8) NOT NULL,
    from_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    until_at TIMESTAMPTZ,
    CONSTRAINT memberships_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT memberships_period CHECK (until_at > from_at)
);
CREATE UNIQUE INDEX memberships_one_live ON memberships (resident_id) WHERE until_at IS NULL;
CREATE INDEX memberships_by_household ON memberships (household_id);
CREATE INDEX memberships_by_community ON memberships (community_id) WHERE until_at IS NULL;

CREATE TABLE household_claims (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    building_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    unit VARCHAR(20) NOT NULL,
    room VARCHAR(20) NOT NULL,
    capacity VARCHAR(8) NOT NULL,
    birth_year SMALLINT NOT NULL,
    of_age BOOLEAN NOT NULL DEFAULT false,
    state VARCHAR(16) NOT NULL,
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    reason VARCHAR(200),
    CONSTRAINT household_claims_not_by_oneself CHECK (decided_by_id <> resident_id),
    CONSTRAINT household_claims_birth_year CHECK (birth_year BETWEEN 1900 AND 2100)
);
CREATE UNIQUE INDEX household_claims_one_pending ON household_claims (resident_id) WHERE state = 'pending';
CREATE INDEX household_claims_by_community ON household_claims (community_id, id);

CREATE TABLE role_grants (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    role VARCHAR(20) NOT NULL,
    place_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    granted_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    resolution_id BIGINT,
    from_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    until_at TIMESTAMPTZ,
    revoked_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT role_grants_not_to_oneself CHECK (granted_by_id <> resident_id),
    CONSTRAINT role_grants_period CHECK (until_at >= from_at),
    CONSTRAINT role_grants_supervisor_has_resolution
        CHECK (role <> 'supervisor' OR granted_by_id IS NULL OR resolution_id IS NOT NULL)
);
CREATE UNIQUE INDEX role_grants_one_live ON role_grants (resident_id, role, place_id) WHERE until_at IS NULL;
CREATE INDEX role_grants_by_resident ON role_grants (resident_id);
CREATE INDEX role_grants_by_place ON role_grants (place_id);

CREATE TABLE assistances (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    assistant_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    consent_kind VARCHAR(16) NOT NULL,
    witness_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    media_id BIGINT,
    verb VARCHAR(60) NOT NULL,
    subject_kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    CONSTRAINT assistances_of_another CHECK (assistant_id <> resident_id),
    CONSTRAINT assistances_witness
        CHECK (consent_kind <> 'witness' OR (witness_id IS NOT NULL AND witness_id NOT IN (assistant_id, resident_id)))
);
CREATE INDEX assistances_by_resident ON assistances (resident_id, id);

CREATE TABLE events (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    verb VARCHAR(60) NOT NULL,
    actor_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    on_behalf_of_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    subject_kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    community_id BIGINT,
    facts JSONB NOT NULL
);
CREATE INDEX events_by_subject ON events (subject_kind, subject_id, id);

CREATE TABLE reasons (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    text VARCHAR(1000) NOT NULL
);

CREATE TABLE notices (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    kind VARCHAR(60) NOT NULL,
    subject_kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    params JSONB NOT NULL,
    read_at TIMESTAMPTZ
);
CREATE INDEX notices_by_resident ON notices (resident_id, id DESC);

CREATE TABLE idempotency_keys (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    key VARCHAR(64) NOT NULL,
    request_hash BYTEA NOT NULL,
    subject_id BIGINT,
    CONSTRAINT idempotency_keys_once UNIQUE (resident_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE comments (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    subject_kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    parent_id BIGINT REFERENCES comments (id) ON DELETE RESTRICT,
    body TEXT NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT comments_about_one_thing UNIQUE (id, subject_kind, subject_id),
    CONSTRAINT comments_answer_stays_on_its_thing FOREIGN KEY (parent_id, subject_kind, subject_id)
        REFERENCES comments (id, subject_kind, subject_id) ON DELETE RESTRICT
);
CREATE INDEX comments_by_subject ON comments (subject_kind, subject_id, id DESC);
"""

TRIGGERS = """
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_not_emptied BEFORE TRUNCATE ON events EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reasons_append_only BEFORE UPDATE OR DELETE ON reasons
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reasons_not_emptied BEFORE TRUNCATE ON reasons EXECUTE FUNCTION refuse_change();

-- The last officer of a street or district stays; the place row is locked so that two cannot revoke each other.
CREATE FUNCTION keep_last_officer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.role IN ('street_officer', 'district_officer') AND OLD.until_at IS NULL
        AND (TG_OP = 'DELETE' OR NEW.until_at IS NOT NULL) THEN
        PERFORM 1 FROM places WHERE id = OLD.place_id FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT 1 FROM role_grants g
            WHERE g.place_id = OLD.place_id AND g.role = OLD.role AND g.id <> OLD.id AND g.until_at IS NULL
        ) THEN
            RAISE EXCEPTION 'the last officer stays' USING ERRCODE = '23514',
                CONSTRAINT = 'role_grants_last_officer', TABLE = 'role_grants';
        END IF;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER role_grants_last_officer BEFORE UPDATE OR DELETE ON role_grants
    FOR EACH ROW EXECUTE FUNCTION keep_last_officer();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TABLE comments, idempotency_keys, notices, reasons, events, assistances, role_grants, household_claims,
        memberships, households, sessions, residents, places;
    DROP FUNCTION keep_last_officer;
    """)
