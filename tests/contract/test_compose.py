"""docker-compose.yml: held against its schema, and against what the platform consists of."""

import subprocess
import sys
from pathlib import Path

import yaml

from services.common.settings import DEPARTMENTS

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


def test_no_secret_has_a_default():
    text = COMPOSE.read_text()
    assert "${RABBITMQ_PASSWORD:?" in text
    assert "${RABBITMQ_PASSWORD:-" not in text
    services = yaml.safe_load(text)["services"]
    assert services["gateway"]["secrets"] == ["operator_token"]
    servicer = services["credit-servicer"]
    assert [volume for volume in servicer["volumes"] if "key" in volume] == []


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


def test_what_the_image_copies_is_there():
    for line in (ROOT / "infra" / "docker" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
