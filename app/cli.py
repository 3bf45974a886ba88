"""The command line: `linli …`, the same as `python -m app.cli …`."""

import asyncio
import contextlib
import csv
import json
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import httpx
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from tortoise.exceptions import DoesNotExist

from app import demo as demonstration
from app import run as everything
from app import worker as working
from app.contest import seed_contest
from app.core import clock, db, embedded, logs, migrations, signing
from app.core.embedded import OWNER
from app.core.errors import DomainError
from app.core.settings import Settings
from app.gateways.outside import open_outside
from app.scale import seed_district, seed_scale
from app.seed import JY, seed_cast
from models.deliberations import BudgetCount
from models.payments import Refund
from models.places import Place, PlaceKind
from models.residents import Role
from services import payments, places, registers, residents, verification
from services.deliberations import Imported, import_election
from services.rules import pabulib

T = TypeVar("T")

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False)

GRACE_S = 12  # longer than the longest request, which is bounded by 10 s
PERIOD = re.compile(r"^\+(\d{1,9})([smhd])$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@cli.command("run")
def run_everything() -> None:
    """All of it, for development: servers, migrations, cast, sandbox, worker, API."""
    raise typer.Exit(everything.run(Settings()))


@cli.command()
def serve() -> None:
    """The API alone."""
    settings = Settings()
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.api_workers,
        timeout_graceful_shutdown=GRACE_S,
        access_log=False,
        log_config=None,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
    )


