// The CoreDNS of the development cluster: the stock server with the plugins that a cluster's DNS uses and no others,
// so that it builds in a minute rather than in five.
package main

import (
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/whoami"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
)

// In the order in which CoreDNS itself runs them.
func init() {
	dnsserver.Directives = []string{
		"reload",
		"bind",
		"health",
		"ready",
		"prometheus",
		"errors",
		"log",
		"loadbalance",
		"cache",
		"rewrite",
		"template",
		"hosts",
		"kubernetes",
		"loop",
		"forward",
		"whoami",
	}
}

func main() {
	coremain.Run()
}
