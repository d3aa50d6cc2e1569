"""The kernels of selective_scan.py for d_state 16, a lane a channel: the states of a channel are 16 registers of one lane.

selective_scan.py lets Triton spread a tile [d_state, channels] over a warp; sums over states and sums over channels then
both cross lanes, and values by channel go through shared memory to where the tile wants them. Here nothing but the sums over
channels (gradients of B and C) crosses lanes, and those fold: at each step half of the values go to the lane on the other
side, so 31 shuffles sum 32 values over 32 lanes where one after another would take 160.

Folding makes every lane keep another part of the values, which costs a selection a pair, unless the lanes have the values in
different places to begin with. So the states are in quads of four, and register quad j of a lane holds the states
4 (j ^ (lane & 3)) + 0..3: the first two foldings need no selection.
"""
import triton
import triton.language as tl

from elementary import _exp2, _softplus_and_slope, sigmoid

# Found by timing on an H100 (README.md). Warps of a program work each for itself, on the same B and C at about the same time.
CHUNK = 4                       # steps between two checkpoints of the states
FORWARD_WARPS, FORWARD_REGISTERS = 1, None
BACKWARD_WARPS, BACKWARD_REGISTERS = 4, 168


def warps_for(E, most):
    """Warps of a program over E channels, a multiple of 32."""
    return next(w for w in (most, 2, 1) if E % (32 * w) == 0)


LANES = tl.constexpr(32)
N = tl.constexpr(16)


@triton.jit
def _load_quad(ptr):
    """Four numbers at ptr (8 bytes aligned), as packed registers."""
    wide = ptr.to(tl.pointer_type(tl.int64))
    if ptr.dtype.element_ty == tl.bfloat16:
        r = (tl.load(wide),)
    else:
        r = (tl.load(wide), tl.load(wide + 1))
    return r


@triton.jit
def _unpack(quad):
    if len(quad) == 1:
        a, b, c, d = tl.inline_asm_elementwise(
            "{ .reg .b32 lo, hi; mov.b64 {lo, hi}, $4; shl.b32 $0, lo, 16; and.b32 $1, lo, 0xffff0000;"
            " shl.b32 $2, hi, 16; and.b32 $3, hi, 0xffff0000; }",
            "=r,=r,=r,=r,l", [quad[0]], dtype=(tl.int32, tl.int32, tl.int32, tl.int32), is_pure=True, pack=1)
    else:
        a, b = tl.inline_asm_elementwise("mov.b64 {$0, $1}, $2;", "=r,=r,l", [quad[0]], dtype=(tl.int32, tl.int32),
                                         is_pure=True, pack=1)
        c, d = tl.inline_asm_elementwise("mov.b64 {$0, $1}, $2;", "=r,=r,l", [quad[1]], dtype=(tl.int32, tl.int32),
                                         is_pure=True, pack=1)
    return (a.to(tl.float32, bitcast=True), b.to(tl.float32, bitcast=True), c.to(tl.float32, bitcast=True),
            d.to(tl.float32, bitcast=True))


@triton.jit
def _store_quad(ptr, a, b, c, d):
    wide = ptr.to(tl.pointer_type(tl.int64))
    if ptr.dtype.element_ty == tl.bfloat16:
        v = tl.inline_asm_elementwise(
            "{ .reg .b32 lo, hi; cvt.rn.bf16x2.f32 lo, $2, $1; cvt.rn.bf16x2.f32 hi, $4, $3; mov.b64 $0, {lo, hi}; }",
            "=l,f,f,f,f", [a, b, c, d], dtype=tl.int64, is_pure=True, pack=1)
        tl.store(wide, v)
    else:
        tl.store(wide, tl.inline_asm_elementwise("mov.b64 $0, {$1, $2};", "=l,f,f", [a, b], dtype=tl.int64,
                                                           is_pure=True, pack=1))
        tl.store(wide + 1, tl.inline_asm_elementwise("mov.b64 $0, {$1, $2};", "=l,f,f", [c, d], dtype=tl.int64,
                                                               is_pure=True, pack=1))


