"""Kernels and whole model against float64 references: outputs, final states and the gradient of every parameter.

    python3 -m pytest -q test_selective_scan.py                    # on a CUDA GPU
    TRITON_INTERPRET=1 python3 -m pytest -q test_selective_scan.py # kernels interpreted on the CPU, no GPU needed (minutes)
    MAMBA_REFERENCE=DIR ...                                        # also check case folders written by Hugging Face's model

A case folder holds config.json, model.safetensors, case.json ("input_hex") and expected.safetensors (logits, loss,
"grad." + parameter name).
"""
import json
import os
import pathlib

import pytest
import torch

import selective_scan as ss
from causal_conv import conv_backward, conv_forward
from model import Config, MambaLM, State
from reference import forward_reference, scan_reference

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
REPORT = os.environ.get("MAMBA_TEST_REPORT")
torch.backends.cuda.matmul.allow_tf32 = False


def error(got, want):
    """||got - want|| / ||want||, NaN never small."""
    got, want = got.double().cpu(), want.double().cpu()
    return ((got - want).norm() / want.norm().clamp_min(1e-300)).item()


def check(what, got, want, tolerance):
    e = error(got, want)
    if REPORT:
        with open(REPORT, "a") as f:
            print(f"{what}\t{e:.3e}\t{tolerance:.0e}", file=f)
    assert e <= tolerance, f"{what}: relative error {e:.3e} > {tolerance}"      # false for NaN as well


