"""The TMS, killed at the worst instant: it has committed an event of the type that `TMS_KILLED_AT` names, and has not
acknowledged it. Runs `uvicorn` with the arguments it is given."""

from __future__ import annotations

import os
import signal

import gladhand.aio
import uvicorn

acknowledge = gladhand.aio.Delivery.ack


async def ack(self: gladhand.aio.Delivery) -> None:
    """Dies instead, at that type."""
    if self.type == os.environ["TMS_KILLED_AT"]:
        os.kill(os.getpid(), signal.SIGKILL)
    await acknowledge(self)


gladhand.aio.Delivery.ack = ack  # type: ignore[method-assign]

if __name__ == "__main__":
    uvicorn.main()
