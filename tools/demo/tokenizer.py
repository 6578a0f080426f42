"""A small SentencePiece-style BPE tokenizer: trained on the stories, encoding exactly as GGUF's "llama" tokenizer does.

Tokens are, in order: <unk>, <s>, </s>, the 256 bytes <0x00>..<0xFF>, the single characters, the merges. A space is
written U+2581; the score of a merge is minus its rank, and encoding joins the neighbours whose joint token scores best.
No token spans a word's end, so a text is encoded word by word.
"""

import collections
import re

SPACE = "\u2581"
UNK, BOS, EOS = 0, 1, 2
FIRST_BYTE = 3
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # GGUF token types
WORD = re.compile(f"{SPACE}?[A-Za-z]+|{SPACE}?[^A-Za-z{SPACE}]|{SPACE}")


def split_words(text):
    """The words of a text, each with the space before it; marks stand alone. The text gets one space in front."""
    return WORD.findall(SPACE + text.replace(" ", SPACE))


def join_pair(symbols, left, right):
    """`symbols` with each neighbouring `left`, `right` joined to one."""
    joined = []
    for symbol in symbols:
        if joined and joined[-1] == left and symbol == right:
            joined[-1] = left + right
        else:
            joined.append(symbol)
    return joined


def learn_merges(texts, wanted):
    """The `wanted` most frequent merges over the words of `texts`, best first (byte pair encoding, Sennrich 2016)."""
    counts = collections.Counter(word for text in texts for word in split_words(text) if word != "\n")
    words = {word: list(word) for word in counts}
    merges = []
    while len(merges) < wanted:
        pairs = collections.Counter()
        for word, symbols in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        if left + right not in merges:
            merges.append(left + right)
        for word, symbols in words.items():
            if left + right in word:
                words[word] = join_pair(symbols, left, right)
    return merges


class Tokenizer:
    """Tokens, scores and types as GGUF stores them, and the way from text to token ids."""

    def __init__(self, merges):
        characters = [SPACE] + [chr(code) for code in range(0x21, 0x7F)]
        bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
        self.tokens = ["<unk>", "<s>", "</s>"] + bytes_ + characters + list(merges)
        self.types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (len(characters) + len(merges))
        merge_scores = [-float(rank) for rank in range(len(merges))]
        self.scores = [0.0] * (FIRST_BYTE + 256) + [-float(len(merges))] * len(characters) + merge_scores
        self.ids = {token: index for index, token in enumerate(self.tokens) if index >= FIRST_BYTE + 256}
        self.ranks = {token: rank for rank, token in enumerate(merges)}
        self.cache = {}

    def encode_word(self, word):
        """Ids of one word: the best scored neighbours are joined first, the leftmost of equals."""
        if word in self.cache:
            return self.cache[word]
        symbols = list(word)
        while True:
            joints = enumerate(a + b for a, b in zip(symbols, symbols[1:]))
            ranked = [(self.ranks[joint], i) for i, joint in joints if joint in self.ranks]
            if not ranked:
                break
            at = min(ranked)[1]
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
        ids = []
        for symbol in symbols:
            known = self.ids.get(symbol)
            ids += [known] if known is not None else [FIRST_BYTE + byte for byte in symbol.encode()]
        self.cache[word] = ids
        return ids

    def encode(self, text):
        """Ids of a text, without the marks of beginning and end."""
        return [token for word in split_words(text) for token in self.encode_word(word)]
