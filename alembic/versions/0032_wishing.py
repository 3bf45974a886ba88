"""Wishes attested, contacts disclosed by stages, disputes heard and resolved, claims by units and for others."""

from app.core.migrations import run_script

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

UNITS = """
CREATE TABLE units (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(60) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    contact_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    confirmed_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT units_in_community UNIQUE (id, community_id, contact_id),
    CONSTRAINT units_kind CHECK (kind IN ('organisation', 'party_branch', 'firm', 'volunteer_team')),
    CONSTRAINT units_state CHECK (state IN ('pending', 'confirmed', 'ended')),
    CONSTRAINT units_confirmed_first CHECK (state <> 'confirmed' OR confirmed_by_id IS NOT NULL),
    CONSTRAINT units_confirmed_by_another CHECK (confirmed_by_id <> contact_id)
);
CREATE UNIQUE INDEX units_one_name ON units (community_id, name) WHERE state = 'confirmed';
CREATE UNIQUE INDEX units_one_pending ON units (contact_id) WHERE state = 'pending';
CREATE INDEX units_by_community ON units (community_id, id);
CREATE INDEX units_by_contact ON units (contact_id);
"""

WISHES = """
ALTER TABLE wishes
    ADD COLUMN attested_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    ADD COLUMN attested_at TIMESTAMPTZ,
    ADD COLUMN attested_ground VARCHAR(1000),
    ADD COLUMN photo_of_person BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN photo_consent BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN thanks_public BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN disputed_at TIMESTAMPTZ,
    ADD COLUMN outcome VARCHAR(16);
-- Whoever approved a wish posted for somebody has vouched for it.
UPDATE wishes w SET attested_by_id = approved_by_id, attested_at = coalesce(
    (SELECT max(e.created_at) FROM events e
        WHERE e.verb = 'wish.approved' AND e.subject_kind = 'wish' AND e.subject_id = w.id), w.created_at)
WHERE assistant_id IS NOT NULL AND approved_by_id IS NOT NULL;
UPDATE wishes w SET disputed_at = coalesce(
    (SELECT max(e.created_at) FROM events e
        WHERE e.verb = 'wish.disputed' AND e.subject_kind = 'wish' AND e.subject_id = w.id), w.created_at)
WHERE state = 'disputed';
ALTER TABLE wishes
    ADD CONSTRAINT wishes_id_in_community UNIQUE (id, community_id),
    ADD CONSTRAINT wishes_attested_first CHECK (
        assistant_id IS NULL OR state IN ('in_review', 'withdrawn') OR attested_by_id IS NOT NULL),
    ADD CONSTRAINT wishes_attested_by_another CHECK (attested_by_id NOT IN (author_id, assistant_id)),
    ADD CONSTRAINT wishes_attested_when_helped CHECK (attested_by_id IS NULL OR assistant_id IS NOT NULL),
    ADD CONSTRAINT wishes_attested_at CHECK ((attested_at IS NULL) = (attested_by_id IS NULL)),
    ADD CONSTRAINT wishes_ground CHECK (attested_ground IS NULL OR attested_by_id IS NOT NULL),
    ADD CONSTRAINT wishes_photo_consent CHECK (photo_of_person OR NOT photo_consent),
    ADD CONSTRAINT wishes_thanks_public CHECK (thanks IS NOT NULL OR NOT thanks_public),
    ADD CONSTRAINT wishes_disputed_at CHECK (disputed_at IS NOT NULL OR state <> 'disputed'),
    ADD CONSTRAINT wishes_outcome CHECK (outcome IN ('upheld', 'dismissed')),
    ADD CONSTRAINT wishes_outcome_when_closed CHECK (outcome IS NULL OR state = 'closed');
CREATE INDEX wishes_by_author ON wishes (author_id, id);
CREATE INDEX wishes_by_assistant ON wishes (assistant_id, id) WHERE assistant_id IS NOT NULL;
CREATE INDEX wishes_by_day ON wishes (community_id, needed_by, id) WHERE needed_by IS NOT NULL;
"""

# A unit claims through its contact person, with three hands of its own beside his.
CLAIMS = """
ALTER TABLE wish_claims
    ADD COLUMN assistant_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    ADD COLUMN unit_id BIGINT REFERENCES units (id) ON DELETE RESTRICT,
    ADD COLUMN extension_days SMALLINT,
    ADD COLUMN extended_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    ADD COLUMN upheld_at TIMESTAMPTZ,
    ADD COLUMN contact_shared BOOLEAN NOT NULL DEFAULT false,
    ADD CONSTRAINT wish_claims_in_community UNIQUE (id, wish_id, community_id),
    ADD CONSTRAINT wish_claims_of_the_units_contact FOREIGN KEY (unit_id, community_id, resident_id)
        REFERENCES units (id, community_id, contact_id) ON DELETE RESTRICT,
    ADD CONSTRAINT wish_claims_help_comes_from_another CHECK (assistant_id NOT IN (resident_id, wisher_id)),
    ADD CONSTRAINT wish_claims_extension CHECK (extension_days BETWEEN 1 AND 7),
    ADD CONSTRAINT wish_claims_extended_when_asked CHECK (extended_by_id IS NULL OR extension_days IS NOT NULL),
    ADD CONSTRAINT wish_claims_extended_by_another CHECK (extended_by_id NOT IN (resident_id, assistant_id)),
    ADD CONSTRAINT wish_claims_upheld CHECK (upheld_at IS NULL OR state = 'fulfilled');
DROP INDEX wish_claims_one_per_hand;
CREATE UNIQUE INDEX wish_claims_one_per_hand ON wish_claims (resident_id, unit_id, hand) NULLS NOT DISTINCT
    WHERE state = 'held';
CREATE INDEX wish_claims_by_assistant ON wish_claims (assistant_id) WHERE assistant_id IS NOT NULL;
CREATE INDEX wish_claims_by_unit ON wish_claims (unit_id) WHERE unit_id IS NOT NULL;
CREATE INDEX wish_claims_abandoned ON wish_claims (resident_id) WHERE ran_out OR upheld_at IS NOT NULL;
"""

