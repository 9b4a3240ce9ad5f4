package access_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestSubjects: of each process with each client at each level, the client's token counts where there is a
// client, also an empty one, and below Impersonation it holds no privilege (A-30, T-102).
func TestSubjects(t *testing.T) {
	backup, restore := winnt.SeBackupPrivilege, winnt.SeRestorePrivilege
	with := func(p winnt.Privilege) *token.Token {
		spec := baseSpec()
		privileges(p)(&spec)
		return mustToken(t, spec)
	}
	process, client, zero := with(backup), with(restore), new(token.Token)
	for _, primary := range []*token.Token{nil, zero, process} {
		for _, impersonated := range []*token.Token{nil, zero, client} {
			for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
				s := access.Subject{Primary: primary, Client: impersonated, Level: level}
				var want *token.Token
				below := false
				switch {
				case impersonated == client:
					want, below = client, level < winnt.SecurityImpersonation
				case impersonated == zero:
					below = level < winnt.SecurityImpersonation
				case primary == process:
					want = process
				}
				name := fmt.Sprintf("process %t, client %t (%t), level %v", primary == process, impersonated == client,
					impersonated == zero, level)
				if s.Effective() != want || s.BelowImpersonation() != below {
					t.Errorf("%s: token %p, below %t, want %p, %t", name, s.Effective(), s.BelowImpersonation(), want, below)
				}
				if s.Holds(backup) != (want == process && !below) || s.Holds(restore) != (want == client &&
					!below) {
					t.Errorf("%s: holds %t %t", name, s.Holds(backup), s.Holds(restore))
				}
			}
		}
	}
	if s := access.SubjectOf(process); s.Primary != process || s.Client != process || s.Level != process.Level() {
		t.Errorf("of a client: %+v", s)
	}
	spec := baseSpec()
	spec.Type, spec.Level = winnt.TokenPrimary, 0
	if own := mustToken(t, spec); access.SubjectOf(own) != (access.Subject{Primary: own}) {
		t.Errorf("of a process: %+v", access.SubjectOf(own))
	}
	if access.SubjectOf(nil) != (access.Subject{}) {
		t.Error("no token makes a subject")
	}
}

// TestServerOfACompoundEntry: the server's SID is looked for in the process's token, in the client's where
// the process has none, and never in both.
func TestServerOfACompoundEntry(t *testing.T) {
	compound, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.Guests, sd.ACEExtra{ClientSID: sid.Everyone})
	if err != nil {
		t.Fatal(err)
	}
	if compound.ServerSID() != sid.Guests {
		t.Fatal(compound.ServerSID())
	}
	server, client := mustGroups(t, sid.Guests, sid.Everyone), mustGroups(t, sid.Users, sid.Everyone)
	for _, c := range []struct {
		name            string
		process, client *token.Token
		want            bool
	}{
		{"the server's process", server, client, true}, {"another's", client, server, false},
		{"no process, and the server is the client", nil, server, true}, {"no process", nil, client, false},
		{"an empty process", new(token.Token), server, true}, {"the server alone", server, nil, true},
	} {
		r := &access.Request{Descriptor: sd.New(sd.Parts{Owner: caseOther, Group: caseOther, DACL: mustACL(t, compound)}),
			Subject: access.Subject{Primary: c.process, Client: c.client, Level: winnt.SecurityImpersonation}, Desired: 1,
			Type: winnt.FileObject}
		if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != c.want {
			t.Errorf("%s: %v, %v, want %t", c.name, d, err, c.want)
		}
	}
}

// mustGroups returns a client's token with groups.
func mustGroups(t *testing.T, sids ...sid.SID) *token.Token {
	spec := baseSpec()
	groups(sids...)(&spec)
	return mustToken(t, spec)
}

// TestCallbackIsAsked: a resource manager's callback gets the entry that is met and the effective token, once
// for each pass that has to decide its rights, and nothing that is a condition.
func TestCallbackIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*token.Spec)
		want   []string
	}{
		"one pass":   {nil, []string{"01020304", "05060708"}},
		"restricted": {restricted(sid.Everyone), []string{"01020304", "05060708", "01020304"}},
	} {
		pc := plainCase{sd: "…(A;;0x4;;;WD)(0x09;;0x1;;;WD;#01020304)(XA;;0x1;;;WD;(@User.x==1))" +
			"(0x09;;0x1;;;BG;#01020304)(0x0a;IO;0x2;;;WD;#01020304)(0x0a;;0x2;;;WD;#05060708)", desired: maxMask,
			change: c.change}
		r := pc.request(t)
		var got []string
		r.Options.Callback = func(a sd.ACE, tok *token.Token) claims.Truth {
			if got = append(got, fmt.Sprintf("%x", a.AppData())); tok != r.Subject.Client {
				t.Errorf("%s: asked about another token", name)
			}
			return claims.True
		}
		if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 5 || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, asked %v, want %v", name, d, err, got, c.want)
		}
	}
}

// TestCertificateOfAFile: the token is stated by the hash of the file that it was read from, however that is
// laid out, and a question under another mapping is another.
func TestCertificateOfAFile(t *testing.T) {
	file := []byte("{\n  \"groups\": [\"WD\"],\n  \"user\": \"S-1-5-21-1-2-3-501\"\n}\n")
	tok, err := token.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	own, err := tok.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	mapping := winnt.FileObject.Mapping
	r := &access.Request{Descriptor: mustDescriptor("O:BAG:SYD:(A;;FR;;;WD)"), Subject: access.Subject{Primary: tok},
		Desired: 1, Mapping: &mapping}
	_, x, err := access.Explain(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		given, want []byte
	}{{"as it was laid out", file, file}, {"none", nil, own}, {"its own", own, own}} {
		cert, err := x.Certificate(r, c.given)
		if want := fmt.Sprintf(`"token":"%x"`, sha256.Sum256(c.want)); err != nil || !strings.Contains(string(cert), want) {
			t.Errorf("%s: %s, %v, want %s", c.name, cert, err, want)
		}
	}
	for i, part := range []func(m *winnt.GenericMapping) *winnt.AccessMask{
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.Read },
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.Write },
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.Execute },
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.All },
	} {
		other, another := *r, mapping
		*part(&another) |= 0x800
		other.Mapping = &another
		if _, err := x.Certificate(&other, nil); err != access.ErrNotExplained {
			t.Errorf("part %d of the mapping is another: %v", i, err)
		}
	}
}
