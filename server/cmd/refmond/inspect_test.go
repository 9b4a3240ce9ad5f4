package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

// TestTokenFallsBackToDaemonWhenDenied checks that show prints the daemon's description of a token only if the caller
// may not open the token. After any other failure it prints nothing.
func TestTokenFallsBackToDaemonWhenDenied(t *testing.T) {
	cfg := demoRuns(t)
	l := check.Must((&inspectFlags{Socket: cfg.AdminSocket}).open())
	defer l.close()
	for text, want := range map[string]string{"S-1-5-21-9-9-9-1": "S-1-5-21-9-9-9-1", "a\x1b\n": "a\ufffd\ufffd"} {
		check.Equal(t, l.named(text), want, "the name of %q, which no account has", text)
		check.Equal(t, l.client(&inspect.Call{User: text, Proof: "a\x1b"}), ", as "+want+" (a\ufffd)", "the client %q", text)
	}
	own := inspect.Query{Process: uint64(l.conn.Process())}
	for _, c := range []struct {
		tok   winnt.Handle
		st    ntstatus.Status
		shown bool
	}{
		{winnt.NtCurrentProcessToken, ntstatus.Success, true}, {0, ntstatus.AccessDenied, true},
		{0, ntstatus.NoToken, false}, {0, ntstatus.InvalidCid, false}, {0x7770, ntstatus.Success, false},
	} {
		var out bytes.Buffer
		err := l.show(&streams{out: &out}, c.tok, c.st, own)
		check.That(t, (err == nil) == c.shown && strings.HasPrefix(out.String(), "user ") == c.shown,
			"token %#x, opened with %v: %v\n%swant it shown %t", c.tok, c.st, err, out.String(), c.shown)
	}
}

// serving serves a daemon until the function that it returns is called.
func serving(t *testing.T, s *service) (stop func()) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	return func() {
		if err := errors.Join(s.stop(), <-served); err != nil {
			t.Error(err)
		}
	}
}

// served starts a daemon that logs nothing, and serves it until the function that it returns is called.
func served(t *testing.T, cfg *config) (stop func()) {
	t.Helper()
	s, err := start(cfg, &streams{out: io.Discard, err: io.Discard})
	check.NoError(t, err)
	return serving(t, s)
}

// runLine runs a command line, and returns its exit code and its output.
func runLine(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, &streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

// demoRuns starts the demo's daemon.
func demoRuns(t *testing.T) *config {
	t.Helper()
	s, cfg, err := demoDaemon(t.TempDir(), &streams{out: io.Discard, err: io.Discard})
	check.NoError(t, err)
	t.Cleanup(serving(t, s))
	return cfg
}

// TestOpenFilesClosesNamedFile checks that a user who may duplicate handles can close those of a named file,
// and no others (O-168).
func TestOpenFilesClosesNamedFile(t *testing.T) {
	cfg := demoRuns(t)
	c, err := client.Dial(cfg.Socket)
	check.NoError(t, err)
	defer c.Close()
	th := c.Thread()
	open := func(name string) winnt.Handle {
		t.Helper()
		h, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: name}, 0, 0)
		check.RequireThat(t, st == ntstatus.Success, "%v %v", name, st)
		return h
	}
	first, second := open("payroll"), open("payroll")
	pipe, err := th.ListenPipe("kept", nt.PipeConfig{})
	check.NoError(t, err)
	for _, v := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"open-files", "--close"}, "^$", exitMalformed},
		{[]string{"open-files", "payroll", "--close"}, `(?s)READ_DATA  closed\n.*READ_DATA  closed\n$`, exitSuccess},
	} {
		code, out, errs := runLine(append(v.args, "--socket", cfg.AdminSocket)...)
		check.That(t, code == v.code && regexp.MustCompile(v.want).MatchString(out),
			"%q: exit code %d\n%s%swant %s", v.args, code, out, errs, v.want)
	}
	for _, h := range []winnt.Handle{first, second} {
		check.Equal(t, check.Status(th.NtQueryObject(h, nt.ObjectBasicInformation)), ntstatus.InvalidHandle, "handle %s", h)
	}
	if err := pipe.Close(); err != nil {
		t.Errorf("closing a pipe that the command did not name: %v, want nil: it is still open", err)
	}
}

