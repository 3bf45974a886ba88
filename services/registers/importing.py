"""A register comes in: what is missing is made, what is there is found, a line that does not fit spoils no other."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from app.core import clock, crypto, db
from app.core.crypto import Keys
from app.core.errors import DomainError
from models.places import PlaceKind
from models.residents import Capacity
from services import places
from services.registers.sheets import Raw
from services.residents import masked
from services.residents.memberships import CHILDS_NAME
from services.rules import register
from services.rules.age import ADULT_YEARS, GUARDED_YEARS
from services.rules.register import Line, Unfit

AT_ONCE = 500


class Outcome(StrEnum):
    MADE = "新增"
    FOUND = "已有"
    REFUSED = "未导入"


@dataclass(frozen=True)
class Told:
    """What became of a line."""

    number: int
    outcome: Outcome
    what: str


@dataclass
class Home:
    """A household as it will stand after this batch: what is on record, and what lines before have added."""

    id: int
    community_id: int
    building_id: int
    unit: str
    room: str
    area_cm2: int | None
    representative_id: int | None
    new: bool = False
    members: list["Person"] = field(default_factory=list)


@dataclass(frozen=True)
class Person:
    """Somebody who lives there: his name as far as it is on record."""

    id: int
    name: str | None
    birth_year: int | None
    phone_index: bytes | None


@dataclass
class Tree:
    """Places by what they lie in, their kind and name; a building also by its community."""

    inside: dict[tuple[int | None, PlaceKind, str], int] = field(default_factory=dict)
    buildings: dict[tuple[int, str], set[int]] = field(default_factory=dict)
    community_of: dict[int, int] = field(default_factory=dict)


class _Undone(Exception):
    """Raised at the end of a dry run so that its transaction rolls back."""


HOMES = """
SELECT h.id, h.community_id, h.building_id, h.unit, h.room, h.area_cm2, h.representative_id
FROM households h JOIN unnest($1::bigint[], $2::text[], $3::text[]) AS asked (building_id, unit, room)
    ON (h.building_id, h.unit, h.room) = (asked.building_id, asked.unit, asked.room)
FOR NO KEY UPDATE OF h
"""
MEMBERS = """
SELECT m.household_id, r.id, r.name_sealed, r.birth_year, r.phone_index FROM memberships m
JOIN residents r ON r.id = m.resident_id WHERE m.household_id = ANY($1::bigint[]) AND m.until_at IS NULL
"""
# Written in the order in which they refer to each other; events say what came to be, as they do for one at a time.
WRITE = {
    "residents": """
INSERT INTO residents (id, nickname, birth_year, suspended, name_sealed, phone_sealed, phone_index)
SELECT id, nickname, birth_year, false, name_sealed, phone_sealed, phone_index FROM unnest($1::bigint[], $2::text[],
    $3::smallint[], $4::bytea[], $5::bytea[], $6::bytea[])
    AS made (id, nickname, birth_year, name_sealed, phone_sealed, phone_index)
""",
    "households": """
INSERT INTO households (id, community_id, building_id, unit, room, area_cm2, representative_id)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
""",
    "memberships": """
INSERT INTO memberships (community_id, household_id, resident_id, capacity)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
""",
    "changed": """
UPDATE households h SET area_cm2 = c.area_cm2, representative_id = c.representative_id
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (id, area_cm2, representative_id) WHERE h.id = c.id
""",
    "events": """
