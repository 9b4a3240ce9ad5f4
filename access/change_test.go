package access_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestChanges: what would grant a denial, found by thinking about each case.
func TestChanges(t *testing.T) {
	low := func(s *token.Spec) { s.Integrity = sid.LowLevel }
	for _, c := range []struct {
		text    string
		change  func(*token.Spec)
		desired winnt.AccessMask
		want    []string // each is in some change
		steps   int
		intent  access.Intent
	}{
		{"O:BAG:SYD:(A;;0x1;;;BG)", nil, 1, []string{"member of S-1-5-32-546",
			"put (A;;CC;;;" + caseU.String() + ") before"}, 1, access.Intent{}},
		{"O:BAG:SYD:(D;;0x1;;;WD)(A;;0x1;;;WD)", nil, 1, []string{"drop DACL 0 (D;;CC;;;WD)"}, 1, access.Intent{}},
		// A-50
		{"O:BAG:SYD:(A;;0x1;;;WD)", nil, saclBit, []string{"give the token SeSecurityPrivilege"}, 1, access.Intent{}},
		// A-51
		{"O:BAG:SYD:(A;;0x1;;;WD)", nil, 0x80000, []string{"SeTakeOwnershipPrivilege", "SeRelabelPrivilege",
			"before the other"}, 1, access.Intent{}},
		// A-62
		{"O:BAG:SYD:(A;;FA;;;WD)", low, 2, []string{"raise the token's integrity level to Medium"}, 1, access.Intent{}},
		// A-62
		{"O:BAG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;HI)", nil, 2,
			[]string{"integrity level to High", "drop SACL 0 (ML;;NW;;;HI)"}, 1, access.Intent{}},
		{"O:BAG:SYD:(A;;FA;;;BG)", low, 2, []string{"raise the token's integrity level to Medium"}, 2, access.Intent{}},
		{"O:BAG:SYD:", nil, 0x20000, []string{"member of S-1-5-32-544"}, 1, access.Intent{}}, // A-56: as owner
		{"O:BAG:SYD:(A;;0x1;;;WD)", nil, 1, nil, 0, access.Intent{}},
		// A-54: of one that means to make a copy, or to put one back
		{"O:BAG:SYD:", nil, winnt.FILE_READ_DATA, []string{"give the token SeBackupPrivilege, enabled"}, 1,
			access.Intent{Backup: true}},
		{"O:BAG:SYD:", nil, winnt.FILE_WRITE_DATA, []string{"give the token SeRestorePrivilege, enabled"}, 1,
			access.Intent{Restore: true}},
		{"O:BAG:SYD:", func(s *token.Spec) { s.Privileges = winnt.SeBackupPrivilege.Bit() }, winnt.FILE_READ_DATA,
			[]string{"enable SeBackupPrivilege, which the token holds disabled"}, 1, access.Intent{Backup: true}},
	} {
		s := baseSpec()
		s.Privileges, s.EnabledPrivileges = 0, 0
		if c.change != nil {
			c.change(&s)
		}
		r := &access.Request{Descriptor: sddl.MustParse(c.text), Subject: access.Subject{Primary: mustToken(t, s)},
			Desired: c.desired, Type: winnt.FileObject, Intent: c.intent}
		got, err := access.Changes(r)
		if err != nil || (len(got) == 0) != (c.want == nil) {
			t.Errorf("%s %#x: %v, %v", c.text, uint32(c.desired), got, err)
			continue
		}
		var all strings.Builder
		for _, x := range got {
			if len(x.Steps) != c.steps {
				t.Errorf("%s %#x: %v has %d steps, want %d", c.text, uint32(c.desired), x, len(x.Steps), c.steps)
			}
			all.WriteString(x.String() + "\n")
		}
		for name, declared := range map[string]bool{"SeBackup": c.intent.Backup, "SeRestore": c.intent.Restore} {
			if strings.Contains(all.String(), name) != declared {
				t.Errorf("A-54: %s %#x, %+v: %s in\n%s", c.text, uint32(c.desired), c.intent, name, &all)
			}
		}
		for _, w := range c.want {
			if !strings.Contains(all.String(), w) {
				t.Errorf("%s %#x: no %q in\n%s", c.text, uint32(c.desired), w, &all)
			}
		}
	}
}

