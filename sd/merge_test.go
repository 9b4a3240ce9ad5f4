package sd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A request of [sd.Merge] changes the trustee's entries that match it, and no entry that differs in one respect: data
// after the SID, type, flags, GUID. TestTypedRequestMatchesBothTypes has the pairs of GUIDs.
func TestMergeChangesMatchingEntries(t *testing.T) {
	one, two := winnt.GUID{1}, winnt.GUID{2}
	entry := func(kind sd.Type, flags uint8, extra sd.ACEExtra) sd.ACE {
		return check.Must(sd.NewACE(kind, flags, 1, sid.Everyone, extra))
	}
	plain, object := entry(sd.AccessAllowed, 0, sd.ACEExtra{}), entry(sd.AccessAllowedObject, 0,
		sd.ACEExtra{ObjectType: &one})
	for name, c := range map[string]struct {
		old  sd.ACE
		r    sd.Explicit
		like bool
	}{
		"equal":              {plain, sd.Explicit{}, true},
		"data after the SID": {entry(sd.AccessAllowed, 0, sd.ACEExtra{AppData: []byte("data")}), sd.Explicit{}, false},
		"a conditional one":  {entry(sd.AccessAllowedCallback, 0, sd.ACEExtra{}), sd.Explicit{}, false},
		"other flags":        {plain.WithFlags(sd.ObjectInherit), sd.Explicit{}, false},
		"inherited":          {plain.WithFlags(sd.Inherited), sd.Explicit{}, false},
		"of an object":       {object, sd.Explicit{}, false},
		"the same object":    {object, sd.Explicit{ObjectType: &one}, true},
		"another object":     {object, sd.Explicit{ObjectType: &two}, false},
	} {
		old := check.Must(sd.NewACL(c.old))
		c.r.Trustee, c.r.Mask = sid.Everyone, 2
		c.r.Mode = sd.GrantAccess
		got, err := sd.Merge(old, c.r)
		if want := map[bool]int{true: 1, false: 2}[c.like]; err != nil || got.Len() != want {
			t.Errorf("grant, %s: entries %v, %v, want %d", name, got.Slice(), err, want)
		} else if c.like && got.At(0).Mask() != 3 {
			t.Errorf("grant, %s: mask %v, want 3", name, got.At(0).Mask())
		}
		c.r.Mode, c.r.Mask = sd.DenyAccess, 1
		got, err = sd.Merge(old, c.r)
		gone := true
		for _, a := range got.Slice() {
			gone = gone && a != c.old
		}
		// A grant with data behind the SID is a grant of the same rights: it is removed by a denial, too.
		check.That(t, err == nil && gone == (c.like || name == "data after the SID"),
			"deny, %s: entries %v, %v, want the grant removed only if it matches", name, got.Slice(), err)
	}
}

