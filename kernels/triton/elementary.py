"""What the kernels share: approximate functions, loads and stores with a mask only where one is needed."""
import os

import triton
import triton.language as tl

# Approximate instructions that flush denormals: Triton's own exp2 and division add scaling around each for denormals,
# three instructions for every state and step. The interpreter has no inline assembly.
FAST = tl.constexpr(os.environ.get("TRITON_INTERPRET") != "1")


@triton.jit
def _exp2(v):
    if FAST:
        r = tl.inline_asm_elementwise("ex2.approx.ftz.f32 $0, $1;", "=f,f", [v], dtype=tl.float32, is_pure=True, pack=1)
    else:
        r = tl.exp2(v)
    return r


@triton.jit
def _log2(v):
    if FAST:
        r = tl.inline_asm_elementwise("lg2.approx.ftz.f32 $0, $1;", "=f,f", [v], dtype=tl.float32, is_pure=True, pack=1)
    else:
        r = tl.log2(v)
    return r


@triton.jit
def _reciprocal(v):
    if FAST:
        r = tl.inline_asm_elementwise("rcp.approx.ftz.f32 $0, $1;", "=f,f", [v], dtype=tl.float32, is_pure=True, pack=1)
    else:
        r = 1.0 / v
    return r


@triton.jit
def sigmoid(v):
    return _reciprocal(1.0 + _exp2(tl.maximum(v, -80.0) * -1.4426950408889634))


@triton.jit
def _softplus_and_slope(v):
    """log(1 + exp(v)) and its derivative; linear beyond 20 like every Mamba implementation. Below exp(v) = 0.01 the
    series keeps the relative error small where log(1 + u) would lose the small u."""
    u = _exp2(tl.minimum(v, 20.0) * 1.4426950408889634)
    series = u * (1.0 - u * (0.5 - u * 0.33333333))
    soft = tl.where(u < 0.01, series, _log2(1.0 + u) * 0.6931471805599453)
    return tl.where(v > 20.0, v, soft), u * _reciprocal(1.0 + u)


@triton.jit
def _load(ptr, ok, EVEN: tl.constexpr):
    if EVEN:
        v = tl.load(ptr)
    else:
        v = tl.load(ptr, mask=ok, other=0.0)
    return v


@triton.jit
def _store(ptr, v, ok, EVEN: tl.constexpr):
    if EVEN:
        tl.store(ptr, v.to(ptr.dtype.element_ty))
    else:
        tl.store(ptr, v.to(ptr.dtype.element_ty), mask=ok)
