"""Whether a text that is not UTF-8 really is Latin-1 (Windows-1252), or something else.

Every byte means something in Latin-1, so that anything can be read by it: Chinese (GBK, Big5), Japanese
(Shift-JIS), Russian (Windows-1251) and Czech (Windows-1250) give words then that no language has. Letters of
western languages stand alone among plain ones, or two together; a word has those of one language; signs stand
at the side of a word and not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST_WORDS = 20_000
_MOST_ODD = 0.05  # share of the words; names of many countries are in western files too

# The letters beyond a to z. Those of Icelandic are left out: Turkish and Baltic texts read as Icelandic.
_LANGUAGES = (
    "äöüßé",  # German
    "àâæçéèêëîïôœùûüÿ",  # French
    "áéíóúüñç",  # Spanish
    "áâãàçéêíóôõúü",  # Portuguese
    "àèéìòù",  # Italian
    "áéíóúëïöüèê",  # Dutch
    "æøåéó",  # Danish, Norwegian
    "åäöéü",  # Swedish, Finnish
    "àçèéíïòóúü",  # Catalan
)
_ALONE = frozenset("àáäéèóåöøüñÀÁÄÉÈÓÅÖØÜÑ")  # letters that are a word, or a code
_IN_WORDS = "’‘'·–—-\u00ad"  # signs that may stand between two letters
_ODD = re.compile(r"[\u0080-\u009fˆ˜ƒ†‡‰‹›¤¦¨¬¯¸¶]")
_WORD = re.compile(r"[A-Za-z\u0080-\uffff]*[\u0080-\uffff][A-Za-z\u0080-\uffff]*")
_SIGN_INSIDE = re.compile(rf"(?<=[^\W\d_])[^\w\s{re.escape(_IN_WORDS)}](?=[^\W\d_])|[ªº¹²³¼½¾](?=[^\W\d_])")
_TURNED = re.compile(r"[a-zà-ÿ][À-ÖØ-ÞŠŽŒŸ]")  # a capital after a small letter
_TILDE = re.compile(r"õ(?!e)|ã(?![oesn]|$)")  # as Portuguese does not have them, and Hungarian, Romanian do


def odd_words(chunks: Iterable[str]) -> tuple[int, int, str]:
    """Examine the words of a text read as Windows-1252 that have letters other than a to z.

    Parameters
    ----------
    chunks : iterable of str
        Pieces of the text; no more are taken than needed.

    Returns
    -------
    n_odd : int
        How many of the words exist in no western language.
    n_words : int
        How many were examined.
    example : str
        The first odd one, or "".
    """
    n_odd = n_words = 0
    example = ""
    for chunk in chunks:
        for word in _WORD.findall(chunk):
            n_words += 1
            if _is_odd(word):
                n_odd += 1
                example = example or word
        if n_words >= _MOST_WORDS:
            break
    return n_odd, n_words, example


def is_guess(n_odd: int, n_words: int) -> bool:
    """Whether this many odd words mean that the text may be in another encoding."""
    return n_odd > _MOST_ODD * n_words


def _is_odd(word: str) -> bool:
    if len(word) > 1 and ("¥" in word or "¢" in word):  # before or after figures, they stand alone
        return True
    if _ODD.search(word) or _SIGN_INSIDE.search(word) or _TURNED.search(word):
        return True
    letters = {letter for letter in word.lower() if letter > "\x7f" and letter.isalpha()} - set("ªºµ")
    if not letters:
        return bool(re.search(r"(?<![A-Za-z0-9])[¹²³]", word)) or bool(re.search(r"[¿¡]$", word))
    if len(word) == 1:
        return word not in _ALONE
    if not any(letters <= set(language) for language in _LANGUAGES) or _TILDE.search(word.lower()):
        return True
    # Two together are small ("öß", "éé"), or all of the word is capitals.
    return bool(re.search(r"[^\W\d_a-zA-Z]{3}", word)) or (
        bool(re.search(r"[^\W\d_a-zA-Z]{2}", word)) and not re.search("[A-Za-z]", word)
    )
