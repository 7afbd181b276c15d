"""The released checkpoint there and back: a file that PyTorch wrote, imported and exported, compared by PyTorch.

Run:     python benchmarks/round_trip.py [--legacy] [--folder DIR]      (needs PyTorch: the `convert` extra)
Does:    gives every tensor of tests/fixtures/parity/released_state_dict_keys.json values of tests/recipe.py, saves the
         three state dicts by `torch.save` (--legacy: in the form before PyTorch 1.6), runs `dfrec weights import` and
         `dfrec weights export`, and reads the result by `torch.load(..., weights_only=True)`.
Prints:  tensors, values and bytes, and what differs in name, order, type, shape or bytes; exits 1 where anything does.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests import recipe  # noqa: E402

KEYS = ROOT / "tests" / "fixtures" / "parity" / "released_state_dict_keys.json"
Entries = dict[str, dict[str, torch.Tensor]]


def main() -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--folder", help="for five gigabytes of files; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        written, workdir, exported = (Path(folder) / name for name in ("written.pth", "run", "exported.pth"))
        torch.save(_from_recipe(), written, _use_new_zipfile_serialization=not arguments.legacy)
        print(
            f"{'legacy' if arguments.legacy else 'zip'} form, torch {torch.__version__}, {written.stat().st_size} bytes"
        )
        _dfrec("import", written, "--as", "dfrec-ftm", "--workdir", workdir)
        _dfrec("export", "--workdir", workdir, "--to-torch", exported)
        differences = list(_differences(_load(written), _load(exported)))
    for difference in differences:
        print(f"  {difference}")
    print("equal in name, order, type, shape and bytes" if not differences else f"{len(differences)} differences")
    sys.exit(bool(differences))


def _from_recipe() -> Entries:
    entries: Entries = {}
    for entry, shapes in json.loads(KEYS.read_text()).items():
        filled = {name: torch.from_numpy(value) for name, value in recipe.fill_state_dict(shapes).items()}
        # BatchNorm's counters, which the recipe leaves out, are whole numbers in a file of PyTorch.
        entries[entry] = {name: filled.get(name, torch.tensor(7)) for name in shapes}
    return entries


def _dfrec(*words: str | Path) -> None:
    program = "import sys; from dfrec_jax.cli import main; main(sys.argv[1:])"
    subprocess.run([sys.executable, "-c", program, "weights", *map(str, words)], cwd=ROOT, check=True)


def _load(path: Path) -> Entries:
    return torch.load(path, map_location="cpu", weights_only=True)


def _differences(want: Entries, got: Entries):
    if list(want) != list(got):
        yield f"entries {list(got)}, and not {list(want)}"
        return
    for entry, tensors in want.items():
        if list(tensors) != list(got[entry]):
            yield f"{entry}: other names, or another order"
        for name in tensors.keys() & got[entry].keys():
            a, b = tensors[name], got[entry][name]
            if (a.dtype, a.shape) != (b.dtype, b.shape):
                yield f"{entry} {name}: {b.dtype} {tuple(b.shape)}, and not {a.dtype} {tuple(a.shape)}"
            elif a.contiguous().numpy().tobytes() != b.contiguous().numpy().tobytes():
                yield f"{entry} {name}: other values"
        print(f"{entry}: {len(tensors)} tensors, {sum(tensor.numel() for tensor in tensors.values())} values")


if __name__ == "__main__":
    main()
