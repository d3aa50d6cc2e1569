"""Depthwise causal convolution of d_conv taps followed by SiLU, with the last d_conv - 1 inputs carried from chunk to chunk.

    v_t = bias + sum_k w[:, k] * x[t - (d_conv - 1) + k]        out_t = SiLU(v_t)

Inputs before the chunk come from the carried state [B, d_conv - 1, d_inner] (zeros for a fresh sequence). The backward
recomputes v instead of storing it. It takes two kernels: one for the gradient of v, one that carries it back through the
taps; doing both in one recomputed v for all d_conv positions that an input reaches and was several times slower.
"""
import torch
import triton
import triton.language as tl

from selective_scan import _row, sigmoid


@triton.jit
def _input(x_ptr, state_ptr, s, T, e, e_ok, E: tl.constexpr, X_ROW: tl.constexpr, K: tl.constexpr):
    """x at positions s [rows]; s < 0 reads the carried inputs, s >= T reads zero."""
    x = tl.load(x_ptr + s[:, None] * X_ROW + e[None, :], mask=((s >= 0) & (s < T))[:, None] & e_ok[None, :], other=0.0)
    old = tl.load(state_ptr + (s + K - 1)[:, None] * E + e[None, :], mask=((s < 0) & (s > -K))[:, None] & e_ok[None, :],
                  other=0.0)
    return x.to(tl.float32) + old.to(tl.float32)


@triton.jit
def _conv_forward(x_ptr, w_ptr, bias_ptr, state_ptr, out_ptr, T,
                  E: tl.constexpr, X_ROW: tl.constexpr, K: tl.constexpr, BT: tl.constexpr, BE: tl.constexpr):
    b = tl.program_id(2).to(tl.int64)
    e = tl.program_id(0) * BE + tl.arange(0, BE)
    e_ok = e < E
    t = tl.program_id(1) * BT + tl.arange(0, BT)
    x_ptr += b * T * X_ROW
    state_ptr += b * (K - 1) * E
    v = tl.zeros([BT, BE], tl.float32) + tl.load(bias_ptr + e, mask=e_ok, other=0.0)[None, :]
    for k in tl.static_range(K):
        w = tl.load(w_ptr + e * K + k, mask=e_ok, other=0.0)
        v += w[None, :] * _input(x_ptr, state_ptr, t - (K - 1) + k, T, e, e_ok, E, X_ROW, K)
    out = v * sigmoid(v)
    tl.store(out_ptr + b * T * E + t[:, None] * E + e[None, :], out.to(out_ptr.dtype.element_ty),
             mask=(t < T)[:, None] & e_ok[None, :])


@triton.jit
def _conv_backward_v(x_ptr, w_ptr, bias_ptr, state_ptr, dout_ptr, dv_ptr, partial_ptr, T,
                     E: tl.constexpr, X_ROW: tl.constexpr, K: tl.constexpr, BT: tl.constexpr, BE: tl.constexpr,
                     TILES: tl.constexpr):
    """Recomputes v, writes its gradient, and sums the gradients of the taps and the bias over TILES tiles of time."""
    b = tl.program_id(2).to(tl.int64)
    segment = tl.program_id(1)
    e = tl.program_id(0) * BE + tl.arange(0, BE)
    e_ok = e < E
    x_ptr += b * T * X_ROW
    dout_ptr += b * T * E
    dv_ptr += b * T * E
    state_ptr += b * (K - 1) * E
    bias = tl.load(bias_ptr + e, mask=e_ok, other=0.0)
    zero = tl.zeros([BT, BE], tl.float32)
    sums = ()                                               # 0..K-1: dw; K: dbias; still one row per time of a tile
    for k in tl.static_range(K + 1):
        sums = sums + (zero,)
    for tile in tl.static_range(TILES):
        t = (segment * TILES + tile) * BT + tl.arange(0, BT)
        ok = (t < T)[:, None] & e_ok[None, :]
        v = tl.zeros([BT, BE], tl.float32) + bias[None, :]
        taps = ()
        for k in tl.static_range(K):
            taps = taps + (_input(x_ptr, state_ptr, t - (K - 1) + k, T, e, e_ok, E, X_ROW, K),)
            v += tl.load(w_ptr + e * K + k, mask=e_ok, other=0.0)[None, :] * taps[k]
        dout = tl.load(dout_ptr + t[:, None] * E + e[None, :], mask=ok, other=0.0).to(tl.float32)
        s = sigmoid(v)
        dv = dout * s * (1.0 + v * (1.0 - s))
        tl.store(dv_ptr + t[:, None] * E + e[None, :], dv.to(dv_ptr.dtype.element_ty), mask=ok)
        more = ()
        for k in tl.static_range(K):
            more = more + (sums[k] + dv * taps[k],)
        sums = more + (sums[K] + dv,)
    row = b * tl.num_programs(1) + segment
    for k in tl.static_range(K + 1):                        # across warps only here, once
        tl.store(partial_ptr + (row * (K + 1) + k) * E + e, tl.sum(sums[k], axis=0), mask=e_ok)


