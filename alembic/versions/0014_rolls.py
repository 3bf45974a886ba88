"""Rolls: representatives, owners, objections; places' own thresholds; assisted and paper ballots."""

from app.core.migrations import run_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PEOPLE = """
CREATE TABLE constituencies (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    name VARCHAR(60) NOT NULL,
    CONSTRAINT constituencies_in_community UNIQUE (id, community_id),
    CONSTRAINT constituencies_one_name UNIQUE (community_id, name)
);

ALTER TABLE households
    ADD COLUMN constituency_id BIGINT REFERENCES constituencies (id) ON DELETE RESTRICT,
    ADD CONSTRAINT households_constituency_same_community
        FOREIGN KEY (constituency_id, community_id) REFERENCES constituencies (id, community_id) ON DELETE RESTRICT;
CREATE INDEX households_by_constituency ON households (constituency_id);

CREATE TABLE representatives (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    constituency_id BIGINT NOT NULL REFERENCES constituencies (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    from_on DATE NOT NULL,
    until_on DATE NOT NULL,
    resolution_id BIGINT,
    minutes VARCHAR(200),
    recorded_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT representatives_same_community
        FOREIGN KEY (constituency_id, community_id) REFERENCES constituencies (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT representatives_resolution_same_community
        FOREIGN KEY (resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT representatives_term CHECK (until_on >= from_on AND until_on <= from_on + interval '5 years'),
    CONSTRAINT representatives_elected CHECK (num_nonnulls(resolution_id, minutes) >= 1),
    CONSTRAINT representatives_not_by_oneself CHECK (recorded_by_id <> resident_id),
    CONSTRAINT representatives_one_at_a_time EXCLUDE USING gist (
        int8range(constituency_id, constituency_id, '[]') WITH &&, daterange(from_on, until_on) WITH &&),
    CONSTRAINT representatives_of_one_constituency EXCLUDE USING gist (
        int8range(resident_id, resident_id, '[]') WITH &&, daterange(from_on, until_on) WITH &&)
);
CREATE INDEX representatives_by_community ON representatives (community_id, until_on);
CREATE INDEX representatives_by_constituency ON representatives (constituency_id, id);

CREATE TABLE ownerships (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    household_id BIGINT NOT NULL REFERENCES households (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    share_numerator SMALLINT NOT NULL,
    share_denominator SMALLINT NOT NULL,
    votes BOOLEAN NOT NULL,
    recorded_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    from_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    until_at TIMESTAMPTZ,
    CONSTRAINT ownerships_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT ownerships_share CHECK (share_numerator BETWEEN 1 AND share_denominator AND share_denominator <= 10000),
    CONSTRAINT ownerships_period CHECK (until_at >= from_at)
);
CREATE UNIQUE INDEX ownerships_one_live ON ownerships (household_id, resident_id) WHERE until_at IS NULL;
CREATE UNIQUE INDEX ownerships_one_votes ON ownerships (household_id) WHERE votes AND until_at IS NULL;
CREATE INDEX ownerships_by_community ON ownerships (community_id) WHERE until_at IS NULL;
"""

