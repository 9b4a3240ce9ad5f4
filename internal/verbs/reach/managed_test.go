package reach_test

import (
	"context"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/internal/verbs/reach"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestManagedPassword: the descriptor in msDS-GroupMSAMembership says who may read the
// password of a managed account; what the object's own one lets be read does not (B-10).
func TestManagedPassword(t *testing.T) {
	const mine, other = "O:SYD:(A;;0x10;;;S-1-5-21-1-2-3-1101)", "O:SYD:(A;;0x10;;;SY)"
	d := must(people.Read([]byte("domain: " + domainSID + "\nusers:\n  - {name: u, sid: " + domainSID + "-1101}\n")))
	for _, c := range []struct{ own, managed, right string }{
		{other, mine, "ReadGMSAPassword"}, {mine, other, ""}, {mine, mine, "ReadGMSAPassword"},
	} {
		item := objects.Item{
			Path: "svc", Type: winnt.DirectoryServiceObject, Descriptor: must(sddl.Parse(c.own, sddl.Options{})),
			Entry: &objects.Entry{
				SID: sid.MustParse(domainSID + "-1200"), Classes: []string{"msDS-GroupManagedServiceAccount"},
				Managed: must(sddl.Parse(c.managed, sddl.Options{})).Binary(),
			},
		}
		s := reach.Search{Directory: d, From: d.Find("u"), Objects: []objects.Item{item}}
		got := ""
		for _, p := range must(s.Do(context.Background())).Paths {
			got += p.Steps[0].Right
		}
		if got != c.right {
			t.Errorf("own %s, managed %s: right %q, want %q", c.own, c.managed, got, c.right)
		}
	}
}
