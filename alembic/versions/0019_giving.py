"""Legal paths, incomes from outside, shifts for time, teams that are led, consents, disclosures and questions."""

from app.core.migrations import run_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CAMPAIGNS = """
ALTER TABLE campaigns
    ADD COLUMN beneficiary_kind VARCHAR(16) NOT NULL DEFAULT 'community',
    ADD COLUMN beneficiary_cause VARCHAR(16),
    ADD COLUMN beneficiary_text VARCHAR(200),
    ADD COLUMN charity_name VARCHAR(100),
    ADD COLUMN charity_certificate VARCHAR(64),
    ADD COLUMN charity_filing VARCHAR(64),
    ADD COLUMN charity_url VARCHAR(500),
    ADD CONSTRAINT campaigns_beneficiary CHECK (
        beneficiary_kind IN ('community', 'group', 'person')
        AND (beneficiary_kind = 'person') = (beneficiary_cause IS NOT NULL)),
    ADD CONSTRAINT campaigns_no_personal_appeal CHECK (beneficiary_cause = 'other'),
    ADD CONSTRAINT campaigns_charity CHECK (
        num_nonnulls(charity_name, charity_certificate, charity_filing, charity_url)
        = CASE legal_path WHEN 'charity' THEN 4 ELSE 0 END),
    ADD CONSTRAINT campaigns_charity_url CHECK (charity_url LIKE 'https://_%');
CREATE TRIGGER campaigns_path_terms BEFORE UPDATE ON campaigns FOR EACH ROW
    WHEN ((OLD.beneficiary_kind, OLD.beneficiary_cause, OLD.beneficiary_text,
            OLD.charity_name, OLD.charity_certificate, OLD.charity_filing, OLD.charity_url)
        IS DISTINCT FROM (NEW.beneficiary_kind, NEW.beneficiary_cause, NEW.beneficiary_text,
            NEW.charity_name, NEW.charity_certificate, NEW.charity_filing, NEW.charity_url))
    EXECUTE FUNCTION keep_terms();

CREATE TABLE incomes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    amount_fen BIGINT NOT NULL,
    document_number VARCHAR(64) NOT NULL,
    entered_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    struck_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT incomes_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT incomes_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT incomes_struck_by_another CHECK (struck_by_id <> entered_by_id)
);
CREATE UNIQUE INDEX incomes_one_per_document ON incomes (campaign_id, document_number) WHERE struck_by_id IS NULL;
CREATE INDEX incomes_by_campaign ON incomes (campaign_id, id DESC);
CREATE TRIGGER incomes_terms BEFORE UPDATE ON incomes FOR EACH ROW
    WHEN (OLD.struck_by_id <> NEW.struck_by_id OR NEW.struck_by_id IS NULL AND OLD.struck_by_id IS NOT NULL
        OR to_jsonb(OLD) - ARRAY['moderation', 'struck_by_id']
            IS DISTINCT FROM to_jsonb(NEW) - ARRAY['moderation', 'struck_by_id'])
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER incomes_stay BEFORE DELETE ON incomes FOR EACH ROW EXECUTE FUNCTION keep_terms();

-- Within the community residents pay; elsewhere others take the money, and what they say of it is noted. Each argument
-- is a path on which such a row is not made.
CREATE FUNCTION keep_to_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM campaigns WHERE id = NEW.campaign_id AND legal_path = ANY (TG_ARGV)) THEN
        RAISE EXCEPTION 'this is not how the path of campaign % works', NEW.campaign_id USING ERRCODE = '23514',
            CONSTRAINT = TG_TABLE_NAME || '_on_path', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pledges_on_path BEFORE INSERT ON pledges FOR EACH ROW
    WHEN (NEW.kind IN ('money', 'adoption', 'sale')) EXECUTE FUNCTION keep_to_path('charity', 'government');
CREATE TRIGGER slips_on_path BEFORE INSERT ON slips FOR EACH ROW EXECUTE FUNCTION keep_to_path('charity');
CREATE TRIGGER incomes_on_path BEFORE INSERT ON incomes FOR EACH ROW EXECUTE FUNCTION keep_to_path('community');
"""

