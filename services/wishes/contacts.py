"""How to reach the wisher: recorded and consented to by his side, read by who holds a claim, each reading logged."""

import json
from dataclasses import dataclass
from datetime import datetime

from app.core import clock, crypto, db
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, newest
from models.wishes import ContactConsent, ContactField, ContactNotShared, Wish, WishClaim, WishContact, WishDisclosure
from services import events, notifications, residents
from services.policies import Actor, require
from services.policies import wishes as policies
from services.wishes.reading import find
from services.wishes.road import HIMSELF_ONLY, WISHER_ONLY, helped_id

READ = """
SELECT k.id, k.consent, k.phone, k.address, k.words_sealed, w.author_id AS resident_id,
    r.nickname, r.name_sealed, r.phone_sealed, b.name || ' ' || h.unit || ' ' || h.room AS home
FROM wish_contacts k JOIN wishes w ON w.id = k.wish_id JOIN residents r ON r.id = w.author_id
LEFT JOIN memberships m ON m.resident_id = r.id AND m.until_at IS NULL
LEFT JOIN households h ON h.id = m.household_id LEFT JOIN places b ON b.id = h.building_id
WHERE k.wish_id = $1 AND k.withdrawn_at IS NULL
"""
LOG = """
INSERT INTO wish_disclosures (community_id, wish_id, claim_id, reader_id, told)
SELECT community_id, wish_id, id, $2, $3 FROM wish_claims
WHERE wish_id = $1 AND $2 IN (resident_id, assistant_id) ORDER BY id DESC LIMIT 1
RETURNING id
"""


@dataclass(frozen=True)
class Contact:
    """How to reach a wisher, opened for whoever may read it now."""

    consent: ContactConsent
    name: str
    phone: str | None
    address: str | None
    words: str | None


@atomic()
async def record_contact(
    actor: Actor,
    wish_id: int,
    *,
    consent: ContactConsent,
    phone: bool,
    address: bool,
    words: str | None,
    keys: Keys,
) -> Contact:
    """Say how one may be reached, and by whom; nobody but the wisher consents.

    `phone` is the number of his account, `address` the home he is registered in, `words` are his own, kept sealed.
    Replaces what was said before. Raises Forbidden.
    """
    wish = await find(actor, wish_id)
    require(policies.may_consent(actor, wish), *HIMSELF_ONLY)
    said = {"consent": consent, "phone": phone, "address": address, "withdrawn_at": None}
    contact, _ = await WishContact.update_or_create(
        wish_id=wish.id, defaults=said | {"community_id": wish.community_id, "words_sealed": None}
    )
    if words is not None:
        contact.words_sealed = crypto.seal(keys, words, table="wish_contacts", column="words", row=contact.id)
        await contact.save(update_fields=["words_sealed"])
    await events.record(actor, "wish_contact.recorded", contact, consent=consent.value)
    return await _opened(wish, keys)


@atomic()
async def withdraw_contact(actor: Actor, wish_id: int) -> None:
    """End the consent for all claimers at once; words are forgotten. Again: no change. Raises Forbidden."""
    wish = await find(actor, wish_id)
    require(policies.speaks_for(actor, wish), *WISHER_ONLY)
    contact = await WishContact.get_or_none(wish_id=wish.id, withdrawn_at=None)
    if contact is not None:
        contact.withdrawn_at, contact.words_sealed = await clock.now(), None
        await contact.save(update_fields=["withdrawn_at", "words_sealed"])
        await events.record(actor, "wish_contact.withdrawn", contact, on_behalf_of_id=helped_id(actor, wish))


