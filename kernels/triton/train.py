"""Trains a byte-level Mamba language model on one CUDA GPU and writes it with a model card.

    python3 train.py --data DIR [DIR ...] --val DIR [DIR ...] --out DIR [--steps N] [--d-model 128 ...]
    python3 train.py --bench                    # throughput of the training step at two shapes, against plain PyTorch

The whole step - drawing bytes, forward, backward, optimizer - is captured once as a CUDA graph and replayed.
"""
import argparse
import json
import math
import pathlib
import shlex
import shutil
import sys
import time

import torch

import calibrate
import evaluate
import export
from data import Streams, Subwords, Text, read_files, sha256
from model import BYTES, Config, MambaLM, State
from optim import Optimizer, schedule
from reference import forward_reference


class Step:
    """One captured training step. run() launches it; loss is the running sum of the losses in nats."""

    def __init__(self, model, streams, optimizer):
        self.model, self.streams, self.optimizer = model, streams, optimizer
        self.device = streams.device
        self.state = State(model.config, streams.batch, self.device, model.dtype)
        self.loss = torch.zeros((), device=self.device)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):           # compiles the kernels and settles the library handles; lr is still 0
            for _ in range(3):
                self.body()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.body()
        self.loss.zero_()
        optimizer.step_count.zero_()
        optimizer.first.zero_()
        optimizer.second.zero_()
        optimizer.grad.zero_()

    def body(self):
        ids, targets, keep = self.streams.next()
        self.state.keep(keep)
        loss, _, ends = self.model.loss(ids, targets, self.state)
        loss.backward()
        self.optimizer.step()
        self.model.commit(self.state, ends)
        self.loss += loss.detach()

    def run(self, lr):
        self.optimizer.lr.fill_(lr)
        self.graph.replay()


def synthetic(size=8_000_000):
    """Bytes for the benchmark: their content does not change the work."""
    g = torch.Generator().manual_seed(0)
    return [Text("synthetic", b"", torch.randint(10, 128, (size,), generator=g, dtype=torch.uint8))]


def megabytes_per_second(config, batch, length, steps=30, muon=True):
    torch.manual_seed(0)
    model = MambaLM(config).cuda()
    step = Step(model, Streams(synthetic(), batch, length, "cuda"), Optimizer(model, muon=muon))
    for _ in range(5):
        step.run(1e-4)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        step.run(1e-4)
    torch.cuda.synchronize()
    return batch * length * steps / (time.perf_counter() - start) / 1e6


def plain_megabytes_per_second(config, batch=64, length=512):
    """Forward and backward of the model written in plain PyTorch operations, a loop over time, bf16 where autocast allows."""
    p = {k: v.detach().clone().requires_grad_() for k, v in MambaLM(config).cuda().named_parameters()}
    ids = torch.randint(0, 256, (batch, length + 1), device="cuda")

    def once():
        with torch.autocast("cuda", torch.bfloat16):
            logits, _, _ = forward_reference(p, config, ids[:, :-1])
        torch.nn.functional.cross_entropy(logits.float().view(-1, 256), ids[:, 1:].reshape(-1)).backward()
        torch.cuda.synchronize()

    once()
    start = time.perf_counter()
    once()
    return batch * length / (time.perf_counter() - start) / 1e6


def bench(args):
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    for d, layers in ((128, 4), (256, 8)):
        config = Config(d, layers, 16)
        print(f"plain PyTorch loop, d_model {d}, {layers} layers, d_state 16, batch 64 x 512, no optimizer: "
              f"{plain_megabytes_per_second(config):.3f} MB/s", flush=True)
        for batch, length in ((args.batch, args.length), (2 * args.batch, args.length)):
            print(f"captured train step, d_model {d}, {layers} layers, d_state 16, batch {batch} x {length}: "
                  f"{megabytes_per_second(config, batch, length):.2f} MB/s", flush=True)


