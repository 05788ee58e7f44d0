"""What `test_types.py` has checked."""
