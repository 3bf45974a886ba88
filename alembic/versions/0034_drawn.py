"""Codes for places, to hang up in buildings."""

from app.core.migrations import run_script

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KINDS = """
ALTER TABLE codes DROP CONSTRAINT codes_kind, ADD CONSTRAINT codes_kind CHECK (
    kind IN ('need', 'wish', 'deliberation', 'activity', 'campaign', 'place'));
"""


def upgrade() -> None:
    run_script(KINDS)


def downgrade() -> None:
    run_script("""
        DELETE FROM codes WHERE kind = 'place';
        ALTER TABLE codes DROP CONSTRAINT codes_kind, ADD CONSTRAINT codes_kind CHECK (
            kind IN ('need', 'wish', 'deliberation', 'activity', 'campaign'));
    """)
