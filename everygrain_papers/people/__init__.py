"""The people of a reading room and all that is theirs, in people.db.

    people = People(folder / "people.db")
    reader = people.single()
    interest = people.add_interest(reader.id, "Late interaction", keywords=["ColBERT"])
    people.mark(reader.id, "arxiv:2004.12832", interest.id, "like")

links     signed links of one purpose, such as those in a digest
csrf      tokens in forms
limits    how often one address may do one thing
"""

from everygrain_papers.people.judgements import Judgement
from everygrain_papers.people.marks import Mark
from everygrain_papers.people.people import People
from everygrain_papers.people.users import User

__all__ = ["Judgement", "Mark", "People", "User"]