RULES = """
CREATE TABLE voting_rules (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    place_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    rule VARCHAR(32) NOT NULL,
    quorum_numerator SMALLINT,
    quorum_denominator SMALLINT,
    quorum_more_than BOOLEAN,
    majority_numerator SMALLINT,
    majority_denominator SMALLINT,
    majority_more_than BOOLEAN,
    recognised BOOLEAN NOT NULL,
    CONSTRAINT voting_rules_one_each UNIQUE (place_id, rule),
    CONSTRAINT voting_rules_whole CHECK (
        num_nonnulls(quorum_numerator, quorum_denominator, quorum_more_than) IN (0, 3)
        AND num_nonnulls(majority_numerator, majority_denominator, majority_more_than) IN (0, 3)
    ),
    CONSTRAINT voting_rules_reachable CHECK (
        (quorum_numerator IS NULL OR (quorum_numerator BETWEEN 1 AND quorum_denominator
            AND NOT (quorum_more_than AND quorum_numerator = quorum_denominator)))
        AND (majority_numerator IS NULL OR (majority_numerator BETWEEN 1 AND majority_denominator
            AND NOT (majority_more_than AND majority_numerator = majority_denominator)))
    ),
    -- 居委会组织法 27, 29, 32; 民法典 278: a place asks for more than the law does, never for less.
    CONSTRAINT voting_rules_only_upwards CHECK (
        CASE rule
            WHEN 'consultation' THEN majority_numerator IS NULL
            WHEN 'residents_meeting' THEN quorum_numerator IS NULL OR quorum_numerator * 2 > quorum_denominator
                OR (quorum_numerator * 2 = quorum_denominator AND quorum_more_than)
            ELSE quorum_numerator IS NULL OR quorum_numerator * 3 >= quorum_denominator * 2
        END
        AND CASE rule
            WHEN 'owners_major' THEN majority_numerator IS NULL OR majority_numerator * 4 >= majority_denominator * 3
            ELSE majority_numerator IS NULL OR majority_numerator * 2 > majority_denominator
                OR (majority_numerator * 2 = majority_denominator AND majority_more_than)
        END
    ),
    CONSTRAINT voting_rules_recognised CHECK (NOT recognised OR rule IN ('owners_ordinary', 'owners_major'))
);

ALTER TABLE deliberations
    ADD COLUMN roll_area_cm2 BIGINT,
    ADD COLUMN terms JSONB;
ALTER TABLE results ADD COLUMN voted_area_cm2 BIGINT;

-- An owners' vote that the place does not hold as the statutory ballot passes or not, and binds nobody.
ALTER TABLE resolutions DROP CONSTRAINT resolutions_binding_says_passed;
ALTER TABLE resolutions ADD CONSTRAINT resolutions_binding_says_passed CHECK (
    (rule = 'consultation') = (passed IS NULL)
    AND (NOT binding OR passed IS NOT NULL)
    AND (binding OR rule IN ('consultation', 'owners_ordinary', 'owners_major'))
);
"""

