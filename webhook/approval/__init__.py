"""One risky write, and the people who let it pass: fingerprint, record, decisions, claim, life.

Everything here is pure. Reading and writing Approvals is `cluster.approvals`, waiting for people is `gate`.
"""
