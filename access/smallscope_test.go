package access_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestSmallScope compares every DACL of up to two entries over three SIDs,
// three masks and six kinds of entries with the oracle, for every state of two
// groups, with and without restricting SIDs and package, for every mask of
// two bits in both modes. REFMON_SCOPE=3 does three entries.
func TestSmallScope(t *testing.T) {
	n := 2
	if v := os.Getenv("REFMON_SCOPE"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatalf("REFMON_SCOPE: %v", err)
		}
	}
	entries := scopeEntries(t)
	tokens := scopeTokens(t)
	questions := 0
	for l := range scopeLists(entries, n) {
		d := sd.New(sd.Parts{Owner: caseG, Group: sid.LocalSystem, DACL: l})
		for _, tok := range tokens {
			for _, desired := range []winnt.AccessMask{1, 2, 3, maxMask, maxMask | 1} {
				r := &access.Request{Descriptor: d, Subject: access.Subject{Primary: tok}, Desired: desired, Type: winnt.FileObject}
				want := newTwin(r).single()
				if got, err := access.Check(tok, d, desired, winnt.FileObject); err != nil || got != want {
					t.Fatalf("desired %#x: %+v, %v; the twin says %+v\nsd %x\ntoken %+v", uint32(desired), got, err, want, d.Binary(), tok.Spec())
				}
				questions++
			}
		}
	}
	t.Logf("%d questions about lists of up to %d of %d entries", questions, n, len(entries))
}

func scopeEntries(t *testing.T) (out []sd.ACE) {
	for _, s := range []sid.SID{caseU, caseG, sid.OwnerRights} {
		for _, m := range []winnt.AccessMask{1, 2, 3} {
			for _, kind := range []struct {
				typ   sd.Type
				flags uint8
			}{{sd.AccessAllowed, 0}, {sd.AccessDenied, 0}, {sd.AccessDenied, sd.InheritOnly}, {sd.AccessDeniedObject, 0}, {sd.AccessAllowedObject, 0}, {sd.SystemAudit, 0}} {
				a, err := sd.NewACE(kind.typ, kind.flags, m, s)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, a)
			}
		}
	}
	return out
}

func scopeTokens(t *testing.T) (out []*token.Token) {
	for _, user := range []uint32{0, denyOnly} {
		for _, group := range []uint32{enabled, 0, denyOnly} {
			for _, f := range []func(*token.Spec){func(*token.Spec) {}, restricted(caseG), all(restricted(caseU), writeRestricted), appContainer} {
				s := token.Spec{
					User: token.Group{SID: caseU, Attributes: user}, Groups: []token.Group{{SID: caseG, Attributes: group}},
					Integrity: sid.MediumLevel, MandatoryPolicy: 1,
				}
				f(&s)
				if !s.Package.IsZero() {
					s.Package = sid.AllAppPackages // so that the lists' SIDs have something to do with it
					s.Capabilities = []token.Group{{SID: caseG, Attributes: winnt.SE_GROUP_ENABLED}}
				}
				tok, err := token.New(s)
				if err != nil && !s.Package.IsZero() {
					s.Package, s.Capabilities = casePkg, nil
					tok, err = token.New(s)
				}
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, tok)
			}
		}
	}
	return out
}

// scopeLists yields every list of up to n of the entries.
func scopeLists(entries []sd.ACE, n int) func(func(*sd.ACL) bool) {
	return func(yield func(*sd.ACL) bool) {
		var grow func(prefix []sd.ACE) bool
		grow = func(prefix []sd.ACE) bool {
			l, err := sd.NewACL(prefix...)
			if err != nil {
				panic(err)
			}
			if !yield(l) {
				return false
			}
			if len(prefix) == n {
				return true
			}
			for _, a := range entries {
				if !grow(append(prefix[:len(prefix):len(prefix)], a)) {
					return false
				}
			}
			return true
		}
		grow(nil)
	}
}
