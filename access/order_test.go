package access_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A mending makes one thing of a request right that was wrong, and says what the answer then is.
type mending struct {
	what   string
	mend   func(r *access.Request)
	call   ntstatus.Status // of the call; where it succeeds:
	status ntstatus.Status
	err    error
	grant  winnt.AccessMask
}

// wrongList is no tree: a level is left out.
var wrongList = []access.ObjectTypeEntry{{}, {Level: 2, GUID: winnt.GUID{1}}}

// TestSeAccessCheckMended: a request has everything wrong at once, and one thing after the other is
// mended: each answer is that of the first thing that is still wrong.
func TestSeAccessCheckMended(t *testing.T) {
	good := ask(t, "…(A;;0x3;;;WD)", 1, primary)
	r := &access.Request{Mode: access.Kernel, ObjectTypes: wrongList, Desired: 0,
		Subject: access.Subject{Client: new(token.Token), Level: winnt.SecurityIdentification}}
	for _, m := range []mending{
		{"everything is wrong", func(*access.Request) {}, 0, ntstatus.AccessDenied, access.ErrNoMapping, 0},
		{"A-31 kernel mode", func(r *access.Request) { r.Type, r.Desired = winnt.FileObject, 5 }, 0, ntstatus.Success,
			nil, 5},
		{"A-32 no descriptor", func(r *access.Request) { r.Mode, r.Desired = access.User, 0 }, 0, ntstatus.AccessDenied,
			nil, 0},
		{"A-30 the level", func(r *access.Request) { r.Descriptor = good.Descriptor }, 0,
			ntstatus.BadImpersonationLevel, nil, 0},
		{"A-30 the level, with rights granted before", func(r *access.Request) { r.Previous = 1 }, 0,
			ntstatus.BadImpersonationLevel, nil, 0},
		{"A-33 nothing asked, something granted before", func(r *access.Request) {
			r.Subject.Level = winnt.SecurityImpersonation
		}, 0, ntstatus.Success, nil, 1},
		{"A-33 nothing asked", func(r *access.Request) { r.Previous = 0 }, 0, ntstatus.AccessDenied, nil, 0},
		{"no token", func(r *access.Request) { r.Desired = 3 }, 0, ntstatus.AccessDenied, access.ErrNoToken, 0},
		{"A-25 no tree", func(r *access.Request) { r.Subject.Client = good.Subject.Primary }, 0,
			ntstatus.InvalidParameter, nil, 0},
		{"nothing is wrong", func(r *access.Request) { r.ObjectTypes = nil }, 0, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		d, err := access.SeAccessCheck(r)
		if !errors.Is(err, m.err) || (err == nil) != (m.err == nil) || d.Status() != m.status || d.Granted != m.grant {
			t.Errorf("%s: %v, %v, want %v, %v, %v", m.what, d, err, m.status, m.grant, m.err)
		}
	}
}

// TestResultListMended: the list comes before everything else in both forms, and what a
// check of one result answers, each result answers.
func TestResultListMended(t *testing.T) {
	good := ask(t, "…(A;;0x3;;;WD)", 1)
	r := &access.Request{Desired: winnt.GENERIC_READ | saclBit, ObjectTypes: nil}
	for _, m := range []mending{
		{"everything is wrong", func(*access.Request) {}, 0, ntstatus.InvalidParameter, nil, 0},
		{"no tree", func(r *access.Request) { r.ObjectTypes = wrongList }, 0, ntstatus.InvalidParameter, nil, 0},
		{"no type", func(r *access.Request) { r.ObjectTypes = wrongList[:1] }, 0, ntstatus.AccessDenied,
			access.ErrNoMapping, 0},
		{"no descriptor", func(r *access.Request) { r.Type = winnt.FileObject }, 0, ntstatus.AccessDenied, nil, 0},
		{"no token", func(r *access.Request) { r.Descriptor = good.Descriptor }, 0, ntstatus.AccessDenied,
			access.ErrNoToken, 0},
		{"no privilege", func(r *access.Request) { r.Subject = good.Subject }, 0, ntstatus.PrivilegeNotHeld, nil, 0},
		{"nothing is wrong", func(r *access.Request) { r.Desired = 3 }, 0, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		results, d, err := access.CheckResultList(r)
		if !errors.Is(err, m.err) || (err == nil) != (m.err == nil) || d.Status() != m.status || d.Granted != m.grant {
			t.Errorf("%s: %v, %v, want %v, %v, %v", m.what, d, err, m.status, m.grant, m.err)
		}
		want := 1 // one entry, one result
		if m.err != nil || m.status == ntstatus.InvalidParameter {
			want = 0
		}
		if len(results) != want || want == 1 && results[0] != (access.NodeResult{Granted: d.Granted,
			Verdict: d.Verdict}) {
			t.Errorf("%s: the results are %v, the decision %v", m.what, results, d)
		}
	}
}

// TestNtAccessCheckMended: of all that can be wrong with a system call the answer is about the first
// in the order of, as one after the other is mended; the form with results asks for its
// list before all of them.
func TestNtAccessCheckMended(t *testing.T) {
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
		{"nothing is wrong", func(r *access.Request) { r.Desired = 3 }, ntstatus.Success, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		call, d := access.NtAccessCheck(r)
		if call != m.call || d.Granted != m.grant || call == ntstatus.Success && d.Status() != m.status {
			t.Errorf("%s: %v, %v, want %v, %v, %v", m.what, call, d, m.call, m.status, m.grant)
		}
		call, results, d := access.NtAccessCheckResultList(r)
		if call != m.call || d.Granted != m.grant || call == ntstatus.Success && d.Status() != m.status {
			t.Errorf("%s, with results: %v, %v, want %v, %v, %v", m.what, call, d, m.call, m.status, m.grant)
		}
		if call != ntstatus.Success {
			if results != nil {
				t.Errorf("%s: results of a call that failed: %v", m.what, results)
			}
			continue
		}
		if len(results) != len(r.ObjectTypes) {
			t.Errorf("%s: %d results for %d entries", m.what, len(results), len(r.ObjectTypes))
		}
		for _, n := range results {
			if n.Status() != m.status || n.Granted != m.grant {
				t.Errorf("%s: the result %v, want %v, %v", m.what, n, m.status, m.grant)
			}
		}
		list := r.ObjectTypes
		r.ObjectTypes = nil
		if call, results, d := access.NtAccessCheckResultList(r); call != ntstatus.InvalidParameter || results != nil ||
			d.Allowed() {
			t.Errorf("A-11 %s, without a list: %v, %v, %v", m.what, call, results, d)
		}
		r.ObjectTypes = list
	}
}