GIVING = """
ALTER TABLE shifts ADD CONSTRAINT shifts_id_in_community UNIQUE (id, community_id);
ALTER TABLE pledges
    ADD COLUMN shift_id BIGINT REFERENCES shifts (id) ON DELETE RESTRICT,
    ADD COLUMN handed_over_at TIMESTAMPTZ,
    ADD COLUMN received_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT;
UPDATE pledges p SET received_by_id = e.actor_id FROM events e
    WHERE e.subject_kind = 'pledge' AND e.subject_id = p.id AND e.verb = 'pledge.received' AND p.state = 'received';
ALTER TABLE pledges
    ADD CONSTRAINT pledges_shift_of_community
        FOREIGN KEY (shift_id, community_id) REFERENCES shifts (id, community_id) ON DELETE RESTRICT,
    ADD CONSTRAINT pledges_shift_for_time CHECK (shift_id IS NULL OR kind = 'time'),
    ADD CONSTRAINT pledges_handed_over CHECK (handed_over_at IS NULL OR kind IN ('in_kind', 'time', 'skill')),
    ADD CONSTRAINT pledges_received_by_another CHECK (received_by_id <> giver_id),
    ADD CONSTRAINT pledges_received_by_somebody CHECK (state <> 'received' OR received_by_id IS NOT NULL);
CREATE UNIQUE INDEX pledges_one_per_shift ON pledges (giver_id, shift_id)
    WHERE shift_id IS NOT NULL AND state <> 'withdrawn';

ALTER TABLE team_members ADD CONSTRAINT team_members_in_team UNIQUE (team_id, resident_id);
ALTER TABLE teams ADD COLUMN leader_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT;
UPDATE teams t SET leader_id = coalesce(
    (SELECT m.resident_id FROM team_members m WHERE m.team_id = t.id AND m.resident_id = t.founder_id),
    (SELECT m.resident_id FROM team_members m WHERE m.team_id = t.id ORDER BY m.id LIMIT 1));
ALTER TABLE teams ADD CONSTRAINT teams_led_by_a_helper
    FOREIGN KEY (id, leader_id) REFERENCES team_members (team_id, resident_id) ON DELETE RESTRICT;

CREATE TABLE consents (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    purpose VARCHAR(16) NOT NULL,
    policy_version VARCHAR(20) NOT NULL,
    granted_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    withdrawn_at TIMESTAMPTZ,
    CONSTRAINT consents_purpose CHECK (purpose IN ('publishing')),
    CONSTRAINT consents_withdrawn_later CHECK (withdrawn_at >= granted_at)
);
CREATE UNIQUE INDEX consents_one_live ON consents (resident_id, purpose) WHERE withdrawn_at IS NULL;
CREATE TRIGGER consents_terms BEFORE UPDATE ON consents FOR EACH ROW
    WHEN (OLD.withdrawn_at IS NOT NULL
        OR to_jsonb(OLD) - 'withdrawn_at' IS DISTINCT FROM to_jsonb(NEW) - 'withdrawn_at')
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER consents_stay BEFORE DELETE ON consents FOR EACH ROW EXECUTE FUNCTION keep_terms();
"""

