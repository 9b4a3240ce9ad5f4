package gateway

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// inspect sends a query about refmond's clients and calls, with the rights of the client. It returns AccessDenied if
// refmond rejects the query, for whatever reason, or its reply is malformed.
func (q *request) inspect(question inspect.Query) (a inspect.Reply, st ntstatus.Status) {
	b, err := json.Marshal(question)
	if err != nil {
		return a, ntstatus.InvalidParameter
	}
	st = q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		answer, err := q.s.p.conn.InspectAs(th, b)
		if err != nil || json.Unmarshal(answer, &a) != nil {
			return ntstatus.AccessDenied
		}
		return ntstatus.Success
	})
	return a, st
}

// sessionsData is the data of the page of connections and impersonating threads.
type sessionsData struct {
	Problem  string
	Sessions []sessionLine
	Acting   []actingLine
	Full     bool // a process has mostThreads lines in Acting, so it may have further impersonating threads
}

// sessionLine is one connection.
type sessionLine struct{ Process, Name, User, UID, Since, Token string }

// actingLine is a thread that impersonates a client.
type actingLine struct{ Process, Thread, As, Since, Proof string }

// mostThreads is the most impersonating threads that the page shows for one process.
const mostThreads = 200

// sessionsPage returns a sessionsData with the connections and impersonating threads that the client may see. If the
// query fails, Problem has the status.
func (q *request) sessionsPage(*http.Request) any {
	a, st := q.inspect(inspect.Query{What: "sessions"})
	if st != ntstatus.Success {
		return sessionsData{Problem: st.String()}
	}
	newest, st := q.s.p.newest()
	if st != ntstatus.Success {
		return sessionsData{Problem: st.String()}
	}
	var d sessionsData
	var users []sid.SID
	for _, s := range a.Sessions {
		user, _ := sid.ParseStrict(s.User) // formatted by refmond
		users = append(users, user)
	}
	names := q.names(users)
	for i, s := range a.Sessions {
		id := strconv.FormatUint(s.Process, 10)
		d.Sessions = append(d.Sessions, sessionLine{Process: id, Name: s.Name, User: orText(names[i], s.User),
			UID: strconv.FormatUint(uint64(s.UID), 10), Since: s.Since.UTC().Format(time.DateTime),
			Token: "/token?process=" + id})
		threads := q.threads(winnt.Handle(s.Process), newest)
		d.Acting, d.Full = append(d.Acting, threads...), d.Full || len(threads) == mostThreads
	}
	q.addTimes(d.Acting)
	return d
}

// orText returns a, or b in place of an empty a.
func orText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// newest returns a number above those of all present threads: that of a new one. Threads and processes have one
// sequence of numbers, which only grow. If refmond refuses the thread, the status says why.
func (p *process) newest() (winnt.Handle, ntstatus.Status) {
	th, err := p.conn.NewThread()
	if err != nil {
		return 0, ntstatus.Of(err, ntstatus.PortDisconnected)
	}
	defer th.Close()
	return threadNumber(th, winnt.NtCurrentThread)
}

// threadNumber returns the number of the thread h. If the query fails, it returns 0 and the status.
func threadNumber(th *nt.Thread, h winnt.Handle) (winnt.Handle, ntstatus.Status) {
	v, st := th.NtQueryInformationThread(h, nt.ThreadBasicInformation)
	b, _ := v.(nt.ThreadBasic)
	return b.ClientID.UniqueThread, st
}

