"""Meetings, petitions, supports, options proposed, and what follows a resolution."""

from app.core.migrations import run_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COMMENTS = """
ALTER TABLE comments
    ADD COLUMN supports INT NOT NULL DEFAULT 0,
    ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN hidden_for_id BIGINT REFERENCES reasons (id) ON DELETE RESTRICT,
    ADD CONSTRAINT comments_in_community UNIQUE (id, community_id),
    ADD CONSTRAINT comments_supports CHECK (supports >= 0),
    ADD CONSTRAINT comments_pinned CHECK (NOT pinned OR parent_id IS NULL),
    ADD CONSTRAINT comments_hidden CHECK (hidden_for_id IS NULL OR (moderation = 'hidden' AND NOT pinned));
DROP INDEX comments_by_subject;
CREATE INDEX comments_by_subject ON comments (subject_kind, subject_id, pinned DESC, id DESC);
CREATE UNIQUE INDEX comments_one_pinned ON comments (subject_kind, subject_id) WHERE pinned;
CREATE INDEX comments_by_parent ON comments (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE comment_supports (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    comment_id BIGINT NOT NULL REFERENCES comments (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT comment_supports_once UNIQUE (comment_id, resident_id),
    CONSTRAINT comment_supports_same_community
        FOREIGN KEY (comment_id, community_id) REFERENCES comments (id, community_id) ON DELETE RESTRICT
);
CREATE FUNCTION count_supports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        UPDATE comments SET supports = supports - 1 WHERE id = OLD.comment_id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        UPDATE comments SET supports = supports + 1 WHERE id = NEW.comment_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER comment_supports_counted AFTER INSERT OR DELETE OR UPDATE OF comment_id ON comment_supports
    FOR EACH ROW EXECUTE FUNCTION count_supports();
"""

PHASES = """
-- A vote that the clock opens late ends as much later, so its end may lie 90 days after its opening.
ALTER TABLE deliberations DROP CONSTRAINT deliberations_dates;
ALTER TABLE deliberations ADD CONSTRAINT deliberations_dates CHECK (
    discussion_until < voting_until AND voting_until > created_at
    AND voting_until <= coalesce(opened_at, created_at) + interval '90 days'
);

CREATE TABLE option_proposals (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    title VARCHAR(60) NOT NULL,
    cost_fen BIGINT,
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT option_proposals_cost CHECK (cost_fen BETWEEN 1 AND 1000000000000),
    CONSTRAINT option_proposals_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT option_proposals_state CHECK (state IN ('proposed', 'accepted', 'declined', 'withdrawn'))
);
CREATE UNIQUE INDEX option_proposals_one_title ON option_proposals (deliberation_id, title) WHERE state = 'proposed';
CREATE INDEX option_proposals_by_deliberation ON option_proposals (deliberation_id, id DESC);
CREATE FUNCTION guard_option_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM deliberations WHERE id = NEW.deliberation_id FOR SHARE;
    IF NOT EXISTS (SELECT 1 FROM deliberations WHERE id = NEW.deliberation_id AND state = 'discussion') THEN
        RAISE EXCEPTION 'nothing is discussed' USING ERRCODE = '23514',
            CONSTRAINT = 'option_proposals_while_discussed', TABLE = 'option_proposals';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER option_proposals_while_discussed BEFORE INSERT OR UPDATE OF state ON option_proposals
    FOR EACH ROW WHEN (NEW.state IN ('proposed', 'accepted')) EXECUTE FUNCTION guard_option_proposal();
"""

