"""Micro-wishes and the claims on their slots."""

from app.core.migrations import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE wishes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    assistant_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    approved_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    value_fen BIGINT,
    needed_by DATE,
    claimers SMALLINT NOT NULL,
    thanks TEXT,
    CONSTRAINT wishes_in_community UNIQUE (id, community_id, author_id, claimers),
    CONSTRAINT wishes_state CHECK (state IN ('in_review', 'open', 'claimed', 'fulfilled', 'confirmed', 'disputed',
        'closed', 'withdrawn', 'expired')),
    CONSTRAINT wishes_approved_first CHECK (state IN ('in_review', 'withdrawn') OR approved_by_id IS NOT NULL),
    CONSTRAINT wishes_approved_by_another CHECK (approved_by_id <> author_id),
    CONSTRAINT wishes_value CHECK (value_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT wishes_claimers CHECK (claimers BETWEEN 1 AND 10),
    CONSTRAINT wishes_body CHECK (length(body) BETWEEN 1 AND 5000),
    CONSTRAINT wishes_thanks_when_confirmed CHECK (thanks IS NULL OR state = 'confirmed'),
    CONSTRAINT wishes_help_comes_from_another CHECK (assistant_id <> author_id)
);
CREATE INDEX wishes_by_community ON wishes (community_id, id);
CREATE INDEX wishes_by_state ON wishes (community_id, state, id);
CREATE INDEX wishes_to_expire ON wishes (needed_by) WHERE state = 'open';

-- Exactly k claimers (C1): k slots, each taken once. At most three at a time (C2): three hands, each holding one.
CREATE TABLE wish_claims (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    wish_id BIGINT NOT NULL REFERENCES wishes (id) ON DELETE RESTRICT,
    wisher_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    claimers SMALLINT NOT NULL,
    slot SMALLINT NOT NULL,
    hand SMALLINT NOT NULL,
    state VARCHAR(16) NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    reminded BOOLEAN NOT NULL,
    ended_at TIMESTAMPTZ,
    ran_out BOOLEAN NOT NULL,
    note TEXT,
    CONSTRAINT wish_claims_of_one_wish FOREIGN KEY (wish_id, community_id, wisher_id, claimers)
        REFERENCES wishes (id, community_id, author_id, claimers) ON DELETE RESTRICT,
    CONSTRAINT wish_claims_not_by_the_wisher CHECK (resident_id <> wisher_id),
    CONSTRAINT wish_claims_slot CHECK (slot BETWEEN 1 AND claimers),
    CONSTRAINT wish_claims_hand CHECK (hand BETWEEN 1 AND 3),
    CONSTRAINT wish_claims_state CHECK (state IN ('held', 'fulfilled', 'released')),
    CONSTRAINT wish_claims_end CHECK ((ended_at IS NULL) = (state = 'held')),
    CONSTRAINT wish_claims_ran_out CHECK (NOT ran_out OR state = 'released'),
    CONSTRAINT wish_claims_note CHECK (length(note) BETWEEN 1 AND 5000)
);
CREATE UNIQUE INDEX wish_claims_one_per_slot ON wish_claims (wish_id, slot) WHERE state <> 'released';
CREATE UNIQUE INDEX wish_claims_one_per_resident ON wish_claims (wish_id, resident_id) WHERE state <> 'released';
CREATE UNIQUE INDEX wish_claims_one_per_hand ON wish_claims (resident_id, hand) WHERE state = 'held';
CREATE INDEX wish_claims_by_wish ON wish_claims (wish_id);
CREATE INDEX wish_claims_due ON wish_claims (due_at) WHERE state = 'held';
CREATE INDEX wish_claims_by_resident ON wish_claims (resident_id);
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    run_script("DROP TABLE wish_claims, wishes;")
