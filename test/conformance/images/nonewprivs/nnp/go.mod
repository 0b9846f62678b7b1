module ts-kubernetes.local/test/conformance/images/nonewprivs/nnp

go 1.21
