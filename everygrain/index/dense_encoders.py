"""Which encoder an index opens with: the one that it was built with, and no other."""

from __future__ import annotations

from everygrain.encode import registry
from everygrain.encode.base import Encoder
from everygrain.errors import EncoderMismatchError
from everygrain.index.encoders import check_fingerprint
from everygrain.index.store import Store
from everygrain.index.writer import writer


def use_encoder(store: Store, encoder: str | Encoder) -> None:
    """Use an encoder with an index; one that holds nothing yet may still take another name.

    Raises EncoderMismatchError, naming both, for any but the one that it was built with.
    """
    expected, spec = store.fingerprint, store.setting("encoder_spec")
    empty = not store.catalogue.count()
    if isinstance(encoder, str):
        if encoder == spec:
            return
        if expected is None and spec != "none" and empty:
            registry.check(encoder)  # nothing is encoded yet: the new name may have it
            with writer(store) as write, write.catalogue.writing():
                write.catalogue.set("encoder_spec", encoder)
            return
        raise EncoderMismatchError(
            f"The index in {store.folder} was built with the encoder '{spec}' "
            f"({expected or 'without vectors'}), not '{encoder}'.",
            f"Leave the encoder out, or run `everygrain reencode {store.folder} "
            f"--encoder {encoder}` to build new vectors beside the old and swap them in.",
        )
    registry.check(encoder)
    if expected is None and spec == "given" and empty:
        with writer(store) as write:  # its making was interrupted
            write.set_encoder(encoder, "given")
    elif expected is None:
        raise EncoderMismatchError(
            f"The index in {store.folder} holds no vectors yet, so {encoder.fingerprint} cannot "
            "be the encoder they were made with.",
            "Call index.reencode(encoder) to make them.",
        )
    else:
        check_fingerprint(store.folder, expected, encoder, "--encoder")
        store.use_encoder(encoder)
