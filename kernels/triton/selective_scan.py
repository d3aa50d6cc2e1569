"""Selective scan (Mamba-1) as Triton kernels, forward and backward, with carried state.

Per batch row and channel e, with states n = 0..d_state-1 and A = -exp(A_log):

    dt  = softplus(dt_raw + dt_bias)
    h_n = exp(dt * A_n) * h_n + dt * B_n * x          (h starts at the carried state)
    y   = sum_n C_n * h_n + D * x
    out = y * SiLU(z)

Layout of the work. One warp owns CHANNELS channels of one batch row and walks over time; their states, a tile
[d_state, CHANNELS], live in its registers. Triton spreads the tile over the lanes as its 16-byte loads of the state
suggest: 8 lanes of 4 channels and 4 lanes over n. That balances the two kinds of sums of the backward (over n for dx and
d(dt), over channels for dB and dC): 40 shuffles a step, against 160 with one lane per channel.

The forward stores the state every CHUNK steps. The backward recomputes the states of one chunk at a time from that
checkpoint into registers and walks it in reverse, so nothing of size [T, d_inner, d_state] ever reaches memory.

The gradients of B and C sum over all channels. Each program writes its own partial sums and the caller adds them up: no
atomics, so a training run is reproducible.

For 16 states and shapes without remainders, lane_scan.py does the same faster; what is here takes every shape, and is what
runs in Triton's interpreter.
"""
import torch
import triton
import triton.language as tl

import lane_scan
from elementary import FAST, _exp2, _load, _softplus_and_slope, _store, sigmoid

# Tile sizes, found by timing on an H200 (README.md). A warp walks through time, so what counts is that all warps of a
# launch are resident at once, or fill whole waves.
CHUNK = 4               # steps between two checkpoints of the state
FORWARD_CHANNELS = 64
FORWARD_REGISTERS = None
CHANNELS = 32           # of the backward
REGISTERS = None


@triton.jit
def _scan_forward(x_ptr, dt_ptr, bc_ptr, z_ptr, dt_bias_ptr, a_log_ptr, d_ptr, h0_ptr,
                  out_ptr, y_ptr, checkpoint_ptr, h_end_ptr, T,
                  E: tl.constexpr, N: tl.constexpr, NP: tl.constexpr,
                  X_ROW: tl.constexpr, DT_ROW: tl.constexpr, BC_ROW: tl.constexpr, Z_ROW: tl.constexpr,
                  BE: tl.constexpr, CH: tl.constexpr, SAVE: tl.constexpr, EVEN: tl.constexpr):
    block = tl.program_id(0)
    b = tl.program_id(1).to(tl.int64)
    chunks = (T + CH - 1) // CH
    e = block * BE + tl.arange(0, BE)
    e_ok = e < E
    n = tl.arange(0, NP)
    n_ok = n < N
    en_ok = n_ok[:, None] & e_ok[None, :]
    state_at = n[:, None] * E + e[None, :]

    a_log = tl.load(a_log_ptr + e[None, :] * N + n[:, None], mask=en_ok, other=0.0)
    a2 = tl.where(en_ok, -tl.exp(a_log) * 1.4426950408889634, 0.0)      # exp(dt * A) = exp2(dt * a2)
    d = tl.load(d_ptr + e, mask=e_ok, other=0.0)
    dt_bias = tl.load(dt_bias_ptr + e, mask=e_ok, other=0.0)
    h = tl.load(h0_ptr + b * (N * E) + state_at, mask=en_ok, other=0.0)

    x_ptr += b * T * X_ROW
    dt_ptr += b * T * DT_ROW
    bc_ptr += b * T * BC_ROW
    z_ptr += b * T * Z_ROW
    out_ptr += b * T * E
    y_ptr += b * T * E
    checkpoint_ptr += b * chunks * (N * E)

    for c in range(0, chunks):
        # all loads of the chunk first: one wait for memory a chunk instead of one a step
        xs = ()
        raws = ()
        zs = ()
        bs = ()
        cs = ()
        for i in tl.static_range(CH):
            t = c * CH + i
            ok = e_ok & (t < T)
            bc_ok = n_ok & (t < T)
            xs = xs + (_load(x_ptr + t * X_ROW + e, ok, EVEN),)
            raws = raws + (_load(dt_ptr + t * DT_ROW + e, ok, EVEN),)
            zs = zs + (_load(z_ptr + t * Z_ROW + e, ok, EVEN),)
            bs = bs + (_load(bc_ptr + t * BC_ROW + n, bc_ok, EVEN),)
            cs = cs + (_load(bc_ptr + t * BC_ROW + N + n, bc_ok, EVEN),)
        if SAVE:
            _store(checkpoint_ptr + c * (N * E) + state_at, h, en_ok, EVEN)
        for i in tl.static_range(CH):
            t = c * CH + i
            ok = e_ok & (t < T)
            x = xs[i].to(tl.float32)
            z = zs[i].to(tl.float32)
            dt, _ = _softplus_and_slope(raws[i].to(tl.float32) + dt_bias)
            if not EVEN:
                dt = tl.where(t < T, dt, 0.0)                           # dt = 0 leaves the state as it is
            h = _exp2(dt[None, :] * a2) * h + (dt * x)[None, :] * bs[i].to(tl.float32)[:, None]
            y = tl.sum(h * cs[i].to(tl.float32)[:, None], axis=0) + d * x
            _store(out_ptr + t * E + e, y * z * sigmoid(z), ok, EVEN)
            if SAVE:
                _store(y_ptr + t * E + e, y, ok, EVEN)
    tl.store(h_end_ptr + b * (N * E) + state_at, h, mask=en_ok)


