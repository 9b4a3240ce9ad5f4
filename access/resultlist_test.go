package access_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// CheckResultList reports the first error of a request that has several, and checks its list first. The result of a
// single node is that of the plain check.
func TestResultListOrderOfErrors(t *testing.T) {
	good := newRequest(t, "…(A;;0x3;;;WD)", 1)
	r := &access.Request{Desired: winnt.GENERIC_READ | saclBit, ObjectTypes: nil}
	for _, m := range []mending{
		{"all errors", func(*access.Request) {}, 0, ntstatus.InvalidParameter, nil, 0},
		{"bad tree", func(r *access.Request) { r.ObjectTypes = wrongList }, 0, ntstatus.InvalidParameter, nil, 0},
		{"no type", func(r *access.Request) { r.ObjectTypes = wrongList[:1] }, 0, ntstatus.AccessDenied,
			access.ErrNoMapping, 0},
		{"no descriptor", func(r *access.Request) { r.Type = winnt.FileObject }, 0, ntstatus.AccessDenied, nil, 0},
		{"no token", func(r *access.Request) { r.Descriptor = good.Descriptor }, 0, ntstatus.AccessDenied,
			access.ErrNoToken, 0},
		{"no privilege", func(r *access.Request) { r.Subject = good.Subject }, 0, ntstatus.PrivilegeNotHeld, nil, 0},
		{"no error", func(r *access.Request) { r.Desired = 3 }, 0, ntstatus.Success, nil, 3},
	} {
		m.mend(r)
		results, d, err := access.CheckResultList(r)
		check.That(t,
			errors.Is(err, m.err) && (err == nil) == (m.err == nil) && d.Status() == m.status && d.Granted == m.grant,
			"CheckResultList, first error %s: %v, %v; want %v, granted %v, %v", m.what, d, err, m.status, m.grant, m.err)
		want := 1 // one entry, one result
		if m.err != nil || m.status == ntstatus.InvalidParameter {
			want = 0
		}
		if len(results) != want || want == 1 && results[0] != (access.NodeResult{Granted: d.Granted, Verdict: d.Verdict}) {
			t.Errorf("CheckResultList, first error %s: results %v, decision %v; want %d equal results", m.what, results, d, want)
		}
	}
}
