"""Training streams: every sequence of the batch reads on through one file, carrying its state, until it jumps elsewhere.

A jump goes to the start of a line of a file drawn by the sampling weights and starts with a zero state, in half of the
cases with the newline before the line as first byte: the model must do well both deep inside a stream and from a fresh
state. How often a sequence jumps differs over the batch, from every other chunk to one in 1024.

Log archives repeat themselves (30:1 under xz), and a model of half a million parameters learns them by heart: without more,
held-out text got worse from some point on and unseen kinds of log cost up to 7 bits per byte. So at a jump a sequence may
draw a random permutation of the digits, or of the digits and the letters, that holds until its next jump. Names then mean
nothing, and what predicts the text is what the state has seen of it: copying, which is what carries over to unknown logs.
(variety.py makes more of that, ahead of the training.)

Everything, sampling included, happens on the device, so that it can be part of the captured step.

A text is its bytes, or for a subword drafter its token ids; see Text.
"""
import hashlib
import lzma
import pathlib
from dataclasses import dataclass

import torch


def read_files(folders):
    """[(name, bytes)] of every *.txt and *.txt.xz below the folders, sorted by name; the name ends before the first dot."""
    found = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).glob("**/*.txt*")):
            raw = path.read_bytes()
            text = lzma.decompress(raw) if path.suffix == ".xz" else raw
            found.append((path.name.split(".")[0], text))
    return sorted(found)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Text:
    """What is trained on or evaluated: symbols [n] (bytes, or token ids) that stand for the bytes of text."""

    name: str
    text: bytes
    symbols: torch.Tensor

    @staticmethod
    def of_bytes(name, text):
        return Text(name, text, torch.frombuffer(bytearray(text), dtype=torch.uint8))

    def bytes_per_symbol(self):
        return len(self.text) / max(1, len(self.symbols))

    def head(self, size):
        """The beginning of it, about size bytes."""
        if size >= len(self.text):
            return self
        count = max(2, int(size / self.bytes_per_symbol()))
        return Text(self.name, self.text[:size], self.symbols[:count])


class Subwords:
    """A byte-level BPE vocabulary (tokenizer.json of Hugging Face's tokenizers)."""

    def __init__(self, path):
        from tokenizers import Tokenizer
        self.path = pathlib.Path(path)
        self.tokenizer = Tokenizer.from_file(str(path))
        self.size = self.tokenizer.get_vocab_size()

    def encode(self, name, text, piece=1 << 16):
        """Cut after lines, so that the pieces can be encoded side by side; bytes that are no UTF-8 become U+FFFD."""
        pieces, at = [], 0
        while at < len(text):
            end = text.find(b"\n", min(at + piece, len(text) - 1)) + 1 or len(text)
            pieces.append(text[at:end].decode("utf-8", "replace"))
            at = end
        ids = [i for e in self.tokenizer.encode_batch_fast(pieces, add_special_tokens=False) for i in e.ids]
        return Text(name, text, torch.tensor(ids, dtype=torch.int16))

    def line_ends(self):
        """The tokens whose last byte is a newline."""
        newline = "\u010a"                      # how byte-level BPE writes byte 10
        return [i for t, i in self.tokenizer.get_vocab().items() if t.endswith(newline)]


class Streams:
    def __init__(self, files, batch, length, device, power=0.5, weights=None, digits=0.0, letters=0.0, line_ends=(10,)):
        """files: [Text]; weight of a file = bytes ** power * weights.get(name, 1). digits, letters: part of the
        sequences whose digits, or digits and letters, are permuted (bytes only). line_ends: symbols after which a
        line begins."""
        weights = weights or {}
        self.batch, self.length, self.device = batch, length, device
        files = [f for f in files if len(f.symbols) > length + 2]
        self.names = [f.name for f in files]
        sizes = torch.tensor([len(f.symbols) for f in files])
        w = sizes.double() ** power * torch.tensor([float(weights.get(n, 1.0)) for n in self.names])
        self.share = dict(zip(self.names, (w / w.sum()).tolist()))
        self.data = torch.cat([f.symbols for f in files]).to(device)
        ends = sizes.cumsum(0)
        self.first = (ends - sizes).to(device)
        self.last = (ends - length - 2).to(device)              # last position from which a whole chunk can be read
        self.cumulative = (w / w.sum()).cumsum(0).float().to(device)
        self.newlines = torch.isin(self.data, torch.tensor(line_ends, device=device, dtype=self.data.dtype)) \
            .nonzero().squeeze(1)
        self.jump = torch.logspace(-1, -10, batch, base=2, device=device)
        # a sequence's class (how it is permuted) is drawn anew at each jump, so it is independent of how often it jumps
        self.digits, self.letters = digits, letters
        self.identity = torch.arange(256, device=device)
        self.table = self.identity.repeat(batch, 1)
        self.span = torch.arange(length + 1, device=device)
        self.position = torch.zeros(batch, dtype=torch.long, device=device)
        self.limit = torch.full((batch,), -1, dtype=torch.long, device=device)      # forces a jump at the first step

    def next(self):
        """(ids [B, T], targets [B, T], keep [B]); keep = 0 where the sequence starts afresh. In place, no host work."""
        u = torch.rand(5, self.batch, device=self.device)
        fresh = (u[0] < self.jump) | (self.position > self.limit)
        source = torch.searchsorted(self.cumulative, u[1]).clamp_(max=len(self.names) - 1)
        first, last = self.first[source], self.last[source]
        anywhere = first + (u[2].double() * (last - first)).long()
        at = torch.searchsorted(self.newlines, anywhere).clamp_(max=self.newlines.numel() - 1)
        line = self.newlines[at] + (u[3] < 0.5).long()          # at the newline, or just after it
        line = torch.where(line > last, anywhere, line)
        self.position.copy_(torch.where(fresh, line, self.position))
        self.limit.copy_(torch.where(fresh, last, self.limit))
        chunk = self.data[self.position[:, None] + self.span].long()
        self.position.add_(self.length)
        if self.digits or self.letters:
            table = self.identity.repeat(self.batch, 1)
            self.permute(table, 10, (48,), u[4] < self.digits + self.letters)
            self.permute(table, 26, (65, 97), u[4] < self.letters)
            self.table.copy_(torch.where(fresh[:, None], table, self.table))
            chunk = self.table.gather(1, chunk)
        return chunk[:, :-1].contiguous(), chunk[:, 1:].contiguous(), (~fresh).float()

    def permute(self, table, size, starts, where):
        order = torch.rand(self.batch, size, device=self.device).argsort(1)
        for start in starts:
            table[:, start:start + size] = torch.where(where[:, None], start + order, table[:, start:start + size])
