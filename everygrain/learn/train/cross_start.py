"""What a small cross-encoder starts from: the first layers of a bigger model, or a narrow one anew.

Both keep the bigger model's word pieces. `FirstLayers` keeps what its lower layers know, which is
most of what two minutes of training could not teach; `Narrow` keeps the meaning of words alone.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from everygrain.encode.transformer import minilm_folder, quiet_transformers
from everygrain.errors import InputError, ModelError

if TYPE_CHECKING:
    from torch import Tensor


class Start(Protocol):
    """An untrained cross-encoder, as a value."""

    def model(self, tokens: int) -> Any:
        """Return a sentence-transformers CrossEncoder of one label, in memory.

        tokens   of a query and a text together; longer pairs are cut
        Raises ModelError if the source's files are missing or of another architecture than BERT.
        """


@dataclass(frozen=True)
class FirstLayers:
    """The first layers of a BERT, with the inner dimensions that matter most.

    layers   kept from below, at least 1
    inner    hidden units of each feed-forward part that are kept: those with the largest product
             of the lengths of their weights in and out; 0 keeps all
    source   a folder that holds the BERT; the packaged MiniLM where it is empty

    Raises InputError for a number out of range.
    """

    layers: int = 2
    inner: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        if self.layers < 1 or self.inner < 0:
            raise InputError(
                f"{self} keeps nothing.", "Keep 1 layer or more, and inner of 0 or more."
            )

    def model(self, tokens: int) -> Any:
        import torch

        body, configuration, tokenizer = source_of(self.source)
        configuration.num_hidden_layers = min(self.layers, configuration.num_hidden_layers)
        inner = min(self.inner or configuration.intermediate_size, configuration.intermediate_size)
        configuration.intermediate_size = inner
        made = classifier_of(configuration)
        with torch.no_grad():
            made.bert.embeddings.load_state_dict(body.embeddings.state_dict())
            for mine, theirs in zip(made.bert.encoder.layer, body.encoder.layer, strict=False):
                mine.attention.load_state_dict(theirs.attention.state_dict())
                kept = strongest(
                    theirs.intermediate.dense.weight, theirs.output.dense.weight, inner
                )
                mine.intermediate.dense.weight.copy_(theirs.intermediate.dense.weight[kept])
                mine.intermediate.dense.bias.copy_(theirs.intermediate.dense.bias[kept])
                mine.output.dense.weight.copy_(theirs.output.dense.weight[:, kept])
                mine.output.dense.bias.copy_(theirs.output.dense.bias)
                mine.output.LayerNorm.load_state_dict(theirs.output.LayerNorm.state_dict())
        return as_cross_encoder(made, tokenizer, tokens)


@dataclass(frozen=True)
class Narrow:
    """A new BERT whose word vectors are the main directions of a bigger one's.

    layers, width, heads, inner   of the new one, at least 1; width is divided by heads
    source                        a folder that holds the bigger BERT; MiniLM where it is empty

    Raises InputError for a number out of range.
    """

    layers: int = 2
    width: int = 128
    heads: int = 4
    inner: int = 512
    source: str = ""

    def __post_init__(self) -> None:
        if min(self.layers, self.width, self.heads, self.inner) < 1 or self.width % self.heads:
            raise InputError(
                f"{self} is no model.", "Use numbers of 1 or more; heads divide width."
            )

    def model(self, tokens: int) -> Any:
        import torch

        body, configuration, tokenizer = source_of(self.source)
        if self.width > configuration.hidden_size:
            raise InputError(
                f"{self} is wider than its source, which has {configuration.hidden_size}.",
                "Use a smaller width.",
            )
        configuration.update(
            {
                "num_hidden_layers": self.layers,
                "hidden_size": self.width,
                "num_attention_heads": self.heads,
                "intermediate_size": self.inner,
            }
        )
        made = classifier_of(configuration)
        with torch.no_grad():
            words = body.embeddings.word_embeddings.weight
            main = principal(words, self.width)
            made.bert.embeddings.word_embeddings.weight.copy_(main * (words.std() / main.std()))
        return as_cross_encoder(made, tokenizer, tokens)


def strongest(into: Tensor, out: Tensor, count: int) -> Tensor:
    """Return the (count,) places, in order, of the hidden units with the largest |in| |out|.

    into   (inner, width) weights in;  out   (width, inner) weights out
    """
    weight = into.norm(dim=1) * out.norm(dim=0)
    return weight.topk(count).indices.sort().values


def principal(rows: Tensor, width: int) -> Tensor:
    """Return (n, width): the centred rows along their directions of largest variance."""
    import torch

    centred = rows - rows.mean(dim=0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    return centred @ directions[:, -width:].flip(1)


def source_of(source: str) -> tuple[Any, Any, Any]:
    """Return the BERT of a folder, a copy of its configuration, and a tokenizer for pairs.

    Raises ModelError if the folder holds none, or the library is missing.
    """
    folder = source or str(minilm_folder())
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            "Training a cross-encoder needs transformers.",
            'Install it with `pip install "everygrain[models]"`.',
        ) from error
    quiet_transformers()
    library: Any = transformers  # parts of it have no types
    try:
        body = library.AutoModel.from_pretrained(folder, local_files_only=True)
        configuration = library.AutoConfig.from_pretrained(folder, local_files_only=True)
        tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # whatever a damaged file makes the library raise
        raise ModelError(
            f"The model '{folder}' cannot be loaded ({error}).", "Name a folder that holds a BERT."
        ) from error
    if configuration.model_type != "bert":
        raise ModelError(
            f"The model '{folder}' is a {configuration.model_type}, not a BERT.",
            "Name a BERT, such as MiniLM.",
        )
    # its own file may pad and cut as an encoder of single texts does
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return body, configuration, tokenizer


def classifier_of(configuration: Any) -> Any:
    """Return a new BERT with one score, and without dropout."""
    import transformers

    library: Any = transformers
    configuration.num_labels = 1
    # no pair is seen often enough to be learned by heart
    configuration.hidden_dropout_prob = configuration.attention_probs_dropout_prob = 0.0
    configuration.classifier_dropout = 0.0
    configuration.architectures = ["BertForSequenceClassification"]
    return library.BertForSequenceClassification(configuration)


def as_cross_encoder(classifier: Any, tokenizer: Any, tokens: int) -> Any:
    """Return a CrossEncoder around a classifier: the library makes one from a folder alone."""
    import torch
    from sentence_transformers import CrossEncoder

    with tempfile.TemporaryDirectory() as parts:
        classifier.save_pretrained(parts)
        tokenizer.model_max_length = tokens
        tokenizer.save_pretrained(parts)
        return CrossEncoder(
            parts,
            num_labels=1,
            max_length=tokens,
            device="cpu",
            activation_fn=torch.nn.Identity(),
            local_files_only=True,
        )
