package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// logOn requests a logon from the daemon.
func logOn(c *client.Conn, message uint32, name, password string, typ winnt.LogonType) (user string,
	level winnt.SecurityImpersonationLevel, st, sub ntstatus.Status) {
	th := c.Thread()
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: typ, AuthenticationInformation: nt.LogonInformation{
		MessageType: message, UserName: name, Password: logon.Secret(password)}})
	if st != ntstatus.Success {
		return "", 0, st, out.SubStatus
	}
	v, st := th.NtQueryInformationToken(out.Token, winnt.TokenUser)
	if st == ntstatus.Success {
		user = v.(token.Group).SID.String()
	}
	if v, st := th.NtQueryInformationToken(out.Token, winnt.TokenImpersonationLevel); st == ntstatus.Success {
		level = v.(winnt.SecurityImpersonationLevel)
	}
	return user, level, st, th.NtClose(out.Token)
}

// TestAccountCommandsTakeEffectAtOnce changes accounts of a running refmond and logs on with them. Passwords come from
// standard input and appear in no output (L-1, L-38). Only administrators may use the commands (L-52).
func TestAccountCommandsTakeEffectAtOnce(t *testing.T) {
	p := build(t)
	p.serve()
	p.must("hunter2\n", "add", "alice", "--password", "--full-name", "Alice")
	p.must("", "add", "bob", "--uid", "54321", "--disabled")
	p.must("", "set", "bob", "--full-name", "Robert")
	p.must("", "group", "add", "staff")
	p.must("", "group", "join", "staff", "alice")
	p.must("", "right", "grant", "staff", "SeImpersonatePrivilege", "SeBatchLogonRight")
	list := p.must("", "list") + p.must("", "group", "list") + p.must("", "right", "list") + p.must("", "export")
	for _, want := range []string{"alice", "bob", "54321", "Robert", "disabled", "staff", `HOST\alice`,
		"SeImpersonatePrivilege"} {
		check.That(t, strings.Contains(list, want), "the lists lack %q:\n%s, want text containing %q", want, list, want)
	}
	check.That(t, !strings.Contains(list, "argon2") && !strings.Contains(list, "hunter2"),
		"a secret is listed (L-38):\n%s", list)
	c := p.dial(p.socket)
	batch, network := winnt.LOGON32_LOGON_BATCH, winnt.LOGON32_LOGON_NETWORK
	user, _, st, _ := logOn(c, nt.InteractiveLogon, "alice", "hunter2", batch)
	check.That(t, st == ntstatus.Success && strings.HasSuffix(user, "-1001"),
		`alice logs on: %s, %v, want text ending with "-1001", %v`, user, st, ntstatus.Success)
	if _, level, st, _ := logOn(c, nt.S4ULogon, "alice", "", network); st != ntstatus.Success ||
		level != winnt.SecurityIdentification {
		t.Errorf("S4U without SeTcbPrivilege: %v, %v (L-36), want %v, %v", level, st, winnt.SecurityIdentification,
			ntstatus.Success)
	}
	p.must("w0rd\n", "add", "carol", "--disabled", "--password")
	if _, _, st, sub := logOn(c, nt.InteractiveLogon, "carol", "w0rd", network); st != ntstatus.AccountRestriction ||
		sub != ntstatus.AccountDisabled {
		t.Errorf("an account that was created locked: %v, %v, want %v, %v", st, sub, ntstatus.AccountRestriction,
			ntstatus.AccountDisabled)
	}
	p.must("", "lock", "alice")
	if _, _, st, sub := logOn(c, nt.InteractiveLogon, "alice", "hunter2", batch); st != ntstatus.AccountRestriction ||
		sub != ntstatus.AccountDisabled {
		t.Errorf("a locked account: %v, %v, want %v, %v", st, sub, ntstatus.AccountRestriction,
			ntstatus.AccountDisabled)
	}
	p.must("", "unlock", "alice")
	p.must("n3wer-one\n", "passwd", "alice")
	for password, want := range map[string]ntstatus.Status{"hunter2": ntstatus.LogonFailure, "n3wer-one": 0} {
		_, _, st, _ := logOn(c, nt.InteractiveLogon, "alice", password, batch)
		check.Equal(t, st, want, "after passwd, by %s", password)
	}
	if _, err := admin.Ask(c.Administer, admin.Request{Do: admin.DeleteAccount, Name: "alice"}); !errors.Is(err,
		ntstatus.AccessDenied.Err()) {
		t.Errorf("the limited token of an administrator deletes an account: %v (L-52)", err)
	}
	p.must("", "right", "revoke", "staff", "SeBatchLogonRight")
	p.must("", "group", "leave", "staff", "alice")
	if list := p.must("", "right", "list") + p.must("", "group", "list"); strings.Contains(list, `HOST\alice`) ||
		!strings.Contains(list, "staff") || strings.Contains(list, "SeImpersonatePrivilege SeBatchLogonRight\n") {
		t.Errorf("after leaving and revoking:\n%s", list)
	}
	p.must("", "group", "delete", "staff")
	if list := p.must("", "group", "list"); strings.Contains(list, "staff") {
		t.Errorf("after deleting the group:\n%s, want text without \"staff\"", list)
	}
	p.refusals()
	p.must("", "group", "leave", "Administrators", fmt.Sprint("S-1-22-1-", os.Getuid()))
	if _, err := p.account("", "list"); err == nil || !strings.Contains(err.Error(), "only an administrator with a full") {
		t.Errorf("L-52: not an administrator: %v, want an error that names the required right", err)
	}
}

