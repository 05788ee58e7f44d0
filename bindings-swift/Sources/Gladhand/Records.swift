// The proof that both sides hold the same history (contract 4g), and the papers of a delivery.
internal import GladhandCore

/// Whether both sides hold the same history. Reached as ``Client/reconcile``.
public struct Reconcile: Sendable {
    let handle: ClientHandle

    /// Compares the history digest of every tender with its carrier, repairs what can be repaired by reading, and reports
    /// the rest.
    ///
    /// - Returns: What was compared and repaired, and the differences; a carrier that could not be asked is named in it.
    /// - Throws: ``GladhandError`` of the journal, such as `journalCorrupt`.
    public func run() async throws -> ReconciliationReport {
        ReconciliationReport(try await bridged { try await handle.reconcile(cancel: $0) })
    }
}

/// The local record of every intent, answer and event. Reached as ``Client/journal``.
public struct Journal: Sendable {
    let handle: ClientHandle

    /// Checks every row against its digest and the chain of digests.
    ///
    /// - Returns: How many entries there are, and whether the chain is intact.
    /// - Throws: ``GladhandError`` of the journal, such as `journalUnwritable`; damage is in the answer.
    public func verify() async throws -> JournalReport {
        JournalReport(try await bridged { try await handle.journalVerify(cancel: $0) })
    }

    /// Every row, in order.
    ///
    /// - Throws: ``GladhandError`` with `journalCorrupt`.
    public func export() async throws -> [JournalEntry] {
        try await bridged { try await handle.journalExport(cancel: $0) }.map { JournalEntry($0) }
    }
}

/// Proof of delivery and other papers. Reached as ``Client/documents``.
public struct Documents: Sendable {
    let handle: ClientHandle

    /// What the carrier has for a tender.
    ///
    /// - Throws: ``GladhandError`` with `tenderUnknown` or `notFound`.
    public func list(tender tenderId: String) async throws -> Document {
        Document(try await bridged { try await handle.documentsList(tenderId: tenderId, cancel: $0) })
    }

    /// One of them.
    ///
    /// - Throws: ``GladhandError`` with `tenderUnknown` or `notFound`.
    public func get(tender tenderId: String, _ documentId: String) async throws -> Document {
        Document(
            try await bridged {
                try await handle.documentsGet(tenderId: tenderId, documentId: documentId, cancel: $0)
            })
    }
}
