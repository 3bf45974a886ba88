"""Deliberations, options, the frozen roll, ballots, results and resolutions."""

from app.core.migrations import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE deliberations (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    form VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    ballot_kind VARCHAR(16) NOT NULL,
    secret BOOLEAN NOT NULL,
    max_choices SMALLINT,
    roll VARCHAR(16) NOT NULL,
    rule VARCHAR(32) NOT NULL,
    discussion_until TIMESTAMPTZ NOT NULL,
    voting_until TIMESTAMPTZ NOT NULL,
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    opened_at TIMESTAMPTZ,
    roll_size INT,
    roll_hash VARCHAR(64),
    closed_at TIMESTAMPTZ,
    CONSTRAINT deliberations_in_community UNIQUE (id, community_id),
    CONSTRAINT deliberations_dates CHECK (
        discussion_until < voting_until AND voting_until > created_at
        AND voting_until <= created_at + interval '90 days'
    ),
    CONSTRAINT deliberations_rule_fits_roll CHECK (
        rule = 'consultation'
        OR (rule = 'residents_meeting' AND roll IN ('residents', 'households'))
        OR (rule = 'representatives_meeting' AND roll = 'representatives')
        OR (rule IN ('owners_ordinary', 'owners_major') AND roll = 'owners')
    ),
    CONSTRAINT deliberations_max_choices CHECK ((max_choices IS NOT NULL) = (ballot_kind = 'approval')),
    CONSTRAINT deliberations_opened CHECK (
        num_nonnulls(opened_at, roll_size, roll_hash) = CASE
            WHEN state IN ('proposed', 'discussion') THEN 0
            WHEN state = 'withdrawn' THEN CASE WHEN opened_at IS NULL THEN 0 ELSE 3 END
            ELSE 3 END
    ),
    CONSTRAINT deliberations_closed CHECK (
        (closed_at IS NOT NULL) = (state IN ('decided', 'failed_quorum', 'implementing', 'reviewed'))
    )
);
CREATE INDEX deliberations_by_community ON deliberations (community_id, id DESC);
CREATE INDEX deliberations_by_state ON deliberations (community_id, state, id DESC);
CREATE INDEX deliberations_to_open ON deliberations (discussion_until) WHERE state = 'discussion';
CREATE INDEX deliberations_to_close ON deliberations (voting_until) WHERE state IN ('proposed', 'discussion', 'voting');

CREATE TABLE options (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    position SMALLINT NOT NULL,
    title VARCHAR(60) NOT NULL,
    CONSTRAINT options_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT options_in_order UNIQUE (deliberation_id, position),
    CONSTRAINT options_distinct UNIQUE (deliberation_id, title)
);

CREATE TABLE electors (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    number INT NOT NULL,
    resident_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    household_id BIGINT REFERENCES households (id) ON DELETE RESTRICT,
    CONSTRAINT electors_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT electors_household_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT electors_in_community UNIQUE (id, deliberation_id, community_id),
    CONSTRAINT electors_numbered UNIQUE (deliberation_id, number),
    CONSTRAINT electors_resident_once UNIQUE (deliberation_id, resident_id),
    CONSTRAINT electors_household_once UNIQUE (deliberation_id, household_id),
    CONSTRAINT electors_one_kind CHECK (num_nonnulls(resident_id, household_id) = 1),
    CONSTRAINT electors_number CHECK (number >= 1)
);

