package access_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A decision that is returned with an error denies access, whatever input was missing.
func TestDecisionWithErrorDenies(t *testing.T) {
	tok, d := benchToken(t, 3), sd.NoSecurity
	zero := new(token.Token)
	who := access.SubjectOf(tok)
	for name, ask := range map[string]func() (access.Decision, error){
		"Check, no token":   func() (access.Decision, error) { return access.Check(nil, d, 1, winnt.FileObject) },
		"Check, zero token": func() (access.Decision, error) { return access.Check(zero, d, 1, winnt.FileObject) },
		"Check, no type":    func() (access.Decision, error) { return access.Check(tok, d, winnt.GENERIC_READ, nil) },
		"bytes, no token": func() (access.Decision,
			error) {
			return access.CheckBytes(nil, d.Binary(), 1, winnt.FileObject)
		},
		"bytes, zero token": func() (access.Decision,
			error) {
			return access.CheckBytes(zero, d.Binary(), 1, winnt.FileObject)
		},
		"bytes, malformed": func() (access.Decision,
			error) {
			return access.CheckBytes(tok, []byte("bad"), 1, winnt.FileObject)
		},
		"bytes, nil": func() (access.Decision,
			error) {
			return access.CheckBytes(tok, nil, 1, winnt.FileObject)
		},
		"bytes, no type": func() (access.Decision, error) { return access.CheckBytes(tok, d.Binary(), 1, nil) },
		"request, nil":   func() (access.Decision, error) { return access.SeAccessCheck(nil) },
		"request, zero":  func() (access.Decision, error) { return access.SeAccessCheck(&access.Request{}) },
		"request, no type": func() (access.Decision, error) {
			return access.SeAccessCheck(&access.Request{Descriptor: d, Subject: who, Desired: 1})
		},
		"request, no subject": func() (access.Decision, error) {
			return access.SeAccessCheck(&access.Request{Descriptor: d, Desired: 1, Type: winnt.FileObject})
		},
		"request, zero client": func() (access.Decision, error) {
			s := access.Subject{Primary: tok, Client: zero, Level: winnt.SecurityImpersonation}
			return access.SeAccessCheck(&access.Request{Descriptor: d, Subject: s, Desired: 1, Type: winnt.FileObject})
		},
		"Explain, nil":     func() (access.Decision, error) { d, _, err := access.Explain(nil); return d, err },
		"result list, nil": func() (access.Decision, error) { _, d, err := access.CheckResultList(nil); return d, err },
		"ExplainResultList, nil": func() (access.Decision, error) {
			_, d, _, err := access.ExplainResultList(nil)
			return d,
				err
		},
	} {
		d, err := ask()
		if err == nil || d.Allowed() || d.Err() == nil || d.Status() == ntstatus.Success || d.Granted != 0 {
			t.Errorf("A-150: %s: %v, allowed %v, %v; want a denial and an error", name, d, d.Allowed(), err)
		}
	}
	if _, err := access.Changes(nil); !errors.Is(err, access.ErrNoRequest) {
		t.Errorf("Changes(nil): %v, want %v", err, access.ErrNoRequest)
	}
	if _, err := new(access.Explanation).Certificate(nil, nil); err == nil {
		t.Error("Certificate of a zero explanation and a nil request: no error, want one")
	}
	if _, err := (*access.Explanation)(nil).Certificate(&access.Request{Subject: who, Type: winnt.FileObject},
		nil); err == nil {
		t.Error("Certificate of a nil explanation: no error, want one")
	}
}

// Functions that return a status also deny incomplete requests.
func TestIncompleteRequestsAreDenied(t *testing.T) {
	zero := new(token.Token)
	for _, r := range []*access.Request{nil, {}, {Subject: access.Subject{Client: zero}, Desired: 1,
		Descriptor: sd.NoSecurity, Type: winnt.FileObject}} {
		if call, d := access.NtAccessCheck(r); call == ntstatus.Success || d.Allowed() {
			t.Errorf("NtAccessCheck of an incomplete request: %v, %v; want an error status and a denial", call, d)
		}
		if call, d, done := access.NtPrologue(r); call == ntstatus.Success || d.Allowed() || !done {
			t.Errorf("NtPrologue of an incomplete request: %v, %v, done %t; want an error status, a denial, true",
				call, d, done)
		}
		if call, results, d := access.NtAccessCheckResultList(r); call == ntstatus.Success || results != nil ||
			d.Allowed() {
			t.Errorf("NtAccessCheckResultList of an incomplete request: %v, %v, %v; want an error status, nil, a "+
				"denial", call, results, d)
		}
	}
	if call, d := access.NtAccessCheck(&access.Request{Subject: ask(t, "…", 1).Subject, Desired: 1,
		Type: winnt.FileObject}); call != ntstatus.InvalidSecurityDescr || d.Allowed() {
		t.Errorf("A-19: NtAccessCheck without a descriptor: %v, %v; want %v and a denial", call, d,
			ntstatus.InvalidSecurityDescr)
	}
	for _, tok := range []*token.Token{nil, zero} {
		if ok, _, st := access.PrivilegeCheck(tok, 0, true); ok || st == ntstatus.Success {
			t.Errorf("PrivilegeCheck of an empty token: %t, %v; want false and an error status", ok, st)
		}
		if used, st := access.PrivilegePolicy(tok, 1); used != 0 || st == ntstatus.Success {
			t.Errorf("PrivilegePolicy of an empty token: %v, %v; want 0 and an error status", used, st)
		}
	}
	for _, s := range []*access.Subject{nil, {}, {Primary: zero}} {
		if access.SeFastTraverseCheck(sd.NoSecurity, s, winnt.FILE_TRAVERSE, winnt.FileObject) || s.Effective() != nil {
			t.Errorf("SeFastTraverseCheck or Effective of an empty subject %+v granted something", s)
		}
	}
}
