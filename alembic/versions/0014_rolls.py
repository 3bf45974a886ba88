"""Rolls: representatives, owners, objections; assisted and paper ballots."""

from app.core.migrations import run_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("SELECT 1;")


def downgrade() -> None:
    run_script("SELECT 1;")
