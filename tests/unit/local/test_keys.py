import stat

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from infra.local import keys
from infra.local.layout import Layout
from services.common.personal import keys as personal
from services.common.personal.vault import Place, Vault


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_makes_a_key_for_every_principal(tmp_path):
    layout = Layout(tmp_path / "run")
    layout.make()

    assert keys.ensure(layout)

    for principal in keys.PRINCIPALS:
        private, public = keys.pair(layout.keys, principal)
        signature = load_pem_private_key(private.read_bytes(), None).sign(b"x")
        load_pem_public_key(public.read_bytes()).verify(signature, b"x")
        assert mode(private) == 0o600
    assert mode(layout.keys) == 0o700


def test_a_second_start_keeps_them(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    keys.ensure(layout)
    before = {path.name: path.read_bytes() for path in layout.keys.iterdir()}

    assert not keys.ensure(layout)

    assert {path.name: path.read_bytes() for path in layout.keys.iterdir()} == before


def test_a_lost_public_half_is_told_again_from_the_private_one(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    keys.ensure(layout)
    private, public = keys.pair(layout.keys, "relay")
    before = private.read_bytes(), public.read_bytes()
    public.unlink()

    assert keys.ensure(layout)

    assert (private.read_bytes(), public.read_bytes()) == before


def test_a_first_start_makes_keys_for_personal_data_that_a_vault_reads(tmp_path):
    layout = Layout(tmp_path)
    layout.make()

    assert keys.ensure(layout)

    assert mode(layout.personal_keys) == 0o600
    vault = Vault.from_env({personal.FILE: str(layout.personal_keys)})
    place = Place("persons", "number", "1")
    assert vault.open(vault.seal("x", place=place), place=place) == "x"


def test_two_runs_never_share_a_key_for_personal_data_nor_its_id(tmp_path):
    rings = []
    for name in ("a", "b"):
        assert keys.make_personal(tmp_path / name)
        assert not keys.make_personal(tmp_path / name)
        rings.append(personal.read(personal.FILE, (tmp_path / name).read_text().splitlines()))

    assert rings[0].sealing.keys().isdisjoint(rings[1].sealing)
    assert set(rings[0].sealing.values()).isdisjoint(rings[1].sealing.values())
    assert set(rings[0].matching).isdisjoint(rings[1].matching)


def test_every_principal_has_a_key_of_its_own(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    keys.ensure(layout)

    public = {keys.pair(layout.keys, name)[1].read_bytes() for name in keys.PRINCIPALS}

    assert len(public) == len(keys.PRINCIPALS)
