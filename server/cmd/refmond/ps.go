package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

type psCmd struct {
	inspectFlags
}

// Help returns the long text of --help for the command ps.
func (psCmd) Help() string {
	return `Lists the processes with their users and threads, and the client, level and start of each
impersonation. An ordinary user sees only their own processes. An administrator at the administrators'
socket sees all.`
}

// Run prints the processes that the caller may see, each with its threads. A daemon that cannot be reached is an error.
// The heading is printed before the first query. An error ends the list.
func (c *psCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	fmt.Fprintf(std.out, "%6s  %-20s %-16s %s\n", "ID", "NAME", "SINCE", "USER, OR ACTS AS")
	a, err := l.query(inspect.Query{What: "sessions"})
	if err != nil {
		return err
	}
	sessions := map[uint64]inspect.Session{}
	for _, s := range a.Sessions {
		sessions[s.Process] = s
	}
	return l.processes(func(h winnt.Handle, b nt.ProcessBasic, newest winnt.Handle) error {
		return l.process(std, h, &b, sessions, newest)
	})
}

// newest returns a number above those of all present processes: that of a new thread. Threads and processes have one
// sequence of numbers, which only grow. If the daemon refuses a thread, it returns the largest number.
func (l *inspector) newest() winnt.Handle {
	th, err := l.conn.NewThread()
	if err != nil {
		return math.MaxInt64
	}
	defer th.Close()
	v, _ := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
	if b, ok := v.(nt.ThreadBasic); ok {
		return b.ClientID.UniqueThread
	}
	return math.MaxInt64
}

// processes calls f with a handle and the information of each present process that may be opened. It leaves out those
// that are created from now on, because a program that creates them without a pause would make the list endless. Their
// numbers, and those of new threads, are above newest. It stops at the first error. It closes the handles, except that
// of the process whose f failed.
func (l *inspector) processes(f func(h winnt.Handle, b nt.ProcessBasic, newest winnt.Handle) error) error {
	newest, last := l.newest(), winnt.Handle(0)
	for {
		h, st := l.th.NtGetNextProcess(last, winnt.PROCESS_QUERY_INFORMATION, 0, 0)
		if last != 0 {
			l.th.NtClose(last)
		}
		if st == ntstatus.NoMoreEntries {
			return nil
		}
		if st != ntstatus.Success {
			return fmt.Errorf("list processes: %w", st.Err())
		}
		basic, st := l.th.NtQueryInformationProcess(h, nt.ProcessBasicInformation)
		b, ok := basic.(nt.ProcessBasic)
		if !ok {
			return fmt.Errorf("a process: %w", st.Err())
		}
		if b.UniqueProcessID > newest {
			l.th.NtClose(h)
			return nil
		}
		if err := f(h, b, newest); err != nil {
			return err
		}
		last = h
	}
}

// process prints one process and its threads up to number newest for refmond ps. h is a handle of the process, and b
// its information. A process that has ended is not printed. If the token cannot be opened, the printed user is that of
// the connection, "" without one.
func (l *inspector) process(std *streams, h winnt.Handle, b *nt.ProcessBasic,
	sessions map[uint64]inspect.Session, newest winnt.Handle) error {
	if b.ExitStatus != ntstatus.Pending {
		return nil // the process has ended, and a handle keeps its object
	}
	name := text(l.th.NtQueryInformationProcess(h, nt.ProcessImageFileName))
	s, connected := sessions[uint64(b.UniqueProcessID)]
	who := "" // stays "" if the caller may not open the process's token
	if connected {
		// The session has the program's name if another program started it (W-79).
		name, who = s.Name, l.named(s.User)
	}
	if t, st := l.th.NtOpenProcessToken(h, winnt.TOKEN_QUERY); st == ntstatus.Success {
		who = l.user(t)
		l.th.NtClose(t)
	}
	made := when(times(l.th.NtQueryInformationProcess(h, nt.ProcessTimes)))
	fmt.Fprintf(std.out, "%6d  %-20s %-16s %s\n", b.UniqueProcessID, short(name, 20), made, who)
	return l.threads(std, h, newest)
}

// threadLine is the printed line of a thread.
type threadLine struct {
	id          uint64
	name, since string
	acts        string // "": the thread does not impersonate
	hidden      bool   // the client's token may not be opened
}

