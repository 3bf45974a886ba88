"""Micro-wishes: posted, looked at by the committee, claimed by exactly as many as asked, fulfilled and confirmed.

Who the wisher is and how to reach him stays with his side and the committee; claimers learn it while they hold a claim
and he consents.

What it offers to its right: `release_all` for whoever moves away or leaves.
"""

from services.wishes.claiming import (
    ask_extension,
    claim,
    claiming_paused_until,
    extend,
    fulfil,
    release,
    release_all,
    release_run_out,
    remind_claimers,
)
from services.wishes.contacts import (
    Contact,
    DisclosureSeen,
    disclosures,
    read_contact,
    record_contact,
    share_contact,
    unshare_contact,
    withdraw_contact,
)
from services.wishes.disputes import dispute, resolve, state_case
from services.wishes.reading import ClaimSeen, StatementSeen, UnitSeen, WishDetail, detail, find, listed, visible
from services.wishes.road import (
    approve,
    attest,
    confirm,
    consent_to_photo,
    expire_due,
    post,
    publish_thanks,
    withdraw,
    withdraw_photo_consent,
)

__all__ = [
    "ClaimSeen",
    "Contact",
    "DisclosureSeen",
    "StatementSeen",
    "UnitSeen",
    "WishDetail",
    "approve",
    "ask_extension",
    "attest",
    "claim",
    "claiming_paused_until",
    "confirm",
    "consent_to_photo",
    "detail",
    "disclosures",
    "dispute",
    "expire_due",
    "extend",
    "find",
    "fulfil",
    "listed",
    "post",
    "publish_thanks",
    "read_contact",
    "record_contact",
    "release",
    "release_all",
    "release_run_out",
    "remind_claimers",
    "resolve",
    "share_contact",
    "state_case",
    "unshare_contact",
    "visible",
    "withdraw",
    "withdraw_contact",
    "withdraw_photo_consent",
]
