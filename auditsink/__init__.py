"""Recording: batch, masked records, SQL, replay.

The receiver of the API server's audit webhook. This package is empty so far; its place in the house and the
direction of its imports (only `masking`) are fixed here.
"""
