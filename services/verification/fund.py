"""The fund's rows against each other, across its domains: what each says of money is said a second time elsewhere.

Whoever changes a row with the database's own safeguards off must also find every other row that says the same; and the
transparency log, which says it by a hash, he cannot change without its key.
"""

from app.core import db

# What each row says that somebody did, and so an event must say as well: who did it, if a person did, and the facts.
CLAIMS = """
SELECT 'pledge' AS noun, id, 'pledge.made' AS verb, giver_id AS who,
    jsonb_build_object('kind', kind, 'amount_fen', amount_fen) AS facts FROM pledges
UNION ALL SELECT 'pledge', pledge_id, 'pledge.paid', NULL, jsonb_build_object('amount_fen', captured_fen)
    FROM orders WHERE state = 'paid'
UNION ALL SELECT 'pledge', id, 'pledge.expired', NULL, '{}' FROM pledges WHERE state = 'expired'
UNION ALL SELECT 'pledge', id, 'pledge.received', received_by_id, jsonb_build_object('amount_fen', amount_fen)
    FROM pledges WHERE received_by_id IS NOT NULL
UNION ALL SELECT 'pledge', o.pledge_id, 'pledge.refunding', NULL,
    jsonb_build_object('refund_id', r.id, 'amount_fen', r.amount_fen)
    FROM refunds r JOIN orders o ON o.id = r.order_id
    JOIN transfers t ON (t.source_kind, t.source_id, t.leg) = ('refund', r.id, 'set_aside')
UNION ALL SELECT 'pledge', o.pledge_id, 'pledge.refunded', NULL,
    jsonb_build_object('refund_id', r.id, 'amount_fen', r.amount_fen)
    FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.state = 'succeeded'
UNION ALL SELECT 'pledge', o.pledge_id, 'pledge.refund_closed', NULL, jsonb_build_object('refund_id', r.id)
    FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.state = 'closed'
UNION ALL SELECT 'campaign', id, 'campaign.drafted', author_id,
    jsonb_build_object('goal_fen', goal_fen, 'resolution_id', resolution_id) FROM campaigns
UNION ALL SELECT 'campaign', id, 'campaign.submitted', submitted_by_id, '{}'
    FROM campaigns WHERE submitted_by_id IS NOT NULL
UNION ALL SELECT 'campaign', id, 'campaign.published', published_by_id, '{}'
    FROM campaigns WHERE published_by_id IS NOT NULL
UNION ALL SELECT 'campaign', id, 'campaign.extended', NULL,
    jsonb_build_object('seconds', extract(epoch FROM deadline - extended_from)::bigint)
    FROM campaigns WHERE extended_from IS NOT NULL
UNION ALL SELECT 'campaign', id, 'campaign.settled', NULL,
    jsonb_build_object('to_campaign_id', surplus_campaign_id, 'resolution_id', surplus_resolution_id)
    FROM campaigns WHERE state = 'settled'
UNION ALL SELECT 'campaign', campaign_id, 'campaign.use_change_announced', announced_by_id,
    jsonb_build_object('use_change_id', id, 'resolution_id', resolution_id) FROM use_changes
UNION ALL SELECT 'campaign', campaign_id, 'campaign.use_changed', NULL,
    jsonb_build_object('use_change_id', use_change_id, 'budget_line_id', id)
    FROM budget_lines WHERE use_change_id IS NOT NULL
UNION ALL SELECT 'campaign', campaign_id, 'campaign.income_noted', entered_by_id,
    jsonb_build_object('income_id', id, 'amount_fen', amount_fen) FROM incomes
UNION ALL SELECT 'campaign', campaign_id, 'campaign.income_struck', struck_by_id,
    jsonb_build_object('income_id', id, 'amount_fen', amount_fen) FROM incomes i WHERE struck_by_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM slips WHERE income_id = i.id)
UNION ALL SELECT 'match', id, 'match.entered', entered_by_id, jsonb_build_object('cap_fen', cap_fen) FROM matches
UNION ALL SELECT 'match', id, 'match.' || state, decided_by_id, jsonb_build_object('cap_fen', cap_fen)
    FROM matches WHERE state <> 'entered'
UNION ALL SELECT 'slip', id, 'slip.entered', entered_by_id,
    jsonb_build_object('kind', kind, 'amount_fen', amount_fen) FROM slips
UNION ALL SELECT 'slip', id, 'slip.' || CASE state WHEN 'declined' THEN state ELSE 'posted' END, decided_by_id,
    jsonb_build_object('kind', kind, 'amount_fen', amount_fen) FROM slips WHERE state <> 'entered'
UNION ALL SELECT 'expense', id, 'expense.requested', requester_id, jsonb_build_object('amount_fen', amount_fen,
    'campaign_id', campaign_id, 'budget_line_id', budget_line_id, 'resolution_id', resolution_id) FROM expenses
UNION ALL SELECT 'expense', expense_id, 'expense.approved', approver_id,
    jsonb_build_object('approval_id', id, 'role', role) FROM expense_approvals
UNION ALL SELECT 'expense', id, 'expense.paid', paid_by_id,
    jsonb_build_object('amount_fen', amount_fen, 'campaign_id', campaign_id) FROM expenses WHERE paid_by_id IS NOT NULL
UNION ALL SELECT 'fund_rules', id, CASE WHEN role LIKE '%_officer' THEN 'fund_rules.set' ELSE 'fund_rules.proposed' END,
    proposer_id, jsonb_build_object('supervisor_above_fen', supervisor_above_fen) FROM fund_rules
UNION ALL SELECT 'fund_rules', id, 'fund_rules.agreed', agreed_by_id,
    jsonb_build_object('supervisor_above_fen', supervisor_above_fen) FROM fund_rules WHERE agreed_by_id IS NOT NULL
"""
# The account of its own campaign that a transfer touches, and the campaign of what it was made for.
CAMPAIGNS = """
SELECT t.id, t.leg, t.source_kind, t.source_id, coalesce(c.campaign_id, d.campaign_id) AS moved_of, CASE t.source_kind
    WHEN 'pledge' THEN (SELECT campaign_id FROM pledges WHERE id = t.source_id)
    WHEN 'refund' THEN (SELECT p.campaign_id FROM refunds r JOIN orders o ON o.id = r.order_id
        JOIN pledges p ON p.id = o.pledge_id WHERE r.id = t.source_id)
    WHEN 'slip' THEN (SELECT campaign_id FROM slips WHERE id = t.source_id)
    WHEN 'expense' THEN (SELECT campaign_id FROM expenses WHERE id = t.source_id)
    WHEN 'campaign' THEN CASE WHEN t.leg = 'surplus' AND c.campaign_id IS NOT NULL
        THEN (SELECT surplus_campaign_id FROM campaigns WHERE id = t.source_id) ELSE t.source_id END
    END AS made_of
FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
"""
# The steps that events tell of, each with the one before; what tells of no step has no `from`.
STEPS = """
SELECT subject_kind AS noun, subject_id AS id, verb, facts->>'from' AS was, facts->>'state' AS state,
    lag(facts->>'state') OVER one AS before, lead(id) OVER one IS NULL AS last
FROM events WHERE subject_kind IN ('campaign', 'expense')
    AND (facts ? 'from' OR verb IN ('campaign.drafted', 'expense.requested'))
WINDOW one AS (PARTITION BY subject_kind, subject_id ORDER BY id)
"""

