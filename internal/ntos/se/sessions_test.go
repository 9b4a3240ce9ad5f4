package se_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// admin is a token of a session with an elevation type.
func admin(t *testing.T, session winnt.LUID, elevation uint32) *token.Token {
	t.Helper()
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.AuthenticationID, spec.ElevationType = session, elevation
	return check.Must(token.New(spec))
}

// A session lives from its opening to the end of its last token. A service that holds it and creates no token does
// not end it. The well-known sessions always exist (T-5).
func TestSessionEndsWithItsLastToken(t *testing.T) {
	s := se.NewState(0)
	id := s.AllocateLUID()
	check.RequireThat(t, !s.Sessions.Known(id) && !s.Sessions.Hold(id),
		"Known or Hold is true for a session that was never opened")
	failed := s.AllocateLUID()
	s.Sessions.Open(failed)
	s.Sessions.Hold(failed)
	s.Sessions.Hold(failed)
	s.Sessions.Finish(failed)
	check.That(t, s.Sessions.Known(failed), "L-10: the session ended with the first of two holds, want it open")
	s.Sessions.Finish(failed)
	s.Sessions.Finish(failed) // unknown now
	check.That(t, !s.Sessions.Known(failed), "L-10: the session of a failed logon is open after Finish, want it ended")
	s.Sessions.Open(id)
	check.RequireThat(t, s.Sessions.Hold(id), "T-5: Hold = false for an open session, want true")
	s.Sessions.Release(id)
	check.RequireThat(t, s.Sessions.Known(id), "T-5: the session ended before it had a token, want it open")
	a, b := s.NewToken(admin(t, id, 1), nil), s.NewToken(admin(t, id, 1), nil)
	a.Deref(ob.TagCall)
	check.RequireThat(t, s.Sessions.Known(id), "T-5: the session ended with the first of two tokens, want it open")
	b.Deref(ob.TagCall)
	check.RequireThat(t, !s.Sessions.Known(id), "T-5: the session is still open without a token, want it ended")
	for _, known := range []winnt.LUID{winnt.SYSTEM_LUID, winnt.ANONYMOUS_LOGON_LUID, winnt.LOCALSERVICE_LUID,
		winnt.NETWORKSERVICE_LUID, winnt.IUSER_LUID} {
		s.NewToken(admin(t, known, 1), nil).Deref(ob.TagCall)
		check.That(t, s.Sessions.Known(known), "well-known session %s ended, want it open", known)
		s.Sessions.Note(se.Logon{Token: admin(t, known, 1), Proof: "kerberos"})
		check.Equal(t, s.Sessions.Proof(known), "", "proof of the well-known session %s, which no logon made", known)
	}
}

// The routines are called once for each marked session, and no lock is held during the call (T-5).
func TestMarkedSessionsAreReportedOnce(t *testing.T) {
	s := se.NewState(0)
	var ended []winnt.LUID
	r := &se.LogonSessionTerminatedRoutine{}
	r.Call = func(id winnt.LUID) {
		ended = append(ended, id)
		s.Sessions.Open(s.AllocateLUID()) // would hang if a lock were held
		check.Equal(t, s.Sessions.Unregister(r), ntstatus.Success, "unregistering")
	}
	s.Sessions.Register(r)
	marked, other := s.AllocateLUID(), s.AllocateLUID()
	check.Equal(t, s.Sessions.MarkForNotification(marked), ntstatus.NotFound, "marking an unknown session")
	for range 2 { // the mark stays while the session waits for its first token
		s.Sessions.Open(marked)
		check.Equal(t, s.Sessions.MarkForNotification(marked), ntstatus.Success, "marking")
	}
	a, b := s.NewToken(admin(t, marked, 1), nil), s.NewToken(admin(t, other, 1), nil)
	b.Deref(ob.TagCall)
	a.Deref(ob.TagCall)
	check.That(t, slices.Equal(ended, []winnt.LUID{marked}), "ended sessions reported: %v, want %v", ended, marked)
	check.Equal(t, s.Sessions.Unregister(r), ntstatus.NotFound, "unregistering twice")
	s.Sessions.Register(r)
	s.Sessions.Register(r)
	check.Success(t, s.Sessions.Unregister(r)|s.Sessions.Unregister(r))
}

