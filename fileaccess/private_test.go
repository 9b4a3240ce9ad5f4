package fileaccess_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// exposed returns what Private found as text: "private", or for each SID the rights, the place and the entries.
func exposed(p *fileaccess.Privacy) string {
	var out []string
	list := func(prefix string, all []fileaccess.Exposure) {
		for _, x := range all {
			who := cmp.Or(sid.Alias(x.SID, domain), x.SID.String())
			if x.SID == caseG {
				who = "G"
			}
			text := prefix + who + " " + x.Rights.String()
			text += map[fileaccess.Place]string{fileaccess.OnNew: " new",
				fileaccess.OnParent: fmt.Sprint(" parent ", x.Parent)}[x.Place]
			if x.Conditional != 0 {
				text += " if " + x.Conditional.String()
			}
			if x.Owner {
				text += " owner"
			}
			if x.Entries != nil {
				text += fmt.Sprint(" ", x.Entries)
			}
			out = append(out, text)
		}
	}
	list("", p.Others)
	list("sandboxed ", p.Sandboxed)
	if p.OtherNames > 0 {
		out = append(out, fmt.Sprint(p.OtherNames, " other names"))
	}
	if p.Private() {
		out = append([]string{"private"}, out...)
	}
	return strings.Join(out, "; ")
}

// Private lists everybody else who can read or change a file, with rights and entries. The expected values were derived
// by hand from. U is the user, G a group.
func TestPrivateListsWhoElseMayReadOrChange(t *testing.T) {
	const own = "(A;;FA;;;U)(A;;FA;;;SY)(A;;FA;;;BA)"
	for _, c := range []struct {
		why, object, parent string
		links               uint32
		want                string
	}{
		{why: "A-163: the user, SYSTEM and Administrators are nobody else", object: own, want: "private"},
		{why: "A-43: an empty list leaves the owner", object: "empty", want: "private"},
		{why: "inherited copies count like others", object: own + "(A;ID;FR;;;BU)", want: "BU 0x9 [3]"},
		{why: "an entry that only children inherit does not apply to a file", want: "private",
			object: own + "(A;OICIIO;FA;;;WD)"},
		{why: "A-164: metadata exposes nothing", object: own + "(A;;0x120080;;;WD)", want: "private"},
		{why: "A-164: each of these rights exposes", object: own + "(A;;0xD013F;;;WD)", want: "WD 0xd013f [3]"},
		{why: "A-164: a file has no children to delete", object: own + "(A;;0x40;;;WD)", want: "private"},
		{why: "generic rights are mapped", object: own + "(A;;GR;;;WD)", want: "WD 0x9 [3]"},
		{why: "A-165: whoever is not in G is not denied", object: "(D;;FA;;;G)(A;;FR;;;BU)" + own, want: "BU 0x9 [1]"},
		{why: "A-165: everyone else is denied", object: "(D;;FA;;;WD)(A;;FR;;;BU)" + own, want: "private"},
		{why: "A-165: the anonymous token may be without Everyone", object: "(D;;FA;;;WD)(A;;FR;;;AN)", want: "AN 0x9 [1]"},
		{why: "a denial that comes too late", object: "(A;;FR;;;BU)(D;;FR;;;BU)", want: "BU 0x9 [0]"},
		{why: "a denial of the SID itself", object: "(D;;FR;;;BU)(A;;FRSD;;;BU)", want: "BU 0x10000 [1]"},
		{why: "what Everyone has is not listed again", object: "(A;;FR;;;WD)(A;;0x3;;;BU)", want: "WD 0x9 [0]; BU 0x2 [1]"},
		{why: "A-166: a condition may hold", object: own + `(XA;;FR;;;BU;(@User.x == 1))`, want: "BU 0x9 if 0x9 [3]"},
		{why: "A-166: it may not hold", object: `(XD;;FR;;;WD;(@User.x == 1))(A;;FR;;;BU)`, want: "BU 0x9 if 0x9 [1]"},
		{why: "A-166: Everyone's condition does not hide another's right", object: `(XA;;FR;;;WD;(@User.x == 1))(A;;FR;;;BU)`,
			want: "WD 0x9 if 0x9 [0]; BU 0x9 [1]"},
		{why: "A-166: but another condition's", object: `(XA;;FR;;;WD;(@User.x == 1))(XA;;FR;;;BU;(@User.y == 1))`,
			want: "WD 0x9 if 0x9 [0]"},
		{why: "A-166: nor a right that Everyone lacks", want: "WD 0x9 if 0x9 [0]; BU 0x2 if 0x2 [1]",
			object: `(XA;;FR;;;WD;(@User.x == 1))(XA;;0x3;;;BU;(@User.y == 1))`},
		{why: "A-166: a label closes nothing", object: own + "(A;;FR;;;BU)S:(ML;;NRNWNX;;;SI)", want: "BU 0x9 [3]"},
		{why: "A-80: an entry that names a type allows nothing here", want: "private",
			object: own + "(OA;;FR;bf967aba-0de6-11d0-a285-00aa003049e2;;BU)"},
		{why: "A-80: nor does a conditional one", want: "private",
			object: own + "(ZA;;FR;bf967aba-0de6-11d0-a285-00aa003049e2;;BU;(@User.x == 1))"},
		{why: "A-166: one that names only a class for children does", want: "BU 0x9 if 0x9 [3]",
			object: own + "(ZA;;FR;;bf967aba-0de6-11d0-a285-00aa003049e2;BU;(@User.x == 1))"},
		{why: "A-167: nobody holds placeholders and levels", want: "private",
			object: own + "(A;;FA;;;CO)(A;;FA;;;CG)(A;;FA;;;PS)(A;;FA;;;S-1-0-0)(A;;FA;;;HI)(A;;FA;;;S-1-19-512-8192)" +
				"(A;;FA;;;S-1-3-2)(A;;FA;;;S-1-3-3)"},
		{why: "A-167: OWNER RIGHTS are the owner's", object: own + "(A;;FA;;;OW)", want: "private"},
		{why: "A-167: sandboxes add nobody", object: own + "(A;;FR;;;AC)(A;;FR;;;RC)(A;;FR;;;WR)",
			want: "private; sandboxed AC 0x9 [3]; sandboxed RC 0x9 [4]; sandboxed WR 0x9 [5]"},
		{why: "A-167: what Everyone has is listed again for a sandbox", object: own + "(A;;FR;;;WD)(A;;0x3;;;AC)",
			want: "WD 0x9 [3]; sandboxed AC 0x3 [4]"},
		{why: "A-169: a directory's right to delete children", object: own, parent: own + "(A;;0x40;;;BU)(A;;FW;;;BU)",
			want: "BU 0x40 parent 0 [3]"},
		{why: "A-169: whoever may change the directory's rights", object: own, parent: own + "(A;;WDWO;;;G)",
			want: "G 0xc0000 parent 0 [3]"},
		{why: "A-170: another name may be anywhere", object: own, links: 3, want: "2 other names"},
		{why: "A-170: one name needs no directory", object: own, links: 1, want: "private"},
		{why: "A-170: the directory of one name is given", object: own, parent: own, links: 2, want: "1 other names"},
	} {
		r := fileaccess.PrivateRequest{User: caseU, Object: aces(t, c.object), Links: c.links}
		if c.parent != "" {
			r.Parents = []*sd.Descriptor{aces(t, c.parent)}
		}
		p, err := fileaccess.Private(&r)
		got := exposed(&p)
		check.That(t, err == nil && got == c.want, "%s: %s: got %q, %v, want %q", c.why, c.object, got, err, c.want)
	}
}