MEETINGS = """
CREATE TABLE meetings (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    roll VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    place_text VARCHAR(200),
    online_url VARCHAR(500),
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    announced_at TIMESTAMPTZ,
    expected INT,
    present INT,
    minutes TEXT,
    minutes_moderation VARCHAR(16) NOT NULL,
    CONSTRAINT meetings_in_community UNIQUE (id, community_id),
    CONSTRAINT meetings_state CHECK (state IN ('planned', 'held', 'cancelled')),
    CONSTRAINT meetings_roll CHECK (
        (kind = 'residents' AND roll IN ('residents', 'households'))
        OR (kind = 'representatives' AND roll = 'representatives') OR (kind = 'consultation' AND roll = 'residents')
    ),
    CONSTRAINT meetings_somewhere CHECK (num_nonnulls(place_text, online_url) >= 1),
    CONSTRAINT meetings_time CHECK (
        starts_at > created_at AND starts_at <= created_at + interval '366 days'
        AND ends_at > starts_at AND ends_at <= starts_at + interval '24 hours'
    ),
    -- 居委会组织法 26: ten days' notice; the day on which it is given does not count (民法典 201).
    CONSTRAINT meetings_notice CHECK (
        kind <> 'residents' OR (starts_at AT TIME ZONE 'Asia/Shanghai')::date
            - (coalesce(announced_at, created_at) AT TIME ZONE 'Asia/Shanghai')::date >= 10
    ),
    CONSTRAINT meetings_held CHECK (
        num_nonnulls(minutes, expected, present) = CASE WHEN state = 'held' THEN 3 ELSE 0 END
    ),
    CONSTRAINT meetings_present CHECK (present BETWEEN 0 AND expected)
);
CREATE INDEX meetings_by_community ON meetings (community_id, id DESC);
CREATE INDEX meetings_to_announce ON meetings (id) WHERE state = 'planned' AND announced_at IS NULL;

CREATE TABLE agenda_items (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    meeting_id BIGINT NOT NULL REFERENCES meetings (id) ON DELETE RESTRICT,
    position SMALLINT NOT NULL,
    title VARCHAR(60) NOT NULL,
    duration_minutes SMALLINT NOT NULL,
    CONSTRAINT agenda_items_same_community
        FOREIGN KEY (meeting_id, community_id) REFERENCES meetings (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT agenda_items_in_order UNIQUE (meeting_id, position),
    CONSTRAINT agenda_items_duration CHECK (duration_minutes BETWEEN 1 AND 480)
);

CREATE TABLE meeting_deliberations (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    meeting_id BIGINT NOT NULL REFERENCES meetings (id) ON DELETE RESTRICT,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    CONSTRAINT meeting_deliberations_same_meeting
        FOREIGN KEY (meeting_id, community_id) REFERENCES meetings (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT meeting_deliberations_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT meeting_deliberations_once UNIQUE (meeting_id, deliberation_id)
);
CREATE INDEX meeting_deliberations_by_deliberation ON meeting_deliberations (deliberation_id);

CREATE TABLE attendances (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    meeting_id BIGINT NOT NULL REFERENCES meetings (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    household_id BIGINT NOT NULL,
    entered_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT attendances_same_community
        FOREIGN KEY (meeting_id, community_id) REFERENCES meetings (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT attendances_household_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT attendances_once UNIQUE (meeting_id, resident_id)
);

-- What a meeting was called for stays; it is put on record after its start, with the figures of that moment.
CREATE FUNCTION guard_meeting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'INSERT' AND NEW.state <> 'planned') OR (TG_OP = 'UPDATE' AND NEW.state <> OLD.state
        AND OLD.state <> 'planned') THEN
        RAISE EXCEPTION 'no such step' USING ERRCODE = '23514', CONSTRAINT = 'meetings_road', TABLE = 'meetings';
    END IF;
    IF TG_OP = 'UPDATE' AND (
        (to_jsonb(OLD) - '{state,moderation,announced_at,expected,present,minutes,minutes_moderation}'::text[])
            <> (to_jsonb(NEW) - '{state,moderation,announced_at,expected,present,minutes,minutes_moderation}'::text[])
        OR (OLD.state = 'held' AND (OLD.minutes, OLD.expected, OLD.present)
            IS DISTINCT FROM (NEW.minutes, NEW.expected, NEW.present))) THEN
        RAISE EXCEPTION 'what was announced stays' USING ERRCODE = '23514',
            CONSTRAINT = 'meetings_frozen', TABLE = 'meetings';
    END IF;
    IF NEW.state = 'held' AND NEW.starts_at > clock_now() THEN
        RAISE EXCEPTION 'not yet held' USING ERRCODE = '23514',
            CONSTRAINT = 'meetings_held_after_the_start', TABLE = 'meetings';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER meetings_guarded BEFORE INSERT OR UPDATE ON meetings FOR EACH ROW EXECUTE FUNCTION guard_meeting();

CREATE FUNCTION guard_attendance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM meetings WHERE id = NEW.meeting_id FOR SHARE;
    IF NOT EXISTS (
        SELECT 1 FROM meetings
        WHERE id = NEW.meeting_id AND state = 'planned' AND starts_at - interval '1 hour' <= clock_now()
    ) THEN
        RAISE EXCEPTION 'nobody meets' USING ERRCODE = '23514',
            CONSTRAINT = 'attendances_while_it_runs', TABLE = 'attendances';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attendances_while_it_runs BEFORE INSERT ON attendances
    FOR EACH ROW EXECUTE FUNCTION guard_attendance();
CREATE TRIGGER attendances_append_only BEFORE UPDATE OR DELETE ON attendances
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attendances_not_emptied BEFORE TRUNCATE ON attendances EXECUTE FUNCTION refuse_change();
"""

