package access_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each check before the descriptor can end the call, although the descriptor would grant the request (A-12, A-14 to
// Kernel mode is granted its request, without a token and a descriptor. Rights granted before
// do not count, since NtAccessCheck has no parameter for them. NtPrologue and both forms of the check agree.
func TestPrologueEndsBeforeDescriptor(t *testing.T) {
	const dacl = "…(A;;0x1;;;U)"
	good := access.Grant(1)
	kernel := &access.Request{Mode: access.Kernel, Desired: maxMask, Previous: 0x100000, Type: winnt.KeyObject}
	badTree := newRequest(t, dacl, 1)
	badTree.ObjectTypes = wrongList
	highLevel := newRequest(t, dacl, 1, level(winnt.SecurityAnonymous))
	highLevel.Subject.Level = winnt.SecurityDelegation
	denied := access.Refuse(ntstatus.PrivilegeNotHeld)
	zeroClient := &access.Request{Desired: 1, Subject: access.Subject{Client: new(token.Token)}}
	anonymous, identification := level(winnt.SecurityAnonymous), level(winnt.SecurityIdentification)
	for name, c := range map[string]struct {
		r    *access.Request
		call ntstatus.Status
		want access.Decision // if the call succeeds
		done bool            // NtPrologue ends the call
	}{
		"no error":                 {newRequest(t, dacl, 1), ntstatus.Success, good, false},
		"A-12 generic read":        {newRequest(t, dacl, winnt.GENERIC_READ|1), ntstatus.GenericNotMapped, good, true},
		"A-12 generic write":       {newRequest(t, dacl, winnt.GENERIC_WRITE|1), ntstatus.GenericNotMapped, good, true},
		"A-12 generic execute":     {newRequest(t, dacl, winnt.GENERIC_EXECUTE|1), ntstatus.GenericNotMapped, good, true},
		"A-12 generic all":         {newRequest(t, dacl, winnt.GENERIC_ALL|1), ntstatus.GenericNotMapped, good, true},
		"A-13 a zero client token": {zeroClient, ntstatus.InvalidHandle, good, true},
		"A-14 a primary token":     {newRequest(t, dacl, 1, primary), ntstatus.NoImpersonationToken, good, true},
		"A-15 an anonymous level":  {newRequest(t, dacl, 1, anonymous), ntstatus.BadImpersonationLevel, good, true},
		"A-15 the token's level":   {highLevel, ntstatus.BadImpersonationLevel, good, true},
		"A-16 the SACL":            {newRequest(t, dacl, 1|saclBit), ntstatus.Success, denied, true},
		"A-21 identification":      {newRequest(t, dacl, 1, identification), ntstatus.Success, good, false},
		"A-26 a malformed list":    {badTree, ntstatus.InvalidParameter, good, true},
		"A-27 kernel mode":         {kernel, ntstatus.Success, access.Grant(0xF003F), true},
		"A-27 kernel, no type":     {&access.Request{Mode: access.Kernel}, ntstatus.InvalidParameter, good, true},
		"A-150 no request":         {nil, ntstatus.InvalidParameter, good, true},
		"A-150 a zero request":     {&access.Request{}, ntstatus.InvalidHandle, good, true},
	} {
		if c.r != nil && c.r.Subject.Client == nil {
			c.r.Subject.Client = c.r.Subject.Primary
		}
		if c.r != nil && c.r.ObjectTypes == nil {
			c.r.ObjectTypes = list(0, nodeC)
		}
		if c.r != nil {
			c.r.Previous = 0x100000
		}
		want := c.want
		if c.call != ntstatus.Success {
			want = access.Decision{}
		}
		prologue := want
		if !c.done {
			prologue = access.Decision{}
		}
		if call, d, done := access.NtPrologue(c.r); call != c.call || done != c.done || d != prologue {
			t.Errorf("NtPrologue, %s: %v, %v, done %t; want %v, %v, done %t", name, call, d, done, c.call, prologue, c.done)
		}
		if call, d := access.NtAccessCheck(c.r); call != c.call || d != want {
			t.Errorf("NtAccessCheck, %s: %v, %v; want %v, %v", name, call, d, c.call, want)
		}
		call, nodes, d := access.NtAccessCheckResultList(c.r)
		check.That(t, call == c.call && d == want && (len(nodes) == 1) == (call == ntstatus.Success),
			"NtAccessCheckResultList, %s: %v, %v, %v; want %v, %v, a result if the call succeeds", name, call, nodes, d, c.call,
			want)
	}
	if d, err := access.SeAccessCheck(kernel); err != nil || d != access.Grant(0x1F003F) {
		t.Errorf("A-31: SeAccessCheck in kernel mode: %v, %v; want every right of the type and the previous ones", d, err)
	}
}

// Each entry point denies an empty mask, whatever the descriptor grants, and every request without a descriptor (A-24,
//
func TestEmptyRequestIsDenied(t *testing.T) {
	tok := newRequest(t, "…", 1, primary).Subject.Primary
	for _, text := range []string{"…(A;;GA;;;WD)", "O:BAG:SY", "O:BAG:SYD:NO_ACCESS_CONTROL", "…"} {
		r := newRequest(t, text, 0, primary)
		for face, d := range entryPoints(t, r) {
			check.That(t, d == (access.Decision{}),
				"A-24: %s: %s with an empty mask: %v, want a denial without rights", text, face, d)
		}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-24: %s: Changes with an empty mask: %v, %v; want nil, nil", text, changes, err)
		}
	}
	// The execute rights of ports are empty: GENERIC_EXECUTE requests nothing, whatever the entries say.
	for _, text := range []string{"…(A;;GA;;;WD)", "…(D;;GA;;;WD)", "O:BAG:SYD:NO_ACCESS_CONTROL"} {
		r := newRequest(t, text, winnt.GENERIC_EXECUTE, primary)
		r.Type = winnt.PortObject
		for face, d := range entryPoints(t, r) {
			check.That(t, d == (access.Decision{}),
				"A-33: %s: %s of a right that maps to nothing: %v, want a denial without rights", text, face, d)
		}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-33: %s: Changes of a right that maps to nothing: %v, %v; want nil, nil", text, changes, err)
		}
	}
	for _, desired := range []winnt.AccessMask{0, 1, winnt.MAXIMUM_ALLOWED, saclBit, winnt.GENERIC_ALL} {
		d, err := access.Check(tok, nil, desired, winnt.FileObject)
		check.That(t, err == nil && d == (access.Decision{}) && errors.Is(d.Err(), fs.ErrPermission),
			"A-32: Check of %#x without a descriptor: %v, %v, %v; want a denial that is fs.ErrPermission", desired, d, d.Err(),
			err)
		r := &access.Request{Subject: access.SubjectOf(tok), Desired: desired, Type: winnt.FileObject}
		if changes, err := access.Changes(r); err != nil || changes != nil {
			t.Errorf("A-32: Changes of %#x without a descriptor: %v, %v; want nil, nil", desired, changes, err)
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
	good := newRequest(t, "…(A;;0x3;;;WD)", 1, primary)
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
		check.That(t,
			errors.Is(err, m.err) && (err == nil) == (m.err == nil) && d.Status() == m.status && d.Granted == m.grant,
			"SeAccessCheck, first error %s: %v, %v; want %v, granted %v, %v", m.what, d, err, m.status, m.grant, m.err)
		if explained, x, e := access.Explain(r); explained != d || !errors.Is(e, m.err) || e == nil && len(x.Steps) == 0 {
			t.Errorf("Explain, first error %s: %v, %v, %v; want %v, %v, at least one step", m.what, explained, x, e, d, m.err)
		}
	}
}

// NtAccessCheck reports the first error of a call that has several, in the order of. The test starts
// with all errors and corrects one after the other. NtAccessCheckResultList checks its list first.
func TestNtAccessCheckOrderOfErrors(t *testing.T) {
	const wants = winnt.GENERIC_READ | saclBit
	good := newRequest(t, "…(A;;0x3;;;WD)", 1)
	client := func(change func(*token.Spec)) func(*access.Request) {
		return func(r *access.Request) { r.Subject.Client = newRequest(t, "…", 1, change).Subject.Primary }
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
		{"A-14", client(join(primary)), ntstatus.NoImpersonationToken, 0, nil, 0},
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
			check.That(t, results == nil,
				"NtAccessCheckResultList, first error %s: results %v of a failed call, want nil", m.what, results)
			continue
		}
		check.That(t, len(results) == len(r.ObjectTypes),
			"NtAccessCheckResultList, first error %s: %d results, want %d", m.what, len(results), len(r.ObjectTypes))
		for _, n := range results {
			check.That(t, n.Status() == m.status && n.Granted == m.grant,
				"NtAccessCheckResultList, first error %s: result %v, want %v, granted %v", m.what, n, m.status, m.grant)
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
