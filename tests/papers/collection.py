"""A few papers of our own writing, dated, with functions that rules can tell."""

from everygrain_papers.paper import Paper

SUBJECTS = {
    "rivers": ("flooding of rivers", "a hydraulic simulation of channels", "gauges"),
    "bread": ("the staling of bread", "a slow cold fermentation of dough", "loaves"),
    "birds": ("the count of migrating birds", "an acoustic classifier of night calls", "stations"),
    "clocks": ("the drift of tower clocks", "a pendulum compensated by mercury", "towers"),
}  # fmt: skip


def papers(each=3):
    """Return `each` papers of every subject, whose problem, method and result are told apart."""
    made = []
    for subject, (problem, method, things) in SUBJECTS.items():
        for n in range(each):
            made.append(
                Paper(
                    f"{subject}-{n}",
                    f"On {problem}, part {n + 1}",
                    f"Until now, {problem} is poorly understood and remains a challenge. "
                    f"We propose {method}, with {n + 2} stages. "
                    f"Experiments show that our approach improves over the baseline by {n + 3} "
                    f"percent on {10 + n} {things}.",
                    ("Ada Byron", f"Author Of {subject.title()}"),
                    "Annals" if n % 2 else "Letters",
                    2020 + n % 6,
                    f"{2020 + n % 6}-03-0{n % 9 + 1}",
                    (subject,),
                    source="ours",
                )
            )
    return made
