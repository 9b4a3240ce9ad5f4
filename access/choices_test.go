package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// in a central rule OWNER RIGHTS stands for the object's owner, and the
// rule takes none of the owner's implicit rights, whether it names OWNER RIGHTS
// or not.
func TestOwnerRightsInCentralRule(t *testing.T) {
	for _, c := range []struct {
		rule    string
		desired winnt.AccessMask
		want    winnt.AccessMask // 0: denied
	}{
		{"D:(A;;0x1;;;OW)", 1, 1},
		{"D:(A;;0x1;;;OW)", 2, 0},
		{"D:(A;;0x0;;;OW)", winnt.READ_CONTROL | winnt.WRITE_DAC, winnt.READ_CONTROL | winnt.WRITE_DAC},
		{"D:", winnt.READ_CONTROL, winnt.READ_CONTROL},
		{"D:(D;;RC;;;OW)(A;;0x1;;;WD)", winnt.READ_CONTROL | 1, winnt.READ_CONTROL | 1},
	} {
		policies := &access.PolicySet{Policies: []access.Policy{{
			ID: sid.MustParse("S-1-17-1"), Rules: []access.Rule{{Name: "r", Descriptor: sddl.MustParse(c.rule)}},
		}}}
		d := sddl.MustParse("O:" + caseU.String() + "G:SYD:(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)")
		dec, err := access.SeAccessCheck(&access.Request{Descriptor: d,
			Subject: access.SubjectOf(mustToken(t, baseSpec())),
			Desired: c.desired, Type: winnt.FileObject, Policies: policies})
		if err != nil || dec.Granted != c.want || dec.Allowed() != (c.want != 0) {
			t.Errorf("A-152 %s %v: %v, want %v (%v)", c.rule, c.desired, dec, c.want, err)
		}
	}
}

// an owner that is not among the restricting SIDs has no implicit rights,
// of a write-restricted token neither, also not the right to read.
func TestOwnerOfWriteRestrictedToken(t *testing.T) {
	for _, c := range []struct {
		restricting sid.SID
		want        winnt.AccessMask
	}{{caseU, winnt.READ_CONTROL | winnt.WRITE_DAC}, {sid.Everyone, 0}} {
		spec := baseSpec()
		spec.IsRestricted, spec.WriteRestricted = true, true
		spec.Restricted = []token.Group{{SID: c.restricting, Attributes: token.GroupDefault}}
		d := sddl.MustParse("O:" + caseU.String() + "G:SYD:")
		dec, err := access.Check(mustToken(t, spec), d, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
		if err != nil || dec.Granted != c.want {
			t.Errorf("A-153 restricted to %v: %v, want %v (%v)", c.restricting, dec, c.want, err)
		}
	}
}

// A-153, T-68: a restricting SID that a second restriction took out still denies, and makes no owner.
func TestOwnerTakenOutOfTheRestrictingSIDs(t *testing.T) {
	spec := baseSpec()
	once, st := mustToken(t, spec).Filter(token.FilterSpec{Restrict: []token.Group{{SID: caseU}, {SID: sid.Everyone}}})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	twice, st := once.Filter(token.FilterSpec{Restrict: []token.Group{{SID: sid.Everyone}}})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	d := sddl.MustParse("O:" + caseU.String() + "G:SYD:")
	for _, c := range []struct {
		tok  *token.Token
		want winnt.AccessMask
	}{{once, winnt.READ_CONTROL | winnt.WRITE_DAC}, {twice, 0}} {
		dec, err := access.Check(c.tok, d, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
		if err != nil || dec.Granted != c.want {
			t.Errorf("A-153 of %v: %v, want %v (%v)", c.tok.RestrictedSet().Len(), dec, c.want, err)
		}
	}
}

// a result list for MAXIMUM_ALLOWED and a right by name denies at each
// node that lacks the right, and grants everything there is at the others.
func TestResultListMaximumAndNamed(t *testing.T) {
	const read, write = winnt.ADS_RIGHT_DS_READ_PROP, winnt.ADS_RIGHT_DS_WRITE_PROP
	r := ask(t, guids("…(A;;RP;;;WD)(OA;;WP;{P1};;WD)"), winnt.MAXIMUM_ALLOWED|write)
	r.Type, r.ObjectTypes = winnt.DirectoryServiceObject, list(0, nodeC, 1, nodeP1, 1, nodeP2)
	results, dec, err := access.CheckResultList(r)
	if err != nil || len(results) != 3 || dec.Allowed() {
		t.Fatalf("%v, %v, %v", results, dec, err)
	}
	for i, want := range []access.NodeResult{
		{Verdict: ntstatus.Decided(ntstatus.AccessDenied)},
		{Granted: read | write, Verdict: ntstatus.Decided(ntstatus.Success)},
		{Verdict: ntstatus.Decided(ntstatus.AccessDenied)},
	} {
		if results[i] != want {
			t.Errorf("A-154 node %d: %v, want %v", i, results[i], want)
		}
	}
}

// a boolean compares with the integers 0 and 1 and with nothing else; a
// list of two types agrees with no attribute whose type one of its values lacks.
func TestBooleansAndMixedLists(t *testing.T) {
	set, err := claims.NewSet([]claims.Attribute{
		{Name: "b", Type: claims.Boolean, Uints: []uint64{1}}, {Name: "n", Type: claims.Int64, Ints: []int64{1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	spec := baseSpec()
	spec.UserClaims = set
	tok := mustToken(t, spec)
	for condition, want := range map[string]bool{
		"(@User.b == 1)": true, "(@User.b == 0)": false, "(@User.b == 2)": false, "(@User.b != 2)": false,
		`(@User.b == "1")`: false, `(@User.n Any_of {1,"a"})`: false, `(@User.n Contains {1,2})`: false,
		"(@User.n Any_of {1,2})": true,
	} {
		d, err := access.Check(tok, sddl.MustParse("O:BAG:SYD:(XA;;0x1;;;WD;"+condition+")"), 1, winnt.FileObject)
		if err != nil || d.Allowed() != want {
			t.Errorf("A-155 %s: %v, want %v (%v)", condition, d, want, err)
		}
	}
}

// S-47: an attribute needs parentheses after !, and an operator a blank before
// its list; both are refused, as there is no recording that Windows takes them.
// S-46 has one exception: a SACL with entries of a DACL prints, and Parse does
// not read it.
func TestStrictText(t *testing.T) {
	for text, ok := range map[string]bool{
		`D:(XA;;FR;;;WD;(!(@User.a)))`: true, `D:(XA;;FR;;;WD;(!@User.a))`: false,
		`D:(XA;;FR;;;WD;(@User.a Contains {1}))`: true, `D:(XA;;FR;;;WD;(@User.a Contains{1}))`: false,
	} {
		if _, err := sddl.Parse(text); (err == nil) != ok {
			t.Errorf("S-47 %s: %v", text, err)
		}
	}
	allow, err := sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone)
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(allow)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sddl.Format(sd.New(sd.Parts{SACL: l}), sddl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sddl.Parse(text); err == nil {
		t.Errorf("%s is read back", text)
	}
}
