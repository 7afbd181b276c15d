"""How time and memory of a training step grow with batch, image size, mask ratio, ViT and devices: a table and a plot.

Run:     python benchmarks/growth.py [--config configs/megafs.py] [--device h100] [--out growth.png]
         [--measure]  also runs each step on the device that JAX finds, three times, in a process of its own
Does:    one field at a time is changed from where the config has it (BASE), and the dry run's arithmetic counts memory
         and floors of the step (`training/will_it_fit.py`: what it leaves out, it says there). A minute or two.
Prints:  for each point the rows on a device, memory by kind, operations, the floor of the time and what sets it; with
         --measure the median of the measured step and the process's peak memory beside it. The plot has a panel for
         each field: memory and floor over it, relative to the base.
"""

import argparse
import functools
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import side_by_side
from ml_collections import ConfigDict

from dfrec_jax.config import config_files, defaults
from dfrec_jax.training import abstract_step, device_limits, will_it_fit

mpl.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

# Fields, and the values that each takes while the others stay at the base's.
SWEEPS = {
    "train.batch_size": (8, 16, 32, 64, 128),
    "image_size": (112, 160, 224, 320),
    "tirm.mask_ratio": (0.25, 0.5, 0.75, 0.9),
    "tirm.vit": ("ti", "s", "b", "l"),
    "devices": (1, 8, 64, 512),
}
BASE = {"train.batch_size": 32, "image_size": 224, "tirm.mask_ratio": 0.5, "tirm.vit": "l", "devices": 1}


class Point(NamedTuple):
    """One config of a sweep; with `devices` the batch grows along, so that each device keeps its rows."""

    field: str
    value: Any
    fit: will_it_fit.Fit
    floors: tuple[float, float, float]
    measured: tuple[float, int] | None  # seconds, bytes


def main() -> None:
    """Prints the table and draws the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="configs/megafs.py")
    parser.add_argument("--device", default="h100", choices=(*device_limits.DEVICES, device_limits.THIS_CPU))
    parser.add_argument("--batch", type=int, default=BASE["train.batch_size"], help="of the base")
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--out", type=Path, default=Path("growth.png"))
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    base = BASE | {"train.batch_size": arguments.batch}
    if arguments.point:
        field, value = arguments.point
        config, _ = changed(arguments.config, base, field, type(BASE[field])(value))
        side_by_side.serve(functools.partial(measured_step, config))
        return
    device = device_limits.device_of(arguments.device)
    points = []
    config, _ = changed(arguments.config, base, "devices", 1)
    of_base = will_it_fit.measured(config, 1)
    for field in arguments.sweeps:
        for value in SWEEPS[field]:
            config, devices = changed(arguments.config, base, field, value)
            fit = of_base if value == base[field] else fit_of(config, devices, of_base)
            measured = measure(field, value) if arguments.measure and devices == 1 else None
            points.append(Point(field, value, fit, will_it_fit.seconds_of(fit, device), measured))
            print(f"{field}={value}", file=sys.stderr)
    print(f"{arguments.config}, base {', '.join(f'{name}={value}' for name, value in base.items())}")
    print(f"floors of {arguments.device}{f'; {side_by_side.processor()}' if arguments.measure else ''}\n")
    print("\n".join(table(points, is_measured=arguments.measure)))
    plot(points, base, arguments.out)


def changed(path: str, base: dict[str, Any], field: str, value: Any) -> tuple[ConfigDict, int]:
    """The config with the base's fields and one other value; and the devices of it."""
    given = base | {field: value}
    devices = given.pop("devices")
    if field == "devices":
        given["train.batch_size"] *= devices
    config = config_files.config_of("--config", path)
    config.update_from_flattened_dict(given)
    return defaults.resolve(config), devices


def fit_of(config: ConfigDict, devices: int, of_base: will_it_fit.Fit) -> will_it_fit.Fit:
    """Of so many devices; with several, each does the base's work, and sends what it sends."""
    if devices == 1:
        return will_it_fit.measured(config, 1)
    rows, data = will_it_fit.rows_of(config, devices)
    memory, collectives = will_it_fit.at_rest(abstract_step.of_config(config), config, rows, data)
    in_step = {name: of_base.memory[name] for name in ("activations", "temporaries")}
    return will_it_fit.Fit(memory | in_step, collectives, of_base.cost, rows)


def table(points: list[Point], *, is_measured: bool) -> list[str]:
    """A line a point."""
    head = ["field", "value", "rows a device", "at rest, GiB", "in a step, GiB", "T operations", "GB moved", "MB sent"]
    head += ["arithmetic, ms", "memory, ms", "floor, ms", "images/s at most"]
    head += ["measured, ms", "process, GiB"] if is_measured else []
    lines = ["| " + " | ".join(head) + " |", "|---|---" + "|---:" * (len(head) - 2) + "|"]
    for point in points:
        fit, (arithmetic, memory, floor) = point.fit, point.floors
        devices = point.value if point.field == "devices" else 1
        cells = [point.field, point.value, fit.rows, f"{fit.arguments / 2**30:.2f}", f"{fit.temporaries / 2**30:.2f}"]
        cells += [f"{sum(fit.cost.products.values()) / 1e12:.2f}", f"{fit.cost.moved / 1e9:.1f}"]
        cells += [f"{sum(fit.collectives.values()) / 1e6:.0f}"]
        cells += [f"{1e3 * seconds:.1f}" for seconds in (arithmetic, memory, floor)]
        cells += [f"{fit.rows * devices / floor:,.0f}"]
        if is_measured:
            found = point.measured
            cells += [f"{1e3 * found[0]:.0f}", f"{found[1] / 2**30:.2f}"] if found else ["-", "-"]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return lines


def plot(points: list[Point], base: dict[str, Any], out: Path) -> None:
    """A panel for each field: memory and floor, 1 at the base; both axes doubling where the field is a number."""
    fields = list(dict.fromkeys(point.field for point in points))
    figure, panels = plt.subplots(1, len(fields), figsize=(3 * len(fields), 3), sharey=True, squeeze=False)
    for field, panel in zip(fields, panels[0], strict=True):
        own = [point for point in points if point.field == field]
        origin = next((point for point in own if point.value == base[field]), own[0])
        places = range(len(own))
        panel.plot(places, [p.floors[2] / origin.floors[2] for p in own], "o-", label="floor of the time")
        panel.plot(places, [p.fit.total / origin.fit.total for p in own], "s--", label="memory of a device")
        if origin.measured:
            panel.plot(places, [p.measured[0] / origin.measured[0] for p in own], "^:", label="measured time")
        panel.set_xticks(list(places), [str(point.value) for point in own])
        panel.set_xlabel(field)
        panel.set_yscale("log", base=2)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("relative to the base")
    panels[0][0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(out, dpi=150)
    print(f"\nplot: {out}", file=sys.stderr)


def measure(field: str, value: Any) -> tuple[float, int]:
    """Seconds of the median of three steps on this machine, and the most memory of the process."""
    command = [sys.executable, __file__, *sys.argv[1:], "--point", field, str(value)]
    timing = side_by_side.by_turns({"step": command}, 3)["step"]
    memory = timing.said.get("device_peak") or timing.said["host_peak"]
    return statistics.median(timing.seconds), memory


def measured_step(config: ConfigDict) -> tuple[Callable[[], float], dict[str, Any]]:
    """One step of `config` with random weights, compiled, as `benchmarks/train_step.py` runs it."""
    import train_step

    return train_step.our_step(config, steps=1)


if __name__ == "__main__":
    main()
