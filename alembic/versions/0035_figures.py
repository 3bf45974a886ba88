"""Figures of places by day: changes noted as they happen, and sums of closed days, months and years."""

from app.core.migrations import run_script

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE figure_entries (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    measure VARCHAR(32) NOT NULL,
    dimension VARCHAR(32) NOT NULL,
    amount BIGINT NOT NULL
);
CREATE INDEX figure_entries_by_time ON figure_entries (community_id, created_at);
CREATE TRIGGER figure_entries_append_only BEFORE UPDATE OR DELETE ON figure_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER figure_entries_not_emptied BEFORE TRUNCATE ON figure_entries EXECUTE FUNCTION refuse_change();

CREATE TABLE need_responses (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    need_id BIGINT NOT NULL REFERENCES needs (id) ON DELETE RESTRICT,
    step VARCHAR(8) NOT NULL,
    hours INT NOT NULL,
    late BOOL,
    CONSTRAINT need_responses_once UNIQUE (need_id, step),
    CONSTRAINT need_responses_step CHECK (step IN ('answer', 'decision')),
    CONSTRAINT need_responses_hours CHECK (hours >= 0),
    CONSTRAINT need_responses_same_community
        FOREIGN KEY (need_id, community_id) REFERENCES needs (id, community_id) ON DELETE RESTRICT
);
CREATE INDEX need_responses_by_time ON need_responses (community_id, created_at);
CREATE TRIGGER need_responses_append_only BEFORE UPDATE OR DELETE ON need_responses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER need_responses_not_emptied BEFORE TRUNCATE ON need_responses EXECUTE FUNCTION refuse_change();

CREATE TABLE figures (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    span VARCHAR(8) NOT NULL,
    from_on DATE NOT NULL,
    measure VARCHAR(32) NOT NULL,
    dimension VARCHAR(32) NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT figures_once UNIQUE (community_id, span, from_on, measure, dimension),
    CONSTRAINT figures_span CHECK (span IN ('day', 'month', 'year') AND date_trunc(span, from_on::timestamp) = from_on)
);
CREATE TRIGGER figures_append_only BEFORE UPDATE OR DELETE ON figures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER figures_not_emptied BEFORE TRUNCATE ON figures EXECUTE FUNCTION refuse_change();

CREATE TABLE figure_marks (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL UNIQUE REFERENCES places (id) ON DELETE RESTRICT,
    until_on DATE NOT NULL
);
CREATE FUNCTION keep_figure_marks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was summed up stays so' USING ERRCODE = '23514',
        CONSTRAINT = 'figure_marks_forward', TABLE = 'figure_marks';
END $$;
CREATE TRIGGER figure_marks_forward BEFORE UPDATE ON figure_marks FOR EACH ROW
    WHEN (NEW.until_on < OLD.until_on OR NEW.community_id <> OLD.community_id) EXECUTE FUNCTION keep_figure_marks();

CREATE TABLE participations (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    deed VARCHAR(16) NOT NULL,
    months BIT(1200) NOT NULL,
    CONSTRAINT participations_once UNIQUE (community_id, resident_id, deed),
    CONSTRAINT participations_deed CHECK (
        deed IN ('wrote', 'endorsed', 'voted', 'signed_up', 'pledged', 'served')),
    CONSTRAINT participations_months CHECK (position(B'1' IN months) > 0)
);
-- Which month since January 2000 a moment lies in, by Shanghai's calendar.
CREATE FUNCTION month_number(at TIMESTAMPTZ) RETURNS INT LANGUAGE sql IMMUTABLE AS $$
    SELECT ((extract(year FROM at AT TIME ZONE 'Asia/Shanghai') - 2000) * 12
        + extract(month FROM at AT TIME ZONE 'Asia/Shanghai') - 1)::int
$$;