// Both sessions of a pair live until the last token of either is released, so that each token can find the other
// (T-5, T-80).
func TestLinkedSessionsEndTogether(t *testing.T) {
	s := se.NewState(0)
	one, two := s.AllocateLUID(), s.AllocateLUID()
	full, limited := admin(t, one, winnt.TokenElevationTypeFull), admin(t, two, winnt.TokenElevationTypeLimited)
	a, b := s.NewToken(full, nil), s.NewToken(limited, nil)
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-1002"))
	spec.AuthenticationID, spec.ElevationType = two, winnt.TokenElevationTypeLimited
	other := check.Must(token.New(spec))
	// Only a full token and a limited token of the same user can be linked (T-90).
	for i, bad := range [][2]*token.Token{{full, full}, {limited, limited}, {full, admin(t, two, 1)}, {full, other},
		{other, full}} {
		check.Equal(t, s.Sessions.Link(bad[0], bad[1]), ntstatus.InvalidParameter, "linking the wrong pair %d", i)
	}
	check.Equal(t, s.Sessions.Link(full, admin(t, s.AllocateLUID(),
		winnt.TokenElevationTypeLimited)), ntstatus.NoSuchLogonSession, "linking with an unknown session")
	check.That(t, s.Sessions.Linked(full) == nil, "Linked returns a token before the pair was linked, want nil")
	check.Require(t, s.Sessions.Link(limited, full), ntstatus.Success, "linking")
	if s.Sessions.Linked(full) != limited || s.Sessions.Linked(limited) != full ||
		s.Sessions.Linked(admin(t, one, 1)) != nil {
		t.Error("Linked must return the other token of the pair, and nil for a token outside of it")
	}
	third := s.AllocateLUID()
	s.Sessions.Open(third)
	anew, more := admin(t, third, winnt.TokenElevationTypeLimited), admin(t, third, winnt.TokenElevationTypeFull)
	for _, bad := range [][2]*token.Token{{full, anew}, {anew, full}, {limited, more}, {more, limited}} {
		// A session that is linked cannot be linked again, whichever token is passed first (T-90).
		check.Equal(t, s.Sessions.Link(bad[0], bad[1]), ntstatus.InvalidParameter, "linking a session a second time")
		check.That(t, s.Sessions.Linked(full) == limited && s.Sessions.Linked(limited) == full &&
			s.Sessions.Linked(anew) == nil, "a refused link changed a pair, want both pairs as before")
	}
	b.Deref(ob.TagCall)
	check.That(t, s.Sessions.Known(two) && s.Sessions.Linked(full) == limited,
		"the limited token's session ended before the pair, want both open")
	a.Deref(ob.TagCall)
	check.That(t, !s.Sessions.Known(one) && !s.Sessions.Known(two),
		"a session of the pair is still open after its last token, want both ended")
}