@cli.command()
def worker() -> None:
    """One worker: the jobs events owe, and the clock."""
    working.main(Settings())


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema and grant the application its rights; safe to run by several at once."""
    with _settings() as settings:
        migrations.migrate(settings.migration_database_url or settings.database_url)
    console.print("the database is up to date")


@cli.command()
def seed(
    contest: Annotated[bool, typer.Option(help="load the provincial contest, once")] = False,
    scale: Annotated[int, typer.Option(min=0, max=5_000_000, help="make so many needs for benchmarks")] = 0,
    district: Annotated[bool, typer.Option(help="spread them over the 64 communities of a district")] = False,
) -> None:
    """The demonstration community with its cast, once; or the contest; or many needs. Not in production."""
    if Settings().production:
        raise typer.BadParameter("production is not seeded with invented people and money")
    if contest:
        made = _in_database(lambda: seed_contest(console.print))
        console.print("loaded the contest" if made else "the contest is there already")
    elif scale:
        place_id = _in_database(lambda: seed_district(scale) if district else seed_scale(scale))
        console.print(f"made {scale} needs in {'district' if district else 'community'} {place_id}")
    else:
        made = _in_database(seed_cast)
        console.print("seeded the demonstration community" if made else "the demonstration community is there already")


@cli.command()
def verify() -> None:
    """Recompute the books and counters from their rows; exit 1 and name each violation if there is one."""
    violations = _in_database(verification.verify)
    for violation in violations:
        console.print(f"[red]✗[/red] {violation}")
    console.print(f"{len(violations)} violations")
    if violations:
        raise typer.Exit(1)


@cli.command("import-pb")
def import_pb(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a participatory budget in PaBuLib format")],
    count: Annotated[BudgetCount | None, typer.Option(help="how it is counted, if not as the file says")] = None,
    close: Annotated[bool, typer.Option(help="count it at once")] = False,
    community: Annotated[int | None, typer.Option(help="the community's id; without it 锦阳")] = None,
) -> None:
    """Read an election of elsewhere with its roll and ballots; prints one line of JSON."""
    started = time.perf_counter()

    async def read_in() -> Imported:
        where = community or (await Place.get(name=JY)).id
        return await import_election(election, community_id=where, name=file.stem, count=count, close=close)

    try:
        election = pabulib.read(file.read_text("utf-8"))
        made = _in_database(read_in)
    except (pabulib.Unreadable, UnicodeDecodeError, DoesNotExist, DomainError) as exc:
        typer.echo(f"{file}: {exc}", err=True)
        raise typer.Exit(1) from exc
    for doubt in election.doubts:
        typer.echo(f"{file}: {doubt}", err=True)
    typer.echo(json.dumps(asdict(made) | {"seconds": round(time.perf_counter() - started, 2)}))


@cli.command("import-places")
def import_places(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a register as CSV or XLSX")],
    street: Annotated[str | None, typer.Option(help="区/街道, for lines that name none")] = None,
    report: Annotated[Path | None, typer.Option(help="write what became of each line into this CSV file")] = None,
    dry_run: Annotated[bool, typer.Option(help="tell what would be done, keep nothing")] = False,
) -> None:
    """Communities, buildings, homes and people out of a register; exit 1 when lines were refused."""
    above = tuple(street.split("/")) if street else None
    if above is not None and (len(above) != 2 or not all(above)):
        raise typer.BadParameter("写成 区/街道", param_hint="--street")
    counts: Counter[registers.Outcome] = Counter()
    with contextlib.ExitStack() as stack:
        lines = csv.writer(stack.enter_context(report.open("w", encoding="utf-8-sig", newline=""))) if report else None
        if lines:
            lines.writerow(("行号", "结果", "说明"))

        def tell(told: registers.Told) -> None:
            counts[told.outcome] += 1
            if lines:
                lines.writerow((told.number, told.outcome.value, told.what))
            if told.outcome is registers.Outcome.REFUSED:
                console.print(f"第 {told.number} 行未导入：{escape(told.what)}")

        broken = _in_database(lambda: _import(file, tell, above, dry_run))
    said = "，".join(f"{outcome.value} {counts[outcome]} 行" for outcome in registers.Outcome)
    console.print(f"{'试运行，没有保存：' if dry_run else ''}{said}")
    if broken:
        typer.echo(f"{file}: {broken}", err=True)
    if broken or counts[registers.Outcome.REFUSED]:
        raise typer.Exit(1)


async def _import(
    file: Path, tell: Callable[[registers.Told], None], street: tuple[str, ...] | None, dry_run: bool
) -> str | None:
    """Why the file broke off, if it did."""
    district_and_street = (street[0], street[1]) if street else None
    try:
        lines = registers.open_register(file)
        await registers.import_register(
            lines, tell, secret=Settings().keys, street=district_and_street, dry_run=dry_run
        )
    except registers.Unreadable as exc:
        return str(exc)
    return None


@cli.command("settle-difference")
def settle_difference(difference_id: int, reason: str) -> None:
    """Note why a difference between a bill of WeChat Pay and our books is in order; `verify` names it no longer."""
    _in_database(lambda: payments.settle_difference(difference_id, reason))
    console.print(f"difference {difference_id} is settled")


@cli.command("book-refund")
def book_refund(difference_id: int, reason: str) -> None:
    """Take a refund made in the merchant's console, which a bill named `refunded_outside`, into the books."""

    async def book() -> Refund:
        async with open_outside(Settings(), None) as (_, pay):
            return await payments.book_refund(pay, difference_id, reason)

    console.print(f"difference {difference_id} is refund {_in_database(book).id}")


@cli.command("add-place")
def add_place(
    kind: PlaceKind, name: str, parent: Annotated[int | None, typer.Option(help="the place it lies in")] = None
) -> None:
    """Add a place without an officer: how an installation gets its first district."""
    place = _in_database(lambda: places.add(None, parent_id=parent, kind=kind, name=name))
    console.print(f"{kind.value} {name} is place {place.id}")


@cli.command("grant-role")
def grant_role(openid: str, role: Role, place_id: int) -> None:
    """Give a role without a granter, as whoever runs the server may; makes the resident if new."""
    _in_database(lambda: residents.grant_from_command_line(openid, role, place_id))
    console.print(f"{openid} is now {role.value} of place {place_id}")


@cli.command()
def suspend(resident_id: int) -> None:
    """Let an account that was stolen, or is run by a program, only read, export and leave; its holder is told."""
    _in_database(lambda: residents.suspend(resident_id, suspended=True))
    console.print(f"resident {resident_id} is suspended")


@cli.command()
def reinstate(resident_id: int) -> None:
    """Let a suspended account act again; its holder is told."""
    _in_database(lambda: residents.suspend(resident_id, suspended=False))
    console.print(f"resident {resident_id} may act again")