// TestInspectionVerbsHideOtherUsersData checks that the inspection verbs show the user's own data at the common socket,
// and all data at the administrators' socket (U-95, W-27).
func TestInspectionVerbsHideOtherUsersData(t *testing.T) {
	cfg := demoRuns(t)
	shut, err := client.Dial(cfg.Socket) // listed first; nobody may duplicate its handles
	check.NoError(t, err)
	defer shut.Close()
	check.Success(t, shut.Thread().NtSetSecurityObject(winnt.NtCurrentProcess, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:(A;;0x1400;;;WD)")))
	c := shownAt(t, cfg.Socket)
	th := c.Thread()
	if _, st := th.NtOpenFile(winnt.FILE_WRITE_DATA, &nt.ObjectAttributes{ObjectName: "payroll"}, 0, 0); st !=
		ntstatus.AccessDenied {
		t.Fatal(st)
	}
	check.Success(t, check.Status(th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: "payroll"}, 0, 0)))
	held := &nt.ClientID{UniqueProcess: c.Process()}
	check.Success(t, check.Status(th.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, nil, held)))
	second, err := c.NewThread()
	check.NoError(t, err)
	thread, idle := c.thread, numberOf(t, second)
	id := check.Must(strconv.ParseUint(idle, 10, 64))
	check.Success(t, check.Status(th.NtOpenThread(winnt.THREAD_QUERY_INFORMATION, nil,
		&nt.ClientID{UniqueThread: winnt.Handle(id)})))
	pipe, err := th.ListenPipe("looked", nt.PipeConfig{})
	check.NoError(t, err)
	defer pipe.Close()
	device := check.Result(th.NtOpenFile(winnt.SYNCHRONIZE, &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe`}, 3,
		0))
	unnamed := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{MaximumInstances: 1, ShareAccess: 3,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{RootDirectory: device}), DesiredAccess: winnt.FILE_READ_DATA}))
	check.Success(t, check.Status(th.NtOpenFile(winnt.FILE_WRITE_DATA, &nt.ObjectAttributes{RootDirectory: unnamed}, 3,
		0)))
	check.Success(t, th.NtFsControlFile(unnamed, winnt.FSCTL_PIPE_DISCONNECT))
	tok, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES|winnt.TOKEN_QUERY)
	check.Success(t, st)
	check.Success(t, check.Status(th.NtAdjustPrivilegesToken(tok, false, []nt.LUIDAndAttributes{
		{LUID: winnt.LUID(winnt.SeChangeNotifyPrivilege)}}, false)))
	th.NtClose(tok)
	// No other process can have a handle to an exclusive object.
	exclusive, st := th.NtCreateMutant(winnt.SYNCHRONIZE, &nt.ObjectAttributes{Attributes: winnt.OBJ_EXCLUSIVE}, false)
	check.Success(t, st)
	check.Success(t, th.NtImpersonateAnonymousToken(winnt.NtCurrentThread))
	own, system, name := fmt.Sprint(uint64(c.Process())), `(?m)^ +4  System `, regexp.QuoteMeta(ownName(t))
	for _, v := range []struct {
		args      []string
		all, both string // patterns: to the administrator only, to both
		code      int    // of the user
	}{
		{[]string{"ps"}, system, `(?m)^ +` + own + `  ` + name +
			`.*\n.* as NT AUTHORITY.ANONYMOUS LOGON, SecurityImpersonation, since \d\d:\d\d:\d\d$`, exitSuccess},
		{[]string{"sessions"}, ` \(full\)\n`, `(?m)^ +` + own + `  ` + name + ` `, exitSuccess},
		{[]string{"handles", own}, "", `0x4  File +\\Files\\payroll  READ_DATA\n`, exitSuccess},
		{[]string{"handles", own}, "", `0x8  Process +` + own + `  QUERY_LIMITED_INFORMATION\n`, exitSuccess},
		{[]string{"handles", own}, "", exclusive.String() + `  \? +0x100000\n`, exitSuccess},
		{[]string{"handles", own}, "", `0xc  Thread +` + name + `/2  .*QUERY_INFORMATION`, exitSuccess},
		{[]string{"open-files", "elsewhere"}, "", `^ +ID  PROCESS[^\n]*\n$`, exitSuccess},
		{[]string{"open-files"}, "", own + `  ` + name + ` +0x4  \\Files\\payroll  READ_DATA\n`, exitSuccess},
		{[]string{"why", "--process", own}, "", `(?m)^\S+ process ` + own + `\n.*\n *because A-\d+ File .Files.payroll`,
			exitSuccess},
		{[]string{"why", "--process", "999999"}, "", `^No recent denial`, exitSuccess},
		// The commands keep no duplicates of handles, which they would list as their own.
		{[]string{"open-files", "PAYR"}, "", `^[^\n]*\n +` + own + `  ` + name + ` +0x4  \\Files\\payroll  READ_DATA\n$`,
			exitSuccess},
		{[]string{"token", own}, "", `(?m)^user .*\ntype +TokenPrimary\nsession +` + c.session + `\n`, exitSuccess},
		{[]string{"token", own + "/" + thread}, "",
			`(?m)^user +NT AUTHORITY.ANONYMOUS LOGON\ntype +TokenImpersonation, SecurityImpersonation\n`, exitSuccess},
		{[]string{"token", own}, "", `(?m)^group .*, for deny entries only$`, exitSuccess},
		{[]string{"token", own}, "", `(?m)^privilege +SeChangeNotifyPrivilege, switched off$`, exitSuccess},
		{[]string{"token", "4"}, `(?m)^privilege +SeTcbPrivilege$`, "", exitMalformed},
		{[]string{"why", "--path", "payroll", "--since", "10m"}, "", `because A-\d+ File .Files.payroll`, exitSuccess},
		{[]string{"why", "--path", "elsewhere"}, "",
			`^No recent denial that you may see\.\n$`, exitSuccess},
		{[]string{"open-files", "PIPE"}, "", own + `  ` + name + ` +0x[0-9a-f]+  \\Device\\NamedPipe\\looked  `, exitSuccess},
		{[]string{"open-files", "disconn"}, "", `0x[0-9a-f]+  \(pipe, disconnected\)  WRITE_DATA\n$`, exitSuccess},
		{[]string{"open-files", "pipe"}, "", `  \\Device\\NamedPipe  READ_DATA\n`, exitSuccess},
		{[]string{"trace", "--for", "1ms"}, "", `^$`, exitSuccess},
		{[]string{"trace", "--process", own, "--for", "1ms"}, "", "", exitSuccess},
	} {
		code, admin, _ := runLine(append(v.args, "--socket", cfg.AdminSocket)...)
		check.Equal(t, code, exitSuccess, "%q of the administrator: exit code", v.args)
		code, user, _ := runLine(append(v.args, "--socket", cfg.Socket)...)
		check.Equal(t, code, v.code, "%q of the user: exit code", v.args)
		if v.all != "" && (!regexp.MustCompile(v.all).MatchString(admin) || regexp.MustCompile(v.all).MatchString(user)) {
			t.Errorf("%q: only the administrator is to see %s:\n%s\nthe user:\n%s", v.args, v.all, admin, user)
		}
		if both := regexp.MustCompile(v.both); !both.MatchString(admin) || v.code == exitSuccess && !both.MatchString(user) {
			t.Errorf("%q: both are to see %s:\n%s\nthe user:\n%s", v.args, v.both, admin, user)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"token", "x"}, `"x" is not a process`},
		{[]string{"token", own + "/x"}, `is not a thread`},
		{[]string{"token", own + "/999999"}, "no thread has the numbers " + own + "/999999; refmond ps"},
		{[]string{"token", "4/" + thread}, "no thread has the numbers 4/" + thread},
		{[]string{"token", own + "/" + idle}, "impersonates no client: it acts with the token of its process"},
		{[]string{"token", "999999"}, "no process has the number 999999; refmond ps lists them"},
		{[]string{"trace", "--process", "999999", "--for", "1ms"}, "no process has the number 999999"},
		{[]string{"trace", "--process", "4", "--for", "1ms"}, "process 4: "},
		{[]string{"handles", "999999"}, "no process has the number 999999"},
		{[]string{"handles", "4"}, "process 4: "}, {[]string{"token", "4"}, "process 4: "},
		{[]string{"ps", "--owner", "stranger-of-that-name"}, "--owner"},
		{[]string{"why", "--path", strings.Repeat("a", 64<<10)}, "denials: STATUS_INVALID_PARAMETER"},
	} {
		code, out, errs := runLine(append(c.args, "--socket", cfg.Socket)...)
		check.That(t, code == exitMalformed && out == "" && strings.Contains(errs, c.want),
			"%q: exit code %d, %q, %q, want %s", c.args, code, out, errs, c.want)
	}
	code, _, _ := runLine("ps", "--socket", filepath.Join(cfg.State, "none"))
	check.Equal(t, code, exitMalformed, "no socket: exit code")
}

// TestServerOfAnotherUserNamesOwner checks that a command that refuses a server of another user names --owner (W-24).
func TestServerOfAnotherUserNamesOwner(t *testing.T) {
	const other = 4711
	socket := fmt.Sprintf("@refmond-owner-%d", os.Getpid()) // no folder that the user would have to write to
	l, err := asuser.Run(other, other, func() (net.Listener, error) { return net.Listen("unix", socket) })
	if errors.Is(err, unix.EPERM) {
		t.Skip("this program cannot change the user of a thread: ", err)
	}
	check.NoError(t, err)
	defer l.Close()
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			_ = c.Close()
		}
	}()
	for _, args := range [][]string{{"ps"}, {"account", "list"}, {"ps", "--owner", fmt.Sprint(other)}} {
		code, _, errs := runLine(append(args, "--socket", socket)...)
		named := strings.Contains(errs, fmt.Sprint("runs as uid ", other)) && strings.Contains(errs, "--owner")
		check.That(t, code == exitMalformed && named == !slices.Contains(args, "--owner"),
			"%q: exit code %d, %q, want the uid and --owner unless it is given", args, code, errs)
	}
}

// TestTimeOfTodayHasNoDate checks the conversion of a FILETIME, units of 100 ns since 1601. A time of today has no
// date.
func TestTimeOfTodayHasNoDate(t *testing.T) {
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.Local)
	filetime := (at.Unix() + 11644473600) * 10_000_000
	if got := when(filetime); got != "2001-02-03 04:05" || when(0) != "" {
		t.Errorf("got %q and %q", got, when(0))
	}
	for range 2 { // the day may end between the two calls
		now := time.Now()
		if got := clock(now); got == now.Format("15:04:05") {
			break
		} else if time.Now().YearDay() == now.YearDay() {
			t.Errorf("now: %q", got)
		}
	}
	now := time.Now()
	for _, then := range []time.Time{now.AddDate(0, 0, -1), now.AddDate(-4, 0, 0)} {
		check.Equal(t, clock(then), then.Format("2006-01-02 15:04"), "%v", then)
	}
}

// TestOwnerOptionAcceptsNumberOrName checks that the daemon's user can be a number or a name of this host.
func TestOwnerOptionAcceptsNumberOrName(t *testing.T) {
	for name, want := range map[string]uint32{"0": 0, "4294967295": 4294967295, "root": 0} {
		if uid, err := userID(name); err != nil || uid != want {
			t.Errorf("%s: %d, %v, want %d", name, uid, err, want)
		}
	}
	for _, name := range []string{"4294967296", "-1", "stranger-of-that-name"} {
		if uid, err := userID(name); err == nil {
			t.Errorf("%s: %d", name, uid)
		}
	}
	for _, c := range []accountCmd{{Socket: "/nonexistent/s"}, {Socket: "/nonexistent/s", Owner: "stranger-of-that-name"},
		{Socket: "/nonexistent/s", Owner: "0"}} {
		check.That(t, (accountLockCmd{Name: "a"}).Run(&c) != nil,
			"%+v: account lock without a daemon succeeds, want an error", c)
		check.That(t, (accountListCmd{}).Run(&streams{out: os.Stderr, err: os.Stderr}, &c) != nil,
			"%+v: account list without a daemon succeeds, want an error", c)
	}
}
