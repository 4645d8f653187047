"""What a process reads from its environment, and what it says when it cannot."""

import inspect
import re
from pathlib import Path

import pytest

from services.common import settings as module
from services.common.settings import DEPARTMENTS, SettingMissing, Settings

ROOT = Path(__file__).resolve().parents[3]


def test_without_an_environment_everything_stays_on_this_machine():
    settings = Settings.from_env({})
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.mongodb_uri == settings.amqp_uri == settings.otlp_endpoint == ""
    assert settings.grpc_listen == settings.grpc_addresses == {}
    assert settings.log_level == "INFO"
    folders = (settings.keys_dir, settings.index_dir, settings.control_dir)
    assert {folder.parts[0] for folder in folders} == {".run"}


def test_addresses_are_read_by_department():
    settings = Settings.from_env(
        {
            "ZHENGTONG_GRPC_LISTEN": "catalogue=127.0.0.1:50151, credit=[::1]:50152,",
            "ZHENGTONG_GRPC_ADDRESSES": "catalogue=catalogue:50151",
        }
    )
    assert settings.grpc_listen == {"catalogue": "127.0.0.1:50151", "credit": "[::1]:50152"}
    assert settings.grpc_addresses == {"catalogue": "catalogue:50151"}


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "80a", "８０８０x", "8 0"])
def test_a_port_that_is_none_is_said_by_the_name_of_its_variable(text):
    with pytest.raises(SettingMissing, match="ZHENGTONG_HTTP_PORT"):
        Settings.from_env({"ZHENGTONG_HTTP_PORT": text})


@pytest.mark.parametrize("text", ["127.0.0.1:50151", "catalogue=", "=127.0.0.1:1", "a=b,c"])
def test_addresses_without_a_department_or_a_place_are_refused(text):
    with pytest.raises(SettingMissing, match="ZHENGTONG_GRPC_LISTEN"):
        Settings.from_env({"ZHENGTONG_GRPC_LISTEN": text})


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("mongodb_uri", "MONGODB_URI"),
        ("amqp_uri", "AMQP_URI"),
        ("grpc_listen", "ZHENGTONG_GRPC_LISTEN"),
        ("grpc_addresses", "ZHENGTONG_GRPC_ADDRESSES"),
    ],
)
def test_what_a_process_needs_and_lacks_is_said_by_the_name_of_its_variable(name, variable):
    with pytest.raises(SettingMissing, match=f"^{variable}$"):
        Settings.from_env({}).need(name)
    assert variable in variables()


def test_what_is_there_is_not_missed():
    settings = Settings.from_env({"MONGODB_URI": "mongodb://x"})
    settings.need("mongodb_uri")
    assert settings.mongodb_uri == "mongodb://x"


def test_the_departments_are_those_that_there_are():
    folders = {path.parent.name for path in (ROOT / "services").glob("*/usecases*")}
    assert set(DEPARTMENTS) == folders


def test_every_variable_is_described_for_those_who_run_the_platform():
    described = (ROOT / ".env.example").read_text() + (ROOT / "docker-compose.yml").read_text()
    assert [name for name in variables() if name not in described] == []


def variables():
    """Every variable that the module names."""
    return sorted(set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', inspect.getsource(module))))


def with_passwords(folder, **variables):
    (folder / "credit.mongo").write_text("a/b@c\n")
    (folder / "credit.amqp").write_text("d")
    return Settings.from_env({"ZHENGTONG_SECRETS_DIR": str(folder), **variables})


def test_a_department_goes_to_the_servers_under_its_own_name(tmp_path):
    uris = {"MONGODB_URI": "mongodb://a,b/?replicaSet=rs0", "AMQP_URI": "amqp://mq:5672/"}
    settings = with_passwords(tmp_path, **uris)
    assert settings.mongodb_of("credit") == "mongodb://zt_credit:a%2Fb%40c@a,b/?replicaSet=rs0"
    assert settings.amqp_of("credit") == "amqp://zt_credit:d@mq:5672/"


def test_an_address_with_a_user_and_a_department_without_a_password_are_left_as_they_are(tmp_path):
    uris = {"MONGODB_URI": "mongodb://u:p@db/?authSource=x@y", "AMQP_URI": "amqp://mq"}
    settings = with_passwords(tmp_path, **uris)
    assert settings.mongodb_of("credit") == settings.mongodb_uri
    assert settings.amqp_of("websites") == "amqp://mq"
    assert settings.amqp_of("credit") == "amqp://zt_credit:d@mq"


def test_a_password_that_cannot_be_read_is_told_by_its_file(tmp_path, monkeypatch):
    settings = with_passwords(tmp_path, AMQP_URI="amqp://mq/")

    def refused(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(SettingMissing, match=r"credit\.amqp: Permission denied"):
        settings.amqp_of("credit")
