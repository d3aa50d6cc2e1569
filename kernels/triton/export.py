"""Writes a trained model as Hugging Face's MambaForCausalLM folder (config.json, model.safetensors) with a model card."""
import json
import pathlib

from safetensors.torch import load_file, save_file

from model import Config, MambaLM

KEEP_F32 = ("A_log", ".D")          # the recurrence is sensitive to them and they are small


def rounded(state_dict, bf16=True):
    """The tensors as they are shipped."""
    return {k: (v.bfloat16() if bf16 and not k.endswith(KEEP_F32) else v.float()).contiguous().cpu()
            for k, v in state_dict.items()}


def save(folder, config, tensors, bf16=True):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    hf = config.to_hf() | {"dtype": "bfloat16" if bf16 else "float32"}
    (folder / "config.json").write_text(json.dumps(hf, indent=2, sort_keys=True) + "\n")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder, dtype, device):
    """A model that computes in `dtype` with the weights of the folder."""
    folder = pathlib.Path(folder)
    config = Config.from_hf(json.loads((folder / "config.json").read_text()))
    model = MambaLM(config, dtype)
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return model.to(device)


def write_card(folder, card):
    folder = pathlib.Path(folder)
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    s, t, h = card["shape"], card["training"], card["held_out"]
    rows = "\n".join(f"| {d['name']} | {d['bytes']:,} | {d['share']:.1%} | {d['licence']} | {d['origin']} |"
                     for d in card["data"]["train"])
    unseen = set(h["never_trained_on"])
    bits = "\n".join(f"| {n}{' (kind never trained on)' if n in unseen else ''} | {v['bytes']:,} | {v['running_state']:.3f} | "
                     + (f"{v['fresh_state_per_line']:.3f} |" if "fresh_state_per_line" in v else "- |") for n, v in h["per_source"].items())
    tried = "\n".join(f"| {t} | {k:.4f} | {u:.4f} |" for t, (k, u) in t["temperature_tried"].items())
    (folder / "README.md").write_text(f"""# {card['name']}

A {card['kind']}: {card['parameters']:,} parameters, d_model {s['d_model']}, {s['n_layer']} layers,
d_inner {s['d_inner']}, d_state {s['d_state']}, dt_rank {s['dt_rank']}, d_conv {s['d_conv']}, {'tied' if s['tie_embeddings'] else 'untied'} output head. Vocabulary: {"the 256 byte values, no special tokens" if s['vocabulary'] == 256 else f"{s['vocabulary']:,} tokens of tokenizer.json (byte-level BPE)"}.
Stored as {card['stored']}, in the layout of Hugging Face's MambaForCausalLM.
Everything here is in machine-readable form in card.json, with the SHA-256 of every file used.

## Use
{card['use']} It starts from a zero state at the first byte of a line, or at the newline before it.
It saw English text in UTF-8; other languages and binary data are outside of what it was trained on.

## Data
Share: part of the training sequences drawn from the source.

| source | bytes | share | licence | origin |
|---|---|---|---|---|
{rows}

## Held-out bits per byte
With the weights as stored here, arithmetic in {h['arithmetic']}. Running: one state from the first byte of the file to its
end or {h['cap']:,} bytes. Fresh: a zero state for each of the first {h['fresh_lines']:,} lines, cut at {h['fresh_cap']} bytes. A first byte is predicted by
nothing and not counted. {h['note']}

| source | bytes | running | fresh |
|---|---|---|---|
{bits}

**Mixed: {h['mixed']['running_state']:.4f} bits per byte** over the {h['mixed']['bytes']:,} bytes of {', '.join(h['mixed']['of'])}.

### Temperature
{t['temperature']}, folded into the weight of the final norm: the best on kinds that were not trained on, with the mix at most one
part in a hundred off its best. Bits per byte on the first bytes of each file, so these figures are no clean held-out ones:

| temperature | mix | mean of the kinds |
|---|---|---|
{tried}

## Training
{t['steps']:,} steps of {t['batch']} sequences x {t['length']} bytes ({t['bytes_seen'] / 1e9:.2f} GB) in {t['seconds']:.0f} s on one {t['gpu']}: {t['megabytes_per_second']:.1f} MB/s.
{t['optimizer']}. {t['schedule']}. Seed {t['seed']}. {t['permuted_digits']:.0%} of the sequences had their
digits permuted, {t['permuted_letters']:.0%} their digits and letters. State carried from chunk to chunk, gradients truncated at chunk borders.
The curve is in curve.jsonl. Command: `{t['command']}`

Trained {card['date']}. Licence of the weights: {card['licence']}.
""")
