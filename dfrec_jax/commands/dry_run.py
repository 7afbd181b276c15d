"""`train.py --dry_run`: whether a config fits into the memory of some devices, and which field to change where not."""

from ml_collections import ConfigDict

NOT_SAID = (
    "Counted on shapes for one device's rows, without compiling. Not in it: forging and augmentation on the device,",
    "the work space of libraries (cuDNN, cuBLAS, NCCL), fragmentation, validation, and what the driver takes.",
    "What is sent is reckoned at the speed of links inside a host; those between hosts are slower.",
    "A compiler fuses and orders otherwise on each kind of device. XLA's programs of two small configs for CPUs took",
    "within a tenth of what is counted with --device=cpu, on one device as on 512; none for a GPU was compared: leave",
    "room.",
)


def run(config: ConfigDict, num_devices: int, device_memory: str, device_name: str) -> bool:
    """Prints what a step takes; whether it fits.

    Args:
      config: of `configs/`.
      num_devices: of all hosts.
      device_memory: of each, as `80GiB`; empty: what the named device has.
      device_name: of `device_limits.DEVICES`, or cpu for the machine at hand.

    Raises:
      ConfigError: for a config that cannot be run, or a flag that is none of these.
    """
    from dfrec_jax.config import tasks
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.training import device_limits, will_it_fit

    if num_devices < 1:
        raise ConfigError(f"--devices={num_devices}: must be 1 or more")
    resolved = tasks.resolved(config)
    tasks.validate(resolved)
    device = device_limits.device_of(device_name)
    memory = will_it_fit.bytes_of(device_memory) if device_memory else device.memory
    fit = will_it_fit.measured(resolved, num_devices, is_cpu=device_name == device_limits.THIS_CPU)
    print("\n".join(lines_of(resolved, fit, num_devices, memory, device_name, device)))
    return fit.total <= memory


def lines_of(config: ConfigDict, fit, num_devices: int, memory: int, device_name: str, device) -> list[str]:
    """The report of a `will_it_fit.Fit`."""
    from dfrec_jax.training import will_it_fit

    lines = [
        f"{config.name}: a step of {config.train.batch_size} examples on {num_devices} devices, {fit.rows} on each"
    ]
    lines += ["", "memory of each device, GiB"]
    lines += [f"  {name:<18} {_gib(size)}" for name, size in fit.memory.items() if size]
    lines += [f"  {'all':<18} {_gib(fit.total)} of {memory / 2**30:.2f}"]
    operations = sum(fit.cost.products.values())
    lines += ["", f"work of each device: {operations / 1e12:.3f} T operations in products and convolutions,"]
    lines += [f"  {fit.cost.moved / 1e9:.2f} GB read and written"]
    lines += ["sent by each device, MB a step"] + [
        f"  {name:<26} {size / 1e6:.1f}" for name, size in (fit.collectives or {"nothing": 0}).items()
    ]
    arithmetic, moving, floor = will_it_fit.seconds_of(fit, device)
    lines += [
        f"floors of a step on {device_name}: arithmetic {1000 * arithmetic:.1f} ms, memory {1000 * moving:.1f} ms; one "
        f"after another, with what is sent, {1000 * floor:.1f} ms: at most "
        f"{_rate(config.train.batch_size / max(floor, 1e-12))} images/s",
        "",
    ]
    changes = will_it_fit.advice(config, fit, num_devices, memory)
    lines += ["it fits"] if not changes else ["it does not fit; change", *(f"  {change}" for change in changes)]
    return [*lines, "", *NOT_SAID]


def _gib(size: int) -> str:
    return f"{size / 2**30:8.3f}"


def _rate(value: float) -> str:
    """Images a second: three digits at least, since a CPU has less than one."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
