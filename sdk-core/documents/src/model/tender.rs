//! Tender, decision, proof of delivery and invoice: contract 3f.

use super::capacity::{Money, Rate};
use super::field::{
    Any, Count, Flag, Id, Instant, Int, Latitude, List, Longitude, Phone, Quantum, Scac, Text, UnNumber, Version, Zone,
};
use super::{choice, entity, rules};

choice! {
    /// How fast a decision is wanted (contract 4d).
    TenderMode closed { Express "express", Standard "standard" }
    /// Role of a party (contract 3f).
    PartyRole open { BillTo "bill_to", Shipper "shipper", Consignee "consignee", Broker "broker", Carrier "carrier" }
    /// What happens at a stop (contract 3f).
    StopType closed { Pickup "pickup", Delivery "delivery", DropTrailer "drop_trailer", HookTrailer "hook_trailer", TransferHub "transfer_hub", Charge "charge", Inspect "inspect" }
    /// How binding an appointment is (contract 3f).
    AppointmentKind open { Window "window", Fixed "fixed", Open "open", Fcfs "fcfs" }
    /// Whether a driverless vehicle can enter (contract 3f).
    AutonomousAccess open { Yes "yes", No "no", Unsure "unknown" }
    /// The carrier's answer (contract 3f); an unknown one is never an acceptance.
    Outcome closed { Accepted "accepted", Rejected "rejected", Countered "countered" }
    /// Why a tender was refused (contract 3f).
    ReasonCode open { CapacityGone "capacity_gone", Equipment "equipment", Rate "rate", LeadTime "lead_time", Appointment "appointment", Weight "weight", Hazmat "hazmat", OddExitForecast "odd_exit_forecast", WeatherForecast "weather_forecast", InspectionWindow "inspection_window", ChargingWindow "charging_window", RouteNotEligible "route_not_eligible", TerminalClosed "terminal_closed", Credit "credit", Duplicate "duplicate", Other "other" }
    /// How much autonomy a load needs (contract 3f).
    AutonomousRequired open { Required "required", Preferred "preferred", Indifferent "indifferent" }
}

