module ts-kubernetes.local/deploy/images/webapp

go 1.21
