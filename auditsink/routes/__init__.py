"""HTTP: the intake of the API server's batches, and the queries of people who may look."""