@cli.command("clock")
def move_clock(
    period: Annotated[str, typer.Argument(help="how far: +90s, +5m, +2h, +7d")],
) -> None:
    """Move the database's and the sandbox's clock on, in development."""
    match = PERIOD.match(period)
    if match is None:
        raise typer.BadParameter("say how far: +90s, +5m, +2h, +7d")
    by = timedelta(**{UNITS[match[2]]: int(match[1])})
    with _settings() as settings:
        if settings.production:
            raise typer.BadParameter("production's clock is not moved")
        _move_clocks(settings, by)
    console.print(f"the clock is {period[1:]} further")


@cli.command()
def demo() -> None:
    """Play "a lamp is mended" over HTTP against a running `linli run`."""
    with _settings() as settings:
        sandbox = f"http://127.0.0.1:{settings.sandbox_port}"
        story = demonstration.Story(settings.base_url, sandbox, lambda by: _move_clocks(settings, by))
        try:
            demonstration.play(story)
        except (demonstration.StoryBroken, httpx.HTTPError) as exc:
            console.print(f"\n[bold red]The story broke:[/bold red] {exc}")
            console.print("Is `make run` running in another terminal?")
            raise typer.Exit(1) from exc


def _move_clocks(settings: Settings, by: timedelta) -> None:
    """Move the sandbox's clock and the database's."""
    sandbox = f"http://127.0.0.1:{settings.sandbox_port}/_sandbox/clock"
    with contextlib.suppress(httpx.ConnectError):  # without a sandbox there is only one clock to move
        httpx.post(sandbox, json={"advance_s": int(by.total_seconds())}, timeout=5).raise_for_status()
    asyncio.run(_connected(settings.migration_database_url or settings.database_url, lambda: clock.move(by)))


@cli.command("rotate-keys")
def rotate_keys(
    batch: Annotated[int, typer.Option(min=1, max=5_000, help="how many values in one transaction")] = 500,
) -> None:
    """Seal all personal data under the newest of FIELD_KEYS; may be stopped and run again, while requests run."""
    done = _in_database(lambda: residents.reseal(Settings().keys, batch=batch))
    console.print(f"{done.sealed} values sealed and {done.indexed} numbers indexed anew")
    for resident_id in done.twice:
        console.print(
            f"[red]✗[/red] the number of resident {resident_id} is bound to another one too: free one of them"
        )
    if done.twice:
        raise typer.Exit(1)


@cli.command("retry-jobs")
def retry_jobs() -> None:
    """Queue again the jobs that were held after their last attempt."""
    count = _in_database(
        lambda: db.execute(
            "UPDATE pgqueuer SET status = 'queued', attempts = 0, execute_after = now(), updated = now() "
            "WHERE status = 'failed'"
        )
    )
    console.print(f"{count} jobs are queued again")


def _in_database(work: Callable[[], Awaitable[T]]) -> T:
    logs.set_up(json=False)
    with _settings() as settings:
        signing.use(signing.open_signer(settings))
        return asyncio.run(_connected(settings.database_url, work))


async def _connected(url: str, work: Callable[[], Awaitable[T]]) -> T:
    await db.connect(url, pool_size=4)
    try:
        return await work()
    finally:
        await db.disconnect()


@contextlib.contextmanager
def _settings() -> Iterator[Settings]:
    """Settings with URLs: the environment's, those of a running `linli run`, or servers of our own for the while."""
    settings = Settings()
    if settings.database_url and settings.redis_url:
        yield settings
        return
    environment = everything.running(settings.linli_data)
    if environment is not None:
        os.environ.update(environment)
        yield Settings()
        return
    settings.linli_data.mkdir(parents=True, exist_ok=True)
    servers = embedded.start(settings.linli_data)
    try:
        yield Settings(
            database_url=servers.url(), migration_database_url=servers.url(OWNER), redis_url=servers.redis_url
        )
    finally:
        servers.stop()


def main() -> None:
    """Entry point of the `linli` command."""
    try:
        cli()
    except ValidationError as exc:
        console.print(f"[red]the settings do not fit:[/red] {'; '.join(error['msg'] for error in exc.errors())}")
        raise SystemExit(2) from None
    except DomainError as exc:
        console.print(f"[red]{escape(str(exc))}[/red] {escape(exc.zh)}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