ROLL = """
-- `salt` keeps an elector's line from being guessed, `code` stands on his paper sheet; both are random.
ALTER TABLE electors
    ADD COLUMN area_cm2 BIGINT,
    ADD COLUMN salt BYTEA NOT NULL DEFAULT decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
    ADD COLUMN code VARCHAR(12) NOT NULL DEFAULT upper(left(replace(gen_random_uuid()::text, '-', ''), 12)),
    ADD CONSTRAINT electors_code_once UNIQUE (deliberation_id, code),
    ADD CONSTRAINT electors_salted CHECK (length(salt) >= 16),
    ADD CONSTRAINT electors_area CHECK (area_cm2 >= 1);

CREATE TABLE objections (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    resident_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    reason VARCHAR(1000) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    answer VARCHAR(1000),
    ballot_id BIGINT,
    channel VARCHAR(8),
    entered_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    receipt VARCHAR(64),
    CONSTRAINT objections_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT objections_decided CHECK (
        num_nonnulls(decided_by_id, answer) = CASE WHEN state IN ('open', 'invalidated') THEN 0 ELSE 2 END
    ),
    CONSTRAINT objections_not_by_oneself CHECK (decided_by_id <> author_id AND decided_by_id <> resident_id),
    CONSTRAINT objections_strikes_somebody CHECK (state <> 'struck' OR resident_id IS NOT NULL),
    CONSTRAINT objections_invalidates CHECK (
        num_nonnulls(ballot_id, channel, entered_by_id, receipt) = CASE WHEN state = 'invalidated' THEN 4 ELSE 0 END
    ),
    CONSTRAINT objections_not_by_who_entered CHECK (entered_by_id <> author_id)
);
CREATE UNIQUE INDEX objections_once ON objections (deliberation_id, author_id, resident_id)
    NULLS NOT DISTINCT WHERE state = 'open';
CREATE INDEX objections_by_deliberation ON objections (deliberation_id, id DESC);
CREATE INDEX objections_by_ballot ON objections (ballot_id);

-- An objection to the roll comes before the vote opens, one to a ballot while it runs; an answer is given once, and
-- before the opening. The share lock makes it wait for an opening or a close under way.
CREATE FUNCTION guard_objection() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER objections_in_time BEFORE INSERT OR UPDATE ON objections
    FOR EACH ROW EXECUTE FUNCTION guard_objection();

CREATE FUNCTION guard_opening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM objections WHERE deliberation_id = NEW.id AND state = 'open') THEN
        RAISE EXCEPTION 'objections wait' USING ERRCODE = '23514',
            CONSTRAINT = 'deliberations_objections_decided', TABLE = 'deliberations';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deliberations_objections_decided BEFORE UPDATE ON deliberations
    FOR EACH ROW WHEN (OLD.state = 'discussion' AND NEW.state = 'voting') EXECUTE FUNCTION guard_opening();

-- 居委会组织法 13: one representative for every 20 to 50 households. A constituency without any has been dissolved.
CREATE FUNCTION guard_constituency() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE touched bigint[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(c) INTO touched FROM before b JOIN after a USING (id)
            CROSS JOIN LATERAL unnest(ARRAY[b.constituency_id, a.constituency_id]) AS c
            WHERE b.constituency_id IS DISTINCT FROM a.constituency_id;
    ELSE
        SELECT array_agg(constituency_id) INTO touched FROM after WHERE constituency_id IS NOT NULL;
    END IF;
    IF touched IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM constituencies WHERE id = ANY (touched) ORDER BY id FOR UPDATE;
    IF EXISTS (
        SELECT 1 FROM households WHERE constituency_id = ANY (touched)
        GROUP BY constituency_id HAVING count(*) NOT BETWEEN 20 AND 50
    ) THEN
        RAISE EXCEPTION 'twenty to fifty households' USING ERRCODE = '23514',
            CONSTRAINT = 'constituencies_size', TABLE = 'households';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER constituencies_size_added AFTER INSERT ON households REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION guard_constituency();
CREATE TRIGGER constituencies_size_changed AFTER UPDATE ON households
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION guard_constituency();
"""

