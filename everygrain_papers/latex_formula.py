r"""One LaTeX formula -> HTML: a descent over its tokens, with tables of what is known."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

_DEEPEST = 20
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&~]|\s+|[0-9]+(?:\.[0-9]+)?|.", re.DOTALL)
_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi",
    "psi", "omega",
)  # fmt: skip
_SPACE = "\N{NARROW NO-BREAK SPACE}"
_SYMBOLS = {
    "ell": "ℓ", "hbar": "ℏ", "infty": "∞", "partial": "∂", "nabla": "∇", "forall": "∀",
    "exists": "∃", "emptyset": "∅", "varnothing": "∅", "prime": "′", "dagger": "†", "ast": "∗",
    "star": "⋆", "circ": "∘", "bullet": "•", "cdot": "·", "cdots": "⋯", "ldots": "…", "dots": "…",
    "sum": "∑", "prod": "∏", "int": "∫", "oint": "∮", "bigcup": "⋃", "bigcap": "⋂", "top": "⊤",
    "bot": "⊥", "perp": "⊥", "angle": "∠", "degree": "°", "Re": "ℜ", "Im": "ℑ", "aleph": "ℵ",
    "lbrace": "{", "rbrace": "}", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "‖", "lVert": "‖",
    "rVert": "‖", "|": "‖", "{": "{", "}": "}", "%": "%", "$": "$", "#": "#", "&": "&", "_": "_",
    "colon": ":", "neg": "¬", "lnot": "¬", "backslash": "\\", "varepsilon": "ε", "varphi": "φ",
    "vartheta": "ϑ", "varsigma": "ς", "varrho": "ϱ", "dag": "†", "S": "§", "checkmark": "✓",
}  # fmt: skip
_RELATIONS = {
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "∼",
    "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝", "ll": "≪", "gg": "≫", "in": "∈",
    "notin": "∉", "ni": "∋", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "leftrightarrow": "↔", "Rightarrow": "⇒",
    "Leftarrow": "⇐", "Leftrightarrow": "⇔", "iff": "⇔", "implies": "⇒", "mapsto": "↦",
    "longrightarrow": "⟶", "uparrow": "↑", "downarrow": "↓", "mid": "∣", "parallel": "∥",
    "pm": "±", "mp": "∓", "times": "×", "div": "÷", "cup": "∪", "cap": "∩", "setminus": "∖",
    "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "wedge": "∧", "land": "∧", "vee": "∨", "lor": "∨",
    "lesssim": "≲", "gtrsim": "≳", "prec": "≺", "succ": "≻", "preceq": "≼", "succeq": "≽",
    "models": "⊨", "vdash": "⊢", "triangleq": "≜", "coloneqq": "≔", "bmod": "mod", "sqcup": "⊔",
}  # fmt: skip
_WORDS = frozenset((
    "log", "ln", "exp", "sin", "cos", "tan", "tanh", "min", "max", "sup", "inf", "lim", "arg",
    "det", "dim", "ker", "Pr", "gcd", "deg", "argmin", "argmax",
))  # fmt: skip
_SPACES = {",": "\N{THIN SPACE}", ";": " ", ":": " ", " ": " ", "!": "", "quad": " ", "qquad": " "}
_UPRIGHT = frozenset((
    "mathrm", "text", "textrm", "operatorname", "mathsf", "textsf", "mathtt", "texttt",
    "textnormal", "mbox", "rm",
))  # fmt: skip
_BOLD = frozenset((
    "mathbf", "boldsymbol", "bm", "textbf", "pmb",
))  # fmt: skip
_ALPHABETS = {
    "mathbb": "DOUBLE-STRUCK",
    "mathcal": "SCRIPT",
    "mathscr": "SCRIPT",
    "mathfrak": "FRAKTUR",
}
_OVER = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303",
    "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308", "check": "\u030c",
}  # fmt: skip
_NOTHING = frozenset((
    "left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg",
    "displaystyle", "textstyle", "limits", "nolimits", "rm", "it",
))  # fmt: skip


class UnknownCommand(Exception):
    """A formula holds what is not known here, or does not close what it opens."""


def formula(source: str) -> Markup:
    r"""Return the HTML of what stands between the dollars.

    Raises UnknownCommand for a command that is not in the tables, braces that do not close, and
    scripts nested more than 20 deep.

    >>> str(formula(r"\alpha_i \leq \frac{1}{2}"))
    '<i>α</i><sub><i>i</i></sub>\u202f≤\u202f1/2'
    """
    tokens = _TOKEN.findall(source)
    tokens.reverse()
    shown = _row(tokens, "", 0)
    return Markup(shown.strip())


def _row(tokens: list[str], closing: str, depth: int) -> Markup:
    """Take tokens, the next one last, up to a closing one; return their HTML."""
    if depth > _DEEPEST:
        raise UnknownCommand("too deep")
    parts: list[Markup] = []
    while tokens:
        token = tokens.pop()
        if token == closing:
            return Markup("").join(parts)
        if token in "^_":
            tag = Markup("sup" if token == "^" else "sub")
            parts.append(Markup("<{0}>{1}</{0}>").format(tag, _argument(tokens, depth)))
        elif token in "=<>+" and parts:
            parts.append(escape(f"{_SPACE}{token}{_SPACE}"))
        else:
            parts.append(_one(token, tokens, depth))
    if closing:
        raise UnknownCommand("a brace does not close")
    return Markup("").join(parts)


def _one(token: str, tokens: list[str], depth: int) -> Markup:
    if token == "{":
        return _row(tokens, "}", depth + 1)
    if token in "}&":
        raise UnknownCommand(token)
    if token.startswith("\\"):
        return _command(token[1:].rstrip("*"), tokens, depth)
    if token == "~":
        return Markup("\N{NO-BREAK SPACE}")
    if token.isspace():
        return Markup("")
    if token == "-":
        return Markup("−")
    if token == "'":
        return Markup("′")
    return Markup("<i>{}</i>").format(token) if token.isalpha() else escape(token)


def _command(name: str, tokens: list[str], depth: int) -> Markup:
    if name in _SYMBOLS:
        return escape(_SYMBOLS[name])
    if name in _RELATIONS:
        return Markup(f"{_SPACE}{_RELATIONS[name]}{_SPACE}")
    if name.lower() in _GREEK:
        case = "CAPITAL" if name[0].isupper() else "SMALL"
        spelt = {"lambda": "LAMDA"}.get(name.lower(), name.upper())
        letter = unicodedata.lookup(f"GREEK {case} LETTER {spelt}")
        return Markup(letter if case == "CAPITAL" else f"<i>{letter}</i>")
    if name in _WORDS:
        return Markup(name if tokens and tokens[-1] in "_^({[" else f"{name}{_SPACE}")
    if name in _SPACES:
        return Markup(_SPACES[name])
    if name in _NOTHING:
        if name in ("left", "right") and tokens and tokens[-1] == ".":
            tokens.pop()
        return Markup("")
    if name in _UPRIGHT:
        return escape(_letters(tokens))
    if name in _BOLD:
        return Markup("<b>{}</b>").format(_argument(tokens, depth))
    if name in _ALPHABETS:
        return escape("".join(_styled(c, _ALPHABETS[name]) for c in _letters(tokens)))
    if name in _OVER:
        return escape(
            unicodedata.normalize("NFC", "".join(c + _OVER[name] for c in _letters(tokens)))
        )
    if name in ("frac", "tfrac", "dfrac"):
        above, below = _argument(tokens, depth), _argument(tokens, depth)
        return Markup("{}/{}").format(_bracketed(above), _bracketed(below))
    if name == "sqrt":
        return Markup("√{}").format(_bracketed(_argument(tokens, depth)))
    if name == "binom":
        return Markup("({} over {})").format(_argument(tokens, depth), _argument(tokens, depth))
    raise UnknownCommand(name)


def _argument(tokens: list[str], depth: int) -> Markup:
    """Take one token or one group in braces."""
    while tokens and tokens[-1].isspace():
        tokens.pop()
    if not tokens or tokens[-1] in "^_":
        raise UnknownCommand("an argument is missing")
    if tokens[-1].isdigit() and len(tokens[-1]) > 1:  # x^10 raises the 1 alone
        number = tokens.pop()
        tokens.append(number[1:])
        return Markup(number[0])
    return Markup(_one(tokens.pop(), tokens, depth + 1).strip())


def _letters(tokens: list[str]) -> str:
    """Take one group or token as the letters that it holds: a style of no formula but of text."""
    while tokens and tokens[-1].isspace():
        tokens.pop()
    if not tokens:
        raise UnknownCommand("an argument is missing")
    if tokens[-1] != "{":
        token = tokens.pop()
        return token if len(token) == 1 and token.isalnum() else _known_letter(token)
    tokens.pop()
    held: list[str] = []
    while tokens:
        token = tokens.pop()
        if token == "}":
            return "".join(held)
        held.append(token if token[0] not in "\\{^_" else _known_letter(token))
    raise UnknownCommand("a brace does not close")


def _known_letter(token: str) -> str:
    name = token[1:]
    if token.startswith("\\") and (name in _SYMBOLS or name.lower() in _GREEK or name in _SPACES):
        return str(_command(name, [], 0).striptags()) or " "
    raise UnknownCommand(token)


def _styled(letter: str, style: str) -> str:
    case = "CAPITAL" if letter.isupper() else "SMALL"
    for name in (
        f"{style if style != 'FRAKTUR' else 'BLACK-LETTER'} {case} {letter.upper()}",
        f"MATHEMATICAL {style} {case} {letter.upper()}",
    ):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return letter


def _bracketed(shown: Markup) -> Markup:
    """Put brackets around what is more than one number, letter or word."""
    bare = shown.striptags()
    simple = re.fullmatch(r"[0-9.]+|\w{1,2}", bare) is not None
    return shown if simple else Markup("({})").format(shown)
