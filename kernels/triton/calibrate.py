"""Softens an exported model by one temperature: logits / T, folded into the weight of the final norm.

    python3 calibrate.py FOLDER T

A model that has seen its training text many times is too sure of itself on anything else. The logits are linear in the
final norm's weight, so a temperature costs nothing at inference and needs no change of any reader. train.py --kinds does
this by itself; the command is for a folder that was written without, whose held-out figures must be measured anew.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file

import evaluate

TEMPERATURES = (1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4)
ALLOWED = 1.01          # the mix of known kinds may lose one part in a hundred


@torch.no_grad()
def fit(model, mix, kinds, cap):
    """(temperature, {temperature: [bits per byte of the mix, mean over the kinds]}) of the model: the best on kinds that
    it was not trained on (each counts the same), as long as the known mix stays within ALLOWED of its best."""
    weight = model.backbone.norm_f.weight
    before = weight.detach().clone()
    table = {}
    for t in TEMPERATURES:
        weight.copy_(before / t)
        _, known = evaluate.per_byte(evaluate.running_state(model, mix, cap))
        per, _ = evaluate.per_byte(evaluate.running_state(model, kinds, cap))
        table[t] = [round(known, 4), round(sum(per.values()) / len(per), 4)]
    weight.copy_(before)
    limit = ALLOWED * min(known for known, _ in table.values())
    return min((t for t in table if table[t][0] <= limit), key=lambda t: table[t][1]), table


def calibrate(folder, temperature):
    folder = pathlib.Path(folder)
    tensors = load_file(folder / "model.safetensors")
    w = tensors["backbone.norm_f.weight"]
    tensors["backbone.norm_f.weight"] = (w.float() / temperature).to(w.dtype)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    card = json.loads((folder / "card.json").read_text())
    card["training"]["temperature"] = round(card["training"].get("temperature", 1.0) * temperature, 6)
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    calibrate(sys.argv[1], float(sys.argv[2]))
