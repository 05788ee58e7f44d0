"""What a customer ordered, and the load that a carrier is tendered for it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from gladhand import models
from pydantic import AwareDatetime, BaseModel

TIME_TO_RESPOND = timedelta(hours=1)
"""How long a carrier may take to decide."""


class Dock(BaseModel):
    """Where and when freight changes hands."""

    name: str
    city: str
    lat: Decimal
    lon: Decimal
    time_zone: str
    """IANA, such as `America/Chicago`."""
    start: AwareDatetime
    end: AwareDatetime

    def stop(self, kind: Literal["pickup", "delivery"], sequence: int) -> models.Stop:
        """As a stop of the contract, in the dock's own time."""
        zone = ZoneInfo(self.time_zone)
        return models.Stop(
            stop_id=kind,
            sequence=sequence,
            type=kind,
            location=models.Location(
                name=self.name, address={"city": self.city}, lat=self.lat, lon=self.lon, time_zone=self.time_zone
            ),
            appointment=models.Appointment(
                kind="window",
                start=self.start.astimezone(zone),
                end=self.end.astimezone(zone),
                time_zone=self.time_zone,
            ),
        )


class Order(BaseModel):
    """One truckload, from one dock to another."""

    load_id: str
    customer: str
    shipper: str
    consignee: str
    purchase_order: str
    pickup: Dock
    delivery: Dock
    description: str
    pallets: int
    weight_lbs: int
    """Pounds of cargo."""
    trailer: str = "van"
    currency: str = "USD"
    amount: Decimal
    """What the carrier is offered."""

    def load(self) -> models.LoadTender:
        """The load of the contract. Tender id, revision and mode are the SDK's to fill in."""
        return models.LoadTender(
            load_id=self.load_id,
            respond_by=datetime.now(timezone.utc) + TIME_TO_RESPOND,
            parties=[
                models.Party(role="bill_to", name=self.customer),
                models.Party(role="shipper", name=self.shipper),
                models.Party(role="consignee", name=self.consignee),
            ],
            stops=[self.pickup.stop("pickup", 1), self.delivery.stop("delivery", 2)],
            commodities=[
                models.Commodity(
                    line_id="1",
                    description=self.description,
                    quantity=self.pallets,
                    packaging="PLT",
                    weight=models.Quantity(value=self.weight_lbs, unit="lb"),
                    pickup_stop_id="pickup",
                    delivery_stop_id="delivery",
                )
            ],
            references=[models.Reference(type="PO", value=self.purchase_order, scope="load")],
            rate=models.Rate(currency=self.currency, amount=self.amount),
            equipment_required=models.EquipmentRequired(trailer_type=self.trailer),
        )
