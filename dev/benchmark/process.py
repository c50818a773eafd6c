"""Servers in a process of their own, so that what they cost is not measured."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

CONTEXT = get_context("spawn")


@dataclass(frozen=True, slots=True)
class Served:
    """CEMMs that are being served."""

    hosts: list[str]
    """Host and port of each."""
    _pipe: Connection

    def requests(self) -> list[list[str]]:
        """Return for each CEMM the paths that were asked for since the last call."""
        self._pipe.send(None)
        paths: list[list[str]] = self._pipe.recv()
        return paths


@contextmanager
def served[*Ts](
    target: Callable[[Connection, *Ts], None], *args: *Ts
) -> Iterator[Served]:
    """Run `target`, which ends with `stay`, in another process."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(theirs, *args), daemon=True)
    process.start()
    try:
        yield Served(ours.recv(), ours)
    finally:
        process.terminate()
        process.join()


async def stay(
    pipe: Connection, hosts: Sequence[str], logs: Callable[[], list[list[str]]]
) -> None:
    """Tell the parent that `hosts` are served, and hand it `logs` whenever it asks.

    Ends with the parent, however that ends.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def answer() -> None:
        try:
            pipe.recv()
        except EOFError:
            loop.remove_reader(pipe.fileno())
            ended.set()
        else:
            pipe.send(logs())

    pipe.send(list(hosts))
    loop.add_reader(pipe.fileno(), answer)
    await ended.wait()
