package daemon

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

// Limits of a query.
const (
	longestQuery = 64 << 10 // bytes
	mostThreads  = 4096
)

// Inspect answers an [inspect.Query] in JSON with the part of the daemon's state that the thread's effective token may
// see. It returns STATUS_INVALID_PARAMETER for a query that is longer than 64 KiB, malformed, has an unknown What, or
// names more than 4096 threads. The query "calls" also starts recording for this connection, and "revoke" ends access.
// What the token may not see is left out.
func (c *connection) Inspect(th *nt.Thread, query []byte) ([]byte, ntstatus.Status) {
	var q inspect.Query
	if len(query) > longestQuery || strict.Unmarshal(query, &q) != nil || len(q.Threads) > mostThreads {
		return nil, ntstatus.InvalidParameter
	}
	who := c.d.sys.ThreadObject(th).Subject()
	l := inspector{d: c.d, th: th, who: &who}
	var a inspect.Reply
	switch q.What {
	case "sessions":
		a.Sessions, a.Tickets = l.sessions(), l.tickets()
	case "acting":
		a.Acting = l.acting(q.Threads)
	case "token":
		a.Token = l.token(&q)
	case "lent":
		a.Lent = l.passedDescriptors()
	case "calls":
		c.watch()
		a.Calls, a.Next, a.Lost = l.recordedCalls(&c.d.calls, &q)
	case "denials":
		a.Calls, a.Next, a.Lost = l.recordedCalls(&c.d.denials, &q)
	case "accounts":
		var st ntstatus.Status
		if a.Accounts, st = l.accounts(q.User); st != ntstatus.Success {
			return nil, st
		}
	case "revoke":
		var st ntstatus.Status
		if a.Revoked, st = l.revoke(c, &q); st != ntstatus.Success {
			return nil, st
		}
	default:
		return nil, ntstatus.InvalidParameter
	}
	b, err := json.Marshal(a)
	if err != nil {
		return nil, ntstatus.Unsuccessful
	}
	return b, ntstatus.Success
}

// inspector answers one query about the daemon's state, with what its caller may see. One goroutine uses it.
type inspector struct {
	d     *Daemon
	th    *nt.Thread
	who   *access.Subject
	cache map[*sd.Descriptor]bool // results of may by descriptor
}

// may reports whether the caller may inspect a process (W-27). guard is the process's descriptor, and rights are the
// rights to check, as in NtOpenProcess. SeDebugPrivilege grants all rights. may caches its result per descriptor: one
// inspector must always pass the same rights.
func (l *inspector) may(guard *sd.Descriptor, rights winnt.AccessMask) bool {
	if l.who.Holds(winnt.SeDebugPrivilege) {
		return true
	}
	if known, ok := l.cache[guard]; ok {
		return known
	}
	d, err := access.SeAccessCheck(&access.Request{Descriptor: guard, Subject: *l.who, Desired: rights,
		Type: winnt.ProcessObject})
	if l.cache == nil {
		l.cache = map[*sd.Descriptor]bool{}
	}
	l.cache[guard] = err == nil && d.Allowed()
	return l.cache[guard]
}

// session is a connection as shown to administrators. It is immutable.
type session struct {
	inspect.Session
	guard func() *sd.Descriptor // the current descriptor of its process
}

// sessions returns the connections whose processes the caller may query, sorted by process ID. It leaves out
// connections that have no process yet. The result is nil if the caller may see none.
func (l *inspector) sessions() []inspect.Session {
	l.d.mu.Lock()
	all := make([]*session, 0, len(l.d.connections))
	for c := range l.d.connections {
		if s := c.session.Load(); s != nil {
			all = append(all, s)
		}
	}
	l.d.mu.Unlock()
	var list []inspect.Session
	for _, s := range all {
		if l.may(s.guard(), winnt.PROCESS_QUERY_LIMITED_INFORMATION) {
			list = append(list, s.Session)
		}
	}
	slices.SortFunc(list, func(a, b inspect.Session) int { return int(a.Process) - int(b.Process) })
	return list
}

// acting returns those of the threads that impersonate a client and that the caller may open. Other threads are left
// out without an error. User and Level need SeDebugPrivilege. Proof needs SeDebugPrivilege or the right to open the
// thread's token.
func (l *inspector) acting(threads []uint64) []inspect.ActingThread {
	var list []inspect.ActingThread
	for _, id := range threads {
		h, st := l.th.NtOpenThread(winnt.THREAD_QUERY_INFORMATION, nil, &nt.ClientID{UniqueThread: winnt.Handle(id)})
		if st != ntstatus.Success {
			continue
		}
		if a, ok := l.d.sys.Acting(winnt.Handle(id)); ok {
			t := inspect.ActingThread{Thread: id, Since: a.Since}
			if l.who.Holds(winnt.SeDebugPrivilege) {
				t.User, t.Level = a.User.String(), a.Level.String()
			}
			if l.who.Holds(winnt.SeDebugPrivilege) || l.opens(h) {
				t.Proof = a.Proof
			}
			list = append(list, t)
		}
		l.th.NtClose(h)
	}
	return list
}

// opens reports whether the caller may query the token of the client that a thread impersonates.
func (l *inspector) opens(thread winnt.Handle) bool {
	tok, st := l.th.NtOpenThreadToken(thread, winnt.TOKEN_QUERY, true)
	if st == ntstatus.Success {
		l.th.NtClose(tok)
	}
	return st == ntstatus.Success
}

// recordedCalls returns up to shownAtOnce recorded calls that match the query, with numbers above q.After. Calls of
// processes whose memory the caller may not read are left out. next is the After of the next query. lost counts calls
// that the buffer dropped since the last query: 0 if q.After is 0, at most 1 without SeDebugPrivilege.
func (l *inspector) recordedCalls(k *callBuffer, q *inspect.Query) (calls []inspect.Call, next, lost uint64) {
	list, newest := k.after(q.After)
	next = newest
	passed := uint64(0)
	for _, s := range list {
		if len(calls) == shownAtOnce {
			next = s.number - 1
			break
		}
		passed++
		if q.Process != 0 && q.Process != s.process || !s.at.After(q.Since) || !named(s, q.Path) ||
			!l.may(s.guard, winnt.PROCESS_QUERY_INFORMATION|winnt.PROCESS_VM_READ) {
			continue
		}
		call := inspect.Call{Number: s.number, Time: s.at, Process: s.process, Lines: s.shown()}
		if !s.as.User.IsZero() && l.who.Holds(winnt.SeDebugPrivilege) {
			call.User, call.Proof = s.as.User.String(), s.as.Proof
		}
		calls = append(calls, call)
	}
	if q.After != 0 && q.After < next {
		lost = next - q.After - passed
	}
	if lost > 1 && !l.who.Holds(winnt.SeDebugPrivilege) {
		lost = 1
	}
	return calls, next, lost
}

// named reports whether a recorded call matches the filter part: whether the name of the call's object contains it,
// ignoring the case of letters. If the call has no object name, its displayed lines are searched. An empty part matches
// all calls.
func named(s *seen, part string) bool {
	if part == "" {
		return true
	}
	object := s.object
	if s.call != nil {
		object = s.call.Why.Object
	}
	if object != "" {
		return strings.Contains(strings.ToLower(object), strings.ToLower(part))
	}
	for _, l := range s.shown() {
		if strings.Contains(strings.ToLower(l), strings.ToLower(part)) {
			return true
		}
	}
	return false
}
