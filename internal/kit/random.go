package kit

import (
	"math/rand/v2"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// randomToken returns a token with a few features. It has no claims. Equal states of r give equal tokens.
func randomToken(r *rand.Rand) *oracle.Token {
	t := plainToken()
	for _, s := range []string{groupG, groupH, admins} {
		if r.IntN(2) == 0 {
			t.Groups = append(t.Groups, oracle.Group{SID: s, Attributes: pick(r, []oracle.Word{0, 4, on, denying,
				0xF})})
		}
	}
	for _, p := range []string{"SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeBackupPrivilege",
		"SeRelabelPrivilege"} {
		if r.IntN(4) == 0 {
			t.Privileges = append(t.Privileges, oracle.Privilege{Name: p, Attributes: oracle.Word(r.IntN(4))})
		}
	}
	t.Integrity = pick(r, []oracle.Word{0x1000, 0x2000, 0x2000, 0x3000})
	switch r.IntN(5) {
	case 0:
		t.Restricting = pick(r, [][]string{{everyone}, {user, limited}, {groupG}})
		t.WriteRestricted = r.IntN(2) == 0
	case 1:
		t.AppContainer, t.Integrity, t.LowPrivilege = pack, 0x1000, r.IntN(2) == 0
		if r.IntN(2) == 0 {
			t.Capabilities = []string{internet}
		}
	}
	return t
}

// randomObject returns a descriptor with up to five entries in its DACL, and perhaps a label.
func randomObject(r *rand.Rand) *oracle.Descriptor {
	d := object()
	d.Owner = pick(r, []string{system, user, groupG, stranger})
	for range r.IntN(6) {
		a := entry(pick(r, []byte{oracle.Allow, oracle.Allow, oracle.Deny, oracle.AllowObject, oracle.DenyObject}),
			pick(r, []oracle.Word{1, 2, 3, 0x20000, 0x120089, 0x80000000, 0x1F01FF, 0x10000000}),
			pick(r, []string{user, groupG, groupH, everyone, admins, self, owners, limited, pack, internet, packages,
				stranger}))
		if a.Type >= oracle.AllowObject {
			a.Object = pick(r, []string{"", guidA, guidB, guidC, guidE})
		}
		if r.IntN(8) == 0 {
			a.Flags = byte(r.IntN(32))
		}
		d.DACL.Entries = append(d.DACL.Entries, a)
	}
	if r.IntN(4) == 0 {
		d.SACL = list(entry(oracle.MandatoryLabel, oracle.Word(r.IntN(8)),
			pick(r, []string{"S-1-16-4096", "S-1-16-8192", "S-1-16-12288"})))
	}
	return d
}
