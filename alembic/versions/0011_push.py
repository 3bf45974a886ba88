"""What WeChat pushes to us, kept before it is answered."""

from app.core.migrations import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE pushes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    event VARCHAR(40) NOT NULL,
    openid VARCHAR(64) NOT NULL,
    facts JSONB NOT NULL,
    digest BYTEA NOT NULL,
    signed BYTEA NOT NULL,
    tries SMALLINT NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ DEFAULT clock_now(),
    CONSTRAINT pushes_once UNIQUE (digest),
    CONSTRAINT pushes_signature_once UNIQUE (signed)
);
CREATE INDEX pushes_due ON pushes (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX pushes_by_age ON pushes (created_at);
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    run_script("DROP TABLE pushes;")
