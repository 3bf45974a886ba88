"""A resolution may send a surplus; what was paid in error is undone; what the government grants enters the books."""

from app.core.migrations import run_script

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


SURPLUS = """
ALTER TABLE campaigns DROP CONSTRAINT campaigns_surplus_by_resolution,
    ADD CONSTRAINT campaigns_surplus_by_resolution CHECK (
        (surplus_campaign_id IS NULL OR surplus_resolution_id IS NOT NULL) AND surplus_campaign_id IS DISTINCT FROM id);
"""

RELEASES = """
ALTER TABLE use_changes ADD COLUMN budget_line_id BIGINT,
    ADD CONSTRAINT use_changes_of_line
        FOREIGN KEY (budget_line_id, campaign_id) REFERENCES budget_lines (id, campaign_id) ON DELETE RESTRICT;
DROP TRIGGER use_changes_terms ON use_changes;
CREATE TRIGGER use_changes_terms BEFORE UPDATE ON use_changes FOR EACH ROW
    WHEN ((OLD.campaign_id, OLD.resolution_id, OLD.title, OLD.body, OLD.amount_fen, OLD.raised_fen, OLD.refund_until,
            OLD.budget_line_id)
        IS DISTINCT FROM
        (NEW.campaign_id, NEW.resolution_id, NEW.title, NEW.body, NEW.amount_fen, NEW.raised_fen, NEW.refund_until,
            NEW.budget_line_id))
    EXECUTE FUNCTION keep_terms();

CREATE TABLE line_releases (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    budget_line_id BIGINT NOT NULL REFERENCES budget_lines (id) ON DELETE RESTRICT,
    campaign_id BIGINT NOT NULL,
    use_change_id BIGINT NOT NULL REFERENCES use_changes (id) ON DELETE RESTRICT,
    amount_fen BIGINT NOT NULL,
    CONSTRAINT line_releases_once UNIQUE (budget_line_id, use_change_id),
    CONSTRAINT line_releases_amount CHECK (amount_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT line_releases_of_line
        FOREIGN KEY (budget_line_id, campaign_id) REFERENCES budget_lines (id, campaign_id) ON DELETE RESTRICT,
    CONSTRAINT line_releases_same_community
        FOREIGN KEY (use_change_id, community_id) REFERENCES use_changes (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX line_releases_by_campaign ON line_releases (campaign_id);
CREATE TRIGGER line_releases_append_only BEFORE UPDATE OR DELETE ON line_releases
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER line_releases_not_emptied BEFORE TRUNCATE ON line_releases EXECUTE FUNCTION refuse_change();

-- What a line still holds: its amount, less what changes of use have taken and what was paid.
CREATE FUNCTION left_of_line(line BIGINT) RETURNS BIGINT LANGUAGE sql STABLE AS $$
    SELECT (l.amount_fen
        - coalesce((SELECT sum(r.amount_fen) FROM line_releases r WHERE r.budget_line_id = l.id), 0)
        - coalesce((SELECT sum(e.amount_fen) FROM expenses e WHERE e.budget_line_id = l.id AND e.state = 'paid'), 0)
        )::bigint
    FROM budget_lines l WHERE l.id = line
$$;
CREATE FUNCTION refuse_overreleasing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM campaigns WHERE id = NEW.campaign_id FOR NO KEY UPDATE;
    IF left_of_line(NEW.budget_line_id) < 0 THEN
        RAISE EXCEPTION 'budget line % has too little left', NEW.budget_line_id USING ERRCODE = '23514',
            CONSTRAINT = 'line_releases_within_line', TABLE = 'line_releases';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_releases_within_line AFTER INSERT ON line_releases
    FOR EACH ROW EXECUTE FUNCTION refuse_overreleasing();

CREATE FUNCTION refuse_spending_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.amount_fen > left_of_line(NEW.budget_line_id) THEN
        RAISE EXCEPTION 'budget line % has too little left', NEW.budget_line_id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_within_line', TABLE = 'expenses';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER expenses_within_line BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state = 'paid' AND NEW.campaign_id IS NOT NULL)
    EXECUTE FUNCTION refuse_spending_released();

-- Changes of use that came into force before took from the lines in their order.
SET CONSTRAINTS ALL IMMEDIATE;
DO $$
DECLARE
    made RECORD;
    old RECORD;
    taken BIGINT;
    rest BIGINT;
BEGIN
    FOR made IN SELECT * FROM budget_lines WHERE use_change_id IS NOT NULL ORDER BY id LOOP
        rest := made.amount_fen;
        FOR old IN SELECT * FROM budget_lines WHERE campaign_id = made.campaign_id AND id < made.id ORDER BY id LOOP
            taken := least(rest, left_of_line(old.id));
            IF taken > 0 THEN
                INSERT INTO line_releases (community_id, budget_line_id, campaign_id, use_change_id, amount_fen)
                VALUES (made.community_id, old.id, made.campaign_id, made.use_change_id, taken);
                rest := rest - taken;
            END IF;
        END LOOP;
    END LOOP;
END $$;
"""

