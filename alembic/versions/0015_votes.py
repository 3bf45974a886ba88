"""Every kind of ballot, secret votes, archives, imported elections."""

import re
import runpy
from pathlib import Path

from app.core.migrations import run_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE deliberations
    ADD COLUMN max_score INT,
    ADD COLUMN budget_fen BIGINT,
    ADD COLUMN budget_count VARCHAR(16),
    DROP CONSTRAINT deliberations_max_choices,
    ADD CONSTRAINT deliberations_max_choices CHECK (
        CASE ballot_kind WHEN 'approval' THEN max_choices IS NOT NULL AND max_choices >= 1
            WHEN 'budget' THEN max_choices IS NULL OR max_choices >= 1 ELSE max_choices IS NULL END
    ),
    ADD CONSTRAINT deliberations_max_score CHECK (
        (max_score IS NOT NULL) = (ballot_kind = 'score') AND max_score >= 1
    ),
    ADD CONSTRAINT deliberations_budget CHECK (
        num_nonnulls(budget_fen, budget_count) = CASE WHEN ballot_kind = 'budget' THEN 2 ELSE 0 END
        AND budget_fen BETWEEN 1 AND 1000000000000
    ),
    -- 民法典 278 weighs area: votes must simply be for, and a ballot with its area is no secret.
    ADD CONSTRAINT deliberations_rule_fits_ballot CHECK (
        rule NOT IN ('owners_ordinary', 'owners_major')
        OR (ballot_kind IN ('yes_no', 'single', 'approval') AND NOT secret)
    );

ALTER TABLE options
    ADD COLUMN cost_fen BIGINT,
    ADD COLUMN external_id VARCHAR(60),
    ADD CONSTRAINT options_cost CHECK (cost_fen BETWEEN 1 AND 1000000000000),
    DROP CONSTRAINT options_distinct;
-- Projects of an imported election may share a name; their ids tell them apart.
CREATE UNIQUE INDEX options_distinct ON options (deliberation_id, title) WHERE external_id IS NULL;
CREATE UNIQUE INDEX options_external_once ON options (deliberation_id, external_id);

-- `has_voted` is for secret votes; `external_id` is a voter of an imported election.
ALTER TABLE electors
    ADD COLUMN has_voted BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN external_id VARCHAR(60),
    DROP CONSTRAINT electors_one_kind,
    ADD CONSTRAINT electors_one_kind CHECK (num_nonnulls(resident_id, household_id, external_id) = 1);

ALTER TABLE ballots
    ALTER COLUMN resident_id DROP NOT NULL,
    DROP CONSTRAINT ballots_channel,
    DROP CONSTRAINT ballots_entered,
    ADD CONSTRAINT ballots_channel CHECK (channel IN ('phone', 'assisted', 'paper', 'import')),
    ADD CONSTRAINT ballots_entered CHECK (
        (channel IN ('phone', 'import')) = (entered_by_id IS NULL)
        AND (channel = 'import') = (resident_id IS NULL)
        AND (entered_by_id IS NULL OR entered_by_id <> resident_id)
    );
CREATE INDEX ballots_by_deliberation ON ballots (deliberation_id, id DESC);

-- A vote that only advises (score, budget) binds nobody, whatever its rule.
ALTER TABLE resolutions
    DROP CONSTRAINT resolutions_binding_says_passed,
    ADD CONSTRAINT resolutions_binding_says_passed CHECK (
        (rule <> 'consultation' OR passed IS NULL)
        AND (NOT binding OR passed IS NOT NULL)
        AND (binding OR passed IS NULL OR rule IN ('owners_ordinary', 'owners_major'))
    );
"""

TABLES = """
-- No voter, no time, no order: the key is random, and there is no column more than the count needs.
CREATE TABLE secret_ballots (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    choice JSONB NOT NULL,
    receipt VARCHAR(64) NOT NULL,
    CONSTRAINT secret_ballots_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT secret_ballots_receipt_once UNIQUE (deliberation_id, receipt),
    CONSTRAINT secret_ballots_receipt CHECK (receipt ~ '^[0-9a-f]{64}$')
);

CREATE TABLE archives (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    digest VARCHAR(64) NOT NULL,
    content TEXT NOT NULL,
    CONSTRAINT archives_deliberation_id_key UNIQUE (deliberation_id),
    CONSTRAINT archives_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT archives_digest CHECK (digest ~ '^[0-9a-f]{64}$')
);
CREATE TRIGGER archives_append_only BEFORE UPDATE OR DELETE ON archives
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER archives_not_emptied BEFORE TRUNCATE ON archives EXECUTE FUNCTION refuse_change();
"""

TRIGGERS = """
-- V4 as before; and every project of a budget says what it costs.
CREATE OR REPLACE FUNCTION guard_option() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF TG_OP <> 'DELETE' AND NEW.cost_fen IS NULL AND EXISTS (
        SELECT 1 FROM deliberations WHERE id = NEW.deliberation_id AND ballot_kind = 'budget'
    ) THEN
        RAISE EXCEPTION 'what does it cost' USING ERRCODE = '23514', CONSTRAINT = 'options_costed', TABLE = 'options';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- V5: whether a choice is one that the vote asks for, of its own options, each at most once.
