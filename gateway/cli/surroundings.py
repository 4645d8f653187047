"""Where the platform is: what the environment says, else what the platform running here noted."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.cli.saying import WRONG_USE, fail
from services.common.callers import Signer
from services.common.settings import SettingMissing, Settings

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
    return f"http://{f'[{host}]' if ':' in host else host}:{known.http_port}"


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
