"""Each department's own users at the real servers: what is another's is refused."""

import base64
import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import aio_pika
import kombu
import pymongo
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity
from amqp.exceptions import AccessRefused
from mongoengine import BinaryField
from pymongo.errors import OperationFailure
from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemRevised

from infra.local import users
from infra.local.stack import SERVERS, Stack
from services.common.delivery import queues, topology
from services.common.delivery.subscriptions import Reading, Subscription
from services.common.personal import keys
from services.common.personal.vault import Place, Vault
from services.common.settings import DEPARTMENTS, Settings, user_of
from services.identity.store import documents

UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18
TOPOLOGY = topology.load()
QUEUE = next(queue for queue in TOPOLOGY.queues if queue.reads_facts)
LISTENER, SOURCE = QUEUE.department, QUEUE.source
STRANGER = "credit" if SOURCE != "credit" else "utilities"


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("own"), only=SERVERS) as stack:
        yield stack


@pytest.fixture(scope="module")
def settings(servers):
    """What the platform's processes are told."""
    return Settings.from_env(servers.platform_env)


@pytest.fixture
def client_of(settings):
    clients = []

    def connect(department):
        clients.append(pymongo.MongoClient(settings.mongodb_of(department)))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def broker_of(settings):
    links = []

    def connect(department):
        links.append(kombu.Connection(settings.amqp_of(department)))
        return links[-1].channel()

    yield connect
    for link in links:
        link.release()


def refused(act, *arguments, **options):
    """Whether MongoDB refuses it for want of the right, and for nothing else."""
    with pytest.raises(OperationFailure) as refusal:
        act(*arguments, **options)
    return refusal.value.code == UNAUTHORIZED


# --- MongoDB ---------------------------------------------------------------------------------


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_department_does_all_it_needs_in_its_own_database(client_of, department):
    client = client_of(department)
    own = client[f"zt_{department}"]
    own["things"].create_index("time", expireAfterSeconds=60)
    with own["things"].watch(), client.start_session() as session, session.start_transaction():
        own["things"].insert_one({"_id": "in"}, session=session)
        own["facts"].insert_one({"of": "in"}, session=session)
    assert own["things"].find_one({"_id": "in"})
    assert own["things"].delete_many({}).deleted_count == 1


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_department_neither_reads_nor_writes_the_database_of_another(client_of, department):
    for other in {*DEPARTMENTS} - {department}:
        theirs = client_of(department)[f"zt_{other}"]
        assert refused(theirs["events"].find_one)
        assert refused(theirs["events"].insert_one, {})
        assert refused(theirs["audit"].delete_many, {})
        assert refused(theirs["events"].watch)
        assert refused(theirs["events"].create_index, "x")
        assert refused(theirs.list_collection_names)
        assert refused(client_of(department).drop_database, theirs.name)


def test_a_department_rules_neither_users_nor_the_server(client_of):
    admin = client_of("credit").admin
    word = {"pwd": "x", "roles": ["root"]}
    assert refused(admin.command, {"createUser": "mallory", **word})
    assert refused(admin.command, {"updateUser": user_of("credit"), "roles": ["root"]})
    assert refused(admin.command, {"usersInfo": 1})
    assert refused(admin.command, {"shutdown": 1})
    assert refused(admin.command, {"replSetGetConfig": 1})
    assert refused(client_of("credit")["local"]["oplog.rs"].find_one)


def test_nobody_reaches_mongodb_without_a_name(servers, settings):
    with pymongo.MongoClient(settings.mongodb_uri) as nobody:
        assert refused(nobody["zt_credit"]["events"].find_one)
        assert refused(nobody["zt_credit"]["events"].insert_one, {})
        assert refused(nobody.list_database_names)
        # What a server without a user would allow to whoever comes from its own machine.
        assert refused(nobody.admin.command, {"createUser": "m", "pwd": "x", "roles": ["root"]})


def test_mongodb_knows_nobody_by_the_password_of_another(settings):
    uri = settings.mongodb_of("credit").replace(user_of("credit"), user_of("websites"))
    with pymongo.MongoClient(uri) as client, pytest.raises(OperationFailure) as refusal:
        client["zt_websites"]["events"].find_one()
    assert refusal.value.code == AUTHENTICATION_FAILED
    assert uri.split(":")[2].split("@")[0] not in str(refusal.value)


