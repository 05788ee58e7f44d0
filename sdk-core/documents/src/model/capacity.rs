//! Capacity, route, constraints and rate: contract 3b to 3e.

use super::field::{
    Amount, Any, Count, Currency, Dec, Flag, HazardClass, Id, Instant, Int, Latitude, List, LocalTime, Longitude,
    Opaque, Pointer, Quantum, Scac, Signed, Text, UnitPrice, Version, Zone,
};
use super::{choice, entity, rules};

choice! {
    /// The J3016 level the driving system was designed for (contract 3b). Fractional levels do not exist.
    AutonomyLevel closed { L0 "L0", L1 "L1", L2 "L2", L3 "L3", L4 "L4", L5 "L5", Sae0 "SAE_0", Sae1 "SAE_1", Sae2 "SAE_2", Sae3 "SAE_3", Sae4 "SAE_4", Sae5 "SAE_5" }
    /// Who drives a segment (contract 3c).
    DriveMode open { Autonomous "autonomous", Supervised "supervised", Manual "manual" }
    /// What a weight limit counts (contract 3d).
    WeightBasis open { GrossVehicle "gross_vehicle", Cargo "cargo" }
    /// Who is aboard (contract 3b).
    HumanOnBoard open { None "none", SafetyOperator "safety_operator", Observer "observer" }
    /// What remote assistance may do (contract 3b).
    Teleassist open { None "none", Advisory "advisory" }
    /// What the carrier brings (contract 3b).
    EquipmentProvides open { TractorOnly "tractor_only", TractorAndTrailer "tractor_and_trailer" }
    /// Whether an offer can still be tendered against (contract 3b); unknown means no.
    CapacityStatus open { Available "available", Held "held", Committed "committed", Withdrawn "withdrawn", Expired "expired" }
    /// Why a detour may be taken (contract 3c).
    DetourReason open { Weather "weather", Closure "closure", Incident "incident", Charging "charging", Inspection "inspection" }
    /// A day of the week (contract 3d); an unknown one could not be kept, so it is refused.
    Weekday closed { Mon "mon", Tue "tue", Wed "wed", Thu "thu", Fri "fri", Sat "sat", Sun "sun" }
    /// Why a vehicle is out of service (contract 3d).
    MaintenanceKind open { Planned "planned", Calibration "calibration", Inspection "inspection" }
    /// Who drives the manual legs (contract 3d).
    ManualLegBy open { Carrier "carrier", Shipper "shipper", ThirdParty "third_party" }
    /// What an amount is counted by (contract 3e).
    RateBasis open { Flat "flat", PerMile "per_mile", PerHour "per_hour" }
    /// How fuel is charged (contract 3e).
    FuelMethod open { Included "included", Percent "percent", PerMile "per_mile", Table "table" }
    /// A charge beside the line haul (contract 3e).
    AccessorialCode open { Fuel "FUEL", Detention "DETENTION", Layover "LAYOVER", StopOff "STOP_OFF", Lumper "LUMPER", Tonu "TONU", Redelivery "REDELIVERY", Tarp "TARP", TempControl "TEMP_CONTROL", Escort "ESCORT", Charging "CHARGING", ManualTakeover "MANUAL_TAKEOVER", Other "OTHER" }
}

