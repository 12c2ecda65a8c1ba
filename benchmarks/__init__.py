"""Measurements that `gspn benchmark` runs in a checkout.

`ops` times the ops alone or beside other libraries; its cases are in `search`,
`features` and `boxes`. `serving` times the two kinds of exports. Benchmarks import
`gspn_tf`, never tests.
"""
