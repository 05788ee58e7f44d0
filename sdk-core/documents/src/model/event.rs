//! Events: CloudEvents 1.0 with the contract's sequence (4e).

use super::dispatch::{ControlMode, Eta};
use super::field::{Any, Counter, Id, Instant, Latitude, List, Longitude, Quantum, Sequence, Signed, Text};
use super::{choice, entity, rules};

choice! {
    /// What is wrong (contract 3f).
    ExceptionKind open { Delay "delay", CorridorLeft "corridor_left", GeofenceViolation "geofence_violation", OddExit "odd_exit", MinimalRiskStop "minimal_risk_stop", ContactLost "contact_lost", ContactMissing "contact_missing", RemoteAssistWait "remote_assist_wait", Mechanical "mechanical", AdsFault "ads_fault", SensorDegraded "sensor_degraded", Weather "weather", RoadClosure "road_closure", Detention "detention", Refused "refused", Damaged "damaged", TempExcursion "temp_excursion", SealBreak "seal_break", LawEnforcement "law_enforcement", Collision "collision", ChargingFault "charging_fault", InspectionFail "inspection_fail" }
    /// How bad an exception is (contract 3f).
    Severity open { Info "info", Warning "warning", Urgent "urgent", Critical "critical" }
    /// What an exception does to the load (contract 3f).
    Effect open { None "none", Delay "delay", Stopped "stopped", LoadAtRisk "load_at_risk", Safety "safety" }
}

entity! {
    /// One entry of a tender's history, in structured mode (contract 4e).
    Event [rules::event::event] {
        /// `1.0`.
        specversion "specversion": Text<8> => required;
        /// Unique per source.
        id "id": Text<128> => required;
        /// `<base>/tenders/{tenderId}`.
        source "source": Text<512> => required;
        /// `gladhand.<…>.v1`.
        r#type "type": Text<128> => required;
        /// The load.
        subject "subject": Text<64> => required;
        /// Occurrence.
        time "time": Instant => required;
        /// Emission.
        recordedtime "recordedtime": Instant => required;
        /// Contiguous from 1 per source.
        sequence "sequence": Sequence => required;
        /// The tender.
        partitionkey "partitionkey": Text<128> => required;
        /// `application/json`.
        datacontenttype "datacontenttype": Text<64>;
        /// Schema of the data.
        dataschema "dataschema": Text<512>;
        /// W3C trace context.
        traceparent "traceparent": Text<55>;
        /// What happened.
        data "data": StatusEvent => required;
    }

    /// What each webhook subscription gets every 60 seconds, outside every sequence, as a CloudEvent of the type
    /// `gladhand.subscription.heartbeat.v1` (contract 4e): the loss of a last event shows no gap.
    Heartbeat {
        /// `1.0`.
        specversion "specversion": Text<8> => required;
        /// Unique per source.
        id "id": Text<128> => required;
        /// `<base>/webhook-subscriptions/{subscriptionId}`.
        source "source": Text<512> => required;
        /// `gladhand.subscription.heartbeat.v1`.
        r#type "type": Text<128> => required;
        /// When.
        time "time": Instant => required;
        /// `application/json`.
        datacontenttype "datacontenttype": Text<64>;
        /// Where the feed stands.
        data "data": HeartbeatData => required;
    }

    /// Where the account's feed stands.
    HeartbeatData {
        /// The subscription.
        subscription_id "subscriptionId": Id<64> => required;
        /// The cursor behind the latest event that was committed.
        cursor "cursor": Text<512> => required;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64> => required;
    }

    /// What happened (contract 3f; X12 214).
    StatusEvent {
        /// The load.
        load_id "loadId": Text<64> => required;
        /// The tender.
        tender_id "tenderId": Text<64> => required;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128>;
        /// The capacity.
        capacity_id "capacityId": Text<128>;
        /// The same number as `sequence`.
        event_sequence "eventSequence": Counter => required;
        /// State of the tender after it, or the shipment's status.
        status "status": Text<64> => required;
        /// The stop concerned.
        stop_id "stopId": Text<64>;
        /// Where the vehicle was.
        position "position": EventPosition;
        /// Expected arrivals.
        eta "eta": List<Eta, 0, 50>;
        /// Who is in control.
        control_mode "controlMode": ControlMode;
        /// The system that reported it.
        source_system "sourceSystem": Text<64> => required;
        /// The decision, in tender.accepted, rejected and countered.
        decision "decision": Any;
        /// The exception, in exception events.
        exception "exception": Exception;
        /// The command, in command events.
        command "command": Any;
        /// Status codes of X12 214.
        x12 "x12": X12Status;
    }

    /// Status codes of X12 214 (contract 3g).
    X12Status {
        /// AT7-01, shipment status (element 1650).
        at701 "at701": Text<3>;
        /// AT7-02, reason (element 1651).
        at702 "at702": Text<3>;
    }

    /// Where a vehicle was when something happened (contract 3f).
    EventPosition [rules::coordinate] {
        /// Degrees.
        lat "lat": Latitude => required;
        /// Degrees.
        lon "lon": Longitude => required;
        /// Metres.
        accuracy_m "accuracyM": Quantum;
        /// Degrees clockwise from north.
        heading_deg "headingDeg": Quantum;
        /// Metres per second.
        speed_mps "speedMps": Quantum;
        /// When.
        at "at": Instant => required;
    }

    /// Something is wrong; an overlay that never moves the tender (contract 3f, 4a).
    Exception [rules::event::exception] {
        /// The exception.
        exception_id "exceptionId": Text<128> => required;
        /// What is wrong.
        kind "kind": ExceptionKind => required;
        /// How bad.
        severity "severity": Severity => required;
        /// Since when.
        opened_at "openedAt": Instant => required;
        /// Until when.
        cleared_at "clearedAt": Instant;
        /// What it does to the load.
        effect "effect": Effect;
        /// Minutes later than planned; negative is earlier.
        eta_delta_min "etaDeltaMin": Signed;
        /// Where.
        location "location": super::capacity::Place;
        /// What somebody must decide.
        needs_decision "needsDecision": DecisionNeeded;
    }

    /// What somebody must decide about an exception (contract 3f).
    DecisionNeeded {
        /// What can be chosen.
        options "options": List<Text<64>, 1, 16> => required;
        /// Who chooses, such as `tms`.
        by "by": Text<64> => required;
    }
}