PETITIONS = """
CREATE TABLE petitions (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL REFERENCES places (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    roll VARCHAR(16) NOT NULL,
    title VARCHAR(60) NOT NULL,
    body TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    roll_size INT NOT NULL,
    needed INT NOT NULL,
    signatures INT NOT NULL,
    open_until TIMESTAMPTZ NOT NULL,
    reached_at TIMESTAMPTZ,
    answer_due_at TIMESTAMPTZ,
    answer TEXT,
    answer_moderation VARCHAR(16) NOT NULL,
    answered_at TIMESTAMPTZ,
    meeting_id BIGINT REFERENCES meetings (id) ON DELETE RESTRICT,
    CONSTRAINT petitions_in_community UNIQUE (id, community_id),
    CONSTRAINT petitions_meeting_same_community
        FOREIGN KEY (meeting_id, community_id) REFERENCES meetings (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT petitions_somebody_to_ask CHECK (roll_size >= 1),
    CONSTRAINT petitions_signatures CHECK (signatures >= 0),
    -- 居委会组织法 26: one in ten of the residents or households, one in three of the representatives.
    CONSTRAINT petitions_needed CHECK (
        roll IN ('residents', 'households', 'representatives')
        AND needed = CASE roll WHEN 'representatives' THEN (roll_size + 2) / 3 ELSE (roll_size + 9) / 10 END
    ),
    CONSTRAINT petitions_reached CHECK (
        (state IN ('reached', 'answered')) = (reached_at IS NOT NULL)
        AND (reached_at IS NULL) = (answer_due_at IS NULL)
        AND (reached_at IS NULL OR signatures >= needed)
    ),
    CONSTRAINT petitions_answered CHECK (
        num_nonnulls(answer, answered_at) = CASE WHEN state = 'answered' THEN 2 ELSE 0 END
        AND (meeting_id IS NULL OR state = 'answered')
    )
);
CREATE INDEX petitions_by_community ON petitions (community_id, id DESC);
CREATE INDEX petitions_to_lapse ON petitions (open_until) WHERE state = 'open';
CREATE INDEX petitions_to_answer ON petitions (community_id, answer_due_at) WHERE state = 'reached';

CREATE TABLE petition_signatures (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    petition_id BIGINT NOT NULL REFERENCES petitions (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    household_id BIGINT,
    CONSTRAINT petition_signatures_same_community
        FOREIGN KEY (petition_id, community_id) REFERENCES petitions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT petition_signatures_household_same_community
        FOREIGN KEY (household_id, community_id) REFERENCES households (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT petition_signatures_once UNIQUE (petition_id, resident_id),
    CONSTRAINT petition_signatures_household_once UNIQUE (petition_id, household_id)
);

CREATE FUNCTION guard_petition() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER petitions_guarded BEFORE INSERT OR UPDATE ON petitions FOR EACH ROW EXECUTE FUNCTION guard_petition();

CREATE FUNCTION guard_signature() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    signed bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.petition_id ELSE OLD.petition_id END;
BEGIN
    PERFORM 1 FROM petitions WHERE id = signed FOR NO KEY UPDATE;
    IF TG_OP = 'UPDATE' OR NOT EXISTS (
        SELECT 1 FROM petitions WHERE id = signed AND state = 'open' AND open_until > clock_now()
    ) THEN
        RAISE EXCEPTION 'the petition is over' USING ERRCODE = '23514',
            CONSTRAINT = 'petition_signatures_while_open', TABLE = 'petition_signatures';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER petition_signatures_while_open BEFORE INSERT OR UPDATE OR DELETE ON petition_signatures
    FOR EACH ROW EXECUTE FUNCTION guard_signature();
CREATE FUNCTION count_signatures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE petitions SET signatures = signatures + CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END
        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.petition_id ELSE OLD.petition_id END;
    RETURN NULL;
END $$;
CREATE TRIGGER petition_signatures_counted AFTER INSERT OR DELETE ON petition_signatures
    FOR EACH ROW EXECUTE FUNCTION count_signatures();
"""

