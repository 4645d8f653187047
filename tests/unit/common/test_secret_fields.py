"""Fields of which nothing is kept: of a request in its fingerprint, of an answer for repeats."""

from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.transaction.changes import without

ANSWER = pb.OpenAccountResponse(
    account={"account_id": "a1", "name": "张三", "phone": "1"}, password="secret"
)


def test_a_field_and_a_field_inside_a_field_are_left_out():
    kept = without(ANSWER, ("password", "account.name", "account.phone"))
    assert kept == pb.OpenAccountResponse(account={"account_id": "a1"})
    assert ANSWER.password == "secret"
    assert ANSWER.account.name == "张三"


def test_what_a_message_does_not_have_is_no_matter():
    assert without(ANSWER, ("key", "client.name", "account.key", "")) == ANSWER
    empty = without(pb.OpenAccountResponse(), ("account.name",))
    assert not empty.HasField("account")


def test_without_secrets_the_message_itself_is_kept():
    assert without(ANSWER, ()) is ANSWER
