"""fund."""

from app.core.migrations import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
SELECT 1;
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    run_script("SELECT 1;")
