"""What queueing theory knows exactly, or nearly: the truth that the simulation is tested against.

Letters of the field: λ arrivals per second, 1/μ mean service time, c servers, offered load a = λ/μ in
erlang, ρ = a/c, c_s² squared coefficient of variation (variance / mean²) of the service time. Formulae:
L. Kleinrock, Queueing Systems I (1975); A. O. Allen, Probability, Statistics and Queueing Theory (1990).
"""

from __future__ import annotations

import math

from nanosieve.errors import SettingsError

__all__ = [
    "allen_cunneen",
    "erlang_b",
    "erlang_c",
    "live_fraction_poisson",
    "live_fraction_train",
    "md1_wait",
    "mg1_wait",
    "mmc_wait",
    "mmck_loss",
]


def _checked(what: str, value: float, low: float, below: float = math.inf) -> None:
    if not low <= value < below:
        upper = f" and below {below:g}" if below < math.inf else ""
        message = f"{what} = {value!r} is out of range; accepted: {low:g} or more{upper}"
        raise SettingsError(message)


def erlang_b(load: float, servers: int) -> float:
    """Fraction lost by `servers` without a queue: ``B_k = a B_{k-1} / (k + a B_{k-1})``, ``B_0 = 1``.

    It holds for every distribution of the service time (insensitivity), and for full front-end buffers.

    Args:
        load: offered, λ/μ in erlang.
        servers: at least 1.

    Raises:
        SettingsError: a negative load, or no server.

    >>> round(erlang_b(8, 10), 5), round(erlang_b(95, 100), 5)
    (0.12166, 0.0488)
    """
    _checked("offered load", load, 0)
    _checked("number of servers", servers, 1)
    lost = 1.0
    for k in range(1, servers + 1):
        lost = load * lost / (k + load * lost)
    return lost


def erlang_c(load: float, servers: int) -> float:
    """Probability that an arrival has to wait, M/M/c: ``C = B / (1 - ρ (1 - B))``.

    Raises:
        SettingsError: a negative load, no server, or a load of `servers` or more, which never settles.

    >>> round(erlang_c(9, 10), 5), round(erlang_c(97, 100), 5)
    (0.66873, 0.67671)
    """
    _checked("number of servers", servers, 1)
    _checked("offered load", load, 0, below=servers)
    lost = erlang_b(load, servers)
    return lost / (1 - load / servers * (1 - lost))


def mmc_wait(rate: float, service: float, servers: int) -> float:
    """Mean time in the queue in s, M/M/c: ``C / (c μ - λ)``.

    Args:
        rate: of arrivals in Hz.
        service: mean service time in s.
        servers: c.

    Raises:
        SettingsError: as `erlang_c`.

    >>> round(mmc_wait(9, 1, 10), 5), round(mmc_wait(97, 1, 100), 5)
    (0.66873, 0.22557)
    """
    _checked("service time", service, 0)
    waiting = erlang_c(rate * service, servers)
    return waiting * service / (servers - rate * service)


def mg1_wait(rate: float, service: float, variation: float) -> float:
    """Mean time in the queue in s, M/G/1 (Pollaczek-Khinchine): ``ρ (1 + c_s²) / (2 μ (1 - ρ))``.

    Args:
        rate: of arrivals in Hz.
        service: mean service time in s.
        variation: c_s², e.g. 1 for an exponential.

    Raises:
        SettingsError: a negative number, or a load of 1 or more.

    >>> round(mg1_wait(0.9, 1, 0.89648), 3)
    8.534
    """
    _checked("service time", service, 0)
    _checked("squared coefficient of variation", variation, 0)
    load = rate * service
    _checked("load", load, 0, below=1)
    return load * (1 + variation) * service / (2 * (1 - load))


def md1_wait(rate: float, service: float) -> float:
    """Mean time in the queue in s, M/D/1: ``ρ / (2 μ (1 - ρ))``.

    Raises:
        SettingsError: as `mg1_wait`.

    >>> round(md1_wait(0.9, 1), 9)
    4.5
    """
    return mg1_wait(rate, service, 0.0)


def allen_cunneen(
    rate: float, service: float, servers: int, service_variation: float, arrival_variation: float = 1.0
) -> float:
    """Mean time in the queue in s, G/G/c: about ``W_q(M/M/c) (c_a² + c_s²) / 2``, good to some 5 %.

    Args:
        rate: of arrivals in Hz.
        service: mean service time in s.
        servers: c.
        service_variation, arrival_variation: c_s² and c_a²; 1 for Poisson arrivals.

    Raises:
        SettingsError: as `erlang_c`, or a negative variation.

    >>> round(allen_cunneen(97, 1, 100, 0.89648), 4), round(allen_cunneen(97, 1, 100, 0), 4)
    (0.2139, 0.1128)
    """
    _checked("squared coefficient of variation", min(service_variation, arrival_variation), 0)
    return mmc_wait(rate, service, servers) * (arrival_variation + service_variation) / 2


def mmck_loss(load: float, servers: int, places: int) -> float:
    """Fraction lost by M/M/c/K, a finite buffer: the probability of `places` jobs in the system.

    Args:
        load: offered, λ/μ in erlang; it may exceed the servers.
        servers: c.
        places: K, servers included.

    Raises:
        SettingsError: a negative load, no server, or fewer places than servers.

    >>> round(mmck_loss(9, 10, 20), 5)
    0.02951
    """
    _checked("places", places, servers)
    lost = erlang_b(load, servers)
    for _ in range(places - servers):
        lost = load * lost / (servers + load * lost)
    return lost


def live_fraction_poisson(rate: float, dead_time: float) -> float:
    """Live fraction of a non-paralysable dead time behind Poisson arrivals: ``1 / (1 + R τ)``.

    Args:
        rate: of candidates in Hz.
        dead_time: behind each accept, in s.

    Raises:
        SettingsError: a negative number.

    >>> live_fraction_poisson(1e5, 1e-6)
    0.9090909090909091
    """
    _checked("rate", rate, 0)
    _checked("dead time", dead_time, 0)
    return 1 / (1 + rate * dead_time)


def live_fraction_train(probability: float, crossings: int) -> float:
    """Live fraction inside an endless train of filled crossings: ``1 / (1 + n p)``.

    Args:
        probability: of a candidate in a crossing, ``p = R / (n_b f_rev)``.
        crossings: vetoed behind each accept, n.

    Raises:
        SettingsError: a probability outside 0 … 1, or a negative number of crossings.

    >>> live_fraction_train(0.025, 4)
    0.9090909090909091
    """
    _checked("probability", probability, 0, below=math.nextafter(1, 2))
    _checked("crossings", crossings, 0)
    return 1 / (1 + crossings * probability)
