"""At once: two with one invitation, two proposals, two renewals of a grant and its kin; each also unguarded."""

import asyncio

from app.core import db
from app.core.errors import DomainError
from models.residents import Capacity, Kinship, Membership, Role, RoleGrant
from services import residents
from services.residents import NewResident
from tests.conftest import as_owner
from tests.homing import KEYS, joined, newcomer
from tests.people import People
from tests.together.crowd import outcomes


async def drop(statement: str) -> None:
    """Take a guard away, in this test's own database."""
    async with db.tx():
        await as_owner(lambda: db.execute(statement))


async def invited_at_once(people: People, guests: int = 8) -> dict[str, int]:
    assert people.lin.household_id is not None
    made = await residents.invite(people.lin, people.lin.household_id, capacity=Capacity.FAMILY)
    assert made.code is not None
    crowd = [await newcomer(f"guest{n}") for n in range(guests)]
    return await outcomes(residents.accept_invitation(one, made.code, NewResident(1990), secret=KEYS) for one in crowd)


async def test_of_those_who_use_an_invitation_at_once_one_joins(committed: str, people: People) -> None:
    assert await invited_at_once(people) == {"ok": 1, "InvitationUsed": 7}
    assert await Membership.filter(household_id=people.lin.household_id, until_at=None).count() == 2


async def test_five_invitations_however_many_ask_at_once(committed: str, people: People) -> None:
    home = people.lin.household_id
    assert home is not None
    asked = await outcomes(residents.invite(people.lin, home, capacity=Capacity.FAMILY) for _ in range(9))
    assert asked == {"ok": 5, "TooManyInvitations": 4}


async def proposed_at_once(people: People) -> dict[str, int]:
    guest = await joined(people)
    home = people.lin.household_id
    assert home is not None
    return await outcomes(
        residents.propose_representative(one, home, resident_id=guest.id)
        for one in (people.lin, guest, people.lin, guest)
    )


async def test_one_proposal_at_a_time(committed: str, people: People) -> None:
    assert await proposed_at_once(people) == {"ok": 1, "ChangePending": 3}


async def test_without_the_index_there_are_several(committed: str, people: People) -> None:
    await drop("DROP INDEX representative_changes_one_pending")
    assert await proposed_at_once(people) == {"ok": 4}


async def test_all_adults_say_yes_at_once_and_the_change_happens_once(committed: str, people: People) -> None:
    guest, third = await joined(people), await joined(people, "third")
    home = people.lin.household_id
    assert home is not None
    change = await residents.propose_representative(people.lin, home, resident_id=guest.id)
    await asyncio.gather(*(residents.confirm_representative(one, change.id) for one in (guest, third)))
    assert (await residents.find_change(people.lin, change.id)).state == "confirmed"
    assert (await residents.find_household(people.lin, home)).household.representative_id == guest.id


async def granted_beside_kin(people: People) -> list[object]:
    """阿梅 joins the committee while 孙监督 declares her his wife; each transaction lasts."""

    async def grant() -> RoleGrant:
        async with db.tx():
            made = await RoleGrant.create(resident_id=people.mei.id, role=Role.COMMITTEE, place_id=people.jy)
            await asyncio.sleep(0.3)
            return made

    async def declare() -> None:
        async with db.tx():
            await residents.declare_relative(people.sun, people.sun.id, people.mei.id, kinship=Kinship.SPOUSE)
            await asyncio.sleep(0.3)

    return await asyncio.gather(grant(), declare(), return_exceptions=True)


async def noticed(people: People) -> bool:
    """Whether somebody saw it: the grant was refused, or the conflict was found."""
    granted = await RoleGrant.exists(resident_id=people.mei.id, role=Role.COMMITTEE)
    return not granted or bool(await db.value("SELECT 1 FROM events WHERE verb = 'role.conflict_found'"))


async def test_kin_on_committee_and_supervision_never_pass_each_other_unseen(committed: str, people: People) -> None:
    answers = await granted_beside_kin(people)
    assert all(answer is None or isinstance(answer, RoleGrant | DomainError) for answer in answers)
    assert await noticed(people)


async def test_without_the_trigger_they_do(committed: str, people: People) -> None:
    await drop("DROP TRIGGER relatives_beside_no_grant ON relatives")
    await drop("DROP TRIGGER role_grants_supervisors_apart ON role_grants")
    await granted_beside_kin(people)
    assert not await noticed(people)
