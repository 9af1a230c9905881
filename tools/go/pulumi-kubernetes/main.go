// Package main is the Kubernetes resource plugin, built from the provider's published module.
//
// The module's own main embeds two files that its release job writes and that the module does not ship. The
// toolchain builder derives both from the module's schema before it compiles this package.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
