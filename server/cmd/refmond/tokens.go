package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

type tokenCmd struct {
	inspectFlags
	Whose string `arg:"" help:"A process, or one of its threads: 16 or 16/20, as refmond ps numbers them."`
}

// Help returns the long text of --help for the command token.
func (tokenCmd) Help() string {
	return `Shows the primary token of a process, or the token of the client that a thread impersonates. It
needs PROCESS_QUERY_LIMITED_INFORMATION or THREAD_QUERY_INFORMATION, and TOKEN_QUERY on the token or
SeDebugPrivilege. For a client that logged on with a ticket it prints the ticket.`
}

// Run prints the token of a process, or the client token of a thread. A thread that impersonates no client, and a
// missing right, are errors. The daemon closes the handles with the connection. A malformed process number is an error
// before it connects, a malformed thread number after that.
func (c *tokenCmd) Run(std *streams) error {
	process, thread, ofThread := strings.Cut(c.Whose, "/")
	p, err := strconv.ParseUint(process, 10, 63)
	if err != nil {
		return fmt.Errorf("%q is not a process: want a number from refmond ps, or PROCESS/THREAD", c.Whose)
	}
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	if !ofThread {
		h, err := l.openProcess(p, winnt.PROCESS_QUERY_LIMITED_INFORMATION)
		if err != nil {
			return err
		}
		t, st := l.th.NtOpenProcessToken(h, winnt.TOKEN_QUERY)
		return l.show(std, t, st, inspect.Query{Process: p})
	}
	t, err := strconv.ParseUint(thread, 10, 63)
	if err != nil {
		return fmt.Errorf("%q is not a thread: want PROCESS/THREAD from refmond ps", c.Whose)
	}
	h, st := l.th.NtOpenThread(winnt.THREAD_QUERY_INFORMATION, nil,
		&nt.ClientID{UniqueProcess: winnt.Handle(p), UniqueThread: winnt.Handle(t)})
	switch {
	case st == ntstatus.InvalidCid:
		return fmt.Errorf("no thread has the numbers %s; refmond ps lists them", c.Whose)
	case st != ntstatus.Success:
		return fmt.Errorf("thread %s: %w: run this as its user, or as an administrator %s", c.Whose, st.Err(),
			atAdminSocket)
	}
	tok, st := l.th.NtOpenThreadToken(h, winnt.TOKEN_QUERY, true)
	if st == ntstatus.NoToken {
		return fmt.Errorf("thread %s impersonates no client: it acts with the token of its process", c.Whose)
	}
	return l.show(std, tok, st, inspect.Query{Threads: []uint64{t}})
}

// show prints a token. tok is its handle, and st the status of opening it. The daemon's description of the token is
// used only if access was denied, its proof always. A token that neither the handle nor the daemon returns is an error,
// and nothing is printed.
func (l *inspector) show(std *streams, tok winnt.Handle, st ntstatus.Status, q inspect.Query) error {
	t := &inspect.Token{}
	if st == ntstatus.Success {
		st = l.read(tok, t)
	}
	q.What = "token"
	if a, err := l.query(q); err == nil && a.Token != nil {
		if st == ntstatus.AccessDenied {
			t, st = a.Token, ntstatus.Success
		}
		t.Proof = a.Token.Proof
	}
	if st != ntstatus.Success {
		return fmt.Errorf("the token: %w", st.Err())
	}
	fmt.Fprintf(std.out, "user       %s\n", l.name(t.User))
	if t.Proof != "" {
		fmt.Fprintf(std.out, "known by   %s\n", inLine(t.Proof))
	}
	kind := fmt.Sprint(t.Type)
	if t.Type == winnt.TokenImpersonation {
		kind += ", " + t.Level.String()
	}
	fmt.Fprintf(std.out, "type       %s\nsession    %s\n", kind, t.Session)
	if !t.Integrity.IsZero() {
		fmt.Fprintf(std.out, "integrity  %s\n", l.name(t.Integrity))
	}
	for _, g := range t.Groups {
		fmt.Fprintf(std.out, "group      %s%s\n", l.name(g.Group), attributes(g.Attributes))
	}
	for _, p := range t.Privileges {
		fmt.Fprintf(std.out, "privilege  %s", p.Privilege)
		if p.Attributes&winnt.SE_PRIVILEGE_ENABLED == 0 {
			fmt.Fprint(std.out, ", switched off")
		}
		fmt.Fprintln(std.out)
	}
	return nil
}

// read fills t with a token's user, groups and privileges, by queries of its handle. It returns the first failure, and
// reads the rest all the same. What could not be read stays as it was in t.
func (l *inspector) read(tok winnt.Handle, t *inspect.Token) (st ntstatus.Status) {
	ask := func(class winnt.TokenInfoClass) any {
		v, s := l.th.NtQueryInformationToken(tok, class)
		if s != ntstatus.Success && st == ntstatus.Success {
			st = s
		}
		return v
	}
	if g, ok := ask(winnt.TokenUser).(token.Group); ok {
		t.User = g.SID
	}
	if s, ok := ask(winnt.TokenStatistics).(nt.TokenStatistics); ok {
		t.Type, t.Level, t.Session = s.TokenType, s.ImpersonationLevel, s.AuthenticationID
	}
	if g, ok := ask(winnt.TokenIntegrityLevel).(token.Group); ok {
		t.Integrity = g.SID
	}
	if list, ok := ask(winnt.TokenGroups).([]token.Group); ok {
		for _, g := range list {
			t.Groups = append(t.Groups, inspect.Attributed{Group: g.SID, Attributes: g.Attributes})
		}
	}
	if list, ok := ask(winnt.TokenPrivileges).([]nt.LUIDAndAttributes); ok {
		for _, p := range list {
			t.Privileges = append(t.Privileges, inspect.Attributed{Privilege: winnt.Privilege(p.LUID),
				Attributes: p.Attributes})
		}
	}
	return st
}

// attributes returns the unusual attributes of a group as text for display, "" if it is enabled in the usual way.
func attributes(a uint32) string {
	switch {
	case a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0:
		return ", for deny entries only"
	case a&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_INTEGRITY) == 0:
		return ", switched off"
	}
	return ""
}
