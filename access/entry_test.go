package access_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtAccessCheck checks the request in the order of its rules and returns the status of the first error.
func TestNtAccessCheckReportsFirstError(t *testing.T) {
	badList := []access.ObjectTypeEntry{{Level: 0}, {Level: 2, GUID: winnt.GUID{1}}}
	withList := func(r *access.Request) *access.Request { r.ObjectTypes = badList; return r }
	levelOf := func(r *access.Request, l winnt.SecurityImpersonationLevel) *access.Request {
		r.Subject.Level = l
		return r
	}
	for _, c := range []struct {
		id   string
		r    *access.Request
		call ntstatus.Status
	}{
		{"AC-036 A-12", ask(t, "…", 0x80000000), ntstatus.GenericNotMapped},
		{"A-12 write", ask(t, "…", winnt.GENERIC_WRITE|1), ntstatus.GenericNotMapped},
		{"A-12 execute", ask(t, "…", winnt.GENERIC_EXECUTE|1), ntstatus.GenericNotMapped},
		{"A-12 all", ask(t, "…", winnt.GENERIC_ALL|1), ntstatus.GenericNotMapped},
		{"A-15 the token's level counts", levelOf(ask(t, "…(A;;0x1;;;WD)", 1, level(winnt.SecurityAnonymous)),
			winnt.SecurityDelegation), ntstatus.BadImpersonationLevel},
		{"A-27 the level before the list", withList(ask(t, "…", 1, level(winnt.SecurityAnonymous))),
			ntstatus.BadImpersonationLevel},
		{"A-13", &access.Request{Descriptor: mustSD(t, "…"), Desired: 1, Type: winnt.FileObject},
			ntstatus.InvalidHandle},
		{"AC-054 A-19 no owner", ask(t, "G:SYD:(A;;0x1;;;WD)", 1), ntstatus.InvalidSecurityDescr},
		{"AC-054 A-19 no group", ask(t, "O:SYD:(A;;0x1;;;WD)", 1), ntstatus.InvalidSecurityDescr},
		{"AC-056 A-15 A-21", ask(t, "…(A;;0x1;;;WD)", 1, level(winnt.SecurityAnonymous)),
			ntstatus.BadImpersonationLevel},
		{"AC-103 A-26", withList(ask(t, "…", 1)), ntstatus.InvalidParameter},
		{"AC-114a A-27", withList(ask(t, "…", 0x80000000)), ntstatus.GenericNotMapped},
		{"AC-114c", withList(ask(t, "D:(A;;0x1;;;WD)", 1)), ntstatus.InvalidParameter},
	} {
		if call, d := nt(c.r); call != c.call || d != (access.Decision{}) {
			t.Errorf("%s: NtAccessCheck = %v, %+v; want %v and a zero decision", c.id, call, d, c.call)
		}
	}
	asClient := func(r *access.Request) *access.Request {
		r.Subject.Client = r.Subject.Primary
		return r
	}
	for id, r := range map[string]*access.Request{
		"AC-055 A-14": asClient(ask(t, "…(A;;0x1;;;WD)", 1, primary)),
		"AC-114b":     withList(asClient(ask(t, "…", 1, primary))),
	} {
		if call, _ := nt(r); call != ntstatus.NoImpersonationToken {
			t.Errorf("%s: NtAccessCheck = %v, want %v", id, call, ntstatus.NoImpersonationToken)
		}
	}
}

