"""Admission: a request becomes a value, the value a verdict, the verdict an answer.

The webhook denies what a policy forbids and holds a risky write until a person approves it. It records
nothing about agents itself: the API server's audit log does, and `auditAnnotations` join the two.

From the outside in: `__main__` (entry), `app` (composition root), `routes` and `housekeeping` (HTTP and
loops), `gate` (acts on a verdict), `cluster` (the Kubernetes API), and the pure core: `policy`, `approval`,
`checks`, `admission`. The core has no clock, network, log or randomness; they come in as arguments.
"""
