"""After each step of the story everything that can be read is read: lists, details, pictures and figures agree."""

from collections.abc import Callable, Iterable
from typing import Any

import httpx

from models.crowdfunding import CampaignState
from models.deliberations import DeliberationState
from models.needs import NeedState
from models.wishes import WishState

Read = Callable[[str | None, str], httpx.Response]
"""Read a path as somebody, or as a stranger."""

STATES: dict[str, set[str]] = {
    "needs": set(NeedState),
    "wishes": set(WishState),
    "deliberations": set(DeliberationState),
    "campaigns": set(CampaignState),
}
POSTERS = {"needs": "need", "wishes": "wish", "deliberations": "deliberation", "activities": "activity"}
SAME = ("id", "state", "title", "moderation", "endorsements", "raised_fen", "backers", "free_slots", "created_at")
"""What a list says of a thing and its details say again."""
REFUSED_POSTERS = {404, 409}
"""Of what is not open to all, and of what was withdrawn or merged."""
READ_AGAIN = 3


class Wrong(Exception):
    """Two things that were read do not agree."""


def look_around(read: Read, community_id: int, viewers: Iterable[str], *, pictures: bool = True) -> int:
    """Read all lists and details that the viewers may see, the pictures of the newest things and the public figures.

    How many answers agreed. Raises Wrong.
    """
    looked = Looking(read, community_id)
    for who in viewers:
        for kind in (*STATES, "activities"):
            looked.list(who, kind, pictures=pictures)
    looked.figures()
    return looked.answers