entity! {
    /// Capacity that a carrier offers for a time window (contract 3b).
    CapacityOffer [rules::capacity::offer] {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// JSON Pointers that the receiver must understand or refuse (contract 3a).
        must_understand "mustUnderstand": List<Pointer, 0, 64>;
        /// Unique at the carrier forever, never reused.
        capacity_id "capacityId": Opaque => required;
        /// Rises by one with each change; a lower one is ignored.
        capacity_revision "capacityRevision": Count;
        /// The carrier; from the session if absent.
        carrier "carrier": Carrier;
        /// Kind of vehicle, such as `tractor-std`; open.
        vehicle_type "vehicleType": Text<64> => required;
        /// J3016 level that the driving system was designed for.
        autonomy_level "autonomyLevel": AutonomyLevel => required;
        /// Operational design domain and supervision.
        autonomy "autonomy": Autonomy;
        /// When the vehicle is available, at most 30 days.
        available_window "availableWindow": Window => required;
        /// Until when the offer may be tendered against; the window's end by default.
        offer_valid_until "offerValidUntil": Instant;
        /// Where it can go, segment by segment.
        route "route": List<RouteSegment, 1, 50> => required;
        /// What it can carry, and when.
        constraints "constraints": OperationalConstraints => required;
        /// What it costs.
        rate "rate": Rate => required;
        /// Trailer and hitch.
        equipment "equipment": Equipment;
        /// Slots, for pooled capacity; 1 by default.
        quantity "quantity": Int<1, 4_294_967_295>;
        /// A hold that somebody placed.
        hold "hold": CapacityHold;
        /// Whether it can still be tendered against; `available` by default.
        status "status": CapacityStatus;
        /// Issued for synthetic transactions only (operations 6b.5).
        synthetic "synthetic": Flag;
        /// Extensions by namespace.
        ext "ext": Any;
    }

    /// A carrier (contract 3b).
    Carrier {
        /// Standard Carrier Alpha Code.
        scac "scac": Scac;
        /// US DOT number.
        usdot "usdot": Text<16>;
        /// Name.
        name "name": Text<200>;
    }

    /// A span of time, start before end (contract 3b).
    Window [rules::window] {
        /// First instant.
        start "start": Instant => required;
        /// Last instant.
        end "end": Instant => required;
    }

    /// How far a vehicle drives by itself today (contract 3b).
    Autonomy {
        /// Operational design domain.
        odd_id "oddId": Text<128>;
        /// Its version.
        odd_version "oddVersion": Text<64>;
        /// Version of the driving system.
        ads_version "adsVersion": Text<64>;
        /// True with L4 means not driverless today.
        supervised "supervised": Flag;
        /// Who is aboard.
        human_on_board "humanOnBoard": HumanOnBoard;
        /// What remote assistance may do.
        teleassist "teleassist": Teleassist;
    }

    /// Trailer and hitch (contract 3b).
    Equipment {
        /// Tractor only, or with a trailer.
        provides "provides": EquipmentProvides;
        /// Trailer types such as `van`, `reefer`, `flatbed`, `container`.
        trailer_types "trailerTypes": List<Text<32>, 0, 16>;
        /// Length of the trailer in feet.
        trailer_length_ft "trailerLengthFt": Int<1, 120>;
        /// Kind of hitch.
        hitch "hitch": Text<32>;
        /// Air suspension.
        air_suspension "airSuspension": Flag;
        /// Temperatures that a reefer can hold.
        reefer_setpoint_range "reeferSetpointRange": SetpointRange;
        /// Charging plugs.
        plug_types "plugTypes": List<Text<32>, 0, 16>;
    }

    /// Temperatures that a reefer can hold (contract 3b).
    SetpointRange [rules::capacity::setpoints] {
        /// Lowest.
        min "min": Signed => required;
        /// Highest.
        max "max": Signed => required;
        /// `F` or `C`.
        unit "unit": super::tender::TemperatureUnit => required;
    }

    /// A timed hold on capacity (contract 3b).
    CapacityHold {
        /// The hold.
        hold_id "holdId": Id<64> => required;
        /// Until when.
        held_until "heldUntil": Instant => required;
        /// By whom.
        by "by": Text<128>;
    }

    /// A point or place (contract 3c).
    Place [rules::coordinate] {
        /// Degrees, WGS 84, north positive.
        lat "lat": Latitude => required;
        /// Degrees, WGS 84, east positive.
        lon "lon": Longitude => required;
        /// Name.
        name "name": Text<200>;
        /// The partner's location id.
        location_id "locationId": Text<128>;
        /// The carrier's terminal id.
        terminal_id "terminalId": Text<128>;
        /// Postal address.
        address "address": Any;
    }

    /// One leg of a route (contract 3c).
    RouteSegment {
        /// Where it starts.
        from "from": Place => required;
        /// Where it ends.
        to "to": Place => required;
        /// The segment.
        segment_id "segmentId": Id<64>;
        /// Position, contiguous from 1.
        sequence "sequence": Int<1, 65_535>;
        /// Who drives; `autonomous` by default.
        drive_mode "driveMode": DriveMode;
        /// Mandatory points in order.
        via "via": List<Place, 0, 64>;
        /// Corridor outside which `corridor_left` is raised.
        corridor "corridor": Corridor;
        /// Absent is unspecified; empty means none permitted.
        permitted_detours "permittedDetours": List<PermittedDetour, 0, 32>;
        /// Statute miles.
        planned_distance_mi "plannedDistanceMi": Quantum;
        /// Minutes.
        planned_duration_min "plannedDurationMin": Count;
        /// The partner's lane id.
        lane_id "laneId": Text<128>;
        /// Jurisdictions on the way.
        state_line "stateLine": List<Text<16>, 0, 64>;
        /// Permits a gap to the next segment.
        gap_allowed "gapAllowed": Flag;
    }

    /// How far a vehicle may be off its line (contract 3c): one line, as either of the two.
    Corridor [rules::capacity::corridor] {
        /// The line as a polyline of five decimals.
        polyline5 "polyline5": Text<65_536>;
        /// The line as a GeoJSON LineString (RFC 7946).
        geo_json "geoJson": Any;
        /// Metres to either side.
        tolerance_m "toleranceM": Int<10, 50_000> => required;
    }

    /// A detour that needs no new tender (contract 3c).
    PermittedDetour [rules::capacity::detour] {
        /// The detour.
        detour_id "detourId": Id<64> => required;
        /// Why it may be taken.
        reason "reason": List<DetourReason, 1, 16> => required;
        /// Statute miles.
        max_extra_mi "maxExtraMi": Quantum => required;
        /// Minutes.
        max_extra_min "maxExtraMin": Count => required;
        /// Where, as a GeoJSON Polygon (RFC 7946).
        area "area": Any;
        /// Terminals on the way.
        via_terminals "viaTerminals": List<Text<128>, 0, 16>;
        /// Whether the TMS must approve it first.
        needs_approval "needsApproval": Flag => required;
    }

    /// What a vehicle can carry, and when (contract 3d).
    OperationalConstraints [rules::capacity::constraints] {
        /// Pounds; what it counts is `weightBasis`.
        max_weight_lbs "maxWeightLbs": Int<1, 200_000> => required;
        /// Whether hazardous materials are permitted at all.
        hazmat "hazmat": Flag => required;
        /// `gross_vehicle` by default.
        weight_basis "weightBasis": WeightBasis;
        /// Pounds of cargo.
        max_cargo_weight_lbs "maxCargoWeightLbs": Int<1, 200_000>;
        /// Pounds of the empty vehicle.
        tare_weight_lbs "tareWeightLbs": Int<1, 200_000>;
        /// Hazard classes, only where hazmat is permitted.
        hazmat_classes "hazmatClasses": List<HazardClass, 0, 32>;
        /// When it drives; absent is all day.
        hours_of_operation "hoursOfOperation": List<HoursOfOperation, 0, 56>;
        /// When it charges.
        charging_windows "chargingWindows": List<ChargingWindow, 0, 64>;
        /// When it is in maintenance.
        maintenance_windows "maintenanceWindows": List<MaintenanceWindow, 0, 64>;
        /// Its roadside inspection.
        inspection "inspection": Inspection;
        /// What it must not carry.
        cargo_restrictions "cargoRestrictions": CargoRestrictions;
        /// Weather limits of the design domain; informative.
        weather "weather": WeatherLimits;
        /// Minutes between tender and pickup.
        min_lead_time_min "minLeadTimeMin": Count;
        /// Last instant to tender.
        cutoff "cutoff": Instant;
        /// Terminals and manual legs.
        handoff "handoff": Handoff;
    }

    /// Hours at which a segment is driven (contract 3d); an end before the start crosses midnight.
    HoursOfOperation {
        /// Days on which it starts.
        days "days": List<Weekday, 1, 7> => required;
        /// Local time of day.
        start_local "startLocal": LocalTime => required;
        /// Local time of day; equal to the start means 24 hours.
        end_local "endLocal": LocalTime => required;
        /// IANA time zone.
        time_zone "timeZone": Zone => required;
        /// One segment only.
        applies_to "appliesTo": Id<64>;
    }

    /// When an electric vehicle charges (contract 3d).
    ChargingWindow [rules::capacity::charging] {
        /// Where.
        location_id "locationId": Opaque => required;
        /// When.
        window "window": Window => required;
        /// Minutes that it takes, at least.
        min_minutes "minMinutes": Count => required;
        /// Kilowatt hours.
        min_kwh "minKwh": Quantum;
        /// Whether the vehicle must.
        mandatory "mandatory": Flag => required;
    }

    /// When a vehicle is out of service (contract 3d).
    MaintenanceWindow {
        /// When.
        window "window": Window => required;
        /// Why.
        kind "kind": MaintenanceKind => required;
        /// Whether the vehicle must.
        mandatory "mandatory": Flag => required;
    }

    /// Validity of the roadside inspection (contract 3d).
    Inspection [rules::capacity::inspection] {
        /// `CVSA_ECMV`.
        scheme "scheme": Text<32> => required;
        /// When it was passed.
        last_passed_at "lastPassedAt": Instant => required;
        /// When it lapses; a dispatch after it is `inspection_expired`.
        valid_until "validUntil": Instant => required;
        /// Hours between inspections; 24 by default.
        interval_h "intervalH": Int<1, 65_535>;
    }

    /// What a vehicle must not carry (contract 3d).
    CargoRestrictions {
        /// Only these.
        allowed_commodities "allowedCommodities": List<Text<64>, 0, 256>;
        /// Never these.
        forbidden "forbidden": List<Text<64>, 0, 256>;
        /// Highest value of the cargo.
        max_value "maxValue": Money;
        /// Temperature control is possible.
        temp_control "tempControl": Flag;
        /// Liquid bulk is permitted; surge makes no the default.
        liquid_bulk "liquidBulk": Flag;
        /// Livestock is permitted; no is the default.
        livestock "livestock": Flag;
        /// High-value cargo is permitted.
        high_value "highValue": Flag;
        /// The equipment is fit for food.
        food_grade "foodGrade": Flag;
        /// Manual legs are driven by a team.
        team_required "teamRequired": Flag;
    }

    /// Weather limits of the operational design domain (contract 3d); informative, the carrier decides on the day.
    WeatherLimits {
        /// Miles per hour.
        max_wind_mph "maxWindMph": Quantum;
        /// Statute miles.
        min_visibility_mi "minVisibilityMi": Quantum;
        /// Neither snow nor ice.
        no_snow_ice "noSnowIce": Flag;
        /// Inches of rain in an hour.
        max_precip_in_per_h "maxPrecipInPerH": Quantum;
    }

    /// Terminals at which manual and autonomous legs meet (contract 3d).
    Handoff {
        /// The carrier's terminal near the origin.
        origin_terminal "originTerminal": Opaque;
        /// The carrier's terminal near the destination.
        dest_terminal "destTerminal": Opaque;
        /// Minutes that a transfer takes.
        transfer_min "transferMin": Count => required;
        /// Who drives the manual legs.
        manual_leg_by "manualLegBy": ManualLegBy => required;
    }

    /// An amount in a currency (contract 3a).
    Money [rules::money::currency] {
        /// ISO 4217.
        currency "currency": Currency => required;
        /// Decimal; never a binary float.
        amount "amount": Amount => required;
    }

    /// What the carrier is paid (contract 3e).
    Rate [rules::money::currency, rules::money::rate] {
        /// ISO 4217.
        currency "currency": Currency => required;
        /// All-in total.
        amount "amount": Amount => required;
        /// flat, per_mile or per_hour.
        basis "basis": RateBasis;
        /// Price of one unit.
        unit_price "unitPrice": UnitPrice;
        /// Least amount.
        minimum "minimum": Money;
        /// Line haul; where given, all lines must add up to `amount`.
        linehaul "linehaul": Amount;
        /// Fuel surcharge.
        fuel_surcharge "fuelSurcharge": FuelSurcharge;
        /// Further charges.
        accessorials "accessorials": List<Accessorial, 0, 64>;
        /// Until when the price holds.
        valid_until "validUntil": Instant;
        /// The contract it comes from.
        contract_ref "contractRef": Text<128>;
        /// Version of the rate table.
        rate_version "rateVersion": Text<64>;
    }

    /// How fuel is charged (contract 3e).
    FuelSurcharge {
        /// Method.
        method "method": FuelMethod => required;
        /// Percent of the line haul, or money per mile.
        value "value": Dec<6, 0, 999_999>;
        /// Money in the rate's currency, where the method leaves it open.
        amount "amount": UnitPrice;
    }

    /// A charge beside the line haul (contract 3e).
    Accessorial [rules::money::accessorial] {
        /// Which.
        code "code": AccessorialCode => required;
        /// What it is counted by.
        basis "basis": RateBasis;
        /// Money.
        amount "amount": Money => required;
        /// Minutes without charge.
        free_min "freeMin": Count;
        /// What one unit is.
        per_unit "perUnit": Text<32>;
        /// Highest charge.
        cap "cap": Money;
        /// Whether it needs no further approval.
        pre_approved "preApproved": Flag;
    }
}
