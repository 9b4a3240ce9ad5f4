package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/cli/trail"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/server/internal/test/systemd"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/winnt"
)

// written makes a file and returns its name.
func written(t *testing.T, name, text string) string {
	t.Helper()
	check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// TestLoadWithoutFileReturnsDefaults checks the values without a configuration file, and that a missing file is an
// error.
func TestLoadWithoutFileReturnsDefaults(t *testing.T) {
	c, err := load("")
	check.NoError(t, err)
	limits := daemon.Limits{Connections: 16384, PerUser: 2048, Threads: 8192, Quota: 256 << 20, Total: 1 << 30,
		Reserve: 128 << 20}
	if c.profile != nt.Documented || c.level != slog.LevelInfo || c.limits != limits || !c.Audit.Keep ||
		!c.Audit.Required || c.startsAs(nil) != nil {
		t.Errorf("%+v, want the documented profile, level info, the limits %+v, a required audit log, and no programs "+
			"of other users", c, limits)
	}
	check.That(t, check.Err(load("/nonexistent/c.yaml")) != nil, "load of a missing file succeeds, want an error")
}

// TestConfigCheckFindsUnknownField checks that config check finds the error in a file, and that config print prints a
// valid one.
func TestConfigCheckFindsUnknownField(t *testing.T) {
	code, text, _ := runLine("config", "print")
	file := written(t, filepath.Join(t.TempDir(), "c.yaml"), text)
	check.That(t, code == 0 && text == string(shipped), "print: exit code %d, %d bytes", code, len(text))
	if code, out, errs := runLine("config", "check", file); code != 0 || errs != "" || out != file+
		": well formed; state /var/lib/refmon, socket /run/refmon/refmond.sock\n" {
		t.Errorf("check: exit code %d, %q, %q", code, out, errs)
	}
	written(t, file, "nonsense: 1\n")
	if code, out, errs := runLine("config", "check", file); code != exitMalformed || out != "" || !strings.Contains(errs,
		"nonsense: unknown field") {
		t.Errorf(`check: exit code %d, %q, %q, want %d, "", text containing "nonsense: unknown field"`, code, out,
			errs, exitMalformed)
	}
}

// TestDefaultPolicyRecordsLogons checks that without a policy the trail has logons and privilege use, and that with
// audit.required an operation fails if its record cannot be written.
func TestDefaultPolicyRecordsLogons(t *testing.T) {
	dir := t.TempDir()
	for _, required := range []bool{true, false} {
		p, err := policy(dir, &auditSettings{Required: required})
		check.NoError(t, err)
		s := p.Spec()
		for sub, want := range map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth, audit.Logoff: audit.OnBoth,
			audit.SpecialLogon: audit.OnBoth, audit.SensitivePrivilegeUse: audit.OnBoth, audit.FileSystem: 0,
			audit.AuditPolicyChange: audit.OnBoth} {
			check.Equal(t, s.System[sub], want, "%v", sub)
		}
		check.That(t, (s.Options.CrashOnAuditFail == audit.FailOnAuditFail) == required,
			"required %t: %v", required, s.Options.CrashOnAuditFail)
	}
	own, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnFailure}})
	check.NoError(t, err)
	check.NoError(t, trail.StorePolicy(dir, own))
	log := check.Must((&mountTrail{computer: "host"}).kernelLog(dir))
	check.Equal(t, log.Computer, "host", "the computer in the records of a mount")
	check.Equal(t, log.Policy.Load().Spec().System[audit.FileSystem], audit.OnFailure, "the policy of a mount's trail")
	for _, required := range []bool{true, false} {
		p, err := policy(dir, &auditSettings{Required: required})
		check.NoError(t, err)
		if s := p.Spec(); s.System[audit.FileSystem] != audit.OnFailure || s.System[audit.Logon] != 0 ||
			(s.Options.CrashOnAuditFail == audit.FailOnAuditFail) != required {
			t.Errorf("with an existing policy and required %t the state is %+v", required, s)
		}
	}
}

// said collects the log output of a daemon.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

// newOutput returns the output since the last call.
func (s *said) newOutput() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.b.Reset()
	return s.b.String()
}