// The cases follow the documentation of SetEntriesInAcl.
func TestMergeFollowsSetEntriesInAcl(t *testing.T) {
	for _, c := range []struct {
		id, old, want string
		in            sd.Explicit
	}{
		{"grant", "D:(D;;FW;;;BG)(A;;FR;;;BA)(A;ID;FA;;;SY)", "D:(D;;FW;;;BG)(A;;FX;;;WD)(A;;FR;;;BA)(A;ID;FA;;;SY)",
			sd.Explicit{Mode: sd.GrantAccess, Mask: winnt.FILE_GENERIC_EXECUTE, Trustee: sid.Everyone,
				Inheritance: sd.SuccessfulAccess | sd.FailedAccess}}, // these flags are no inheritance
		{"grant adds", "D:(A;;CC;;;WD)", "D:(A;;CCDC;;;WD)",
			sd.Explicit{Mode: sd.GrantAccess, Mask: 2, Trustee: sid.Everyone}},
		{"set replaces", "D:(D;;FW;;;WD)(A;;CC;;;WD)(A;ID;CC;;;WD)", "D:(A;OICI;DC;;;WD)(A;ID;CC;;;WD)",
			sd.Explicit{Mode: sd.SetAccessMode, Mask: 2, Inheritance: 3, Trustee: sid.Everyone}},
		{"deny", "D:(A;;CCDC;;;WD)(A;;CC;;;BA)", "D:(D;;CC;;;WD)(A;;DC;;;WD)(A;;CC;;;BA)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Trustee: sid.Everyone}},
		{"deny leaves grants that are inherited otherwise", "D:(A;;CCDC;;;WD)(A;OICI;CCDC;;;WD)(A;OICIIO;CCDC;;;WD)",
			"D:(D;OICI;CC;;;WD)(A;;CCDC;;;WD)(A;OICI;DC;;;WD)(A;OICIIO;CCDC;;;WD)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Inheritance: 3, Trustee: sid.Everyone}},
		{"deny all of it", "D:(A;;CC;;;WD)", "D:(D;;CC;;;WD)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Trustee: sid.Everyone}},
		{"revoke", "D:(D;;CC;;;WD)(A;;CC;;;WD)(A;ID;CC;;;WD)(A;;CC;;;BA)", "D:(D;;CC;;;WD)(A;ID;CC;;;WD)(A;;CC;;;BA)",
			sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone}},
		{"nothing", "D:(A;;CC;;;WD)", "D:(A;;CC;;;WD)", sd.Explicit{Trustee: sid.Everyone}},
		{"object grant", "D:(A;;CC;;;WD)", "D:(A;;CC;;;WD)(OA;;DC;00000001-0000-0000-0000-000000000000;;WD)",
			sd.Explicit{Mode: sd.GrantAccess, Mask: 2, Trustee: sid.Everyone, ObjectType: &winnt.GUID{1}}},
		{"object revoke",
			"D:(OA;;DC;00000001-0000-0000-0000-000000000000;;WD)(OA;;DC;00000002-0000-0000-0000-000000000000;;WD)" +
				"(OA;ID;DC;00000001-0000-0000-0000-000000000000;;WD)",
			"D:(OA;;DC;00000002-0000-0000-0000-000000000000;;WD)(OA;ID;DC;00000001-0000-0000-0000-000000000000;;WD)",
			sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone, ObjectType: &winnt.GUID{1}}},
		{"revoke for a class",
			"D:(OA;;DC;;00000001-0000-0000-0000-000000000000;WD)(OA;ID;DC;;00000001-0000-0000-0000-000000000000;WD)",
			"D:(OA;ID;DC;;00000001-0000-0000-0000-000000000000;WD)",
			sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone, InheritedObjectType: &winnt.GUID{1}}},
		{"object deny", "D:(OA;;CCDC;;00000001-0000-0000-0000-000000000000;WD)",
			"D:(OD;;CC;;00000001-0000-0000-0000-000000000000;WD)(OA;;DC;;00000001-0000-0000-0000-000000000000;WD)",
			sd.Explicit{Mode: sd.DenyAccess, Mask: 1, Trustee: sid.Everyone, InheritedObjectType: &winnt.GUID{1}}},
		{"audit for descendants, where the mark of inheritance is not the caller's", "S:", "S:(AU;OICISA;CC;;;WD)",
			sd.Explicit{Mode: sd.SetAuditSuccess, Mask: 1, Trustee: sid.Everyone,
				Inheritance: sd.ObjectInherit | sd.ContainerInherit | sd.Inherited}},
		{"object audit", "S:", "S:(OU;FA;CC;00000001-0000-0000-0000-000000000000;;WD)",
			sd.Explicit{Mode: sd.SetAuditFailure, Mask: 1, Trustee: sid.Everyone, ObjectType: &winnt.GUID{1}}},
		{"revoke takes audit entries that are not inherited", "S:(AU;SA;CC;;;WD)(AU;FA;CC;;;BA)(AU;IDSA;CC;;;WD)",
			"S:(AU;FA;CC;;;BA)(AU;IDSA;CC;;;WD)", sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone}},
		{"nothing leaves audit entries", "S:(AU;SA;CC;;;WD)", "S:(AU;SA;CC;;;WD)", sd.Explicit{Trustee: sid.Everyone}},
		{"from nothing", "", "D:(A;;CC;;;WD)", sd.Explicit{Mode: sd.GrantAccess, Mask: 1, Trustee: sid.Everyone}},
	} {
		t.Run(c.id, func(t *testing.T) {
			p, sacl := parse(c.old).Parts(), strings.HasPrefix(c.want, "S:")
			if sacl {
				p.SACL = check.Must(sd.Merge(p.SACL, c.in))
			} else {
				p.DACL = check.Must(sd.Merge(p.DACL, c.in))
			}
			got := text(t, sd.New(p))
			check.That(t, got == c.want, "merged list %s\nwant %s", got, c.want)
		})
	}
	l, err := sd.Merge(nil, sd.Explicit{Mode: sd.SetAuditFailure, Mask: 1, Trustee: sid.Everyone},
		sd.Explicit{Mode: sd.SetAuditSuccess, Mask: 2, Trustee: sid.Everyone})
	check.That(t, err == nil && text(t, sd.New(sd.Parts{SACL: l})) == "S:(AU;SA;DC;;;WD)(AU;FA;CC;;;WD)",
		"merged audit entries %v, %v, want one for failure and one for success", l.Slice(), err)
	l, err = sd.Merge(parse(`S:(AU;SA;CC;;;WD)(RA;;;;;WD;("a",TI,0,1))`).SACL(),
		sd.Explicit{Mode: sd.SetAccessMode, Mask: 1, Trustee: sid.Everyone})
	check.That(t, err == nil && l.Len() == 3, "entries after setting rights: %v, %v, want the others too", l.Slice(), err)
	check.That(t, check.Err(sd.Merge(nil, sd.Explicit{Mode: sd.GrantAccess})) != nil,
		"Merge accepted an entry without trustee, want an error")
}

