"""Byte-level Mamba-1 language model, parameter names and shapes as in Hugging Face's MambaForCausalLM.

Every sequence carries a State (the last d_conv - 1 convolution inputs and the SSM state of each layer) from one chunk to
the next, in training too: back-propagation through time is truncated at chunk borders, memory is not.
"""
import math
from dataclasses import dataclass

import torch
from torch import nn

from causal_conv import conv_backward, conv_forward
from fused import AddNorm, Embed, HeadCrossEntropy
from selective_scan import scan_backward, scan_forward

BYTES = 256


@dataclass(frozen=True)
class Config:
    d_model: int = 128
    n_layer: int = 4
    d_state: int = 16
    d_conv: int = 4
    expand: int = 2
    dt_rank: int = 0                    # 0: ceil(d_model / 16)
    tie_embeddings: bool = False
    vocabulary: int = BYTES             # more: token ids of a subword drafter

    @property
    def d_inner(self):
        return self.expand * self.d_model

    @property
    def rank(self):
        return self.dt_rank or math.ceil(self.d_model / 16)

    def to_hf(self):
        return {
            "architectures": ["MambaForCausalLM"], "model_type": "mamba", "vocab_size": self.vocabulary,
            "hidden_size": self.d_model, "intermediate_size": self.d_inner, "expand": self.expand,
            "num_hidden_layers": self.n_layer, "state_size": self.d_state, "conv_kernel": self.d_conv,
            "time_step_rank": self.rank, "layer_norm_epsilon": 1e-5, "hidden_act": "silu", "use_bias": False,
            "use_conv_bias": True, "residual_in_fp32": True, "tie_word_embeddings": self.tie_embeddings,
            "use_cache": True, "use_mambapy": False, "initializer_range": 0.1, "rescale_prenorm_residual": False,
            "time_step_scale": 1.0, "time_step_min": 0.001, "time_step_max": 0.1, "time_step_floor": 1e-4,
            "time_step_init_scheme": "random", "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
        }

    @staticmethod
    def from_hf(c):
        return Config(c["hidden_size"], c["num_hidden_layers"], c["state_size"], c["conv_kernel"], c["expand"],
                      c["time_step_rank"], c["tie_word_embeddings"], c["vocab_size"])


class MixerCore(torch.autograd.Function):
    """Everything between in_proj and out_proj as one node, so that the gradients of x and z are written straight into
    the two halves of one buffer instead of being copied together afterwards."""

    @staticmethod
    def forward(ctx, xz, conv_w, conv_b, x_w, dt_w, dt_bias, a_log, d, conv_state, h0, save):
        B, T, E2 = xz.shape
        E, R = E2 // 2, dt_w.shape[1]
        x, z = xz[..., :E], xz[..., E:]
        xc, conv_end = conv_forward(x, conv_w, conv_b, conv_state)
        x_dbl = xc.view(B * T, E) @ x_w.t()
        dt = (x_dbl[:, :R] @ dt_w.t()).view(B, T, E)
        x_dbl = x_dbl.view(B, T, -1)
        out, h_end, saved = scan_forward(xc, dt, x_dbl[..., R:], z, dt_bias, a_log, d, h0, save)
        if save:
            ctx.save_for_backward(xz, conv_w, conv_b, x_w, dt_w, dt_bias, a_log, d, conv_state, xc, x_dbl, dt, *saved)
        ctx.mark_non_differentiable(conv_end, h_end)
        return out, conv_end, h_end

    @staticmethod
    def backward(ctx, dout, _conv, _h):
        xz, conv_w, conv_b, x_w, dt_w, dt_bias, a_log, d, conv_state, xc, x_dbl, dt, y, checkpoints = ctx.saved_tensors
        B, T, E2 = xz.shape
        E, R = E2 // 2, dt_w.shape[1]
        M = B * T
        dxz = torch.empty_like(xz)
        dh_end = torch.zeros(B, a_log.shape[1], E, device=xz.device, dtype=torch.float32)
        dxc, ddt, dbc, _, ddt_bias, da_log, dd, _ = scan_backward(
            xc, dt, x_dbl[..., R:], xz[..., E:], dt_bias, a_log, d, y, checkpoints, dout, dh_end, dz_out=dxz[..., E:])
        dxc, ddt, x_dbl = dxc.view(M, E), ddt.view(M, E), x_dbl.view(M, -1)
        dx_dbl = torch.empty_like(x_dbl)
        dx_dbl[:, R:] = dbc.view(M, -1)
        dx_dbl[:, :R] = ddt @ dt_w
        ddt_w = ddt.t() @ x_dbl[:, :R]
        dx_w = dx_dbl.t() @ xc.view(M, E)
        dxc.addmm_(dx_dbl, x_w)
        dconv_w, dconv_b = conv_backward(xz[..., :E], conv_w, conv_b, conv_state, dxc.view(B, T, E), dxz[..., :E])
        return dxz, dconv_w, dconv_b, dx_w, ddt_w, ddt_bias, da_log, dd, None, None, None