// NtAccessCheck succeeds with the decision of the check, also if that is a denial.
func TestNtAccessCheckSucceedsWithDenial(t *testing.T) {
	denied := access.Refuse(ntstatus.AccessDenied)
	notHeld := access.Refuse(ntstatus.PrivilegeNotHeld)
	kernel := ask(t, "…", maxMask|1)
	kernel.Mode, kernel.Type = access.Kernel, winnt.KeyObject
	for _, c := range []struct {
		id   string
		r    *access.Request
		want access.Decision
	}{
		{"AC-056 identification is enough (A-21)", ask(t, "…(A;;0x1;;;WD)", 1, level(winnt.SecurityIdentification)),
			access.Grant(1)},
		{"AC-113 A-24", ask(t, "…(A;;0x1;;;WD)", 0), denied},
		{"AC-118 A-16", ask(t, "…(A;;FA;;;WD)", saclBit, low), notHeld},
		{"A-16 beats A-19", ask(t, "D:(A;;FA;;;WD)", saclBit), notHeld},
		{"A-27 kernel mode", kernel, access.Grant(0xF003F)},
		{"A-27 kernel mode without a client", &access.Request{Mode: access.Kernel, Desired: maxMask, Previous: 0x100000,
			Type: winnt.KeyObject}, access.Grant(0x1F003F)},
	} {
		if call, d := nt(c.r); call != ntstatus.Success || d != c.want {
			t.Errorf("%s: NtAccessCheck = %v, %+v; want %v, %+v", c.id, call, d, ntstatus.Success, c.want)
		}
	}
}

// SeAccessCheck checks the request in the order of its rules. Explain returns the same decision and at least one
// step.
func TestSeAccessCheckReportsFirstError(t *testing.T) {
	with := func(r *access.Request, f func(*access.Request)) *access.Request { f(r); return r }
	noSD := func(r *access.Request) { r.Descriptor = nil }
	kernel := func(r *access.Request) { r.Mode = access.Kernel }
	previous := func(m winnt.AccessMask) func(*access.Request) { return func(r *access.Request) { r.Previous = m } }
	identification := level(winnt.SecurityIdentification)
	denied := access.Refuse(ntstatus.AccessDenied)
	for _, c := range []struct {
		id   string
		r    *access.Request
		want access.Decision
	}{
		{"AC-057 A-30", ask(t, "…(A;;0x1;;;WD)", 1, identification), access.Refuse(ntstatus.BadImpersonationLevel)},
		{"AC-063 A-31", with(with(ask(t, "…", maxMask|1), kernel),
			func(r *access.Request) { r.Type = winnt.KeyObject }), access.Grant(0xF003F)},
		{"A-31 without MAXIMUM_ALLOWED", with(with(ask(t, "…", winnt.GENERIC_READ), kernel), previous(2)),
			access.Grant(0x120089 | 2)},
		{"A-32", with(ask(t, "…", 1), noSD), denied},
		{"AC-064 A-35", with(ask(t, "…", 1), previous(1)), access.Grant(1)},
		{"A-35 the rest is checked", with(ask(t, "…(A;;0x2;;;WD)", 3), previous(1)), access.Grant(3)},
		{"A-40 previous is not returned on failure", with(ask(t, "…", 3), previous(1)), denied},
		{"A-34 previous is mapped", with(ask(t, "…", 1), previous(winnt.GENERIC_READ)), access.Grant(0x120089)},
		{"AC-065a A-33", ask(t, "…(A;;0x1;;;WD)", 0), denied},
		{"AC-065b A-33", with(ask(t, "…", 0), previous(2)), access.Grant(2)},
		{"AC-116a kernel mode first", with(with(ask(t, "…", 1, identification), noSD), kernel), access.Grant(1)},
		{"AC-116b A-32 before A-30", with(ask(t, "…", 1, identification), noSD), denied},
		{"A-25",
			with(ask(t, "…", 1),
				func(r *access.Request) { r.ObjectTypes = []access.ObjectTypeEntry{{Level: 1}} }),
			access.Refuse(ntstatus.InvalidParameter)},
		{"A-3 S-1-3-4 without an owner", ask(t, "D:(A;;0x1;;;OW)", 1), denied},
	} {
		d, err := access.SeAccessCheck(c.r)
		if err != nil || d != c.want {
			t.Errorf("%s: SeAccessCheck = %+v, %v; want %+v", c.id, d, err, c.want)
		}
		if explained, x, err := access.Explain(c.r); err != nil || explained != d || len(x.Steps) == 0 {
			t.Errorf("%s: Explain = %+v, %v, %v; want %+v and at least one step", c.id, explained, x, err, d)
		}
	}
}

