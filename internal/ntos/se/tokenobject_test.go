package se_test

import (
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TokenIds are unique, and a changed token keeps its own.
func TestTokenIDsAreUnique(t *testing.T) {
	s := se.NewState(0)
	v := build(t, client, winnt.TokenPrimary)
	seen := map[winnt.LUID]bool{}
	for range 100 {
		o := s.NewToken(v, nil)
		if seen[o.ID()] || o.ID() <= 0x3E8 {
			t.Fatalf("token id %s was used before or is well known, want a new one", o.ID())
		}
		seen[o.ID()] = true
		o.Deref(ob.TagCall)
	}
}

// Every change has its own ModifiedId, and concurrent writers lose none (T-72).
func TestConcurrentUpdatesAreNotLost(t *testing.T) {
	s := se.NewState(0)
	o := s.NewToken(build(t, client, winnt.TokenPrimary), nil)
	defer o.Deref(ob.TagCall)
	const writers, rounds = 4, 500
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range rounds {
				o.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
					return old.WithSessionID(modified, old.SessionID()+1)
				})
			}
		})
	}
	all.Wait()
	check.Equal(t, o.Value().SessionID(), writers*rounds, "updates were applied")
	check.That(t, o.Value().ModifiedID() > o.ID(), "ModifiedId %v, want a later one", o.Value().ModifiedID())
	before := o.Value()
	o.Update(func(*token.Token, winnt.LUID) *token.Token { return nil })
	check.Equal(t, o.Value(), before, "token after an update that returned nil")
}

// The sixteen impersonation records of a token are created once each, also concurrently.
func TestImpersonationRecordsAreShared(t *testing.T) {
	s := se.NewState(0)
	o := s.NewToken(build(t, client, winnt.TokenImpersonation), nil)
	defer o.Deref(ob.TagCall)
	var got [8]*se.Impersonation
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i] = o.Impersonation(true, false, winnt.SecurityImpersonation) })
	}
	all.Wait()
	want := se.Impersonation{Token: o, CopyOnOpen: true, Level: winnt.SecurityImpersonation}
	for i, r := range got {
		if r != got[0] || *r != want {
			t.Errorf("record %d = %+v, want the shared one", i, *r)
		}
	}
	seen := map[*se.Impersonation]bool{}
	for _, c := range []bool{false, true} {
		for _, e := range []bool{false, true} {
			for l := winnt.SecurityAnonymous; l <= winnt.SecurityDelegation; l++ {
				r := o.Impersonation(c, e, l)
				if seen[r] || r.CopyOnOpen != c || r.EffectiveOnly != e || r.Level != l || r.Own {
					t.Errorf("record of (%t, %t, %v) = %+v, want these flags and level, and a record of its own",
						c, e, l, *r)
				}
				seen[r] = true
			}
		}
	}
}

// The default descriptor is computed once for a token value, and again after a change (T-47, O-38).
func TestDefaultTokenDescriptorIsCached(t *testing.T) {
	s := se.NewState(0)
	o := s.NewToken(build(t, client, winnt.TokenPrimary), nil)
	defer o.Deref(ob.TagCall)
	first := o.DefaultTokenDescriptor()
	got := o.DefaultTokenDescriptor()
	check.That(t, got == first, "second DefaultTokenDescriptor() = %v, want the cached %v", got, first)
	o.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		n, _ := old.WithDefaultDACL(modified, acl(t, "(A;;GA;;;WD)"))
		return n
	})
	dacl := o.DefaultTokenDescriptor().DACL()
	if dacl.Len() != 1 || dacl.At(0).SID() != sid.Everyone {
		t.Errorf("descriptor after a change of the default DACL = %s, want one entry for Everyone",
			text(t, o.DefaultTokenDescriptor()))
	}
}

// A revoked token keeps its user, and loses its privileges and the effect of its groups. The user's later tokens of the
// session are revoked too, but not those of another user, another session or a shared one (W-98).
func TestRevocationMarksTokenAndSession(t *testing.T) {
	s := se.NewState(0)
	id := s.AllocateLUID()
	of := func(user string, id winnt.LUID) *se.TokenObject {
		o := s.NewToken(build(t, user, winnt.TokenPrimary, func(s *token.Spec) { s.AuthenticationID = id }), nil)
		t.Cleanup(func() { o.Deref(ob.TagCall) })
		return o
	}
	first := of(client, id)
	s.Sessions.Note(se.Logon{Token: of(svc, id).Value()}) // a value that the session keeps
	var revoked []*token.Token
	for _, id := range []winnt.LUID{id, 0, winnt.SYSTEM_LUID} {
		revoked = append(revoked, of(client, id).Value())
	}
	first.Revoke()
	before := first.Value()
	first.Revoke()
	check.Equal(t, first.Value(), before, "value of a token that is revoked twice")
	for range 2 {
		s.Sessions.Revoke(revoked, func(v *token.Token) bool { return v.User().SID == sid.MustParse(svc) })
	}
	for o, want := range map[*se.TokenObject]bool{first: true, of(client, id): true, of(svc, id): true,
		of("S-1-5-21-1-2-3-1002", id): false, of(client, s.AllocateLUID()): false, of(client, 0): false,
		of(client, winnt.SYSTEM_LUID): false} {
		v := o.Value()
		check.That(t, v.IsRestricted() == want && (v.Present() == 0) == want && v.Member(sid.Everyone, false) != want &&
			v.Member(v.User().SID, false) != want && v.Integrity() == 0x2000,
			"W-98: %v in session %v: %+v, want it revoked: %t", v.User().SID, v.AuthenticationID(), v.Spec(), want)
	}
}

