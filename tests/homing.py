"""Neighbours for tests of homes: who joins 小林's household, who is registered without a phone, who is a child."""

from app.core.settings import Settings
from models.residents import Capacity, ConsentKind
from services import residents
from services.policies import Actor
from services.residents import NewResident, OnBehalfOf
from tests.people import People

KEYS = Settings(_env_file=None).keys


async def newcomer(openid: str) -> Actor:
    """Somebody who has just logged in."""
    return await residents.actor((await residents.enrol(openid)).id)


async def joined(people: People, openid: str = "guest", birth_year: int = 1995, host: str = "lin") -> Actor:
    """Somebody invited into the household of `host`."""
    inviter = await residents.actor(people[host].id)
    assert inviter.household_id is not None
    invitation = await residents.invite(inviter, inviter.household_id, capacity=Capacity.FAMILY)
    assert invitation.code is not None
    guest = await newcomer(openid)
    await residents.accept_invitation(guest, invitation.code, NewResident(birth_year), secret=KEYS)
    return await residents.actor(guest.id)


async def registered(people: People, who: str = "he", host: str = "lin", birth_year: int = 1940) -> Actor:
    """王淑芬, who uses no phone and lives with `host`."""
    household_id = people[host].household_id
    assert household_id is not None
    made = await residents.add_resident(
        people[who], household_id=household_id, name="王淑芬", birth_year=birth_year, secret=KEYS
    )
    return await residents.actor(made.id)


def agreed(person: Actor, witness: Actor) -> OnBehalfOf:
    """That person, who agreed before a witness."""
    return OnBehalfOf(person.id, ConsentKind.WITNESS, witness_id=witness.id)
