"""A tender as a careful Python program would send it with what there is: httpx, a sqlite3 table that remembers each tender
before and after it is sent (WAL, synchronous FULL), and proofs signed by jwskate, the library beneath requests_oauth2client,
whose key this program uses. Same mTLS, same kind of token, same claims in each proof.

Takes the arguments of the Rust program beside it (conformance/interop/benches/tender) and prints the same line.
"""

import asyncio
import base64
import hashlib
import json
import os
import resource
import sqlite3
import ssl
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwskate
from requests_oauth2client import DPoPKey

TASK = dict(argument.split("=", 1) for argument in sys.argv[1:])
FOLDER = Path(TASK["folder"])
BASE = TASK["base"]
URL = f"{BASE}/v1/tenders"
CONCURRENT, CALLS = int(TASK["concurrent"]), int(TASK["calls"])
WARMING = max(CONCURRENT, 8)


def sha256(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


class Key(DPoPKey):
    """A key whose proofs also cover the content."""

    def bound(self, htu: str, token: str, body: bytes) -> str:
        claims = {
            "jti": self.jti_generator(),
            "htm": "POST",
            "htu": htu,
            "iat": self.iat_generator(),
            "ath": sha256(token.encode()),
            "gh_body": sha256(body),
        }
        if self.rs_nonce:
            claims["nonce"] = self.rs_nonce
        jwk = {"jwk": self.public_jwk}
        return str(jwskate.SignedJwt.sign(claims, key=self.private_key, alg=self.alg, typ=self.jwt_typ, extra_headers=jwk))


def journal() -> sqlite3.Connection:
    connection = sqlite3.connect(f"{TASK['journal']}/tenders.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE tenders (id TEXT PRIMARY KEY, key TEXT, body BLOB, state TEXT, answer BLOB)")
    return connection


async def token(client: httpx.AsyncClient, key: Key) -> str:
    url = f"{BASE}/oauth/token"
    form = {"grant_type": "client_credentials", "client_id": "tms-acme", "scope": "tender:write", "resource": BASE}
    for _ in range(2):
        proof = str(key.proof("POST", url, nonce=key.as_nonce))
        answer = await client.post(url, data=form, headers={"DPoP": proof})
        key.as_nonce = answer.headers.get("DPoP-Nonce")
        if answer.status_code == 200:
            return answer.json()["access_token"]
    raise SystemExit(f"no token: {answer.text}")


def tenders() -> list[tuple[str, bytes]]:
    load = Path(TASK["load"]).read_text()
    made = []
    for number in range(WARMING + CALLS):
        name = f"{TASK['prefix']}-{number}"
        own = f'{{"schemaVersion":"1.0.0","tenderId":"py-tender-{name}","revision":1,"mode":"express",'
        made.append((f"py-tender-{name}", load.replace("LOAD", name).replace("{", own, 1).encode()))
    return made


def server_seconds() -> float:
    fields = Path(f"/proc/{TASK['server']}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main() -> None:
    context = ssl.create_default_context(cafile=str(FOLDER / "ca.pem"))
    context.load_cert_chain(FOLDER / "client.pem", FOLDER / "client-key.pem")
    limits = httpx.Limits(max_connections=CONCURRENT, max_keepalive_connections=CONCURRENT)
    key, rows, work = Key.generate(alg="ES256"), journal(), tenders()
    async with httpx.AsyncClient(verify=context, limits=limits, timeout=60, trust_env=False) as client:
        access = await token(client, key)

        async def call(name: str, body: bytes) -> None:
            idempotency = str(uuid.uuid4())
            # Each statement is a transaction of its own, which waits for the disk.
            rows.execute("INSERT INTO tenders VALUES (?, ?, ?, 'sent', NULL)", (name, idempotency, body))
            headers = {
                "Content-Type": "application/json",
                "Prefer": "wait=20",
                "Idempotency-Key": f'"{idempotency}"',
                "Authorization": f"DPoP {access}",
            }
            for _ in range(2):
                headers["DPoP"] = key.bound(URL, access, body)
                answer = await client.post(URL, content=body, headers=headers)
                key.rs_nonce = answer.headers.get("DPoP-Nonce", key.rs_nonce)
                # The first call of all has no nonce yet.
                if answer.status_code != 401:
                    break
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code} {answer.text}")
            state = answer.json()["state"]
            rows.execute("UPDATE tenders SET state = ?, answer = ? WHERE id = ?", (state, answer.content, name))

        async def caller(rest: Iterator[tuple[str, bytes]], latencies: list[float]) -> None:
            for name, body in rest:
                start = time.perf_counter()
                await call(name, body)
                latencies.append(time.perf_counter() - start)

        async def every(some: list[tuple[str, bytes]]) -> list[float]:
            rest, latencies = iter(some), []
            await asyncio.gather(*(caller(rest, latencies) for _ in range(CONCURRENT)))
            return sorted(latencies)

        await every(work[:WARMING])
        server, own, start = server_seconds(), own_seconds(), time.perf_counter()
        latencies = await every(work[WARMING:])
        seconds, own, server = time.perf_counter() - start, own_seconds() - own, server_seconds() - server
    line = {f"p{share}": latencies[min(len(latencies) * share // 100, len(latencies) - 1)] * 1e6 for share in (50, 90, 99)}
    line |= {"perSecond": CALLS / seconds, "clientUs": own * 1e6 / CALLS, "serverUs": server * 1e6 / CALLS}
    print(json.dumps(line))


asyncio.run(main())
