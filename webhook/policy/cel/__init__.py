"""CEL as Kubernetes speaks it: the library's environment, the functions that it lacks, and what an expression may cost.

`environment` puts it together; one file for each of Kubernetes' libraries; `calls` lets the library call us without
leaking; `ast` and `cost` bound beforehand what evaluating a source can take. `policy.expression` is the door.

Source: https://kubernetes.io/docs/reference/using-api/cel/
"""
