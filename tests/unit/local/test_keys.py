import stat

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from infra.local import keys
from infra.local.layout import Layout


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_makes_a_key_for_every_principal_and_a_token(tmp_path):
    layout = Layout(tmp_path / "run")
    layout.make()

    assert keys.ensure(layout)

    for principal in keys.PRINCIPALS:
        private, public = keys.pair(layout.keys, principal)
        signature = load_pem_private_key(private.read_bytes(), None).sign(b"x")
        load_pem_public_key(public.read_bytes()).verify(signature, b"x")
        assert mode(private) == 0o600
    assert mode(layout.keys) == 0o700
    assert mode(layout.operator_token) == 0o600
    assert len(layout.operator_token.read_text()) == 43  # 256 bits


def test_a_second_start_keeps_keys_and_token(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    keys.ensure(layout)
    before = {path.name: path.read_bytes() for path in layout.keys.iterdir()}
    token = layout.operator_token.read_text()

    assert not keys.ensure(layout)

    assert {path.name: path.read_bytes() for path in layout.keys.iterdir()} == before
    assert layout.operator_token.read_text() == token


def test_a_lost_public_half_is_told_again_from_the_private_one(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    keys.ensure(layout)
    private, public = keys.pair(layout.keys, "relay")
    before = private.read_bytes(), public.read_bytes()
    public.unlink()

    assert keys.ensure(layout)

    assert (private.read_bytes(), public.read_bytes()) == before


def test_every_principal_has_a_key_of_its_own(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    keys.ensure(layout)

    public = {keys.pair(layout.keys, name)[1].read_bytes() for name in keys.PRINCIPALS}

    assert len(public) == len(keys.PRINCIPALS)
