"""What a process reads from its environment: once, at start, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEPARTMENTS = ("catalogue", "credit", "utilities", "websites")


class SettingMissing(RuntimeError):
    """A process cannot start without this variable, or cannot read what it says."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The same settings for every process; .env.example and docker-compose.yml have each."""

    mongodb_uri: str
    amqp_uri: str
    http_host: str
    http_port: int
    grpc_listen: Mapping[str, str]
    grpc_addresses: Mapping[str, str]
    keys_dir: Path
    operator_token_file: Path
    index_dir: Path
    control_dir: Path
    otlp_endpoint: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """The settings of this process; what a process does not use may be absent.

        Raises:
            SettingMissing: a value cannot be read, with the name of its variable.
        """
        return cls(
            mongodb_uri=env.get("MONGODB_URI", ""),
            amqp_uri=env.get("AMQP_URI", ""),
            http_host=env.get("ZHENGTONG_HTTP_HOST", "127.0.0.1"),
            http_port=_port(env, "ZHENGTONG_HTTP_PORT", "8080"),
            grpc_listen=_addresses(env, "ZHENGTONG_GRPC_LISTEN"),
            grpc_addresses=_addresses(env, "ZHENGTONG_GRPC_ADDRESSES"),
            keys_dir=Path(env.get("ZHENGTONG_KEYS_DIR", ".run/keys")),
            operator_token_file=Path(
                env.get("ZHENGTONG_OPERATOR_TOKEN_FILE", ".run/operator.token")
            ),
            index_dir=Path(env.get("ZHENGTONG_INDEX_DIR", ".run/index")),
            control_dir=Path(env.get("ZHENGTONG_CONTROL_DIR", ".run/control")),
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            log_level=env.get("ZHENGTONG_LOG_LEVEL", "INFO"),
        )

    def need(self, *names: str) -> None:
        """Raises: SettingMissing, naming the first of these that is empty."""
        for name in names:
            if not getattr(self, name):
                variable = name if name in ("mongodb_uri", "amqp_uri") else f"zhengtong_{name}"
                raise SettingMissing(variable.upper())


def _port(env: Mapping[str, str], name: str, default: str) -> int:
    text = env.get(name, default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingMissing(f"{name}: {text!r} is not a port")
    return int(text)


def _addresses(env: Mapping[str, str], name: str) -> dict[str, str]:
    """`catalogue=127.0.0.1:20151,credit=…` as a mapping."""
    pairs = [part.partition("=") for part in env.get(name, "").split(",") if part]
    if any(not department or not address for department, _, address in pairs):
        raise SettingMissing(f"{name}: expected department=host:port, …")
    return {department.strip(): address.strip() for department, _, address in pairs}
