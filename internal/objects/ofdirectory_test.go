package objects_test

import (
	"context"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestOfDirectoryRejectsOtherTypes checks that a readable object of another type ends the source, by its own type or by
// that of the run (B-91).
func TestOfDirectoryRejectsOtherTypes(t *testing.T) {
	const dir = `{"path":"CN=a","sd":"D:","type":"directoryService"}` + "\n"
	for _, c := range []struct {
		lines string
		typ   *winnt.ObjectType
		right string // "": DCSync, which only objects of a directory have
		want  string // of the error; "": none
	}{
		{dir, winnt.FileObject, "", ""},
		{dir + `{"path":"CN=b"}`, winnt.FileObject, "", ""}, // it has no descriptor
		{dir + `{"path":"CN=b","sd":"D:"}`, winnt.DirectoryServiceObject, "", ""},
		{dir + `{"path":"/b","sd":"D:"}` + "\n" + `{"path":"/c","sd":"D:"}` + "\n", winnt.FileObject, "",
			"DCSync is a right on the objects of a directory, and /b has the type file"},
		{`{"path":"K","sd":"D:","type":"key"}`, winnt.DirectoryServiceObject, "", "K has the type key"},
		{`{"path":"K","sd":"D:","type":"key"}`, winnt.FileObject, "DELETE|KEY_SET_VALUE", ""},
		{`{"path":"K","sd":"D:"}`, winnt.FileObject, "DELETE|KEY_SET_VALUE",
			"KEY_SET_VALUE is a right on objects of another type, and K has the type file"},
		{`{"path":"K"}`, winnt.FileObject, "KEY_SET_VALUE", ""}, // it has no descriptor
	} {
		s := objects.OfDirectory(jsonl.Lines(strings.NewReader(c.lines), 0, 0), c.typ, "DCSync")
		if c.right != "" {
			s = objects.WithRight(jsonl.Lines(strings.NewReader(c.lines), 0, 0), c.typ, c.right)
		}
		err := objects.Each(context.Background(), s, func(*objects.Batch, *objects.Object) error { return nil })
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("B-91: %s: %v, want %q", c.lines, err, c.want)
		}
	}
}

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