// TestChangesOfAnything: random questions with every feature; there is nothing
// for what is granted, and nearly always something for a denial.
func TestChangesOfAnything(t *testing.T) {
	w := questions.World{Rand: rand.New(rand.NewPCG(randtest.Seed(t), 0))}
	denials, found := 0, 0
	for range 300 {
		r := w.Request(w.Descriptor(), mustToken(t, w.Spec()), mustToken(t, w.Spec()))
		d, err := access.SeAccessCheck(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := access.Changes(r)
		if err != nil || d.Allowed() && got != nil {
			t.Fatalf("%v: %v, %v", d, got, err)
		}
		if !d.Allowed() {
			denials++
			if len(got) > 0 {
				found++
			}
		}
	}
	t.Logf("%d denials, changes for %d", denials, found)
	if found < denials/2 {
		t.Errorf("changes for %d of %d denials only", found, denials)
	}
}

// ExampleChanges: what would let a guest write.
func ExampleChanges() {
	t, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-501","groups":["BG","WD"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	changes, err := access.Changes(&access.Request{
		Descriptor: sddl.MustParse("O:BAG:SYD:(D;;0x2;;;BG)(A;;FA;;;WD)"), Subject: access.Subject{Primary: t},
		Desired: winnt.FILE_WRITE_DATA, Type: winnt.FileObject,
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range changes {
		fmt.Println(c)
	}
	// Output:
	// drop DACL 0 (D;;DC;;;BG)
	// put (A;;DC;;;S-1-5-21-1-2-3-501) before the other entries
}

// ExampleExplanation_Certificate states a decision for others to verify.
func ExampleExplanation_Certificate() {
	file := []byte(`{"user":"S-1-5-21-1-2-3-501","groups":["BG","WD"]}`)
	t, err := token.Parse(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)"), Subject: access.Subject{Primary: t},
		Desired: winnt.FILE_READ_DATA, Type: winnt.FileObject}
	_, x, err := access.Explain(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	cert, err := x.Certificate(r, file)
	fmt.Println(strings.Contains(string(cert), `"granted":"0x00000001"`), err)
	// It is of the question that was explained and of the token that was asked about,
	// and states no Go function.
	_, err = x.Certificate(r, []byte(`{"user":"S-1-5-18"}`))
	fmt.Println(errors.Is(err, access.ErrOtherToken))
	other := *r
	other.Desired = winnt.FILE_WRITE_DATA
	_, err = x.Certificate(&other, file)
	fmt.Println(errors.Is(err, access.ErrNotExplained))
	r.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	_, err = x.Certificate(r, file)
	fmt.Println(errors.Is(err, access.ErrCallback))
	// Output:
	// true <nil>
	// true
	// true
	// true
}

// TestCertificateOrdersPrivileges: privileges stand in alphabetical order, whatever
// their numbers (docs/certificates.md): SeTakeOwnershipPrivilege is 9, SeBackupPrivilege 17.
func TestCertificateOrdersPrivileges(t *testing.T) {
	spec := baseSpec()
	spec.Privileges = winnt.Privileges(winnt.SeTakeOwnershipPrivilege, winnt.SeBackupPrivilege)
	spec.EnabledPrivileges = spec.Privileges
	r := &access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:"), Subject: access.Subject{Primary: mustToken(t, spec)},
		Desired: winnt.FILE_READ_DATA | winnt.WRITE_OWNER, Type: winnt.FileObject,
		Intent: access.Intent{Backup: true}}
	d, x, err := access.Explain(r)
	if err != nil || !d.Allowed() {
		t.Fatal(d, err)
	}
	cert, err := x.Certificate(r, nil)
	if want := `"privileges":["SeBackupPrivilege","SeTakeOwnershipPrivilege"]`; !strings.Contains(string(cert), want) {
		t.Errorf("%s, %v: want %s", cert, err, want)
	}
}

// TestCertificateErrors: a certificate is about the explained question and its
// token.
func TestCertificateErrors(t *testing.T) {
	r := &access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(A;;0x1;;;WD)"),
		Subject: access.Subject{Primary: mustToken(t, baseSpec())}, Desired: 1, Type: winnt.FileObject}
	_, x, err := access.Explain(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Certificate(r, nil); err != nil {
		t.Error(err)
	}
	if _, err := x.Certificate(r, []byte(`{"user":"S-1-5-18"}`)); err != access.ErrOtherToken {
		t.Errorf("another token: %v", err)
	}
	if _, err := x.Certificate(r, []byte(`{`)); err == nil {
		t.Error("a malformed token file was taken")
	}
	other := *r
	other.Desired = 2
	if _, err := x.Certificate(&other, nil); err != access.ErrNotExplained {
		t.Errorf("another question: %v", err)
	}
	other.Desired, other.Options.Callback = 1, func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	if _, err := x.Certificate(&other, nil); err != access.ErrCallback {
		t.Errorf("a callback: %v", err)
	}
	other.Desired, other.Options.Callback, other.Type = 1, nil, nil
	if _, err := x.Certificate(&other, nil); err != access.ErrNotExplained {
		t.Errorf("no type: %v", err)
	}
	other.Type = winnt.FileObject
	if _, err := (*access.Explanation)(nil).Certificate(&other, nil); err != access.ErrNotExplained {
		t.Errorf("no explanation: %v", err)
	}
	other.Type = winnt.KeyObject
	if _, err := x.Certificate(&other, nil); err != access.ErrNotExplained {
		t.Errorf("another type: %v", err)
	}
	if _, err := x.Certificate(nil, nil); err != access.ErrNoRequest {
		t.Errorf("no request: %v", err)
	}
	other.Subject = access.Subject{}
	if _, err := x.Certificate(&other, nil); err != access.ErrNoToken {
		t.Errorf("no token: %v", err)
	}
}
