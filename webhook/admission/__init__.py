"""The values that pass through the webhook: who asks what, what we say to it, and both on the wire.

Nothing here knows policies, approvals or the cluster.
"""
