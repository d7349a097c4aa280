"""The encoder itself: word pieces learned from the texts, a small BERT, and its folder."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from everygrain.encode.transformer import quiet_transformers
from everygrain.errors import InputError
from everygrain.learn.pretrain.base import Pieces, Size

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def learned_tokenizer(texts: Iterable[str], size: Size) -> Any:
    """Learn word pieces from texts, without case or accents; return a transformers tokenizer.

    Raises InputError if the texts hold no words.
    """
    import transformers
    from tokenizers.implementations import BertWordPieceTokenizer
    from tokenizers.processors import TemplateProcessing

    words = BertWordPieceTokenizer(lowercase=True)
    words.train_from_iterator(
        texts, size.vocabulary, min_frequency=2, special_tokens=list(_SPECIAL), show_progress=False
    )
    if words.get_vocab_size() <= len(_SPECIAL):
        raise InputError("The texts hold no word that occurs twice.", "Give more texts.")
    ends = [(name, words.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    words.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    named = {
        f"{role}_token": name
        for role, name in zip(("pad", "unk", "cls", "sep", "mask"), _SPECIAL, strict=True)
    }
    library: Any = transformers  # parts of it have no types
    return library.PreTrainedTokenizerFast(
        tokenizer_object=words._tokenizer, model_max_length=size.tokens, **named
    )


def pieces_of(tokenizer: Any) -> Pieces:
    return Pieces(
        tokenizer.pad_token_id,
        tokenizer.cls_token_id,
        tokenizer.sep_token_id,
        tokenizer.mask_token_id,
        len(tokenizer),
    )


def new_body(size: Size, vocabulary: int, *, extra_positions: int = 0) -> Any:
    """Return an untrained transformers BertModel without a pooler.

    vocabulary        number of word pieces; a body that is only given vectors needs 1
    extra_positions   beyond those of the longest text
    """
    import transformers

    library: Any = transformers  # parts of it have no types
    configuration = library.BertConfig(
        vocab_size=vocabulary,
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.width,
        max_position_embeddings=size.tokens + extra_positions,
        type_vocab_size=1,
        pad_token_id=0,
    )
    return library.BertModel(configuration, add_pooling_layer=False)


def pooling_of(width: int, modes: Sequence[str]) -> Any:
    """Return sentence-transformers' pooling; several modes ("cls", "mean") are concatenated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.models import Pooling

        return Pooling(width, pooling_mode_cls_token="cls" in modes,
                       pooling_mode_mean_tokens="mean" in modes)  # fmt: skip


def saved(body: Any, tokenizer: Any, pooling: Sequence[Any], tokens: int, folder: Path) -> None:
    """Write a sentence-transformers model whose vectors have length 1 into an empty folder."""
    quiet_transformers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Normalize, Transformer

        with tempfile.TemporaryDirectory() as parts:
            body.save_pretrained(parts)
            tokenizer.save_pretrained(parts)
            first = Transformer(parts, max_seq_length=tokens)
            model = SentenceTransformer(modules=[first, *pooling, Normalize()], device="cpu")
            model.save(str(folder), create_model_card=False)