@triton.jit
def _conv_backward_x(dv_ptr, w_ptr, dx_ptr, T, E: tl.constexpr, DX_ROW: tl.constexpr, K: tl.constexpr,
                     BT: tl.constexpr, BE: tl.constexpr):
    b = tl.program_id(2).to(tl.int64)
    e = tl.program_id(0) * BE + tl.arange(0, BE)
    e_ok = e < E
    t = tl.program_id(1) * BT + tl.arange(0, BT)
    dx = tl.zeros([BT, BE], tl.float32)
    for ahead in tl.static_range(K):                        # the output at t + ahead used x_t through tap K - 1 - ahead
        dv = tl.load(dv_ptr + b * T * E + (t + ahead)[:, None] * E + e[None, :],
                     mask=(t + ahead < T)[:, None] & e_ok[None, :], other=0.0)
        dx += tl.load(w_ptr + e * K + (K - 1 - ahead), mask=e_ok, other=0.0)[None, :] * dv.to(tl.float32)
    tl.store(dx_ptr + b * T * DX_ROW + t[:, None] * DX_ROW + e[None, :], dx.to(dx_ptr.dtype.element_ty),
             mask=(t < T)[:, None] & e_ok[None, :])


def conv_forward(x, w, bias, state):
    """x: [B, T, E] view; w: [E, 1, K]; state: [B, K-1, E]. Returns SiLU(conv) and the state after the chunk."""
    batch, T, E = x.shape
    K = w.shape[-1]
    BT, BE = 16, min(128, triton.next_power_of_2(E))
    out = torch.empty(batch, T, E, device=x.device, dtype=x.dtype)
    _conv_forward[(triton.cdiv(E, BE), triton.cdiv(T, BT), batch)](
        x, w, bias, state, out, T, E=E, X_ROW=_row(x), K=K, BT=BT, BE=BE, num_warps=4)
    tail = x[:, T - (K - 1):] if T >= K - 1 else torch.cat([state[:, T:], x], 1)
    return out, tail.to(state.dtype)


def conv_backward(x, w, bias, state, dout, dx_out):
    """Writes the gradient of x to dx_out (a [B, T, E] view); returns dw [E, 1, K] and dbias [E].
    The carried inputs get no gradient: back-propagation through time is truncated there."""
    batch, T, E = x.shape
    K = w.shape[-1]
    BT, BE, tiles = 8, min(128, triton.next_power_of_2(E)), 8
    segments = triton.cdiv(T, BT * tiles)
    dv = torch.empty_like(dout)
    partial = torch.empty(batch * segments, K + 1, E, device=x.device, dtype=torch.float32)
    _conv_backward_v[(triton.cdiv(E, BE), segments, batch)](
        x, w, bias, state, dout, dv, partial, T, E=E, X_ROW=_row(x), K=K, BT=BT, BE=BE,
        TILES=tiles, num_warps=4)
    _conv_backward_x[(triton.cdiv(E, BE), triton.cdiv(T, 2 * BT), batch)](
        dv, w, dx_out, T, E=E, DX_ROW=_row(dx_out), K=K, BT=2 * BT, BE=BE, num_warps=4)
    total = partial.sum(0)
    return total[:K].t().unsqueeze(1), total[K]
