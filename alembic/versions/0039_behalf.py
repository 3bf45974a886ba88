"""A link may be asked for by a telephone number that matches, before the committee asks; old notices name nobody."""

from app.core.migrations import run_script

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("""
    ALTER TABLE resident_links
        ALTER COLUMN asked_by_id DROP NOT NULL,
        ADD CONSTRAINT resident_links_asked CHECK (asked_by_id IS NOT NULL OR state <> 'confirmed');
    CREATE INDEX resident_links_by_community ON resident_links (community_id, id);
    UPDATE notices SET params = params - 'name' || '{"name_id": 0}' WHERE params ? 'name';
    """)


def downgrade() -> None:
    run_script("""
    UPDATE notices n SET params = params - 'name_id' || jsonb_build_object('name', coalesce(
        (SELECT r.nickname FROM residents r WHERE r.id = (n.params->>'name_id')::bigint), '一位邻居'))
        WHERE params ? 'name_id';
    DELETE FROM resident_links WHERE asked_by_id IS NULL;
    DROP INDEX resident_links_by_community;
    ALTER TABLE resident_links DROP CONSTRAINT resident_links_asked, ALTER COLUMN asked_by_id SET NOT NULL;
    """)
