module ts-kubernetes.local/test/conformance/images/busybox/sh

go 1.21