CREATE INDEX needs_by_time ON needs (community_id, created_at);
CREATE INDEX wishes_by_time ON wishes (community_id, created_at);
CREATE INDEX comments_by_time ON comments (community_id, created_at);
CREATE INDEX endorsements_by_time ON endorsements (community_id, created_at);
CREATE INDEX signups_by_time ON signups (community_id, created_at);
CREATE INDEX pledges_by_time ON pledges (community_id, created_at);
CREATE INDEX service_records_by_time ON service_records (community_id, created_at);
CREATE INDEX transfers_by_time ON transfers (community_id, created_at);
CREATE INDEX resolutions_by_time ON resolutions (community_id, created_at);
CREATE INDEX results_by_time ON results (community_id, created_at);
CREATE INDEX deliberations_by_close ON deliberations (community_id, closed_at) WHERE closed_at IS NOT NULL;
"""

# What one row adds to the figures of its community as it stands. What others may not see adds nothing.
COUNTED = """
CREATE FUNCTION figures_of(n needs) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$
    SELECT f.measure, f.dimension, 1::bigint FROM (VALUES
        ('needs', ''), ('needs_by_field', n.field), ('needs_by_class', n.service_class), ('needs_by_state', n.state),
        ('needs_by_route', n.route), ('needs_done', CASE WHEN n.state IN ('done', 'rated', 'closed') THEN '' END)
    ) AS f (measure, dimension) WHERE n.moderation = 'passed' AND f.dimension IS NOT NULL
$$;
CREATE FUNCTION figures_of(w wishes) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$
    SELECT f.measure, f.dimension, f.amount FROM (VALUES
        ('wishes', '', 1::bigint), ('wishes_by_state', w.state, 1), ('wishes_by_kind', w.kind, 1),
        ('wishes_confirmed', CASE w.state WHEN 'confirmed' THEN '' END, 1),
        ('wishes_value_fen', CASE w.state WHEN 'confirmed' THEN '' END, w.value_fen)
    ) AS f (measure, dimension, amount)
    WHERE w.moderation = 'passed' AND w.state NOT IN ('in_review', 'withdrawn')
        AND f.dimension IS NOT NULL AND f.amount IS NOT NULL
$$;
CREATE FUNCTION figures_of(d deliberations) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$
    SELECT f.measure, f.dimension, 1::bigint FROM (VALUES
        ('deliberations', CASE WHEN d.state <> 'withdrawn' THEN '' END), ('deliberations_by_state', d.state)
    ) AS f (measure, dimension) WHERE d.moderation = 'passed' AND f.dimension IS NOT NULL
$$;
CREATE FUNCTION figures_of(a activities) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$
    SELECT f.measure, f.dimension, 1::bigint
    FROM (VALUES ('activities', ''), ('activities_by_kind', a.kind)) AS f (measure, dimension)
    WHERE a.moderation = 'passed'
$$;
CREATE FUNCTION figures_of(c campaigns) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$
    SELECT f.measure, f.dimension, 1::bigint FROM (VALUES
        ('campaigns', ''), ('campaigns_by_state', c.state), ('campaigns_by_path', c.legal_path)
    ) AS f (measure, dimension) WHERE c.published_by_id IS NOT NULL
$$;
CREATE FUNCTION figures_of(t teams) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$ SELECT 'teams', '', 1::bigint $$;
CREATE FUNCTION figures_of(m team_members) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$ SELECT 'team_members', '', 1::bigint $$;
CREATE FUNCTION figures_of(p pledges) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$
    SELECT 'in_kind_fen', '', p.amount_fen WHERE p.kind = 'in_kind' AND p.state = 'received'
$$;
CREATE FUNCTION figures_of(i incomes) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql STABLE AS $$
    SELECT 'raised_fen', c.legal_path, i.amount_fen FROM campaigns c
    WHERE c.id = i.campaign_id AND c.legal_path = 'charity' AND i.struck_by_id IS NULL
$$;
CREATE FUNCTION figures_of(s service_records) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql IMMUTABLE AS $$ SELECT 'service_minutes', '', s.minutes::bigint $$;
CREATE FUNCTION figures_of(s service_corrections) RETURNS TABLE (measure TEXT, dimension TEXT, amount BIGINT)
LANGUAGE sql STABLE AS $$
    SELECT 'service_minutes', '', (s.minutes - coalesce(before.minutes, r.minutes))::bigint
    FROM service_records r LEFT JOIN service_corrections before
        ON before.record_id = r.id AND before.number = s.number - 1
    WHERE r.id = s.record_id
$$;

