"""A receipt pays once; nobody is asked for money before a human has looked."""

from app.core.migrations import run_script

revision = "0028"
down_revision = "0026"
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

RECEIPTS = """
-- A picture, whoever uploaded it, is the receipt of one live expense and the evidence of one live slip. It is locked,
-- so that of two at once the second sees the first.
CREATE FUNCTION refuse_used_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_picture BIGINT;
BEGIN
    SELECT p.id INTO of_picture FROM pictures p JOIN media m ON m.picture_id = p.id WHERE m.id = NEW.media_id
        FOR NO KEY UPDATE OF p;
    IF EXISTS (
        SELECT 1 FROM media m JOIN attachments a ON a.media_id = m.id
        LEFT JOIN expenses e ON NEW.subject_kind = 'expense' AND e.id = a.subject_id
            AND e.state NOT IN ('rejected', 'withdrawn')
        LEFT JOIN slips s ON NEW.subject_kind = 'slip' AND s.id = a.subject_id
            AND s.state NOT IN ('declined', 'corrected')
        WHERE m.picture_id = of_picture AND a.subject_kind = NEW.subject_kind AND a.subject_id <> NEW.subject_id
            AND (e.id IS NOT NULL OR s.id IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'picture % was used before', of_picture USING ERRCODE = '23514',
            CONSTRAINT = 'attachments_receipt_once', TABLE = 'attachments';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attachments_receipt_once BEFORE INSERT ON attachments FOR EACH ROW
    WHEN (NEW.subject_kind IN ('expense', 'slip')) EXECUTE FUNCTION refuse_used_receipt();
"""


def upgrade() -> None:
    run_script(CHECKED + RECEIPTS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER attachments_receipt_once ON attachments;
    DROP TRIGGER pledges_checked ON pledges;
    DROP TRIGGER campaigns_checked ON campaigns;
    DROP FUNCTION refuse_used_receipt, refuse_unchecked_giving, refuse_unchecked;
    """)
