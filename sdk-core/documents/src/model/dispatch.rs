//! Dispatch and commands: contract 3f, 4f.

use super::capacity::{DriveMode, Place, RouteSegment};
use super::field::{Counter, Flag, Id, Instant, Int, List, Phone, Text, Version};
use super::tender::Appointment;
use super::{choice, entity, rules};

choice! {
    /// Who is in control of the vehicle (contract 4a).
    ControlMode open { Autonomous "autonomous", Supervised "supervised", RemoteAssist "remote_assist", ManualOverride "manual_override", MinimalRisk "minimal_risk", OutOfService "out_of_service" }
    /// What a command asks for (contract 4f); an unknown one is refused.
    CommandType closed { ConditionalStop "conditional_stop", Resume "resume", ManualIntervention "manual_intervention", RouteChange "route_change", HoldAtTerminal "hold_at_terminal", Release "release", RescheduleStop "reschedule_stop" }
    /// Where a conditional stop takes place (contract 4f); an unknown condition is refused.
    StopCondition closed { NextSafeLocation "next_safe_location", AtStop "at_stop", AtTerminal "at_terminal", If "if" }
    /// What a person is asked to do (contract 4f); an unknown kind is refused.
    InterventionKind closed { HumanTakeover "human_takeover", TransferHub "transfer_hub", RoadsideService "roadside_service" }
    /// How far a command got (contract 4f); unknown means not granted.
    CommandState open { Requested "requested", Acknowledged "acknowledged", Queued "queued", Granted "granted", Refused "refused", Executing "executing", Completed "completed", Failed "failed", Expired "expired", Revoked "revoked" }
}

entity! {
    /// The carrier's assignment of vehicles to a tender (contract 3f).
    Dispatch [rules::event::dispatch] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// JSON Pointers that the receiver must understand or refuse (contract 3a).
        must_understand "mustUnderstand": List<super::field::Pointer, 0, 64>;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128> => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The load.
        load_id "loadId": Id<64> => required;
        /// Rises with each change; released legs never change.
        dispatch_revision "dispatchRevision": Int<1, 4_294_967_295> => required;
        /// Legs with their vehicles.
        assignments "assignments": List<Assignment, 1, 50> => required;
        /// The last leg that is released.
        released_through "releasedThrough": Id<64>;
        /// Who is in control.
        control_mode "controlMode": ControlMode => required;
        /// Telephone that is answered at all hours.
        contact24x7 "contact24x7": Phone;
    }

    /// One leg and its vehicle (contract 3f).
    Assignment {
        /// The leg.
        leg_id "legId": Id<64> => required;
        /// Segments of the capacity's route.
        segment_refs "segmentRefs": List<Id<64>, 0, 50>;
        /// Who drives.
        drive_mode "driveMode": DriveMode => required;
        /// The tractor.
        tractor_id "tractorId": Text<128>;
        /// The trailer.
        trailer_id "trailerId": Text<128>;
        /// Pseudonym of the driver of a manual leg.
        driver_ref "driverRef": Text<128>;
        /// Expected arrivals.
        eta_at_stops "etaAtStops": List<Eta, 0, 50>;
    }

    /// An expected arrival (contract 3f).
    Eta {
        /// The stop.
        stop_id "stopId": Id<64> => required;
        /// When.
        at "at": Instant => required;
        /// Tenth percentile.
        p10 "p10": Instant;
        /// Ninetieth percentile.
        p90 "p90": Instant;
        /// What it is computed from.
        basis "basis": Text<64>;
    }

    /// A request to the carrier's operations centre; the carrier decides, nothing is actuated (contract 4f).
    Command [rules::command] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// JSON Pointers that the receiver must understand or refuse (contract 3a).
        must_understand "mustUnderstand": List<super::field::Pointer, 0, 64>;
        /// The command; its operation id.
        command_id "commandId": Id<64> => required;
        /// What is asked for.
        r#type "type": CommandType => required;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128> => required;
        /// The revision that the requester saw; another one is `stale_dispatch`.
        expected_dispatch_revision "expectedDispatchRevision": Int<1, 4_294_967_295> => required;
        /// Rises strictly per dispatch.
        command_sequence "commandSequence": Counter => required;
        /// Why.
        reason "reason": Text<500> => required;
        /// Who asks.
        requested_by "requestedBy": Requester => required;
        /// When it was issued.
        issued_at "issuedAt": Instant => required;
        /// At most 15 minutes later; no answer by then is a no.
        expires_at "expiresAt": Instant => required;
        /// Seconds for which a hold lasts without renewal; with `hold_at_terminal` only.
        lease_s "leaseS": Int<1, 86_400>;
        /// Members that belong to the type.
        params "params": CommandParams;
    }

    /// What belongs to a command's type (contract 4f). `conditional_stop`: condition, with `at_stop` a stopId, with `if` an
    /// exceptionKind, and latestBy unless it is `next_safe_location`. `resume`, `release`: commandRef.
    /// `manual_intervention`: kind. `route_change`: detourId or newSegments. `reschedule_stop`: stopId and appointment.
    /// `hold_at_terminal`: nothing, or the commandRef of the hold that it renews.
    CommandParams {
        /// Where to stop.
        condition "condition": StopCondition;
        /// The stop of the tender that is meant.
        stop_id "stopId": Id<64>;
        /// The kind of exception upon which to stop.
        exception_kind "exceptionKind": Text<64>;
        /// After this the stop is not wanted any more.
        latest_by "latestBy": Instant;
        /// The command that this one undoes or renews.
        command_ref "commandRef": Id<64>;
        /// What a person is asked to do.
        kind "kind": InterventionKind;
        /// Where.
        location "location": Place;
        /// A detour of the capacity's route.
        detour_id "detourId": Id<64>;
        /// Other segments than the planned ones.
        new_segments "newSegments": List<RouteSegment, 1, 50>;
        /// The new appointment.
        appointment "appointment": Appointment;
    }

    /// Who asks for a command (contract 3f).
    Requester {
        /// The person or program.
        principal "principal": Text<128> => required;
        /// Its role.
        role "role": Text<64> => required;
    }

    /// What a TMS says when it takes a command back that is not executed yet (contract 4f).
    CommandRevocation {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The command.
        command_id "commandId": Id<64> => required;
        /// What was asked for.
        r#type "type": CommandType;
        /// Why it is taken back.
        reason "reason": Text<500> => required;
        /// Who takes it back.
        requested_by "requestedBy": Requester => required;
    }

    /// How far a command got (contract 4f).
    CommandStatus {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The command.
        command_id "commandId": Id<64> => required;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128> => required;
        /// The tender.
        tender_id "tenderId": Id<64>;
        /// What was asked for.
        r#type "type": CommandType => required;
        /// How far it got.
        state "state": CommandState => required;
        /// Its place in the dispatch's commands.
        command_sequence "commandSequence": Counter;
        /// When the carrier received it.
        requested_at "requestedAt": Instant;
        /// When this state began.
        updated_at "updatedAt": Instant;
        /// When it lapses.
        expires_at "expiresAt": Instant;
        /// Until when a hold lasts without renewal.
        lease_until "leaseUntil": Instant;
        /// Why it was refused, failed or was taken back.
        reason "reason": Text<500>;
        /// What became of it.
        outcome "outcome": Text<500>;
        /// The command that undoes it.
        inverse "inverse": CommandType;
        /// True where nothing undoes it.
        irreversible "irreversible": Flag;
        /// `proven` once the carrier answered; `unproven` while the journal resolves it.
        receipt "receipt": Text<16>;
    }
}
