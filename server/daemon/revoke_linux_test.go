package daemon_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// bobsSID is the SID of the user in the token bob.
const bobsSID = "S-1-5-21-1-2-3-1108"

// revoke sends a revocation and returns its status.
func revoke(t *testing.T, c *client.Conn, q inspect.Query) (*inspect.Revoked, ntstatus.Status) {
	t.Helper()
	q.What = "revoke"
	b, err := json.Marshal(q)
	check.NoError(t, err)
	b, err = c.Inspect(b)
	if err != nil {
		return nil, ntstatus.Of(err, ntstatus.Unsuccessful)
	}
	var a inspect.Reply
	if err := json.Unmarshal(b, &a); err != nil || a.Revoked == nil {
		t.Fatalf("%s: %v", b, err)
	}
	return a.Revoked, ntstatus.Success
}

// serverFor returns a thread of a server's process that acts for a client until the test ends.
func (r *running) serverFor(client *token.Token) *nt.Thread {
	r.Helper()
	p := check.Must(r.System().NewProcess("server", check.Must(token.New(token.LocalSystem()))))
	th := check.Must(p.NewThreadAs(client))
	r.Cleanup(func() { th.Close(); p.Exit(); p.Close() })
	return th
}

// openPlan opens the planted file for reading.
func openPlan(th *nt.Thread) (winnt.Handle, ntstatus.Status) {
	h, _, st := th.NtCreateFile(plan(winnt.GENERIC_READ | winnt.WRITE_DAC))
	return h, st
}

// readPlan reads the planted file through a handle.
func readPlan(th *nt.Thread, h winnt.Handle) ntstatus.Status {
	_, st := th.NtReadFileAt(h, 8, 0)
	return st
}

// TestRevokeEndsUser checks that a revoked user's connections end, that a server acting for the user is denied
// everything at its next call, also through open handles, and that other users are not affected (W-98, W-99).
func TestRevokeEndsUser(t *testing.T) {
	for now, how := range map[bool]string{false: "", true: ", at once"} {
		sink := audit.NewMemory(0, 0)
		begun, finish, failed := make(chan bool), make(chan bool), make(chan bool)
		d := startWithTree(t, hostfs.HandOutReads, func(c *daemon.Config) {
			c.Audit = &audit.Log{Sink: sink}
			c.Administer = func(*token.Token, []byte) ([]byte, ntstatus.Status) {
				begun <- true
				<-finish
				return nil, ntstatus.Success
			}
		})
		admin, a, b := d.dialAll()
		server := d.serverFor(check.Must(token.Parse([]byte(bob))))
		other := d.serverFor(check.Must(token.Parse([]byte(alice))))
		h, st := openPlan(server)
		his, st2 := openPlan(other)
		check.RequireThat(t, st == ntstatus.Success && st2 == ntstatus.Success, "%v %v", st, st2)
		_, passed, st := b.OpenFile(b.Thread(), plan(winnt.GENERIC_READ))
		check.RequireThat(t, st == ntstatus.Success && passed != nil, "%v %v", st, passed)
		defer passed.Close()
		go func() { failed <- check.Err(b.Administer(nil)) != nil }()
		select {
		case <-begun:
		case <-failed:
			t.Fatal("the daemon rejected the call that was to be in progress")
		}
		got := check.Result(revoke(t, admin, inspect.Query{User: bobsSID, Now: now}))
		close(finish)
		check.Equal(t, <-failed, now, "a call in progress got no reply")
		check.That(t, got.Sessions == 1 && got.Tokens >= 2 && got.Files == 1,
			"W-98: %+v, want 1 session, at least 2 tokens, 1 file", got)
		if len(got.Remains) != 1 || got.Remains[0].Kind != "descriptor" ||
			!strings.EqualFold(got.Remains[0].Name, `\Device\share\a\b\plan`) || got.Remains[0].PID == 0 {
			t.Errorf("W-101: remains %+v, want the descriptor of the plan", got.Remains)
		}
		check.Equal(t, readPlan(server, h), ntstatus.AccessDenied, "W-99: a read through the open handle")
		check.Equal(t, check.Status(server.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION)), ntstatus.AccessDenied,
			"W-99: the descriptor of the open handle")
		check.Equal(t, check.Status(openPlan(server)), ntstatus.AccessDenied, "W-98: a new open for bob")
		check.Equal(t, readPlan(other, his), ntstatus.Success, "a read for alice")
		check.Equal(t, check.Status(openPlan(a.Thread())), ntstatus.Success, "alice opens")
		check.Eventually(t, func() bool { return b.Err() != nil }, "bob's connection goes on")
		check.Equal(t, check.Status(openPlan(b.Thread())), ntstatus.PortDisconnected, "W-98: bob's connection")
		checkRecorded(t, sink, "access revoked: "+bobsSID+": sessions, tokens and files"+how)
	}
}

