"""What a process reads from its environment: once, at start, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DEPARTMENTS = ("catalogue", "credit", "utilities", "websites", "identity")
PRIVATE = ("identity",)
"""Departments that tell the public nothing: no index follows them, no answer names them."""

TLS_CERT = "ZHENGTONG_TLS_CERT"
TLS_KEY = "ZHENGTONG_TLS_KEY"
TLS_CLIENT_CA = "ZHENGTONG_TLS_CLIENT_CA"
CODE_PROFILE = "ZHENGTONG_CODE_PROFILE"


class SettingMissing(RuntimeError):
    """A process cannot start without this variable, or cannot read what it says."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The same settings for every process; .env.example and docker-compose.yml have each."""

    mongodb_uri: str
    amqp_uri: str
    http_host: str
    http_port: int
    public_url: str
    tls_cert: str
    tls_key: str
    tls_client_ca: str
    demo: bool
    code_profile: str
    grpc_listen: Mapping[str, str]
    grpc_addresses: Mapping[str, str]
    keys_dir: Path
    secrets_dir: Path
    api_key_file: Path
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
            public_url=env.get("ZHENGTONG_PUBLIC_URL", ""),
            tls_cert=env.get(TLS_CERT, ""),
            tls_key=env.get(TLS_KEY, ""),
            tls_client_ca=env.get(TLS_CLIENT_CA, ""),
            demo=env.get("ZHENGTONG_DEMO", "") == "1",
            code_profile=env.get(CODE_PROFILE) or "national",
            grpc_listen=_addresses(env, "ZHENGTONG_GRPC_LISTEN"),
            grpc_addresses=_addresses(env, "ZHENGTONG_GRPC_ADDRESSES"),
            keys_dir=Path(env.get("ZHENGTONG_KEYS_DIR", ".run/keys")),
            secrets_dir=Path(env.get("ZHENGTONG_SECRETS_DIR", ".run/secrets/departments")),
            api_key_file=Path(env.get("ZHENGTONG_API_KEY_FILE", ".run/api.key")),
            index_dir=Path(env.get("ZHENGTONG_INDEX_DIR", ".run/index")),
            control_dir=Path(env.get("ZHENGTONG_CONTROL_DIR", ".run/control")),
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            log_level=env.get("ZHENGTONG_LOG_LEVEL", "INFO"),
        )

    def public_departments(self) -> tuple[str, ...]:
        """The departments with an address whose facts searchers see."""
        return tuple(name for name in self.grpc_addresses if name not in PRIVATE)

    def mongodb_of(self, department: str) -> str:
        """The address of MongoDB with a department's own user.

        An address that names a user itself, or a department without a password, is left as it is.

        Raises:
            SettingMissing: there is a password that this process may not read.
        """
        return _with_user(self.mongodb_uri, self.secrets_dir / f"{department}.mongo")

    def amqp_of(self, department: str) -> str:
        """The address of RabbitMQ with a department's own user, as `mongodb_of`."""
        return _with_user(self.amqp_uri, self.secrets_dir / f"{department}.amqp")

    def need(self, *names: str) -> None:
        """Raises: SettingMissing, naming the first of these that is empty."""
        for name in names:
            if not getattr(self, name):
                variable = name if name in ("mongodb_uri", "amqp_uri") else f"zhengtong_{name}"
                raise SettingMissing(variable.upper())


def user_of(department: str) -> str:
    """The name of a department's user at both servers; it is that of its database too."""
    return f"zt_{department}"


def _with_user(uri: str, file: Path) -> str:
    scheme, _, rest = uri.partition("://")
    if "@" in rest.partition("/")[0] or not file.is_file():
        return uri
    try:
        password = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingMissing(f"ZHENGTONG_SECRETS_DIR: {file}: {error.strerror}") from error
    return f"{scheme}://{user_of(file.stem)}:{quote(password, safe='')}@{rest}"


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