def test_users_that_were_changed_or_dropped_are_as_they_should_be_after_a_start(servers, client_of):
    with pymongo.MongoClient(servers.env["MONGODB_URI"]) as client:
        client.admin.command({"dropUser": user_of("catalogue")})
        everything = {"updateUser": user_of("credit"), "pwd": "changed", "roles": ["root"]}
        client.admin.command(everything)

    servers.wait_back("mongo", servers.kill("mongo"), 60)

    assert client_of("catalogue")["zt_catalogue"]["events"].find_one() is None
    assert refused(client_of("credit")["zt_catalogue"]["events"].find_one)


def test_the_command_for_containers_makes_the_users_over_the_network(servers, client_of):
    with pymongo.MongoClient(servers.env["MONGODB_URI"]) as client:
        client.admin.command({"dropUser": user_of("utilities")})
    address = f"127.0.0.1:{servers.plan.mongo_port}"
    command = [sys.executable, "-m", "infra.local.users", "mongo", address]
    subprocess.run([*command, servers.plan.layout.secrets], check=True)
    assert client_of("utilities")["zt_utilities"]["events"].find_one() is None


OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
RESEALING = "services.common.personal.resealing"


def documented():
    """What operators are told to give to the command, here and in containers."""
    return [told.split() for told in re.findall(rf"{RESEALING} \\\n +(.+)\n", OPERATIONS)]


def test_operators_are_told_to_seal_anew_every_sealed_field_of_identity():
    here, in_containers = documented()
    assert here == in_containers
    assert here[:2] == [user_of("identity"), documents.ACCOUNTS]
    kept = documents.AccountDocument._fields.items()
    sealed = {name for name, field in kept if isinstance(field, BinaryField)}
    assert {name for word in here[2:] for name in word.split("=")} == sealed


@pytest.mark.rule("P-22")
def test_the_documented_command_seals_anew_as_the_departments_own_user(servers, client_of):
    lines = [f"{name}:{base64.b64encode(bytes([n]) * 32).decode()}" for n, name in enumerate("abm")]
    lines[2] = lines[2].replace("m:", "match:")
    older, newer = (Vault(keys.read(keys.FILE, one)) for one in (lines[1:], lines))
    fields = ("name", "identity_number", "phone")
    place = {one: Place(documents.ACCOUNTS, one, "a1") for one in fields}
    accounts = client_of("identity")[user_of("identity")][documents.ACCOUNTS]
    sealed = {one: older.seal("530102", place=place[one]) for one in fields}
    accounts.insert_one({"_id": "a1", **sealed, "identity_match": older.match("530102")})
    environment = {**servers.platform_env, keys.VALUE: " ".join(lines)}
    environment.pop(keys.FILE, None)

    command = [sys.executable, "-m", RESEALING, *documented()[0]]
    first, second = (
        subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        for _ in range(2)
    )

    assert (first.returncode, second.returncode, first.stderr) == (1, 0, "")
    assert "重新加密 3，他人同时改动 0，无法解密 0。" in first.stdout
    kept = accounts.find_one({"_id": "a1"})
    assert not any(newer.needs_resealing(kept[one]) for one in fields)
    assert {newer.open(kept[one], place=place[one]) for one in fields} == {"530102"}