class Mixer(nn.Module):
    def __init__(self, c):
        super().__init__()
        E, N, R = c.d_inner, c.d_state, c.rank
        self.in_proj = nn.Linear(c.d_model, 2 * E, bias=False)
        self.conv1d = nn.Conv1d(E, E, c.d_conv, groups=E)
        self.x_proj = nn.Linear(E, R + 2 * N, bias=False)
        self.dt_proj = nn.Linear(R, E)
        self.A_log = nn.Parameter(torch.log(torch.arange(1, N + 1, dtype=torch.float32)).repeat(E, 1))
        self.D = nn.Parameter(torch.ones(E))
        self.out_proj = nn.Linear(E, c.d_model, bias=False)
        with torch.no_grad():
            self.dt_proj.weight.uniform_(-R ** -0.5, R ** -0.5)
            dt = torch.exp(torch.rand(E) * math.log(0.1 / 0.001) + math.log(0.001)).clamp(min=1e-4)
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))          # softplus(bias) = dt
            self.out_proj.weight.div_(math.sqrt(c.n_layer))

    def forward(self, u, B, T, conv_state, h0, save):
        dtype = u.dtype
        xz = nn.functional.linear(u, self.in_proj.weight.to(dtype)).view(B, T, -1)
        out, conv_end, h_end = MixerCore.apply(
            xz, self.conv1d.weight, self.conv1d.bias, self.x_proj.weight.to(dtype), self.dt_proj.weight.to(dtype),
            self.dt_proj.bias, self.A_log, self.D, conv_state, h0, save)
        return nn.functional.linear(out.view(B * T, -1), self.out_proj.weight.to(dtype)), conv_end, h_end


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm = Norm(c.d_model)
        self.mixer = Mixer(c)


class Backbone(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings = nn.Embedding(c.vocabulary, c.d_model)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.n_layer))
        self.norm_f = Norm(c.d_model)
        nn.init.normal_(self.embeddings.weight, std=0.02 if c.tie_embeddings else 0.5)


class State:
    """Recurrent state of B sequences: conv [L, B, d_conv - 1, d_inner], ssm [L, B, d_state, d_inner] float32."""

    def __init__(self, c, batch, device, dtype):
        self.conv = torch.zeros(c.n_layer, batch, c.d_conv - 1, c.d_inner, device=device, dtype=dtype)
        self.ssm = torch.zeros(c.n_layer, batch, c.d_state, c.d_inner, device=device, dtype=torch.float32)

    def keep(self, mask):
        """Multiplies by a 0/1 mask per sequence: 0 starts it afresh."""
        self.conv.mul_(mask[None, :, None, None].to(self.conv.dtype))
        self.ssm.mul_(mask[None, :, None, None])


class MambaLM(nn.Module):
    def __init__(self, config, dtype=torch.bfloat16):
        super().__init__()
        self.config, self.dtype = config, dtype
        self.backbone = Backbone(config)
        if not config.tie_embeddings:
            self.lm_head = nn.Linear(config.d_model, config.vocabulary, bias=False)
            nn.init.normal_(self.lm_head.weight, std=config.d_model ** -0.5 * 0.5)

    def head_weight(self):
        return self.backbone.embeddings.weight if self.config.tie_embeddings else self.lm_head.weight

    def hidden(self, ids, state):
        """ids [B, T] -> normalised hidden [B*T, d], and the state's successors (the caller commits them)."""
        B, T = ids.shape
        ends = []
        save = torch.is_grad_enabled()
        residual, out = Embed.apply(ids.reshape(-1), self.backbone.embeddings.weight, self.dtype), None
        for i, layer in enumerate(self.backbone.layers):
            residual, u = AddNorm.apply(residual, out, layer.norm.weight, self.dtype)
            out, conv_end, h_end = layer.mixer(u, B, T, state.conv[i], state.ssm[i], save)
            ends.append((conv_end, h_end))
        _, u = AddNorm.apply(residual, out, self.backbone.norm_f.weight, self.dtype)
        return u, ends

    def loss(self, ids, targets, state):
        """Mean cross-entropy in nats, per-position losses [B, T], and the state's successors."""
        u, ends = self.hidden(ids, state)
        w = self.head_weight().to(self.dtype)
        if self.config.vocabulary == BYTES:
            mean, each = HeadCrossEntropy.apply(u, w, targets.reshape(-1))
        else:                                   # the kernel holds a row of logits in registers; these are too many
            each = nn.functional.cross_entropy(nn.functional.linear(u, w).float(), targets.reshape(-1), reduction="none")
            mean, each = each.mean(), each.detach()
        return mean, each.view(ids.shape), ends

    @staticmethod
    def commit(state, ends):
        with torch.no_grad():
            for i, (conv_end, h_end) in enumerate(ends):
                state.conv[i].copy_(conv_end)
                state.ssm[i].copy_(h_end)
