"""The auditsink's Prometheus metrics: names, labels and what each counts."""

from prometheus_client import Counter, Gauge, Histogram

BATCHES = Counter(
    "kubescrow_sink_batches_total",
    "Requests with a batch, by outcome (stored, incomplete, unauthorized, malformed, too-large, too-slow, aborted, "
    "behind, unavailable, error).",
    ["outcome"],
)
EVENTS = Counter(
    "kubescrow_sink_events_total",
    "Events of stored batches, by cluster and outcome (stored, known).",
    ["cluster", "outcome"],
)
REMARKABLE = Counter(
    "kubescrow_sink_remarkable_events_total",
    "Events of stored batches that need a look, by cluster and flag (quarantined, impersonated, failed-open, unbound, "
    "truncated, repaired, dry-run).",
    ["cluster", "flag"],
)
SECONDS = Histogram(
    "kubescrow_sink_batch_seconds",
    "Time from the whole body to the answer, commit included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
COMMIT_SECONDS = Histogram(
    "kubescrow_sink_commit_seconds",
    "Time of one transaction, which may hold several batches.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
IN_FLIGHT_BYTES = Gauge("kubescrow_sink_in_flight_bytes", "Bodies that are read or worked on at this moment.")
WAITING = Gauge("kubescrow_sink_waiting_batches", "Batches that wait to be written at this moment.")
QUERIES = Counter(
    "kubescrow_sink_queries_total",
    "Calls of the query API, by outcome (answered, unauthenticated, forbidden, malformed, not-found, unavailable).",
    ["outcome"],
)
