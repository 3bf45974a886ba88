"""Expenses recomputed from their rows, for `linli verify`."""

from app.core import db

# Each question finds what must not be; its sentence says so of the row found.
QUESTIONS: dict[str, str] = {
    "expense {id} was paid without {missing}": """
        SELECT * FROM (
            SELECT id, array_to_string(approvals_missing(id, paid_at), ', ') AS missing FROM expenses
            WHERE state = 'paid') b
        WHERE missing <> ''""",
    "expense {id} was paid without a receipt": """
        SELECT id FROM expenses WHERE state = 'paid'
            AND NOT EXISTS (SELECT 1 FROM attachments WHERE subject_kind = 'expense' AND subject_id = expenses.id)""",
    "expense {id} is {state} with {amount_fen} fen, but {posted} fen stand in the ledger": """
        SELECT * FROM (
            SELECT e.id, e.state, e.amount_fen, coalesce((SELECT sum(t.amount_fen)::bigint FROM transfers t
                JOIN accounts d ON d.id = t.debit_account_id AND d.campaign_id IS NOT DISTINCT FROM e.campaign_id
                WHERE t.source_kind = 'expense' AND t.source_id = e.id AND t.leg = 'spent'), 0) AS posted
            FROM expenses e) b
        WHERE posted <> CASE WHEN state IN ('paid', 'corrected') THEN amount_fen ELSE 0 END""",
    "expense {id} is {state}, but {undone} of its payments were undone": """
        SELECT * FROM (
            SELECT e.id, e.state, (SELECT count(*) FROM transfers t JOIN transfers c ON c.corrects_id = t.id
                WHERE t.source_kind = 'expense' AND t.source_id = e.id) AS undone
            FROM expenses e) b
        WHERE undone <> CASE state WHEN 'corrected' THEN 1 ELSE 0 END""",
    "transfer {id} spends for expense {source_id}, which does not exist": """
        SELECT id, source_id FROM transfers t WHERE source_kind = 'expense'
            AND NOT EXISTS (SELECT 1 FROM expenses WHERE id = t.source_id)""",
    "budget line {id} of campaign {campaign_id} has {kept} fen, {spent} fen were spent": """
        SELECT * FROM (
            SELECT l.id, l.campaign_id, l.amount_fen - coalesce((SELECT sum(amount_fen) FROM line_releases
                    WHERE budget_line_id = l.id), 0)::bigint AS kept,
                coalesce((SELECT sum(amount_fen) FROM expenses
                    WHERE budget_line_id = l.id AND state = 'paid'), 0)::bigint AS spent
            FROM budget_lines l) b
        WHERE spent > kept""",
    "campaign {campaign_id} is settled, but expense {id} is {state}": """
        SELECT e.id, e.campaign_id, e.state FROM expenses e JOIN campaigns c ON c.id = e.campaign_id
        WHERE c.state = 'settled' AND e.state IN ('requested', 'approved')""",
}


async def check_expenses() -> list[str]:
    """A sentence for every expense that is not as it must be; none when all are."""
    found: list[str] = []
    for sentence, question in QUESTIONS.items():
        found += [sentence.format(**line) for line in await db.rows(f"{question} LIMIT 100")]
    return found
