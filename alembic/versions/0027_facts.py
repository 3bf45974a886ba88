"""What is decided rests on what was counted."""

from app.core.migrations import run_script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("SELECT 1;")


def downgrade() -> None:
    run_script("SELECT 1;")
