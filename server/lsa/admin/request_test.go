package admin_test

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestEachRequestIsRecorded checks that each request makes exactly the changes that it names, recorded under the
// token's user (L-50).
func TestEachRequestIsRecorded(t *testing.T) {
	var changes []lsa.Change
	var refused error
	s := check.Must(lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1},
		Audit:    func(c lsa.Change) error { changes = append(changes, c); return refused }}))
	t.Cleanup(func() { _ = s.Close() })
	boss := sid.MustParse("S-1-5-21-7-7-7-1105")
	a := &asker{t, admin.Answerer{Store: s}, newToken(t, token.Administrator(boss))}
	for _, c := range []struct {
		r    admin.Request
		want string
	}{
		{admin.Request{Do: admin.AddAccount, Name: "alice", UID: new(uint32(7)), FullName: new("A"), Disabled: true},
			"account created alice M-1001"},
		{admin.Request{Do: admin.AddAccount, Name: "bob", Password: "word"},
			"account created bob M-1002; password set bob "},
		{admin.Request{Do: admin.SetAccount, Name: "ALICE", NewName: new("alix")}, "account changed alice name alix"},
		{admin.Request{Do: admin.SetPassword, Name: "alix", Password: "word", NewName: new("x")}, "password set alix "},
		{admin.Request{Do: admin.Unlock, Name: "alix", Disabled: true}, "account changed alix enabled"},
		{admin.Request{Do: admin.Lock, Name: "alix"}, "account changed alix disabled"},
		{admin.Request{Do: admin.AddGroup, Name: "team", UID: new(uint32(8)), Member: "bob"}, "group created team M-1003"},
		{admin.Request{Do: admin.AddMember, Name: "team", Member: "bob"}, "member added team M-1002"},
		{admin.Request{Do: admin.AddMember, Name: "team", Member: "bob"}, ""},
		{admin.Request{Do: admin.RemoveMember, Name: "team", Member: "alix"}, ""},
		{admin.Request{Do: admin.RemoveMember, Name: "team", Member: "bob"}, "member removed team M-1002"},
		{admin.Request{Do: admin.Grant, Name: "team", Rights: []string{"SeBatchLogonRight", "SeBackupPrivilege"}},
			"right granted M-1003 SeBackupPrivilege; right granted M-1003 SeBatchLogonRight"},
		{admin.Request{Do: admin.Revoke, Name: "team", Rights: []string{"SeBatchLogonRight", "SeDebugPrivilege"}},
			"right revoked M-1003 SeBatchLogonRight"},
		{admin.Request{Do: admin.DeleteGroup, Name: "team"}, "group deleted team M-1003"},
		{admin.Request{Do: admin.DeleteAccount, Name: "bob"}, "account deleted bob M-1002"},
		{admin.Request{Do: admin.Import, File: "version: 1\naccounts: [{name: alix, rid: 1001, uid: 7, fullName: A, " +
			"disabled: true}]\ngroups: [{name: Users, sid: S-1-5-32-545, members: [INTERACTIVE]}]\n" +
			"rights: []\nidMaps: []\n"}, "group deleted"},
		{admin.Request{Do: admin.Export}, ""}, {admin.Request{Do: admin.ListAccounts}, ""},
	} {
		changes = nil
		check.Equal(t, check.Err(admin.Ask(a.send, c.r)), nil, "%+v", c.r)
		var got []string
		for _, x := range changes {
			check.That(t, x.By == boss.String(), "L-50: %+v is in the name of another", x)
			got = append(got, strings.Join([]string{x.What, x.Subject, x.Detail}, " "))
		}
		text := machine.ReplaceAllString(strings.Join(got, "; "), "M")
		if c.r.Do == admin.Import && strings.HasPrefix(text, c.want) &&
			strings.Contains(text, "member removed Users S-1-5-11") {
			continue // TestExportAndImportRoundTrip checks each difference
		}
		check.Equal(t, text, c.want, "L-50: %s", c.r.Do)
	}
	check.Equal(t, a.list(admin.ListAccounts), "alix M-1001 7 disabled A\n", "accounts in the end")
	guess := func() ntstatus.Status {
		return check.Status(s.LogonPassword("alix", "guess", winnt.LOGON32_LOGON_NETWORK))
	}
	for range 1000 {
		if guess() != ntstatus.LogonFailure {
			break
		}
	}
	refused = errors.ErrUnsupported
	check.That(t, check.Err(admin.Ask(a.send, admin.Request{Do: admin.Unlock, Name: "alix"})) != nil &&
		guess() == ntstatus.AccountLockedOut, "L-37: an unlock that cannot be recorded: want an error and a locked name")
}

