"""All hosts of a run come together before JAX is told of them: who is missing, or told otherwise, is named."""

import hashlib
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs.roll_call import SILENT_SECONDS, Line, Place, RollCall

JOIN_SECONDS = 600.0  # for all hosts to be there; a queue may start them minutes apart
_SAID_EVERY = 30.0
_BETWEEN_TRIES = 0.2
_HELLO_SECONDS = 5.0  # for whoever comes to say who it is


def muster(
    place: Place,
    work: str = "",
    *,
    join_seconds: float = JOIN_SECONDS,
    silent_seconds: float = SILENT_SECONDS,
) -> RollCall:
    """Waits until every host of the run is there.

    Args:
      place: of this host.
      work: what it was told to do, which all must have been told.
      join_seconds: how long it waits.
      silent_seconds: after which a host that says nothing counts as lost, later.

    Raises:
      ConfigError: where some are not there in time, two have one number, or not all were told the same.
    """
    deadline = time.monotonic() + join_seconds
    told = hashlib.sha256(work.encode()).hexdigest()
    hello = {"host": place.host, "num_hosts": place.num_hosts, "name": socket.gethostname(), "work": told}
    if place.host == 0:
        names, lines = _gathered(place, hello, deadline)
    else:
        names, lines = _reported(place, hello, deadline)
    return RollCall(place, names, lines, silent_seconds)


def _gathered(place: Place, hello: dict[str, Any], deadline: float) -> tuple[list[str], dict[int, Line]]:
    _, port = split_address(place.coordinator)
    lines: dict[int, Line] = {}
    names = {0: hello["name"]}
    try:
        listening = _listen(port)
    except OSError as error:
        raise ConfigError(
            f"--distributed: {place.coordinator} cannot be listened at by the first host ({error.strerror}): choose "
            "another port, or see which program has it"
        ) from error
    began = said = time.monotonic()
    with listening:
        while len(names) < place.num_hosts:
            missing = [host for host in range(place.num_hosts) if host not in names]
            waited = time.monotonic()
            if waited >= deadline:
                numbers = ", ".join(map(str, missing))
                _refuse(
                    lines,
                    f"--distributed: of {place.num_hosts} hosts {len(names)} came to {place.coordinator} in "
                    f"{waited - began:.0f} s; missing: {numbers}. Start them with the same command, or say how many "
                    "there are",
                )
            if waited - said >= _SAID_EVERY:
                said = waited
                print(f"waiting for hosts {', '.join(map(str, missing))} of {place.num_hosts}", file=sys.stderr)
            listening.settimeout(min(deadline - waited, _SAID_EVERY, 1.0))
            try:
                line = Line(listening.accept()[0])
            except OSError:  # nobody came
                continue
            line.socket.settimeout(_HELLO_SECONDS)
            told = line.receive()
            if not told or not _is_hello(told[0]):
                line.socket.close()  # a stranger at the port
                continue
            host, lines[place.num_hosts] = told[0]["host"], line
            if objection := _objection(told[0], hello, names):
                _refuse(lines, objection)
            lines[host], names[host] = lines.pop(place.num_hosts), told[0]["name"]
            for line in lines.values():  # whose own patience may end first
                line.send(missing=[host for host in range(place.num_hosts) if host not in names])
    in_order = [names[host] for host in range(place.num_hosts)]
    for line in lines.values():
        line.send(names=in_order)
    return in_order, lines


def _is_hello(words: dict[str, Any]) -> bool:
    kinds = {"host": int, "num_hosts": int, "name": str, "work": str}
    return all(isinstance(words.get(field), kind) for field, kind in kinds.items()) and words["host"] >= 0


def _objection(told: dict[str, Any], hello: dict[str, Any], names: Mapping[int, str]) -> str:
    """Why a host that came cannot be one of the run's; empty where it can."""
    who, num_hosts = f"host {told['host']} ({told['name']})", hello["num_hosts"]
    if told["num_hosts"] != num_hosts:
        return (
            f"--distributed: the first host was told of {num_hosts} hosts and {who} of {told['num_hosts']}; start all "
            "with the same --num_hosts"
        )
    if told["work"] != hello["work"]:
        return f"--distributed: {who} was told to do something else than the first one; start all with the same command"
    if told["host"] in names:
        return (
            f"--distributed: {names[told['host']]} and {told['name']} both say that they are host {told['host']} of "
            f"{num_hosts}; each needs a number of its own (--host)"
        )
    return ""


def _refuse(lines: Mapping[int, Line], words: str) -> None:
    for line in lines.values():
        line.send(refused=words)
        line.socket.close()
    raise ConfigError(words)


def _reported(place: Place, hello: dict[str, Any], deadline: float) -> tuple[list[str], dict[int, Line]]:
    address = split_address(place.coordinator)
    reason, began, said = "nothing listens there", time.monotonic(), time.monotonic()
    while (now := time.monotonic()) < deadline:
        if now - said >= _SAID_EVERY:
            said = now
            print(f"waiting for host 0 at {place.coordinator}: {reason}", file=sys.stderr)
        try:
            line = Line(socket.create_connection(address, timeout=min(deadline - now, 10.0)))
        except OSError as error:  # not up yet, or its name is not known yet
            reason = error.strerror or str(error)
            time.sleep(_BETWEEN_TRIES)
            continue
        line.send(**hello)
        line.socket.settimeout(1.0)
        waits_for = "others"
        while time.monotonic() < deadline:
            answers = line.receive()
            if answers is None:
                reason = "it hung up"
                break
            for answer in answers:
                if refused := answer.get("refused"):
                    line.socket.close()
                    raise ConfigError(refused)
                if "names" in answer:
                    return [str(name) for name in answer["names"]], {0: line}
                if isinstance(answer.get("missing"), list):
                    waits_for = f"hosts {', '.join(map(str, answer['missing']))}"
        else:
            reason = f"it runs, and still waits for {waits_for}"
        line.socket.close()
        time.sleep(_BETWEEN_TRIES)
    raise ConfigError(
        f"--distributed: host {place.host} waited {time.monotonic() - began:.0f} s for host 0 at {place.coordinator}: "
        f"{reason}. See that all of them run, and that the address can be reached from {hello['name']}"
    )


def split_address(coordinator: str) -> tuple[str, int]:
    """HOST:PORT in two; an IPv6 address stands in brackets.

    Raises:
      ConfigError: where it is no such thing.
    """
    name, _, port = coordinator.rpartition(":")
    is_in_brackets = name.startswith("[") and name.endswith("]")
    bare = name[1:-1] if is_in_brackets else name
    is_name = bare and not set(bare) & set("[]") and (is_in_brackets or ":" not in bare)
    if not is_name or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(
            f"--coordinator={coordinator}: must be HOST:PORT of the first host, with a port from 1 to 65535 that is "
            "free there, as node001:29400"
        )
    return bare, int(port)


def _listen(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))
