// Custom resource definitions that the embedded cluster offers; no Go package of these modules is built, so `go mod tidy`
// must not run here. `go.sum` holds what the checksum database vouches for.
module example.org/tools/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.19.0
	sigs.k8s.io/gateway-api v1.4.0
)