class Looking:
    """One look at everything; counts what it read."""

    def __init__(self, read: Read, community_id: int) -> None:
        self._read, self.community_id = read, community_id
        self.answers = 0

    def read(self, who: str | None, path: str, *, may: Iterable[int] = (200,)) -> httpx.Response:
        """An answer as it may be."""
        answer = self._read(who, path)
        self.expect(f"GET {path} as {who} answers", answer.status_code in may, True, answer.text[:300])
        self.answers += 1
        return answer

    def expect(self, fact: str, got: object, wanted: object, more: object = "") -> None:
        """What must be so. Raises Wrong."""
        if got != wanted:
            raise Wrong(f"{fact}: {got}, not {wanted} {more}")

    def all_of(self, who: str | None, path: str) -> list[dict[str, Any]]:
        """Every item of a list, each once."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.read(who, f"{path}limit=100" + (f"&cursor={cursor}" if cursor else "")).json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                self.expect(f"{path} repeats nothing", len({item["id"] for item in found}), len(found))
                return found

    def list(self, who: str, kind: str, *, pictures: bool) -> None:
        """A list, each thing of it by itself, and the poster of the newest."""
        path = f"/v1/{kind}?community_id={self.community_id}&"
        items = self.all_of(who, path)
        for state in STATES.get(kind, ()):
            some = [item["id"] for item in items if item["state"] == state]
            if some:
                asked = "phase" if kind == "deliberations" else "state"
                found = [item["id"] for item in self.all_of(who, f"{path}{asked}={state}&")]
                self.expect(f"{kind} that are {state}", found, some)
        for item in items:
            self._detail(who, kind, item)
        if pictures and items and kind in POSTERS:
            newest = items[0]["id"]
            poster = self.read(who, f"/v1/posters/{POSTERS[kind]}/{newest}.png", may={200, *REFUSED_POSTERS})
            if poster.status_code == 200:
                self.expect(f"the poster of {kind} {newest} is a picture", poster.content[:4], b"\x89PNG")

    def _detail(self, who: str, kind: str, item: dict[str, Any]) -> None:
        path = f"/v1/{kind}/{item['id']}"
        seen = self.read(who, path).json()
        for field in set(SAME) & set(item) & set(seen):
            self.expect(f"{path} has the {field} of the list", seen[field], item[field])
        if kind in STATES:
            self.expect(f"{path} is in a known state", seen["state"] in STATES[kind], True, seen["state"])
        for photo in seen.get("photos", ()):
            self.read(who, photo["url"].removeprefix(_origin(photo["url"])))
        match kind:
            case "wishes":
                if seen["state"] in ("open", "claimed"):
                    self.expect(f"{path} is claimed when no slot is free", seen["state"] == "claimed",
                        seen["free_slots"] == 0)  # fmt: skip
            case "deliberations":
                self._result(path, seen)
            case "activities":
                for shift in seen["shifts"]:
                    full = 0 <= shift["taken"] <= shift["capacity"]
                    self.expect(f"a shift of {path} holds whom it can", full, True)
            case "campaigns":
                self._money(who, path, seen)

    def _result(self, path: str, seen: dict[str, Any]) -> None:
        if seen["state"] not in ("decided", "implementing", "reviewed"):
            return
        result = self.read(None, f"{path}/result").json()
        resolution = self.read(None, f"/v1/resolutions/{result['resolution_id']}").json()
        self.expect(f"{path} and its resolution have passed", resolution["passed"], result["passed"])
        votes = sum(line["votes"] for line in result["tally"] if "votes" in line)
        if seen["ballot"]["kind"] == "yes_no" and result["tally"]:
            self.expect(f"the votes of {path} are those who voted", votes, result["turnout"]["voted"])

    def _money(self, who: str, path: str, seen: dict[str, Any]) -> None:
        self.expect(f"the budget of {path} is its goal", sum(line["amount_fen"] for line in seen["budget"]),
            seen["goal_fen"])  # fmt: skip
        self.expect(f"the lines of {path} have spent what it has", sum(line["spent_fen"] for line in seen["budget"]),
            seen["spent_fen"])  # fmt: skip
        self.expect(f"{path} has come so far", seen["progress"], seen["raised_fen"] * 100 // seen["goal_fen"])
        pledges = self.all_of(who, f"{path}/pledges?")
        paid_fen = sum(line["amount_fen"] for line in pledges if line["state"] == "paid")
        self.expect(f"the gifts to {path} add up", paid_fen, seen["raised_fen"])

    def figures(self) -> None:
        """The public figures of the community and the places above it add up, and open data has as many rows."""
        path = f"/v1/places/{self.community_id}"
        for _ in range(READ_AGAIN):  # a refund may arrive between the two
            found = self.read(None, f"{path}/stats?by=month").json()
            fund = self.read(None, f"/v1/communities/{self.community_id}/fund").json()
            if found["refunded_fen"] == fund["refunded_fen"]:
                break
        for measure in ("needs_by_field", "needs_by_class", "needs_by_state"):
            self.expect(f"{measure} add up", sum(found[measure].values()), found["needs"])
        for measure in ("wishes_by_kind", "wishes_by_state"):
            self.expect(f"{measure} add up", sum(found[measure].values()), found["wishes"])
        self.expect("campaigns by state add up", sum(found["campaigns_by_state"].values()), found["campaigns"])
        for name in ("needs", "wishes", "deliberations", "activities", "service_minutes", "raised_fen", "spent_fen"):
            self.expect(f"{name} by month add up", sum(month[name] for month in found["months"]), found[name])
        self.expect("what was spent", found["spent_fen"], fund["spent_fen"])
        self.expect("what was given back", found["refunded_fen"], fund["refunded_fen"])
        for table in ("needs", "wishes", "activities", "campaigns"):
            rows = self.read(None, f"{path}/open-data/{table}.json").json()["rows"]
            self.expect(f"{table} of open data", len(rows), found[table])
            self.read(None, f"{path}/open-data/{table}.csv")
        above = self.read(None, path).json()["parent_id"]
        street = self.read(None, f"/v1/places/{above}/stats").json()
        parts = self.read(None, f"/v1/places/{above}/stats/children").json()["items"]
        for name in ("needs", "wishes", "service_minutes", "raised_fen", "spent_fen", "residents"):
            self.expect(f"{name} of the street", sum(part[name] for part in parts), street[name])


def _origin(url: str) -> str:
    return str(httpx.URL(url).copy_with(raw_path=b"")) if url.startswith("http") else ""
