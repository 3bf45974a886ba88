"""The roof: settings, pools, the outside world, middleware, and the routers in the order a need travels."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app import problems
from app.core import db, logs, signing
from app.core.rates import Rates
from app.core.redis import open_redis
from app.core.settings import Settings
from app.gateways.darkroom import Darkroom
from app.gateways.outside import open_outside
from app.gateways.storage import open_storage
from app.middleware import ETags, Surroundings
from routers import (
    audit,
    callbacks,
    certificates,
    codes,
    comments,
    consents,
    crowdfunding,
    deliberations,
    deps,
    disclosures,
    expenses,
    following,
    giving,
    health,
    homes,
    log,
    media,
    meetings,
    moderation,
    needs,
    notifications,
    posters,
    residents,
    rolls,
    slips,
    statistics,
    units,
    volunteering,
    volunteers,
    wishes,
)
from services.media.links import Links

ROUTERS = [
    health.router,
    residents.sessions,
    residents.me,
    consents.router,
    notifications.messages,
    residents.place_tree,
    statistics.router,
    audit.router,
    residents.homes,
    homes.me,
    homes.at_places,
    homes.homes,
    homes.changes,
    homes.invited,
    homes.guardians,
    homes.people,
    homes.links,
    homes.moves,
    homes.help_given,
    media.router,
    notifications.calls,
    needs.router,
    needs.due_dates,
    wishes.router,
    volunteers.activities,
    units.router,
    volunteering.activities,
    volunteering.shifts,
    volunteering.mine,
    volunteering.records,
    volunteers.mine,
    volunteers.teams,
    volunteers.members,
    volunteers.points,
    certificates.mine,
    certificates.router,
    deliberations.agenda,
    deliberations.decided,
    following.discussed,
    following.proposals,
    following.decided,
    following.displays,
    following.tasks,
    meetings.meetings,
    meetings.petitions,
    rolls.rolls,
    rolls.objections,
    rolls.paper,
    rolls.thresholds,
    rolls.constituencies,
    rolls.representatives,
    rolls.homes,
    crowdfunding.fund,
    crowdfunding.campaigns,
    crowdfunding.pledges,
    crowdfunding.teams,
    expenses.campaigns,
    expenses.fund,
    expenses.router,
    expenses.people,
    giving.campaigns,
    giving.incomes,
    giving.pledges,
    giving.teams,
    disclosures.communities,
    disclosures.campaigns,
    disclosures.displayed,
    disclosures.asked_about,
    slips.campaigns,
    slips.fund,
    slips.matches,
    slips.slips,
    slips.transfers,
    log.router,
    comments.router,
    codes.router,
    posters.router,
    moderation.complaints,
    moderation.router,
    callbacks.router,
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The whole application. `settings` default to the environment."""
    config = settings or Settings()
    app = FastAPI(
        title="Linli 邻里",
        version="0.1.0",
        summary="One need, unbroken and checkable, to the decision, the money, the people and the receipts.",
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = config
    app.state.links = Links(config.base_url, config.secret_key.get_secret_value())
    app.state.keys_fit = False
    app.add_middleware(ETags)
    app.add_middleware(Surroundings)
    problems.install(app)
    for router in ROUTERS:
        refuse_undeclared(router)
        app.include_router(router)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the process holds: database, Redis, pictures, WeChat; close them at the end."""
    config: Settings = app.state.settings
    logs.set_up(json=config.production)
    signing.use(signing.open_signer(config))
    limits = db.Limits(config.db_lock_timeout_ms, config.db_statement_timeout_ms, config.db_idle_timeout_ms)
    await db.connect(config.database_url, pool_size=config.db_pool_size, limits=limits)
    try:
        app.state.redis = open_redis(config.redis_url)
        app.state.rates = Rates(config.redis_url)
        app.state.storage, app.state.darkroom = open_storage(config), Darkroom()
        async with open_outside(config, app.state.redis) as (app.state.wechat, app.state.wechat_pay):
            yield
        await app.state.redis.aclose()
    finally:
        await db.disconnect()


def refuse_undeclared(router: APIRouter) -> None:
    """Deny by default: an operation that neither asks who is calling nor says it is public does not start."""
    for route in router.routes:
        assert isinstance(route, APIRoute), f"{route} is no API operation"  # noqa: S101
        public = (route.openapi_extra or {}).get("security") == []
        if not public and not _asks_who(route.dependant):
            raise RuntimeError(f"{route.methods} {route.path} declares no permission")


def _asks_who(dependant: Any) -> bool:
    return dependant.call is deps.holder or any(_asks_who(part) for part in dependant.dependencies)


def openapi(app: FastAPI) -> dict[str, Any]:
    """The contract, with problems under their own media type."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if status >= "400":
                        problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
                        response["content"] = {"application/problem+json": problem}
        app.openapi_schema = schema
    return app.openapi_schema
