#!/bin/sh
# Installs the wheels of a folder into a virtual environment of this system's Python, without a network, and runs them.
set -eu
unset GLADHAND_SANDBOX
place=$(mktemp -d)
"${PYTHON:-python3}" -m venv "$place"
"$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$1" 'gladhand[sandbox]'
"$place/bin/python" -c "
import gladhand
with gladhand.sandbox() as carrier, carrier.connect() as gh:
    found = gh.capacity.search(origin=(41.8781, -87.6298), destination=(34.0522, -118.2437))
    print(gladhand.__version__, len(found.offers), 'offers')
"
rm -r "$place"
