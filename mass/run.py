"""A run: plans the shards of an input, has an engine do them, keeps the ledger, and checks the output at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mass.ledger import Ledger
from mass.outcomes import Engine, Lost, Stopped
from mass.shards import Shard
from mass.tasks import Task
from s2s.cli.doubts import summary
from s2s.cli.progress_line import ProgressLine
from s2s.errors import Terminated, check, counted, warn

_NAMED = 10  # failures that are told one by one


@dataclass(frozen=True)
class Job:
    """What a command asks for.

    Attributes:
        source: the file or folder of the input
        output: the folder of the output
        settings: by what outputs differ, by their names
        shards: makes the shards, given the ledger's folder
        task: what is done with them, given the folder of shards in work
        engine: does them
    """

    source: Path
    output: Path
    settings: Mapping[str, str]
    shards: Callable[[Path], Iterable[Shard]]
    task: Callable[[Path], Task]
    engine: Engine


def run(job: Job) -> int:
    """Do a job, or what is left of it; return the exit code."""
    ledger = Ledger(job.output)
    _check_apart(job.source, job.output)
    ledger.check_output()
    with ledger.opened(job.settings) as begun:
        ledger.plan(job.shards(ledger.folder))
        task = job.task(ledger.unfinished)
        if begun:
            done, planned = ledger.done.shards, counted(ledger.planned.shards, "shard")
            print(f"{job.output}: {done:,} of {planned} were done before", file=sys.stderr)
        try:
            lost = _work(job.engine, task, ledger)
        except BaseException as error:
            _tell_interrupted(ledger, error)
            raise
        return _finish(ledger, task, lost)


def _check_apart(source: Path, output: Path) -> None:
    """Raise a UserError if the output lies in the input, or the other way round."""
    real, target = os.path.realpath(source), os.path.realpath(output)
    check(real != target, f"{output}: is the input; name another folder")
    inside = target.startswith(f"{real}{os.sep}")
    check(not inside, f"{output}: lies in the input {source}, which would change by it; name a folder outside")
    check(not real.startswith(f"{target}{os.sep}"), f"{output}: the input {source} lies in it; name another folder")


def _work(engine: Engine, task: Task, ledger: Ledger) -> list[Lost]:
    """Have the engine do what is left; return the shards that cannot be done."""
    progress = ProgressLine(f"{task.form.unit}s", ledger.planned.items)
    lost, told, before = list[Lost](), 0, ledger.done.items
    with closing(engine.run(task, ledger.pending(task.form))) as outcomes:  # type: ignore[type-var]
        for outcome in outcomes:
            if isinstance(outcome, Stopped):
                progress.clear()
                raise outcome.error
            if isinstance(outcome, Lost):
                lost.append(outcome)
                continue
            ledger.add(outcome)
            for problem in outcome.problems[: max(0, _NAMED - told)]:
                progress.clear()
                warn(_in_words(problem))
            told += len(outcome.problems)
            progress.show(ledger.done.items - before, ledger.done.failed)
    progress.clear()
    return lost


def _in_words(problem: Mapping[str, object]) -> str:
    place = "".join(f": {unit} {problem[unit]}" for unit in ("line", "row") if unit in problem)
    return f"{problem['file']}{place}: {problem['problem']}"


def _tell_interrupted(ledger: Ledger, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt | Terminated):
        done, planned = ledger.done.shards, counted(ledger.planned.shards, "shard")
        print(f"{done:,} of {planned} are done; the same command goes on from there", file=sys.stderr)


def _finish(ledger: Ledger, task: Task, lost: list[Lost]) -> int:
    """Check the output and tell what is in it; return the exit code."""
    done, unit = ledger.done, task.form.unit
    failed = ledger.failures()
    for each in lost:
        warn(f"shard {each.number:,}: {each.reason}")
    if lost:
        warn(
            f"{counted(len(lost), 'shard was', 'shards were')} not done, so {ledger.output} is not complete; the same "
            "command tries again"
        )
        return 1
    ledger.verify(task.form)
    print(
        f"{ledger.output}: {counted(done.items, unit)} in {counted(done.shards, 'shard')}, all there", file=sys.stderr
    )
    results = "captions" if task.captions else f"{unit}s"
    if done.long:
        print(f"{counted(done.long, f'{unit} was', f'{unit}s were')} longer than those of training", file=sys.stderr)
    if doubts := summary(done.doubtful, done.items - done.failed, results, ""):
        print(doubts, file=sys.stderr)
    if done.failed:
        warn(f"{counted(done.failed, unit)} failed; {failed} names each, with the reason")
    return 1 if done.failed else 0
