"""Calendars as RFC 5545 writes them: lines of at most 75 octets, escaped texts, times in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

LINE_MAX = 75  # octets, without the line break (RFC 5545 3.1)


class Status(StrEnum):
    """Whether it takes place, as far as this calendar knows."""

    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Happening:
    """One entry. `uid` stays the same for ever; `changed_at` says which of two versions is the newer."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    title: str
    place: str
    status: Status


def calendar(name: str, happenings: Sequence[Happening]) -> str:
    """The whole calendar, with the line breaks that the format asks for."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Linli//Volunteering//ZH", "CALSCALE:GREGORIAN"]
    lines += [f"NAME:{escaped(name)}", f"X-WR-CALNAME:{escaped(name)}", "X-WR-TIMEZONE:Asia/Shanghai"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT1H"]
    for one in happenings:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{one.uid}",
            f"DTSTAMP:{moment(one.changed_at)}",
            f"LAST-MODIFIED:{moment(one.changed_at)}",
            f"DTSTART:{moment(one.starts_at)}",
            f"DTEND:{moment(one.ends_at)}",
            f"SUMMARY:{escaped(one.title)}",
            f"LOCATION:{escaped(one.place)}",
            f"STATUS:{one.status}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def escaped(text: str) -> str:
    """A text value (RFC 5545 3.3.11); what cannot stand in a line becomes a space."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(character if character >= " " and character != "\x7f" else " " for character in text)


def moment(at: datetime) -> str:
    """A moment in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def folded(line: str) -> str:
    """The line cut into pieces of at most 75 octets, never within a character; all but the first indented."""
    pieces: list[str] = []
    piece, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > LINE_MAX:
            pieces.append(piece)
            piece, size = " ", 1
        piece += character
        size += octets
    return "\r\n".join([*pieces, piece])
