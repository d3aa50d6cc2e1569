"""The small fused kernels around the mixer: residual add + RMSNorm, output head + cross-entropy, embedding gradient."""
import torch
import triton
import triton.language as tl

EPSILON = 1e-5


@triton.jit
def _norm_forward(residual_ptr, add_ptr, w_ptr, sum_ptr, out_ptr, rstd_ptr, M, EPS, D: tl.constexpr, DP: tl.constexpr,
                  ROWS: tl.constexpr, ADD: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    col = tl.arange(0, DP)
    at = row[:, None] * D + col[None, :]
    ok = (row < M)[:, None] & (col < D)[None, :]
    r = tl.load(residual_ptr + at, mask=ok, other=0.0)
    if ADD:
        r += tl.load(add_ptr + at, mask=ok, other=0.0).to(tl.float32)
        tl.store(sum_ptr + at, r, mask=ok)
    rstd = 1.0 / tl.sqrt(tl.sum(r * r, axis=1) / D + EPS)
    w = tl.load(w_ptr + col, mask=col < D, other=0.0)
    tl.store(out_ptr + at, (r * rstd[:, None] * w[None, :]).to(out_ptr.dtype.element_ty), mask=ok)
    tl.store(rstd_ptr + row, rstd, mask=row < M)


@triton.jit
def _norm_backward(sum_ptr, w_ptr, rstd_ptr, dout_ptr, dsum_ptr, dresidual_ptr, dadd_ptr, dw_ptr, M, D: tl.constexpr,
                   DP: tl.constexpr, ROWS: tl.constexpr, STEPS: tl.constexpr, ADD: tl.constexpr, CARRY: tl.constexpr):
    col = tl.arange(0, DP)
    w = tl.load(w_ptr + col, mask=col < D, other=0.0)
    dw = tl.zeros([ROWS, DP], tl.float32)
    for step in range(0, STEPS):
        row = ((tl.program_id(0) * STEPS + step) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
        at = row[:, None] * D + col[None, :]
        ok = (row < M)[:, None] & (col < D)[None, :]
        rstd = tl.load(rstd_ptr + row, mask=row < M, other=0.0)
        normed = tl.load(sum_ptr + at, mask=ok, other=0.0) * rstd[:, None]
        dout = tl.load(dout_ptr + at, mask=ok, other=0.0).to(tl.float32)
        dw += dout * normed
        dn = dout * w[None, :]
        dr = rstd[:, None] * (dn - normed * (tl.sum(dn * normed, axis=1) / D)[:, None])
        if CARRY:
            dr += tl.load(dsum_ptr + at, mask=ok, other=0.0)
        tl.store(dresidual_ptr + at, dr, mask=ok)
        if ADD:
            tl.store(dadd_ptr + at, dr.to(dadd_ptr.dtype.element_ty), mask=ok)
    tl.store(dw_ptr + tl.program_id(0) * D + col, tl.sum(dw, axis=0), mask=col < D)


class AddNorm(torch.autograd.Function):
    """(residual fp32, mixer output or None) -> (residual + output fp32, RMSNorm of it in the activation type)."""

    @staticmethod
    def forward(ctx, residual, add, w, dtype):
        M, D = residual.shape
        rows = 16
        out = torch.empty(M, D, device=residual.device, dtype=dtype)
        total = torch.empty_like(residual) if add is not None else residual
        rstd = torch.empty(M, device=residual.device, dtype=torch.float32)
        _norm_forward[(triton.cdiv(M, rows),)](
            residual, residual if add is None else add, w, total, out, rstd, M, EPSILON, D=D,
            DP=triton.next_power_of_2(D), ROWS=rows, ADD=add is not None, num_warps=4)
        ctx.save_for_backward(total, w, rstd)
        ctx.add_dtype = None if add is None else add.dtype
        ctx.set_materialize_grads(False)
        return (residual.view_as(residual) if add is None else total), out

    @staticmethod
    def backward(ctx, dtotal, dout):
        total, w, rstd = ctx.saved_tensors
        M, D = total.shape
        rows, steps = 16, 4
        programs = triton.cdiv(M, rows * steps)
        dresidual = torch.empty_like(total)
        dadd = None if ctx.add_dtype is None else torch.empty(M, D, device=total.device, dtype=ctx.add_dtype)
        dw = torch.empty(programs, D, device=total.device, dtype=torch.float32)
        _norm_backward[(programs,)](
            total, w, rstd, dout.contiguous(), total if dtotal is None else dtotal.contiguous(), dresidual,
            dresidual if dadd is None else dadd, dw, M, D=D, DP=triton.next_power_of_2(D), ROWS=rows, STEPS=steps,
            ADD=dadd is not None, CARRY=dtotal is not None, num_warps=4)
        return dresidual, dadd, dw.sum(0), None


@triton.jit
def _logits(h_ptr, w_ptr, row, M, D: tl.constexpr, BK: tl.constexpr, ROWS: tl.constexpr, V: tl.constexpr):
    v = tl.arange(0, V)
    logits = tl.zeros([ROWS, V], tl.float32)
    for k0 in tl.static_range(0, D, BK):
        k = k0 + tl.arange(0, BK)
        h = tl.load(h_ptr + row[:, None] * D + k[None, :], mask=(row < M)[:, None] & (k < D)[None, :], other=0.0)
        w = tl.load(w_ptr + v[None, :] * D + k[:, None], mask=(k < D)[:, None], other=0.0)
        logits = tl.dot(h, w, logits, input_precision="ieee")
    return logits


@triton.jit
def _ce_forward(h_ptr, w_ptr, target_ptr, loss_ptr, lse_ptr, M, D: tl.constexpr, BK: tl.constexpr, ROWS: tl.constexpr,
                V: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    logits = _logits(h_ptr, w_ptr, row, M, D, BK, ROWS, V)
    target = tl.load(target_ptr + row, mask=row < M, other=0).to(tl.int32)
    top = tl.max(logits, axis=1)
    lse = top + tl.log(tl.sum(tl.exp(logits - top[:, None]), axis=1))
    right = tl.sum(tl.where(tl.arange(0, V)[None, :] == target[:, None], logits, 0.0), axis=1)
    tl.store(loss_ptr + row, lse - right, mask=row < M)
    tl.store(lse_ptr + row, lse, mask=row < M)


@triton.jit
def _ce_backward(h_ptr, w_ptr, target_ptr, lse_ptr, dloss_ptr, dlogits_ptr, M, D: tl.constexpr, BK: tl.constexpr,
                 ROWS: tl.constexpr, V: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    v = tl.arange(0, V)
    logits = _logits(h_ptr, w_ptr, row, M, D, BK, ROWS, V)
    target = tl.load(target_ptr + row, mask=row < M, other=0).to(tl.int32)
    lse = tl.load(lse_ptr + row, mask=row < M, other=0.0)
    scale = tl.load(dloss_ptr) / M
    p = tl.exp(logits - lse[:, None]) - tl.where(v[None, :] == target[:, None], 1.0, 0.0)
    tl.store(dlogits_ptr + row[:, None] * V + v[None, :], (p * scale).to(dlogits_ptr.dtype.element_ty),
             mask=(row < M)[:, None])


class HeadCrossEntropy(torch.autograd.Function):
    """Mean next-byte cross-entropy (nats) of logits = h @ w^T. The logits stay in registers as float32: at the low losses
    of log text they reach 10 and more, where a bf16 logit is a sixteenth of a nat coarse."""

    @staticmethod
    def forward(ctx, h, w, target):
        M, D = h.shape
        loss = torch.empty(M, device=h.device, dtype=torch.float32)
        lse = torch.empty(M, device=h.device, dtype=torch.float32)
        rows, bk, warps = 64, min(64, max(16, triton.next_power_of_2(D))), 8
        _ce_forward[(triton.cdiv(M, rows),)](h, w, target, loss, lse, M, D=D, BK=bk, ROWS=rows, V=w.shape[0],
                                             num_warps=warps)
        ctx.save_for_backward(h, w, target, lse)
        ctx.mark_non_differentiable(loss)
        return loss.mean(), loss

    @staticmethod
    def backward(ctx, dmean, _):
        h, w, target, lse = ctx.saved_tensors
        M, D = h.shape
        rows, bk, warps = 64, min(64, max(16, triton.next_power_of_2(D))), 8
        dlogits = torch.empty(M, w.shape[0], device=h.device, dtype=h.dtype)
        _ce_backward[(triton.cdiv(M, rows),)](h, w, target, lse, dmean, dlogits, M, D=D, BK=bk, ROWS=rows,
                                              V=w.shape[0], num_warps=warps)
        # 1/M makes the entries small, not inexact: bf16 has float32's exponent range
        return dlogits @ w, dlogits.t() @ h, None


class Embed(torch.autograd.Function):
    """Rows of w by byte. The gradient is a product with the one-hot matrix: a scatter-add over 256 rows is all
    contention, and not reproducible."""

    @staticmethod
    def forward(ctx, ids, w, dtype):
        ctx.save_for_backward(ids)
        ctx.rows = w.shape[0]
        ctx.dtype = dtype
        return w[ids]

    @staticmethod
    def backward(ctx, dout):
        ids, = ctx.saved_tensors
        one_hot = (ids[:, None] == torch.arange(ctx.rows, device=ids.device)[None, :]).to(ctx.dtype)
        return None, (one_hot.t() @ dout.to(ctx.dtype)).float(), None
