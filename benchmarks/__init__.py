"""Measurements that `gspn benchmark` runs in a checkout.

There is a file for each op, `libraries` for the comparison with other libraries, and
`serving` for the two kinds of exports. Benchmarks import `gspn_tf`, never tests.
"""
