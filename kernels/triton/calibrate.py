"""Softens or sharpens an exported model by one temperature: logits / T, folded into the weight of the final norm.

    python3 calibrate.py FOLDER T

A model that has seen its training text many times is too sure of itself on anything else. The logits are linear in the
final norm's weight, so a temperature costs nothing at inference and needs no change of any reader. Run it on a folder as
train.py wrote it: it is applied on top of what is there. The card notes it; its held-out figures must be measured anew.
"""
import json
import pathlib
import sys

from safetensors.torch import load_file, save_file


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
