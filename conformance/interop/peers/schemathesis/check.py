"""Runs Schemathesis against a sandbox of its own: SANDBOX CONTRACT. Ends with the status of Schemathesis."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

sandbox, contract = sys.argv[1:3]
here = pathlib.Path(__file__).parent
options = [
    "--phases=examples,coverage,fuzzing,stateful",
    "--mode=all",
    "--max-examples=4",
    "--seed=4711",
    "--generation-database=none",
    "--no-shrink",
    "--suppress-health-check=all",
    "--request-timeout=20",
    "--warnings=off",
    "--no-color",
    # JSON Schema says nothing of the rules across members: what fits it may still be refused.
    "--exclude-checks=positive_data_acceptance",
    *sys.argv[3:],
]

with tempfile.TemporaryDirectory() as folder:
    carrier = subprocess.Popen(
        [sandbox, "--dir", folder, "--exit-with-parent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        ready = json.loads(carrier.stdout.readline())
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(here),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GLADHAND_URL": ready["url"],
            "GLADHAND_DIR": ready["dir"],
            "GLADHAND_CLIENT_ID": "tms-acme",
            "GLADHAND_CONTRACT": contract,
            "GLADHAND_CONTROL": ready["control"],
        }
        # No wait is longer than this: a long poll with nothing to tell would eat the time.
        policy = urllib.request.Request(f"{ready['control']}/policy", b'{"maxWaitSeconds": 0}', method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(policy, timeout=10).close()
        credentials = [
            f"--request-cert={folder}/client.pem",
            f"--request-cert-key={folder}/client-key.pem",
            f"--tls-verify={folder}/ca.pem",
        ]
        program = pathlib.Path(sys.executable).parent / "schemathesis"
        config = f"--config-file={here / 'schemathesis.toml'}"
        command = [str(program), config, "run", contract, "--url", ready["url"], *credentials, *options]
        status = subprocess.run(command, env=environment, cwd=folder, check=False, timeout=900).returncode
    finally:
        carrier.stdin.close()
        carrier.wait(timeout=20)
sys.exit(status)