PAYEES = """
ALTER TABLE expenses ADD COLUMN payee_is_no_resident BOOL NOT NULL DEFAULT false,
    ADD CONSTRAINT expenses_payee_no_resident
        CHECK (NOT payee_is_no_resident OR payee_kind = 'person' AND payee_resident_id IS NULL);
"""

# A payment that was wrong is undone by its mirror image; then its line, its purse and its receipt are free again.
CORRECTIONS = """
ALTER TABLE expenses DROP CONSTRAINT expenses_paid_says_how,
    ADD CONSTRAINT expenses_paid_says_how CHECK (
        CASE WHEN state IN ('paid', 'corrected') THEN num_nulls(paid_by_id, paid_at) = 0
            ELSE num_nonnulls(paid_by_id, paid_at, reference) = 0 END);
DROP TRIGGER expenses_road_steps ON expenses;
CREATE TRIGGER expenses_road_steps BEFORE UPDATE ON expenses FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('requested>approved', 'requested>rejected', 'requested>withdrawn', 'approved>paid',
        'approved>rejected', 'approved>withdrawn', 'paid>corrected');
DROP TRIGGER expenses_terms ON expenses;
CREATE TRIGGER expenses_terms BEFORE UPDATE ON expenses FOR EACH ROW
    WHEN ((OLD.community_id, OLD.campaign_id, OLD.budget_line_id, OLD.resolution_id, OLD.requester_id, OLD.payee,
            OLD.payee_resident_id, OLD.payee_is_no_resident, OLD.purpose, OLD.amount_fen)
        IS DISTINCT FROM (NEW.community_id, NEW.campaign_id, NEW.budget_line_id, NEW.resolution_id, NEW.requester_id,
            NEW.payee, NEW.payee_resident_id, NEW.payee_is_no_resident, NEW.purpose, NEW.amount_fen)
        OR OLD.state IN ('paid', 'corrected') AND (OLD.paid_by_id, OLD.paid_at, OLD.reference)
            IS DISTINCT FROM (NEW.paid_by_id, NEW.paid_at, NEW.reference))
    EXECUTE FUNCTION keep_terms();
CREATE FUNCTION refuse_unposted_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM transfers t JOIN transfers c ON c.corrects_id = t.id
        WHERE t.source_kind = 'expense' AND t.source_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'expense % was not undone in the ledger', NEW.id USING ERRCODE = '23514',
            CONSTRAINT = 'expenses_undone', TABLE = 'expenses';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER expenses_undone AFTER UPDATE ON expenses DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'corrected') EXECUTE FUNCTION refuse_unposted_correction();

-- Cash that was noted wrongly may be undone though its campaign has come to nothing and owes it back.
DROP TRIGGER slips_road_steps ON slips;
CREATE TRIGGER slips_road_steps BEFORE UPDATE ON slips FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION follow_road('entered>posted', 'entered>declined', 'posted>refunding', 'refunding>refunded',
        'posted>corrected', 'refunding>corrected');

CREATE OR REPLACE FUNCTION refuse_used_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_picture BIGINT;
BEGIN
    SELECT p.id INTO of_picture FROM pictures p JOIN media m ON m.picture_id = p.id WHERE m.id = NEW.media_id
        FOR NO KEY UPDATE OF p;
    IF EXISTS (
        SELECT 1 FROM media m JOIN attachments a ON a.media_id = m.id
        LEFT JOIN expenses e ON NEW.subject_kind = 'expense' AND e.id = a.subject_id
            AND e.state NOT IN ('rejected', 'withdrawn', 'corrected')
        LEFT JOIN slips s ON NEW.subject_kind = 'slip' AND s.id = a.subject_id
            AND s.state NOT IN ('declined', 'corrected')
        WHERE m.picture_id = of_picture AND a.subject_kind = NEW.subject_kind AND a.subject_id <> NEW.subject_id
            AND (e.id IS NOT NULL OR s.id IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'picture % was used before', of_picture USING ERRCODE = '23514',
            CONSTRAINT = 'attachments_receipt_once', TABLE = 'attachments';
    END IF;
    RETURN NEW;
END $$;
"""

# New rules of spending hold before a payment or after it, too, however they come about.
RULES = """
CREATE TRIGGER fund_rules_beside_no_payment BEFORE INSERT OR UPDATE ON fund_rules
    EXECUTE FUNCTION wait_for_payments();
"""

