"""The pages of reviewers and authors: what waits, what it would make public, and the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from zhengtong.review.v1 import review_service_pb2 as pb
from zhengtong.review.v1 import review_service_pb2_grpc

from infra.local.keys import make_pair
from services.common import review
from services.common.grpc_host.door import CALL
from services.common.review import Effect, State, Submission
from services.common.review.messages import content_of, state_of, submission_message
from tests.contract.gateway_house import settings_in
from tests.contract.identity_house import identity_house, person_with, serving
from tests.contract.test_onestop_portal import Page
from tests.publications import DEPARTMENT, KUNMING, PUBLICATIONS, Publication, file, officer

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
CREDIT = "zhengtong.credit.v1.CreditService"
PERMIT = next(one for one in PUBLICATIONS if one.method == f"{CREDIT}.DisclosePermit")
TITLE = "昆市监许〔2026〕3号 <b>"
NOBODY = "127.0.0.1:1"


class FakeReviews(review_service_pb2_grpc.ReviewServiceServicer):
    """Submissions in memory, decided by the real rules."""

    def __init__(self):
        self.kept: dict[str, Submission] = {}
        self.requests: dict[str, bytes] = {}

    def submit(self, author="author", publication=PERMIT):
        name = f"s{len(self.kept)}"
        effect = Effect(TITLE, ("permit/1",), 1, b"")
        who = officer(author, "credit_officer")
        self.kept[name] = Submission(name, publication.method, effect, who, NOW)
        self.requests[name] = publication.request().SerializeToString()
        return name

    def ListSubmissions(self, request, context):  # noqa: N802
        state = state_of(request.state)
        found = [one for one in self.kept.values() if state in (None, one.state)]
        after = int(request.page_token or 0)
        page = found[after : after + request.page_size]
        more = after + request.page_size < len(found)
        token = str(after + request.page_size) if more else ""
        return pb.ListSubmissionsResponse(
            submissions=map(submission_message, page), next_page_token=token
        )

    def _get(self, request):
        if request.submission_id not in self.kept:
            raise review.SubmissionNotFound("没有这个编号的送审内容。")
        return self.kept[request.submission_id]

    def GetSubmission(self, request, context):  # noqa: N802
        one = self._get(request)
        review.check_seen_by(CALL.get().caller, one)
        content = content_of(one.call, self.requests[one.submission_id])
        return pb.GetSubmissionResponse(submission=submission_message(one), content=content)

    def _decide(self, request, decision, *said):
        one = self._get(request)
        review.check_version(one, request.version)
        decided = decision(one, CALL.get().caller, *said, NOW)
        self.kept[one.submission_id] = decided
        return submission_message(decided)

    def ApproveSubmission(self, request, context):  # noqa: N802
        done = self._decide(request, review.approve, request.opinion)
        return pb.ApproveSubmissionResponse(submission=done)

    def RejectSubmission(self, request, context):  # noqa: N802
        done = self._decide(request, review.reject, request.opinion)
        return pb.RejectSubmissionResponse(submission=done)

    def WithdrawSubmission(self, request, context):  # noqa: N802
        return pb.WithdrawSubmissionResponse(submission=self._decide(request, review.withdraw))


@pytest.fixture
def reviews():
    return FakeReviews()


@pytest.fixture
async def house(tmp_path, reviews):
    """Credit answers, the catalogue is down."""
    keys = settings_in(tmp_path).keys_dir
    make_pair(keys, "identity")
    attach = review_service_pb2_grpc.add_ReviewServiceServicer_to_server
    with serving("credit", keys, lambda server: attach(reviews, server)) as address:
        departments = {"credit": address, "catalogue": NOBODY}
        async with identity_house(tmp_path, departments=departments) as house:
            yield house


async def come(house, *roles):
    house.identity.account = person_with(*roles, department=DEPARTMENT, region=KUNMING)
    await house.sign_in()


@pytest.fixture
async def reviewer(house):
    await come(house, "publication_reviewer")
    return house


async def test_the_account_says_how_much_waits_and_who_does_not_answer(reviews, reviewer):
    for _ in range(2):
        reviews.submit()
    text = await reviewer.open("/account")
    assert '<a href="/desk/reviews/credit">2 项待审查</a>' in text
    assert "暂时没有应答" in text


async def test_who_has_nothing_to_review_is_shown_nothing_of_it(house):
    await come(house, "case_handler")
    assert "公开前保密审查" not in await house.open("/account")
    assert "您没有办理此操作的权限" in await house.open("/desk/reviews/credit", 403)


async def test_one_department_that_is_down_takes_nothing_from_the_others(reviews, reviewer):
    name = reviews.submit()
    text = await reviewer.open("/desk/reviews")
    assert f'href="/desk/reviews/credit/{name}"' in text
    assert "该部门暂时没有应答" in text
    assert "&lt;b&gt;" in text  # what officers write is never markup
    assert Page(text).headings.count(1) == 1


async def test_a_long_list_is_paged_by_department(reviews, reviewer):
    for _ in range(60):
        reviews.submit()
    together = await reviewer.open("/desk/reviews")
    assert together.count('href="/desk/reviews/credit/s') == 10
    assert 'href="/desk/reviews/credit?state=pending">查看该部门全部' in together
    first = await reviewer.open("/desk/reviews/credit")
    assert first.count('href="/desk/reviews/credit/s') == 50
    assert "page_token=50" in first
    rest = await reviewer.open("/desk/reviews/credit?state=pending&page_token=50")
    assert rest.count('href="/desk/reviews/credit/s') == 10


async def test_what_would_be_public_is_read_by_its_chinese_names(reviews, reviewer):
    text = await reviewer.open(f"/desk/reviews/credit/{reviews.submit()}")
    for words in (
        "公示行政许可",
        "<dt>许可内容</dt><dd>食品经营</dd>",
        "<dt>行政许可决定文书号</dt>",
    ):
        assert words in text
    assert "request_id" not in text
    page = Page(text)
    assert set(page.fields) <= page.labels


async def test_rows_of_a_file_are_a_table_and_all_of_them_a_safe_download(reviews, reviewer):
    rows = [{"XK_WSH": f"文{n}", "BZ": "=1+1"} for n in range(120)]
    request = {"file": file(*rows), "shape": "permits_2018"}
    name = reviews.submit(publication=Publication(f"{CREDIT}.ImportRecords", request))
    text = await reviewer.open(f"/desk/reviews/credit/{name}")
    assert "文件共 120 行，以下为前 100 行" in text
    assert text.count("<tr>") == 101
    reply = await reviewer.http.get(f"/desk/reviews/credit/{name}/rows.csv")
    assert reply.headers["content-type"].startswith("text/csv")
    assert "attachment" in reply.headers["content-disposition"]
    lines = reply.text.splitlines()
    assert lines[0].lstrip("\ufeff") == '"行号","XK_WSH","BZ"'
    assert (len(lines), lines[120]) == (121, '"120","文119","\'=1+1"')
    await reviewer.open(f"/desk/reviews/credit/{reviews.submit()}/rows.csv", 404)


async def test_what_is_no_row_and_what_has_too_many_names_can_be_read_too(reviews, reviewer):
    wide = [{f"{row}-{n}": "x" for n in range(60)} for row in range(3)]
    request = {"file": file({"XK_WSH": "文1"}, [1, 2], None, *wide), "shape": "permits_2018"}
    name = reviews.submit(publication=Publication(f"{CREDIT}.ImportRecords", request))
    text = await reviewer.open(f"/desk/reviews/credit/{name}")
    assert text.count('<th scope="col">') == 102  # the number, a hundred names and the others
    for words in ("（无法识别的一行）", "<td>[1, 2]</td>", "2-59", "同意公开"):
        assert words in text
    reply = await reviewer.http.get(f"/desk/reviews/credit/{name}/rows.csv")
    assert len(reply.text.splitlines()) == 7


async def test_a_reviewer_approves(reviews, reviewer):
    name = reviews.submit()
    here = f"/desk/reviews/credit/{name}"
    reply = await reviewer.send(here, f"{here}/approve", opinion="", version="1")
    assert reply.headers["location"] == "/desk/reviews?said=approved"
    assert reviews.kept[name].state is State.APPROVED
    text = await reviewer.open(here)
    assert "同意公开</dd>" in text
    assert "<textarea" not in text
    reply = await reviewer.http.get("/desk/reviews?state=approved")
    assert name in reply.text


async def test_who_rejects_says_why_and_the_author_reads_it(reviews, reviewer):
    name = reviews.submit(author="a1")
    reviews.kept[name] = replace(reviews.kept[name], author=officer("author", "credit_officer"))
    here = f"/desk/reviews/credit/{name}"
    reply = await reviewer.send(here, f"{here}/reject", opinion=" ", version="1")
    assert reply.status_code == 400
    assert 'id="opinion-wrong">请写明不同意公开的理由' in reply.text
    reply = await reviewer.send(here, f"{here}/reject", opinion="含内部电话", version="1")
    assert reply.headers["location"] == "/desk/reviews?said=rejected"
    text = await reviewer.open("/desk/reviews?state=rejected")
    assert "审查意见：含内部电话" in text


async def test_a_decision_on_what_has_changed_or_is_decided_is_refused(reviews, reviewer):
    name = reviews.submit()
    here = f"/desk/reviews/credit/{name}"
    reply = await reviewer.send(here, f"{here}/approve", opinion="", version="9")
    assert reply.status_code == 409
    assert "请重新读取" in reply.text
    page = await reviewer.open(here)
    assert "同意公开" in page
    reviews.kept[name] = replace(reviews.kept[name], state=State.WITHDRAWN)
    reply = await reviewer.send("/account", f"{here}/approve", opinion="", version="1")
    assert "已经审结或撤回" in reply.text


async def test_nobody_is_offered_to_review_what_is_their_own(reviews, house):
    await come(house, "credit_officer", "publication_reviewer")
    name = reviews.submit(author="a1")
    here = f"/desk/reviews/credit/{name}"
    text = await house.open(here)
    assert "<textarea" not in text
    reply = await house.send(here, f"{here}/approve", opinion="", version="1")
    assert "送审人不能审查自己送审的内容" in reply.text
    reply = await house.send(here, f"{here}/withdraw", version="1")
    assert reply.headers["location"] == "/desk/reviews?said=withdrawn"
    assert reviews.kept[name].state is State.WITHDRAWN


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/desk/reviews/identity", 404),
        ("/desk/reviews/nobody", 404),
        ("/desk/reviews/nobody/s0", 404),
        ("/desk/reviews/credit/s99", 404),
        ("/desk/reviews/catalogue/s0", 503),
        ("/desk/reviews?state=nonsense", 200),
    ],
)
async def test_an_address_that_leads_nowhere_says_so(reviewer, path, status):
    assert "<h1>" in await reviewer.open(path, status)


@pytest.mark.parametrize("verb", ["delete", "approve"])
async def test_a_form_that_no_page_gave_out_decides_nothing(reviews, reviewer, verb):
    name = reviews.submit()
    reply = await reviewer.http.post(
        f"/desk/reviews/credit/{name}/{verb}",
        data={"form_token": "x" * 20, "opinion": "", "version": "1"},
    )
    assert reply.status_code in (403, 404)
    assert reviews.kept[name].state is State.PENDING


async def test_strangers_sign_in_first(house):
    reply = await house.http.get("/desk/reviews")
    assert reply.headers["location"] == "/sign-in?next=%2Fdesk%2Freviews"
