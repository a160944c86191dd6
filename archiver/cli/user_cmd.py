"""`archiver user`: who may use the desk."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, add_act
from archiver.cli.passwords import password_from_terminal
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.desk.accounts.users import User

_ROLES: Final = ("listener", "reviewer", "lead", "admin", "agent")
_LONGEST: Final = 4096


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "The users of the desk are stored in the file desk.users. Changes take effect at once, "
        "even for a running desk: a user who is removed or whose password changes is logged "
        "out. Passwords are entered twice at the terminal, never as an argument."
    )
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    adding = add_act(acts, common, add, "add", "add a user; prompts for a password")
    adding.add_argument("name", metavar="NAME", help="letters, digits and . _ @ + -")
    adding.add_argument(
        "--role",
        required=True,
        choices=_ROLES,
        help="listener: find and play; reviewer: also notes, tags, verdicts, downloads; "
        "lead: also queues, everyone's verdicts, reports; admin: also the access log; "
        "agent: only their own reviewed calls",
    )
    _add_user_id(adding)
    _add_password_options(adding).add_argument(
        "--no-password",
        action="store_true",
        help="for a user authenticated by the proxy (desk.proxy_header)",
    )
    changing = add_act(acts, common, change_password, "password", "change the password of a user")
    changing.add_argument("name", metavar="NAME", help="the name to log in with")
    _add_password_options(changing)
    moving = add_act(acts, common, change_role, "role", "change the role of a user")
    moving.add_argument("name", metavar="NAME", help="the name to log in with")
    moving.add_argument("role", metavar="ROLE", choices=_ROLES, help=", ".join(_ROLES))
    _add_user_id(moving)
    add_act(acts, common, show, "list", "list the users and their roles")
    removing = add_act(acts, common, remove, "remove", "remove a user; their notes are kept")
    removing.add_argument("name", metavar="NAME", help="the name to log in with")


def _add_user_id(parser: Any) -> None:
    parser.add_argument(
        "--user-id", metavar="ID", type=int, help="of an agent: the id of that user in the API"
    )


def _add_password_options(parser: argparse.ArgumentParser) -> Any:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the first line of standard input",
    )
    return group


def add(arguments: argparse.Namespace, context: Context) -> int:
    """Add a user; UsageError when there is one of that name."""
    from archiver.desk.accounts.enrolment import change_users
    from archiver.desk.accounts.person import Role
    from archiver.desk.accounts.users import User

    name, path = _proper(arguments.name), _path(context)
    _refuse_known(name, path)
    user_id = _user_id(arguments)
    kept = None if arguments.no_password else _new_password(arguments, context)

    def change(users: "dict[str, User]") -> None:
        _refuse_known(name, path)
        users[name] = User(name, Role(arguments.role), kept, user_id)

    change_users(path, change)
    return _done(context, f"Added {name} as {arguments.role}.", name, path)


def change_password(arguments: argparse.Namespace, context: Context) -> int:
    """Set a password; every session of the user ends."""
    name, path = _proper(arguments.name), _path(context)
    _known(name, path)
    kept = _new_password(arguments, context)
    _change(name, path, password=kept)
    return _done(
        context, f"Changed the password of {name}; open sessions were logged out.", name, path
    )


def change_role(arguments: argparse.Namespace, context: Context) -> int:
    """Set a role; it counts from the user's next click."""
    from archiver.desk.accounts.person import Role

    name, path = _proper(arguments.name), _path(context)
    _change(name, path, role=Role(arguments.role), user_id=_user_id(arguments))
    return _done(context, f"{name} is now {arguments.role}.", name, path)


def remove(arguments: argparse.Namespace, context: Context) -> int:
    """Remove a user; what the user wrote stays, under the same name."""
    from archiver.desk.accounts.enrolment import change_users, no_such_user

    name, path = _proper(arguments.name), _path(context)

    def change(users: "dict[str, User]") -> None:
        if users.pop(name, None) is None:
            raise no_such_user(name, path)

    change_users(path, change)
    return _done(context, f"Removed {name}; open sessions were logged out.", name, path)


