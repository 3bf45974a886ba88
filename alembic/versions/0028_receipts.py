"""A receipt pays once; nobody is asked for money before a human has looked."""

from app.core.migrations import run_script

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


CHECKED = """
CREATE FUNCTION refuse_unchecked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'campaign % was not checked', NEW.id USING ERRCODE = '23514',
        CONSTRAINT = 'campaigns_checked', TABLE = 'campaigns';
END $$;
CREATE TRIGGER campaigns_checked BEFORE UPDATE ON campaigns FOR EACH ROW
    WHEN (OLD.state = 'in_review' AND NEW.state IN ('published', 'open') AND NEW.moderation <> 'passed')
    EXECUTE FUNCTION refuse_unchecked();

CREATE FUNCTION refuse_unchecked_giving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM campaigns WHERE id = NEW.campaign_id AND moderation <> 'passed') THEN
        RAISE EXCEPTION 'campaign % was not checked', NEW.campaign_id USING ERRCODE = '23514',
            CONSTRAINT = 'pledges_checked', TABLE = 'pledges';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pledges_checked BEFORE INSERT ON pledges FOR EACH ROW EXECUTE FUNCTION refuse_unchecked_giving();
"""

def upgrade() -> None:
    run_script(CHECKED)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER pledges_checked ON pledges;
    DROP TRIGGER campaigns_checked ON campaigns;
    DROP FUNCTION refuse_unchecked_giving, refuse_unchecked;
    """)
