"""Corrections, offline money, matching, partial refunds, extension and change of use."""

from app.core.migrations import run_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CAMPAIGNS = """
ALTER TABLE campaigns
    ADD COLUMN extended_from TIMESTAMPTZ,
    ADD COLUMN surplus_campaign_id BIGINT,
    ADD COLUMN surplus_resolution_id BIGINT,
    ADD CONSTRAINT campaigns_extended_later CHECK (deadline > extended_from),
    ADD CONSTRAINT campaigns_surplus_by_resolution CHECK (
        (surplus_campaign_id IS NULL) = (surplus_resolution_id IS NULL) AND surplus_campaign_id IS DISTINCT FROM id),
    ADD CONSTRAINT campaigns_surplus_to
        FOREIGN KEY (surplus_campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    ADD CONSTRAINT campaigns_surplus_resolution
        FOREIGN KEY (surplus_resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT;

-- Terms stay, but for a deadline put off once, while it can still be reached, with the old one kept.
DROP TRIGGER campaigns_terms ON campaigns;
CREATE TRIGGER campaigns_terms BEFORE UPDATE ON campaigns FOR EACH ROW
    WHEN ((OLD.community_id, OLD.legal_path, OLD.kind, OLD.goal_fen, OLD.minimum_fen, OLD.resolution_id)
        IS DISTINCT FROM
        (NEW.community_id, NEW.legal_path, NEW.kind, NEW.goal_fen, NEW.minimum_fen, NEW.resolution_id)
        OR (OLD.deadline, OLD.extended_from) IS DISTINCT FROM (NEW.deadline, NEW.extended_from)
        AND NOT (OLD.state IN ('published', 'open') AND NEW.state = OLD.state AND OLD.extended_from IS NULL
            AND NEW.extended_from IS NOT DISTINCT FROM OLD.deadline AND NEW.deadline > OLD.deadline))
    EXECUTE FUNCTION keep_terms();

CREATE TABLE use_changes (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    resolution_id BIGINT NOT NULL,
    title VARCHAR(60) NOT NULL,
    body VARCHAR(1000) NOT NULL,
    amount_fen BIGINT NOT NULL,
    raised_fen BIGINT NOT NULL,
    refund_until TIMESTAMPTZ NOT NULL,
    state VARCHAR(16) NOT NULL,
    announced_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT use_changes_in_community UNIQUE (id, community_id),
    CONSTRAINT use_changes_one_per_resolution UNIQUE (resolution_id),
    CONSTRAINT use_changes_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT use_changes_resolution
        FOREIGN KEY (resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT use_changes_amount CHECK (amount_fen BETWEEN 1 AND raised_fen AND raised_fen <= 1000000000000),
    CONSTRAINT use_changes_window CHECK (
        refund_until BETWEEN created_at + interval '15 days' - interval '1 minute' AND created_at + interval '90 days')
);
CREATE UNIQUE INDEX use_changes_one_at_a_time ON use_changes (campaign_id) WHERE state = 'announced';
CREATE INDEX use_changes_by_campaign ON use_changes (campaign_id, id DESC);

CREATE FUNCTION refuse_old_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM resolutions r JOIN campaigns c ON c.id = NEW.campaign_id
        WHERE r.id = NEW.resolution_id AND r.created_at > c.created_at AND r.id <> c.resolution_id
            AND r.passed IS DISTINCT FROM false
    ) THEN
        RAISE EXCEPTION 'only a new resolution that did not fail changes what money is for' USING ERRCODE = '23514',
            CONSTRAINT = 'use_changes_new_resolution', TABLE = 'use_changes';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER use_changes_new_resolution AFTER INSERT ON use_changes FOR EACH ROW
    EXECUTE FUNCTION refuse_old_resolution();

ALTER TABLE refunds
    ADD COLUMN use_change_id BIGINT,
    ADD CONSTRAINT refunds_of_change
        FOREIGN KEY (use_change_id, community_id) REFERENCES use_changes (id, community_id) ON DELETE RESTRICT;
CREATE UNIQUE INDEX refunds_once_per_change ON refunds (order_id, use_change_id)
    WHERE use_change_id IS NOT NULL AND state <> 'closed';
CREATE INDEX refunds_by_change ON refunds (use_change_id) WHERE use_change_id IS NOT NULL;
DROP TRIGGER refunds_terms ON refunds;
CREATE TRIGGER refunds_terms BEFORE UPDATE ON refunds FOR EACH ROW
    WHEN ((OLD.order_id, OLD.number, OLD.out_refund_no, OLD.amount_fen, OLD.reason, OLD.use_change_id)
        IS DISTINCT FROM
        (NEW.order_id, NEW.number, NEW.out_refund_no, NEW.amount_fen, NEW.reason, NEW.use_change_id))
    EXECUTE FUNCTION keep_terms();

-- Goods noted by mistake were never given.
DROP TRIGGER pledges_road_steps ON pledges;
CREATE TRIGGER pledges_road_steps BEFORE UPDATE ON pledges FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('awaiting_payment>paid', 'awaiting_payment>expired', 'expired>paid',
        'paid>refunding', 'refunding>refunded', 'refunding>paid', 'promised>received', 'promised>withdrawn',
        'received>withdrawn');
"""