entity! {
    /// A load offered to a carrier (contract 3f; X12 204).
    LoadTender [rules::load_tender] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// JSON Pointers that the receiver must understand or refuse (contract 3a).
        must_understand "mustUnderstand": List<Text<256>, 0, 64>;
        /// Permanent; derived by the SDK from environment, tenant, carrier, load and attempt.
        tender_id "tenderId": Id<64> => required;
        /// From 1; a change is the next one.
        revision "revision": Int<1, 4_294_967_295> => required;
        /// The TMS's load.
        load_id "loadId": Id<64> => required;
        /// The capacity tendered against.
        capacity_id "capacityId": Text<128>;
        /// A hold on it.
        hold_id "holdId": Id<64>;
        /// Whether a decision is wanted at once.
        mode "mode": TenderMode => required;
        /// The carrier must decide by then; at least 60 s ahead.
        respond_by "respondBy": Instant => required;
        /// Not before then.
        pickup_not_before "pickupNotBefore": Instant;
        /// A synthetic tender (operations 6b.5); always in `mustUnderstand`.
        synthetic "synthetic": Flag;
        /// Who is involved; exactly one `bill_to`.
        parties "parties": List<Party, 1, 32> => required;
        /// First a pickup, last a delivery.
        stops "stops": List<Stop, 2, 50> => required;
        /// What is carried.
        commodities "commodities": List<Commodity, 1, 500> => required;
        /// Numbers of the parties.
        references "references": List<Reference, 1, 300> => required;
        /// What is offered for it.
        rate "rate": Rate => required;
        /// Vehicle and trailer.
        equipment_required "equipmentRequired": EquipmentRequired => required;
        /// Further wishes.
        requirements "requirements": Requirements;
        /// Extensions by namespace.
        ext "ext": Any;
    }

    /// A party (contract 3f; X12 N1 loop).
    Party {
        /// Role.
        role "role": PartyRole => required;
        /// Name.
        name "name": Text<200> => required;
        /// Standard Carrier Alpha Code.
        scac "scac": Scac;
        /// DUNS number.
        duns "duns": Text<13>;
        /// Postal address.
        address "address": Any;
        /// Contacts.
        contacts "contacts": List<Contact, 0, 16>;
    }

    /// A contact (contract 3f; X12 G61).
    Contact {
        /// Name.
        name "name": Text<200>;
        /// E.164.
        phone "phone": Phone;
        /// E-mail.
        email "email": Text<254>;
    }

    /// A stop (contract 3f; X12 S5 loop).
    Stop {
        /// The stop.
        stop_id "stopId": Id<64> => required;
        /// Contiguous from 1.
        sequence "sequence": Int<1, 50> => required;
        /// What happens there.
        r#type "type": StopType => required;
        /// Where.
        location "location": Location => required;
        /// When.
        appointment "appointment": Appointment => required;
        /// Contacts.
        contacts "contacts": List<Contact, 0, 16>;
        /// For the people there.
        instructions "instructions": Text<2000>;
        /// Minutes.
        dwell_min_expected "dwellMinExpected": Count;
        /// Whether a driverless vehicle can enter.
        autonomous_access "autonomousAccess": AutonomousAccess;
        /// References.
        refs "refs": List<Text<50>, 0, 50>;
    }

    /// Where a stop is (contract 3f).
    Location {
        /// Name.
        name "name": Text<200> => required;
        /// Postal address.
        address "address": Any => required;
        /// Degrees.
        lat "lat": Latitude;
        /// Degrees.
        lon "lon": Longitude;
        /// IANA time zone.
        time_zone "timeZone": Zone => required;
    }

    /// When a stop is (contract 3f; X12 G62).
    Appointment [rules::appointment] {
        /// How binding.
        kind "kind": AppointmentKind => required;
        /// First instant, with the offset of the zone.
        start "start": Instant => required;
        /// Last instant, with the offset of the zone.
        end "end": Instant => required;
        /// IANA time zone; the offsets must be its own.
        time_zone "timeZone": Zone => required;
        /// The facility's number.
        appt_number "apptNumber": Text<50>;
        /// requested or confirmed.
        status "status": Text<16>;
    }

    /// A weight, volume or length (contract 3a).
    Quantity {
        /// How much.
        value "value": Quantum => required;
        /// Unit: `lb`, `kg`, `ft3`, `m3`, `in`, `cm`.
        unit "unit": Text<8> => required;
    }

    /// A line of freight (contract 3f; X12 L5).
    Commodity {
        /// The line.
        line_id "lineId": Id<64> => required;
        /// What it is.
        description "description": Text<200> => required;
        /// Pieces.
        quantity "quantity": Int<1, 4_294_967_295> => required;
        /// Kind of piece, such as `PLT`.
        packaging "packaging": Text<32> => required;
        /// Weight of the whole line.
        weight "weight": Quantity => required;
        /// Volume of the whole line.
        volume "volume": Quantity;
        /// NMFC class.
        nmfc_class "nmfcClass": Text<8>;
        /// Harmonized System code.
        hs_code "hsCode": Text<16>;
        /// Value.
        value "value": Money;
        /// Whether it may be stacked.
        stackable "stackable": Flag;
        /// Temperatures; always in `mustUnderstand`.
        temp "temp": Temperature;
        /// Hazardous materials.
        hazmat "hazmat": Hazmat;
        /// Where it is picked up.
        pickup_stop_id "pickupStopId": Id<64> => required;
        /// Where it is delivered.
        delivery_stop_id "deliveryStopId": Id<64> => required;
    }

    /// Temperatures of the cargo (contract 3f).
    Temperature {
        /// Lowest.
        min "min": Quantum => required;
        /// Highest.
        max "max": Quantum => required;
        /// `F` or `C`.
        unit "unit": Text<1> => required;
        /// continuous or start_stop.
        mode "mode": Text<16>;
    }

    /// Shipping description of hazardous materials (contract 3f; 49 CFR 172).
    Hazmat {
        /// UN or NA number.
        un_number "unNumber": UnNumber => required;
        /// Proper shipping name.
        proper_shipping_name "properShippingName": Text<200> => required;
        /// Hazard class or division.
        hazard_class "hazardClass": Text<8> => required;
        /// Subsidiary hazards.
        subsidiary "subsidiary": List<Text<8>, 0, 8>;
        /// I, II or III.
        packing_group "packingGroup": Text<3>;
        /// Quantity with unit.
        quantity "quantity": Text<50> => required;
        /// Reportable quantity.
        reportable_qty "reportableQty": Flag;
        /// Limited quantity.
        limited_qty "limitedQty": Flag;
        /// Marine pollutant.
        marine_pollutant "marinePollutant": Flag;
        /// E.164.
        emergency_phone "emergencyPhone": Phone => required;
        /// Emergency response guide number.
        erg "erg": Text<8>;
    }

    /// A number of a party (contract 3f; X12 L11).
    Reference {
        /// BOL, PO, PRO, SO, PICKUP, CUSTOMER, SEAL or another.
        r#type "type": Text<32> => required;
        /// The number.
        value "value": Text<50> => required;
        /// `load`, or the stop it belongs to.
        scope "scope": Text<64>;
    }

    /// Vehicle and trailer that a load needs (contract 3f; X12 N7).
    EquipmentRequired {
        /// Trailer type, such as `van`.
        trailer_type "trailerType": Text<32> => required;
        /// Feet, at least.
        trailer_length_ft "trailerLengthFt": Int<1, 120>;
    }

    /// Further wishes of a load (contract 3f).
    Requirements {
        /// A team may drive manual legs.
        team_ok "teamOk": Flag;
        /// A human may take over.
        manual_fallback_allowed "manualFallbackAllowed": Flag;
        /// How much autonomy is needed.
        autonomous_required "autonomousRequired": AutonomousRequired;
    }

    /// The carrier's decision (contract 3f; X12 990).
    TenderDecision [rules::decision] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The revision decided on.
        revision "revision": Int<1, 4_294_967_295> => required;
        /// accepted, rejected or countered.
        outcome "outcome": Outcome => required;
        /// The instant of the carrier's commit.
        decided_at "decidedAt": Instant => required;
        /// Who decided.
        decided_by "decidedBy": DecidedBy => required;
        /// Required for a rejection.
        reason_code "reasonCode": ReasonCode;
        /// In words.
        reason_text "reasonText": Text<500>;
        /// What the carrier would do instead.
        counter "counter": Counter;
        /// The carrier's own number.
        carrier_load_ref "carrierLoadRef": Text<128>;
        /// Dispatch that is planned.
        dispatch_id_planned "dispatchIdPlanned": Text<128>;
        /// Conditions of an acceptance.
        conditions "conditions": List<Text<200>, 0, 32>;
    }

    /// Who decided (contract 3f).
    DecidedBy {
        /// `system` or `human`.
        kind "kind": Text<16> => required;
        /// Who.
        id "id": Text<128>;
    }

    /// What a carrier would do instead (contract 3f).
    Counter {
        /// The counter offer.
        counter_id "counterId": Id<64>;
        /// Whether the carrier guarantees it.
        firm "firm": Flag;
        /// Another price.
        rate "rate": Rate;
        /// Other appointments.
        appointments "appointments": Any;
        /// Another route.
        route "route": Any;
        /// Until when it holds.
        valid_until "validUntil": Instant => required;
    }

    /// A withdrawal of a tender (contract 4b, transition 11).
    TenderWithdrawal {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The withdrawal's own id.
        withdrawal_id "withdrawalId": Id<64> => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The load.
        load_id "loadId": Id<64> => required;
        /// Why.
        reason "reason": Text<500> => required;
    }

    /// The TMS's answer to a counter offer (contract 4b, rows 7 and 9).
    CounterAnswer {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The counter offer.
        counter_id "counterId": Id<64> => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// Why, for a refusal.
        reason "reason": Text<500>;
    }

    /// Asking to cancel after acceptance; the carrier may decline (contract 4b, row 16).
    TenderCancellation {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The cancellation's own id.
        cancellation_id "cancellationId": Id<64> => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The load.
        load_id "loadId": Id<64> => required;
        /// Why.
        reason "reason": Text<500> => required;
    }

    /// Proof of delivery (contract 3f).
    ProofOfDelivery {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The proof.
        pod_id "podId": Text<128> => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The stop.
        stop_id "stopId": Id<64> => required;
        /// When.
        delivered_at "deliveredAt": Instant => required;
        /// Who received; personal data.
        received_by "receivedBy": Text<200>;
        /// Papers, content-addressed.
        documents "documents": List<Any, 0, 64>;
        /// Piece counts.
        pieces "pieces": Pieces;
        /// Whether the seal was intact.
        seal_intact "sealIntact": Flag;
        /// Notes.
        notes "notes": Text<2000>;
    }

    /// Piece counts at delivery (contract 3f).
    Pieces {
        /// Tendered.
        ordered "ordered": Count => required;
        /// Received.
        received "received": Count => required;
        /// Damaged.
        damaged "damaged": Count;
        /// Missing.
        short "short": Count;
        /// Too many.
        over "over": Count;
    }

    /// An invoice (contract 3f; X12 210).
    Invoice {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The invoice.
        invoice_id "invoiceId": Text<128> => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// Lines.
        lines "lines": List<Any, 1, 500> => required;
        /// All of them.
        total "total": Money => required;
        /// The invoice that this one corrects.
        correction_of "correctionOf": Text<128>;
    }

}
