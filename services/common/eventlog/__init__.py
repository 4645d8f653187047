"""The lasting event log of a department: written with the state, stamped, read by copies.

`outbox` writes facts in the transaction of the change; `relay` gives them their place and publishes
them; `reading` serves them over gRPC; `log` holds the collections and the one document of the log.
"""
