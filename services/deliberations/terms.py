"""What a vote must reach: the law's presets, made stricter by a place for itself and all below, kept at the opening."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid
from models.deliberations import Deliberation, Rule
from models.places import Place, PlaceKind
from models.rolls import TooLow, VotingRule
from services import events, places
from services.policies import Actor, require
from services.policies import deliberations as policies
from services.rules import quorum
from services.rules.quorum import PRESETS, Preset, Threshold

RULED = {PlaceKind.COMMUNITY, PlaceKind.STREET, PlaceKind.DISTRICT}


@dataclass(frozen=True)
class OwnTerms:
    """What a place asks for by itself; None: as the law has it."""

    rule: Rule
    quorum: Threshold | None = None
    majority: Threshold | None = None
    recognised: bool = False


@dataclass(frozen=True)
class Terms:
    """What one of the presets comes to at a place, with the article it stands in."""

    rule: Rule
    preset: Preset
    recognised: bool


@atomic()
async def set_terms(actor: Actor, place_id: int, asked: Sequence[OwnTerms]) -> list[Terms]:
    """Ask for more than the law does, here and below. The committee may; owners' votes an officer recognises.

    What is not named stays; votes that are open keep what they opened with.
    Raises NotFound, Forbidden, Invalid (a building has no rules), TooLow, NotRecognisable.
    """
    place = await places.find(place_id)
    require(policies.may_set_terms(actor, place))
    if place.kind not in RULED:
        raise Invalid("表决门槛只设在社区、街道或区", "Only a community, street or district has thresholds")
    await db.advisory_lock(f"voting rules of {place.id}")
    for terms in asked:
        _check(terms)
        stored = await VotingRule.get_or_none(place_id=place.id, rule=terms.rule)
        if terms.recognised != (stored is not None and stored.recognised):
            require(policies.may_recognise(actor, place), "只有街道或区级可以认定业主表决", "Only officers may")
        await VotingRule.update_or_create(defaults=_columns(terms), place_id=place.id, rule=terms.rule)
        await events.record(actor, "place.voting_rule_set", place, rule=terms.rule, **_columns(terms))
    return await terms_of(place_id)


async def terms_of(place_id: int) -> list[Terms]:
    """What each preset comes to at a place; anybody may know. Raises NotFound."""
    place = await places.find(place_id)
    own = await _own(place)
    return [_strictest(rule, [one for one in own if one.rule is rule]) for rule in Rule]


async def in_force(deliberation: Deliberation) -> dict[str, Any]:
    """The terms under which a vote that opens now is judged, to be kept with it."""
    own = [one for one in await _own(await places.find(deliberation.community_id)) if one.rule is deliberation.rule]
    terms = _strictest(deliberation.rule, own)
    return {
        "quorum": asdict(terms.preset.quorum) if terms.preset.quorum else None,
        "majority": asdict(terms.preset.majority) if terms.preset.majority else None,
        "recognised": terms.recognised,
    }


def applied(deliberation: Deliberation) -> Terms:
    """The terms that were kept when the vote opened."""
    statute, kept = PRESETS[deliberation.rule], deliberation.terms
    if kept is None:
        return Terms(deliberation.rule, statute, False)
    quorum, majority = (Threshold(**kept[part]) if kept[part] else None for part in ("quorum", "majority"))
    return Terms(deliberation.rule, replace(statute, quorum=quorum, majority=majority), kept["recognised"])


def _check(terms: OwnTerms) -> None:
    try:
        quorum.stricter(PRESETS[terms.rule], quorum=terms.quorum, majority=terms.majority)
    except quorum.TooLow as exc:
        raise TooLow from exc


async def _own(place: Place) -> list[VotingRule]:
    above = [int(part) for part in place.path.strip("/").split("/")]
    return await VotingRule.filter(place_id__in=above)


def _strictest(rule: Rule, own: Sequence[VotingRule]) -> Terms:
    preset = PRESETS[rule]
    for one in own:
        quorum = _stricter(preset.quorum, one.quorum_numerator, one.quorum_denominator, one.quorum_more_than)
        majority = _stricter(preset.majority, one.majority_numerator, one.majority_denominator, one.majority_more_than)
        preset = replace(preset, quorum=quorum, majority=majority)
    return Terms(rule, preset, any(one.recognised for one in own))


def _stricter(
    so_far: Threshold | None, numerator: int | None, denominator: int | None, more_than: bool | None
) -> Threshold | None:
    if numerator is None or denominator is None or more_than is None:
        return so_far
    own = Threshold(numerator, denominator, more_than)
    return own if so_far is None or own.strictness > so_far.strictness else so_far


def _columns(terms: OwnTerms) -> dict[str, Any]:
    columns: dict[str, Any] = {"recognised": terms.recognised}
    for name, threshold in (("quorum", terms.quorum), ("majority", terms.majority)):
        columns[f"{name}_numerator"] = threshold.numerator if threshold else None
        columns[f"{name}_denominator"] = threshold.denominator if threshold else None
        columns[f"{name}_more_than"] = threshold.more_than if threshold else None
    return columns
