"""Consents by purpose, leaving, and keys that change."""

from app.core.migrations import run_script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

CONSENTS = """
ALTER TABLE consents
    ADD COLUMN recipient VARCHAR(60),
    DROP CONSTRAINT consents_purpose,
    ADD CONSTRAINT consents_purpose CHECK (purpose IN ('service', 'publishing', 'sharing', 'sensitive')),
    ADD CONSTRAINT consents_recipient CHECK ((recipient IS NOT NULL) = (purpose = 'sharing'));
DROP INDEX consents_one_live;
CREATE UNIQUE INDEX consents_one_live ON consents (resident_id, purpose, recipient) NULLS NOT DISTINCT
    WHERE withdrawn_at IS NULL;
"""

LEAVING = """
ALTER TABLE residents
    ADD COLUMN left_at TIMESTAMPTZ,
    ADD CONSTRAINT residents_who_left_are_nobody CHECK (left_at IS NULL OR (
        openid IS NULL AND unionid IS NULL AND name_sealed IS NULL AND phone_sealed IS NULL AND birth_year IS NULL
        AND avatar_id IS NULL AND wanted_avatar_id IS NULL AND nickname_wanted IS NULL));
ALTER TABLE household_claims ALTER COLUMN birth_year DROP NOT NULL,
    ADD CONSTRAINT household_claims_say_when_born CHECK (birth_year IS NOT NULL OR state <> 'pending');

-- Nobody logs in as, moves in as or serves as somebody who has left. Whoever leaves holds his row FOR UPDATE.
CREATE FUNCTION refuse_who_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE gone TIMESTAMPTZ;
BEGIN
    SELECT left_at INTO gone FROM residents WHERE id = NEW.resident_id FOR KEY SHARE;
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'this resident has left' USING ERRCODE = '23514',
            CONSTRAINT = TG_TABLE_NAME || '_not_of_who_left', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_not_of_who_left BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse_who_left();
CREATE TRIGGER memberships_not_of_who_left BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION refuse_who_left();
CREATE TRIGGER role_grants_not_of_who_left BEFORE INSERT ON role_grants FOR EACH ROW EXECUTE FUNCTION refuse_who_left();
CREATE TRIGGER wish_claims_not_of_who_left BEFORE INSERT ON wish_claims FOR EACH ROW EXECUTE FUNCTION refuse_who_left();
CREATE TRIGGER signups_not_of_who_left BEFORE INSERT ON signups FOR EACH ROW EXECUTE FUNCTION refuse_who_left();
"""

# What somebody wrote who has left may be struck out, and nothing else be written in its place.
ERASING = """
DROP TRIGGER reasons_words_stay ON reasons;
CREATE TRIGGER reasons_words_stay BEFORE UPDATE ON reasons FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'moderation' - 'text' IS DISTINCT FROM to_jsonb(NEW) - 'moderation' - 'text'
        OR (OLD.text <> NEW.text AND NEW.text <> '（作者已注销，内容已删除）'))
    EXECUTE FUNCTION refuse_change();
CREATE INDEX notices_about_texts ON notices (subject_kind, subject_id) WHERE subject_kind IN ('wish', 'need');
"""


def upgrade() -> None:
    run_script(CONSENTS + LEAVING + ERASING)


def downgrade() -> None:
    run_script("""
    DROP INDEX notices_about_texts;
    DROP TRIGGER reasons_words_stay ON reasons;
    CREATE TRIGGER reasons_words_stay BEFORE UPDATE ON reasons FOR EACH ROW
        WHEN (to_jsonb(OLD) - 'moderation' IS DISTINCT FROM to_jsonb(NEW) - 'moderation')
        EXECUTE FUNCTION refuse_change();
    DROP TRIGGER sessions_not_of_who_left ON sessions;
    DROP TRIGGER memberships_not_of_who_left ON memberships;
    DROP TRIGGER role_grants_not_of_who_left ON role_grants;
    DROP TRIGGER wish_claims_not_of_who_left ON wish_claims;
    DROP TRIGGER signups_not_of_who_left ON signups;
    DROP FUNCTION refuse_who_left;
    ALTER TABLE household_claims DROP CONSTRAINT household_claims_say_when_born, ALTER COLUMN birth_year SET NOT NULL;
    ALTER TABLE residents DROP CONSTRAINT residents_who_left_are_nobody, DROP COLUMN left_at;
    DROP INDEX consents_one_live;
    CREATE UNIQUE INDEX consents_one_live ON consents (resident_id, purpose) WHERE withdrawn_at IS NULL;
    ALTER TABLE consents DROP CONSTRAINT consents_recipient, DROP COLUMN recipient, DROP CONSTRAINT consents_purpose,
        ADD CONSTRAINT consents_purpose CHECK (purpose IN ('publishing'));
    """)