def train(args):
    torch.manual_seed(args.seed)
    subwords = Subwords(args.tokenizer) if args.tokenizer else None
    make = subwords.encode if subwords else Text.of_bytes
    files, val, kinds, unseen, extra = ([make(n, d) for n, d in read_files(folders)] for folders in
                                        (args.data, args.val, args.kinds, args.unseen, args.extra_val))
    config = Config(args.d_model, args.n_layer, args.d_state, args.d_conv, args.expand, args.dt_rank, args.tie,
                    subwords.size if subwords else BYTES)
    weights = dict(w.split("=") for w in args.weight)
    streams = Streams(files, args.batch, args.length, "cuda", args.power, weights, args.permute_digits,
                      args.permute_letters, subwords.line_ends() if subwords else (10,))
    model = MambaLM(config).cuda()
    parameters = sum(p.numel() for p in model.parameters())
    optimizer = Optimizer(model, args.weight_decay, clip=args.clip, muon=not args.adamw)
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    gpu = torch.cuda.get_device_name()
    print(f"{parameters} parameters, {len(files)} files, {sum(len(f.text) for f in files)} bytes, {gpu}", flush=True)
    for name, share in streams.share.items():
        print(f"  {name}: share {share:.3f}")
    step = Step(model, streams, optimizer)
    curve = open(out / "curve.jsonl", "w")
    quick = [f.head(args.quick_cap) for f in val + kinds + unseen + extra]
    bytes_per_step = args.batch * args.length * sum(streams.share.get(f.name, 0.0) * f.bytes_per_symbol() for f in files)
    torch.cuda.synchronize()
    start, last, done, logged, val_time, share_done = time.perf_counter(), time.perf_counter(), 0, 0.0, 0.0, 0.0
    pace = 0.0                                                  # part of the schedule that a step takes
    while share_done < 1.0 and done < args.steps:
        step.run(schedule(min(1.0, share_done), args.lr, args.warmup, done))
        done += 1
        # The clock is read where the device is waited for, every log_every steps; between, the pace is carried on.
        share_done = done / args.steps if not args.seconds else share_done + pace
        if done % args.log_every and done != args.steps and share_done < 1.0:
            continue
        total = step.loss.item()                                # synchronises
        now = time.perf_counter()
        if args.seconds:
            share_done = max(share_done, min(1.0, (now - start - val_time) / args.seconds))
            pace = (now - start - val_time) / args.seconds / done
        span = done % args.log_every or args.log_every
        row = {"step": done, "bytes": round(done * bytes_per_step), "seconds": round(now - start - val_time, 2),
               "train_bits_per_byte": round((total - logged) / span / math.log(2) * args.batch * args.length
                                            / bytes_per_step, 4),
               "megabytes_per_second": round(span * bytes_per_step / (now - last) / 1e6, 2),
               "gradient_norm": round(optimizer.norm.item(), 4), "skipped_steps": int(optimizer.skipped.item())}
        logged = total
        if quick and (done % args.val_every == 0 or done == args.steps or share_done >= 1.0):
            running = evaluate.running_state(model, quick, args.quick_cap)
            (per, _), (_, mixed) = evaluate.per_byte(running), evaluate.per_byte({f.name: running[f.name] for f in val})
            row |= {"val_bits_per_byte": round(mixed, 4), "val": {n: round(v, 4) for n, v in per.items()}}
            export.save(out, config, export.rounded(model.state_dict(), not args.f32), not args.f32)
        print(json.dumps(row), file=curve, flush=True)
        print(json.dumps(row), flush=True)
        torch.cuda.synchronize()
        last = time.perf_counter()
        val_time += last - now
    seconds = time.perf_counter() - start - val_time
    del step, optimizer                                         # their memory is needed to measure a large model
    torch.cuda.empty_cache()
    finish(args, config, model, streams, files, val, kinds, unseen, extra, done, bytes_per_step, seconds, gpu, parameters, subwords)


