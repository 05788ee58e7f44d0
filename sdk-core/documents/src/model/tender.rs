//! Tender, decision, proof of delivery and invoice: contract 3f.

use super::capacity::{Money, Rate, RouteSegment};
use super::field::{
    Any, Count, Counter as Bytes, Digest, Flag, HazardClass, HsCode, Id, Instant, Int, Latitude, List, Longitude,
    Opaque, Phone, Pointer, Quantum, Scac, Signed, Text, UnNumber, Version, Zone,
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
    /// Whether an appointment is fixed (contract 3f).
    AppointmentStatus open { Requested "requested", Confirmed "confirmed" }
    /// Unit of a length (contract 3f); an unknown one could not be compared, so it is refused.
    LengthUnit closed { In "in", Cm "cm" }
    /// Unit of a temperature (contract 3f); an unknown one could not be kept, so it is refused.
    TemperatureUnit closed { F "F", C "C" }
    /// How a temperature is kept (contract 3f).
    TemperatureMode open { Continuous "continuous", StartStop "start_stop" }
    /// Packing group of 49 CFR 172.101 (contract 3f).
    PackingGroup closed { I "I", Ii "II", Iii "III" }
    /// Kind of a number (contract 3f; X12 128).
    ReferenceType open { Bol "BOL", Po "PO", Pro "PRO", So "SO", Pickup "PICKUP", Customer "CUSTOMER", Seal "SEAL" }
    /// Who decided (contract 3f).
    DeciderKind open { System "system", Human "human" }
    /// Kind of a paper (contract 3f).
    PaperType open { Pod "POD", Bol "BOL", Lumper "LUMPER", Photo "PHOTO", Seal "SEAL" }
    /// What is wrong with delivered freight (contract 3f).
    OsdKind open { Over "over", Short "short", Damaged "damaged" }
    /// How much autonomy a load needs (contract 3f).
    AutonomousRequired open { Required "required", Preferred "preferred", Indifferent "indifferent" }
}