// TestLostAccountsAreReported checks that a start without the accounts of an earlier run is logged: it creates a new
// store, and a deny entry for an earlier account then binds nobody. The first start is not logged.
func TestLostAccountsAreReported(t *testing.T) {
	dir := t.TempDir()
	cfg, err := load(written(t, filepath.Join(dir, "c.yaml"), fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: ''\n",
		filepath.Join(dir, "state"), filepath.Join(dir, "s"))))
	check.NoError(t, err)
	store := filepath.Join(dir, "state", lsa.File)
	for i, c := range []struct {
		lose func() error
		want bool
	}{
		{func() error { return nil }, false},
		{func() error { return nil }, false},
		{func() error { return os.Remove(store) }, true},
		{func() error { return os.Truncate(store, 0) }, true},
	} {
		check.NoError(t, c.lose())
		var log said
		s, err := start(cfg, &streams{out: &log, err: &log})
		check.NoError(t, err)
		serving(t, s)()
		check.Equal(t, strings.Contains(log.newOutput(), "restore a backup"), c.want, "start %d reports lost accounts", i)
	}
}

// TestInvalidReloadChangesNothing checks that a changed configuration affects new clients' privileges and the log
// level, that a wrong one changes nothing, and that the manager is notified in both cases (W-29). Each change of the
// audit policy is recorded (U-85).
func TestInvalidReloadChangesNothing(t *testing.T) {
	dir := t.TempDir()
	received := systemd.Listen(t, filepath.Join(dir, "manager"))
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "manager"))
	file, folder, uid := filepath.Join(dir, "c.yaml"), "state", os.Geteuid()
	configure := func(more string) string {
		return written(t, file, fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: ''\n%s", filepath.Join(dir, folder),
			filepath.Join(dir, "s"), more))
	}
	cfg, err := load(configure("log: {level: error}\n"))
	check.NoError(t, err)
	var log said
	s, err := start(cfg, &streams{out: &log, err: &log})
	check.NoError(t, err)
	defer serving(t, s)()
	holds := func() bool {
		t.Helper()
		c, err := client.Dial(cfg.Socket)
		check.NoError(t, err)
		defer c.Close()
		h, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
		v, st2 := c.Thread().NtQueryInformationToken(h, winnt.TokenPrivileges)
		check.RequireThat(t, st == ntstatus.Success && st2 == ntstatus.Success, "%v %v", st, st2)
		for _, p := range v.([]nt.LUIDAndAttributes) {
			if p.LUID == winnt.LUID(winnt.SeLockMemoryPrivilege) {
				return true
			}
		}
		return false
	}
	reload := func(more string) string {
		t.Helper()
		log.newOutput()
		s.reload(configure(more))
		if first := received(); !strings.HasPrefix(first, "RELOADING=1\nMONOTONIC_USEC=") {
			t.Errorf("the manager received %q, want text starting with %q", first, "RELOADING=1\nMONOTONIC_USEC=")
		}
		if then := received(); then != "READY=1" {
			t.Errorf(`the manager received %q, want "READY=1"`, then)
		}
		return log.newOutput()
	}
	check.RequireThat(t, !holds() && s.level.Level() == slog.LevelError,
		"before the reload: the privilege is there: %t, log level %v, want false, ERROR", holds(), s.level)
	more := fmt.Sprintf("privileges: {%d: [SeLockMemoryPrivilege]}\naudit: {required: false}\nidNumbers: %s\n", uid,
		written(t, filepath.Join(dir, "ids.yaml"),
			"domain: S-1-5-21-1-2-3\nusers: [{name: alice, sid: S-1-5-21-1-2-3-1107, uid: 31107}]\n"))
	numbered := func(when, want string) {
		t.Helper()
		got, _, err := s.numbers.SIDOfUID(t.Context(), 31107)
		check.That(t, got.IsZero() && want == "" || err == nil && got.String() == want,
			"%s the uid is that of %v, %v, want %q", when, got, err, want)
	}
	numbered("before the reload", "")
	if text := reload(more + "log: {level: info}\n"); !strings.Contains(text, "msg=reloaded") || !holds() ||
		s.level.Level() != slog.LevelInfo || s.System().Audit().Policy.Load().Spec().Options.CrashOnAuditFail != 0 {
		t.Errorf("reloaded: %q, the privilege is there: %t", text, holds())
	}
	numbered("with a directory file", "S-1-5-21-1-2-3-1107")
	if text := reload("log: {level: loud}\n"); !strings.Contains(text, "the configuration is invalid") ||
		strings.Contains(text, "msg=reloaded") || !holds() || s.level.Level() != slog.LevelInfo {
		t.Errorf("a wrong configuration: %q, the privilege is there: %t", text, holds())
	}
	for keys, want := range map[string]string{"idNumbers: /nonexistent/ids.yaml\n": "the directory file is invalid",
		"kerberos: {keytab: /nonexistent/keytab, realm: R}\n": "the Kerberos settings are invalid"} {
		if text := reload(keys + "log: {level: warn}\n"); !strings.Contains(text, want) || !holds() ||
			s.level.Level() != slog.LevelInfo {
			t.Errorf("%q: %q, the privilege is there: %t, want %q", keys, text, holds(), want)
		}
	}
	numbered("after reloads that failed", "S-1-5-21-1-2-3-1107")
	written(t, filepath.Join(dir, "state", "audit", "policy.txt"), "nonsense\n")
	keytab := written(t, filepath.Join(dir, "keytab"), string(forge.Keytab(forge.Entry{Service: ticketService,
		Realm: ticketRealm, Version: 2, Key: forge.NewKey(18)})))
	var caches []os.FileInfo
	for _, folder = range []string{"other", "state"} { // the log stays in the folder of the start
		if text := reload(kerberosKeys(keytab) + "log: {level: warn}\n"); !strings.Contains(text,
			"the audit policy is invalid") || !holds() || s.level.Level() != slog.LevelInfo || s.tickets.now.Load() != nil {
			t.Errorf("a wrong policy: %q, the privilege is there: %t", text, holds())
		}
		caches = append(caches, check.Must(os.Stat(filepath.Join(cfg.State, "kerberos.replay"))))
	}
	check.That(t, os.SameFile(caches[0], caches[1]), "K-82: a second reload that failed opened another replay cache")
	check.NoError(t, os.Remove(filepath.Join(dir, "state", "audit", "policy.txt")))
	if text := reload("log: {level: error}\n"); text != "" || holds() || s.level.Level() != slog.LevelError ||
		s.System().Audit().Policy.Load().Spec().Options.CrashOnAuditFail != audit.FailOnAuditFail {
		t.Errorf("reloaded: %q, the privilege is there: %t", text, holds())
	}
	numbered("after a reload without the directory file", "")
	var values []string
	for _, e := range trailOf(t, cfg.State) {
		if value, _ := e.Field("CrashOnAuditFailValue"); e.ID == 4906 {
			values = append(values, value)
		}
	}
	check.That(t, slices.Equal(values, []string{"0", "1"}), "U-85: recorded changes of CrashOnAuditFail %q, want 0 and 1",
		values)
}