// TestWhyAsksForUsers checks that refmon why --as gets the groups of an account from the running refmond, at the given
// socket or the default one. An account that may not log on is an error, and an unknown one is looked up on the host
// (B-85).
func TestWhyAsksForUsers(t *testing.T) {
	p := build(t)
	programs.Install(t, p.dir, "refmon")
	_, end := p.serve()
	defer end()
	p.must("", "add", "alice")
	p.must("", "add", "chief")
	p.must("", "group", "add", "staff")
	p.must("", "group", "join", "staff", "alice")
	p.must("", "group", "join", "Administrators", "chief")
	plan := filepath.Join(p.dir, "plan")
	check.NoError(t, os.WriteFile(plan, nil, 0o644))
	refmon := func(socket string, args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(p.dir, "refmon"), args...)
		cmd.Env = append(os.Environ(), "REFMON_SOCKET="+socket)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	none := filepath.Join(p.dir, "none")
	if out, err := refmon(none, "acl", "set", "--offline", "--attribute", "user.NTACL", plan,
		"O:BAG:SYD:(A;;FA;;;BA)"); err != nil {
		t.Skipf("no attribute of users can be set in %s: %s%v", plan, out, err)
	}
	if out, err := refmon(none, "acl", "grant", "--offline", "--attribute", "user.NTACL", "--undo-file", plan+".undo",
		"--names-from", p.socket, plan, "staff:read"); err != nil {
		t.Fatal(out, err)
	}
	for _, c := range []struct{ socket, as, more, want string }{
		{none, "alice", p.socket, "from refmond) asks"},
		{none, "HOST\\alice", p.socket, "GRANTED: HOST"},
		{p.socket, "alice", "", "HOST\\staff  +  +"},
		{p.socket, "chief", "", "DENIED STATUS_ACCESS_DENIED: chief"}, // the limited token
		{none, "alice", "", `the host has no user "alice"`},
		{p.socket, "zoe", "", `the host has no user "zoe"`},
	} {
		args := []string{"why", plan, "--attribute", "user.NTACL", "--as", c.as}
		if c.more != "" {
			args = append(args, "--names-from", c.more)
		}
		if out, _ := refmon(c.socket, args...); !strings.Contains(out, c.want) {
			t.Errorf("B-85: why --as %s: %s, want text containing %q", c.as, out, c.want)
		}
	}
	p.must("", "lock", "alice")
	if out, err := refmon(p.socket, "why", plan, "--attribute", "user.NTACL", "--as", "alice"); err == nil ||
		!strings.Contains(out, `refmond refuses "alice"`) {
		t.Errorf("B-85: why of a locked account: %s, %v, want a refusal by refmond", out, err)
	}
}

// refusals sends requests that refmond rejects, and checks the messages.
func (p *program) refusals() {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"another account or group has this name", []string{"add", "ALICE"}},
		{"no account has that name", []string{"delete", "zoe"}},
		{"uid 0", []string{"set", "alice", "--uid", "0"}},
		{"no account or group", []string{"group", "join", "staff", "zoe-who-is-not-there"}},
		{"SeNoSuchPrivilege", []string{"right", "grant", "alice", "SeNoSuchPrivilege"}},
		{"the input is empty", []string{"passwd", "alice"}}, {"the input is empty", []string{"add", "dora", "--password"}},
		{"no such file", []string{"import", filepath.Join(p.dir, "none")}},
		{"no account has that name", []string{"set", "dora", "--no-uid"}}, // the failed command added no account
		{"only an administrator with a full token", []string{"--socket", p.socket, "list"}},
		{"run this as an administrator at adminSocket", []string{"--socket", p.socket, "lock", "alice"}},
		{"can't be used together", []string{"set", "alice", "--uid", "7", "--no-uid"}},
	} {
		if _, err := p.account("", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			p.Errorf("account %q: %v, want %q", c.args, err, c.want)
		}
	}
}

func (p *program) key(backup string) string {
	p.Helper()
	files, err := unpack(backup)
	check.RequireThat(p, err == nil && len(files) == 3, "%d files, %v, want 3, nil", len(files), err)
	return string(files[backedKey])
}