SLIPS = """
CREATE TABLE matches (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    unit VARCHAR(60) NOT NULL,
    for_each_fen BIGINT NOT NULL,
    adds_fen BIGINT NOT NULL,
    cap_fen BIGINT NOT NULL,
    state VARCHAR(16) NOT NULL,
    entered_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    decided_at TIMESTAMPTZ,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT matches_in_campaign UNIQUE (id, campaign_id),
    CONSTRAINT matches_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT matches_ratio CHECK (for_each_fen BETWEEN 1 AND 1000 AND adds_fen BETWEEN 1 AND 1000),
    CONSTRAINT matches_cap CHECK (cap_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT matches_two_people CHECK (decided_by_id <> entered_by_id OR state = 'declined'),
    CONSTRAINT matches_decided CHECK (
        (state = 'entered') = (decided_by_id IS NULL) AND (decided_by_id IS NULL) = (decided_at IS NULL))
);
CREATE INDEX matches_by_campaign ON matches (campaign_id, id DESC);

CREATE TABLE slips (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    campaign_id BIGINT REFERENCES campaigns (id) ON DELETE RESTRICT,
    via VARCHAR(8),
    amount_fen BIGINT NOT NULL,
    giver_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    gift_id BIGINT,
    match_id BIGINT,
    transfer_id BIGINT,
    note VARCHAR(200) NOT NULL,
    entered_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    decided_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    decided_at TIMESTAMPTZ,
    CONSTRAINT slips_in_community UNIQUE (id, community_id),
    CONSTRAINT slips_of_campaign
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT slips_of_gift
        FOREIGN KEY (gift_id, community_id) REFERENCES slips (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT slips_of_match
        FOREIGN KEY (match_id, campaign_id) REFERENCES matches (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT slips_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT slips_via CHECK (via IN ('cash', 'bank')),
    CONSTRAINT slips_two_people CHECK (decided_by_id <> entered_by_id OR state = 'declined'),
    CONSTRAINT slips_decided CHECK (
        (state = 'entered') = (decided_by_id IS NULL) AND (decided_by_id IS NULL) = (decided_at IS NULL)),
    CONSTRAINT slips_complete CHECK (coalesce(CASE kind
        WHEN 'gift' THEN via IS NOT NULL AND num_nonnulls(gift_id, match_id, transfer_id) = 0
        WHEN 'hand_back' THEN via IS NOT NULL AND gift_id IS NOT NULL AND num_nonnulls(match_id, transfer_id) = 0
        WHEN 'match' THEN campaign_id IS NOT NULL AND match_id IS NOT NULL AND num_nonnulls(gift_id, transfer_id) = 0
        WHEN 'correction' THEN transfer_id IS NOT NULL AND num_nonnulls(gift_id, match_id) = 0 END, false))
);
CREATE UNIQUE INDEX slips_one_hand_back ON slips (gift_id) WHERE kind = 'hand_back' AND state <> 'declined';
CREATE UNIQUE INDEX slips_one_correction ON slips (transfer_id) WHERE state <> 'declined';
CREATE INDEX slips_by_community ON slips (community_id, id DESC);
CREATE INDEX slips_by_campaign ON slips (campaign_id, kind, state) WHERE campaign_id IS NOT NULL;
CREATE INDEX slips_by_match ON slips (match_id) WHERE match_id IS NOT NULL;

CREATE TRIGGER matches_road_begins BEFORE INSERT ON matches FOR EACH ROW WHEN (NEW.state <> 'entered')
    EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER slips_road_begins BEFORE INSERT ON slips FOR EACH ROW WHEN (NEW.state <> 'entered')
    EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER use_changes_road_begins BEFORE INSERT ON use_changes FOR EACH ROW WHEN (NEW.state <> 'announced')
    EXECUTE FUNCTION refuse_beginning();
CREATE TRIGGER matches_road_steps BEFORE UPDATE ON matches FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('entered>promised', 'entered>declined');
CREATE TRIGGER slips_road_steps BEFORE UPDATE ON slips FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('entered>posted', 'entered>declined', 'posted>refunding', 'refunding>refunded',
        'posted>corrected');
CREATE TRIGGER use_changes_road_steps BEFORE UPDATE ON use_changes FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('announced>in_force');
CREATE TRIGGER matches_terms BEFORE UPDATE ON matches FOR EACH ROW
    WHEN ((OLD.campaign_id, OLD.unit, OLD.for_each_fen, OLD.adds_fen, OLD.cap_fen, OLD.entered_by_id)
        IS DISTINCT FROM
        (NEW.campaign_id, NEW.unit, NEW.for_each_fen, NEW.adds_fen, NEW.cap_fen, NEW.entered_by_id)
        OR OLD.decided_by_id <> NEW.decided_by_id)
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER slips_terms BEFORE UPDATE ON slips FOR EACH ROW
    WHEN ((OLD.community_id, OLD.kind, OLD.campaign_id, OLD.via, OLD.amount_fen, OLD.giver_id, OLD.gift_id,
            OLD.match_id, OLD.transfer_id, OLD.note, OLD.entered_by_id)
        IS DISTINCT FROM
        (NEW.community_id, NEW.kind, NEW.campaign_id, NEW.via, NEW.amount_fen, NEW.giver_id, NEW.gift_id,
            NEW.match_id, NEW.transfer_id, NEW.note, NEW.entered_by_id)
        OR OLD.decided_by_id <> NEW.decided_by_id)
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER use_changes_terms BEFORE UPDATE ON use_changes FOR EACH ROW
    WHEN ((OLD.campaign_id, OLD.resolution_id, OLD.title, OLD.body, OLD.amount_fen, OLD.raised_fen, OLD.refund_until)
        IS DISTINCT FROM
        (NEW.campaign_id, NEW.resolution_id, NEW.title, NEW.body, NEW.amount_fen, NEW.raised_fen, NEW.refund_until))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER matches_stay BEFORE DELETE ON matches FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER slips_stay BEFORE DELETE ON slips FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER use_changes_stay BEFORE DELETE ON use_changes FOR EACH ROW EXECUTE FUNCTION keep_terms();

-- What people record by hand has its paper: everything but a correction, whose paper is the transfer it undoes.
CREATE FUNCTION refuse_without_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM attachments WHERE subject_kind = 'slip' AND subject_id = NEW.id) THEN
        RAISE EXCEPTION 'slip % has no evidence', NEW.id USING ERRCODE = '23514',
            CONSTRAINT = 'slips_evidence', TABLE = 'slips';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER slips_evidence AFTER UPDATE ON slips FOR EACH ROW
    WHEN (NEW.state = 'posted' AND NEW.kind <> 'correction') EXECUTE FUNCTION refuse_without_evidence();
"""

