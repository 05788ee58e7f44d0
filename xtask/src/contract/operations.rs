//! The table of endpoints (contract 4.0). Hand-declared: bodies are entities of the table in `gladhand_documents::model`.

/// Who may call: how the token is bound, and its scope.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Mutual TLS only.
    Open,
    /// A certificate-bound token with this scope.
    Bound(&'static str),
    /// A DPoP-bound token with this scope; its proof covers the body.
    Proved(&'static str),
}

/// One operation.
pub(super) struct Operation {
    /// Name, as scopes, keys and bindings spell it.
    pub(crate) id: &'static str,
    /// HTTP method in lower case.
    pub(crate) method: &'static str,
    /// Path template.
    pub(crate) path: &'static str,
    /// Who may call.
    pub(crate) access: Access,
    /// Query parameters.
    pub(crate) query: &'static [Query],
    /// Entity of the request's body.
    pub(crate) request: Option<&'static str>,
    /// Whether the body may be left out.
    pub(crate) bodiless: bool,
    /// Whether what it reads or changes has an entity tag, and a change may say which one it means (`If-Match`).
    pub(crate) tagged: bool,
    /// Status and entity of each success.
    pub(crate) success: &'static [(u16, &'static str)],
    /// Whether `Prefer: wait` is honoured.
    pub(crate) waits: bool,
    /// What it does.
    pub(crate) summary: &'static str,
}

/// A query parameter.
pub(super) struct Query {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it means.
    pub(crate) about: &'static str,
    /// What may stand there.
    pub(crate) kind: QueryKind,
}

/// What may stand in a query parameter.
#[derive(Clone, Copy)]
pub(super) enum QueryKind {
    /// Opaque text.
    Opaque,
    /// A sequence number.
    Sequence,
    /// A state of a tender.
    State,
}

const CURSOR: Query = Query { name: "cursor", about: "Where the last page ended; opaque.", kind: QueryKind::Opaque };

const fn read(
    id: &'static str,
    path: &'static str,
    scope: &'static str,
    success: &'static [(u16, &'static str)],
    summary: &'static str,
) -> Operation {
    Operation {
        id,
        method: "get",
        path,
        access: Access::Bound(scope),
        query: &[],
        request: None,
        bodiless: false,
        tagged: false,
        success,
        waits: false,
        summary,
    }
}

const fn write(
    id: &'static str,
    method: &'static str,
    path: &'static str,
    scope: &'static str,
    request: Option<&'static str>,
    success: &'static [(u16, &'static str)],
    summary: &'static str,
) -> Operation {
    Operation {
        id,
        method,
        path,
        access: Access::Proved(scope),
        query: &[],
        request,
        bodiless: false,
        tagged: false,
        success,
        waits: false,
        summary,
    }
}

const SNAPSHOT: &[(u16, &str)] = &[(200, "TenderSnapshot")];
const DECIDED_OR_PENDING: &[(u16, &str)] = &[(200, "TenderSnapshot"), (202, "TenderSnapshot")];

