"""Who we are to carriers: the state of our certificates and tokens, their rotation and their end (identity §1, §5)."""

from __future__ import annotations

from .. import _arguments, models
from .._arguments import PemLike
from .._gladhand import Client as Native
from ._answer import answer


class Identity:
    """Our credentials. Files and SVIDs that change are taken up by themselves; this is for seeing it and for the rest."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def status(self) -> models.IdentityStatus:
        """What we are known by at each carrier, what of it ends (in seconds from now), and how often which security event
        happened. Asks nobody; raises `client_closed` alone, and `forked_client`."""
        return models.IdentityStatus.from_document(self._native.identity_status())

    async def connection(self, carrier: str) -> models.ConnectionFacts:
        """What TLS negotiated with the carrier, on the newest connection or on one made to learn it: version, key exchange,
        both certificates (SHA-256, hexadecimal).

        Raises `carrier_unknown`, `IdentityError` for a certificate that is not usable, `NetworkError`.
        """
        return models.ConnectionFacts.from_document(await answer(self._native.connection_facts(carrier)))

    async def replace(
        self,
        *,
        certificate: PemLike | None = None,
        private_key: PemLike | None = None,
        trust: PemLike | None = None,
        crl: PemLike | None = None,
    ) -> None:
        """Takes other PEM (RFC 7468) where the identity was given as PEM instead of as files; what is not given stays.

        `certificate` is the chain, leaf first, and comes with its `private_key`; `trust` are roots, `crl` revocation lists.
        Returns when every carrier is called with it; calls under way finish on the old one. Raises `invalid_argument` where
        the identity is of files or of the Workload API, and `IdentityError` (`certificate_unreadable`, `key_mismatch`,
        `certificate_expired`) for what is not usable: then the old one stays.
        """
        call = self._native.identity_replace(
            _arguments.pem(certificate), _arguments.pem(private_key), _arguments.pem(trust), _arguments.pem(crl)
        )
        del certificate, private_key, trust, crl  # Tracebacks may show the variables of a frame.
        await answer(call)

    async def rotate(self) -> None:
        """Begins a new generation of the present identity: new connections, tokens and DPoP key. Returns when it is in use.

        Raises `identity_revoked` after `revoke_now()`, `token_unavailable` if an authorization server keeps it waiting.
        """
        await answer(self._native.identity_rotate())

    def revoke_now(self) -> None:
        """Takes the identity away at once, for a key that somebody else may have: what runs on it is cut, and calls raise
        `identity_revoked` until there is a new one. Waits for nobody; raises `client_closed` alone, and `forked_client`."""
        self._native.identity_revoke_now()
