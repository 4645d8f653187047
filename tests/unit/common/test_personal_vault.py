"""The vault: what it seals opens there only, keys are exchanged without loss, none is told."""

import base64
import hmac
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.personal import keys
from services.common.personal.vault import KeyUnknown, NotOpened, Place, Vault
from services.common.settings import SettingMissing

NUMBER = "53010219850101123X"
PLACE = Place("persons", "number", "p-1")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def line(name, byte):
    return f"{name}:{base64.b64encode(bytes([byte]) * 32).decode()}"


def vault_of(*lines):
    return Vault(keys.read(keys.FILE, list(lines)))


OLD = vault_of(line("2026", 1), line("match", 9))
NEW = vault_of(line("2027", 2), line("2026", 1), line("match", 8), line("match", 9))


@pytest.mark.rule("P-21")
@given(TEXT, TEXT, TEXT, TEXT)
def test_what_was_sealed_for_a_place_opens_there(text, collection, field, record):
    place = Place(collection, field, record)
    assert NEW.open(NEW.seal(text, place=place), place=place) == text


@pytest.mark.rule("P-21")
@given(st.data())
def test_any_changed_bit_is_refused(data):
    sealed = bytearray(NEW.seal(NUMBER, place=PLACE))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NotOpened):
        NEW.open(bytes(sealed), place=PLACE)


@given(st.binary(max_size=80))
def test_bytes_that_were_never_sealed_are_refused(noise):
    with pytest.raises(NotOpened):
        NEW.open(noise, place=PLACE)


@pytest.mark.parametrize("kept", range(52))
def test_a_sealed_text_that_was_cut_off_is_refused(kept):
    with pytest.raises(NotOpened):
        NEW.open(NEW.seal(NUMBER, place=PLACE)[:kept], place=PLACE)


@pytest.mark.rule("P-21")
@pytest.mark.parametrize(
    "place",
    [
        Place("persons", "number", "p-2"),
        Place("persons", "phone", "p-1"),
        Place("agents", "number", "p-1"),
        Place("personsn", "umber", "p-1"),
        Place("", "personsnumber", "p-1"),
    ],
)
def test_what_was_moved_to_another_place_does_not_open(place):
    with pytest.raises(NotOpened):
        NEW.open(NEW.seal(NUMBER, place=PLACE), place=place)


def test_the_same_text_is_never_sealed_alike():
    assert len({NEW.seal(NUMBER, place=PLACE) for _ in range(50)}) == 50


@pytest.mark.rule("P-21")
@given(TEXT)
def test_a_rotated_ring_opens_what_the_old_key_sealed_and_says_that_it_is_old(text):
    old, new = OLD.seal(text, place=PLACE), NEW.seal(text, place=PLACE)
    assert NEW.open(old, place=PLACE) == NEW.open(new, place=PLACE) == text
    assert (NEW.needs_resealing(old), NEW.needs_resealing(new)) == (True, False)


def test_a_key_that_only_opens_may_come_before_it_seals():
    coming = vault_of(line("2026", 1), line("2027", 2), line("match", 9))
    assert coming.open(NEW.seal(NUMBER, place=PLACE), place=PLACE) == NUMBER
    assert not coming.needs_resealing(coming.seal(NUMBER, place=PLACE))


def test_a_key_that_is_not_in_the_ring_is_named():
    with pytest.raises(KeyUnknown, match=r"'2027'.*ZHENGTONG_PERSONAL_KEYS_FILE"):
        OLD.open(NEW.seal(NUMBER, place=PLACE), place=PLACE)


def test_another_key_under_the_same_id_does_not_open():
    other = vault_of(line("2026", 3), line("match", 9))
    with pytest.raises(NotOpened):
        other.open(OLD.seal(NUMBER, place=PLACE), place=PLACE)


def test_what_is_no_sealed_text_cannot_be_called_old():
    with pytest.raises(NotOpened):
        NEW.needs_resealing(NUMBER.encode())


@pytest.mark.rule("P-22")
@pytest.mark.parametrize(
    "typed",
    ["53010219850101123x", "５３０１０２１９８５０１０１１２３Ｘ", " 530102 19850101-123X\u200b"],
)
def test_a_number_matches_itself_however_it_is_typed(typed):
    assert NEW.match(typed) == NEW.match(NUMBER)
    assert len(NEW.match(typed)) == 32


@pytest.mark.rule("P-22")
def test_without_the_key_nobody_makes_the_same_match():
    assert NEW.match(NUMBER) != OLD.match(NUMBER)
    assert OLD.match(NUMBER) != OLD.match("530102198501011231")


@pytest.mark.rule("P-22")
def test_what_an_old_key_matched_by_is_still_looked_up_after_the_newest():
    assert NEW.matches(NUMBER) == (NEW.match(NUMBER), OLD.match(NUMBER))


