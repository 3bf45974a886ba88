"""What is reserved for a change of use stays reserved."""

from app.core.migrations import run_script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


PAYEES = """
ALTER TABLE expenses ADD COLUMN payee_kind VARCHAR(8) NOT NULL DEFAULT 'person',
    ADD CONSTRAINT expenses_payee_kind
        CHECK (payee_kind = 'person' OR payee_kind = 'unit' AND payee_resident_id IS NULL);
UPDATE expenses SET payee_kind = 'unit' WHERE payee_resident_id IS NULL AND payee
    ~ '(店|铺|行|社|厂|部|所|站|处|会|院|队|坊|公司|中心|超市|商场|市场|工作室|集团|学校|物业)$';
SET CONSTRAINTS ALL IMMEDIATE;
CREATE TRIGGER expenses_payee_kind_stays BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN (OLD.payee_kind <> NEW.payee_kind) EXECUTE FUNCTION keep_terms();
"""


def upgrade() -> None:
    run_script(PAYEES)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER expenses_payee_kind_stays ON expenses;
    ALTER TABLE expenses DROP COLUMN payee_kind;
    """)
