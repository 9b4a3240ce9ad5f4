package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestEveryTrueCertificateVerifies runs the whole second implementation: it verifies random decisions from their
// inputs alone.
func TestEveryTrueCertificateVerifies(t *testing.T) {
	w, has, n := seeded(t), map[string]int{}, rounds(t)
	for i := range n {
		s := w.sample(t, has)
		if _, err := verify(string(s.cert), string(s.descriptor), string(s.token)); err != nil {
			t.Fatalf("certificate %d: %v, want it accepted\n%s\nsd %x\ntoken %s",
				i, err, s.cert, s.descriptor, s.token)
		}
	}
	var table []string
	for _, f := range features {
		table = append(table, fmt.Sprintf("%s %.1f%%", f, float64(100*has[f])/float64(n)))
		if n >= 2000 && has[f] < n/2000 {
			t.Errorf("%d of %d decisions have the feature %q, want more", has[f], n, f)
		}
	}
	t.Logf("%d verified: %s", n, strings.Join(table, ", "))
}

// TestEveryAlteredCertificateIsRefused changes one field of a true certificate, half of the time with a matching
// digest, and exchanges the inputs.
func TestEveryAlteredCertificateIsRefused(t *testing.T) {
	w, has := seeded(t), map[string]int{}
	for i := range rounds(t) {
		s := w.sample(t, has)
		if again := parse(t, s.cert).render(t, true); !bytes.Equal(again, s.cert) {
			t.Fatalf("the test writes certificates in another form:\n%s, want %s\n%s", again, s.cert, s.cert)
		}
		altered := w.mutate(t, s.cert, i%2 == 0)
		if bytes.Equal(altered, s.cert) {
			t.Fatalf("mutation %d left the certificate unchanged: %s, want a change", i, s.cert)
		}
		if _, err := verify(string(altered), string(s.descriptor), string(s.token)); err == nil {
			t.Fatalf("mutation %d was accepted, want an error:\n%s\n%s\nsd %x\ntoken %s",
				i, s.cert, altered, s.descriptor, s.token)
		}
		other := w.sample(t, has)
		if !bytes.Equal(other.descriptor, s.descriptor) {
			if _, err := verify(string(s.cert), string(other.descriptor), string(s.token)); err == nil {
				t.Fatalf("another descriptor was accepted: %s, want an error", s.cert)
			}
		}
		if !bytes.Equal(other.token, s.token) {
			if _, err := verify(string(s.cert), string(s.descriptor), string(other.token)); err == nil {
				t.Fatalf("another token was accepted: %s, want an error", s.cert)
			}
		}
	}
}

// OWNER RIGHTS means the owner and PRINCIPAL_SELF the given SID, also in one request. The certificates verify.
func TestSelfIsNotOwnerRights(t *testing.T) {
	const file, everyone = `{"user":"S-1-5-21-1-2-3-1001","groups":["WD"]}`, "S-1-1-0"
	client := testcheck.Must(tokens.Parse([]byte(file)))
	for _, text := range []string{"O:BAG:BAD:(A;;1;;;OW)(A;;2;;;PS)", "O:WDG:BAD:(A;;1;;;OW)(A;;2;;;PS)"} {
		for _, self := range []string{"", everyone, "S-1-5-32-544"} {
			d := sddl.MustParse(text)
			r := &access.Request{Descriptor: d, Subject: access.Subject{Primary: client}, Type: winnt.FileObject,
				Desired: winnt.MAXIMUM_ALLOWED}
			if self != "" {
				r.Self = sid.MustParse(self)
			}
			_, x, err := access.Explain(r)
			testcheck.NoError(t, err)
			cert := testcheck.Must(x.Certificate(r, []byte(file)))
			_, err = verify(string(cert), string(d.Binary()), file)
			testcheck.NoError(t, err)
		}
	}
}

// A privilege that could grant only what another one has granted does not count as used. The certificate of each
// single right, with both intents and all privileges, verifies.
func TestOnlyPrivilegesThatGrantAreUsed(t *testing.T) {
	const file = `{"user":"S-1-5-21-1-2-3-1001","privileges":["SeSecurityPrivilege","SeTakeOwnershipPrivilege",` +
		`"SeRelabelPrivilege","SeBackupPrivilege","SeRestorePrivilege"]}`
	// The filter leaves ACCESS_SYSTEM_SECURITY, which no list grants.
	client, d := testcheck.Must(tokens.Parse([]byte(file))), sddl.MustParse("O:BAG:BAD:S:(FL;;FA;;;WD;(@User.x == 1))")
	for right := winnt.AccessMask(1); right <= winnt.ACCESS_SYSTEM_SECURITY; right <<= 1 {
		for _, intent := range []access.Intent{{}, {Backup: true}, {Restore: true}, {Backup: true, Restore: true}} {
			r := &access.Request{Descriptor: d, Subject: access.Subject{Primary: client}, Desired: right,
				Intent: intent, Type: winnt.FileObject}
			decision, x, err := access.Explain(r)
			testcheck.NoError(t, err)
			cert := testcheck.Must(x.Certificate(r, []byte(file)))
			if _, err := verify(string(cert), string(d.Binary()), file); err != nil {
				t.Errorf("A-52: right %#x, intent %+v, used %v: %v", uint32(right), intent, decision.PrivilegesUsed, err)
			}
		}
	}
}
