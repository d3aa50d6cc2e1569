"""Writes tokens.jsonl: texts, and their tokens by Hugging Face's tokenizers (pip install tokenizers)."""
import json
import random
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
rng = random.Random(1)
words = ["error", "Connection", "refused", "127.0.0.1", "it's", "we'll", "they're", "don't", "I'm", "he'd", "I've", "'s", "'r", "naïve",
         "Straße", "日本語", "ошибка", "١٢٣", "½", "Ⅷ", "🙂", "e\u0301", "\u200b", "[WARN]", "==>", "--", "0x1F", "{\"a\":1}", "a_b", "x"]
spaces = [" ", "  ", "   ", "\n", "\n\n", "\t", " \n", "\r\n", "\u00a0", "\u2003", " \u00a0 ", "\u0085", "", ""]
texts = ["2026-11-24 07:49:41,123 ERROR [main] org.example.Service - request 42 failed: java.io.IOException: Connection reset",
         "It was the best of times, it was the worst of times; it wasn't 'yesterday's news'.", "   ", " ", "\n", "a ", " a", "  a", "a  b", "'", "aaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "=" * 70, "0" * 33, "abc" * 30]
for _ in range(300):
    texts.append("".join(rng.choice(words) + rng.choice(spaces) for _ in range(rng.randrange(1, 14))))
for _ in range(100):
    texts.append("".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(32, 127), rng.randrange(160, 0x2fff)])) for _ in range(rng.randrange(1, 40))))
with open(sys.argv[2], "w", encoding="utf-8") as out:
    for text in texts:
        out.write(json.dumps({"text": text, "ids": tokenizer.encode(text).ids}) + "\n")
