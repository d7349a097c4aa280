"""A sentence-transformers model of three small layers and seeded weights, in a folder."""

import warnings

WORDS = [
    "cat", "dog", "bird", "fish", "tree", "house", "street", "garden", "a", "the", "runs", "sees",
    "red", "green", "of", "in",
]  # fmt: skip
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def write_tiny_transformer(folder):
    """Write the model; it knows WORDS and the letters of none else."""
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(SPECIAL + WORDS)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=32, pad_token="[PAD]", unk_token="[UNK]",
        cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = BertModel(
            BertConfig(
                vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=3,
                num_attention_heads=2, intermediate_size=32, max_position_embeddings=32,
                initializer_range=0.5,
            ),
            add_pooling_layer=False,
        )  # fmt: skip
    parts = folder / "parts"
    body.save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers.models import Normalize, Pooling, Transformer

        first = Transformer(str(parts), max_seq_length=32)
        model = SentenceTransformer(modules=[first, Pooling(16), Normalize()], device="cpu")
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"
