"""One process among many that needs the access token: `python -m tests.gateways.token_callers REDIS_URL CALLERS`.

The application's settings come as JSON in the first line of its input. Each further line makes all callers ask at
once, `again` with the news that the token they hold is refused; it answers with the different tokens they got.
"""

import asyncio
import json
import sys

from app.core.redis import open_redis
from app.gateways.wechat import TokenStore, WechatClient


async def main(redis_url: str, callers: int) -> None:
    config = json.loads(sys.stdin.readline())
    redis = open_redis(redis_url)
    tokens = TokenStore(redis, config["WX_APPID"])
    client = WechatClient(config["WX_API_BASE"], config["WX_APPID"], config["WX_SECRET"], tokens)
    print(json.dumps("ready"), flush=True)  # noqa: T201
    bad = None
    while asked := await asyncio.to_thread(sys.stdin.readline):
        held = bad if asked.strip() == "again" else None
        got = await asyncio.gather(*(tokens.get(client._api._fetch_token, held) for _ in range(callers)))
        bad = got[0]
        print(json.dumps(sorted(set(got))), flush=True)  # noqa: T201
    await client.aclose()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
