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

-- Nobody logs in as, writes as or serves as somebody who has left. Whoever leaves holds his row FOR UPDATE.
-- The trigger names the column that says whose row it is.
CREATE FUNCTION refuse_who_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE gone TIMESTAMPTZ;
BEGIN
    SELECT left_at INTO gone FROM residents WHERE id = (to_jsonb(NEW) ->> TG_ARGV[0])::bigint FOR KEY SHARE;
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'this resident has left' USING ERRCODE = '23514',
            CONSTRAINT = TG_TABLE_NAME || '_not_of_who_left', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
"""

# Whose row it is, by table. Of what others enter about him, or bring along, only his own hand is refused.
OWN_ROWS = {
    "resident_id": "comment_supports consents household_claims idempotency_keys memberships need_ratings "
    "notice_preferences petition_signatures representative_votes role_grants satisfactions sessions signups "
    "team_members wish_claims",
    "author_id": "activities campaigns comments deliberation_reviews deliberations disclosure_answers "
    "disclosure_questions meetings need_answers needs objections option_proposals petitions reasons wishes",
    "assistant_id": "assistances",
    "founder_id": "teams",
    "giver_id": "pledges",
    "guardian_id": "guardianships",
    "made_by_id": "invitations",
    "new_id": "phone_moves",
    "newcomer_id": "resident_links",
    "proposed_by_id": "representative_changes",
    "reporter_id": "reports",
    "uploader_id": "media",
}
ONLY_WHEN = {
    ("attendances", "resident_id"): "NEW.entered_by_id = NEW.resident_id",
    ("ballots", "resident_id"): "NEW.entered_by_id IS NULL",
    ("endorsements", "resident_id"): "NEW.brought_from_id IS NULL",
    # Whatever changes something else is told. A picture is settled by a job, whoever decided on it meanwhile left.
    ("events", "actor_id"): "NEW.actor_id IS NOT NULL AND NEW.subject_kind <> 'media'",
}
GUARDED = {(table, column): "true" for column, tables in OWN_ROWS.items() for table in tables.split()} | ONLY_WHEN
GUARDS = "".join(
    f"CREATE TRIGGER {table}_not_of_who_left BEFORE INSERT ON {table} FOR EACH ROW WHEN ({when}) "
    f"EXECUTE FUNCTION refuse_who_left('{column}');\n"
    for (table, column), when in GUARDED.items()
)

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
    run_script(CONSENTS + LEAVING + GUARDS + ERASING)


def downgrade() -> None:
    run_script("""
    DROP INDEX notices_about_texts;
    DROP TRIGGER reasons_words_stay ON reasons;
    CREATE TRIGGER reasons_words_stay BEFORE UPDATE ON reasons FOR EACH ROW
        WHEN (to_jsonb(OLD) - 'moderation' IS DISTINCT FROM to_jsonb(NEW) - 'moderation')
        EXECUTE FUNCTION refuse_change();
    DROP FUNCTION refuse_who_left CASCADE;
    ALTER TABLE household_claims DROP CONSTRAINT household_claims_say_when_born, ALTER COLUMN birth_year SET NOT NULL;
    ALTER TABLE residents DROP CONSTRAINT residents_who_left_are_nobody, DROP COLUMN left_at;
    DROP INDEX consents_one_live;
    CREATE UNIQUE INDEX consents_one_live ON consents (resident_id, purpose) WHERE withdrawn_at IS NULL;
    ALTER TABLE consents DROP CONSTRAINT consents_recipient, DROP COLUMN recipient, DROP CONSTRAINT consents_purpose,
        ADD CONSTRAINT consents_purpose CHECK (purpose IN ('publishing'));
    """)
