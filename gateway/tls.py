"""TLS of the gateway's own, and the certificates that machine clients may show."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.common.settings import TLS_CERT, TLS_CLIENT_CA, TLS_KEY, SettingMissing

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from services.common.settings import Settings

HANDSHAKE_SECONDS: Final = 6.0
"""For both sides to agree."""
FAREWELL_SECONDS: Final = 3.0
"""For the other side to say that it has heard the end."""
AT_ONCE: Final = 512
"""Handshakes; for who comes on top, the one that has taken longest is given up."""
PAUSE_SECONDS: Final = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate of the caller's that the trusted authority has signed.

    Args:
        fingerprint: SHA-256 of its DER, hexadecimal.
        until: seconds since the epoch; a connection may live longer than the certificate.
    """

    fingerprint: str
    until: float


def context_of(settings: Settings) -> ssl.SSLContext | None:
    """How TLS is spoken; None: it is not.

    Raises:
        SettingMissing: a file is not named, not readable, or not what its variable says.
    """
    if not settings.tls_cert:
        for variable, value in (
            (TLS_KEY, settings.tls_key),
            (TLS_CLIENT_CA, settings.tls_client_ca),
        ):
            if value:
                raise SettingMissing(f"{TLS_CERT}: needed where {variable} is set")
        return None
    if not settings.tls_key:
        raise SettingMissing(f"{TLS_KEY}: needed where {TLS_CERT} is set")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _load_own(context, settings.tls_cert, settings.tls_key)
    if settings.tls_client_ca:
        _load_authority(context, settings.tls_client_ca)
    return context


def _load_own(context: ssl.SSLContext, cert: str, key: str) -> None:
    for variable, name in ((TLS_CERT, cert), (TLS_KEY, key)):
        _check_readable(variable, name)
    try:
        # Without a password of ours, OpenSSL would ask for that of a locked key at the terminal.
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingMissing(f"{TLS_KEY}: {key} is not the key of {cert}") from None
        if not _has_certificate(cert):
            raise SettingMissing(f"{TLS_CERT}: {cert} holds no certificate in PEM") from None
        told = f"{TLS_KEY}: {key} holds no private key in PEM, or a locked one"
        raise SettingMissing(told) from None


def _load_authority(context: ssl.SSLContext, name: str) -> None:
    _check_readable(TLS_CLIENT_CA, name)
    try:
        context.load_verify_locations(name)
    except ssl.SSLError:
        raise SettingMissing(f"{TLS_CLIENT_CA}: {name} holds no certificate in PEM") from None
    context.verify_mode = ssl.CERT_OPTIONAL


def _check_readable(variable: str, name: str) -> None:
    try:
        Path(name).read_bytes()
    except OSError as error:
        raise SettingMissing(f"{variable}: {name}: {error.strerror}") from None


def _has_certificate(name: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(name)
    except ssl.SSLError:
        return False
    return True


def shown_by(transport: asyncio.BaseTransport) -> Shown | None:
    """What the caller at the other end showed; the handshake has verified it."""
    spoken = transport.get_extra_info("ssl_object")
    der = spoken.getpeercert(binary_form=True) if spoken else None
    if not der:
        return None
    until = ssl.cert_time_to_seconds(spoken.getpeercert()["notAfter"])
    return Shown(hashlib.sha256(der).hexdigest(), float(until))


class Listener:
    """Takes connections, and shows those that have agreed on TLS to what speaks inside it.

    A server that the event loop makes tells nothing of a connection before its handshake is over:
    any number could be under way, each for a minute.

    Args:
        protocol: makes what speaks inside TLS.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        listening.settimeout(0)
        self._listening = listening
        self._context = context
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._agreeing: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            try:
                link, _ = await self._loop.sock_accept(self._listening)
            except OSError as error:
                # Too many open files, or a caller that is gone already: the next may do better.
                logger.warning("no connection taken: %s", error.strerror)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if len(self._agreeing) >= AT_ONCE:
                next(iter(self._agreeing)).cancel()
            task = self._loop.create_task(self._agree(link))
            self._agreeing[task] = None
            task.add_done_callback(lambda done: self._agreeing.pop(done, None))

    async def _agree(self, link: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol,
                link,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=FAREWELL_SECONDS,
            )
        except (OSError, TimeoutError) as error:
            logger.info("no TLS: %s", getattr(error, "reason", None) or type(error).__name__)

    def close(self) -> None:
        """Take no more connections, and give up those that are nobody's yet."""
        for task in (self._accepting, *self._agreeing):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until all that was given up has ended."""
        await asyncio.gather(self._accepting, *self._agreeing, return_exceptions=True)