// A request without a type or a token, and malformed bytes, are errors. A missing descriptor and an empty mask are
// denials.
func TestMalformedRequestsAreErrors(t *testing.T) {
	r := ask(t, "…", 1)
	r.Type = nil
	if _, err := access.SeAccessCheck(r); !errors.Is(err, access.ErrNoMapping) {
		t.Errorf("SeAccessCheck without a type: %v, want %v", err, access.ErrNoMapping)
	}
	r = ask(t, "…", 1)
	r.Subject = access.Subject{}
	if _, err := access.SeAccessCheck(r); !errors.Is(err, access.ErrNoToken) {
		t.Errorf("SeAccessCheck without a token: %v, want %v", err, access.ErrNoToken)
	}
	if _, _, err := access.Explain(r); !errors.Is(err, access.ErrNoToken) {
		t.Errorf("Explain without a token: %v, want %v", err, access.ErrNoToken)
	}
	if _, err := access.Check(nil, r.Descriptor, 1, winnt.FileObject); !errors.Is(err, access.ErrNoToken) {
		t.Errorf("Check without a token: %v, want %v", err, access.ErrNoToken)
	}
	tok := mustToken(t, baseSpec())
	if _, err := access.Check(tok, r.Descriptor, 1, nil); !errors.Is(err, access.ErrNoMapping) {
		t.Errorf("Check without a type: %v, want %v", err, access.ErrNoMapping)
	}
	if d, err := access.Check(tok, nil, 1, winnt.FileObject); err != nil || d.Status() != ntstatus.AccessDenied {
		t.Errorf("Check without a descriptor: %v, %v; want %v, no error", d, err, ntstatus.AccessDenied)
	}
	// An empty request is denied, whatever the descriptor grants.
	for _, text := range []string{"O:BAG:SY", "O:BAG:SYD:(A;;FA;;;WD)", "O:BAG:SYD:NO_ACCESS_CONTROL"} {
		raw := sddl.MustParse(text).Binary()
		if d, err := access.CheckBytes(tok, raw, 0, winnt.FileObject); err != nil || d.Allowed() || d.Granted != 0 {
			t.Errorf("A-24: CheckBytes of %s with an empty mask: %v, %v; want a denial without rights", text, d, err)
		}
	}
	if _, err := access.CheckBytes(tok, []byte{2}, 1, winnt.FileObject); !errors.Is(err,
		ntstatus.InvalidSecurityDescr.Err()) {
		t.Errorf("CheckBytes of malformed bytes: %v, want %v", err, ntstatus.InvalidSecurityDescr.Err())
	}
	if d, _ := access.Check(tok, r.Descriptor, 1, winnt.FileObject); !errors.Is(d.Err(), fs.ErrPermission) {
		t.Errorf("Err of a denial is %v, want fs.ErrPermission", d.Err())
	}
}

// Each entry point denies an empty mask, and every request without a descriptor.
func TestEmptyRequestIsDenied(t *testing.T) {
	for name, text := range map[string]string{"all allowed": "…(A;;GA;;;WD)",
		"no list": "O:BAG:SY", "an empty list": "…"} {
		r := ask(t, text, 0, primary)
		tok, d := r.Subject.Primary, r.Descriptor
		one, err := access.Check(tok, d, 0, winnt.FileObject)
		if err != nil || one.Allowed() || one.Status() != ntstatus.AccessDenied || one.Granted != 0 {
			t.Errorf("A-24: %s: Check with an empty mask: %v, %v; want a denial without rights", name, one, err)
		}
		if raw, err := access.CheckBytes(tok, d.Binary(), 0, winnt.FileObject); err != nil || raw != one {
			t.Errorf("A-24: %s: CheckBytes with an empty mask: %v, %v; want %v, nil", name, raw, err, one)
		}
		if full, err := access.SeAccessCheck(r); err != nil || full != one {
			t.Errorf("A-24: %s: SeAccessCheck with an empty mask: %v, %v; want %v, nil", name, full, err, one)
		}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-24: %s: Changes with an empty mask: %v, %v; want nil, nil", name, changes, err)
		}
	}
	tok := ask(t, "…", 1, primary).Subject.Primary
	for _, desired := range []winnt.AccessMask{0, 1, winnt.MAXIMUM_ALLOWED, saclBit, winnt.GENERIC_ALL} {
		d, err := access.Check(tok, nil, desired, winnt.FileObject)
		if err != nil || d.Status() != ntstatus.AccessDenied || d.Granted != 0 {
			t.Errorf("A-32: Check of %#x without a descriptor: %v, %v; want %v, no rights, no error", desired, d, err,
				ntstatus.AccessDenied)
		}
		r := &access.Request{Subject: access.SubjectOf(tok), Desired: desired, Type: winnt.FileObject}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-32: Changes of %#x without a descriptor: %v, %v; want nil, nil", desired, changes, err)
		}
	}
}

