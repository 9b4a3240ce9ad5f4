package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

type tokenCmd struct {
	lookFlags
	Whose string `arg:"" help:"A process, or one of its threads: 16 or 16/20, as refmond ps numbers them."`
}

// Help returns the long help of the verb.
func (tokenCmd) Help() string {
	return `Shows the primary token of a process, or the token of the client that a thread impersonates. It needs
PROCESS_QUERY_LIMITED_INFORMATION or THREAD_QUERY_INFORMATION, and TOKEN_QUERY on the token itself.`
}

// Run shows a token.
func (c *tokenCmd) Run(std *streams) error {
	process, thread, ofThread := strings.Cut(c.Whose, "/")
	p, err := strconv.ParseUint(process, 10, 63)
	if err != nil {
		return fmt.Errorf("%q names no process: want a number, or process/thread", c.Whose)
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
		return l.show(std, t, st)
	}
	t, err := strconv.ParseUint(thread, 10, 63)
	if err != nil {
		return fmt.Errorf("%q names no thread: want process/thread", c.Whose)
	}
	h, st := l.th.NtOpenThread(winnt.THREAD_QUERY_INFORMATION, nil,
		&nt.ClientID{UniqueProcess: winnt.Handle(p), UniqueThread: winnt.Handle(t)})
	if st != ntstatus.Success {
		return fmt.Errorf("thread %s: %w", c.Whose, st.Err())
	}
	tok, st := l.th.NtOpenThreadToken(h, winnt.TOKEN_QUERY, true)
	if st == ntstatus.NoToken {
		return fmt.Errorf("thread %s impersonates no client: it acts with the token of its process", c.Whose)
	}
	return l.show(std, tok, st)
}

// show prints what a token says.
func (l *looker) show(std *streams, tok winnt.Handle, st ntstatus.Status) error {
	if st != ntstatus.Success {
		return fmt.Errorf("the token: %w", st.Err())
	}
	ask := func(class winnt.TokenInfoClass) any {
		v, s := l.th.NtQueryInformationToken(tok, class)
		if s != ntstatus.Success && st == ntstatus.Success {
			st = s
		}
		return v
	}
	stats, ok := ask(winnt.TokenStatistics).(nt.TokenStatistics)
	if !ok {
		return errors.New("the token does not tell what it is")
	}
	fmt.Fprintf(std.out, "user       %s\n", l.user(tok))
	kind := fmt.Sprint(stats.TokenType)
	if stats.TokenType == winnt.TokenImpersonation {
		kind += ", " + stats.ImpersonationLevel.String()
	}
	fmt.Fprintf(std.out, "type       %s\nsession    %s\n", kind, stats.AuthenticationID)
	if g, ok := ask(winnt.TokenIntegrityLevel).(token.Group); ok {
		fmt.Fprintf(std.out, "integrity  %s\n", l.name(g.SID))
	}
	if list, ok := ask(winnt.TokenGroups).([]token.Group); ok {
		for _, g := range list {
			fmt.Fprintf(std.out, "group      %s%s\n", l.name(g.SID), attributes(g.Attributes))
		}
	}
	if list, ok := ask(winnt.TokenPrivileges).([]nt.LUIDAndAttributes); ok {
		for _, p := range list {
			state := ""
			if p.Attributes&winnt.SE_PRIVILEGE_ENABLED == 0 {
				state = ", switched off"
			}
			fmt.Fprintf(std.out, "privilege  %s%s\n", winnt.Privilege(p.LUID), state)
		}
	}
	return st.Err()
}

// attributes says what is unusual about a group.
func attributes(a uint32) string {
	switch {
	case a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0:
		return ", for deny entries only"
	case a&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_INTEGRITY) == 0:
		return ", switched off"
	}
	return ""
}
