"""The digest: what could not be sent in the day until 18:00, summed up in one message."""

from app.core import clock, db
from models.notifications import MessageTemplate
from services.notifications.templates import TemplateId
from services.rules.quiet_hours import digest_due

DIGESTS_AT_ONCE = 1_000

# One row a day and resident decides who has had it. Whoever has a message on its way is looked at in a minute again.
SUM_UP = f"""
WITH unsent AS (
    SELECT d.resident_id, d.template, count(*) AS notices FROM deliveries d JOIN notices n ON n.id = d.notice_id
    WHERE d.created_at >= $2 AND d.created_at < $3 AND n.read_at IS NULL
        AND d.state IN ('no_credit', 'refused', 'failed', 'given_up')
    GROUP BY d.resident_id, d.template
)
INSERT INTO deliveries (resident_id, day, counts, template, state, due_at)
SELECT u.resident_id, $1, jsonb_object_agg(u.template, u.notices), 'digest', 'waiting', clock_now()
FROM unsent u
JOIN message_credits c ON c.resident_id = u.resident_id AND c.template_id = $4 AND c.amount > 0
LEFT JOIN notice_preferences p ON p.resident_id = u.resident_id
WHERE NOT coalesce(p.switched_off ? 'digest', false)
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.resident_id = u.resident_id AND d.day = $1)
    AND NOT EXISTS (
        SELECT 1 FROM deliveries d WHERE d.resident_id = u.resident_id AND d.created_at >= $2 AND d.created_at < $3
            AND (d.state = 'sending' OR (d.state = 'waiting' AND d.due_at <= clock_now())))
GROUP BY u.resident_id ORDER BY u.resident_id LIMIT {DIGESTS_AT_ONCE}
ON CONFLICT (resident_id, day) WHERE day IS NOT NULL DO NOTHING
"""


async def write_digests(template_id: TemplateId) -> None:
    """After 18:00 (Asia/Shanghai) owe each resident with unsent, unread notices one digest, if he has credit for it."""
    due = digest_due((await clock.now()).astimezone(clock.SHANGHAI))
    wechat_id = template_id(MessageTemplate.DIGEST)
    if due is not None and wechat_id is not None:
        await db.execute(SUM_UP, *due, wechat_id)
