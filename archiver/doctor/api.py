"""Checks of the Liner API: it takes the key, lets it read what a run reads, and has our time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from archiver.archive.pace import REAL_PACE, Pace
from archiver.config import Config
from archiver.doctor.check import Check, Surroundings
from archiver.errors import RequestError
from archiver.http.origins import Origin
from archiver.liner.client import LinerClient
from archiver.liner.models import Order
from archiver.liner.scope import Scope, Window
from archiver.run.source import source
from archiver.tasks.retry import RetryPolicy
from archiver.text.measures import say_duration

_GREATEST_DIFFERENCE: Final = 60.0
"""Seconds between the clocks above which windows would be cut in the wrong places."""
_PERIOD: Final = timedelta(days=7)
"""How far back a call is looked for, to try its recordings."""
_CONNECTIONS: Final = 4
_PACE: Final = Pace(api=RetryPolicy(attempts=2, first_wait=0.5))


async def try_proxy(config: Config, _around: Surroundings) -> list[Check]:
    """Which proxies are used for the API and for recordings."""
    proxies = config.http.proxy
    api = proxies.of(Origin.parse(config.api.url))
    checks = []
    if api is not None:
        said = f"requests to {config.api.url} go through {api} ({api.named_by})"
        checks.append(Check.ok("proxy", said))
    if proxies.https is not None:
        said = f"recordings are fetched through {proxies.https} ({proxies.https.named_by})"
        limit = "; it resolves host names, so it must block private addresses"
        checks.append(Check.ok("proxy", f"{said}{limit}"))
    return checks


async def try_api(config: Config, around: Surroundings) -> list[Check]:
    """Make each kind of request of a run once. Raises if the API cannot be used."""
    reached = source(config, connections=_CONNECTIONS, pace=_PACE, clock=around.clock)
    async with reached as origin:
        client = origin.liner
        orders = await client.orders()
        return [
            _orders_check(client, orders),
            *await _health_checks(client),
            _clock_check(around.clock(), client.server_time),
            await _calls_check(config, client, orders, around.clock()),
            await _names_check(client),
        ]


def _orders_check(client: LinerClient, orders: Sequence[Order]) -> Check:
    said = f"API key accepted; {len(orders):,} orders listed"
    if not orders:
        hint = "give the key permission to read orders, or set scope.leads"
        return Check.warning("API", said, hint)
    if client.orders_missing:
        hint = "give the key permission to read all orders"
        return Check.warning(
            "API", f"{said}, but the API counts {client.orders_missing:,} more", hint
        )
    if client.orders_version == 1:
        hint = "list archived orders in scope.orders if you want their calls"
        return Check.warning(
            "API", f"{said} through the old endpoint, which omits archived orders", hint
        )
    return Check.ok("API", said)


async def _health_checks(client: LinerClient) -> list[Check]:
    """The API's own word on its parts; an API without that method loses nothing."""
    try:
        parts = await client.health()
    except RequestError:
        return []
    if red := [name for name, healthy in parts.items() if not healthy]:
        hint = "contact the operator of your Liner API"
        return [Check.warning("API health", f"failing: {', '.join(red)}", hint)]
    return [Check.ok("API health", "all components are healthy")]


async def _calls_check(
    config: Config, client: LinerClient, orders: Sequence[Order], now: datetime
) -> Check:
    """List calls and the recordings of one of them, as a run does first of all."""
    scopes = _some_scopes(config, orders)
    if not scopes:
        hint = "set scope.orders or scope.leads"
        return Check.warning("calls", "no order or lead to test with", hint)
    until = now.replace(microsecond=0)
    page = await client.calls_page(scopes, Window(until - _PERIOD, until))
    calls = [call for call in page.rows if call.has_records is not False]
    if not calls:
        return Check.ok("calls", "the key can list them; no recent call to test recordings with")
    listing = await client.recordings(calls[0].id)
    return Check.ok(
        "calls", f"the key can list them; {len(listing.found)} recordings listed for one of them"
    )


def _some_scopes(config: Config, orders: Sequence[Order]) -> list[Scope]:
    if config.scope.leads:
        return [Scope("lead", config.scope.leads[0])]
    wanted = config.scope.orders or [order.id for order in orders]
    return [Scope("order", order_id) for order_id in wanted[:10]]


async def _names_check(client: LinerClient) -> Check:
    """Whether names of agents and statuses can be read for the sidecars."""
    readers: dict[str, Callable[[], Awaitable[object]]] = {
        "users": client.users,
        "statuses": client.statuses,
    }
    unreadable = []
    for name, read in readers.items():
        try:
            await read()
        except RequestError:
            unreadable.append(name)
    if unreadable:
        hint = "give the key permission to read them; otherwise sidecars lack those names"
        return Check.warning("names", f"the key cannot read {' and '.join(unreadable)}", hint)
    return Check.ok("names", "the key can read users and statuses")


def _clock_check(ours: datetime, theirs: datetime | None) -> Check:
    if theirs is None:
        return Check.warning(
            "clock", "the API's responses have no Date header", "compare the clocks manually"
        )
    seconds = (ours - theirs).total_seconds()
    if abs(seconds) <= _GREATEST_DIFFERENCE:
        return Check.ok("clock", "in step with the API's clock")
    direction = "ahead of" if seconds > 0 else "behind"
    said = f"is {say_duration(abs(seconds))} {direction} the API's"
    if abs(seconds) > REAL_PACE.clocks_apart.total_seconds():
        return Check.problem("clock", said, "set the clock of this machine (NTP): no run begins")
    return Check.warning(
        "clock", said, "set the clock of this machine (NTP): time windows depend on it"
    )