def test_whoever_holds_another_key_file_makes_no_users(servers, tmp_path):
    users.ensure_files(tmp_path)
    address = f"127.0.0.1:{servers.plan.mongo_port}"
    command = [sys.executable, "-m", "infra.local.users", "mongo", address, tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Authentication failed.\n"


def test_a_folder_from_before_there_were_users_is_taken_over(tmp_path):
    """As after an upgrade, or when the passwords were lost: the data stay, the users are made."""
    with (
        Stack(tmp_path, only=["mongo"]) as stack,
        pymongo.MongoClient(stack.env["MONGODB_URI"]) as client,
    ):
        client["zt_credit"]["things"].insert_one({"_id": "kept"})
        client.admin.command({"dropAllUsersFromDatabase": 1})
        for file in [*stack.plan.layout.secrets.rglob("*.*")]:
            file.unlink()

    with Stack(tmp_path, only=["mongo"]) as stack:
        own = Settings.from_env(stack.platform_env).mongodb_of("credit")
        with pymongo.MongoClient(own) as client:
            assert client["zt_credit"]["things"].find_one() == {"_id": "kept"}


# --- RabbitMQ --------------------------------------------------------------------------------


def test_the_topology_stands_before_anybody_has_declared_any_of_it(broker_of):
    channel = broker_of(STRANGER)
    for exchange in TOPOLOGY.exchanges:
        channel.exchange_declare(exchange.name, exchange.type, passive=True)
    for queue in TOPOLOGY.queues:
        assert channel.queue_declare(queue.name, passive=True).queue == queue.name


def test_a_fact_reaches_the_queue_of_its_listener(broker_of):
    publish(broker_of(SOURCE), f"{SOURCE}.events", QUEUE.type)
    listening = broker_of(LISTENER)
    assert got(listening, QUEUE.name).body == b"x"
    publish(listening, f"{LISTENER}.retry", QUEUE.name)
    assert got(listening, QUEUE.name).body == b"x"


def got(channel, queue):
    """The next message of a queue; what is confirmed stands in it."""
    return kombu.Queue(queue, channel=channel).get(no_ack=True)


def publish(channel, exchange, key):
    channel.confirm_select()
    channel.basic_publish_confirm(channel.prepare_message(b"x"), exchange, key)


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_department_publishes_to_no_exchange_of_another(broker_of, department):
    for other in {*DEPARTMENTS} - {department}:
        for exchange in (f"{other}.events", f"{other}.retry"):
            with pytest.raises(AccessRefused):
                publish(broker_of(department), exchange, QUEUE.type)
    with pytest.raises(AccessRefused):  # the exchange without a name reaches every queue
        publish(broker_of(STRANGER), "", QUEUE.name)


def forbidden(act, *arguments, **options):
    """Whether the broker refuses it for want of the right."""
    with pytest.raises(AccessRefused) as refusal:
        act(*arguments, **options)
    return refusal.value.reply_code == 403


def test_a_department_does_nothing_with_the_queue_of_another(broker_of):
    # Each refusal closes its channel.
    assert forbidden(broker_of(STRANGER).basic_get, QUEUE.name)
    assert forbidden(broker_of(STRANGER).basic_consume, QUEUE.name)
    assert forbidden(broker_of(STRANGER).queue_purge, QUEUE.name)
    assert forbidden(broker_of(STRANGER).queue_delete, QUEUE.name)
    assert forbidden(broker_of(STRANGER).queue_declare, QUEUE.name, durable=True)
    assert forbidden(
        broker_of(STRANGER).queue_bind, QUEUE.name, f"{STRANGER}.events", routing_key="#"
    )
    assert forbidden(
        broker_of(STRANGER).queue_unbind, QUEUE.name, f"{SOURCE}.events", routing_key=QUEUE.type
    )


def test_a_department_hears_no_exchange_that_it_does_not_subscribe_to(broker_of):
    mine = f"redacted-{SOURCE}--{STRANGER}"
    broker_of(STRANGER).queue_declare(mine, durable=True, auto_delete=False)
    for exchange in (f"{SOURCE}.events", f"{LISTENER}.events", f"{LISTENER}.retry", "amq.topic"):
        assert forbidden(broker_of(STRANGER).queue_bind, mine, exchange, routing_key="#")
    broker_of(STRANGER).queue_delete(mine)


def test_a_department_makes_and_removes_nothing_that_is_not_its_own(broker_of):
    assert forbidden(
        broker_of(LISTENER).exchange_declare, f"{SOURCE}.events", "topic", durable=True
    )
    assert forbidden(broker_of(LISTENER).exchange_delete, f"{SOURCE}.events")
    assert forbidden(broker_of(LISTENER).exchange_declare, "mine", "topic")
    assert forbidden(broker_of(LISTENER).queue_declare, "mine")
    assert forbidden(broker_of(LISTENER).queue_declare, "")  # a name by the broker


def test_a_department_prunes_its_own_queues_that_no_handler_owns_any_more(settings, client_of):
    gone = Subscription(LISTENER, "gone", Reading.REACTS, ItemRevised, "")
    database = client_of(LISTENER)[f"zt_{LISTENER}"]
    queues.remember(database, [gone])
    with kombu.Connection(settings.amqp_of(LISTENER)) as link:
        channel = link.default_channel
        channel.queue_declare(gone.queue, durable=True, auto_delete=False)
        channel.queue_bind(gone.queue, "catalogue.events", routing_key=gone.type)
        channel.queue_bind(gone.queue, f"{LISTENER}.retry", routing_key=gone.queue)
        assert [one.queue for one in queues.orphans(database, link, TOPOLOGY)] == [gone.queue]
        assert queues.prune(database, LISTENER, link, TOPOLOGY) == []
        assert queues.orphans(database, link, TOPOLOGY) == []


async def test_a_relay_lays_what_is_its_own_and_waits_for_the_queues_of_its_listeners(
    servers, settings
):
    async with await aio_pika.connect(settings.amqp_of(SOURCE)) as link:
        await topology.lay(await link.channel(), TOPOLOGY, SOURCE)
    async with await aio_pika.connect(servers.env["AMQP_URI"]) as everything:
        await (await everything.channel()).queue_delete(QUEUE.name)
    async with await aio_pika.connect(settings.amqp_of(SOURCE)) as link:
        with pytest.raises(ChannelNotFoundEntity):
            await topology.lay(await link.channel(), TOPOLOGY, SOURCE)
        async with await aio_pika.connect(settings.amqp_of(LISTENER)) as listening:
            await topology.lay(await listening.channel(), TOPOLOGY, LISTENER)
        await topology.lay(await link.channel(), TOPOLOGY, SOURCE)


async def test_a_broker_whose_passwords_were_lost_takes_the_new_ones_and_keeps_its_messages(
    tmp_path,
):
    with Stack(tmp_path, only=["rabbit"]) as stack:
        async with await aio_pika.connect(stack.env["AMQP_URI"]) as link:
            exchange = await (await link.channel()).get_exchange(f"{SOURCE}.events", ensure=False)
            await exchange.publish(aio_pika.Message(b"kept", delivery_mode=2), QUEUE.type)
        old = Settings.from_env(stack.platform_env).amqp_of(LISTENER)
        for file in [*stack.plan.layout.secrets.rglob("*.*")]:
            file.unlink()

    with Stack(tmp_path, only=["rabbit"]) as stack:
        new = Settings.from_env(stack.platform_env).amqp_of(LISTENER)
        with closing(kombu.Connection(new)) as link:
            assert got(link.default_channel, QUEUE.name).body == b"kept"
        known_before = f"{old.rpartition('@')[0]}@{new.rpartition('@')[2]}"
        with closing(kombu.Connection(known_before)) as link, pytest.raises(AccessRefused):
            link.connect()


def test_guest_is_nobody_and_nobody_is_known_by_the_password_of_another(servers, settings):
    port = servers.plan.amqp_port
    others = settings.amqp_of("credit").replace(user_of("credit"), user_of("websites"))
    for uri in (f"amqp://guest:guest@127.0.0.1:{port}/", others):
        with closing(kombu.Connection(uri)) as link, pytest.raises(AccessRefused):
            link.connect()


# --- what is told to whom --------------------------------------------------------------------


def test_no_password_is_in_an_environment_a_command_line_a_log_or_the_brokers_own_files(servers):
    layout = servers.plan.layout
    words = [
        path.read_text()
        for path in layout.secrets.rglob("*")
        if path.suffix != ".json" and path.is_file()
    ]
    assert len(words) == 2 * len(DEPARTMENTS) + 3
    told = [path.read_text(errors="replace") for path in layout.logs.iterdir()]
    told += [layout.environment.read_text(), (layout.rabbit / "rabbitmq.conf").read_text()]
    for name in ("supervisor", *SERVERS):
        folder = Path(f"/proc/{servers.pid(name)}")
        told += [(folder / file).read_text(errors="replace") for file in ("cmdline", "environ")]
    told.append(users.definitions_file(layout.secrets).read_text())
    assert json.loads(told[-1])["users"]
    assert [word for word in words if any(word in text for text in told)] == []