@triton.jit
def _fold(keep, send, MASK: tl.constexpr):
    """keep + what the lane on the other side sends."""
    if MASK == 1:
        r = tl.inline_asm_elementwise("{ .reg .b32 t; shfl.sync.bfly.b32 t, $2, 1, 31, -1; add.f32 $0, $1, t; }", "=f,f,f",
                                      [keep, send], dtype=tl.float32, is_pure=True, pack=1)
    else:
        r = tl.inline_asm_elementwise("{ .reg .b32 t; shfl.sync.bfly.b32 t, $2, 2, 31, -1; add.f32 $0, $1, t; }", "=f,f,f",
                                      [keep, send], dtype=tl.float32, is_pure=True, pack=1)
    return r


@triton.jit
def _exchange(lane, a, b, MASK: tl.constexpr):
    """a of both sides in the lanes without the bit, b of both sides in those with it."""
    upper = (lane & MASK) != 0
    keep, send = tl.where(upper, b, a), tl.where(upper, a, b)
    if MASK == 4:
        r = tl.inline_asm_elementwise("{ .reg .b32 t; shfl.sync.bfly.b32 t, $2, 4, 31, -1; add.f32 $0, $1, t; }", "=f,f,f",
                                      [keep, send], dtype=tl.float32, is_pure=True, pack=1)
    elif MASK == 8:
        r = tl.inline_asm_elementwise("{ .reg .b32 t; shfl.sync.bfly.b32 t, $2, 8, 31, -1; add.f32 $0, $1, t; }", "=f,f,f",
                                      [keep, send], dtype=tl.float32, is_pure=True, pack=1)
    else:
        r = tl.inline_asm_elementwise("{ .reg .b32 t; shfl.sync.bfly.b32 t, $2, 16, 31, -1; add.f32 $0, $1, t; }", "=f,f,f",
                                      [keep, send], dtype=tl.float32, is_pure=True, pack=1)
    return r


