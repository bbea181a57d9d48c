// Kubernetes' own judge of Pods, as a program for tests: the controls of the Pod Security Standards, latest version.
//
// The first line it writes lists the controls. After that it answers each line, a Pod in JSON, with one line: the
// controls that forbid the Pod, or why it is no Pod. It judges only; it does not default or validate like an API server.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
)

type control struct {
	ID        string           `json:"id"`
	Level     string           `json:"level"`
	Overrides []policy.CheckID `json:"overrides"`
}

type answer struct {
	Forbidden []policy.CheckID `json:"forbidden"`
	Error     string           `json:"error,omitempty"`
}

func main() {
	checks := policy.DefaultChecks()
	out := json.NewEncoder(os.Stdout)
	write(out, listed(checks))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		write(out, judged(checks, lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
}

func listed(checks []policy.Check) []control {
	controls := make([]control, 0, len(checks))
	for _, check := range checks {
		controls = append(controls, control{string(check.ID), string(check.Level), latest(check).OverrideCheckIDs})
	}
	return controls
}

func judged(checks []policy.Check, line []byte) answer {
	var pod corev1.Pod
	if err := kjson.UnmarshalCaseSensitivePreserveInts(line, &pod); err != nil {
		return answer{Error: err.Error()}
	}
	forbidden := []policy.CheckID{}
	for _, check := range checks {
		if !latest(check).CheckPod(&pod.ObjectMeta, &pod.Spec).Allowed {
			forbidden = append(forbidden, check.ID)
		}
	}
	return answer{Forbidden: forbidden}
}

func latest(check policy.Check) policy.VersionedCheck {
	return check.Versions[len(check.Versions)-1]
}

func write(out *json.Encoder, value any) {
	if err := out.Encode(value); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
