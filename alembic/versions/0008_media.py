"""Pictures: what was uploaded, what is kept of it, and where it is shown."""

from app.core.migrations import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE pictures (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    sha256 BYTEA NOT NULL,
    width INT NOT NULL,
    height INT NOT NULL,
    touched_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    going BOOLEAN NOT NULL DEFAULT false,
    CONSTRAINT pictures_sha256_key UNIQUE (sha256),
    CONSTRAINT pictures_sha256_is_a_hash CHECK (length(sha256) = 32),
    CONSTRAINT pictures_size CHECK (width BETWEEN 1 AND 2048 AND height BETWEEN 1 AND 2048)
);
CREATE INDEX pictures_by_touch ON pictures (touched_at);

CREATE TABLE media (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    uploader_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    picture_id BIGINT NOT NULL REFERENCES pictures (id) ON DELETE RESTRICT,
    purpose VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    trace_id VARCHAR(64),
    check_sent_at TIMESTAMPTZ,
    check_tries SMALLINT NOT NULL DEFAULT 0,
    next_check_at TIMESTAMPTZ,
    CONSTRAINT media_once_each UNIQUE (uploader_id, purpose, picture_id),
    CONSTRAINT media_trace_id_key UNIQUE (trace_id),
    CONSTRAINT media_purpose CHECK (purpose IN ('photo', 'evidence', 'avatar')),
    CONSTRAINT media_moderation CHECK (moderation IN ('checking', 'passed', 'queued', 'hidden')),
    CONSTRAINT media_check_tries CHECK (check_tries >= 0)
);
CREATE INDEX media_by_picture ON media (picture_id);
CREATE INDEX media_by_age ON media (created_at);
CREATE INDEX media_to_check ON media (next_check_at) WHERE moderation = 'checking';

CREATE TABLE attachments (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    media_id BIGINT NOT NULL REFERENCES media (id) ON DELETE RESTRICT,
    subject_kind VARCHAR(30) NOT NULL,
    subject_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    CONSTRAINT attachments_once UNIQUE (subject_kind, subject_id, media_id),
    CONSTRAINT attachments_one_per_position UNIQUE (subject_kind, subject_id, position),
    CONSTRAINT attachments_position CHECK (position BETWEEN 1 AND 9)
);
CREATE INDEX attachments_by_media ON attachments (media_id);

-- consent records are evidence that stays
ALTER TABLE assistances ADD CONSTRAINT assistances_media_id_fkey
    FOREIGN KEY (media_id) REFERENCES media (id) ON DELETE RESTRICT;
CREATE INDEX assistances_by_media ON assistances (media_id) WHERE media_id IS NOT NULL;

-- the picture others see, and the one that waits for its check
ALTER TABLE residents DROP COLUMN avatar_url,
    ADD COLUMN avatar_id BIGINT REFERENCES media (id) ON DELETE RESTRICT,
    ADD COLUMN wanted_avatar_id BIGINT REFERENCES media (id) ON DELETE RESTRICT;
CREATE INDEX residents_by_avatar ON residents (avatar_id) WHERE avatar_id IS NOT NULL;
CREATE INDEX residents_by_wanted_avatar ON residents (wanted_avatar_id) WHERE wanted_avatar_id IS NOT NULL;
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    run_script("""
    ALTER TABLE residents DROP COLUMN avatar_id, DROP COLUMN wanted_avatar_id, ADD COLUMN avatar_url VARCHAR(500);
    ALTER TABLE assistances DROP CONSTRAINT assistances_media_id_fkey;
    DROP INDEX assistances_by_media;
    DROP TABLE attachments, media, pictures;
    """)