# Each question finds what must not be; its sentence says so of the row found.
QUESTIONS: dict[str, str] = {
    "{noun} {id} says {facts} of resident {who}, and no event {verb} does": f"""
        SELECT noun, id, verb, who, jsonb_strip_nulls(facts) AS facts FROM ({CLAIMS}) said WHERE NOT EXISTS (
            SELECT 1 FROM events e WHERE e.subject_kind = said.noun AND e.subject_id = said.id AND e.verb = said.verb
                AND (said.who IS NULL OR said.who = coalesce(e.on_behalf_of_id, e.actor_id))
                AND e.facts @> jsonb_strip_nulls(said.facts))""",
    "event {event_id} ({verb}) is about {noun} {id}, which does not exist": """
        SELECT e.id AS event_id, e.verb, e.subject_kind AS noun, e.subject_id AS id FROM events e
        WHERE e.subject_kind = 'pledge' AND NOT EXISTS (SELECT 1 FROM pledges WHERE id = e.subject_id)
            OR e.subject_kind = 'campaign' AND NOT EXISTS (SELECT 1 FROM campaigns WHERE id = e.subject_id)
            OR e.subject_kind = 'match' AND NOT EXISTS (SELECT 1 FROM matches WHERE id = e.subject_id)
            OR e.subject_kind = 'slip' AND NOT EXISTS (SELECT 1 FROM slips WHERE id = e.subject_id)
            OR e.subject_kind = 'expense' AND NOT EXISTS (SELECT 1 FROM expenses WHERE id = e.subject_id)
        UNION ALL
        SELECT id, verb, 'approval', (facts->>'approval_id')::bigint FROM events e WHERE verb = 'expense.approved'
            AND NOT EXISTS (SELECT 1 FROM expense_approvals WHERE id = (e.facts->>'approval_id')::bigint)
        UNION ALL
        SELECT id, verb, 'refund', (facts->>'refund_id')::bigint FROM events e WHERE verb = 'pledge.refunding'
            AND NOT EXISTS (SELECT 1 FROM refunds WHERE id = (e.facts->>'refund_id')::bigint)
        UNION ALL
        SELECT id, verb, 'income', (facts->>'income_id')::bigint FROM events e WHERE verb = 'campaign.income_noted'
            AND NOT EXISTS (SELECT 1 FROM incomes WHERE id = (e.facts->>'income_id')::bigint)""",
    "{noun} {id} was {was} before {verb}, but no event says how it came from {before} to that": f"""
        SELECT * FROM ({STEPS}) s WHERE was <> before""",
    "{noun} {id} is {found}, its last event ({verb}) says {state}": f"""
        SELECT * FROM (SELECT s.*, coalesce((SELECT state FROM campaigns WHERE noun = 'campaign' AND id = s.id),
            (SELECT state FROM expenses WHERE noun = 'expense' AND id = s.id)) AS found FROM ({STEPS}) s WHERE last) b
        WHERE found <> state""",
    "pledge {id} is of {pledged} fen, its order {order_id} of {ordered} fen": """
        SELECT p.id, p.amount_fen AS pledged, o.id AS order_id, o.amount_fen AS ordered
        FROM pledges p JOIN orders o ON o.pledge_id = p.id WHERE p.amount_fen IS DISTINCT FROM o.amount_fen""",
    "pledge {id} was made by resident {actor_id}, its order {order_id} is for another to pay": """
        SELECT o.pledge_id AS id, e.actor_id, o.id AS order_id FROM orders o
        JOIN events e ON e.subject_kind = 'pledge' AND e.subject_id = o.pledge_id AND e.verb = 'pledge.made'
        JOIN residents r ON r.id = e.actor_id WHERE r.openid <> o.openid""",
    "pledge {id} of {amount_fen} fen adopts budget line {budget_line_id} of {line_fen} fen": """
        SELECT p.id, p.amount_fen, p.budget_line_id, l.amount_fen AS line_fen
        FROM pledges p JOIN budget_lines l ON l.id = p.budget_line_id WHERE p.amount_fen <> l.amount_fen""",
    "pledge {id} was received by its own giver": """
        SELECT id FROM pledges WHERE received_by_id = giver_id""",
    "order {id} of {amount_fen} fen is {state} with {captured_fen} fen captured, {refund_reserved_fen} to go back": """
        SELECT id, amount_fen, state, captured_fen, refund_reserved_fen FROM orders
        WHERE captured_fen <> CASE state WHEN 'paid' THEN amount_fen ELSE 0 END
            OR refund_reserved_fen NOT BETWEEN 0 AND captured_fen""",
    "orders {ids} were paid by one transaction {transaction_id}": """
        SELECT transaction_id, string_agg(id::text, ', ' ORDER BY id) AS ids FROM orders
        WHERE transaction_id IS NOT NULL GROUP BY transaction_id HAVING count(*) > 1""",
    "transfers {ids} are all the {leg} of {source_kind} {source_id}": """
        SELECT source_kind, source_id, leg, string_agg(id::text, ', ' ORDER BY id) AS ids FROM transfers
        GROUP BY source_kind, source_id, leg HAVING count(*) > 1""",
    "transfer {id} of {amount_fen} fen does not go from one account to another of its fund": """
        SELECT t.id, t.amount_fen FROM transfers t JOIN accounts d ON d.id = t.debit_account_id
        JOIN accounts c ON c.id = t.credit_account_id WHERE t.amount_fen < 1 OR d.id = c.id
            OR d.community_id <> t.community_id OR c.community_id <> t.community_id""",
    "transfer {id} ({leg}) moves money for {source_kind} {source_id}, which is not there": """
        SELECT id, leg, source_kind, source_id FROM transfers t WHERE NOT CASE source_kind
            WHEN 'pledge' THEN EXISTS (SELECT 1 FROM pledges WHERE id = t.source_id)
            WHEN 'refund' THEN EXISTS (SELECT 1 FROM refunds WHERE id = t.source_id)
            WHEN 'campaign' THEN EXISTS (SELECT 1 FROM campaigns WHERE id = t.source_id)
            ELSE source_kind IN ('slip', 'expense') END""",
    "transfer {id} ({leg}) moves money of campaign {moved_of}, {source_kind} {source_id} is of {made_of}": f"""
        SELECT * FROM ({CAMPAIGNS}) m WHERE moved_of IS NOT NULL AND moved_of IS DISTINCT FROM made_of""",
    "community {community_id} has {accounts} accounts {kind} of campaign {campaign_id}": """
        SELECT community_id, kind, campaign_id, count(*) AS accounts FROM accounts
        GROUP BY community_id, kind, campaign_id HAVING count(*) > 1""",
    "refund {id} of {amount_fen} fen: {set_aside} fen were set aside for it": """
        SELECT r.id, r.amount_fen, t.amount_fen AS set_aside FROM refunds r
        JOIN transfers t ON (t.source_kind, t.source_id, t.leg) = ('refund', r.id, 'set_aside')
        WHERE t.amount_fen <> r.amount_fen""",
    "refund {id} is {state}: {returned} of {amount_fen} fen returned to its campaign": """
        SELECT * FROM (SELECT r.id, r.state, r.amount_fen, coalesce((SELECT sum(amount_fen)::bigint FROM transfers
                WHERE source_kind = 'refund' AND source_id = r.id AND leg = 'returned'), 0) AS returned
            FROM refunds r) b
        WHERE returned <> CASE state WHEN 'closed' THEN amount_fen ELSE 0 END""",
    "campaign {id} set {set_aside} fen aside when it ended, {owed} fen had to go back": """
        SELECT * FROM (
            SELECT t.source_id AS id, t.amount_fen AS set_aside, coalesce((SELECT sum(r.amount_fen) FROM pledges p
                    JOIN orders o ON o.pledge_id = p.id JOIN refunds r ON r.order_id = o.id
                    WHERE p.campaign_id = t.source_id AND NOT EXISTS (SELECT 1 FROM transfers
                        WHERE source_kind = 'refund' AND source_id = r.id AND leg = 'set_aside')), 0)::bigint
                + coalesce((SELECT sum(g.amount_fen) FROM slips g WHERE g.campaign_id = t.source_id
                    AND g.kind = 'gift' AND (g.state IN ('refunding', 'refunded') OR EXISTS (SELECT 1 FROM transfers
                        WHERE source_kind = 'slip' AND source_id = g.id AND leg = 'returned')) AND NOT EXISTS (
                        SELECT 1 FROM slips b JOIN transfers s ON s.source_kind = 'slip' AND s.source_id = b.id
                            AND s.leg = 'set_aside' WHERE b.gift_id = g.id)), 0)::bigint AS owed
            FROM transfers t WHERE t.source_kind = 'campaign' AND t.leg = 'set_aside') b
        WHERE set_aside <> owed""",
    "campaign {id} asks for {goal_fen} fen, its budget comes to {lines} fen": """
        SELECT c.id, c.goal_fen, coalesce(sum(l.amount_fen), 0)::bigint AS lines FROM campaigns c
        LEFT JOIN budget_lines l ON l.campaign_id = c.id AND l.use_change_id IS NULL
        GROUP BY c.id HAVING coalesce(sum(l.amount_fen), 0) <> c.goal_fen""",
    "campaign {id} asks for at least {minimum_fen} fen ({kind}) until {until}, it was drafted otherwise": """
        SELECT c.id, c.minimum_fen, c.kind, c.until FROM (
            SELECT *, coalesce(extended_from, deadline) AS until FROM campaigns) c
        JOIN events e ON e.subject_kind = 'campaign' AND e.subject_id = c.id AND e.verb = 'campaign.drafted'
        WHERE e.facts ? 'deadline_s' AND NOT e.facts @> jsonb_build_object('minimum_fen', c.minimum_fen,
            'kind', c.kind, 'deadline_s', floor(extract(epoch FROM c.until))::bigint)""",
    "change of use {id} took {released} fen from older lines, its event says {said}": """
        SELECT * FROM (
            SELECT (e.facts->>'use_change_id')::bigint AS id, (e.facts->>'released_fen')::bigint AS said,
                coalesce((SELECT sum(amount_fen) FROM line_releases
                    WHERE use_change_id = (e.facts->>'use_change_id')::bigint), 0)::bigint AS released
            FROM events e WHERE e.verb = 'campaign.use_changed' AND e.facts ? 'released_fen') b
        WHERE released <> said""",
    "campaign {id} was submitted and published by resident {published_by_id}": """
        SELECT id, published_by_id FROM campaigns WHERE submitted_by_id = published_by_id""",
    "budget line {id} holds {amount_fen} fen, change of use {use_change_id} left {most} fen": """
        SELECT * FROM (SELECT l.id, l.amount_fen, l.use_change_id, u.amount_fen - coalesce((SELECT sum(amount_fen)
                FROM refunds WHERE use_change_id = u.id AND state <> 'closed'), 0)::bigint AS most
            FROM budget_lines l JOIN use_changes u ON u.id = l.use_change_id) b
        WHERE amount_fen > most""",
    "document {document_number} was noted {times} times for campaign {campaign_id}": """
        SELECT campaign_id, document_number, count(*) AS times FROM incomes WHERE struck_by_id IS NULL
        GROUP BY campaign_id, document_number HAVING count(*) > 1""",
    "expense {id} was paid by resident {paid_by_id}, who was paid": """
        SELECT id, paid_by_id FROM expenses WHERE paid_by_id = payee_resident_id""",
    "disclosure {id} does not have the hash of what hangs": """
        SELECT id FROM disclosures WHERE document_hash <> encode(sha256(convert_to(document, 'UTF8')), 'hex')""",
    "disclosure {id} hung otherwise on {day}": """
        SELECT d.id, s.day FROM displays s JOIN disclosures d ON d.id = s.disclosure_id
        WHERE s.document_hash <> d.document_hash""",
}


async def check_fund() -> list[str]:
    """A sentence for every row of the fund that another contradicts; none when all agree."""
    found: list[str] = []
    for sentence, question in QUESTIONS.items():
        found += [sentence.format(**line) for line in await db.rows(f"{question} LIMIT 100")]
    return found