// A failed call returns the status of the first failed check and grants no rights.
func TestFailedCallGrantsNothing(t *testing.T) {
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
		call, resultOf ntstatus.Status // of NtAccessCheck, and of NtAccessCheckResultList
	}{
		"a complete request": {good, ntstatus.Success, ntstatus.InvalidParameter},
		"no request":         {nil, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		"an object type list": {with(func(r *access.Request) { r.ObjectTypes = list }), ntstatus.Success,
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
			t.Errorf("NtAccessCheck, %s: %v, %v; want %v", name, call, d, c.call)
		}
		call, each, d := access.NtAccessCheckResultList(c.r)
		if call != c.resultOf || (each != nil) != (call == ntstatus.Success) ||
			d.Allowed() != (call == ntstatus.Success) {
			t.Errorf("NtAccessCheckResultList, %s: %v, %v, %v; want %v", name, call, each, d, c.resultOf)
		}
	}
	if call, d, done := access.NtPrologue(nil); call != ntstatus.InvalidParameter || !done || d.Allowed() {
		t.Errorf("NtPrologue(nil): %v, %v, done %v; want %v, a denial, true", call, d, done,
			ntstatus.InvalidParameter)
	}
	if call, d, done := access.NtPrologue(with(func(r *access.Request) { kernel(r); noType(r) })); call !=
		ntstatus.InvalidParameter || !done || d.Allowed() {
		t.Errorf("NtPrologue in kernel mode without a type: %v, %v, done %v; want %v, a denial, true", call, d, done,
			ntstatus.InvalidParameter)
	}
}

// Each check before the descriptor can end the call, although the descriptor would grant the request. This holds for
// NtPrologue and both forms of the check.
func TestPrologueEndsBeforeDescriptor(t *testing.T) {
	const dacl = "…(A;;0x1;;;U)"
	list := []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}}
	for name, c := range map[string]struct {
		r    *access.Request
		call ntstatus.Status
		says ntstatus.Status // the decision's status if the call succeeds
		done bool
	}{
		"no error":           {ask(t, dacl, 1), ntstatus.Success, ntstatus.Success, false},
		"a generic right":    {ask(t, dacl, winnt.GENERIC_READ), ntstatus.GenericNotMapped, 0, true},
		"a primary token":    {ask(t, dacl, 1, primary), ntstatus.NoImpersonationToken, 0, true},
		"an anonymous level": {ask(t, dacl, 1, level(winnt.SecurityAnonymous)), ntstatus.BadImpersonationLevel, 0, true},
		"an identification level": {ask(t, dacl, 1, level(winnt.SecurityIdentification)), ntstatus.Success,
			ntstatus.Success, false},
		"a malformed list": {func() *access.Request {
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
			t.Errorf("NtPrologue, %s: %v, %v, done %t; want %v, a denial, done %t", name, call, d, done, c.call,
				c.done)
		}
		call, d = access.NtAccessCheck(c.r)
		if call != c.call || d.Allowed() != (call == ntstatus.Success && c.says == ntstatus.Success) ||
			call == ntstatus.Success && d.Status() != c.says {
			t.Errorf("NtAccessCheck, %s: %v, %v; want %v, %v", name, call, d, c.call, c.says)
		}
		call, each, d := access.NtAccessCheckResultList(c.r)
		if call != c.call || d.Allowed() != (call == ntstatus.Success && c.says == ntstatus.Success) ||
			call == ntstatus.Success && (len(each) != 1 || each[0].Status() != c.says) {
			t.Errorf("NtAccessCheckResultList, %s: %v, %v, %v; want %v, %v", name, call, each, d, c.call, c.says)
		}
	}
}

