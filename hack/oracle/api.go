// Records what the Kubernetes Go libraries answer to random inputs, as test data for lib/api/upstream.test.ts.
//
//	go run -C hack/stock/kubernetes ../../oracle/api.go ../../../lib/api/testdata
//
// One line of JSON per input. The seed is fixed, so that a run with the same libraries changes nothing.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rh "k8s.io/component-helpers/resource"
	na "k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/kubernetes/pkg/apis/core/v1/helper/qos"
)

var r = rand.New(rand.NewSource(11))

func pick(of ...string) string { return of[r.Intn(len(of))] }

func amount(of ...string) resource.Quantity { return resource.MustParse(pick(of...)) }

// amounts is a random resource list; zeros and gaps included.
func amounts() v1.ResourceList {
	list := v1.ResourceList{}
	if r.Intn(3) > 0 {
		list["cpu"] = amount("0", "100m", "250m", "1", "1500m", "2")
	}
	if r.Intn(3) > 0 {
		list["memory"] = amount("0", "64Mi", "1Gi", "100M", "1536Mi")
	}
	if r.Intn(4) == 0 {
		list["x.io/gpu"] = amount("1", "2")
	}
	if r.Intn(4) == 0 {
		list["hugepages-2Mi"] = amount("2Mi", "4Mi")
	}
	if r.Intn(5) == 0 {
		list["ephemeral-storage"] = amount("1Gi", "2G")
	}
	if len(list) == 0 && r.Intn(2) == 0 {
		return nil
	}
	return list
}

// podAmounts are those that a pod as a whole may have.
func podAmounts() v1.ResourceList {
	list := amounts()
	delete(list, "x.io/gpu")
	delete(list, "ephemeral-storage")
	return list
}

func container(name string) v1.Container {
	c := v1.Container{Name: name}
	c.Resources.Requests = amounts()
	c.Resources.Limits = amounts()
	if r.Intn(3) == 0 {
		c.Resources.Limits = c.Resources.Requests.DeepCopy()
	}
	return c
}

func status(name string) v1.ContainerStatus {
	s := v1.ContainerStatus{Name: name}
	if r.Intn(3) > 0 {
		s.Resources = &v1.ResourceRequirements{Requests: amounts()}
	}
	if r.Intn(2) == 0 {
		s.AllocatedResources = amounts()
	}
	return s
}

func pod() *v1.Pod {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}
	always := v1.ContainerRestartPolicyAlways
	for i := r.Intn(3); i >= 0; i-- {
		p.Spec.Containers = append(p.Spec.Containers, container(fmt.Sprint("c", i)))
	}
	for i := r.Intn(4); i > 0; i-- {
		c := container(fmt.Sprint("i", i))
		if r.Intn(2) == 0 {
			c.RestartPolicy = &always
		}
		p.Spec.InitContainers = append(p.Spec.InitContainers, c)
	}
	if r.Intn(4) == 0 {
		p.Spec.Overhead = v1.ResourceList{"cpu": amount("10m", "1"), "memory": amount("8Mi")}
	}
	if r.Intn(4) == 0 {
		own := v1.ResourceRequirements{Requests: podAmounts(), Limits: podAmounts()}
		if r.Intn(3) == 0 {
			own.Limits = own.Requests.DeepCopy()
		}
		p.Spec.Resources = &own
	}
	if r.Intn(2) == 0 {
		addStatus(p)
	}
	return p
}

func addStatus(p *v1.Pod) {
	for _, c := range p.Spec.Containers {
		if r.Intn(4) > 0 {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, status(c.Name))
		}
	}
	for _, c := range p.Spec.InitContainers {
		if r.Intn(4) > 0 {
			p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, status(c.Name))
		}
	}
	if reason := pick("", "", "Infeasible", "Deferred"); reason != "" {
		p.Status.Conditions = []v1.PodCondition{{Type: v1.PodResizePending, Status: "True", Reason: reason}}
	}
	if r.Intn(3) == 0 {
		p.Status.AllocatedResources = podAmounts()
	}
	if r.Intn(3) == 0 {
		p.Status.Resources = &v1.ResourceRequirements{Requests: podAmounts()}
	}
}

