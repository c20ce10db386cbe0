"""Plain asyncio: tasks that wait for one another, and nothing is recorded."""

import asyncio
import sys
import time

from common import STAGES, report


async def nothing(before):
    if before is not None:
        await before


def chained(count):
    last = None
    for _ in range(count):
        last = asyncio.ensure_future(nothing(last))
    return last


async def main(case, count):
    begun = time.perf_counter()
    match case:
        case "chain":
            await chained(count)
        case "fan":
            await asyncio.gather(*(nothing(None) for _ in range(count)))
        case "many":
            await asyncio.gather(*(chained(STAGES) for _ in range(count)))
    report(case, count, time.perf_counter() - begun)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