/// Every operation, in the order of the contract.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        access: Access::Open,
        ..read("discovery", "/.well-known/gladhand", "", &[(200, "Discovery")], "What the carrier publishes of itself.")
    },
    Operation {
        method: "post",
        request: Some("CapacitySearch"),
        ..read(
            "capacity.search",
            "/v1/capacity/search",
            "capacity:read",
            &[(200, "CapacityPage")],
            "Finds capacity; changes nothing.",
        )
    },
    Operation {
        tagged: true,
        ..read(
            "capacity.get",
            "/v1/capacity/{capacityId}",
            "capacity:read",
            &[(200, "CapacityOffer")],
            "Reads one offer.",
        )
    },
    Operation {
        bodiless: true,
        tagged: true,
        ..write(
            "capacity.hold",
            "put",
            "/v1/capacity/{capacityId}/holds/{holdId}",
            "capacity:hold",
            Some("CapacityHold"),
            &[(200, "CapacityOffer")],
            "Holds capacity: until heldUntil, or for as long as the carrier usually does.",
        )
    },
    write(
        "capacity.release",
        "delete",
        "/v1/capacity/{capacityId}/holds/{holdId}",
        "capacity:hold",
        None,
        &[(200, "CapacityOffer")],
        "Releases a hold.",
    ),
    Operation {
        waits: true,
        tagged: true,
        ..write(
            "tenders.create",
            "post",
            "/v1/tenders",
            "tender:write",
            Some("LoadTender"),
            DECIDED_OR_PENDING,
            "Offers a load: decided at once, or pending.",
        )
    },
    Operation {
        tagged: true,
        ..read(
            "tenders.get",
            "/v1/tenders/{tenderId}",
            "tender:read",
            SNAPSHOT,
            "Reads a tender as the carrier holds it.",
        )
    },
    Operation {
        query: &[Query { name: "state", about: "Only tenders in this state.", kind: QueryKind::State }, CURSOR],
        ..read("tenders.list", "/v1/tenders", "tender:read", &[(200, "TenderPage")], "Lists the account's tenders.")
    },
    Operation {
        waits: true,
        tagged: true,
        ..write(
            "tenders.revise",
            "put",
            "/v1/tenders/{tenderId}/revisions/{revision}",
            "tender:write",
            Some("LoadTender"),
            DECIDED_OR_PENDING,
            "Replaces a tender by its next revision; with If-Match, proposes an amendment of one that was accepted.",
        )
    },
    write(
        "tenders.withdraw",
        "post",
        "/v1/tenders/{tenderId}/withdrawals/{withdrawalId}",
        "tender:write",
        Some("TenderWithdrawal"),
        SNAPSHOT,
        "Withdraws a tender; an unknown one leaves a tombstone.",
    ),
    Operation {
        bodiless: true,
        ..write(
            "tenders.accept_counter",
            "post",
            "/v1/tenders/{tenderId}/counters/{counterId}/acceptance",
            "tender:write",
            Some("CounterAnswer"),
            DECIDED_OR_PENDING,
            "Accepts what the carrier offered instead.",
        )
    },
    Operation {
        bodiless: true,
        ..write(
            "tenders.decline_counter",
            "post",
            "/v1/tenders/{tenderId}/counters/{counterId}/refusal",
            "tender:write",
            Some("CounterAnswer"),
            DECIDED_OR_PENDING,
            "Declines what the carrier offered instead.",
        )
    },
    Operation {
        bodiless: true,
        ..write(
            "tenders.request_cancel",
            "post",
            "/v1/tenders/{tenderId}/cancellations/{cancellationId}",
            "tender:write",
            Some("TenderCancellation"),
            &[(202, "TenderSnapshot")],
            "Asks to cancel after acceptance; the carrier may decline.",
        )
    },
    Operation {
        query: &[Query { name: "after", about: "The last sequence already known.", kind: QueryKind::Sequence }],
        ..read(
            "events.of_tender",
            "/v1/tenders/{tenderId}/events",
            "events:read",
            &[(200, "EventPage")],
            "The history of one tender, verbatim.",
        )
    },
    Operation {
        query: &[CURSOR],
        waits: true,
        ..read(
            "events.of_account",
            "/v1/events",
            "events:read",
            &[(200, "EventFeed")],
            "The account's events in commit order.",
        )
    },
    Operation {
        tagged: true,
        ..write(
            "webhooks.put",
            "put",
            "/v1/webhook-subscriptions/{subscriptionId}",
            "webhooks:write",
            Some("WebhookSubscription"),
            &[(200, "WebhookSubscription")],
            "Says where webhooks go.",
        )
    },
    Operation {
        access: Access::Proved("webhooks:write"),
        tagged: true,
        ..read(
            "webhooks.get",
            "/v1/webhook-subscriptions/{subscriptionId}",
            "webhooks:write",
            &[(200, "WebhookSubscription")],
            "Reads a subscription.",
        )
    },
    Operation {
        tagged: true,
        ..write(
            "webhooks.delete",
            "delete",
            "/v1/webhook-subscriptions/{subscriptionId}",
            "webhooks:write",
            None,
            &[(200, "WebhookSubscription")],
            "Ends a subscription.",
        )
    },
    Operation {
        tagged: true,
        ..read(
            "dispatches.get",
            "/v1/dispatches/{dispatchId}",
            "dispatch:read",
            &[(200, "Dispatch")],
            "Reads a dispatch.",
        )
    },
    write(
        "commands.request",
        "put",
        "/v1/dispatches/{dispatchId}/commands/{commandId}",
        "command:<type>",
        Some("Command"),
        &[(202, "CommandStatus")],
        "Asks the carrier's operations centre for something; the carrier decides.",
    ),
    Operation {
        access: Access::Proved("command:<type>"),
        ..read(
            "commands.get",
            "/v1/dispatches/{dispatchId}/commands/{commandId}",
            "command:<type>",
            &[(200, "CommandStatus")],
            "How far a command got.",
        )
    },
    Operation {
        bodiless: true,
        ..write(
            "commands.revoke",
            "post",
            "/v1/dispatches/{dispatchId}/commands/{commandId}/revocation",
            "command:<type>",
            Some("CommandRevocation"),
            &[(200, "CommandStatus")],
            "Revokes a command that is not yet executing.",
        )
    },
    read(
        "documents.list",
        "/v1/tenders/{tenderId}/documents",
        "documents:read",
        &[(200, "DocumentList")],
        "Lists proofs of delivery and invoices.",
    ),
    read(
        "documents.get",
        "/v1/tenders/{tenderId}/documents/{documentId}",
        "documents:read",
        &[(200, "Paper")],
        "Reads a proof of delivery or an invoice.",
    ),
    Operation {
        query: &[CURSOR],
        ..read(
            "reconciliation.digests",
            "/v1/reconciliation/digests",
            "reconcile:read",
            &[(200, "DigestPage")],
            "Digests of the account's tenders in commit order.",
        )
    },
    Operation {
        query: &[Query {
            name: "at",
            about: "The sequence up to which the digest is wanted.",
            kind: QueryKind::Sequence,
        }],
        ..read(
            "reconciliation.digest_at",
            "/v1/tenders/{tenderId}/digests",
            "reconcile:read",
            &[(200, "HistoryDigest")],
            "Digest of one tender's history up to a sequence.",
        )
    },
];