// TestRevokedGroupEndsOpensOfMembers checks that a revocation of a group ends the files that a user opened as a member.
// It ends the user's other files, and those in other parts of the program, only if a token of the user still has the
// group (W-99).
func TestRevokedGroupEndsOpensOfMembers(t *testing.T) {
	const group = "S-1-5-21-1-2-3-2000"
	member := check.Must(token.Parse([]byte(`{"user":"` + bobsSID + `","groups":["WD","` + group + `"]}`)))
	plain := check.Must(token.Parse([]byte(bob)))
	for _, still := range []bool{false, true} {
		elsewhere := make(chan [2]bool, 1) // whether the revocation covers files of member and plain elsewhere
		d := startWithTree(t, hostfs.HandOutNothing, func(c *daemon.Config) {
			c.Revoke = func(selected func(*token.Token, string) bool) []inspect.Remaining {
				elsewhere <- [2]bool{selected(member, `\Device\mount\f`), selected(plain, `\Device\mount\f`)}
				return nil
			}
		})
		admin, _, _ := d.dialAll()
		var servers [3]*nt.Thread
		var opened [3]winnt.Handle
		for i, client := range []*token.Token{plain, member, plain} {
			servers[i] = d.serverFor(client)
			opened[i] = check.Result(openPlan(servers[i]))
			if !still {
				d.System().KernelMode(servers[i]).PsRevertToSelf()
			}
		}
		tokens, files, kept := 0, 1, ntstatus.Success
		if still {
			tokens, files, kept = 1, 3, ntstatus.AccessDenied
		}
		got := check.Result(revoke(t, admin, inspect.Query{User: group}))
		check.That(t, got.Tokens == tokens && got.Files == files, "W-99: still a member %t: ended %+v", still, got)
		check.Equal(t, <-elsewhere, [2]bool{true, still}, "W-99: files of a member and of another token elsewhere")
		for i, want := range []ntstatus.Status{kept, ntstatus.AccessDenied, kept} {
			check.Equal(t, readPlan(servers[i], opened[i]), want, "W-99: still a member %t: read %d", still, i)
		}
	}
}