LEDGER = """
ALTER TABLE transfers ADD COLUMN corrects_id BIGINT REFERENCES transfers (id) ON DELETE RESTRICT,
    ADD CONSTRAINT transfers_counter_corrects CHECK ((leg LIKE 'counter\\_%') = (corrects_id IS NOT NULL));
CREATE UNIQUE INDEX transfers_corrected_once ON transfers (corrects_id) WHERE corrects_id IS NOT NULL;

-- A correction is the mirror image of what it corrects, whole.
CREATE FUNCTION refuse_crooked_mirror() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM transfers t WHERE t.id = NEW.corrects_id AND t.debit_account_id = NEW.credit_account_id
            AND t.credit_account_id = NEW.debit_account_id AND t.amount_fen = NEW.amount_fen
            AND NEW.leg = 'counter_' || t.leg
    ) THEN
        RAISE EXCEPTION 'transfer % is not undone by this', NEW.corrects_id USING ERRCODE = '23514',
            CONSTRAINT = 'transfers_mirror', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_mirror AFTER INSERT ON transfers FOR EACH ROW WHEN (NEW.corrects_id IS NOT NULL)
    EXECUTE FUNCTION refuse_crooked_mirror();

-- Nothing recorded by hand moves money before a second person has signed it, nor another sum than the slip says.
CREATE FUNCTION refuse_unsigned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM slips s WHERE s.id = NEW.source_id AND s.community_id = NEW.community_id
            AND s.amount_fen = NEW.amount_fen AND s.transfer_id IS NOT DISTINCT FROM NEW.corrects_id
            AND s.decided_by_id <> s.entered_by_id AND s.state NOT IN ('entered', 'declined')
    ) THEN
        RAISE EXCEPTION 'slip % is not signed by two', NEW.source_id USING ERRCODE = '23514',
            CONSTRAINT = 'transfers_signed_slip', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_signed_slip AFTER INSERT ON transfers FOR EACH ROW WHEN (NEW.source_kind = 'slip')
    EXECUTE FUNCTION refuse_unsigned();

-- While givers may still take back what is to be used otherwise, nobody spends it. The account is locked by now:
-- triggers run in the order of their names.
CREATE FUNCTION refuse_spending_reserved() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE reserved BIGINT;
BEGIN
    SELECT u.amount_fen - coalesce(
        (SELECT sum(amount_fen) FROM refunds WHERE use_change_id = u.id AND state <> 'closed'), 0)
    INTO reserved FROM use_changes u JOIN accounts a ON a.campaign_id = u.campaign_id
    WHERE a.id = NEW.debit_account_id AND u.state = 'announced';
    IF reserved > (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE credit_account_id = NEW.debit_account_id)
        - (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE debit_account_id = NEW.debit_account_id)
    THEN
        RAISE EXCEPTION 'account % keeps % for givers', NEW.debit_account_id, reserved USING ERRCODE = '23514',
            CONSTRAINT = 'transfers_reserved', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_reserved AFTER INSERT ON transfers FOR EACH ROW
    WHEN (NEW.leg NOT IN ('capture', 'set_aside', 'returned', 'refunded', 'received', 'matched'))
    EXECUTE FUNCTION refuse_spending_reserved();
"""


