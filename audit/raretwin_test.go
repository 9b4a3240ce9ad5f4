package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// seven is a set with one claim that is 7.
func seven(t *testing.T, name string) *claims.Set {
	t.Helper()
	s, err := claims.NewSet([]claims.Attribute{{Name: name, Type: claims.Int64, Ints: []int64{7}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rareDescriptor is a file of U with these entries; r is a resource attribute of
// the file itself, below one that only its children inherit.
func rareDescriptor(t *testing.T, entries []rareEntry) *sd.Descriptor {
	t.Helper()
	aces := sddl.MustParse(`S:(RA;;;;;WD;("r",TI,0,7))(RA;IOCI;;;;WD;("below",TI,0,7))`).SACL().Slice()
	for _, e := range entries {
		var flags uint8
		for _, f := range []struct {
			set bool
			bit uint8
		}{{e.success, sd.SuccessfulAccess}, {e.failed, sd.FailedAccess}, {e.inheritOnly, sd.InheritOnly}} {
			if f.set {
				flags |= f.bit
			}
		}
		var x sd.ACEExtra
		kind := sd.SystemAudit
		if e.typed >= 0 {
			kind, x.ObjectType = sd.SystemAuditObject, &rareTypes[e.typed]
		}
		if text := rareConditions[e.condition].text; text != "" {
			kind = map[sd.Type]sd.Type{sd.SystemAudit: sd.SystemAuditCallback,
				sd.SystemAuditObject: sd.SystemAuditCallbackObject}[kind]
			x.AppData = []byte(sddl.MustParse("S:(XU;SA;1;;;WD;" + text + ")").SACL().Slice()[0].AppData())
		}
		a, err := sd.NewACE(kind, flags, e.mask, e.who, x)
		if err != nil {
			t.Fatal(err)
		}
		aces = append(aces, a)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		t.Fatal(err)
	}
	return sd.New(sd.Parts{Control: sd.SACLPresent, Owner: userU, Group: sid.Users, SACL: l})
}

// TestEvaluateRare: lists of object types with one outcome and with one a node,
// conditions of every scope, entries that are only inherited: each is drawn on
// purpose, and the evaluation says what U-10 to U-13 say.
func TestEvaluateRare(t *testing.T) {
	r := source(t)
	tok := rareToken(t)
	const n = 6_000
	counts := map[string]int{}
	for range n {
		q := randomQuestion(r)
		p := mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.FileSystem: q.on}})
		request := access.Request{Descriptor: rareDescriptor(t, q.entries), Subject: access.Subject{Primary: tok},
			Type: winnt.FileObject, Desired: q.desired, ObjectTypes: q.list}
		got, want := p.Evaluate("File", &request, q.dec, q.nodes), q.expected()
		if got.Success != want.Success || got.Failure != want.Failure || got.Audited != want.Audited ||
			!slices.Equal(got.Nodes, want.Nodes) {
			t.Fatalf("U-12: %+v\n%+v, want %+v", q, got, want)
		}
		for what, is := range map[string]bool{"recorded": want.Success || want.Failure, "not recorded": !want.Success &&
			!want.Failure, "list": q.list != nil, "results": q.nodes != nil, "success": want.Success, "failure": want.Failure,
			"typed":       slices.ContainsFunc(q.entries, func(e rareEntry) bool { return e.typed >= 0 }),
			"conditional": slices.ContainsFunc(q.entries, func(e rareEntry) bool { return e.condition > 0 }),
			"inherited":   slices.ContainsFunc(q.entries, func(e rareEntry) bool { return e.inheritOnly })} {
			if is {
				counts[what]++
			}
		}
	}
	for _, what := range []string{"recorded", "not recorded", "list", "results", "success", "failure", "typed",
		"conditional", "inherited"} {
		if counts[what] < n/10 {
			t.Errorf("%s: %d of %d questions, want a tenth", what, counts[what], n)
		}
	}
}
