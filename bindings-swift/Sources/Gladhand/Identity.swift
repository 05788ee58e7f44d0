// Who we are to carriers: the state of our certificates and tokens, their rotation and their end (identity §1, §5).
internal import GladhandCore

/// Our credentials. Files and SVIDs that change are taken up by themselves; this is for seeing it and for the rest. Reached as
/// ``Client/identity``.
public struct Identity: Sendable {
    let handle: ClientHandle

    /// What we are known by at each carrier, what of it ends (in seconds from now), and how often which security event
    /// happened. Asks nobody.
    ///
    /// - Throws: ``GladhandError`` with `forkedClient` in a child of the process that connected.
    public func status() throws -> IdentityStatus {
        IdentityStatus(try bridged { try handle.identityStatus() })
    }

    /// What TLS negotiated with a carrier, on the newest connection or on one made to learn it: version, key exchange, both
    /// certificates (SHA-256, hexadecimal).
    ///
    /// - Throws: ``GladhandError`` with `carrierUnknown`; of kind ``GladhandError/Kind/identity`` for a certificate that is not
    ///   usable, of kind ``GladhandError/Kind/network`` for a carrier that is not reached.
    public func connection(_ carrier: String) async throws -> ConnectionFacts {
        ConnectionFacts(try await bridged { try await handle.connectionFacts(carrier: carrier, cancel: $0) })
    }

    /// Takes other PEM (RFC 7468) where the identity was given as PEM instead of as files; what is not given stays. Returns
    /// when every carrier is called with it; calls under way finish on the old one.
    ///
    /// - Parameters:
    ///   - certificate: The chain, leaf first; comes with its key.
    ///   - privateKey: The certificate's key.
    ///   - trust: The roots that carriers' certificates must lead to.
    ///   - crl: Certificate revocation lists.
    /// - Throws: ``GladhandError`` with `invalidArgument` where the identity is of files or of the Workload API;
    ///   `certificateUnreadable`, `keyMismatch`, `certificateExpired` for what is not usable: then the old one stays.
    public func replace(
        certificate: String? = nil, privateKey: String? = nil, trust: String? = nil, crl: String? = nil
    ) async throws {
        try await bridged {
            try await handle.identityReplace(
                certificate: certificate, privateKey: privateKey, trust: trust, crl: crl, cancel: $0)
        }
    }

    /// Begins a new generation of the present identity: new connections, tokens and DPoP key. Returns when it is in use.
    ///
    /// - Throws: ``GladhandError`` with `identityRevoked` after ``revokeNow()``; `tokenUnavailable` if an authorization
    ///   server keeps it waiting.
    public func rotate() async throws {
        try await bridged { try await handle.identityRotate(cancel: $0) }
    }

    /// Takes the identity away at once, for a key that somebody else may have: what runs on it is cut, and calls throw
    /// `identityRevoked` until there is a new one. Waits for nobody.
    ///
    /// - Throws: ``GladhandError`` with `forkedClient` in a child of the process that connected.
    public func revokeNow() throws {
        try bridged { try handle.identityRevokeNow() }
    }
}

extension Client {
    /// The public keys that our assertions are signed with (RFC 7517 §5), for you to serve as `application/jwk-set+json` at
    /// the address registered at the carriers, with a `Cache-Control: max-age` of at most `assertion_key_lead_s` (in seconds).
    /// Ask anew for every request: keys come and go.
    ///
    /// - Throws: ``GladhandError`` with `certificateUnreadable` for a key file that is none.
    public func jwks() async throws -> JwkSet {
        JwkSet(try await bridged { try await self.handle.jwks(cancel: $0) })
    }

    /// Every authentication, rotation, refusal and warning of an expiry from this call on, each in the shape of OCSF 1.6,
    /// until the loop is left or the client closed. A loop that falls more than 1024 events behind misses the oldest; a
    /// second loop over the same sequence shares them with the first.
    ///
    /// - Throws: ``GladhandError`` with `clientClosed`.
    public func securityEvents() throws -> Pull<SecurityEvent> {
        let stream = try bridged { try handle.securityEvents() }
        return Pull {
            { try await bridged { try await stream.next(cancel: $0) }.map { SecurityEvent($0) } }
        }
    }
}