entity! {
    /// A load offered to a carrier (contract 3f; X12 204).
    LoadTender [rules::tender::load_tender] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// JSON Pointers that the receiver must understand or refuse (contract 3a).
        must_understand "mustUnderstand": List<Pointer, 0, 64>;
        /// Permanent; derived by the SDK from environment, tenant, carrier, load and attempt.
        tender_id "tenderId": Id<64> => required;
        /// From 1; a change is the next one.
        revision "revision": Int<1, 4_294_967_295> => required;
        /// The TMS's load.
        load_id "loadId": Id<64> => required;
        /// The capacity tendered against.
        capacity_id "capacityId": Opaque;
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
    Location [rules::location] {
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
    Appointment [rules::tender::appointment] {
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
        /// Whether it is fixed.
        status "status": AppointmentStatus;
    }

    /// A weight or a volume (contract 3a).
    Quantity {
        /// How much.
        value "value": Quantum => required;
        /// Unit: `lb`, `kg`, `ft3`, `m3`.
        unit "unit": Text<8> => required;
    }

    /// A line of freight (contract 3f; X12 L5).
    Commodity [rules::tender::commodity] {
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
        /// Length, width and height of one piece.
        dims "dims": Dimensions;
        /// NMFC class.
        nmfc_class "nmfcClass": Text<8>;
        /// Harmonized System code.
        hs_code "hsCode": HsCode;
        /// Value.
        value "value": Money;
        /// Whether it may be stacked.
        stackable "stackable": Flag;
        /// Temperatures.
        temp "temp": Temperature;
        /// Hazardous materials.
        hazmat "hazmat": Hazmat;
        /// Where it is picked up.
        pickup_stop_id "pickupStopId": Id<64> => required;
        /// Where it is delivered.
        delivery_stop_id "deliveryStopId": Id<64> => required;
    }

    /// Size of one piece (contract 3f).
    Dimensions {
        /// How long.
        length "length": Quantum => required;
        /// How wide.
        width "width": Quantum => required;
        /// How high.
        height "height": Quantum => required;
        /// Unit: `in` or `cm`.
        unit "unit": LengthUnit => required;
    }

    /// Temperatures of the cargo (contract 3f).
    Temperature [rules::tender::temperature] {
        /// Lowest.
        min "min": Signed => required;
        /// Highest.
        max "max": Signed => required;
        /// Unit.
        unit "unit": TemperatureUnit => required;
        /// How it is kept.
        mode "mode": TemperatureMode;
    }

    /// Shipping description of hazardous materials (contract 3f; 49 CFR 172).
    Hazmat {
        /// UN or NA number.
        un_number "unNumber": UnNumber => required;
        /// Proper shipping name.
        proper_shipping_name "properShippingName": Text<200> => required;
        /// Hazard class or division.
        hazard_class "hazardClass": HazardClass => required;
        /// Subsidiary hazards.
        subsidiary "subsidiary": List<HazardClass, 0, 8>;
        /// Packing group.
        packing_group "packingGroup": PackingGroup;
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
        /// What kind of number.
        r#type "type": ReferenceType => required;
        /// The number.
        value "value": Text<50> => required;
        /// `load`, or the stop it belongs to; `load` by default.
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
        /// Semantic version of the contract; required where the decision is a document of its own.
        schema_version "schemaVersion": Version;
        /// JSON Pointers that the receiver must understand, or take the decision for a no (contract 3a).
        must_understand "mustUnderstand": List<Pointer, 0, 64>;
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
        /// A program or a person.
        kind "kind": DeciderKind => required;
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
        appointments "appointments": List<CounterAppointment, 0, 50>;
        /// Another route.
        route "route": List<RouteSegment, 1, 50>;
        /// Until when it holds.
        valid_until "validUntil": Instant => required;
    }

    /// An appointment that a carrier proposes instead (contract 3f).
    CounterAppointment {
        /// The stop.
        stop_id "stopId": Id<64> => required;
        /// When the carrier would be there.
        appointment "appointment": Appointment => required;
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
        pod_id "podId": Opaque => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The stop.
        stop_id "stopId": Id<64> => required;
        /// When.
        delivered_at "deliveredAt": Instant => required;
        /// Who received; personal data.
        received_by "receivedBy": Text<200>;
        /// Signature, by reference to a paper or as a data URI.
        signature "signature": Text<65_536>;
        /// Papers, content-addressed.
        documents "documents": List<DeliveryPaper, 0, 64>;
        /// Piece counts.
        pieces "pieces": Pieces;
        /// What was over, short or damaged.
        osd "osd": List<OsdItem, 0, 500>;
        /// Whether the seal was intact.
        seal_intact "sealIntact": Flag;
        /// Notes.
        notes "notes": Text<2000>;
    }

    /// A paper, addressed by its content (contract 3f).
    DeliveryPaper {
        /// What it is.
        r#type "type": PaperType => required;
        /// Where it can be read.
        uri "uri": Text<2048> => required;
        /// SHA-256 of its bytes.
        sha256 "sha256": Digest => required;
        /// Media type.
        mime "mime": Text<128> => required;
        /// How many bytes.
        bytes "bytes": Bytes => required;
    }

    /// Freight that was over, short or damaged (contract 3f).
    OsdItem {
        /// The line of freight.
        line_id "lineId": Id<64> => required;
        /// What is wrong.
        kind "kind": OsdKind => required;
        /// Pieces.
        pieces "pieces": Count => required;
        /// In words.
        notes "notes": Text<500>;
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
    Invoice [rules::money::invoice] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The invoice.
        invoice_id "invoiceId": Opaque => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// Lines.
        lines "lines": List<InvoiceLine, 1, 500> => required;
        /// All of them.
        total "total": Money => required;
        /// Currency of every line; that of the total where it is absent.
        currency "currency": super::field::Currency;
        /// The invoice that this one corrects.
        correction_of "correctionOf": Opaque;
    }

    /// A line of an invoice (contract 3f; X12 L1).
    InvoiceLine {
        /// What it is for: `LINEHAUL`, or the code of an accessorial.
        code "code": Text<32> => required;
        /// In words.
        description "description": Text<200>;
        /// Money.
        amount "amount": Money => required;
    }

    /// The papers of a tender (contract 4.0).
    DocumentList {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// What can be read.
        documents "documents": List<DocumentEntry, 0, 1000> => required;
    }

    /// One paper that can be read (contract 4.0).
    DocumentEntry {
        /// Its id.
        doc_id "docId": Opaque => required;
        /// `POD` or `INVOICE`; open.
        r#type "type": Text<32> => required;
        /// Media type.
        mime "mime": Text<128> => required;
        /// SHA-256 of its bytes.
        sha256 "sha256": Digest => required;
        /// How many bytes.
        bytes "bytes": Bytes => required;
        /// Since when.
        filed_at "filedAt": Instant => required;
    }
}
