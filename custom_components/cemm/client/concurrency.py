"""Asking several questions at once."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def gather_or_raise[T](questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return all answers in order; the first question that fails ends the others."""
    questions = list(questions)
    if len(questions) == 1:  # most often: a task of its own would be half the work
        return [await questions[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(question) for question in questions]
    except ExceptionGroup as errors:
        error = errors.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise error
