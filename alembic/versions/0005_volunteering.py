"""Activities, shifts, sign-ups and service records."""

from app.core.migrations import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE activities (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    leader_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    cancel_hours SMALLINT NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT activities_in_community UNIQUE (id, community_id),
    CONSTRAINT activities_kind
        CHECK (kind IN ('service', 'training', 'meeting', 'community_event', 'roadshow', 'task')),
    CONSTRAINT activities_cancel_hours CHECK (cancel_hours BETWEEN 0 AND 72)
);
CREATE INDEX activities_by_community ON activities (community_id, id);

CREATE TABLE shifts (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    activity_id BIGINT NOT NULL REFERENCES activities (id) ON DELETE RESTRICT,
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ,
    period TSTZRANGE NOT NULL GENERATED ALWAYS AS
        (CASE WHEN starts_at < ends_at THEN tstzrange(starts_at, ends_at) ELSE 'empty' END) STORED,
    capacity INT NOT NULL,
    taken INT NOT NULL,
    place_text VARCHAR(200) NOT NULL,
    CONSTRAINT shifts_same_community
        FOREIGN KEY (activity_id, community_id) REFERENCES activities (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT shifts_in_community UNIQUE (id, community_id, period),
    CONSTRAINT shifts_times CHECK (
        (starts_at IS NULL) = (ends_at IS NULL) AND ends_at > starts_at AND ends_at <= starts_at + interval '24 hours'
    ),
    CONSTRAINT shifts_capacity CHECK (capacity BETWEEN 1 AND 1000),
    CONSTRAINT shifts_taken CHECK (taken BETWEEN 0 AND capacity)
);
CREATE INDEX shifts_by_activity ON shifts (activity_id);
CREATE INDEX shifts_by_start ON shifts (community_id, starts_at);

CREATE TABLE signups (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    shift_id BIGINT NOT NULL REFERENCES shifts (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    period TSTZRANGE NOT NULL,
    state VARCHAR(16) NOT NULL,
    queue_number INT,
    checked_in_at TIMESTAMPTZ,
    checked_in_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    checked_out_at TIMESTAMPTZ,
    checked_out_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    reported_minutes INT,
    note VARCHAR(1000),
    CONSTRAINT signups_same_shift
        FOREIGN KEY (shift_id, community_id, period) REFERENCES shifts (id, community_id, period) ON DELETE RESTRICT,
    CONSTRAINT signups_in_community UNIQUE (id, shift_id, community_id, resident_id, period),
    CONSTRAINT signups_state CHECK (state IN ('confirmed', 'waitlisted', 'cancelled')),
    CONSTRAINT signups_queue CHECK (
        (state = 'waitlisted') = (queue_number IS NOT NULL) AND (queue_number IS NULL OR queue_number >= 1)
    ),
    CONSTRAINT signups_attendance CHECK (
        (checked_in_at IS NULL OR state = 'confirmed')
        AND (checked_in_at IS NULL) = (checked_in_by_id IS NULL)
    ),
    CONSTRAINT signups_departure CHECK (
        (checked_out_at IS NULL) = (checked_out_by_id IS NULL)
        AND (checked_out_at IS NULL OR (checked_in_at IS NOT NULL AND checked_out_at >= checked_in_at))
    ),
    CONSTRAINT signups_report CHECK (
        reported_minutes IS NULL OR (checked_out_at IS NOT NULL AND reported_minutes BETWEEN 1 AND 1440)
    ),
    -- One person is in one place at a time. An empty period (a task without a fixed time) overlaps nothing.
    CONSTRAINT signups_no_overlap
        EXCLUDE USING gist (int8range(resident_id, resident_id, '[]') WITH &&, period WITH &&)
        WHERE (state = 'confirmed')
);
CREATE UNIQUE INDEX signups_one_live ON signups (shift_id, resident_id) WHERE state <> 'cancelled';
CREATE UNIQUE INDEX signups_one_queue_number ON signups (shift_id, queue_number) WHERE state = 'waitlisted';
CREATE INDEX signups_by_shift ON signups (shift_id, id);
CREATE INDEX signups_by_resident ON signups (resident_id);

CREATE TABLE service_records (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    shift_id BIGINT NOT NULL REFERENCES shifts (id) ON DELETE RESTRICT,
    signup_id BIGINT NOT NULL REFERENCES signups (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    period TSTZRANGE NOT NULL,
    minutes INT NOT NULL,
    confirmed_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT service_records_of_the_signup
        FOREIGN KEY (signup_id, shift_id, community_id, resident_id, period)
        REFERENCES signups (id, shift_id, community_id, resident_id, period) ON DELETE RESTRICT,
    CONSTRAINT service_records_one_per_signup UNIQUE (signup_id),
    CONSTRAINT service_records_not_by_oneself CHECK (confirmed_by_id <> resident_id),
    -- From an hour before the start (when one may check in) until the end, and not beyond the present.
    CONSTRAINT service_records_minutes CHECK (
        minutes >= 1 AND CASE WHEN isempty(period) THEN minutes <= 1440 ELSE
            minutes * interval '1 minute' <= least(created_at, upper(period)) - lower(period) + interval '60 minutes'
        END
    )
);
CREATE INDEX service_records_by_resident ON service_records (resident_id, id);
CREATE INDEX service_records_by_shift ON service_records (shift_id);
"""

TRIGGERS = """
CREATE TRIGGER service_records_append_only BEFORE UPDATE OR DELETE ON service_records
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER service_records_not_emptied BEFORE TRUNCATE ON service_records EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("DROP TABLE service_records, signups, shifts, activities;")
