"""Bits per byte of held-out files, the way the component meets them: one state running through the whole file, and a
fresh state for every line."""
import math

import torch

from model import MambaLM, State


@torch.no_grad()
def running_state(model, files, cap, chunk=4096):
    """{name: (bits, bytes)} with one state running from the first byte of each file to its end (or to cap bytes). The
    files run side by side, one row of the batch each. The first byte is not predicted by anything and not counted."""
    device = next(model.parameters()).device
    files = [(n, d[:cap]) for n, d in files]
    width = max(len(d) for _, d in files)
    steps = -(-(width - 1) // chunk)
    rows = torch.zeros(len(files), steps * chunk + 1, dtype=torch.uint8)
    for i, (_, d) in enumerate(files):
        rows[i, :len(d)] = torch.frombuffer(bytearray(d), dtype=torch.uint8)
    rows = rows.to(device)
    sizes = torch.tensor([len(d) - 1 for _, d in files], device=device)
    total = torch.zeros(len(files), dtype=torch.float64, device=device)
    state = State(model.config, len(files), device, model.dtype)
    for s in range(0, steps * chunk, chunk):
        ids, targets = rows[:, s:s + chunk].long(), rows[:, s + 1:s + chunk + 1].long()
        _, each, ends = model.loss(ids, targets, state)
        MambaLM.commit(state, ends)
        total += (each.double() * (torch.arange(s, s + chunk, device=device)[None, :] < sizes[:, None])).sum(1)
    return {n: (t / math.log(2), s) for (n, _), t, s in zip(files, total.tolist(), sizes.tolist())}


@torch.no_grad()
def fresh_state(model, files, lines=2000, cap=512):
    """{name: (bits, bytes)} with a zero state at the start of every line: the first `lines` lines of each file, each cut
    at cap bytes, its newline included when it fits. The first byte of a line is not predicted and not counted."""
    device = next(model.parameters()).device
    result = {}
    for name, data in files:
        rows = [l[:cap] for l in data.split(b"\n")[:lines + 1][:lines]]
        rows = [r + b"\n" if len(r) < cap else r for r in rows if r]
        sizes = torch.tensor([len(r) - 1 for r in rows], device=device)
        ids = torch.tensor([list(r) + [0] * (cap + 1 - len(r)) for r in rows], device=device)
        _, each, _ = model.loss(ids[:, :-1], ids[:, 1:], State(model.config, len(rows), device, model.dtype))
        live = torch.arange(cap, device=device)[None, :] < sizes[:, None]
        result[name] = ((each.double() * live).sum().item() / math.log(2), sizes.sum().item())
    return result


def per_byte(result):
    """{name: bits per byte}, and the same over all files together."""
    return ({n: b / s for n, (b, s) in result.items()},
            sum(b for b, _ in result.values()) / sum(s for _, s in result.values()))


def equal_cap(files, total=4_000_000):
    """The largest equal cap per file at which the files together hold at most `total` bytes."""
    sizes, cap = sorted(len(d) for _, d in files), 0
    for i, s in enumerate(sizes):
        cap = (total - sum(sizes[:i])) // (len(sizes) - i)
        if s >= cap:
            return cap
    return max(sizes)
