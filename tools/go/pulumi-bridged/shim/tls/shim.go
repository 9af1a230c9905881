// Package shim re-exports the tls provider, which its module keeps in an internal package.
//
// Only a package whose import path lies below the upstream module's may import it: that is why this module carries
// a path that is not ours.
package shim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"

	upstream "github.com/hashicorp/terraform-provider-tls/internal/provider"
)

// NewProvider returns the upstream provider.
func NewProvider() provider.Provider { return upstream.New() }