CREATE TABLE ballots (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    elector_id BIGINT NOT NULL REFERENCES electors (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    choice JSONB NOT NULL,
    nonce BYTEA NOT NULL,
    receipt VARCHAR(64) NOT NULL,
    cast_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    CONSTRAINT ballots_one_per_elector UNIQUE (deliberation_id, elector_id),
    CONSTRAINT ballots_elector_on_this_roll FOREIGN KEY (elector_id, deliberation_id, community_id)
        REFERENCES electors (id, deliberation_id, community_id) ON DELETE RESTRICT,
    CONSTRAINT ballots_salted CHECK (length(nonce) >= 16 AND receipt ~ '^[0-9a-f]{64}$')
);

CREATE TABLE results (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    roll_size INT NOT NULL,
    voted INT NOT NULL,
    tally JSONB NOT NULL,
    passed BOOLEAN,
    explanation_zh TEXT NOT NULL,
    explanation_en TEXT NOT NULL,
    CONSTRAINT results_deliberation_id_key UNIQUE (deliberation_id),
    CONSTRAINT results_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT
);

CREATE TABLE resolutions (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    number VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    rule VARCHAR(32) NOT NULL,
    binding BOOLEAN NOT NULL,
    passed BOOLEAN,
    explanation_zh TEXT NOT NULL,
    explanation_en TEXT NOT NULL,
    counts JSONB NOT NULL,
    roll_hash VARCHAR(64) NOT NULL,
    CONSTRAINT resolutions_deliberation_id_key UNIQUE (deliberation_id),
    CONSTRAINT resolutions_in_community UNIQUE (id, community_id),
    CONSTRAINT resolutions_numbered UNIQUE (community_id, number),
    CONSTRAINT resolutions_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT resolutions_number CHECK (number ~ '^[0-9]{4}-[0-9]{3,}$'),
    CONSTRAINT resolutions_binding_says_passed CHECK (binding = (rule <> 'consultation')
        AND binding = (passed IS NOT NULL))
);
"""

TRIGGERS = """
-- V4, M10: a deliberation begins as a proposal, walks its road, and is frozen but for its state once the vote opened.
CREATE FUNCTION guard_deliberation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'INSERT' AND NEW.state <> 'proposed') OR (TG_OP = 'UPDATE' AND NEW.state <> OLD.state
        AND (OLD.state, NEW.state) NOT IN (
            ('proposed', 'discussion'), ('proposed', 'withdrawn'), ('discussion', 'voting'),
            ('discussion', 'withdrawn'), ('voting', 'decided'), ('voting', 'failed_quorum'), ('voting', 'withdrawn'),
            ('decided', 'implementing'), ('implementing', 'reviewed'))) THEN
        RAISE EXCEPTION 'no such step' USING ERRCODE = '23514',
            CONSTRAINT = 'deliberations_road', TABLE = 'deliberations';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state NOT IN ('proposed', 'discussion') AND (
        (to_jsonb(OLD) - 'state' - 'moderation' - 'closed_at')
            <> (to_jsonb(NEW) - 'state' - 'moderation' - 'closed_at')
        OR (OLD.closed_at IS NOT NULL AND OLD.closed_at IS DISTINCT FROM NEW.closed_at)) THEN
        RAISE EXCEPTION 'what was asked stays' USING ERRCODE = '23514',
            CONSTRAINT = 'deliberations_frozen', TABLE = 'deliberations';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deliberations_frozen BEFORE INSERT OR UPDATE ON deliberations
    FOR EACH ROW EXECUTE FUNCTION guard_deliberation();

-- V4: the options stand with the question; the share lock keeps an option out while the vote opens.
CREATE FUNCTION guard_option() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_and_new bigint[] := ARRAY[CASE WHEN TG_OP <> 'INSERT' THEN OLD.deliberation_id END,
        CASE WHEN TG_OP <> 'DELETE' THEN NEW.deliberation_id END];
BEGIN
    PERFORM 1 FROM deliberations WHERE id = ANY (old_and_new) FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM deliberations WHERE id = ANY (old_and_new) AND state NOT IN ('proposed', 'discussion')
    ) THEN
        RAISE EXCEPTION 'the options stay' USING ERRCODE = '23514', CONSTRAINT = 'options_frozen', TABLE = 'options';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER options_frozen BEFORE INSERT OR UPDATE OR DELETE ON options
    FOR EACH ROW EXECUTE FUNCTION guard_option();

-- V2: a roll is written by the transaction that opens the vote, before the state says so, and never again.
CREATE FUNCTION guard_roll() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT deliberation_id FROM added) a JOIN deliberations d ON d.id = a.deliberation_id
        WHERE d.state <> 'discussion'
    ) THEN
        RAISE EXCEPTION 'the roll is frozen' USING ERRCODE = '23514',
            CONSTRAINT = 'electors_frozen', TABLE = 'electors';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER electors_frozen AFTER INSERT ON electors REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION guard_roll();
CREATE TRIGGER electors_append_only BEFORE UPDATE OR DELETE ON electors
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER electors_not_emptied BEFORE TRUNCATE ON electors EXECUTE FUNCTION refuse_change();

