import sys
from pathlib import Path

import pytest

from infra.local import plan, run
from infra.local.run import read_lines
from services.common.personal import keys as personal

DEPARTMENTS = ["catalogue", "credit", "utilities", "websites", "identity"]


def commands(the_plan):
    the_plan.layout.make()
    return {process.name: list(process.command[2:]) for process in the_plan.platform()}


def test_the_small_profile_hosts_all_departments_in_one_process_of_each_kind(tmp_path):
    the_plan = plan.make({}, tmp_path)

    assert the_plan.process_names() == [
        *("mongo", "rabbit", "servicer", "worker", "relay", "indexer", "gateway")
    ]
    assert commands(the_plan) == {
        "servicer": ["services", "servicer", *DEPARTMENTS],
        "worker": ["services", "worker", *DEPARTMENTS],
        "relay": ["services", "relay", *DEPARTMENTS],
        "indexer": ["gateway.indexer"],
        "gateway": ["gateway.app"],
    }
    assert all(process.command[:2] == [sys.executable, "-m"] for process in the_plan.platform())


def test_apart_every_department_has_processes_of_its_own(tmp_path):
    the_plan = plan.make({}, tmp_path, departments=["credit", "websites"], apart=True)

    assert commands(the_plan) == {
        "servicer-credit": ["services", "servicer", "credit"],
        "servicer-websites": ["services", "servicer", "websites"],
        "worker-credit": ["services", "worker", "credit"],
        "worker-websites": ["services", "worker", "websites"],
        "relay-credit": ["services", "relay", "credit"],
        "relay-websites": ["services", "relay", "websites"],
        "indexer": ["gateway.indexer"],
        "gateway": ["gateway.app"],
    }


def test_every_process_is_told_the_contracts_environment(tmp_path):
    the_plan = plan.make({"ZHENGTONG_HTTP_PORT": "8099"}, tmp_path)
    the_plan.layout.make()

    for process in the_plan.platform():
        told = process.environment
        assert told["ZHENGTONG_HTTP_PORT"] == "8099"
        assert told["MONGODB_URI"] == ("mongodb://127.0.0.1:27117/?replicaSet=rs0")
        assert told["AMQP_URI"] == "amqp://127.0.0.1:25673/"
        assert told["ZHENGTONG_SECRETS_DIR"] == str(tmp_path / "secrets" / "departments")
        assert told["ZHENGTONG_GRPC_ADDRESSES"] == told["ZHENGTONG_GRPC_LISTEN"]
        assert told["ZHENGTONG_GRPC_LISTEN"].startswith("catalogue=127.0.0.1:20151,credit=")
        assert told["ZHENGTONG_KEYS_DIR"] == str(tmp_path / "keys")
        assert told["ZHENGTONG_PERSONAL_KEYS_FILE"] == str(tmp_path / "keys" / "personal.keys")


def test_keys_for_personal_data_may_lie_elsewhere_or_in_the_environment_itself(tmp_path):
    plan.make({}, tmp_path).layout.make()

    def told(env):
        return plan.make(env, tmp_path).environment()

    file, value = personal.FILE, personal.VALUE
    assert told({file: "/safe/keys"})[file] == "/safe/keys"
    assert Path(told({file: "keys"})[file]).is_absolute()
    assert {file, value}.isdisjoint(told({value: "a:b"}))
    with pytest.raises(plan.BadSetting, match=f"{file} 与 {value}"):
        told({file: "/safe/keys", value: "a:b"})


def test_who_listens_on_no_port_is_ready_when_its_log_says_so(tmp_path):
    the_plan = plan.make({}, tmp_path, departments=["credit"], apart=True)
    the_plan.layout.make()

    says = {process.name: process.says for process in the_plan.platform()}

    assert says == {
        "servicer-credit": "",
        "worker-credit": "ready worker",
        "relay-credit": "ready relay",
        "indexer": "ready indexer",
        "gateway": "",
    }


def test_who_is_told_to_log_little_is_not_waited_for_to_say_it_serves(tmp_path):
    the_plan = plan.make({"ZHENGTONG_LOG_LEVEL": "warning"}, tmp_path)
    the_plan.layout.make()

    assert not any(process.says for process in the_plan.platform())


def test_servers_given_from_outside_are_used_and_not_started(tmp_path):
    outside = {"MONGODB_URI": "mongodb://db/", "AMQP_URI": "amqp://mq/"}

    the_plan = plan.make(outside, tmp_path)

    assert the_plan.process_names()[0] == "servicer"
    assert the_plan.environment()["MONGODB_URI"] == "mongodb://db/"
    assert the_plan.environment()["AMQP_URI"] == "amqp://mq/"
    assert not (tmp_path / "rabbit").exists()
    titles = [port.title for port in the_plan.ports(the_plan.process_names())]
    assert "MongoDB " not in titles
    assert "RabbitMQ " not in titles