// threads prints the threads of a process up to number newest, so that new ones do not make the list endless. It prints
// those found so far if the process ends.
func (l *inspector) threads(std *streams, process, newest winnt.Handle) error {
	var list []threadLine
	last := winnt.Handle(0)
	for {
		h, st := l.th.NtGetNextThread(process, last, winnt.THREAD_QUERY_INFORMATION, 0, 0)
		if last != 0 {
			l.th.NtClose(last)
		}
		if st != ntstatus.Success { // no more threads, or the process has ended
			break
		}
		t := l.thread(h)
		if t.id > uint64(newest) {
			l.th.NtClose(h)
			break
		}
		list, last = append(list, t), h
	}
	return l.print(std, list)
}

// thread returns the line of a thread: its name, start and the client that it impersonates. Without impersonation the
// client is "". A client whose token may not be opened is marked as hidden. A name that cannot be read is "?".
func (l *inspector) thread(h winnt.Handle) threadLine {
	t := threadLine{name: text(l.th.NtQueryInformationThread(h, nt.ThreadNameInformation)),
		since: when(times(l.th.NtQueryInformationThread(h, nt.ThreadTimes)))}
	if v, st := l.th.NtQueryInformationThread(h, nt.ThreadBasicInformation); st == ntstatus.Success {
		t.id = uint64(v.(nt.ThreadBasic).ClientID.UniqueThread)
	}
	tok, st := l.th.NtOpenThreadToken(h, winnt.TOKEN_QUERY, true)
	switch st {
	case ntstatus.Success:
		t.acts = l.user(tok)
		if v, st := l.th.NtQueryInformationToken(tok, winnt.TokenImpersonationLevel); st == ntstatus.Success {
			t.acts += fmt.Sprintf(", %v", v)
		}
		l.th.NtClose(tok)
	case ntstatus.NoToken:
	case ntstatus.CantOpenAnonymous:
		t.acts, t.hidden = "a client, SecurityAnonymous", true
	default:
		t.acts, t.hidden = "a client whose token may not be opened", true
	}
	return t
}

// print prints threads, one a line, with the client of each impersonation and since when. It asks the daemon for these
// in parts. Without threads it prints nothing. An error of the daemon ends it before any line is printed.
func (l *inspector) print(std *streams, list []threadLine) error {
	var ids []uint64
	for _, t := range list {
		if t.acts != "" {
			ids = append(ids, t.id)
		}
	}
	acting := map[uint64]inspect.ActingThread{}
	for part := range slices.Chunk(ids, 1024) {
		a, err := l.query(inspect.Query{What: "acting", Threads: part})
		if err != nil {
			return err
		}
		for _, t := range a.Acting {
			acting[t.Thread] = t
		}
	}
	for _, t := range list {
		acts := ""
		if t.acts != "" {
			a := acting[t.id]
			if t.hidden && a.User != "" {
				t.acts = l.named(a.User) + ", " + a.Level
			}
			acts = "as " + t.acts
			if a.Since != 0 {
				acts += ", since " + when(a.Since)
			}
			acts += parenthesize(a.Proof) // the ticket of a client that logged on with one (K-50)
		}
		line := fmt.Sprintf("%6d    %-18s %-16s %s", t.id, short(t.name, 18), t.since, acts)
		fmt.Fprintln(std.out, strings.TrimRight(line, " "))
	}
	return nil
}

// user returns the name of a token's user. It is "?" if the query fails.
func (l *inspector) user(tok winnt.Handle) string {
	v, st := l.th.NtQueryInformationToken(tok, winnt.TokenUser)
	if g, ok := v.(token.Group); ok && st == ntstatus.Success {
		return l.name(g.SID)
	}
	return "?"
}

// times returns the creation time of a process or thread from the result of a query; 0 if the query failed.
func times(v any, st ntstatus.Status) int64 {
	if t, ok := v.(nt.KernelUserTimes); ok && st == ntstatus.Success {
		return t.CreateTime
	}
	return 0
}

// short fits a text into a table column: it shortens s to a width and escapes control characters. width must be at
// least 1.
func short(s string, width int) string {
	r := []rune(inLine(s))
	if len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return string(r)
}
