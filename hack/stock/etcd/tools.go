//go:build tools

// Package tools pins the etcd server that the tests of streamed lists need: Debian's (3.4.23) lacks the progress
// requests on which the apiserver's WatchList stands.
package tools

import _ "go.etcd.io/etcd/server/v3"
