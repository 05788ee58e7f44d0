// Who we are to carriers: the state of our certificates and tokens, their rotation and their end (identity §1, §5).
import { call, type CallOptions } from './call.js';
import { ConnectionFacts, IdentityStatus } from './models.js';
import type { NativeClient } from './native.js';

/** PEM (RFC 7468), as text or bytes. */
export type PemLike = string | Uint8Array;

/** PEM that takes the place of present one; what is absent stays. */
export interface PemReplacement extends CallOptions {
  /** The certificate chain, leaf first; with its key. */
  certificate?: PemLike | undefined;
  /** The certificate's key. */
  privateKey?: PemLike | undefined;
  /** The roots that carriers' certificates must lead to. */
  trust?: PemLike | undefined;
  /** Certificate revocation lists. */
  crl?: PemLike | undefined;
}

/** `gh.identity`: our credentials. Files and SVIDs that change are taken up by themselves; this is for seeing it and for the
 * rest. */
export class Identity {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** What we are known by at each carrier, what of it ends (in seconds from now), and how often which security event happened.
   * Asks nobody. */
  status(): IdentityStatus {
    return IdentityStatus.fromDocument(this.#native.identityStatus());
  }

  /** What TLS negotiated with the carrier, on the newest connection or on one made to learn it: version, key exchange, both
   * certificates (SHA-256, hexadecimal). Rejects with `carrier_unknown`, an IdentityError for a certificate that is not
   * usable, a NetworkError. */
  async connection(carrier: string, options: CallOptions = {}): Promise<ConnectionFacts> {
    return ConnectionFacts.fromDocument(
      await call(options.signal, (cancel) => this.#native.connectionFacts(carrier, cancel)),
    );
  }

  /** Takes other PEM where the identity was given as PEM instead of as files. Resolves when every carrier is called with it;
   * calls under way finish on the old one. Rejects with `invalid_argument` where the identity is of files or of the Workload
   * API, and with an IdentityError (`certificate_unreadable`, `key_mismatch`, `certificate_expired`) for what is not usable:
   * then the old one stays. */
  async replace(given: PemReplacement): Promise<void> {
    const fields: { certificate?: string; privateKey?: string; trust?: string; crl?: string } = {};
    for (const name of ['certificate', 'privateKey', 'trust', 'crl'] as const) {
      const pem = given[name];
      if (pem !== undefined) fields[name] = typeof pem === 'string' ? pem : Buffer.from(pem).toString('utf8');
    }
    await call(given.signal, (cancel) => this.#native.identityReplace(fields, cancel));
  }

  /** Begins a new generation of the present identity: new connections, tokens and DPoP key. Resolves when it is in use. Rejects
   * with `identity_revoked` after `revokeNow()`, `token_unavailable` if an authorization server keeps it waiting. */
  async rotate(options: CallOptions = {}): Promise<void> {
    await call(options.signal, (cancel) => this.#native.identityRotate(cancel));
  }

  /** Takes the identity away at once, for a key that somebody else may have: what runs on it is cut, and calls reject with
   * `identity_revoked` until there is a new one. Waits for nobody. */
  revokeNow(): void {
    this.#native.identityRevokeNow();
  }
}