# What the government grants comes by bank: the income is noted by its document, its slip moves the books once a second
# person has signed. Where a charity raises, our books hold nothing, so nothing is owed for it or paid out of it.
PATHS = """
ALTER TABLE incomes ADD CONSTRAINT incomes_in_campaign UNIQUE (id, campaign_id);
ALTER TABLE slips ADD COLUMN income_id BIGINT,
    ADD CONSTRAINT slips_of_income
        FOREIGN KEY (income_id, campaign_id) REFERENCES incomes (id, campaign_id) ON DELETE RESTRICT,
    ADD CONSTRAINT slips_income CHECK (
        income_id IS NULL OR kind = 'gift' AND via = 'bank' AND campaign_id IS NOT NULL AND giver_id IS NULL);
CREATE UNIQUE INDEX slips_one_per_income ON slips (income_id) WHERE income_id IS NOT NULL;
CREATE TRIGGER slips_income_stays BEFORE UPDATE ON slips FOR EACH ROW
    WHEN (OLD.income_id IS DISTINCT FROM NEW.income_id) EXECUTE FUNCTION keep_terms();
DROP TRIGGER slips_evidence ON slips;
CREATE TRIGGER slips_evidence AFTER UPDATE ON slips FOR EACH ROW
    WHEN (NEW.state = 'posted' AND NEW.kind <> 'correction' AND NEW.income_id IS NULL)
    EXECUTE FUNCTION refuse_without_evidence();

DROP TRIGGER slips_on_path ON slips;
CREATE TRIGGER slips_on_path BEFORE INSERT ON slips FOR EACH ROW EXECUTE FUNCTION keep_to_path('charity');
CREATE TRIGGER slips_gifts_on_path BEFORE INSERT ON slips FOR EACH ROW
    WHEN (NEW.kind = 'gift' AND NEW.income_id IS NULL) EXECUTE FUNCTION keep_to_path('government');
CREATE TRIGGER slips_incomes_on_path BEFORE INSERT ON slips FOR EACH ROW
    WHEN (NEW.income_id IS NOT NULL) EXECUTE FUNCTION keep_to_path('community');
CREATE TRIGGER matches_on_path BEFORE INSERT ON matches FOR EACH ROW EXECUTE FUNCTION keep_to_path('charity');
CREATE TRIGGER expenses_on_path BEFORE INSERT ON expenses FOR EACH ROW EXECUTE FUNCTION keep_to_path('charity');
"""

# What is for sale is taken by orders that wait, and by what was paid; what expires or is refunded gives it back. Money
# that comes late takes nothing: it is sent back.
SALE = """
CREATE TABLE sale_items (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id) ON DELETE RESTRICT,
    title VARCHAR(60) NOT NULL,
    price_fen BIGINT NOT NULL,
    quantity INT NOT NULL,
    taken INT NOT NULL,
    offered BOOL NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT sale_items_in_campaign UNIQUE (id, campaign_id),
    CONSTRAINT sale_items_one_title UNIQUE (campaign_id, title),
    CONSTRAINT sale_items_same_community
        FOREIGN KEY (campaign_id, community_id) REFERENCES campaigns (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT sale_items_price CHECK (price_fen BETWEEN 1 AND 1000000000),
    CONSTRAINT sale_items_quantity CHECK (quantity BETWEEN 1 AND 10000),
    CONSTRAINT sale_items_stock CHECK (taken BETWEEN 0 AND quantity)
);
CREATE TRIGGER sale_items_terms BEFORE UPDATE ON sale_items FOR EACH ROW
    WHEN ((OLD.community_id, OLD.campaign_id, OLD.title) IS DISTINCT FROM
        (NEW.community_id, NEW.campaign_id, NEW.title))
    EXECUTE FUNCTION keep_terms();
CREATE TRIGGER sale_items_stay BEFORE DELETE ON sale_items FOR EACH ROW EXECUTE FUNCTION keep_terms();

ALTER TABLE pledges ADD COLUMN sale_item_id BIGINT, ADD COLUMN quantity SMALLINT,
    ADD CONSTRAINT pledges_item_of_campaign
        FOREIGN KEY (sale_item_id, campaign_id) REFERENCES sale_items (id, campaign_id) ON DELETE RESTRICT,
    ADD CONSTRAINT pledges_sale CHECK (
        (sale_item_id IS NULL) = (quantity IS NULL) AND (sale_item_id IS NULL OR kind = 'sale')
        AND quantity BETWEEN 1 AND 1000);
CREATE INDEX pledges_by_item ON pledges (sale_item_id) WHERE sale_item_id IS NOT NULL;
CREATE TRIGGER pledges_sale_stays BEFORE UPDATE ON pledges FOR EACH ROW
    WHEN ((OLD.sale_item_id, OLD.quantity) IS DISTINCT FROM (NEW.sale_item_id, NEW.quantity))
    EXECUTE FUNCTION keep_terms();

CREATE FUNCTION take_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sale_items SET taken = taken + NEW.quantity
    WHERE id = NEW.sale_item_id AND offered AND price_fen * NEW.quantity = NEW.amount_fen;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'item % is not sold for that', NEW.sale_item_id USING ERRCODE = '23514',
            CONSTRAINT = 'pledges_sale_price', TABLE = 'pledges';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER pledges_sale_price AFTER INSERT ON pledges FOR EACH ROW WHEN (NEW.sale_item_id IS NOT NULL)
    EXECUTE FUNCTION take_stock();
CREATE FUNCTION give_stock_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sale_items SET taken = taken - OLD.quantity WHERE id = OLD.sale_item_id;
    RETURN NULL;
END $$;
CREATE TRIGGER pledges_give_stock_back AFTER UPDATE ON pledges FOR EACH ROW
    WHEN (NEW.sale_item_id IS NOT NULL AND OLD.state <> NEW.state AND NOT OLD.late
        AND NEW.state IN ('expired', 'refunded'))
    EXECUTE FUNCTION give_stock_back();
"""


