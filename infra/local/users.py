"""Each department's own users at MongoDB and RabbitMQ: their passwords, and what they may.

`python -m infra.local.users files FOLDER` makes what is missing of the passwords, MongoDB's key
file and RabbitMQ's definitions; `… mongo HOST:PORT FOLDER` makes the users in a MongoDB that runs
with this key file. For servers that somebody else runs `… mongosh FOLDER` prints a script and
`… definitions FOLDER` what RabbitMQ imports; both make the departments only.
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from infra.local.layout import PRIVATE, write_secret
from infra.local.trouble import Trouble
from infra.local.wire import Link
from services.common.settings import DEPARTMENTS, user_of

ADMIN = "zhengtong"
"""May do all at both servers. It is for operators and tests: no process of the platform has it."""
MONGO = "mongo"
AMQP = "amqp"
SERVERS = (MONGO, AMQP)
TOPOLOGY = Path(__file__).parents[1] / "rabbitmq" / "topology.json"
USER_NOT_FOUND = 11
HASHING = "rabbit_password_hashing_sha256"

Document = dict[str, Any]


class NoUsers(Trouble):
    """The users could not be made."""


class Asked(Protocol):
    """A connection to MongoDB."""

    def ask(self, question: Mapping[str, Any], database: str = "admin") -> Document:
        """One command and its answer."""


def ensure_files(folder: Path, servers: Sequence[str] = SERVERS) -> bool:
    """Make what is missing for these servers and keep what is there.

    The folder itself is for who runs the servers, `departments` in it for the departments.

    Returns: whether a password was made.
    """
    for each in (folder, departments(folder)):
        each.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    owners = (ADMIN, *DEPARTMENTS)
    wanted = [_file(folder, owner, server) for server in servers for owner in owners]
    if MONGO in servers:
        wanted.append(key_file(folder))
    missing = [file for file in wanted if not file.exists()]
    for file in missing:
        # Hexadecimal: MongoDB reads its key file as base64, and nothing has to be escaped.
        write_secret(file, secrets.token_hex(32))
    if AMQP in servers:
        write_secret(definitions_file(folder), _definitions(folder, owners))
    return bool(missing)


def departments(folder: Path) -> Path:
    """What is ZHENGTONG_SECRETS_DIR to the platform's processes."""
    return folder / "departments"


def key_file(folder: Path) -> Path:
    return folder / "mongo.key"


def definitions_file(folder: Path) -> Path:
    return folder / "definitions.json"


def password(folder: Path, owner: str, server: str) -> str:
    """The password of a department, or of ADMIN, at `mongo` or `amqp`."""
    return _file(folder, owner, server).read_text(encoding="ascii").strip()


def admin(folder: Path, server: str) -> str:
    """`name:password` of who may do all at a server."""
    return f"{ADMIN}:{password(folder, ADMIN, server)}"


def _name(owner: str) -> str:
    return owner if owner == ADMIN else user_of(owner)


def _file(folder: Path, owner: str, server: str) -> Path:
    return (folder if owner == ADMIN else departments(folder)) / f"{owner}.{server}"


# --- MongoDB ---------------------------------------------------------------------------------


def mongo_users(folder: Path) -> list[Document]:
    """All users as `createUser` takes them.

    `readWrite` holds the indexes and change streams too, so that no more is given.
    """
    rights = {ADMIN: [{"role": "root", "db": "admin"}]}
    for name in DEPARTMENTS:
        rights[name] = [{"role": "readWrite", "db": f"zt_{name}"}]
    return [
        {
            "user": _name(owner),
            "pwd": password(folder, owner, MONGO),
            "roles": roles,
            "mechanisms": ["SCRAM-SHA-256"],
        }
        for owner, roles in rights.items()
    ]


def log_in(link: Link, folder: Path) -> None:
    """As the server itself, which whoever holds its key file may.

    No user has to be there yet, or to have kept its password.
    """
    link.login("__system", key_file(folder).read_text(encoding="ascii").strip(), "local")


def make_in_mongo(link: Asked, folder: Path) -> None:
    """Make every user, or give it the password and the rights it should have.

    Raises:
        NoUsers: the server refuses.
    """
    for user in mongo_users(folder):
        name, rest = user["user"], {key: value for key, value in user.items() if key != "user"}
        answer = link.ask({"updateUser": name, **rest})
        if answer.get("code") == USER_NOT_FOUND:
            answer = link.ask({"createUser": name, **rest})
        if answer.get("ok") != 1:
            raise NoUsers(f"MongoDB 用户 {name} 没有建立：{answer.get('errmsg')}")


