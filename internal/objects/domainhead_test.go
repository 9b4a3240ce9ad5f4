package objects_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/test/check"
)

// TestDomainHeadsAreFoundByClass checks that the heads of domains are found by class, or by name without one (B-92).
func TestDomainHeadsAreFoundByClass(t *testing.T) {
	const lines = `{"path":"DC=corp,DC=test","sd":"D:"}
{"path":"dc=corp, dc=test","sd":"D:"}
{"path":"CN=a,DC=corp,DC=test","sd":"D:"}
{"path":"DC=DomainDnsZones,DC=corp,DC=test","sd":"D:"}
{"path":"DC=ForestDnsZones,DC=corp,DC=test","sd":"D:"}
{"path":"DC=www,CN=MicrosoftDNS,DC=corp","sd":"D:"}
`
	got := paths(t, objects.Choose(jsonl.Lines(strings.NewReader(lines), 0, 0), objects.Choice{Heads: true}))
	check.SlicesEqual(t, got, []string{"DC=corp,DC=test", "dc=corp, dc=test"}, "B-92: heads without classes")
	const entries = `dn: DC=corp,DC=test
objectClass: domainDNS
nTSecurityDescriptor: D:

dn: DC=zone,DC=test
objectClass: dnsZone
nTSecurityDescriptor: D:

dn: DC=none,DC=test
nTSecurityDescriptor: D:

`
	got = paths(t, objects.Choose(ldif.New(strings.NewReader(entries)), objects.Choice{Heads: true}))
	check.SlicesEqual(t, got, []string{"DC=corp,DC=test", "DC=none,DC=test"}, "B-92: heads with classes")
}
