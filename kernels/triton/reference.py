"""The same model as plain sequential PyTorch operations in float64, one position after the other (what Hugging Face's
sequential path computes): the yardstick for the kernels and for exported files. Slow on purpose."""
import torch
import torch.nn.functional as F


def scan_reference(x, dt, bc, z, dt_bias, a_log, d, h0):
    """Selective scan of selective_scan.py, as a loop over time; differentiable by autograd."""
    N = a_log.shape[1]
    a = -torch.exp(a_log)
    h, outs = h0.transpose(1, 2), []                                # [B, E, N]
    delta = F.softplus(dt + dt_bias)
    for t in range(x.shape[1]):
        b, c = bc[:, t, :N], bc[:, t, N:]
        h = torch.exp(delta[:, t, :, None] * a) * h + (delta[:, t] * x[:, t])[..., None] * b[:, None, :]
        y = (h * c[:, None, :]).sum(-1) + d * x[:, t]
        outs.append(y * F.silu(z[:, t]))
    return torch.stack(outs, 1), h.transpose(1, 2)


def rms_norm(r, w, eps=1e-5):
    return r * torch.rsqrt(r.pow(2).mean(-1, keepdim=True) + eps) * w


def forward_reference(p, config, ids, conv=None, ssm=None):
    """p: parameters by Hugging Face name; ids [B, T]. Returns logits [B, T, 256] and the states of every layer
    (conv: last d_conv - 1 inputs [B, d_conv - 1, E]; ssm [B, N, E])."""
    c = config
    E, N, R, K = c.d_inner, c.d_state, c.rank, c.d_conv
    B = ids.shape[0]
    emb = p["backbone.embeddings.weight"]
    r = emb[ids]
    convs, ssms = [], []
    for i in range(c.n_layer):
        n = f"backbone.layers.{i}."
        u = rms_norm(r, p[n + "norm.weight"])
        n += "mixer."
        x, z = (u @ p[n + "in_proj.weight"].t()).split(E, -1)
        past = x.new_zeros(B, K - 1, E) if conv is None else conv[i]
        x = torch.cat([past, x], 1)
        convs.append(x[:, x.shape[1] - (K - 1):])
        x = F.silu(F.conv1d(x.transpose(1, 2), p[n + "conv1d.weight"], p[n + "conv1d.bias"], groups=E)).transpose(1, 2)
        dt, bc = (x @ p[n + "x_proj.weight"].t()).split([R, 2 * N], -1)
        h0 = x.new_zeros(B, N, E) if ssm is None else ssm[i]
        y, h = scan_reference(x, dt @ p[n + "dt_proj.weight"].t(), bc, z, p[n + "dt_proj.bias"], p[n + "A_log"],
                              p[n + "D"], h0)
        ssms.append(h)
        r = r + y @ p[n + "out_proj.weight"].t()
    u = rms_norm(r, p["backbone.norm_f.weight"])
    return u @ p.get("lm_head.weight", emb).t(), convs, ssms
