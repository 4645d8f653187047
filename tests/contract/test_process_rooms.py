"""grpcio and nameko never share a process: what each kind of process has loaded once it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.common.settings import DEPARTMENTS

ROOT = Path(__file__).resolve().parents[2]
GRPC = {"grpc", "grpc_health", "grpc_reflection", "grpc_status"}
EVENTLET = {"nameko", "eventlet", "kombu", "amqp"}
EXPORTING = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}  # nobody listens there

# Ends without waiting for what an exporter still wants to send.
LOADED = """
import json, os, sys
sys.stdout.write(json.dumps(sorted(name.partition(".")[0] for name in sys.modules)))
sys.stdout.flush()
os._exit(0)
"""
# Without a database a host ends by itself, after it has loaded all that it needs.
HOST = """
import sys
from services.__main__ import main
assert main(sys.argv[1:]) == 2
"""
GATEWAY = """
import gateway.app, gateway.server, uvloop
from services.common import telemetry
telemetry.configure("gateway")
"""
INDEXER = """
import gateway.indexer.__main__
from services.common import telemetry
telemetry.configure("indexer")
"""
COMMAND_LINE = "import gateway.cli"


@pytest.mark.parametrize("environment", [{}, EXPORTING], ids=["quiet", "exporting"])
def test_a_worker_loads_no_grpc(environment):
    roots = loaded(HOST, "worker", *DEPARTMENTS, environment=environment)
    assert roots >= EVENTLET
    assert roots & GRPC == set()


@pytest.mark.parametrize("environment", [{}, EXPORTING], ids=["quiet", "exporting"])
def test_a_servicer_loads_no_eventlet(environment):
    roots = loaded(HOST, "servicer", *DEPARTMENTS, environment=environment)
    assert "grpc" in roots
    assert roots & EVENTLET == set()


def test_a_relay_loads_no_eventlet():
    roots = loaded(HOST, "relay", *DEPARTMENTS)
    assert "aio_pika" in roots
    assert roots & EVENTLET == set()


@pytest.mark.parametrize(
    "program", [GATEWAY, INDEXER, COMMAND_LINE], ids=["gateway", "indexer", "command line"]
)
def test_the_gateway_its_indexer_and_the_command_line_load_no_eventlet(program):
    roots = loaded(program)
    assert "services" in roots
    assert roots & EVENTLET == set()


def test_the_gateway_loads_no_department():
    code = "import sys, gateway.app\nassert not {n for n in sys.modules if n in sys.argv[1:]}"
    assert loaded(code, *(f"services.{name}" for name in DEPARTMENTS))


def loaded(program, *arguments, environment=None):
    """The top-level packages that a fresh process has loaded after running `program`."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program + LOADED, *arguments],
        cwd=ROOT,
        env=inherited | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))
