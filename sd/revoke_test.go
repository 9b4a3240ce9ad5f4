package sd_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestModesOverEachType: REVOKE_ACCESS takes the allow and audit entries of the trustee and SET_ACCESS its allow
// and deny entries, of all kinds, and nothing else: labels, attributes, policies, alarms and filters of the same
// trustee stay, as do the entries of others and inherited ones (docs/c-abi.md, Explicit entries).
func TestModesOverEachType(t *testing.T) {
	allows := []sd.Type{sd.AccessAllowed, sd.AccessAllowedCompound, sd.AccessAllowedObject, sd.AccessAllowedCallback,
		sd.AccessAllowedCallbackObject}
	denies := []sd.Type{sd.AccessDenied, sd.AccessDeniedObject, sd.AccessDeniedCallback, sd.AccessDeniedCallbackObject}
	audits := []sd.Type{sd.SystemAudit, sd.SystemAuditObject, sd.SystemAuditCallback, sd.SystemAuditCallbackObject}
	for typ := sd.AccessAllowed; typ <= sd.SystemAccessFilter; typ++ {
		var extra sd.ACEExtra
		if typ == sd.AccessAllowedCompound {
			extra.ClientSID = sid.Users
		}
		mine := must(sd.NewACE(typ, 0, 1, sid.Everyone, extra))
		handed := must(sd.NewACE(typ, sd.Inherited, 1, sid.Everyone, extra))
		others := must(sd.NewACE(typ, 0, 1, sid.Administrators, extra))
		old := must(sd.NewACL(mine, others, handed))
		for _, c := range []struct {
			mode  sd.AccessMode
			taken bool
		}{
			{sd.RevokeAccess, slices.Contains(allows, typ) || slices.Contains(audits, typ)},
			{sd.SetAccessMode, slices.Contains(allows, typ) || slices.Contains(denies, typ)},
			{sd.NotUsedAccess, false},
		} {
			got, err := sd.Merge(old, sd.Explicit{Mode: c.mode, Mask: 1 << 4, Inheritance: sd.ContainerInherit,
				Trustee: sid.Everyone})
			if err != nil {
				t.Fatal(err)
			}
			// Which entry of the grant is made is not asked here.
			left := slices.DeleteFunc(got.Slice(), func(a sd.ACE) bool { return a.Mask() == 1<<4 })
			want := []sd.ACE{mine, others, handed}
			if c.taken {
				want = want[1:]
			}
			if !slices.Equal(left, want) {
				t.Errorf("mode %d of %v: left %v, want %v", c.mode, typ, left, want)
			}
		}
	}
}

// TestEntriesOfTypedRequests: a request with object types changes the trustee's entries of the same two types
// alone: neither one of the two will do, nor that one is there at all.
func TestEntriesOfTypedRequests(t *testing.T) {
	a, b := &winnt.GUID{1}, &winnt.GUID{2}
	pairs := [][2]*winnt.GUID{{nil, nil}, {a, nil}, {nil, a}, {a, a}, {a, b}, {b, a}, {b, b}, {b, nil}, {nil, b}}
	var all []sd.ACE
	for _, p := range pairs {
		all = append(all, must(sd.NewACE(sd.AccessAllowedObject, 0, 1, sid.Everyone,
			sd.ACEExtra{ObjectType: p[0], InheritedObjectType: p[1]})))
	}
	old := must(sd.NewACL(all...))
	for i, p := range pairs {
		got, err := sd.Merge(old, sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone, ObjectType: p[0],
			InheritedObjectType: p[1]})
		want := slices.Delete(slices.Clone(all), i, i+1)
		if i == 0 { // a request without types is about all entries
			want = nil
		}
		if err != nil || !slices.Equal(got.Slice(), want) || got.Revision() != old.Revision() {
			t.Errorf("revoked of %v: %v, %v", p, got.Slice(), err)
		}
		if i == 0 {
			continue
		}
		got, err = sd.Merge(old, sd.Explicit{Mode: sd.GrantAccess, Mask: 2, Trustee: sid.Everyone, ObjectType: p[0],
			InheritedObjectType: p[1]})
		want = slices.Clone(all)
		want[i] = want[i].WithMask(3)
		if err != nil || !slices.Equal(got.Slice(), want) {
			t.Errorf("granted to %v: %v, %v", p, got.Slice(), err)
		}
	}
}

// must returns what was made of arguments that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
