"""A frozen n-gram model over bytes: what counting alone reaches on the same text.

    python3 ngram.py --data DIR [DIR ...] --val DIR [DIR ...] [--order 7] [--smoothing kneser-ney|witten-bell] [--cap BYTES]

Interpolated modified Kneser-Ney (Chen and Goodman 1998): three discounts an order, estimated from the counts of counts;
below the highest order a string counts once for every byte that it was seen after. Or interpolated Witten-Bell: the
weight of the lower order is types / (types + count) of the context. Both end in 1/256 a byte. Counts are sorted arrays of
numpy: about 40 bytes of memory for a byte of text. Prints bits per byte of each file of --val as JSON.
"""
import argparse
import json

import numpy as np

from data import read_files


def grams(text, n):
    """uint64 [len - n + 1]: every n bytes in a row as one number, the last byte lowest."""
    b = np.frombuffer(text, np.uint8)
    keys = np.zeros(max(0, len(b) - n + 1), np.uint64)
    for i in range(n):
        keys = (keys << np.uint64(8)) | b[i:len(b) - n + 1 + i]
    return keys


def tally(keys, weights=None):
    """The distinct keys in order, and the sum of the weights (or the number) of each."""
    order = np.argsort(keys, kind="stable") if weights is not None else None
    keys = keys[order] if order is not None else np.sort(keys)
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    if weights is None:
        return keys[first], np.diff(np.r_[first, len(keys)])
    return keys[first], np.add.reduceat(weights[order], first)


class Order:
    """Strings of n bytes with their counts, and for each context of n - 1 bytes what is left for the lower order."""

    def __init__(self, n, keys, counts, kneser_ney):
        self.n, self.keys = n, keys
        first = np.flatnonzero(np.r_[True, keys[1:] >> np.uint64(8) != keys[:-1] >> np.uint64(8)])
        total = np.add.reduceat(counts, first).astype(float)
        if kneser_ney:
            n1, n2, n3, n4 = (max(1, np.count_nonzero(counts == i)) for i in (1, 2, 3, 4))
            y = n1 / (n1 + 2 * n2)
            discount = np.clip([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3], 0, (0, 1, 2, 3))
            taken = discount[np.minimum(counts, 3)]
            left = np.add.reduceat(taken, first)
        else:
            taken = 0.0
            left = np.diff(np.r_[first, len(keys)]).astype(float)
            total = total + left
        of = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(keys)]))
        self.own = ((counts - taken) / total[of]).astype(np.float32)
        self.contexts, self.left = keys[first] >> np.uint64(8), (left / total).astype(np.float32)

    def probability(self, keys, lower):
        """P of the last byte of each key after the others, given that of the shorter context."""
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        own = np.where(self.keys[at] == keys, self.own[at], 0)
        context = keys >> np.uint64(8)
        at = np.minimum(np.searchsorted(self.contexts, context), len(self.contexts) - 1)
        return np.where(self.contexts[at] == context, own + self.left[at] * lower, lower)


class NGram:
    def __init__(self, texts, order, kneser_ney=True):
        """Counts of the texts; nothing is counted across their borders."""
        keys, counts = tally(np.concatenate([grams(t, order) for t in texts]))
        self.orders = []
        for n in range(order, 0, -1):
            self.orders.insert(0, Order(n, keys, counts, kneser_ney))
            shorter = keys & np.uint64((1 << 8 * (n - 1)) - 1)
            if kneser_ney:
                keys, counts = tally(shorter)
            else:
                keys, counts = tally(shorter, counts)

    def bits(self, text):
        """Bits of every byte of the text after the first."""
        p = np.full(len(text), 1 / 256)
        for o in self.orders:
            p[o.n - 1:] = o.probability(grams(text, o.n), p[o.n - 1:])
        return -np.log2(p[1:])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--data", nargs="+", required=True)
    a.add_argument("--val", nargs="+", required=True)
    a.add_argument("--order", type=int, default=7, choices=range(1, 9))
    a.add_argument("--smoothing", choices=("kneser-ney", "witten-bell"), default="kneser-ney")
    a.add_argument("--cap", type=int, default=1_176_779, help="bytes of each file of --val")
    args = a.parse_args()
    model = NGram([t for _, t in read_files(args.data)], args.order, args.smoothing == "kneser-ney")
    for name, text in read_files(args.val):
        bits = model.bits(text[:args.cap])
        print(json.dumps({"source": name, "bytes": len(bits), "bits_per_byte": round(float(bits.mean()), 4)}), flush=True)


if __name__ == "__main__":
    main()