// TestRevokedSessionDeletesNoFileOfOthers checks that the end of a revoked user's connection does not delete a file
// that the connection opened with FILE_DELETE_ON_CLOSE, even if only its child process still has the handle. It does
// delete a file that the connection created with that option. A server can still use a file whose handle it duplicated
// into the connection (W-99).
func TestRevokedSessionDeletesNoFileOfOthers(t *testing.T) {
	for _, inChild := range []bool{false, true} {
		d := startWithTree(t, hostfs.HandOutNothing, nil)
		admin, _, b := d.dialAll()
		th := b.Thread()
		in := plan(winnt.GENERIC_READ | winnt.DELETE)
		in.CreateOptions = uint32(fileaccess.DeleteOnClose)
		h, _, st := th.NtCreateFile(in)
		check.RequireThat(t, st == ntstatus.Success, "open: %v", st)
		made := in
		made.CreateDisposition = winnt.FILE_CREATE
		made.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\a\b\own`})
		_, _, st = th.NtCreateFile(made)
		check.RequireThat(t, st == ntstatus.Success, "create: %v", st)
		if inChild {
			child := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{
				ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS, ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
			check.Success(t, check.Status(th.NtDuplicateObject(winnt.NtCurrentProcess, h, child.ProcessHandle, 0, 0,
				winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_CLOSE_SOURCE)))
		}
		p := check.Must(d.System().NewProcess("server", check.Must(token.New(token.LocalSystem()))))
		server := check.Must(p.NewThread())
		lent, _, st := server.NtCreateFile(plan(winnt.GENERIC_READ))
		check.RequireThat(t, st == ntstatus.Success, "open by a server: %v", st)
		bobs := check.Result(server.NtOpenProcess(winnt.PROCESS_DUP_HANDLE, &nt.ObjectAttributes{},
			&nt.ClientID{UniqueProcess: b.Process()}))
		check.Success(t, check.Status(server.NtDuplicateObject(winnt.NtCurrentProcess, lent, bobs, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS)))
		check.Success(t, check.Status(revoke(t, admin, inspect.Query{User: bobsSID})))
		check.Eventually(t, func() bool { return d.Stats().Connections == 2 }, "bob's connection goes on")
		check.Equal(t, readPlan(server, lent), ntstatus.Success, "a read of the server whose file the session had, too")
		server.Close()
		p.Close()
		_, err := os.Stat(filepath.Join(d.tree, "a", "b", "plan"))
		check.NoError(t, err)
		_, err = os.Stat(filepath.Join(d.tree, "a", "b", "own"))
		check.ErrorIs(t, err, fs.ErrNotExist, "the file that the session created")
	}
}

// during is an Identity that calls a function between a logon and its connection.
type during struct {
	roles
	then func()
}

// LogOn implements daemon.Identity.
func (d during) LogOn(p *peer.Peer, full bool) (logon.Result, error) {
	r, err := d.roles.LogOn(p, full)
	d.then()
	return r, err
}

// TestRevokeEndsConnectionUnderLogon checks that a revocation ends a connection whose token was decided before it and
// whose process is created after it, and no connection of another user (W-98).
func TestRevokeEndsConnectionUnderLogon(t *testing.T) {
	d := start(t, nil)
	admin, _, _ := d.dialAll()
	who := during{make(roles, 1), func() {
		check.Success(t, check.Status(revoke(t, admin, inspect.Query{User: bobsSID})))
	}}
	d.SetIdentity(who)
	d.as(who.roles, alice)
	who.roles <- bob
	c, err := client.Dial(d.socket)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	check.ErrorIs(t, err, ntstatus.AccessDenied.Err(), "W-98: connection of bob, who was revoked during the logon")
}

// checkRecorded checks that the trail has these changes of accounts, as "change: target: detail", and no other (W-100).
func checkRecorded(t *testing.T, sink *audit.Memory, want ...string) {
	t.Helper()
	var got []string
	for e := range sink.Events() {
		if e.ID == audit.AccountsChangedID {
			change, _ := e.Field("Change")
			target, _ := e.Field("Target")
			detail, _ := e.Field("Detail")
			got = append(got, strings.Join([]string{change, target, detail}, ": "))
		}
	}
	check.SlicesEqual(t, got, want, "W-100: records")
}

// TestRevokeByPathEndsOpensBelowIt checks that a revocation by path ends every open of the files below it, for all
// users, and no other; a new open is decided as before (W-99).
func TestRevokeByPathEndsOpensBelowIt(t *testing.T) {
	sink := audit.NewMemory(0, 0)
	d := startWithTree(t, hostfs.HandOutReads, func(c *daemon.Config) {
		c.Audit = &audit.Log{Sink: sink}
		c.KernelName = func(p string) (string, bool) { return `\device\SHARE\a`, p == "/srv/a" }
	})
	admin, a, b := d.dialAll()
	server := d.serverFor(check.Must(token.Parse([]byte(bob))))
	var records []string
	for path, name := range map[string]string{`\??\share\A`: `\Device\share\A`, "/srv/a": `\device\SHARE\a`,
		`\Device\share\a\b\`: `\Device\share\a\b`} {
		h, st := openPlan(a.Thread())
		h2, st2 := openPlan(b.Thread())
		check.RequireThat(t, st == ntstatus.Success && st2 == ntstatus.Success, "%v %v", st, st2)
		h3 := check.Result(openPlan(server))
		for _, miss := range []string{`\Device\share\a\b\plan2`, `\Device\share\a\b\pla`, `\Device\other`} {
			records = append(records, "access revoked: "+miss+": files")
			if got, st := revoke(t, admin, inspect.Query{Path: miss}); st != ntstatus.Success || got.Files != 0 {
				t.Errorf("W-99: %s: %+v, %s, want no file", miss, got, st)
			}
		}
		records = append(records, "access revoked: "+name+": files")
		got, st := revoke(t, admin, inspect.Query{Path: path})
		check.That(t, st == ntstatus.Success && got.Files == 3 && got.Sessions == 0 && got.Tokens == 0,
			"W-99: %s: %+v, %s, want 3 files", path, got, st)
		if st, st2 := readPlan(a.Thread(), h), readPlan(b.Thread(), h2); st != ntstatus.AccessDenied ||
			st2 != ntstatus.AccessDenied {
			t.Errorf("W-99: reads: %s, %s, want %s", st, st2, ntstatus.AccessDenied)
		}
		check.Equal(t, readPlan(server, h3), ntstatus.AccessDenied, "W-99: a read for bob by a server")
		check.Equal(t, a.Thread().NtClose(h), ntstatus.Success, "the handle stays valid")
	}
	check.Equal(t, check.Status(openPlan(a.Thread())), ntstatus.Success, "a new open")
	checkRecorded(t, sink, records...)
}

// TestRevokeNeedsPrivilege checks who may revoke, and that a revocation which would end its caller, everybody or the
// system is refused and changes nothing (W-98).
func TestRevokeNeedsPrivilege(t *testing.T) {
	d := startWithTree(t, hostfs.HandOutNothing, nil)
	admin, a, b := d.dialAll()
	h := check.Result(openPlan(b.Thread()))
	for _, q := range []inspect.Query{{User: bobsSID}, {Path: `\??\share\a`}, {User: "S-1-1-0"}, {}} {
		check.Equal(t, check.Status(revoke(t, a, q)), ntstatus.PrivilegeNotHeld, "W-98: alice revokes %+v", q)
	}
	for _, q := range []inspect.Query{{}, {User: bobsSID, Path: `\??\share`}, {User: "S-1-1-0"}, {User: "S-1-5-18"},
		{User: "S-1-5-32-544"}, {User: "S-1-5-21-1-2-3-500"}, {User: "bob"}, {Path: "plan"}, {Path: `\`},
		{Path: `\Device`}, {Path: "/srv/a"}} {
		check.Equal(t, check.Status(revoke(t, admin, q)), ntstatus.InvalidParameter, "W-98: %+v", q)
	}
	check.Equal(t, readPlan(b.Thread(), h), ntstatus.Success, "bob reads")
}

// TestRevokeFailsWithoutRecord checks that nothing ends if a policy that fails closed cannot keep the record (W-100).
func TestRevokeFailsWithoutRecord(t *testing.T) {
	sink := &fillingDisk{}
	log := filesRecorded(t, sink, audit.FailOnAuditFail)
	d := startWithTree(t, hostfs.HandOutNothing, func(c *daemon.Config) { c.Audit = log })
	admin, _, b := d.dialAll()
	h := check.Result(openPlan(b.Thread()))
	sink.fails.Store(true)
	check.Equal(t, check.Status(revoke(t, admin, inspect.Query{User: bobsSID})), ntstatus.AuditFailed, "W-100")
	check.Equal(t, readPlan(b.Thread(), h), ntstatus.Success, "bob reads")
}

// fillingDisk is a sink that keeps records until it fails.
type fillingDisk struct{ fails atomic.Bool }

func (b *fillingDisk) Write(audit.Event) error {
	if b.fails.Load() {
		return errors.New("the disk is gone")
	}
	return nil
}

// TestChangedDescriptorEndsNoOpenFile checks that a changed descriptor decides the next open, and that handles and
// passed descriptors keep their granted rights until they are closed or revoked (F-55, F-151).
func TestChangedDescriptorEndsNoOpenFile(t *testing.T) {
	d := startWithTree(t, hostfs.HandOutReads, nil)
	admin, _, b := d.dialAll()
	h := check.Result(openPlan(b.Thread()))
	_, passed, st := b.OpenFile(b.Thread(), plan(winnt.GENERIC_READ))
	check.RequireThat(t, st == ntstatus.Success && passed != nil, "%v %v", st, passed)
	defer passed.Close()
	describe(t, filepath.Join(d.tree, "a", "b", "plan"), "O:BAG:SYD:P(A;;FA;;;S-1-5-21-1-2-3-1107)")
	check.Equal(t, check.Status(openPlan(b.Thread())), ntstatus.AccessDenied, "a new open")
	check.Equal(t, readPlan(b.Thread(), h), ntstatus.Success, "F-55: the open handle")
	check.Success(t, check.Status(revoke(t, admin, inspect.Query{Path: `\??\share\a\b\plan`})))
	check.Equal(t, readPlan(b.Thread(), h), ntstatus.AccessDenied, "W-99: the revoked handle")
	if n, err := passed.Read(make([]byte, 9)); n != 9 || err != nil {
		t.Errorf("a passed descriptor can no longer read, against docs/revocation.md: %d, %v", n, err)
	}
	page, err := unix.Mmap(int(passed.Fd()), 0, 1, unix.PROT_READ, unix.MAP_PRIVATE)
	check.RequireThat(t, err == nil, "docs/revocation.md says that a passed descriptor can still be mapped: %v", err)
	check.NoError(t, unix.Munmap(page))
}
