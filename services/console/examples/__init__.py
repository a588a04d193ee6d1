"""Scripts of the kind that a street's staff write, to be copied and changed; CI runs each of them.

They want BANJIE_API_KEY in the environment: `banjie key 报表 --scope metrics:read,ledger:read --street CODE`.
"""
