"""docker-compose.yml: held against its schema, and against what the platform consists of."""

import subprocess
import sys
from pathlib import Path

import yaml

from gateway.standards.oidc_settings import CLIENT_ID, ISSUER, NAME, SECRET_FILE
from services.common.personal.keys import FILE
from services.common.settings import CODE_PROFILE, DEPARTMENTS, TLS_CERT, TLS_CLIENT_CA, TLS_KEY

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"


def test_the_compose_file_is_what_its_schema_says():
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(COMPOSE)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_department_has_its_three_processes():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    for department in DEPARTMENTS:
        for kind in ("servicer", "worker", "relay"):
            command = services[f"{department}-{kind}"]["command"]
            assert command == ["python", "-m", "services", kind, department]
    assert {"mongo", "rabbitmq", "otel-collector", "indexer", "gateway"} <= services.keys()


def test_no_secret_is_in_the_file_and_none_has_a_default():
    text = COMPOSE.read_text()
    assert "PASSWORD" not in text.upper().replace("PASSWORDS", "").replace("NO PASSWORD", "")
    loaded = yaml.safe_load(text)
    assert "secrets" not in loaded
    signing = {
        name
        for name, one in loaded["services"].items()
        if name.endswith("-servicer") and [volume for volume in one["volumes"] if "key" in volume]
    }
    assert signing == {"identity-servicer"}


def test_every_department_sees_its_own_passwords_only_and_nobody_else_any():
    for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items():
        if name in ("keys", "users"):
            continue
        seen = [volume for volume in service.get("volumes", ()) if "secrets" in volume]
        department, _, kind = name.partition("-")
        owner = department if department in DEPARTMENTS else {"mongo", "rabbitmq"} & {name}
        if owner:
            assert seen == [f"{department}-secrets:/secrets:ro"]
        else:
            assert seen == []
        to_servers = {"MONGODB_URI", "AMQP_URI"} & set(service.get("environment", ()))
        assert bool(to_servers) == (kind in ("servicer", "worker", "relay"))


def test_the_gateway_is_told_how_the_public_reaches_it_and_who_vouches_for_people():
    gateway = yaml.safe_load(COMPOSE.read_text())["services"]["gateway"]
    told = {"ZHENGTONG_PUBLIC_URL", "ZHENGTONG_OUTBOUND_ALLOW", TLS_CERT, TLS_KEY, TLS_CLIENT_CA}
    told |= {ISSUER, CLIENT_ID, SECRET_FILE, NAME}
    for variable in told:
        assert gateway["environment"][variable] == f"${{{variable}:-}}"
    assert "${ZHENGTONG_CONFIG_DIR:-./config}:/config:ro" in gateway["volumes"]


def test_the_catalogue_alone_is_told_what_codes_of_items_look_like():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    told = {
        name: one["environment"][CODE_PROFILE]
        for name, one in services.items()
        if CODE_PROFILE in (one.get("environment") or {})
    }
    assert told == {"catalogue-servicer": f"${{{CODE_PROFILE}:-}}"}


def test_the_servers_know_nobody_without_a_password():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert "--keyFile" in services["mongo"]["command"]
    for server in ("mongo", "rabbitmq"):
        assert "environment" not in services[server]
        assert "keys" in services[server]["depends_on"]
    told = (ROOT / "infra" / "rabbitmq" / "definitions.conf").read_text()
    assert "\nload_definitions = /secrets/definitions.json\n" in told
    assert "users" in services["credit-worker"]["depends_on"]


def test_every_relay_reads_other_logs_with_its_own_key_only():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    for department in DEPARTMENTS:
        relay = services[f"{department}-relay"]
        assert [volume for volume in relay["volumes"] if "key" in volume] == ["relay-key:/keys:ro"]
        assert relay["environment"]["ZHENGTONG_KEYS_DIR"] == "/keys"
        assert all(
            f"{source}=" in relay["environment"]["ZHENGTONG_GRPC_ADDRESSES"]
            for source in DEPARTMENTS
        )


def test_the_keys_of_personal_data_are_made_once_and_mounted_with_their_variable_only():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert "personal:/personal" in services.pop("keys")["volumes"]
    for service in services.values():
        mounted = [volume for volume in service.get("volumes", ()) if "personal" in volume]
        told = FILE in (service.get("environment") or {})
        assert mounted == (["personal:/personal:ro"] if told else [])


def test_what_the_image_copies_is_there():
    for line in (ROOT / "infra" / "docker" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