@triton.jit
def _scan_backward(x_ptr, dt_ptr, bc_ptr, z_ptr, dt_bias_ptr, a_log_ptr, d_ptr, y_ptr, checkpoint_ptr, dout_ptr,
                   dh_end_ptr, dx_ptr, ddt_ptr, dz_ptr, dbc_ptr, da_log_ptr, dd_ptr, ddt_bias_ptr, dh0_ptr, T,
                   E: tl.constexpr, N: tl.constexpr, NP: tl.constexpr,
                   X_ROW: tl.constexpr, DT_ROW: tl.constexpr, BC_ROW: tl.constexpr, Z_ROW: tl.constexpr,
                   DZ_ROW: tl.constexpr, BE: tl.constexpr, CH: tl.constexpr, EVEN: tl.constexpr):
    block = tl.program_id(0)
    b = tl.program_id(1).to(tl.int64)
    batch = tl.num_programs(1)
    chunks = (T + CH - 1) // CH
    e = block * BE + tl.arange(0, BE)
    e_ok = e < E
    n = tl.arange(0, NP)
    n_ok = n < N
    en_ok = n_ok[:, None] & e_ok[None, :]
    state_at = n[:, None] * E + e[None, :]

    a_log = tl.load(a_log_ptr + e[None, :] * N + n[:, None], mask=en_ok, other=0.0)
    a2 = tl.where(en_ok, -tl.exp(a_log) * 1.4426950408889634, 0.0)
    d = tl.load(d_ptr + e, mask=e_ok, other=0.0)
    dt_bias = tl.load(dt_bias_ptr + e, mask=e_ok, other=0.0)
    g = tl.load(dh_end_ptr + b * (N * E) + state_at, mask=en_ok, other=0.0)      # d loss / d h_t from later steps

    x_ptr += b * T * X_ROW
    dt_ptr += b * T * DT_ROW
    bc_ptr += b * T * BC_ROW
    z_ptr += b * T * Z_ROW
    y_ptr += b * T * E
    dout_ptr += b * T * E
    dx_ptr += b * T * E
    ddt_ptr += b * T * E
    dz_ptr += b * T * DZ_ROW
    dbc_ptr += (block * batch + b) * T * (2 * N)
    checkpoint_ptr += b * chunks * (N * E)

    da = tl.zeros([NP, BE], tl.float32)
    dd = tl.zeros([BE], tl.float32)
    ddt_bias = tl.zeros([BE], tl.float32)
    for back in range(0, chunks):
        first = (chunks - 1 - back) * CH
        h = _load(checkpoint_ptr + (chunks - 1 - back) * (N * E) + state_at, en_ok, EVEN)
        xs = ()
        raws = ()
        zs = ()
        ys = ()
        douts = ()
        bs = ()
        cs = ()
        for i in tl.static_range(CH):
            t = first + i
            ok = e_ok & (t < T)
            bc_ok = n_ok & (t < T)
            xs = xs + (_load(x_ptr + t * X_ROW + e, ok, EVEN),)
            raws = raws + (_load(dt_ptr + t * DT_ROW + e, ok, EVEN),)
            bs = bs + (_load(bc_ptr + t * BC_ROW + n, bc_ok, EVEN),)
            cs = cs + (_load(bc_ptr + t * BC_ROW + N + n, bc_ok, EVEN),)
            zs = zs + (_load(z_ptr + t * Z_ROW + e, ok, EVEN),)
            ys = ys + (_load(y_ptr + t * E + e, ok, EVEN),)
            douts = douts + (_load(dout_ptr + t * E + e, ok, EVEN),)
        states = (h,)                   # states[i] is the state before step first + i
        dts = ()
        slopes = ()
        for i in tl.static_range(CH):
            dt, slope = _softplus_and_slope(raws[i].to(tl.float32) + dt_bias)
            if not EVEN:
                dt = tl.where(first + i < T, dt, 0.0)
            h = _exp2(dt[None, :] * a2) * h + (dt * xs[i].to(tl.float32))[None, :] * bs[i].to(tl.float32)[:, None]
            states = states + (h,)
            dts = dts + (dt,)
            slopes = slopes + (slope,)
        for i in tl.static_range(CH - 1, -1, -1):
            t = first + i
            ok = e_ok & (t < T)
            bc_ok = n_ok & (t < T)
            x = xs[i].to(tl.float32)
            z = zs[i].to(tl.float32)
            dout = douts[i].to(tl.float32)
            b_n = bs[i].to(tl.float32)
            dt = dts[i]
            s = sigmoid(z)
            dy = dout * z * s
            _store(dz_ptr + t * DZ_ROW + e, dout * ys[i].to(tl.float32) * s * (1.0 + z * (1.0 - s)), ok, EVEN)

            g += cs[i].to(tl.float32)[:, None] * dy[None, :]
            dc_n = tl.sum(states[i + 1] * dy[None, :], axis=1)
            db_n = tl.sum(g * (dt * x)[None, :], axis=1)
            g_b = tl.sum(g * b_n[:, None], axis=0)                      # gradient of dt * x
            g = g * _exp2(dt[None, :] * a2)
            q = g * states[i]
            da += q * dt[None, :]
            ddt = (tl.sum(q * a2, axis=0) * 0.6931471805599453 + g_b * x) * slopes[i]
            if not EVEN:
                ddt = tl.where(ok, ddt, 0.0)
            dd += dy * x
            ddt_bias += ddt
            _store(dbc_ptr + t * (2 * N) + n, db_n, bc_ok, EVEN)
            _store(dbc_ptr + t * (2 * N) + N + n, dc_n, bc_ok, EVEN)
            _store(dx_ptr + t * E + e, g_b * dt + dy * d, ok, EVEN)
            _store(ddt_ptr + t * E + e, ddt, ok, EVEN)
    # A = -exp(A_log), so dA_log = dA * A
    tl.store(da_log_ptr + b * (E * N) + e[None, :] * N + n[:, None], da * a2 * 0.6931471805599453, mask=en_ok)
    tl.store(dd_ptr + b * E + e, dd, mask=e_ok)
    tl.store(ddt_bias_ptr + b * E + e, ddt_bias, mask=e_ok)
    tl.store(dh0_ptr + b * (N * E) + state_at, g, mask=en_ok)


