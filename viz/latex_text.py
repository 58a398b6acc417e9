r"""Text as LaTeX in plain ASCII: mathematics in math mode, everything else so that it shows itself and runs nothing."""

import re
import unicodedata

_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "_": r"\_",
    "^": r"\ensuremath{\wedge}",
    "~": r"\textasciitilde{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    "*": r"\ensuremath{*}",
    # Typewriter type has straight quotes, where the roman ones are curved and join.
    '"': r"{\ttfamily\char34}",
    "'": r"{\ttfamily\char13}",
    "`": r"{\ttfamily\char18}",
    "-": "-{}",  # two of them would join to a dash
}
_MATH = {
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "÷": r"\div",
    "±": r"\pm",
    "∂": r"\partial",
    "√": r"\surd",
    "∛": r"\sqrt[3]{\,}",
    "∞": r"\infty",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "→": r"\rightarrow",
    "←": r"\leftarrow",
    "‖": r"\|",
    "⌊": r"\lfloor",
    "⌋": r"\rfloor",
    "⌈": r"\lceil",
    "⌉": r"\rceil",
    "′": r"{}'",
    "∇": r"\nabla",
    "∈": r"\in",
    "µ": r"\mu",
    "°": r"{}^{\circ}",
}
_MATH |= {
    letter: "\\" + unicodedata.name(letter).split()[-1].lower().replace("lamda", "lambda")
    for letter in "αβγδζηθικλμνξπρστυφχψω"
}
_MATH |= {
    letter: "\\" + unicodedata.name(letter).split()[-1].title().replace("Lamda", "Lambda") for letter in "ΓΔΘΛΞΠΣΦΨΩ"
}
_MATH |= {"ε": r"\varepsilon", "ς": r"\varsigma", "ϕ": r"\phi", "φ": r"\varphi", "ϵ": r"\epsilon"}
_TEXT = {
    "…": r"\ensuremath{\ldots}",  # the one for text leaves a gap behind it
    "—": "---",
    "–": "--",
    "�": r"\ensuremath{\diamond}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "‘": "`{}",
    "’": "'{}",
    "“": "``{}",
    "”": "''{}",
}
_ACCENTS = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0331",
        "`'^~=u.\"rHvdcb",
        strict=True,
    )
)
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SUPERSCRIPTS = str.maketrans({**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺·", "0123456789-+.", strict=True)), "ᵀ": r"\mathsf{T}"})
_BARS = {bar: eighths for eighths, bar in enumerate("▁▂▃▄▅▆▇█", 1)}
_TOKEN = re.compile(
    r"""
    (?P<base>(?<!\w)[A-Za-z](?![^\W\d₀-₉⁰-⁹²³¹ᵀ_])(?![0-9_]))?     # a letter by itself is a variable
    (?P<sub>[₀-₉]+)?
    (?P<sup>(?:[⁰¹²³⁴-⁹⁻⁺]|ᵀ)+(?:·[⁰¹²³⁴-⁹]+)?)?
    """,
    re.VERBOSE,
)


def escape(text: str) -> str:
    r"""LaTeX that shows the text; a character that Computer Modern lacks is shown by its number.

    >>> print(escape("v₃ = w · x²"))
    \ensuremath{v_{3}} = \ensuremath{w} \ensuremath{\cdot} \ensuremath{x^{2}}
    >>> print(escape(r"\input{file} 50% é 🙂"))
    \textbackslash{}input\{file\} 50\% \'{e} [U+1F642]
    """
    pieces, position = [], 0
    text = unicodedata.normalize("NFC", text)
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is not None and found.end() > position:
            pieces.append(_variable(found["base"] or "", found["sub"] or "", found["sup"] or ""))
            position = found.end()
        else:
            pieces.append(_character(text[position], after=text[position - 1 : position]))
            position += 1
    return "".join(pieces)


def _variable(base: str, sub: str, sup: str) -> str:
    below = f"_{{{sub.translate(_SUBSCRIPTS)}}}" if sub else ""
    above = f"^{{{sup.translate(_SUPERSCRIPTS)}}}" if sup else ""
    return f"\\ensuremath{{{base or '{}'}{below}{above}}}"


def _character(character: str, after: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    if character in _MATH:
        return f"\\ensuremath{{{_MATH[character]}}}"
    if character in _TEXT:
        return _TEXT[character]
    if character in _BARS:
        return f"\\histbar{{{_BARS[character]}}}"
    if character == " ":
        return "~" if after == " " else " "  # TeX makes one space of several
    if character.isascii() and character.isprintable():
        return character
    letter, *accents = list(unicodedata.normalize("NFD", character))
    if accents and letter.isascii() and letter.isalpha() and all(accent in _ACCENTS for accent in accents):
        for accent in accents:
            letter = f"\\{_ACCENTS[accent]}{{{letter}}}"
        return letter
    if unicodedata.combining(character) and character in _ACCENTS:
        return f"\\{_ACCENTS[character]}{{}}"
    return f"[U+{ord(character):04X}]"