#         B  T   d_inner d_state chunk
SHAPES = [(2, 24, 64, 16, 4), (2, 22, 40, 16, 4), (3, 13, 120, 5, 4), (1, 1, 32, 16, 4), (2, 9, 40, 8, 8), (1, 17, 48, 1, 2), (1, 11, 96, 64, 4)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype,tolerance", [(torch.float32, 2e-5), (torch.bfloat16, 8e-3)], ids=["f32", "bf16"])
def test_scan_against_float64_loop(shape, dtype, tolerance, monkeypatch):
    B, T, E, N, chunk = shape
    monkeypatch.setattr(ss, "CHUNK", chunk)
    g = torch.Generator().manual_seed(B * 1000 + T * 10 + N)
    rand = lambda *s: torch.randn(*s, generator=g)
    skip = 4 if N == 16 else 3                                          # aligned, as lane_scan.py wants it, or not
    xz = rand(B, T, 2 * E).to(dtype)
    args = {"x": xz[..., :E], "dt": (rand(B, T, E) * 2).to(dtype), "bc": rand(B, T, 2 * N + skip).to(dtype)[..., skip:],
            "z": xz[..., E:], "dt_bias": rand(E) - 2, "a_log": rand(E, N) * 0.5, "d": rand(E), "h0": rand(B, N, E)}
    want_args = {k: v.double().detach().requires_grad_() for k, v in args.items()}
    # strided views on the device too, as the model passes them
    dxz, dbc = xz.to(DEVICE), torch.zeros(B, T, 2 * N + skip, dtype=dtype, device=DEVICE)
    dbc[..., skip:] = args["bc"]
    got_args = {k: v.to(DEVICE).detach().requires_grad_() for k, v in args.items()}
    got_args["x"], got_args["z"], got_args["bc"] = (
        t.detach().requires_grad_() for t in (dxz[..., :E], dxz[..., E:], dbc[..., skip:]))
    want, want_h = scan_reference(**want_args)
    got, got_h = ss.SelectiveScan.apply(*got_args.values())
    w_out, w_h = rand(B, T, E).to(dtype), rand(B, N, E)                 # both results get a gradient
    ((want * w_out.double()).sum() + (want_h * w_h.double()).sum()).backward()
    torch.autograd.backward([got, got_h], [w_out.to(DEVICE), w_h.to(DEVICE)])
    check(f"scan {shape} {dtype} out", got, want, tolerance)
    check(f"scan {shape} {dtype} h_end", got_h, want_h, tolerance)
    for k in args:
        check(f"scan {shape} {dtype} d{k}", got_args[k].grad, want_args[k].grad, tolerance)


def test_scan_extreme_steps():
    """Very large and very small step sizes: no NaN, and softplus keeps its relative accuracy."""
    B, T, E, N = 1, 16, 32, 16
    g = torch.Generator().manual_seed(5)
    rand = lambda *s: torch.randn(*s, generator=g)
    dt = torch.linspace(-30, 60, T * E).view(B, T, E)
    args = [rand(B, T, E), dt, rand(B, T, 2 * N), rand(B, T, E) * 30, torch.zeros(E), rand(E, N), rand(E), rand(B, N, E)]
    want_args = [a.double().requires_grad_() for a in args]
    got_args = [a.to(DEVICE).requires_grad_() for a in args]
    want, want_h = scan_reference(*want_args)
    got, got_h = ss.SelectiveScan.apply(*got_args)
    want.sum().backward()
    got.sum().backward()
    check("extreme out", got, want, 2e-5)
    check("extreme h_end", got_h, want_h, 2e-5)
    for i, (a, b) in enumerate(zip(got_args, want_args)):
        check(f"extreme gradient {i}", a.grad, b.grad, 2e-5)


@pytest.mark.parametrize("B,T,E,K", [(2, 70, 64, 4), (1, 2, 120, 4), (3, 65, 40, 3), (1, 5, 200, 2), (2, 64, 128, 4)])
def test_convolution(B, T, E, K):
    g = torch.Generator().manual_seed(T)
    rand = lambda *s: torch.randn(*s, generator=g)
    xz, w, bias, state, dout = rand(B, T, 2 * E), rand(E, 1, K), rand(E), rand(B, K - 1, E), rand(B, T, E)
    x64, w64, b64 = (t.double().requires_grad_() for t in (xz[..., :E], w, bias))
    full = torch.cat([state.double(), x64], 1)
    v = torch.nn.functional.conv1d(full.transpose(1, 2), w64, b64, groups=E).transpose(1, 2)
    want = torch.nn.functional.silu(v)
    want.backward(dout.double())
    xz, w, bias, state, dout = (t.to(DEVICE) for t in (xz, w, bias, state, dout))
    got, tail = conv_forward(xz[..., :E], w, bias, state)
    dxz = torch.full_like(xz, float("nan"))
    dw, dbias = conv_backward(xz[..., :E], w, bias, state, dout, dxz[..., :E])
    check("conv out", got, want, 1e-5)
    check("conv tail", tail, full[:, T:], 0)
    check("conv dx", dxz[..., :E], x64.grad, 1e-5)
    check("conv dw", dw, w64.grad, 1e-5)
    check("conv dbias", dbias, b64.grad, 1e-5)


def randomised(config, dtype=torch.float32, seed=3):
    torch.manual_seed(seed)
    m = MambaLM(config, dtype)
    with torch.no_grad():               # break the symmetric initial values, so that every term is exercised
        for name, p in m.named_parameters():
            p.add_(torch.randn_like(p) * (0.3 if p.dim() == 1 or name.endswith("A_log") else 0.5 / p.shape[-1] ** 0.5))
    return m.to(DEVICE)


def model_against(m, p64, config, ids, name, tolerance):
    """Loss and all gradients of m against the float64 model over ids [B, T + 1], in two chunks with carried state."""
    T = ids.shape[1] - 1
    cut = T // 2
    p64 = {k: v.double().cpu().detach().requires_grad_() for k, v in p64.items()}
    logits, convs, ssms = forward_reference(p64, config, ids[:, :cut])
    detach = lambda ts: [t.detach() for t in ts]
    logits2, convs, ssms = forward_reference(p64, config, ids[:, cut:T], detach(convs), detach(ssms))
    ce = lambda l, t: torch.nn.functional.cross_entropy(l.reshape(-1, 256), t.reshape(-1))
    want = (ce(logits, ids[:, 1:cut + 1]), ce(logits2, ids[:, cut + 1:]))
    (want[0] + want[1]).backward()
    ids = ids.to(DEVICE)
    state = State(config, ids.shape[0], DEVICE, m.dtype)
    for i, (a, b) in enumerate(((0, cut), (cut, T))):
        loss, _, ends = m.loss(ids[:, a:b], ids[:, a + 1:b + 1], state)
        loss.backward()
        m.commit(state, ends)
        check(f"{name} loss of chunk {i}", loss.detach(), want[i].detach(), tolerance)
    for i in range(config.n_layer):
        check(f"{name} ssm state {i}", state.ssm[i], ssms[i].detach(), tolerance)
        check(f"{name} conv state {i}", state.conv[i], convs[i].detach(), tolerance)
    for k, v in m.named_parameters():
        check(f"{name} gradient {k}", v.grad, p64[k].grad, tolerance * 2)


CONFIGS = [Config(32, 2, 16, 4, 2), Config(40, 2, 5, 3, 3, 7), Config(32, 2, 8, 4, 2, 2, True)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"d{c.d_model}N{c.d_state}")
@pytest.mark.parametrize("dtype,tolerance", [(torch.float32, 2e-5), (torch.bfloat16, 3e-2)], ids=["f32", "bf16"])
def test_model_against_float64(config, dtype, tolerance):
    if INTERPRETED and dtype == torch.bfloat16:
        pytest.skip("Triton's interpreter keeps bf16 as raw 16-bit integers and multiplies those in dot")
    m = randomised(config, dtype)
    ids = torch.randint(0, 256, (2, 38), generator=torch.Generator().manual_seed(1))
    model_against(m, dict(m.named_parameters()), config, ids, f"model {config.d_model} {dtype}", tolerance)


def cases():
    root = os.environ.get("MAMBA_REFERENCE")
    return sorted(p.parent for p in pathlib.Path(root).glob("*/case.json")) if root else []


@pytest.mark.parametrize("folder", cases(), ids=lambda f: f.name)
def test_reference_case(folder):
    """Loss and gradient of every parameter as Hugging Face's model gave them in float64 (its RMSNorm rounds to float32
    all the same, hence 1e-6 for reference.py)."""
    from safetensors.torch import load_file
    config = Config.from_hf(json.loads((folder / "config.json").read_text()))
    weights, want = load_file(folder / "model.safetensors"), load_file(folder / "expected.safetensors")
    data = torch.tensor(list(bytes.fromhex(json.loads((folder / "case.json").read_text())["input_hex"])))
    m = MambaLM(config, torch.float32)
    missing, unexpected = m.load_state_dict(weights, strict=False)
    assert not missing and set(unexpected) <= {"lm_head.weight"}
    m = m.to(DEVICE)
    ids = data[None].to(DEVICE)
    loss, _, ends = m.loss(ids[:, :-1], ids[:, 1:], State(config, 1, DEVICE, torch.float32))
    loss.backward()
    check(f"case {folder.name} loss", loss.detach().reshape(1), want["loss"], 1e-5)
    for k, p in m.named_parameters():
        check(f"case {folder.name} gradient {k}", p.grad, want["grad." + k], 5e-5)
    logits, _, ssms = forward_reference({k: v.double() for k, v in weights.items()}, config, data[None])
    check(f"case {folder.name} reference.py logits", logits[0], want["logits"], 1e-6)
    for i in range(config.n_layer):
        check(f"case {folder.name} reference.py state {i}", ssms[i][0].t(), want[f"ssm_states.{i}"], 1e-6)
