"""Applications whose parent connects before it forks: see `test_servers.py`."""
