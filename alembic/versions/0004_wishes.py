"""wishes."""

from app.core.migrations import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
SELECT 1;
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    run_script("SELECT 1;")