// canonical texts: what a quantity was parsed from must not show.
func canonical(q resource.Quantity) string {
	q.Add(resource.Quantity{Format: q.Format})
	return q.String()
}

func texts(list v1.ResourceList) map[string]string {
	m := map[string]string{}
	for name, q := range list {
		m[string(name)] = canonical(q.DeepCopy())
	}
	return m
}

func podCase() any {
	p := pod()
	fromStatus := rh.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	nonZero := fromStatus
	nonZero.NonMissingContainerRequests = v1.ResourceList{
		"cpu": resource.MustParse("100m"), "memory": resource.MustParse("200Mi"),
	}
	return map[string]any{"pod": p, "want": map[string]any{
		"requests": texts(rh.PodRequests(p, rh.PodResourcesOptions{})),
		"status":   texts(rh.PodRequests(p, fromStatus)),
		"nonzero":  texts(rh.PodRequests(p, nonZero)),
		"limits":   texts(rh.PodLimits(p, rh.PodResourcesOptions{})),
		"qos":      string(qos.ComputePodQOS(p)),
	}}
}

func selectorCase() any {
	terms := []v1.NodeSelectorTerm{}
	for i := r.Intn(3); i > 0; i-- {
		t := v1.NodeSelectorTerm{}
		for j := r.Intn(3); j > 0; j-- {
			operator := pick("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
			e := v1.NodeSelectorRequirement{Key: pick("a", "b", "n"), Operator: v1.NodeSelectorOperator(operator)}
			for k := r.Intn(3); k > 0; k-- {
				e.Values = append(e.Values, pick("1", "5", "x", "10"))
			}
			t.MatchExpressions = append(t.MatchExpressions, e)
		}
		if r.Intn(3) == 0 {
			t.MatchFields = []v1.NodeSelectorRequirement{{
				Key: "metadata.name", Operator: v1.NodeSelectorOperator(pick("In", "NotIn")), Values: []string{pick("n1", "n2")},
			}}
		}
		terms = append(terms, t)
	}
	labels := map[string]string{"a": pick("1", "x", "7"), "n": pick("3", "10", "x")}
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: labels}}
	// A malformed term counts as one that does not match.
	matches, _ := na.NewLazyErrorNodeSelector(&v1.NodeSelector{NodeSelectorTerms: terms}).Match(node)
	return map[string]any{"terms": terms, "labels": labels, "want": matches}
}

// quantityCase gives nil for texts that are no quantity.
func quantityCase() any {
	text := pick("", "", "", "-")
	for i := r.Intn(1 + r.Intn(14)); i >= 0; i-- {
		text += fmt.Sprint(r.Intn(10))
	}
	if r.Intn(3) == 0 {
		text += "."
		for i := r.Intn(1 + r.Intn(12)); i >= 0; i-- {
			text += fmt.Sprint(r.Intn(10))
		}
	}
	text += pick("", "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
		"e3", "E3", "e-3", "e+2", "e1", "e0", "e-9", "e-12", "E12")
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return nil
	}
	return []string{text, canonical(q)}
}

func record(path string, count int, one func() any) {
	file, err := os.Create(path)
	check(err)
	lines := json.NewEncoder(file)
	lines.SetEscapeHTML(false)
	for count > 0 {
		if c := one(); c != nil {
			check(lines.Encode(c))
			count--
		}
	}
	check(file.Close())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) != 2 {
		check(fmt.Errorf("usage: api.go FOLDER"))
	}
	record(filepath.Join(os.Args[1], "pod_resources.jsonl"), 120, podCase)
	record(filepath.Join(os.Args[1], "node_selectors.jsonl"), 150, selectorCase)
	record(filepath.Join(os.Args[1], "quantities.jsonl"), 500, quantityCase)
}