PAPER = """
ALTER TABLE ballots
    ADD COLUMN channel VARCHAR(8) NOT NULL DEFAULT 'phone',
    ADD COLUMN entered_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    ADD CONSTRAINT ballots_channel CHECK (channel IN ('phone', 'assisted', 'paper')),
    ADD CONSTRAINT ballots_entered CHECK (
        (channel = 'phone') = (entered_by_id IS NULL) AND entered_by_id IS DISTINCT FROM resident_id
    );

CREATE TABLE paper_batches (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    entered_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    lines JSONB NOT NULL,
    first_id BIGINT,
    first_by_id BIGINT,
    report JSONB,
    CONSTRAINT paper_batches_in_community UNIQUE (id, deliberation_id, entered_by_id),
    CONSTRAINT paper_batches_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT paper_batches_of_one_vote FOREIGN KEY (first_id, deliberation_id, first_by_id)
        REFERENCES paper_batches (id, deliberation_id, entered_by_id) ON DELETE RESTRICT,
    CONSTRAINT paper_batches_two_people CHECK (first_by_id <> entered_by_id),
    CONSTRAINT paper_batches_compared_once UNIQUE (first_id),
    CONSTRAINT paper_batches_compared CHECK (
        num_nonnulls(first_id, first_by_id, report) IN (0, 3) AND (first_id IS NULL OR state = 'compared')
    )
);
CREATE UNIQUE INDEX paper_batches_one_waits ON paper_batches (deliberation_id) WHERE state = 'waiting';
CREATE INDEX paper_batches_by_deliberation ON paper_batches (deliberation_id, id DESC);

CREATE FUNCTION guard_paper_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'waiting' OR (to_jsonb(OLD) - 'state') <> (to_jsonb(NEW) - 'state') THEN
        RAISE EXCEPTION 'what was entered stays' USING ERRCODE = '23514',
            CONSTRAINT = 'paper_batches_stay', TABLE = 'paper_batches';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER paper_batches_stay BEFORE UPDATE ON paper_batches
    FOR EACH ROW EXECUTE FUNCTION guard_paper_batch();

-- What the elector said with his own phone is never replaced by what others enter for him, nor one such by another.
CREATE FUNCTION guard_own_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.channel <> 'phone' AND (NEW.channel <> OLD.channel OR NEW.channel = 'paper') THEN
        RAISE EXCEPTION 'he has voted' USING ERRCODE = '23514', CONSTRAINT = 'ballots_own_word', TABLE = 'ballots';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ballots_own_word BEFORE UPDATE ON ballots FOR EACH ROW EXECUTE FUNCTION guard_own_word();

-- A ballot leaves the box only while its vote runs, for the objection of whom it was entered for, which traces it.
DROP TRIGGER ballots_only_while_voting ON ballots;
CREATE TRIGGER ballots_only_while_voting BEFORE INSERT OR UPDATE ON ballots
    FOR EACH ROW EXECUTE FUNCTION guard_ballot();
CREATE FUNCTION guard_ballot_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM deliberations WHERE id = OLD.deliberation_id FOR SHARE;
    IF OLD.channel = 'phone' OR NOT EXISTS (
        SELECT 1 FROM objections o JOIN deliberations d ON d.id = o.deliberation_id
        WHERE o.ballot_id = OLD.id AND o.deliberation_id = OLD.deliberation_id AND o.receipt = OLD.receipt
            AND d.state = 'voting' AND d.voting_until > clock_now()
    ) THEN
        RAISE EXCEPTION 'a ballot stays' USING ERRCODE = '23514', CONSTRAINT = 'ballots_stay', TABLE = 'ballots';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER ballots_stay BEFORE DELETE ON ballots FOR EACH ROW EXECUTE FUNCTION guard_ballot_leaves();
"""


def upgrade() -> None:
    run_script(PEOPLE + RULES + ROLL + PAPER)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER ballots_stay ON ballots;
    DROP TRIGGER ballots_own_word ON ballots;
    DROP TRIGGER ballots_only_while_voting ON ballots;
    CREATE TRIGGER ballots_only_while_voting BEFORE INSERT OR UPDATE OR DELETE ON ballots
        FOR EACH ROW EXECUTE FUNCTION guard_ballot();
    ALTER TABLE ballots DROP COLUMN channel, DROP COLUMN entered_by_id;
    DROP TRIGGER deliberations_objections_decided ON deliberations;
    DROP TRIGGER constituencies_size_added ON households;
    DROP TRIGGER constituencies_size_changed ON households;
    DROP TABLE paper_batches, objections, voting_rules, ownerships, representatives;
    ALTER TABLE households DROP COLUMN constituency_id;
    DROP TABLE constituencies;
    ALTER TABLE electors DROP COLUMN area_cm2, DROP COLUMN salt, DROP COLUMN code;
    ALTER TABLE deliberations DROP COLUMN roll_area_cm2, DROP COLUMN terms;
    ALTER TABLE results DROP COLUMN voted_area_cm2;
    ALTER TABLE resolutions DROP CONSTRAINT resolutions_binding_says_passed;
    ALTER TABLE resolutions ADD CONSTRAINT resolutions_binding_says_passed CHECK (
        binding = (rule <> 'consultation') AND binding = (passed IS NOT NULL));
    DROP FUNCTION guard_ballot_leaves, guard_own_word, guard_paper_batch, guard_constituency, guard_opening,
        guard_objection;
    """)
