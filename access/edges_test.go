package access_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// asking for nothing is denied by each entry point, whatever the descriptor
// grants, and so is everything without a descriptor, whatever is asked for.
func TestNothingIsDenied(t *testing.T) {
	for name, text := range map[string]string{"all allowed": "…(A;;GA;;;WD)",
		"no list": "O:BAG:SY", "an empty list": "…"} {
		r := ask(t, text, 0, primary)
		tok, d := r.Subject.Primary, r.Descriptor
		one, err := access.Check(tok, d, 0, winnt.FileObject)
		if err != nil || one.Allowed() || one.Status() != ntstatus.AccessDenied || one.Granted != 0 {
			t.Errorf("A-24 %s: Check: %v, %v", name, one, err)
		}
		if raw, err := access.CheckBytes(tok, d.Binary(), 0, winnt.FileObject); err != nil || raw != one {
			t.Errorf("A-24 %s: CheckBytes: %v, %v", name, raw, err)
		}
		if full, err := access.SeAccessCheck(r); err != nil || full != one {
			t.Errorf("A-24 %s: SeAccessCheck: %v, %v", name, full, err)
		}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-24 %s: changes %v, %v", name, changes, err)
		}
	}
	tok := ask(t, "…", 1, primary).Subject.Primary
	for _, desired := range []winnt.AccessMask{0, 1, winnt.MAXIMUM_ALLOWED, saclBit, winnt.GENERIC_ALL} {
		d, err := access.Check(tok, nil, desired, winnt.FileObject)
		if err != nil || d.Status() != ntstatus.AccessDenied || d.Granted != 0 {
			t.Errorf("A-32 %#x: %v, %v", desired, d, err)
		}
		r := &access.Request{Subject: access.SubjectOf(tok), Desired: desired, Type: winnt.FileObject}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-32 %#x: changes %v, %v", desired, changes, err)
		}
	}
}

// A subject without a user holds nothing, and is no client of a low level.
func TestNobody(t *testing.T) {
	zero := new(token.Token)
	for name, s := range map[string]*access.Subject{"nil": nil, "zero": {}, "zero token": {Primary: zero},
		"zero client": {Primary: ask(t, "…", 1, primary).Subject.Primary, Client: zero,
			Level: winnt.SecurityDelegation}} {
		if s.BelowImpersonation() || s.Effective() != nil || s.Holds(winnt.SeChangeNotifyPrivilege) {
			t.Errorf("%s: below %v, token %v, holds a privilege: %v", name, s.BelowImpersonation(), s.Effective(),
				s.Holds(winnt.SeChangeNotifyPrivilege))
		}
	}
	if got := access.SubjectOf(nil); got != (access.Subject{}) {
		t.Errorf("the subject of no token: %+v", got)
	}
}

// the short cut is for questions that the whole check could be asked, of rights that
// an entry can grant; with each of them missing it says no.
func TestFastTraverseNeedsAQuestion(t *testing.T) {
	r := ask(t, "…(A;;GA;;;WD)", 0, primary)
	d, s := r.Descriptor, &r.Subject
	if !access.SeFastTraverseCheck(d, s, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject) {
		t.Error("the question itself is refused")
	}
	for name, ok := range map[string]bool{
		"no descriptor": access.SeFastTraverseCheck(nil, s, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject),
		"no type":       access.SeFastTraverseCheck(d, s, winnt.FILE_TRAVERSE, nil),
		"no right":      access.SeFastTraverseCheck(d, s, 0, winnt.DirectoryFileObject),
		"the SACL":      access.SeFastTraverseCheck(d, s, saclBit, winnt.DirectoryFileObject),
		"the SACL too":  access.SeFastTraverseCheck(d, s, saclBit|winnt.FILE_TRAVERSE, winnt.DirectoryFileObject),
		"maximum":       access.SeFastTraverseCheck(d, s, winnt.MAXIMUM_ALLOWED, winnt.DirectoryFileObject),
		"no subject":    access.SeFastTraverseCheck(d, nil, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject),
	} {
		if ok {
			t.Errorf("A-36: %s: passed", name)
		}
	}
}

