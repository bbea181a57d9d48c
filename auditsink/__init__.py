"""Recording: a batch of audit events becomes masked records, the records become rows, the rows a replay.

The receiver of the API server's audit webhook, and what reads its records. An event is committed before it is
acknowledged; no bad event costs another one; no secret reaches the database.

From the outside in: `__main__` (entry), `app` (composition root), `routes` (HTTP), `store` (SQL), and the pure core:
`intake` (bytes to records) and `replay` (records to sessions, steps, tape).
"""