def finish(args, config, model, streams, files, val, kinds, unseen, extra, steps, bytes_per_step, seconds, gpu,
           parameters, subwords):
    """Picks the temperature, rounds, writes, and measures what was written: read back and computed in float32."""
    out = pathlib.Path(args.out)
    temperature, table = 1.0, {}
    if kinds:
        temperature, table = calibrate.fit(model, val, kinds, args.quick_cap)
        with torch.no_grad():
            model.backbone.norm_f.weight.div_(temperature)
    export.save(out, config, export.rounded(model.state_dict(), not args.f32), not args.f32)
    if subwords:
        shutil.copy(subwords.path, out / "tokenizer.json")
    model = export.load(out, torch.float32, "cuda")
    cap = args.val_cap or evaluate.equal_cap(val)
    shown = val + kinds + unseen + extra
    running = evaluate.running_state(model, shown, cap)
    per, _ = evaluate.per_byte(running)
    mixture = {f.name: running[f.name] for f in val}
    _, mixed = evaluate.per_byte(mixture)
    fresh = {} if subwords else evaluate.per_byte(evaluate.fresh_state(model, shown))[0]
    sources = json.loads(pathlib.Path(args.sources).read_text()) if args.sources else {}

    def about(name):
        base = name.removesuffix("-exchanged")
        found = {k: sources.get(base, {}).get(k, "not stated") for k in ("licence", "origin")}
        return found if base == name else found | {"origin": found["origin"] + "; names and numbers exchanged (variety.py)"}

    card = {
        "name": args.name or out.name,
        "kind": f"{'subword' if subwords else 'byte-level'} Mamba-1 language model",
        "date": time.strftime("%Y-%m-%d", time.gmtime()), "licence": "Apache-2.0", "parameters": parameters,
        "stored": "float32" if args.f32 else "bfloat16 (A_log and D float32)",
        "shape": {"d_model": config.d_model, "n_layer": config.n_layer, "d_inner": config.d_inner,
                  "d_state": config.d_state, "d_conv": config.d_conv, "dt_rank": config.rank,
                  "vocabulary": config.vocabulary, "tie_embeddings": config.tie_embeddings},
        "use": args.use,
        "data": {"train": [{"name": f.name, "bytes": len(f.text), "sha256_of_text": sha256(f.text),
                            "share": streams.share.get(f.name, 0.0)} | about(f.name) for f in files],
                 "held_out": [{"name": f.name, "bytes": len(f.text), "sha256_of_text": sha256(f.text)} | about(f.name)
                              for f in shown]},
        "training": {"steps": steps, "batch": args.batch, "length": args.length,
                     "bytes_seen": round(steps * bytes_per_step), "seconds": round(seconds, 1), "gpu": gpu,
                     "megabytes_per_second": round(steps * bytes_per_step / seconds / 1e6, 2),
                     "permuted_digits": args.permute_digits, "permuted_letters": args.permute_letters,
                     "temperature": temperature, "temperature_tried": table,
                     "torch": torch.__version__, "seed": args.seed,
                     "optimizer": ("AdamW" if args.adamw else "Muon for the matrices of the mixer, AdamW for the rest")
                     + f"; weight decay {args.weight_decay} on matrices, none on A_log, D, norms and biases"
                     + f"; gradients clipped at norm {args.clip}; bf16 activations, float32 parameters and scan",
                     "schedule": f"Peak learning rate {args.lr}, {args.warmup} steps of warm-up, cosine to zero"
                     + (f" after {args.seconds:.0f} s" if args.seconds else ""),
                     "command": "python3 train.py " + shlex.join(sys.argv[1:])},
        "held_out": {"arithmetic": "float32", "cap": cap, "fresh_lines": 2000, "fresh_cap": 512, "note": args.note,
                     "mixed": {"bytes": sum(s for _, s in mixture.values()), "of": sorted(mixture),
                               "running_state": round(mixed, 4)},
                     "never_trained_on": sorted(f.name for f in kinds + unseen),
                     "per_source": {n: {"bytes": running[n][1], "running_state": round(per[n], 4)}
                                    | ({"fresh_state_per_line": round(fresh[n], 4)} if fresh else {}) for n in per}},
    }
    export.write_card(out, card)
    print(json.dumps({"mixed": card["held_out"]["mixed"], "per_source": card["held_out"]["per_source"],
                      "temperature": temperature, "megabytes_per_second": card["training"]["megabytes_per_second"]},
                     indent=1), flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--bench", action="store_true")
    a.add_argument("--data", nargs="+", default=[], help="folders with *.txt or *.txt.xz to train on")
    a.add_argument("--val", nargs="+", default=[], help="folders with held-out files")
    a.add_argument("--kinds", nargs="+", default=[], help="held-out folders of kinds that are not trained on: the temperature is chosen on them")
    a.add_argument("--unseen", nargs="+", default=[], help="held-out folders of other such kinds, reported only")
    a.add_argument("--extra-val", nargs="+", default=[], help="held-out folders reported per file, outside of the mixed figure")
    a.add_argument("--out", default="out")
    a.add_argument("--name", default="", help="name in the card (default: the name of the output folder)")
    a.add_argument("--sources", default="", help="JSON: file name -> {licence, origin}, for the card")
    a.add_argument("--note", default="", help="sentence for the card, under the held-out figures")
    a.add_argument("--use", default="For scoring and completing log text.", help="sentence for the card")
    a.add_argument("--weight", nargs="*", default=[], help="NAME=FACTOR on the sampling weight of a file")
    a.add_argument("--power", type=float, default=0.5, help="sampling weight of a file: bytes ** power")
    a.add_argument("--permute-digits", type=float, default=0.1, help="part of the sequences with permuted digits")
    a.add_argument("--permute-letters", type=float, default=0.15, help="part of the sequences with permuted digits and letters")
    a.add_argument("--d-model", type=int, default=128)
    a.add_argument("--n-layer", type=int, default=4)
    a.add_argument("--d-state", type=int, default=16)
    a.add_argument("--d-conv", type=int, default=4)
    a.add_argument("--expand", type=int, default=2)
    a.add_argument("--dt-rank", type=int, default=0, help="0: ceil(d_model / 16)")
    a.add_argument("--tokenizer", default="", help="tokenizer.json: train on its tokens instead of bytes")
    a.add_argument("--tie", action="store_true", help="output head = embedding")
    a.add_argument("--batch", type=int, default=256)
    a.add_argument("--length", type=int, default=512)
    a.add_argument("--steps", type=int, default=10000, help="steps, or with --seconds at most so many")
    a.add_argument("--seconds", type=float, default=0, help="end the schedule after so long, whatever --steps says")
    a.add_argument("--lr", type=float, default=1e-2)
    a.add_argument("--warmup", type=int, default=200)
    a.add_argument("--weight-decay", type=float, default=0.1)
    a.add_argument("--clip", type=float, default=1.0)
    a.add_argument("--adamw", action="store_true", help="AdamW for the matrices too, instead of Muon")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--f32", action="store_true", help="store the weights as float32")
    a.add_argument("--log-every", type=int, default=100)
    a.add_argument("--val-every", type=int, default=2000)
    a.add_argument("--quick-cap", type=int, default=131072, help="bytes per held-out file while training")
    a.add_argument("--val-cap", type=int, default=0, help="bytes per held-out file at the end; 0: 4 MB in all")
    args = a.parse_args()
    bench(args) if args.bench else train(args)


if __name__ == "__main__":
    main()
