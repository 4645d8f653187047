"""Which files the gateway can speak TLS with, and what it says of those it cannot."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.tls import context_of
from services.common.settings import SettingMissing, Settings
from tests.contract.tls_house import Authority


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def files(folder):
    """One value that is fit for each variable, and some that are not."""
    authority = Authority(folder, "authority")
    own, other = authority.server("own"), authority.server("other")
    key = load_pem_private_key(own.key.read_bytes(), None)
    locked, junk = folder / "locked.key", folder / "junk.pem"
    locked.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    junk.write_text("no PEM at all\n")
    paths = {
        "cert": own.cert,
        "key": own.key,
        "ca": authority.file,
        "other key": other.key,
        "locked": locked,
        "junk": junk,
        "absent": folder / "absent.pem",
        "folder": folder,
        "": "",
    }
    return {name: str(path) for name, path in paths.items()}


def settings(cert, key, client_ca):
    return replace(Settings.from_env({}), tls_cert=cert, tls_key=key, tls_client_ca=client_ca)


def test_without_a_certificate_there_is_no_tls():
    assert context_of(settings("", "", "")) is None


@pytest.mark.parametrize(("client_ca", "mode"), [("", ssl.CERT_NONE), ("ca", ssl.CERT_OPTIONAL)])
def test_tls_1_2_is_the_oldest_and_a_certificate_of_the_caller_never_a_must(files, client_ca, mode):
    context = context_of(settings(files["cert"], files["key"], files[client_ca]))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is mode


@pytest.mark.parametrize(
    ("cert", "key", "client_ca", "variable"),
    [
        ("cert", "other key", "", "ZHENGTONG_TLS_KEY"),
        ("cert", "locked", "", "ZHENGTONG_TLS_KEY"),
        ("cert", "junk", "", "ZHENGTONG_TLS_KEY"),
        ("cert", "absent", "", "ZHENGTONG_TLS_KEY"),
        ("cert", "", "", "ZHENGTONG_TLS_KEY"),
        ("", "key", "", "ZHENGTONG_TLS_CERT"),
        ("", "", "ca", "ZHENGTONG_TLS_CERT"),
        ("junk", "key", "", "ZHENGTONG_TLS_CERT"),
        ("folder", "key", "", "ZHENGTONG_TLS_CERT"),
        ("absent", "key", "", "ZHENGTONG_TLS_CERT"),
        ("cert", "key", "junk", "ZHENGTONG_TLS_CLIENT_CA"),
        ("cert", "key", "key", "ZHENGTONG_TLS_CLIENT_CA"),
        ("cert", "key", "absent", "ZHENGTONG_TLS_CLIENT_CA"),
    ],
)
def test_a_file_that_is_not_fit_stops_the_start_and_is_named(files, cert, key, client_ca, variable):
    with pytest.raises(SettingMissing, match=f"^{variable}: "):
        context_of(settings(files[cert], files[key], files[client_ca]))