FOLLOWING = """
CREATE TABLE resolution_displays (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    resolution_id BIGINT NOT NULL REFERENCES resolutions (id) ON DELETE RESTRICT,
    where_text VARCHAR(200) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    from_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    until_at TIMESTAMPTZ,
    put_up_by_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    taken_down_by_id BIGINT REFERENCES residents (id) ON DELETE RESTRICT,
    CONSTRAINT resolution_displays_same_community
        FOREIGN KEY (resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT resolution_displays_taken_down CHECK ((until_at IS NULL) = (taken_down_by_id IS NULL)),
    -- 居委会组织法 34: at least fifteen days.
    CONSTRAINT resolution_displays_days CHECK (until_at >= from_at + interval '15 days')
);
CREATE INDEX resolution_displays_by_resolution ON resolution_displays (resolution_id);

-- Both dates are the database's own, whoever writes the row; it is taken down once.
CREATE FUNCTION guard_display() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.from_at := clock_now();
        NEW.until_at := NULL;
    ELSIF OLD.until_at IS NULL AND NEW.until_at IS NOT NULL THEN
        NEW.until_at := clock_now();
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.resolution_id, OLD.where_text, OLD.from_at, OLD.put_up_by_id,
            coalesce(OLD.until_at, NEW.until_at), coalesce(OLD.taken_down_by_id, NEW.taken_down_by_id))
        IS DISTINCT FROM (NEW.resolution_id, NEW.where_text, NEW.from_at, NEW.put_up_by_id,
            NEW.until_at, NEW.taken_down_by_id) THEN
        RAISE EXCEPTION 'what hung stays on record' USING ERRCODE = '23514',
            CONSTRAINT = 'resolution_displays_frozen', TABLE = 'resolution_displays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER resolution_displays_frozen BEFORE INSERT OR UPDATE ON resolution_displays
    FOR EACH ROW EXECUTE FUNCTION guard_display();

CREATE TABLE follow_ups (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    resolution_id BIGINT NOT NULL REFERENCES resolutions (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    assignee_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    title VARCHAR(60) NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    state VARCHAR(16) NOT NULL,
    ended_at TIMESTAMPTZ,
    note VARCHAR(1000),
    note_moderation VARCHAR(16) NOT NULL,
    CONSTRAINT follow_ups_same_community
        FOREIGN KEY (resolution_id, community_id) REFERENCES resolutions (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT follow_ups_state CHECK (state IN ('open', 'done', 'cancelled')),
    CONSTRAINT follow_ups_due CHECK (due_at > created_at),
    CONSTRAINT follow_ups_ended CHECK ((state = 'open') = (ended_at IS NULL) AND (note IS NULL OR state <> 'open'))
);
CREATE INDEX follow_ups_by_resolution ON follow_ups (resolution_id, id);
CREATE INDEX follow_ups_by_assignee ON follow_ups (assignee_id, id DESC);

CREATE FUNCTION guard_follow_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM deliberations d JOIN resolutions r ON r.deliberation_id = d.id
        WHERE r.id = NEW.resolution_id FOR SHARE OF d;
    IF NOT EXISTS (
        SELECT 1 FROM deliberations d JOIN resolutions r ON r.deliberation_id = d.id
        WHERE r.id = NEW.resolution_id AND d.state IN ('decided', 'implementing')
    ) THEN
        RAISE EXCEPTION 'nothing follows now' USING ERRCODE = '23514',
            CONSTRAINT = 'follow_ups_in_time', TABLE = 'follow_ups';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follow_ups_in_time BEFORE INSERT ON follow_ups FOR EACH ROW EXECUTE FUNCTION guard_follow_up();
CREATE FUNCTION guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM follow_ups f JOIN resolutions r ON r.id = f.resolution_id
        WHERE r.deliberation_id = NEW.id AND f.state = 'open'
    ) THEN
        RAISE EXCEPTION 'tasks are open' USING ERRCODE = '23514',
            CONSTRAINT = 'deliberations_tasks_done', TABLE = 'deliberations';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deliberations_tasks_done BEFORE UPDATE OF state ON deliberations
    FOR EACH ROW WHEN (NEW.state = 'reviewed' AND OLD.state <> 'reviewed') EXECUTE FUNCTION guard_review();

CREATE TABLE deliberation_reviews (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    author_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    body TEXT NOT NULL,
    moderation VARCHAR(16) NOT NULL,
    CONSTRAINT deliberation_reviews_deliberation_id_key UNIQUE (deliberation_id),
    CONSTRAINT deliberation_reviews_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT
);
CREATE TRIGGER deliberation_reviews_append_only
    BEFORE UPDATE OF community_id, deliberation_id, author_id, body OR DELETE ON deliberation_reviews
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER deliberation_reviews_not_emptied BEFORE TRUNCATE ON deliberation_reviews
    EXECUTE FUNCTION refuse_change();

CREATE TABLE satisfactions (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_now(),
    community_id BIGINT NOT NULL,
    deliberation_id BIGINT NOT NULL REFERENCES deliberations (id) ON DELETE RESTRICT,
    resident_id BIGINT NOT NULL REFERENCES residents (id) ON DELETE RESTRICT,
    score SMALLINT NOT NULL,
    CONSTRAINT satisfactions_same_community
        FOREIGN KEY (deliberation_id, community_id) REFERENCES deliberations (id, community_id) ON DELETE RESTRICT,
    CONSTRAINT satisfactions_once UNIQUE (deliberation_id, resident_id),
    CONSTRAINT satisfactions_score CHECK (score BETWEEN 1 AND 5)
);
CREATE FUNCTION guard_satisfaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM deliberations WHERE id = NEW.deliberation_id AND state = 'reviewed') THEN
        RAISE EXCEPTION 'nothing to judge yet' USING ERRCODE = '23514',
            CONSTRAINT = 'satisfactions_when_reviewed', TABLE = 'satisfactions';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER satisfactions_when_reviewed BEFORE INSERT OR UPDATE ON satisfactions
    FOR EACH ROW EXECUTE FUNCTION guard_satisfaction();
"""


