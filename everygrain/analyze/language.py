"""Which language a collection is written in."""

from __future__ import annotations

from collections.abc import Sequence

from everygrain.errors import InputError

STEMMED = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch",
    "nn": "norwegian", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish",
}  # fmt: skip
_SECOND = {  # letters of ISO 639-1 codes by their first letter
    "a": "abefkmnrsvyz", "b": "aeghimnors", "c": "aehorsuvy", "d": "aevz", "e": "elnostu",
    "f": "afijory", "g": "adlnuv", "h": "aeiortuyz", "i": "adegikostu", "j": "av",
    "k": "agijklmnorsuvwy", "l": "abginotuv", "m": "ghiklnrsty", "n": "abdeglnorvy", "o": "cjmrs",
    "p": "ailst", "q": "u", "r": "mnouw", "s": "acdeghiklmnoqrstuvw", "t": "aeghiklnorstwy",
    "u": "gkrz", "v": "eio", "w": "ao", "x": "h", "y": "io", "z": "ahu",
}  # fmt: skip
ISO_639_1 = frozenset(first + second for first, rest in _SECOND.items() for second in rest)


def check(language: str) -> None:
    """Raise InputError for what is no ISO 639-1 code of a language."""
    if not isinstance(language, str) or language not in ISO_639_1:
        raise InputError(
            f"{language!r} is no ISO 639-1 code of a language.",
            f"Stems are known for {', '.join(sorted(STEMMED))}. With any other code, such as ja "
            "or uk, words are found as they are written.",
        )


def detect(texts: Sequence[str], sample: int = 100, characters: int = 400) -> str:
    """Return the ISO 639-1 code of the language that most of the texts are in.

    A vote over `sample` texts spread evenly, `characters` of each. "en" where nothing is said.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    told = [text for text in texts if text.strip()]
    if not told:
        return "en"
    step = max(1, len(told) // sample)
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    votes: dict[str, int] = {}
    for text in told[::step]:
        language = str(identifier.classify(text[:characters])[0])
        votes[language] = votes.get(language, 0) + 1
    return max(sorted(votes), key=lambda language: votes[language])