-- The change is noted with the row that changed; what was inserted counts from the time that it bears itself.
CREATE FUNCTION note_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO figure_entries (created_at, community_id, measure, dimension, amount)
        SELECT NEW.created_at, NEW.community_id, f.measure, f.dimension, f.amount FROM figures_of(NEW) f
        WHERE f.amount <> 0;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO figure_entries (created_at, community_id, measure, dimension, amount)
        SELECT clock_now(), NEW.community_id, f.measure, f.dimension, sum(f.amount)
        FROM (SELECT * FROM figures_of(NEW) UNION ALL SELECT measure, dimension, -amount FROM figures_of(OLD)) f
        GROUP BY f.measure, f.dimension HAVING sum(f.amount) <> 0;
    ELSE
        INSERT INTO figure_entries (created_at, community_id, measure, dimension, amount)
        SELECT clock_now(), OLD.community_id, f.measure, f.dimension, -f.amount FROM figures_of(OLD) f;
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER needs_figures AFTER INSERT OR UPDATE OF state, moderation, route ON needs
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER wishes_figures AFTER INSERT OR UPDATE OF state, moderation ON wishes
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER deliberations_figures AFTER INSERT OR UPDATE OF state, moderation ON deliberations
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER activities_figures AFTER INSERT OR UPDATE OF moderation ON activities
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER campaigns_figures AFTER INSERT OR UPDATE OF state, published_by_id ON campaigns
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER teams_figures AFTER INSERT ON teams FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER team_members_figures AFTER INSERT OR DELETE ON team_members
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER pledges_figures AFTER UPDATE OF state ON pledges
    FOR EACH ROW WHEN (NEW.kind = 'in_kind') EXECUTE FUNCTION note_figures();
CREATE TRIGGER incomes_figures AFTER INSERT OR UPDATE OF struck_by_id ON incomes
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER service_records_figures AFTER INSERT ON service_records
    FOR EACH ROW EXECUTE FUNCTION note_figures();
CREATE TRIGGER service_corrections_figures AFTER INSERT ON service_corrections
    FOR EACH ROW EXECUTE FUNCTION note_figures();

-- The first answer is the first step that staff take; the decision settles what is done. Each counts once per need.
CREATE FUNCTION note_need_response() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE now TIMESTAMPTZ := clock_now();
BEGIN
    IF OLD.state = 'submitted' THEN
        INSERT INTO need_responses (created_at, community_id, need_id, step, hours, late)
        VALUES (now, NEW.community_id, NEW.id, 'answer',
            greatest(floor(extract(epoch FROM now - NEW.created_at) / 3600), 0)::int, OLD.due_at <= now)
        ON CONFLICT ON CONSTRAINT need_responses_once DO NOTHING;
    END IF;
    IF NEW.state <> 'accepted' THEN
        INSERT INTO need_responses (created_at, community_id, need_id, step, hours, late)
        VALUES (now, NEW.community_id, NEW.id, 'decision',
            greatest(floor(extract(epoch FROM now - NEW.created_at) / 3600), 0)::int, OLD.decision_due_at <= now)
        ON CONFLICT ON CONSTRAINT need_responses_once DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER needs_response AFTER UPDATE OF state ON needs FOR EACH ROW
    WHEN (OLD.state IN ('submitted', 'accepted')
        AND NEW.state IN ('accepted', 'routed', 'in_progress', 'done', 'declined', 'merged') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION note_need_response();
"""
COUNTING = (
    "needs", "wishes", "deliberations", "activities", "campaigns", "teams", "team_members", "pledges", "incomes",
    "service_records", "service_corrections",
)  # fmt: skip

# What was there before: as it stands, on the day it was made.
BEFORE = "\n".join(
    f"""
INSERT INTO figure_entries (created_at, community_id, measure, dimension, amount)
SELECT t.created_at, t.community_id, f.measure, f.dimension, f.amount FROM {table} t, figures_of(t) f
WHERE f.amount <> 0;"""
    for table in COUNTING
)


def upgrade() -> None:
    run_script(TABLES)
    run_script(COUNTED)
    run_script(BEFORE)
    run_script(TRIGGERS)


def downgrade() -> None:
    triggers = "".join(f"DROP TRIGGER {table}_figures ON {table};" for table in COUNTING)
    functions = "".join(f"DROP FUNCTION figures_of({table});" for table in COUNTING)
    indexes = ", ".join(
        f"{table}_by_time"
        for table in (
            "needs", "wishes", "comments", "endorsements", "signups", "pledges", "service_records", "transfers",
            "resolutions", "results",
        )
    )  # fmt: skip
    run_script(f"""
        {triggers} DROP TRIGGER needs_response ON needs; DROP FUNCTION note_need_response();
        DROP FUNCTION note_figures(); {functions}
        DROP INDEX {indexes}, deliberations_by_close;
        DROP TABLE participations, figure_marks, figures, need_responses, figure_entries;
        DROP FUNCTION keep_figure_marks();
        DROP FUNCTION month_number(TIMESTAMPTZ);
    """)
