"""Gives Schemathesis the credentials of a TMS: certificate, tokens and a fresh proof over the bytes of each request.

Written for this check alone and from the RFCs (7523, 8705, 9449); it shares no code with the SDK or with the sandbox.
"""

import base64
import hashlib
import itertools
import json
import os
import threading
import time
import urllib.parse
import uuid

import jwt
import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from schemathesis.generation import GenerationMode

ORIGIN = os.environ["GLADHAND_URL"]
FILES = os.environ["GLADHAND_DIR"]
CLIENT_ID = os.environ["GLADHAND_CLIENT_ID"]
CONTROL = os.environ["GLADHAND_CONTROL"]
CONTRACT = os.environ["GLADHAND_CONTRACT"]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(data: bytes) -> str:
    return b64(hashlib.sha256(data).digest())


class Credentials(requests.auth.AuthBase):
    """Signs each prepared request as its operation wants it."""

    def __init__(self) -> None:
        with open(f"{FILES}/assertion-key.pem", "rb") as file:
            self.assertion_key = load_pem_private_key(file.read(), None)
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        coordinate = lambda number: b64(number.to_bytes(32, "big"))  # noqa: E731
        self.jwk = {"kty": "EC", "crv": "P-256", "x": coordinate(point.x), "y": coordinate(point.y)}
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cert = (f"{FILES}/client.pem", f"{FILES}/client-key.pem")
        self.session.verify = f"{FILES}/ca.pem"
        self.lock = threading.Lock()
        self.tokens: dict[bool, tuple[str, float]] = {}
        self.nonce: str | None = None
        self.proved = proved_paths()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        path = urllib.parse.urlsplit(request.url).path
        if path.startswith("/.well-known/"):
            return request
        bound = any(method == request.method.lower() and fits(template, path) for method, template in self.proved)
        token = self.token(bound)
        request.headers["Authorization"] = f"{'DPoP' if bound else 'Bearer'} {token}"
        if bound:
            claims = {"ath": digest(token.encode())}
            body = request.body.encode() if isinstance(request.body, str) else request.body
            if body:
                claims["gh_body"] = digest(body)
            if self.nonce:
                claims["nonce"] = self.nonce
            request.headers["DPoP"] = self.proof(request.method, request.url, claims)
            request.register_hook("response", self.heard)
        return request

    def heard(self, response: requests.Response, *_args: object, **_kwargs: object) -> None:
        self.nonce = response.headers.get("DPoP-Nonce", self.nonce)

    def proof(self, method: str, url: str, claims: dict[str, str]) -> str:
        htu = urllib.parse.urlsplit(url)._replace(query="", fragment="").geturl()
        claims = {"htm": method, "htu": htu, "iat": int(time.time()), "jti": str(uuid.uuid4()), **claims}
        return jwt.encode(claims, self.key, "ES256", {"typ": "dpop+jwt", "jwk": self.jwk})

    def token(self, bound: bool) -> str:
        with self.lock:
            token, ends = self.tokens.get(bound, ("", 0.0))
            if time.time() > ends:
                token, lifetime = self.fetch(bound)
                self.tokens[bound] = (token, time.time() + lifetime / 2)
            return token

    def fetch(self, bound: bool) -> tuple[str, float]:
        address, nonce = f"{ORIGIN}/oauth/token", None
        for _ in range(2):
            now = int(time.time())
            claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ORIGIN, "jti": str(uuid.uuid4()), "iat": now}
            form = {
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "resource": ORIGIN,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": jwt.encode({**claims, "exp": now + 50}, self.assertion_key, "ES256"),
            }
            proof = {"DPoP": self.proof("POST", address, {"nonce": nonce} if nonce else {})} if bound else {}
            answer = self.session.post(address, data=form, headers=proof, timeout=10)
            if answer.ok:
                granted = answer.json()
                return granted["access_token"], granted["expires_in"]
            nonce = answer.headers.get("DPoP-Nonce")
        raise RuntimeError(f"no token: {answer.status_code} {answer.text}")


def proved_paths() -> list[tuple[str, list[str]]]:
    """Method and path of each operation whose token is bound to a key."""
    with open(CONTRACT, encoding="utf-8") as file:
        paths = json.load(file)["paths"]
    return [
        (method, path.split("/"))
        for path, item in paths.items()
        for method, operation in item.items()
        if any("dpop" in way for way in operation.get("security", []))
    ]


def fits(template: list[str], path: str) -> bool:
    parts = path.split("/")
    return len(parts) == len(template) and all(
        want == have or want.startswith("{") for want, have in zip(template, parts, strict=True)
    )


schemathesis.auth.set_from_requests(Credentials())
turns = itertools.count()


@schemathesis.hook
def before_call(context: object, case: schemathesis.Case, **_kwargs: object) -> None:
    """Every other create that fits the schema becomes one that fits the stock as well, so that more is answered than refusals."""
    valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if case.operation.label != "POST /v1/tenders" or not valid or not isinstance(case.body, dict):
        return
    turn = next(turns)
    if turn % 2 == 0:
        load = requests.get(f"{CONTROL}/load", params={"loadId": f"load-{turn}"}, timeout=10).json()
        kept = {name: case.body[name] for name in ("schemaVersion", "tenderId", "mode") if name in case.body}
        case.body = {**load, **kept, "revision": 1}
