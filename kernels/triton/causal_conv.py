"""Depthwise causal convolution of d_conv taps followed by SiLU, with the last d_conv - 1 inputs carried from chunk to chunk.

    v_t = bias + sum_k w[:, k] * x[t - (d_conv - 1) + k]        out_t = SiLU(v_t)

Inputs before the chunk come from the carried state [B, d_conv - 1, d_inner] (zeros for a fresh sequence).

Both directions are bound by memory, so every element is to cross it once. A warp owns CHANNELS channels of a segment of
SEGMENT bytes and walks along it with the inputs that the taps reach in registers. The backward recomputes v, and keeps the
gradients of the last d_conv outputs in registers too: those of x need them, and the d_conv - 1 outputs behind the segment
are computed twice for it. Sums over time (gradients of taps and bias) stay in registers until the segment ends.
"""
import torch
import triton
import triton.language as tl

from elementary import _load, _store, sigmoid
from selective_scan import _row

CHANNELS = 128          # 4 a lane: loads of 8 bytes
SEGMENT = 32
AHEAD = tl.constexpr(8)                 # steps whose loads are issued together


@triton.jit
def _input(x_ptr, state_ptr, s, T, e, e_ok, E: tl.constexpr, X_ROW: tl.constexpr, K: tl.constexpr):
    """x at position s, which may lie before the chunk (then it is a carried one)."""
    x = tl.load(x_ptr + s * X_ROW + e, mask=e_ok & (s >= 0) & (s < T), other=0.0)
    old = tl.load(state_ptr + (s + K - 1) * E + e, mask=e_ok & (s < 0), other=0.0)
    return x.to(tl.float32) + old.to(tl.float32)


@triton.jit
def _conv_forward(x_ptr, w_ptr, bias_ptr, state_ptr, out_ptr, T,
                  E: tl.constexpr, X_ROW: tl.constexpr, K: tl.constexpr, SEG: tl.constexpr, BE: tl.constexpr,
                  EVEN: tl.constexpr):
    b = tl.program_id(2).to(tl.int64)
    first = tl.program_id(1) * SEG
    e = tl.program_id(0) * BE + tl.arange(0, BE)
    e_ok = e < E
    x_ptr += b * T * X_ROW
    out_ptr += b * T * E
    state_ptr += b * (K - 1) * E
    bias = tl.load(bias_ptr + e, mask=e_ok, other=0.0)
    w = ()
    xs = ()                                                 # xs[i] is x at first - (K - 1) + i
    for k in tl.static_range(K):
        w = w + (tl.load(w_ptr + e * K + k, mask=e_ok, other=0.0),)
    for i in tl.static_range(K - 1):
        xs = xs + (_input(x_ptr, state_ptr, first - (K - 1) + i, T, e, e_ok, E, X_ROW, K),)
    for c in tl.static_range(0, SEG, AHEAD):
        for i in tl.static_range(c, c + AHEAD):
            xs = xs + (_load(x_ptr + (first + i) * X_ROW + e, e_ok & (first + i < T), EVEN),)
        for i in tl.static_range(c, c + AHEAD):
            v = bias
            for k in tl.static_range(K):
                v += w[k] * xs[i + k].to(tl.float32)
            _store(out_ptr + (first + i) * E + e, v * sigmoid(v), e_ok & (first + i < T), EVEN)