CREATE FUNCTION choice_fits(vote deliberations, choice jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    named jsonb;
    many int;
BEGIN
    IF vote.ballot_kind = 'yes_no' THEN
        RETURN choice IN ('{"choice": "yes"}', '{"choice": "no"}', '{"choice": "abstain"}');
    ELSIF vote.ballot_kind = 'single' THEN
        RETURN EXISTS (SELECT 1 FROM options o WHERE o.deliberation_id = vote.id
            AND choice = jsonb_build_object('option_id', o.id));
    ELSIF vote.ballot_kind = 'score' THEN
        named := choice->'scores';
        IF choice <> jsonb_build_object('scores', named) OR jsonb_typeof(named) IS DISTINCT FROM 'object' THEN
            RETURN false;
        END IF;
        RETURN (SELECT count(*) FROM jsonb_object_keys(named)) = (
            SELECT count(*) FROM options o WHERE o.deliberation_id = vote.id
                AND CASE WHEN jsonb_typeof(named->(o.id::text)) = 'number' THEN
                    (named->(o.id::text))::numeric BETWEEN 0 AND vote.max_score
                    AND (named->(o.id::text))::numeric % 1 = 0 END);
    END IF;
    named := choice->CASE WHEN vote.ballot_kind = 'ranked' THEN 'ranking' ELSE 'option_ids' END;
    IF jsonb_typeof(named) IS DISTINCT FROM 'array' OR choice
        <> jsonb_build_object(CASE WHEN vote.ballot_kind = 'ranked' THEN 'ranking' ELSE 'option_ids' END, named) THEN
        RETURN false;
    END IF;
    many := jsonb_array_length(named);
    RETURN many >= CASE WHEN vote.ballot_kind = 'approval' THEN 1 ELSE 0 END
        AND many <= coalesce(vote.max_choices, many)
        AND many = (SELECT count(*) FROM options o WHERE o.deliberation_id = vote.id AND named @> to_jsonb(o.id));
END $$;

-- V3, V5, M4b as before, for both boxes: open ballots lie in one, secret ballots in the other.
CREATE OR REPLACE FUNCTION guard_ballot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE vote deliberations;
BEGIN
    SELECT * INTO vote FROM deliberations WHERE id = NEW.deliberation_id FOR SHARE;
    IF vote.state IS DISTINCT FROM 'voting' OR vote.voting_until <= clock_now() THEN
        RAISE EXCEPTION 'the vote does not run' USING ERRCODE = '23514',
            CONSTRAINT = 'ballots_only_while_voting', TABLE = TG_TABLE_NAME;
    END IF;
    IF vote.secret <> (TG_TABLE_NAME = 'secret_ballots') THEN
        RAISE EXCEPTION 'not in this box' USING ERRCODE = '23514',
            CONSTRAINT = 'ballots_in_their_box', TABLE = TG_TABLE_NAME;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.id, OLD.created_at, OLD.deliberation_id, OLD.elector_id)
            IS DISTINCT FROM (NEW.id, NEW.created_at, NEW.deliberation_id, NEW.elector_id) THEN
            RAISE EXCEPTION 'a ballot keeps its elector' USING ERRCODE = '23514',
                CONSTRAINT = 'ballots_stay', TABLE = TG_TABLE_NAME;
        END IF;
    END IF;
    IF choice_fits(vote, NEW.choice) IS NOT TRUE THEN
        RAISE EXCEPTION 'the choice does not fit' USING ERRCODE = '23514',
            CONSTRAINT = 'ballots_choice', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER secret_ballots_only_while_voting BEFORE INSERT ON secret_ballots
    FOR EACH ROW EXECUTE FUNCTION guard_ballot();

-- M4b: a secret ballot never changes, and leaves the box only when its vote is over.
CREATE FUNCTION guard_secret_ballot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' OR EXISTS (SELECT 1 FROM deliberations WHERE id = OLD.deliberation_id AND state = 'voting')
    THEN
        RAISE EXCEPTION 'a secret ballot stays' USING ERRCODE = '23514',
            CONSTRAINT = 'secret_ballots_stay', TABLE = 'secret_ballots';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER secret_ballots_stay BEFORE UPDATE OR DELETE ON secret_ballots
    FOR EACH ROW EXECUTE FUNCTION guard_secret_ballot();

