package se

import (
	"slices"
	"sync"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// LogonSessions are the logon sessions of a kernel, by AuthenticationId. A session ends with its last token.
type LogonSessions struct {
	// Ended is called for each ended session that Note marked, on the goroutine that dropped the last token, without
	// a lock. Immutable once sessions are used.
	Ended func(Logon)

	mu sync.Mutex
	// +checklocks:mu
	live map[winnt.LUID]*session // guarded by mu
	// +checklocks:mu
	routines []*LogonSessionTerminatedRoutine // guarded by mu
}

// LogonSessionTerminatedRoutine is a callback for ended sessions
// (SE_LOGON_SESSION_TERMINATED_ROUTINE); it is registered and unregistered by
// its address. Call runs on the goroutine that dropped the last token, with no
// lock held.
type LogonSessionTerminatedRoutine struct{ Call func(winnt.LUID) }

// Logon holds the part of a logon that its session keeps for the record of its end. The zero value is not a logon.
type Logon struct {
	Token *token.Token
	Type  winnt.LogonType
	Proof string // how the client proved who it is; "" for a name and a password
	Peer  bool   // the host's kernel alone said who it is: its records are not waited for
}

// session is a logon session: its holders, its logon and the other session of its linked pair. LogonSessions.mu guards
// its fields.
type session struct {
	holds     int  // live token objects of the session that hold it, and services about to make one
	used      bool // a token belonged to it once
	permanent bool // well-known: never deleted
	notify    bool // marked for termination notification
	logon     Logon
	revoked   []sid.SID // users whose new tokens of the session get no rights; see Revoke

	// The split pair of a UAC logon, as values. Each session of the pair has
	// both, and lives as long as its partner.
	full, limited *token.Token
	buddy         winnt.LUID // the other session of the pair, 0 without one
}

// Known reports whether the session exists, so that a token may be created for it (T-5).
func (l *LogonSessions) Known(id winnt.LUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live[id] != nil
}

// Len returns the number of sessions, including the well-known ones.
func (l *LogonSessions) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.live)
}

// Open creates a session, which ends with its last token. It does nothing if the session exists.
func (l *LogonSessions) Open(id winnt.LUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.openLocked(id)
}

// openLocked returns the session and creates it if it does not exist. It takes no hold.
//
// +checklocks:l.mu
func (l *LogonSessions) openLocked(id winnt.LUID) *session {
	s := l.live[id]
	if s == nil {
		s = &session{}
		l.live[id] = s
	}
	return s
}

// Hold references a session for a token that will be created. It returns false for an unknown id (T-5). Release
// undoes it.
func (l *LogonSessions) Hold(id winnt.LUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.live[id]
	if s == nil {
		// The session does not exist (T-5).
		return false
	}
	s.holds++
	return true
}

// reference makes a new token object with the value v hold its logon session. It creates the session if it does not
// exist, as at a logon. It reports whether Revoke marked the user of v in the session.
func (l *LogonSessions) reference(v *token.Token) (revoked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.openLocked(v.AuthenticationID())
	s.holds++
	s.used = true
	return slices.Contains(s.revoked, v.User().SID)
}

// Revoke marks the user of each token in its logon session: a new token of that user and session gets no rights. It
// also marks the users of the values that sessions keep, such as linked tokens, if selected returns true for them.
// It calls selected with a lock held.
func (l *LogonSessions) Revoke(tokens []*token.Token, selected func(*token.Token) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.live {
		for _, v := range []*token.Token{s.full, s.limited, s.logon.Token} {
			if v != nil && selected(v) {
				tokens = append(tokens, v)
			}
		}
	}
	for _, v := range tokens {
		s, user := l.live[v.AuthenticationID()], v.User().SID
		// Several users have tokens of a well-known session and of session 0. Such a session is no logon and does not
		// end, so a mark would outlast a new logon of the user.
		if s != nil && !s.permanent && v.AuthenticationID() != 0 && !slices.Contains(s.revoked, user) {
			s.revoked = append(s.revoked, user.Clone())
		}
	}
}

// Release drops one hold and ignores an unknown id. The last one ends the session, unless it is well-known, never had
// a token, or the other of its pair has holders. The other of the pair ends with it (T-5). Release calls Ended and the
// registered routines without a lock.
func (l *LogonSessions) Release(id winnt.LUID) {
	// Records and routines run without the lock, because a routine may use sessions itself.
	ended, logons, routines := l.release(id)
	for _, o := range logons {
		if l.Ended != nil && o.Token != nil {
			l.Ended(o)
		}
	}
	for _, e := range ended {
		for _, r := range routines {
			r.Call(e) // with no lock held (T-5)
		}
	}
}

// Note stores the logon of a session for the record of its end. It does nothing for a session that is unknown or
// well-known.
func (l *LogonSessions) Note(o Logon) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.live[o.Token.AuthenticationID()]; s != nil && !s.permanent {
		s.logon = o
	}
}

