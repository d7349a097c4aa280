"""Systems written as text, such as `fuse(lexical, dense) % 100 >> late % 20`.

    system   := part ("%" number | ">>" stage)*
    part     := leg | leg "(" settings ")" | "fuse" "(" system ("," system)+ ["," how] ")"
              | around "(" system ["," settings] ")" | name | "(" system ")"
    stage    := name | name "(" settings ")"
    settings := setting ("," setting)*        setting := name "=" (number | 'text' | word)
    how      := "constant" "=" number
              | ["method" "=" word] [","] ["weights" "=" "(" number ("," number)* ")"]

Legs, stages and what can stand around a system are listed in `everygrain.rank.compose.forms`; a
name is one that the caller defines, such as another system of the same experiment. `>>` and `%`
bind from left to right. Nothing of the text is run.
"""

from everygrain.rank.compose.parts import Composition, Parts
from everygrain.rank.compose.reader import FORMS, CompositionError, parse

__all__ = ["FORMS", "Composition", "CompositionError", "Parts", "parse"]
