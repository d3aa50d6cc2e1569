"""Writes the checkpoints of this folder with PyTorch itself (1.13 was used; any from 1.6 on does).

    python3 make_pickles.py ../reference/tiny

The weights are those of the reference model; each file is one way in which people save them.
"""

import json
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import torch

here = Path(__file__).parent
raw = (Path(sys.argv[1]) / "model.safetensors").read_bytes()
(length,) = struct.unpack("<Q", raw[:8])
header = json.loads(raw[8 : 8 + length])
header.pop("__metadata__", None)
weights = OrderedDict()
for name, tensor in header.items():
    assert tensor["dtype"] == "F32"
    begin, end = (8 + length + offset for offset in tensor["data_offsets"])
    weights[name] = torch.frombuffer(bytearray(raw[begin:end]), dtype=torch.float32).reshape(tensor["shape"])

# Attributes on the dictionary, as Module.state_dict() leaves them.
weights._metadata = OrderedDict([("", {"version": 1}), ("backbone", {"version": 1})])
torch.save(weights, here / "f32.bin")

for dtype in (torch.float16, torch.bfloat16):
    converted = {name: tensor.to(dtype) for name, tensor in weights.items()}
    torch.save(converted, here / f"{str(dtype).removeprefix('torch.')}.bin")

# A head that is the embedding, as the same storage; every block's D as a view into one storage; nn.Parameter;
# all of it in a training script's dictionary, with the prefix of DistributedDataParallel.
tied = {f"module.{name}": torch.nn.Parameter(tensor) for name, tensor in weights.items()}
tied["module.lm_head.weight"] = tied["module.backbone.embeddings.weight"]
d = "backbone.layers.0.mixer.D"
tied[f"module.{d}"] = torch.cat([torch.zeros(7), weights[d], torch.zeros(5)])[7:-5]
torch.save({"step": 12, "loss": 0.5, "best": None, "state_dict": tied, "lr": [1e-3, 1e-4]}, here / "training.bin")

small = {"a": torch.ones(2)}
torch.save(small, here / "before-1.6.bin", _use_new_zipfile_serialization=False)
torch.save({"a": torch.arange(6.0).reshape(2, 3).t()}, here / "transposed.bin")
torch.save({"a": torch.ones(2, dtype=torch.float64)}, here / "float64.bin")
torch.jit.script(torch.nn.Linear(1, 1)).save(str(here / "script.bin"))
