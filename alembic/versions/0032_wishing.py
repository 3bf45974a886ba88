"""Wishes attested, contacts disclosed by stages, disputes, claims by teams."""

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