def test_the_key_that_matches_is_not_the_one_of_the_file_itself():
    assert OLD.match(NUMBER) != hmac.digest(bytes([9]) * 32, NUMBER.encode(), "sha256")


@pytest.mark.parametrize("nothing", ["", " ", "--", "\u3000"])
def test_nothing_is_matched_by_nothing(nothing):
    with pytest.raises(ValueError, match="nothing to match"):
        NEW.match(nothing)


@pytest.mark.rule("P-21")
def test_neither_words_nor_traces_show_keys_or_what_was_sealed():
    sealed = OLD.seal(NUMBER, place=PLACE)
    told = [repr(NEW), repr(keys.read(keys.FILE, [line("2026", 1), line("match", 9)]))]
    for vault, place in [(OLD, Place("a", "b", "c")), (vault_of(*RING_OF_OTHERS), PLACE)]:
        with pytest.raises(NotOpened) as caught:
            vault.open(sealed, place=place)
        told.append("".join(traceback.format_exception(caught.value)))
    secrets = [NUMBER, *(base64.b64encode(bytes([n]) * 32).decode() for n in range(1, 10))]
    secrets += [repr(bytes([n]) * 32)[2:-1] for n in range(1, 10)]
    assert [secret for secret in secrets if secret in "".join(told)] == []
    assert "2027" in repr(NEW)


RING_OF_OTHERS = [line("2030", 4), line("match", 5)]


# --- the ring ---


def test_the_ring_is_read_from_a_file_of_its_owners(tmp_path):
    file = tmp_path / "personal.keys"
    file.write_text(f"# 2027\n\n{line('2027', 2)}\n{line('2026', 1)}\r\n{line('match', 9)}\n")
    file.chmod(0o600)
    vault = Vault.from_env({keys.FILE: str(file)})
    assert vault.open(OLD.seal(NUMBER, place=PLACE), place=PLACE) == NUMBER
    assert repr(vault) == "Vault(seals='2027', opens=['2027', '2026'])"


def test_the_ring_is_read_from_the_variable_itself():
    vault = Vault.from_env({keys.VALUE: f"{line('2026', 1)} {line('match', 9)}"})
    assert vault.match(NUMBER) == OLD.match(NUMBER)


@pytest.mark.parametrize("mode", [0o644, 0o640 | 0o002, 0o620, 0o604])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path, mode):
    file = tmp_path / "personal.keys"
    file.write_text(f"{line('2026', 1)}\n{line('match', 9)}\n")
    file.chmod(mode)
    with pytest.raises(SettingMissing, match=f"{keys.FILE}.*chmod 600"):
        Vault.from_env({keys.FILE: str(file)})


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, f"^{keys.FILE}$"),
        ({keys.FILE: "/nowhere/keys"}, f"^{keys.FILE}: /nowhere/keys: No such file"),
        ({keys.FILE: "/"}, keys.FILE),
        ({keys.FILE: "a", keys.VALUE: "b"}, "both set"),
        ({keys.VALUE: line("match", 9)}, f"{keys.VALUE}: no key that seals"),
        ({keys.VALUE: line("2026", 1)}, f"{keys.VALUE}: no key to match by"),
        ({keys.VALUE: f"{line('a', 1)} {line('a', 2)}"}, "entry 2: its id or key is there already"),
        ({keys.VALUE: f"{line('a', 1)} {line('b', 1)}"}, "entry 2: its id or key is there already"),
        ({keys.VALUE: f"{line('a', 1)} {line('match', 1)}"}, "entry 2: its id or key is there"),
    ],
)
def test_a_ring_that_cannot_be_used_is_said_by_the_name_of_its_variable(env, said):
    with pytest.raises(SettingMissing, match=said):
        Vault.from_env(env)


@pytest.mark.parametrize(
    "entry",
    [
        base64.b64encode(bytes([7]) * 32).decode(),
        f"2026={base64.b64encode(bytes([7]) * 32).decode()}",
        f"a b:{base64.b64encode(bytes([7]) * 32).decode()}",
        f"2026:{base64.b64encode(bytes([7]) * 16).decode()}",
        f"2026:{(bytes([7]) * 32).hex()}",
        "2026:",
        "2026:密钥",
    ],
)
def test_an_entry_that_is_none_is_named_by_its_place_and_never_repeated(entry):
    with pytest.raises(SettingMissing) as caught:
        keys.read(keys.FILE, [line("2025", 1), entry])
    told = "".join(traceback.format_exception(caught.value))
    assert str(caught.value) == f"{keys.FILE}: entry 2: not id:base64 of 32 bytes"
    assert entry not in told