// T-5: the end of a pair is reported for each of its sessions, with its logon, to every routine, even if the first
// one unregisters itself. A pair with a permanent session does not end.
func TestPairEndIsReportedToEveryRoutine(t *testing.T) {
	s := se.NewState(0)
	one, two := s.AllocateLUID(), s.AllocateLUID()
	full, limited := admin(t, one, winnt.TokenElevationTypeFull), admin(t, two, winnt.TokenElevationTypeLimited)
	a, b := s.NewToken(full, nil), s.NewToken(limited, nil)
	check.Success(t, s.Sessions.Link(full, limited))
	var logons []se.Logon
	s.Sessions.Ended = func(o se.Logon) { logons = append(logons, o) }
	s.Sessions.Note(se.Logon{Token: full, Type: winnt.LOGON32_LOGON_INTERACTIVE})
	s.Sessions.Note(se.Logon{Token: limited, Type: winnt.LOGON32_LOGON_UNLOCK})
	s.Sessions.MarkForNotification(one)
	s.Sessions.MarkForNotification(two)
	var ended [3][]winnt.LUID
	for i := range ended {
		r := &se.LogonSessionTerminatedRoutine{}
		r.Call = func(id winnt.LUID) {
			ended[i] = append(ended[i], id)
			if i < 2 {
				s.Sessions.Unregister(r)
			}
		}
		s.Sessions.Register(r)
	}
	a.Deref(ob.TagCall)
	b.Deref(ob.TagCall)
	for i, ids := range ended {
		slices.Sort(ids)
		check.That(t, slices.Equal(ids, []winnt.LUID{one, two}),
			"routine %d got the sessions %v, want %v and %v", i, ids, one, two)
	}
	check.RequireThat(t, len(logons) == 2 && logons[0].Token != logons[1].Token,
		"%d logons ended: %v, want 2 with different tokens", len(logons), logons)
	for _, o := range logons {
		want := map[*token.Token]winnt.LogonType{full: winnt.LOGON32_LOGON_INTERACTIVE,
			limited: winnt.LOGON32_LOGON_UNLOCK}[o.Token]
		check.That(t, o.Type == want, "the ended logon has type %d, want %d", o.Type, want)
	}

	three := s.AllocateLUID()
	limited = admin(t, three, winnt.TokenElevationTypeLimited)
	full = admin(t, winnt.SYSTEM_LUID, winnt.TokenElevationTypeFull)
	b = s.NewToken(limited, nil)
	check.Success(t, s.Sessions.Link(full, limited))
	b.Deref(ob.TagCall)
	check.That(t, s.Sessions.Known(winnt.SYSTEM_LUID) && s.Sessions.Known(three),
		"a session of a pair with a permanent session ended, want both open")
}

// T-5: the end of each marked session of a pair is reported, whichever session loses its last token last.
func TestMarkedSessionsOfPairAreReported(t *testing.T) {
	for marked := range 4 {
		for last := range 2 {
			s := se.NewState(0)
			ids := [2]winnt.LUID{s.AllocateLUID(), s.AllocateLUID()}
			full, limited := admin(t, ids[0], winnt.TokenElevationTypeFull), admin(t, ids[1], winnt.TokenElevationTypeLimited)
			tokens := []ob.Object{s.NewToken(full, nil), s.NewToken(limited, nil)}
			check.Success(t, s.Sessions.Link(full, limited))
			var ended, want []winnt.LUID
			s.Sessions.Register(&se.LogonSessionTerminatedRoutine{Call: func(id winnt.LUID) { ended = append(ended, id) }})
			for i, id := range ids {
				if marked>>i&1 != 0 {
					s.Sessions.MarkForNotification(id)
					want = append(want, id)
				}
			}
			tokens[1-last].Head().Deref(ob.TagCall)
			check.That(t, len(ended) == 0,
				"marked %b: sessions %v reported while the pair is open, want none", marked, ended)
			tokens[last].Head().Deref(ob.TagCall)
			if slices.Sort(ended); !slices.Equal(ended, want) {
				t.Errorf("marked %b, session %d last: reported %v, want %v", marked, last, ended, want)
			}
		}
	}
}

// T-90: a token drops its reference once; its duplicate has its own reference.
func TestDuplicateKeepsDroppedSession(t *testing.T) {
	s := se.NewState(0)
	id := s.AllocateLUID()
	a := s.NewToken(admin(t, id, 1), nil)
	keep := s.NewToken(admin(t, id, 1), nil)
	for range 2 {
		a.DropSession()
	}
	b := s.NewToken(a.Value(), nil)
	c := s.NewToken(a.Value().WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation), nil)
	check.That(t, !b.Value().SessionDropped() && !c.Value().SessionDropped(),
		"a duplicate also dropped its session, want it kept")
	for _, o := range []*se.TokenObject{keep, a, c} {
		o.Deref(ob.TagCall)
	}
	check.That(t, s.Sessions.Known(id), "the session ended although the duplicate is open, want it open")
	b.Deref(ob.TagCall)
	check.That(t, !s.Sessions.Known(id), "the session is open after the last token, want it ended")
}

