"""Bits per byte of general compressors over the bytes that evaluate.py measures: what adapting to one file alone reaches.

    python3 compressors.py --val DIR [DIR ...] [--cap BYTES]        # needs xz, zstd and 7z (Debian: p7zip-full)

xz -9e, zstd --ultra -22 and 7z's PPMd (order 32, 256 MB). The size of the compressed file counts, headers included.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

from data import read_files

COMMANDS = {
    "xz": lambda source, target: f"xz -9e -c {source} > {target}",
    "zstd": lambda source, target: f"zstd -q --ultra -22 -c {source} > {target}",
    "ppmd": lambda source, target: f"7z a -bso0 -bsp0 -m0=PPMd:o=32:mem=256m {target} {source}",
}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--val", nargs="+", required=True)
    a.add_argument("--cap", type=int, default=1_176_779)
    args = a.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "text")
        for name, text in read_files(args.val):
            source.write_bytes(text[:args.cap])
            row = {"source": name, "bytes": source.stat().st_size}
            for label, command in COMMANDS.items():
                target = pathlib.Path(folder, "packed.7z" if label == "ppmd" else "packed")
                target.unlink(missing_ok=True)
                subprocess.run(command(source, target), shell=True, check=True)
                row[label] = round(8 * target.stat().st_size / row["bytes"], 4)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
