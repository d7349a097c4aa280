"""A sentence-transformers CrossEncoder of two small layers and seeded weights, in a folder."""

from tests.encode.tiny_transformer import SPECIAL, WORDS


def write_tiny_cross_encoder(folder, labels=1, seed=0):
    """Write the model; it knows WORDS alone, and reads at most 32 tokens of a pair."""
    import torch
    from sentence_transformers import CrossEncoder
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(SPECIAL + WORDS)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=32, pad_token="[PAD]", unk_token="[UNK]",
        cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = BertForSequenceClassification(
            BertConfig(
                vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2,
                num_attention_heads=2, intermediate_size=32, max_position_embeddings=32,
                initializer_range=0.5, num_labels=labels,
            )
        )  # fmt: skip
    parts = folder / "parts"
    body.save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    model = CrossEncoder(str(parts), device="cpu")
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return folder / "model"
