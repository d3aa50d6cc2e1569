"""Muon for the matrices of the mixer, AdamW for everything else, on one flat buffer of parameters.

All parameters, gradients and moments are views of flat buffers, matrices of one shape next to each other, so that clipping,
AdamW and the batched Newton-Schulz iteration of Muon are a few dozen launches for the whole model, and the whole update
can be captured in a CUDA graph (the learning rate is a device scalar).
"""
import math

import torch

MUON = ("in_proj.weight", "out_proj.weight", "x_proj.weight", "dt_proj.weight")


def orthogonalise(g, steps=5):
    """Newton-Schulz iteration towards U V^T of each matrix of a batch (coefficients of Jordan et al.'s Muon), in bf16."""
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
    return x.transpose(1, 2) if tall else x


class Optimizer:
    def __init__(self, model, weight_decay=0.1, betas=(0.9, 0.95), momentum=0.95, clip=1.0, muon=True, ema=0.0):
        self.weight_decay, self.betas, self.momentum, self.clip = weight_decay, betas, momentum, clip
        named = list(model.named_parameters())
        shapes = {}
        for name, p in named:
            if muon and name.endswith(MUON):
                shapes.setdefault(tuple(p.shape), []).append(p)
        rest = [(n, p) for n, p in named if not (muon and n.endswith(MUON))]
        order = [p for group in shapes.values() for p in group] + [p for _, p in rest]
        device = order[0].device
        self.flat = torch.cat([p.detach().reshape(-1) for p in order])
        self.grad = torch.zeros_like(self.flat)
        self.first = torch.zeros_like(self.flat)
        at = 0
        for p in order:
            p.data = self.flat[at:at + p.numel()].view_as(p)
            p.grad = self.grad[at:at + p.numel()].view_as(p)
            at += p.numel()
        self.groups, at = [], 0
        for shape, group in shapes.items():
            size = len(group) * shape[0] * shape[1]
            cut = lambda t: t[at:at + size].view(len(group), *shape)
            # 0.2 sqrt(max side): the root mean square of an AdamW step, so that one learning rate fits both
            self.groups.append((cut(self.flat), cut(self.grad), cut(self.first), 0.2 * max(shape) ** 0.5))
            at += size
        self.adam = slice(at, self.flat.numel())
        self.second = torch.zeros_like(self.flat[self.adam])
        # no decay on A_log, D, norms and biases; embeddings and head decay
        self.decay = torch.cat([torch.full((p.numel(),), float(p.dim() == 2 and not n.endswith("A_log")), device=device)
                                for n, p in rest])
        self.step_count = torch.zeros((), device=device)
        self.lr = torch.zeros((), device=device)
        self.norm = torch.zeros((), device=device)
        self.skipped = torch.zeros((), device=device)
        self.ema_rate = ema
        self.ema = self.flat.clone() if ema else None

    @torch.no_grad()
    def step(self):
        """Clips by the global norm, updates, and zeroes the gradients. A gradient that is not finite is dropped."""
        norm = self.grad.norm()
        finite = torch.isfinite(norm)
        self.norm.copy_(norm)
        self.skipped.add_((~finite).float())
        self.grad.nan_to_num_(0.0, 0.0, 0.0).mul_(torch.where(finite, (self.clip / (norm + 1e-6)).clamp(max=1.0), 0.0))
        self.step_count += 1
        g, (b1, b2) = self.grad[self.adam], self.betas
        m, p = self.first[self.adam], self.flat[self.adam]
        m.lerp_(g, 1 - b1)
        self.second.lerp_(g * g, 1 - b2)
        update = (m / (1 - b1 ** self.step_count)) / ((self.second / (1 - b2 ** self.step_count)).sqrt() + 1e-8)
        p.sub_(self.lr * (update + self.weight_decay * self.decay * p))
        for p, g, m, scale in self.groups:
            m.lerp_(g, 1 - self.momentum)
            p.sub_(self.lr * (scale * orthogonalise(g.lerp(m, self.momentum)).float() + self.weight_decay * p))
        self.grad.zero_()
        if self.ema is not None:
            self.ema.lerp_(self.flat, 1 - self.ema_rate)


def schedule(done, peak, warmup, step):
    """Learning rate: cosine from peak to zero over the part `done` of the run, the first `warmup` steps rising linearly."""
    return peak * min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * done))
