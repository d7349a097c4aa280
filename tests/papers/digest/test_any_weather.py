"""Whatever servers do on any day: no mail and no paper reaches anybody twice."""

from collections import Counter
from datetime import timedelta
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain_papers.digest import MailServer, Settings, choose, enrol, issues, resolve, send_due
from everygrain_papers.digest.tables import reading
from everygrain_papers.people import People

from .made import NOW
from .servers import FaultyServer

ANSWERS = st.one_of(
    st.just({}),
    st.tuples(
        st.sampled_from(["connect", "ehlo", "mail", "rcpt", "data", "half", "end"]),
        st.sampled_from([None, "421 closing", "451 later", "550 no", "what?"]),
    ).map(lambda pair: dict([pair])),
)


def papers_of(people, identity):
    with reading(people) as connection:
        rows = connection.execute("SELECT paper FROM digest_papers WHERE issue = ?", (identity,))
        return [paper for (paper,) in rows]


@settings(max_examples=12)
@given(st.lists(ANSWERS, min_size=1, max_size=8), st.sampled_from([2, 5, 13, 30]))
def test_no_mail_and_no_paper_comes_twice(shared_room, weather, hours):
    with TemporaryDirectory() as folder, People(f"{folder}/people.db") as people:
        user = people.single()
        people.add_interest(user.id, "Retrieval", liked=["retrieval:1"])
        people.add_interest(user.id, "Birds", liked=["birds:1"])
        choose(people, user.id, papers=4)
        enrol(people, user.id, "ada@example.org", NOW - timedelta(days=1))
        with FaultyServer() as server:
            entry = MailServer("127.0.0.1", server.port, "none", timeout=5.0)
            told = Settings(sender="digest@example.org", server=entry, attempts=3, first_wait=3600)
            for step, answers in enumerate([*weather, {}, {}]):
                server.answers = answers
                send_due(shared_room, people, told, NOW + timedelta(hours=hours * step))
            server.wait()
            taken = Counter(mail.split(b"Message-ID: ")[1].split()[0] for mail in server.taken)
        found = issues(people)
        assert max(taken.values(), default=0) <= 1
        assert {each.message_id.encode() for each in found if each.state == "sent"} == set(taken)
        held = Counter(
            paper
            for each in found
            if each.state in ("sent", "uncertain")
            for paper in papers_of(people, each.id)
        )
        assert max(held.values(), default=0) <= 1
        for each in found:
            assert each.state in ("sent", "uncertain", "refused", "empty", "composed")
            if each.state == "uncertain":
                assert resolve(people, each.id, "sent", NOW).state == "sent"
