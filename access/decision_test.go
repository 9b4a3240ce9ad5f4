package access_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A decision that is returned with an error denies access. The error names the missing input.
func TestDecisionWithErrorDenies(t *testing.T) {
	tok, d, typ := benchToken(t, 3), sd.NoSecurity, winnt.FileObject
	zero := new(token.Token)
	malformed := ntstatus.InvalidSecurityDescr.Err()
	byToken := map[string]struct {
		tok  *token.Token
		raw  []byte
		typ  *winnt.ObjectType
		want error
	}{
		"no token":        {nil, d.Binary(), typ, access.ErrNoToken},
		"a zero token":    {zero, d.Binary(), typ, access.ErrNoToken},
		"no type":         {tok, d.Binary(), nil, access.ErrNoMapping},
		"malformed bytes": {tok, []byte("bad"), typ, malformed},
		"no bytes":        {tok, nil, typ, malformed},
	}
	check.Equal(t, access.Refuse(ntstatus.Success).Status(), ntstatus.AccessDenied, "status of a denial without one")
	for name, c := range byToken {
		if got, err := access.CheckBytes(c.tok, c.raw, 1, c.typ); !errors.Is(err, c.want) || got != (access.Decision{}) {
			t.Errorf("A-150: CheckBytes, %s: %v, %v; want a denial and %v", name, got, err, c.want)
		}
		if c.want == malformed {
			continue
		}
		got, err := access.Check(c.tok, d, winnt.GENERIC_READ, c.typ)
		check.That(t, errors.Is(err, c.want) && got == (access.Decision{}),
			"A-150: Check, %s: %v, %v; want a denial and %v", name, got, err, c.want)
	}
	client := access.Subject{Primary: tok, Client: zero, Level: winnt.SecurityImpersonation}
	for name, c := range map[string]struct {
		r    *access.Request
		want error
	}{
		"no request":    {nil, access.ErrNoRequest},
		"zero request":  {&access.Request{}, access.ErrNoMapping},
		"no type":       {&access.Request{Descriptor: d, Subject: access.SubjectOf(tok), Desired: 1}, access.ErrNoMapping},
		"no subject":    {&access.Request{Descriptor: d, Desired: 1, Type: typ}, access.ErrNoToken},
		"a zero client": {&access.Request{Descriptor: d, Subject: client, Desired: 1, Type: typ}, access.ErrNoToken},
	} {
		one, err := access.SeAccessCheck(c.r)
		explained, _, explainErr := access.Explain(c.r)
		_, changesErr := access.Changes(c.r)
		for face, err := range map[string]error{"SeAccessCheck": err, "Explain": explainErr, "Changes": changesErr} {
			check.That(t, errors.Is(err, c.want), "A-150: %s, %s: %v, want %v", face, name, err, c.want)
		}
		check.That(t, one == (access.Decision{}) && explained == one,
			"A-150: %s: SeAccessCheck %v, Explain %v; want denials", name, one, explained)
	}
	if _, d, err := access.CheckResultList(nil); err != access.ErrNoRequest || d != (access.Decision{}) {
		t.Errorf("CheckResultList(nil): %v, %v; want a denial and %v", d, err, access.ErrNoRequest)
	}
	if _, d, _, err := access.ExplainResultList(nil); err != access.ErrNoRequest || d != (access.Decision{}) {
		t.Errorf("ExplainResultList(nil): %v, %v; want a denial and %v", d, err, access.ErrNoRequest)
	}
}

// Functions that return no error deny a nil and a zero token.
func TestZeroTokenIsDenied(t *testing.T) {
	for _, tok := range []*token.Token{nil, new(token.Token)} {
		if ok, _, st := access.PrivilegeCheck(tok, 0, true); ok || st == ntstatus.Success {
			t.Errorf("PrivilegeCheck of an empty token: %t, %v; want false and an error status", ok, st)
		}
		if used, st := access.PrivilegePolicy(tok, 1); used != 0 || st == ntstatus.Success {
			t.Errorf("PrivilegePolicy of an empty token: %v, %v; want 0 and an error status", used, st)
		}
		s := &access.Subject{Primary: tok}
		check.That(t, !access.SeFastTraverseCheck(sd.NoSecurity, s, winnt.FILE_TRAVERSE, winnt.FileObject),
			"SeFastTraverseCheck of an empty token: true, want false")
	}
	check.That(t, !access.SeFastTraverseCheck(sd.NoSecurity, nil, winnt.FILE_TRAVERSE, winnt.FileObject),
		"SeFastTraverseCheck of no subject: true, want false")
}
