package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// shown is a client with the values of its row as the services report them to it.
type shown struct {
	*client.Conn
	id, thread, session string
}

// shownAt connects a client whose row the tests inspect.
func shownAt(t *testing.T, socket string) *shown {
	t.Helper()
	c, err := client.Dial(socket)
	check.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	info, st := c.Thread().NtQueryInformationToken(winnt.NtCurrentProcessToken, winnt.TokenStatistics)
	statistics, ok := info.(nt.TokenStatistics)
	check.RequireThat(t, ok, "%v", st)
	return &shown{c, fmt.Sprint(uint64(c.Process())), numberOf(t, c.Thread()), fmt.Sprintf("%#x",
		uint64(statistics.AuthenticationID))}
}

// numberOf returns the number of a thread.
func numberOf(t *testing.T, th *nt.Thread) string {
	t.Helper()
	info, st := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
	basic, ok := info.(nt.ThreadBasic)
	check.RequireThat(t, ok, "%v", st)
	return fmt.Sprint(uint64(basic.ClientID.UniqueThread))
}

// actsAsItself makes the thread of a client impersonate the client's own user at an impersonation level. It returns the
// handle of the token, which grants WRITE_DAC.
func actsAsItself(t *testing.T, c *shown, level winnt.SecurityImpersonationLevel) winnt.Handle {
	t.Helper()
	own, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
	check.Success(t, st)
	tok, st := c.Thread().NtDuplicateToken(own, winnt.TOKEN_IMPERSONATE|winnt.WRITE_DAC, &nt.ObjectAttributes{
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: level}},
		false, winnt.TokenImpersonation)
	check.Success(t, st)
	check.Success(t, c.Thread().NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken,
		tok))
	return tok
}

// rowsOf returns a command's output at the administrators' socket. It replaces each time of day
// between from and now by NOW, and runs of spaces by one.
func rowsOf(t *testing.T, cfg *config, verb string, from time.Time) []string {
	t.Helper()
	code, text, errs := runLine(verb, "--socket", cfg.AdminSocket)
	check.Require(t, code, exitSuccess, "%s: %s: exit code", verb, errs)
	now := time.Now()
	for at := from.Truncate(time.Second); !at.After(now); at = at.Add(time.Second) {
		for _, form := range []string{"15:04:05", "2006-01-02 15:04"} { // the second is of another day
			text = strings.ReplaceAll(text, at.Local().Format(form), "NOW")
		}
	}
	var rows []string
	for line := range strings.Lines(text) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	return rows
}