// TestUnlockReopensAccount checks that unlock reopens an account locked by failures or by an administrator, and that an
// unknown account is an error.
func TestUnlockReopensAccount(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice", Password: "word"})
	on := func() ntstatus.Status {
		_, st := a.Store.LogonPassword("alice", "word", winnt.LOGON32_LOGON_NETWORK)
		return st
	}
	for i := range 100 { // from as many addresses (L-31)
		a.Store.LogOn(logon.Request{Package: logon.Password, Type: winnt.LOGON32_LOGON_NETWORK, Name: "alice",
			Password: "guess", Origin: fmt.Sprint("192.0.2.", i)})
	}
	a.checkRow(admin.ListAccounts, "alice M-1001 - locked out -", true)
	for _, c := range []struct {
		do   admin.Do
		want ntstatus.Status
	}{{admin.Lock, ntstatus.AccountLockedOut}, {admin.Unlock, ntstatus.Success}, {admin.Lock, ntstatus.AccountDisabled},
		{admin.Lock, ntstatus.AccountDisabled}, {admin.Unlock, ntstatus.Success}, {admin.Unlock, ntstatus.Success}} {
		a.must(admin.Request{Do: c.do, Name: "alice"})
		check.Equal(t, on(), c.want, "%s", c.do)
	}
	// An invalid password is rejected, and the account is not added.
	if _, err := admin.Ask(a.send, admin.Request{Do: admin.AddAccount, Name: "bob",
		Password: admin.Password(strings.Repeat("p", 1025))}); err == nil ||
		!strings.Contains(err.Error(), "1 to 1024 bytes") {
		t.Errorf("a long password: %v", err)
	}
	check.Equal(t, a.list(admin.ListAccounts), "alice M-1001 - active -\n", "accounts in the end")
	check.Equal(t,
		check.Status(a.Store.LogOn(logon.Request{Package: logon.S4U, Name: "bob", Type: winnt.LOGON32_LOGON_NETWORK})),
		ntstatus.NoSuchUser, "bob")
}

// TestTextNotInUTF8IsRejected checks that Ask rejects text that is not UTF-8 and sends nothing. JSON encoding would
// change the name or password.
func TestTextNotInUTF8IsRejected(t *testing.T) {
	for field, r := range map[string]admin.Request{
		"name":      {Do: admin.AddAccount, Name: "p\xe4ul"},
		"new name":  {Do: admin.SetAccount, Name: "alice", NewName: new("p\xe4ul")},
		"full name": {Do: admin.AddAccount, Name: "alice", FullName: new("p\xe4ul")},
		"password":  {Do: admin.SetPassword, Name: "alice", Password: "p\xe4ssword"},
		"member":    {Do: admin.AddMember, Name: "team", Member: "p\xe4ul"},
		"file":      {Do: admin.Import, File: "accounts: [{name: p\xe4ul}]"},
	} {
		_, err := admin.Ask(func([]byte) ([]byte, error) { t.Errorf("%s was sent", field); return nil, nil }, r)
		check.That(t, err != nil && err.Error() == field+": it is not UTF-8", "%s: error %v", field, err)
	}
}

// asker sends requests to its own store as LocalSystem.
type asker struct {
	*testing.T
	admin.Answerer
	by *token.Token
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	return &asker{t, admin.Answerer{Store: open(t)}, newToken(t, token.LocalSystem())}
}

func (a *asker) send(b []byte) ([]byte, error) {
	out, st := a.Answer(a.by, b)
	return out, st.Err()
}

// must sends a request that must succeed.
func (a *asker) must(r admin.Request) {
	a.Helper()
	if out, err := admin.Ask(a.send, r); err != nil || len(out.Data) > 0 || out.More || out.Revision != "" {
		a.Errorf("%+v: %+v, %v, want no data, no more parts, no revision, no error", r, out, err)
	}
}

// machine is the computer's part of a SID.
var machine = regexp.MustCompile(`S-1-5-21-\d+-\d+-\d+`)

// list returns the rows of a list without the heads, with M for the computer's SID and
// one blank between cells.
func (a *asker) list(do admin.Do) string {
	a.Helper()
	text, err := admin.Fetch(a.send, admin.Request{Do: do})
	check.NoError(a, err)
	_, rows, _ := strings.Cut(machine.ReplaceAllString(string(text), "M"), "\n")
	return regexp.MustCompile(` +`).ReplaceAllString(rows, " ")
}