// An object or a directory of it without an owner is not private, whatever its entries are.
func TestObjectWithoutOwnerIsNotPrivate(t *testing.T) {
	owned, list := sddl.MustParse("O:SYD:P(A;;FA;;;SY)"), sddl.MustParse("D:P(A;;FA;;;SY)")
	for _, c := range []struct {
		object, parent *sd.Descriptor
		want           bool
	}{{owned, owned, true}, {list, owned, false}, {owned, list, false}, {list, list, false}} {
		p, err := fileaccess.Private(&fileaccess.PrivateRequest{User: caseU, Object: c.object,
			Parents: []*sd.Descriptor{c.parent}})
		check.That(t, err == nil && p.Private() == c.want && p.OwnerUnknown != c.want && len(p.Others) == 0,
			"%v below %v: private %t, owner unknown %t, others %v, %v; want private %t", c.object, c.parent, p.Private(),
			p.OwnerUnknown, p.Others, err, c.want)
	}
}

// A compound entry gives rights to its client SID, not to the server's.
func TestPrivateCountsClientOfCompoundEntry(t *testing.T) {
	a := check.Must(sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.LocalSystem, sd.ACEExtra{ClientSID: sid.Users}))
	d := sd.New(sd.Parts{Owner: caseU, Group: caseU, DACL: check.Must(sd.NewACL(a))})
	p := check.Must(fileaccess.Private(&fileaccess.PrivateRequest{User: caseU, Object: d}))
	check.Equal(t, exposed(&p), "BU 0x1 if 0x1 [0]", "others than the user")
}