def test_every_listener_is_among_the_ports_to_look_at(tmp_path):
    the_plan = plan.make({}, tmp_path)

    ports = the_plan.ports(the_plan.process_names())

    assert [(port.number, port.variable) for port in ports] == [
        (27117, "ZHENGTONG_MONGO_PORT"),
        (25673, "ZHENGTONG_AMQP_PORT"),
        (20151, "ZHENGTONG_GRPC_LISTEN"),
        (20152, "ZHENGTONG_GRPC_LISTEN"),
        (20153, "ZHENGTONG_GRPC_LISTEN"),
        (20154, "ZHENGTONG_GRPC_LISTEN"),
        (20155, "ZHENGTONG_GRPC_LISTEN"),
        (8080, "ZHENGTONG_HTTP_PORT"),
    ]


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "８０"])
def test_what_is_no_port_is_refused_with_the_variable(tmp_path, text):
    with pytest.raises(plan.BadSetting, match="ZHENGTONG_HTTP_PORT"):
        plan.make({"ZHENGTONG_HTTP_PORT": text}, tmp_path)


def test_a_department_nobody_has_is_refused(tmp_path):
    with pytest.raises(plan.BadSetting, match="taxes"):
        plan.make({}, tmp_path, departments=["taxes"])


@pytest.mark.parametrize("text", ["credit", "credit=5", "credit=127.0.0.1:x"])
def test_what_is_no_address_is_refused_with_the_variable(tmp_path, text):
    with pytest.raises(plan.BadSetting, match="ZHENGTONG_GRPC_LISTEN"):
        plan.make({"ZHENGTONG_GRPC_LISTEN": text}, tmp_path)


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("ZHENGTONG_GRPC_LISTEN", "weather=127.0.0.1:5", "weather"),
        ("MONGODB_URI", "localhost:27017", "mongodb://"),
        ("AMQP_URI", "http://secret@mq/", "amqp://"),
        ("ZHENGTONG_LOG_LEVEL", "LOUD", "DEBUG、INFO、WARNING、ERROR"),
        ("ZHENGTONG_CODE_PROFILE", "nation", "nation（有：national、gbt39046、guizhou）"),
    ],
)
def test_a_setting_nobody_can_follow_is_refused_before_anything_starts(
    tmp_path, variable, text, said
):
    with pytest.raises(plan.BadSetting, match=said) as refusal:
        plan.make({variable: text}, tmp_path)
    assert variable in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_process_that_does_not_exist_is_refused_with_those_that_do(tmp_path):
    with pytest.raises(plan.BadSetting, match="没有这个进程：gatway（有：mongo、rabbit、servicer"):
        run.run(plan.make({}, tmp_path), only=["gatway"], parent=None)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
    ],
)
def test_the_address_that_is_told_can_be_typed_into_a_browser(tmp_path, host, url):
    assert plan.make({"ZHENGTONG_HTTP_HOST": host}, tmp_path).base_url == url


def test_settings_in_a_file_are_read_line_by_line(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# 注释=不算\n\nA=1\n B = x=y \n#C=3\n", encoding="utf-8")

    assert read_lines(file) == {"A": "1", "B": "x=y"}


def test_the_example_settings_name_every_variable_and_set_none():
    file = Path(__file__).parents[3] / ".env.example"
    text = file.read_text(encoding="utf-8")

    assert read_lines(file) == {}
    for name in (
        *("ZHENGTONG_HTTP_HOST", "ZHENGTONG_HTTP_PORT", "ZHENGTONG_MONGO_PORT"),
        *("ZHENGTONG_AMQP_PORT", "ZHENGTONG_GRPC_LISTEN", "ZHENGTONG_RUN_DIR"),
        *("ZHENGTONG_RATE_PER_SECOND", "ZHENGTONG_RATE_BURST"),
        *("ZHENGTONG_PUBLIC_URL", "ZHENGTONG_OUTBOUND_ALLOW"),
        *("MONGODB_URI", "AMQP_URI", "OTEL_EXPORTER_OTLP_ENDPOINT", "ZHENGTONG_LOG_LEVEL"),
        *(personal.FILE, personal.VALUE),
    ):
        assert f"#{name}=" in text


def test_no_default_port_is_one_that_an_outgoing_connection_may_hold(tmp_path):
    the_plan = plan.make({}, tmp_path)
    ports = the_plan.ports(the_plan.process_names())
    assert len(ports) == 8
    assert max(port.number for port in ports) < 32768  # where Linux begins
