"""Measurements that `gspn benchmark` runs in a checkout.

There is a file for each op, `libraries` for the comparison with other libraries, and
`serving` with the server that tests use too. Benchmarks import `gspn_tf`, never tests.
"""
