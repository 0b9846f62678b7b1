//go:build tools

// Package tools pins the etcd server of the test clusters: Debian 12's (3.4.23) lacks the progress requests on which
// the apiserver's streamed lists stand.
package tools

import _ "go.etcd.io/etcd/server/v3"
