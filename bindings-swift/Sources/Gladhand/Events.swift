// The history of tenders as it arrives (contract 4e): a durable reading for this program, and a door for webhooks.
import Foundation
internal import GladhandCore

extension Client {
    /// Every event of every tender, in order per tender, from where this consumer last acknowledged. The place is in the
    /// journal: a program that dies before ``Delivery/acknowledge()`` sees the event again.
    ///
    /// ```swift
    /// for try await delivery in client.events(consumer: "billing") {
    ///     try await bill(delivery.event)
    ///     try await delivery.acknowledge()
    /// }
    /// ```
    ///
    /// - Parameter consumer: A name of this reader's own; only one process reads a consumer at a time.
    /// - Returns: A sequence that throws ``GladhandError`` with `consumerLeased` while another process holds the consumer.
    public func events(consumer: String) -> Pull<Delivery> {
        let handle = self.handle
        return Pull {
            let reader = try await bridged { try await handle.events(consumer: consumer, cancel: $0) }
            return {
                guard let next = try await bridged({ try await reader.next(cancel: $0) }) else { return nil }
                return Delivery(event: Event(try bridged { try next.event() }), handle: next)
            }
        }
    }

    /// Safety events at once, ahead of order and of any consumer (contract 4e). Also a tender's own events bring them.
    public func safety() -> Pull<Event> {
        let handle = self.handle
        return Pull {
            let stream = try await bridged { try await handle.safety(cancel: $0) }
            return { try await bridged { try await stream.next(cancel: $0) }.map { Event($0) } }
        }
    }
}

/// One event for one consumer. Keeping it does not keep the consumer: once its loop is left, another one may read on.
public struct Delivery: Sendable {
    /// The event, byte for byte as the carrier stored it.
    public let event: Event
    let handle: DeliveryHandle

    /// States that the event is dealt with; the consumer goes on after it.
    ///
    /// - Throws: ``GladhandError`` with `consumerLeased` once another loop reads for the consumer: that one has it now.
    public func acknowledge() async throws {
        try await bridged { try await handle.ack(cancel: $0) }
    }

    /// States that you do not deal with it: the iterator's next step brings it again, and with it what came after it and is not
    /// acknowledged. Leaving the loop gives back everything.
    public func giveBack() {
        try? handle.giveBack()
    }
}

/// Where webhooks go in. Reached as ``Client/inbox``.
public struct Inbox: Sendable {
    let handle: ClientHandle

    /// Verifies a webhook, stores its event and says what to answer (contract 4e). Repeated and early deliveries are
    /// normal and are answered as such.
    ///
    /// - Parameters:
    ///   - headers: The headers of the request as they came; names in any case.
    ///   - body: The raw bytes of the body, never a parsed and printed form.
    /// - Throws: ``GladhandError`` with `webhookSignatureMissing` or `webhookSignatureInvalid`; answer with its status.
    public func receive(headers: [(name: String, value: String)], body: Data) async throws -> InboxReceipt {
        let headers = headers.map { HeaderRecord(name: $0.name, value: $0.value) }
        return InboxReceipt(try await bridged { try await handle.receive(headers: headers, body: body, cancel: $0) })
    }

    /// What to answer to the OPTIONS request with which a carrier asks whether it may send webhooks here (CloudEvents webhook
    /// 1.0, section 4): a status and header fields.
    ///
    /// - Throws: ``GladhandError`` with `schemaInvalid` for a request that is no handshake, `webhookSourceForeign` for an origin
    ///   of no configured carrier; answer with its status.
    public func handshake(headers: [(name: String, value: String)]) throws -> InboxHandshake {
        let headers = headers.map { HeaderRecord(name: $0.name, value: $0.value) }
        return InboxHandshake(try bridged { try handle.handshake(headers: headers) })
    }

    /// What to answer to any request to a webhook's address: ``receive(headers:body:)`` for POST,
    /// ``handshake(headers:)`` for OPTIONS, and the status of what they throw.
    ///
    /// - Throws: only what is not the sender's doing, such as `journalUnwritable`: answer that with 500 or 503, and the carrier
    ///   comes again.
    public func answer(
        method: String, headers: [(name: String, value: String)], body: Data
    ) async throws -> InboxAnswer {
        let headers = headers.map { HeaderRecord(name: $0.name, value: $0.value) }
        return InboxAnswer(
            try await bridged {
                try await handle.webhook(method: method, headers: headers, body: body, cancel: $0)
            })
    }
}

/// Where carriers send webhooks. Reached as ``Client/webhooks``.
public struct Webhooks: Sendable {
    let handle: ClientHandle

    /// Asks a carrier to send webhooks to an address.
    ///
    /// - Parameters:
    ///   - carrier: The carrier's key in the configuration.
    ///   - subscriptionId: The subscription; the same id changes it.
    ///   - url: Where to.
    ///   - types: Event types; all of them if empty.
    ///   - mtls: `required`, unless it is given as `signature_only`.
    /// - Throws: ``GladhandError`` with `carrierUnknown`; `schemaInvalid` for an address that is not https, and its like.
    public func subscribe(
        carrier: String, subscriptionId: String, url: String, types: [String] = [], mtls: String? = nil
    ) async throws -> WebhookSubscription {
        WebhookSubscription(
            try await bridged {
                try await handle.webhookSubscribe(
                    carrier: carrier, subscriptionId: subscriptionId, url: url, types: types, mtls: mtls, cancel: $0)
            })
    }

    /// The subscription as the carrier has it.
    ///
    /// - Throws: ``GladhandError`` with `notFound` or `carrierUnknown`.
    public func get(carrier: String, subscriptionId: String) async throws -> WebhookSubscription {
        WebhookSubscription(
            try await bridged {
                try await handle.webhookGet(carrier: carrier, subscriptionId: subscriptionId, cancel: $0)
            })
    }

    /// Ends the subscription; what it was.
    ///
    /// - Throws: as ``get(carrier:subscriptionId:)``.
    @discardableResult
    public func delete(carrier: String, subscriptionId: String) async throws -> WebhookSubscription {
        WebhookSubscription(
            try await bridged {
                try await handle.webhookDelete(carrier: carrier, subscriptionId: subscriptionId, cancel: $0)
            })
    }
}
