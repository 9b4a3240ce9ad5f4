package daemon_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestStartedAsHelperProcess is the child program of TestStartAsRunsUnderAccountUID. It prints its identity here and on
// the host.
func TestStartedAsHelperProcess(t *testing.T) {
	if os.Getenv(startedEvent) != "as" {
		t.Skip("TestStartAsRunsUnderAccountUID runs this")
	}
	c, err := client.Dial(client.Socket())
	if err != nil {
		fmt.Println("refused")
		return
	}
	text, st := c.Thread().NtQueryInformationToken(winnt.NtCurrentProcessToken, winnt.TokenUser)
	for range 1000 { // charged to its process, not to the program that started it
		if st == ntstatus.Success {
			_, st = c.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
		}
	}
	groups, _ := os.Getgroups()
	fmt.Println("uid", os.Getuid(), os.Geteuid(), "gid", os.Getgid(), groups, text, st)
}

// service is the token of a user who may start programs with tokens of other users.
const service = `{"user":"SY","groups":["WD","BA","SY"],"privileges":["SeDebugPrivilege",
	"SeAssignPrimaryTokenPrivilege"]}`

// processOf creates a process with the token of another client.
func processOf(t *testing.T, c, of *client.Conn) winnt.Handle {
	t.Helper()
	th := c.Thread()
	process, st := th.NtOpenProcess(winnt.PROCESS_QUERY_INFORMATION, nil, &nt.ClientID{UniqueProcess: of.Process()})
	check.Success(t, st)
	his := check.Result(th.NtOpenProcessToken(process, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY))
	tok := check.Result(th.NtDuplicateToken(his, winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenPrimary))
	out := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, Token: tok, OfProcess: true}))
	return out.ProcessHandle
}

// runner returns a copy of this program that every user of the host may run.
func runner(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		check.NoError(t, os.Chmod(d, 0o755))
	}
	b, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "started"), b, 0o755)
	}
	check.NoError(t, err)
	return filepath.Join(dir, "started")
}

// TestStartAsRunsUnderAccountUID checks that root's program, if the configuration allows it, starts programs in
// processes of other accounts. They run under those accounts' uids and groups without capabilities (W-93). A program
// under another uid gets no connection (W-94).
func TestStartAsRunsUnderAccountUID(t *testing.T) {
	games, err := user.Lookup("games")
	if err != nil || os.Getuid() != 0 {
		t.Skipf("as root, on a host with the user games: uid %d, %v", os.Getuid(), err)
	}
	uid, err := strconv.ParseUint(games.Uid, 10, 32)
	check.NoError(t, err)
	program, who := runner(t), make(roles, 1)
	bobs := sid.MustParse("S-1-5-21-1-2-3-1108")
	var mu sync.Mutex
	counted := map[uint32]bool{} // uids whose limits were queried; guarded by mu
	d := start(t, func(c *daemon.Config) {
		c.Identity, c.Limits.Quota = who, 1<<20
		c.StartAs = func(s sid.SID) (uint32, bool) {
			switch s.RID() {
			case 1110: // the default uid
				return 65534, true
			case 1111: // root's own
				return 0, true
			}
			return uint32(uid), s == bobs
		}
		c.Quota = func(uid uint32) uint32 {
			mu.Lock()
			defer mu.Unlock()
			counted[uid] = true
			return uid + 1<<20
		}
	})
	his, c := d.as(who, `{"user":"S-1-5-21-1-2-3-1108","groups":["WD"]}`), d.as(who, service)
	run := func(process winnt.Handle) (string, error) {
		cmd := exec.Command(program, "-test.run=^TestStartedAsHelperProcess$")
		var out bytes.Buffer
		cmd.Env, cmd.Dir, cmd.Stdout = append(os.Environ(), startedEvent+"=as"), "/", &out
		p, err := c.Start(process, cmd)
		if err != nil {
			return "", err
		}
		err = p.Wait()
		first, _, _ := strings.Cut(out.String(), "\n")
		return first, err
	}
	var got string
	process, th := processOf(t, c, his), c.Thread()
	var events []winnt.Handle
	for h, st := winnt.Handle(0), ntstatus.Success; st == ntstatus.Success; events = append(events, h) {
		h, st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	}
	for i, h := range events[:len(events)-1] {
		if i == 100 { // a free slot for the call that starts the program
			got, err = run(process)
		}
		check.Success(t, th.NtClose(h))
	}
	want := fmt.Sprintf("uid %d %d gid %s [%s] {S-1-5-21-1-2-3-1108", uid, uid, games.Gid, games.Gid)
	check.That(t, err == nil && strings.HasPrefix(got, want) && strings.HasSuffix(got, "STATUS_SUCCESS"),
		"the program: %q, %v, want %q", got, err, want)
	mu.Lock()
	check.That(t, counted[uint32(uid)], "W-17: the program does not count against the bounds of its own user")
	mu.Unlock()
	// An account without a uid, or without one of its own (W-93).
	for _, rid := range []int{1109, 1110, 1111} {
		other := d.as(who, fmt.Sprintf(`{"user":"S-1-5-21-1-2-3-%d","groups":["WD"]}`, rid))
		if _, err := run(processOf(t, c, other)); !errors.Is(err, ntstatus.PrivilegeNotHeld.Err()) {
			t.Errorf("account %d without a uid of its own: %v", rid, err)
		}
		_ = other.Close()
	}
	// Root sends the hello instead of the user (W-94).
	f, checksUID, err := c.AttachAs(processOf(t, c, his))
	check.RequireThat(t, err == nil && uint64(checksUID) == uid, "%v %v", checksUID, err)
	cmd := exec.Command(program, "-test.run=^TestStartedAsHelperProcess$")
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), startedEvent+"=as", "REFMON_SOCKET=fd:3"), []*os.File{f}
	out, err := cmd.Output()
	if _ = f.Close(); err != nil || !strings.HasPrefix(string(out), "refused\n") {
		t.Errorf("a program under another uid: %q, %v, want text starting with %q, no error", out, err,
			"refused\n")
	}
	_, _ = his.Close(), c.Close()
}

// TestStartAsGivesNoFullToken checks that a program started for another user does not get the full token of the
// administrators' socket that its starter used (L-51, W-93).
func TestStartAsGivesNoFullToken(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skipf("as root: uid %d", os.Getuid())
	}
	who := make(roles, 1)
	var admin string
	d := start(t, func(c *daemon.Config) {
		admin = filepath.Join(filepath.Dir(c.Socket), "admin")
		c.AdminSocket, c.Identity = admin, who
		c.StartAs = func(sid.SID) (uint32, bool) { return 5, true }
	})
	his := d.as(who, bob)
	who <- service
	full := check.Must(client.Dial(admin))
	process := processOf(t, full, his)
	v := check.Result(full.Thread().NtQueryInformationProcess(process, nt.ProcessBasicInformation))
	f, uid, err := full.AttachAs(process)
	check.RequireThat(t, err == nil && uid == 5, "%v %v", uid, err)
	child := v.(nt.ProcessBasic).UniqueProcessID
	want := map[uint64]bool{uint64(his.Process()): false, uint64(full.Process()): true, uint64(child): false}
	listed := map[uint64]bool{}
	check.Eventually(t, func() bool {
		for _, s := range ask(t, full, inspect.Query{What: "sessions"}).Sessions {
			listed[s.Process] = s.Full
		}
		return len(listed) == len(want)
	}, "the query for sessions does not list all of %v", want)
	check.That(t, maps.Equal(listed, want), "L-51: full are %v, want %v", listed, want)
	_, _, _ = f.Close(), his.Close(), full.Close()
}
