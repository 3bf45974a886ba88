"""What made money move and what it was raised for, as the log seals it: by a hash, so that nobody learns who gave.

None of it changes once the money has moved. What is not public in it (WeChat's number of a payment, the pictures of
receipts) keeps the rest from being guessed.
"""


def hashed(said: str) -> str:
    """SHA-256, in hex, of a JSON value as PostgreSQL writes it."""
    return f"encode(sha256(convert_to(({said})::text, 'UTF8')), 'hex')"


def _pictures(noun: str) -> str:
    """The hashes of the pictures attached to a row `s`, in their order."""
    return f"""(
        SELECT jsonb_agg(encode(p.sha256, 'hex') ORDER BY a.position, a.id) FROM attachments a
        JOIN media m ON m.id = a.media_id JOIN pictures p ON p.id = m.picture_id
        WHERE a.subject_kind = '{noun}' AND a.subject_id = s.id)"""


# What a transfer `t` was made for.
CAUSE = f"""
CASE t.source_kind
WHEN 'pledge' THEN (
    SELECT jsonb_build_array(s.campaign_id, s.kind, s.amount_fen, s.budget_line_id, s.sale_item_id, s.quantity,
        CASE WHEN o.id IS NOT NULL THEN s.giver_id END, o.out_trade_no, o.transaction_id, o.captured_fen)
    FROM pledges s LEFT JOIN orders o ON o.pledge_id = s.id AND o.state = 'paid' WHERE s.id = t.source_id)
WHEN 'refund' THEN (
    SELECT jsonb_build_array(o.out_trade_no, o.transaction_id, s.number, s.out_refund_no, s.amount_fen, s.reason,
        s.use_change_id)
    FROM refunds s JOIN orders o ON o.id = s.order_id WHERE s.id = t.source_id)
WHEN 'slip' THEN (
    SELECT jsonb_build_array(s.kind, s.campaign_id, s.via, s.amount_fen, s.giver_id, s.gift_id, s.match_id,
        s.transfer_id, s.income_id, s.note, s.entered_by_id, s.decided_by_id,
        m.unit, m.for_each_fen, m.adds_fen, m.cap_fen,
        {_pictures("slip")})
    FROM slips s LEFT JOIN matches m ON m.id = s.match_id WHERE s.id = t.source_id)
WHEN 'expense' THEN (
    SELECT jsonb_build_array(s.campaign_id, s.budget_line_id, s.resolution_id, s.requester_id, s.payee, s.payee_kind,
        s.payee_resident_id, s.payee_is_no_resident, s.purpose, s.amount_fen, s.paid_by_id, s.reference,
        {_pictures("expense")},
        (SELECT jsonb_agg(jsonb_build_array(a.approver_id, a.role) ORDER BY a.id) FROM expense_approvals a
            WHERE a.expense_id = s.id))
    FROM expenses s WHERE s.id = t.source_id)
WHEN 'campaign' THEN (
    SELECT jsonb_build_array(s.id, s.surplus_campaign_id, s.surplus_resolution_id)
    FROM campaigns s WHERE s.id = t.source_id)
END
"""

# What the campaigns of the transfers `$1` asked for, before any change of use.
TERMS = """
SELECT c.id, jsonb_build_array(c.legal_path, c.kind, c.title, c.goal_fen, c.minimum_fen, c.resolution_id,
    extract(epoch FROM coalesce(c.extended_from, c.deadline)),
    (SELECT jsonb_agg(jsonb_build_array(l.id, l.title, l.amount_fen) ORDER BY l.id) FROM budget_lines l
        WHERE l.campaign_id = c.id AND l.use_change_id IS NULL)) AS said
FROM campaigns c WHERE c.id IN (
    SELECT a.campaign_id FROM transfers t JOIN accounts a ON a.id IN (t.debit_account_id, t.credit_account_id)
    WHERE t.id = ANY ($1::bigint[]))
"""