def mongosh(folder: Path) -> str:
    """The same for somebody else's MongoDB, as a script for mongosh."""
    lines = ['const admin = db.getSiblingDB("admin");']
    for user in mongo_users(folder)[1:]:
        name = json.dumps(user.pop("user"))
        rest = json.dumps(user)
        lines.append(f"if (admin.getUser({name})) admin.updateUser({name}, {rest});")
        lines.append(f"else admin.createUser({{user: {name}, ...{rest}}});")
    return "\n".join(lines) + "\n"


# --- RabbitMQ --------------------------------------------------------------------------------


def _definitions(folder: Path, owners: Sequence[str]) -> str:
    topology = json.loads(TOPOLOGY.read_text(encoding="utf-8"))
    passwords = {owner: password(folder, owner, AMQP) for owner in owners}
    return json.dumps(definitions(topology, passwords), indent=1) + "\n"


def definitions(topology: Document, passwords: Mapping[str, str]) -> Document:
    """What the broker is told at each start: users, their rights, and the whole topology.

    The topology stands before anybody connects, because no department may make another's queue.
    """
    exchanges = [
        {**row, "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
        for row in topology["exchanges"]
    ]
    queues = [
        {"name": row["name"], "durable": True, "auto_delete": False, "arguments": {}}
        for row in topology["queues"]
    ]
    bindings = [
        {
            "source": row["exchange"],
            "destination": row["queue"],
            "destination_type": "queue",
            "routing_key": row["routing_key"],
            "arguments": {},
        }
        for row in topology["bindings"]
    ]
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    permissions = [
        {
            "user": _name(owner),
            "vhost": "/",
            **(everything if owner == ADMIN else rights(topology, owner)),
        }
        for owner in passwords
    ]
    return {
        "vhosts": [{"name": "/"}],
        "users": [_broker_user(owner, word) for owner, word in passwords.items()],
        "permissions": permissions,
        **{
            kind: [{"vhost": "/", **row} for row in rows]
            for kind, rows in (("exchanges", exchanges), ("queues", queues), ("bindings", bindings))
        },
    }


def rights(topology: Document, department: str) -> dict[str, str]:
    """What a department's user may configure, write and read, as RabbitMQ's expressions.

    Binding a queue is writing it and reading the exchange. Queues are told by the shape of their
    names, so that one whose handler is gone can still be removed.
    """
    sources = {row["source"] for row in topology["queues"] if row["department"] == department}
    event = rf"evt-[a-z]+-[A-Za-z0-9_.]+--{department}\.[a-z0-9_]+"
    queues = [event, rf"redacted-[a-z]+--{department}"]
    own = [rf"{department}\.(events|retry)", *queues]
    heard = [rf"{source}\.events" for source in sorted(sources)]
    read = [*queues, rf"{department}\.retry", *heard]
    return {"configure": _any_of(own), "write": _any_of(own), "read": _any_of(read)}


def _any_of(patterns: Sequence[str]) -> str:
    return f"^({'|'.join(patterns)})$"


def _broker_user(owner: str, word: str) -> Document:
    salt = secrets.token_bytes(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + word.encode()).digest())
    return {
        "name": _name(owner),
        "password_hash": hashed.decode(),
        "hashing_algorithm": HASHING,
        "tags": "administrator" if owner == ADMIN else "",
    }


# --- the command -----------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.users", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("files", help="生成缺少的密码、密钥文件与 RabbitMQ 定义")
    server = actions.add_parser("mongo", help="在以此密钥文件运行的 MongoDB 中建立用户")
    server.add_argument("address", help="主机:端口")
    actions.add_parser("mongosh", help="输出在其他 MongoDB 中建立用户的 mongosh 脚本")
    actions.add_parser("definitions", help="输出供其他 RabbitMQ 导入的定义")
    for action in actions.choices.values():
        action.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    if options.action == "mongo":
        return _make_over_the_network(options.address, options.folder)
    if options.action == "files":
        ensure_files(options.folder)
    elif options.action == "mongosh":
        ensure_files(options.folder, [MONGO])
        sys.stdout.write(mongosh(options.folder))
    else:
        ensure_files(options.folder, [AMQP])
        sys.stdout.write(_definitions(options.folder, DEPARTMENTS))
    return 0


def _make_over_the_network(address: str, folder: Path) -> int:
    host, _, port = address.rpartition(":")
    try:
        with Link(host, int(port), seconds=10.0) as link:
            log_in(link, folder)
            make_in_mongo(link, folder)
    except (OSError, ValueError, NoUsers) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