def upgrade() -> None:
    run_script(CAMPAIGNS + SLIPS + LEDGER)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER transfers_mirror ON transfers;
    DROP TRIGGER transfers_signed_slip ON transfers;
    DROP TRIGGER transfers_reserved ON transfers;
    DROP TRIGGER campaigns_terms ON campaigns;
    DROP TRIGGER refunds_terms ON refunds;
    DROP TRIGGER pledges_road_steps ON pledges;
    DROP TABLE slips, matches;
    ALTER TABLE transfers DROP COLUMN corrects_id CASCADE;
    ALTER TABLE refunds DROP COLUMN use_change_id CASCADE;
    DROP TABLE use_changes;
    ALTER TABLE campaigns DROP COLUMN extended_from CASCADE, DROP COLUMN surplus_campaign_id CASCADE,
        DROP COLUMN surplus_resolution_id CASCADE;
    DROP FUNCTION refuse_old_resolution, refuse_without_evidence, refuse_crooked_mirror, refuse_unsigned,
        refuse_spending_reserved;
    CREATE TRIGGER campaigns_terms BEFORE UPDATE ON campaigns FOR EACH ROW
        WHEN ((OLD.community_id, OLD.legal_path, OLD.kind, OLD.goal_fen, OLD.minimum_fen, OLD.deadline,
            OLD.resolution_id)
            IS DISTINCT FROM (NEW.community_id, NEW.legal_path, NEW.kind, NEW.goal_fen, NEW.minimum_fen, NEW.deadline,
            NEW.resolution_id))
        EXECUTE FUNCTION keep_terms();
    CREATE TRIGGER refunds_terms BEFORE UPDATE ON refunds FOR EACH ROW
        WHEN ((OLD.order_id, OLD.number, OLD.out_refund_no, OLD.amount_fen, OLD.reason)
            IS DISTINCT FROM (NEW.order_id, NEW.number, NEW.out_refund_no, NEW.amount_fen, NEW.reason))
        EXECUTE FUNCTION keep_terms();
    CREATE TRIGGER pledges_road_steps BEFORE UPDATE ON pledges FOR EACH ROW WHEN (OLD.state <> NEW.state)
        EXECUTE FUNCTION follow_road('awaiting_payment>paid', 'awaiting_payment>expired', 'expired>paid',
            'paid>refunding', 'refunding>refunded', 'refunding>paid', 'promised>received', 'promised>withdrawn');
    """)
