"""Learning-rate schedules: their shapes, and that the plateau schedule resumes exactly."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from s2s.training.configuration import ScheduleConfig
from s2s.training.schedule import Schedule


def shares(config: ScheduleConfig, total: int = 1000) -> list[float]:
    schedule = Schedule(config, total)
    return [schedule.share(step) for step in range(total)]


@pytest.mark.parametrize("name", ["constant", "cosine", "inverse_sqrt", "plateau"])
def test_every_schedule_warms_up_from_almost_nothing_and_never_passes_its_peak(name: str) -> None:
    warm = shares(ScheduleConfig(name=name, warmup_steps=100))  # type: ignore[arg-type]
    cold = shares(ScheduleConfig(name=name, warmup_steps=0))  # type: ignore[arg-type]
    assert warm[0] == pytest.approx(0.01)
    assert all(before < after for before, after in pairwise(warm[:90]))
    assert max(warm) <= 1
    assert cold[0] == 1


def test_a_constant_stays() -> None:
    assert set(shares(ScheduleConfig(name="constant", warmup_steps=100))[100:]) == {1.0}


def test_a_cosine_falls_to_nothing_through_a_half() -> None:
    found = shares(ScheduleConfig(name="cosine", warmup_steps=0))
    assert found[500] == pytest.approx(0.5)
    assert found[250] == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert found[-1] == pytest.approx(0, abs=1e-5)
    assert found == sorted(found, reverse=True)


def test_a_cosine_begins_where_the_warm_up_ends() -> None:
    found = shares(ScheduleConfig(name="cosine", warmup_steps=400))
    assert found[399] == found[400] == 1
    assert found[700] == pytest.approx(0.5)
    assert found[-1] == pytest.approx(0, abs=1e-5)


def test_an_inverse_square_root_halves_in_four_times_the_warm_up() -> None:
    found = shares(ScheduleConfig(name="inverse_sqrt", warmup_steps=100))
    assert found[99] == 1
    assert found[399] == pytest.approx(0.5)
    assert found[899] == pytest.approx(1 / 3)
    assert found[99:] == sorted(found[99:], reverse=True)


def test_a_plateau_falls_after_so_many_stale_validations() -> None:
    schedule = Schedule(ScheduleConfig(name="plateau", warmup_steps=0, factor=0.5, patience=2), 1000)
    found = []
    for fresh in (True, False, True, False, False, False, True, False, False):
        schedule.observe(fresh)
        found.append(schedule.share(7))
    assert found == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_a_plateau_goes_on_after_a_stop_where_it_was() -> None:
    config = ScheduleConfig(name="plateau", patience=2)
    whole, stopped, resumed = (Schedule(config, 1000) for _ in range(3))
    history = [True, False, False, False]
    for fresh in history:
        stopped.observe(fresh)
    resumed.restore(stopped.record())
    for fresh in history:
        whole.observe(fresh)
    whole.observe(False)
    resumed.observe(False)
    assert resumed.share(500) == whole.share(500) == 0.25


def test_nothing_falls_below_its_floor() -> None:
    assert shares(ScheduleConfig(name="cosine", warmup_steps=0, floor=0.1))[-1] == pytest.approx(0.1, abs=1e-5)
    assert Schedule(ScheduleConfig(name="cosine", warmup_steps=0), 10).share(25) == 0  # epochs were lowered on resuming
