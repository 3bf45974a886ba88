"""Rate limits: a burst is let through, then one waits; without Redis each process counts for itself."""

import pytest

from app.core.embedded import Servers, free_port
from app.core.errors import TooMany
from app.core.rates import WRITES, Rates

pytestmark = pytest.mark.no_database


async def burst(rates: Rates, who: str) -> TooMany:
    for _ in range(100):
        await rates.hit(WRITES, "writes", who)
    with pytest.raises(TooMany) as refused:
        await rates.hit(WRITES, "writes", who)
    return refused.value


async def test_a_burst_of_a_hundred_then_wait(servers: Servers) -> None:
    rates = Rates(servers.redis_url)
    refused = await burst(rates, "lin")
    assert 1 <= refused.extra["retry_after"] <= 3
    await rates.hit(WRITES, "writes", "mei")


async def test_two_processes_share_the_count(servers: Servers) -> None:
    await burst(Rates(servers.redis_url), "wang")
    with pytest.raises(TooMany):
        await Rates(servers.redis_url).hit(WRITES, "writes", "wang")


async def test_without_redis_the_limit_still_holds() -> None:
    await burst(Rates(f"redis://127.0.0.1:{free_port()}"), "lin")
