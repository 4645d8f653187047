"""Which outside provider people may sign in with, as the environment says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.standards.oidc import is_safe
from services.common.settings import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUER: Final = "ZHENGTONG_OIDC_ISSUER"
CLIENT_ID: Final = "ZHENGTONG_OIDC_CLIENT_ID"
SECRET_FILE: Final = "ZHENGTONG_OIDC_CLIENT_SECRET_FILE"  # noqa: S105  (the name of a variable)
NAME: Final = "ZHENGTONG_OIDC_NAME"
USUAL_NAME: Final = "统一身份认证"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """A provider.

    Args:
        issuer: as it names itself, letter by letter.
        client_secret: empty for a client that has none.
        name: what the button says.
    """

    issuer: str
    client_id: str
    client_secret: str
    name: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> OidcSettings | None:
        """The provider of this process; None: there is none.

        Raises:
            SettingMissing: a part is missing, or the issuer is reached without TLS.
        """
        issuer = env.get(ISSUER, "")
        if not issuer:
            return None
        if not is_safe(issuer):
            raise SettingMissing(f"{ISSUER}: {issuer!r} is not an https address")
        if not env.get(CLIENT_ID):
            raise SettingMissing(CLIENT_ID)
        return cls(issuer, env[CLIENT_ID], _secret(env), env.get(NAME) or USUAL_NAME)


def _secret(env: Mapping[str, str]) -> str:
    file = env.get(SECRET_FILE, "")
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingMissing(f"{SECRET_FILE}: {file}: {error.strerror}") from error