// Each call that fails says how: the status of the first thing that is missing (A-11,
// ), and grants nothing beside it.
func TestCallStatuses(t *testing.T) {
	good := ask(t, "…(A;;0x1;;;U)", 1)
	with := func(change func(*access.Request)) *access.Request {
		r := *good
		change(&r)
		return &r
	}
	noType := func(r *access.Request) { r.Type = nil }
	kernel := func(r *access.Request) { r.Mode = access.Kernel }
	list := []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}}
	for name, c := range map[string]struct {
		r              *access.Request
		call, resultOf ntstatus.Status // of NtAccessCheck, and of the form with a list
	}{
		"nothing is missing": {good, ntstatus.Success, ntstatus.InvalidParameter},
		"no request":         {nil, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		"a list": {with(func(r *access.Request) { r.ObjectTypes = list }), ntstatus.Success,
			ntstatus.Success},
		"no type": {with(noType), ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		"no type, kernel mode": {with(func(r *access.Request) { noType(r); kernel(r) }), ntstatus.InvalidParameter,
			ntstatus.InvalidParameter},
		"no client": {with(func(r *access.Request) { r.Subject.Client, r.ObjectTypes = nil, list }),
			ntstatus.InvalidHandle,
			ntstatus.InvalidHandle},
		"no descriptor": {with(func(r *access.Request) { r.Descriptor, r.ObjectTypes = nil, list }),
			ntstatus.InvalidSecurityDescr, ntstatus.InvalidSecurityDescr},
	} {
		call, d := access.NtAccessCheck(c.r)
		if call != c.call || d.Allowed() != (call == ntstatus.Success) {
			t.Errorf("%s: %v, %v, want %v", name, call, d, c.call)
		}
		call, each, d := access.NtAccessCheckResultList(c.r)
		if call != c.resultOf || (each != nil) != (call == ntstatus.Success) ||
			d.Allowed() != (call == ntstatus.Success) {
			t.Errorf("%s: with results: %v, %v, %v, want %v", name, call, each, d, c.resultOf)
		}
	}
	if call, d, done := access.NtPrologue(nil); call != ntstatus.InvalidParameter || !done || d.Allowed() {
		t.Errorf("prologue of nothing: %v, %v, %v", call, d, done)
	}
	if call, d, done := access.NtPrologue(with(func(r *access.Request) { kernel(r); noType(r) })); call !=
		ntstatus.InvalidParameter || !done || d.Allowed() {
		t.Errorf("prologue of kernel mode without a type: %v, %v, %v", call, d, done)
	}
}

// a label whose SID is no integrity level counts as none: the default is Medium with
// NO_WRITE_UP.
func TestLabelThatIsNoLevel(t *testing.T) {
	bare, _ := sid.New(16) // its text has no form
	for _, s := range []sid.SID{bare, sid.Everyone, sid.MustParse("S-1-5-4096"), sid.LocalSystem} {
		d := labelled(t, s, winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP)
		for want, change := range map[winnt.AccessMask]func(*token.Spec){
			winnt.FILE_READ_DATA: low, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA: medium} {
			r := ask(t, "…", winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.MAXIMUM_ALLOWED, primary, change)
			r.Descriptor, r.Desired = d, winnt.MAXIMUM_ALLOWED
			got, err := access.SeAccessCheck(r)
			if err != nil || got.Granted&(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA) != want {
				t.Errorf("A-60: a label with %v: %v, %v, want %v", s, got, err, want)
			}
		}
	}
}

func medium(s *token.Spec) { s.Integrity = sid.MediumLevel }

// labelled returns a descriptor that allows Everyone all, with a label of any SID.
func labelled(t *testing.T, s sid.SID, policy winnt.AccessMask) *sd.Descriptor {
	t.Helper()
	a, err := sd.NewACE(sd.SystemMandatoryLabel, 0, policy, s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	p := mustSD(t, "…(A;;GA;;;WD)").Parts()
	p.SACL, p.Control = l, p.Control|sd.SACLPresent
	return sd.New(p)
}

// A record carries all that an explanation prints: the kind of object, the results of a
// list and the entry of each step; an entry too short to be one is left out.
func TestExplanationRecords(t *testing.T) {
	r := ask(t, "…(A;;0x1;;;U)(D;;0x2;;;WD)", 3)
	r.Type = winnt.DirectoryFileObject
	r.ObjectTypes = []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {Level: 1, GUID: winnt.GUID{2}}}
	_, _, x, err := access.ExplainResultList(r)
	if err != nil {
		t.Fatal(err)
	}
	record := x.Record()
	if record.Type != "directory" || len(record.Results) != 2 || len(record.Steps) == 0 {
		t.Errorf("record: type %q, %d results, %d steps", record.Type, len(record.Results), len(record.Steps))
	}
	if record.Mapping == nil || *record.Mapping != r.Type.Mapping {
		t.Errorf("the record maps by %+v", record.Mapping)
	}
	for _, n := range record.Results {
		if n.Status != ntstatus.AccessDenied || n.Granted != 1 {
			t.Errorf("result %+v", n)
		}
	}
	again := record.Explanation()
	if got, want := again.String(), x.String(); got != want {
		t.Errorf("printed from the record:\n%s\nwant\n%s", got, want)
	}
	if !reflect.DeepEqual(again.Record(), record) {
		t.Errorf("a record of it: %+v, want %+v", again.Record(), record)
	}
	for n := range 4 {
		short := *record
		short.Steps = append([]access.StepRecord(nil), record.Steps...)
		short.Steps[0].Entry = make([]byte, n)
		if got := short.Explanation().Record().Steps[0].Entry; len(got) != 0 {
			t.Errorf("an entry of %d bytes: % x", n, got)
		}
	}
}

// Each thing that is looked at before the descriptor ends the call by itself, in the prologue and
// in both forms of the check, with the descriptor granting what is asked for.
func TestPrologueEnds(t *testing.T) {
	const dacl = "…(A;;0x1;;;U)"
	list := []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}}
	for name, c := range map[string]struct {
		r    *access.Request
		call ntstatus.Status
		says ntstatus.Status // where the call succeeds
		done bool
	}{
		"nothing":            {ask(t, dacl, 1), ntstatus.Success, ntstatus.Success, false},
		"a generic right":    {ask(t, dacl, winnt.GENERIC_READ), ntstatus.GenericNotMapped, 0, true},
		"a primary token":    {ask(t, dacl, 1, primary), ntstatus.NoImpersonationToken, 0, true},
		"an anonymous level": {ask(t, dacl, 1, level(winnt.SecurityAnonymous)), ntstatus.BadImpersonationLevel, 0, true},
		"an identified one": {ask(t, dacl, 1, level(winnt.SecurityIdentification)), ntstatus.Success,
			ntstatus.Success, false},
		"no tree": {func() *access.Request {
			r := ask(t, dacl, 1)
			r.ObjectTypes = []access.ObjectTypeEntry{{Level: 1, GUID: winnt.GUID{1}}}
			return r
		}(), ntstatus.InvalidParameter, 0, true},
		"the SACL": {ask(t, dacl, 1|saclBit), ntstatus.Success, ntstatus.PrivilegeNotHeld, true},
	} {
		if primaryOnly := c.r.Subject.Client == nil; primaryOnly {
			c.r.Subject.Client = c.r.Subject.Primary
		}
		if c.r.ObjectTypes == nil {
			c.r.ObjectTypes = list
		}
		call, d, done := access.NtPrologue(c.r)
		if call != c.call || done != c.done || d.Allowed() {
			t.Errorf("%s: the prologue: %v, %v, done %t, want %v, done %t", name, call, d, done, c.call, c.done)
		}
		call, d = access.NtAccessCheck(c.r)
		if call != c.call || d.Allowed() != (call == ntstatus.Success && c.says == ntstatus.Success) ||
			call == ntstatus.Success && d.Status() != c.says {
			t.Errorf("%s: %v, %v, want %v, %v", name, call, d, c.call, c.says)
		}
		call, each, d := access.NtAccessCheckResultList(c.r)
		if call != c.call || d.Allowed() != (call == ntstatus.Success && c.says == ntstatus.Success) ||
			call == ntstatus.Success && (len(each) != 1 || each[0].Status() != c.says) {
			t.Errorf("%s, with results: %v, %v, %v, want %v, %v", name, call, each, d, c.call, c.says)
		}
	}
}
