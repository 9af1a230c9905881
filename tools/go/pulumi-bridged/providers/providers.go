// Package providers describes the Terraform providers that are bridged to Pulumi, with the tokens of the official
// plugins, so that the SDKs published for those work with the plugins built here.
package providers

import (
	_ "embed"

	tlsshim "github.com/hashicorp/terraform-provider-tls/shim"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	randomshim "github.com/terraform-providers/terraform-provider-random/shim"
)

// RandomVersion and TLSVersion are the plugin versions, which the Python SDKs in uv.lock must equal.
const (
	RandomVersion = "4.21.1"
	TLSVersion    = "5.3.1"
)

//go:embed metadata/random-bridge.json
var randomMetadata []byte

//go:embed metadata/tls-bridge.json
var tlsMetadata []byte

//go:embed metadata/random-schema.json
var randomSchema []byte

//go:embed metadata/tls-schema.json
var tlsSchema []byte

// Bridged is a provider with the schema that it serves.
type Bridged struct {
	Info   bridge.ProviderInfo
	Schema []byte
}

// All returns the bridged providers by package name.
func All() map[string]Bridged {
	return map[string]Bridged{
		"random": {Info: random(), Schema: randomSchema},
		"tls":    {Info: tls(), Schema: tlsSchema},
	}
}

func random() bridge.ProviderInfo {
	resources := map[string]*bridge.ResourceInfo{}
	for terraform, pulumi := range map[string]string{
		"random_bytes":    "RandomBytes",
		"random_id":       "RandomId",
		"random_integer":  "RandomInteger",
		"random_password": "RandomPassword",
		"random_pet":      "RandomPet",
		"random_shuffle":  "RandomShuffle",
		"random_string":   "RandomString",
		"random_uuid":     "RandomUuid",
		"random_uuid4":    "RandomUuid4",
		"random_uuid7":    "RandomUuid7",
	} {
		resources[terraform] = &bridge.ResourceInfo{Tok: bridge.MakeResource("random", "index", pulumi)}
	}
	return bridge.ProviderInfo{
		P:            tfbridge.ShimProvider(randomshim.NewProvider()),
		Name:         "random",
		Version:      RandomVersion,
		Resources:    resources,
		MetadataInfo: bridge.NewProviderMetadata(randomMetadata),
	}
}

func tls() bridge.ProviderInfo {
	resources := map[string]*bridge.ResourceInfo{}
	for terraform, pulumi := range map[string]string{
		"tls_cert_request":        "CertRequest",
		"tls_locally_signed_cert": "LocallySignedCert",
		"tls_private_key":         "PrivateKey",
		"tls_self_signed_cert":    "SelfSignedCert",
	} {
		resources[terraform] = &bridge.ResourceInfo{Tok: bridge.MakeResource("tls", "index", pulumi)}
	}
	sources := map[string]*bridge.DataSourceInfo{}
	for terraform, pulumi := range map[string]string{
		"tls_certificate": "getCertificate",
		"tls_public_key":  "getPublicKey",
	} {
		sources[terraform] = &bridge.DataSourceInfo{Tok: bridge.MakeDataSource("tls", "index", pulumi)}
	}
	return bridge.ProviderInfo{
		P:                              tfbridge.ShimProvider(tlsshim.NewProvider()),
		Name:                           "tls",
		Version:                        TLSVersion,
		Resources:                      resources,
		DataSources:                    sources,
		MetadataInfo:                   bridge.NewProviderMetadata(tlsMetadata),
		EnableZeroDefaultSchemaVersion: true,
	}
}
