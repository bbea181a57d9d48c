"""Kubernetes manifests as kubectl reads them: bytes in, objects out, bounded whatever the bytes.

Pure but for `files`. Judges nothing and knows no kinds: whether an object is allowed is the business of others.
"""
