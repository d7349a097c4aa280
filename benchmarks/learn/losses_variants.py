"""What `losses.py` compares: each row of its table, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

BASELINE = "multiple_negatives"


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    system   id of the published system in everygrain/systems.toml
    against  the variant that it is compared with
    teacher  "likeness", "likelihood", "thumbs" or "grades": what fills the batch beside texts
    batches  "shuffled", "homogeneous", "lengths", "keywords"
    step     "plain", "sharp", "tasks", "sharp tasks"
    """

    system: str
    loss: str = BASELINE
    against: str = BASELINE
    teacher: str = ""
    batches: str = "shuffled"
    step: str = "plain"
    curriculum: str = ""
    matched: bool = False


VARIANTS = {
    BASELINE: Variant("baseline"),
    "orthogonal projection": Variant("S07", "orthogonal_projection"),
    "homogeneous batches": Variant("S17", batches="homogeneous"),
    "divergence": Variant("S17", "divergence", teacher="likeness"),
    "stabilised distillation": Variant("S17", "stabilised_distillation", teacher="likeness"),
    "eased": Variant("S22", curriculum="eased"),
    "margin-MSE": Variant("S24", "margin_mse", teacher="likeness"),
    "policy gradient": Variant("S25", "policy_gradient"),
    "distilled sentence embedding": Variant(
        "S26", "distilled_sentence_embedding", teacher="likeness"
    ),
    "importance-aware": Variant("S39", "importance_aware", teacher="likeness"),
    "importance-aware, all places alike": Variant(
        "S39", "importance_aware(emphasis=0)", "importance-aware", teacher="likeness"
    ),
    "progressive negatives": Variant("S27", "progressive_negatives"),
    "individual temperatures": Variant("S34", "individual_temperatures"),
    "generation consistency": Variant("T03", "generation_consistency", teacher="likelihood"),
    "thumbs": Variant("T06", "thumbs", teacher="thumbs"),
    "thumbs, matched": Variant("T06", "thumbs", "thumbs", teacher="thumbs", matched=True),
    "grades and pairs": Variant("T07", "grades_and_pairs", teacher="grades"),
    "grades alone": Variant(
        "T07", "grades_and_pairs(weight=0)", "grades and pairs", teacher="grades"
    ),
    "reweighted, upper": Variant("T08", curriculum="upper"),
    "reweighted, quadratic": Variant("T08", curriculum="quadratic"),
    "metric mixup": Variant("T09", "metric_mixup"),
    "no mixup": Variant("T09", "metric_mixup(weight=0)", "metric mixup"),
    "sharpness-aware": Variant("T10", step="sharp"),
    "two tasks": Variant("T10", step="tasks"),
    "two tasks, sharpness-aware": Variant("T10", against="two tasks", step="sharp tasks"),
    "length buckets": Variant("T11", batches="lengths"),
    "keywords, multiple negatives": Variant(
        "S33", "multiple_negatives(symmetric=False)", batches="keywords"
    ),
    "keywords, decoupled softmax": Variant(
        "S33", "decoupled_softmax", "keywords, multiple negatives", batches="keywords"
    ),
    "keywords, soft top-k": Variant(
        "S33", "soft_top_k", "keywords, multiple negatives", batches="keywords"
    ),
}