-- V1, V4, M4b: of a frozen roll only this changes: who casts in a running secret vote is marked, once; and when it is
-- over its lines are written again as they are, so that nothing of their storage tells when somebody voted.
CREATE FUNCTION guard_elector() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    vote record;
    marked electors;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT state, secret, voting_until > clock_now() AS runs INTO vote
            FROM deliberations WHERE id = OLD.deliberation_id FOR SHARE;
        marked := OLD;
        marked.has_voted := true;
        IF vote.secret AND vote.state = 'voting' AND NOT OLD.has_voted AND NEW IS NOT DISTINCT FROM marked THEN
            IF NOT vote.runs THEN
                RAISE EXCEPTION 'the vote does not run' USING ERRCODE = '23514',
                    CONSTRAINT = 'ballots_only_while_voting', TABLE = 'electors';
            END IF;
            RETURN NEW;
        END IF;
        IF vote.secret AND vote.state <> 'voting' AND NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the roll is frozen' USING ERRCODE = '23514',
        CONSTRAINT = 'electors_append_only', TABLE = 'electors';
END $$;
DROP TRIGGER electors_append_only ON electors;
DROP TRIGGER electors_not_emptied ON electors;
CREATE TRIGGER electors_append_only BEFORE UPDATE OR DELETE ON electors
    FOR EACH ROW EXECUTE FUNCTION guard_elector();
CREATE TRIGGER electors_not_emptied BEFORE TRUNCATE ON electors EXECUTE FUNCTION guard_elector();

-- V5: the figures of a result are those of the roll and the ballots; in a secret vote as many as are marked.
CREATE OR REPLACE FUNCTION guard_result() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE vote record;
BEGIN
    SELECT state, secret INTO vote FROM deliberations WHERE id = NEW.deliberation_id FOR UPDATE;
    IF vote.state IS DISTINCT FROM 'voting'
        OR NEW.roll_size <> (SELECT count(*) FROM electors WHERE deliberation_id = NEW.deliberation_id)
        OR NEW.voted <> (SELECT count(*) FROM ballots WHERE deliberation_id = NEW.deliberation_id)
            + (SELECT count(*) FROM secret_ballots WHERE deliberation_id = NEW.deliberation_id)
        OR (vote.secret AND NEW.voted <> (
            SELECT count(*) FROM electors WHERE deliberation_id = NEW.deliberation_id AND has_voted)) THEN
        RAISE EXCEPTION 'the result is not the recount' USING ERRCODE = '23514',
            CONSTRAINT = 'results_recount', TABLE = 'results';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    run_script(COLUMNS + TABLES + TRIGGERS)


def downgrade() -> None:
    """Votes of the new kinds, and imported ones, have to be gone before."""
    run_script(f"""
    {_as_in("0006_deliberations.py", "guard_result", "guard_ballot", "guard_option")}
    DROP TRIGGER electors_append_only ON electors;
    DROP TRIGGER electors_not_emptied ON electors;
    CREATE TRIGGER electors_append_only BEFORE UPDATE OR DELETE ON electors
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER electors_not_emptied BEFORE TRUNCATE ON electors EXECUTE FUNCTION refuse_change();
    DROP TABLE archives, secret_ballots;
    DROP FUNCTION guard_elector, guard_secret_ballot, choice_fits;
    ALTER TABLE resolutions DROP CONSTRAINT resolutions_binding_says_passed,
        ADD CONSTRAINT resolutions_binding_says_passed CHECK (
            (rule = 'consultation') = (passed IS NULL) AND (NOT binding OR passed IS NOT NULL)
            AND (binding OR rule IN ('consultation', 'owners_ordinary', 'owners_major')));
    DROP INDEX ballots_by_deliberation;
    ALTER TABLE ballots ALTER COLUMN resident_id SET NOT NULL, DROP CONSTRAINT ballots_channel,
        DROP CONSTRAINT ballots_entered,
        ADD CONSTRAINT ballots_channel CHECK (channel IN ('phone', 'assisted', 'paper')),
        ADD CONSTRAINT ballots_entered CHECK (
            (channel = 'phone') = (entered_by_id IS NULL) AND entered_by_id IS DISTINCT FROM resident_id);
    ALTER TABLE electors DROP CONSTRAINT electors_one_kind, DROP COLUMN has_voted, DROP COLUMN external_id,
        ADD CONSTRAINT electors_one_kind CHECK (num_nonnulls(resident_id, household_id) = 1);
    DROP INDEX options_distinct, options_external_once;
    ALTER TABLE options DROP COLUMN cost_fen, DROP COLUMN external_id,
        ADD CONSTRAINT options_distinct UNIQUE (deliberation_id, title);
    ALTER TABLE deliberations DROP COLUMN max_score, DROP COLUMN budget_fen, DROP COLUMN budget_count,
        DROP CONSTRAINT deliberations_rule_fits_ballot, DROP CONSTRAINT deliberations_max_choices,
        ADD CONSTRAINT deliberations_max_choices CHECK ((max_choices IS NOT NULL) = (ballot_kind = 'approval'));
    """)


def _as_in(revision: str, *functions: str) -> str:
    """The functions as an earlier revision made them."""
    script: str = runpy.run_path(str(Path(__file__).with_name(revision)))["TRIGGERS"]
    made = [re.search(rf"CREATE (FUNCTION {name}\(.*?END \$\$;)", script, re.DOTALL) for name in functions]
    return "\n".join(f"CREATE OR REPLACE {one[1]}" for one in made if one)