// threads returns up to mostThreads threads of a process that impersonate a client. It leaves out those with numbers
// above newest, because a program that creates threads without a pause would make the list endless. At the first
// failure threads returns the threads found so far. threads returns nil if the client may not open the process. Since
// and Proof are not set.
func (q *request) threads(process, newest winnt.Handle) (list []actingLine) {
	var users []sid.SID
	q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		h, st := th.NtOpenProcess(winnt.PROCESS_QUERY_INFORMATION, nil, &nt.ClientID{UniqueProcess: process})
		if st != ntstatus.Success {
			return st
		}
		defer th.NtClose(h)
		last := winnt.Handle(0)
		for len(list) < mostThreads {
			next, st := th.NtGetNextThread(h, last, winnt.THREAD_QUERY_INFORMATION, 0, 0)
			if last != 0 {
				th.NtClose(last)
			}
			if last = next; st != ntstatus.Success {
				return st
			}
			id, st := threadNumber(th, next)
			if st != ntstatus.Success || id > newest {
				break
			}
			if l, user, acts := actingAs(th, next); acts {
				l.Process, l.Thread = strconv.FormatUint(uint64(process), 10), strconv.FormatUint(uint64(id), 10)
				list, users = append(list, l), append(users, user)
			}
		}
		return th.NtClose(last)
	})
	for i, name := range q.names(users) {
		list[i].As = orText(name, list[i].As)
	}
	return list
}

// actingAs describes the thread h for the sessions page, with the client that it impersonates. acts is false if it
// impersonates none. If th, the calling thread, may not open the token of h, user is zero and As of the line says so.
// Process and Thread are not set.
func actingAs(th *nt.Thread, h winnt.Handle) (l actingLine, user sid.SID, acts bool) {
	tok, st := th.NtOpenThreadToken(h, winnt.TOKEN_QUERY, true)
	switch st {
	case ntstatus.NoToken:
		return l, user, false
	case ntstatus.Success:
		v, _ := th.NtQueryInformationToken(tok, winnt.TokenUser)
		if g, ok := v.(token.Group); ok {
			user, l.As = g.SID, g.SID.String()
		}
		th.NtClose(tok)
	default:
		l.As = "a client whose token you may not open"
	}
	return l, user, true
}

// addTimes completes the sessions page: it sets when and by which proof of identity each thread in list began to
// impersonate, in place. Both stay empty for threads that refmond does not report, and if the query fails.
func (q *request) addTimes(list []actingLine) {
	var ids []uint64
	for _, l := range list {
		if id, err := strconv.ParseUint(l.Thread, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	acting := map[string]inspect.ActingThread{}
	for part := range slices.Chunk(ids, 1024) {
		a, _ := q.inspect(inspect.Query{What: "acting", Threads: part})
		for _, t := range a.Acting {
			acting[strconv.FormatUint(t.Thread, 10)] = t
		}
	}
	for i := range list {
		if t, ok := acting[list[i].Thread]; ok {
			list[i].Since, list[i].Proof = filetime.Time(t.Since).Format(time.DateTime), t.Proof
		}
	}
}

// trailData is the data of the page of recent denials.
type trailData struct {
	Problem string
	Calls   []trailLine
}

// trailLine is one denied call.
type trailLine struct {
	Time, Process string
	Lines         []string
}

// mostTrail is the most denials that the page shows.
const mostTrail = 100

// trailPage returns a trailData with up to mostTrail recent denials in processes that the client may inspect, newest
// first. If a query fails, Problem has the status.
func (q *request) trailPage(*http.Request) any {
	// The reply to this query has no calls, only the next number.
	now, st := q.inspect(inspect.Query{What: "denials", After: math.MaxUint64})
	var calls []inspect.Call
	// A reply has the oldest calls after a number, and may not have all of them.
	for after := uint64(0); after < now.Next && st == ntstatus.Success; {
		var a inspect.Reply
		a, st = q.inspect(inspect.Query{What: "denials", After: after})
		calls, after = append(calls, a.Calls...), a.Next
	}
	if st != ntstatus.Success {
		return trailData{Problem: st.String()}
	}
	var d trailData
	for _, c := range slices.Backward(calls[max(0, len(calls)-mostTrail):]) {
		d.Calls = append(d.Calls, trailLine{c.Time.UTC().Format("15:04:05.000"), strconv.FormatUint(c.Process, 10), c.Lines})
	}
	return d
}
