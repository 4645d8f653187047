"""Where the platform is: what the environment says, else what the platform running here noted."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from gateway.cli.saying import WRONG_USE, fail
from services.common.callers import Signer
from services.common.settings import TLS_CERT, SettingMissing, Settings

PRINCIPAL = "cli"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def settings() -> Settings:
    """The settings of a command: the environment first, then `.run/env`."""
    try:
        return Settings.from_env({**_noted(), **os.environ})
    except SettingMissing as error:
        fail(f"环境变量有误：{error}", WRONG_USE)


def gateway_url(known: Settings) -> str:
    """Where the gateway is reached from this machine."""
    host = EVERYWHERE.get(known.http_host, known.http_host)
    scheme = "https" if known.tls_cert else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{known.http_port}"


def trust(known: Settings) -> ssl.SSLContext | bool:
    """Whom to believe to be the gateway: who has the certificate that the settings name.

    It is made out to the name that people use, and not to the address of this machine.
    """
    if not known.tls_cert:
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        # The first is the gateway's own; those behind it would let in whomever they have signed.
        first, end, _ = Path(known.tls_cert).read_text().partition("-----END CERTIFICATE-----")
        context.load_verify_locations(cadata=first + end)
    except (OSError, ValueError) as error:
        fail(f"读不到网关的证书 {known.tls_cert}（{TLS_CERT}）：{error}", WRONG_USE)
    return context


def platform() -> tuple[Settings, Signer]:
    """What a command needs that speaks with the departments themselves."""
    known = settings()
    if not known.grpc_addresses:
        fail("不知道各部门的地址。请先运行 make up，或设置 ZHENGTONG_GRPC_ADDRESSES。", WRONG_USE)
    try:
        return known, Signer.load(known.keys_dir, PRINCIPAL)
    except OSError:
        fail(
            f"读不到命令行的签名密钥 {known.keys_dir / f'{PRINCIPAL}.key'}。"
            "请在平台所在目录运行，或用 ZHENGTONG_KEYS_DIR 指明。",
            WRONG_USE,
        )


def _noted() -> dict[str, str]:
    """What `make run` or `make up` wrote down for commands such as this one."""
    path = Path(os.environ.get("ZHENGTONG_RUN_DIR", ".run")) / "env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
