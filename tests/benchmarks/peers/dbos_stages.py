"""DBOS on SQLite: no-op steps, each recorded in its system database.

python dbos_stages.py chain|fan|many COUNT prints the steps, the seconds that they took once DBOS
was launched, and the peak memory of the process in MiB. `common` has what the scripts share.
"""

import asyncio
import sys
import tempfile
import time

from common import STAGES, report
from dbos import DBOS, DBOSConfig

DBOS(
    config=DBOSConfig(
        name="bench",
        system_database_url=f"sqlite:///{tempfile.mkdtemp()}/dbos.sqlite",
        run_admin_server=False,
        log_level="ERROR",
    )
)


@DBOS.step()
async def nothing():
    return None


@DBOS.workflow()
async def chain(count: int):
    for _ in range(count):
        await nothing()


@DBOS.workflow()
async def fan(count: int):
    await asyncio.gather(*(nothing() for _ in range(count)))


async def many(count: int):
    handles = [await DBOS.start_workflow_async(chain, STAGES) for _ in range(count)]
    for handle in handles:
        await handle.get_result()


async def main(case: str, count: int):
    DBOS.launch()
    begun = time.perf_counter()
    await {"chain": chain, "fan": fan, "many": many}[case](count)
    report(case, count, time.perf_counter() - begun)
    DBOS.destroy()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
