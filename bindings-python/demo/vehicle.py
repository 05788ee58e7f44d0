"""A vehicle gateway, as a program of its own: drives the recorded minute of highway once more, twenty times as fast.

python vehicle.py LOAD DISPATCH
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time

import gladhand
from gladhand.vehicle import Sensor

KINDS = ("lidar", "lidar", "lidar", "radar", "camera", "camera", "imu", "gnss")
STATUS = {1: "nominal", 2: "degraded", 3: "failed", 4: "offline", 5: "calibrating"}
MODES = {1: "manual", 2: "autonomous_ready", 3: "autonomous_enroute", 4: "minimal_risk_maneuver"}
RECORDS_A_SECOND, BURST = 200, 10


def main(load_id: str, dispatch_id: str) -> None:
    """Publishes every record of the minute, and says how many the collector confirmed."""
    with gzip.open(os.environ["GLADHAND_HIGHWAY_MINUTE"], "rt") as file:
        minute = [json.loads(line) for line in file]
    with gladhand.Gateway(os.environ["GLADHAND_GATEWAY_CONFIG"]) as gateway:
        for place, line in enumerate(minute):
            gateway.publish(
                vehicle_id=line["vehicleId"],
                load_id=load_id,
                dispatch_id=dispatch_id,
                capacity_id=line["capacityId"],
                observed_at=time.time_ns(),
                lat=line["latE7"] / 1e7,
                lon=line["lonE7"] / 1e7,
                altitude_m=line["altMm"] / 1e3,
                horizontal_accuracy_m=line["hAccMm"] / 1e3,
                speed_mps=line["speedMmps"] / 1e3,
                heading_deg=line["hdgCdeg"] / 1e2,
                acceleration_mps2=(line["axMmps2"] / 1e3, line["ayMmps2"] / 1e3),
                yaw_rate_degps=line["yawMdegps"] / 1e3,
                autonomy_mode=MODES[line["mode"]],
                autonomy_level="sae_4",
                sensors=[
                    Sensor(kind, STATUS[status], KINDS[:index].count(kind), f"{kind}-{KINDS[:index].count(kind)}")
                    for index, (kind, status) in enumerate(zip(KINDS, line["sensors"], strict=True))
                ],
            )
            if place == 0:
                gateway.flush()  # the stream is up
            elif place % BURST == 0:
                time.sleep(BURST / RECORDS_A_SECOND)
        sent = gateway.flush()
    print(f"{sent.acknowledged} of {sent.produced} records confirmed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