// Proof returns the kind of proof that Note stored for a session's client, "" for an unknown session or none.
func (l *LogonSessions) Proof(id winnt.LUID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.live[id]; s != nil {
		return s.logon.Proof
	}
	return ""
}

// Proved returns the logons of live sessions whose clients brought a proof, in no order; nil if there are none. The
// result is a copy.
func (l *LogonSessions) Proved() (all []Logon) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.live {
		if s.logon.Proof != "" {
			all = append(all, s.logon)
		}
	}
	return all
}

// release drops one reference to a logon session, and ends the session with the last. Two linked sessions end
// together, when neither is referenced. A permanent session, and one that no token has used, do not end. If no
// session ends, all results are nil. ended has the sessions marked for notification, and logons those of all ended
// sessions. The caller runs the callbacks in routines without the lock.
func (l *LogonSessions) release(id winnt.LUID) (ended []winnt.LUID, logons []Logon,
	routines []*LogonSessionTerminatedRoutine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.live[id]
	if s == nil {
		return nil, nil, nil
	}
	// A session that never had a token stays, because its creator is about to create the first token.
	if s.holds--; s.holds > 0 || s.permanent || !s.used {
		return nil, nil, nil
	}
	// The two sessions of a UAC logon go together, since either token leads to
	// the other (TokenLinkedToken).
	pair := []winnt.LUID{id}
	if other := l.live[s.buddy]; s.buddy != 0 && other != nil && s.buddy != id {
		if other.holds > 0 || other.permanent {
			return nil, nil, nil // the other session is still in use, so both stay
		}
		pair = append(pair, s.buddy)
	}
	// No step after this one can fail, so the routines are called only for changes that have happened.
	for _, k := range pair {
		if l.live[k].notify {
			ended = append(ended, k)
		}
		logons = append(logons, l.live[k].logon)
		// The session ends with its last token (T-5).
		delete(l.live, k)
	}
	return ended, logons, slices.Clone(l.routines)
}

// MarkForNotification makes the end of a session call the registered routines
// (SeMarkLogonSessionForTerminationNotification). It returns STATUS_NOT_FOUND if the session does not exist. A second
// call changes nothing.
func (l *LogonSessions) MarkForNotification(id winnt.LUID) ntstatus.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.live[id]
	if s == nil {
		return ntstatus.NotFound
	}
	s.notify = true
	return ntstatus.Success
}

// Register adds a routine that is called for each marked session that ends from now on. It cannot be removed here.
func (l *LogonSessions) Register(r *LogonSessionTerminatedRoutine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.routines = append(l.routines, r)
}

// Unregister removes a routine. It returns STATUS_NOT_FOUND if the routine is not registered. A routine that was
// registered twice is removed once.
func (l *LogonSessions) Unregister(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.routines, r)
	if i < 0 {
		return ntstatus.NotFound
	}
	l.routines = slices.Delete(l.routines, i, i+1)
	return ntstatus.Success
}

// Link makes two tokens the split pair of their sessions (class 19 of
// NtSetInformationToken). Errors: STATUS_INVALID_PARAMETER unless they belong to one
// user and one is full, the other limited, or if a session is already paired with
// a third one; STATUS_NO_SUCH_LOGON_SESSION if a session is gone.
func (l *LogonSessions) Link(a, b *token.Token) ntstatus.Status {
	full, limited := a, b
	if a.ElevationType() == winnt.TokenElevationTypeLimited {
		full, limited = b, a
	}
	if full.ElevationType() != winnt.TokenElevationTypeFull ||
		limited.ElevationType() != winnt.TokenElevationTypeLimited || a.User().SID != b.User().SID {
		// The tokens are of one user, one full and one limited (T-90).
		return ntstatus.InvalidParameter
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := [2]winnt.LUID{a.AuthenticationID(), b.AuthenticationID()}
	for i, id := range ids {
		s := l.live[id]
		if s == nil {
			return ntstatus.NoSuchLogonSession
		}
		if s.buddy != 0 && s.buddy != ids[1-i] {
			return ntstatus.InvalidParameter // a link between sessions cannot be changed
		}
	}
	for i, id := range ids {
		s := l.live[id]
		s.full, s.limited, s.buddy = full, limited, ids[1-i]
	}
	return ntstatus.Success
}

// Linked returns the value of the token that a token is linked to: the limited one for a full token, and the full one
// for a limited token. It returns nil if the token is not linked. A token of neither kind is not linked.
func (l *LogonSessions) Linked(t *token.Token) *token.Token {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.live[t.AuthenticationID()]
	switch {
	case s == nil:
		return nil
	case t.ElevationType() == winnt.TokenElevationTypeFull:
		return s.limited
	case t.ElevationType() == winnt.TokenElevationTypeLimited:
		return s.full
	}
	return nil
}

// Finish releases one hold like Release. Unlike with Release, the last hold ends the session even if it never had a
// token, as after a failed logon (L-10).
func (l *LogonSessions) Finish(id winnt.LUID) {
	l.mu.Lock()
	if s := l.live[id]; s != nil {
		s.used = true
	}
	l.mu.Unlock()
	l.Release(id)
}