@triton.jit
def _fold_states(lane, v):
    """Sums over the lanes of 16 values in quads; the state whose sum a lane gets: _state_of."""
    one = ()
    for i in tl.static_range(16):
        if (i // 4) % 2 == 0:
            one = one + (_fold(v[i], v[i + 4], 1),)
    two = ()
    for k in tl.static_range(4):
        two = two + (_fold(one[k], one[k + 4], 2),)
    return _exchange(lane, _exchange(lane, two[0], two[1], 4), _exchange(lane, two[2], two[3], 4), 8)


@triton.jit
def _state_of(lane):
    return 4 * (lane & 3) + ((lane >> 3) & 1) * 2 + ((lane >> 2) & 1)


@triton.jit
def lane_scan_forward(x_ptr, dt_ptr, bc_ptr, z_ptr, dt_bias_ptr, a_log_ptr, d_ptr, h0_ptr, out_ptr, y_ptr, checkpoint_ptr,
                      h_end_ptr, T, E: tl.constexpr, X_ROW: tl.constexpr, DT_ROW: tl.constexpr, BC_ROW: tl.constexpr,
                      Z_ROW: tl.constexpr, CH: tl.constexpr, SAVE: tl.constexpr, WARPS: tl.constexpr):
    block = tl.program_id(0)
    b = tl.program_id(1).to(tl.int64)
    chunks = T // CH
    lane = tl.arange(0, LANES * WARPS)      # over all warps, of which each works for itself
    e = block * (LANES * WARPS) + lane
    quad = lane & 3
    dt_bias = tl.load(dt_bias_ptr + e)
    d = tl.load(d_ptr + e)
    a2 = ()
    h = ()
    for i in tl.static_range(N):
        n = 4 * ((i // 4) ^ quad) + i % 4
        a2 = a2 + (-tl.exp(tl.load(a_log_ptr + e * N + n)) * 1.4426950408889634,)     # exp(dt * A) = exp2(dt * a2)
        h = h + (tl.load(h0_ptr + b * (N * E) + n * E + e),)
    x_ptr += b * T * X_ROW + e
    dt_ptr += b * T * DT_ROW + e
    z_ptr += b * T * Z_ROW + e
    bc_ptr += b * T * BC_ROW
    quads = ()
    for j in tl.static_range(4):
        quads = quads + (bc_ptr + 4 * (j ^ quad),)
    out_ptr += b * T * E + e
    y_ptr += b * T * E + e
    checkpoint_ptr += b * chunks * (N * E) + (e // LANES) * (N * LANES) + lane % LANES * 4
    for c in range(0, chunks):
        t = c * CH
        xs = ()
        raws = ()
        zs = ()
        for i in tl.static_range(CH):                                   # one wait for memory a chunk
            xs = xs + (tl.load(x_ptr + t * X_ROW + i * X_ROW),)
            raws = raws + (tl.load(dt_ptr + t * DT_ROW + i * DT_ROW),)
            zs = zs + (tl.load(z_ptr + t * Z_ROW + i * Z_ROW),)
        if SAVE:
            for j in tl.static_range(4):
                _store_quad(checkpoint_ptr + c * (N * E) + j * 4 * LANES, h[4 * j], h[4 * j + 1], h[4 * j + 2], h[4 * j + 3])
        for i in tl.static_range(CH):
            x = xs[i].to(tl.float32)
            z = zs[i].to(tl.float32)
            dt, _ = _softplus_and_slope(raws[i].to(tl.float32) + dt_bias)
            u = dt * x
            y = d * x
            more = ()
            for j in tl.static_range(4):
                bq = _unpack(_load_quad(quads[j] + t * BC_ROW + i * BC_ROW))
                cq = _unpack(_load_quad(quads[j] + t * BC_ROW + (i * BC_ROW + N)))
                for k in tl.static_range(4):
                    s = _exp2(dt * a2[4 * j + k]) * h[4 * j + k] + u * bq[k]
                    y += s * cq[k]
                    more = more + (s,)
            h = more
            tl.store(out_ptr + t * E + i * E, (y * z * sigmoid(z)).to(out_ptr.dtype.element_ty))
            if SAVE:
                tl.store(y_ptr + t * E + i * E, y.to(y_ptr.dtype.element_ty))
    for i in tl.static_range(N):
        tl.store(h_end_ptr + b * (N * E) + (4 * ((i // 4) ^ quad) + i % 4) * E + e, h[i])


@triton.jit
def lane_scan_backward(x_ptr, dt_ptr, bc_ptr, z_ptr, dt_bias_ptr, a_log_ptr, d_ptr, y_ptr, checkpoint_ptr, dout_ptr,
                       dh_end_ptr, dx_ptr, ddt_ptr, dz_ptr, dbc_ptr, da_log_ptr, dd_ptr, ddt_bias_ptr, dh0_ptr, T,
                       E: tl.constexpr, X_ROW: tl.constexpr, DT_ROW: tl.constexpr, BC_ROW: tl.constexpr,
                       Z_ROW: tl.constexpr, DZ_ROW: tl.constexpr, CH: tl.constexpr, WARPS: tl.constexpr):
    block = tl.program_id(0)
    b = tl.program_id(1).to(tl.int64)
    chunks = T // CH
    lane = tl.arange(0, LANES * WARPS)      # over all warps, of which each works for itself
    e = block * (LANES * WARPS) + lane
    quad = lane & 3
    dt_bias = tl.load(dt_bias_ptr + e)
    d = tl.load(d_ptr + e)
    a2 = ()
    g = ()                                                              # d loss / d h_t from later steps
    da = ()
    for i in tl.static_range(N):
        n = 4 * ((i // 4) ^ quad) + i % 4
        a2 = a2 + (-tl.exp(tl.load(a_log_ptr + e * N + n)) * 1.4426950408889634,)
        g = g + (tl.load(dh_end_ptr + b * (N * E) + n * E + e),)
        da = da + (tl.zeros([LANES * WARPS], tl.float32),)
    dd = tl.zeros([LANES * WARPS], tl.float32)
    ddt_bias = tl.zeros([LANES * WARPS], tl.float32)
    x_ptr += b * T * X_ROW + e
    dt_ptr += b * T * DT_ROW + e
    z_ptr += b * T * Z_ROW + e
    bc_ptr += b * T * BC_ROW
    quads = ()
    for j in tl.static_range(4):
        quads = quads + (bc_ptr + 4 * (j ^ quad),)
    zero = tl.where(T < 0, 1.0, 0.0)        # keeps the compiler from keeping the decays of a chunk: 64 registers
    y_ptr += b * T * E + e
    dout_ptr += b * T * E + e
    dx_ptr += b * T * E + e
    ddt_ptr += b * T * E + e
    dz_ptr += b * T * DZ_ROW + e
    dbc_ptr += ((e // LANES) * tl.num_programs(1) + b) * T * (2 * N) + _state_of(lane) + lane // N % 2 * N
    checkpoint_ptr += b * chunks * (N * E) + (e // LANES) * (N * LANES) + lane % LANES * 4
    for back in range(0, chunks):
        t = (chunks - 1 - back) * CH
        xs = ()
        raws = ()
        zs = ()
        ys = ()
        douts = ()
        h = ()                                                          # what the first step of the chunk begins with
        for j in tl.static_range(4):
            h = h + _unpack(_load_quad(checkpoint_ptr + (chunks - 1 - back) * (N * E) + j * 4 * LANES))
        for i in tl.static_range(CH):
            xs = xs + (tl.load(x_ptr + t * X_ROW + i * X_ROW),)
            raws = raws + (tl.load(dt_ptr + t * DT_ROW + i * DT_ROW),)
            zs = zs + (tl.load(z_ptr + t * Z_ROW + i * Z_ROW),)
            ys = ys + (tl.load(y_ptr + t * E + i * E),)
            douts = douts + (tl.load(dout_ptr + t * E + i * E),)
        states = h                                                      # states[16 i + n]: before step t + i
        dts = ()
        slopes = ()
        for i in tl.static_range(CH):
            dt, slope = _softplus_and_slope(raws[i].to(tl.float32) + dt_bias)
            u = dt * xs[i].to(tl.float32)
            more = ()
            for j in tl.static_range(4):
                bq = _unpack(_load_quad(quads[j] + t * BC_ROW + i * BC_ROW))
                for k in tl.static_range(4):
                    more = more + (_exp2(dt * a2[4 * j + k]) * h[4 * j + k] + u * bq[k],)
            h = more
            states = states + h
            dts = dts + (dt,)
            slopes = slopes + (slope,)
        for i in tl.static_range(CH - 1, -1, -1):
            x = xs[i].to(tl.float32)
            z = zs[i].to(tl.float32)
            dout = douts[i].to(tl.float32)
            dt = dts[i]
            u = dt * x
            s = sigmoid(z)
            dy = dout * z * s
            tl.store(dz_ptr + t * DZ_ROW + i * DZ_ROW, (dout * ys[i].to(tl.float32) * s * (1.0 + z * (1.0 - s))).to(dz_ptr.dtype.element_ty))
            db = ()
            dc = ()
            gs = ()
            das = ()
            g_b = tl.zeros([LANES * WARPS], tl.float32)                         # gradient of dt * x
            q_a = tl.zeros([LANES * WARPS], tl.float32)
            for j in tl.static_range(4):
                bq = _unpack(_load_quad(quads[j] + t * BC_ROW + i * BC_ROW))
                cq = _unpack(_load_quad(quads[j] + t * BC_ROW + (i * BC_ROW + N)))
                for k in tl.static_range(4):
                    gm = g[4 * j + k] + cq[k] * dy
                    dc = dc + (states[16 * i + 16 + 4 * j + k] * dy,)
                    db = db + (gm * u,)
                    g_b += gm * bq[k]
                    gm = gm * _exp2(dt * a2[4 * j + k] + zero)
                    q = gm * states[16 * i + 4 * j + k]
                    das = das + (da[4 * j + k] + q * dt,)
                    q_a += q * a2[4 * j + k]
                    gs = gs + (gm,)
            g = gs
            da = das
            ddt = (q_a * 0.6931471805599453 + g_b * x) * slopes[i]
            dd += dy * x
            ddt_bias += ddt
            both = _exchange(lane, _fold_states(lane, db), _fold_states(lane, dc), 16)
            tl.store(dbc_ptr + t * (2 * N) + i * (2 * N), both.to(dbc_ptr.dtype.element_ty))
            tl.store(dx_ptr + t * E + i * E, (g_b * dt + dy * d).to(dx_ptr.dtype.element_ty))
            tl.store(ddt_ptr + t * E + i * E, ddt.to(ddt_ptr.dtype.element_ty))
    # A = -exp(A_log), so dA_log = dA * A
    for i in tl.static_range(N):
        n = 4 * ((i // 4) ^ quad) + i % 4
        tl.store(da_log_ptr + b * (E * N) + e * N + n, da[i] * a2[i] * 0.6931471805599453)
        tl.store(dh0_ptr + b * (N * E) + n * E + e, g[i])
    tl.store(dd_ptr + b * E + e, dd)
    tl.store(ddt_bias_ptr + b * E + e, ddt_bias)
