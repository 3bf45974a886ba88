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
STRUCK = "'（作者已注销，内容已删除）'"
PETITIONS_BEFORE = """
CREATE OR REPLACE FUNCTION guard_petition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'INSERT' AND NEW.state <> 'open') OR (TG_OP = 'UPDATE' AND NEW.state <> OLD.state
        AND (OLD.state, NEW.state) NOT IN (('open', 'reached'), ('open', 'lapsed'), ('open', 'withdrawn'),
            ('reached', 'answered'))) THEN
        RAISE EXCEPTION 'no such step' USING ERRCODE = '23514', CONSTRAINT = 'petitions_road', TABLE = 'petitions';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.community_id, OLD.author_id, OLD.roll, OLD.title, OLD.body, OLD.roll_size, OLD.needed,
            OLD.open_until)
        IS DISTINCT FROM (NEW.community_id, NEW.author_id, NEW.roll, NEW.title, NEW.body, NEW.roll_size, NEW.needed,
            NEW.open_until) THEN
        RAISE EXCEPTION 'what was signed stays' USING ERRCODE = '23514',
            CONSTRAINT = 'petitions_frozen', TABLE = 'petitions';
    END IF;
    RETURN NEW;
END $$;
"""
PETITIONS = PETITIONS_BEFORE.replace(
    "NEW.roll, NEW.title, NEW.body,",
    f"NEW.roll, nullif(NEW.title, {STRUCK}), nullif(NEW.body, {STRUCK}),",
).replace(
    "OLD.roll, OLD.title, OLD.body,",
    f"OLD.roll, CASE WHEN NEW.title <> {STRUCK} THEN OLD.title END, CASE WHEN NEW.body <> {STRUCK} THEN OLD.body END,",
)
OBJECTIONS_BEFORE = """
CREATE OR REPLACE FUNCTION guard_objection() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE vote record;
BEGIN
    IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - 'moderation') = (to_jsonb(NEW) - 'moderation') THEN
        RETURN NEW;
    END IF;
    SELECT state, voting_until INTO vote FROM deliberations WHERE id = NEW.deliberation_id FOR SHARE;
    IF TG_OP = 'UPDATE' AND (OLD.state <> 'open' OR NEW.state IN ('open', 'invalidated')
        OR (to_jsonb(OLD) - 'moderation' - 'state' - 'decided_by_id' - 'answer')
            <> (to_jsonb(NEW) - 'moderation' - 'state' - 'decided_by_id' - 'answer')) THEN
        RAISE EXCEPTION 'an objection stays' USING ERRCODE = '23514',
            CONSTRAINT = 'objections_stay', TABLE = 'objections';
    END IF;
    IF (CASE WHEN NEW.state = 'invalidated' THEN vote.state <> 'voting' OR vote.voting_until <= clock_now()
            ELSE vote.state NOT IN ('proposed', 'discussion') END)
        OR (TG_OP = 'INSERT' AND NEW.state NOT IN ('open', 'invalidated')) THEN
        RAISE EXCEPTION 'not at this time' USING ERRCODE = '23514',
            CONSTRAINT = 'objections_in_time', TABLE = 'objections';
    END IF;
    RETURN NEW;
END $$;
"""
OBJECTIONS = OBJECTIONS_BEFORE.replace(
    "IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - 'moderation') = (to_jsonb(NEW) - 'moderation') THEN",
    f"IF TG_OP = 'UPDATE' AND NEW.reason IN (OLD.reason, {STRUCK})\n"
    "        AND (to_jsonb(OLD) - 'moderation' - 'reason') = (to_jsonb(NEW) - 'moderation' - 'reason') THEN",
)
ERASING = f"""
DROP TRIGGER reasons_words_stay ON reasons;
CREATE TRIGGER reasons_words_stay BEFORE UPDATE ON reasons FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'moderation' - 'text' IS DISTINCT FROM to_jsonb(NEW) - 'moderation' - 'text'
        OR (OLD.text <> NEW.text AND NEW.text <> {STRUCK}))
    EXECUTE FUNCTION refuse_change();
DROP TRIGGER reports_append_only ON reports;
CREATE TRIGGER reports_append_only BEFORE DELETE ON reports FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reports_words_stay BEFORE UPDATE ON reports FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'reason' IS DISTINCT FROM to_jsonb(NEW) - 'reason'
        OR (OLD.reason <> NEW.reason AND NEW.reason <> {STRUCK}))
    EXECUTE FUNCTION refuse_change();
CREATE INDEX notices_about_texts ON notices (subject_kind, subject_id)
    WHERE subject_kind IN ('wish', 'need', 'petition');
"""


def upgrade() -> None:
    run_script(CONSENTS + LEAVING + GUARDS + ERASING + PETITIONS + OBJECTIONS)


def downgrade() -> None:
    run_script(PETITIONS_BEFORE + OBJECTIONS_BEFORE)
    run_script("""
    DROP INDEX notices_about_texts;
    DROP TRIGGER reports_words_stay ON reports;
    DROP TRIGGER reports_append_only ON reports;
    CREATE TRIGGER reports_append_only BEFORE UPDATE OR DELETE ON reports
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
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
