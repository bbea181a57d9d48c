"""The Kubernetes API: what we read from it, what we write to it, and how we notice changes.

Everything that speaks to the API server is here, and nothing that decides about requests. `client` is the
only module that knows the Kubernetes library; the others speak JSON. Beside I/O there is pure code about what
we write: `selection`, `rules`, `guards`, `flow` and `registration` turn policies into manifests.
"""