// A token keeps its objects, and is charged for them, until its end (T-69).
func TestKeptObjectsAreHeldUntilEnd(t *testing.T) {
	s := se.NewState(0)
	kept, o := s.NewToken(build(t, svc, winnt.TokenPrimary), nil), s.NewToken(build(t, client, winnt.TokenPrimary), nil)
	defer kept.Deref(ob.TagCall)
	size := o.HeapSize()
	o.Keep([]ob.Object{kept})
	check.That(t, kept.HandleCount() == 1 && o.HeapSize() > size && size > o.Value().HeapSize(),
		"%d holds, %d bytes, before %d", kept.HandleCount(), o.HeapSize(), size)
	o.Deref(ob.TagCall)
	check.Equal(t, kept.HandleCount(), 0, "holds after the token's end")
}

// A copy, also of a copy, represents its token. A token filtered from one of them descends from all of them and from
// no others. No token descends from a filtered one (I-90).
func TestTokenDescendsFromSourceAndCopies(t *testing.T) {
	s := se.NewState(0)
	v := build(t, svc, winnt.TokenPrimary)
	root, stranger := s.NewToken(v, nil), s.NewToken(v, nil)
	copied := s.NewCopy(root, v, nil)
	again := s.NewCopy(copied, v, nil)
	child := s.NewFiltered(again, v, nil)
	grandchild := s.NewFiltered(s.NewCopy(child, v, nil), v, nil)
	sibling := s.NewFiltered(root, v, nil)
	all := []*se.TokenObject{root, copied, again, child, grandchild, sibling, stranger, s.NewCopy(grandchild, v, nil)}
	names := []string{"root", "copied", "again", "child", "grandchild", "sibling", "stranger", "grandchild's copy"}
	from := [][]int{{0, 1, 2}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 3, 4, 7}, {0, 1, 2, 5}, {6},
		{0, 1, 2, 3, 4, 7}}
	for i, x := range all {
		for j, y := range all {
			want := false
			for _, k := range from[i] {
				want = want || k == j
			}
			check.Equal(t, x.DescendsFrom(y), want, "I-90: %s descends from %s", names[i], names[j])
		}
		check.That(t, i == 0 || x.ID() != root.ID(), "T-55: %s has the id of another object, want its own", names[i])
	}
	for _, x := range all {
		x.Deref(ob.TagCall)
	}
}

// A repeatedly filtered token is charged for the list of its ancestors, which outlives them.
func TestRefilteredTokenIsChargedForAncestors(t *testing.T) {
	s := se.NewState(0)
	v := build(t, svc, winnt.TokenPrimary)
	o := s.NewToken(v, nil)
	size, last := o.HeapSize(), 0
	for range 100 {
		n := s.NewFiltered(o, v, nil)
		o.Deref(ob.TagCall)
		o, last = n, o.HeapSize()
		check.That(t, o.HeapSize() > last, "%d bytes, its source %d", o.HeapSize(), last)
	}
	c := s.NewCopy(o, v, nil)
	check.That(t, o.HeapSize() >= size+100*24 && c.HeapSize() == o.HeapSize(), "%d bytes, its copy %d, the first %d",
		o.HeapSize(), c.HeapSize(), size)
	o.Deref(ob.TagCall)
	c.Deref(ob.TagCall)
}

// TestChildTokenIsPrimary checks that a child's token is a primary one. It has the program's lower integrity if the
// mandatory policy includes TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN. Nothing else changes (T-113).
func TestChildTokenIsPrimary(t *testing.T) {
	const newProcess = winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN
	for i, c := range []struct {
		typ           winnt.TokenType
		policy, image uint32
		want          uint32
	}{
		{winnt.TokenPrimary, newProcess, 0x1000, 0x1000}, {winnt.TokenPrimary, newProcess, 0x1FFF, 0x1FFF},
		{winnt.TokenPrimary, newProcess, 0x2000, 0x2000}, {winnt.TokenPrimary, newProcess, 0x2001, 0x2000},
		{winnt.TokenPrimary, newProcess, se.Unlabelled, 0x2000}, {winnt.TokenPrimary, 1, 0x1000, 0x2000},
		{winnt.TokenPrimary, 0, 0, 0x2000}, {winnt.TokenPrimary, newProcess | 1, 0, 0},
		{winnt.TokenImpersonation, newProcess, se.Unlabelled, 0x2000},
		{winnt.TokenImpersonation, newProcess, 0x1000, 0x1000}, {winnt.TokenImpersonation, 0, 0x1000, 0x2000},
	} {
		tok := build(t, svc, c.typ, func(s *token.Spec) { s.MandatoryPolicy, s.ModifiedID = c.policy, 55 })
		v, st := se.Primary(tok, c.image)
		if st != 0 || v.Type() != winnt.TokenPrimary || v.Level() != 0 || v.Integrity() != c.want ||
			v.ModifiedID() != 55 || v.User().SID != tok.User().SID || v.AuthenticationID() != tok.AuthenticationID() {
			t.Errorf("T-113: case %d: %v, type %v, level %v, integrity %#x, modified %d, want a primary token at %#x",
				i, st, v.Type(), v.Level(), v.Integrity(), v.ModifiedID(), c.want)
		}
		check.That(t, c.typ != winnt.TokenPrimary || c.want != 0x2000 || v == tok,
			"T-113: case %d: the token was copied, want the unchanged token", i)
	}
}
