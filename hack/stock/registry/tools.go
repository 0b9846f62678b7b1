//go:build tools

// Package tools names the programs built from this module, so that `go mod tidy` keeps their requirements.
package tools

import _ "github.com/distribution/distribution/v3/cmd/registry"
