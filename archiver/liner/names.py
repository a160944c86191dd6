"""Names for the ids in calls: of users, orders and statuses.

Names are a convenience in the sidecar, and agents get deleted. So nothing here ends a run: a
look-up that fails returns None, and a note says once what could not be read and why.
"""

from collections.abc import Iterable

import anyio

from archiver.errors import RequestError, RequestForbidden, RequestNotFound
from archiver.liner.client import LinerClient
from archiver.liner.models import Order, User


class Directory:
    """Names as far as the key has permission to read them; call `load` first.

    `notes` are sentences about what could not be read. Errors of the API as a whole (SourceError)
    are raised.
    """

    def __init__(self, client: LinerClient) -> None:
        self.notes: list[str] = []
        self._client = client
        self._users: dict[int, str | None] = {}
        self._orders: dict[int, str | None] = {}
        self._statuses: dict[int, str | None] = {}
        self._turn = anyio.Lock()
        self._has_blocked_users = False
        self._may_ask_for_users = True

    async def load(self, orders: Iterable[Order] = ()) -> None:
        """Read the lists of users and statuses, and keep the titles of these orders."""
        self._orders.update((order.id, order.title) for order in orders)
        try:
            self._keep(await self._client.users())
        except RequestError as error:
            self.notes.append(f"The list of users could not be read: {error}.")
        try:
            self._statuses = {one.id: one.code for one in await self._client.statuses()}
        except RequestError as error:
            self.notes.append(f"The list of call statuses could not be read: {error}.")

    async def user_name(self, user_id: int | None) -> str | None:
        """First and last name. A user missing from the list is requested individually, once per
        run."""
        if user_id is None:
            return None
        if user_id not in self._users:
            async with self._turn:
                await self._look_up(user_id)
        return self._users.get(user_id)

    def order_title(self, order_id: int | None) -> str | None:
        """The display name of a loaded order."""
        return None if order_id is None else self._orders.get(order_id)

    def status_code(self, status_id: int | None) -> str | None:
        """The `statusCode` for that status id."""
        return None if status_id is None else self._statuses.get(status_id)

    def _keep(self, users: Iterable[User]) -> None:
        self._users.update((user.id, user.name) for user in users)

    async def _look_up(self, user_id: int) -> None:
        """The list may omit blocked users (not documented), so they are requested explicitly."""
        if not self._has_blocked_users and user_id not in self._users:
            self._has_blocked_users = True
            try:
                self._keep(await self._client.users(active=False))
            except RequestError as error:
                self.notes.append(f"The list of blocked users could not be read: {error}.")
        if user_id in self._users:
            return
        self._users[user_id] = None
        if not self._may_ask_for_users:
            return
        try:
            self._keep([await self._client.user(user_id)])
        except RequestNotFound:
            return
        except RequestError as error:
            self._may_ask_for_users = not isinstance(error, RequestForbidden)
            self.notes.append(f"User {user_id} could not be read: {error}.")
