"""The demonstration community: one district, one street, 锦阳 and 玉林, and the cast that plays in docs and tests."""

from dataclasses import dataclass

from app.core.crypto import Keys
from app.core.db import atomic
from models.places import Place, PlaceKind
from models.residents import Capacity, Role, RoleGrant
from services import moderation, places, residents
from services.policies import Actor

NO_DATES = Keys({}, "")
"""Nothing is sealed here: the cast gives no dates of birth."""
DISTRICT, STREET, JY, YL = "锦江区", "春熙街道", "锦阳社区", "玉林社区"


@dataclass(frozen=True)
class Person:
    """A member of the cast: where he lives (community, building, room) and since when on earth."""

    nickname: str
    birth_year: int
    community: str | None = None
    building: str = ""
    room: str = ""


CAST = {
    "lin": Person("小林", 1988, JY, "7号楼", "101"),
    "mei": Person("阿梅", 1992, JY, "7号楼", "202"),
    "wang": Person("王伯", 1950, JY, "3号楼", "303"),
    "guest": Person("过客", 1995),
    "chen": Person("陈主任", 1975, JY, "3号楼", "401"),
    "zhao": Person("赵委员", 1980, JY, "5号楼", "402"),
    "sun": Person("孙监督", 1968, JY, "5号楼", "501"),
    "he": Person("何楼长", 1962, JY, "7号楼", "601"),
    "ma": Person("马社工", 1990, JY, "3号楼", "602"),
    "wu": Person("吴邻", 1985, YL, "1号楼", "101"),
    "deng": Person("邓委员", 1979, YL, "1号楼", "201"),
    "qian": Person("钱科长", 1978),
    "root": Person("区管理员", 1970),
}


@atomic(limit_s=60)
async def seed_cast() -> bool:
    """Make the demonstration community through the services; False when it is there already."""
    if await Place.exists(kind=PlaceKind.DISTRICT, name=DISTRICT):
        return False
    district = await places.add(None, parent_id=None, kind=PlaceKind.DISTRICT, name=DISTRICT)
    street = await places.add(None, parent_id=district.id, kind=PlaceKind.STREET, name=STREET)
    for openid, person in CAST.items():
        resident = await residents.enrol(openid)
        await residents.update_profile(await residents.actor(resident.id), nickname=person.nickname)
        await moderation.trust("nickname", resident.id)
    await residents.grant_from_command_line("root", Role.DISTRICT_OFFICER, district.id)
    await grant("root", "qian", Role.STREET_OFFICER, street)
    communities = {}
    for name in (JY, YL):
        communities[name] = await places.add(
            await who("qian"), parent_id=street.id, kind=PlaceKind.COMMUNITY, name=name
        )
    buildings: dict[tuple[str, str], Place] = {}
    for person in CAST.values():
        if person.community and (person.community, person.building) not in buildings:
            buildings[person.community, person.building] = await places.add(
                await who("qian"),
                parent_id=communities[person.community].id,
                kind=PlaceKind.BUILDING,
                name=person.building,
            )
    await grant("qian", "chen", Role.COMMITTEE, communities[JY])
    await grant("qian", "zhao", Role.COMMITTEE, communities[JY])
    await grant("qian", "deng", Role.COMMITTEE, communities[YL])
    for openid, person in CAST.items():
        if person.community:
            await settle(openid, person, buildings[person.community, person.building])
    await residents.grant_from_command_line("sun", Role.SUPERVISOR, communities[JY].id)
    await grant("chen", "he", Role.BUILDING_HEAD, buildings[JY, "7号楼"])
    await grant("chen", "ma", Role.SOCIAL_WORKER, communities[JY])
    return True


async def who(openid: str) -> Actor:
    """A member of the cast, with what he holds now."""
    return await residents.actor((await residents.enrol(openid)).id)


async def grant(granter: str, openid: str, role: Role, place: Place) -> None:
    """One gives another a role."""
    await residents.grant_role(await who(granter), place.id, resident_id=(await who(openid)).id, role=role)


async def settle(openid: str, person: Person, building: Place) -> None:
    """Claim a home and have the committee confirm it."""
    claim = await residents.claim_household(
        await who(openid),
        building_id=building.id,
        unit="1",
        room=person.room,
        capacity=Capacity.OWNER,
        birth_year=person.birth_year,
        secret=NO_DATES,
    )
    confirmer = {"chen": "zhao", "deng": "wu"}.get(openid) or ("deng" if person.community == YL else "chen")
    if openid == "deng":  # 玉林 has no second committee member yet, so a neighbour heads the building for the moment
        await grant("deng", "wu", Role.BUILDING_HEAD, building)
    await residents.confirm_claim(await who(confirmer), claim.id, secret=NO_DATES)
    if openid == "deng":
        head = await RoleGrant.get(role=Role.BUILDING_HEAD, place_id=building.id, until_at=None)
        await residents.revoke_role(await who("deng"), building.id, head.id)