// The condition of a deny entry for an object type may not hold. SDDL has no text for such an entry.
func TestPrivateIgnoresConditionalObjectDenial(t *testing.T) {
	condition := []byte(sddl.MustParse("D:(XA;;FR;;;WD;(@User.x == 1))").DACL().At(0).AppData())
	deny := check.Must(sd.NewACE(sd.AccessDeniedCallbackObject, 0, 0x1F01FF, sid.Everyone,
		sd.ACEExtra{AppData: condition}))
	allow := check.Must(sd.NewACE(sd.AccessAllowed, 0, 0x120089, sid.Users))
	d := sd.New(sd.Parts{Owner: caseU, Group: caseU, DACL: check.Must(sd.NewACL(deny, allow))})
	p := check.Must(fileaccess.Private(&fileaccess.PrivateRequest{User: caseU, Object: d}))
	check.Equal(t, exposed(&p), "BU 0x9 if 0x9 [1]", "A-166: others than the user")
}

// An owner who is not the user counts, unless an entry for OWNER RIGHTS states the owner's rights, whatever its
// condition is.
func TestPrivateOwnerMayChangeTheRights(t *testing.T) {
	for text, want := range map[string]string{
		"O:BUD:":                                        "BU 0x40000 owner",
		"O:BUD:(D;;WD;;;BU)":                            "BU 0x40000 owner",
		"O:BUD:(A;;WD;;;WD)(A;;SD;;;BU)":                "WD 0x40000 [0]; BU 0x10000 [1]",
		"O:BUD:(A;;0;;;OW)":                             "private",
		"O:BUD:(A;;FR;;;OW)":                            "BU 0x9 [0]",
		"O:BUD:(A;;FRWD;;;OW)":                          "BU 0x40009 [0]",
		`O:BUD:(XD;;FA;;;OW;(@User.x == 1))`:            "private",
		`O:BUD:(XA;;FR;;;OW;(@User.x == 1))`:            "BU 0x9 if 0x9 [0]",
		"O:BUD:(A;IO;0;;;OW)":                           "BU 0x40000 owner",
		"O:BUD:(A;OIIO;FR;;;BU)(A;OIIO;FR;;;OW)":        "BU 0x40000 owner; BU 0x9 new [0]",
		"O:BUD:NO_ACCESS_CONTROL":                       "WD 0xd013f",
		"O:BU":                                          "WD 0xd013f",
		"O:" + caseU.String() + "D:(A;;FA;;;BA)":        "private",
		"O:" + caseU.String() + "D:(A;;FA;;;LA)":        "LA 0xd013f [0]",
		"O:S-1-5-21-1-2-3-1001D:(A;;FA;;;S-1-5-5-0-77)": "S-1-5-5-0-77 0xd013f [0]",
	} {
		d, err := sddl.Parse(text, sddl.Options{Domain: domain, Extended: true})
		check.RequireThat(t, err == nil, "%s: %v", text, err)
		r := fileaccess.PrivateRequest{User: caseU, Object: d, Directory: strings.Contains(text, "OI")}
		p, err := fileaccess.Private(&r)
		got := exposed(&p)
		check.That(t, err == nil && got == want, "%s: got %q, %v, want %q", text, got, err, want)
	}
}