// TestReloadNamesKeysThatNeedRestart checks that a reload logs the keys that it does not apply, and no others. The
// start and each reload log a key that names no user.
func TestReloadNamesKeysThatNeedRestart(t *testing.T) {
	p := build(t)
	p.configure("limits: {perUser: 7}\nroot: no-such-user\n")
	cmd, end := p.serve()
	defer end()
	const applied = "root: no-such-user\nprivileges: {4711: [SeImpersonatePrivilege]}\nadministrators: [4711]\n" +
		"log: {level: debug}\naudit: {required: false, policy: {Logon: both}}\n"
	p.configure("limits: {perUser: 7}\n" + applied)
	p.reload(cmd, "msg=reloaded")
	check.That(t, !strings.Contains(p.log.text(), "restart refmond"), "a reload does not apply a key that is marked so")
	p.configure("startAs: true\nlimits: {perUser: 8}\n" + strings.Replace(applied, "audit: {", "audit: {age: 3, ", 1))
	p.reload(cmd, `restart refmond" keys="startAs, limits, audit"`)
	check.Equal(t, strings.Count(p.log.text(), `no-such-user\" is not a user`), 3, "lines about root, in %s", p.log.text())
}

// TestManyReloadsDoNotDropStop sends many SIGHUP and then SIGTERM while a reload waits for its configuration. refmond
// stops after the reload.
func TestManyReloadsDoNotDropStop(t *testing.T) {
	p := build(t)
	cmd, end := p.serve()
	text := check.Must(os.ReadFile(p.config))
	later := p.config + ".later"
	check.NoError(t, errors.Join(os.Rename(p.config, later), unix.Mkfifo(p.config, 0o600),
		cmd.Process.Signal(unix.SIGHUP)))
	pipe := check.Must(os.OpenFile(p.config, os.O_WRONLY, 0)) // returns when the reload reads
	check.NoError(t, os.Rename(later, p.config))
	for range 1000 { // the kernel merges pending signals of one kind
		check.NoError(t, cmd.Process.Signal(unix.SIGHUP))
	}
	check.NoError(t, cmd.Process.Signal(unix.SIGTERM))
	check.Must(pipe.Write(text))
	check.NoError(t, pipe.Close())
	p.log.await(t, 0, "msg=stopping signal=terminated")
	end()
}
