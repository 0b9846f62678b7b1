module ts-kubernetes.local/deploy/images/pause

go 1.21