// checkRow checks whether a list has a row.
func (a *asker) checkRow(do admin.Do, row string, want bool) {
	a.Helper()
	if got := a.list(do); strings.Contains("\n"+got, "\n"+row+"\n") != want {
		a.Errorf("%s: %q in it: want %t\n%s", do, row, want, got)
	}
}

// TestRequestChangesOnlyNamedFields checks that each request about an account changes only the fields that it names.
func TestRequestChangesOnlyNamedFields(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice", UID: new(uint32(1000)), FullName: new("Alice \x1b A")})
	a.must(admin.Request{Do: admin.AddAccount, Name: "bob", Disabled: true, Password: "Long enough 1!"})
	a.must(admin.Request{Do: admin.AddAccount, Name: "carol", UID: new(uint32(1003)), Password: "Long enough 1!"})
	const bob, carol = "bob M-1002 - disabled -\n", "carol M-1003 1003 active -\n"
	accounts := func(want string) {
		t.Helper()
		got := a.list(admin.ListAccounts)
		if i := strings.Index(got, "M-1001"); i < 0 || got[strings.LastIndex(got[:i], "\n")+1:] != want {
			t.Errorf("accounts:\n%s\nwant at the end\n%s", got, want)
		}
	}
	accounts("alice M-1001 1000 no password Alice \ufffd A\n" + bob + carol)
	a.must(admin.Request{Do: admin.Lock, Name: "alice"})
	accounts("alice M-1001 1000 disabled Alice \ufffd A\n" + bob + carol)
	a.must(admin.Request{Do: admin.Unlock, Name: "alice"})
	a.must(admin.Request{Do: admin.SetPassword, Name: "alice", Password: "Long enough 2!"})
	a.must(admin.Request{Do: admin.SetAccount, Name: "alice", NewName: new("ALIX"), UID: new(uint32(1010))})
	accounts("ALIX M-1001 1010 active Alice \ufffd A\n" + bob + carol)
	a.must(admin.Request{Do: admin.SetAccount, Name: "alix", FullName: new("A B")})
	accounts("ALIX M-1001 1010 active A B\n" + bob + carol)
	a.must(admin.Request{Do: admin.SetAccount, Name: "alix", NoUID: true, FullName: new("")})
	accounts("ALIX M-1001 - active -\n" + bob + carol)
	a.must(admin.Request{Do: admin.DeleteAccount, Name: "bob"})
	accounts("ALIX M-1001 - active -\n" + carol)
}

// TestMembersAndRightsAddAndRemove adds and removes members and rights one by one.
func TestMembersAndRightsAddAndRemove(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice"})
	a.must(admin.Request{Do: admin.AddGroup, Name: "team", UID: new(uint32(77))})
	a.checkRow(admin.ListGroups, "team M-1002 77 - -", true)
	a.must(admin.Request{Do: admin.AddMember, Name: "team", Member: "alice"})
	a.must(admin.Request{Do: admin.AddMember, Name: "team", Member: "S-1-5-21-9-9-9-1000"})
	a.checkRow(admin.ListGroups, `team M-1002 77 HOST\alice M-1001`, true)
	a.checkRow(admin.ListGroups, `team M-1002 77 - M-1000`, true) // an account of another domain
	a.checkRow(admin.ListGroups, "team M-1002 77 - -", false)
	a.must(admin.Request{Do: admin.RemoveMember, Name: "team", Member: "alice"})
	a.checkRow(admin.ListGroups, `team M-1002 77 HOST\alice M-1001`, false)
	a.checkRow(admin.ListGroups, `team M-1002 77 - M-1000`, true)
	a.must(admin.Request{Do: admin.Grant, Name: "team", Rights: []string{"SeBackupPrivilege", "SeBatchLogonRight",
		"SeRestorePrivilege"}})
	a.checkRow(admin.ListRights, `HOST\team M-1002 SeBackupPrivilege SeRestorePrivilege SeBatchLogonRight`, true)
	logons := []string{"SeDenyBatchLogonRight", "SeDenyServiceLogonRight"}
	for _, do := range []admin.Do{admin.Grant, admin.Revoke} {
		a.must(admin.Request{Do: do, Name: "team", Rights: logons})
		for _, right := range logons {
			held := strings.Contains(a.list(admin.ListRights), right)
			check.Equal(t, held, do == admin.Grant, "%s after %s", right, do)
		}
	}
	a.must(admin.Request{Do: admin.Revoke, Name: "team", Rights: []string{"SeBackupPrivilege"}})
	a.checkRow(admin.ListRights, `HOST\team M-1002 SeRestorePrivilege SeBatchLogonRight`, true)
	a.must(admin.Request{Do: admin.Revoke, Name: "team", Rights: []string{"SeBatchLogonRight", "SeRestorePrivilege"}})
	got := a.list(admin.ListRights)
	check.That(t, !strings.Contains(got, "team") && !strings.Contains(got, " -\n"), "rights:\n%s", got)
	a.must(admin.Request{Do: admin.DeleteGroup, Name: "team"})
	got = a.list(admin.ListGroups)
	check.That(t, !strings.Contains(got, "team") && strings.Contains(got, "Administrators"), "groups:\n%s", got)
}

