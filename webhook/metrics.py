"""The webhook's Prometheus metrics: names, labels and what each counts."""

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter(
    "kubescrow_webhook_calls_total",
    "Admission calls, by route and outcome (allow, deny, hold, malformed, error, unavailable, unknown-path).",
    ["route", "outcome"],
)
SECONDS = Histogram(
    "kubescrow_webhook_call_seconds",
    "Time from the whole body to the answer, waiting for people included, by route.",
    ["route"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 20, 30),
)
HELD = Counter(
    "kubescrow_webhook_held_total",
    "Calls that a rule holds, by outcome (passed, refused, pending, denied, limit).",
    ["outcome"],
)
WAITING = Gauge("kubescrow_webhook_waiting_calls", "Calls that wait for a person at this moment.")
DECISIONS = Counter(
    "kubescrow_webhook_decisions_total",
    "Decisions that people wrote, by outcome (approved, denied, revoked, refused).",
    ["outcome"],
)
APPROVALS = Gauge("kubescrow_webhook_approvals", "Approvals in the cluster, by state.", ["state"])
POLICIES = Gauge("kubescrow_webhook_policies", "AgentPolicies, by whether they compiled (yes, no).", ["compiled"])
HEALED = Counter(
    "kubescrow_webhook_configurations_healed_total",
    "Configurations that stood differently from what we wrote and were written again, by name.",
    ["name"],
)