// A package has one number in each session as long as a token uses it (T-69).
func TestLowBoxNumberIsKeptWhileUsed(t *testing.T) {
	s := se.NewState(0)
	p, q := sid.AppContainer("p"), sid.AppContainer("q")
	a, b := s.Boxes.Hold(1, p), s.Boxes.Hold(1, p)
	if a.Number() == 0 || a.Number() != b.Number() {
		t.Errorf("numbers of one package in one session = %d and %d, want equal numbers above 0",
			a.Number(), b.Number())
	}
	for _, x := range []se.Box{s.Boxes.Hold(2, p), s.Boxes.Hold(1, q)} {
		check.That(t, x.Number() != a.Number(), "another AppContainer has the same number, want a different one")
		x.Release()
	}
	v := check.Result(admin(t, 0x3E7, 1).LowBox(token.LowBoxSpec{Package: p, Number: a.Number()}))
	v = v.WithSessionID(1, 1)
	tok := s.NewToken(v, nil)
	n := a.Number()
	a.Release()
	b.Release()
	if c := s.Boxes.Hold(1, p); c.Number() != n {
		t.Error("the number changed while a token uses it, want the same number")
	} else {
		c.Release()
	}
	tok.Deref(ob.TagCall)
	c := s.Boxes.Hold(1, p)
	defer c.Release()
	if c.Number() <= n {
		t.Errorf("number %d was assigned again, want a new one above %d", c.Number(), n)
	}
}

// Tokens of one session are created and released concurrently. The session lives until the last one is released
// (T-5).
func TestSessionOutlivesConcurrentTokens(t *testing.T) {
	s := se.NewState(0)
	id := s.AllocateLUID()
	s.Sessions.Open(id)
	v := admin(t, id, 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				o := s.NewToken(v, nil)
				check.That(t, s.Sessions.Known(id), "T-5: the session ended while a token is open, want it open")
				o.DropSession()
				o.Deref(ob.TagCall)
			}
		})
	}
	wg.Wait()
	check.That(t, !s.Sessions.Known(id), "T-5: the session is open after the last token, want it ended")
}

// A session ends even if its end is not recorded. The record has the logon that opened it. A session without a logon
// has no record (T-5).
func TestLogonEndIsReported(t *testing.T) {
	for _, listens := range []bool{false, true} {
		s := se.NewState(0)
		var ended []se.Logon
		if listens {
			s.Sessions.Ended = func(o se.Logon) { ended = append(ended, o) }
		}
		for i, noted := range []bool{true, false} {
			id := s.AllocateLUID()
			v := admin(t, id, 1)
			tok := s.NewToken(v, nil)
			if noted {
				s.Sessions.Note(se.Logon{Token: v, Type: winnt.LOGON32_LOGON_BATCH, Proof: "p"})
			}
			tok.Deref(ob.TagCall)
			check.That(t, !s.Sessions.Known(id), "T-5: session %d is still open, want it ended", i)
		}
		if !listens {
			continue
		}
		check.That(t, len(ended) == 1 && ended[0].Type == winnt.LOGON32_LOGON_BATCH && ended[0].Proof == "p" &&
			ended[0].Token != nil, "T-5: reported ends = %+v, want that of the one logon", ended)
	}
}

// Exactly the logons with a proof are returned.
func TestOnlyProvedLogonsAreReturned(t *testing.T) {
	s := se.NewState(0)
	var want []string
	for i, proof := range []string{"a", "", "b", ""} {
		id := winnt.LUID(0x10000 + i)
		s.Sessions.Open(id)
		s.Sessions.Note(se.Logon{Proof: proof, Token: build(t, client, winnt.TokenPrimary, func(s *token.Spec) {
			s.AuthenticationID = id
		})})
		if proof != "" {
			want = append(want, proof)
		}
		check.Equal(t, s.Sessions.Proof(id), proof, "session %d: Proof", i)
	}
	var got []string
	for _, l := range s.Sessions.Proved() {
		got = append(got, l.Proof)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("Proved() = %q, want %q", got, want)
	}
}