// TestInvalidAdminRequestChangesNothing checks that an impossible request returns a readable message and changes
// nothing.
func TestInvalidAdminRequestChangesNothing(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice"})
	before, _, err := a.Store.Revision()
	check.NoError(t, err)
	for _, c := range []struct {
		r    admin.Request
		want string
	}{
		{admin.Request{}, `unknown request ""`}, {admin.Request{Do: "dance"}, `unknown request "dance"`},
		{admin.Request{Do: admin.DeleteGroup, Name: "nosuch"}, `"nosuch": no account or group has that name`},
		{admin.Request{Do: admin.AddMember, Name: "nosuch", Member: "alice"}, `"nosuch"`},
		{admin.Request{Do: admin.AddMember, Name: "Administrators", Member: "nosuch"}, `"nosuch"`},
		{admin.Request{Do: admin.RemoveMember, Name: "Administrators", Member: "nosuch"}, `"nosuch"`},
		{admin.Request{Do: admin.DeleteGroup, Name: "alice"}, "no such group"},
		{admin.Request{Do: admin.DeleteGroup, Name: "Administrators"}, "no such group"},
		{admin.Request{Do: admin.AddMember, Name: "alice", Member: "Administrators"}, "no group has that SID"},
		{admin.Request{Do: admin.RemoveMember, Name: "alice", Member: "Administrators"}, "no group has that SID"},
		{admin.Request{Do: admin.RemoveMember, Name: "nosuch", Member: "alice"}, `"nosuch"`},
		{admin.Request{Do: admin.Revoke, Name: "nosuch", Rights: []string{"SeBackupPrivilege"}}, `"nosuch"`},
		{admin.Request{Do: admin.Revoke, Name: "alice", Rights: []string{"SeGodPrivilege"}}, "SeGodPrivilege"},
		{admin.Request{Do: admin.Grant, Name: "alice"}, "no right: name one"},
		{admin.Request{Do: admin.Revoke, Name: "alice"}, "no right: name one"},
		{admin.Request{Do: admin.Grant, Name: "alice", Rights: []string{"SeBackupPrivilege", "SeGodPrivilege"}},
			"SeGodPrivilege"},
		{admin.Request{Do: admin.Lock, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.Unlock, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.SetPassword, Name: "nosuch", Password: "Long enough 1!"}, "nosuch"},
		{admin.Request{Do: admin.DeleteAccount, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.SetAccount, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.AddAccount, Name: "ALICE"}, "ALICE"},
		{admin.Request{Do: admin.Import, File: "nonsense: 1\n"}, "nonsense"},
	} {
		if out, err := admin.Ask(a.send, c.r); err == nil || !strings.Contains(err.Error(), c.want) || out.Data != nil {
			t.Errorf("%+v: %+v, %v, want %s", c.r, out, err, c.want)
		}
	}
	if out, st := a.Answer(a.by, []byte(`{"do":"account list","nonsense":1}`)); st != ntstatus.Success ||
		!strings.Contains(string(out), "nonsense") {
		t.Errorf(`an unknown field: %s, %v, want %v and a response that names "nonsense"`, out, st, ntstatus.Success)
	}
	// An offset before the start or beyond the end is the client's error.
	for _, do := range []admin.Do{admin.Export, admin.ListAccounts, admin.ListGroups, admin.ListRights, admin.BackupStore,
		admin.BackupKey, admin.BackupPublic} {
		for _, at := range []int64{-1, math.MinInt64, math.MaxInt64} {
			if out, err := admin.Ask(a.send, admin.Request{Do: do, Offset: at}); err == nil && at > 0 && len(out.Data) > 0 {
				t.Errorf("%s from %d: %d bytes", do, at, len(out.Data))
			}
		}
	}
	if after, _, err := a.Store.Revision(); err != nil || after != before {
		t.Errorf("the store changed: %d, was %d, %v, want %d, nil", after, before, err, before)
	}
}
