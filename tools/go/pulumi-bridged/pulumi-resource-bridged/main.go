// Package main is the resource plugin of every bridged provider.
//
// One binary holds them all, because they share almost all of their code; the name under which the engine starts it
// selects the provider.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"example.org/tools/bridged/providers"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "pulumi-resource-")
	bridged, known := providers.All()[name]
	if !known {
		fmt.Fprintf(os.Stderr, "no provider %q is bridged here; start this through a link named "+
			"pulumi-resource-random or pulumi-resource-tls\n", name)
		os.Exit(2)
	}
	tfbridge.Main(context.Background(), name, bridged.Info, tfbridge.ProviderMetadata{PackageSchema: bridged.Schema})
}