// A directory is private only if what the user creates in it is private too.
func TestPrivateDirectoryKeepsWhatIsCreatedInItPrivate(t *testing.T) {
	for text, want := range map[string]string{
		"(A;;0x20;;;WD)":                "private", // to traverse is not to list
		"(A;;0x41;;;WD)":                "WD 0x41 [0]",
		"(A;OICI;FR;;;WD)":              "WD 0x9 [0]",
		"(A;OIIO;FR;;;WD)":              "WD 0x9 new [0]",
		"(A;CIIO;FR;;;G)(A;;0x1;;;G)":   "G 0x1 [1]; G 0x8 new [0]",
		"(A;;0x1;;;WD)(A;OIIO;0x3;;;G)": "WD 0x1 [0]; G 0x2 new [1]",
		"(A;;0x1;;;G)(A;OIIO;0x1;;;BU)": "G 0x1 [0]; BU 0x1 new [1]",
		"(A;OICIIO;FA;;;CO)":            "private", // the user's own
		"(A;OICIIO;FR;;;CG)":            "CG 0x9 new [0]",
		"(D;OINP;FR;;;WD)(A;OI;0;;;WD)": "private",
		// The denial covers one level only, so that a file two levels down is open.
		"(D;OINPIO;FR;;;WD)(A;OIIO;FR;;;G)":    "G 0x9 new [1]",
		"(D;OIIO;FR;;;WD)(A;OIIO;FR;;;G)":      "private",
		"(D;OIIONP;FR;;;WD)(A;OIIONP;FR;;;G)":  "private",
		"(D;OIIO;FR;;;WD)(A;OICIIO;FR;;;G)":    "G 0x9 new [1]",
		"(A;OICIIO;FR;;;AC)(A;OICI;FA;;;BA)":   "private; sandboxed AC 0x9 new [0]",
		"(A;OICI;0x1;;;AC)(A;OICIIO;0x1;;;AC)": "private; sandboxed AC 0x1 [0]",
	} {
		p, err := fileaccess.Private(&fileaccess.PrivateRequest{User: caseU, Object: aces(t, text), Directory: true})
		got := exposed(&p)
		check.That(t, err == nil && got == want, "A-168: %s: got %q, %v, want %q", text, got, err, want)
	}
}

// Private returns an error and never "private" if the user or the descriptor is missing, or if no other users exist.
// The zero result is not private either.
func TestPrivateRefusesQuestionsAboutEverybody(t *testing.T) {
	d := aces(t, "empty")
	for _, c := range []struct {
		r    *fileaccess.PrivateRequest
		want string // part of the error
	}{
		{nil, "no user"},
		{&fileaccess.PrivateRequest{Object: d}, "no user"},
		{&fileaccess.PrivateRequest{User: caseU}, "no descriptor"},
		{&fileaccess.PrivateRequest{User: caseU, Object: d, Parents: []*sd.Descriptor{d, nil}}, "no descriptor"},
		{&fileaccess.PrivateRequest{User: sid.Everyone, Object: d}, "nobody else"},
		{&fileaccess.PrivateRequest{User: caseU, Object: d, Trusted: []sid.SID{sid.Everyone}}, "nobody else"},
	} {
		if p, err := fileaccess.Private(c.r); err == nil || !strings.Contains(err.Error(), c.want) || p.Private() {
			t.Errorf("%+v: got %v, private %t, want %q and not private", c.r, err, p.Private(), c.want)
		}
	}
	check.That(t, !new(fileaccess.Privacy).Private() && !(*fileaccess.Privacy)(nil).Private(),
		"the zero value says private, want not private (A-150)")
	trusted := fileaccess.PrivateRequest{User: caseU, Object: aces(t, "(A;;FA;;;G)"), Trusted: []sid.SID{caseG}}
	p, err := fileaccess.Private(&trusted)
	check.That(t, err == nil && p.Private(), "A-163: with G trusted got %s, %v, want private", exposed(&p), err)
}

// An entry for a SID that no token has exposes nothing. A deny entry for the only existing kind of logon applies to the
// user too, so it does not make the object private.
func TestPrivateLeavesOutAbsentSIDs(t *testing.T) {
	absent := []sid.SID{sid.NTLMAuthentication, sid.Interactive}
	for text, want := range map[string][2]string{ // without and with the absent SIDs
		"O:BAD:(A;;FR;;;S-1-5-64-10)":             {"S-1-5-64-10 0x9 [0]", "private"},
		"O:BAD:(A;;FR;;;IU)(A;;FR;;;AS)":          {"IU 0x9 [0]; AS 0x9 [1]", "AS 0x9 [1]"},
		"O:BAD:(D;;FA;;;S-1-5-64-10)(A;;FR;;;WD)": {"WD 0x9 [1]", "WD 0x9 [1]"},
		"O:BAD:(D;;FA;;;AS)(A;;FR;;;WD)":          {"WD 0x9 [1]", "WD 0x9 [1]"},
		"O:IUD:":                                  {"IU 0x40000 owner", "private"},
	} {
		d := check.Must(sddl.Parse(text, sddl.Options{Domain: domain}))
		for i, list := range [][]sid.SID{nil, absent} {
			p, err := fileaccess.Private(&fileaccess.PrivateRequest{User: caseU, Object: d, Absent: list})
			if got := exposed(&p); err != nil || got != want[i] {
				t.Errorf("A-172: %s without %v: got %q, %v, want %q", text, list, got, err, want[i])
			}
		}
	}
}
