"""Votes that are decided, in SQL: every step of their road, in a hundredth of the time that the services take."""


def decided(community: str, author: str, *, title: str = "换灯", passed: str = "true") -> str:
    """A script that walks a vote in which nobody took part to its close. What it takes and gives is SQL."""
    newest = "(SELECT max(id) FROM deliberations)"
    rule = "consultation" if passed == "NULL" else "residents_meeting"
    return f"""
    INSERT INTO deliberations (community_id, author_id, form, title, body, ballot_kind, secret, roll, rule,
        discussion_until, voting_until, state, moderation)
    VALUES ({community}, {author}, 'open', '{title}', '换', 'yes_no', false, 'residents', '{rule}',
        clock_now() + interval '1 day', clock_now() + interval '2 days', 'proposed', 'passed');
    UPDATE deliberations SET state = 'discussion' WHERE id = {newest};
    UPDATE deliberations SET state = 'voting', opened_at = clock_now(), roll_size = 0,
        roll_hash = encode(sha256(''), 'hex') WHERE id = {newest};
    INSERT INTO results (community_id, deliberation_id, roll_size, voted, tally, passed, explanation_zh, explanation_en)
    VALUES ({community}, {newest}, 0, 0, '[]', {passed}, '通过', 'passed');
    UPDATE deliberations SET state = 'decided', closed_at = clock_now() WHERE id = {newest};
    """


def resolved(number: str) -> str:
    """The resolution of the newest vote, with the figures of its result."""
    return f"""
    INSERT INTO resolutions (community_id, deliberation_id, number, title, rule, binding, passed, explanation_zh,
        explanation_en, counts, roll_hash)
    SELECT d.community_id, d.id, '{number}', d.title, d.rule, r.passed IS NOT NULL, r.passed, r.explanation_zh,
        r.explanation_en, jsonb_build_object('roll', r.roll_size, 'voted', r.voted, 'tally', r.tally), d.roll_hash
    FROM deliberations d JOIN results r ON r.deliberation_id = d.id WHERE d.id = (SELECT max(id) FROM deliberations)
    """
