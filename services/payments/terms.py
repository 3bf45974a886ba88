"""What taking in and giving back have in common."""

from models.ledger import AccountKind
from services.ledger import Purse

AT_ONCE = 50
CLEARING, REFUNDS = Purse(AccountKind.WECHAT_CLEARING), Purse(AccountKind.REFUNDS)

# Whoever asks takes the row for as long as asking may take: three calls of 10 s, and then our own transaction. No other
# worker asks meanwhile, and a row whose worker died is asked about when the minute is over.
LEASE = "clock_now() + interval '60 seconds'"