def _lane_a_channel(x, bc, N):
    """Whether the kernels of lane_scan.py do: the same answer forward and backward, which share the checkpoints."""
    _, T, E = x.shape
    aligned = bc.stride(1) * bc.element_size() % 8 == 0 and bc.storage_offset() * bc.element_size() % 8 == 0
    return FAST.value and N == 16 and E % 32 == 0 and T % lane_scan.CHUNK == 0 and aligned


def scan_forward(x, dt, bc, z, dt_bias, a_log, d, h0, save):
    """x, dt, z: [B, T, E]; bc: [B, T, 2N] (B then C); all with any row stride. h0: [B, N, E] float32.
    Returns out [B, T, E], h_end [B, N, E] and, if save, (y, checkpoints) for the backward."""
    batch, T, E = x.shape
    N = a_log.shape[1]
    out = torch.empty(batch, T, E, device=x.device, dtype=x.dtype)
    h_end = torch.empty_like(h0)
    y = torch.empty_like(out) if save else out
    rows = dict(X_ROW=_row(x), DT_ROW=_row(dt), BC_ROW=_row(bc), Z_ROW=_row(z))
    if _lane_a_channel(x, bc, N):
        warps = lane_scan.warps_for(E, lane_scan.FORWARD_WARPS)
        # in the type of the activations: in float32 the checkpoints alone were half of what the forward moves
        checkpoints = torch.empty(batch, T // lane_scan.CHUNK, E, N, device=x.device, dtype=x.dtype) if save else h_end
        lane_scan.lane_scan_forward[(E // 32 // warps, batch)](
            x, dt, bc, z, dt_bias, a_log, d, h0, out, y, checkpoints, h_end, T, E=E, **rows, CH=lane_scan.CHUNK,
            SAVE=save, WARPS=warps, num_warps=warps, maxnreg=lane_scan.FORWARD_REGISTERS)
        return out, h_end, ((y, checkpoints) if save else None)
    checkpoints = torch.empty(batch, triton.cdiv(T, CHUNK), N, E, device=x.device, dtype=torch.float32) if save else h_end
    _scan_forward[(triton.cdiv(E, FORWARD_CHANNELS), batch)](
        x, dt, bc, z, dt_bias, a_log, d, h0, out, y, checkpoints, h_end, T,
        E=E, N=N, NP=triton.next_power_of_2(N), **rows, BE=FORWARD_CHANNELS, CH=CHUNK, SAVE=save,
        EVEN=_even(T, E, N, FORWARD_CHANNELS), num_warps=1, maxnreg=FORWARD_REGISTERS)
    return out, h_end, ((y, checkpoints) if save else None)


def scan_backward(x, dt, bc, z, dt_bias, a_log, d, y, checkpoints, dout, dh_end, dz_out=None):
    """Gradients of everything that scan_forward takes. dz_out: where to write dz (a [B, T, E] view), or None."""
    batch, T, E = x.shape
    N = a_log.shape[1]
    lanes = _lane_a_channel(x, bc, N)
    blocks = E // 32 if lanes else triton.cdiv(E, CHANNELS)
    dx = torch.empty(batch, T, E, device=x.device, dtype=x.dtype)
    ddt = torch.empty(batch, T, E, device=x.device, dtype=x.dtype)
    dz = torch.empty(batch, T, E, device=x.device, dtype=x.dtype) if dz_out is None else dz_out
    dbc = torch.empty(blocks, batch, T, 2 * N, device=x.device, dtype=x.dtype)
    da_log = torch.empty(batch, E, N, device=x.device, dtype=torch.float32)
    dd = torch.empty(batch, E, device=x.device, dtype=torch.float32)
    ddt_bias = torch.empty(batch, E, device=x.device, dtype=torch.float32)
    dh0 = torch.empty_like(dh_end)
    rows = dict(X_ROW=_row(x), DT_ROW=_row(dt), BC_ROW=_row(bc), Z_ROW=_row(z), DZ_ROW=_row(dz))
    arguments = (x, dt, bc, z, dt_bias, a_log, d, y, checkpoints, dout.contiguous(), dh_end,
                 dx, ddt, dz, dbc, da_log, dd, ddt_bias, dh0, T)
    if lanes:
        warps = lane_scan.warps_for(E, lane_scan.BACKWARD_WARPS)
        lane_scan.lane_scan_backward[(blocks // warps, batch)](
            *arguments, E=E, **rows, CH=lane_scan.CHUNK, WARPS=warps, num_warps=warps,
            maxnreg=lane_scan.BACKWARD_REGISTERS)
    else:
        _scan_backward[(blocks, batch)](
            *arguments, E=E, N=N, NP=triton.next_power_of_2(N), **rows, BE=CHANNELS, CH=CHUNK,
            EVEN=_even(T, E, N, CHANNELS), num_warps=1, maxnreg=REGISTERS)
    return dx, ddt, dbc.sum(0), dz, ddt_bias.sum(0), da_log.sum(0), dd.sum(0), dh0


def _even(T, E, N, channels):
    """No tile sticks out of the data: the kernels then need no masks."""
    return T % CHUNK == 0 and E % channels == 0 and N & (N - 1) == 0


def _row(t):
    """Row stride of a [B, T, C] view whose batch rows follow each other."""
    assert t.stride(2) == 1 and t.stride(0) == t.shape[1] * t.stride(1), (t.shape, t.stride())
    return t.stride(1)


class SelectiveScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dt, bc, z, dt_bias, a_log, d, h0):
        out, h_end, (y, checkpoints) = scan_forward(x, dt, bc, z, dt_bias, a_log, d, h0, True)
        ctx.save_for_backward(x, dt, bc, z, dt_bias, a_log, d, y, checkpoints)
        return out, h_end

    @staticmethod
    def backward(ctx, dout, dh_end):
        bc = ctx.saved_tensors[2]
        dx, ddt, dbc, dz, ddt_bias, da_log, dd, dh0 = scan_backward(*ctx.saved_tensors, dout, dh_end.contiguous())
        return dx, ddt, dbc.to(bc.dtype), dz, ddt_bias, da_log, dd, dh0


def selective_scan(x, dt, bc, z, dt_bias, a_log, d, h0=None):
    """Differentiable in every argument, the carried state included. Returns (out, final state)."""
    if h0 is None:
        h0 = torch.zeros(x.shape[0], a_log.shape[1], x.shape[2], device=x.device, dtype=torch.float32)
    return SelectiveScan.apply(x, dt, bc, z, dt_bias, a_log, d, h0)
