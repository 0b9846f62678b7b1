//go:build tools

// Package stock pins the CoreDNS program that the development cluster runs.
package stock

import _ "github.com/coredns/coredns"