def upgrade() -> None:
    run_script(SURPLUS + RELEASES + PAYEES + CORRECTIONS + RULES + PATHS + SALE)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER pledges_give_stock_back ON pledges;
    DROP TRIGGER pledges_sale_price ON pledges;
    DROP TRIGGER pledges_sale_stays ON pledges;
    DROP FUNCTION take_stock, give_stock_back;
    ALTER TABLE pledges DROP COLUMN sale_item_id, DROP COLUMN quantity;
    DROP TABLE sale_items;
    DROP TRIGGER fund_rules_beside_no_payment ON fund_rules;
    DROP TRIGGER expenses_on_path ON expenses;
    DROP TRIGGER matches_on_path ON matches;
    DROP TRIGGER slips_incomes_on_path ON slips;
    DROP TRIGGER slips_gifts_on_path ON slips;
    DROP TRIGGER slips_evidence ON slips;
    CREATE TRIGGER slips_evidence AFTER UPDATE ON slips FOR EACH ROW
        WHEN (NEW.state = 'posted' AND NEW.kind <> 'correction') EXECUTE FUNCTION refuse_without_evidence();
    DROP TRIGGER slips_income_stays ON slips;
    ALTER TABLE slips DROP COLUMN income_id;
    ALTER TABLE incomes DROP CONSTRAINT incomes_in_campaign;
    DROP TRIGGER expenses_undone ON expenses;
    DROP FUNCTION refuse_unposted_correction;
    DROP TRIGGER expenses_terms ON expenses;
    ALTER TABLE expenses DROP COLUMN payee_is_no_resident;
    CREATE TRIGGER expenses_terms BEFORE UPDATE ON expenses FOR EACH ROW
        WHEN ((OLD.community_id, OLD.campaign_id, OLD.budget_line_id, OLD.resolution_id, OLD.requester_id, OLD.payee,
                OLD.payee_resident_id, OLD.purpose, OLD.amount_fen)
            IS DISTINCT FROM (NEW.community_id, NEW.campaign_id, NEW.budget_line_id, NEW.resolution_id,
                NEW.requester_id, NEW.payee, NEW.payee_resident_id, NEW.purpose, NEW.amount_fen)
            OR OLD.state = 'paid' AND (OLD.paid_by_id, OLD.paid_at, OLD.reference)
                IS DISTINCT FROM (NEW.paid_by_id, NEW.paid_at, NEW.reference))
        EXECUTE FUNCTION keep_terms();
    DROP TRIGGER expenses_within_line ON expenses;
    DROP FUNCTION refuse_spending_released;
    DROP TABLE line_releases;
    DROP FUNCTION refuse_overreleasing, left_of_line;
    DROP TRIGGER use_changes_terms ON use_changes;
    CREATE TRIGGER use_changes_terms BEFORE UPDATE ON use_changes FOR EACH ROW
        WHEN ((OLD.campaign_id, OLD.resolution_id, OLD.title, OLD.body, OLD.amount_fen, OLD.raised_fen,
                OLD.refund_until)
            IS DISTINCT FROM
            (NEW.campaign_id, NEW.resolution_id, NEW.title, NEW.body, NEW.amount_fen, NEW.raised_fen,
                NEW.refund_until))
        EXECUTE FUNCTION keep_terms();
    ALTER TABLE use_changes DROP COLUMN budget_line_id;
    ALTER TABLE campaigns DROP CONSTRAINT campaigns_surplus_by_resolution;
    UPDATE campaigns SET surplus_resolution_id = NULL WHERE surplus_campaign_id IS NULL;
    ALTER TABLE campaigns ADD CONSTRAINT campaigns_surplus_by_resolution CHECK (
        (surplus_campaign_id IS NULL) = (surplus_resolution_id IS NULL) AND surplus_campaign_id IS DISTINCT FROM id);
    """)
