package access_test

import (
	"iter"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestAccessCheckMatchesOracleExhaustively compares the check with the oracle on all requests from a small vocabulary.
// REFMON_SCOPE is the maximal number of entries in a list: 2 unless set, 3 for a submission, 4 in a soak. Without it
// and without REFMON_DEEP=1 the test uses every tenth list. The subtest "plain" has every DACL from three SIDs, three
// masks, allow and deny, inherit-only or not. Its tokens have each of these SIDs in one of four states. The subtest
// "special" adds object entries, system entries and OWNER RIGHTS to the lists, and restricting SIDs and packages to the
// tokens.
func TestAccessCheckMatchesOracleExhaustively(t *testing.T) {
	n, oneIn := 2, int64(1)
	if !randtest.Deep() {
		oneIn = 10
	}
	if v := os.Getenv("REFMON_SCOPE"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		check.RequireThat(t, err == nil, "REFMON_SCOPE: %v", err)
		oneIn = 1
	}
	t.Run("plain", func(t *testing.T) {
		compareScope(t, plainEntries(t), plainTokens(t), []winnt.AccessMask{1, 2, 3, winnt.READ_CONTROL,
			winnt.READ_CONTROL | 1, maxMask, maxMask | 1, maxMask | winnt.READ_CONTROL}, n, oneIn)
	})
	t.Run("special", func(t *testing.T) {
		compareScope(t, scopeEntries(t), scopeTokens(t), []winnt.AccessMask{1, 2, 3, maxMask, maxMask | 1}, n, oneIn)
	})
}

// compareScope checks the requests of one list in oneIn of the vocabulary on all processors.
func compareScope(t *testing.T, entries []sd.ACE, tokens []*token.Token, masks []winnt.AccessMask, n int, oneIn int64) {
	var oracles []*twin // one for each token and mask, without the descriptor
	for _, tok := range tokens {
		for _, desired := range masks {
			oracles = append(oracles, newTwin(&access.Request{Subject: access.Subject{Primary: tok}, Desired: desired,
				Type: winnt.FileObject}))
		}
	}
	var lists atomic.Int64
	// check asks every oracle about one list. Each goroutine has a scratch of its own, so that a question allocates
	// nothing for the oracle.
	check := func(l *sd.ACL, scratch *twin) bool {
		if lists.Add(1)%oneIn != 0 {
			return true
		}
		d := sd.New(sd.Parts{Owner: caseG, Group: sid.LocalSystem, DACL: l})
		r := scratch.r
		for _, o := range oracles {
			*scratch, *r = *o, *o.r
			r.Descriptor, scratch.r = d, r
			want := scratch.single()
			if got, err := access.Check(r.Subject.Primary, d, r.Desired, r.Type); err != nil || got != want {
				t.Errorf("Check of %#x: %+v, %v; the twin returns %+v\nsd %x\ntoken %+v", uint32(r.Desired), got, err,
					want, d.Binary(), r.Subject.Primary.Spec())
			}
		}
		return !t.Failed()
	}
	check(mustACL(t), &twin{r: &access.Request{}})
	first := make(chan sd.ACE, len(entries))
	for _, a := range entries {
		first <- a
	}
	close(first)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			scratch := &twin{r: &access.Request{}}
			for a := range first {
				for l := range scopeLists(t, []sd.ACE{a}, entries, n) {
					if !check(l, scratch) {
						return
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d lists of up to %d of %d entries, %d questions about each", lists.Load(), n, len(entries), len(oracles))
}

func mustACL(t *testing.T, aces ...sd.ACE) *sd.ACL {
	l, err := sd.NewACL(aces...)
	if err != nil {
		t.Error(err)
	}
	return l
}

func plainEntries(t *testing.T) (out []sd.ACE) {
	for _, s := range []sid.SID{caseU, caseG, caseOther} {
		for _, m := range []winnt.AccessMask{1, 2, winnt.READ_CONTROL | 1} {
			for _, typ := range []sd.Type{sd.AccessAllowed, sd.AccessDenied} {
				for _, flags := range []uint8{0, sd.InheritOnly} {
					out = append(out, check.Must(sd.NewACE(typ, flags, m, s)))
				}
			}
		}
	}
	return out
}

// plainTokens returns a token for each combination of the states of three SIDs: absent, disabled, enabled, deny-only.
func plainTokens(t *testing.T) (out []*token.Token) {
	const absent = ^uint32(0)
	states := []uint32{absent, token.GroupDisabled, enabled, denyOnly}
	for _, u := range states {
		for _, g := range states {
			for _, o := range states {
				s := token.Spec{User: token.Group{SID: domain.WithRID(9999)}, Integrity: sid.MediumLevel, MandatoryPolicy: 1}
				for _, group := range []token.Group{{SID: caseU, Attributes: u}, {SID: caseG, Attributes: g},
					{SID: caseOther, Attributes: o}} {
					if group.Attributes != absent {
						s.Groups = append(s.Groups, group)
					}
				}
				out = append(out, mustToken(t, s))
			}
		}
	}
	return out
}

func scopeEntries(t *testing.T) (out []sd.ACE) {
	for _, s := range []sid.SID{caseU, caseG, sid.OwnerRights} {
		for _, m := range []winnt.AccessMask{1, 2, 3} {
			for _, kind := range []struct {
				typ   sd.Type
				flags uint8
			}{{sd.AccessAllowed, 0}, {sd.AccessDenied, 0}, {sd.AccessDenied, sd.InheritOnly}, {sd.AccessDeniedObject,
				0}, {sd.AccessAllowedObject, 0}, {sd.SystemAudit, 0}} {
				out = append(out, check.Must(sd.NewACE(kind.typ, kind.flags, m, s)))
			}
		}
	}
	return out
}

func scopeTokens(t *testing.T) (out []*token.Token) {
	for _, user := range []uint32{0, denyOnly} {
		for _, group := range []uint32{enabled, token.GroupDisabled, denyOnly} {
			for _, f := range []func(*token.Spec){func(*token.Spec) {}, restricted(caseG),
				join(restricted(caseU), writeRestricted), appContainer} {
				s := token.Spec{
					User: token.Group{SID: caseU, Attributes: user}, Groups: []token.Group{{SID: caseG, Attributes: group}},
					Integrity: sid.MediumLevel, MandatoryPolicy: 1,
				}
				f(&s)
				if !s.Package.IsZero() {
					s.Package = sid.AllAppPackages // so that entries of the lists concern the package
					s.Capabilities = []token.Group{{SID: caseG, Attributes: winnt.SE_GROUP_ENABLED}}
				}
				tok, err := token.New(s)
				if err != nil && !s.Package.IsZero() {
					s.Package, s.Capabilities = casePkg, nil
					tok, err = token.New(s)
				}
				check.NoError(t, err)
				out = append(out, tok)
			}
		}
	}
	return out
}

// scopeLists yields every list that starts with prefix and has at most n entries.
func scopeLists(t *testing.T, prefix, entries []sd.ACE, n int) iter.Seq[*sd.ACL] {
	return func(yield func(*sd.ACL) bool) {
		var grow func(prefix []sd.ACE) bool
		grow = func(prefix []sd.ACE) bool {
			if !yield(mustACL(t, prefix...)) {
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
		grow(prefix)
	}
}
