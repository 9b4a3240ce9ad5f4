package password_test

import (
	"context"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/auth/password"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestFieldsOfPasswordReachStore checks that name, domain, password and logon type reach the store in their fields. A
// request without a name does not reach it (L-19, L-32).
func TestFieldsOfPasswordReachStore(t *testing.T) {
	var told []lsa.Attempt
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}, Logons: func(a lsa.Attempt) { told = append(told, a) }})
	check.NoError(t, err)
	defer s.Close()
	var alice sid.SID
	check.NoError(t, s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		alice = e.AddAccount(lsa.Account{Name: "alice"})
		return e.SetPassword("alice", "word")
	}))
	const network, interactive, batch = winnt.LOGON32_LOGON_NETWORK, winnt.LOGON32_LOGON_INTERACTIVE,
		winnt.LOGON32_LOGON_BATCH
	p := password.New(s)
	check.Equal(t, p.Name(), "password", "Name()")
	for _, c := range []struct {
		typ          winnt.LogonType
		domain, name string
		password     logon.Secret
		want         ntstatus.Status
		group        sid.SID
		reason       string // in the record; "" for no record
	}{
		{network, "", "alice", "word", 0, sid.Network, "STATUS_SUCCESS"},
		{interactive, "HOST", "alice", "word", 0, sid.Interactive, "STATUS_SUCCESS"},
		{network, "OTHER", "alice", "word", ntstatus.LogonFailure, sid.SID{}, "STATUS_NO_SUCH_USER"},
		{network, "alice", "HOST", "word", ntstatus.LogonFailure, sid.SID{}, "STATUS_NO_SUCH_USER"},
		{network, "", "word", "alice", ntstatus.LogonFailure, sid.SID{}, "STATUS_NO_SUCH_USER"},
		{network, "", "alice", "guess", ntstatus.LogonFailure, sid.SID{}, "STATUS_WRONG_PASSWORD"},
		{batch, "", "alice", "word", ntstatus.LogonTypeNotGranted, sid.SID{}, "STATUS_LOGON_TYPE_NOT_GRANTED"},
		{network, "HOST", "", "word", ntstatus.NoSuchPackage, sid.SID{}, ""},
		{network, "", "", "", ntstatus.NoSuchPackage, sid.SID{}, ""}, // Anonymous asks for itself
	} {
		told = nil
		r, st := p.Authenticate(context.Background(), auth.Evidence{Type: c.typ, Domain: c.domain, Name: c.name,
			Password: c.password})
		if st != c.want || (st == 0) != (r.Token.User.SID == alice) || (len(told) == 1) != (c.reason != "") ||
			len(told) == 1 && (told[0].Reason != c.reason || told[0].Name != c.name) {
			t.Errorf("L-19: %q of %q: %v is %v, recorded %+v", c.name, c.domain, st, r.Token.User, told)
		}
		in := false
		for _, g := range r.Token.Groups {
			in = in || g.SID == c.group
		}
		check.That(t, in == (st == 0), "L-8: %q of %q is of no type: %v", c.name, c.domain, r.Token.Groups)
	}
}

// answers is a package that returns one status and counts its calls.
type answers struct {
	status ntstatus.Status
	asked  *int
}

func (answers) Name() string { return "answers" }

func (a answers) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	*a.asked++
	return logon.Result{Proof: e.Name + a.status.String()}, a.status
}

// TestFirstPackageThatSupportsDecides checks that packages are tried in order until one supports the evidence, whatever
// its result is.
func TestFirstPackageThatSupportsDecides(t *testing.T) {
	const no, yes, wrong = ntstatus.NoSuchPackage, ntstatus.Success, ntstatus.LogonFailure
	for _, c := range []struct {
		says  []ntstatus.Status
		want  ntstatus.Status
		asked int
	}{{nil, no, 0}, {[]ntstatus.Status{no}, no, 1}, {[]ntstatus.Status{yes, wrong}, yes, 1},
		{[]ntstatus.Status{wrong, yes}, wrong, 1}, {[]ntstatus.Status{no, yes, wrong}, yes, 2},
		{[]ntstatus.Status{no, no, wrong}, wrong, 3}, {[]ntstatus.Status{no, no}, no, 2}} {
		asked := 0
		var all []auth.Package
		for _, st := range c.says {
			all = append(all, answers{st, &asked})
		}
		r, st := auth.First(context.Background(), auth.Evidence{Name: "a"}, all...)
		proof := "a" + c.want.String()
		if c.want == no {
			proof = ""
		}
		check.That(t, st == c.want && asked == c.asked && r.Proof == proof,
			"%v: %v, %q after %d, want %v after %d", c.says, st, r.Proof, asked, c.want, c.asked)
	}
}
