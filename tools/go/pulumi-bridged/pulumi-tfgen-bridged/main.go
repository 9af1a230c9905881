// Package main writes the Pulumi schema and the bridge metadata of a bridged provider.
//
// Usage: pulumi-tfgen-random schema --out DIR (through a link of that name). Both results are kept in
// providers/metadata and change only with a provider's version.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"

	"example.org/tools/bridged/providers"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "pulumi-tfgen-")
	bridged, known := providers.All()[name]
	if !known {
		fmt.Fprintf(os.Stderr, "no provider %q is bridged here\n", name)
		os.Exit(2)
	}
	tfgen.Main(name, bridged.Info)
}
