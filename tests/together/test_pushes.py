"""What the sandbox pushes is heard, in every form it may take; what is forged is not."""

import pytest

from models.pushes import Push
from tests.together.conftest import Town, until


async def push(town: Town, trace_id: str, trouble: str | None = None) -> set[int]:
    """Have something pushed; what we answered."""
    told = {"trace_id": trace_id, "result": {"suggest": "pass", "label": "100"}, "errcode": 0}
    asked = {"openid": "lin", "event": "wxa_media_check", "fields": told}
    attempts = (await town.sandbox("push-test", **asked, trouble=trouble))["attempts"]
    return {attempt["status"] for attempt in attempts}


async def test_each_form_is_heard_and_what_is_forged_is_not(town: Town) -> None:
    for mode in ("safe", "compat"):
        for form in ("json", "xml"):
            await town.pushes_here(mode=mode, format=form)
            assert (await town.sandbox("push-test"))["ok"], "the console accepts our address"
            assert await push(town, f"{mode}-{form}") == {200}
    for trouble in ("compat", "xml", "replay"):
        assert await push(town, trouble, trouble) == {200}
    believed = {push.facts["trace_id"] for push in await Push.all()}
    assert believed == {"safe-json", "safe-xml", "compat-json", "compat-xml", "compat", "xml", "replay"}
    for trouble in ("bad_msg_signature", "wrong_appid", "wrong_key", "old_timestamp", "plain"):
        assert await push(town, trouble, trouble) == {403}
    assert await Push.all().count() == len(believed)


async def test_what_is_pushed_in_triplicate_is_kept_once(town: Town) -> None:
    await town.pushes_here()
    await town.sandbox("faults", push="duplicate")
    await town.sandbox("templates", template_id="T1", keywords=["thing1"])
    await town.sandbox("subscribe", openid="lin", decisions={"T1": "accept", "T2": "reject"})

    async def delivered() -> bool:
        return len(await town.seen("pushes", delivered=True)) == 3

    await until(delivered)
    kept = await Push.get()
    assert (kept.event, kept.openid) == ("subscribe_msg_popup_event", "lin")
    assert sorted(kept.facts["answers"]) == [["T1", "accept"], ["T2", "reject"]]


async def test_what_could_not_be_kept_is_pushed_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.pushes_here()
    lost = 0

    async def down(*_: object) -> None:
        nonlocal lost
        lost += 1
        monkeypatch.undo()
        raise ConnectionError

    monkeypatch.setattr("services.pushes.hear", down)
    await town.sandbox("subscribe", openid="lin", template_id="T1", decision="accept")
    await until(Push.all().exists)
    assert lost == 1