CONTACTS = """
CREATE TABLE wish_contacts (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    wish_id BIGINT NOT NULL REFERENCES wishes (id) ON DELETE RESTRICT,
    consent VARCHAR(8) NOT NULL,
    phone BOOLEAN NOT NULL,
    address BOOLEAN NOT NULL,
    words_sealed BYTEA,
    withdrawn_at TIMESTAMPTZ,
    CONSTRAINT wish_contacts_same_community
        FOREIGN KEY (wish_id, community_id) REFERENCES wishes (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT wish_contacts_one_per_wish UNIQUE (wish_id),
    CONSTRAINT wish_contacts_consent CHECK (consent IN ('on_claim', 'ask')),
    CONSTRAINT wish_contacts_words_gone CHECK (withdrawn_at IS NULL OR words_sealed IS NULL)
);

CREATE TABLE wish_disclosures (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    wish_id BIGINT NOT NULL REFERENCES wishes (id) ON DELETE RESTRICT,
    claim_id BIGINT NOT NULL REFERENCES wish_claims (id) ON DELETE RESTRICT,
    reader_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    told JSONB NOT NULL,
    CONSTRAINT wish_disclosures_of_one_claim FOREIGN KEY (claim_id, wish_id, community_id)
        REFERENCES wish_claims (id, wish_id, community_id) ON DELETE RESTRICT
);
CREATE INDEX wish_disclosures_by_wish ON wish_disclosures (wish_id, id);
CREATE TRIGGER wish_disclosures_append_only BEFORE UPDATE OR DELETE ON wish_disclosures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER wish_disclosures_not_emptied BEFORE TRUNCATE ON wish_disclosures EXECUTE FUNCTION refuse_change();

-- Only to who holds a claim, or holds it for another, and only while he does and the wisher consents.
CREATE FUNCTION guard_disclosure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM wish_claims c JOIN wish_contacts k ON k.wish_id = c.wish_id
    WHERE c.id = NEW.claim_id AND NEW.reader_id IN (c.resident_id, c.assistant_id)
        AND c.state = 'held' AND c.due_at > clock_now()
        AND k.withdrawn_at IS NULL AND (k.consent = 'on_claim' OR c.contact_shared)
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no claim, or no consent' USING ERRCODE = '23514',
            CONSTRAINT = 'wish_disclosures_while_held', TABLE = 'wish_disclosures';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wish_disclosures_guard BEFORE INSERT ON wish_disclosures
    FOR EACH ROW EXECUTE FUNCTION guard_disclosure();

CREATE TABLE wish_statements (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    wish_id BIGINT NOT NULL REFERENCES wishes (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    side VARCHAR(16) NOT NULL,
    body TEXT NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT wish_statements_same_community
        FOREIGN KEY (wish_id, community_id) REFERENCES wishes (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT wish_statements_side CHECK (side IN ('wisher', 'claimer', 'committee')),
    CONSTRAINT wish_statements_body CHECK (length(body) BETWEEN 1 AND 5000)
);
CREATE INDEX wish_statements_by_wish ON wish_statements (wish_id, id);
"""


def upgrade() -> None:
    run_script(UNITS + WISHES + CLAIMS + CONTACTS)


def downgrade() -> None:
    run_script("""
    DROP TABLE wish_statements, wish_disclosures, wish_contacts;
    DROP FUNCTION guard_disclosure;
    DROP INDEX wish_claims_one_per_hand;
    ALTER TABLE wish_claims DROP COLUMN assistant_id, DROP COLUMN unit_id, DROP COLUMN extension_days,
        DROP COLUMN extended_by_id, DROP COLUMN upheld_at, DROP COLUMN contact_shared,
        DROP CONSTRAINT wish_claims_in_community;
    CREATE UNIQUE INDEX wish_claims_one_per_hand ON wish_claims (resident_id, hand) WHERE state = 'held';
    ALTER TABLE wishes DROP COLUMN attested_by_id, DROP COLUMN attested_at, DROP COLUMN attested_ground,
        DROP COLUMN photo_of_person, DROP COLUMN photo_consent, DROP COLUMN thanks_public, DROP COLUMN disputed_at,
        DROP COLUMN outcome, DROP CONSTRAINT wishes_id_in_community;
    DROP INDEX wishes_by_author, wishes_by_day;
    DROP TABLE units;
    """)