def upgrade() -> None:
    run_script(COMMENTS + PHASES + MEETINGS + PETITIONS + FOLLOWING)


def downgrade() -> None:
    run_script("""
    DROP TRIGGER deliberations_tasks_done ON deliberations;
    DROP TABLE satisfactions, deliberation_reviews, follow_ups, resolution_displays, petition_signatures, petitions,
        attendances, meeting_deliberations, agenda_items, meetings, option_proposals, comment_supports;
    DROP FUNCTION guard_satisfaction, guard_review, guard_follow_up, guard_display, count_signatures, guard_signature,
        guard_petition, guard_attendance, guard_meeting, guard_option_proposal, count_supports;
    ALTER TABLE deliberations DROP CONSTRAINT deliberations_dates;
    ALTER TABLE deliberations ADD CONSTRAINT deliberations_dates CHECK (
        discussion_until < voting_until AND voting_until > created_at
        AND voting_until <= created_at + interval '90 days'
    );
    DROP INDEX comments_one_pinned, comments_by_parent, comments_by_subject;
    CREATE INDEX comments_by_subject ON comments (subject_kind, subject_id, id DESC);
    ALTER TABLE comments DROP CONSTRAINT comments_in_community, DROP COLUMN supports, DROP COLUMN pinned,
        DROP COLUMN hidden_for_id;
    """)
