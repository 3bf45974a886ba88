"""Wishes with dignity: attestation, disclosure, disputes, teams."""

from app.core.migrations import run_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("SELECT 1;")


def downgrade() -> None:
    run_script("SELECT 1;")