INSERT INTO events (verb, subject_kind, subject_id, community_id, facts)
SELECT verb, kind, id, community_id, facts::jsonb
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) AS e (verb, kind, id, community_id, facts)
""",
}


async def import_register(
    lines: Iterator[Raw],
    tell: Callable[[Told], None],
    *,
    secret: Keys,
    street: tuple[str, str] | None = None,
    dry_run: bool = False,
) -> None:
    """Bring a register in, `AT_ONCE` lines a transaction, and tell of each line; by whoever runs the server.

    `street` is the district and street of lines that name none. A dry run tells the same and keeps nothing.
    Raises Unreadable where the file breaks off; what was told before stays.
    """
    if not dry_run:
        await _all(lines, tell, secret, street)
        return
    with contextlib.suppress(_Undone):
        async with db.tx(limit_s=3600):
            await _all(lines, tell, secret, street)
            raise _Undone


async def _all(
    lines: Iterator[Raw], tell: Callable[[Told], None], secret: Keys, street: tuple[str, str] | None
) -> None:
    this_year = (await clock.now()).astimezone(clock.SHANGHAI).year
    while batch := list(islice(lines, AT_ONCE)):
        for told in await _whole_or_halved(batch, secret, street, this_year):
            tell(told)


async def _whole_or_halved(
    batch: list[Raw], secret: Keys, street: tuple[str, str] | None, this_year: int
) -> list[Told]:
    """A batch in one transaction; where the database refuses it, its halves, down to the line that is at fault."""
    try:
        return await db.run_atomic(lambda: _Batch(secret, street, this_year).take(batch), limit_s=60)
    except DomainError as exc:
        if len(batch) == 1:
            return [Told(batch[0].number, Outcome.REFUSED, exc.zh)]
    half = len(batch) // 2
    first = await _whole_or_halved(batch[:half], secret, street, this_year)
    return first + await _whole_or_halved(batch[half:], secret, street, this_year)


class _Batch:
    """Some lines in one transaction: read all they touch, settle each line, write all that is new."""

    def __init__(self, secret: Keys, street: tuple[str, str] | None, this_year: int) -> None:
        self.secret, self.street, self.this_year = secret, street, this_year
        self.tree = Tree()
        self.homes: dict[tuple[int, str, str], Home] = {}
        self.phones: dict[bytes, int] = {}
        self.changed: set[int] = set()
        self.new: list[tuple[Person, Home, Line]] = []

    async def take(self, batch: list[Raw]) -> list[Told]:
        """Settle the lines of a batch, each on its own."""
        await db.advisory_lock("import of registers")
        settled = [(raw.number, self._read(raw)) for raw in batch]
        fit = [line for _, line in settled if isinstance(line, Line)]
        await self._load(fit)
        ids = iter(await _ids("residents", sum(line.name is not None for line in fit)))
        rooms = iter(await _ids("households", sum(line.room is not None for line in fit)))
        told = []
        for number, line in settled:
            if isinstance(line, str):
                told.append(Told(number, Outcome.REFUSED, line))
                continue
            try:
                told.append(await self._settle(number, line, ids, rooms))
            except Unfit as exc:
                told.append(Told(number, Outcome.REFUSED, str(exc)))
        await self._write()
        return told

    def _read(self, raw: Raw) -> Line | str:
        if raw.wrong is not None:
            return raw.wrong
        cells = dict(raw.cells)
        if self.street is not None and not cells.get("street"):
            cells["district"], cells["street"] = self.street
        try:
            return register.read(cells, this_year=self.this_year)
        except Unfit as exc:
            return str(exc)

    # --- what is there ------------------------------------------------------------------------------------------

    async def _load(self, lines: list[Line]) -> None:
        await self._load_places(lines)
        asked = sorted(
            {
                (building_id, line.unit, line.room)
                for line in lines
                if line.room is not None
                for building_id in self._all_buildings(line)
            }
        )
        for row in await db.rows(HOMES, *(list(column) for column in zip(*asked, strict=True))) if asked else []:
            self.homes[row["building_id"], row["unit"], row["room"]] = Home(**row)
        homes = {home.id: home for home in self.homes.values()}
        for row in await db.rows(MEMBERS, list(homes)):
            name = row["name_sealed"] and crypto.unseal(
                self.secret, bytes(row["name_sealed"]), table="residents", column="name", row=row["id"]
            )
            index = row["phone_index"] and bytes(row["phone_index"])
            homes[row["household_id"]].members.append(Person(row["id"], name or None, row["birth_year"], index))
        indexes = [index for line in lines for index in self._indexes(line.phone)]
        for row in await db.rows("SELECT id, phone_index FROM residents WHERE phone_index = ANY($1::bytea[])", indexes):
            self.phones[bytes(row["phone_index"])] = row["id"]

    async def _load_places(self, lines: list[Line]) -> None:
        districts = sorted({line.district for line in lines})
        communities = sorted({line.community for line in lines})
        for row in await db.rows(
            "SELECT p.id, p.parent_id, p.kind, p.name, p.community_id FROM places p WHERE p.kind = 'district' "
            "AND p.name = ANY($1::text[]) OR p.kind = 'street' OR p.community_id IN "
            "(SELECT id FROM places WHERE kind = 'community' AND name = ANY($2::text[]))",
            districts,
            communities,
        ):
            self._know(**row)

    def _know(self, id: int, parent_id: int | None, kind: str, name: str, community_id: int | None) -> None:
        self.tree.inside[parent_id, PlaceKind(kind), name] = id
        if kind == PlaceKind.BUILDING and community_id is not None:
            self.tree.buildings.setdefault((community_id, name), set()).add(id)
            self.tree.community_of[id] = community_id

    def _path(self, line: Line) -> list[tuple[PlaceKind, str]]:
        return [
            (PlaceKind.DISTRICT, line.district),
            (PlaceKind.STREET, line.street),
            (PlaceKind.COMMUNITY, line.community),
            *([(PlaceKind.GRID, line.grid)] if line.grid else []),
        ]

    def _at(self, path: list[tuple[PlaceKind, str]]) -> int | None:
        above: int | None = None
        for kind, name in path:
            above = self.tree.inside.get((above, kind, name))
            if above is None:
                return None
        return above

    def _all_buildings(self, line: Line) -> set[int]:
        """All buildings of that name in the line's community."""
        community = self._at(self._path(line)[:3])
        return self.tree.buildings.get((community, line.building), set()) if community is not None else set()

    def _building(self, line: Line) -> int | None:
        """The building meant, if it is there: without a grid, the one of that name in its community. Raises Unfit."""
        named = self._all_buildings(line)
        if line.grid is None and len(named) > 1:
            raise Unfit(f"社区有几个「{line.building}」，请写明网格")
        if line.grid is None or not named:
            return next(iter(named), None)
        community, grid = self._at(self._path(line)[:3]), self._at(self._path(line))
        if (community, PlaceKind.BUILDING, line.building) in self.tree.inside:
            raise Unfit(f"「{line.building}」已直接登记在社区之下，不属于网格「{line.grid}」")
        return self.tree.inside.get((grid, PlaceKind.BUILDING, line.building)) if grid is not None else None

    def _indexes(self, phone: str | None) -> list[bytes]:
        """What a number is looked up by, first under the key of now, then under the one a rotation replaces."""
        keys = (self.secret.index, self.secret.index_before)
        return [crypto.index(key, phone, table="residents", column="phone") for key in keys if phone and key]

    # --- one line -----------------------------------------------------------------------------------------------

    async def _settle(self, number: int, line: Line, ids: Iterator[int], rooms: Iterator[int]) -> Told:
        """Look first whether all of a line fits, then make what is missing. Raises Unfit."""
        building_id = self._building(line)
        home = self.homes.get((building_id, line.unit, line.room)) if building_id and line.room else None
        if home and line.area_cm2 and home.area_cm2 not in (None, line.area_cm2):
            raise Unfit(f"本户已登记面积 {(home.area_cm2 or 0) / 10_000:g} ㎡，与此不同；更正请由居委会办理")
        person = self._person(home, line) if line.name else None
        self._check_representative(home, person, line)

        made: list[str] = []
        if building_id is None:
            building_id = await self._make_building(line, made)
        if line.room is not None:
            if home is None:
                home = self._make_home(line, building_id, next(rooms))
                made.append("户")
            if line.area_cm2 and home.area_cm2 is None:
                home.area_cm2 = line.area_cm2
                self.changed.add(home.id)
                made.append("面积")
            if line.name and person is None:
                person = self._make_person(home, line, next(ids))
                made.append("居民")
            if person and self._represents(home, person, line):
                home.representative_id = person.id
                self.changed.add(home.id)
                made.append("户代表")
        return Told(number, Outcome.MADE if made else Outcome.FOUND, "、".join(made))

    def _person(self, home: Home | None, line: Line) -> Person | None:
        """Who is meant, if he is on record in this home. Raises Unfit where his number is somebody else's."""
        members = home.members if home else []
        like = [m for m in members if m.birth_year in (None, line.birth_year)]
        same = [m for m in like if m.name == line.name]
        holder_id = next((self.phones[index] for index in self._indexes(line.phone) if index in self.phones), None)
        if holder_id is not None and holder_id not in [m.id for m in same]:
            holder = next((m for m in members if m.id == holder_id), None)
            if holder is None:
                raise Unfit("电话已登记给另一位居民")
            if holder.name is not None or holder.birth_year not in (None, line.birth_year):
                raise Unfit("电话已登记给本户另一位居民")
            return holder
        if not same and any(m.name is None for m in like):
            raise Unfit("本户有一位同年出生、用微信而未登记姓名的成员，可能是同一人：请由居委会核对")
        if same and line.phone and holder_id is None:
            raise Unfit("此人已登记，而电话与此不同；更正请由本人办理")
        return same[0] if same else None

    def _check_representative(self, home: Home | None, person: Person | None, line: Line) -> None:
        if not line.representative:
            return
        if line.name is None:
            raise Unfit("户代表一栏为是，而没有姓名")
        if not self._adult(line):
            raise Unfit("户代表必须年满十八周岁")
        if home and home.representative_id not in (None, person.id if person else None):
            raise Unfit("本户已有另一位户代表；更换请由本户办理")

    def _represents(self, home: Home, person: Person, line: Line) -> bool:
        """A register without that column makes the first adult represent a household, as the house does."""
        if home.representative_id is not None:
            return False
        return bool(line.representative) or (line.representative is None and self._adult(line))

    def _adult(self, line: Line) -> bool:
        return line.birth_year is not None and self.this_year - line.birth_year > ADULT_YEARS

    async def _make_building(self, line: Line, made: list[str]) -> int:
        above: int | None = None
        for kind, name in [*self._path(line), (PlaceKind.BUILDING, line.building)]:
            known = self.tree.inside.get((above, kind, name))
            if known is None:
                place = await places.add(None, parent_id=above, kind=kind, name=name)
                self._know(place.id, place.parent_id, place.kind, place.name, place.community_id)
                known = place.id
                made.append(KINDS[kind])
            above = known
        assert above is not None  # noqa: S101
        return above

    def _make_home(self, line: Line, building_id: int, home_id: int) -> Home:
        assert line.room  # noqa: S101
        community_id = self.tree.community_of[building_id]
        home = Home(home_id, community_id, building_id, line.unit, line.room, line.area_cm2, None, new=True)
        self.homes[building_id, line.unit, line.room] = home
        return home

    def _make_person(self, home: Home, line: Line, person_id: int) -> Person:
        index = next(iter(self._indexes(line.phone)), None)
        person = Person(person_id, line.name, line.birth_year, index)
        home.members.append(person)
        if index:
            self.phones[index] = person.id
        self.new.append((person, home, line))
        return person

    # --- what is new --------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        homes = [home for home in self.homes.values() if home.new]
        await _insert("residents", [self._row(person, line) for person, _, line in self.new])
        await _insert(
            "households",
            [(h.id, h.community_id, h.building_id, h.unit, h.room, h.area_cm2, h.representative_id) for h in homes],
        )
        await _insert(
            "memberships", [(h.community_id, h.id, p.id, Capacity(line.capacity).value) for p, h, line in self.new]
        )
        await _insert(
            "changed",
            [
                (h.id, h.area_cm2, h.representative_id)
                for h in self.homes.values()
                if h.id in self.changed and not h.new
            ],
        )
        noted = [("household.imported", "household", h.id, h.community_id, "{}") for h in homes] + [
            ("resident.imported", "resident", p.id, h.community_id, json.dumps({"household_id": h.id}))
            for p, h, _ in self.new
        ]
        await _insert("events", noted)

    def _row(self, person: Person, line: Line) -> tuple[object, ...]:
        def sealed(column: str, text: str | None) -> bytes | None:
            return crypto.seal(self.secret, text, table="residents", column=column, row=person.id) if text else None

        child = self.this_year - (line.birth_year or 0) <= GUARDED_YEARS
        nickname = CHILDS_NAME if child else masked(line.name or "")
        return (
            person.id,
            nickname,
            line.birth_year,
            sealed("name", line.name),
            sealed("phone", line.phone),
            person.phone_index,
        )


KINDS = {
    PlaceKind.DISTRICT: "区",
    PlaceKind.STREET: "街道",
    PlaceKind.COMMUNITY: "社区",
    PlaceKind.GRID: "网格",
    PlaceKind.BUILDING: "楼栋",
}


async def _insert(what: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        await db.execute(WRITE[what], *(list(column) for column in zip(*rows, strict=True)))


async def _ids(table: str, count: int) -> list[int]:
    found = await db.rows(f"SELECT nextval('{table}_id_seq') AS id FROM generate_series(1, $1)", count)
    return [line["id"] for line in found]