@triton.jit
def _conv_backward(x_ptr, w_ptr, bias_ptr, state_ptr, dout_ptr, dx_ptr, partial_ptr, T,
                   E: tl.constexpr, X_ROW: tl.constexpr, DX_ROW: tl.constexpr, K: tl.constexpr, SEG: tl.constexpr,
                   BE: tl.constexpr, EVEN: tl.constexpr):
    b = tl.program_id(2).to(tl.int64)
    first = tl.program_id(1) * SEG
    e = tl.program_id(0) * BE + tl.arange(0, BE)
    e_ok = e < E
    x_ptr += b * T * X_ROW
    dout_ptr += b * T * E
    dx_ptr += b * T * DX_ROW
    state_ptr += b * (K - 1) * E
    bias = tl.load(bias_ptr + e, mask=e_ok, other=0.0)
    zero = tl.zeros([BE], tl.float32)
    w = ()
    sums = ()                                               # 0..K-1: dw; K: dbias
    xs = ()                                                 # xs[i] is x at first - (K - 1) + i
    dvs = ()                                                # dvs[i] is the gradient of v at first + i
    douts = ()
    for k in tl.static_range(K):
        w = w + (tl.load(w_ptr + e * K + k, mask=e_ok, other=0.0),)
    for k in tl.static_range(K + 1):
        sums = sums + (zero,)
    for i in tl.static_range(K - 1):
        xs = xs + (_input(x_ptr, state_ptr, first - (K - 1) + i, T, e, e_ok, E, X_ROW, K),)
    for c in tl.static_range(0, SEG + K - 1, AHEAD):
        for i in tl.static_range(c, c + AHEAD):
            if i < SEG:
                xs = xs + (_load(x_ptr + (first + i) * X_ROW + e, e_ok & (first + i < T), EVEN),)
                douts = douts + (_load(dout_ptr + (first + i) * E + e, e_ok & (first + i < T), EVEN),)
            elif i < SEG + K - 1:                           # behind the segment, perhaps behind the chunk
                xs = xs + (tl.load(x_ptr + (first + i) * X_ROW + e, mask=e_ok & (first + i < T), other=0.0),)
                douts = douts + (tl.load(dout_ptr + (first + i) * E + e, mask=e_ok & (first + i < T), other=0.0),)
        for i in tl.static_range(c, c + AHEAD):
            if i < SEG + K - 1:
                v = bias
                for k in tl.static_range(K):
                    v += w[k] * xs[i + k].to(tl.float32)
                s = sigmoid(v)
                dv = douts[i].to(tl.float32) * s * (1.0 + v * (1.0 - s))
                dvs = dvs + (dv,)
                if i < SEG:
                    more = ()
                    for k in tl.static_range(K):
                        more = more + (sums[k] + dv * xs[i + k].to(tl.float32),)
                    sums = more + (sums[K] + dv,)
                if i >= K - 1:                              # the output at t + ahead used x_t through tap K - 1 - ahead
                    dx = zero
                    for ahead in tl.static_range(K):
                        dx += w[K - 1 - ahead] * dvs[i - (K - 1) + ahead]
                    t = first + i - (K - 1)
                    _store(dx_ptr + t * DX_ROW + e, dx, e_ok & (t < T), EVEN)
    row = b * tl.num_programs(1) + tl.program_id(1)
    for k in tl.static_range(K + 1):
        tl.store(partial_ptr + (row * (K + 1) + k) * E + e, sums[k], mask=e_ok)


def conv_forward(x, w, bias, state):
    """x: [B, T, E] view; w: [E, 1, K]; state: [B, K-1, E]. Returns SiLU(conv) and the state after the chunk."""
    batch, T, E = x.shape
    K = w.shape[-1]
    out = torch.empty(batch, T, E, device=x.device, dtype=x.dtype)
    _conv_forward[(triton.cdiv(E, CHANNELS), triton.cdiv(T, SEGMENT), batch)](
        x, w, bias, state, out, T, E=E, X_ROW=_row(x), K=K, SEG=SEGMENT, BE=CHANNELS, EVEN=_even(T, E), num_warps=1)
    tail = x[:, T - (K - 1):] if T >= K - 1 else torch.cat([state[:, T:], x], 1)
    return out, tail.to(state.dtype)


def conv_backward(x, w, bias, state, dout, dx_out):
    """Writes the gradient of x to dx_out (a [B, T, E] view); returns dw [E, 1, K] and dbias [E].
    The carried inputs get no gradient: back-propagation through time is truncated there."""
    batch, T, E = x.shape
    K = w.shape[-1]
    segments = triton.cdiv(T, SEGMENT)
    partial = torch.empty(batch * segments, K + 1, E, device=x.device, dtype=torch.float32)
    _conv_backward[(triton.cdiv(E, CHANNELS), segments, batch)](
        x, w, bias, state, dout, dx_out, partial, T, E=E, X_ROW=_row(x), DX_ROW=_row(dx_out), K=K, SEG=SEGMENT,
        BE=CHANNELS, EVEN=_even(T, E), num_warps=1)
    total = partial.sum(0)
    return total[:K].t().unsqueeze(1), total[K]


def _even(T, E):
    """No segment sticks out of the data: the kernels then need no masks but at the ends of the chunk."""
    return T % SEGMENT == 0 and E % CHANNELS == 0
