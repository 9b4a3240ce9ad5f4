package daemon

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Question asks what the daemon's clients do: what no documented service tells. What
// is "sessions", "acting", "token", "lent", "calls" or "denials".
type Question struct {
	What    string   `json:"what"`
	Threads []uint64 `json:"threads,omitempty"` // acting: ids; token: whose client
	After   uint64   `json:"after,omitempty"`   // calls, denials: number of the last one seen
	Process uint64   `json:"process,omitempty"` // calls, denials, token: of this one only
	Path    string   `json:"path,omitempty"`    // denials: of objects whose name has this part

	Since time.Time `json:"since,omitzero"` // calls, denials: made after that time
}

// Answer answers a question; a zero field was not asked for.
type Answer struct {
	Sessions []Session    `json:"sessions,omitempty"`
	Tickets  []Ticketed   `json:"tickets,omitempty"` // beside the sessions
	Acting   []ThreadTime `json:"acting,omitempty"`
	Token    *Token       `json:"token,omitempty"`
	Lent     []Lent       `json:"lent,omitempty"` // descriptors that programs were handed out
	Calls    []SeenCall   `json:"calls,omitempty"`
	Next     uint64       `json:"next,omitempty"` // After of the next question
	Lost     uint64       `json:"lost,omitempty"` // calls that were not kept until now
}

// Session is one connection.
type Session struct {
	Process uint64    `json:"process"`
	Name    string    `json:"name"`
	UID     uint32    `json:"uid"`
	PID     int       `json:"pid"` // of the host; it may name another program since
	User    string    `json:"user"`
	Session string    `json:"session"` // logon session
	Full    bool      `json:"full,omitempty"`
	Since   time.Time `json:"since"`

	guard *sd.Descriptor
}

// ThreadTime is a thread that impersonates.
type ThreadTime struct {
	Thread uint64 `json:"thread"`
	Since  int64  `json:"since"` // 100-ns units since 1601-01-01 UTC
	// To who holds SeDebugPrivilege: the client, whose token may refuse to tell.
	User  string `json:"user,omitempty"`
	Level string `json:"level,omitempty"`
	// Proof says by which ticket the client is known, to who may open its token.
	Proof string `json:"proof,omitempty"`
}

// SeenCall is a call that was made, in the form of a transcript.
type SeenCall struct {
	Number  uint64    `json:"number"`
	Time    time.Time `json:"time"`
	Process uint64    `json:"process"`
	Lines   []string  `json:"lines"`
	// User and Proof say for whom the thread acted, and by which ticket that client was
	// known, to who holds SeDebugPrivilege.
	User  string `json:"user,omitempty"`
	Proof string `json:"proof,omitempty"`
}

// Bounds of a question.
const (
	longestQuestion = 64 << 10 // bytes
	mostThreads     = 4096
)

// Look answers a question as the thread's effective token may. It implements
// [wire.Looker].
func (c *connection) Look(th *nt.Thread, question []byte) ([]byte, ntstatus.Status) {
	var q Question
	if len(question) > longestQuestion || strict.Unmarshal(question, &q) != nil || len(q.Threads) > mostThreads {
		return nil, ntstatus.InvalidParameter
	}
	who := c.d.sys.ThreadObject(th).Subject()
	l := looker{d: c.d, th: th, who: &who}
	var a Answer
	switch q.What {
	case "sessions":
		a.Sessions, a.Tickets = l.sessions(), l.tickets()
	case "acting":
		a.Acting = l.acting(q.Threads)
	case "token":
		a.Token = l.token(&q)
	case "lent":
		a.Lent = l.lent()
	case "calls":
		c.watch()
		a.Calls, a.Next, a.Lost = l.seen(&c.d.calls, &q)
	case "denials":
		a.Calls, a.Next, a.Lost = l.seen(&c.d.denials, &q)
	default:
		return nil, ntstatus.InvalidParameter
	}
	b, err := json.Marshal(a)
	if err != nil {
		return nil, ntstatus.Unsuccessful
	}
	return b, ntstatus.Success
}

// looker is one look. It is used by one goroutine.
type looker struct {
	d     *Daemon
	th    *nt.Thread
	who   *access.Subject
	cache map[*sd.Descriptor]bool // answers of may for rights that are always the same
}

// may reports whether who looks would be given these rights on a process that is
// protected so: its descriptor decides, and SeDebugPrivilege grants all, as in
// NtOpenProcess. A stranger sees himself only (W-27).
func (l *looker) may(guard *sd.Descriptor, rights winnt.AccessMask) bool {
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

// sessions returns the connections whose processes the caller may ask for their names.
func (l *looker) sessions() []Session {
	l.d.mu.Lock()
	all := make([]*Session, 0, len(l.d.connections))
	for c := range l.d.connections {
		if s := c.session.Load(); s != nil {
			all = append(all, s)
		}
	}
	l.d.mu.Unlock()
	var list []Session
	for _, s := range all {
		if l.may(s.guard, winnt.PROCESS_QUERY_LIMITED_INFORMATION) {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b Session) int { return int(a.Process) - int(b.Process) })
	return list
}

// acting returns since when threads impersonate that the caller may open.
func (l *looker) acting(threads []uint64) []ThreadTime {
	var list []ThreadTime
	for _, id := range threads {
		h, st := l.th.NtOpenThread(winnt.THREAD_QUERY_INFORMATION, nil, &nt.ClientID{UniqueThread: winnt.Handle(id)})
		if st != ntstatus.Success {
			continue
		}
		if a, ok := l.d.sys.Acting(winnt.Handle(id)); ok {
			t := ThreadTime{Thread: id, Since: a.Since}
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

// opens reports whether the caller may ask the token of a thread's client.
func (l *looker) opens(thread winnt.Handle) bool {
	tok, st := l.th.NtOpenThreadToken(thread, winnt.TOKEN_QUERY, true)
	if st == ntstatus.Success {
		l.th.NtClose(tok)
	}
	return st == ntstatus.Success
}

// seen returns calls of processes whose memory the caller may read, and how many were
// lost since its last question: exactly to who sees all, else whether any was.
func (l *looker) seen(k *kept, q *Question) (calls []SeenCall, next, lost uint64) {
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
		call := SeenCall{Number: s.number, Time: s.at, Process: s.process, Lines: s.shown()}
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

// named reports whether a call was about an object with that part in its name.
func named(s *seen, part string) bool {
	if part == "" {
		return true
	}
	if s.call != nil && s.call.Why.Object != "" {
		return strings.Contains(strings.ToLower(s.call.Why.Object), strings.ToLower(part))
	}
	for _, l := range s.shown() {
		if strings.Contains(strings.ToLower(l), strings.ToLower(part)) {
			return true
		}
	}
	return false
}
