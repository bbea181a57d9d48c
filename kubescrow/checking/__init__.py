"""Judging manifests offline, with the webhook's engine: what a manifest would be as a request, what comes of it.

Touches no network and no cluster. What only a cluster knows is told, not guessed.
"""
