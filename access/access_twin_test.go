package access_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Every entry point agrees with the oracle on random requests: plain, by type, with a result list, with an
// explanation, and from bytes.
func TestAccessCheckAgreesWithOracle(t *testing.T) {
	seed, n := randtest.Seed(t), randtest.Count(t, "REFMON_PAIRS", 100_000)
	parts := 1 + n/250_000 // run in parallel
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			askTheOracle(t, questions.World{Rand: rand.New(rand.NewPCG(seed, uint64(part)))}, n/parts)
		})
	}
}

// askTheOracle compares n random requests with the oracle.
func askTheOracle(t *testing.T, w questions.World, n int) {
	var drawn questions.Drawn
	decided := map[access.ReasonKind]int{}
	for i := 0; i < n; {
		d := w.Descriptor()
		client, primary := mustToken(t, w.Spec()), mustToken(t, w.Spec())
		for range 8 {
			r := w.Request(d, client, primary)
			x := compareWithTwin(t, r, decided)
			drawn.Add(r, x.Decision.Allowed())
			if i%8 == 0 { // texts take as long as all else together
				checkText(t, x)
			}
			i++
			if t.Failed() {
				t.Fatalf("pair %d: desired %#x previous %#x type %s self %v tree %v\nsd %x\ntoken %+v", i,
					uint32(r.Desired), uint32(r.Previous), r.Type.Name, r.Self, r.ObjectTypes, d.Binary(), client.Spec())
			}
		}
	}
	for k := access.AceAllow; k <= access.NotAsked; k++ {
		if rare := k == access.KernelMode || k == access.NotAsked; !rare && decided[k]*200 < n {
			t.Errorf("%v decided a right in %d of %d requests only, want at least one in 200", k, decided[k], n)
		}
	}
	for _, name := range drawn.Lacks(12) {
		t.Errorf("too few requests had or gave %s: share %.3f", name, drawn.Share(name))
	}
}

// checkText converts an explanation to its record and back. Its text must stay equal.
func checkText(t *testing.T, x *access.Explanation) {
	back, want := x.Record().Explanation().String(), x.String()
	check.That(t, back == want, "text of the explanation made from its record:\n%s\nwant\n%s", back, want)
}

// checkRecord converts an explanation to its record and back. Decision and record must stay equal.
func checkRecord(t *testing.T, x *access.Explanation) {
	record := x.Record()
	back := record.Explanation()
	check.That(t, back.Decision == x.Decision && back.Desired == x.Desired && back.Asked == x.Asked &&
		reflect.DeepEqual(back.Record(), record), "explanation made from its record:\n%s\nwant\n%s", back, x)
	for i := range x.Steps {
		a, b := x.Steps[i], back.Steps[i]
		check.That(t, a.Rule == b.Rule && a.List == b.List && a.ACE == b.ACE && a.Bits == b.Bits &&
			a.Granted == b.Granted && a.Because == b.Because && a.Pass == b.Pass && a.Node == b.Node,
			"step %d made from its record: %+v, want %+v", i, b, a)
	}
}

// compareWithTwin returns the explanation of the decision, which it has compared with the twin's.
func compareWithTwin(t *testing.T, r *access.Request, decided map[access.ReasonKind]int) *access.Explanation {
	want := newTwin(r).single()
	got, err := access.SeAccessCheck(r)
	check.That(t, err == nil && got == want, "SeAccessCheck: %+v, %v; the twin returns %+v", got, err, want)
	explained, x, err := access.Explain(r)
	check.That(t, err == nil && explained == got, "Explain: %+v, %v; SeAccessCheck returned %+v", explained, err, got)
	checkReasons(t, x, r)
	compareReasons(t, x, r, decided)
	checkRecord(t, x)
	if len(r.ObjectTypes) > 0 {
		compareLists(t, r)
	}
	compareNative(t, r, want)
	compareTraverse(t, r)
	if r.Mapping == nil && r.Self.IsZero() && r.ObjectTypes == nil && r.Intent == (access.Intent{}) && r.Policies == nil &&
		r.Previous == 0 && !r.Options.ADOwnerReadOnly && !r.Options.ClaimsDisabled {
		alone := *r
		alone.Subject = access.Subject{Primary: r.Subject.Client}
		want = newTwin(&alone).single()
		got, err = access.Check(r.Subject.Client, r.Descriptor, r.Desired, r.Type)
		check.That(t, err == nil && got == want, "Check: %+v, %v; the twin returns %+v", got, err, want)
		got, err = access.CheckBytes(r.Subject.Client, r.Descriptor.Binary(), r.Desired, r.Type)
		check.That(t, err == nil && got == want, "CheckBytes: %+v, %v; the twin returns %+v", got, err, want)
	}
	return x
}