DISCLOSURES = """
CREATE TABLE disclosures (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    about BIGINT NOT NULL,
    title VARCHAR(100) NOT NULL,
    document TEXT NOT NULL,
    document_hash VARCHAR(64) NOT NULL,
    shown_from TIMESTAMPTZ NOT NULL,
    shown_until TIMESTAMPTZ NOT NULL,
    CONSTRAINT disclosures_in_community UNIQUE (id, community_id),
    CONSTRAINT disclosures_once UNIQUE (community_id, kind, about),
    CONSTRAINT disclosures_kind CHECK (kind IN ('statement', 'campaign', 'resolution')),
    CONSTRAINT disclosures_hash CHECK (document_hash = encode(sha256(convert_to(document, 'UTF8')), 'hex')),
    CONSTRAINT disclosures_fifteen_days CHECK (
        shown_from >= created_at - interval '1 minute' AND shown_until >= shown_from + interval '15 days')
);
CREATE INDEX disclosures_by_community ON disclosures (community_id, id DESC);
CREATE INDEX disclosures_on_display ON disclosures (shown_until);

CREATE TABLE displays (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    disclosure_id BIGINT NOT NULL REFERENCES disclosures (id) ON DELETE RESTRICT,
    day DATE NOT NULL,
    document_hash VARCHAR(64) NOT NULL,
    CONSTRAINT displays_once_a_day UNIQUE (disclosure_id, day),
    CONSTRAINT displays_same_community
        FOREIGN KEY (disclosure_id, community_id) REFERENCES disclosures (id, community_id) ON DELETE RESTRICT
);

CREATE TABLE disclosure_questions (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    disclosure_id BIGINT NOT NULL REFERENCES disclosures (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    body VARCHAR(1000) NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    reminded_at TIMESTAMPTZ,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT disclosure_questions_in_community UNIQUE (id, community_id),
    CONSTRAINT disclosure_questions_due_later CHECK (due_at > created_at),
    CONSTRAINT disclosure_questions_same_community
        FOREIGN KEY (disclosure_id, community_id) REFERENCES disclosures (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX disclosure_questions_by_disclosure ON disclosure_questions (disclosure_id, id DESC);
CREATE INDEX disclosure_questions_by_community ON disclosure_questions (community_id, id DESC);
CREATE INDEX disclosure_questions_due ON disclosure_questions (due_at) WHERE reminded_at IS NULL;

CREATE TABLE disclosure_answers (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    question_id BIGINT NOT NULL REFERENCES disclosure_questions (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    body VARCHAR(1000) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT disclosure_answers_same_community
        FOREIGN KEY (question_id, community_id) REFERENCES disclosure_questions (id, community_id) ON DELETE RESTRICT
);
-- An answer that was hidden answers nothing; another takes its place.
CREATE UNIQUE INDEX disclosure_answers_once ON disclosure_answers (question_id) WHERE moderation <> 'hidden';

CREATE TRIGGER disclosures_append_only BEFORE UPDATE OR DELETE ON disclosures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER disclosures_not_emptied BEFORE TRUNCATE ON disclosures EXECUTE FUNCTION refuse_change();
CREATE TRIGGER displays_append_only BEFORE UPDATE OR DELETE ON displays
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER displays_not_emptied BEFORE TRUNCATE ON displays EXECUTE FUNCTION refuse_change();
CREATE TRIGGER disclosure_questions_terms BEFORE UPDATE ON disclosure_questions FOR EACH ROW
    WHEN (to_jsonb(OLD) - ARRAY['moderation', 'reminded_at']
        IS DISTINCT FROM to_jsonb(NEW) - ARRAY['moderation', 'reminded_at'])
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER disclosure_questions_stay BEFORE DELETE ON disclosure_questions
    FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER disclosure_answers_terms BEFORE UPDATE ON disclosure_answers FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'moderation' IS DISTINCT FROM to_jsonb(NEW) - 'moderation') EXECUTE FUNCTION keep_terms();
CREATE TRIGGER disclosure_answers_stay BEFORE DELETE ON disclosure_answers
    FOR EACH ROW EXECUTE FUNCTION keep_terms();
"""


def upgrade() -> None:
    run_script(CAMPAIGNS + GIVING + DISCLOSURES)


def downgrade() -> None:
    run_script("""
    DROP TABLE disclosure_answers, disclosure_questions, displays, disclosures, consents;
    ALTER TABLE teams DROP COLUMN leader_id;
    ALTER TABLE team_members DROP CONSTRAINT team_members_in_team;
    ALTER TABLE pledges DROP COLUMN shift_id, DROP COLUMN handed_over_at, DROP COLUMN received_by_id;
    ALTER TABLE shifts DROP CONSTRAINT shifts_id_in_community;
    DROP TRIGGER pledges_on_path ON pledges;
    DROP TRIGGER slips_on_path ON slips;
    DROP TABLE incomes;
    DROP FUNCTION keep_to_path;
    DROP TRIGGER campaigns_path_terms ON campaigns;
    ALTER TABLE campaigns DROP COLUMN beneficiary_kind, DROP COLUMN beneficiary_cause, DROP COLUMN beneficiary_text,
        DROP COLUMN charity_name, DROP COLUMN charity_certificate, DROP COLUMN charity_filing, DROP COLUMN charity_url;
    """)
