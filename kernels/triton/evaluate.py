"""Bits per byte of held-out files, the way the component meets them: one state running through the whole file, and a
fresh state for every line.

    python3 evaluate.py FOLDER --val DIR [DIR ...] [--cap BYTES]       # a model folder, one line a file, as JSON

Of a subword drafter the bits are those of its tokens, over the bytes that they stand for.
"""
import argparse
import json
import math

import torch

from model import MambaLM, State


@torch.no_grad()
def running_state(model, files, cap, chunk=4096):
    """{name: (bits, bytes)} with one state running from the first byte of each file to its end (or to cap bytes). The
    files run side by side, one row of the batch each. The first byte is not predicted by anything and not counted."""
    device = next(model.parameters()).device
    files = [f.head(cap) for f in files]
    width = max(len(f.symbols) for f in files)
    steps = -(-(width - 1) // chunk)
    rows = torch.zeros(len(files), steps * chunk + 1, dtype=files[0].symbols.dtype)
    for i, f in enumerate(files):
        rows[i, :len(f.symbols)] = f.symbols
    rows = rows.to(device)
    sizes = torch.tensor([len(f.symbols) - 1 for f in files], device=device)
    total = torch.zeros(len(files), dtype=torch.float64, device=device)
    state = State(model.config, len(files), device, model.dtype)
    for s in range(0, steps * chunk, chunk):
        ids, targets = rows[:, s:s + chunk].long(), rows[:, s + 1:s + chunk + 1].long()
        _, each, ends = model.loss(ids, targets, state)
        MambaLM.commit(state, ends)
        total += (each.double() * (torch.arange(s, s + chunk, device=device)[None, :] < sizes[:, None])).sum(1)
    return {f.name: (t / math.log(2), len(f.text) - 1) for f, t in zip(files, total.tolist())}


@torch.no_grad()
def fresh_state(model, files, lines=2000, cap=512):
    """{name: (bits, bytes)} with a zero state at the start of every line: the first `lines` lines of each file, each cut
    at cap bytes, its newline included when it fits. The first byte of a line is not predicted and not counted."""
    device = next(model.parameters()).device
    result = {}
    for f in files:
        rows = [l[:cap] for l in f.text.split(b"\n")[:lines + 1][:lines]]
        rows = [r + b"\n" if len(r) < cap else r for r in rows if r]
        sizes = torch.tensor([len(r) - 1 for r in rows], device=device)
        ids = torch.tensor([list(r) + [0] * (cap + 1 - len(r)) for r in rows], device=device)
        bits, live = 0.0, torch.arange(cap, device=device)[None, :] < sizes[:, None]
        for part in torch.arange(len(rows), device=device).split(500):
            _, each, _ = model.loss(ids[part, :-1].contiguous(), ids[part, 1:].contiguous(),
                                    State(model.config, len(part), device, model.dtype))
            bits += (each.double() * live[part]).sum().item() / math.log(2)
        result[f.name] = (bits, sizes.sum().item())
    return result


def per_byte(result):
    """{name: bits per byte}, and the same over all files together."""
    return ({n: b / s for n, (b, s) in result.items()},
            sum(b for b, _ in result.values()) / sum(s for _, s in result.values()))


def equal_cap(files, total=4_000_000):
    """The largest equal cap per file at which the files together hold at most `total` bytes."""
    sizes, cap = sorted(len(f.text) for f in files), 0
    for i, s in enumerate(sizes):
        cap = (total - sum(sizes[:i])) // (len(sizes) - i)
        if s >= cap:
            return cap
    return max(sizes)


def main():
    import export
    from data import Subwords, Text, read_files
    from model import BYTES
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder")
    a.add_argument("--val", nargs="+", required=True)
    a.add_argument("--cap", type=int, default=1_176_779)
    args = a.parse_args()
    model = export.load(args.folder, torch.float32, "cuda")
    make = Text.of_bytes
    if model.config.vocabulary != BYTES:
        make = Subwords(f"{args.folder}/tokenizer.json").encode
    files = [make(n, d[:args.cap]) for n, d in read_files(args.val)]
    running = running_state(model, files, args.cap)
    bits, _ = per_byte(running)
    fresh = per_byte(fresh_state(model, files))[0] if model.config.vocabulary == BYTES else {}
    for n in bits:
        print(json.dumps({"source": n, "bytes": running[n][1], "running": round(bits[n], 4)}
                         | ({"fresh": round(fresh[n], 4)} if fresh else {})), flush=True)


if __name__ == "__main__":
    main()