func compareLists(t *testing.T, r *access.Request) {
	want, used := newTwin(r).each()
	got, d, err := access.CheckResultList(r)
	check.That(t, err == nil && fmt.Sprint(got) == fmt.Sprint(want) && d.PrivilegesUsed == used,
		"CheckResultList: %v, used %v, %v; the twin returns %v, used %v", got, d.PrivilegesUsed, err, want, used)
	root := access.Refuse(want[0].Status()).Using(used)
	if want[0].Allowed() {
		root = access.Grant(want[0].Granted).Using(used)
	}
	check.That(t, d == root, "CheckResultList: decision %+v, want that of the root, %+v", d, root)
	explained, d, x, err := access.ExplainResultList(r)
	check.That(t, err == nil && fmt.Sprint(explained) == fmt.Sprint(got) && d == root && x.Decision == root,
		"ExplainResultList: %v, %+v, explained %+v, %v; CheckResultList returned %v, %+v", explained, d, x.Decision, err, got,
		root)
	checkRecord(t, x)
}

// compareTraverse compares the shortcut with rule A-36 and with the full check, which must grant whatever the
// shortcut grants.
func compareTraverse(t *testing.T, r *access.Request) {
	wanted := r.Desired &^ (winnt.GENERIC_RIGHTS | winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY)
	alone := access.Request{Descriptor: r.Descriptor, Subject: r.Subject, Desired: wanted, Type: r.Type}
	got := access.SeFastTraverseCheck(r.Descriptor, &alone.Subject, wanted, r.Type)
	check.Equal(t, got, newTwin(&alone).traverse(wanted), "SeFastTraverseCheck of %v", wanted)
	check.That(t, !got || newTwin(&alone).single().Allowed(),
		"SeFastTraverseCheck grants %v, which the full check denies", wanted)
}

// traverse applies A-36.
func (t *twin) traverse(wanted winnt.AccessMask) bool {
	for _, typ := range []sd.Type{sd.SystemMandatoryLabel, sd.SystemProcessTrustLabel, sd.SystemAccessFilter,
		sd.SystemScopedPolicyID} {
		if len(t.systemEntries(typ)) > 0 {
			return false
		}
	}
	if wanted == 0 || t.isRestricted() || !t.tok.Package.IsZero() || !matchSpec(t.tok, sid.Everyone, true) ||
		wanted&^t.integrity() != 0 {
		return false
	}
	for _, a := range t.r.Descriptor.DACL().All() {
		m := t.mapped(a.Mask()) & wanted
		switch typ := a.Type(); {
		case m == 0 || a.Flags()&sd.InheritOnly != 0:
		case typ == 1 || typ == 6 || typ == 0xA || typ == 0xC:
			return false
		case typ == 0 && a.SID() == sid.Everyone && m == wanted:
			return true
		}
	}
	return !t.r.Descriptor.HasDACL()
}

// compareNative compares NtAccessCheck with want, for requests that it accepts.
func compareNative(t *testing.T, r *access.Request, want access.Decision) {
	if r.Desired&winnt.GENERIC_RIGHTS != 0 || r.Previous != 0 || r.Descriptor.Owner().IsZero() ||
		r.Descriptor.Group().IsZero() {
		return
	}
	call, got := access.NtAccessCheck(r)
	check.That(t, call == ntstatus.Success && got == want,
		"NtAccessCheck: %v, %+v; the twin returns %v, %+v", call, got, ntstatus.Success, want)
	if len(r.ObjectTypes) > 0 {
		nodes, _ := newTwin(r).each()
		call, results, d := access.NtAccessCheckResultList(r)
		if call != ntstatus.Success || fmt.Sprint(results) != fmt.Sprint(nodes) || d.Status() != nodes[0].Status() ||
			d.Allowed() && d.Granted != nodes[0].Granted || !d.Allowed() && d.Granted != 0 {
			t.Errorf("NtAccessCheckResultList: %v, %v, %+v; the twin returns %v", call, results, d, nodes)
		}
	}
}

// checkReasons checks that each requested bit has exactly one reason that agrees with the decision, and that each
// step has a rule and a sentence.
func checkReasons(t *testing.T, x *access.Explanation, r *access.Request) {
	var covered winnt.AccessMask
	for _, b := range x.Reasons {
		covered |= b.Bit
		check.That(t, b.Reason.Kind != 0, "bit %#x has no reason, want one", uint32(b.Bit))
		check.That(t, x.Decision.Granted&b.Bit == 0 || b.Granted,
			"bit %#x was granted, but its reason is a denial: %v", uint32(b.Bit), b.Reason)
		check.That(t, !x.Decision.Allowed() || !b.Granted || x.Decision.Granted&b.Bit != 0,
			"bit %#x was not granted, but its reason grants it: %v", uint32(b.Bit), b.Reason)
	}
	missing := x.Asked &^ covered
	check.That(t, missing == 0, "requested bits %#x have no reason", uint32(missing))
	if !x.Decision.Allowed() && x.Asked != 0 {
		denied := false
		for _, b := range x.Reasons {
			denied = denied || !b.Granted
		}
		check.That(t, denied, "access was denied, but every reason grants its bit: %v", x.Reasons)
	}
	for _, s := range x.Steps {
		check.That(t, s.Rule != "" && s.Because != "", "step %+v has no rule or no sentence", s)
		check.That(t, s.ACE < 0 || s.Entry() != "", "step %+v has no text of its entry", s)
	}
}
