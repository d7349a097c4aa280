"""Small text encoders from raw text alone, at a size that two cores train in minutes.

    replaced   which tokens did a small generator put in?
               Source: ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators
    duplex     the text again from [CLS], and its bag of words from the ordinary tokens
               Source: RetroMAE v2: Duplex Masked Auto-Encoder For Pre-Training Retrieval-Oriented
               Language Models
    grams      a masked n-gram as one identity, and its tokens
               Source: ERNIE-Gram: Pre-Training with Explicitly N-Gram Masked Language Modeling for
               Natural Language Understanding

`training.pretrain` runs any of them and saves a plain sentence-transformers model. The modules
other than `base` and `lexicon` need torch when they are imported.
"""