@atomic()
async def share_contact(actor: Actor, wish_id: int, claim_id: int) -> Wish:
    """Let just this claimer know how to reach one while he holds the claim; he is told. Again: no change.

    Raises Forbidden, NotFound for a claim elsewhere or while no contact is recorded.
    """
    wish = await find(actor, wish_id)
    require(policies.may_consent(actor, wish), *HIMSELF_ONLY)
    contact, claim = await _contact(wish), await _claim(wish, claim_id)
    if await WishClaim.filter(id=claim.id, contact_shared=False).update(contact_shared=True):
        await events.record(actor, "wish_contact.shared", contact, claim_id=claim.id)
        told = [claim.resident_id, claim.assistant_id]
        await notifications.tell(told, "wish.contact_shared", wish, title=wish.title)
    return await find(actor, wish_id)


@atomic()
async def unshare_contact(actor: Actor, wish_id: int, claim_id: int) -> Wish:
    """Take that back, at once; again: no change. Raises Forbidden, NotFound."""
    wish = await find(actor, wish_id)
    require(policies.speaks_for(actor, wish), *WISHER_ONLY)
    contact, claim = await _contact(wish), await _claim(wish, claim_id)
    if await WishClaim.filter(id=claim.id, contact_shared=True).update(contact_shared=False):
        await events.record(
            actor, "wish_contact.unshared", contact, claim_id=claim.id, on_behalf_of_id=helped_id(actor, wish)
        )
    return await find(actor, wish_id)


@atomic()
async def read_contact(actor: Actor, wish_id: int, *, keys: Keys) -> Contact:
    """How to reach the wisher: for his own side, and for who holds a claim while consent stands, which is logged.

    Raises Forbidden, ContactNotShared, NotFound for one's own that is not recorded.
    """
    wish = await find(actor, wish_id)
    if policies.speaks_for(actor, wish):
        return await _opened(wish, keys)
    require(wish.claimed_by_me, "您没有认领这个心愿", "You have not claimed this wish")
    try:
        contact = await _opened(wish, keys)
    except NotFound:
        raise ContactNotShared from None
    told = [field.value for field in ContactField if getattr(contact, field) is not None]
    logged = await db.value(LOG, wish.id, actor.id, json.dumps(told))
    disclosure = await WishDisclosure.get(id=logged)
    await events.record(actor, "wish_disclosure.made", disclosure, claim_id=disclosure.claim_id)
    return contact


@dataclass(frozen=True)
class DisclosureSeen:
    """Who read how to reach the wisher, when, and which fields."""

    id: int
    claim_id: int
    reader_id: int
    nickname: str
    told: list[str]
    created_at: datetime


async def disclosures(actor: Actor, wish_id: int, *, page: Page) -> Listed[DisclosureSeen]:
    """Each time somebody read how to reach the wisher, newest first; for his side and the committee. Forbidden."""
    wish = await find(actor, wish_id)
    require(policies.may_read_disclosures(actor, wish), *WISHER_ONLY)
    found = await newest(WishDisclosure.filter(wish_id=wish.id).select_related("reader"), page)
    return found.map(
        lambda line: DisclosureSeen(
            line.id, line.claim_id, line.reader_id, line.reader.nickname, line.told, line.created_at
        )
    )


async def _contact(wish: Wish) -> WishContact:
    contact = await WishContact.get_or_none(wish_id=wish.id, withdrawn_at=None)
    if contact is None:
        raise NotFound("还没有登记联系方式", "No contact is recorded")
    return contact


async def _claim(wish: Wish, claim_id: int) -> WishClaim:
    claim = await WishClaim.get_or_none(id=claim_id, wish_id=wish.id)
    if claim is None:
        raise NotFound("没有找到这次认领", "No such claim")
    return claim


async def _opened(wish: Wish, keys: Keys) -> Contact:
    found = await db.row(READ, wish.id)
    if found is None:
        raise NotFound("还没有登记联系方式", "No contact is recorded")
    sealed = found["words_sealed"]
    return Contact(
        consent=ContactConsent(found["consent"]),
        name=residents.full_name(found, keys),
        phone=residents.phone(found, keys) if found["phone"] else None,
        address=found["home"] if found["address"] else None,
        words=None
        if sealed is None
        else crypto.unseal(keys, bytes(sealed), table="wish_contacts", column="words", row=found["id"]),
    )