// A mending corrects one error of a request. It has the expected result after the correction.
type mending struct {
	what   string
	mend   func(r *access.Request)
	call   ntstatus.Status // of the call; the other fields matter if it succeeds
	status ntstatus.Status
	err    error
	grant  winnt.AccessMask
}

// wrongList is malformed: it skips a level.
var wrongList = []access.ObjectTypeEntry{{}, {Level: 2, GUID: winnt.GUID{1}}}

// SeAccessCheck reports the first error of a request that has several. The test starts with all errors and corrects
// one after the other.
func TestSeAccessCheckOrderOfErrors(t *testing.T) {
	good := ask(t, "…(A;;0x3;;;WD)", 1, primary)
	r := &access.Request{Mode: access.Kernel, ObjectTypes: wrongList, Desired: 0,
		Subject: access.Subject{Client: new(token.Token), Level: winnt.SecurityIdentification}}
	for _, m := range []mending{
		{"all errors", func(*access.Request) {}, 0, ntstatus.AccessDenied, access.ErrNoMapping, 0},
		{"A-31 kernel mode", func(r *access.Request) { r.Type, r.Desired = winnt.FileObject, 5 }, 0, ntstatus.Success,
			nil, 5},
		{"A-32 no descriptor", func(r *access.Request) { r.Mode, r.Desired = access.User, 0 }, 0, ntstatus.AccessDenied,
			nil, 0},
		{"A-30 the level", func(r *access.Request) { r.Descriptor = good.Descriptor }, 0,
			ntstatus.BadImpersonationLevel, nil, 0},
		{"A-30 the level, with previously granted rights", func(r *access.Request) { r.Previous = 1 }, 0,
			ntstatus.BadImpersonationLevel, nil, 0},
		{"A-33 an empty mask, with previously granted rights", func(r *access.Request) {
			r.Subject.Level = winnt.SecurityImpersonation
		}, 0, ntstatus.Success, nil, 1},
		{"A-33 an empty mask", func(r *access.Request) { r.Previous = 0 }, 0, ntstatus.AccessDenied, nil, 0},
		{"no token", func(r *access.Request) { r.Desired = 3 }, 0, ntstatus.AccessDenied, access.ErrNoToken, 0},
		{"A-25 a malformed list", func(r *access.Request) { r.Subject.Client = good.Subject.Primary }, 0,
			ntstatus.InvalidParameter, nil, 0},
		{"no error", func(r *access.Request) { r.ObjectTypes = nil }, 0, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		d, err := access.SeAccessCheck(r)
		if !errors.Is(err, m.err) || (err == nil) != (m.err == nil) || d.Status() != m.status || d.Granted != m.grant {
			t.Errorf("SeAccessCheck, first error %s: %v, %v; want %v, granted %v, %v", m.what, d, err, m.status,
				m.grant, m.err)
		}
	}
}

// NtAccessCheck reports the first error of a call that has several, in the order of. The test starts
// with all errors and corrects one after the other. NtAccessCheckResultList checks its list first.
func TestNtAccessCheckOrderOfErrors(t *testing.T) {
	const wants = winnt.GENERIC_READ | saclBit
	good := ask(t, "…(A;;0x3;;;WD)", 1)
	client := func(change func(*token.Spec)) func(*access.Request) {
		return func(r *access.Request) { r.Subject.Client = ask(t, "…", 1, change).Subject.Primary }
	}
	noGroup := sd.New(sd.Parts{Owner: sid.Administrators, DACL: good.Descriptor.DACL()})
	noOwner := sd.New(sd.Parts{Group: sid.Administrators, DACL: good.Descriptor.DACL()})
	r := &access.Request{Mode: access.Kernel, ObjectTypes: wrongList, Desired: wants}
	for _, m := range []mending{
		{"A-27 kernel mode, no type", func(*access.Request) {}, ntstatus.InvalidParameter, 0, nil, 0},
		{"A-27 kernel mode", func(r *access.Request) { r.Type = winnt.FileObject }, ntstatus.Success, ntstatus.Success,
			nil, winnt.FILE_GENERIC_READ | saclBit},
		{"A-12", func(r *access.Request) { r.Mode, r.Type = access.User, nil }, ntstatus.GenericNotMapped, 0, nil, 0},
		{"A-13", func(r *access.Request) { r.Desired = saclBit | 1 }, ntstatus.InvalidHandle, 0, nil, 0},
		{"A-14", client(all(primary)), ntstatus.NoImpersonationToken, 0, nil, 0},
		{"A-15", client(level(winnt.SecurityAnonymous)), ntstatus.BadImpersonationLevel, 0, nil, 0},
		{"A-26", client(level(winnt.SecurityIdentification)), ntstatus.InvalidParameter, 0, nil, 0},
		{"A-16", func(r *access.Request) { r.ObjectTypes = wrongList[:1] }, ntstatus.Success,
			ntstatus.PrivilegeNotHeld, nil, 0},
		{"A-19 no descriptor", func(r *access.Request) { r.Desired = 0 }, ntstatus.InvalidSecurityDescr, 0, nil, 0},
		{"A-19 no group", func(r *access.Request) { r.Descriptor = noGroup }, ntstatus.InvalidSecurityDescr, 0, nil, 0},
		{"A-19 no owner", func(r *access.Request) { r.Descriptor = noOwner }, ntstatus.InvalidSecurityDescr, 0, nil, 0},
		{"no type", func(r *access.Request) { r.Descriptor = good.Descriptor }, ntstatus.InvalidParameter, 0, nil, 0},
		{"A-24", func(r *access.Request) { r.Type = winnt.FileObject }, ntstatus.Success, ntstatus.AccessDenied, nil, 0},
		{"no error", func(r *access.Request) { r.Desired = 3 }, ntstatus.Success, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		call, d := access.NtAccessCheck(r)
		if call != m.call || d.Granted != m.grant || call == ntstatus.Success && d.Status() != m.status {
			t.Errorf("NtAccessCheck, first error %s: %v, %v; want %v, %v, granted %v", m.what, call, d, m.call,
				m.status, m.grant)
		}
		call, results, d := access.NtAccessCheckResultList(r)
		if call != m.call || d.Granted != m.grant || call == ntstatus.Success && d.Status() != m.status {
			t.Errorf("NtAccessCheckResultList, first error %s: %v, %v; want %v, %v, granted %v", m.what, call, d,
				m.call, m.status, m.grant)
		}
		if call != ntstatus.Success {
			if results != nil {
				t.Errorf("NtAccessCheckResultList, first error %s: results %v of a failed call, want nil", m.what,
					results)
			}
			continue
		}
		if len(results) != len(r.ObjectTypes) {
			t.Errorf("NtAccessCheckResultList, first error %s: %d results, want %d", m.what, len(results),
				len(r.ObjectTypes))
		}
		for _, n := range results {
			if n.Status() != m.status || n.Granted != m.grant {
				t.Errorf("NtAccessCheckResultList, first error %s: result %v, want %v, granted %v", m.what, n,
					m.status, m.grant)
			}
		}
		list := r.ObjectTypes
		r.ObjectTypes = nil
		if call, results, d := access.NtAccessCheckResultList(r); call != ntstatus.InvalidParameter || results != nil ||
			d.Allowed() {
			t.Errorf("A-11: NtAccessCheckResultList without a list, first error %s: %v, %v, %v; want %v, nil, a "+
				"denial", m.what, call, results, d, ntstatus.InvalidParameter)
		}
		r.ObjectTypes = list
	}
}