// A request with object types changes only the trustee's entries with the same two types. One equal type is not
// enough.
func TestTypedRequestMatchesBothTypes(t *testing.T) {
	a, b := &winnt.GUID{1}, &winnt.GUID{2}
	pairs := [][2]*winnt.GUID{{nil, nil}, {a, nil}, {nil, a}, {a, a}, {a, b}, {b, a}, {b, b}, {b, nil}, {nil, b}}
	var all []sd.ACE
	for _, p := range pairs {
		all = append(all, check.Must(sd.NewACE(sd.AccessAllowedObject, 0, 1, sid.Everyone,
			sd.ACEExtra{ObjectType: p[0], InheritedObjectType: p[1]})))
	}
	old := check.Must(sd.NewACL(all...))
	for i, p := range pairs {
		got, err := sd.Merge(old, sd.Explicit{Mode: sd.RevokeAccess, Trustee: sid.Everyone, ObjectType: p[0],
			InheritedObjectType: p[1]})
		want := slices.Delete(slices.Clone(all), i, i+1)
		if i == 0 { // a request without types is about all entries
			want = nil
		}
		check.That(t, err == nil && slices.Equal(got.Slice(), want) && got.Revision() == old.Revision(),
			"revoking %v left %v, %v, want the other entries", p, got.Slice(), err)
		if i == 0 {
			continue
		}
		got, err = sd.Merge(old, sd.Explicit{Mode: sd.GrantAccess, Mask: 2, Trustee: sid.Everyone, ObjectType: p[0],
			InheritedObjectType: p[1]})
		want = slices.Clone(all)
		want[i] = want[i].WithMask(3)
		check.That(t, err == nil && slices.Equal(got.Slice(), want),
			"granting to %v gave %v, %v, want only the matching entry changed", p, got.Slice(), err)
	}
}
