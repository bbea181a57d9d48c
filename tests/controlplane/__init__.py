"""A real Kubernetes control plane without Docker, for `make test` and `make demo`.

It is etcd, kube-apiserver and kube-controller-manager, built once from their published Go modules and
started on free loopback ports. It has no scheduler, no kubelet and no network of Pods: Pods are objects that
stay Pending. Start with `controlplane.ControlPlane`; what it hands out is a `kubectl.Kubectl`.
"""