def show(_arguments: argparse.Namespace, context: Context) -> int:
    """List the users."""
    from archiver.desk.accounts.users import UsersFile

    path = _path(context)
    users = [user for _, user in sorted(UsersFile(path).all().items())]
    context.console.json({"usersFile": str(path), "users": [_as_json(user) for user in users]})
    if not users:
        context.console.result(
            "There are no users: the desk is available on this machine only.",
            "Add the first one with `archiver user add NAME --role admin`.",
        )
    wide = max((len(user.name) for user in users), default=0)
    for user in users:
        rest = "" if user.password else "  (no password: log-in through the proxy only)"
        whom = "" if user.user_id is None else f" (user {user.user_id})"
        context.console.result(f"{user.name:<{wide}}  {user.role}{whom}{rest}")
    return 0


def _user_id(arguments: argparse.Namespace) -> int | None:
    from archiver.desk.accounts.users import GREATEST_USER_ID

    user_id: int | None = arguments.user_id
    if arguments.role == "agent" and user_id is None:
        raise UsageError(
            "an agent needs the id of a user of the API",
            hint="add --user-id ID; `archiver status` shows the ids of agents",
        )
    if arguments.role != "agent" and user_id is not None:
        raise UsageError("--user-id is for the role agent only", hint="leave it out")
    if user_id is not None and not 1 <= user_id <= GREATEST_USER_ID:
        raise UsageError(f"--user-id must be from 1 to {GREATEST_USER_ID}", hint="check the id")
    return user_id


def _path(context: Context) -> Path:
    return context.load_config(needs_key=False).desk.users


def _proper(name: str) -> str:
    from archiver.desk.accounts.person import proper_name

    try:
        return proper_name(name)
    except ValueError as error:
        raise UsageError(f"the name {error}, not {name[:80]!r}") from None


def _known(name: str, path: Path) -> "User":
    from archiver.desk.accounts.enrolment import no_such_user
    from archiver.desk.accounts.users import UsersFile

    user = UsersFile(path).find(name)
    if user is None:
        raise no_such_user(name, path)
    return user


def _refuse_known(name: str, path: Path) -> None:
    from archiver.desk.accounts.users import UsersFile

    if UsersFile(path).find(name) is not None:
        raise UsageError(
            f"user {name} already exists in {path}",
            hint=f"use `archiver user password {name}` or `archiver user role {name}` to change it",
        )


def _change(name: str, path: Path, **changed: Any) -> None:
    from archiver.desk.accounts.enrolment import change_users, no_such_user

    def change(users: "dict[str, User]") -> None:
        if name not in users:
            raise no_such_user(name, path)
        users[name] = replace(users[name], **changed)

    change_users(path, change)


def _new_password(arguments: argparse.Namespace, context: Context) -> str:
    from archiver.desk.accounts.passwords import hash_password

    password = _from_stdin() if arguments.password_stdin else _typed()
    context.console.protect(password)
    try:
        return hash_password(password)
    except ValueError as error:
        raise UsageError(
            f"the password {error}", hint="a whole sentence makes a good password"
        ) from None


def _typed() -> str:
    hint = "pass it on standard input with --password-stdin"
    return password_from_terminal(otherwise=hint)


def _from_stdin() -> str:
    return sys.stdin.readline(_LONGEST).rstrip("\r\n")


def _done(context: Context, says: str, name: str, path: Path) -> int:
    from archiver.desk.accounts.users import UsersFile

    user = UsersFile(path).find(name)
    context.console.result(says)
    context.console.json({"usersFile": str(path), "user": _as_json(user) if user else None})
    return 0


def _as_json(user: "User") -> dict[str, Any]:
    told = {"name": user.name, "role": str(user.role), "hasPassword": user.password is not None}
    return told if user.user_id is None else {**told, "userId": user.user_id}
