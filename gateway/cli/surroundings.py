"""Where the platform is: what the environment says, else what the platform running here noted."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.cli.saying import WRONG_USE, fail
from services.common.settings import SettingMissing, Settings


def settings() -> Settings:
    """The settings of a command: the environment first, then `.run/env`."""
    try:
        return Settings.from_env({**_noted(), **os.environ})
    except SettingMissing as error:
        fail(f"环境变量有误：{error}", WRONG_USE)


def _noted() -> dict[str, str]:
    """What `make run` or `make up` wrote down for commands such as this one."""
    path = Path(os.environ.get("ZHENGTONG_RUN_DIR", ".run")) / "env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