// thisUser returns the name that refmond prints for the test's uid without an account.
func thisUser() string {
	if u, err := user.Current(); err == nil {
		return `Unix User\` + u.Username
	}
	return fmt.Sprintf("S-1-22-1-%d", os.Getuid())
}

// TestSessionsListEachConnection checks the rows of two connections: process, program, uid, pid, logon session, time
// and user of each one's own client. Only the one at the administrators' socket has a full token (W-27).
func TestSessionsListEachConnection(t *testing.T) {
	cfg, from := demoRuns(t), time.Now()
	a, b := shownAt(t, cfg.Socket), shownAt(t, cfg.AdminSocket)
	rows := rowsOf(t, cfg, "sessions", from)
	check.Equal(t, rows[0], "ID PROGRAM UID PID SESSION SINCE USER", "the head")
	for _, c := range []struct {
		*shown
		full string
	}{{a, ""}, {b, " (full)"}} {
		want := fmt.Sprintf("%s %s %d %d %s NOW %s%s", c.id, ownName(t), os.Getuid(), os.Getpid(), c.session, thisUser(),
			c.full)
		if !slices.Contains(rows, want) {
			t.Errorf("no row is %q:\n%s", want, strings.Join(rows, "\n"))
		}
	}
}

// TestPsListsThreadsAndImpersonation checks name, time and user of two processes, and below each its threads with
// client, level and start of impersonation (U-95, W-27).
func TestPsListsThreadsAndImpersonation(t *testing.T) {
	cfg, from := demoRuns(t), time.Now()
	a, b, nameless := shownAt(t, cfg.Socket), shownAt(t, cfg.AdminSocket), shownAt(t, cfg.AdminSocket)
	ended := check.Result(b.Thread().NtCreateUserProcess(nt.CreateUserProcessIn{
		ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS, ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
	v := check.Result(b.Thread().NtQueryInformationProcess(ended.ProcessHandle, nt.ProcessBasicInformation))
	check.Success(t, b.Thread().NtTerminateProcess(ended.ProcessHandle, 0))
	check.Success(t, a.Thread().NtImpersonateAnonymousToken(winnt.NtCurrentThread))
	actsAsItself(t, b, winnt.SecurityIdentification)
	actsAsItself(t, nameless, winnt.SecurityAnonymous) // its token cannot be opened, but the daemon knows the user
	shut := shownAt(t, cfg.AdminSocket)
	check.Success(t, shut.Thread().NtSetSecurityObject(actsAsItself(t, shut, winnt.SecurityImpersonation),
		winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:P"))) // nobody may open its token
	second, err := b.NewThread()
	check.NoError(t, err)
	rows, name := rowsOf(t, cfg, "ps", from), ownName(t)
	check.Equal(t, rows[0], "ID NAME SINCE USER, OR ACTS AS", "the head")
	gone := fmt.Sprint(uint64(v.(nt.ProcessBasic).UniqueProcessID), " ")
	check.That(t, !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, gone) }),
		"the ended process %s is in\n%s", gone, strings.Join(rows, "\n"))
	for _, c := range []struct {
		*shown
		threads []string
	}{
		{a, []string{a.thread + " " + name + `/1 NOW as NT AUTHORITY\ANONYMOUS LOGON, SecurityImpersonation, since NOW`}},
		{b, []string{b.thread + " " + name + "/1 NOW as " + thisUser() + ", SecurityIdentification, since NOW",
			numberOf(t, second) + " " + name + "/2 NOW"}},
		{nameless, []string{nameless.thread + " " + name + "/1 NOW as " + thisUser() + ", SecurityAnonymous, since NOW"}},
		{shut, []string{shut.thread + " " + name + "/1 NOW as " + thisUser() + ", SecurityImpersonation, since NOW"}},
	} {
		want := append([]string{c.id + " " + name + " NOW " + thisUser()}, c.threads...)
		at := slices.Index(rows, want[0])
		if at < 0 || len(rows) < at+len(want) || !slices.Equal(rows[at:at+len(want)], want) {
			t.Errorf("no rows are\n%s\nin\n%s", strings.Join(want, "\n"), strings.Join(rows, "\n"))
			continue
		}
		process := regexp.MustCompile(`^\d+ [^/ ]+ NOW `) // a thread's row contains the thread's number
		if after := at + len(want); after < len(rows) && !process.MatchString(rows[after]) {
			t.Errorf("process %s has a further thread: %s", c.id, rows[after])
		}
	}
}

// TestStartedProgramHasItsOwnName checks that sessions and ps show a program that another program started by its own
// name. sessions shows no pid for it (W-79).
func TestStartedProgramHasItsOwnName(t *testing.T) {
	cfg, from := demoRuns(t), time.Now()
	c := shownAt(t, cfg.AdminSocket)
	p := check.Result(c.Thread().NtCreateUserProcess(nt.CreateUserProcessIn{
		ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS, ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
	cmd := exec.Command(build(t).bin, "trace", "--for", "1m")
	program := check.Must(c.Start(p.ProcessHandle, cmd))
	defer program.Wait()
	defer cmd.Process.Kill()
	row := fmt.Sprintf("%d %s %d - ", uint64(p.ClientID.UniqueProcess), programName, os.Getuid())
	check.Eventually(t, func() bool {
		return slices.ContainsFunc(rowsOf(t, cfg, "sessions", from), func(r string) bool { return strings.HasPrefix(r, row) })
	}, "W-79: sessions has no row that begins with %q", row)
	row = fmt.Sprintf("%d %s NOW %s", uint64(p.ClientID.UniqueProcess), programName, thisUser())
	rows := rowsOf(t, cfg, "ps", from)
	check.That(t, slices.Contains(rows, row), "W-79: no row of ps is %q:\n%s", row, strings.Join(rows, "\n"))
}

// TestListLeavesOutNewProcesses checks that ps lists the processes and threads that exist after its heading. So clients
// that connect or create threads without a pause do not make the list endless.
func TestListLeavesOutNewProcesses(t *testing.T) {
	cfg := demoRuns(t)
	old := shownAt(t, cfg.AdminSocket)
	var made []*client.Conn
	var text strings.Builder
	out := writerFunc(func(line string) {
		if text.WriteString(line); len(made) == 100 { // a list without an end would go on with these
			return
		}
		if c, err := client.Dial(cfg.AdminSocket); err == nil {
			made = append(made, c)
			check.Must(old.NewThread())
		}
	})
	code := run([]string{"ps", "--socket", cfg.AdminSocket}, &streams{out: out, err: out})
	_, own, _ := strings.Cut(text.String(), "\n"+fmt.Sprintf("%6s  ", old.id))
	own = regexp.MustCompile(`(?s)\n *\d+  \S.*`).ReplaceAllString(own, "") // without the processes that follow
	threads := regexp.MustCompile(`(?m)^ *\d+    `).FindAllString(own, -1)
	check.That(t, code == exitSuccess && len(threads) == 2 && len(made) < 100,
		"%d clients connected during the list, want 2 threads: exit code %d\n%s", len(made), code, &text)
	for i, c := range made {
		listed := strings.Contains(text.String(), "\n"+fmt.Sprintf("%6d  ", c.Process()))
		check.Equal(t, listed, i == 0, "process %d, which connected with line %d, is in the list", c.Process(), i)
		check.NoError(t, c.Close())
	}
}
