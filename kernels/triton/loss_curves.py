"""The Java trainer and this one on the same batches from the same weights: two loss curves on one picture.

    python3 loss_curves.py init FOLDER --text FILE.gz        # random weights (float32) and the text, written to FOLDER
    python3 loss_curves.py train FOLDER                      # this trainer: FOLDER/pytorch.jsonl (CUDA GPU)
    src/test/java/io/mambabyte/train/LossCurve.java          # the Java trainer: FOLDER/java.jsonl; its comment has the command
    python3 loss_curves.py draw FOLDER --out PICTURE.svg     # the picture, and the greatest difference

Both: AdamW as Java's AdamW.Settings.DEFAULT, float32, SEQUENCES sequences of ROWS bytes a step. Sequence i reads the text on from
byte i * STEPS * ROWS, its state carried along; the rate rises to RATE in WARMUP steps and stays there.
"""
import argparse
import gzip
import json
import math
import pathlib

SEQUENCES, ROWS, STEPS, RATE, WARMUP = 8, 512, 300, 4e-3, 20


def init(folder, text):
    import torch

    import export
    from model import Config, MambaLM
    torch.manual_seed(1)
    config = Config(128, 4, 16)
    folder.mkdir(parents=True, exist_ok=True)
    export.save(folder, config, export.rounded(MambaLM(config, torch.float32).state_dict(), False), False)
    data = gzip.open(text).read()[:SEQUENCES * STEPS * ROWS + 1]
    assert len(data) == SEQUENCES * STEPS * ROWS + 1, f"{text} is too short"
    (folder / "text").write_bytes(data)


def train(folder):
    import torch

    import export
    from model import MambaLM, State
    from optim import Optimizer
    model = export.load(folder, torch.float32, "cuda")
    optimizer = Optimizer(model, weight_decay=0.1, clip=1.0, muon=False)
    # the Java trainer's choice of what decays: the taps of the convolution do too
    optimizer.decay = torch.cat([torch.full((p.numel(),), float(not n.endswith(("A_log", ".D", ".bias")) and "norm" not in n),
                                            device="cuda") for n, p in model.named_parameters()])
    data = torch.frombuffer(bytearray((folder / "text").read_bytes()), dtype=torch.uint8).cuda().long()
    state = State(model.config, SEQUENCES, "cuda", torch.float32)
    starts = torch.arange(SEQUENCES, device="cuda")[:, None] * (STEPS * ROWS) + torch.arange(ROWS + 1, device="cuda")
    with open(folder / "pytorch.jsonl", "w") as out:
        for step in range(STEPS):
            chunk = data[starts + step * ROWS]
            loss, _, ends = model.loss(chunk[:, :-1].contiguous(), chunk[:, 1:].contiguous(), state)
            loss.backward()
            optimizer.lr.fill_(RATE * min(1.0, (step + 1) / WARMUP))
            optimizer.step()
            model.commit(state, ends)
            print(json.dumps({"step": step, "bits_per_byte": loss.item() / math.log(2)}), file=out)


def draw(folder, picture):
    curves = [[json.loads(line)["bits_per_byte"] for line in open(folder / f"{name}.jsonl")] for name in ("java", "pytorch")]
    java, torch = curves
    apart = [abs(a - b) for a, b in zip(java, torch)]
    worst = max(range(STEPS), key=lambda i: apart[i])
    middle = sorted(apart)[STEPS // 2]
    said = f"greatest difference {apart[worst]:.2g} bits per byte (step {worst + 1}), median {middle:.1g}"
    x = lambda i: 60 + i * 620 / (STEPS - 1)
    y = lambda v: 330 - v * 36
    path = lambda c: " ".join(f"{x(i):.1f},{y(v):.2f}" for i, v in enumerate(c))
    lines = "".join(f'<line x1="60" x2="680" y1="{y(v)}" y2="{y(v)}" stroke="#ddd"/><text x="52" y="{y(v) + 4}" '
                    f'text-anchor="end">{v}</text>' for v in range(0, 9, 2))
    ticks = "".join(f'<text x="{x(i - 1):.0f}" y="350" text-anchor="middle">{i}</text>' for i in (1, 100, 200, 300))
    picture.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 400" font-family="sans-serif" font-size="13">'
        f'<rect width="720" height="400" fill="white"/>{lines}{ticks}'
        f'<polyline points="{path(torch)}" fill="none" stroke="#f5a623" stroke-width="5"/>'
        f'<polyline points="{path(java)}" fill="none" stroke="#14508c" stroke-width="1.3"/>'
        f'<text x="250" y="40" fill="#14508c">thin: Java, Vector API</text>'
        f'<text x="250" y="60" fill="#c47d00">thick: PyTorch and Triton, one GPU</text>'
        f'<text x="60" y="20">bits per byte of each batch, d_model 128, 4 layers, float32</text>'
        f'<text x="60" y="385">step of 8 x 512 bytes; {said}</text></svg>\n')
    print(said)
    print(f"last step: Java {java[-1]:.6f}, PyTorch {torch[-1]:.6f}")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("what", choices=("init", "train", "draw"))
    a.add_argument("folder", type=pathlib.Path)
    a.add_argument("--text", help="a gzip file of at least %d bytes of text" % (SEQUENCES * STEPS * ROWS + 1))
    a.add_argument("--out", type=pathlib.Path, default=pathlib.Path("loss-curves.svg"))
    args = a.parse_args()
    if args.what == "init":
        init(args.folder, args.text)
    elif args.what == "train":
        train(args.folder)
    else:
        draw(args.folder, args.out)


if __name__ == "__main__":
    main()