-- V3, V5, M4b: a ballot lands only while its vote runs, by the clock read after the lock; FOR SHARE makes it wait for
-- a close under way and be refused then. Its choice fits the vote, and its options are the vote's own.
CREATE FUNCTION guard_ballot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    vote record;
    fits boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a ballot stays' USING ERRCODE = '23514', CONSTRAINT = 'ballots_stay', TABLE = 'ballots';
    END IF;
    SELECT state, voting_until, ballot_kind, max_choices INTO vote
        FROM deliberations WHERE id = NEW.deliberation_id FOR SHARE;
    IF vote.state IS DISTINCT FROM 'voting' OR vote.voting_until <= clock_now() THEN
        RAISE EXCEPTION 'the vote does not run' USING ERRCODE = '23514',
            CONSTRAINT = 'ballots_only_while_voting', TABLE = 'ballots';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.id, OLD.created_at, OLD.deliberation_id, OLD.elector_id)
        IS DISTINCT FROM (NEW.id, NEW.created_at, NEW.deliberation_id, NEW.elector_id) THEN
        RAISE EXCEPTION 'a ballot keeps its elector' USING ERRCODE = '23514',
            CONSTRAINT = 'ballots_stay', TABLE = 'ballots';
    END IF;
    fits := CASE vote.ballot_kind
        WHEN 'yes_no' THEN NEW.choice IN ('{"choice": "yes"}', '{"choice": "no"}', '{"choice": "abstain"}')
        WHEN 'single' THEN EXISTS (
            SELECT 1 FROM options o WHERE o.deliberation_id = NEW.deliberation_id
                AND NEW.choice = jsonb_build_object('option_id', o.id))
        WHEN 'approval' THEN NEW.choice = jsonb_build_object('option_ids', NEW.choice->'option_ids')
            AND CASE WHEN jsonb_typeof(NEW.choice->'option_ids') = 'array' THEN
                jsonb_array_length(NEW.choice->'option_ids') BETWEEN 1 AND vote.max_choices
                AND jsonb_array_length(NEW.choice->'option_ids') = (
                    SELECT count(*) FROM options o WHERE o.deliberation_id = NEW.deliberation_id
                        AND NEW.choice->'option_ids' @> to_jsonb(o.id))
                END
        END;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'the choice does not fit' USING ERRCODE = '23514',
            CONSTRAINT = 'ballots_choice', TABLE = 'ballots';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ballots_only_while_voting BEFORE INSERT OR UPDATE OR DELETE ON ballots
    FOR EACH ROW EXECUTE FUNCTION guard_ballot();

-- V5: the figures of a result are those of the roll and the ballots.
CREATE FUNCTION guard_result() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM deliberations WHERE id = NEW.deliberation_id FOR UPDATE;
    IF NEW.voted <> (SELECT count(*) FROM ballots WHERE deliberation_id = NEW.deliberation_id)
        OR NEW.roll_size <> (SELECT count(*) FROM electors WHERE deliberation_id = NEW.deliberation_id)
        OR NOT EXISTS (SELECT 1 FROM deliberations WHERE id = NEW.deliberation_id AND state = 'voting') THEN
        RAISE EXCEPTION 'the result is not the recount' USING ERRCODE = '23514',
            CONSTRAINT = 'results_recount', TABLE = 'results';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER results_recount BEFORE INSERT ON results FOR EACH ROW EXECUTE FUNCTION guard_result();
CREATE TRIGGER results_append_only BEFORE UPDATE OR DELETE ON results
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER results_not_emptied BEFORE TRUNCATE ON results EXECUTE FUNCTION refuse_change();
CREATE TRIGGER resolutions_append_only BEFORE UPDATE OR DELETE ON resolutions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER resolutions_not_emptied BEFORE TRUNCATE ON resolutions EXECUTE FUNCTION refuse_change();

-- A role rests on a resolution of the community where it is held. Resolutions are never deleted.
CREATE FUNCTION guard_grant_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.resolution_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM resolutions r JOIN places p ON p.community_id = r.community_id
        WHERE r.id = NEW.resolution_id AND p.id = NEW.place_id
            AND (NEW.role <> 'supervisor' OR (r.rule = 'residents_meeting' AND r.passed))
    ) THEN
        RAISE EXCEPTION 'no such resolution there' USING ERRCODE = '23503',
            CONSTRAINT = 'role_grants_resolution', TABLE = 'role_grants';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER role_grants_resolution BEFORE INSERT OR UPDATE OF resolution_id, place_id ON role_grants
    FOR EACH ROW EXECUTE FUNCTION guard_grant_resolution();
"""


def upgrade() -> None:
    run_script(TABLES + TRIGGERS)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER role_grants_resolution ON role_grants;
    DROP TABLE resolutions, results, ballots, electors, options, deliberations;
    DROP FUNCTION guard_grant_resolution, guard_result, guard_ballot, guard_roll, guard_option, guard_deliberation;
    """)
