"""Text: words, vocabularies, and batches of arrays made of strings, files and data frames."""

from cornu.preprocessing.text.generator import TextGenerator
from cornu.preprocessing.text.iterators import TextIterator, WindowIterator
from cornu.preprocessing.text.tokenizer import Tokenizer, tokenizer_from_json
from cornu.preprocessing.text.words import hashing_trick, one_hot, text_to_word_sequence

__all__ = [
    "TextGenerator",
    "TextIterator",
    "Tokenizer",
    "WindowIterator",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]
